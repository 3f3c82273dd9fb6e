"""Bootstrap intervals: against samples laid out one by one, formulas of sampling theory, SciPy, and known truth."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ons_assets.prices.indices import (
    bootstrap,
    bootstrap_group,
    bootstrap_items,
    intervals,
    methods,
    price_index,
)
from ons_assets.prices.indices.methods import index_of_panel
from ons_assets.prices.indices.panel import make_panel
from ons_assets.prices.indices.resampling import TERMS, _plan, levels_of_samples, resampled
from ons_assets.prices.indices.uncertainty import ITEM_WITHOUT_INDEX, TOO_FEW_PRODUCTS, TOO_FEW_SAMPLES

few = settings(deadline=None, max_examples=4)
seeds = st.integers(0, 2**32 - 1)


def random_quotes(seed, n_periods=5, n_products=12, share_missing=0.2):
    rng = np.random.default_rng(seed)
    rows = [
        (period, f"p{n}", float(rng.lognormal(0, 0.5)), float(rng.lognormal(2, 1)), n % 3)
        for period in range(n_periods)
        for n in range(n_products)
        if rng.random() >= share_missing or n == 0
    ]
    return pl.DataFrame(rows, schema=["period", "product", "price", "quantity", "shop"], orient="row")


def relatives(log_relatives):
    """Quotes of two periods, in which each product has one log price relative."""
    n = len(log_relatives)
    return pl.DataFrame(
        {
            "period": [1] * n + [2] * n,
            "product": list(range(n)) * 2,
            "price": [1.0] * n + np.exp(log_relatives).tolist(),
        }
    )


# --- samples -----------------------------------------------------------------------------------------------

QUICK = [
    *((name, {}) for name in TERMS),
    *((name, {"chain": "chained"}) for name in ("jevons", "laspeyres", "tornqvist")),
    ("chained-fisher", {}),
    *((f"geks-{name}", {}) for name in ("jevons", "fisher", "tornqvist", "walsh", "laspeyres", "geometric-laspeyres")),
    *(("geks-tornqvist", {"window": 3, "splice": splice}) for splice in ("movement", "mean", "window-published")),
    ("geks-jevons", {"splice": "expanding"}),
]


@pytest.mark.parametrize(("method", "options"), QUICK, ids=str)
@given(seed=seeds, share_missing=st.sampled_from([0.0, 0.3, 0.7]))
@few
def test_the_sums_of_samples_give_the_index_of_samples_laid_out(method, options, seed, share_missing):
    assert _plan(method, options) is not None
    panel = make_panel(random_quotes(seed, n_products=8, share_missing=share_missing), periods=range(5))
    counts = np.random.default_rng(seed).multinomial(
        len(panel.products), [1 / len(panel.products)] * len(panel.products), 6
    )
    quick = levels_of_samples(panel, method, counts.astype(float), 0, options)
    for sample, count in zip(quick, counts, strict=True):
        index = index_of_panel(resampled(panel, count), method, base=0, **options)["index"]
        np.testing.assert_allclose(100 * np.exp(sample), index.fill_null(np.nan).to_numpy(), rtol=1e-9)


def test_a_sample_is_the_index_of_quotes_with_products_repeated():
    """The samples laid out themselves, against quotes written out with the products renamed."""
    quotes = random_quotes(3, n_products=5)
    panel = make_panel(quotes)
    count = np.array([2, 0, 1, 3, 0])
    repeated = pl.concat(
        quotes.filter(pl.col("product") == name).with_columns(
            pl.format("{}-{}", "product", pl.lit(copy)).alias("product")
        )
        for name, times in zip(panel.products, count, strict=True)
        for copy in range(times)
    )
    for method in ("jevons", "tpd", "geary-khamis", "similarity-log-quadratic"):
        expected = price_index(repeated, method, base=0)["index"].to_list()
        found = index_of_panel(resampled(panel, count), method, base=0)["index"].to_list()
        assert found == pytest.approx(expected, rel=1e-9)


OPTIONS = {"lloyd-moulton": {"sigma": 0.7}, "quadratic-mean": {"order": 3}, "fews": {"window": 3}}


@pytest.mark.parametrize("method", methods()["method"].to_list())
def test_every_method_can_be_sampled(method):
    quotes = random_quotes(1, share_missing=0.0).with_columns(pl.col("period") + 201401)
    of = bootstrap(quotes, method, samples=25, influence=True, **OPTIONS.get(method, {}))
    expected = price_index(quotes, method, **OPTIONS.get(method, {}))["index"].to_list()
    for kind in ("expanded", "percentile", "bca"):
        found = intervals(of, kind=kind)
        assert found["index"].to_list() == pytest.approx(expected)
        assert found.row(0)[1:4] == pytest.approx((100, 100, 100))
        assert (found["lower"] <= found["upper"]).all()
        assert (found["standard_error"][1:] > 0).all()


# --- intervals ---------------------------------------------------------------------------------------------


def test_the_standard_error_of_jevons_is_that_of_a_mean():
    logs = np.random.default_rng(5).normal(0.02, 0.1, 60)
    of = bootstrap(relatives(logs), "jevons", samples=20_000)
    found = intervals(of, kind="percentile")
    # Of the mean of n log relatives drawn from those at hand: their standard deviation, over the root of n.
    expected = 100 * np.exp(logs.mean()) * logs.std() / np.sqrt(60)
    assert found["standard_error"][1] == pytest.approx(expected, rel=0.02)
    assert found["lower"][1] == pytest.approx(100 * np.exp(logs.mean() - 1.96 * logs.std() / np.sqrt(60)), rel=0.001)
    # Expanded, the interval is that of Student, with the standard deviation that knows of the mean.
    student = stats.t.ppf(0.025, 59) * logs.std(ddof=1) / np.sqrt(60)
    assert intervals(of)["lower"][1] == pytest.approx(100 * np.exp(logs.mean() + student), rel=0.001)


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_intervals_of_an_item_and_of_a_group_are_those_of_scipy(kind):
    rng = np.random.default_rng(6)
    first, second = rng.exponential(0.3, 25), -rng.exponential(0.2, 40)
    of = {
        item: bootstrap(relatives(logs), "jevons", samples=20_000, seed=seed, influence=True)
        for item, (seed, logs) in enumerate([(1, first), (2, second)])
    }
    group = bootstrap_group(of, {0: 3.0, 1: 1.0})

    def jevons(x, axis):
        return 100 * np.exp(np.mean(x, axis=axis))

    def mean(x, y, axis):
        return 0.75 * jevons(x, axis) + 0.25 * jevons(y, axis)

    method = {"percentile": "percentile", "bca": "BCa"}[kind]
    for boot, data, statistic in ((of[0], (first,), jevons), (group, (first, second), mean)):
        expected = stats.bootstrap(
            data, statistic, n_resamples=20_000, method=method, vectorized=True, rng=np.random.default_rng(9)
        )
        found = intervals(boot, kind=kind)[1]
        width = expected.confidence_interval.high - expected.confidence_interval.low
        assert found["lower"].item() == pytest.approx(expected.confidence_interval.low, abs=0.03 * width)
        assert found["upper"].item() == pytest.approx(expected.confidence_interval.high, abs=0.03 * width)
        assert found["standard_error"].item() == pytest.approx(expected.standard_error, rel=0.03)


@given(seed=seeds)
@few
def test_few_products_expand_an_interval_and_many_leave_it(seed):
    rng = np.random.default_rng(seed)

    def ratio(n, of=lambda quotes: bootstrap(quotes, "jevons", samples=4000)):
        boot = of(relatives(rng.normal(0, 0.1, n)))
        wide, narrow = (
            intervals(boot, kind=kind)[1].select(pl.col("upper") - pl.col("lower")).item()
            for kind in ("expanded", "percentile")
        )
        return wide / narrow

    # Student's quantile over the normal one, times the root of n / (n - 1).
    assert ratio(8) == pytest.approx(stats.t.ppf(0.975, 7) / 1.96 * np.sqrt(8 / 7), rel=0.15)
    assert ratio(400) == pytest.approx(1, abs=0.05)
    # A group of eight items with eight products each has the degrees of freedom of all of them.
    group = bootstrap_group(
        {n: bootstrap(relatives(rng.normal(0, 0.1, 8)), "jevons", seed=n) for n in range(8)}, dict.fromkeys(range(8), 1)
    )
    assert 20 < group.degrees[1] <= 56
    assert group.kept[1] == pytest.approx(7 / 8)


@pytest.mark.parametrize(("method", "kind"), [("jevons", "percentile"), ("jevons", "bca"), ("tornqvist", "expanded")])
def test_intervals_hold_the_truth_as_often_as_they_say(method, kind):
    """Products drawn from a very large population with known inflation; half of the second period's are new."""
    truth, held, tries = 103.0, 0, 300
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        logs = np.log(truth / 100) + rng.normal(0, 0.15, 60)
        quotes = relatives(logs).with_columns(quantity=pl.Series(np.tile(rng.lognormal(0, 0.3, 60), 2)))
        quotes = quotes.with_columns(quantity=pl.col("quantity") / pl.col("price"))
        quotes = quotes.filter((pl.col("period") == 1) | (pl.col("product") % 6 != 0))
        found = intervals(bootstrap(quotes, method, samples=400, seed=seed, influence=True), kind=kind)[1]
        held += found["lower"].item() <= truth <= found["upper"].item()
    # 95 %, give or take three standard errors of 300 tries, and what 50 matched products cost.
    assert 0.90 <= held / tries <= 0.985


