"""The price indices against the figures that the pilot of 2014 to 2016 published."""

import polars as pl
import pytest

from ons_assets.prices.indices import aggregate, average_index, by_item, chain_years, double_chain_link

FREQUENCIES = ["month", "week"]
YEARS = (2014, 2015, 2016)
# The published files hold 12 significant digits; indices have three before the point.
PUBLISHED_DIGITS = 1e-8


@pytest.fixture(scope="module")
def pilot(shared_data):
    return shared_data / "prices" / "ons_webscraped"


def whole(column, name):
    return pl.col(column).cast(pl.Float64).cast(pl.Int64).alias(name)


def quotes(pilot, frequency):
    table = pl.read_csv(pilot / f"{frequency}ly_average_prices.csv.gz", infer_schema_length=None)
    return table.select(
        whole("ons_item_no", "item_id"),
        whole(frequency, "period"),
        product="product_name",
        price="item_price_num",
    )


def published(pilot, file, item, value, period="period"):
    table = pl.read_csv(pilot / "indices" / f"{file}.csv.gz", infer_schema_length=None)
    return table.select(whole(item, "item_id"), whole(period, "period"), expected=pl.col(value))


def published_groups(pilot, file, group, value="weighted_index", period="period"):
    table = pl.read_csv(pilot / "indices" / f"{file}.csv.gz", infer_schema_length=None)
    return table.select(whole(period, "period"), group_id=pl.col(group).str.strip_chars(), expected=pl.col(value))


def weights(pilot, file, item, group, weight):
    table = pl.read_csv(pilot / "reference" / f"{file}.csv")
    return pl.concat(
        table.select(item_id=item, group_id=pl.col(group).str.strip_chars(), year=pl.lit(year), weight=weight(year))
        for year in YEARS
    )


def largest_gap(expected, computed, keys):
    both = expected.join(computed, on=keys, how="left")
    assert both.height == expected.height
    assert both.filter(pl.col("index").is_null() != pl.col("expected").is_null()).height == 0
    return (both["index"] - both["expected"]).abs().max()


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_geks_jevons_of_all_items(pilot, frequency):
    expected = published(pilot, f"{frequency}_2016-11-03_GEKS_item", "ons_item_no", "GEKS")
    computed = by_item(quotes(pilot, frequency), "geks-jevons-pilot")
    assert expected["item_id"].n_unique() == 34
    assert largest_gap(expected, computed, ["item_id", "period"]) < PUBLISHED_DIGITS


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_geks_jevons_of_groups(pilot, frequency):
    items = by_item(quotes(pilot, frequency), "geks-jevons-pilot")
    weight = weights(pilot, "weights", "ons_item_no", "Top", lambda year: f"item_weight_{year}")
    expected = published_groups(pilot, f"{frequency}_2016-11-03_GEKS_agg", "Top")
    computed = aggregate(items, weight, rule="pilot-sum")
    assert largest_gap(expected, computed, ["group_id", "period"]) < PUBLISHED_DIGITS


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_the_pilot_counted_a_missing_item_as_zero(pilot, frequency):
    items = by_item(quotes(pilot, frequency), "geks-jevons-pilot")
    weight = weights(pilot, "weights", "ons_item_no", "Top", lambda year: f"item_weight_{year}")
    expected = published_groups(pilot, f"{frequency}_2016-11-03_GEKS_agg", "Top")
    both = expected.join(aggregate(items, weight, rule="available"), on=["group_id", "period"])
    food = both.filter((pl.col("weight_share") < 1) & (pl.col("period") > 201600))
    ratio = food["expected"] / food["index"]
    # New potatoes weigh 1.97 % of food in 2016: that share is lost wherever they have no index.
    assert food.height > 0
    assert (ratio - food["weight_share"]).abs().max() < 1e-6


def test_unit_price_of_items_from_monthly_averages(pilot):
    expected = published(pilot, "unitdoublechaineditemlevel_2016-11-03_", "ons_item_number", "unit")
    computed = by_item(quotes(pilot, "month"), {"method": "jevons", "chain": "january"})
    both = expected.join(computed, on=["item_id", "period"])
    gap = (both["index"] - both["expected"]).abs()
    by_items = both.with_columns(gap=gap).group_by("item_id").agg(pl.col("gap").max())
    exact = by_items.filter(pl.col("gap") < PUBLISHED_DIGITS)
    # The pilot averaged daily prices item by item; the stored averages count a product under one item only.
    assert exact.height == 12
    assert (gap < PUBLISHED_DIGITS).sum() == 418
    assert gap.median() < 0.05


def yearly(pilot, prefix, item, value):
    return pl.concat(
        published(pilot, f"{prefix}{year}{'_raw' if value == 'unit' else ''}", item, value)
        .rename({"expected": "index"})
        .with_columns(year=pl.lit(year))
        for year in YEARS
    )


