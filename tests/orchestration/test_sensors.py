import os
from datetime import date

import dagster as dg
import pytest

from ons_assets import operations
from ons_assets.definitions import build_definitions
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED, instance
from ons_assets.orchestration.sensors import SOURCE_TAG
from ons_assets.settings import Drops, Settings
from tests.orchestration.conftest import silent
from tests.run_files import PRICES, run_text, write_run

DAY = date(2016, 7, 21)


class Daemon:
    """Ticks one sensor as the daemon does, with the cursor kept between the ticks."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cursor: str | None = None
        sensors = build_definitions(settings).sensors or []
        self.sensor = next(sensor for sensor in sensors if sensor.name == "prices_drops")

    def tick(self) -> list[dg.RunRequest]:
        with instance(Home(self.settings.home)) as opened:
            context = dg.build_sensor_context(
                instance=opened, cursor=self.cursor, resources={"lakehouse": Lakehouse.of(self.settings)}
            )
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return list(result.run_requests or [])


@pytest.fixture
def daemon(settings: Settings) -> Daemon:
    return Daemon(settings)


def drops_of(settings: Settings) -> list[tuple[str, Status]]:
    return [(drop.name, drop.status) for drop in Ledger(Home(settings.home)).drops("prices")]


def test_a_file_is_taken_when_it_has_settled_and_asked_for_once(daemon: Daemon) -> None:
    daemon.settings = daemon.settings.model_copy(update={"drops": Drops(settle_seconds=0.05)})
    folder = Home(daemon.settings.home).drops / "prices"
    write_run(folder, "tesco", DAY)
    assert daemon.tick() == []
    assert drops_of(daemon.settings) == []
    requests = []
    while not requests:
        requests = daemon.tick()
    assert requests[0].tags["dagster/asset_partition_range_start"] == "2016-07-21"
    assert requests[0].tags[SOURCE_TAG] == "prices"
    assert len(drops_of(daemon.settings)) == 1


def test_many_files_make_one_run_over_all_their_days(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    for day in (date(2016, 7, 21), date(2016, 7, 23), date(2016, 7, 30)):
        write_run(folder, "tesco", day)
    (request,) = daemon.tick()
    assert request.tags["dagster/asset_partition_range_start"] == "2016-07-21"
    assert request.tags["dagster/asset_partition_range_end"] == "2016-07-30"


def test_what_was_read_is_never_asked_for_again_even_if_the_cursor_is_lost(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    assert len(daemon.tick()) == 1
    operations.read_waiting(daemon.settings, silent)
    assert daemon.tick() == []
    daemon.cursor = None
    assert daemon.tick() == []
    assert drops_of(daemon.settings) == [("tesco_products_20160721050000.csv", Status.ACCEPTED)]


def test_a_corrected_file_of_the_same_name_is_a_new_drop(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    path = write_run(folder, "tesco", DAY)
    daemon.tick()
    operations.read_waiting(daemon.settings, silent)
    path.write_text(run_text("tesco", DAY, {name: price + 1 for name, price in PRICES.items()}))
    (request,) = daemon.tick()
    assert request.tags["dagster/asset_partition_range_start"] == "2016-07-21"


def test_a_file_that_cannot_be_read_stops_no_other(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    (folder / "tesco_products_20160720050000.csv").write_bytes(b"")
    (folder / "a_folder").mkdir()
    write_run(folder, "waitrose", DAY)
    assert len(daemon.tick()) == 1
    assert dict(drops_of(daemon.settings)) == {
        "a_folder": Status.REFUSED,
        "tesco_products_20160720050000.csv": Status.REFUSED,
        "waitrose_products_20160721050000.csv": Status.RECEIVED,
    }


def test_a_run_at_work_is_waited_for(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    with instance(Home(daemon.settings.home)) as opened:
        run = opened.create_run_for_job(_job(), tags={SOURCE_TAG: "prices"}, status=UNFINISHED[-2])
        assert daemon.tick() == []
        opened.report_run_failed(run)
        assert len(daemon.tick()) == 1


def test_a_drop_over_which_runs_die_is_asked_for_again_and_then_refused(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    keys = [request.run_key for _ in range(3) for request in daemon.tick()]
    assert len(set(keys)) == 3
    assert daemon.tick() == []
    (drop,) = Ledger(Home(daemon.settings.home)).drops("prices")
    assert drop.status is Status.REFUSED
    assert drop.reason is not None
    assert "ended 3 runs" in drop.reason


def test_a_half_written_file_is_left_alone(daemon: Daemon) -> None:
    daemon.settings = daemon.settings.model_copy(update={"drops": Drops(settle_seconds=0.2)})
    folder = Home(daemon.settings.home).drops / "prices"
    path = write_run(folder, "tesco", DAY)
    for size in range(5):
        with path.open("a") as file:
            file.write(f"{size}")
        # A supplier whose clock runs ahead must make no difference.
        os.utime(path, (4_000_000_000 + size, 4_000_000_000 + size))
        assert daemon.tick() == []
    assert drops_of(daemon.settings) == []


def test_every_empty_file_is_a_fault_of_its_own(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    for hour in (4, 5):
        (folder / f"tesco_products_201607200{hour}0000.csv").write_bytes(b"")
    daemon.tick()
    assert [status for _, status in drops_of(daemon.settings)] == [Status.REFUSED, Status.REFUSED]
    assert len(operations.quarantined(daemon.settings)) == 2


def _job() -> dg.JobDefinition:
    @dg.job
    def some_job() -> None:
        pass

    return some_job