def test_more_products_and_lower_levels_give_narrower_intervals():
    logs = np.random.default_rng(7).normal(0, 0.1, 400)

    def width(n, level):
        found = intervals(bootstrap(relatives(logs[:n]), "jevons"), level=level)[1]
        return (found["upper"] - found["lower"]).item()

    assert width(400, 0.95) < width(100, 0.95) / 1.6
    assert width(100, 0.8) < width(100, 0.95) < width(100, 0.99)


def test_prices_in_proportion_leave_no_doubt():
    quotes = relatives(np.full(10, 0.1))
    found = intervals(bootstrap(quotes, "geks-jevons", influence=True), kind="bca")
    assert found.row(1)[1:4] == pytest.approx([100 * np.exp(0.1)] * 3)
    assert found["standard_error"][1] == pytest.approx(0, abs=1e-9)


def test_currency_and_order_do_not_matter_and_the_seed_does():
    quotes = random_quotes(8)
    expected = intervals(bootstrap(quotes, "geks-jevons", seed=4))
    shuffled = intervals(bootstrap(quotes.sample(fraction=1, shuffle=True, seed=1), "geks-jevons", seed=4))
    assert shuffled.equals(expected)
    in_pence = intervals(bootstrap(quotes.with_columns(pl.col("price") * 100), "geks-jevons", seed=4))
    np.testing.assert_allclose(in_pence["lower"], expected["lower"], rtol=1e-9)
    assert not intervals(bootstrap(quotes, "geks-jevons", seed=5)).equals(expected)


