"""Files of rules, labels and published indices."""

from pathlib import Path

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse import quarantine
from ons_assets.reference.item_rules import ItemRuleFiles
from ons_assets.reference.official_indices import OfficialIndexFiles
from ons_assets.reference.product_labels import LabelFiles
from tests.workbench import Workbench, now


def at(workbench: Workbench, source: type, table: str) -> Workbench:
    workbench.source = source.of(workbench.settings)
    workbench.table = CATALOGUE[table]
    return workbench


@pytest.fixture
def labels(workbench: Workbench) -> Workbench:
    return at(workbench, LabelFiles, "reference/product_labels")


@pytest.fixture
def rules(workbench: Workbench) -> Workbench:
    return at(workbench, ItemRuleFiles, "reference/item_rules")


@pytest.fixture
def indices(workbench: Workbench) -> Workbench:
    return at(workbench, OfficialIndexFiles, "reference/official_indices")


def lines(*text: str) -> bytes:
    return "\n".join([*text, ""]).encode()


def reasons(bench: Workbench, content: bytes) -> list[tuple[int, str]]:
    path = bench.settings.home / "file.csv"
    path.write_bytes(content)
    return bench.source.whole(path, path.name, now()).rejected.select("line", "reason").rows()


LABEL = "retailer,item_id,product,in_scope,labelled_by,labelled_at_utc"


def test_labels_are_published_and_older_ones_are_kept(labels: Workbench) -> None:
    labels.register("one.csv", lines(LABEL, "Tesco,210111,LOAF,true,ann,2016-08-01 09:30:00"))
    labels.register(
        "two.csv", lines(LABEL, "tesco,210111.0,LOAF,No,bob,2016-08-02", 'tesco,210111,"ROLL, SOFT",1,bob,')
    )
    labels.ingest()
    labels.check_books()
    published = labels.published().sort("labelled_at_utc")
    assert published.select("retailer", "item_id", "product", "in_scope", "labelled_by").rows() == [
        ("tesco", "210111", "LOAF", True, "ann"),
        ("tesco", "210111", "LOAF", False, "bob"),
        ("tesco", "210111", "ROLL, SOFT", True, "bob"),
    ]
    assert str(published["labelled_at_utc"][0]) == "2016-08-01 09:30:00+00:00"


def test_a_product_of_the_queue_is_labelled_by_its_own_name(labels: Workbench) -> None:
    """The queue has an apostrophe before what a spreadsheet would run."""
    labels.register("one.csv", lines(LABEL, "tesco,1,'=LOAF(1),true,ann,", "tesco,1,@ROLL,true,ann,"))
    labels.ingest()
    assert sorted(labels.published()["product"]) == ["=LOAF(1)", "@ROLL"]


def test_why_a_label_is_not_taken(labels: Workbench) -> None:
    found = reasons(
        labels,
        lines(
            LABEL,
            "tesco,1,A,true,ann,2016-08-01",
            "tesco,1,B,,ann,2016-08-01",
            "tesco,1,C,maybe,ann,2016-08-01",
            "tesco,1,D,true,,2016-08-01",
            "tesco,1,E,true,ann,yesterday",
            "tesco,1,F,true,ann,2999-01-01",
            "tesco,,G,true,ann,2016-08-01",
        ),
    )
    assert found == [
        (3, "has no verdict yet"),
        (4, "in_scope is neither true nor false"),
        (5, "does not say who labelled it"),
        (6, "labelled_at_utc is no time"),
        (7, "was labelled after it was received"),
        (8, "retailer, item or product is missing"),
    ]


def test_a_queue_that_nobody_filled_in_is_refused_and_kept(labels: Workbench) -> None:
    drop = labels.register("queue.csv", lines(LABEL, "tesco,1,A,,,", "tesco,1,B,,,"))
    assert drop.status == "refused"
    assert [entry.rows for entry in quarantine.entries(labels.home)] == [2]


def test_rules_in_rows(rules: Workbench) -> None:
    header = "item_id,item,rule,words,lowest,highest,unit"
    rules.register(
        "r.csv", lines(header, "1,Loaf,Remove,CAKE | ROLL,,,", "1,Loaf,quantity,,0.4,0.8,kg", "1,,alcohol,,,5,")
    )
    rules.ingest()
    published = rules.published().select("item_id", "item", "rule", "words", "lowest", "highest", "unit").rows()
    assert published == [
        ("1", "Loaf", "remove", "CAKE | ROLL", None, None, None),
        ("1", "Loaf", "quantity", None, 0.4, 0.8, "kg"),
        ("1", "1", "alcohol", None, None, 5.0, "%"),
    ]
    assert reasons(
        rules,
        lines(
            header,
            ",,remove,A,,,",
            "1,,forbid,A,,,",
            "1,,remove,,,,",
            "1,,quantity,,,x,kg",
            "1,,quantity,,2,1,kg",
            "1,,quantity,,1,2,oz",
            "1,,remove,A,,,",
        ),
    ) == [
        (2, "item is missing"),
        (3, "rule is none of require, include, doubt, remove, describe, quantity, alcohol, pieces"),
        (4, "has no words"),
        (5, "has neither a lowest nor a highest value that is a number"),
        (6, "the lowest value is above the highest"),
        (7, "unit is none of kg, l, each"),
    ]


