"""Indices of many items, their aggregation, and the methods that group products."""

import numpy as np
import polars as pl
import pytest

from ons_assets.prices.indices import (
    IndexMethod,
    aggregate,
    average_index,
    by_item,
    chain_years,
    contributions,
    double_chain_link,
    methods,
    price_index,
)


def quotes():
    return pl.DataFrame(
        [
            ("bread", 201401, "white", "A", 1.0),
            ("bread", 201401, "white", "B", 2.0),
            ("bread", 201402, "white", "A", 1.5),
            ("bread", 201402, "white", "B", 2.0),
            ("milk", 201402, "pint", "A", 0.5),
            ("milk", 201403, "pint", "A", 0.6),
        ],
        schema=["item_id", "period", "product", "retailer", "price"],
        orient="row",
    )


def test_every_item_and_method_has_a_row_for_every_period():
    result = by_item(quotes(), ["jevons", "chained-jevons", "geks-jevons"])
    assert result.columns == ["item_id", "period", "method", "index", "matched_products", "reason"]
    assert result.height == 2 * 3 * 3
    assert result.equals(result.sort("item_id", "method", "period"))
    milk = result.filter((pl.col("item_id") == "milk") & (pl.col("method") == "jevons"))
    assert milk["index"].to_list() == pytest.approx([None, 100, 120])
    assert milk["reason"][0] == "no positive price in this period"


def test_a_product_can_be_followed_in_each_shop():
    together = by_item(quotes(), "jevons").filter(pl.col("item_id") == "bread")
    apart = by_item(quotes(), "jevons", product=["product", "retailer"]).filter(pl.col("item_id") == "bread")
    # The geometric mean over shops and the mean relative of the shops agree where both shops are there.
    assert together["matched_products"].to_list() == [1, 1, 0]
    assert apart["matched_products"].to_list() == [2, 2, 0]
    assert together["index"].to_list() == pytest.approx(apart["index"].to_list())


@pytest.mark.parametrize(
    ("method", "label"),
    [
        ("jevons", "jevons"),
        ({"method": "jevons", "chain": "january"}, "january-jevons"),
        ({"method": "geks-jevons", "window": 25, "splice": "mean"}, "geks-jevons-25-mean"),
        ({"method": "jevons", "label": "headline"}, "headline"),
        (IndexMethod("jevons", {"base": 201402}), "jevons-201402"),
    ],
)
def test_methods_carry_a_label(method, label):
    assert by_item(quotes(), method)["method"].unique().to_list() == [label]


def test_no_quotes_give_an_empty_table_of_the_same_columns():
    empty = by_item(quotes().clear(), ["jevons"])
    assert empty.height == 0
    assert empty.schema == by_item(quotes(), ["jevons"]).schema


def test_the_list_of_methods_names_each_once():
    table = methods()
    assert table["method"].is_unique().all()
    assert set(table["family"]) == {"bilateral", "multilateral", "special"}
    assert table["summary"].str.ends_with(".").all()


# --- aggregation ------------------------------------------------------------------------------------------


def weights(**shares):
    return pl.DataFrame(
        [(item, "food", year, weight) for item, weight in shares.items() for year in (2014, 2015)],
        schema=["item_id", "group_id", "year", "weight"],
        orient="row",
    )


def indices(**series):
    periods = [201411, 201412, 201501]
    rows = [
        (item, period, value) for item, values in series.items() for period, value in zip(periods, values, strict=True)
    ]
    return pl.DataFrame(rows, schema=["item_id", "period", "index"], orient="row")


def test_the_group_is_the_weighted_mean_in_any_unit_of_weight():
    items = indices(bread=[100.0, 110.0, 120.0], milk=[100.0, 100.0, 90.0])
    for unit in (1, 1000):
        result = aggregate(items, weights(bread=1.0 * unit, milk=3.0 * unit))
        assert result["index"].to_list() == pytest.approx([100, 102.5, 97.5])
        assert result["items"].to_list() == [2, 2, 2]
        assert result["weight_share"].to_list() == pytest.approx([1, 1, 1])


def test_a_missing_item_withholds_the_group_unless_asked_otherwise():
    items = indices(bread=[100.0, 110.0, None], milk=[100.0, 100.0, 90.0])
    weight = weights(bread=1.0, milk=3.0)
    strict = aggregate(items, weight)
    assert strict["index"].to_list() == pytest.approx([100, 102.5, None])
    assert strict["reason"].to_list() == [None, None, "a weighted item has no index"]
    assert aggregate(items, weight, rule="available")["index"][2] == pytest.approx(90)
    assert aggregate(items, weight, rule="available")["weight_share"][2] == pytest.approx(0.75)
    assert aggregate(items, weight, rule="pilot-sum")["index"][2] == pytest.approx(270)


