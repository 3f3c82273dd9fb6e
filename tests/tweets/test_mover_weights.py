"""What a user who moves counts for: in a world of which everything is known, and in small cases with one answer."""

import itertools
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.flows.intervals import interval_of_partly_seen
from ons_assets.parameters.tweets import MigrationFlowParameters
from ons_assets.tweets.detection import fit_detection
from ons_assets.tweets.migration_flows import migration_flows
from ons_assets.tweets.mover_classes import Places, classes_of_movers
from ons_assets.tweets.pools import people_by_user, with_pools
from ons_assets.tweets.student_moves import MOVE, Study, student_moves

TERMS = [(date(2014, 1, 12), date(2014, 6, 12)), (date(2014, 9, 22), date(2014, 12, 12))]


# --- what is seen --------------------------------------------------------------------------------------


def test_what_is_seen_of_those_who_tweet_little_is_made_up_for():
    random = np.random.default_rng(3)
    activity = np.exp(random.normal(4, 1, 20_000)).round() + 1
    chance = 1 - np.exp(-((activity / 40) ** 1.5))
    seen = (random.random(20_000) < 0.3 * chance).astype(float)
    found = fit_detection(activity, seen)
    assert found.rate == pytest.approx(0.3, rel=0.03)
    assert found.seen(activity) == pytest.approx(chance, abs=0.04)
    assert np.sum(seen / found.seen(activity)) == pytest.approx(0.3 * 20_000, rel=0.03)


def test_of_too_few_events_nothing_is_concluded():
    found = fit_detection(np.array([1.0, 200.0]), np.array([0.0, 1.0]))
    assert found.seen(np.array([1.0, 5.0])).tolist() == [1.0, 1.0]


# --- who moves -----------------------------------------------------------------------------------------


def anywhere(moves):
    """All moves are between the same two areas."""
    return Places(np.zeros(moves, dtype=np.int64), np.ones(1), np.ones(1), 1.0)


def test_moves_tell_who_studies_and_of_which_age_those_are_who_move():
    """Young people move three times as often; a third of them study and move in two months of twelve."""
    random = np.random.default_rng(5)
    n = 30_000
    young = random.random(n) < 0.4
    studies = young & (random.random(n) < 1 / 3)
    rate = np.where(young, 0.006, 0.002)
    pace = np.zeros(12)
    pace[[5, 8]] = 0.6
    month, who = np.nonzero(random.random((12, n)) < np.where(studies, pace[:, None], rate))
    likely_young = np.where(random.random(n) < 0.8, young, ~young)
    chance = np.where(likely_young, 0.8 * 0.4 / (0.8 * 0.4 + 0.2 * 0.6), 0.2 * 0.4 / (0.2 * 0.4 + 0.8 * 0.6))
    groups = np.column_stack([chance, 1 - chance])
    at_risk = np.tile(groups.sum(axis=0), (12, 1))
    student_rate = np.column_stack([pace, np.zeros(12)])
    found = classes_of_movers(
        groups[who], pace[month], month, at_risk, student_rate, np.ones(len(who)), anywhere(len(who))
    )
    others = ~studies[who]
    assert found.student_share == pytest.approx([1 / 3, 0], abs=0.02)
    assert found.others[:, 0].sum() == pytest.approx(np.sum(others & young[who]), rel=0.15)
    assert found.others[:, 1].sum() == pytest.approx(np.sum(others & ~young[who]), rel=0.15)


