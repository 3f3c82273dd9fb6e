"""From anchors to residences, moves, flows and the comparison with official estimates."""

import string
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.parameters.tweets import MigrationFlowParameters, MoveParameters
from ons_assets.tweets.anchors import tweet_stays, user_anchors, user_commutes
from ons_assets.tweets.cluster_types import cluster_types
from ons_assets.tweets.collection_gaps import collection_coverage, collection_gaps, outages_of
from ons_assets.tweets.migration_comparison import compare_areas, compare_pairs, totals_by_area
from ons_assets.tweets.migration_flows import migration_flows, users_at_risk
from ons_assets.tweets.residences import moves, residences, second_residences, student_homes

PLACES = {0: ("A", 0.0), 1: ("B", 30_000.0), 2: ("A", 400.0), 3: ("C", 60_000.0)}


def homes(*spells, confidence=0.95):
    """(user, cluster, from, to) as anchors."""
    return pl.DataFrame(
        [
            (user, cluster, "home", start, end, confidence, 20, PLACES[cluster][0], PLACES[cluster][1], 0.0)
            for user, cluster, start, end in spells
        ],
        schema={
            "user": pl.Int64(), "cluster": pl.Int32(), "anchor": pl.String(), "from": pl.Date(), "to": pl.Date(),
            "confidence": pl.Float64(), "evidence_days": pl.Int32(), "area": pl.String(),
            "easting_m": pl.Float64(), "northing_m": pl.Float64(),
        },
        orient="row",
    )  # fmt: skip


def tweets_in(*months):
    return pl.DataFrame(
        {"user": [1] * len(months), "month": list(months)}, schema={"user": pl.Int64(), "month": pl.Date()}
    )


# --- residences ----------------------------------------------------------------------------------------


def test_a_month_without_tweets_keeps_the_home():
    lived = residences(
        homes((1, 0, date(2014, 1, 5), date(2014, 4, 20))), tweets_in(date(2014, 1, 1), date(2014, 4, 1))
    )
    assert lived["month"].dt.month().to_list() == [1, 2, 3, 4]
    assert lived["is_observed"].to_list() == [True, False, False, True]
    assert lived["area"].unique().to_list() == ["A"]


def test_a_silent_month_between_two_homes_has_none():
    anchors = homes((1, 0, date(2014, 1, 5), date(2014, 2, 20)), (1, 1, date(2014, 4, 10), date(2014, 6, 1)))
    lived = residences(anchors, tweets_in())
    assert lived.select(pl.col("month").dt.month(), "area").rows() == [(1, "A"), (2, "A"), (4, "B"), (5, "B"), (6, "B")]


def test_in_the_month_of_a_move_the_longer_home_counts():
    anchors = homes((1, 0, date(2014, 1, 5), date(2014, 3, 9)), (1, 1, date(2014, 3, 10), date(2014, 6, 1)))
    lived = residences(anchors, tweets_in())
    assert lived.select("user", "month").is_unique().all()
    assert lived.filter(pl.col("month") == date(2014, 3, 1))["area"].to_list() == ["B"]


def test_the_coverage_of_the_collector_goes_along():
    coverage = pl.DataFrame({"day": [date(2014, 1, 1), date(2014, 1, 2)], "share_covered": [1.0, 0.5]})
    lived = residences(homes((1, 0, date(2014, 1, 5), date(2014, 2, 20))), tweets_in(), coverage)
    assert lived["month_coverage"].to_list() == [0.75, 1.0]


# --- moves ---------------------------------------------------------------------------------------------


def test_a_move_has_its_date_between_the_two_homes():
    anchors = homes((1, 0, date(2014, 1, 5), date(2014, 3, 1)), (1, 1, date(2014, 3, 11), date(2014, 6, 1)))
    row = moves(anchors).row(0, named=True)
    assert (row["from_area"], row["to_area"], row["moved_on"]) == ("A", "B", date(2014, 3, 6))
    assert (row["not_before"], row["not_after"]) == (date(2014, 3, 1), date(2014, 3, 11))
    assert row["distance_km"] == pytest.approx(30)
    assert row["persistence_days"] == 83
    assert row["confidence"] == pytest.approx(0.95**2)
    assert not row["is_return"]


def test_short_stays_near_homes_and_unsure_ones_are_no_moves():
    early, late = (date(2014, 1, 5), date(2014, 3, 1)), (date(2014, 3, 11), date(2014, 6, 1))
    assert moves(homes((1, 0, *early), (1, 2, *late))).is_empty()
    assert moves(homes((1, 0, *early), (1, 1, date(2014, 3, 11), date(2014, 3, 15)))).is_empty()
    assert moves(homes((1, 0, *early), (1, 1, *late), confidence=0.5)).is_empty()
    assert len(moves(homes((1, 0, *early), (1, 2, *late)), MoveParameters(shortest_km=0.1))) == 1


