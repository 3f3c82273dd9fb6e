"""Prices that households of an area meet: against a slow reference, by what must hold, and by what is said of gaps."""

import math
from collections.abc import Mapping
from datetime import date
from statistics import geometric_mean

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.area_prices import AreaPriceParameters
from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.area_indices import FEW_ASKED, NO_BASKET, NO_QUOTES, NOTHING_SPENT, area_indices
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.indices import bootstrap, intervals
from ons_assets.prices.retailer_indices import RetailerIndices, retailer_indices

CHAINED = AreaPriceParameters(method={"method": "jevons", "chain": "chained"}, samples=40)
SHOPS, ITEMS, MONTHS, PRODUCTS = ("alder", "birch", "cedar"), ("bread", "milk", "tea", "wine"), 7, 6
Prices = dict[tuple[str, str, str, int], float]


def months_of(number: int) -> date:
    return date(2015, 1, 15) if number < 0 else date(2015 + number // 12, number % 12 + 1, 15)


def world(seed: int = 1, months: int = MONTHS, missing: float = 0.0) -> Prices:
    """Price of each retailer, item, product and month; retailers move apart, and some products are not always there."""
    random = np.random.default_rng(seed)
    found: Prices = {}
    for shop in SHOPS:
        for item in ITEMS:
            drift = random.normal(0, 0.02, months).cumsum()
            for number in range(PRODUCTS):
                level = random.uniform(0.5, 5.0)
                for month in range(months):
                    if random.random() >= missing:
                        noise = random.normal(0, 0.03)
                        found[shop, item, f"{item} {number}", month] = level * math.exp(drift[month] + noise)
    return found


def quotes(prices: Prices) -> pl.LazyFrame:
    rows = [(*key[:3], months_of(key[3]), price) for key, price in prices.items()]
    schema = ["retailer", "item_id", "product", "collected_on", "price"]
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .lazy()
        .with_columns(
            item="item_id",
            product_id="product",
            lineage_id="product",
            price_per_unit="price",
            regular_price="price",
            in_scope=True,
            **dict.fromkeys(FLAGS, False),
        )
    )


def shares(
    areas: Mapping[str, Mapping[str, float]], error: float | None = 0.03, asked: int | None = 100, year: int = 2015
) -> pl.DataFrame:
    rows = [(area, shop, year, share, error, asked) for area, each in areas.items() for shop, share in each.items()]
    schema = {"area": str, "retailer": str, "year": pl.Int32, "spending_share": float, "share_error": float,
              "households_asked": int}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


BASKET = pl.DataFrame({"item_id": ITEMS, "year": 2015, "weight": [4.0, 3.0, 2.0, 1.0]})
MIXED = {"A": {"alder": 0.6, "birch": 0.3, "cedar": 0.1}}


def levels(rows: pl.DataFrame, area: str = "A") -> list[float]:
    return rows.filter(area=area).sort("period")["index"].to_list()


# --- a slow reference


def chained(prices: Prices, shop: str, item: str, months: int) -> list[float | None]:
    """The chained Jevons of one item at one retailer; None in a month without any of its products."""
    level, last, found = 100.0, None, []
    for month in range(months):
        now = {key[2]: price for key, price in prices.items() if key[:2] == (shop, item) and key[3] == month}
        if not now:
            found.append(None)
            continue
        both = sorted(set(now) & set(last or {}))
        if last is not None:
            level *= geometric_mean([now[product] / last[product] for product in both])
        last = now
        found.append(level)
    return found


def slow_index(
    index: Mapping[tuple[str, str], list[float | None]], weight: Mapping[tuple[str, str], float]
) -> list[float]:
    """Move from month to month: what has no index moves as its item elsewhere does, or else as all items do."""
    path, tie, found = dict.fromkeys(weight, 1.0), {}, []
    for month in range(len(next(iter(index.values())))):
        before, now = dict(path), {pair: index[pair][month] for pair in weight}
        own = [pair for pair in weight if pair in tie and now[pair] is not None]
        for pair in own:
            path[pair] = tie[pair] * now[pair]
        for pair in weight:
            if pair not in own:
                like = [other for other in own if other[1] == pair[1]] or own
                value = sum(weight[other] * before[other] for other in like)
                gain = sum(weight[other] * (path[other] - before[other]) for other in like)
                path[pair] = before[pair] * (1 + gain / value if value else 1)
        for pair in weight:
            if pair not in tie and now[pair] is not None:
                tie[pair] = path[pair] / now[pair]
        found.append(100 * sum(weight[pair] * path[pair] for pair in weight) / sum(weight.values()))
    return found


def is_gone(gaps: str, shop: str, item: str, product: str, month: int) -> bool:
    if gaps == "of products":
        return (int(product[-1]) + month) % 3 == 0
    of_shelf = SHOPS.index(shop) * 7 + ITEMS.index(item) * 3 + month * 5
    return gaps == "of shelves" and of_shelf % 10 < 6