def test_a_move_between_areas_in_which_nobody_studies_is_no_move_of_a_student_though_students_move_at_that_time():
    """A third of the users study, all in U; they move between U and the others in one month of twelve."""
    random = np.random.default_rng(6)
    areas, n = ["U", "A", "B", "C"], 20_000
    studies = random.random(n) < 1 / 3
    pace = np.zeros(12)
    pace[8] = 0.8
    month, who = np.nonzero(random.random((12, n)) < np.where(studies, pace[:, None], 0.02))
    ends = random.permuted(np.tile(areas, (len(who), 1)), axis=1)[:, :2]
    ends[studies[who], 1] = "U"
    ends[studies[who] & (ends[:, 0] == "U"), 0] = "A"
    moves = pl.DataFrame(ends, schema=["from_area", "to_area"], orient="row")
    is_found = studies[who] & (random.random(len(who)) < 0.3)
    people = pl.DataFrame({"area": areas, "population": [4.0, 5, 5, 6], "students": [3.0, 0, 0, 0]})
    places = Places.between(moves.filter(~is_found), moves.filter(is_found).with_columns(seen=pl.lit(1.0)), people)
    unfound, at_risk = ~is_found, np.full((12, 1), n - is_found.sum(), dtype=float)
    rest = month[unfound]
    found = classes_of_movers(
        np.ones((len(rest), 1)), pace[rest], rest, at_risk, pace[:, None], np.ones(len(rest)), places
    )
    others, truly = found.others[:, 0], ~studies[who][unfound]
    far_from_u = ~(ends == "U").any(axis=1)[unfound]
    in_their_month = rest == 8
    assert others[far_from_u & in_their_month].min() > 0.9
    at_u = ~far_from_u & in_their_month
    assert others[at_u].sum() == pytest.approx(truly[at_u].sum(), rel=0.3)
    assert others.sum() == pytest.approx(truly.sum(), rel=0.1)


def test_where_nobody_studies_every_move_is_of_another():
    found = classes_of_movers(
        np.ones((4, 1)), np.zeros(4), np.arange(4), np.full((4, 1), 100.0), np.zeros((4, 1)), np.ones(4), anywhere(4)
    )
    assert found.others.ravel().tolist() == [1.0] * 4
    assert found.student_share.tolist() == [0.0]


# --- students ------------------------------------------------------------------------------------------


def campus(users, area, first=date(2014, 1, 20), last=date(2014, 12, 1)):
    return [(user, area, first, last) for user in users]


def study_of(*places):
    schema = {"user": pl.Int64(), "area": pl.String(), "from": pl.Date(), "to": pl.Date()}
    return Study(pl.DataFrame([row for rows in places for row in rows], schema=schema, orient="row"), TERMS)


def moves_of(*rows):
    return pl.DataFrame(rows, schema=MOVE, orient="row")


STUDENTS = pl.DataFrame({"area": ["U", "V"], "students": [600.0, 90.0]})


def test_a_student_stands_for_the_students_of_the_term_that_the_move_ends_or_begins():
    study = study_of(campus(range(20), "U"), campus(range(20, 30), "U", last=date(2014, 6, 1)))
    moved = moves_of((25, "U", "A", date(2014, 6, 18)), (3, "A", "U", date(2014, 9, 20)))
    found = dict(student_moves(moved, study, STUDENTS, 10).select("user", "weight").rows())
    # Thirty were seen in spring, twenty in autumn.
    assert found == {25: 600 / 30, 3: 600 / 20}


def test_areas_of_few_students_are_weighed_together():
    study = study_of(campus(range(8), "U"), campus(range(8, 12), "V"))
    moved = moves_of((1, "U", "A", date(2014, 6, 18)), (9, "V", "A", date(2014, 6, 18)))
    weights = student_moves(moved, study, STUDENTS, 10)["weight"].to_list()
    assert weights == [pytest.approx(690 / 12)] * 2
    assert student_moves(moved, study, STUDENTS, 13).is_empty()


def test_all_students_move_when_all_who_are_found_do_however_few_they_are():
    study = study_of(campus(range(15), "U"))
    moved = moves_of(*((user, "U", "A" if user % 3 else "B", date(2014, 6, 18)) for user in range(15)))
    assert student_moves(moved, study, STUDENTS, 10)["weight"].sum() == pytest.approx(600)


# --- flows ---------------------------------------------------------------------------------------------


