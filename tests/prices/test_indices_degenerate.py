"""Degenerate quotes give a missing index with its reason, wrong calls an error in one sentence."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from ons_assets.prices.indices import average_prices, contributions, methods, price_index, unit_values

EVERY_METHOD = methods()["method"].to_list()
OPTIONS = {"lloyd-moulton": {"sigma": 0.7}, "quadratic-mean": {"order": 3}, "fews": {"window": 3}}
# These compare products that are not the same: all that is sold, groups, what features describe, or months with a
# whole year.
NEED_MONTHS = {"rothwell", "annual-basket", "annual-basket-carry"}
OWN_MATCHING = {"unit-value", "clip", "tdh", "tdh-unweighted", *NEED_MONTHS}


def table(rows, schema=("period", "product", "price", "quantity")):
    frame = pl.DataFrame(rows, schema=list(schema), orient="row")
    return frame.with_columns(shop=pl.lit("one"))


def run(quotes, method, **options):
    if method in NEED_MONTHS:
        months = quotes.with_columns(pl.col("period") + 201400)
        return price_index(months, method, **options).with_columns(pl.col("period") - 201400)
    return price_index(quotes, method, **OPTIONS.get(method, {}), **options)


NO_OVERLAP = [(1, "a", 1.0, 1), (1, "b", 2.0, 1), (2, "c", 3.0, 1)]


@pytest.mark.parametrize("method", [name for name in EVERY_METHOD if name not in OWN_MATCHING])
def test_no_overlap_is_missing_and_not_one(method):
    result = run(table(NO_OVERLAP), method)
    assert result["index"].to_list() == [100.0, None]
    assert result["matched_products"][1] == 0
    assert result["reason"][0] is None
    assert "matched" in result["reason"][1]


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_one_product_gives_its_relative(method):
    quotes = table([(1, "a", 2.0, 3), (2, "a", 3.0, 1)])
    result = run(quotes, method)
    if method == "bilateral-tpd-adjusted":  # one relative has no spread to adjust for
        assert result["index"].to_list() == [None, None]
    else:
        assert result["index"].to_list() == pytest.approx([100, 150])


# Where products need no match, a product found only once does change the index.
@pytest.mark.parametrize("method", [name for name in EVERY_METHOD if name not in OWN_MATCHING - {"clip"}])
@pytest.mark.parametrize("bad", [0.0, -1.0, None, float("nan"), float("inf")])
def test_a_price_that_is_none_is_left_out(method, bad):
    good = [(1, "a", 2.0, 3), (1, "b", 1.0, 2), (2, "a", 3.0, 1), (2, "b", 1.5, 4)]
    without = run(table(good), method)["index"].to_list()
    quotes = table([*good, (1, "c", bad, 5), (2, "c", 1.0, 5)])
    assert run(quotes, method)["index"].to_list() == pytest.approx(without)


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_quotes_of_many_outlets_are_one_price_of_the_product(method):
    """A product that comes several times in a period (per shop, per day) is not several products."""
    whole = [(1, "a", 2.0, 4), (1, "b", 1.0, 2), (2, "a", 3.0, 8), (2, "b", 1.5, 4), (3, "a", 2.5, 2), (3, "b", 2.0, 2)]
    halves = [(period, product, price, quantity / 2) for period, product, price, quantity in whole for _ in (1, 2)]
    expected = run(table(whole), method)
    assert run(table(halves), method)["index"].to_list() == pytest.approx(expected["index"].to_list())
    assert run(table(halves), method)["matched_products"].to_list() == expected["matched_products"].to_list()


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_period_without_a_good_price_is_missing(method):
    quotes = table([(1, "a", 2.0, 3), (1, "b", 1.0, 2), (2, "a", 0.0, 1), (3, "a", 3.0, 3), (3, "b", 1.5, 2)])
    result = run(quotes, method)
    assert result["period"].to_list() == [1, 2, 3]
    assert result["index"].to_list() == pytest.approx([100, None, 150])
    assert result["reason"].to_list() == [None, "no positive price in this period", None]


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_no_quotes_at_all_give_no_rows(method):
    quotes = table([(1, "a", 2.0, 3)]).clear()
    assert run(quotes, method).height == 0


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_only_bad_prices_give_missing_indices(method):
    result = run(table([(1, "a", 0.0, 3), (2, "a", -1.0, 1)]), method)
    assert result["index"].to_list() == [None, None]
    assert result["reason"].to_list() == ["no positive price in this period"] * 2


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_a_single_period_is_the_base(method):
    quotes = table([(1, "a", 2.0, 3), (1, "b", 1.0, 2)])
    assert run(quotes, method)["index"].to_list() == pytest.approx([100])


@pytest.mark.parametrize("chain", ["chained", "january"])
def test_a_chain_goes_on_after_a_period_without_prices(chain):
    quotes = table([(201401, "a", 1.0, 1), (201403, "a", 2.0, 1)])
    result = price_index(quotes, "jevons", chain=chain, periods=[201401, 201402, 201403])
    assert result["index"].to_list() == pytest.approx([100, None, 200])


def test_the_chained_index_of_the_pilot_remembers_the_last_price():
    rows = [(1, "a", 1.0, 1), (1, "b", 1.0, 1), (2, "b", 2.0, 1), (3, "a", 4.0, 1), (3, "b", 2.0, 1)]
    quotes = table([*rows, (4, "c", 1.0, 1), (5, "a", 8.0, 1)])
    remembered = price_index(quotes, "chained-jevons-pilot")
    # Day 3: a has risen from 1 to 4 since day 1, b stands still. Day 4 has a new product only.
    assert remembered["index"].to_list() == pytest.approx([100, 200, 400, None, 800])
    assert remembered["matched_products"].to_list() == [0, 1, 2, 0, 1]
    # The matched chain compares with the period before, and with the last one that has an index.
    assert price_index(quotes, "chained-jevons")["index"].to_list() == pytest.approx([100, 200, 200, None, 400])


def test_a_broken_chain_says_so():
    quotes = table([(1, "a", 1.0, 1), (2, "b", 2.0, 1), (3, "b", 3.0, 1)])
    result = price_index(quotes, "chained-jevons")
    assert result["index"].to_list() == [100, None, None]
    assert result["reason"].to_list()[1:] == ["no chain of matched products from the base period"] * 2


def test_a_product_that_comes_back_counts_again():
    quotes = table([(1, "a", 1.0, 1), (1, "b", 1.0, 1), (2, "b", 2.0, 1), (3, "a", 3.0, 1), (3, "b", 3.0, 1)])
    result = price_index(quotes, "jevons")
    assert result["index"].to_list() == pytest.approx([100, 200, 300])
    assert result["matched_products"].to_list() == [2, 1, 2]


def test_indirect_links_reach_periods_without_overlap():
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1), (2, "b", 1.0, 1), (3, "b", 3.0, 1)])
    assert price_index(quotes, "jevons")["index"].to_list() == [100, pytest.approx(200), None]
    for method in ("geks-jevons", "tpd", "geary-khamis"):
        assert price_index(quotes, method)["index"].to_list() == pytest.approx([100, 200, 600])


def test_too_few_matched_products_are_left_out_on_request():
    quotes = table([(1, "a", 1.0, 1), (1, "b", 1.0, 1), (2, "b", 2.0, 1)])
    result = price_index(quotes, "jevons", min_matched=2)
    assert result["index"].to_list() == [100, None]
    assert result["reason"][1] == "fewer matched products than the minimum"


def test_a_base_without_prices_leaves_no_index():
    quotes = table([(1, "a", 0.0, 1), (2, "a", 2.0, 1), (3, "a", 2.0, 1)])
    result = price_index(quotes, "geks-jevons", base=1)
    assert result["index"].to_list() == [None] * 3
    assert result["reason"].to_list() == ["no positive price in this period", *["no index in the base period"] * 2]


def test_the_default_base_is_the_first_period_with_a_price():
    quotes = table([(1, "a", 0.0, 1), (2, "a", 2.0, 1), (3, "a", 3.0, 1)])
    assert price_index(quotes, "jevons")["index"].to_list() == pytest.approx([None, 100, 150])


def test_carried_prices_fill_gaps_only():
    quotes = table([(1, "a", 1.0, 1), (3, "a", 2.0, 1), (1, "b", 1.0, 1), (2, "b", 4.0, 1)])
    result = price_index(quotes, "jevons", carry=True)
    assert result["index"].to_list() == pytest.approx([100, 200, 200])
    assert result["matched_products"].to_list() == [2, 2, 1]


def test_carried_prices_without_sales_leave_nothing_to_weight_by():
    quotes = table([(1, "a", 1.0, 1), (3, "a", 2.0, 1), (2, "b", 1.0, 1)])
    result = price_index(quotes, "paasche", carry=True)
    assert result["index"].to_list() == pytest.approx([100, None, 200])


# --- what is put together ---------------------------------------------------------------------------------


def test_several_quotes_of_a_product_become_one_price():
    quotes = table([(1, "a", 1.0, 1), (1, "a", 4.0, 3), (1, "a", 0.0, 3), (2, "a", 2.0, 1)])
    assert average_prices(quotes)["price"].to_list() == pytest.approx([2, 2])
    assert average_prices(quotes)["quotes"].to_list() == [2, 1]
    assert unit_values(quotes).select("price", "quantity").rows() == [(13 / 4, 4.0), (2.0, 1.0)]
    assert price_index(quotes.drop("quantity"), "jevons")["index"][1] == pytest.approx(100)
    assert price_index(quotes, "jevons")["index"][1] == pytest.approx(100 * 2 / (13 / 4))


def test_nothing_sold_is_no_price():
    quotes = table([(1, "a", 1.0, 1), (1, "a", 9.0, 0), (2, "a", 2.0, 1)])
    assert price_index(quotes, "fisher")["index"].to_list() == pytest.approx([100, 200])


@pytest.mark.parametrize(
    "periods",
    [
        [dt.date(2014, 6, 1), dt.date(2014, 12, 1), dt.date(2015, 1, 1), dt.date(2015, 2, 1)],
        ["2014-06", "2014-12", "2015-01", "2015-02"],
        [201406, 201412, 201501, 201502],
        [201406.0, 201412.0, 201501.0, 201502.0],
    ],
)
def test_january_link_of_all_kinds_of_periods(periods):
    prices = {"a": [1.0, 2.0, 3.0, 6.0], "b": [1.0, None, 3.0, 3.0]}
    quotes = pl.DataFrame(
        [
            (period, product, price)
            for product in prices
            for period, price in zip(periods, prices[product], strict=True)
        ],
        schema=["period", "product", "price"],
        orient="row",
    )
    result = price_index(quotes, "jevons", chain="january")
    assert result["index"].to_list() == pytest.approx([100, 200, 300, 300 * 2**0.5])
    assert result.schema["period"] == quotes.schema["period"]


def test_lazy_quotes_are_welcome():
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1)])
    assert price_index(quotes.lazy(), "jevons").equals(price_index(quotes, "jevons"))


# --- errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("laspeyers", {}, "there is no method 'laspeyers'; did you mean laspeyres"),
        ("JEVONS", {}, "there is no method 'JEVONS'"),
        ("jevons", {"chain": "chain"}, "there is no chain 'chain'; "),
        ("geks-jevons", {"window": 3, "splice": "mena"}, "there is no splice 'mena'; did you mean mean"),
        ("geks-jevons", {"chain": "chained"}, "for bilateral"),
        ("jevons", {"window": 3}, "for multilateral"),
        ("clip", {"splice": "mean"}, "for multilateral"),
        ("geks-jevons", {"window": 1}, "at least 2"),
        ("geks-jevons", {"splice": "mean"}, "takes a window"),
        ("geks-jevons", {"splice": "expanding", "window": 3}, "takes no window"),
        ("fews", {}, "takes a window"),
        ("fews", {"window": 3, "splice": "mean"}, "no splice but 'window'"),
        ("lloyd-moulton", {}, "takes sigma"),
        ("jevons", {"sigma": 1}, "takes no parameter, not sigma"),
        ("jevons", {"weight_period": 1}, "weight_period does not apply"),
        ("jevons", {"base": 9}, "base 9 is not a period"),
        ("lowe", {"weight_period": 9}, "9 is not a period"),
        ("jevons", {"periods": [1]}, "1 quote.* not among the given periods"),
    ],
)
def test_wrong_calls_are_refused(method, options, message):
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1)])
    with pytest.raises(ValueError, match=message):
        price_index(quotes, method, **options)


@pytest.mark.parametrize("method", methods().filter("needs_quantity")["method"].to_list())
def test_weighted_methods_need_quantities(method):
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1)]).drop("quantity")
    with pytest.raises(ValueError, match="needs a column quantity"):
        run(quotes, method)


@pytest.mark.parametrize("method", methods().filter(~pl.col("needs_quantity"))["method"].to_list())
def test_unweighted_methods_do_without(method):
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1)]).drop("quantity")
    assert run(quotes, method)["index"].to_list() == pytest.approx([100, 200])


def test_quotes_must_be_complete():
    quotes = table([(1, "a", 1.0, 1), (2, None, 2.0, 1)])
    with pytest.raises(ValueError, match=r"1 quote.* no product"):
        price_index(quotes, "jevons")
    with pytest.raises(ValueError, match=r"lack the column.* price"):
        price_index(quotes.drop("price"), "jevons")


def test_january_needs_years():
    quotes = table([("a week", "a", 1.0, 1), ("b week", "a", 2.0, 1)])
    with pytest.raises(ValueError, match="begin with the year"):
        price_index(quotes, "jevons", chain="january")


def test_a_moving_window_must_reach_its_base():
    quotes = table([(201401 + month, "a", 1.0 + month, 1) for month in range(6)])
    with pytest.raises(ValueError, match="does not reach back"):
        price_index(quotes, "geks-jevons", window=3, splice="fixed-base-moving")


def test_clip_needs_a_description():
    quotes = table([(1, "a", 1.0, 1), (2, "a", 2.0, 1)]).drop("shop")
    with pytest.raises(ValueError, match="describes the products"):
        price_index(quotes, "clip")


def test_contributions_refuse_what_they_cannot_explain():
    quotes = table(NO_OVERLAP)
    with pytest.raises(ValueError, match="share no product"):
        contributions(quotes, "jevons", 1, 2)
    for method in ("geks-jevons", "tpd"):
        with pytest.raises(ValueError, match="no chain of matched products"):
            contributions(quotes, method, 1, 2)
    with pytest.raises(ValueError, match="no contributions for method 'clip'"):
        contributions(quotes, "clip", 1, 2)
    with pytest.raises(ValueError, match="9 is not a period with prices"):
        contributions(quotes, "jevons", 1, 9)
    with pytest.raises(ValueError, match="for bilateral"):
        contributions(quotes, "tpd", 1, 2, chained=True)


def test_an_index_is_never_exactly_one_by_accident():
    rng = np.random.default_rng(1)
    rows = [(period, f"{period}-{n}", float(rng.lognormal()), 1) for period in (1, 2, 3) for n in range(5)]
    for method in ("jevons", "geks-jevons", "geks-fisher", "tpd", "geary-khamis", "chained-fisher"):
        assert price_index(table(rows), method)["index"].to_list() == [100, None, None]
