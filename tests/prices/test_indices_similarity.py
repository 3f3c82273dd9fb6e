"""Dissimilarity measures written out product by product, and linked indices against all trees there are."""

import heapq
import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ons_assets.prices.indices import dissimilarity, price_index
from ons_assets.prices.indices.similarity import MEASURES

few = settings(deadline=None, max_examples=10)
seeds = st.integers(0, 2**32 - 1)


def random_quotes(seed, n_periods=5, n_products=7, share_missing=0.3):
    """Quotes of products of which p0 is always sold."""
    rng = np.random.default_rng(seed)
    grid = pl.DataFrame({"product": [f"p{n}" for n in range(n_products)]}).join(
        pl.DataFrame({"period": range(n_periods)}), how="cross"
    )
    quotes = grid.with_columns(
        price=pl.Series(rng.lognormal(0, 0.5, grid.height)), quantity=pl.Series(rng.lognormal(2, 1, grid.height))
    )
    kept = pl.Series(rng.random(grid.height) >= share_missing)
    return quotes.filter(kept | (pl.col("product") == "p0"))


def sold_in(quotes, period):
    return {
        row["product"]: (row["price"], row["quantity"]) for row in quotes.filter(period=period).iter_rows(named=True)
    }


def fisher(first, second):
    both = first.keys() & second.keys()
    laspeyres = sum(second[n][0] * first[n][1] for n in both) / sum(first[n][0] * first[n][1] for n in both)
    paasche = sum(second[n][0] * second[n][1] for n in both) / sum(first[n][0] * second[n][1] for n in both)
    return laspeyres, paasche, math.sqrt(laspeyres * paasche)


def by_definition(first, second, measure):
    """The measures as their authors write them: shares, relatives and predicted shares of single products."""
    both = first.keys() & second.keys()
    laspeyres, paasche, index = fisher(first, second)
    if measure == "laspeyres-paasche":
        return math.log(max(laspeyres, paasche) / min(laspeyres, paasche))
    if measure == "predicted-share":
        total = 0.0
        for prices, sold in ((first, second), (second, first)):
            value = sum(p * q for p, q in sold.values())
            predicted = sum(prices[n][0] * sold[n][1] for n in both)
            for n in first.keys() | second.keys():
                share = sold[n][0] * sold[n][1] / value if n in sold else 0.0
                guess = prices[n][0] * sold[n][1] / predicted if n in both else 0.0
                total += (share - guess) ** 2
        return total
    values = [sum(sold[n][0] * sold[n][1] for n in both) for sold in (first, second)]
    total = 0.0
    for n in both:
        weight = (first[n][0] * first[n][1] / values[0] + second[n][0] * second[n][1] / values[1]) / 2
        x = second[n][0] / first[n][0] / index
        total += weight * (math.log(x) ** 2 if measure == "log-quadratic" else x + 1 / x - 2)
    return total


@pytest.mark.parametrize("measure", MEASURES)
@given(seed=seeds)
@few
def test_measures_by_their_definition(measure, seed):
    quotes = random_quotes(seed)
    found = dissimilarity(quotes, measure)
    assert found.height == 10
    for later, earlier, distance in found.iter_rows():
        expected = by_definition(sold_in(quotes, earlier), sold_in(quotes, later), measure)
        assert distance == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_prices_in_proportion_are_alike_and_others_are_not(measure):
    quotes = random_quotes(3, n_periods=1, share_missing=0)
    later = quotes.with_columns(pl.col("price") * 1.7, quantity=pl.col("quantity").reverse(), period=pl.lit(1))
    other = random_quotes(4, n_periods=1, share_missing=0).with_columns(period=pl.lit(2))
    same = {"period": pl.Int64}
    quotes = pl.concat([frame.cast(same) for frame in (quotes, later, other)])
    found = dict(zip([(1, 0), (2, 0), (2, 1)], dissimilarity(quotes, measure)["dissimilarity"], strict=True))
    assert found[1, 0] == pytest.approx(0, abs=1e-12)
    assert found[2, 0] > 1e-3
    assert found[2, 1] > 1e-3