def country(seed=1, n=12_000):
    """People of four areas of whom the young tweet four times as often, and move four times as often, as the old."""
    random = np.random.default_rng(seed)
    area = random.choice(["A", "B", "C", "D"], n, p=[0.4, 0.3, 0.2, 0.1])
    young = random.random(n) < np.where(area == "A", 0.2, 0.4)
    tweets = random.random(n) < np.where(young, 0.4, 0.1)
    month = random.integers(1, 13, n)
    moves = random.random(n) < np.where(young, 0.4, 0.1)
    to = np.array(["A", "B", "C", "D"])[(np.searchsorted(["A", "B", "C", "D"], area) + random.integers(1, 4, n)) % 4]
    people = pl.DataFrame(
        {
            "user": np.arange(n),
            "area": area,
            "age": np.where(young, "young", "old"),
            "tweets": tweets,
            "moves": moves,
            "to": to,
            "month": month,
        }
    )
    users = people.filter("tweets")
    dates = [date(2014, number, 1) for number in range(1, 13)]
    lived = (
        users.join(pl.DataFrame({"at": dates}), how="cross")
        .with_columns(is_there=pl.col("moves") & (pl.col("at").dt.month() > pl.col("month")))
        .select("user", month="at", area=pl.when("is_there").then("to").otherwise("area"))
    )
    moved = users.filter(pl.col("moves") & (pl.col("month") > 1)).select(
        "user", from_area="area", to_area="to", moved_on=pl.date(2014, pl.col("month"), 15)
    )
    true = people.filter(pl.col("moves") & (pl.col("month") > 1)).group_by(origin="area", destination="to").len("true")
    population = (
        people.group_by("area", "age").agg(population=pl.len().cast(pl.Float64())).with_columns(sex=pl.lit("all"))
    )
    known = users.select("user", "age", sex=pl.lit("all"), probability=pl.lit(1.0))
    return moved, lived, population, known, true


def of_year(flows):
    return flows.filter(period_type="year", who="all")


def test_flows_by_age_are_right_where_flows_by_area_are_far_too_high():
    moved, lived, population, known, true = country()
    total = true["true"].sum()
    by_area = of_year(migration_flows(moved, lived, population))
    by_age = of_year(migration_flows(moved, lived, population, demographics=known))
    assert by_area["flow"].sum() > 1.4 * total
    assert by_age["flow"].sum() == pytest.approx(total, rel=0.1)
    assert by_area["weighted_by"].unique().to_list() == ["area"]
    assert by_age["weighted_by"].unique().to_list() == ["area, age"]
    inside = by_age.join(true, on=["origin", "destination"]).select(pl.col("true").is_between("flow_low", "flow_high"))
    assert inside.to_series().all()


def test_chances_of_ages_do_as_well_as_ages():
    moved, lived, population, known, true = country()
    random = np.random.default_rng(2)
    taken_for = known.with_columns(
        seen=pl.when(pl.Series(random.random(len(known)) < 0.85))
        .then("age")
        .otherwise(pl.col("age").replace_strict({"young": "old", "old": "young"}))
    )
    # By Bayes, from how often the classifier is right.
    shares = (
        taken_for.group_by("seen", "age")
        .len()
        .with_columns(probability=pl.col("len") / pl.col("len").sum().over("seen"))
    )
    chances = (
        taken_for.select("user", "sex", "seen").join(shares, on="seen").select("user", "age", "sex", "probability")
    )
    flows = of_year(migration_flows(moved, lived, population, demographics=chances))
    assert flows["flow"].sum() == pytest.approx(true["true"].sum(), rel=0.15)


def test_a_flow_by_its_movers_is_a_factor_of_its_origin_and_one_of_its_destination():
    """So what the few who make one flow are like cannot be told from it: the factors are of ten movers or more."""
    moved, lived, population, known, _ = country()
    flows = of_year(migration_flows(moved, lived, population, demographics=known))
    by_user = {(row["origin"], row["destination"]): row["flow"] / row["movers"] for row in flows.iter_rows(named=True)}
    assert len(by_user) == 12
    for one, other in itertools.combinations("ABCD", 2):
        third, fourth = [area for area in "ABCD" if area not in (one, other)]
        crossed = by_user[one, fourth] * by_user[other, third]
        assert by_user[one, third] * by_user[other, fourth] == pytest.approx(crossed)
    # They differ, as ages of those who move do.
    assert max(by_user.values()) > 1.1 * min(by_user.values())


