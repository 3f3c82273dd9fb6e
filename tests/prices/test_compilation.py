from datetime import date
from statistics import geometric_mean
from typing import Literal

import polars as pl
import pytest
from pydantic import ValidationError

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import AggregationParameters, IndexParameters, LinkMonth
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.compilation import BEYOND, aggregate_contributions, aggregate_indices, item_indices

JEVONS = IndexParameters(methods=({"method": "jevons"},))


def quotes(*rows: tuple[date, str, str, float]) -> pl.LazyFrame:
    """Quotes of (day, item, product, price)."""
    frame = pl.DataFrame(rows, schema=["collected_on", "item_id", "product", "price"], orient="row")
    return frame.lazy().with_columns(
        retailer=pl.lit("tesco"),
        item=pl.col("item_id") + " name",
        product_id="product",
        lineage_id="product",
        price_per_unit=pl.col("price") / 0.8,
        regular_price="price",
        in_scope=True,
        **dict.fromkeys(FLAGS, False),
    )


def index(frame: pl.DataFrame, frequency: str, item: str = "bread") -> dict[str, float]:
    chosen = frame.filter(frequency=frequency, item_id=item).sort("period")
    return dict(chosen.select("period", "index").rows())


TWO_DAYS = quotes(
    (date(2016, 7, 21), "bread", "a", 1.0),
    (date(2016, 7, 21), "bread", "a", 4.0),  # the same product again: one price, 2
    (date(2016, 7, 21), "bread", "b", 3.0),
    (date(2016, 7, 22), "bread", "a", 3.0),
    (date(2016, 7, 22), "bread", "b", 6.0),
)


def test_each_frequency_has_its_periods_and_its_base() -> None:
    found = item_indices(TWO_DAYS, JEVONS)
    assert CATALOGUE["prices/item_indices"].conform(found).height == 4
    assert index(found, "day") == pytest.approx({"2016-07-21": 100.0, "2016-07-22": 100 * geometric_mean([1.5, 2.0])})
    assert index(found, "week") == {"2016-W29": 100.0}
    assert index(found, "month") == {"2016-07": 100.0}
    assert set(found["item"]) == {"bread name"}
    assert found.filter(frequency="day")["base_period"].unique().to_list() == ["2016-07-21"]


def test_the_first_days_of_january_are_of_the_week_that_they_are_in() -> None:
    found = item_indices(quotes((date(2016, 1, 1), "bread", "a", 1.0)), JEVONS)
    assert index(found, "week") == {"2015-W53": 100.0}


def test_a_product_of_two_shops_is_two_products() -> None:
    shops = pl.concat([TWO_DAYS, TWO_DAYS.with_columns(retailer=pl.lit("spar"), price=pl.col("price") * 7)])
    assert index(item_indices(shops, JEVONS), "day") == pytest.approx(index(item_indices(TWO_DAYS, JEVONS), "day"))


def test_the_name_of_an_item_is_its_commonest() -> None:
    renamed = pl.concat([TWO_DAYS, TWO_DAYS.head(1).with_columns(item=pl.lit("another spelling"))])
    assert set(item_indices(renamed, JEVONS)["item"]) == {"bread name"}


def test_quotes_with_a_flag_are_left_out_and_counted() -> None:
    odd = TWO_DAYS.with_columns(price_typo=(pl.col("product") == "b") & (pl.col("price") == 6))
    found = item_indices(odd, JEVONS).filter(frequency="day").sort("period")
    assert found["index"].to_list() == pytest.approx([100, 150])
    assert found["excluded_quotes"].to_list() == [0, 1]
    assert set(found["excludes"]) == {"out_of_scope, repeated_row, price_typo, outlier"}
    other_item = TWO_DAYS.with_columns(in_scope=pl.col("product") != "b")
    assert item_indices(other_item, JEVONS).filter(frequency="day").sort("period")["index"].to_list() == pytest.approx(
        [100, 150]
    )
    nothing = JEVONS.model_copy(update={"excludes": ()})
    assert index(item_indices(odd, nothing), "day") == pytest.approx(index(item_indices(TWO_DAYS, JEVONS), "day"))