def test_only_predicted_shares_see_a_lack_of_matches():
    matched = [(t, n, 1.0 + n, 1.0) for t in (1, 2) for n in (1, 2)]
    unmatched = [(1, 3, 5.0, 10.0), (2, 4, 5.0, 10.0)]
    quotes = pl.DataFrame(matched + unmatched, schema=["period", "product", "price", "quantity"], orient="row")
    for measure in MEASURES:
        distance = dissimilarity(quotes, measure)["dissimilarity"].item()
        if measure == "predicted-share":
            # Each period: the unmatched share is not predicted at all, and the others are predicted too large.
            missed, matched_shares = 50 / 55, np.array([2 / 55, 3 / 55])
            expected = 2 * (missed**2 + ((matched_shares - np.array([0.4, 0.6])) ** 2).sum())
            assert distance == pytest.approx(expected)
        else:
            assert distance == pytest.approx(0, abs=1e-12)


def all_trees(n):
    """Every tree on n nodes, from its Prüfer sequence."""
    for sequence in itertools.product(range(n), repeat=n - 2):
        degree = [1 + sequence.count(node) for node in range(n)]
        edges = []
        for node in sequence:
            leaf = degree.index(1)
            edges.append((leaf, node))
            degree[leaf] -= 1
            degree[node] -= 1
        edges.append(tuple(node for node in range(n) if degree[node] == 1))
        yield edges


