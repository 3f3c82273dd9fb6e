import errno
import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import dagster as dg
import pytest

from ons_assets import operations
from ons_assets.definitions import build_definitions, sensor_of_files
from ons_assets.intake import drops
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED, instance
from ons_assets.orchestration.sensors import SOURCE_TAG, worth_a_run
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Drops, Settings
from tests.orchestration.conftest import silent
from tests.run_files import PRICES, run_text, write_run

DAY = date(2016, 7, 21)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Daemon:
    """Ticks one sensor as the daemon does, with the cursor kept between the ticks."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cursor: str | None = None
        self.sensor = sensor_of_files(settings)

    @cached_property
    def definitions(self) -> dg.Definitions:
        """Of the home; most tests need none, and they take a second."""
        return build_definitions(self.settings)

    def tick(self) -> list[dg.RunRequest]:
        with instance(Home(self.settings.home)) as opened:
            context = dg.build_sensor_context(
                instance=opened, cursor=self.cursor, resources={"lakehouse": Lakehouse.of(self.settings)}
            )
            result = self.sensor(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return list(result.run_requests or [])

    def run(self, request: dg.RunRequest) -> None:
        """Do what a request asks for, in this process."""
        with instance(Home(self.settings.home)) as opened:
            job = self.definitions.resolve_job_def(str(request.job_name))
            job.execute_in_process(instance=opened, tags=dict(request.tags), raise_on_error=False, run_config=QUIET)

    def read(self) -> dg.RunRequest:
        """Tick, do the run that reads, tick again, and return the request for the run that publishes."""
        (reading,) = self.tick()
        assert reading.job_name == "read_prices"
        self.run(reading)
        (publishing,) = self.tick()
        assert publishing.job_name == "publish_prices"
        return publishing


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
    assert [request.job_name for request in requests] == ["read_prices"]
    assert dict(requests[0].tags) == {SOURCE_TAG: "prices"}
    assert drops_of(daemon.settings) == [("tesco_products_20160721050000.csv", Status.RECEIVED)]
    daemon.run(requests[0])
    assert drops_of(daemon.settings) == [("tesco_products_20160721050000.csv", Status.READ)]
    (publishing,) = daemon.tick()
    assert publishing.tags["dagster/asset_partition_range_start"] == "2016-07-21"
    assert publishing.tags[SOURCE_TAG] == "prices"
    daemon.run(publishing)
    assert drops_of(daemon.settings) == [("tesco_products_20160721050000.csv", Status.ACCEPTED)]
    assert daemon.tick() == []


def test_many_files_make_one_run_over_all_their_days(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    for day in (date(2016, 7, 21), date(2016, 7, 23), date(2016, 7, 30)):
        write_run(folder, "tesco", day)
    request = daemon.read()
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
    request = daemon.read()
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


def test_the_request_after_a_run_that_died_at_its_start_is_a_new_one(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    (first,) = daemon.tick()
    with instance(Home(daemon.settings.home)) as opened:
        run = opened.create_run_for_job(_job(), tags=dict(first.tags), status=UNFINISHED[-2])
        opened.report_run_failed(run)
    (second,) = daemon.tick()
    assert second.job_name == first.job_name
    assert second.run_key != first.run_key


def test_a_drop_over_which_runs_die_is_asked_for_again_and_then_refused(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    keys = [daemon.read().run_key, *(request.run_key for _ in range(2) for request in daemon.tick())]
    assert len(set(keys)) == 3
    assert daemon.tick() == []
    (drop,) = Ledger(Home(daemon.settings.home)).drops("prices")
    assert drop.status is Status.REFUSED
    assert drop.reason is not None
    assert "ended 3 runs" in drop.reason


def test_after_a_run_that_died_drops_are_tried_singly(daemon: Daemon) -> None:
    """The run over all dies, then that over one of them, always: only that one is condemned."""
    folder = Home(daemon.settings.home).drops / "prices"
    days = [date(2016, 7, day) for day in (21, 22, 23)]
    for day, price in zip(days, (0.1, 0.2, 0.3), strict=True):
        write_run(folder, "tesco", day, {name: each + price for name, each in PRICES.items()})
    tried = [_span_of(daemon.read())]
    while requests := daemon.tick():
        (request,) = requests
        tried.append(_span_of(request))
        if "2016-07-22" not in tried[-1]:
            daemon.run(request)
    assert tried[0] == ("2016-07-21", "2016-07-23")
    assert sorted(tried[1:]) == [(str(days[0]),) * 2, (str(days[1]),) * 2, (str(days[1]),) * 2, (str(days[2]),) * 2]
    assert [status for _, status in drops_of(daemon.settings)] == [Status.ACCEPTED, Status.REFUSED, Status.ACCEPTED]


def test_of_drops_of_one_day_the_last_is_condemned_and_the_others_are_tried_without_it(daemon: Daemon) -> None:
    folder = Home(daemon.settings.home).drops / "prices"
    for retailer in ("tesco", "waitrose"):
        os.utime(write_run(folder, retailer, DAY), (1_000_000_000 + len(retailer),) * 2)
    daemon.read()
    for _ in range(4):
        assert len(daemon.tick()) == 1
    (request,) = daemon.tick()
    assert [status for _, status in drops_of(daemon.settings)] == [Status.READ, Status.REFUSED]
    daemon.run(request)
    assert drops_of(daemon.settings)[0] == ("tesco_products_20160721050000.csv", Status.ACCEPTED)


def test_a_drop_over_which_a_run_died_has_its_turn_however_many_arrive(settings: Settings) -> None:
    ledger = Ledger(Home(settings.home))
    received = [ledger.receive("prices", f"{number}.csv", str(number), 1, datetime.now(UTC)) for number in range(3)]
    first, *others = [replace(drop, status=Status.READ) for drop in received]
    waiting = [replace(first, attempts=1), *others]
    turns = [worth_a_run(ledger, waiting, 3, runs) for runs in range(6)]
    assert turns.count(waiting[:1]) == 2
    assert turns.count(waiting[1:]) == 4
    # One that is condemned takes no turn from the others.
    assert worth_a_run(ledger, [replace(first, attempts=3), *others], 3, 0) == others


def test_a_condemned_drop_can_be_tried_again(daemon: Daemon) -> None:
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    daemon.read()
    for _ in range(3):
        daemon.tick()
    assert [status for _, status in drops_of(daemon.settings)] == [Status.REFUSED]
    again, (outcome,) = operations.retry(daemon.settings, [], silent)
    assert [drop.name for drop in again] == ["tesco_products_20160721050000.csv"]
    assert outcome.success
    assert drops_of(daemon.settings) == [("tesco_products_20160721050000.csv", Status.ACCEPTED)]


def test_a_look_reads_no_file(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        pytest.fail("a file was read")

    for name in ("read", "layout", "recognises"):
        monkeypatch.setattr(QuoteFiles, name, fail)
    write_run(Home(daemon.settings.home).drops / "prices", "tesco", DAY)
    assert len(daemon.tick()) == 1
    assert [status for _, status in drops_of(daemon.settings)] == [Status.RECEIVED]


def test_many_files_are_taken_some_at_a_look_in_order_and_all_of_them(daemon: Daemon) -> None:
    use(daemon, Drops(settle_seconds=0, files_per_look=7))
    names = leave_many(daemon, 30)
    counts = []
    for _ in range(5):
        daemon.tick()
        counts.append(len(drops_of(daemon.settings)))
    assert counts == [7, 14, 21, 28, 30]
    assert [name for name, _ in drops_of(daemon.settings)] == names


def test_a_look_takes_no_longer_than_it_may_and_one_file_at_least(daemon: Daemon) -> None:
    use(daemon, Drops(settle_seconds=0, seconds_per_look=1e-9))
    names = leave_many(daemon, 3)
    for number in range(1, 4):
        daemon.tick()
        assert [name for name, _ in drops_of(daemon.settings)] == names[:number]


def test_a_source_with_many_files_leaves_the_others_their_turn(daemon: Daemon) -> None:
    use(daemon, Drops(settle_seconds=0, seconds_per_look=1e-9))
    leave_many(daemon, 3)
    (Home(daemon.settings.home).drops / "cells" / "cells.csv").write_bytes(b"")
    sources = []
    for _ in range(4):
        daemon.tick()
        sources.append(Counter(drop.source for drop in Ledger(Home(daemon.settings.home)).drops()))
    assert [taken.total() for taken in sources] == [1, 2, 3, 4]
    assert sources[1] == {"prices": 1, "cells": 1}, "whichever was first, the other one followed"


def test_files_are_taken_while_a_run_is_at_work(daemon: Daemon) -> None:
    use(daemon, Drops(settle_seconds=0, files_per_look=2))
    leave_many(daemon, 4)
    with instance(Home(daemon.settings.home)) as opened:
        opened.create_run_for_job(_job(), tags={SOURCE_TAG: "prices"}, status=UNFINISHED[-2])
    assert [daemon.tick(), daemon.tick()] == [[], []]
    assert len(drops_of(daemon.settings)) == 4


def test_files_that_cannot_be_opened_now_keep_no_other_from_being_taken(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(daemon, Drops(settle_seconds=0, files_per_look=1))
    names = leave_many(daemon, 4)
    archive, away = drops.archive, names[:2]

    def locked(home: Home, source: str, path: Path) -> str:
        if path.name in away:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return archive(home, source, path)

    monkeypatch.setattr(drops, "archive", locked)
    for _ in range(2):
        daemon.tick()
    assert [name for name, _ in drops_of(daemon.settings)] == names[2:]
    away.clear()
    for _ in range(2):
        daemon.tick()
    assert [name for name, _ in drops_of(daemon.settings)] == [*names[2:], *names[:2]]


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


def use(daemon: Daemon, settings: Drops) -> None:
    daemon.settings = daemon.settings.model_copy(update={"drops": settings})


def leave_many(daemon: Daemon, count: int) -> list[str]:
    """Leave files of as many days, each changed a second after the one before; return their names in this order."""
    folder = Home(daemon.settings.home).drops / "prices"
    names = []
    for number in range(count):
        # The later a file came, the earlier its day: the order of their names is the other way round.
        path = write_run(folder, "tesco", DAY - timedelta(days=number))
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number))
        names.append(path.name)
    return names


def _span_of(request: dg.RunRequest) -> tuple[str, str]:
    return (
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    )


def _job() -> dg.JobDefinition:
    @dg.job
    def some_job() -> None:
        pass

    return some_job