@pytest.mark.parametrize("gaps", ["none", "of products", "of shelves"])
def test_an_area_is_what_a_slow_reference_says(gaps: str) -> None:
    """Where shelves come and go, pairs enter late, stay away for months and come back."""
    prices = {key: price for key, price in world(1).items() if not is_gone(gaps, *key)}
    found = area_indices(quotes(prices), BASKET, shares(MIXED), parameters=CHAINED)
    index = {(shop, item): chained(prices, shop, item, MONTHS) for shop in SHOPS for item in ITEMS}
    total = BASKET["weight"].sum()
    of_item = dict(BASKET.select("item_id", "weight").iter_rows())
    weight = {(shop, item): MIXED["A"][shop] * of_item[item] / total for shop in SHOPS for item in ITEMS}
    assert levels(found) == pytest.approx(slow_index(index, weight), rel=1e-12)
    assert CATALOGUE["prices/area_indices"].conform(found).height == MONTHS


def test_the_errors_are_what_their_formulas_say() -> None:
    """Of shares against differences of the index, and of products against a plain sum over pairs."""
    prices, step = quotes(world(5)), 1e-6
    of = retailer_indices(prices, IndexParameters(), CHAINED)
    found = area_indices(prices, BASKET, shares(MIXED), parameters=CHAINED)
    squares = np.zeros(MONTHS)
    for shop, share in MIXED["A"].items():
        moved = {"A": {**MIXED["A"], shop: share + step}}
        slope = (
            np.array(levels(area_indices(prices, BASKET, shares(moved), parameters=CHAINED))) - levels(found)
        ) / step
        squares += (slope * 0.03) ** 2 / (1 - share)
    assert found["shares_error"].to_numpy() == pytest.approx(np.sqrt(squares), rel=1e-4, abs=1e-8)
    weight = {item: w / BASKET["weight"].sum() for item, w in BASKET.select("item_id", "weight").iter_rows()}
    effect = np.array([weight[item] * MIXED["A"][shop] for shop, item in of.pairs.iter_rows()])
    assert found["products_error"].to_numpy() == pytest.approx(np.sqrt((of.variance * effect**2).sum(axis=1)), rel=1e-9)


def test_the_variance_of_a_pair_is_that_of_its_products() -> None:
    """As the intervals of an item by themselves have it, but for the products that the samples lose."""
    prices = world(6)
    of = retailer_indices(quotes(prices), IndexParameters(), CHAINED.model_copy(update={"samples": 400}))
    number = of.pairs.with_row_index().filter(retailer="birch", item_id="tea")["index"][0]
    rows = [(product, month, price) for (shop, item, product, month), price in prices.items()
            if (shop, item) == ("birch", "tea")]  # fmt: skip
    frame = pl.DataFrame(rows, schema=["product", "period", "price"], orient="row")
    alone = intervals(bootstrap(frame, "jevons", chain="chained", samples=400))["standard_error"].to_numpy()
    assert np.sqrt(of.variance[1:, number]) == pytest.approx(alone[1:] * math.sqrt(PRODUCTS / (PRODUCTS - 1)), rel=0.2)
    assert of.variance[0, number] == 0


# --- what must hold


@pytest.mark.parametrize("method", [{"method": "geks-jevons"}, CHAINED.method])
def test_an_area_of_one_retailer_has_that_retailers_index(method: dict[str, str]) -> None:
    prices, parameters = world(7, missing=0.2), CHAINED.model_copy(update={"method": method})
    one = area_indices(quotes(prices), BASKET, shares({"A": {"birch": 55.0}}), parameters=parameters)
    alone = {key: price for key, price in prices.items() if key[0] == "birch"}
    only = area_indices(quotes(alone), BASKET, shares({"A": {"birch": 1.0}}, error=None), parameters=parameters)
    assert levels(one) == levels(only)
    assert one["shares_error"].to_list() == pytest.approx([0.0] * MONTHS)
    assert only["shares_error"].null_count() == MONTHS


def test_the_same_shares_give_the_same_index_and_a_constant_changes_nothing() -> None:
    """Shares, per cent, and pounds a week."""
    areas = {"A": MIXED["A"], "B": MIXED["A"]}
    found = area_indices(quotes(world(8, missing=0.2)), BASKET, shares(areas), parameters=CHAINED)
    assert found.filter(area="A").drop("area").equals(found.filter(area="B").drop("area"))
    times = shares(MIXED).with_columns(pl.col("spending_share", "share_error") * 64)
    scaled = area_indices(quotes(world(8, missing=0.2)), BASKET, times, parameters=CHAINED)
    assert scaled.equals(found.filter(area="A"))


