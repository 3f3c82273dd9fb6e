"""Seasonal products: an example worked by hand, and the results that the Producer Price Index Manual prints."""

import datetime as dt

import polars as pl
import pytest

from ons_assets.prices.indices import price_index
from ons_assets.prices.indices.series import NOT_IN_BASKET

# Rothwell (type C) index and Lowe index with carried prices, December 1970 to December 1973, of the modified data
# of Turvey: Producer Price Index Manual (International Monetary Fund, 2004), chapter 22, table 22.25.
# fmt: off
LOWE_CARRIED = [
    1.0000, 1.0554, 1.0711, 1.1500, 1.2251, 1.3489, 1.4428, 1.3789, 1.3378, 1.1952, 1.1543, 1.1639, 1.0824, 1.1370,
    1.1731, 1.2455, 1.3155, 1.4262, 1.5790, 1.5297, 1.4416, 1.3038, 1.2752, 1.2852, 1.1844, 1.2427, 1.3003, 1.3699,
    1.4691, 1.5972, 1.8480, 1.7706, 1.6779, 1.5253, 1.5371, 1.5634, 1.4181,
]
NORMALIZED_ROTHWELL = [
    1.0000, 1.0571, 1.0234, 1.0326, 1.1288, 1.3046, 1.2073, 1.2635, 1.2305, 1.0531, 1.0335, 1.1432, 1.0849, 1.1500,
    1.1504, 1.1752, 1.2561, 1.4245, 1.3064, 1.4071, 1.3495, 1.1090, 1.1197, 1.2714, 1.1960, 1.2664, 1.2971, 1.3467,
    1.4658, 1.6491, 1.4987, 1.6569, 1.6306, 1.2683, 1.3331, 1.5652, 1.4505,
]
# fmt: on


@pytest.fixture(scope="module")
def turvey(shared_data):
    table = pl.read_csv(shared_data / "prices" / "oracle" / "turvey.csv", try_parse_dates=True)
    return table.rename({"month": "period", "commodity": "product"})


@pytest.mark.parametrize(
    ("method", "printed"), [("rothwell", NORMALIZED_ROTHWELL), ("annual-basket-carry", LOWE_CARRIED)]
)
def test_the_results_of_the_manual(turvey, method, printed):
    index = price_index(turvey, method, base=dt.date(1970, 12, 31))["index"][11:] / 100
    # Four digits are printed.
    assert index.to_list() == pytest.approx(printed, abs=0.5001e-4)


def test_the_rothwell_index_against_the_base_year(turvey):
    """The manual prints the index before it is normalized too: 0.9750 in December 1970, 1.4143 in December 1973."""
    index = price_index(turvey, "rothwell", base=dt.date(1970, 12, 31))["index"]
    assert 0.9750 * index[-1] / 100 == pytest.approx(1.4143, abs=1e-4)


# --- by hand -----------------------------------------------------------------------------------------------

# Bread is sold in all months; strawberries in June and July; in the second year at twice the price.
MONTHS = ["2014-05", "2014-06", "2014-07", "2015-05", "2015-06", "2015-07", "2015-08"]
BREAD = {"2014-05": (1.0, 10), "2014-06": (1.0, 10), "2014-07": (1.0, 10)}
BREAD |= {"2015-05": (1.2, 8), "2015-06": (1.2, 8), "2015-07": (1.5, 8), "2015-08": (1.5, 8)}
BERRIES = {"2014-06": (4.0, 5), "2014-07": (2.0, 15), "2015-06": (8.0, 1), "2015-07": (4.0, 1)}


def quotes_by_hand():
    return pl.DataFrame(
        [
            (month, product, *sold[month])
            for product, sold in (("bread", BREAD), ("berries", BERRIES))
            for month in MONTHS
            if month in sold
        ],
        schema=["period", "product", "price", "quantity"],
        orient="row",
    )


