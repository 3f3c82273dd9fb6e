from datetime import date
from statistics import geometric_mean

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.compilation import BEYOND, LARGEST_INDEX, aggregate_indices, item_indices

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
    assert of_cream["reason"].to_list() == [None, BEYOND]
    alone = item_indices(quotes(*good), JEVONS)
    others = made.filter(pl.col("item_id") != "cream")
    assert others.sort(CATALOGUE["prices/item_indices"].key).equals(alone.sort(CATALOGUE["prices/item_indices"].key))
    # Where most items have such, it is no matter of an item, and the gate is to see it.
    assert item_indices(quotes(*wrong), JEVONS)["index"].max() > LARGEST_INDEX


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
    assert by_key["dairy", "2016-02"] == pytest.approx(140)


def test_an_item_without_an_index_lowers_the_share_of_the_weight() -> None:
    lacking = months(("bread", "2015-01", 100.0), ("milk", "2015-01", None))
    shares = weights(("bread", "food", 2015, 3.0), ("milk", "food", 2015, 1.0))
    [available] = aggregate_indices(lacking, shares, AggregationParameters()).to_dicts()
    assert (available["index"], available["items"], available["weight_share"]) == (pytest.approx(100), 1, 0.75)
    complete = AggregationParameters(rule="complete")
    [refused] = aggregate_indices(lacking, shares, complete).to_dicts()
    assert refused["index"] is None
    assert refused["reason"]