def test_an_index_of_prices_per_unit_follows_a_product_to_its_relaunch() -> None:
    smaller = pl.col("product") == "c"
    relaunched = quotes((date(2016, 7, 21), "bread", "a", 2.0), (date(2016, 7, 22), "bread", "c", 2.0)).with_columns(
        lineage_id=pl.lit("a"), price_per_unit=pl.col("price") / pl.when(smaller).then(0.4).otherwise(0.8)
    )
    assert index(item_indices(relaunched, JEVONS), "day") == {"2016-07-21": 100, "2016-07-22": None}
    per_unit = JEVONS.model_copy(update={"price": "unit"})
    assert index(item_indices(relaunched, per_unit), "day") == pytest.approx({"2016-07-21": 100, "2016-07-22": 200})


def test_an_index_that_no_prices_explain_is_missing_for_its_item_only() -> None:
    first, second = date(2016, 7, 1), date(2016, 8, 1)
    good = [(day, item, "A", price) for item in ("bread", "milk") for day, price in ((first, 1.0), (second, 1.1))]
    wrong = [(first, "cream", "A", 0.01), (second, "cream", "A", 9_000.0)]
    made = item_indices(quotes(*good, *wrong), JEVONS)
    of_cream = made.filter(item_id="cream", frequency="month").sort("period")
    assert of_cream["index"].to_list() == [100.0, None]
    assert of_cream["reason"].to_list() == [None, BEYOND.format(1, 10_000)]
    alone = item_indices(quotes(*good), JEVONS)
    others = made.filter(pl.col("item_id") != "cream")
    assert others.sort(CATALOGUE["prices/item_indices"].key).equals(alone.sort(CATALOGUE["prices/item_indices"].key))
    # Where most items have such, it is no matter of an item, and the gate is to see it.
    assert item_indices(quotes(*wrong), JEVONS)["index"].max() > JEVONS.possible[1]


def weights(*rows: tuple[str, str, int, float]) -> pl.LazyFrame:
    schema = {"item_id": pl.String, "group": pl.String, "year": pl.Int32, "weight": pl.Float64}
    return pl.LazyFrame(rows, schema=schema, orient="row").with_columns(item=pl.col("item_id"))


def months(*rows: tuple[str, str, float | None]) -> pl.LazyFrame:
    frame = pl.DataFrame(rows, schema={"item_id": pl.String, "period": pl.String, "index": pl.Float64}, orient="row")
    return frame.lazy().with_columns(frequency=pl.lit("month"), method=pl.lit("jevons"))


ITEMS = months(
    ("bread", "2015-01", 100.0),
    ("milk", "2015-01", 100.0),
    ("bread", "2015-02", 110.0),
    ("milk", "2015-02", 140.0),
    ("bread", "2016-02", 110.0),
    ("milk", "2016-02", 140.0),
)


def test_items_are_weighted_to_groups_with_the_weights_of_their_year() -> None:
    found = aggregate_indices(
        ITEMS,
        weights(
            ("bread", "food", 2015, 3.0),
            ("milk", "food", 2015, 1.0),
            ("bread", "food", 2016, 1.0),
            ("milk", "food", 2016, 1.0),
        ),
        AggregationParameters(),
    )
    CATALOGUE["prices/aggregate_indices"].conform(found)
    by_period = dict(found.select("period", "index").rows())
    assert by_period["2015-01"] == pytest.approx(100)
    assert by_period["2015-02"] == pytest.approx((3 * 110 + 140) / 4)
    assert set(found["group"]) == {"food"}


def test_a_year_without_weights_takes_the_last_before_it_group_by_group() -> None:
    found = aggregate_indices(
        ITEMS,
        weights(("bread", "food", 2014, 1.0), ("milk", "food", 2014, 1.0), ("milk", "dairy", 2016, 1.0)),
        AggregationParameters(),
    )
    by_key = {(row["group"], row["period"]): row["index"] for row in found.iter_rows(named=True)}
    assert by_key["food", "2016-02"] == pytest.approx(125)
    assert by_key.get(("dairy", "2015-01")) is None
    assert by_key["dairy", "2016-02"] == pytest.approx(100), "a group begins with its weights"