def test_a_visit_too_short_to_count_does_not_hide_that_nothing_changed():
    spells = [
        (1, 0, date(2014, 1, 5), date(2014, 3, 1)),
        (1, 1, date(2014, 3, 11), date(2014, 3, 15)),
        (1, 0, date(2014, 3, 20), date(2014, 6, 1)),
    ]
    assert moves(homes(*spells)).is_empty()


def test_who_keeps_the_old_home_has_not_moved_and_has_a_second_one():
    changed = homes((1, 0, date(2014, 1, 5), date(2014, 3, 1)), (1, 1, date(2014, 3, 11), date(2014, 6, 1)))
    kept = homes((1, 0, date(2014, 3, 20), date(2014, 5, 25))).with_columns(anchor=pl.lit("second_home"))
    before = homes((1, 1, date(2014, 1, 7), date(2014, 2, 20))).with_columns(anchor=pl.lit("second_home"))
    assert len(moves(changed)) == 1
    assert moves(pl.concat([changed, kept])).is_empty()
    # To move to what was a second home before is to move.
    assert len(moves(pl.concat([changed, before]))) == 1
    second = second_residences(pl.concat([changed, kept, before]))
    assert second.select("cluster", "home_cluster", "home_area", "distance_km").rows() == [
        (1, 0, "A", 30.0),
        (0, 1, "B", 30.0),
    ]
    assert residences(pl.concat([changed, kept]), tweets_in()).equals(residences(changed, tweets_in()))


def test_going_back_is_a_return():
    spells = [
        (1, 0, date(2014, 1, 5), date(2014, 3, 1)),
        (1, 1, date(2014, 3, 11), date(2014, 6, 1)),
        (1, 0, date(2014, 6, 5), date(2014, 9, 1)),
    ]
    assert moves(homes(*spells))["is_return"].to_list() == [False, True]


# --- flows ---------------------------------------------------------------------------------------------


def population(**people):
    return pl.DataFrame({"area": list(people), "population": list(people.values())})


def world(n_stay=90, n_move=10):
    stay = [(user, 0, date(2014, 1, 1), date(2014, 6, 30)) for user in range(n_stay)]
    go = [
        spell
        for user in range(n_stay, n_stay + n_move)
        for spell in ((user, 0, date(2014, 1, 1), date(2014, 3, 31)), (user, 1, date(2014, 4, 1), date(2014, 6, 30)))
    ]
    anchors = homes(*stay, *go)
    return moves(anchors), residences(anchors, tweets_in())


def test_users_at_risk_are_those_seen_in_two_months():
    risk = users_at_risk(world()[1])
    assert risk.filter(pl.col("month") == date(2014, 4, 1)).select("area", "users").rows() == [("A", 100)]
    assert risk.filter(pl.col("month") == date(2014, 5, 1)).select("area", "users").rows() == [("A", 90), ("B", 10)]
    assert date(2014, 1, 1) not in risk["month"].to_list()


def test_a_mover_counts_for_the_people_of_the_area_of_origin():
    moved, lived = world()
    flows = migration_flows(moved, lived, population(A=5_000, B=3_000))
    # The first day of April begins the new home: the date of the move is the last day of March.
    month = flows.filter(period_type="month").row(0, named=True)
    assert (month["period"], month["origin"], month["destination"]) == ("2014-03", "A", "B")
    assert month["flow"] == pytest.approx(10 * 5_000 / 100)
    assert month["flow_low"] < month["flow"] < month["flow_high"]
    # Over the year 96 users are at risk in the mean of the months.
    assert flows.filter(period_type="year")["flow"].to_list() == [pytest.approx(10 * 5_000 / 96)]


def test_users_who_are_seen_too_little_count_neither_as_movers_nor_at_risk():
    moved, lived = world()
    some = pl.DataFrame({"user": [*range(40), *range(90, 95)]})
    flows = migration_flows(moved, lived, population(A=4_500, B=3_000), users=some)
    assert flows.filter(period_type="month").select("movers", "flow").rows() == [(5, pytest.approx(5 * 4_500 / 45))]


