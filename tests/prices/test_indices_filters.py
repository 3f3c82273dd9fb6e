"""Products that are dropped before an index is computed: by hand, and by the rules written out."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.prices.indices import by_item, drop_products, price_index
from ons_assets.prices.indices.filters import dump, low_sales

few = settings(deadline=None, max_examples=15)
COLUMNS = ["period", "product", "price", "quantity"]


def table(rows):
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def random_quotes(seed, n_periods=6, n_products=12):
    rng = np.random.default_rng(seed)
    rows = [
        (period, f"p{n}", float(rng.lognormal(0, 0.6)), float(rng.lognormal(0, 2)))
        for period in range(n_periods)
        for n in range(n_products)
        if rng.random() > 0.25
    ]
    return table(rows)


def pairs(frame):
    return set(frame.select("product", "period").rows())


# --- published results -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({"low_sales": {"factor": 1.25}}, 170),
        ({"dump": {"price_share": 0.9, "turnover_share": 0.8, "leaving": False}}, 374),
    ],
)
def test_the_results_of_priceindices(shared_data, filters, rows):
    """Rows that data_filtering of PriceIndices leaves of milk in December 2018 and March 2019, as its README prints.

    It holds the two months against each other alone, leaves out what only one of them sells, and counts identical
    rows once. What its other filter of that call, extreme prices, would drop hardly sells.
    """
    milk = pl.read_csv(shared_data / "prices" / "scanner" / "milk.csv.gz").with_columns(
        period=pl.col("time").str.slice(0, 7), product="prodID", price="prices", quantity="quantities"
    )
    milk = milk.filter(pl.col("period").is_in(["2018-12", "2019-03"]))
    matched = milk.filter(pl.col("period").n_unique().over("product") == 2)
    dropped = drop_products(matched, filters).dropped
    assert matched.join(dropped, on="product", how="anti").unique().height == rows


# --- low sales ---------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), factor=st.sampled_from([0.8, 1.25, 2.0]))
@few
def test_low_sales_by_the_rule(seed, factor):
    quotes = random_quotes(seed)
    value = {(t, n): p * q for t, n, p, q in quotes.iter_rows()}
    expected = set()
    for t in range(1, 6):
        both = [n for (period, n) in value if period == t and (t - 1, n) in value]
        totals = [sum(value[period, n] for n in both) for period in (t - 1, t)]
        for n in both:
            mean = (value[t - 1, n] / totals[0] + value[t, n] / totals[1]) / 2
            if mean <= 1 / (factor * len(both)):
                expected.add((n, t))
    filtered = low_sales(quotes, factor=factor)
    assert pairs(filtered.dropped) == expected
    assert pairs(filtered.kept) == pairs(quotes) - expected


def test_products_that_sell_alike_are_all_kept():
    quotes = table([(t, n, 1.0, 10) for t in (1, 2, 3) for n in "abcde"])
    assert low_sales(quotes).dropped.height == 0
    # With the factor 1 the bound is the mean itself, and nothing is above it.
    assert low_sales(quotes, factor=1).dropped.height == 10


def test_a_chained_index_leaves_out_what_hardly_sells():
    """The rare product triples in price: the monthly chained index of those who proposed the rule ignores it."""
    rows = [(t, n, 2.0, 100) for t in (1, 2) for n in "ab"] + [(1, "rare", 1.0, 1), (2, "rare", 3.0, 1)]
    kept, dropped = low_sales(table(rows))
    assert dropped.rows() == [("rare", 2, "low_sales", "mean share 0.004969 of the turnover is not above 0.2667")]
    assert price_index(table(rows), "chained-jevons")["index"][1] > 140
    assert price_index(kept, "chained-jevons")["index"].to_list() == pytest.approx([100, 100])


# --- dump --------------------------------------------------------------------------------------------------

LEAVING = [(1, "out", 10.0, 100), (2, "out", 10.0, 90), (3, "out", 5.0, 30), (4, "out", 3.0, 5)]
STAYING = [(t, "stays", 1.0, 50) for t in range(1, 7)]


def test_what_is_sold_off_before_it_leaves_is_dropped():
    kept, dropped = dump(table(LEAVING + STAYING))
    assert dropped.rows() == [
        ("out", 3, "dump", "price fell to 0.50 and quantity to 0.33 of those of 2"),
        # Held against the last period before it was dumped, not against the dumped price.
        ("out", 4, "dump", "price fell to 0.30 and quantity to 0.06 of those of 2"),
    ]
    assert price_index(table(LEAVING + STAYING), "geks-jevons")["index"][-1] < 90
    assert price_index(kept, "geks-jevons")["index"].to_list() == pytest.approx([100] * 6)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([(1, "x", 10.0, 100), (2, "x", 5.0, 300), (3, "x", 5.0, 200)], "a sale: more is sold"),
        ([(1, "x", 10.0, 100), (2, "x", 9.0, 10), (3, "x", 9.0, 5)], "it fades without being cheaper"),
        ([(1, "x", 10.0, 100), (2, "x", 4.0, 10), (3, "x", 10.0, 80)], "it comes back to its price"),
        ([(1, "x", 10.0, 100), (5, "x", 4.0, 10), (6, "x", 4.0, 10)], "it is still sold in the last period"),
        ([(1, "x", 10.0, 100)], "it has one price"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_sold_off_stays(rows, why):
    assert dump(table(rows + STAYING)).dropped.height == 0, why


def test_a_dump_can_be_judged_at_once():
    rows = [(1, "x", 10.0, 100), (2, "x", 4.0, 10), (3, "x", 10.0, 80)]
    assert pairs(dump(table(rows + STAYING), leaving=False).dropped) == {("x", 2)}
    newest = table([(5, "x", 10.0, 100), (6, "x", 4.0, 10), *STAYING])
    assert pairs(dump(newest, leaving=False).dropped) == {("x", 6)}
    assert dump(newest).dropped.height == 0


@given(seed=st.integers(0, 2**32 - 1))
@few
def test_who_leaves_is_part_of_who_is_judged_at_once(seed):
    quotes = random_quotes(seed)
    leaving, at_once = dump(quotes), dump(quotes, leaving=False)
    assert pairs(leaving.dropped) <= pairs(at_once.dropped)
    last = dict(quotes.group_by("product").agg(pl.col("period").max()).rows())
    for product, period in pairs(leaving.dropped):
        assert last[product] < 5
        assert {(product, t) for t in range(period, last[product] + 1)} & pairs(quotes) <= pairs(leaving.dropped)


# --- both --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["low_sales", "dump"])
@given(seed=st.integers(0, 2**32 - 1))
@few
def test_kept_and_dropped_make_up_the_whole_whatever_the_unit_or_the_order(name, seed):
    quotes = random_quotes(seed)
    kept, dropped = drop_products(quotes, {name: {}})
    assert pairs(kept) | pairs(dropped) == pairs(quotes)
    assert not pairs(kept) & pairs(dropped)
    assert dropped["reason"].null_count() == 0
    in_pence = quotes.with_columns(pl.col("price") * 128, pl.col("quantity") / 4)
    assert drop_products(in_pence, {name: {}}).dropped.equals(dropped)
    assert drop_products(quotes.sample(fraction=1, shuffle=True, seed=seed % 99), {name: {}}).dropped.equals(dropped)


def test_filters_follow_one_another():
    quotes = table([*LEAVING, *STAYING, *[(t, "rare", 1.0, 1) for t in (1, 2)]])
    kept, dropped = drop_products(quotes, {"dump": {"quantity_share": 0.4}, "low_sales": {"factor": 2.0}})
    first = dump(quotes, quantity_share=0.4)
    second = low_sales(first.kept, factor=2.0)
    assert first.dropped.height == 2
    assert second.dropped.height > 0
    assert dropped.equals(pl.concat([first.dropped, second.dropped]))
    assert kept.equals(second.kept)
    assert drop_products(quotes, {}).kept.equals(quotes)
    assert drop_products(quotes, {}).dropped.schema == dropped.schema


def test_several_quotes_of_a_product_are_judged_together_and_dropped_together():
    rows = [*LEAVING[:3], (3, "out", 6.0, 10), *STAYING]
    filtered = dump(table(rows))
    assert filtered.dropped.height == 1
    assert filtered.kept.height == len(rows) - 2


@pytest.mark.parametrize("name", ["low_sales", "dump"])
def test_too_little_to_judge_drops_nothing(name):
    for rows in ([], [(1, "a", 1.0, 1)], [(1, "a", 1.0, 1), (2, "b", 1.0, 1)], [(1, "a", 0.0, 1), (2, "a", None, 1)]):
        quotes = table(rows) if rows else table([(1, "a", 1.0, 1)]).clear()
        kept, dropped = drop_products(quotes, {name: {}})
        assert kept.equals(quotes)
        assert dropped.columns == ["product", "period", "filter", "reason"]
        assert dropped.height == 0


def test_items_are_filtered_by_their_own_products_from_parameters():
    rows = table(LEAVING + STAYING)
    quotes = pl.concat(
        [
            rows.with_columns(item_id=pl.lit("jam"), retailer=pl.lit("one")),
            rows.with_columns(item_id=pl.lit("tea"), retailer=pl.lit("two")),
        ]
    )
    methods = [
        {"method": "geks-jevons"},
        {"method": "geks-jevons", "filters": {"dump": {}}, "window": 4, "splice": "mean"},
        {"method": "geks-jevons", "filters": {"dump": {}, "low_sales": {"factor": 1.25}}, "label": "filtered"},
    ]
    result = by_item(quotes, methods, product=["product", "retailer"])
    assert result["method"].unique().sort().to_list() == ["filtered", "geks-jevons", "geks-jevons-dump-4-mean"]
    for item in ("jam", "tea"):
        of_item = result.filter(item_id=item)
        assert of_item.filter(method="geks-jevons")["index"][-1] < 90
        assert of_item.filter(method="filtered")["index"].to_list() == pytest.approx([100] * 6)
        assert of_item.filter(method="geks-jevons-dump-4-mean")["index"].to_list() == pytest.approx([100] * 6)


@pytest.mark.parametrize("kind", [pl.Int8, pl.Int32, pl.Float32, pl.Decimal(8, 2)])
def test_numbers_of_every_kind_are_welcome(kind):
    quotes = table(LEAVING + STAYING).with_columns(pl.col("price", "quantity").cast(kind))
    for name in ("dump", "low_sales"):
        expected = drop_products(table(LEAVING + STAYING), {name: {}}).dropped
        filtered = drop_products(quotes, {name: {}})
        assert filtered.dropped.equals(expected)
        assert filtered.kept.schema == quotes.schema


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"dumping": {}}, "unknown filter 'dumping'. Filters: dump, low_sales"),
        ({"dump": {"share": 1}}, "filter 'dump' takes price_share, quantity_share, turnover_share, leaving, not share"),
        ({"dump": {"price_share": 0}}, "price_share of the dump filter must be above 0"),
        ({"dump": {"quantity_share": 1.1}}, "quantity_share of the dump filter"),
        ({"dump": {"turnover_share": -1}}, "turnover_share of the dump filter"),
        ({"low_sales": {"factor": 0}}, "factor of low sales must be above 0"),
        ({"low_sales": {"factor": float("nan")}}, "factor of low sales must be above 0"),
    ],
)
def test_wrong_filters_are_refused(filters, message):
    with pytest.raises(ValueError, match=message):
        drop_products(table(LEAVING), filters)


def test_filters_need_quantities():
    for name in ("dump", "low_sales"):
        with pytest.raises(ValueError, match="needs a column quantity"):
            drop_products(table(LEAVING).drop("quantity"), {name: {}})
