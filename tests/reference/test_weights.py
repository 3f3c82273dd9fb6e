import io
from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse import quarantine
from ons_assets.reference.weights import WeightFiles
from tests.workbench import Workbench

HEADER = "item_id,item,group,year,weight"


@pytest.fixture
def bench(workbench: Workbench) -> Workbench:
    workbench.source = WeightFiles.of(workbench.settings)
    workbench.table = CATALOGUE["reference/item_weights"]
    return workbench


def weights(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


def parquet(**columns: list[object]) -> bytes:
    buffer = io.BytesIO()
    good = {"item_id": ["1"], "item": ["Bread"], "group": ["Food"], "year": [2016], "weight": [3.5]}
    pl.DataFrame(good | columns).write_parquet(buffer)
    return buffer.getvalue()


def published(bench: Workbench) -> list[tuple[object, ...]]:
    return bench.published().sort("item_id", "year").select("item_id", "group", "year", "weight").rows()


def test_weights_are_published(bench: Workbench) -> None:
    bench.register("w.csv", weights("1,Bread,Food,2016,3.5", '2,"Milk, whole",Food,2016,0'))
    outcome = bench.ingest()
    assert (outcome.rows, outcome.drops) == (2, 1)
    assert published(bench) == [("1", "Food", 2016, 3.5), ("2", "Food", 2016, 0.0)]
    bench.check_books()


def test_a_later_file_corrects_key_by_key(bench: Workbench) -> None:
    bench.register("w.csv", weights("1,Bread,Food,2016,3", "2,Milk,Food,2016,1"))
    bench.ingest()
    bench.register("w2.csv", weights("1,Bread,Food,2016,4", "1,Bread,Food,2017,5"))
    bench.ingest()
    assert published(bench) == [("1", "Food", 2016, 4.0), ("1", "Food", 2017, 5.0), ("2", "Food", 2016, 1.0)]
    bench.register("w3.csv", weights("2,Milk,Food,2016,7", "1,Bread,Food,2016,4", "1,Bread,Food,2017,5"))
    bench.ingest()
    assert bench.statuses() == {"w.csv": "superseded", "w2.csv": "superseded", "w3.csv": "accepted"}
    assert len(bench.published(0)) == 2
    bench.check_books()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",Bread,Food,2016,1", "item or group is missing"),
        ("1,,Food,2016,1", "item or group is missing"),
        ("1,Bread, ,2016,1", "item or group is missing"),
        ("1,Bread,Food,,1", "year is missing or not a number"),
        ("1,Bread,Food,2016/17,1", "year is missing or not a number"),
        ("1,Bread,Food,99999999999,1", "year is missing or not a number"),
        ("1,Bread,Food,2016,", "weight is missing, negative or not a number"),
        ("1,Bread,Food,2016,-1", "weight is missing, negative or not a number"),
        ("1,Bread,Food,2016,nan", "weight is missing, negative or not a number"),
        ("1,Bread,Food,2016,inf", "weight is missing, negative or not a number"),
        ("1,Bread,Food,2016", "4 fields where 5 are expected"),
    ],
)
def test_a_record_that_is_no_weight_is_rejected(bench: Workbench, line: str, reason: str) -> None:
    drop = bench.register("w.csv", weights("9,Good,Food,2016,1", line))
    bench.ingest()
    assert len(bench.published()) == 1
    rejected = pl.read_parquet(bench.home.quarantine / bench.table.name / f"{drop.sha256}.rows.parquet")
    assert rejected.select("line", "reason").rows() == [(3, reason)]
    assert bench.drop("w.csv").reason == f"1 row: {reason}"
    bench.check_books()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (
            b"item,weight\n",
            "is delimited text in a layout that is not known: its columns are 'item', 'weight'; "
            "the layout item_weights also needs 'group', 'item_id', 'year'",
        ),
        (weights(), "has a header and no rows"),
        (
            weights("1,Bread,Food,2016,-1"),
            "has no row that could be read (1 row: weight is missing, negative or not a number)",
        ),
        (parquet()[:-20], "is a Parquet file cut short"),
        (
            parquet(weight=[[1.0]]),
            "has no row that could be read (1 row: weight is missing, negative or not a number)",
        ),
    ],
)
def test_a_file_without_weights_is_refused_and_stops_no_other(bench: Workbench, content: bytes, reason: str) -> None:
    drop = bench.register("w.csv", content)
    assert (drop.status, drop.reason) == (Status.REFUSED, f"w.csv {reason}")
    bench.register("good.csv", weights("1,Bread,Food,2016,3"))
    for _ in range(2):
        bench.ingest()
        assert published(bench) == [("1", "Food", 2016, 3.0)]
        assert bench.statuses() == {"w.csv": "refused", "good.csv": "accepted"}
        assert [entry.name for entry in quarantine.entries(bench.home)] == ["w.csv"]
        bench.check_books()


def test_a_directory_stops_no_file(bench: Workbench) -> None:
    folder = bench.leave("x", b"").with_name("folder")
    folder.mkdir()
    assert bench.take(folder).status is Status.REFUSED
    bench.register("good.csv", weights("1,Bread,Food,2016,3"))
    bench.ingest()
    assert bench.statuses() == {"folder": "refused", "good.csv": "accepted"}


def test_weights_that_contradict_each_other_are_all_rejected(bench: Workbench) -> None:
    bench.register("w.csv", weights("1,Bread,Food,2016,3", "1,Bread,Food,2016,4", "2,Milk,Food,2016,-1"))
    outcome = bench.ingest()
    assert outcome.version is None
    drop = bench.drop("w.csv")
    assert (drop.status, drop.parsed_rows, drop.quarantined_rows) == (Status.REFUSED, 3, 3)
    assert "2 rows: contradicts another line" in (drop.reason or "")
    bench.check_books()


@pytest.mark.parametrize("item_id", [["210111"], [210111], [210111.0], [" 210111 "]])
def test_parquet_of_other_types(bench: Workbench, item_id: list[object]) -> None:
    bench.register("w.parquet", parquet(item_id=item_id, year=[2016.0], weight=["3.5 "]))
    bench.ingest()
    assert published(bench) == [("210111", "Food", 2016, 3.5)]


def test_a_source_recognises_weights_by_their_columns(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(weights("1,Bread,Food,2016,3"))
    assert bench.source.recognises(path, "anything")
    path.write_bytes(b"a,b\n")
    assert not bench.source.recognises(path, "weights.csv")
