"""The road of the meters, from dropped files to figures of areas, as Dagster runs it."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE, meters, tables_of
from ons_assets.demo import meters as demonstration
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import buckets, lake
from ons_assets.lakehouse.home import Home
from ons_assets.meters.households.targets import ASKED
from ons_assets.orchestration.runs import Outcome, instance
from ons_assets.parameters.meters import (
    HouseholdParameters,
    ImputationParameters,
    Meters,
    ProfileClusterParameters,
    Readings,
)
from ons_assets.settings import Drops, Settings, load_settings
from ons_assets.simulate.meters import Scale

TINY = Scale("tiny", homes=40, days=35, lcl_share=0.2, homes_per_area=16)
TABLES = tables_of(meters)
MADE = {table.name for table in TABLES}
RAW = {"meters/raw_readings", "meters/questionnaire", "meters/meter_areas"}


def silent(_: str) -> None:
    """Take progress and show nothing."""


def home_at(folder: Path, **readings: object) -> Settings:
    meters = Meters(
        readings=Readings(buckets=4, **readings),  # type: ignore[arg-type]
        clusters=ProfileClusterParameters(most=3, starts=1, reseedings=2, fit_days=300),
        household=HouseholdParameters(min_answers=5, repeats=2),
    )
    update = {"meters": meters, "drops": Drops(settle_seconds=0)}
    settings = load_settings(folder / "home").model_copy(update=update)
    operations.open_home(settings)
    return settings


def ingest(settings: Settings, files: dict[str, list[Path]]) -> list[Outcome]:
    for source, paths in files.items():
        operations.take(settings, paths, source, silent)
    return operations.read_waiting(settings, silent)


def files(world: Path) -> dict[str, list[Path]]:
    return {folder.name: sorted(folder.iterdir()) for folder in sorted((world / "drops").iterdir())}


def table(settings: Settings, name: str) -> pl.DataFrame:
    return lake.read(Home(settings.home), CATALOGUE[f"meters/{name}"]).collect()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    demonstration.simulate(folder / "drops", folder / "truth", TINY)
    return folder


@pytest.fixture(scope="module")
def made(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = home_at(tmp_path_factory.mktemp("office"))
    # Some buckets at a time, as in an installation with thousands of meters.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "ROWS_AT_ONCE", 500)
        assert all(outcome.success for outcome in ingest(settings, files(world)))
        outcome = operations.make(settings, ["meters"], None, silent)
    assert outcome.failures == {}
    assert set(outcome.made) == MADE - RAW
    return settings


def test_every_table_is_published_in_one_version(made: Settings) -> None:
    home = Home(made.home)
    for each in TABLES:
        versions = lake.history(home, each)
        assert len(versions) == 1, each.name
        assert len(lake.read(home, each).collect()) > 0
    assert len(list(home.table("meters/half_hours").glob("bucket=*"))) == 4


def test_every_reading_is_accounted_for(made: Settings) -> None:
    drops = Ledger(Home(made.home)).drops("meters")
    assert {drop.status for drop in drops} == {"accepted"}
    raw, half_hours = table(made, "raw_readings"), table(made, "half_hours")
    assert len(raw) == sum(drop.accepted_rows or 0 for drop in drops)
    usable = raw.select(pl.col("readings_kwh").list.explode().is_finite().sum()).item()
    assert usable == sum(drop.usable or 0 for drop in drops) > 0.9 * raw["received"].sum()
    read = int(np.isfinite(half_hours["kwh"].list.to_array(48).to_numpy()).sum())
    assert table(made, "reading_quality")["read"].sum() == read
    assert half_hours["meter"].n_unique() == table(made, "profile_indicators").height == TINY.homes


def test_days_are_the_same_in_every_table_of_days(made: Settings) -> None:
    days = table(made, "half_hours").select("bucket", "meter", "day").sort("meter", "day")
    for name in ("daily_consumption", "occupancy_probabilities", "profile_clusters"):
        assert table(made, name).select("bucket", "meter", "day").sort("meter", "day").equals(days), name
    spells = table(made, "vacancy").group_by("meter").agg(pl.col("spell_days").sum())
    lives = days.group_by("meter").agg(days=(pl.col("day").max() - pl.col("day").min()).dt.total_days() + 1)
    assert spells.join(lives, on="meter").select((pl.col("days") == pl.col("spell_days")).all()).item()


def test_areas_publish_no_figure_of_few_homes(made: Settings, world: Path) -> None:
    areas = table(made, "area_occupancy")
    of_area = pl.read_parquet(world / "truth" / "homes.parquet").group_by("area_code").len()
    small = set(of_area.filter(pl.col("len") < 10)["area_code"])
    shown = areas.filter(~pl.col("is_suppressed"))
    assert small
    assert set(shown["area_code"]).isdisjoint(small)
    assert shown["homes"].min() >= 10
    assert areas.filter("is_suppressed").select(pl.col("homes", "estimate", "lower", "upper").is_null().all()).row(0)
    shares = areas.filter(pl.col("measure").is_in(["lived_in", "vacant", "second_home"]))
    of_month = shares.group_by("area_code", "month").agg(pl.col("estimate").sum(), hidden=pl.col("is_suppressed").sum())
    np.testing.assert_allclose(of_month.filter(hidden=0)["estimate"].to_numpy(), 1)
    assert 1 not in of_month["hidden"].to_list(), "the third share of a whole follows from the two others"
    assert "meter" not in areas.columns
    assert "meter" not in table(made, "fieldwork").columns


def test_what_the_demonstration_prints_has_all_measures_though_some_are_withheld(made: Settings, world: Path) -> None:
    areas = next(iter(demonstration.results(Home(made.home), world / "truth").values()))
    assert areas.columns[3:] == ["lived_in", "in_use", "on_holiday", "vacant", "second_home", "somebody_at_home"]
    assert areas["somebody_at_home"].null_count() < len(areas)


def test_what_is_said_is_near_the_truth(made: Settings, world: Path) -> None:
    found = dict(demonstration.against_truth(Home(made.home), world / "truth").select("measure", "value").iter_rows())
    assert found["somebody at home, 06 to 22: accuracy"] > 0.8
    assert found["the same: area under the curve"] > 0.85
    assert found["days without people: F1"] > 0.6


def test_sizes_of_households_are_probabilities(made: Settings) -> None:
    sizes = table(made, "household_size").filter(pl.col("target_class") != "unknown")
    total = sizes.group_by("meter", "target").agg(pl.col("probability").sum())["probability"]
    np.testing.assert_allclose(total.to_numpy(), 1)
    judged = table(made, "household_size_accuracy")
    assert set(judged["target"]) == {*ASKED}
    assert set(sizes["basis"]) == {"out_of_fold", "predicted"}


def test_households_of_areas_publish_no_figure_of_few_homes(made: Settings) -> None:
    areas, means = table(made, "area_households"), table(made, "area_household_size")
    occupied = table(made, "area_occupancy")
    assert set(areas["area_code"]) == set(means["area_code"]) == set(occupied["area_code"])
    assert areas.filter(pl.col("estimate").is_not_null())["homes"].min() >= 10  # type: ignore[operator]
    assert set(areas["weighting"]) == {"none"}, "no dwellings were counted"
    assert "meter" not in areas.columns


def test_no_meter_reaches_the_history_that_the_ui_shows(made: Settings) -> None:
    meters = table(made, "half_hours")["meter"].unique()
    with instance(Home(made.home)) as opened:
        runs = opened.get_runs()
        told = " ".join(
            str(entry.user_message) + str(entry.dagster_event) for run in runs for entry in opened.all_logs(run.run_id)
        )
    assert "meters/half_hours" in told or "meters__half_hours" in told
    assert not any(str(meter) in told for meter in meters)
    kept = json.dumps([path.read_text() for path in Home(made.home).reports.rglob("*.json")])
    assert not any(str(meter) in kept for meter in meters)


def test_made_again_in_parts_of_another_size_it_is_the_same(made: Settings) -> None:
    names = ("half_hours", "reading_quality", "occupancy_probabilities", "vacancy", "profile_clusters", "fieldwork")
    before = {name: table(made, name).sort(CATALOGUE[f"meters/{name}"].key) for name in names}
    assert operations.make(made, ["meters"], None, silent).failures == {}
    for name, rows in before.items():
        assert table(made, name).sort(CATALOGUE[f"meters/{name}"].key).equals(rows), name


def test_what_lacks_survey_and_areas_waits_and_the_rest_is_made(world: Path, tmp_path: Path) -> None:
    settings = home_at(tmp_path)
    ingest(settings, {"meters": files(world)["meters"][:1]})
    outcome = operations.make(settings, ["meters"], None, silent)
    assert outcome.failures == {}
    assert outcome.waiting["meters/household_size"] == "meters/questionnaire"
    assert outcome.waiting["meters/fieldwork"] == "meters/meter_areas"
    assert lake.exists(Home(settings.home), CATALOGUE["meters/vacancy"])


def test_a_file_that_is_refused_is_a_failure_in_a_sentence(world: Path, tmp_path: Path) -> None:
    settings = home_at(tmp_path, max_half_hour_kwh=0.01, max_rejected_rows=100)
    assert not any(outcome.made for outcome in ingest(settings, {"meters": files(world)["meters"][:1]}))
    (drop,) = Ledger(Home(settings.home)).drops("meters")
    assert (drop.status, drop.accepted_rows) == ("refused", 0)
    assert "rows that could not be read" in str(drop.reason)


def test_gaps_are_filled_only_where_it_is_asked_for_and_presence_knows_it(world: Path, tmp_path: Path) -> None:
    settings = home_at(tmp_path)
    settings = settings.model_copy(
        update={"meters": settings.meters.model_copy(update={"imputation": ImputationParameters(method="both")})}
    )
    ingest(settings, {"meters": files(world)["meters"][:1]})
    names = ["meters/half_hours", "meters/daily_consumption", "meters/occupancy_probabilities"]
    assert operations.make(settings, names, None, silent).failures == {}
    half_hours = table(settings, "half_hours").sort("meter", "day")
    filled = half_hours["imputed_mask"].bitwise_count_ones().sum()
    assert filled > 0
    said = (
        table(settings, "occupancy_probabilities")
        .sort("meter", "day")["occupied_probability"]
        .list.to_array(48)
        .to_numpy()
    )
    there = half_hours["kwh"].list.to_array(48).to_numpy()
    assert int(np.isfinite(there).sum() - np.isfinite(said).sum()) == filled


def test_one_of_two_tables_of_a_computation_is_made_with_the_other(world: Path, tmp_path: Path) -> None:
    settings = home_at(tmp_path)
    ingest(settings, {"meters": files(world)["meters"][:1]})
    operations.make(settings, ["meters/half_hours"], None, silent)
    outcome = operations.make(settings, ["meters/profile_indicators"], None, silent)
    assert outcome.made == ("meters/profile_indicators", "meters/profiles")
    assert operations.made_together(["meters/profile_indicators", "meters/half_hours"]) == {
        "meters/profile_indicators": ["meters/profiles"]
    }
    assert len(table(settings, "profiles")) > 0


def test_real_files_go_the_whole_road(shared_data: Path, tmp_path: Path) -> None:
    settings = home_at(tmp_path)
    names = (
        "cer_raw_layout_sample.txt",
        "lcl_MAC000002_raw.csv.gz",
        "sgsc_australia_10_homes_half_hour.parquet",
        "edrp_scotland_500_homes_half_hour.parquet",
    )
    assert all(outcome.success for outcome in ingest(settings, {"meters": [shared_data / "meters" / n for n in names]}))
    drops = Ledger(Home(settings.home)).drops("meters")
    assert [drop.accepted_rows for drop in drops] == [1, 503, 6_164, 46_000]
    # Half hours: of the London meter 17 came again.
    assert [drop.usable for drop in drops] == [4, 24_140, 293_874, 2_207_000]
    assert [drop.quarantined_rows for drop in drops] == [0, 1, 0, 1_000]
    outcome = operations.make(settings, ["meters"], None, silent)
    assert outcome.failures == {}
    assert set(outcome.waiting) >= {"meters/area_occupancy", "meters/household_size"}
    layouts = table(settings, "half_hours").select("meter", "layout").unique()
    runs = table(settings, "low_use_runs").join(layouts, on="meter").filter(layout="smart-grid-smart-city")
    assert {108, 82} <= set(runs["days"])
    london = table(settings, "reading_quality").filter(layout="low-carbon-london")
    assert london.select(pl.col("received", "repeated", "off_grid", "unreadable").sum()).row(0) == (24_157, 17, 1, 1)
    assert table(settings, "profile_cluster_choice")["is_chosen"].sum() == 1
    assert table(settings, "vacancy").join(layouts, on="meter")["layout"].n_unique() == 4
