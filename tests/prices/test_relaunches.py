from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import relaunch_accuracy
from ons_assets.parameters.prices import CheckParameters
from ons_assets.prices.lineages import add_identity, add_packs, lineages, number_packs, products_of
from ons_assets.prices.relaunches import relaunches

START = date(2016, 8, 1)
RULES = {"gap_days": 14, "overlap_days": 0}


def products(*rows: tuple[str, float, int, int]) -> pl.DataFrame:
    """Products by name, price, first and last day."""
    quotes = [
        {"product": name, "price": price, "collected_on": START + timedelta(days=day)}
        for name, price, first, last in rows
        for day in (first, last)
    ]
    nothing = {"unit_price": pl.Float64, "unit_quantity": pl.Float64, "unit": pl.String}
    frame = pl.DataFrame(quotes).with_columns(
        pl.lit("tesco").alias("retailer"),
        pl.lit("1").alias("item_id"),
        *(pl.lit(None, dtype=kind).alias(name) for name, kind in nothing.items()),
    )
    return products_of(add_identity(number_packs(add_packs(frame))))


def replaced(*rows: tuple[str, float, int, int], **rules: float) -> list[tuple[str, str]]:
    found = relaunches(products(*rows), **(RULES | rules))  # type: ignore[arg-type]
    return found.select("replaces", "product_id").rows()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("YOGURT CHERRY 4X120G", "YOGURT CHERRY 4X110G"),
        ("BEER BLOND 355ML", "BEER BLOND 330ML"),
        ("NATURAL LOW FAT YOGURT 500G", "NATURAL YOGURT LOW FAT 450G"),
        ("RED APPLES X5 MINIMUM", "RED APPLES X6 MINIMUM"),
        ("CIDER 568ML BOTTLE", "CIDER 500ML BOTTLE"),
        ("TEA BAGS 80 TEA BAGS 250G", "TEA BAGS 75 TEA BAGS 234G"),
    ],
)
def test_the_same_product_in_another_pack_is_a_relaunch(before: str, after: str) -> None:
    [(old, new)] = replaced((before, 1.0, 0, 10), (after, 1.0, 12, 20))
    assert (old, new) == (before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("BEER BLOND 500ML", "BEER BLOND 8X330ML"),
        ("BEER BLOND 3X620ML", "BEER BLOND 6X250ML"),
        ("BEER BLOND 10X330ML", "BEER BLOND 12X330ML"),
        ("TOMATOES CHOPPED 400G", "TOMATOES CHOPPED 4 X 400G"),
        ("BEER BLOND BELGIAN STYLE 500ML CAN", "BEER BLOND BELGIAN STYLE 440ML BOTTLE"),
        ("ORANGE JUICE 500ML", "ORANGE JUICE 250ML"),
        ("YOGURT CHERRY 120G", "YOGURT PEACH 110G"),
        ("NEW POTATOES LOOSE 120G", "NEW POTATOES LOOSE 110G"),
        ("YOGURT CHERRY 120G", "YOGURT CHERRY 120G NEW"),
    ],
)
def test_a_variant_is_no_relaunch(before: str, after: str) -> None:
    assert replaced((before, 1.0, 0, 10), (after, 1.0, 12, 20)) == []


@pytest.mark.parametrize(
    ("old_price", "new_price", "left", "came", "found"),
    [
        (1.0, 1.0, 10, 24, True),
        (1.0, 1.0, 10, 25, False),  # too late
        (1.0, 1.0, 10, 11, True),
        (1.0, 1.0, 10, 10, False),  # both on one day
        (1.0, 1.0, 10, 6, False),
        (2.0, 1.0, 10, 12, True),  # at half its price
        (1.0, 2.5, 10, 12, False),
    ],
)
def test_the_old_has_gone_and_the_price_is_near(
    old_price: float, new_price: float, left: int, came: int, found: bool
) -> None:
    rows = replaced(("LOAF 800G", old_price, 0, left), ("LOAF 720G", new_price, came, 30))
    assert bool(rows) is found


def test_overlap_is_allowed_where_it_is_said() -> None:
    rows = (("LOAF 800G", 1.0, 0, 10), ("LOAF 720G", 1.0, 6, 30))
    assert replaced(*rows, overlap_days=4) == []
    assert replaced(*rows, overlap_days=5) == [("LOAF 800G", "LOAF 720G")]


def test_of_several_the_nearest_in_size_and_price_was_replaced() -> None:
    rows = (("BERRIES 200G", 2.0, 0, 10), ("BERRIES 350G", 3.0, 0, 11), ("BERRIES 250G", 3.0, 15, 30))
    assert replaced(*rows) == [("BERRIES 350G", "BERRIES 250G")]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["LOAF", "LOAF WHITE", "WHITE LOAF", "ROLLS"]),
            st.sampled_from([400, 450, 500, 720, 800]),
            st.integers(0, 20),
            st.integers(1, 20),
        ),
        min_size=1,
        max_size=12,
        unique_by=lambda row: row[:2],
    )
)
def test_a_product_replaces_one_and_is_replaced_by_one_and_chains_end(rows: list[tuple[str, int, int, int]]) -> None:
    made = products(*((f"{name} {size}G", 1.0, first, first + days) for name, size, first, days in rows))
    found = relaunches(made, **RULES)  # type: ignore[arg-type]
    assert found["product_id"].is_unique().all()
    assert found["replaces"].is_unique().all()
    of = {row["product_id"]: row for row in made.iter_rows(named=True)}
    for new, old in found.select("product_id", "replaces").iter_rows():
        assert of[old]["last_day"] < of[new]["first_day"]
        assert 1 / 1.5 <= of[new]["pack_quantity"] / of[old]["pack_quantity"] <= 1.5 + 1e-9
    assert len(lineages(made, found)) == len(made)


def test_relaunches_of_2016_agree_with_a_reader_on_the_pairs_kept_apart(shared_data: Path) -> None:
    """3 of 20 flags were right when any change of size counted."""
    made = relaunch_accuracy.products_of_2016(shared_data / "prices/ons_webscraped/quotes_2016.parquet")
    labels = pl.read_csv(Path(__file__).with_name("relaunch_labels.csv"))
    judged = relaunch_accuracy.judge(made, labels, CheckParameters())
    assert judged.filter("flagged", pl.col("label") == "unlabelled").is_empty()
    held_out = relaunch_accuracy.figures(judged).row(1, named=True)
    assert held_out["relaunches"] == 16
    assert held_out["precision"] >= 0.9
    assert held_out["recall"] >= 0.7


def test_pairs_are_the_same_however_many_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All names of a brand are written anew on one day, in smaller packs: all are held against all."""
    old = [(f"ACME JUICE {fruit} {100 + at}ML", 1.0, 0, 9) for at, fruit in enumerate(FRUITS)]
    new = [(f"ACME JUICE {fruit} {90 + at}ML", 1.0, 10, 19) for at, fruit in enumerate(FRUITS)]
    whole = replaced(*old, *new)
    monkeypatch.setattr("ons_assets.prices.relaunches.PAIRS_AT_A_TIME", 3)
    assert replaced(*old, *new) == whole
    assert [(each.split()[2], by.split()[2]) for each, by in whole] == [(fruit, fruit) for fruit in sorted(FRUITS)]


FRUITS = ("APPLE", "PEAR", "PLUM", "GRAPE", "MANGO")