def test_an_item_absent_from_the_table_counts_as_missing():
    items = indices(milk=[100.0, 100.0, 90.0])
    result = aggregate(items, weights(bread=1.0, milk=3.0))
    assert result["index"].to_list() == [None] * 3
    assert result["weight_share"].to_list() == pytest.approx([0.75] * 3)


def test_nothing_known_gives_a_reason():
    items = indices(bread=[100.0, None, float("nan")])
    for rule in ("complete", "available", "pilot-sum"):
        result = aggregate(items, weights(bread=1.0), rule=rule)
        assert result["index"].to_list() == [100, None, None] or rule == "pilot-sum"
        assert result["reason"].to_list()[1:] == ["no weighted item has an index"] * 2
        assert result["index"].to_list()[1:] == [None, None]


def test_items_without_weight_take_no_part():
    items = indices(bread=[100.0, 110.0, 120.0], tea=[None, None, None])
    assert aggregate(items, weights(bread=1.0, tea=0.0))["index"].to_list() == pytest.approx([100, 110, 120])


def test_each_method_is_aggregated_by_itself():
    items = by_item(quotes(), ["jevons", "geks-jevons"])
    result = aggregate(items, weights(bread=1.0, milk=1.0), rule="available")
    assert result.group_by("method").len()["len"].to_list() == [3, 3]


def test_wrong_weights_are_refused():
    items = indices(bread=[100.0, 110.0, 120.0])
    with pytest.raises(ValueError, match="negative weight"):
        aggregate(items, weights(bread=-1.0))
    with pytest.raises(ValueError, match="more than one weight"):
        aggregate(items, pl.concat([weights(bread=1.0)] * 2))
    with pytest.raises(ValueError, match=r"unknown rule 'mean'. Rules: complete"):
        aggregate(items, weights(bread=1.0), rule="mean")  # type: ignore[arg-type]


# --- links of years ---------------------------------------------------------------------------------------


def two_years():
    rows = [
        (2014, 201406, 100.0, 100.0),
        (2014, 201412, 110.0, 90.0),
        (2014, 201501, 121.0, 90.0),
        (2015, 201501, 100.0, 100.0),
        (2015, 201502, 105.0, 100.0),
    ]
    table = pl.DataFrame(rows, schema=["year", "period", "bread", "milk"], orient="row")
    return table.unpivot(["bread", "milk"], index=["year", "period"], variable_name="item_id", value_name="index")


def test_years_are_chained_at_january():
    result = chain_years(two_years()).filter(pl.col("item_id") == "bread")
    assert result["period"].to_list() == [201406, 201412, 201501, 201502]
    assert result["index"].to_list() == pytest.approx([100, 110, 121, 127.05])


def test_a_year_without_its_last_level_ends_the_chain():
    broken = two_years().with_columns(
        index=pl.when((pl.col("year") == 2014) & (pl.col("period") == 201501)).then(None).otherwise("index")
    )
    assert chain_years(broken).filter(pl.col("item_id") == "bread")["index"].to_list() == [100, 110, None, None]


def test_double_chain_link_by_hand():
    classes = pl.DataFrame({"item_id": ["bread", "milk"] * 2, "class_id": ["grain", "dairy"] * 2}).with_columns(
        year=pl.Series([2014, 2014, 2015, 2015]), weight=1.0
    )
    groups = pl.DataFrame(
        {"class_id": ["grain", "dairy"] * 2, "year": [2014, 2014, 2015, 2015], "weight": [0.5, 0.5, 0.8, 0.2]}
    ).with_columns(group_id=pl.lit("food"))
    result = double_chain_link(two_years(), classes, groups)
    # December: (110 + 90) / 2. January on December, new weights: 0.8 x 110 + 0.2 x 100. Then on from there.
    january = 100 * (0.8 * 1.10 + 0.2 * 1.00)
    expected = [100, 100, january, january * (0.8 * 1.05 + 0.2 * 1.00)]
    assert result["index"].to_list() == pytest.approx(expected)


def test_new_weights_of_items_move_no_class():
    """The January after a year is on the year's weights: bread is 21 % dearer than in the January before."""
    january = pl.col("index").filter(pl.col("period") == 201501).first().over("item_id", "year")
    still = two_years().with_columns(index=pl.when(pl.col("period") == 201412).then(january).otherwise("index"))
    shares = {2014: (0.5, 0.5), 2015: (0.9, 0.1)}
    classes = pl.DataFrame(
        [
            (i, "food", year, share)
            for year, of in shares.items()
            for i, share in zip(("bread", "milk"), of, strict=True)
        ],
        schema=["item_id", "class_id", "year", "weight"],
        orient="row",
    )
    groups = pl.DataFrame({"class_id": "food", "group_id": "all", "year": [2014, 2015], "weight": 1.0})
    result = double_chain_link(still, classes, groups).filter(pl.col("period").is_between(201412, 201501))
    assert result["index"].to_list() == pytest.approx([105.5, 105.5])
    moved = double_chain_link(still, classes, groups, rule="pilot-sum").filter(period=201501)
    assert moved["index"].item() == pytest.approx(0.9 * 121 + 0.1 * 90), "as in the pilot"


