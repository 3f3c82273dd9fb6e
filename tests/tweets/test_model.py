"""Located tweets, gaps, users and the three-level model."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_assets.geography.areas import Areas
from ons_assets.geography.national_grid import from_national_grid, to_national_grid
from ons_assets.parameters.tweets import ClusterParameters, UserParameters
from ons_assets.tweets.clustering import cluster, recluster
from ons_assets.tweets.collection_gaps import collection_coverage, collection_gaps, outages_of
from ons_assets.tweets.locating import locate
from ons_assets.tweets.users import describe_users
from tests.tweets.statuses import PORTSMOUTH, status, tweet_id

START = datetime(2014, 9, 1, tzinfo=UTC)
AREAS = Areas(
    pl.DataFrame({"area": ["E1", "E2"], "easting_m": [465_000.0, 475_000.0], "northing_m": [101_000.0, 101_000.0]})
)


def located(rows):
    """(user, minutes after the start, easting, northing[, application]) as rows of located tweets."""
    frame = pl.DataFrame(
        [(index, *row, *(["mobile"] if len(row) == 4 else [])) for index, row in enumerate(rows)],
        schema=["tweet_id", "user", "minutes", "easting_m", "northing_m", "application"],
        orient="row",
        schema_overrides={"easting_m": pl.Float64(), "northing_m": pl.Float64(), "minutes": pl.Float64()},
    )
    moment = pl.lit(START).cast(pl.Datetime("us", "UTC")) + pl.duration(seconds=pl.col("minutes") * 60)
    return frame.with_columns(created_utc=moment).with_columns(
        local_date=pl.col("created_utc").dt.date(),
        day_of_week=pl.col("created_utc").dt.weekday(),
        hour=pl.col("created_utc").dt.hour(),
        month=pl.col("created_utc").dt.date().dt.month_start(),
    )


# --- located ---------------------------------------------------------------------------------------


def test_local_time_grid_and_area(parse):
    raw = parse(status(datetime(2014, 7, 6, 23, 30, tzinfo=UTC))).accepted
    row = locate(raw, AREAS).tweets.row(0, named=True)
    assert (row["local_date"], row["day_of_week"], row["hour"]) == (date(2014, 7, 7), 1, 0)
    assert row["month"] == date(2014, 7, 1)
    easting, northing = to_national_grid(*PORTSMOUTH)
    assert (row["easting_m"], row["northing_m"]) == (easting, northing)
    assert (row["area"], row["area_method"]) == ("E1", "nearest_centre")


def test_every_row_is_located_or_left_out_with_a_reason(parse):
    moment = datetime(2015, 3, 1, 12, tzinfo=UTC)
    ids = [str(tweet_id(moment + timedelta(minutes=minute))) for minute in range(8)]
    tweets = [status(moment + timedelta(minutes=minute)) for minute in range(8)]
    tweets[1]["geo"] = tweets[1]["coordinates"] = None
    tweets[2]["retweeted_status"] = status(moment)
    tweets[3] = status(moment + timedelta(minutes=3), position=(55.5, 3.0))
    tweets[5]["edit_history"] = {"initial_tweet_id": ids[4]}
    notice = {"delete": {"status": {"id_str": ids[6], "user_id_str": "921666319"}, "timestamp_ms": "1425225600000"}}
    raw = parse(*tweets, notice).accepted
    found = locate(raw)
    assert [str(each) for each in found.tweets["tweet_id"]] == [ids[0], ids[5], ids[7]]
    assert dict(found.left_out.rows()) == {
        "a notice, not a tweet": 1,
        "a retweet": 1,
        "an earlier version or a repetition": 1,
        "deleted by its author": 1,
        "no position": 1,
        "outside Great Britain": 1,
    }
    assert found.left_out["tweets"].sum() + len(found.tweets) == len(raw)


def test_an_edited_tweet_counts_once_as_its_last_version_and_a_deletion_takes_all(parse):
    moment = datetime(2015, 3, 1, 12, tzinfo=UTC)
    first, second = status(moment), status(moment + timedelta(minutes=4), position=(51.5, -0.1))
    second["edit_history"] = {"initial_tweet_id": first["id_str"]}
    raw = parse(first, second).accepted
    assert [str(each) for each in locate(raw).tweets["tweet_id"]] == [second["id_str"]]
    gone = parse({"delete": {"status": {"id_str": first["id_str"], "user_id_str": "921666319"}}}).accepted
    assert locate(raw, notices=gone).tweets.is_empty()


def test_positions_that_an_author_withdrew(parse):
    moment = datetime(2015, 3, 1, 12, tzinfo=UTC)
    early, late = status(moment), status(moment + timedelta(hours=1))
    scrub = {"scrub_geo": {"user_id_str": "921666319", "up_to_status_id_str": early["id_str"]}}
    assert [str(each) for each in locate(parse(early, late, scrub).accepted).tweets["tweet_id"]] == [late["id_str"]]


def test_the_order_of_rows_makes_no_difference(parse):
    moment = datetime(2015, 3, 1, 12, tzinfo=UTC)
    raw = parse(*(status(moment + timedelta(minutes=minute), user=str(minute % 7)) for minute in range(60))).accepted
    assert locate(raw.sample(fraction=1, shuffle=True, seed=1), AREAS).tweets.equals(locate(raw, AREAS).tweets)


# --- gaps ------------------------------------------------------------------------------------------


def arrivals(days=28, per_hour=60, seed=0):
    generator = np.random.default_rng(seed)
    rate = per_hour * (1 + 0.8 * np.sin(np.arange(24) / 24 * 2 * np.pi))
    counts = generator.poisson(np.tile(rate, days))
    hour = np.repeat(np.arange(days * 24), counts)
    return np.sort(hour * 3_600 + generator.uniform(0, 3_600, len(hour)))


def times(seconds):
    return (
        (pl.Series((seconds * 1e6).astype(np.int64)) + int(START.timestamp() * 1e6))
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


@pytest.mark.parametrize("seed", range(5))
def test_no_gap_where_there_was_none(seed):
    assert collection_gaps(times(arrivals(seed=seed))).is_empty()


def recorded(*spans):
    """Outages that the collector recorded, in seconds since the start."""
    rows = [{"from_utc": START + timedelta(seconds=a), "to_utc": START + timedelta(seconds=b)} for a, b in spans]
    times_of = dict.fromkeys(("from_utc", "to_utc"), pl.Datetime("us", "UTC"))
    return pl.DataFrame(rows, schema=times_of)


def test_what_the_collector_recorded_is_a_gap_whatever_the_rate():
    day, hour = 86_400, 3_600
    found = collection_gaps(times(arrivals()), outages=recorded((3 * day, 3 * day + 60), (9 * day, 9 * day + hour)))
    assert found["gap_known_by"].to_list() == ["outages", "outages"]
    assert found["hours"].to_list() == [pytest.approx(1 / 60), pytest.approx(1)]
    assert (found["expected_tweets"] > 0).all()


def test_what_overlaps_is_one_gap():
    seconds, day = arrivals(), 86_400
    kept = seconds[(seconds < 5 * day) | (seconds > 6 * day)]
    [silence] = collection_gaps(times(kept)).rows(named=True)
    spans = (5 * day + 60, 5 * day + 120), (5.5 * day, 6.25 * day), (6.25 * day, 6.5 * day), (20 * day, 20 * day + 1)
    found = collection_gaps(times(kept), outages=recorded(*spans))
    assert found["gap_known_by"].to_list() == ["both", "outages"]
    assert found["from_utc"][0] == silence["from_utc"]
    assert found["to_utc"][0] == START + timedelta(days=6.5)
    lengths = (found["to_utc"] - found["from_utc"]).dt.total_microseconds() / 3.6e9
    assert found["hours"].to_list() == pytest.approx(lengths.to_list())
    covered = collection_coverage(found, pl.Series([date(2014, 9, 6), date(2014, 9, 7), date(2014, 9, 8)]))
    assert covered["share_covered"].to_list() == [pytest.approx(0, abs=0.01), 0.5, 1.0]


@pytest.mark.parametrize("seed", range(20))
def test_gaps_are_the_union_of_both_kinds(seed):
    """Against a plain reference: is each minute in a gap of either kind?"""
    draw, day = np.random.default_rng(seed), 86_400
    seconds = arrivals(seed=seed % 5)
    kept = seconds[(seconds < 5 * day) | (seconds > 5.5 * day)]
    starts = draw.uniform(4.5 * day, 6 * day, 12)
    spans = [(start, start + length) for start, length in zip(starts, draw.exponential(3_600, 12), strict=True)]
    each = [collection_gaps(times(kept)), recorded(*spans)]
    together = collection_gaps(times(kept), outages=recorded(*spans))
    moments = [START + timedelta(seconds=float(at)) for at in np.arange(4.4 * day, 6.5 * day, 97.3)]

    def within(gaps):
        pairs = gaps.select("from_utc", "to_utc").rows()
        return [any(a <= at <= b for a, b in pairs) for at in moments]

    assert within(together) == [a or b for a, b in zip(*map(within, each), strict=True)]
    assert (together["from_utc"][1:] > together["to_utc"][:-1]).all()


def test_without_tweets_what_was_recorded_is_still_a_gap():
    empty = pl.Series([], dtype=pl.Datetime("us", "UTC"))
    found = collection_gaps(empty, outages=recorded((0, 60)))
    assert found.rows() == [(START, START + timedelta(seconds=60), 1 / 60, 0.0, "outages")]
    assert collection_gaps(empty).is_empty()


def test_of_an_outage_what_was_had_later_is_no_gap():
    at = [START + timedelta(hours=each) for each in range(4)]
    rows = [
        {"for_source": source, "began_utc": at[0], "ended_utc": at[3], "backfilled_from_utc": since}
        for source, since in (("tweets", at[0]), ("tweets", at[1]), ("tweets", None), ("photographs", None))
    ]
    found = outages_of(pl.DataFrame(rows).lazy(), "tweets")
    assert found.rows() == [(at[0], at[1]), (at[0], at[3])]


def test_outages_are_found_with_their_ends():
    seconds = arrivals()
    down = [(5.2, 5.9), (12.0, 14.5), (20.4, 20.6)]
    kept = seconds[~np.any([(seconds > a * 86_400) & (seconds < b * 86_400) for a, b in down], axis=0)]
    found = collection_gaps(times(kept))
    assert len(found) == 3
    for (a, b), start, end in zip(down, found["from_utc"], found["to_utc"], strict=True):
        assert abs((start - START).total_seconds() - a * 86_400) < 900
        assert abs((end - START).total_seconds() - b * 86_400) < 900
    covered = collection_coverage(found, pl.Series([date(2014, 9, 1), date(2014, 9, 13), date(2014, 9, 14)]))
    assert covered["share_covered"].to_list() == [1.0, pytest.approx(0, abs=0.01), pytest.approx(0, abs=0.01)]


def test_a_quiet_stream_has_no_gaps_that_can_be_told():
    assert collection_gaps(times(arrivals(per_hour=0.5))).is_empty()
    assert collection_gaps(times(np.array([5.0]))).is_empty()


# --- users -----------------------------------------------------------------------------------------


def person(user, n=60, seed=0):
    generator = np.random.default_rng(seed + user)
    minutes = np.sort(generator.uniform(0, 60_000, n))
    return [(user, minute, *generator.normal(465_000, 300, 2)) for minute in minutes]


def test_machines_are_flagged_with_the_reason():
    generator = np.random.default_rng(2)
    rows = [
        *person(1),
        *((2, minute, 465_000.0, 101_000.0) for minute in range(0, 40_000, 900)),
        *((3, minute, 465_000.0, 101_000.0, "automated") for minute in range(0, 40_000, 900)),
        *((4, minute, *generator.uniform(3e5, 5e5, 2), "automated") for minute in range(0, 40_000, 900)),
        *(
            (5, day * 1_440 + second / 60, 465_000.0 + second, 1e5)
            for day in range(4)
            for second in range(0, 3_600, 60)
        ),
        *((6, hour * 60 + 10 * turn, 2e5 + 4e5 * turn, 1e5) for hour in range(20) for turn in range(2)),
        *((7, hour * 60 + 7, 465_000.0 + hour * 11, 1e5) for hour in range(40)),
        *((8, minute, 465_000.0, 101_000.0) for minute in range(5)),
    ]
    found = describe_users(located(rows))
    assert dict(found.select("user", "user_kind").rows()) == {
        1: "person", 2: "kiosk", 3: "business", 4: "bot", 5: "bot", 6: "bot", 7: "bot", 8: "person",
    }  # fmt: skip
    reasons = dict(found.select("user", "reason").rows())
    assert reasons[1] is None
    assert reasons[5] == "more tweets an hour than can be typed"
    assert reasons[6] == "faster than an airliner between tweets"
    assert reasons[7] == "at one minute of the hour"


def test_who_is_seen_too_little_is_taken_for_a_person():
    rows = [(1, minute, 465_000.0, 101_000.0) for minute in range(0, 40_000, 900)]
    assert describe_users(located(rows), UserParameters(fewest_tweets=1_000))["user_kind"].to_list() == ["person"]


# --- the three levels ----------------------------------------------------------------------------------


def crowd(seed, n=400, users=12):
    generator = np.random.default_rng(seed)
    user = generator.integers(0, users, n)
    place = generator.integers(0, 4, n)
    easting = 465_000 + user * 1_000 + place * 90 + generator.normal(0, 14, n)
    northing = 101_000 + generator.normal(0, 14, n)
    minutes = generator.uniform(0, 100_000, n)
    return located(list(zip(user.tolist(), minutes.tolist(), easting.tolist(), northing.tolist(), strict=True)))


def test_every_tweet_has_a_cluster_and_the_counts_agree():
    made = cluster(crowd(1), areas=AREAS)
    counted = made.tweets.group_by("user", "cluster").agg(counted=pl.len())
    joined = made.clusters.join(counted, on=["user", "cluster"], how="full", coalesce=True)
    assert (joined["tweets"] == joined["counted"]).all()
    assert made.clusters.select("user", "cluster").is_unique().all()
    assert made.clusters["area"].null_count() == 0
    noise = made.clusters.filter(~pl.col("is_valid"))
    assert (noise["tweets"] == 1).all()
    assert (made.clusters.filter("is_valid")["tweets"] >= 3).all()
    numbers = made.clusters.group_by("user").agg(pl.col("cluster").max() + 1 == pl.len())
    assert numbers["cluster"].all()


def test_valid_clusters_are_those_of_scikit_learn():
    from sklearn.cluster import DBSCAN

    tweets = crowd(2)
    made = cluster(tweets, ClusterParameters(eps_m=25, min_tweets=4))
    joined = tweets.join(made.tweets.select("tweet_id", "cluster"), on="tweet_id").join(
        made.clusters.select("user", "cluster", "is_valid"), on=["user", "cluster"]
    )
    for (_,), rows in joined.group_by("user"):
        ordered = rows.sort("created_utc", "tweet_id")
        labels = DBSCAN(eps=25, min_samples=4).fit_predict(ordered.select("easting_m", "northing_m").to_numpy())
        ours = ordered.select(pl.when("is_valid").then("cluster").otherwise(-1)).to_series().to_numpy()
        np.testing.assert_array_equal(ours, labels)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), split=st.floats(0, 1), dropped=st.integers(0, 5))
def test_a_new_day_gives_the_same_as_everything(seed, split, dropped):
    """Tweets come, and some that were there are deleted."""
    tweets = crowd(seed, n=150)
    known = tweets.sort("created_utc").head(int(split * len(tweets)))
    before = cluster(known, areas=AREAS)
    after = tweets.filter(~pl.col("tweet_id").is_in(known["tweet_id"].head(dropped).implode()))
    touched = pl.concat([known.join(after, on="tweet_id", how="anti"), after.join(known, on="tweet_id", how="anti")])
    touched = touched.select("user").unique()
    fresh = cluster(after.join(touched, on="user", how="semi"), areas=AREAS)
    updated, whole = recluster(before, touched, fresh), cluster(after, areas=AREAS)
    assert_frame_equal(updated.clusters, whole.clusters)
    assert_frame_equal(updated.tweets, whole.tweets)


def test_no_tweets_give_an_empty_model():
    made = cluster(crowd(1).clear(), areas=AREAS)
    assert made.clusters.is_empty()
    assert made.tweets.is_empty()
    assert made.clusters.columns == cluster(crowd(1), areas=AREAS).clusters.columns


def test_the_keys_hold_in_duckdb():
    tweets = crowd(4)
    made, users = cluster(tweets, areas=AREAS), describe_users(tweets)
    with duckdb.connect() as connection:
        connection.execute('create table users ("user" bigint primary key, user_kind varchar)')
        connection.execute(
            'create table clusters ("user" bigint references users, cluster integer, is_valid boolean, '
            'primary key ("user", cluster))'
        )
        connection.execute(
            'create table tweets (tweet_id bigint primary key, "user" bigint, cluster integer, '
            'foreign key ("user", cluster) references clusters ("user", cluster))'
        )
        for table, frame in {
            "users": users.select("user", "user_kind"),
            "clusters": made.clusters.select("user", "cluster", "is_valid"),
            "tweets": made.tweets.select("tweet_id", "user", "cluster"),
        }.items():
            connection.register("frame", frame.to_arrow())
            connection.execute(f"insert into {table} select * from frame")
            connection.unregister("frame")
        row = connection.execute(
            'select count(*) from tweets join clusters using ("user", cluster) join users using ("user")'
        ).fetchone()
        assert row == (len(tweets),)


def test_flickr_has_1639_clusters_and_27_percent_noise(source, shared_data, tmp_path):
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "flickr.yaml").write_text(
        "name: flickr\ncolumns: {user: user, time: date_taken, latitude: latitude, longitude: longitude}\n"
        "zone: Europe/London\nfirst_day: 1900-01-01\n"
    )
    path = shared_data / "geo" / "traces" / "liverpool_flickr.csv.gz"
    raw = source.whole(path, path.name, datetime.now(UTC)).accepted
    made = cluster(locate(raw).tweets)
    assert made.clusters["is_valid"].sum() == 1_639
    assert len(made.tweets) == 33_647
    assert (~made.clusters["is_valid"]).sum() / 33_647 == pytest.approx(0.271, abs=0.0005)


def test_centres_lie_where_their_tweets_do():
    made = cluster(crowd(6))
    first = made.clusters.filter("is_valid").row(0, named=True)
    latitude, longitude = from_national_grid([first["easting_m"]], [first["northing_m"]])
    assert 50 < latitude[0] < 52
    assert first["min_easting_m"] <= first["medoid_easting_m"] <= first["max_easting_m"]
    assert -2 < longitude[0] < 0
