"""What products contribute: sums over products where there are such, a lone mover for every method."""

import random
from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
import pytest

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.compilation import item_indices
from ons_assets.prices.indices import methods
from ons_assets.prices.indices.contributions import CONTRIBUTION_METHODS
from ons_assets.prices.indices.registry import NEED_FEATURES
from ons_assets.prices.product_contributions import product_contributions
from ons_assets.prices.publication.series import publication_indices

MONTHS = [date(2016 + month // 12, month % 12 + 1, 1) for month in range(15)]
LAST = f"{MONTHS[-1]:%Y-%m}"
ADD_UP: list[Mapping[str, object]] = [
    *({"method": method} for method in CONTRIBUTION_METHODS),
    {"method": "tornqvist", "chain": "chained"},
    {"method": "jevons", "chain": "chained"},
    {"method": "jevons", "chain": "january"},
    {"method": "geks-jevons", "window": 5, "splice": "mean"},
    {"method": "geks-jevons-pilot"},
    {"method": "chained-jevons-pilot"},
]
# A unit value moves without any price, and some are asked for with more than a name.
OPTIONS: dict[str, dict[str, object]] = {
    "fews": {"window": 5},
    "lloyd-moulton": {"sigma": 0.7},
    "quadratic-mean": {"order": 1.5},
}
NO_LONE_MOVER = {*NEED_FEATURES, "unit-value", "lowe", "young", "geometric-young", "hybrid"}


def quotes(prices: dict[tuple[date, str], float]) -> pl.LazyFrame:
    """Quotes of one item, and one of another that has a price in every month."""
    rows = [(day, "bread", name, price) for (day, name), price in prices.items()]
    rows += [(day, "milk", "whole", 1.0) for day in MONTHS]
    frame = pl.DataFrame(rows, schema=["collected_on", "item_id", "product", "price"], orient="row")
    return frame.lazy().with_columns(
        retailer=pl.lit("tesco"),
        item="item_id",
        product_id="product",
        lineage_id="product",
        price_per_unit="price",
        regular_price="price",
        quantity=10.0 + pl.col("product").str.len_bytes(),
        pack_quantity=1.0,
        in_scope=True,
        **dict.fromkeys(FLAGS, False),
    )


def panel(seed: int, *, products: int = 6, gaps: float = 0.3) -> pl.LazyFrame:
    """Prices that wander; the first product has one in every month, so that all months hang together."""
    rng = random.Random(seed)
    found = {}
    for number in range(products):
        price = rng.uniform(0.5, 5)
        for day in MONTHS:
            price *= np.exp(rng.gauss(0, 0.1))
            if number == 0 or rng.random() > gaps:
                found[day, "p" * (number + 1)] = price
    return quotes(found)


def contributions(of: pl.LazyFrame, method: Mapping[str, object], period: str = LAST) -> tuple[pl.DataFrame, float]:
    """What products contribute, and the index."""
    parameters = IndexParameters(methods=({**method, "label": "it"},), frequencies=("month",))
    [index] = item_indices(of, parameters).filter(item_id="bread", period=period)["index"]
    key = {"frequency": "month", "method": "it", "item_id": "bread", "period": period}
    found = product_contributions(of, parameters, PublicationParameters(), **key)
    return found, index


def published(of: pl.LazyFrame, period: str = LAST) -> tuple[pl.DataFrame, float]:
    """The same of the index that is published; its window is left before the last month."""
    parameters, publication = IndexParameters(), PublicationParameters(label="official", window=5)
    [index] = publication_indices(of, parameters, publication).filter(item_id="bread", period=period)["index"]
    key = {"frequency": "month", "method": "official", "item_id": "bread", "period": period}
    return product_contributions(of, parameters, publication, **key), index


@pytest.mark.parametrize("method", ADD_UP, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_contributions_add_up_to_the_change_where_an_index_is_a_sum_over_products(
    method: Mapping[str, object], seed: int
) -> None:
    for period in (LAST, f"{MONTHS[4]:%Y-%m}"):
        found, index = contributions(panel(seed), method, period)
        assert found["contribution"].sum() == pytest.approx(index - 100, abs=1e-9)
        assert found["contribution"].abs().is_sorted(descending=True)


def test_of_jevons_each_product_has_its_share_of_the_mean_logarithm() -> None:
    first, last = MONTHS[0], MONTHS[-1]
    prices = {(first, "a"): 1.0, (last, "a"): 2.0, (first, "b"): 4.0, (last, "b"): 3.0, (last, "new"): 9.0}
    found, index = contributions(quotes(prices), {"method": "jevons"})
    points = (index - 100) / np.log(index / 100)
    assert dict(found.select("product_id", "contribution").rows()) == pytest.approx(
        {"a": points * np.log(2) / 2, "b": points * np.log(3 / 4) / 2, "new": 0}
    )
    assert dict(found.select("product_id", "periods").rows()) == {"a": 2, "b": 2, "new": 1}


def test_of_geks_each_product_has_the_mean_over_the_ways_by_all_months() -> None:
    """Against loops over months and products."""
    of = panel(7)
    wide = (
        of.filter(item_id="bread").collect().pivot("collected_on", index="product", values="price", sort_columns=True)
    )
    log = {name: np.log(np.array(values, dtype=float)) for name, *values in wide.rows()}

    def link(first: int, last: int) -> dict[str, float]:
        both = [name for name, each in log.items() if np.isfinite(each[[first, last]]).all()]
        return {name: (log[name][last] - log[name][first]) / len(both) for name in both}

    last, total = len(MONTHS) - 1, dict.fromkeys(log, 0.0)
    for through in range(len(MONTHS)):
        for leg in (link(0, through), link(through, last)):
            for name, each in leg.items():
                total[name] += each / len(MONTHS)
    found, index = contributions(of, {"method": "geks-jevons"})
    points = (index - 100) / np.log(index / 100)
    expected = {name: points * each for name, each in total.items()}
    assert dict(found.select("product_id", "contribution").rows()) == pytest.approx(expected)


@pytest.mark.parametrize("method", sorted({*methods()["method"]} - NO_LONE_MOVER))
def test_a_product_that_alone_moves_contributes_all_of_the_change(method: str) -> None:
    prices = {(day, name): 1.0 + len(name) for day in MONTHS for name in ("a", "bb", "ccc", "dddd")}
    prices |= {(day, "bb"): 3.0 * 1.02**number for number, day in enumerate(MONTHS)}
    found, index = contributions(quotes(prices), {"method": method, **OPTIONS.get(method, {})})
    assert abs(index - 100) > 1
    by_product = dict(found.select("product_id", "contribution").rows())
    assert by_product == pytest.approx({"a": 0, "bb": index - 100, "ccc": 0, "dddd": 0}, abs=1e-9)


@pytest.mark.parametrize("period", [LAST, "2016-04"])
def test_contributions_to_the_published_index_add_up_where_nothing_says_what_was_sold(period: str) -> None:
    found, index = published(panel(1).with_columns(quantity=pl.lit(None, dtype=pl.Float64)), period)
    assert abs(index - 100) > 1
    assert found["contribution"].sum() == pytest.approx(index - 100)
    assert (found["contribution"] != 0).sum() > 2


def test_a_product_that_alone_moves_contributes_all_of_the_change_that_is_published() -> None:
    prices = {(day, name): 1.0 + len(name) for day in MONTHS for name in ("a", "bb", "ccc")}
    prices |= {(day, "bb"): 3.0 * 1.02**number for number, day in enumerate(MONTHS)}
    found, index = published(quotes(prices))
    assert abs(index - 100) > 1
    by_product = dict(found.select("product_id", "contribution").rows())
    assert by_product == pytest.approx({"a": 0, "bb": index - 100, "ccc": 0}, abs=1e-9)


def test_what_a_filter_drops_stays_dropped_while_the_prices_of_another_are_looked_at() -> None:
    """A shop gets rid of a product in the last month: its price falls, and hardly any is sold."""
    prices = {(day, name): 1.0 for day in MONTHS for name in ("a", "bb")}
    prices |= {(day, "bb"): 1.0 + number / 20 for number, day in enumerate(MONTHS)}
    prices |= {(day, "dumped"): 5.0 if day < MONTHS[-1] else 0.1 for day in MONTHS}
    is_dumped = (pl.col("product") == "dumped") & (pl.col("collected_on") == MONTHS[-1])
    of = quotes(prices).with_columns(quantity=pl.when(is_dumped).then(0.1).otherwise("quantity"))
    found, index = contributions(of, {"method": "geks-tornqvist", "filters": {"dump": {"leaving": False}}})
    unfiltered, other = contributions(of, {"method": "geks-tornqvist"})
    assert other < index
    assert unfiltered.row(0, named=True)["product_id"] == "dumped"
    by_product = dict(found.select("product_id", "contribution").rows())
    assert by_product == pytest.approx({"a": 0, "bb": index - 100, "dumped": 0}, abs=1e-9)


def test_without_an_index_there_are_no_contributions() -> None:
    prices = {(MONTHS[0], "a"): 1.0, (MONTHS[-1], "b"): 2.0}
    found, index = contributions(quotes(prices), {"method": "jevons"})
    assert index is None
    assert found.is_empty()
