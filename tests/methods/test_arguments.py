"""Whatever is given to a method, of any type: it is taken, or refused in one sentence that quotes no row."""

import inspect
import math
import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import ons_assets
from ons_assets.methods.periods import sorted_in_time
from tests.methods.test_given_frames import COUNTS, FLOWS, POINTS, QUOTES, READINGS, STAYS

DAY = date(2024, 1, 1)
# Of every type that may be given in the place of another.
ARGUMENTS: dict[str, Any] = {
    "None": None,
    "True": True,
    "0": 0,
    "-1": -1,
    "1": 1,
    "10 to the 30th": 10**30,
    "2.5": 2.5,
    "nan": math.nan,
    "infinity": math.inf,
    "complex": 1j,
    "a decimal": Decimal(2),
    "a whole number of NumPy": np.int64(2),
    "a number of NumPy": np.float32(2.5),
    "an array": np.arange(3),
    "a text": "13",
    "no text": "",
    "a long text": "x" * 200,
    "a control character": "\0",
    "bytes": b"x",
    "a day": DAY,
    "a moment": datetime(2024, 1, 1),
    "no list": [],
    "a list of None": [None],
    "a list": ["item"],
    "a list with one twice": ["item", "item"],
    "a list of lists": [["item"]],
    "pairs": [("2024-01-01", "2024-02-01")],
    "days in the wrong order": [(DAY, date(2023, 1, 1))],
    "a set": {"item"},
    "no mapping": {},
    "a mapping": {"a": 1},
    "a mapping of numbers": {1: 2},
    "a range": range(3),
    "an iterator": iter("ab"),
    "a function": len,
    "a type": int,
    "an object": object(),
    "a series": pl.Series([1, 2]),
    "an expression": pl.col("item"),
    "a frame": QUOTES,
}
# A call that reaches each option of each function.
CALLS: list[tuple[Callable[..., Any], pl.DataFrame, dict[str, Any]]] = [
    *(
        (ons_assets.price_index, QUOTES, {"method": method, **more})
        for method, more in (
            ("jevons", {}),
            ("geks-jevons", {}),
            ("geks-tornqvist", {"window": 2}),
            ("lowe", {}),
            ("lloyd-moulton", {"sigma": 0.7}),
            ("quadratic-mean", {"order": 2}),
            ("clip", {}),
            ("tdh", {}),
        )
    ),
    (ons_assets.infer_anchors, STAYS, {}),
    (ons_assets.dbscan, POINTS, {}),
    (ons_assets.occupancy_probabilities, READINGS, {}),
    (ons_assets.protect, COUNTS, {"totals": {"area": "all"}}),
]


def columns(rows: int) -> dict[str, Any]:
    """Columns of every type, some with what a text of a secret would tell."""
    return {
        "objects": pl.Series([object()] * rows, dtype=pl.Object),
        "lists": pl.Series([["secret"]] * rows),
        "structs": pl.Series([{"secret": 1}] * rows),
        "structs of lists": pl.Series([{"secret": ["secret"]}] * rows),
        "arrays": pl.Series([[1, 2]] * rows, dtype=pl.Array(pl.Int64, 2)),
        "bytes": pl.Series([b"secret\xff"] * rows),
        "durations": pl.Series([timedelta(number) for number in range(rows)]),
        "times": pl.Series([time(number % 24) for number in range(rows)]),
        "nothing": pl.Series([None] * rows),
        "truths": pl.Series([True] * rows),
        "categories": pl.Series([f"secret{number}" for number in range(rows)], dtype=pl.Categorical),
        "an enumeration": pl.Series(["secret"] * rows, dtype=pl.Enum(["secret"])),
        "decimals": pl.Series([Decimal(number + 1) for number in range(rows)]),
        "large whole numbers": pl.Series([2**64 - 1 - number for number in range(rows)], dtype=pl.UInt64),
        "wide whole numbers": pl.Series(range(rows), dtype=pl.Int128),
        "narrow whole numbers": pl.Series([1] * rows, dtype=pl.Int8),
        "days": pl.Series([DAY + timedelta(number) for number in range(rows)]),
        "moments with a zone": pl.Series([datetime(2024, 1, 1, tzinfo=UTC)] * rows),
        "moments": pl.Series([datetime(2024, 1, 1) + timedelta(minutes=30 * number) for number in range(rows)]),
        "texts": pl.Series([f"secret{number}" for number in range(rows)]),
        "numbers": pl.Series([0.123 + number for number in range(rows)]),
        "nan": pl.Series([math.nan] * rows),
        "large numbers": pl.Series([1e300] * rows),
        "the largest": pl.Series([sys.float_info.max] * rows),
        "small numbers": pl.Series([1e-300] * rows),
        "negative numbers": pl.Series([-1.0] * rows),
        "periods of pandas": pd.period_range("2024-01", periods=rows, freq="M"),
    }