def test_a_daily_index_is_averaged_geometrically():
    daily = pl.DataFrame({"item_id": ["a"] * 4, "period": [1, 2, 11, 12], "index": [100.0, 400.0, 300.0, 300.0]})
    result = average_index(daily, pl.col("period") // 10)
    assert result["index"].to_list() == pytest.approx([100, 150])


# --- CLIP -------------------------------------------------------------------------------------------------


def drinks(seed=0):
    """Three kinds of drink at three price levels; all products of a kind change price alike.

    No product is sold in both periods, so that only groups of similar products can be compared.
    """
    rng = np.random.default_rng(seed)
    factor = {"water": 1.1, "juice": 1.3, "wine": 0.9}
    level = {"water": 1.0, "juice": 3.0, "wine": 9.0}
    count = {"water": 40, "juice": 20, "wine": 20}
    rows = [
        (period, f"{kind} {period} {number}", level[kind] * float(rng.uniform(0.95, 1.05)) * change, kind)
        for kind in level
        for period, change in ((1, 1.0), (2, factor[kind]))
        for number in range(count[kind])
    ]
    return pl.DataFrame(rows, schema=["period", "product", "price", "kind"], orient="row")


@pytest.mark.parametrize("method", ["clip", "clip-pilot"])
def test_clip_follows_kinds_of_products(method):
    result = price_index(drinks(), method)
    truth = 100 * (40 * 1.1 + 20 * 1.3 + 20 * 0.9) / 80
    assert result["index"][1] == pytest.approx(truth, rel=0.02)
    assert result["matched_products"][1] == 80
    assert price_index(drinks().drop("kind"), "jevons")["index"][1] is None


def test_clip_leaves_out_a_kind_that_is_gone_and_the_pilot_counts_it_as_unchanged():
    first_wine = pl.col("product").str.ends_with(" 0")
    few_wines = drinks().filter((pl.col("kind") != "wine") | (pl.col("period") == 1) | first_wine)
    without = 100 * (40 * 1.1 + 20 * 1.3) / 60
    unchanged = 100 * (40 * 1.1 + 20 * 1.3 + 20) / 80
    assert price_index(few_wines, "clip")["index"][1] == pytest.approx(without, rel=0.02)
    assert price_index(few_wines, "clip-pilot")["index"][1] == pytest.approx(unchanged, rel=0.02)


def test_clip_of_few_products_is_jevons():
    few = quotes().filter(pl.col("item_id") == "bread").select("period", "product", "price", "retailer")
    assert price_index(few, "clip").equals(price_index(few, "jevons"))


def test_clip_takes_missing_descriptions():
    holes = drinks().with_columns(brand=pl.lit(None, dtype=pl.String), size=pl.lit(None, dtype=pl.Float64))
    assert price_index(holes, "clip").equals(price_index(drinks(), "clip"))


# --- contributions ----------------------------------------------------------------------------------------


def test_contributions_say_why_bread_rose():
    bread = quotes().filter(pl.col("item_id") == "bread")
    named = bread.with_columns(product=pl.col("product") + " in " + pl.col("retailer"))
    result = contributions(named, "jevons", 201401, 201402)
    rise = 100 * (1.5**0.5 - 1)
    assert result["product"].to_list() == ["white in A", "white in B"]
    assert result["contribution"].to_list() == pytest.approx([rise, 0])
    assert result["price_start"].to_list() == [1.0, 2.0]
    assert result["price_end"].to_list() == [1.5, 2.0]
    assert result["status"].to_list() == ["matched", "matched"]


def test_contributions_of_products_that_come_and_go():
    panel = pl.DataFrame(
        {
            "period": [1, 1, 1, 2, 2, 2, 2, 3, 3],
            "product": ["stays", "leaves", "brief", "stays", "leaves", "brief", "comes", "stays", "comes"],
            "price": [1.0, 1.0, 1.0, 1.2, 1.5, 0.9, 1.9, 1.3, 2.0],
        }
    )
    result = contributions(panel, "geks-jevons", 1, 3)
    status = dict(result.select("product", "status").iter_rows())
    assert status == {"stays": "matched", "leaves": "gone", "brief": "gone", "comes": "new"}
