"""The time dummy hedonic index against least squares written out, and against the time product dummy."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.prices.indices import by_item, price_index
from ons_assets.prices.indices.series import NOT_IDENTIFIED

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)
FEATURES = ["brand", "log(pack_g)", "organic", "score"]


def described_quotes(seed, n_periods=6, n_products=25, share_missing=0.4):
    """Quotes of products that come and go, of three brands and several packs."""
    rng = np.random.default_rng(seed)
    products = pl.DataFrame(
        {
            "product": [f"p{number}" for number in range(n_products)],
            "brand": rng.choice(["Own", "Acme", "Best"], n_products),
            "pack_g": rng.choice([250.0, 400.0, 500.0, 1000.0], n_products),
            "organic": rng.random(n_products) < 0.3,
            "score": rng.normal(50, 10, n_products),
        }
    )
    grid = products.join(pl.DataFrame({"period": range(n_periods)}), how="cross")
    grid = grid.with_columns(
        price=pl.Series(rng.lognormal(0, 0.3, grid.height)) * pl.col("pack_g").log(),
        quantity=pl.Series(rng.lognormal(2, 1, grid.height)),
    )
    return grid.filter(pl.Series(rng.random(grid.height) >= share_missing))


def by_least_squares(quotes, *, weighted):
    """One column a period and one an attribute, solved at once; no period is left out and no rank is assumed."""
    labels = sorted(quotes["period"].unique())
    brands = sorted(quotes["brand"].unique())
    design = np.array(
        [
            [
                *(float(row["period"] == label) for label in labels[1:]),
                1.0,
                *(float(row["brand"] == brand) for brand in brands),
                np.log(row["pack_g"]),
                float(row["organic"]),
                row["score"],
            ]
            for row in quotes.iter_rows(named=True)
        ]
    )
    price = quotes["price"].to_numpy()
    weight = np.ones(len(price))
    if weighted:
        value = price * quotes["quantity"].to_numpy()
        total = {label: value[quotes["period"].to_numpy() == label].sum() for label in labels}
        weight = value / np.array([total[label] for label in quotes["period"]])
    root = np.sqrt(weight)
    solution = np.linalg.lstsq(root[:, None] * design, root * np.log(price), rcond=None)[0]
    return 100 * np.exp([0.0, *solution[: len(labels) - 1]])


@pytest.mark.parametrize(("method", "weighted"), [("tdh", True), ("tdh-unweighted", False)])
@given(seed=seeds)
@few
def test_it_is_the_least_squares_fit(method, weighted, seed):
    quotes = described_quotes(seed)
    computed = price_index(quotes, method, features=FEATURES)["index"].to_numpy()
    np.testing.assert_allclose(computed, by_least_squares(quotes, weighted=weighted), rtol=1e-9)


@pytest.mark.parametrize("splice", ["movement", "window", "half", "mean", "mean-published"])
def test_its_rolling_window_is_spliced_like_any_other(splice):
    quotes = described_quotes(4, n_periods=9)
    window = 5
    series = [
        np.log(by_least_squares(quotes.filter(pl.col("period").is_between(first, first + window - 1)), weighted=True))
        for first in range(5)
    ]
    published = list(series[0])
    for first in range(1, 5):
        new, old = series[first], series[first - 1]
        chosen = {"movement": [3], "window": [0], "half": [2]}.get(splice, range(4))
        if splice.endswith("published"):
            links = [published[first + k] + new[-1] - new[k] for k in chosen]
        else:
            links = [published[-1] + new[-1] - new[k] - (old[-1] - old[k + 1]) for k in chosen]
        published.append(np.mean(links))
    computed = price_index(quotes, "tdh", features=FEATURES, window=window, splice=splice)["index"].to_numpy()
    np.testing.assert_allclose(computed, 100 * np.exp(np.array(published) - published[0]), rtol=1e-9)


@pytest.mark.parametrize(("hedonic", "dummies"), [("tdh", "tpd"), ("tdh-unweighted", "tpd-unweighted")])
@given(seed=seeds, share_missing=st.sampled_from([0.2, 0.7, 0.9]))
@few
def test_a_feature_for_every_product_makes_it_the_time_product_dummy(hedonic, dummies, seed, share_missing):
    quotes = described_quotes(seed, n_products=12, share_missing=share_missing)
    quotes = quotes.with_columns(code=pl.col("product"))
    computed = price_index(quotes, hedonic, features=["code", "brand"], periods=range(6))["index"].to_numpy()
    expected = price_index(quotes, dummies, periods=range(6))["index"].to_numpy()
    np.testing.assert_allclose(computed, expected, rtol=1e-8)


@given(seed=seeds)
@few
def test_features_that_say_the_same_again_change_nothing(seed):
    """A weight in grams and in pounds, a brand and its owner: no column need be left out by hand."""
    quotes = described_quotes(seed)
    again = quotes.with_columns(
        pack_lb=pl.col("pack_g") / 453.59237, owner=pl.col("brand").str.to_uppercase(), country=pl.lit("GB"), one=1
    )
    named = ["brand", "pack_g", "score"]
    once = price_index(quotes, "tdh", features=named)["index"].to_numpy()
    np.testing.assert_allclose(
        price_index(again, "tdh", features=[*named, "pack_lb", "owner", "country", "one"])["index"], once, rtol=1e-8
    )
    tiny = quotes.with_columns(pl.col("score") * 1e-9 + 5, pl.col("pack_g") * 1e9)
    np.testing.assert_allclose(price_index(tiny, "tdh", features=named)["index"], once, rtol=1e-5)


def test_a_pure_change_of_quality_is_no_change_of_price():
    """The products of the second period are others and dearer, just as their packs are larger."""
    rows = [(1, "a", 250.0), (1, "b", 500.0), (2, "c", 500.0), (2, "d", 1000.0), (3, "e", 250.0)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "pack_g"], orient="row")
    inflation = pl.col("period").replace_strict({1: 1.0, 2: 1.1, 3: 1.2}, return_dtype=pl.Float64)
    quotes = quotes.with_columns(price=inflation * pl.col("pack_g") ** 0.8)
    assert price_index(quotes, "tdh-unweighted", features=["log(pack_g)"])["index"].to_list() == pytest.approx(
        [100, 110, 120]
    )


def test_what_features_and_prices_do_not_determine_is_missing():
    # The brand that is sold in period 3 is not sold in any other: dearer brand or dearer period?
    rows = [(1, "a", "x", 1.0), (2, "b", "x", 2.0), (3, "c", "y", 3.0)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "brand", "price"], orient="row")
    result = price_index(quotes, "tdh-unweighted")
    assert result["index"].to_list() == [100.0, pytest.approx(200), None]
    assert result["reason"].to_list() == [None, None, NOT_IDENTIFIED]


def test_a_product_without_its_number_is_left_out_and_one_without_its_brand_is_of_a_brand_of_its_own():
    rows = [
        *[(period, "a", "x", 1.0, 2.0 * period) for period in (1, 2)],
        *[(period, "b", None, 2.0, 3.0 * period) for period in (1, 2)],
        (2, "c", "x", None, 99.0),
        (3, "d", "x", None, 1.0),
    ]
    quotes = pl.DataFrame(rows, schema=["period", "product", "brand", "size", "price"], orient="row")
    result = price_index(quotes, "tdh-unweighted", features=["brand", "size"])
    assert result["index"].to_list() == [100.0, pytest.approx(200), None]
    assert result["matched_products"].to_list() == [2, 2, 0]
    assert result["reason"][2] == NOT_IDENTIFIED


def test_a_logarithm_of_what_is_not_positive_is_missing():
    rows = [(1, "a", 2.0, 1.0), (2, "a", 2.0, 2.0), (2, "b", 0.0, 50.0), (2, "c", -1.0, 50.0)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "size", "price"], orient="row")
    assert price_index(quotes, "tdh-unweighted", features=["log(size)"])["index"].to_list() == pytest.approx([100, 200])


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("tdh", {"features": ["colour"]}, "no column colour describes the products, only brand"),
        ("tdh", {"features": ["log(brand)"]}, "needs numbers, and brand holds String"),
        ("tdh", {"features": []}, "at least one column"),
        ("tpd", {"features": ["brand"]}, "features do not apply to 'tpd'"),
    ],
)
def test_wrong_features_are_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        price_index(described_quotes(1), method, **options)


@pytest.mark.parametrize("kind", [pl.Int8, pl.Int32, pl.UInt16, pl.Float32, pl.Decimal(10, 2)])
def test_numbers_of_every_kind_are_numbers(kind):
    quotes = described_quotes(2).with_columns(pl.col("pack_g") / 10)
    expected = price_index(quotes, "tdh", features=["log(pack_g)"])["index"].to_list()
    others = quotes.with_columns(pl.col("pack_g").cast(kind))
    assert price_index(others, "tdh", features=["log(pack_g)"])["index"].to_list() == pytest.approx(expected, rel=1e-6)


def test_every_item_has_features_of_its_own():
    quotes = pl.concat(
        described_quotes(seed).with_columns(item_id=pl.lit(item)) for seed, item in enumerate(["bread", "milk"])
    )
    chosen = {"method": "tdh", "features": ["brand", "log(pack_g)"], "window": 4, "splice": "mean"}
    result = by_item(quotes, [chosen, "jevons"])
    assert result["method"].unique().sort().to_list() == ["jevons", "tdh-brand+log(pack_g)-4-mean"]
    for (item,), indices in result.filter(pl.col("method") != "jevons").partition_by("item_id", as_dict=True).items():
        alone = price_index(
            quotes.filter(item_id=item), "tdh", features=["brand", "log(pack_g)"], window=4, splice="mean"
        )
        assert indices["index"].to_list() == alone["index"].to_list()


def test_an_item_without_features_says_so():
    quotes = described_quotes(1).with_columns(item_id=pl.lit("bread"))
    with pytest.raises(ValueError, match="at least one column that describes"):
        by_item(quotes, "tdh")
    with pytest.raises(ValueError, match="no column colour describes"):
        by_item(quotes, {"method": "tdh", "features": ["colour"]})
