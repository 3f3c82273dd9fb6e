"""Match adjusted R squared: by its definition in plain Python, at its extremes, where the best is known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.prices.indices import group_quotes, mars, price_index

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)
ATTRIBUTES = ["brand", "size"]


def churning_quotes(seed, n_periods=5, n_products=20):
    rng = np.random.default_rng(seed)
    products = pl.DataFrame(
        {
            "product": [f"p{n}" for n in range(n_products)],
            "brand": [["a", "b", None][k] for k in rng.integers(0, 3, n_products)],
            "size": rng.choice([1, 2, 5], n_products),
        }
    )
    grid = products.join(pl.DataFrame({"period": range(n_periods)}), how="cross")
    quotes = grid.with_columns(
        price=pl.Series(rng.lognormal(0, 0.4, grid.height)) * pl.col("size"),
        quantity=pl.Series(rng.integers(1, 50, grid.height)),
    )
    return quotes.filter(pl.Series(rng.random(grid.height) < 0.6) | (pl.col("product") == "p0"))


def by_definition(quotes, columns):
    rows = list(quotes.iter_rows(named=True))
    group = [tuple(row[column] for column in columns) for row in rows]
    in_base = {g for g, row in zip(group, rows, strict=True) if row["period"] == 0}
    scores = []
    for period in sorted({row["period"] for row in rows} - {0}):
        inside = [(g, r["price"], r["quantity"]) for g, r in zip(group, rows, strict=True) if r["period"] == period]
        total = sum(q for _, _, q in inside)
        mean = sum(p * q for _, p, q in inside) / total
        unit = {}
        for g in {g for g, _, _ in inside}:
            mine = [(p, q) for other, p, q in inside if other == g]
            unit[g] = sum(p * q for p, q in mine) / sum(q for _, q in mine)
        match = sum(q for g, _, q in inside if g in in_base) / total
        spread = sum(q * (p - mean) ** 2 for _, p, q in inside)
        r_squared = sum(q * (unit[g] - mean) ** 2 for g, _, q in inside) / spread
        scores.append((match, r_squared, match * r_squared))
    return np.mean(scores, axis=0)


@given(seed=seeds)
@few
def test_scores_by_their_definition(seed):
    quotes = churning_quotes(seed)
    found = mars(quotes, ATTRIBUTES)
    assert set(found.scores["grouping"]) == {"product", "brand", "size", "brand + size"}
    for grouping, groups, *scores in found.scores.iter_rows():
        columns = grouping.split(" + ")
        np.testing.assert_allclose(scores, by_definition(quotes, columns), rtol=1e-9)
        assert groups == quotes.select(columns).n_unique()
    assert found.best == tuple(found.scores["grouping"][0].split(" + "))
    assert found.scores["mars"].to_list() == sorted(found.scores["mars"], reverse=True)


@given(seed=seeds)
@few
def test_the_finest_grouping_explains_all_and_the_coarsest_matches_all(seed):
    quotes = churning_quotes(seed).with_columns(all=pl.lit("one"))
    scores = {row["grouping"]: row for row in mars(quotes, ["all"]).scores.iter_rows(named=True)}
    assert scores["product"]["r_squared"] == pytest.approx(1)
    assert scores["all"]["match"] == pytest.approx(1)
    assert scores["all"]["r_squared"] == pytest.approx(0, abs=1e-12)


@given(seed=seeds)
@few
def test_a_finer_grouping_explains_no_less_and_matches_no_more(seed):
    by_period = mars(churning_quotes(seed), ATTRIBUTES).by_period
    for coarse, fine in (("brand", "brand + size"), ("size", "brand + size"), ("brand + size", "product")):
        first, second = (by_period.filter(grouping=name) for name in (coarse, fine))
        assert (second["r_squared"] >= first["r_squared"] - 1e-12).all()
        assert (second["match"] <= first["match"] + 1e-12).all()
    assert by_period.select(pl.col("match", "r_squared", "mars").is_between(0, 1 + 1e-12).all()).row(0) == (True,) * 3


def test_relaunches_are_grouped_by_what_makes_their_price():
    """Every product is replaced each month by one of the same size: sizes set prices, colours do not."""
    rng = np.random.default_rng(3)
    rows = [
        (month, f"{month}-{n}", size, str(rng.choice(["red", "blue"])), size * 1.02**month, 10)
        for month in range(6)
        for n, size in enumerate([1.0, 2.0, 4.0, 8.0])
    ]
    quotes = pl.DataFrame(rows, schema=["period", "product", "size", "colour", "price", "quantity"], orient="row")
    found = mars(quotes, ["size", "colour"])
    assert found.best == ("size",)
    assert found.scores.filter(grouping="product")["match"].item() == 0
    assert found.scores.filter(grouping="size")["mars"].item() == pytest.approx(1)
    # Product by product there is nothing to compare; group by group there is the inflation that made the prices.
    assert price_index(quotes, "geks-tornqvist")["index"].null_count() == 5
    grouped = group_quotes(quotes, found.best)
    index = price_index(grouped, "geks-tornqvist")["index"].to_numpy()
    np.testing.assert_allclose(index, 100 * 1.02 ** np.arange(6), rtol=1e-9)


def test_a_stable_assortment_stays_ungrouped():
    quotes = churning_quotes(1).filter(pl.col("period") == 0)
    quotes = pl.concat(quotes.with_columns(period=pl.lit(month)) for month in range(4))
    found = mars(quotes, ATTRIBUTES)
    assert found.best == ("product",)
    assert found.scores["mars"][0] == pytest.approx(1)


def test_equal_scores_are_settled_by_the_simpler_grouping():
    rows = [(t, n, n, n, float(n), 1) for t in (1, 2) for n in (1, 2)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "a", "b", "price", "quantity"], orient="row")
    assert mars(quotes, ["a", "b"], groupings=[["a", "b"], ["b"], ["a"]]).best == ("b",)


def test_equal_prices_are_explained_by_any_grouping():
    rows = [(t, n, "x", 0.1, 3) for t in (1, 2) for n in (1, 2, 3)]
    quotes = pl.DataFrame(rows, schema=["period", "product", "kind", "price", "quantity"], orient="row")
    assert mars(quotes, ["kind"]).scores["r_squared"].to_list() == [1.0, 1.0]


def test_groups_add_up_quantities_and_turnover():
    quotes = churning_quotes(2)
    grouped = group_quotes(quotes, ["brand", "size"])
    turnover = (pl.col("price") * pl.col("quantity")).sum()
    assert grouped.select(turnover).item() == pytest.approx(quotes.select(turnover).item())
    assert grouped["quantity"].sum() == quotes["quantity"].sum()
    assert set(grouped["product"]) == {f"{b or ''} | {s}" for b, s in quotes.select("brand", "size").rows()}


@pytest.mark.parametrize("rows", [[], [(1, "a", "x", 1.0, 1)], [(1, "a", "x", 0.0, 1), (2, "a", "x", None, 1)]])
def test_nothing_to_compare_has_no_best_grouping(rows):
    schema = {"period": pl.Int64, "product": pl.String, "kind": pl.String, "price": pl.Float64, "quantity": pl.Int64}
    found = mars(pl.DataFrame(rows, schema=schema, orient="row"), ["kind"])
    assert found.best is None
    assert found.scores.height == found.by_period.height == 0


def test_the_base_may_be_any_period():
    quotes = churning_quotes(4)
    assert mars(quotes, ATTRIBUTES, base=2).by_period["period"].unique().sort().to_list() == [3, 4]
    with pytest.raises(ValueError, match="base 9 is not a period"):
        mars(quotes, ATTRIBUTES, base=9)


@pytest.mark.parametrize(
    ("attributes", "groupings", "message"),
    [
        (["colour"], None, r"lack the column.* colour"),
        (ATTRIBUTES, [["brand", "colour"]], r"lack the column.* colour"),
        (ATTRIBUTES, [[]], "at least one column"),
    ],
)
def test_wrong_groupings_are_refused(attributes, groupings, message):
    with pytest.raises(ValueError, match=message):
        mars(churning_quotes(1), attributes, groupings=groupings)
    with pytest.raises(ValueError, match=message):
        group_quotes(churning_quotes(1), groupings[0] if groupings else attributes)


@pytest.mark.parametrize("kind", [pl.Int16, pl.Int32, pl.Float32, pl.Decimal(8, 2)])
def test_numbers_of_every_kind_are_welcome(kind):
    whole = churning_quotes(5).with_columns((pl.col("price") * 20).round(0))
    others = whole.with_columns(pl.col("price", "quantity").cast(kind))
    for name in ("match", "r_squared", "mars"):
        assert mars(others, ATTRIBUTES).scores[name].to_list() == pytest.approx(
            mars(whole, ATTRIBUTES).scores[name].to_list()
        )


def test_the_order_of_rows_does_not_matter():
    quotes = churning_quotes(6)
    expected = mars(quotes, ATTRIBUTES)
    for seed in range(3):
        found = mars(quotes.sample(fraction=1, shuffle=True, seed=seed), ATTRIBUTES)
        assert found.scores.equals(expected.scores)
        assert found.by_period.equals(expected.by_period)
