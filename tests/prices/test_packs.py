from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.prices.packs import (
    LARGEST_QUANTITY,
    LEAST_QUANTITY,
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
        ("GRANULATED 1,000G", 1.0, "kg", 1),
        ("GRANULATED 1 000 G", 1.0, "kg", 1),
        ("FLOUR 1'000G", 1.0, "kg", 1),
        ("FLOUR 1.000,5 G", 1.0005, "kg", 1),
        ("RICE 1.136L", 1.136, "l", 1),
        ("RICE 1,136 KG", 1.136, "kg", 1),
        ("CIDER .33L", 0.33, "l", 1),
        ("OATS 4 PCS X 400G", 1.6, "kg", 4),
        ("BUCKWHEAT 800 G. X 6", 4.8, "kg", 6),
        ("BUCKWHEAT 4.8KG (6 PCS OF 800G)", 4.8, "kg", 6),
        ("CHICKPEAS 2 400G CANS", 0.8, "kg", 2),
        ("CHEDDAR STRENGTH 3 300G", 0.3, "kg", 1),
        ("SODA 6 X 12 FL OZ", 2.0457405, "l", 6),
        ("SODA 12 FL. OZ.", 0.34095675, "l", 1),
        ("SODA 2 FLUID OUNCES", 0.056826125, "l", 1),
        ("VITAMIN C 1000MG 60 CAPSULES", 60, "each", 60),
        ("VITAMIN C 1G 20 TABLETS", 20, "each", 20),
        ("COFFEE 16 CAPSULES 96G", 0.096, "kg", 16),
        ("MILK 950ML X 12 PCS", 11.4, "l", 12),
        ("MILK 0.2LX12PCS", 2.4, "l", 12),
        ("MILK 1.5%1LX10", 10.0, "l", 10),
        ("ALE 330MLX6", 1.98, "l", 6),
        ("CIDER 10X440ML+2X440ML", 5.28, "l", 12),
        ("EGGS DOZEN", 12, "each", 12),
        ("EGGS 2 DOZEN", 24, "each", 24),
        ("HALF A DOZEN EGGS", 6, "each", 6),
        ("1/2 DOZEN EGGS", 6, "each", 6),
        ("12 LARGE FREE RANGE EGGS", 12, "each", 12),
        ("EGGS BOX OF 10", 10, "each", 10),
        ("TEA 100 ASSAM TEA BAGS", 100, "each", 100),
        ("TEA X80 TEA BAGS 250G", 0.25, "kg", 80),
        ("TEA 40'S 125G", 0.125, "kg", 40),
        ("MILK 1/2 GALLON", 2.273045, "l", 1),
        ("MILK 2 PTS", 1.1365225, "l", 1),
        ("CREAM HALF PINT", 0.284130625, "l", 1),
        ("CREAM 1 1/2 PINTS", 0.852391875, "l", 1),
        ("BEEF 2½ LB", 1.133980925, "kg", 1),
        ("COLA 2 LITRE BOTTLE", 2.0, "l", 1),
        ("ROSE 1 X 4.5L CASE", 4.5, "l", 1),
        ("YOGHURT DRINK250G", 0.25, "kg", 1),
        ("BISCUITS TWIN PACK2X242G", 0.484, "kg", 2),
        ("ALE 6 CANS OF 330ML", 1.98, "l", 6),
        ("WATER 32-PACK 500ML", 16.0, "l", 32),
        ("WATER 6-PACK X 500ML", 3.0, "l", 6),
        ("MILK 4-PINT", 2.273045, "l", 1),
        ("VITAMINS 75 COUNT", 75, "each", 75),
        ("ALE 6X330ML...", 1.98, "l", 6),  # cut off behind the pack
        ("SHAKE 500ML 20 SERV...", 0.5, "l", 1),
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
        "LAGER 330ML X 1...",  # cut off within the number of containers
        "LAGER 330ML 4 PA...",
        "LAGER 6X1L...",  # a litre, or a pound?
        "4.5X330ML",
        "PRICE PER 100G",
        "GARLIC 860MG",  # a strength
        "LEMONADE 7 UP CANS",
        "SHAKE 5G OF PROTEIN",
    ],
)
def test_what_is_no_pack_is_none(name: str) -> None:
    assert parse_pack(name) is None


def test_the_text_of_the_pack_is_kept_for_the_reviewer() -> None:
    assert parse_pack("pale lager 6x330ml cans") == Pack(1.98, "l", 6, "6X330ML", containers=6)


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


