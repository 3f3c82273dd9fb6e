from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.prices.packs import (
    LARGEST_QUANTITY,
    UNITS,
    Pack,
    pack_table,
    parse_pack,
    plain,
    standard_quantity,
    stem,
)


@pytest.mark.parametrize(
    ("name", "quantity", "unit", "count"),
    [
        ("Lager 6x330ml", 1.98, "l", 6),
        ("LAGER 6 X 330 ML", 1.98, "l", 6),
        ("LAGER 330ML X 6", 1.98, "l", 6),
        ("LAGER 4 PACK 440ML", 1.76, "l", 4),
        ("LAGER 3 X 6 PACK (18 BOTTLES 330ML)", 5.94, "l", 18),
        ("ENERGY DRINK X6 380ML", 2.28, "l", 6),
        ("LAGER 4X440ML (1.76L)", 1.76, "l", 4),
        ("RED WINE 75CL", 0.75, "l", 1),
        ("RED WINE 6 X 75CL", 4.5, "l", 6),
        ("WHISKY 12 YEAR OLD 70CL", 0.7, "l", 1),
        ("CHEDDAR 0.8KG", 0.8, "kg", 1),
        ("CHEDDAR 0,8 kg", 0.8, "kg", 1),
        ("COLA 1.5L", 1.5, "l", 1),
        ("MILK 1.13L/2 PINTS", 1.13, "l", 1),
        ("MILK 4 PINTS", 2.273045, "l", 1),
        ("MILK 1 LITRE 3.6% FAT", 1.0, "l", 1),
        ("TEA 80 TEA BAGS 250G", 0.25, "kg", 80),
        ("TEA 40S 125G", 0.125, "kg", 40),
        ("TEA 80 TEABAGS", 80, "each", 80),
        ("ROLLS 4 PACK", 4, "each", 4),
        ("ROLLS 6PK", 6, "each", 6),
        ("APPLES PACK OF 5", 5, "each", 5),
        ("APPLES X6 MINIMUM", 6, "each", 6),
        ("YOGURT 4 PACK X 25G", 0.1, "kg", 4),
        ("YOGURT 2 X 4 X 100G", 0.8, "kg", 8),
        ("CRISPS 6 PACK 150G", 0.15, "kg", 6),
        ("BAR 5G PROTEIN 40G", 0.04, "kg", 1),
        ("HAM 8OZ", 0.226796185, "kg", 1),
    ],
)
def test_packs_are_read_as_shops_write_them(name: str, quantity: float, unit: str, count: int) -> None:
    found = parse_pack(name)
    assert found is not None
    assert (found.quantity, found.unit, found.count) == (pytest.approx(quantity), unit, count)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "BRAEBURN APPLES LOOSE",
        "7 UP",
        "WHISKY 12 YEAR OLD",
        "YOGURT 0% FAT",
        "LAGER 6X33...",  # cut off: 330 or 33?
        "LAGER 330...",
        "WINE £5",
        "BRAND7G",
        "JUICE 0ML",
        "NO.5 LAGER",
    ],
)
def test_what_is_no_pack_is_none(name: str) -> None:
    assert parse_pack(name) is None


def test_the_text_of_the_pack_is_kept_for_the_reviewer() -> None:
    assert parse_pack("pale lager 6x330ml cans") == Pack(1.98, "l", 6, "6X330ML")


@given(
    count=st.integers(1, 48),
    size=st.integers(1, 9999),
    unit=st.sampled_from(["G", "KG", "ML", "CL", "L", "LITRE"]),
    words=st.text("ABCDEF ", max_size=12),
    gap=st.sampled_from(["", " "]),
)
def test_every_written_pack_is_read_back(count: int, size: int, unit: str, words: str, gap: str) -> None:
    to, factor = UNITS[unit]
    written = f"{size}{gap}{unit}" if count == 1 else f"{count}{gap}X{gap}{size}{gap}{unit}"
    found = parse_pack(f"{words} {written}")
    if round(count * size * factor, 9) > LARGEST_QUANTITY:
        assert found is None
        return
    assert found is not None
    assert (found.quantity, found.unit, found.count) == (pytest.approx(count * size * factor), to, count)
    assert stem(f"{words} {written}") == plain(words)


@given(st.text(max_size=60))
def test_no_name_makes_the_parser_fail(name: str) -> None:
    found = parse_pack(name)
    assert found is None or (found.quantity > 0 and found.count > 0)
    plain(name)
    stem(name)


def test_a_table_has_one_row_a_name() -> None:
    table = pack_table(["B 2X50G", "A", "B 2X50G"])
    assert table.rows() == [("A", None, None, None, "A"), ("B 2X50G", 2, 0.1, "kg", "B")]
    assert pack_table([]).is_empty()


@pytest.mark.parametrize(
    "name", ["LOAF 5000KG", "LOAF 0.0001KG", "TEA 99999999 PACK", f"CANS {9 * 10**30}X330ML", "9" * 5_000 + " PACK"]
)
def test_what_no_pack_holds_is_no_pack(name: str) -> None:
    """Of one product; the gate refuses a table of all products for such a quantity."""
    assert parse_pack(name) is None


def test_displayed_units_become_standard_ones() -> None:
    shown = pl.DataFrame({"n": [100.0, 75.0, 1.0, 1.0, 10.0], "unit": ["g", "cl", "Litre", "each", "na"]})
    quantity, unit = standard_quantity(pl.col("n"), pl.col("unit"))
    assert shown.select(quantity=quantity, unit=unit).rows() == [
        (pytest.approx(0.1), "kg"),
        (pytest.approx(0.75), "l"),
        (1.0, "l"),
        (1.0, "each"),
        (None, None),
    ]


def test_packs_of_2016_agree_with_the_displayed_unit_prices(shared_data: Path) -> None:
    """Price / unit price is the pack, by the shop itself; both stores that show units, every name with a size."""
    quotes = pl.read_parquet(shared_data / "prices/ons_webscraped/quotes_2016.parquet").filter(
        pl.col("item_price_num") > 0, pl.col("unit_price") > 0
    )
    quantity, unit = standard_quantity(pl.col("no_units"), pl.col("units"))
    shown = (
        quotes.select(
            product="product_name", quantity=pl.col("item_price_num") / pl.col("unit_price") * quantity, unit=unit
        )
        .drop_nulls()
        .group_by("product", "unit")
        .agg(pl.col("quantity").median())
    )
    both = shown.join(pack_table(shown["product"]), on="product").filter(pl.col("pack_unit") == pl.col("unit"))
    assert len(both) > 2900
    agree = both.select((pl.col("pack_quantity") / pl.col("quantity")).is_between(0.8, 1.25)).to_series()
    # The others are mostly wrong on the page: "12X150G" priced per 150 g.
    assert agree.mean() > 0.99
