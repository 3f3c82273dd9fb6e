"""The tables of the tweets pilot are the same whatever the order of rows, and however users are divided."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from ons_assets.geography.areas import Areas
from ons_assets.parameters.geography import NearestParameters
from ons_assets.parameters.tweets import MigrationFlowParameters, TweetAnchorParameters
from ons_assets.tweets.anchors import tweet_stays, user_anchors, user_commutes
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.clustering import cluster
from ons_assets.tweets.collection_gaps import collection_coverage
from ons_assets.tweets.migration_comparison import compare_with_estimates
from ons_assets.tweets.migration_flows import migration_flows
from ons_assets.tweets.residences import moves, residences, student_homes
from ons_assets.tweets.student_moves import Study
from ons_assets.tweets.user_demographics import user_demographics
from ons_assets.tweets.users import describe_users
from tests.any_order import Case, check

AREAS = Areas(
    pl.DataFrame(
        {"area": ["A", "B", "C"], "easting_m": [400_000.0, 401_000.0, 402_000.0], "northing_m": [300_000.0] * 3}
    )
)
TERMS = [(date(2014, 9, 22), date(2014, 10, 10))]
CLASSES = ("residential", "commercial", "education", "transport", "other")


def located() -> pl.DataFrame:
    """Tweets at whole metres, of people with two or three places and of machines."""
    random = np.random.default_rng(37)
    rows = []
    for user in range(60):
        places = 400_000 + random.integers(0, 20, 3) * 100, 300_000 + random.integers(0, 5, 3) * 100
        for _ in range(120):
            minute = int(random.integers(0, 60 * 24 * 60))
            place = int(random.integers(0, 3)) if user % 7 else 0
            spread = random.integers(-3, 4, 2) if user % 7 else (0, 0)
            rows.append(
                (len(rows), user, minute, float(places[0][place] + spread[0]), float(places[1][place] + spread[1]))
            )
    frame = pl.DataFrame(rows, schema=["tweet_id", "user", "minutes", "easting_m", "northing_m"], orient="row")
    moment = pl.lit(datetime(2014, 9, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")) + pl.duration(minutes="minutes")
    return frame.with_columns(
        created_utc=moment,
        application=pl.when(pl.col("tweet_id") % 3 == 0).then(pl.lit("web")).otherwise(pl.lit("mobile")),
    ).with_columns(
        local_date=pl.col("created_utc").dt.date(),
        day_of_week=pl.col("created_utc").dt.weekday(),
        hour=pl.col("created_utc").dt.hour(),
        month=pl.col("created_utc").dt.date().dt.month_start(),
    )


def addresses() -> pl.DataFrame:
    """Houses of many flats, on a grid around the places: many addresses are equally far."""
    random = np.random.default_rng(41)
    at = [(east, north) for east in range(0, 2_000, 50) for north in range(-50, 500, 50) for _ in range(6)]
    return pl.DataFrame(
        {
            "uprn": random.permutation(len(at)),
            "easting_m": [400_000.0 + east for east, _ in at],
            "northing_m": [300_000.0 + north for _, north in at],
            "class": random.choice(CLASSES, len(at)),
            "postcode": [f"AB1 {number % 9}CD" for number in range(len(at))],
        }
    )


def gaps() -> pl.DataFrame:
    at = [datetime(2014, 9, day, hour, 7, tzinfo=UTC) for day in (3, 9, 17) for hour in (2, 5)]
    return pl.DataFrame({"from_utc": at[::2], "to_utc": at[1::2]})


def _road(variation: int, located: pl.DataFrame, addresses: pl.DataFrame, gaps: pl.DataFrame):
    """From located tweets to moves, some users at a time."""
    days = pl.date_range(date(2014, 9, 1), date(2014, 10, 31), eager=True)
    covered = collection_coverage(gaps, days)
    parts: list[list[pl.DataFrame]] = []
    for number in range(variation + 1):
        rows = located.filter(pl.col("user") % (variation + 1) == number)
        users, made = describe_users(rows), cluster(rows, areas=AREAS, threads=1 + variation)
        types = cluster_types(made.clusters, addresses, NearestParameters(neighbours=7))
        stays = tweet_stays(made.tweets, made.clusters, users, types)
        anchors = user_anchors(stays, made.clusters, TweetAnchorParameters(min_home_days=2), terms=TERMS)
        parts.append(
            [
                users,
                made.clusters,
                made.tweets,
                types,
                anchors,
                residences(anchors, made.tweets, covered),
                student_homes(stays, made.clusters, TERMS, TweetAnchorParameters(min_home_days=2)),
            ]
        )
    whole = [pl.concat(each) for each in zip(*parts, strict=True)]
    return *whole, user_commutes(whole[4]), moves(whole[4])


def homes() -> pl.DataFrame:
    """Months of users in four areas."""
    random = np.random.default_rng(43)
    rows = [
        (user, date(2014, month, 1), "ABCD"[int(random.integers(0, 4))]) for user in range(900) for month in range(1, 7)
    ]
    return pl.DataFrame(rows, schema=["user", "month", "area"], orient="row")


def changes() -> pl.DataFrame:
    """Moves from area to area."""
    random = np.random.default_rng(47)
    rows = [
        (user, "ABCD"[user % 4], "ABCD"[int(random.integers(0, 4))], date(2014, int(random.integers(2, 7)), 9))
        for user in range(900)
    ]
    return pl.DataFrame(rows, schema=["user", "from_area", "to_area", "moved_on"], orient="row")


POPULATION = pl.DataFrame(
    {"area": list("ABCD"), "population": [100 / 3, 1_000 / 7, 5_000 / 9, 777.7], "students": [10.1, 90.3, 1.7, 0.3]}
)


def estimates() -> pl.DataFrame:
    """Official flows between areas by age, of which no sum is exact in binary."""
    random = np.random.default_rng(53)
    rows = [
        ("2014", age, origin, destination, float(random.integers(1, 900)) / 7)
        for age in ("16-24", "25-44", "45+")
        for origin in "ABCD"
        for destination in "ABCD"
    ]
    return pl.DataFrame(rows, schema=["period", "age", "origin", "destination", "moves"], orient="row")


def _migration(
    _: int,
    homes: pl.DataFrame,
    changes: pl.DataFrame,
    population: pl.DataFrame,
    estimates: pl.DataFrame,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    flows = migration_flows(changes, homes, population, MigrationFlowParameters(fewest_users=200))
    living = homes.group_by("user").agg(pl.col("area").sort_by("month").last())
    return flows, compare_with_estimates(flows, estimates, population, living)


def described() -> pl.DataFrame:
    """Users who are young with a chance that is not exact in binary."""
    random = np.random.default_rng(59)
    chances = random.integers(1, 10, 900) / 10
    rows = [
        (user, age, sex, chance / 2)
        for user, young in enumerate(chances)
        for age, chance in (("young", young), ("old", 1 - young))
        for sex in ("female", "male")
    ]
    return pl.DataFrame(rows, schema=["user", "age", "sex", "probability"], orient="row")


def groups() -> pl.DataFrame:
    """People of areas by age and sex; students are young."""
    cells = pl.DataFrame({"age": ["young", "old"]}).join(pl.DataFrame({"sex": ["female", "male"]}), how="cross")
    whole = POPULATION.join(cells, how="cross").with_columns(population=pl.col("population") * 100 / 3)
    return whole.with_columns(students=pl.when(age="young").then("students").otherwise(0.0))


def campus() -> pl.DataFrame:
    """One user in five studies."""
    rows = [(user, "ABCD"[user % 4], date(2014, 1, 3), date(2014, 6, 25)) for user in range(0, 900, 5)]
    return pl.DataFrame(rows, schema=["user", "area", "from", "to"], orient="row")


def _selection(
    _: int,
    homes: pl.DataFrame,
    changes: pl.DataFrame,
    people: pl.DataFrame,
    described: pl.DataFrame,
    places: pl.DataFrame,
) -> tuple[pl.DataFrame, ...]:
    """Flows by age, sex, study and activity, and ages of users of whom nothing was supplied."""
    dated = changes.with_columns(
        not_before=pl.col("moved_on").dt.offset_by("-3d"), not_after=pl.col("moved_on").dt.offset_by("4d")
    )
    users = homes.select("user").unique().with_columns(tweets=20 + pl.col("user") % 90)
    terms = [(date(2014, 1, 12), date(2014, 3, 27)), (date(2014, 4, 20), date(2014, 6, 12))]
    flows = migration_flows(dated, homes, people, users=users, demographics=described, study=Study(places, terms))
    known = (
        homes.group_by("user").agg(pl.col("area").sort_by("month").last()).with_columns(studies=pl.col("user") % 5 == 0)
    )
    return flows, user_demographics(known, described.filter(pl.col("user") % 3 > 0), people)


CASES = {
    "from tweets to moves": lambda: Case(_road, {"located": located(), "addresses": addresses(), "gaps": gaps()}),
    "migration": lambda: Case(
        _migration,
        {"homes": homes(), "changes": changes(), "population": POPULATION, "estimates": estimates()},
    ),
    "selection of users": lambda: Case(
        _selection,
        {"homes": homes(), "changes": changes(), "people": groups(), "described": described(), "places": campus()},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_neither_the_order_of_rows_nor_the_parts_make_a_difference(name: str) -> None:
    check(CASES[name]())
