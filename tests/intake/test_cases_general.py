"""Small files that went wrong once, by the whole way from a drop to a published table."""

from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake
from ons_assets.meters.areas.meter_areas import MeterAreaFiles
from ons_assets.mobile.sources import FlowFiles
from ons_assets.prices.sources import QuoteFiles
from ons_assets.reference.labour import WorkerFiles
from ons_assets.reference.people import PopulationFiles
from ons_assets.reference.weights import WeightFiles
from ons_assets.tweets.sources import TweetFiles
from tests.shared import INTAKE_CASES as CASES
from tests.workbench import Workbench

GENERAL, PRICES = CASES / "general", CASES / "prices"
CORRECTED = PRICES / "corrected"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs the shared cases")

PRICE_LAYOUT = """
name: austrian
files: "prices*"
decimal: ","
time_format: "%d.%m.%Y"
zone: Europe/Vienna
currency: EUR
columns: {collected_at: Datum, retailer: Geschäft, product: Artikel, price: Preis, category: Warengruppe}
items:
  Vollmilch: {item_id: "M1", item: Milk}
  Butter: {item_id: "B1", item: Butter}
"""


def office(folder: Path, kind: type[Source], *layouts: Path) -> Workbench:
    """A home that takes files of one source, with layouts of its own."""
    workbench = Workbench.at(folder)
    for layout in layouts:
        shelve(workbench, kind, layout.name.replace(".mapping", ""), layout.read_text("utf-8"))
    workbench.source, workbench.table = kind.of(workbench.settings), CATALOGUE[kind.table]
    return workbench


def shelve(workbench: Workbench, kind: type[Source], name: str, text: str) -> None:
    """Put a layout on the shelf of the home."""
    folder = workbench.home.root / "layouts" / kind.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    workbench.source = kind.of(workbench.settings)


def take(workbench: Workbench, *files: Path) -> None:
    """Register and read files one after the other, ingest them, and hold ledger and table against each other."""
    for file in files:
        workbench.register(file.name, file.read_bytes())
    workbench.ingest()
    check_in_force(workbench)


def table(workbench: Workbench) -> pl.DataFrame:
    return lake.read(workbench.home, workbench.table).collect()


def check_in_force(workbench: Workbench) -> None:
    """Assert that rows in force are those of the table, and of a drop that nothing replaced all that were accepted."""
    in_force = [drop for drop in workbench.ledger.drops() if drop.status == "accepted"]
    if not in_force:
        return
    assert sum(drop.rows_in_force or 0 for drop in in_force) == len(table(workbench))
    newest = in_force[-1]
    assert newest.rows_in_force == newest.accepted_rows
    assert all((drop.rows_in_force or 0) <= (drop.accepted_rows or 0) for drop in in_force)
    workbench.check_books()


# --- quotes


def test_a_correction_replaces_what_it_corrects_and_a_layout_that_changes_takes_nothing_away(tmp_path: Path) -> None:
    workbench = office(tmp_path, QuoteFiles, CORRECTED / "my.yaml")
    take(workbench, CORRECTED / "preise_jan.csv")
    take(workbench, CORRECTED / "preise_jan_korrigiert.csv")
    assert len(table(workbench)) == 3
    assert table(workbench).filter(pl.col("item_id") == "M1")["price"].to_list() == [1.29]
    gouda = table(workbench).filter(pl.col("item_id") == "G1").sort("collected_on")
    assert len(gouda) == 2

    shelve(workbench, QuoteFiles, "my.yaml", (CORRECTED / "my.yaml").read_text("utf-8").replace("Gouda", "Goudaa"))
    take(workbench, CORRECTED / "preise_billa.csv")
    assert len(table(workbench)) == 4
    assert table(workbench).filter(pl.col("item_id") == "G1").sort("collected_on").equals(gouda)
    assert workbench.statuses() == {
        "preise_jan.csv": "superseded",
        "preise_jan_korrigiert.csv": "accepted",
        "preise_billa.csv": "accepted",
    }


def test_ten_days_in_one_file_are_ten_runs(tmp_path: Path) -> None:
    workbench = office(tmp_path, QuoteFiles, PRICES / "multiday.yaml")
    take(workbench, PRICES / "office_multiday.csv")
    quotes = table(workbench)
    assert quotes["collected_on"].n_unique() == quotes["run"].n_unique() == 10
    assert (quotes["run"] == quotes["collected_on"].cast(pl.String())).all()
    per_day = quotes.group_by("collected_on").len()["len"]
    assert per_day.unique().to_list() == [4]
    means = quotes.group_by("collected_on").agg(pl.col("price").log().mean().exp()).sort("collected_on")["price"]
    assert means[-1] / means[0] == pytest.approx(1.09, abs=0.01)