@pytest.mark.parametrize("measure", MEASURES)
@given(seed=seeds)
@settings(deadline=None, max_examples=4)
def test_of_all_trees_the_spanning_tree_is_the_smallest(measure, seed):
    quotes = random_quotes(seed)
    sold = [sold_in(quotes, period) for period in range(5)]
    distance = {
        (a, b): by_definition(sold[min(a, b)], sold[max(a, b)], measure) for a in range(5) for b in range(5) if a != b
    }
    smallest, next_one = heapq.nsmallest(2, all_trees(5), key=lambda edges: sum(distance[edge] for edge in edges))
    assume(sum(distance[edge] for edge in next_one) > sum(distance[edge] for edge in smallest) + 1e-9)
    levels, frontier = {0: 100.0}, [0]
    while frontier:
        node = frontier.pop()
        for other in {a + b - node for a, b in smallest if node in (a, b)} - levels.keys():
            levels[other] = levels[node] * fisher(sold[node], sold[other])[2]
            frontier.append(other)
    computed = price_index(quotes, f"spanning-tree-{measure}")["index"].to_list()
    assert computed == pytest.approx([levels[period] for period in range(5)], rel=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
@given(seed=seeds)
@example(seed=55)
@few
def test_each_period_is_linked_to_the_most_similar_earlier_one(measure, seed):
    quotes = random_quotes(seed, n_periods=7)
    sold = [sold_in(quotes, period) for period in range(7)]
    levels, matched = [100.0], [len(sold[0])]
    for t in range(1, 7):
        unlike = [by_definition(sold[r], sold[t], measure) for r in range(t)]
        # Alike but for rounding, such as periods that share one product: the earliest.
        nearest = next(r for r in range(t) if unlike[r] <= min(unlike) + 1e-12)
        levels.append(levels[nearest] * fisher(sold[nearest], sold[t])[2])
        matched.append(len(sold[nearest].keys() & sold[t].keys()))
    computed = price_index(quotes, f"similarity-{measure}")
    assert computed["index"].to_list() == pytest.approx(levels, rel=1e-9)
    assert computed["matched_products"].to_list() == matched


@pytest.mark.parametrize("measure", MEASURES)
def test_a_new_period_leaves_the_past_of_a_similarity_linked_index(measure):
    quotes = random_quotes(5, n_periods=8)
    whole = price_index(quotes, f"similarity-{measure}")["index"].to_list()
    for stop in range(2, 8):
        so_far = price_index(quotes.filter(pl.col("period") < stop), f"similarity-{measure}")["index"].to_list()
        assert so_far == pytest.approx(whole[:stop], rel=1e-12)


@pytest.mark.parametrize("method", ["spanning-tree-log-quadratic", "similarity-predicted-share"])
def test_two_periods_have_the_fisher_index(method):
    quotes = random_quotes(6, n_periods=2)
    assert price_index(quotes, method)["index"].to_list() == pytest.approx(
        price_index(quotes, "fisher")["index"].to_list(), rel=1e-12
    )


def test_a_seasonal_pattern_that_returns_is_linked_over_the_year():
    """Two seasons with different prices: both methods link summer with summer, and do not drift as a chain does."""
    rng = np.random.default_rng(2)
    rows = []
    for year in range(4):
        for season in (0, 1):
            for n in range(8):
                relative = np.exp(np.random.default_rng(n + 100 * season).normal(0, 0.6))
                price = relative * 1.03**year
                rows.append((2 * year + season, n, price, rng.lognormal(0, 0.2) / relative**2))
    quotes = pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row")
    for kind in ("spanning-tree", "similarity"):
        for measure in ("log-quadratic", "asymptotically-linear", "predicted-share"):
            index = price_index(quotes, f"{kind}-{measure}")["index"].to_numpy()
            np.testing.assert_allclose(index[::2] / 100, 1.03 ** np.arange(4), rtol=1e-9)
    assert abs(price_index(quotes, "chained-fisher")["index"][6] / 100 - 1.03**3) > 1e-3


def test_periods_without_a_link_are_missing():
    rows = [(1, "a", 1.0, 1), (2, "a", 2.0, 1), (3, "b", 1.0, 1), (4, "a", 4.0, 2), (4, "b", 2.0, 1)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row")
    late = price_index(quotes, "similarity-log-quadratic")
    # Nothing before period 3 sells b: its link comes with period 4, too late for what is published.
    assert late["index"].to_list() == [100.0, pytest.approx(200), None, pytest.approx(400)]
    assert late["reason"][2] == "no chain of matched products from the base period"
    tree = price_index(quotes, "spanning-tree-log-quadratic")["index"].to_list()
    assert tree == pytest.approx([100, 200, 200, 400])
    assert dissimilarity(quotes, "log-quadratic").filter(period=3)["dissimilarity"].to_list() == [None, None]


@pytest.mark.parametrize("kind", [pl.Int8, pl.Int32, pl.Float32, pl.Decimal(6, 2)])
def test_numbers_of_every_kind_are_welcome(kind):
    quotes = random_quotes(4).with_columns(pl.col("price").round(1) + 1, pl.col("quantity").clip(1, 90).round(0))
    whole = quotes.with_columns(pl.col("price").round(0), pl.col("quantity"))
    others = whole.with_columns(pl.col("price", "quantity").cast(kind))
    expected = dissimilarity(whole, "predicted-share")["dissimilarity"].to_list()
    assert dissimilarity(others, "predicted-share")["dissimilarity"].to_list() == pytest.approx(expected)


def test_wrong_measures_are_refused():
    with pytest.raises(ValueError, match=r"unknown measure 'euclid'. Measures: log-quadratic"):
        dissimilarity(random_quotes(1), "euclid")
    with pytest.raises(ValueError, match="needs a column quantity"):
        dissimilarity(random_quotes(1).drop("quantity"), "log-quadratic")


@pytest.mark.parametrize("measure", MEASURES)
def test_no_quotes_and_one_period_have_no_pairs(measure):
    assert dissimilarity(random_quotes(1).clear(), measure).height == 0
    assert dissimilarity(random_quotes(1, n_periods=1), measure).height == 0
