"""An observed price is never mixed with a carried one, whatever the days of collection."""

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.parameters.prices import CheckParameters, IndexParameters
from ons_assets.prices.checked import check
from ons_assets.prices.classification import classify
from ons_assets.prices.compilation import PERIODS, item_indices
from ons_assets.prices.imputation import class_mean
from ons_assets.prices.period_prices import period_prices
from tests.prices.test_checked import RAW

START, DAYS = date(2023, 1, 2), 120  # a Monday
METHODS = ({"method": "jevons"}, {"method": "jevons", "chain": "chained"}, {"method": "geks-jevons"})

CALENDARS: dict[str, Callable[[date], bool]] = {
    "month end": lambda day: (day + timedelta(days=3)).day <= 3,
    "first of the month": lambda day: day.day == 1,
    "thursdays": lambda day: day.isoweekday() == 4,
    "mondays and thursdays": lambda day: day.isoweekday() in (1, 4),
    "every tenth day": lambda day: day.toordinal() % 10 == 0,
    "daily with gaps": lambda day: day.toordinal() % 17 > 4,
    "daily": lambda _: True,
}


def world(
    days: list[date], prices: list[float], price_of: Callable[[date, int], float | None], retailer: str = "shop"
) -> pl.DataFrame:
    """Quotes of products on the days; `price_of` gives the factor on a product's price, or None where it is absent."""
    rows = [
        {
            "retailer": retailer,
            "run": f"{day:%Y%m%d}",
            "collected_on": day,
            "item_id": "210111",
            "item": "Loaf",
            "product": f"LOAF {'ABCDEFGHIJKLMNOP'[number]} 800G",
            "price": price * factor,
            "currency": "GBP",
            "drop_sha256": "0" * 64,
            "line": number,
        }
        for day in days
        for number, price in enumerate(prices)
        if (factor := price_of(day, number)) is not None
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        collected_at_utc=pl.col("collected_on").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        **{column.name: pl.lit(None, dtype=column.dtype) for column in RAW.columns if column.nullable},
    )
    return RAW.conform(frame)


def checked(raw: pl.DataFrame, **parameters: object) -> pl.LazyFrame:
    return check(classify(raw).quotes, CheckParameters.model_validate(parameters)).lazy()


def indices(quotes: pl.LazyFrame, frequency: str, **parameters: object) -> pl.DataFrame:
    chosen = IndexParameters.model_validate({"methods": METHODS, "frequencies": (frequency,), **parameters})
    return item_indices(quotes, chosen)


@pytest.mark.parametrize("calendar", CALENDARS)
@pytest.mark.parametrize("frequency", PERIODS)
@given(st.data())
@settings(max_examples=5, deadline=None)
def test_all_prices_times_f_is_an_index_of_f(calendar: str, frequency: str, data: st.DataObject) -> None:
    """From the first day of a period on; every period in which anything was observed shows it, to the last digit."""
    days = [day for n in range(DAYS) if CALENDARS[calendar](day := START + timedelta(days=n))]
    prices = data.draw(st.lists(st.floats(0.3, 20), min_size=3, max_size=6))
    factor = data.draw(st.sampled_from((0.5, 0.8, 1.1, 1.5, 2.0)))
    length, code = PERIODS[frequency]
    first_days = pl.Series(days).dt.truncate(length).unique().sort().to_list()
    boundary = data.draw(st.sampled_from(first_days[1:]))
    quotes = checked(world(days, prices, lambda day, _: factor if day >= boundary else 1.0))
    found = indices(quotes, frequency)
    expected = {f"{day:{code}}": 100.0 if day < boundary else 100 * factor for day in first_days}
    for method in found["method"].unique():
        got = dict(found.filter(method=method).select("period", "index").iter_rows())
        assert {period: got[period] for period in expected} == pytest.approx(expected, rel=1e-12)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_what_is_imputed_never_changes_what_is_observed(data: st.DataObject) -> None:
    absent = data.draw(st.sets(st.tuples(st.integers(0, 39), st.integers(0, 4))))
    closed = data.draw(st.sets(st.integers(0, 39), max_size=20))
    days = [START + timedelta(days=n) for n in range(40) if n not in closed or n == 0]
    move = data.draw(st.floats(0.97, 1.03))
    raw = world(
        days,
        [1.0, 1.3, 2.0, 2.7, 5.1],
        lambda day, number: None if ((day - START).days, number) in absent and day != START else move**number,
    )
    frequency, imputation, imputed_periods = (
        data.draw(st.sampled_from(names))
        for names in (
            tuple(PERIODS),
            ("carry-forward", "class-mean", "class-mean-of-retailer"),
            ("not_collected", "always"),
        )
    )
    parameters = IndexParameters(imputation=imputation, imputed_periods=imputed_periods)  # type: ignore[arg-type]
    quotes = checked(raw, carry="always").with_columns(period=pl.col("collected_on").dt.truncate(PERIODS[frequency][0]))
    product = ("retailer", "product_id")
    with_imputed = period_prices(quotes, quotes, product, parameters)
    only_observed = quotes.filter(~pl.col("imputed"))
    without = period_prices(only_observed, only_observed, product, parameters)
    key = ("item_id", "period", *product)
    assert with_imputed.filter(~pl.col("imputed")).equals(without)
    assert with_imputed.select(key).is_duplicated().sum() == 0
    assert with_imputed.filter("imputed").join(without, on=key, how="semi").is_empty()


def by_period(found: pl.DataFrame) -> dict[str, float]:
    return dict(found.filter(method="jevons").sort("period").select("period", "index").iter_rows())