def judged(call: Callable[..., object], *given: object, **options: object) -> str | None:
    """The sentence in which something is refused, if it is."""
    refused: Exception | None = None
    try:
        call(*given, **options)
    except (ValueError, TypeError) as error:
        refused = error
    if refused is None:
        return None
    sentence = str(refused)
    assert type(refused).__module__.split(".")[0] in ("builtins", "ons_assets"), type(refused)
    assert isinstance(refused, ValueError) or "must be a frame of Polars or pandas" in sentence
    assert refused.__cause__ is None
    assert refused.__context__ is None
    assert "\n" not in sentence
    assert "secret" not in sentence
    assert "0.123" not in sentence
    assert not re.search(r"<.*(object|function).* at 0x", sentence)
    return sentence


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("given", ARGUMENTS)
def test_an_argument_of_any_type_is_taken_or_refused_in_a_sentence(given: str) -> None:
    for function, frame, options in CALLS:
        for name in [*inspect.signature(function).parameters][1:]:
            sentence = judged(function, frame, **options | {name: ARGUMENTS[given]})
            # A text may be the name of a column, and there is none of it.
            assert sentence is None or re.search(rf"{name}|the column|column that describes", sentence), (
                name,
                sentence,
            )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: ons_assets.price_index(QUOTES, "jevons", window="13"),
            "window must be a whole number or None, not '13'",
        ),
        (lambda: ons_assets.price_index(QUOTES, "jevons", by=[]), "by names no column; leave it out"),
        (lambda: ons_assets.price_index(QUOTES, "jevons", by=["item"] * 2), "by names the column item twice"),
        (
            lambda: ons_assets.price_index(QUOTES, "jevons", by="product"),
            "by cannot be product, of which an index is made",
        ),
        (lambda: ons_assets.price_index(QUOTES, "jevons", by="reason"), "by cannot be reason"),
        (
            lambda: ons_assets.price_index(QUOTES, "jevons", base=DAY),
            "base must be of the type of the column period, Str",
        ),
        (lambda: ons_assets.price_index(QUOTES, "jevons", periods=[2024]), "periods must be of the type of the column"),
        (lambda: ons_assets.price_index(QUOTES, "tdh", features="size"), "features must be a list of texts or None"),
        (
            lambda: ons_assets.price_index(QUOTES, "lloyd-moulton", sigma=math.nan),
            "sigma must be a number or None, not nan",
        ),
        (
            lambda: ons_assets.price_index(QUOTES, "chained-jevons", chain="january"),
            "'chained-jevons' says how it is chained; with chain the method is 'jevons'",
        ),
        (
            lambda: ons_assets.price_index(
                QUOTES.with_columns(period=pl.Series(["Jan 2024", "Feb 2024"] * 2)), "jevons"
            ),
            "the texts of the column period do not sort in time",
        ),
        (lambda: ons_assets.dbscan(POINTS, eps_m="20"), "eps_m must be a number, not '20'"),
        (lambda: ons_assets.price_index(QUOTES, "jevons", min_matched=-5), "min_matched must be at least 0"),
        (lambda: ons_assets.price_index(QUOTES["price"], "jevons"), "quotes must be a frame of Polars or pandas"),
        (lambda: ons_assets.price_index(QUOTES.to_pandas()["price"], "jevons"), "must be a frame of Polars or pandas"),
        (lambda: ons_assets.dbscan(POINTS, eps_m=1e-320), "eps_m must be above 0"),
        (
            lambda: ons_assets.protect(COUNTS, totals={"area": "total"}),
            "counts: no row of the column area is the total that totals calls 'total'",
        ),
        (lambda: ons_assets.protect(COUNTS, totals="all"), "totals must be a mapping of texts or None, not 'all'"),
        (
            lambda: ons_assets.infer_anchors(STAYS, parameters=["window_days"]),
            "parameters must be a mapping of texts or",
        ),
        (lambda: ons_assets.infer_anchors(STAYS, terms="2024"), "terms must be a list of pairs of days"),
        (
            lambda: ons_assets.infer_anchors(STAYS, terms=[(DAY, date(2023, 9, 1))]),
            "terms: 2024-01-01 to 2023-09-01 ends before it begins",
        ),
        (
            lambda: ons_assets.infer_anchors(STAYS.with_columns(address_class=pl.lit("residental"))),
            "20 values of the column address_class are no class; there are residential, commercial",
        ),
        (
            lambda: ons_assets.occupancy_probabilities(READINGS.with_columns(energy_kwh=1e300)),
            "96 values of the column energy_kwh are too large",
        ),
    ],
)
def test_what_is_wrong_with_an_argument_is_told(call: Callable[[], object], said: str) -> None:
    sentence = judged(call)
    assert sentence is not None
    assert said in sentence


