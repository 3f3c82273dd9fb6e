"""The road of the mobile pilot through Dagster: both halves, and an office that only has delivered flows."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE, mobile, mobile_people, mobile_presence, mobile_tourism, tables_of
from ons_assets.lakehouse import gate, lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.settings import Settings
from ons_assets.simulate.mobile import Scale, simulate_mobile

TABLES = (*tables_of(mobile), *tables_of(mobile_presence), *tables_of(mobile_people), *tables_of(mobile_tourism))
# Half of it is autumn, and half winter.
WORLD = Scale("tiny", 2_500, date(2014, 11, 27), 8, 4.0, 6.0, True, travels=True)
OUTSIDE = (
    "mobile/aggregated_flows",
    "mobile/weighted_flows",
    "mobile/flow_comparison",
    "mobile/combined_flows",
    "mobile/combined_population",
)
INSIDE = (
    "mobile/cells",
    "mobile/devices",
    "mobile/phone_events",
    "mobile/device_anchors",
    "mobile/daily_permanence",
    "mobile/device_places",
    "mobile/midterm_permanence",
    "mobile/longterm_permanence",
    "mobile/usual_places",
    "mobile/device_weights",
    "mobile/time_segments",
    "mobile/tourism_trips",
    "mobile/tourism_stays",
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate_mobile(folder / "drops", folder / "truth", scale=WORLD, seed=5)
    return folder


def make(home: Path, world: Path, sources: set[str] | None = None) -> Settings:
    settings = Settings(home=home, mobile={"release": {"k": 5}, "weighting": {"replicates": 20}})  # type: ignore[arg-type]
    operations.open_home(settings)
    for folder in sorted((world / "drops").iterdir()):
        if sources is None or folder.name in sources:
            operations.take(settings, sorted(folder.iterdir()), folder.name, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    outcome = operations.make(settings, ["mobile"], None, lambda _: None)
    assert outcome.success, outcome.failures
    return settings


@pytest.fixture(scope="module")
def settings(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make(tmp_path_factory.mktemp("both") / "home", world)


def rows(settings: Settings, name: str) -> pl.DataFrame:
    return lake.read(Home(settings.home), CATALOGUE[name]).collect()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_is_made_and_passes_its_suite(settings: Settings, table) -> None:
    frame = rows(settings, table.name)
    assert len(frame) > 0
    found = gate.audit(Suite.load(settings.expectations, table.name), table, table.conform(frame))
    assert not found.is_critical
    assert "could not be evaluated" not in found.reason


def test_what_the_world_got_wrong_is_counted(settings: Settings, world: Path) -> None:
    faults = (
        pl.read_parquet(world / "truth" / "faults.parquet")
        .select(pl.exclude("operator", "day").sum())
        .row(0, named=True)
    )
    quality = rows(settings, "mobile/event_quality")
    assert faults["lost_cell"] <= quality["unknown_cell"].sum() <= faults["lost_cell"] * 1.2
    assert quality["duplicates"].sum() == 0
    drops = operations.drops_by_status(settings)
    assert "refused" not in drops["status"]
    quarantined = pl.concat(map(pl.read_parquet, Home(settings.home).quarantine.rglob("*.rows.parquet")))
    repeated = int(quarantined["reason"].str.starts_with("repeats line ").sum())
    of_lost = faults["repeated"] - faults["repeated_good"]
    assert len(quarantined) - repeated == faults["no_device"] + faults["no_time"] + faults["outside"] + of_lost
    # Nobody wrote these twice: a device had two events in one second at one cell.
    assert repeated - faults["repeated_good"] == alike(world) - faults["repeated_good"] <= 3


def alike(world: Path) -> int:
    """Lines of events that say what another one says, whatever the form of the time, of those that can be read."""
    files = sorted((world / "drops" / "phone_events").iterdir())
    lines = pl.concat(pl.read_csv(path, infer_schema=False) for path in files).drop_nulls(["device", "time_utc"])
    time = pl.col("time_utc").str.replace("T", " ").str.replace("Z", "")
    inside = lines.with_columns(time).filter(pl.col("time_utc").str.starts_with("2014"))
    return len(inside) - len(inside.unique())


def test_no_number_of_a_device_is_anywhere_but_in_the_archive(settings: Settings, world: Path) -> None:
    device = pl.read_csv(world / "drops" / "devices" / "devices_north.csv")["device"][0]
    for table in TABLES:
        frame = rows(settings, table.name)
        for name in frame.select(pl.selectors.string()).columns:
            assert device not in set(frame[name]), (table.name, name)
    for path in Home(settings.home).quarantine.rglob("*.rows.parquet"):
        assert set(pl.read_parquet(path)["text"]) <= {""}


def test_nothing_leaves_the_operator_below_k(settings: Settings) -> None:
    flows = rows(settings, "mobile/operator_flows")
    assert flows["devices"].min() >= 5
    assert flows.filter(origin="all", destination="all")["suppressed_flows"].to_list() != [0]
    for name in INSIDE:
        assert CATALOGUE[name].sensitivity is Sensitivity.INDIVIDUAL
    for name in ("mobile/operator_flows", *OUTSIDE):
        assert CATALOGUE[name].sensitivity is Sensitivity.AGGREGATE


@pytest.mark.parametrize("name", ["mobile/usual_environment", "mobile/present_population"])
def test_no_number_of_devices_in_an_area_below_k_leaves(settings: Settings, name: str) -> None:
    told = rows(settings, name)
    assert told["devices"].min() >= 5
    other = [column for column in CATALOGUE[name].key if column != "area"]
    wholes = told.filter(area="all").select(*other, whole="devices")
    single = told.filter(pl.col("area") != "all")
    listed = single.group_by(other).agg(pl.col("devices").sum(), areas=pl.len().cast(pl.Int64()))
    left = listed.join(wholes, on=other).with_columns(left=pl.col("whole") - pl.col("devices"))
    # What is not listed is nothing for all that one can know, as each number is that of the nearest ten, or more.
    reach = 5 * (pl.col("areas") + 1)
    assert left.filter((pl.col("left") > reach) & (pl.col("left") < 5 + reach)).is_empty()
    assert left.filter(pl.col("left") < -reach).is_empty()
    assert len(left) > 3
    assert (told["devices"] % 10 == 0).all()


def test_probabilities_of_an_anchor_sum_to_one(settings: Settings) -> None:
    sums = rows(settings, "mobile/device_anchors").group_by("user", "anchor").agg(pl.col("probability").sum())
    assert sums["probability"].to_list() == pytest.approx([1] * len(sums))


def test_codes_of_another_year_are_current_in_the_estimate(settings: Settings) -> None:
    assert {"Z07000090", "Z07000091"} & set(rows(settings, "mobile/aggregated_flows")["origin"])
    assert not {"Z07000090", "Z07000091"} & set(rows(settings, "mobile/weighted_flows")["origin"])


def test_the_estimate_is_compared_and_drawn(settings: Settings) -> None:
    made = rows(settings, "mobile/flow_comparison")
    whole = made.filter(subject_type="all", measure="cpc")
    by_estimator = dict(whole.select("estimator", "value").rows())
    # With 2,500 people, most flows between districts are of a few of them.
    assert by_estimator["weighted"] > 0.65
    assert by_estimator["weighted"] > by_estimator["unweighted"]
    assert (Home(settings.home).reports / "mobile" / "flow_map.png").read_bytes().startswith(b"\x89PNG")


def test_an_office_starts_from_delivered_flows(world: Path, tmp_path: Path) -> None:
    office = {"aggregated_flows", "area_parts", "area_codes", "workers", "phone_market", "commuting_flows"}
    settings = make(tmp_path / "home", world, office)
    assert len(rows(settings, "mobile/weighted_flows")) > 0
    assert not lake.exists(Home(settings.home), CATALOGUE["mobile/operator_flows"])
    made = rows(settings, "mobile/flow_comparison")
    assert made.filter(estimator="weighted", subject_type="all", measure="cpc")["value"].item() > 0.65
