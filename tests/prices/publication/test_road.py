"""From files to the release in a home: what is published, that it stands, and that nothing is recorded twice."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Version
from ons_assets.parameters.prices import AggregationParameters, CheckParameters, IndexParameters
from ons_assets.parameters.publication import PublicationParameters, RevisionParameters
from ons_assets.prices.checked import check
from ons_assets.prices.classification import classify
from ons_assets.prices.compilation import aggregate_indices
from ons_assets.prices.publication.diagnostics import elementary_diagnostics
from ons_assets.prices.publication.headings import headings
from ons_assets.prices.publication.release import cpi_release
from ons_assets.prices.publication.series import publication_indices
from ons_assets.prices.publication.vintages import collected_through, new_vintages
from ons_assets.settings import Settings
from ons_assets.simulate.prices import office
from tests.orchestration.conftest import settings_at, silent
from tests.prices.simulated import World
from tests.run_files import PRICES, write_run, write_weights

VINTAGES, TRIANGLE, RELEASE = "prices/index_vintages", "prices/revision_triangle", "prices/cpi_release"
DIAGNOSTICS = "prices/elementary_diagnostics"
# What must be made of new quotes before they are published, and the release after it.
INPUTS = [f"prices/{name}" for name in ("classified_quotes", "checked_quotes", "item_indices", "aggregate_indices")]


def rows(settings: Settings, table: str) -> pl.DataFrame:
    return lake.read(Home(settings.home), CATALOGUE[table]).collect()


def version(settings: Settings, table: str = VINTAGES) -> Version | None:
    return lake.latest(Home(settings.home), CATALOGUE[table])


def ingest(settings: Settings, *days: tuple[date, float], retailer: str = "tesco") -> None:
    """Have the runs of some days read, each with prices that are so many times the usual ones."""
    folder = settings.home / "supplier"
    files = [
        write_run(folder, retailer, day, {name: round(price * times, 2) for name, price in PRICES.items()})
        for day, times in days
    ]
    operations.take(settings, [*files, write_weights(folder)], None, silent)
    operations.read_waiting(settings, silent)


def make(settings: Settings, *names: str) -> bool:
    outcome = operations.make(settings, names or ["prices"], None, silent)
    assert not outcome.failures, outcome.failures
    return outcome.success


@pytest.fixture(scope="module")
def published_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """July and August are complete, and September has begun."""
    place = tmp_path_factory.mktemp("published")
    settings = settings_at(place)
    ingest(
        settings,
        *[(date(2016, 7, 30) + timedelta(days=day), 1.0) for day in range(2)],
        *[(date(2016, 8, 30) + timedelta(days=day), 1.1) for day in range(2)],
        (date(2016, 9, 1), 1.2),
    )
    assert make(settings)
    return place


@pytest.fixture
def published(published_once: Path, tmp_path: Path) -> Settings:
    return settings_at(shutil.copytree(published_once, tmp_path / "published"))


def test_complete_months_are_published_and_the_running_one_is_provisional(published: Settings) -> None:
    vintages = rows(published, VINTAGES)
    assert sorted(vintages.filter(heading_type="item")["period"]) == ["2016-07", "2016-08"]
    assert set(vintages["heading_type"]) == {"item", "group"}
    release = rows(published, RELEASE).filter(heading_type="item").sort("period")
    assert release["index"].to_list() == pytest.approx([100.0, 110.0, 120.0], abs=0.6)
    assert release["figure_status"].to_list() == ["final", "final", "provisional"]
    assert rows(published, TRIANGLE)["revisions"].to_list() == [0] * len(vintages)
    assert rows(published, DIAGNOSTICS)["matched"].to_list() == [None, 2, 2]
    pages = Home(published.home).reports / "prices"
    assert {page.name for page in pages.iterdir()} == {"2016-08.html", "2016-09.html", "latest.html"}
    assert (pages / "latest.html").read_text() == (pages / "2016-08.html").read_text()
    assert "Prices, 2016-08" in (pages / "latest.html").read_text()


def test_what_is_made_again_without_new_data_records_nothing(published: Settings) -> None:
    before, tables = version(published), {name: rows(published, name) for name in (VINTAGES, TRIANGLE, RELEASE)}
    assert make(published)
    assert make(published, VINTAGES)
    assert version(published) == before
    assert all(rows(published, name).equals(table) for name, table in tables.items())


def test_a_new_month_adds_figures_and_changed_data_change_none(published: Settings) -> None:
    before = rows(published, VINTAGES)
    ingest(published, (date(2016, 8, 15), 2.0), (date(2016, 9, 30), 1.3))
    assert make(published, *INPUTS, VINTAGES, DIAGNOSTICS, RELEASE)
    after = rows(published, VINTAGES)
    new = after.join(before, on=CATALOGUE[VINTAGES].key, how="anti")
    assert set(new["period"]) == {"2016-09"}
    assert after.join(before, on=before.columns, how="semi").height == len(before)
    release = rows(published, RELEASE).filter(heading_type="item", period="2016-08").to_dicts()[0]
    assert release["index"] == pytest.approx(110, abs=0.6)
    assert "the published figure stands; computed now it would differ" in release["notes"]


def test_a_retailer_whose_month_is_not_over_and_files_that_wait_hold_publication_back(published: Settings) -> None:
    before = version(published)
    ingest(published, (date(2016, 9, 10), 1.2), retailer="waitrose")
    ingest(published, (date(2016, 9, 30), 1.2))
    assert make(published, *INPUTS, VINTAGES)
    assert version(published) == before, "the other retailer's September may be late"
    path = write_run(published.home / "supplier", "waitrose", date(2016, 9, 30))
    operations.take(published, [path], None, silent)
    assert make(published, VINTAGES)
    assert version(published) == before, "a file waits to be read"
    operations.read_waiting(published, silent)
    assert make(published, *INPUTS, VINTAGES)
    assert rows(published, VINTAGES)["period"].max() == "2016-09"


def test_killed_before_the_commit_it_has_published_nothing_and_the_next_run_does(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(published, VINTAGES)
    ingest(published, (date(2016, 9, 30), 1.2))
    assert make(published, *INPUTS)
    publish = lake.publish

    def dies(home: Home, table: object, *others: object) -> int:
        if getattr(table, "name", "") == VINTAGES:
            raise KeyboardInterrupt
        return publish(home, table, *others)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(lake, "publish", dies)
        with pytest.raises(AssertionError, match="KeyboardInterrupt"):
            make(published, VINTAGES)
    assert rows(published, VINTAGES).equals(before)
    assert make(published, VINTAGES)
    key = CATALOGUE[VINTAGES].key
    after = rows(published, VINTAGES)
    assert len(after) == len(before) + 2
    assert not after.select(key).is_duplicated().any()


def test_the_small_world_goes_the_whole_road(small_world: World) -> None:
    """Without Dagster: a quarter of a year of three shops, its indices near the simulator's truth."""
    publication, revisions, indices = PublicationParameters(), RevisionParameters(), IndexParameters()
    quotes = check(classify(small_world.quotes).quotes, CheckParameters()).lazy()
    items = publication_indices(quotes, indices, publication)
    weights = office.item_weights(small_world.truth)
    groups = aggregate_indices(items.lazy(), weights.lazy(), AggregationParameters())
    series = headings(items.lazy(), groups.lazy(), weights.lazy(), None, publication, AggregationParameters())
    through = collected_through(quotes)
    vintages = new_vintages(
        CATALOGUE[VINTAGES].empty(),
        series,
        through=through,
        published_utc=small_world.quotes["collected_at_utc"].max(),  # type: ignore[arg-type]
        publication=publication,
        revisions=revisions,
    )
    diagnostics = elementary_diagnostics(quotes, indices)
    release = CATALOGUE[RELEASE].conform(
        cpi_release(
            vintages, series, diagnostics, weights, through=through, publication=publication, revisions=revisions
        )
    )
    assert set(release["heading_type"]) == {"item", "group", "all"}
    assert len(vintages) == len(release.filter(figure_status="final")) > 0
    of_all = release.filter(heading_type="item", period=through).select(pl.col("expenditure_share").sum()).item()
    assert of_all == pytest.approx(1)
    truth = (
        small_world.table("indices")
        .filter(frequency="month")
        .select("period", heading=pl.col("item_id").cast(pl.String), true="jevons")
    )
    gap = release.filter(heading_type="item", figure_status="final").join(truth, on=["heading", "period"])
    assert len(gap) > 20
    assert gap.select((pl.col("index") - pl.col("true")).abs().mean()).item() < 1.5
