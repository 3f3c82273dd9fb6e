"""A price that stays, that was there before, or that the text of an offer announces is no error."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import CheckParameters, IndexParameters
from ons_assets.prices import price_changes
from ons_assets.prices.checked import check
from ons_assets.prices.classification import classify
from ons_assets.prices.compilation import item_indices
from ons_assets.prices.history import daily_prices
from tests.prices.test_checked import flagged, quotes, series, shelf

APPLES: dict[str, Any] = {"product": "PLAIN APPLE LOAF 6 PACK"}


def offer(
    prices: list[float], text: str | Callable[[float], str | None], first_day: int = 0
) -> list[dict[str, object]]:
    """A product's prices from day to day with the text beside each."""
    return [
        {**APPLES, "day": first_day + n, "price": price, "promotion": text if isinstance(text, str) else text(price)}
        for n, price in enumerate(prices)
    ]


def test_the_end_of_a_sale_that_was_on_before_the_collection_is_no_outlier() -> None:
    sale = offer([0.59] * 12, "Save £1.16 Was £1.75 Now 59p")
    after = [{**APPLES, "day": day, "price": 1.75} for day in range(12, 20)]
    for days in range(1, 8):
        found = check(quotes(*shelf(12 + days), *sale, *after[:days]))
        assert flagged(found, "outlier") == []
        assert flagged(found, "imputed") == []
    assert found.filter(product=APPLES["product"])["regular_price"].unique().to_list() == [1.75]
    indices = IndexParameters(methods=({"method": "jevons"},), frequencies=("day",))
    checked = check(classify(quotes(*shelf(20), *sale, *after)).quotes).lazy()
    paid = item_indices(checked, indices)
    regular = item_indices(checked, indices.model_copy(update={"offers": "regular"}))
    assert CATALOGUE["prices/item_indices"].conform(paid).height == 20
    assert (paid["offers"].unique().to_list(), regular["offers"].unique().to_list()) == (["paid"], ["regular"])
    assert paid.sort("period")["index"][-1] == pytest.approx(100 * (1.75 / 0.59) ** (1 / 13))
    assert regular["index"].to_list() == pytest.approx([100.0] * 20)


@pytest.mark.parametrize("factor", [0.3, 2.9, 4.0])
def test_a_price_that_stays_is_an_outlier_only_until_it_has_stayed(factor: float) -> None:
    for days, expected in ((1, 1), (2, 2), (3, 0), (6, 0)):
        found = check(quotes(*shelf(8 + days), *series([1.0] * 8 + [factor] * days)))
        assert len(flagged(found, "outlier")) == expected


def test_pounds_for_pence_may_stay_and_are_wrong_all_the_same() -> None:
    found = check(quotes(*shelf(40), *series([1.05] * 25 + [105.0] * 15)))
    wrong = found.filter(pl.col("outlier") | pl.col("price_typo"), pl.col("price") == 105)
    assert len(wrong) >= 12


def test_a_price_that_comes_back_to_its_own_level_is_none() -> None:
    # Three days at two, then cheap for longer than the days that a price is compared with.
    prices: list[float | None] = [2.0] * 3 + [0.7] * 30 + [2.02]
    assert flagged(check(quotes(*shelf(34), *series(prices))), "outlier") == []
    once: list[float | None] = [2.0] * 1 + [0.7] * 30 + [2.02]
    assert flagged(check(quotes(*shelf(32), *series(once))), "outlier") == [(31, 2.02)]
    # A level that comes only later was not there before.
    before: list[float | None] = [0.7] * 10 + [2.0] + [0.7] * 3 + [2.9] * 4
    assert flagged(check(quotes(*shelf(18), *series(before))), "outlier") == [(10, 2.0)]


