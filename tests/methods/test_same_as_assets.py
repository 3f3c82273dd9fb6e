"""What an analyst gets by one call is what the pipeline publishes, to the last digit."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ons_assets
from ons_assets import mobility
from ons_assets.catalogue.mobile_presence import INTERNAL_MIGRATION, USUAL_ENVIRONMENT
from ons_assets.geography.areas import Areas
from ons_assets.governance.disclosure.step import Thresholds
from ons_assets.governance.disclosure.step import protect as disclosure_step
from ons_assets.intake.limits import Limits
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table
from ons_assets.meters.occupancy import METHODS, Method, occupancy_table, population_of_parts
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.mobile.flow_comparison import flow_comparison
from ons_assets.parameters.meters import OccupancyParameters
from ons_assets.parameters.mobile import DeviceAnchorParameters, ReleaseParameters
from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.tweets import ClusterParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.compilation import item_indices, prices_of_periods
from ons_assets.simulate.tweets import SCALES, simulate_tweets
from ons_assets.tweets.anchors import tweet_stays, user_anchors
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import Clustering, cluster
from ons_assets.tweets.locating import locate
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from ons_assets.tweets.users import describe_users
from tests.meters.homes import half_hours_of, world

# --- prices ----------------------------------------------------------------------------------------------

METHODS_OF_ITEMS = ("jevons", "chained-jevons", "geks-jevons", "tornqvist", "geks-tornqvist", "geary-khamis")
WEIGHTED = ("tornqvist", "geks-tornqvist", "geary-khamis")


@pytest.fixture(scope="module")
def quotes() -> pl.DataFrame:
    """Checked quotes of three items, 12 products each, that come, go, are quoted twice a day, and are sold."""
    random = np.random.default_rng(31)
    rows = [
        (date(2024, 1, 1) + timedelta(days=day), item, f"{item} {product}", (1 + product) * random.uniform(0.8, 1.3))
        for item in ("bread", "milk", "tea")
        for product in range(12)
        for day in range(0, 150, 3)
        for _ in range(2)
        if random.random() < 0.7 and not (product == 3 and day > 90) and not (product == 4 and day < 60)
    ]
    frame = pl.DataFrame(rows, schema=["collected_on", "item_id", "product_id", "price"], orient="row")
    return frame.with_columns(
        retailer=pl.lit("shop"),
        outlet=pl.lit(None, dtype=pl.String()),
        item="item_id",
        lineage_id="product_id",
        price_per_unit="price",
        regular_price="price",
        pack_quantity=pl.lit(1.0),
        quantity=pl.Series(random.integers(1, 40, len(frame)).astype(float)),
        in_scope=True,
        **dict.fromkeys(FLAGS, False),
    )


@pytest.mark.parametrize("method", METHODS_OF_ITEMS)
def test_indices_are_those_of_the_items(quotes: pl.DataFrame, method: str) -> None:
    parameters = IndexParameters(methods=({"method": method},), frequencies=("month",))
    product, prices = prices_of_periods(quotes.lazy(), parameters, "month")
    made = item_indices(quotes.lazy(), parameters).sort("item_id", "period")
    assert made["index"].null_count() == 0
    assert made["index"].n_unique() > 10

    prices = prices.with_columns(product=pl.struct(product))
    found = ons_assets.price_index(
        prices.select("item_id", "period", "product", "price", *(["quantity"] if method in WEIGHTED else [])),
        method,
        by="item_id",
    )
    assert_frame_equal(
        found.drop("reason"), made.select("item_id", "period", "index", "matched_products"), check_exact=True
    )

    # From the quotes of days, whose mean is then taken once and not twice, but for rounding.
    of_days = quotes.select(
        "item_id", "price", "quantity", period=pl.col("collected_on").dt.strftime("%Y-%m"), product="product_id"
    )
    assert_frame_equal(ons_assets.price_index(of_days, method, by="item_id"), found, rel_tol=1e-12)


# --- tweets and telephones -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tweets(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Clustering, pl.DataFrame]:
    """Located tweets of a simulated world, their clusters, and the stays in these."""
    folder = tmp_path_factory.mktemp("world")
    scale = replace(SCALES["small"], users=80)
    made = simulate_tweets(folder / "drops", folder / "truth", scale=scale, seed=3)
    source = TweetFiles((BUILT_IN,), Limits(), home=Home(folder / "home").ensure())
    received = datetime(2016, 1, 1, tzinfo=UTC)
    raw = pl.concat([source.whole(path, path.name, received).accepted for path in sorted(made.drops.iterdir())])
    areas = Areas(_truth(made.truth, "areas").select("area", "easting_m", "northing_m"))
    located = locate(raw, areas).tweets
    clustered = cluster(located, areas=areas)
    types = cluster_types(clustered.clusters, _truth(made.truth, "addresses"))
    return located, clustered, tweet_stays(clustered.tweets, clustered.clusters, describe_users(located), types)


def _truth(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def test_clusters_are_those_of_the_tweets(tweets: tuple[pl.DataFrame, Clustering, pl.DataFrame]) -> None:
    located, clustered, _ = tweets
    valid = clustered.clusters.select("user", "cluster", "is_valid")
    labels = clustered.tweets.join(valid, on=["user", "cluster"]).select(
        "tweet_id", cluster=pl.when("is_valid").then("cluster").otherwise(-1)
    )
    points = located.select("user", "tweet_id", "created_utc", "easting_m", "northing_m")
    found = ons_assets.dbscan(points.sort("user", "created_utc", "tweet_id"), by="user")
    assert found["cluster"].n_unique() > 3
    assert_frame_equal(found.select("tweet_id", "cluster").sort("tweet_id"), labels.sort("tweet_id"))


def test_anchors_are_those_of_the_users(tweets: tuple[pl.DataFrame, Clustering, pl.DataFrame]) -> None:
    _, clustered, stays = tweets
    made = user_anchors(stays, clustered.clusters).rename({"cluster": "place"})
    assert {*made["anchor"]} >= {"home", "work"}
    found = ons_assets.infer_anchors(stays.drop("end"), source="tweets")
    assert_frame_equal(found, made.select(found.columns), check_row_order=False, check_exact=True)


def test_telephones_have_the_parameters_of_their_pilot(tweets: tuple[pl.DataFrame, Clustering, pl.DataFrame]) -> None:
    _, _, stays = tweets
    found = ons_assets.infer_anchors(stays, source="phones")
    assert_frame_equal(found, mobility.infer_anchors(stays, anchor_parameters(DeviceAnchorParameters())))
    assert not found.equals(ons_assets.infer_anchors(stays))
    assert_frame_equal(ons_assets.infer_anchors(stays), mobility.infer_anchors(stays))


# --- meters ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half_hours() -> pl.DataFrame:
    """Rows of `meters/half_hours`: six homes, with what is missing and a day that did not come."""
    kwh = np.stack([home.kwh for home in world(6, 42, seed=11)]).astype(np.float32)
    kwh[kwh < 0] = np.nan
    kwh[2, 5, 10:20] = np.nan
    rows = half_hours_of(kwh).with_columns(layout=pl.lit("cer"))
    return rows.filter(~((pl.col("meter") == 3) & (pl.col("day") == pl.col("day").min().dt.offset_by("9d"))))


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_those_of_the_homes(half_hours: pl.DataFrame, method: Method) -> None:
    parameters = OccupancyParameters(method=method)
    parts = [half_hours.filter(pl.col("meter") % 2 == part) for part in (0, 1)]
    homes = population_of_parts(parts, parameters)
    made = pl.concat([occupancy_table(part, parameters, homes) for part in parts])
    expected = _long(made, "occupied_probability").with_columns(pl.col("occupied_probability").fill_nan(None))

    readings = _long(half_hours, "kwh").rename({"kwh": "energy_kwh"})
    # In any order, and by names that are no numbers.
    shuffled = readings.sample(fraction=1, shuffle=True, seed=1).with_columns(meter=pl.format("home {}", "meter"))
    found = ons_assets.occupancy_probabilities(shuffled, method=method)
    assert_frame_equal(found.select("meter", "start"), shuffled.select("meter", "start"))
    assert_frame_equal(
        found.sort("meter", "start"),
        expected.with_columns(meter=pl.format("home {}", "meter")).sort("meter", "start"),
        check_exact=True,
    )


def _long(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    slots = rows.select("meter", "day", column, slot=pl.int_ranges(48)).explode(column, "slot")
    start = pl.col("day").cast(pl.Datetime("us")) + pl.duration(minutes=30 * pl.col("slot"))
    return slots.select("meter", column, start=start).select("meter", "start", column)


# --- flows and counts ------------------------------------------------------------------------------------


def test_measures_are_those_of_the_flow_comparison() -> None:
    random = np.random.default_rng(17)
    areas = [f"E{number:02}" for number in range(12)]
    pairs = pl.DataFrame([(a, b) for a in areas for b in areas], schema=["origin", "destination"], orient="row")
    weighted = pairs.with_columns(devices=random.integers(0, 90, len(pairs)), flow=random.gamma(0.7, 200, len(pairs)))
    census = pairs.with_columns(commuters=random.poisson(150, len(pairs)).astype(float), home_workers=None)
    census = census.with_columns(pl.col("home_workers").cast(pl.Float64()))[:-7]
    centres = pl.DataFrame(
        {"area": areas, "easting_m": random.uniform(0, 1e5, 12), "northing_m": random.uniform(0, 1e5, 12)}
    )
    made = flow_comparison(weighted, census, centres).filter(estimator="weighted", subject_type="all")
    found = ons_assets.compare_flows(
        weighted.select("origin", "destination", count="flow"),
        census.select("origin", "destination", count="commuters"),
    )
    assert found == dict(made.select("measure", "value").iter_rows())


@pytest.mark.parametrize(
    ("table", "totals"),
    [(USUAL_ENVIRONMENT, ["area"]), (INTERNAL_MIGRATION, ["origin", "destination"])],
    ids=lambda each: each.name if isinstance(each, Table) else "",
)
@pytest.mark.parametrize("blurred", [True, False])
def test_what_is_told_is_what_the_step_lets_pass(table: Table, totals: list[str], *, blurred: bool) -> None:
    random = np.random.default_rng(23)
    axes = {name: [f"{name} {number}" for number in range(6 if name in totals else 2)] for name in table.key}
    rows = pl.DataFrame({"devices": random.poisson(16, int(np.prod([len(each) for each in axes.values()])))})
    for number, (name, values) in enumerate(axes.items()):
        repeated = int(np.prod([len(each) for each in list(axes.values())[number + 1 :]]))
        rows = rows.with_columns(
            pl.Series(np.resize(np.repeat(values, repeated), len(rows)), dtype=pl.String()).alias(name)
        )
    for name in totals:
        others = [each for each in table.key if each != name]
        whole = rows.group_by(others).agg(pl.col("devices").sum()).with_columns(pl.lit("all").alias(name))
        rows = pl.concat([rows, whole.select(rows.columns)])
    rule = table.disclosure if blurred else replace(table.disclosure, blurred=None)  # type: ignore[type-var]
    columns = tuple(each for each in table.columns if each.name in rows.columns)
    made = disclosure_step(replace(table, disclosure=rule, columns=columns), rows, Thresholds(ReleaseParameters().k))
    assert made.account.primary > 0
    assert 0 < len(made.rows) < len(rows)
    told, account = ons_assets.protect(
        rows,
        count="devices",
        unit="devices",
        totals=dict.fromkeys(totals, "all"),
        rounded_to=10 if blurred else None,
    )
    assert_frame_equal(told.select(made.rows.columns), made.rows, check_row_order=False)
    assert account == made.account.said()


def test_defaults_are_those_of_the_parameters() -> None:
    from inspect import signature

    def default(function: object, name: str) -> object:
        return signature(function).parameters[name].default  # type: ignore[arg-type]

    clusters = ClusterParameters()
    assert default(ons_assets.dbscan, "eps_m") == clusters.eps_m
    assert default(ons_assets.dbscan, "min_points") == clusters.min_tweets
    assert default(ons_assets.occupancy_probabilities, "method") == OccupancyParameters().method
    assert default(ons_assets.protect, "fewest") == ReleaseParameters().k