@pytest.mark.parametrize("method", ["geks-jevons", "jevons"])
def test_prices_times_a_constant_in_a_month_scale_the_index(method: str) -> None:
    prices, parameters = world(9), CHAINED.model_copy(update={"method": {"method": method}})
    dearer = {key: price * (1.25 if key[3] == 4 else 1) for key, price in prices.items()}
    before, after = (
        area_indices(quotes(each), BASKET, shares(MIXED), parameters=parameters) for each in (prices, dearer)
    )
    expected = [level * (1.25 if month == 4 else 1) for month, level in enumerate(levels(before))]
    assert levels(after) == pytest.approx(expected, rel=1e-12)
    width = [(rows["index_high"] - rows["index_low"])[4] for rows in (before, after)]
    assert width[1] == pytest.approx(1.25 * width[0], rel=1e-6)


def test_an_area_lies_between_its_retailers() -> None:
    prices = quotes(world(10))
    alone = [levels(area_indices(prices, BASKET, shares({"A": {shop: 1.0}}), parameters=CHAINED)) for shop in SHOPS]
    mixed = levels(area_indices(prices, BASKET, shares(MIXED), parameters=CHAINED))
    assert all(min(each) - 1e-9 <= level <= max(each) + 1e-9 for level, *each in zip(mixed, *alone, strict=True))


# --- gaps


def without(prices: Prices, shop: str, months: set[int]) -> Prices:
    return {key: price for key, price in prices.items() if key[0] != shop or key[3] not in months}


def test_a_retailer_without_quotes_is_named_and_moves_as_the_others() -> None:
    prices = world(11)
    gone = area_indices(quotes(without(prices, "alder", {3, 4})), BASKET, shares(MIXED), parameters=CHAINED)
    assert gone["not_covered"].to_list() == [None, None, None, "alder", "alder", None, None]
    assert gone["spending_covered"].to_list() == pytest.approx([1, 1, 1, 0.4, 0.4, 1, 1])
    assert gone["weight_share"].to_list() == pytest.approx([1, 1, 1, 0.4, 0.4, 1, 1])
    # Its prices stay where they were left; whatever they are in the months in between, it is not asked.
    other = {key: price * (9 if key[0] == "alder" and key[3] in (3, 4) else 1) for key, price in prices.items()}
    again = area_indices(quotes(without(other, "alder", {3, 4})), BASKET, shares(MIXED), parameters=CHAINED)
    assert gone.equals(again)


def test_a_retailer_whose_prices_nobody_collects_is_never_covered() -> None:
    """A market stall: its part of the spending is not forgotten, and moves as that of the others."""
    with_stall = {"A": {**MIXED["A"], "market stall": 0.25}}
    found = area_indices(quotes(world(12)), BASKET, shares(with_stall), parameters=CHAINED)
    plain = area_indices(quotes(world(12)), BASKET, shares(MIXED), parameters=CHAINED)
    assert set(found["not_covered"]) == {"market stall"}
    assert found["spending_covered"].to_list() == pytest.approx([0.8] * MONTHS)
    assert levels(found) == pytest.approx(levels(plain), rel=1e-12)


def test_where_nothing_can_be_said_it_is_said_why() -> None:
    prices = quotes(world(13))
    stall = area_indices(prices, BASKET, shares({"A": {"market stall": 1.0}}), parameters=CHAINED)
    assert stall["index"].null_count() == MONTHS
    assert set(stall["reason"]) == {NO_QUOTES}
    few = area_indices(prices, BASKET, shares(MIXED, asked=19), parameters=CHAINED)
    assert set(few["reason"]) == {FEW_ASKED.format(20)}
    assert few.select("index", "index_low", "products_error", "shares_error").null_count().row(0) == (MONTHS,) * 4
    assert area_indices(prices, BASKET, shares(MIXED, asked=None), parameters=CHAINED)["index"].null_count() == 0
    assert set(area_indices(prices, None, shares(MIXED), parameters=CHAINED)["reason"]) == {NO_BASKET}
    free = area_indices(prices, BASKET, shares({"A": {"alder": 0.0, "birch": 0.0}}), parameters=CHAINED)
    assert set(free["reason"]) == {NOTHING_SPENT}
    late = area_indices(quotes(without(world(13), "birch", {0, 1})), BASKET, shares({"A": {"birch": 1.0}}))
    assert late["reason"].to_list() == [NO_QUOTES, NO_QUOTES, *[None] * (MONTHS - 2)]
    assert set(late["base_period"]) == {"2015-03"}
    assert late["index"][2] == 100
    assert area_indices(prices.filter(pl.lit(value=False)), BASKET, shares(MIXED)).is_empty()
    assert area_indices(prices, BASKET, shares(MIXED).clear()).is_empty()


