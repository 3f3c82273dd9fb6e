"""The scorecard of a home with faults in its files, its history, and of the real quotes of 2016."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmarks import scorecard_alarms
from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import QUALITY_SCORECARD
from ons_assets.governance.register import UpdateCycle, register_of
from ons_assets.governance.scorecard import arrivals, contents
from ons_assets.governance.scorecard.checks import Repeats
from ons_assets.governance.scorecard.evaluation import NO_LONGER, evaluate, latest, new_rows
from ons_assets.governance.scorecard.judging import judged
from ons_assets.governance.scorecard.view import QUALITY
from ons_assets.lakehouse import gate, lake, warehouse
from ons_assets.lakehouse.tables import Catalogue, Column, Sensitivity, Table
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters
from ons_assets.simulate.prices.scales import NO_FAULTS, FaultCounts
from tests.run_files import PRICES, run_name, run_text
from tests.workbench import Workbench, provenance

BOUNDS = {"scorecard": ScorecardParameters(), "trend": TrendParameters(), "accuracy": AccuracyParameters()}
NOW = datetime(2016, 8, 2, 12, tzinfo=UTC)
SMALL = Catalogue([CATALOGUE["prices/raw_quotes"], CATALOGUE["governance/drop_ledger"], QUALITY_SCORECARD])


def evaluated(bench: Workbench, now: datetime = NOW) -> pl.DataFrame:
    register = register_of(bench.home)
    return evaluate(bench.home, bench.ledger.frame(), register, now, "Europe/London", catalogue=SMALL, **BOUNDS)


def keep(bench: Workbench, rows: pl.DataFrame) -> pl.DataFrame:
    """Publish rows of the history as the asset does, and return all of it."""
    suite = gate.Suite.load(bench.settings.expectations, QUALITY_SCORECARD.name)
    assert not gate.audit(suite, QUALITY_SCORECARD, QUALITY_SCORECARD.conform(rows)).failures
    replaced = lake.Among("evaluated_on", tuple(rows["evaluated_on"].unique()))
    lake.publish(bench.home, QUALITY_SCORECARD, rows.lazy(), provenance(), replaced)
    return lake.read(bench.home, QUALITY_SCORECARD).collect()


DAYS = [date(2016, 7, 21) + timedelta(days=n) for n in range(4)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Four days of one shop, of which the third came empty, and the second has a price of nothing."""
    bench = Workbench.at(tmp_path_factory.mktemp("scorecard"))
    for day in (DAYS[0], DAYS[1], DAYS[3]):
        prices = {**PRICES, "FREE LOAF": 0.0} if day == DAYS[1] else PRICES
        bench.register(run_name("tesco", day), run_text("tesco", day, prices).encode())
    bench.register(run_name("tesco", DAYS[2]), b"")
    bench.ingest()
    return bench


def one(frame: pl.DataFrame, measure: str, partition: str = "all", **where: str) -> dict[str, object]:
    [row] = frame.filter(measure=measure, partition_name=partition, table_name="prices/raw_quotes", **where).to_dicts()
    return row


def test_a_home_tells_of_its_files_its_rows_and_its_versions(bench: Workbench) -> None:
    found = evaluated(bench)
    assert one(found, "refused_files")["said"] == "25.0 % of the files were refused: 1 of them: the file is empty."
    assert one(found, "refused_files")["quality_status"] == "act"
    accepted = one(found, "accepted_share", str(DAYS[1]))
    assert (accepted["value"], accepted["quality_status"]) == (0.75, "act")
    assert "price is not positive" in str(accepted["said"])
    assert one(found, "outage_days", str(DAYS[2]))["said"] == "1 day in a row without data: none of 2016-07-23."
    assert "Retailers, through the office's scrapers" in str(one(found, "outage_days", str(DAYS[2]))["next_step"])
    assert one(found, "ledger_gap")["value"] == 0
    assert one(found, "explained_parts")["value"] == 1
    assert one(found, "rows_of_day", str(DAYS[0]), measured_of="all")["value"] == 3
    assert one(found, "stale_days")["quality_status"] == "not judged"
    assert set(found["dimension"]) >= {
        "completeness",
        "uniqueness",
        "consistency",
        "timeliness",
        "validity",
        "provenance",
    }
    assert found["table_version"].drop_nulls().unique().to_list() == [0]


