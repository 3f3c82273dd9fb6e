"""How many people a user who moves stands for: by area, age and sex, study, and how well moves of theirs are seen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.tweets import MigrationFlowParameters
from ons_assets.tweets.detection import fit_detection
from ons_assets.tweets.mover_classes import Classes, Places, classes_of_movers
from ons_assets.tweets.pools import people_by_user
from ons_assets.tweets.residents import (
    chances_of_groups,
    people_by_user_of_periods,
    people_of_groups,
    residents_at_risk,
)
from ons_assets.tweets.student_moves import MOVE, Study, monthly_rate, pace_of_students, student_moves
from ons_assets.tweets.user_demographics import ALL, GROUP

FloatArray = npt.NDArray[np.float64]
PERIODS = {"month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True)
class MoverWeights:
    """Moves, each in its month and in its year, with the people whom the user stands for.

    Parameters
    ----------
    moves
        user, period_type ("month" or "year"), period, origin, destination, studies (whether the user was seen to
        study), base (people by user of the origin, without regard to anything else), weight, students (those
        of the weight who study).
    weighted_by
        What was known of users: "area", and as far as it goes age, sex, study, activity; parted by a comma and a blank.
    """

    moves: pl.DataFrame
    weighted_by: str


def mover_weights(
    moves: pl.DataFrame,
    residences: pl.DataFrame,
    population: pl.DataFrame,
    parameters: MigrationFlowParameters,
    *,
    users: pl.DataFrame | None = None,
    demographics: pl.DataFrame | None = None,
    study: Study | None = None,
) -> MoverWeights:
    """Weigh the moves of users.

    Who was seen to study counts for the students of the area of study. Anybody else counts for people who do not study:
    those of the same age and sex by such users in all areas, times what the area has of people beside what its users
    make expect. What is not seen of those who tweet little is made up for.

    Parameters
    ----------
    moves, residences
        Rows of `tweets/moves` and `tweets/residences` of the users who count.
    population
        area, population, and if known students, age, sex.
    parameters
        Fewest users of a weight.
    users
        user, tweets; None if all moves are seen of everybody.
    demographics
        Rows of `tweets/user_demographics`; None if nothing is known of age and sex.
    study
        Of users; None if nothing is known.

    Returns
    -------
    MoverWeights
        A move in a month of which fewer users are at risk than may have a weight has none, and is left out.

    References
    ----------
    Holt and Smith (1979), "Post stratification", Journal of the Royal Statistical Society A 142, pp. 33-46; Zagheni and
    Weber (2015), "Demographic research with non-representative internet data", International Journal of Manpower
    36, pp. 13-25.
    """
    at_risk = residents_at_risk(residences)
    people = people_of_groups(population, demographics)
    is_between = pl.col("from_area") != pl.col("to_area")
    dates = [] if study is None else ["not_before", "not_after"]
    # Somebody who moves in the first month that is seen has no users at risk to be weighed with.
    between = (
        moves.filter(is_between.fill_null(value=False))
        .select(*MOVE, *dates, month=pl.col("moved_on").dt.month_start())
        .join(at_risk.select("month").unique(), on="month", how="semi")
        .sort(MOVE)
    )
    students = _students(between, people, study, parameters)
    found = (
        study.places.select("user").unique() if study is not None and len(students) else at_risk.select("user").clear()
    )
    seen = _seen(users, between, at_risk, parameters)
    movers = (
        between.join(seen, on="user", how="left")
        .join(found.with_columns(studies=pl.lit(value=True)), on="user", how="left")
        .join(students, on=MOVE, how="left")
        .with_columns(pl.col("seen").fill_null(1.0), pl.col("studies").fill_null(value=False))
        .with_columns(students=pl.col("students").fill_null(0.0) / pl.col("seen"))
        .sort(MOVE)
    )
    # Without official numbers of students, or users who study, it does not matter who does.
    divided = people.with_columns(students=pl.col("students").fill_null(0.0) if len(found) else pl.lit(0.0))
    others = _Others.of(movers, at_risk, found, divided, demographics, parameters)
    weighed = others.weighed(movers, parameters)
    totals = people.group_by("area").agg(exact_sum("population"))
    counted = at_risk.group_by("month", "area").agg(users=pl.len()).join(totals, on="area")
    bases = people_by_user_of_periods(counted, "population", parameters.fewest_users).rename({"weight": "base"})
    both = weighed.join(bases, left_on=["period", "from_area"], right_on=["period", "area"])
    # What cannot be weighed in its month counts in no year: movers of months add up to those of their year.
    rows = both.join(both.filter(period_type="month").select(MOVE), on=MOVE, how="semi")
    known = [name for name in GROUP if (people[name] != ALL).any()]
    known += ["study"] * (len(found) > 0) + ["activity"] * bool((seen["seen"] < 1).any())
    columns = ["user", "period_type", "period", "studies", "base", "students"]
    ends = {"origin": "from_area", "destination": "to_area"}
    return MoverWeights(
        rows.select(*columns, **ends, weight=pl.col("others") + pl.col("students")), ", ".join(["area", *known])
    )


def _students(
    between: pl.DataFrame, people: pl.DataFrame, study: Study | None, parameters: MigrationFlowParameters
) -> pl.DataFrame:
    """Moves of users who were seen to study, with the students whom each stands for."""
    official = people.drop_nulls("students").group_by("area").agg(exact_sum("students"))
    if study is None or official.is_empty():
        return between.select(*MOVE, students=pl.lit(0.0)).clear()
    return student_moves(between, study, official, parameters.fewest_users).rename({"weight": "students"})


def _seen(
    users: pl.DataFrame | None, between: pl.DataFrame, at_risk: pl.DataFrame, parameters: MigrationFlowParameters
) -> pl.DataFrame:
    """User, seen: the chance that a move is seen of a user who tweets so much."""
    if users is None or "tweets" not in users.columns:
        return at_risk.select("user", seen=pl.lit(1.0)).clear()
    months = at_risk.group_by("user").agg(months=pl.len())
    moved = between.group_by("user").agg(moves=pl.len())
    counted = users.join(months, on="user").join(moved, on="user", how="left").sort("user")
    filled = counted.with_columns(pl.col("moves").fill_null(0))
    activity, events, exposure = (filled[name].to_numpy().astype(np.float64) for name in ("tweets", "moves", "months"))
    detection = fit_detection(activity, events, exposure, fewest_events=parameters.fewest_moves)
    return filled.select("user", seen=pl.Series(detection.seen(activity)))


@dataclass(frozen=True)
class _Others:
    """Users who were not seen to study, by group; some of them do.

    Parameters
    ----------
    moves
        Of them.
    classes
        Of these moves.
    exposed
        month, area, group, users: at risk, without those who move as students do.
    per_group
        group, users: of all who are at risk in a month, without those who study.
    people
        area, group, people: without students.
    """

    moves: pl.DataFrame
    classes: Classes
    exposed: pl.DataFrame
    per_group: pl.DataFrame
    people: pl.DataFrame

    @classmethod
    def of(
        cls,
        movers: pl.DataFrame,
        at_risk: pl.DataFrame,
        found: pl.DataFrame,
        people: pl.DataFrame,
        demographics: pl.DataFrame | None,
        parameters: MigrationFlowParameters,
    ) -> "_Others":
        """Divide users by group, and their moves by what they tell of who makes them."""
        groups = people.select(GROUP).unique().sort(GROUP).with_row_index("group")
        chances = chances_of_groups(at_risk.select("user").unique(), demographics, groups)
        numbered = people.join(groups, on=GROUP)
        studying = at_risk.join(found, on="user", how="semi")
        rate = monthly_rate(movers.filter("studies"), studying)
        unfound = at_risk.join(found, on="user", how="anti").join(chances, on="user")
        exposed = unfound.group_by("month", "area", "group").agg(users=exact_sum("probability"))
        has_students = numbered.group_by("group").agg(exact_sum("students") > 0)
        months = at_risk.select("month").unique().sort("month").with_row_index("number")
        cells = (
            months.join(groups, how="cross")
            .join(has_students, on="group")
            .join(exposed.group_by("month", "group").agg(exact_sum("users")), on=["month", "group"], how="left")
            .join(rate, on="month", how="left")
            # Where nobody studies, nobody moves as students do.
            .with_columns(pl.col("users").fill_null(0.0), rate=pl.when("students").then("rate").fill_null(0.0))
            .sort("number", "group")
        )
        moves = movers.filter(~pl.col("studies"))
        probability = np.zeros((len(moves), len(groups)))
        known = moves.select("user").with_row_index("row").join(chances, on="user")
        probability[known["row"].to_numpy(), known["group"].to_numpy()] = known["probability"].to_numpy()
        pace = pace_of_students(moves, movers.filter("studies"), studying) if len(found) else np.zeros(len(moves))
        counts_for = 1 / moves["seen"].to_numpy()
        number = moves.join(months, on="month", how="left", maintain_order="left")["number"]
        at_risk_, student_rate = (
            cells[name].to_numpy().reshape(len(months), len(groups)) for name in ("users", "rate")
        )
        classes = classes_of_movers(
            probability,
            pace,
            number.to_numpy().astype(np.int64),
            at_risk_,
            student_rate,
            counts_for,
            Places.between(moves, movers.filter("studies"), numbered),
            usual_moves=parameters.usual_moves,
        )
        share = pl.DataFrame({"group": groups["group"], "studying": classes.student_share})
        kept = exposed.join(share, on="group").with_columns(users=pl.col("users") * (1 - pl.col("studying")))
        # Of the students of the country, the share who are users is that of their moves which users make.
        weighed = movers.filter(pl.col("students") > 0).select(
            exact_sum("students"), users=exact_sum(1 / pl.col("seen"))
        )
        of_students, by_users = weighed.row(0)
        by_users += float(np.sum(counts_for * (1 - classes.others.sum(axis=1))))
        penetration = by_users / of_students if of_students else 0.0
        everybody = at_risk.join(chances, on="user").group_by("group").agg(all_=exact_sum("probability") / len(months))
        per_group = (
            numbered.group_by("group")
            .agg(exact_sum("students"))
            .join(everybody, on="group", how="left")
            .join(kept.group_by("group").agg(kept=exact_sum("users") / len(months)), on="group", how="left")
            .with_columns(pl.col("all_", "kept").fill_null(0.0))
            # Some who move as students do have been students, or will be, and are not among them now.
            .select("group", users=pl.max_horizontal(pl.col("all_") - penetration * pl.col("students"), "kept"))
        )
        return cls(
            moves,
            classes,
            kept,
            per_group,
            numbered.select("area", "group", people=pl.col("population") - pl.col("students")),
        )

    def weighed(self, movers: pl.DataFrame, parameters: MigrationFlowParameters) -> pl.DataFrame:
        """Return all moves by month and year with `others`: the people who do not study whom the user stands for."""
        fewest = parameters.fewest_users
        counted = self.people.group_by("group").agg(exact_sum("people")).join(self.per_group, on="group")
        per_user = people_by_user(counted, [], "people", "users", fewest, ["group"]).filter(pl.col("weight") > 0)
        expected = (
            self.people.join(per_user.select("group", "weight"), on="group")
            .group_by("area")
            .agg(expected=exact_sum(pl.col("people") / pl.col("weight")))
        )
        total = self.exposed.group_by("group").agg(total=exact_sum("users"))
        months = self.exposed["month"].n_unique()
        raised = self.exposed.join(total, on="group").join(self.per_group.rename({"users": "of_group"}), on="group")
        by_area = raised.group_by("month", "area").agg(
            users=exact_sum(pl.col("users") * pl.col("of_group") * months / pl.col("total"))
        )
        relative = people_by_user_of_periods(by_area.join(expected, on="area"), "expected", fewest)
        each = np.zeros(self.classes.others.shape[1])
        each[per_user["group"].to_numpy()] = per_user["weight"].to_numpy()
        stands_for = self.moves.select(
            *MOVE, stands_for=pl.Series((self.classes.others * each).sum(axis=1)) / pl.col("seen")
        )
        joined = movers.join(stands_for, on=MOVE, how="left").with_columns(pl.col("stands_for").fill_null(0.0))
        periods = pl.concat(
            joined.with_columns(period_type=pl.lit(kind), period=pl.col("month").dt.strftime(form))
            for kind, form in PERIODS.items()
        )
        known = periods.join(relative, left_on=["period", "from_area"], right_on=["period", "area"], how="left")
        kept = known.filter(pl.col("weight").is_not_null() | pl.col("studies"))
        return kept.with_columns(others=pl.col("stands_for") * pl.col("weight").fill_null(0.0))