@pytest.mark.parametrize("large", [2014, 2016, None])
def test_nothing_that_is_told_depends_on_the_shares_of_few_households(large: int | None) -> None:
    """Neither the index of a later year, which goes on from theirs, nor what part of the spending is covered."""
    prices = without(world(17, months=16), "alder", {3, 4})
    enough = shares(MIXED, year=large) if large else shares(MIXED).clear()
    told = []
    for few in ({"alder": 0.9, "birch": 0.1}, {"alder": 0.2, "birch": 0.2, "market stall": 0.6}):
        both = pl.concat([enough, shares({"A": few}, asked=19)])
        told.append(area_indices(quotes(prices), BASKET, both, parameters=CHAINED))
    assert told[0].equals(told[1])
    if large:
        assert told[0].equals(area_indices(quotes(prices), BASKET, enough, parameters=CHAINED))
    else:
        assert set(told[0]["reason"]) == {FEW_ASKED.format(20)}


def test_new_shares_of_a_year_move_nothing_unless_a_price_moves() -> None:
    """At the link retailers stand at other levels than at the start: their means differ, and the index goes on."""
    prices = {
        (shop, item, product, month): price * (1 + (0.5 if shop == "alder" else 0.1) * min(month, 8) / 8)
        for (shop, item, product, _), price in world(14, months=1).items()
        for month in range(20)
    }
    both = pl.concat(
        [shares({"A": {"alder": 0.9, "birch": 0.1}}), shares({"A": {"alder": 0.1, "birch": 0.9}}, year=2016)]
    )
    found = levels(area_indices(quotes(prices), BASKET, both, parameters=CHAINED))
    assert found[8:] == pytest.approx([146.0] * 12, rel=1e-12)
    # From January on it is the new shares that count.
    for key in prices:
        prices[key] *= 2 if key[0] == "birch" and key[3] == 19 else 1
    last = levels(area_indices(quotes(prices), BASKET, both, parameters=CHAINED))[-1]
    assert last == pytest.approx(146.0 * (0.1 + 0.9 * 2), rel=1e-12)


@pytest.mark.parametrize(("link", "first"), [("january", 12), ("december", 12), ("month-02", 14), ("none", 99)])
def test_what_is_said_of_a_month_is_of_the_weights_that_the_chain_has_there(link: str, first: int) -> None:
    """Coverage, errors and the index are of one set of shares, whenever new ones take effect."""
    prices = quotes(world(15, months=16))
    both = pl.concat([shares(MIXED), shares({"A": {"alder": 0.1, "nobody": 0.9}}, year=2016)])
    rules = AggregationParameters(link=link)
    found = area_indices(prices, BASKET, both, parameters=CHAINED, aggregation=rules).sort("period")
    covered = found["spending_covered"].to_list()
    assert covered == pytest.approx([1.0] * min(first, 16) + [0.1] * (16 - first))
    assert (found["not_covered"].is_null() == pl.Series(covered).round(9).eq(1.0)).all()


def test_a_year_in_which_nothing_is_spent_is_none() -> None:
    prices = quotes(world(16, months=16))
    zeros = shares({"A": {"alder": 0.0, "birch": 0.0}}, year=2016)
    basket = pl.concat([BASKET, BASKET.with_columns(year=pl.lit(2016, BASKET["year"].dtype), weight=pl.lit(0.0))])
    alone = area_indices(prices, BASKET, shares(MIXED), parameters=CHAINED)
    assert area_indices(prices, basket, pl.concat([shares(MIXED), zeros]), parameters=CHAINED).equals(alone)


def test_the_fewest_that_were_asked_count() -> None:
    prices, asked = quotes(world(17)), shares(MIXED, asked=213)
    few = asked.with_columns(households_asked=pl.when(retailer="birch").then(5).otherwise("households_asked"))
    assert set(area_indices(prices, BASKET, few, parameters=CHAINED)["reason"]) == {FEW_ASKED.format(20)}


def test_a_product_that_is_alone_varies_as_others_of_its_item_do() -> None:
    prices = {key: price for key, price in world(15).items() if key[:2] != ("alder", "tea") or key[2] == "tea 0"}
    of: RetailerIndices = retailer_indices(quotes(prices), IndexParameters(), CHAINED)
    numbered = of.pairs.with_row_index().filter(item_id="tea")
    alone, *others = (of.variance[1:, number] / of.index[1:, number] ** 2 for number in numbered["index"])
    assert alone == pytest.approx(PRODUCTS * np.mean(others, axis=0), rel=1e-9)
    # Where nothing of the kind is known, there is no interval.
    single = {key: price for key, price in prices.items() if key[2].endswith(" 0")}
    found = area_indices(quotes(single), BASKET, shares(MIXED), parameters=CHAINED)
    assert found["index"].null_count() == 0
    assert found["index_low"].null_count() == MONTHS - 1