def test_history_holds_what_differs_and_the_last_of_it_is_what_stands(bench: Workbench) -> None:
    found = evaluated(bench)
    first = new_rows(QUALITY_SCORECARD.empty(), found, NOW, "Europe/London")
    assert len(first) == len(found)
    kept = keep(bench, first)
    later = NOW + timedelta(hours=1)
    assert new_rows(kept, evaluated(bench, later), later, "Europe/London").is_empty()
    changed = found.with_columns(value=pl.when(measure="ledger_gap").then(0.5).otherwise("value"))
    without = changed.filter(pl.col("measure") != "repeated_files")
    new = new_rows(kept, without, later, "Europe/London")
    gone = found.filter(measure="repeated_files").height
    assert new.filter(said=NO_LONGER).height == gone > 0
    assert new.filter(measure="ledger_gap")["value"].to_list() == [0.5]
    assert len(new) == gone + 1
    everything = pl.concat([kept, new])
    assert len(latest(everything)) == len(found)
    assert latest(everything).filter(measure="ledger_gap")["value"].to_list() == [0.5]
    # And what is no longer measured is said once.
    assert new_rows(everything, without, later + timedelta(hours=1), "Europe/London").is_empty()


def test_the_database_shows_what_stands(bench: Workbench) -> None:
    found = evaluated(bench)
    kept = keep(bench, new_rows(QUALITY_SCORECARD.empty(), found, NOW, "Europe/London"))
    with duckdb.connect() as connection:
        warehouse.build(connection, bench.home, SMALL, views=[QUALITY])
    with duckdb.connect(bench.home.warehouse, read_only=True) as database:
        rows = database.execute("SELECT quality_status FROM quality").fetchall()
    assert len(rows) == len(latest(kept))
    statuses = [status for (status,) in rows]
    assert statuses == sorted(statuses, key=["act", "watch", "not judged", "good"].index)


def test_rows_that_were_lost_are_missed(bench: Workbench) -> None:
    table = CATALOGUE["prices/raw_quotes"]
    rows = lake.read(bench.home, table).collect()
    version = lake.latest(bench.home, table)
    assert version is not None
    assert version.provenance is not None
    lake.publish(bench.home, table, rows.head(6).lazy(), version.provenance)
    try:
        gap = one(evaluated(bench), "ledger_gap")
        assert (gap["value"], gap["quality_status"]) == (pytest.approx(1 / 3), "act")
        assert "6 rows, 9 of its files" in str(gap["said"])
    finally:
        lake.publish(bench.home, table, rows.lazy(), version.provenance)


# --- simulated worlds


def test_in_a_world_without_a_fault_nothing_is_red_and_with_faults_red_days_have_one() -> None:
    clean, _ = scorecard_alarms.world(7, NO_FAULTS, days=34)
    assert clean.filter(pl.col("measure") == "rows_of_day", pl.col("quality_status") == "good").height > 250
    assert not clean.filter(quality_status="act").height
    found, faults = scorecard_alarms.world(7, FaultCounts(), days=34)
    red = found.filter(measure="rows_of_day", quality_status="act")
    assert red.height > 0
    # Repeated rows and mistyped prices are of every day, and make none of them red.
    of_runs = faults.filter(pl.col("class").is_in([*scorecard_alarms.WHOLE_RUNS, "item_vanished", "shelf_renamed"]))
    assert set(red["day"]) <= set(of_runs["day"])
    assert of_runs["day"].n_unique() < 20


# --- the real quotes