NUMBERS = {
    "plain": lambda number: f"{number:g}",
    "comma": lambda number: f"{number:g}".replace(".", ","),
    "thousands": lambda number: f"{number:,g}" if number == int(number) and number >= 1000 else f"{number:g}",
}
UNIT_WORDS = {
    "g": ("G", "GR", "GRAMS", "g."),
    "kg": ("KG", "Kilo"),
    "ml": ("ML", "ml"),
    "cl": ("CL",),
    "l": ("L", "LTR", "Litres"),
    "pint": ("PT", "PINTS"),
    "fl oz": ("FL OZ", "fl. oz", "FLUID OUNCES"),
    "gallon": ("GAL", "GALLONS"),
}
IN_STANDARD = {"g": 0.001, "kg": 1, "ml": 0.001, "cl": 0.01, "l": 1}
IN_STANDARD |= {"pint": 0.56826125, "fl oz": 0.0284130625, "gallon": 4.54609}
WAYS = {
    "before": "{count}{gap}{times}{gap}{size}{gap}{unit}",
    "after": "{size}{gap}{unit} {times}{gap}{count}",
    "glued after": "{size}{unit}{times}{count}",
    "pieces before": "{count} {pieces} {times} {size}{gap}{unit}",
    "pieces after": "{size}{gap}{unit} {times} {count} {pieces}",
    "pieces of": "{count} {pieces} OF {size}{gap}{unit}",
    "of cans": "{count} {size}{unit} CANS",
    "total too": "{count}{times}{size}{unit} (9{unit})",
}


@given(
    count=st.integers(2, 48),
    size=st.one_of(st.integers(1, 1500), st.sampled_from([0.5, 1.5, 2.25, 12.5])),
    unit=st.sampled_from(sorted(UNIT_WORDS)),
    way=st.sampled_from(sorted(WAYS)),
    number=st.sampled_from(sorted(NUMBERS)),
    gap=st.sampled_from(["", " "]),
    times=st.sampled_from(["X", "x", "×", "*"]),
    pieces=st.sampled_from(["PCS", "PACK", "BOTTLES", "POTS"]),
    around=st.sampled_from([("", ""), ("LAGER ", ""), ("BRAND 7 ", " EXTRA"), ("Ale, ", " (each)"), ("0.5% FAT ", "")]),
    data=st.data(),
)
def test_a_pack_written_in_any_way_is_read_back(
    count: int,
    size: float,
    unit: str,
    way: str,
    number: str,
    gap: str,
    times: str,
    pieces: str,
    around: tuple[str, str],
    data: st.DataObject,
) -> None:
    word = data.draw(st.sampled_from(UNIT_WORDS[unit]))
    if way == "glued after":
        word, times = UNIT_WORDS[unit][0].replace(" ", ""), "x"
    small = unit in ("g", "ml")
    shown = NUMBERS[number if small or number != "thousands" else "plain"](size)
    written = WAYS[way].format(count=count, size=shown, unit=word, gap=gap, times=times, pieces=pieces)
    name = around[0] + written + around[1]
    quantity = count * size * IN_STANDARD[unit]
    found = parse_pack(name)
    if not LEAST_QUANTITY <= round(quantity, 9) <= LARGEST_QUANTITY:
        assert found is None
        return
    assert found is not None, name
    to = "kg" if unit in ("g", "kg") else "l"
    assert (found.quantity, found.unit, found.count) == (pytest.approx(quantity), to, count), name
    assert (
        stem(name) == stem(around[0] + " " + around[1])
        if way != "total too"
        else stem(name).startswith(stem(around[0]))
    )


@pytest.mark.parametrize("name", ["CHICKEN 1.5-2.5KG", "CHICKEN 1.5KG - 2.5KG", "CHICKEN 1.5 TO 2.5 KG"])
def test_a_range_is_flagged_and_stands_for_its_middle(name: str) -> None:
    found = parse_pack(name)
    assert found is not None
    assert (found.quantity, found.unit, found.between) == (2.0, "kg", (1.5, 2.5))
    assert stem(name) == "CHICKEN"


def test_what_is_too_wide_is_no_range() -> None:
    assert parse_pack("ALE 6-330ML") == Pack(0.33, "l", 1, "330ML")


@given(st.text(max_size=60))
def test_no_name_makes_the_parser_fail(name: str) -> None:
    found = parse_pack(name)
    assert found is None or (found.quantity > 0 and found.count > 0)
    plain(name)
    stem(name)


def test_a_table_has_one_row_a_name() -> None:
    table = pack_table(["B 2X50G can", "A", "B 2X50G can"])
    assert table.columns[-5:] == ["pack_lowest", "pack_highest", "containers", "container", "stem"]
    assert table.rows() == [
        ("A", None, None, None, None, None, 1, None, "A"),
        ("B 2X50G can", 2, 0.1, "kg", None, None, 2, "can", "B CAN"),
    ]
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


def test_a_number_that_no_computer_holds_is_no_pack() -> None:
    assert parse_pack("TONIC " + "9999 X " * 80 + "5G") is None
    assert pack_table(["TONIC " + "9999 X " * 80 + "150ML"])["pack_quantity"].item() is None
