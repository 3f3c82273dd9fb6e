"""Every public method computes the same whatever the type of the numbers that it is handed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from core_ext import clean_events, half_hour_profiles, log_relatives, low_day_runs, pair_sums
from ons_assets.prices import indices
from ons_assets.prices.history import dump_prices_by_turnover
from ons_assets.prices.imputation import class_mean
from ons_assets.prices.index_comparison import chain_within_year, compare
from ons_assets.prices.indices.contributions import CONTRIBUTION_METHODS
from ons_assets.prices.outliers import outliers

INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
TYPES = (*INTEGERS, pl.Float32, pl.Float64, pl.Decimal(18, 0), pl.Decimal(38, 4))
# Whole numbers that fit into 8 bits, whose products do not, nor their sums.
PRICES, QUANTITIES = (101, 87, 120, 99, 110, 127, 60, 118, 125, 121, 96, 114), (90, 127, 33, 64, 120, 77, 101, 5, 126)
# What 32 bits hold and the products of which they do not.
LARGE = (pl.Int32, pl.Int64, pl.UInt32, pl.UInt64, pl.Decimal(18, 0), pl.Decimal(38, 4))
PARAMETERS: dict[str, dict[str, Any]] = {
    "lloyd-moulton": {"sigma": 0.7},
    "quadratic-mean": {"order": 3},
    "fews": {"window": 3},
}


def quotes(scale: int = 1) -> pl.DataFrame:
    rows = [
        (
            period,
            f"p{product}",
            PRICES[(5 * period + product) % 12] * scale,
            QUANTITIES[(period + 2 * product) % 9] * scale,
        )
        for period in range(201401, 201405)
        for product in range(4)
    ]
    frame = pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row")
    return frame.with_columns(
        item_id=pl.when(pl.col("product").is_in(["p0", "p1"])).then(pl.lit("one")).otherwise(pl.lit("two")),
        weight_g=pl.col("price") % 7,
    )


def levels() -> pl.DataFrame:
    """Indices of two items, whole numbers, in two yearly series that share a January."""
    rows = [
        (
            item,
            year,
            f"{year}-{month:02}" if month < 13 else f"{year + 1}-01",
            100 + (month - 1) * (1 + (number + year) % 2),
        )
        for number, item in enumerate(("one", "two"))
        for year in (2014, 2015)
        for month in (1, 6, 13)
    ]
    return pl.DataFrame(rows, schema=["item_id", "year", "period", "index"], orient="row")


def weights() -> pl.DataFrame:
    rows = [(item, "all", year, weight) for year in (2014, 2015, 2016) for item, weight in (("one", 70), ("two", 57))]
    return pl.DataFrame(rows, schema=["item_id", "group_id", "year", "weight"], orient="row")


def by_years() -> pl.DataFrame:
    return levels().filter(pl.col("period").str.slice(0, 4) == pl.col("year").cast(pl.String)).drop("year")


def run_method(method: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda frame: indices.price_index(frame, method, **PARAMETERS.get(method, {}))


def comparison(frame: pl.DataFrame) -> pl.DataFrame:
    ours = frame.filter(item_id="one").select(pl.col("period"), "index")
    theirs = frame.filter(item_id="two").select(pl.col("period"), "index")
    found = compare(ours, theirs, "month")
    return pl.DataFrame([{name: getattr(found, name) for name in ("rmse", "largest_gap", "mean_absolute_gap")}])


# What is called, on what, and the columns that hold numbers.
PRICED = ("price", "quantity", "weight_g")
CASES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], Callable[[], pl.DataFrame], tuple[str, ...]]] = {
    **{f"price_index {name}": (run_method(name), quotes, PRICED) for name in indices.methods()["method"]},
    **{
        f"contributions {name}": (
            lambda frame, name=name: indices.contributions(frame, name, 201401, 201404),
            quotes,
            PRICED,
        )
        for name in CONTRIBUTION_METHODS
    },
    "by_item": (lambda frame: indices.by_item(frame, ["jevons", "fisher", "geks-tornqvist"]), quotes, PRICED),
    "average_prices": (lambda frame: indices.average_prices(frame, by=("period",)), quotes, PRICED),
    "unit_values": (lambda frame: indices.unit_values(frame, by=("period",)), quotes, PRICED),
    "average_index": (
        lambda frame: indices.average_index(frame, pl.col("period").str.slice(0, 4)),
        by_years,
        ("index",),
    ),
    "chain_years": (indices.chain_years, levels, ("index",)),
    "aggregate": (lambda frame: indices.aggregate(frame, weights()), by_years, ("index",)),
    "aggregate by weights": (lambda frame: indices.aggregate(by_years(), frame), weights, ("weight",)),
    "double_chain_link": (
        lambda frame: indices.double_chain_link(
            frame,
            weights().rename({"group_id": "class_id"}),
            weights().filter(item_id="one").drop("item_id").with_columns(class_id=pl.lit("all")),
        ),
        levels,
        ("index",),
    ),
    "linked_aggregate": (lambda frame: indices.linked_aggregate(frame, weights()), by_years, ("index",)),
    "linked_aggregate by weights": (lambda frame: indices.linked_aggregate(by_years(), frame), weights, ("weight",)),
    "rate_contributions": (
        lambda frame: indices.rate_contributions(frame, weights(), horizons=(1, 5)),
        by_years,
        ("index",),
    ),
    "rate_contributions by weights": (
        lambda frame: indices.rate_contributions(by_years(), frame, horizons=(1, 5)),
        weights,
        ("weight",),
    ),
    "dissimilarity": (lambda frame: indices.dissimilarity(frame, "log-quadratic"), quotes, PRICED),
    "drop_products": (
        lambda frame: indices.drop_products(frame, {"dump": {"price_share": 0.9}, "low_sales": {}}).kept.select(
            pl.col("period", "product"), pl.col("price", "quantity").cast(pl.Float64)
        ),
        quotes,
        ("price", "quantity"),
    ),
    "group_quotes": (lambda frame: indices.group_quotes(frame, ["item_id"]), quotes, ("price", "quantity")),
    "mars": (lambda frame: indices.mars(frame, ["item_id"]).scores, quotes, ("price", "quantity")),
    "bootstrap": (
        lambda frame: indices.intervals(indices.bootstrap(frame, "fisher", samples=20)),
        quotes,
        ("price", "quantity"),
    ),
    "bootstrap_items": (
        lambda frame: indices.intervals(indices.bootstrap_items(frame, "jevons", samples=20)["one"]),
        quotes,
        ("price", "quantity"),
    ),
    "dump_prices_by_turnover": (
        lambda frame: dump_prices_by_turnover(frame, price_falls_to=0.95, turnover_falls_to=0.9),
        quotes,
        PRICED,
    ),
    "class_mean": (
        lambda frame: class_mean(
            frame.filter((pl.col("product") != "p0") | (pl.col("period") < 201403)),
            frame.filter(product="p0", period=201403),
            product=["product"],
            of=["item_id"],
        ),
        quotes,
        ("price",),
    ),
    "chain_within_year": (
        lambda frame: chain_within_year(frame.with_columns(series=pl.lit("s"))),
        by_years,
        ("index",),
    ),
    "compare": (comparison, by_years, ("index",)),
    "outliers": (
        lambda frame: pl.DataFrame({"flag": outliers(frame["price"].to_numpy(), frame["quantity"].to_numpy())}),
        quotes,
        PRICED,
    ),
}


def close(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Assert that two frames hold the same, numbers to the last digits; the type of what is passed on may differ."""
    assert found.columns == expected.columns
    for name in expected.columns:
        if expected[name].dtype.is_numeric():
            got, wanted = (each[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for each in (found, expected))
            np.testing.assert_allclose(got, wanted, rtol=1e-12)
        else:
            assert found[name].to_list() == expected[name].to_list(), name


@pytest.mark.parametrize("case", CASES)
def test_every_type_of_number_gives_what_floats_give(case: str) -> None:
    call, frame, columns = CASES[case]
    made = frame()
    here = [name for name in columns if name in made.columns]
    expected = call(made.with_columns(pl.col(here).cast(pl.Float64)))
    assert expected.height
    for dtype in TYPES:
        close(call(made.with_columns(pl.col(here).cast(dtype))), expected)


def test_every_public_function_has_a_case() -> None:
    # The first two are cases by method; the others take no column of numbers.
    takes_none = {
        "price_index",
        "contributions",
        "IndexMethod",
        "methods",
        "ChainRules",
        "bootstrap_group",
        "intervals",
    }
    assert set(indices.__all__) - takes_none <= set(CASES)


@pytest.mark.parametrize("method", indices.methods()["method"])
@pytest.mark.parametrize("dtype", LARGE, ids=str)
def test_products_beyond_32_bits_do_not_wrap_around(method: str, dtype: pl.DataType) -> None:
    large, call = quotes(scale=1_000_000), run_method(method)
    expected = call(large.cast({"price": pl.Float64, "quantity": pl.Float64}))
    close(call(large.cast({"price": dtype, "quantity": dtype})), expected)


def test_decimals_of_pence_are_read_to_the_penny() -> None:
    prices = pl.Series("price", [Decimal("1.25"), Decimal("0.99"), Decimal("1.50"), Decimal("0.89")])
    frame = pl.DataFrame({"period": [1, 1, 2, 2], "product": ["a", "b", "a", "b"], "price": prices})
    [_, index] = indices.price_index(frame, "dutot")["index"]
    assert index == pytest.approx(100 * 2.39 / 2.24)


@pytest.mark.parametrize("wrong", [pl.Series(["1.0", "2.0"]), pl.Series([True, False])])
def test_what_is_no_number_is_refused_in_a_sentence(wrong: pl.Series) -> None:
    frame = pl.DataFrame({"period": [1, 2], "product": ["a", "a"], "price": wrong})
    with pytest.raises(ValueError, match="price must hold numbers, not"):
        indices.price_index(frame, "jevons")


NUMPY_TYPES = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")


@pytest.mark.parametrize("dtype", NUMPY_TYPES)
def test_kernels_take_every_type_of_number(dtype: str) -> None:
    offsets = np.array([0, 3, 5], dtype=dtype) if dtype[0] in "iu" else [0, 3, 5]
    period, price = np.array([0, 1, 2, 0, 2], dtype=dtype), np.array([101, 87, 120, 99, 110], dtype=dtype)
    exact_period, exact_price = period.astype(np.int32), price.astype(np.float64)
    np.testing.assert_array_equal(
        log_relatives(offsets, period, price, 3)[0], log_relatives([0, 3, 5], exact_period, exact_price, 3)[0]
    )
    for got, wanted in zip(
        pair_sums(offsets, period, price, price, 3),
        pair_sums([0, 3, 5], exact_period, exact_price, exact_price, 3),
        strict=True,
    ):
        np.testing.assert_array_equal(got, wanted)
    got, wanted = (low_day_runs(each, each * 0 + 100, [0, 3, 5]) for each in (price, exact_price))
    np.testing.assert_array_equal(got.days, wanted.days)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda wide: log_relatives([0, 1], wide, [1.0], 3), "period"),
        (lambda wide: clean_events([1], [0], wide, [0.0], [0.0]), "cell"),
        (lambda wide: clean_events(wide.astype(np.uint64) * 2**31, [0], [0], [0.0], [0.0]), "user"),
        (lambda wide: half_hour_profiles(np.ones((1, 48), np.float32), [0, 1], wide, 1), "day_type"),
    ],
)
def test_kernels_refuse_whole_numbers_that_would_wrap_around(call: Callable[[Any], object], said: str) -> None:
    """2 ** 32 is 0 in 32 bits, which is a period, a cell and a type of day; a user of 64 bits would be negative."""
    with pytest.raises(ValueError, match=f"{said} must be whole numbers"):
        call(np.array([2**32]))
    with pytest.raises(ValueError, match="must be whole numbers"):
        log_relatives([0, 1], [0.5], [1.0], 3)