@pytest.mark.parametrize("text", ["Half Price", "save £2.40", "60% Off"])
def test_the_first_day_of_a_sale_is_announced_if_the_regular_price_is_the_one_of_before(text: str) -> None:
    cut = {"Half Price": 2.0, "save £2.40": 1.6, "60% Off": 1.6}[text]
    raw = quotes(*shelf(9), *series([4.0] * 8, **APPLES), *offer([cut], text, 8))
    assert flagged(check(raw, CheckParameters.model_validate({"outliers": {"least": 1.5}})), "outlier") == []
    # A tenth of the price beside the same text is none that it announces.
    typo = quotes(*shelf(9), *series([4.0] * 8, **APPLES), *offer([0.4], text, 8))
    found = check(typo)
    assert found.filter(pl.col("price_typo") | pl.col("outlier"))["price"].to_list() == [0.4]


def test_the_text_of_another_product_announces_nothing() -> None:
    other = offer([0.59] * 12, "Was £3.50 Now 59p")
    raw = quotes(*shelf(12), *other, *series([1.0] * 11 + [3.5], product="OTHER APPLES"))
    assert flagged(check(raw), "outlier") == [(11, 3.5)]


def test_a_sale_of_one_day_with_its_price_in_the_text_is_no_typo() -> None:
    flash = [*series([9.0] * 5, **APPLES), *offer([2.5], "Was £9.00 Now £2.50", 5)]
    back = [{**APPLES, "day": day, "price": 9.0} for day in range(6, 10)]
    assert flagged(check(quotes(*shelf(10), *flash, *back)), "price_typo") == []
    unsaid = [{**row, "promotion": None} for row in flash]
    assert flagged(check(quotes(*shelf(10), *unsaid, *back)), "price_typo") == [(5, 2.5)]


@given(st.lists(st.sampled_from((1.0, 1.05, 2.0, 2.9, 3.4)), min_size=4, max_size=25), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_levels_divide_the_days_of_a_product_where_its_price_moves(prices: list[float], level_days: int) -> None:
    parameters = CheckParameters(level_days=level_days)
    raw = quotes(*series(list(prices))).with_columns(product_id="product")
    found = price_changes.levels(daily_prices(raw), parameters)
    runs: list[list[float]] = []
    for price in prices:
        if runs and max(price / runs[-1][-1], runs[-1][-1] / price) <= parameters.same_level + 1e-12:
            runs[-1].append(price)
        else:
            runs.append([price])
    assert found["level"].to_list() == [number for number, run in enumerate(runs) for _ in run]
    assert found["level_days"].to_list() == [len(run) for run in runs for _ in run]


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_no_explanation_adds_a_flag(data: st.DataObject) -> None:
    """Texts and levels take flags away; what a text says of another product, or nothing, changes none."""
    days = 20
    prices = data.draw(st.lists(st.sampled_from((1.0, 1.0, 1.0, 0.3, 3.3, 10.0)), min_size=days, max_size=days))
    raw = quotes(*shelf(days), *series(list(prices)))
    key = ["product", "collected_on"]
    bare = check(raw, CheckParameters(level_days=1_000)).filter("outlier").select(key)
    held = check(raw).filter("outlier").select(key)
    assert held.join(bare, on=key, how="anti").is_empty()
    silent = raw.with_columns(promotion=pl.lit("Brand Price Match"))
    assert check(silent).filter("outlier").select(key).equals(held)


def test_a_day_with_runs_on_both_sides_of_a_change_is_none() -> None:
    """The middle of its prices is one that the product never had."""
    both = [{**APPLES, "day": 8, "price": 1.0}, {**APPLES, "day": 8, "price": 4.0}]
    before, after = series([4.0] * 8, **APPLES), [{**APPLES, "day": day, "price": 1.0} for day in range(9, 13)]
    closer = CheckParameters.model_validate({"outliers": {"least": 1.2}})
    assert flagged(check(quotes(*shelf(13), *before, *both, *after), closer), "outlier") == []
    wrong = [{**APPLES, "day": 8, "price": 2.2}, {**APPLES, "day": 8, "price": 4.0}]
    found = check(quotes(*shelf(13), *before, *wrong, *series([None] * 9 + [4.0] * 4, **APPLES)), closer)
    assert flagged(found, "outlier") == [(8, 2.2), (8, 4.0)]
