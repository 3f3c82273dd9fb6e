"""What index theory promises, on random panels, for every method."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.prices.indices import contributions, methods, price_index
from ons_assets.prices.indices.contributions import CONTRIBUTION_METHODS
from ons_assets.prices.indices.geks import geks_windows, least_squares_coefficients
from ons_assets.prices.indices.links import all_links, pair_link
from ons_assets.prices.indices.panel import make_panel
from ons_assets.prices.indices.registry import MULTILATERAL
from ons_assets.prices.indices.splicing import SPLICES

EVERY_METHOD = methods()["method"].to_list()
TRANSITIVE = [name for name in MULTILATERAL if name != "fews"]
OPTIONS = {"lloyd-moulton": {"sigma": 0.7}, "quadratic-mean": {"order": 3}, "fews": {"window": 3}}
# Dutot adds prices of unlike units and unit values add unlike quantities; the hybrid index correlates them, and
# features do not know the unit.
NOT_INVARIANT_TO_UNITS = {"dutot", "unit-value", "hybrid", "tdh", "tdh-unweighted"}
# What is bought, or its quality as the features do not tell it, moves these: prices in proportion give the factor
# only where the same is bought.
FOLLOW_WHAT_IS_BOUGHT = {"unit-value", "tdh", "rothwell"}
# These know baskets of years and months.
NEED_MONTHS = {"rothwell", "annual-basket", "annual-basket-carry"}
REVERSIBLE = [
    "jevons",
    "dutot",
    "carruthers-sellwood-ward-dalen",
    "balk-mehrhoff-walsh",
    "fisher",
    "marshall-edgeworth",
    "walsh",
    "tornqvist",
    "sato-vartia",
    "stuvel",
    "bilateral-geary-khamis",
    "bilateral-tpd",
]

few = settings(deadline=None, max_examples=8)


def random_quotes(seed, n_periods=5, n_products=6, share_missing=0.0):
    """Quotes of products with random prices, quantities and shops; p0 and period 0 are complete."""
    rng = np.random.default_rng(seed)
    product, period = np.meshgrid(np.arange(n_products), np.arange(n_periods), indexing="ij")
    quotes = pl.DataFrame(
        {
            "period": period.ravel(),
            "product": [f"p{number}" for number in product.ravel()],
            "price": rng.lognormal(0, 0.5, product.size),
            "quantity": rng.lognormal(2, 1, product.size),
            "shop": (product % 2).ravel(),
        }
    )
    kept = (rng.random(product.size) >= share_missing) | (period.ravel() == 0) | (product.ravel() == 0)
    return quotes.filter(pl.Series(kept))


def index_of(quotes, method, **options):
    if method in NEED_MONTHS:
        quotes = quotes.with_columns(pl.col("period") + 201401)
    return price_index(quotes, method, **OPTIONS.get(method, {}), **options)["index"].to_numpy()


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("method", EVERY_METHOD)
@given(seed=seeds, factors=st.lists(st.floats(0.2, 5), min_size=5, max_size=5))
@few
def test_prices_in_proportion_give_the_factor(method, seed, factors):
    quotes = random_quotes(seed)
    first_price = pl.col("price").first().over("product", order_by="period")
    factor = pl.Series("factor", factors)
    quotes = quotes.with_columns(price=first_price * factor.gather(quotes["period"]))
    if method in FOLLOW_WHAT_IS_BOUGHT:
        quotes = quotes.with_columns(quantity=pl.col("quantity").first().over("product", order_by="period"))
    expected = 100 * np.array(factors) / factors[0]
    np.testing.assert_allclose(index_of(quotes, method), expected, rtol=1e-9)


@pytest.mark.parametrize("method", EVERY_METHOD)
@given(seed=seeds)
@few
def test_the_order_of_the_quotes_does_not_matter(method, seed):
    quotes = random_quotes(seed, share_missing=0.2)
    shuffled = quotes.sample(fraction=1, shuffle=True, seed=seed % 1000)
    np.testing.assert_array_equal(index_of(quotes, method), index_of(shuffled, method))


@pytest.mark.parametrize("method", [name for name in EVERY_METHOD if name not in NOT_INVARIANT_TO_UNITS])
@given(seed=seeds)
@few
def test_units_of_quantity_do_not_matter(method, seed):
    quotes = random_quotes(seed, share_missing=0.2)
    unit = 1.0 + pl.col("product").str.slice(1).cast(pl.Int64)
    other_units = quotes.with_columns(price=pl.col("price") * unit, quantity=pl.col("quantity") / unit)
    np.testing.assert_allclose(index_of(quotes, method), index_of(other_units, method), rtol=1e-9)


@pytest.mark.parametrize("method", EVERY_METHOD)
@given(seed=seeds)
@few
def test_the_currency_does_not_matter(method, seed):
    quotes = random_quotes(seed, share_missing=0.2)
    in_pence = quotes.with_columns(pl.col("price") * 100)
    np.testing.assert_allclose(index_of(quotes, method), index_of(in_pence, method), rtol=1e-9)


@pytest.mark.parametrize("method", REVERSIBLE)
@given(seed=seeds)
@few
def test_time_reversal(method, seed):
    quotes = random_quotes(seed, n_periods=2)
    forward = index_of(quotes, method, base=0)[1]
    backward = index_of(quotes, method, base=1)[0]
    assert forward * backward == pytest.approx(10_000, rel=1e-12)


@pytest.mark.parametrize("method", ["carli", "laspeyres", "drobisch"])
def test_time_reversal_fails_where_theory_says_so(method):
    quotes = random_quotes(7, n_periods=2)
    assert abs(index_of(quotes, method, base=0)[1] * index_of(quotes, method, base=1)[0] - 10_000) > 1


@given(seed=seeds)
@few
def test_carli_jevons_and_harmonic_stand_in_order(seed):
    quotes = random_quotes(seed, n_periods=2)
    harmonic, jevons, carli = (index_of(quotes, name)[1] for name in ("harmonic", "jevons", "carli"))
    assert harmonic <= jevons * (1 + 1e-12)
    assert jevons <= carli * (1 + 1e-12)


@pytest.mark.parametrize(
    ("method", "parameter", "twin"),
    [
        ("lloyd-moulton", {"sigma": 0.0}, "laspeyres"),
        ("lloyd-moulton", {"sigma": 1.0}, "geometric-laspeyres"),
        ("quadratic-mean", {"order": 2.0}, "fisher"),
        ("quadratic-mean", {"order": 0.0}, "tornqvist"),
    ],
)
def test_parametric_formulas_contain_the_known_ones(method, parameter, twin):
    quotes = random_quotes(3)
    parametric = price_index(quotes, method, **parameter)["index"].to_numpy()
    np.testing.assert_allclose(parametric, index_of(quotes, twin), rtol=1e-12)


@pytest.mark.parametrize("method", TRANSITIVE)
@given(seed=seeds)
@few
def test_no_chain_drift(method, seed):
    """Prices and quantities that return to where they were bring the index back to 100."""
    quotes = random_quotes(seed)
    returned = quotes.filter(pl.col("period") == 0).with_columns(period=pl.lit(5, dtype=pl.Int64))
    assert index_of(pl.concat([quotes, returned]), method)[-1] == pytest.approx(100, rel=1e-9)


def test_a_chained_index_drifts():
    quotes = random_quotes(11)
    returned = quotes.filter(pl.col("period") == 0).with_columns(period=pl.lit(5, dtype=pl.Int64))
    assert abs(index_of(pl.concat([quotes, returned]), "fisher", chain="chained")[-1] - 100) > 1


@pytest.mark.parametrize("method", TRANSITIVE)
@given(seed=seeds)
@few
def test_the_base_only_scales(method, seed):
    quotes = random_quotes(seed, share_missing=0.2)
    first, third = index_of(quotes, method), index_of(quotes, method, base=2)
    np.testing.assert_allclose(first / first[2], third / 100, rtol=1e-9)


@given(seed=seeds)
@few
def test_unweighted_methods_agree_on_a_complete_panel(seed):
    quotes = random_quotes(seed)
    jevons = index_of(quotes, "jevons")
    for method in ("geks-jevons", "tpd-unweighted", "tdh-unweighted"):
        np.testing.assert_allclose(index_of(quotes, method), jevons, rtol=1e-9)
    np.testing.assert_allclose(index_of(quotes, "jevons", chain="chained"), jevons, rtol=1e-9)


@pytest.mark.parametrize("name", ["jevons", "fisher", "tornqvist", "walsh", "laspeyres", "geometric-laspeyres"])
@given(seed=seeds)
@few
def test_links_from_sums_equal_links_pair_by_pair(name, seed):
    quotes = random_quotes(seed, share_missing=0.5).filter(pl.col("product") != "p0")
    panel = make_panel(quotes, periods=range(5))
    link = pair_link(panel, name)
    pairs = [[link(a, b)[0] for b in range(5)] for a in range(5)]
    np.testing.assert_allclose(all_links(panel, name), pairs, atol=1e-10)


def random_links(rng, n_periods, share_undefined):
    links = rng.normal(size=(n_periods, n_periods))
    links = (links - links.T) / 2
    undefined = np.triu(rng.random((n_periods, n_periods)) < share_undefined, 1)
    links[undefined | undefined.T] = np.nan
    return links


@given(seed=seeds, share_undefined=st.sampled_from([0.0, 0.3]))
@few
def test_geks_of_any_window_is_the_least_squares_fit(seed, share_undefined):
    links = random_links(np.random.default_rng(seed), 8, share_undefined)
    levels = geks_windows(links)
    for start in range(4):
        window = links[start : start + 5, start : start + 5]
        found = levels(start, start + 5)
        inside = np.flatnonzero(np.isfinite(found))
        pairs = [(a, b) for a in inside for b in inside if np.isfinite(window[a, b])]
        design = np.array([np.eye(5)[b] - np.eye(5)[a] for a, b in pairs])
        fitted = np.linalg.lstsq(design, np.array([window[pair] for pair in pairs]), rcond=None)[0]
        difference = (found - fitted)[inside]
        np.testing.assert_allclose(difference, difference[0], atol=1e-9)


@given(seed=seeds)
@few
def test_coefficients_of_the_links_give_the_levels(seed):
    links = random_links(np.random.default_rng(seed), 6, 0.2)
    levels = geks_windows(links)(0, 6)
    inside = np.flatnonzero(np.isfinite(levels))
    first, last = inside[0], inside[-1]
    coefficients = least_squares_coefficients(np.isfinite(links), first, last)
    assert np.nansum(coefficients * links) == pytest.approx(levels[last] - levels[first], abs=1e-9)


def spliced_by_definition(quotes, method, window, splice):
    """The splices, written out: a full index of every window, then the linking."""
    labels = sorted(quotes["period"].unique())
    series = {
        start: price_index(quotes.filter(pl.col("period").is_in(labels[start : start + window])), method)["index"]
        for start in range(len(labels) - window + 1)
    }
    published = series[0].to_list()
    for start in range(1, len(labels) - window + 1):
        new, old = series[start], series[start - 1]
        overlap = window - 1
        chosen = {
            "movement": [overlap - 1],
            "window": [0],
            "half": [overlap // 2],
            "mean": range(overlap),
        }[splice.removesuffix("-published")]
        linked = []
        for k in chosen:
            if splice.endswith("-published"):
                linked.append(published[start + k] * new[-1] / new[k])
            else:
                linked.append(published[-1] * (new[-1] / new[k]) / (old[-1] / old[k + 1]))
        published.append(float(np.exp(np.mean(np.log(linked)))))
    return published


@pytest.mark.parametrize("splice", SPLICES)
@pytest.mark.parametrize("method", ["geks-tornqvist", "tpd", "geary-khamis"])
def test_splices_by_their_definition(method, splice):
    quotes = random_quotes(5, n_periods=9, share_missing=0.1)
    computed = price_index(quotes, method, window=4, splice=splice)["index"].to_list()
    assert computed == pytest.approx(spliced_by_definition(quotes, method, 4, splice), rel=1e-9)


def test_a_window_as_long_as_the_series_needs_no_splice():
    quotes = random_quotes(8)
    np.testing.assert_allclose(
        index_of(quotes, "geks-fisher", window=9, splice="half"), index_of(quotes, "geks-fisher")
    )


def test_fews_is_the_window_splice_of_the_weighted_tpd():
    quotes = random_quotes(9, n_periods=8)
    np.testing.assert_array_equal(
        price_index(quotes, "fews", window=4)["index"],
        price_index(quotes, "tpd", window=4, splice="window")["index"],
    )


def test_expanding_windows_never_see_the_future():
    quotes = random_quotes(10, n_periods=7)
    whole = price_index(quotes, "geks-jevons", splice="expanding")["index"].to_list()
    for stop in range(1, 8):
        so_far = price_index(quotes.filter(pl.col("period") < stop), "geks-jevons")["index"]
        assert whole[stop - 1] == pytest.approx(so_far[-1], rel=1e-12)


@pytest.mark.parametrize("method", CONTRIBUTION_METHODS)
@given(seed=seeds)
@few
def test_contributions_add_up_to_the_change(method, seed):
    quotes = random_quotes(seed, share_missing=0.2)
    change = index_of(quotes, method)[4] - 100
    parts = contributions(quotes, method, 0, 4)
    assert parts["contribution"].sum() == pytest.approx(change, abs=1e-8)


def test_chained_contributions_add_up_to_the_change():
    quotes = random_quotes(12, share_missing=0.2)
    change = price_index(quotes, "chained-tornqvist")["index"][-1] - 100
    parts = contributions(quotes, "tornqvist", 0, 4, chained=True)
    assert parts["contribution"].sum() == pytest.approx(change, abs=1e-9)


def test_a_product_whose_price_stands_still_contributes_nothing():
    quotes = random_quotes(13, n_periods=2)
    still = pl.col("price").first().over("product", order_by="period")
    quotes = quotes.with_columns(price=pl.when(pl.col("product") == "p0").then(still).otherwise("price"))
    for method in ("jevons", "fisher", "laspeyres", "tornqvist"):
        parts = contributions(quotes, method, 0, 1)
        assert parts.filter(pl.col("product") == "p0")["contribution"].item() == pytest.approx(0, abs=1e-12)