def test_an_item_without_an_index_lowers_the_share_of_the_weight() -> None:
    lacking = months(("bread", "2015-01", 100.0), ("milk", "2015-01", None))
    shares = weights(("bread", "food", 2015, 3.0), ("milk", "food", 2015, 1.0))
    [available] = aggregate_indices(lacking, shares, AggregationParameters()).to_dicts()
    assert (available["index"], available["items"], available["weight_share"]) == (pytest.approx(100), 1, 0.75)
    complete = AggregationParameters(rule="complete")
    [refused] = aggregate_indices(lacking, shares, complete).to_dicts()
    assert refused["index"] is None
    assert refused["reason"]


def hot_drinks() -> pl.LazyFrame:
    """Tea is a fifth dearer from March 2021 on, and nothing else moves: coffee is missing once, cocoa comes late."""
    rows = []
    for number in range(30):
        day = date(2020 + number // 12, number % 12 + 1, 9)
        tea, coffee, cocoa = 1.2 if day >= date(2021, 3, 1) else 1.0, 7.0, 4.0
        rows += [(day, "tea", f"TEA {pack}", pack * tea) for pack in (1.0, 3.0)]
        rows += [(day, "coffee", f"COFFEE {pack}", pack * coffee) for pack in (1.0, 2.0) if number != 17]
        rows += [(day, "cocoa", "COCOA", cocoa)] if number >= 20 else []
    return quotes(*rows)


DRINKS = weights(
    *[("tea", "hot", year, weight) for year, weight in ((2020, 5.0), (2021, 3.0), (2022, 1.0))],
    *[("coffee", "hot", year, weight) for year, weight in ((2020, 3.0), (2021, 3.0), (2022, 8.0))],
    ("cocoa", "hot", 2021, 2.0),
    ("cocoa", "hot", 2022, 1.0),
)


@pytest.mark.parametrize("link", ["january", "december", "month-02"])
def test_from_quotes_on_a_group_moves_with_prices_only(link: LinkMonth) -> None:
    parameters = AggregationParameters(link=link)
    items = item_indices(hot_drinks(), IndexParameters())
    found = aggregate_indices(items.lazy(), DRINKS, parameters)
    # Cocoa is not there yet in March: tea and coffee have half of the rest of the weight each.
    turn = pl.col("frequency").replace_strict({"month": "2021-03", "week": "2021-W10", "day": "2021-03-09"})
    rise = pl.when(pl.col("period") >= turn).then(110.0).otherwise(100.0)
    assert found.height == 3 * (30 + 30 + 30)
    assert (found["index"] - found.select(rise).to_series()).abs().max() < 1e-9  # type: ignore[operator]
    parts = aggregate_contributions(items.lazy(), DRINKS, parameters)
    CATALOGUE["prices/aggregate_contributions"].conform(parts)
    moved = parts.filter(pl.col("contribution").abs() > 1e-9)
    assert set(moved["item_id"]) == {"tea"}
    assert moved["contribution"].to_list() == pytest.approx([10.0] * 3 * (1 + 12))
    assert parts.filter("item_imputed", horizon=1)["period"].unique().to_list() == ["2021-06"]


def test_means_over_a_changing_set_of_items_have_no_contributions() -> None:
    items = item_indices(hot_drinks(), IndexParameters(frequencies=("month",)))
    old = AggregationParameters(rule="available")
    assert aggregate_indices(items.lazy(), DRINKS, old)["index"].max() > 111  # type: ignore[operator]
    parts = aggregate_contributions(items.lazy(), DRINKS, old)
    assert parts.is_empty()
    assert CATALOGUE["prices/aggregate_contributions"].conform(parts).is_empty()


@pytest.mark.parametrize("rule", ["linked", "complete", "available"])
def test_without_items_there_are_no_groups(rule: Literal["linked", "complete", "available"]) -> None:
    items, weights = CATALOGUE["prices/item_indices"].empty(), CATALOGUE["reference/item_weights"].empty()
    made = aggregate_indices(items.lazy(), weights.lazy(), AggregationParameters(rule=rule))
    assert CATALOGUE["prices/aggregate_indices"].conform(made).is_empty()


@pytest.mark.parametrize("odd", [{"frequencies": ()}, {"possible": (10_000.0, 1.0)}, {"possible": (1.0, 50.0)}])
def test_parameters_of_which_no_index_can_come_are_refused(odd: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"frequencies|possible must hold 100"):
        IndexParameters.model_validate(odd)