# --- items and groups --------------------------------------------------------------------------------------


def two_items():
    return pl.concat(random_quotes(n).with_columns(item_id=pl.lit(item)) for n, item in enumerate(["bread", "milk"]))


def test_items_are_sampled_each_by_itself():
    together = bootstrap_items(two_items(), "geks-jevons", samples=50, seed=3)
    alone = bootstrap_items(two_items().filter(item_id="milk"), "geks-jevons", samples=50, seed=3)
    assert list(together) == ["bread", "milk"]
    np.testing.assert_array_equal(together["milk"].samples, alone["milk"].samples)
    assert not np.allclose(together["milk"].samples, together["bread"].samples)
    by_shop = bootstrap_items(two_items(), "jevons", product=["product", "shop"], samples=5)
    assert len(by_shop) == 2
    described = bootstrap_items(two_items(), "tdh", features=["shop"], samples=5)
    assert np.isfinite(described["milk"].samples).all()


def test_a_group_is_less_uncertain_than_its_items_and_keeps_to_its_weights():
    of = bootstrap_items(two_items(), "geks-jevons", samples=2000)
    even = intervals(bootstrap_group(of, {"bread": 1, "milk": 1}))
    apart = {item: intervals(boot)["standard_error"][4] for item, boot in of.items()}
    assert even["standard_error"][4] == pytest.approx(np.hypot(*apart.values()) / 2, rel=0.05)
    nearly_bread = intervals(bootstrap_group(of, {"bread": 1e9, "milk": 1}))
    np.testing.assert_allclose(nearly_bread["lower"], intervals(of["bread"])["lower"], rtol=1e-6)
    mean = (of["bread"].index + of["milk"].index) / 2
    assert even["index"].to_list() == pytest.approx(mean.tolist())