def test_a_product_that_left_does_not_stand_beside_what_is_observed() -> None:
    thursdays = [START + timedelta(days=3 + 7 * week) for week in range(3)]
    second = thursdays[1]
    raw = world(thursdays, [1.0, 2.0, 4.0], lambda day, number: None if number == 0 and day >= second else 1.0)
    dearer = raw.with_columns(price=pl.col("price") * pl.when(pl.col("collected_on") >= second).then(2).otherwise(1))
    assert by_period(indices(checked(dearer), "week")) == pytest.approx(
        {"2023-W01": 100, "2023-W02": 200, "2023-W03": 200}
    )
    carried = by_period(indices(checked(dearer), "week", imputed_periods="always"))
    assert carried["2023-W02"] == pytest.approx(100 * (1 * 2 * 2) ** (1 / 3))
    moved = by_period(indices(checked(dearer), "week", imputed_periods="always", imputation="class-mean"))
    assert moved["2023-W02"] == pytest.approx(200)


def test_a_product_whose_prices_were_wrong_is_imputed_beside_the_others() -> None:
    days = [START + timedelta(days=n) for n in range(30)]
    at = days[20]
    raw = world(days, [1.0 + n / 10 for n in range(10)], lambda day, n: 0.01 if (day, n) == (at, 3) else 1.0)
    quotes = checked(raw)
    assert quotes.filter("price_typo").collect().height == 1
    period = quotes.with_columns(period="collected_on")
    usable = period.filter(~pl.col("price_typo"))
    of_day = period_prices(period, usable, ("retailer", "product_id"), IndexParameters()).filter(period=at)
    assert of_day.filter("imputed")["price"].to_list() == [pytest.approx(1.3)]
    assert len(of_day) == 10


def test_a_shop_that_was_not_collected_moves_with_its_item_if_asked() -> None:
    """One shop of two has no run in the second week, when everything doubles."""
    weeks = [START + timedelta(days=6 + 7 * week) for week in range(3)]  # Sundays
    doubled = lambda day, _: 2.0 if day >= weeks[1] else 1.0  # noqa: E731
    raw = pl.concat(
        [
            world(weeks, [1.0, 2.0], doubled, "one"),
            world([weeks[0], weeks[2]], [3.0, 4.0], doubled, "two"),
        ]
    )
    quotes = checked(raw)
    assert by_period(indices(quotes, "week"))["2023-W02"] == pytest.approx(100 * 2**0.5)
    assert by_period(indices(quotes, "week", imputation="class-mean"))["2023-W02"] == pytest.approx(200)
    # Its own products say nothing of that week: those of the item do.
    of_retailer = by_period(indices(quotes, "week", imputation="class-mean-of-retailer"))
    assert of_retailer["2023-W02"] == pytest.approx(200)


def test_the_products_of_the_retailer_count_before_those_of_the_item() -> None:
    weeks = [START + timedelta(days=6 + 7 * week) for week in range(2)]
    dearer = lambda factor: lambda day, _: factor if day == weeks[1] else 1.0  # noqa: E731
    absent = lambda day, number: None if number == 0 and day == weeks[1] else dearer(2.0)(day, number)  # noqa: E731
    raw = pl.concat([world(weeks, [1.0, 2.0, 3.0], absent, "one"), world(weeks, [4.0], dearer(8.0), "two")])
    quotes = checked(raw)
    mean, own = (
        by_period(indices(quotes, "week", imputed_periods="always", imputation=name))["2023-W02"]
        for name in ("class-mean", "class-mean-of-retailer")
    )
    of_item = (2 * 2 * 8) ** (1 / 3)
    assert mean == pytest.approx(100 * (of_item * 2 * 2 * 8) ** (1 / 4))
    assert own == pytest.approx(100 * (2 * 2 * 2 * 8) ** (1 / 4))


def test_the_class_moves_a_price_by_its_matched_relatives_only() -> None:
    observed = pl.DataFrame(
        {
            "item_id": ["a"] * 5 + ["b"],
            "product": ["p", "q", "q", "r", "s", "z"],
            "period": [1, 1, 3, 3, 1, 1],
            "price": [2.0, 1.0, 3.0, 100.0, 5.0, 7.0],
        }
    )
    missing = pl.DataFrame(
        {"item_id": ["a", "b", "a"], "product": ["p", "z", "new"], "period": [3, 3, 3], "price": [2.0, 7.0, 9.0]}
    )
    found = class_mean(observed, missing, product=["product"], of=["item_id"])
    prices = dict(found.select("product", "price").iter_rows())
    # q alone has both periods; item b has nobody; a product never observed before keeps what was carried.
    assert prices == pytest.approx({"p": 6.0, "z": 7.0, "new": 9.0})
    assert found.columns == missing.columns


@given(st.lists(st.floats(0.5, 2), min_size=2, max_size=6))
def test_the_class_mean_leaves_the_jevons_of_the_others_as_it_is(relatives: list[float]) -> None:
    products = [str(number) for number in range(len(relatives))]
    observed = pl.DataFrame(
        [(name, 1, 1.0) for name in [*products, "missing"]]
        + list(zip(products, [2] * len(relatives), relatives, strict=True)),
        schema=["product", "period", "price"],
        orient="row",
    ).with_columns(item_id=pl.lit("a"))
    missing = pl.DataFrame({"item_id": ["a"], "product": ["missing"], "period": [2], "price": [1.0]})
    [price] = class_mean(observed, missing, product=["product"], of=["item_id"])["price"]
    mean = pl.Series(relatives).log().mean()
    assert isinstance(mean, float)
    assert price == pytest.approx(pl.Series([mean]).exp().item())