@given(st.integers(40, 400), st.integers(0, 50), st.booleans())
@settings(max_examples=25, deadline=None)
def test_movers_of_months_add_up_to_those_of_their_year(n, seed, by_age):
    """Also where months have too few users at risk to be weighed."""
    moved, lived, population, known, _ = country(seed, n)
    some = lived.filter((pl.col("month").dt.month() > 3) | (pl.col("user") % 4 == 0))
    flows = migration_flows(moved, some, population, demographics=known if by_age else None)
    months = flows.filter(period_type="month").group_by("origin", "destination").agg(pl.col("movers").sum())
    years = flows.filter(period_type="year").select("origin", "destination", "movers")
    assert months.sort("origin", "destination").rows() == years.sort("origin", "destination").rows()
    assert flows.filter(~(pl.col("flow") > 0)).is_empty()


# --- pools ---------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(2, 15))
@settings(max_examples=60, deadline=None)
def test_every_pool_has_enough_or_no_weight(users, fewest):
    rows = pl.DataFrame({"area": [f"{n:02d}" for n in range(len(users))], "users": users}).with_columns(
        people=pl.col("users") * 100.0 + 1
    )
    pools = with_pools(rows, [], "users", fewest, ["area"])
    weighed = people_by_user(rows, [], "people", "users", fewest, ["area"])
    together = pools.filter("is_pooled")["users"].sum()
    assert (
        pools.filter(~pl.col("is_pooled"))["users"].min() is None
        or pools.filter(~pl.col("is_pooled"))["users"].min() >= fewest
    )
    assert weighed["weight"].is_not_null().all() == (together >= fewest or together == 0)
    if weighed["weight"].is_not_null().all():
        assert weighed.select((pl.col("weight") * pl.col("users")).sum()).item() == pytest.approx(
            weighed["people"].sum()
        )


# --- intervals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("chance", [0.15, 0.5])
def test_the_interval_of_what_is_partly_seen_covers(chance):
    random = np.random.default_rng(7)
    true = random.integers(20, 400, 4_000)
    seen = random.binomial(true, chance)
    low, high = interval_of_partly_seen(seen, seen / chance, 0.95, 0.0)
    assert np.mean((low <= true) & (true <= high)) == pytest.approx(0.95, abs=0.015)


def test_the_interval_holds_a_bias_of_the_size_that_is_said():
    random = np.random.default_rng(8)
    true = random.integers(50, 2_000, 4_000)
    wrong = np.exp(random.normal(0, np.log1p(0.2), 4_000))
    seen = random.binomial(true, np.minimum(0.3 * wrong, 1))
    low, high = interval_of_partly_seen(seen, seen / 0.3, 0.95, 0.2)
    assert np.mean((low <= true) & (true <= high)) == pytest.approx(0.95, abs=0.02)
    narrow = interval_of_partly_seen(seen, seen / 0.3, 0.95, 0.0)
    assert np.mean((narrow[0] <= true) & (true <= narrow[1])) < 0.8


def test_who_sees_everybody_knows_the_number():
    low, high = interval_of_partly_seen(np.array([30]), np.array([30.0]), 0.95, 0.0)
    assert (low[0], high[0]) == (pytest.approx(30), pytest.approx(30))


def test_a_month_of_few_movers_is_raised_as_its_year():
    moved, lived, population, known, _ = country(n=1_000)
    parameters = MigrationFlowParameters(fewest_users=10)
    flows = migration_flows(moved, lived, population, parameters, demographics=known)
    months = flows.filter(period_type="month").group_by("period").agg(pl.col("movers").sum())
    year = of_year(flows)
    few = months.filter(pl.col("movers") < 10)["period"]
    assert len(few)
    raised = flows.filter(pl.col("period").is_in(few.implode()))
    assert raised["flow"].is_finite().all()
    ratio = raised["flow"].sum() / raised["movers"].sum() / (year["flow"].sum() / year["movers"].sum())
    assert ratio == pytest.approx(1, abs=0.5)
