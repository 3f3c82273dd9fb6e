from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Status
from ons_assets.parameters.prices import AggregationParameters
from ons_assets.prices.compilation import aggregate_indices
from ons_assets.reference.coicop import ItemCoicopFiles, correspondence, groups_of_items, item_levels
from tests.workbench import Workbench

HEADER = "item_id,item,coicop_1999,coicop_2018"


@pytest.fixture
def bench(workbench: Workbench) -> Workbench:
    workbench.source = ItemCoicopFiles.of(workbench.settings)
    workbench.table = CATALOGUE["reference/item_coicop"]
    return workbench


def codes(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


ITEMS = pl.DataFrame(
    [
        ("bread", "01.1.1", "01.1.1.3"),
        ("rice", "01.1.1", "01.1.1.1"),
        ("eggs", "01.1.4", "01.1.4.8"),
        ("tyres", "07.2.1", None),
        ("cover", None, "12.1.2"),
    ],
    schema=["item_id", "coicop_1999", "coicop_2018"],
    orient="row",
)


def test_codes_of_either_version_are_published(bench: Workbench) -> None:
    bench.register("c.csv", codes("1,Bread,01.1.1,01.1.1.3", "2,Tyres,07.2.1,", "3,,,12.1.0"))
    assert bench.ingest().rows == 3
    assert bench.published().select("item_id", "item", "coicop_1999", "coicop_2018").rows() == [
        ("1", "Bread", "01.1.1", "01.1.1.3"),
        ("2", "Tyres", "07.2.1", None),
        ("3", None, None, "12.1.0"),
    ]
    bench.check_books()


@pytest.mark.parametrize("version", ["1999", "2018"])
def test_a_file_may_have_the_codes_of_one_version_only(bench: Workbench, version: str) -> None:
    bench.register("c.csv", codes("210111.0,01.1.1", header=f"item_id,coicop_{version}"))
    bench.ingest()
    assert bench.published().select("item_id", f"coicop_{version}").rows() == [("210111", "01.1.1")]


def test_a_list_of_items_without_codes_is_no_file_of_codes(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(codes("1,Bread", header="item_id,item"))
    assert not bench.source.recognises(path, path.name)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",Bread,01.1.1,", "item is missing"),
        ("1,Bread,,", "has no code"),
        *(
            (f"1,Bread,{code},", "coicop_1999 is no code of a class or subclass, such as 01.1.1 or 01.1.1.1")
            for code in (
                "1.1.1",
                "01.1",
                "01",
                "01.1.1.",
                "0111",
                "15.1.1",
                "00.1.1",
                "01.0.1",
                "01.1.1.1.1",
                "CP01111",
            )
        ),
        ("1,Bread,,16.1.1", "coicop_2018 is no code of a class or subclass, such as 01.1.1 or 01.1.1.1"),
    ],
)
def test_a_code_that_is_none_is_rejected_with_its_line(bench: Workbench, line: str, reason: str) -> None:
    bench.register("c.csv", codes("9,Rice,01.1.1,", line))
    bench.ingest()
    drop = bench.drop("c.csv")
    assert (drop.status, drop.reason) == (Status.ACCEPTED, f"1 row: {reason}")


def test_an_item_has_one_code_and_a_later_file_corrects_it(bench: Workbench) -> None:
    bench.register("c.csv", codes("1,Bread,01.1.1,01.1.1.3", "2,Eggs,01.1.4,01.1.4.8", "2,Eggs,01.1.4,01.1.4.7"))
    bench.ingest()
    # Which of the two codes of eggs is right, nobody said.
    assert bench.published()["item_id"].to_list() == ["1"]
    bench.register("d.csv", codes("1,Bread,01.1.1,01.1.1.4"))
    bench.ingest()
    assert bench.published().select("item_id", "coicop_2018").rows() == [("1", "01.1.1.4")]


def test_levels_are_beginnings_of_the_code() -> None:
    assert item_levels(ITEMS).rows() == [
        ("bread", "01", "01.1", "01.1.1", "01.1.1.3"),
        ("cover", "12", "12.1", "12.1.2", None),
        ("eggs", "01", "01.1", "01.1.4", "01.1.4.8"),
        ("rice", "01", "01.1", "01.1.1", "01.1.1.1"),
    ]
    assert item_levels(ITEMS, "1999").filter(item_id="tyres").row(0) == ("tyres", "07", "07.2", "07.2.1", None)
    assert groups_of_items(ITEMS.filter(item_id="cover")).rows() == [
        ("cover", "division", "12"),
        ("cover", "group", "12.1"),
        ("cover", "class", "12.1.2"),
    ]


def test_the_versions_correspond_where_items_have_both_codes() -> None:
    assert correspondence(ITEMS).rows() == [("01.1.1", "01.1.1", 2), ("01.1.4", "01.1.4", 1)]
    assert correspondence(ITEMS, "division").rows() == [("01", "01", 3)]


def test_levels_serve_as_groups_of_an_aggregation() -> None:
    month = {"frequency": "month", "method": "jevons", "period": "2024-01", "index": 100.0}
    months = [month | {"item_id": item} for item in ITEMS["item_id"]]
    months += [row | {"period": "2024-02", "index": 110.0 if row["item_id"] == "eggs" else 100.0} for row in months]
    levels = groups_of_items(ITEMS).select("item_id", group="code")
    weights = levels.with_columns(item="item_id", year=pl.lit(2024, dtype=pl.Int32), weight=pl.lit(1.0))
    made = aggregate_indices(pl.LazyFrame(months), weights.lazy(), AggregationParameters()).filter(period="2024-02")
    index = dict(made.select("group", "index").iter_rows())
    assert index["01.1.4"] == pytest.approx(110)
    assert index["01"] == index["01.1"] == pytest.approx(100 + 10 / 3)
    assert index["12"] == pytest.approx(100)
