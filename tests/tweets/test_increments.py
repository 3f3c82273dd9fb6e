"""Tables of users that are made again of those who were touched are those that everything made anew would give."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.lakehouse.derivation import Made, derive
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.assets import DerivedAsset
from ons_assets.parameters.geography import Country, NearestParameters
from ons_assets.parameters.tweets import (
    ClusterParameters,
    LocatingParameters,
    MemoryParameters,
    TermParameters,
    TweetAnchorParameters,
    UserParameters,
)
from ons_assets.tweets import assets
from tests.workbench import SUITES, provenance

LOCATED = CATALOGUE["tweets/located_tweets"]
# Two weeks before the usual first day of a term.
FIRST, USERS, DAYS = date(2014, 9, 8), 30, 40
# At which each place of a user is visited.
HOURS = ((0, 2, 22), (9, 11, 14), (2, 11, 18))
MEMORY = MemoryParameters(rows_at_once=700)
COMMON: dict[str, Any] = {"memory": MEMORY, "country": Country(), "locating": LocatingParameters()}
ROAD: list[tuple[DerivedAsset, dict[str, Any]]] = [
    (assets.clusters, {"parameters": ClusterParameters()}),
    (assets.users, {"parameters": UserParameters(fewest_tweets=5)}),
    (assets.cluster_types, {"parameters": NearestParameters()}),
    (assets.user_anchors, {"parameters": TweetAnchorParameters(), "terms": TermParameters()}),
]
ANEW = ("_clustered_anew", "_described_anew", "_anchored_anew")


def places_of(user: int) -> np.ndarray:
    """A home, a place that many study at, and a third, in metres."""
    return np.random.default_rng(user).integers(400_000, 440_000, (3, 2)).astype(float)


def tweets_of(random: np.random.Generator, days: range, ids: int) -> pl.DataFrame:
    """Tweets of users, each with three places of its own, on some days."""
    rows: list[tuple[Any, ...]] = []
    for user in range(1, USERS + 1):
        places = places_of(user)
        for day in days:
            for _ in range(int(random.integers(0, 4)) if user % 3 else int(random.random() < 0.1)):
                number = int(random.choice(3, p=[0.5, 0.3, 0.2]))
                at = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(
                    days=day, hours=int(random.choice(HOURS[number])), seconds=int(random.integers(3_600))
                )
                place = places[number] + random.integers(-9, 10, 2)
                rows.append((ids + len(rows), user * 7_919, at, *place, str(random.choice(["mobile", "automated"]))))
    names = ("tweet_id", "user", "created_utc", "easting_m", "northing_m", "application")
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("created_utc").dt.cast_time_unit("us"), area=None, area_method=pl.lit("none"), area_distance_m=None
    )
    local = pl.col("created_utc").dt.convert_time_zone("Europe/London")
    timed = frame.with_columns(
        local_date=local.dt.date(), day_of_week=local.dt.weekday(), hour=local.dt.hour(), month=local.dt.date()
    ).with_columns(pl.col("month").dt.month_start())
    return with_bucket(timed).select(pl.col(name).cast(dtype) for name, dtype in LOCATED.schema.items())


def changed(random: np.random.Generator, known: pl.DataFrame, last: int) -> tuple[pl.DataFrame, int]:
    """A day more, a file that comes late, tweets that are withdrawn, a user who is, or tweets that are edited."""
    ids = int(known["tweet_id"].max()) + 1  # type: ignore[arg-type]
    kind = int(random.integers(5))
    if kind == 0:
        return pl.concat([known, tweets_of(random, range(last, last + 1), ids)]), last + 1
    if kind == 1:
        late = tweets_of(random, range(int(random.integers(last)), last), ids).sample(
            3, seed=int(random.integers(1_000))
        )
        return pl.concat([known, late]), last
    if kind == 2:
        return known.filter(~pl.col("tweet_id").is_in(random.choice(known["tweet_id"], 4).tolist())), last
    if kind == 3:
        return known.filter(pl.col("user") != int(random.choice(known["user"]))), last
    edited = pl.col("tweet_id").is_in(random.choice(known["tweet_id"], 2).tolist())
    moved = pl.when(edited).then(pl.col("easting_m") + 400).otherwise("easting_m")
    return known.with_columns(easting_m=moved), last


def give(home: Home, table: str, rows: pl.DataFrame) -> None:
    lake.publish(home, CATALOGUE[table], rows.lazy(), provenance())


def addresses() -> pl.DataFrame:
    kinds = [("residential", "education" if user % 2 else "commercial", "other") for user in range(1, USERS + 1)]
    places = np.concatenate([places_of(user) for user in range(1, USERS + 1)])
    rows = pl.DataFrame(
        {
            "uprn": np.arange(len(places)) + 100_001,
            "easting_m": places[:, 0],
            "northing_m": places[:, 1],
            "class_code": "R",
            "class": [kind for of_user in kinds for kind in of_user],
            "postcode": None,
            "drop_sha256": "f" * 64,
            "line": np.arange(len(places)) + 1,
        }
    )
    return CATALOGUE["reference/addresses"].conform(rows)


def make(home: Home, run: str) -> None:
    for asset, own in ROAD:
        given = {**COMMON, **own}
        outcome = derive(
            home, asset.derivation, expectations=SUITES, run_id=run, parameters={"own": "same"}, given=given
        )
        assert isinstance(outcome, Made), outcome


def home_of(folder: Path, tweets: pl.DataFrame) -> Home:
    """A home in which everything is made at once."""
    home = Home(folder).ensure()
    give(home, "reference/addresses", addresses())
    give(home, LOCATED.name, tweets)
    make(home, "whole")
    return home


def assert_same(home: Home, whole: Home) -> None:
    for table in (table for asset, _ in ROAD for table in asset.derivation.tables):
        one, other = (lake.read(each, table).collect().sort(table.key) for each in (home, whole))
        assert_frame_equal(one, other, check_exact=True)


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the functions that worked for some users alone."""
    worked: set[str] = set()

    def noted(name: str) -> None:
        function = getattr(assets, name)

        def work(*part: Any, **given: Any) -> Any:
            worked.add(name)
            return function(*part, **given)

        monkeypatch.setattr(assets, name, work)

    for name in ANEW:
        noted(name)
    return worked