def test_rothwell_by_hand():
    # Mean prices of 2014: bread 1; berries (4 x 5 + 2 x 15) / 20 = 2.50.
    expected = {
        "2014-05": 10 * 1.0 / (10 * 1),
        "2014-06": (10 * 1.0 + 5 * 4) / (10 * 1 + 5 * 2.5),
        "2014-07": (10 * 1.0 + 15 * 2) / (10 * 1 + 15 * 2.5),
        "2015-05": 10 * 1.2 / (10 * 1),
        "2015-06": (10 * 1.2 + 5 * 8) / (10 * 1 + 5 * 2.5),
        "2015-07": (10 * 1.5 + 15 * 4) / (10 * 1 + 15 * 2.5),
    }
    result = price_index(quotes_by_hand(), "rothwell")
    assert result["index"].to_list() == [*(pytest.approx(100 * expected[month]) for month in MONTHS[:-1]), None]
    assert result["matched_products"].to_list() == [1, 2, 2, 1, 2, 2, 0]
    # The base year has no August.
    assert result["reason"][6] == NOT_IN_BASKET


def test_the_annual_basket_by_hand():
    # Basket of 2014: 30 bread, 20 berries. In May 2014 berries stand at their mean price of the year, 2.50.
    carried = [30 + 50, 30 + 80, 30 + 40, 36 + 40, 36 + 160, 45 + 80, 45 + 80]
    result = price_index(quotes_by_hand(), "annual-basket-carry")["index"].to_list()
    assert result == pytest.approx([100 * cost / carried[0] for cost in carried])
    # Estimated: from July 2014 to May 2015 bread goes from 1 to 1.2, and so do berries, from 2 to 2.40.
    estimated = [30 + 50, 30 + 80, 30 + 40, 36 + 48, 36 + 160, 45 + 80, 45 + 80]
    result = price_index(quotes_by_hand(), "annual-basket")
    assert result["index"].to_list() == pytest.approx([100 * cost / estimated[0] for cost in estimated])
    assert result["matched_products"].to_list() == [1, 2, 2, 1, 2, 2, 1]


def test_out_of_season_an_estimated_basket_moves_with_what_is_sold_and_a_carried_one_is_held_back():
    quotes = quotes_by_hand()
    rise = {
        method: price_index(quotes, method, base="2014-07")["index"][3]
        for method in ("annual-basket", "annual-basket-carry")
    }
    assert rise["annual-basket"] == pytest.approx(120)  # bread alone is sold in May 2015, up by a fifth
    assert 100 < rise["annual-basket-carry"] < 120


@pytest.mark.parametrize("method", ["rothwell", "annual-basket", "annual-basket-carry"])
def test_the_base_year_is_that_of_the_base(method):
    result = price_index(quotes_by_hand(), method, base="2015-06")
    assert result["index"][4] == pytest.approx(100)
    # By the basket of 2015 the prices of 2014 count at its quantities: one punnet in June.
    if method == "rothwell":
        mean_bread = (8 * 1.2 + 8 * 1.2 + 8 * 1.5 + 8 * 1.5) / 32
        june = [(8 * bread + 1 * berries) / (8 * mean_bread + 1 * 6) for bread, berries in ((1.0, 4.0), (1.2, 8.0))]
        assert result["index"][1] == pytest.approx(100 * june[0] / june[1])


def test_products_that_the_base_year_did_not_know_are_in_no_basket():
    newcomer = pl.DataFrame({"period": ["2015-06"], "product": ["figs"], "price": [99.0], "quantity": [1000]})
    quotes = quotes_by_hand()
    for method in ("rothwell", "annual-basket", "annual-basket-carry"):
        with_figs = price_index(pl.concat([quotes, newcomer]), method)["index"].to_list()
        assert with_figs == price_index(quotes, method)["index"].to_list()


@pytest.mark.parametrize(
    "periods", [["2014-W23", "2014-W24"], [1, 2], ["2014-13", "2014-14"], ["2014", "2015"]], ids=str
)
def test_months_must_be_said(periods):
    quotes = pl.DataFrame({"period": periods, "product": "a", "price": 1.0, "quantity": 1})
    with pytest.raises(ValueError, match=r"such as 2014-07 or 201407"):
        price_index(quotes, "rothwell")