TEXTS = ("store", "ons_item_name", "product_name", "units", "std_unit")
NUMBERS = ("item_price_num", "std_price")
SUPPLIED = Table(
    name="supplier/quotes",
    description="One quote as the pilot's scrapers wrote it.",
    columns=(
        Column("day", pl.Date(), "day of the run"),
        *(Column(name, pl.String(), name) for name in TEXTS),
        Column("ons_item_no", pl.String(), "item"),
        *(Column(name, pl.Float64(), name) for name in NUMBERS),
        Column("ml_prediction", pl.Int32(), "whether it is in scope"),
        Column("drop_sha256", pl.String(), "run file"),
        Column("line", pl.Int64(), "line"),
    ),
    key=("drop_sha256", "line"),
    partition_by=("day",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="files",
)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> pl.DataFrame:
    """The scorecard of the 334 runs of 2016 as their supplier wrote them, and of a ledger of their files."""
    folder = shared_data / "prices" / "ons_webscraped"
    quotes = pl.scan_parquet(folder / "quotes_2016.parquet").with_row_index("line")
    rows = quotes.with_columns(
        pl.col("ons_item_no").cast(pl.String),
        day=pl.col("run").str.slice(0, 8).str.to_date("%Y%m%d"),
        drop_sha256=pl.format("{} {}", "store", "run"),
    )
    observations = [
        contents.of_contents(
            SUPPLIED,
            rows.select(SUPPLIED.column_names),
            (),
            BOUNDS["scorecard"],
            is_raw=True,
            is_daily=True,
            is_of_runs=True,
        ),
        contents.of_repeats(Repeats(SUPPLIED.name, ("run", "store", "ons_item_name", "product_name")), rows),
        arrivals.of_files(of_runs(folder), {"prices": SUPPLIED.name}),
        arrivals.of_days(
            of_runs(folder),
            {"prices": SUPPLIED.name},
            {SUPPLIED.name: UpdateCycle(every="day", within_days=2)},
            date(2016, 11, 3),
            "Europe/London",
            BOUNDS["scorecard"],
        ),
    ]
    return judged(pl.concat(observations), {}, **BOUNDS)


def of_runs(folder: Path) -> pl.DataFrame:
    """The ledger as it would be: what is empty is refused, and what ends inside a record says so."""
    runs = pl.read_csv(folder / "runs_2016.csv", schema_overrides={"run": pl.String})
    day = pl.col("run").str.slice(0, 8).str.to_date("%Y%m%d")
    is_empty = pl.col("bytes") == 0
    return runs.select(
        source=pl.lit("prices"),
        file_name="file",
        status=pl.when(is_empty).then(pl.lit("refused")).otherwise(pl.lit("accepted")),
        local_days=pl.when(is_empty).then(pl.lit([], pl.List(pl.Date))).otherwise(pl.concat_list(day)),
        received_utc=(day + pl.duration(days=1)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        parsed_rows=pl.col("parsed_rows") + pl.col("malformed_rows"),
        accepted_rows="parsed_rows",
        rows_in_force="parsed_rows",
        usable_units=pl.lit(None, pl.Int64),
        expected_units=pl.lit(None, pl.Int64),
        reason=pl.when(is_empty)
        .then(pl.format("{} is empty", "file"))
        .when(pl.col("malformed_rows") > 0)
        .then(pl.lit("ends inside a record; 1 row: 1 fields where 19 are expected")),
    )


def test_the_known_faults_of_the_real_quotes_are_named_without_being_told(real: pl.DataFrame) -> None:
    asked = real.filter(pl.col("quality_status").is_in(["watch", "act"]))

    def said(measure: str, of: str = "all", partition: str = "all") -> str:
        [row] = asked.filter(measure=measure, measured_of=of, partition_name=partition).to_dicts()
        return str(row["said"])

    # The classifier was never applied.
    assert "it is 1 in each of 957,353 rows" in said("same_everywhere", "ml_prediction")
    # Sainsbury's standard prices are 0 throughout.
    assert "std_price where store is SAINSBURY" in said("same_in_group", "std_price by store")
    # 13 of 334 files are empty, five end inside a record.
    assert said("refused_files") == "3.9 % of the files were refused: 13 of them: the file is empty."
    assert "5 of them: ends inside a record" in said("remarked_files")
    # 8.9 % of rows repeat an earlier one.
    assert ": 8.9 % of the rows repeat another" in said("repeated_rows", "run, store, ons_item_name, product_name")
    # 36 spellings of 34 items.
    assert "5.9 % of the codes have more than one name" in said("codes_with_names", "ons_item_no")
    # Nine days without any run.
    assert "none from 2016-09-24 to 2016-10-02" in said("outage_days", partition="2016-09-30")


def test_runs_that_are_inflated_or_cut_short_are_days_out_of_the_usual(real: pl.DataFrame) -> None:
    days = real.filter(measure="rows_of_day").select("measured_of", "partition_name", "quality_status")
    status = {(of, day): status for of, day, status in days.iter_rows()}
    # Runs that end inside a record, and shops without any run on a day on which others have one.
    assert status["store TESCO", "2016-09-23"] == status["store WAITROSE", "2016-09-21"] == "act"
    assert status["store SAINSBURY", "2016-08-07"] == status["store WAITROSE", "2016-10-13"] == "act"
    # The run that stayed inflated for a day, and the plain biscuits that were thousands: the first inflated run of
    # 12 August is within what three noisy weeks before it make usual, and is a finding of the collection report.
    assert status["store WAITROSE", "2016-08-13"] == "act"
    assert status["ons_item_no 210302", "2016-07-22"] == "act"
    # A second run of a shop is none of these.
    assert status["store SAINSBURY", "2016-08-08"] == "good"