@pytest.mark.parametrize(("raw", "chained"), [("unit", ""), ("unitweekly", "week")])
def test_january_link_of_unit_price_items(pilot, raw, chained):
    expected = published(pilot, f"unitdoublechaineditemlevel{chained}_2016-11-03_", "ons_item_number", "unit")
    computed = chain_years(yearly(pilot, raw, "ons_item_number", "unit"))
    assert largest_gap(expected, computed, ["item_id", "period"]) < PUBLISHED_DIGITS


def link_weights(pilot):
    item = weights(pilot, "weights_lager", "join", "level_2", lambda year: f"weight_2_{year}").rename(
        {"group_id": "class_id"}
    )
    upper = weights(pilot, "weights_upper_unit", "join", "level_3", lambda year: f"weight_1_{year}")
    upper = upper.select(pl.col("item_id").str.strip_chars().alias("class_id"), "group_id", "year", "weight")
    return item.with_columns(pl.col("item_id").cast(pl.Int64)), upper


@pytest.mark.parametrize(("raw", "chained"), [("unit", ""), ("unitweekly", "week")])
def test_double_chain_link_of_unit_price_groups(pilot, raw, chained):
    expected = published_groups(pilot, f"unitdoublechained{chained}_2016-11-03_", "level_3")
    items = yearly(pilot, raw, "ons_item_number", "unit")
    computed = double_chain_link(items, *link_weights(pilot), rule="pilot-sum")
    both = expected.join(computed, on=["group_id", "period"], how="left")
    assert both["index"].null_count() == 0
    before = both.filter(pl.col("period") < 201601)
    assert (before["index"] - before["expected"]).abs().max() < PUBLISHED_DIGITS
    # From January 2016 on the pilot multiplied by the level of January 2015 a second time.
    after = both.filter(pl.col("period") >= 201601)
    level = both.filter(pl.col("period") == 201501).select("group_id", level="index")
    doubled = after.join(level, on="group_id")
    assert (doubled["index"] * doubled["level"] / 100 - doubled["expected"]).abs().max() < PUBLISHED_DIGITS
    assert (after["index"] - after["expected"]).abs().max() > 1


def chained_daily(pilot):
    table = pl.read_csv(pilot / "indices" / "DC_daily_itemlevel_2016-11-03_.csv.gz")
    return table.select(
        whole("ons_item_no", "item_id"), whole("period", "period"), link="Daily", index="ChainedDaily"
    ).sort("item_id", "period")


def test_chained_daily_is_the_product_of_its_links(pilot):
    daily = chained_daily(pilot)
    product = (
        100
        * (daily["link"] / 100)
        .log()
        .to_frame("log")
        .with_columns(daily["item_id"])
        .select(pl.col("log").cum_sum().over("item_id").exp())
        .to_series()
    )
    assert (product - daily["index"]).abs().max() < PUBLISHED_DIGITS


@pytest.fixture
def daily_weights(pilot):
    return weights(
        pilot,
        "weights_lager",
        "join",
        "level_3",
        lambda year: pl.col(f"weight_1_{year}") * pl.col(f"weight_2_{year}"),
    ).with_columns(pl.col("item_id").cast(pl.Int64))


def test_chained_daily_of_groups(pilot, daily_weights):
    expected = published_groups(pilot, "DC_daily_agg_2016-11-03_", "level_3")
    computed = aggregate(chained_daily(pilot), daily_weights, rule="pilot-sum")
    assert largest_gap(expected, computed, ["group_id", "period"]) < PUBLISHED_DIGITS


def test_chained_daily_averaged_over_months(pilot):
    # The pilot left 1 June 2014, a Sunday of the week before, out of its averages.
    daily = chained_daily(pilot).filter(pl.col("period") > 20140601)
    month = pl.col("period") // 100
    expected = published(pilot, "DC_monthly_itemlevel_2016-11-03_", "level", "Chainedaverage", "month")
    assert largest_gap(expected, average_index(daily, month), ["item_id", "period"]) < PUBLISHED_DIGITS
    groups = published_groups(pilot, "DC_daily_agg_2016-11-03_", "level_3").rename({"expected": "index"})
    groups = average_index(groups.filter(pl.col("period") > 20140601), month, by="group_id")
    expected = published_groups(pilot, "DC_monthly_agg_2016-11-03_", "level", "Chainedaverage", "month")
    both = expected.join(groups, on=["group_id", "period"])
    gap = (both["index"] - both["expected"]).abs()
    # November 2016 of food has one published figure that its own daily series does not give.
    assert both.filter(gap >= PUBLISHED_DIGITS).select("group_id", "period").rows() == [
        ("food_and_non_alcoholic_beverages", 201611)
    ]