def test_the_flow_of_a_year_does_not_tell_in_which_months_people_moved():
    stay = [(user, 0, date(2014, 1, 1), date(2014, 8, 31)) for user in range(40)]
    flows = []
    for april, july in ((3, 1), (1, 3)):
        leave = [date(2014, 3, 31)] * april + [date(2014, 6, 30)] * july
        go = [
            spell
            for user, last in enumerate(leave, start=50)
            for spell in ((user, 0, date(2014, 1, 1), last), (user, 1, last + timedelta(1), date(2014, 8, 31)))
        ]
        # As many are seen in each month, wherever it is that they live.
        fill = [(60 + user, 0, last + timedelta(1), date(2014, 8, 31)) for user, last in enumerate(leave)]
        anchors = homes(*stay, *go, *fill)
        found = migration_flows(moves(anchors), residences(anchors, tweets_in()), population(A=5_000, B=3_000))
        flows.append(found.filter(period_type="year").select("movers", "flow", "flow_low", "flow_high").row(0))
    assert flows[0] == pytest.approx(flows[1], rel=0.03)


def test_areas_with_few_users_are_weighed_together():
    anchors = homes(
        *((user, 0, date(2014, 1, 1), date(2014, 3, 31)) for user in range(4)),
        *((user, 1, date(2014, 1, 1), date(2014, 3, 31)) for user in range(10, 12)),
        (4, 0, date(2014, 1, 1), date(2014, 2, 10)),
        (4, 1, date(2014, 2, 11), date(2014, 3, 31)),
    )
    flows = migration_flows(
        moves(anchors),
        residences(anchors, tweets_in()),
        population(A=1_000, B=1_000),
        MigrationFlowParameters(fewest_users=7),
    )
    assert flows.filter(period_type="month")["flow"].to_list() == [pytest.approx(2_000 / 7)]


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.lists(st.integers(500, 900), min_size=6, max_size=6, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_flow_and_movers_tell_of_no_area_how_few_users_it_has(users, people):
    """Population over flow by mover is the number of users of an area, or of those that are weighed together."""
    areas = string.ascii_uppercase[: len(users)]
    home_of = dict(enumerate(area for area, n in zip(areas, users, strict=True) for _ in range(n + 1)))
    movers = {home: user for user, home in home_of.items()}
    lived = pl.DataFrame(
        [(user, date(2014, month, 1), home) for user, home in home_of.items() for month in (1, 2)],
        schema=["user", "month", "area"],
        orient="row",
    )
    moved = pl.DataFrame(
        [(user, home, "elsewhere", date(2014, 2, 11)) for home, user in movers.items()],
        schema=["user", "from_area", "to_area", "moved_on"],
        orient="row",
    )
    population_of = dict(zip(areas, people, strict=False))
    flows = migration_flows(moved, lived, population(**population_of))
    assert flows["origin"].n_unique() == (len(users) if len(home_of) >= 10 else 0), "none is lost for it"
    month = flows.filter(period_type="month").with_columns(people_by_user=pl.col("flow") / pl.col("movers"))
    for _, same in month.group_by(pl.col("people_by_user").round(9)):
        [by_user] = same["people_by_user"].round(9).unique()
        assert sum(population_of[area] for area in same["origin"].unique()) / by_user >= 10 - 1e-6


def test_a_gap_over_two_months_is_in_the_intervals_of_both():
    """Of what moves in it all is counted in the middle: one month has too few moves, and the next too many."""
    down_from, down_to = date(2014, 3, 18), date(2014, 4, 20)
    outage = {
        "for_source": ["tweets"],
        "began_utc": [datetime(2014, 3, 18, tzinfo=UTC)],
        "ended_utc": [datetime(2014, 4, 20, tzinfo=UTC)],
        "backfilled_from_utc": [None],
    }
    lasting = pl.LazyFrame(outage, schema_overrides={"backfilled_from_utc": pl.Datetime("us", "UTC")})
    recorded = outages_of(lasting, "tweets")
    gaps = collection_gaps(pl.Series([], dtype=pl.Datetime("us", "UTC")), outages=recorded)
    days = pl.date_range(date(2014, 1, 1), date(2014, 7, 31), eager=True)
    spells = [(user, 0, date(2014, 1, 1), date(2014, 7, 31)) for user in range(3_000)]
    for number in range(120 * 5):
        moved = date(2014, 2, 1) + timedelta(number // 5)
        seen_until, seen_from = moved - timedelta(1), moved
        if down_from <= moved < down_to:
            seen_until, seen_from = down_from - timedelta(1), down_to
        user = 5_000 + number
        spells += [(user, 0, date(2014, 1, 1), seen_until), (user, 1, seen_from, date(2014, 7, 31))]
    anchors = homes(*spells)
    found = {}
    for name, known in (("told", gaps), ("not told", gaps.clear())):
        lived = residences(anchors, tweets_in(), collection_coverage(known, days))
        parameters = MigrationFlowParameters(bias_by_area=0.1)
        flows = migration_flows(moves(anchors), lived, population(A=36_000, B=5_000), parameters)
        found[name] = {row["period"]: row for row in flows.to_dicts() if row["origin"] == "A"}
    for month, people in (("2014-03", 31 * 5 * 10), ("2014-04", 30 * 5 * 10)):
        told, untold = found["told"][month], found["not told"][month]
        assert told["flow"] == untold["flow"]
        assert not untold["flow_low"] <= people <= untold["flow_high"], "so wrong is the month"
        assert told["flow_low"] <= people <= told["flow_high"]
    for name in ("flow_low", "flow_high"):
        assert found["told"]["2014-02"][name] == found["not told"]["2014-02"][name], "of which nothing is missing"
    assert found["told"]["2014"]["flow_high"] > found["not told"]["2014"]["flow_high"]


def test_age_divides_users_and_population_alike():
    moved, lived = world()
    known = pl.DataFrame(
        {"user": range(100), "age": ["young" if user < 80 else "old" for user in range(100)], "sex": "all"}
    ).with_columns(probability=pl.lit(1.0))
    people = pl.DataFrame({"area": ["A", "A"], "age": ["young", "old"], "population": [800.0, 4_200.0]})
    flows = migration_flows(moved, lived, people, demographics=known)
    # All ten who moved are among the 20 old ones, who stand for 4,200 people.
    month = flows.filter(period_type="month").row(0, named=True)
    assert month["weighted_by"] == "area, age"
    assert month["flow"] == pytest.approx(10 * 4_200 / 20, rel=0.1)
    by_area = migration_flows(moved, lived, people).filter(period_type="month")
    assert by_area["flow"].to_list() == [pytest.approx(10 * 5_000 / 100)]


# --- comparison ----------------------------------------------------------------------------------------


def flows_of(**pairs):
    rows = [(name[0], name[1], float(flow)) for name, flow in pairs.items()]
    return pl.DataFrame(rows, schema=["origin", "destination", "flow"], orient="row")


def test_equal_flows_agree_in_every_measure():
    flows = flows_of(AB=10, BA=5, AC=7, CB=2)
    measures = compare_pairs(flows, flows)
    assert {name: measures[name] for name in ("n", "rmse", "cpc", "total_ratio")} == {
        "n": 4.0,
        "rmse": 0.0,
        "cpc": 1.0,
        "total_ratio": 1.0,
    }
    assert [measures[name] for name in ("correlation", "correlation_log", "spearman")] == pytest.approx([1, 1, 1])


def test_a_pair_that_one_lacks_is_zero_there():
    measures = compare_pairs(flows_of(AB=10), flows_of(AB=10, BA=10))
    assert measures["cpc"] == pytest.approx(2 / 3)
    assert measures["total_ratio"] == 0.5
    assert np.isnan(measures["correlation"])


def test_totals_bias_and_student_towns():
    estimate = totals_by_area(flows_of(AB=10, CB=20, BA=6))
    assert estimate.filter(area="B").select("direction", "moves").rows() == [("in", 30.0), ("out", 6.0)]
    official = estimate.with_columns(moves=pl.col("moves") * pl.col("area").replace_strict({"A": 1, "B": 2, "C": 4}))
    found = compare_areas(
        estimate,
        official,
        penetration=pl.DataFrame({"area": ["A", "B", "C"], "penetration": [9.0, 5.0, 1.0]}),
        student_share=pl.DataFrame({"area": ["B"], "student_share": [0.2]}),
    )
    ratios = dict(found.areas.filter(direction="out").select("area", "ratio").rows())
    assert ratios == {"A": 1.0, "B": 0.5, "C": 0.25}
    assert found.areas.filter("is_student_area")["area"].unique().to_list() == ["B"]
    assert found.by_penetration["ratio"].is_sorted()


def test_the_layout_of_the_official_tables(shared_data):
    official = pl.read_csv(shared_data / "geo" / "migration" / "internal_migration_by_age.csv.gz").filter(
        (pl.col("area_type") == "PUA") & (pl.col("period") == "2015-2019") & (pl.col("age") == "all")
    )
    students = official.select("area", "direction", "moves")
    half = students.with_columns(pl.col("moves") / 2)
    found = compare_areas(half, students)
    assert len(found.areas) == len(students) > 100
    assert found.measures.filter(measure="total_ratio")["value"].to_list() == [pytest.approx(0.5)]


# --- places --------------------------------------------------------------------------------------------


def life(user=1, days=60):
    """A home at (0, 0), an office at (5000, 0) and the times of tweets there."""
    start = datetime(2014, 9, 1, tzinfo=UTC)
    rows = [(user, 0, start + timedelta(days=day, hours=20)) for day in range(days)]
    rows += [(user, 1, start + timedelta(days=day, hours=10)) for day in range(days) if day % 7 < 5]
    tweets = pl.DataFrame(rows, schema=["user", "cluster", "created_utc"], orient="row")
    clusters = pl.DataFrame(
        {
            "user": [user, user], "cluster": [0, 1], "is_valid": [True, True], "area": ["A", "B"],
            "easting_m": [0.0, 5_000.0], "northing_m": [0.0, 0.0],
        }
    ).cast({"cluster": pl.Int32()})  # fmt: skip
    return tweets.cast({"cluster": pl.Int32()}), clusters, pl.DataFrame({"user": [user], "user_kind": ["person"]})


ADDRESSES = pl.DataFrame(
    {
        "uprn": [1, 2, 3],
        "easting_m": [10.0, 5_010.0, 9e5],
        "northing_m": [0.0, 0.0, 0.0],
        "class": ["residential", "education", "other"],
        "postcode": ["A1 1AA", "B1 1BB", None],
    }
)


def test_types_and_anchors_of_a_student():
    tweets, clusters, users = life()
    types = cluster_types(clusters, ADDRESSES)
    assert types.select("type", "postcode", "address_distance_m", "area").rows() == [
        ("residential", "A1 1AA", 10.0, "A"),
        ("education", "B1 1BB", 10.0, "B"),
    ]
    anchors = user_anchors(tweet_stays(tweets, clusters, users, types), clusters)
    assert anchors.select("anchor", "area").rows() == [("home", "A"), ("study", "B")]
    commute = user_commutes(anchors).row(0, named=True)
    assert (commute["purpose"], commute["home_area"], commute["destination_area"]) == ("study", "A", "B")
    assert commute["distance_km"] == pytest.approx(5)


def test_machines_have_no_anchors():
    tweets, clusters, users = life()
    stays = tweet_stays(tweets, clusters, users.with_columns(user_kind=pl.lit("bot")))
    assert user_anchors(stays, clusters).is_empty()


def test_liverpool_by_the_addresses_of_its_sales(shared_data):
    """Sales of homes stand in for residential addresses; they are at postcodes, so the radius is wide."""
    sales = pl.read_csv(shared_data / "geo" / "address" / "liverpool_price_paid_2014.csv.gz").unique("postcode")
    addresses = sales.select(
        uprn=pl.int_range(pl.len()),
        easting_m=pl.col("easting").cast(pl.Float64()),
        northing_m=pl.col("northing").cast(pl.Float64()),
        **{"class": pl.lit("residential")},
        postcode="postcode",
    )
    clusters = addresses.select(
        "northing_m",
        user=pl.lit(1),
        cluster="uprn",
        is_valid=pl.lit(True),
        easting_m=pl.col("easting_m") + 30,
        area=pl.lit("E08000012"),
    )
    types = cluster_types(clusters, addresses)
    assert (types["type"] == "residential").all()
    assert (types["address_distance_m"] <= 30).all()


def test_students_have_a_term_time_and_a_vacation_home():
    start = date(2014, 9, 20)
    terms = [(start, date(2014, 12, 12))]
    rows = [(1, 0, day, 21) for day in range(84)]
    rows += [(1, 1, day, 11) for day in range(84) if (start + timedelta(day)).weekday() < 5]
    rows += [(1, 2, day, 21) for day in range(84, 110)]
    stays = pl.DataFrame(
        [
            (user, datetime.combine(start, datetime.min.time()) + timedelta(days=day, hours=hour), cluster)
            for user, cluster, day, hour in rows
        ],
        schema=["user", "start", "place"],
        orient="row",
    ).with_columns(
        pl.col("place").cast(pl.Int32()),
        end=pl.col("start"),
        address_class=pl.col("place").replace_strict({0: "residential", 1: "education", 2: "residential"}),
    )
    clusters = pl.DataFrame(
        {
            "user": [1] * 3,
            "cluster": [0, 1, 2],
            "area": ["T", "T", "F"],
            "easting_m": [0.0, 9.0, 1e5],
            "northing_m": [0.0] * 3,
        }
    ).cast({"cluster": pl.Int32()})
    found = student_homes(stays, clusters, terms).row(0, named=True)
    assert (found["study_area"], found["term_area"], found["vacation_area"]) == ("T", "T", "F")
    assert found["lives_away"]