def test_a_workbook_of_quotes_is_read(tmp_path: Path) -> None:
    workbench = office(tmp_path, QuoteFiles)
    layout = PRICE_LAYOUT.replace("price: Preis", "price: Preis (EUR)").replace('decimal: ","', "skip_until: Datum")
    shelve(workbench, QuoteFiles, "austrian.yaml", layout.replace("%d.%m.%Y", "%Y-%m-%d %H:%M:%S"))
    take(workbench, PRICES / "prices.xlsx")
    assert workbench.statuses() == {"prices.xlsx": "accepted"}, workbench.drop("prices.xlsx").reason
    assert table(workbench)["price"].is_between(0.3, 15).all()


def test_cp1252_is_named_and_read_where_the_layout_says_so(tmp_path: Path) -> None:
    workbench = office(tmp_path, QuoteFiles)
    shelve(workbench, QuoteFiles, "austrian.yaml", PRICE_LAYOUT + 'delimiter: ";"\n')
    refused = workbench.register("prices_cp1252.csv", (PRICES / "prices_cp1252.csv").read_bytes())
    assert refused.status == "refused"
    assert "cp1252" in (refused.reason or "")

    shelve(workbench, QuoteFiles, "austrian.yaml", PRICE_LAYOUT + 'delimiter: ";"\nencoding: cp1252\n')
    folder = workbench.home.drops / QuoteFiles.name
    again = workbench.take(folder / "prices_cp1252.csv", retry=True)
    assert again.status == "read", again.reason
    workbench.ingest()
    assert "Zurück zum Ursprung Vollmilch 1l" in table(workbench)["product"].to_list()
    check_in_force(workbench)


# --- whatever the source


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (WeightFiles, "item_weights_row_twice.csv"),
        (PopulationFiles, "population_row_twice.csv"),
        (WorkerFiles, "workers_row_twice.csv"),
        (MeterAreaFiles, "meter_areas_row_twice.csv"),
    ],
)
def test_a_row_that_comes_twice_is_kept_once(tmp_path: Path, kind: type[Source], name: str) -> None:
    workbench = office(tmp_path, kind)
    drop = workbench.register(name, (GENERAL / name).read_bytes())
    assert (drop.status, drop.parsed_rows, drop.accepted_rows, drop.quarantined_rows) == ("read", 3, 2, 1), drop.reason
    assert "1 row: repeats another line" in (drop.reason or "")
    workbench.check_books()


def test_a_damaged_gzip_and_a_line_too_deep_harm_no_other_file_of_tweets(tmp_path: Path) -> None:
    workbench = office(tmp_path, TweetFiles, GENERAL / "old_positions.mapping.yaml")
    names = ["tweets_broken.json.gz", "tweets_deep.json", "old_good_after.csv"]
    take(workbench, *(GENERAL / name for name in names))
    broken = workbench.drop("tweets_broken.json.gz")
    assert broken.status == "refused"
    assert (broken.reason or "").startswith(f"{broken.name} is a damaged gzip file")
    deep = workbench.drop("tweets_deep.json")
    assert deep.quarantined_rows == 1
    assert "Error" not in (deep.reason or "")
    assert workbench.drop("old_good_after.csv").status == "accepted", workbench.drop("old_good_after.csv").reason
    assert len(table(workbench)) == 1 + (deep.accepted_rows or 0)


def test_a_position_of_a_day_before_the_first_keeps_no_other_from_its_table(tmp_path: Path) -> None:
    workbench = office(tmp_path, TweetFiles, GENERAL / "old_positions.mapping.yaml")
    take(workbench, GENERAL / "old_positions.csv")
    take(workbench, GENERAL / "old_good_after.csv")
    assert workbench.statuses() == {"old_positions.csv": "accepted", "old_good_after.csv": "accepted"}
    early = workbench.drop("old_positions.csv")
    assert (early.accepted_rows, early.quarantined_rows) == (1, 1)
    assert early.reason == "1 row: day is before 2014-01-01, the first of the installation"
    assert len(table(workbench)) == 2


def test_a_month_is_a_period_of_flows(tmp_path: Path) -> None:
    workbench = office(tmp_path, FlowFiles, GENERAL / "o.yaml")
    take(workbench, GENERAL / "od.csv")
    assert workbench.drop("od.csv").status == "accepted", workbench.drop("od.csv").reason
    assert table(workbench)["count"].sort().to_list() == [8, 75, 120]
