"""The real files of the pilot, byte for byte, and how the source of quotes chooses."""

import gzip
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake.ledger import Status
from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable
from ons_assets.prices.sources import BUILT_IN, QuoteFiles
from tests.workbench import Workbench, record, run

NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Counted with `zcat FILE | tail -n +2 | wc -l`; no record of these files has a line end inside.
WHOLE_RUNS = {
    "sainsbury_products_20160831050039": 1536,
    "sainsbury_products_20161010040049": 2736,
    "sainsbury_products_20161011040042": 2741,
    "tesco_products_20161010040002": 3385,
    "tesco_products_20161011040001": 2780,
    "waitrose_products_20160812050212": 7196,
    "waitrose_products_20161010040800": 1752,
    "waitrose_products_20161011040741": 2176,
    "waitrose_products_20161011144011": 2458,
}
CUT_RUNS = {"tesco_products_20160923155952": 1290, "waitrose_products_20160921095145": 40}


@pytest.fixture
def source(tmp_path: Path) -> QuoteFiles:
    return QuoteFiles((tmp_path, BUILT_IN), Limits(), {"max_price": 10_000})


@pytest.fixture
def pilot(shared_data: Path) -> Path:
    return shared_data / "prices" / "ons_webscraped"


def unquoted_total(path: Path) -> float:
    """Sum of the prices as Python's own reader of CSV finds them."""
    import csv

    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return sum(float(row["item_price_num"]) for row in reader if row["single_class"])


@pytest.mark.parametrize("name", WHOLE_RUNS)
def test_a_run_of_the_pilot_is_read_to_its_last_quote(source: QuoteFiles, pilot: Path, name: str) -> None:
    path = pilot / "raw_runs" / f"{name}.csv.gz"
    parsed = source.whole(path, path.name, NOW)
    retailer, _, stamp = name.split("_")
    assert (len(parsed.accepted), len(parsed.rejected), parsed.notes) == (WHOLE_RUNS[name], 0, ())
    assert parsed.accepted["price"].sum() == pytest.approx(unquoted_total(path))
    assert set(parsed.accepted["retailer"]) == {retailer}
    assert set(parsed.accepted["run"]) == {stamp}
    assert set(parsed.accepted["currency"]) == {"GBP"}
    assert parsed.accepted["line"].to_list() == list(range(2, WHOLE_RUNS[name] + 2))
    first = parsed.accepted["collected_on"].min()
    assert isinstance(first, date)
    assert f"{first:%Y%m%d}" == stamp[:8]


@pytest.mark.parametrize("name", CUT_RUNS)
def test_a_run_that_ends_inside_a_record_keeps_all_others(source: QuoteFiles, pilot: Path, name: str) -> None:
    path = pilot / "raw_runs" / f"{name}.csv.gz"
    parsed = source.whole(path, path.name, NOW)
    assert (len(parsed.accepted), parsed.notes) == (CUT_RUNS[name], ("ends inside a record",))
    assert parsed.rejected["line"].to_list() == [CUT_RUNS[name] + 2]
    last = gzip.decompress(path.read_bytes()).decode().splitlines()[-1]
    assert parsed.rejected["text"].to_list() == [last]


def test_the_empty_run(source: QuoteFiles, pilot: Path) -> None:
    path = pilot / "raw_runs" / "tesco_products_20160912050001.csv.gz"
    with pytest.raises(Unreadable, match=r"^is empty$"):
        source.whole(path, path.name, NOW)


def test_these_are_all_the_runs(pilot: Path) -> None:
    names = {path.name.split(".")[0] for path in (pilot / "raw_runs").iterdir()}
    assert names == {*WHOLE_RUNS, *CUT_RUNS, "tesco_products_20160912050001"}


def test_the_day_in_the_layout_of_2014(source: QuoteFiles, pilot: Path) -> None:
    path = pilot / "tesco_2014-08-22_multibuy.csv.gz"
    parsed = source.whole(path, path.name, NOW)
    assert (len(parsed.accepted), len(parsed.rejected)) == (3155, 0)
    assert parsed.accepted["price"].sum() == pytest.approx(14_913.80)
    assert set(parsed.accepted["collected_on"]) == {date(2014, 8, 22)}
    assert parsed.accepted.select(pl.col("retailer", "run").unique()).row(0) == ("tesco", "2014-08-22")
    assert parsed.accepted["promotion"].null_count() < 3155


def test_all_quotes_of_2016(source: QuoteFiles, pilot: Path) -> None:
    path = pilot / "quotes_2016.parquet"
    parsed = source.whole(path, path.name, NOW)
    assert len(parsed.accepted) + len(parsed.rejected) == 957_353
    assert len(parsed.accepted) == 957_349
    assert parsed.rejected.select("line", "reason").rows() == [
        (line, "price is not positive") for line in (876_032, 876_240, 877_487, 940_300)
    ]
    assert parsed.accepted["price"].sum() == pytest.approx(3_965_448.10, abs=0.01)
    assert parsed.accepted["collected_on"].n_unique() == 93
    assert parsed.accepted.group_by("retailer", "run").len().height == 321  # 334 runs, of which 13 are empty
    assert sorted(parsed.accepted["retailer"].unique()) == ["sainsbury", "tesco", "waitrose"]


def test_the_real_runs_travel_the_whole_road(workbench: Workbench, pilot: Path) -> None:
    for path in sorted((pilot / "raw_runs").iterdir()):
        target = workbench.leave(path.name, b"")
        shutil.copy(path, target)
        workbench.take(target)
    workbench.ingest()
    workbench.check_books()
    published = workbench.published()
    assert len(published) == sum(WHOLE_RUNS.values()) + sum(CUT_RUNS.values()) == 28_090
    drops = workbench.ledger.drops()
    assert sum(drop.parsed_rows or 0 for drop in drops) == 28_092
    statuses = [(drop.name.split(".")[0], drop.reason) for drop in drops if drop.status is not Status.ACCEPTED]
    assert statuses == [("tesco_products_20160912050001", "tesco_products_20160912050001.csv.gz is empty")]


# --- which file is whose


def test_a_source_recognises_its_files_by_name_or_layout(source: QuoteFiles, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(run(record()))
    assert source.recognises(path, "anything.csv")
    path.write_bytes(b"")
    assert source.recognises(path, "tesco_products_20160912050001.csv")
    assert not source.recognises(path, "weights.csv")


def test_a_name_says_retailer_and_run(source: QuoteFiles) -> None:
    assert source.describe("tesco_products_20160912050001.csv.gz") == {"retailer": "tesco", "run": "20160912050001"}
    assert source.describe("tesco_2014-08-22_multibuy.csv.gz") == {"retailer": "tesco", "run": "2014-08-22"}
    assert source.describe("quotes_2016.parquet") == {}