# As CALLS, with a column more, and with options that read it.
WITH_MORE = [
    *(
        (ons_assets.price_index, QUOTES, {"method": method, **more})
        for method, more in (
            ("jevons", {}),
            ("geks-tornqvist", {"by": "item"}),
            ("geks-fisher", {"by": ["item", "more"]}),
            ("clip", {}),
            ("tdh", {}),
        )
    ),
    (ons_assets.infer_anchors, STAYS.with_columns(address_class=pl.lit("residential")), {}),
    (ons_assets.dbscan, POINTS, {}),
    (ons_assets.dbscan, POINTS, {"by": ["user", "more"]}),
    (ons_assets.occupancy_probabilities, READINGS, {}),
    (lambda given: (ons_assets.compare_flows(given, FLOWS), ons_assets.compare_flows(FLOWS, given)), FLOWS, {}),
    (ons_assets.protect, COUNTS, {"totals": {"area": "all"}}),
    (ons_assets.protect, COUNTS, {"totals": {"area": None}}),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", columns(1))
def test_a_column_of_any_type_is_taken_or_refused_in_a_sentence(kind: str) -> None:
    for function, frame, options in WITH_MORE:
        with_more = frame.with_columns(more=pl.lit("x"))
        for name in with_more.columns:
            values = columns(len(frame))[kind]
            if isinstance(values, pl.Series):
                given = with_more.with_columns(values.alias(name))
            else:
                given = with_more.to_pandas().assign(**{name: values})
            sentence = judged(function, given, **options)
            assert sentence is None or re.search(f"column {name}|sum|repeat|before the start", sentence), sentence


# Of what a method computes in between, of what it gives, and what Polars takes for a pattern.
NAMES = (
    *("index", "reason", "row", "row_", "rows", "rows_", "len", "all_", "small_", "together", "is_sum", "count"),
    *(
        "period_number",
        "value",
        "matched_products",
        "hidden",
        "why_",
        "literal",
        "by_0",
        "points",
        "day",
        "slot",
        "kwh",
    ),
    *(
        "meter",
        "bucket",
        "user",
        "place",
        "anchor",
        "cluster",
        "quantity",
        "price",
        "product",
        "period",
        "start",
        "end",
    ),
    *("easting_m", "northing_m", "filled", "share", "first", "level", "", "x y", "a.b", "^.*$", "*", "\n"),
)


@pytest.mark.parametrize("name", NAMES)
def test_another_column_may_have_any_name(name: str) -> None:
    for function, frame, options in WITH_MORE:
        if name in frame.columns:
            continue
        groups = options.get("by", [])
        as_more = {"by": [name if each == "more" else each for each in groups]} if "more" in groups else {}
        given = frame.with_columns(pl.lit("x").alias("more")).rename({"more": name})
        expected = judged(function, frame.with_columns(more=pl.lit("x")), **options)
        sentence = judged(function, given, **options | as_more)
        if sentence is not None and expected is None:
            assert re.search(r"by cannot be|takes the name|column (cluster|quantity|end|start)", sentence), sentence


@pytest.mark.parametrize(
    "periods",
    [
        ["2023-12", "2024-01", "2024-10"],
        ["2023Q4", "2024Q1"],
        ["2024-W09", "2024-W10"],
        ["2023", "2024"],
        ["2024-01-31", "2024-02-01"],
        ["202312", "202401"],
        ["20240131", "20240201"],
        ["20240131T0900", "20240131T1000"],
        ["2024-M01", "2024-M02"],
        ["2024-I", "2024-II", "2024-III", "2024-IV"],
        ["FY2023-24", "FY2024-25"],
        ["1998/99", "1999/2000"],
        ["2023H2", "2024H1"],
        ["2024-01-31 09:00", "2024-01-31 10:30"],
        ["2024-03 March", "2024-04 April", "2024-05 May"],
        ["Market 2023-01", "Market 2023-02"],
        ["decade 1990", "decade 2000"],
        ["wave 9 of 2016", "wave 9 of 2017"],
        ["1", "2"],
        ["march"],
    ],
)
def test_texts_that_sort_in_time_are_taken(periods: list[str]) -> None:
    sorted_in_time(pl.Series(periods[::-1]))
    quotes = pl.DataFrame({"period": periods[::-1], "product": "a", "price": 1.0})
    assert ons_assets.price_index(quotes, "chained-jevons")["period"].to_list() == periods


@pytest.mark.parametrize(
    "periods",
    [
        ["Jan 2024", "Feb 2024"],
        ["2024-Mar", "2024-Apr"],
        ["2024-9", "2024-10"],
        ["2024-W9", "2024-W10"],
        ["Q4 2023", "Q1 2024"],
        ["12/2023", "01/2024"],
        ["31.01.2024", "01.02.2024"],
        ["31012024", "01022024"],
        ["week 9", "week 10"],
        ["2017 Jan-Mar", "2017 Apr-Jun"],
        ["2022 January", "2022 February"],
        ["1Q24", "2Q24", "1Q25"],
        ["Q4-23", "Q1-24"],
        ["31.12.23", "01.01.24"],
        ["99Q4", "00Q1"],
        ["Dec 23", "Jan 24"],
    ],
)
@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_texts_that_do_not_sort_in_time_are_refused(periods: list[str], dtype: pl.DataType) -> None:
    with pytest.raises(ValueError, match="do not sort in time"):
        sorted_in_time(pl.Series(periods, dtype=dtype))


@pytest.mark.parametrize(
    "periods",
    [
        ["2019M05", "2019_06", "2019M07"],
        ["2024-Q4", "2024Q4"],
        ["2024-1", "2024-01"],
        ["2024-01 ", "2024-02"],
        ["2024-02", "2024-02\n"],
        ["2024q1", "2024Q1"],
        ["2023", "2024", "2024-01"],
    ],
)
def test_texts_that_are_written_in_several_ways_are_refused(periods: list[str]) -> None:
    with pytest.raises(ValueError, match="are written in several ways"):
        sorted_in_time(pl.Series(periods))


def test_periods_that_are_asked_for_are_held_to_the_same() -> None:
    quotes = QUOTES.with_columns(period=pl.Series(["2024-10", "2024-10", "2024-11", "2024-11"]))
    assert len(ons_assets.price_index(quotes, "jevons", periods=["2024-09", "2024-10", "2024-11"])) == 3
    with pytest.raises(ValueError, match="the texts of the column period"):
        ons_assets.price_index(quotes, "jevons", periods=["2024-9", "2024-10", "2024-11"])
    with pytest.raises(ValueError, match="periods must be a list, a series or None, not '2024-10'"):
        ons_assets.price_index(quotes, "jevons", periods="2024-10")


def test_months_in_an_order_of_their_own_are_taken() -> None:
    months = pl.Enum(["Jan 2024", "Feb 2024"])
    quotes = QUOTES.with_columns(period=pl.Series(["Jan 2024"] * 2 + ["Feb 2024"] * 2, dtype=months))
    found = ons_assets.price_index(quotes, "jevons")
    assert found["index"].to_list() == ons_assets.price_index(QUOTES, "jevons")["index"].to_list()
    assert found["period"].to_list() == ["Jan 2024", "Feb 2024"]
    assert ons_assets.price_index(quotes, "jevons", base="Feb 2024")["index"][1] == 100


def test_scalars_of_numpy_are_taken_for_what_they_hold() -> None:
    wide = ons_assets.price_index(QUOTES, "geks-jevons", window=np.int64(2))  # type: ignore[arg-type]
    assert wide.equals(ons_assets.price_index(QUOTES, "geks-jevons", window=2))
    assert ons_assets.dbscan(POINTS, eps_m=np.float32(20)).equals(ons_assets.dbscan(POINTS, eps_m=20))  # type: ignore[arg-type]


def test_groups_may_be_structs() -> None:
    """Items that are told apart by two columns."""
    grouped = QUOTES.with_columns(of=pl.struct("item", shop=pl.lit("a")))
    found = ons_assets.price_index(grouped, "jevons", by="of").unnest("of").drop("shop")
    assert found.equals(ons_assets.price_index(QUOTES, "jevons", by="item"))