# --- too little --------------------------------------------------------------------------------------------


def test_no_quotes_one_period_and_bad_prices_give_reasons():
    empty = intervals(bootstrap(random_quotes(1).clear(), "jevons"))
    assert empty.height == 0
    assert empty.columns == ["period", "index", "lower", "upper", "standard_error", "reason"]
    single = intervals(bootstrap(random_quotes(1, n_periods=1), "geks-jevons", influence=True), kind="bca")
    assert single.row(0) == (0, 100.0, 100.0, 100.0, 0.0, None)
    bad = intervals(bootstrap(random_quotes(1).with_columns(price=0.0), "jevons"))
    assert bad["reason"].to_list() == ["no positive price in this period"] * 5
    assert bad["lower"].null_count() == 5


def test_one_product_has_an_index_and_no_interval():
    found = intervals(bootstrap(relatives([0.1]), "jevons"))
    assert found["index"].to_list() == pytest.approx([100, 100 * np.exp(0.1)])
    assert found["lower"].to_list() == [100, None]
    assert found["reason"].to_list() == [None, TOO_FEW_PRODUCTS]


def test_no_match_has_no_interval():
    quotes = pl.DataFrame({"period": [1, 1, 2, 2], "product": ["a", "b", "c", "d"], "price": [1.0, 2.0, 3.0, 4.0]})
    for method in ("jevons", "geks-jevons", "chained-jevons"):
        found = intervals(bootstrap(quotes, method, samples=20, influence=True), kind="bca")
        assert found["upper"].to_list() == [100, None]
        assert "matched" in found["reason"][1]


def test_an_index_that_most_samples_lack_has_no_interval():
    """Two of thirty products last: one sample in seven has neither of them."""
    quotes = pl.DataFrame(
        {
            "period": [1] * 30 + [2] * 2,
            "product": [*range(30), 0, 1],
            "price": [1.0] * 30 + [1.1, 1.3],
        }
    )
    found = intervals(bootstrap(quotes, "jevons"))
    assert found["reason"].to_list() == [None, TOO_FEW_SAMPLES]
    assert found["index"][1] == pytest.approx(100 * np.sqrt(1.1 * 1.3))


def test_a_group_without_one_of_its_items_says_so():
    of = bootstrap_items(two_items(), "geks-jevons", samples=20, periods=range(5))
    short = two_items().filter((pl.col("item_id") == "bread") | (pl.col("period") < 3))
    of |= {"milk": bootstrap_items(short, "geks-jevons", samples=20, periods=range(5))["milk"]}
    found = intervals(bootstrap_group(of, {"bread": 1, "milk": 1}))
    assert found["reason"].to_list() == [None, None, None, ITEM_WITHOUT_INDEX, ITEM_WITHOUT_INDEX]


@pytest.mark.parametrize("kind", [pl.Int16, pl.Int32, pl.Float32, pl.Decimal(12, 2)])
def test_numbers_of_every_kind_are_welcome(kind):
    quotes = random_quotes(9).with_columns((pl.col("price") * 100).round(0) + 1, pl.col("quantity").round(0) + 1)
    others = quotes.with_columns(pl.col("price", "quantity").cast(kind))
    expected = intervals(bootstrap(quotes, "geks-fisher", samples=50))
    assert intervals(bootstrap(others, "geks-fisher", samples=50)).equals(expected)


def test_wrong_calls_are_refused():
    quotes = random_quotes(1)
    with pytest.raises(ValueError, match="at least one sample"):
        bootstrap(quotes, "jevons", samples=0)
    with pytest.raises(ValueError, match="no method"):
        bootstrap(quotes, "jevon")
    of = bootstrap(quotes, "jevons", samples=5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        intervals(of, level=95)
    with pytest.raises(ValueError, match="needs a bootstrap with influence"):
        intervals(of, kind="bca")
    with pytest.raises(ValueError, match="unknown kind"):
        intervals(of, kind="normal")
    with pytest.raises(ValueError, match=r"no positive weight for item.* b"):
        bootstrap_group({"a": of, "b": of}, {"a": 1})
    with pytest.raises(ValueError, match="at least one item"):
        bootstrap_group({}, {})
    with pytest.raises(ValueError, match="the same periods"):
        bootstrap_group({"a": of, "b": bootstrap(quotes, "jevons", samples=6)}, {"a": 1, "b": 1})
