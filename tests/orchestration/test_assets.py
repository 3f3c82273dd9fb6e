import shutil
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.register.files import RegisterError
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.orchestration.assets import published
from ons_assets.orchestration.runs import Outcome, instance
from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.tweets import UserParameters
from ons_assets.settings import Settings
from tests.orchestration.conftest import settings_at, silent, tighten
from tests.run_files import IN_SCOPE, PRICES, write_run, write_weights

DAY = date(2016, 7, 21)
RAW, CLASSIFIED, CHECKED = "prices/raw_quotes", "prices/classified_quotes", "prices/checked_quotes"
INDICES, GROUPS = "prices/item_indices", "prices/aggregate_indices"
ROAD = (CLASSIFIED, CHECKED, INDICES, GROUPS)


def rows(settings: Settings, table: str, version: int | None = None) -> pl.DataFrame:
    return lake.read(Home(settings.home), CATALOGUE[table], version).collect()


def checks(settings: Settings, table: str, name: str = "suite") -> list[tuple[bool, dg.AssetCheckSeverity]]:
    """Results of a check of a table, newest first, as the UI reads them."""
    key = dg.AssetCheckKey(dg.AssetKey(table.split("/")), name)
    with instance(Home(settings.home)) as opened:
        records = opened.event_log_storage.get_asset_check_execution_history(key, limit=10)
    events = [record.event.dagster_event for record in records if record.event]
    evaluations = [event.asset_check_evaluation_data for event in events if event]
    return [(evaluation.passed, evaluation.severity) for evaluation in evaluations]


def ingest(settings: Settings, *files: object) -> list[Outcome]:
    operations.take(settings, list(files), None, silent)
    return operations.read_waiting(settings, silent)


def make(settings: Settings, *names: str) -> Outcome:
    return operations.make(settings, names, None, silent)


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("filled")
    settings = settings_at(place)
    folder = settings.home / "supplier"
    files = [
        write_run(folder, retailer, DAY + timedelta(days=n), {name: price + 0.01 * n for name, price in PRICES.items()})
        for retailer in ("tesco", "waitrose")
        for n in range(3)
    ]
    ingest(settings, *files, write_weights(folder))
    assert make(settings).failures == {}
    return place


@pytest.fixture
def filled(filled_once: Path, tmp_path: Path) -> Settings:
    """A copy of a home in which everything is made: a test may do with it what it likes."""
    return settings_at(shutil.copytree(filled_once, tmp_path / "filled"))


def test_the_road_ends_in_published_indices(filled: Settings) -> None:
    daily = rows(filled, INDICES).filter(frequency="day", method="jevons").sort("period")
    relatives = [sum((PRICES[name] + 0.01 * n) / PRICES[name] for name in IN_SCOPE) for n in range(3)]
    assert daily["index"][0] == 100
    assert daily["index"].is_sorted()
    assert 100 < daily["index"][2] < 100 * relatives[2] / len(IN_SCOPE) + 1e-9
    assert rows(filled, GROUPS).filter(group="Bread", frequency="day", method="jevons").sort("period")[
        "index"
    ].to_list() == pytest.approx(daily["index"].to_list())


def test_each_day_says_its_own_rows_and_drops(filled: Settings) -> None:
    day, key = DAY.isoformat(), dg.AssetKey(RAW.split("/"))
    with instance(Home(filled.home)) as opened:
        asked = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[day])
        (record,) = opened.fetch_materializations(asked, limit=1).records
    assert record.asset_materialization is not None
    said = {name: value.value for name, value in record.asset_materialization.metadata.items()}
    assert said["dagster/partition_row_count"] == len(rows(filled, RAW).filter(collected_on=DAY))
    assert said["drops"] == 2
    assert "dagster/row_count" not in said, "the rows of the run are none of the day"


def test_a_refused_table_keeps_the_last_good_data_and_stops_what_follows(filled: Settings) -> None:
    before = lake.latest(Home(filled.home), CATALOGUE[INDICES])
    groups_before = lake.latest(Home(filled.home), CATALOGUE[GROUPS])
    tighten(filled, INDICES, "expect_column_values_to_be_between", min_value=100.5)
    outcome = make(filled, INDICES, GROUPS)
    assert list(outcome.failures) == [INDICES]
    assert "expected at least 100.5" in outcome.failures[INDICES]
    assert GROUPS in outcome.skipped
    assert lake.latest(Home(filled.home), CATALOGUE[INDICES]) == before
    assert lake.latest(Home(filled.home), CATALOGUE[GROUPS]) == groups_before
    assert checks(filled, INDICES)[0] == (False, dg.AssetCheckSeverity.ERROR)
    assert checks(filled, INDICES, "index_range")[0] == (False, dg.AssetCheckSeverity.ERROR)
    assert checks(filled, INDICES, "key_is_unique")[0][0]
    kept = [entry for entry in quarantine.entries(Home(filled.home)) if entry.table == INDICES]
    assert [entry.refused for entry in kept] == [True]
    assert not list(Home(filled.home).staging.rglob("*.parquet"))