def test_a_keyword_dictionary(rules: Workbench) -> None:
    header = "ons_item_name,include,exclude (new_match = 0.5),remove (new_match  = 0.0),Sub_category"
    rules.register("d.csv", lines(header, '"Apples, per kg",APPLE,PEAR  PACK,NONE,x'))
    rules.ingest()
    assert rules.published().select("item_id", "item", "rule", "words").rows() == [
        (None, "Apples, per kg", "doubt", "PEAR | PACK"),
        (None, "Apples, per kg", "include", "APPLE"),
    ]


def test_descriptions_of_items(rules: Workbench) -> None:
    header = "Item No.,ONS Item Description ,J,F,J"
    rules.register("c.csv", lines(header, '210102,"Large Loaf, 800g",1,2,3', ",,,,"))
    rules.ingest()
    rules.check_books()
    assert rules.published().select("item_id", "rule", "words").rows() == [("210102", "describe", "Large Loaf, 800g")]


def test_the_real_dictionary_and_descriptions(rules: Workbench, shared_data: Path) -> None:
    folder = shared_data / "prices/ons_webscraped/reference"
    for name, rows in (("keyword_dictionary.csv", 64), ("cpi_grocery_item_descriptions.csv", 262)):
        assert rules.source.recognises(folder / name, name)
        parsed = rules.source.whole(folder / name, name, now())
        assert len(parsed.accepted) == rows
        CATALOGUE["reference/item_rules"].conform(parsed.accepted.with_columns(drop_sha256=pl.lit("0")))


def test_published_indices_in_three_layouts(indices: Workbench) -> None:
    indices.register(
        "long.csv",
        lines("series,item_id,item,period,index", "cpi,210111,Loaf,2016-07,100.5", "cpi,210111,Loaf,2016-W30,101"),
    )
    indices.register(
        "wide_unchained.csv", lines("ITEM_ID,2016-07-01,2016-08-01 00:00:00", "210111,100,", "210113,-,102.5")
    )
    indices.register("monitor.csv", lines("Date,Index", "2016-07-21,100", "2016-07-22,100.2"))
    indices.ingest()
    indices.check_books()
    found = (
        indices.published().select("series", "item_id", "frequency", "period", "index").sort("series", "period").rows()
    )
    assert found == [
        ("cpi", "210111", "month", "2016-07", 100.5),
        ("cpi", "210111", "week", "2016-W30", 101.0),
        ("monitor", "all", "day", "2016-07-21", 100.0),
        ("monitor", "all", "day", "2016-07-22", 100.2),
        ("wide_unchained", "210111", "month", "2016-07", 100.0),
        ("wide_unchained", "210113", "month", "2016-08", 102.5),
    ]


def test_why_an_index_is_not_taken(indices: Workbench) -> None:
    header = "series,item_id,period,index"
    assert reasons(
        indices,
        lines(
            header,
            ",1,2016-07,1",
            "a,1,2016-7,1",
            "a,1,2016-02-30,1",
            "a,1,2016-07,0",
            "a,1,2016-07,x",
            "a,1,2016-07,1",
        ),
    ) == [
        (2, "series or item is missing"),
        (3, "period is no day (2016-07-21), week (2016-W29) or month (2016-07)"),
        (4, "period is no day (2016-07-21), week (2016-W29) or month (2016-07)"),
        (5, "index is missing, not positive or not a number"),
        (6, "index is missing, not positive or not a number"),
    ]


def test_a_file_of_another_kind_says_what_it_lacks(labels: Workbench) -> None:
    path = labels.settings.home / "other.csv"
    path.write_bytes(lines("retailer,item_id,product", "tesco,1,A"))
    assert not labels.source.recognises(path, path.name)
    with pytest.raises(Unreadable, match="also needs 'in_scope', 'labelled_by'"):
        labels.source.whole(path, path.name, now())


def test_a_later_file_of_a_series_corrects_the_earlier_one(indices: Workbench) -> None:
    header = "series,item_id,period,index"
    indices.register("a.csv", lines(header, "cpi,1,2016-07,100", "cpi,1,2016-08,101"))
    indices.register("b.csv", lines(header, "cpi,1,2016-08,102"))
    indices.ingest()
    assert indices.published().sort("period")["index"].to_list() == [100.0, 102.0]