@pytest.mark.parametrize("seed", range(2))
def test_after_any_changes_the_tables_are_those_that_are_made_whole(
    seed: int, tmp_path: Path, anew: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else so few users are all clustered.
    monkeypatch.setattr(assets, "MOST_CLUSTERED_ANEW", 1.0)
    random = np.random.default_rng(seed)
    tweets, last = tweets_of(random, range(DAYS), 1), DAYS
    home = home_of(tmp_path / "home", tweets)
    assert lake.read(home, CATALOGUE["tweets/user_anchors"]).collect().height > USERS / 2
    assert lake.read(home, CATALOGUE["tweets/student_homes"]).collect().height
    for step in range(3):
        anew.clear()
        # Some changes are made up for by one run.
        for _ in range(int(random.integers(1, 3))):
            tweets, last = changed(random, tweets, last)
        give(home, LOCATED.name, tweets)
        make(home, f"step {step}")
        assert anew == {*ANEW}
        assert_same(home, home_of(tmp_path / f"whole {step}", tweets))


def test_where_a_day_brings_a_term_all_anchors_are_made_anew(tmp_path: Path, anew: set[str]) -> None:
    random = np.random.default_rng(9)
    tweets = tweets_of(random, range(14), 1)
    home = home_of(tmp_path / "home", tweets)
    tweets = pl.concat([tweets, tweets_of(random, range(14, 15), 10_000)])
    give(home, LOCATED.name, tweets)
    make(home, "one more day")
    # Most users were seen on that day, so that all are clustered.
    assert anew == {"_described_anew"}
    assert_same(home, home_of(tmp_path / "whole", tweets))


def test_anchors_are_all_made_anew_where_addresses_are_others(tmp_path: Path, anew: set[str]) -> None:
    tweets = tweets_of(np.random.default_rng(9), range(DAYS), 1)
    home = home_of(tmp_path / "home", tweets)
    others = addresses().with_columns(pl.lit("commercial").alias("class"))
    give(home, "reference/addresses", others)
    make(home, "other addresses")
    assert "_anchored_anew" not in anew