def test_no_materialisation_is_recorded_for_what_was_refused(filled: Settings) -> None:
    tighten(filled, INDICES, "expect_column_values_to_be_between", min_value=100.5)
    key = dg.AssetKey(INDICES.split("/"))
    with instance(Home(filled.home)) as opened:
        before = len(opened.fetch_materializations(key, limit=50).records)
        make(filled, INDICES)
        assert len(opened.fetch_materializations(key, limit=50).records) == before


def test_a_warning_publishes_and_shows(filled: Settings) -> None:
    before = lake.latest(Home(filled.home), CATALOGUE[INDICES])
    tighten(filled, INDICES, "expect_column_values_to_be_between", severity="warning", min_value=100.5)
    outcome = make(filled, INDICES)
    assert outcome.success
    assert INDICES in outcome.warnings
    after = lake.latest(Home(filled.home), CATALOGUE[INDICES])
    assert before is not None
    assert after is not None
    assert after.number == before.number + 1
    assert after.provenance is not None
    assert after.provenance.suite["failures"][0]["severity"] == "warning"
    assert checks(filled, INDICES)[0] == (False, dg.AssetCheckSeverity.WARN)


def test_one_bad_run_does_not_refuse_the_others(settings: Settings) -> None:
    folder = settings.home / "supplier"
    good = write_run(folder, "waitrose", DAY)
    bad = write_run(folder, "tesco", DAY, {name: price * 1000 for name, price in PRICES.items()})
    (outcome,) = ingest(settings, good, bad)
    assert outcome.success
    assert rows(settings, RAW)["retailer"].unique().to_list() == ["waitrose"]
    assert set(checks(settings, RAW)) == {(False, dg.AssetCheckSeverity.ERROR)}


def test_nothing_but_bad_runs_fails_and_publishes_nothing(settings: Settings) -> None:
    bad = write_run(settings.home / "supplier", "tesco", DAY, {name: price * 1000 for name, price in PRICES.items()})
    (outcome,) = ingest(settings, bad)
    assert not outcome.success
    assert "median" in outcome.failures[RAW]
    assert not lake.exists(Home(settings.home), CATALOGUE[RAW])


def test_a_classifier_that_was_never_applied_is_refused(settings: Settings) -> None:
    """The failure of the pilot: every row said that it was the item, and nobody and nothing had decided it."""
    run = write_run(settings.home / "supplier", "tesco", DAY)
    run.write_text(run.read_text().replace("210111", "999999"))  # an item without a rule
    ingest(settings, run)
    outcome = make(settings, *ROAD)
    assert list(outcome.failures) == [CLASSIFIED]
    assert "(bound decided_at_all)" in outcome.failures[CLASSIFIED]
    assert {CHECKED, INDICES} <= set(outcome.skipped)
    assert not lake.exists(Home(settings.home), CATALOGUE[CLASSIFIED])


def test_that_every_product_is_the_item_is_a_decision_too(settings: Settings) -> None:
    ingest(settings, write_run(settings.home / "supplier", "tesco", DAY, {name: PRICES[name] for name in IN_SCOPE}))
    assert make(settings, CLASSIFIED).success
    assert set(rows(settings, CLASSIFIED)["in_scope"]) == {True}


def test_what_a_person_says_of_a_product_counts_from_the_next_run_on(filled: Settings) -> None:
    queue = filled.home / "reports" / "classification" / "review_queue.csv"
    [asked, *_] = pl.read_csv(queue).to_dicts()
    assert asked["product"] == "SEEDED LOAF 400G"
    answered = pl.read_csv(queue, infer_schema=False).with_columns(
        in_scope=pl.lit("true"), labelled_by=pl.lit("a collector")
    )
    answered.write_csv(filled.home / "answered.csv")
    [read] = ingest(filled, filled.home / "answered.csv")
    assert read.success
    make(filled, CLASSIFIED)
    seeded = rows(filled, CLASSIFIED).filter(product="SEEDED LOAF 400G")
    assert set(seeded["in_scope"]) == {True}
    assert set(seeded["decided_by"]) == {"label"}
    assert seeded["scope_reason"][0].startswith("labelled on ")
    assert rows(filled, "reference/product_labels")["labelled_by"].to_list() == ["a collector"] * len(answered)
    assert pl.read_csv(queue).is_empty()


def test_what_lacks_an_input_waits_and_says_so(settings: Settings) -> None:
    ingest(settings, write_run(settings.home / "supplier", "tesco", DAY))
    outcome = make(settings, *ROAD, "governance/analytical_database")
    assert outcome.success
    assert outcome.waiting[GROUPS] == "reference/item_weights"
    assert GROUPS not in {*outcome.made, *outcome.warnings, *outcome.skipped}
    assert checks(settings, GROUPS)[0] == (False, dg.AssetCheckSeverity.WARN)
    assert not lake.exists(Home(settings.home), CATALOGUE[GROUPS])
    assert "governance/analytical_database" in outcome.made


def test_where_nothing_can_be_made_no_run_begins_and_it_is_said_what_is_waited_for(settings: Settings) -> None:
    with instance(Home(settings.home)) as opened:
        before = opened.get_runs_count()
    outcome = make(settings, INDICES, GROUPS)
    assert outcome.waiting == {INDICES: CHECKED, GROUPS: f"{INDICES} and reference/item_weights"}
    assert outcome.success
    assert not outcome.made
    with instance(Home(settings.home)) as opened:
        assert opened.get_runs_count() == before


def test_where_nothing_can_be_made_a_register_that_cannot_be_used_is_told(settings: Settings) -> None:
    (settings.home / "register.toml").write_text("not TOML [")
    with pytest.raises(RegisterError, match=r"register\.toml"):
        make(settings, INDICES)


def test_the_same_inputs_make_the_same_version(filled: Settings) -> None:
    first = lake.latest(Home(filled.home), CATALOGUE[INDICES])
    content = rows(filled, INDICES).sort(CATALOGUE[INDICES].key)
    make(filled, INDICES)
    second = lake.latest(Home(filled.home), CATALOGUE[INDICES])
    assert first is not None
    assert second is not None
    assert first.provenance is not None
    assert second.provenance is not None
    assert first.provenance.data_version == second.provenance.data_version
    assert rows(filled, INDICES).sort(CATALOGUE[INDICES].key).equals(content)


def provenance(settings: Settings, table: str) -> Provenance:
    version = lake.latest(Home(settings.home), CATALOGUE[table])
    assert version is not None
    assert version.provenance is not None
    return version.provenance


def test_a_version_records_the_parameters_that_its_function_takes_and_no_others(filled: Settings) -> None:
    recorded = {table: set(provenance(filled, table).settings) for table in (RAW, CLASSIFIED, CHECKED, INDICES, GROUPS)}
    assert recorded == {
        RAW: {"layouts", "prices.quotes"},
        CLASSIFIED: {"prices.classification"},
        CHECKED: {"prices.checking"},
        INDICES: {"prices.indices", "prices.publication"},
        GROUPS: {"prices.aggregation"},
    }
    assert provenance(filled, "reference/item_weights").settings.keys() == {"layouts"}
    assert provenance(filled, "prices/collection_report").settings["prices.collection"]["window_days"] == 28


def test_a_change_of_a_parameter_concerns_only_tables_whose_function_takes_it(filled: Settings) -> None:
    before = {table: provenance(filled, table) for table in (CLASSIFIED, INDICES)}
    prices = filled.prices.model_copy(update={"indices": IndexParameters(frequencies=("month",))})
    tweets = filled.tweets.model_copy(update={"users": UserParameters(fastest_m_s=50)})
    changed = filled.model_copy(update={"prices": prices, "tweets": tweets})
    # The indices first, while what they are made of is as it was.
    assert make(changed, INDICES).success
    assert make(changed, CLASSIFIED).success
    after = {table: provenance(changed, table) for table in (CLASSIFIED, INDICES)}
    assert after[CLASSIFIED].run_id != before[CLASSIFIED].run_id
    assert after[CLASSIFIED].settings == before[CLASSIFIED].settings
    assert after[CLASSIFIED].data_version == before[CLASSIFIED].data_version
    assert after[INDICES].settings["prices.indices"]["frequencies"] == ["month"]
    assert after[INDICES].inputs == before[INDICES].inputs
    assert after[INDICES].data_version != before[INDICES].data_version
    assert set(rows(changed, INDICES)["frequency"]) == {"month"}


def test_a_function_that_asks_for_what_there_is_not_is_no_asset() -> None:
    def item_indices(checked_quotes: pl.LazyFrame, settings: Settings) -> pl.DataFrame:
        raise AssertionError(checked_quotes, settings)

    with pytest.raises(TypeError, match="asks for 'settings', which is neither a group of parameters"):
        published(INDICES, inputs=[CHECKED])(item_indices)


def test_every_version_can_be_followed_back_to_its_files(filled: Settings) -> None:
    home = Home(filled.home)
    made: dict[str, Provenance] = {}
    named: dict[str, str] = {}
    for name in (INDICES, CHECKED, CLASSIFIED, RAW):
        version = lake.latest(home, CATALOGUE[name])
        assert version is not None
        assert version.provenance is not None
        made[name], named[name] = version.provenance, f"{version.number}:{version.provenance.data_version}"
    assert made[INDICES].inputs[CHECKED] == named[CHECKED]
    assert made[CHECKED].inputs[CLASSIFIED] == named[CLASSIFIED]
    assert made[CLASSIFIED].inputs[RAW] == named[RAW]
    names = set(made[RAW].inputs.values())
    assert names == {path.name for path in (filled.home / "supplier").glob("*products*")}
    for sha256 in made[RAW].inputs:
        assert (home.archive / "prices" / sha256[:2] / sha256).exists()


def test_no_picture_is_made_of_an_individual_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    individual = replace(CATALOGUE[INDICES], sensitivity=Sensitivity.INDIVIDUAL, disclosure=None)
    monkeypatch.setitem(CATALOGUE, INDICES, individual)
    with pytest.raises(ValueError, match="no picture"):
        published(INDICES, chart=lambda frame: dg.MetadataValue.text(str(frame)))
