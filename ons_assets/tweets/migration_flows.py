"""Migration flows from area to area: from users to the population, with intervals."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.flows.intervals import interval_of_partly_seen
from ons_assets.flows.raking import Margin, rake
from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.parameters.tweets import MigrationFlowParameters
from ons_assets.tweets.mover_weights import PERIODS, mover_weights
from ons_assets.tweets.pools import with_pools
from ons_assets.tweets.residents import residents_at_risk
from ons_assets.tweets.student_moves import Study

EVERYBODY, STUDENTS = "all", "students"
PERIOD = ("period_type", "period")
PAIR = ("origin", "destination")


def users_at_risk(residences: pl.DataFrame) -> pl.DataFrame:
    """Count the users who could be seen to move.

    Parameters
    ----------
    residences
        Rows of `tweets/residences`.

    Returns
    -------
    pl.DataFrame
        month, area, users; see `residents_at_risk`.
    """
    at_risk = residents_at_risk(residences)
    return at_risk.group_by("month", "area").agg(users=pl.len().cast(pl.Int64())).sort("month", "area")


def migration_flows(
    moves: pl.DataFrame,
    residences: pl.DataFrame,
    population: pl.DataFrame,
    parameters: MigrationFlowParameters | None = None,
    *,
    users: pl.DataFrame | None = None,
    demographics: pl.DataFrame | None = None,
    study: Study | None = None,
) -> pl.DataFrame:
    """Estimate how many people moved from area to area, by month and by year.

    Moves are weighed one by one (`mover_weights`) and added up by origin and by destination, areas of few movers
    together. A flow is its number of movers times the people by user of its origin, raked to these sums: it tells
    nothing of those who make it but how many they are.

    Parameters
    ----------
    moves
        Rows of `tweets/moves`: user, from_area, to_area, moved_on; where it is known who studies also not_before and
        not_after.
    residences
        Rows of `tweets/residences`.
    population
        Rows of `reference/population`, or area and population.
    parameters
        Parameters; None for the defaults.
    users
        user, tweets: those who count, as movers and at risk; None for all. Give those who are seen enough: of a user
        who tweets once a month no move is found. Without `tweets` nothing is made up for what is not seen.
    demographics
        Rows of `tweets/user_demographics`; None if nothing is known of age and sex.
    study
        Where and when users were seen to study; None if nothing is known.

    Returns
    -------
    pl.DataFrame
        who ("all", and "students" if enough were seen to study and move in a year), period_type ("month" or "year"),
        period (2014-09 or 2014), origin, destination, movers (users), flow (people), flow_low, flow_high (interval,
        the wider the less of the period the collector covered), weighted_by. Sorted. Small numbers of movers are in it:
        it leaves by its disclosure step only.
    """
    parameters = parameters or MigrationFlowParameters()
    if users is not None:
        moves, residences = (rows.join(users, on="user", how="semi") for rows in (moves, residences))
    weighed = mover_weights(
        moves, residences, population, parameters, users=users, demographics=demographics, study=study
    )
    everybody = _cells(weighed.moves, "weight")
    # Of students it is not the origin that says whom a user stands for.
    of_students = _students_of_full_years(weighed.moves, parameters).with_columns(base=pl.lit(1.0))
    students = _cells(of_students, "students")
    # By area alone every user of an origin counts alike, and there is nothing to rake.
    is_raked = weighed.weighted_by != "area"
    flows = pl.concat(
        [
            _raked(everybody, parameters) if is_raked else everybody.with_columns(flow="start"),
            _raked(students, parameters),
        ]
    ).with_columns(who=pl.Series([EVERYBODY] * len(everybody) + [STUDENTS] * len(students), dtype=pl.String()))
    bias = _with_gaps(flows, residences, _bias(weighed.weighted_by, parameters))
    low, high = interval_of_partly_seen(flows["movers"].to_numpy(), flows["flow"].to_numpy(), parameters.level, bias)
    found = flows.with_columns(
        flow_low=pl.Series(low), flow_high=pl.Series(high), weighted_by=pl.lit(weighed.weighted_by)
    )
    columns = ["who", *PERIOD, *PAIR, "movers", "flow", "flow_low", "flow_high", "weighted_by"]
    return found.select(columns).sort("who", *PERIOD, *PAIR)


def _students_of_full_years(moves: pl.DataFrame, parameters: MigrationFlowParameters) -> pl.DataFrame:
    """Moves of users who study, of the years in which as many of them moved as a pool must have."""
    students = moves.filter("studies")
    years = students.filter(period_type="year").group_by("period").len()
    full = years.filter(pl.col("len") >= parameters.fewest_users)
    return students.join(full, left_on=pl.col("period").str.head(4), right_on="period", how="semi")


def _cells(moves: pl.DataFrame, total: str) -> pl.DataFrame:
    cells = moves.group_by(*PERIOD, *PAIR).agg(
        movers=pl.len().cast(pl.Int64()), start=exact_sum("base"), total=exact_sum(total)
    )
    return cells.sort(*PERIOD, *PAIR)


def _raked(cells: pl.DataFrame, parameters: MigrationFlowParameters) -> pl.DataFrame:
    """Flows that add up, period by period, to the weighed moves of their origins and of their destinations.

    Those of a month with fewer movers than a pool must have are raised as those of its year are; of a year with fewer,
    they are not.
    """
    fewest, parts = parameters.fewest_users, [cells.with_columns(flow="start").clear()]
    for (_, period), of_period in cells.partition_by(PERIOD, as_dict=True, maintain_order=True).items():
        if of_period["movers"].sum() >= fewest:
            margins = [_margin(of_period, end, fewest) for end in PAIR]
            flow = pl.Series(rake(of_period["start"].to_numpy(), margins).values)
        else:
            year = cells.filter(period_type="year", period=str(period)[:4])
            sums = year.select(exact_sum("total"), exact_sum("start")).row(0)
            flow = of_period["start"] * (sums[0] / sums[1] if year["movers"].sum() >= fewest else 1.0)
        parts.append(of_period.with_columns(flow=flow))
    return pl.concat(parts)


def _margin(cells: pl.DataFrame, end: str, fewest: int) -> Margin:
    """What the flows of each origin, or destination, add up to; those of few movers together."""
    sums = with_pools(cells.group_by(end).agg(pl.col("movers").sum()), [], "movers", fewest, [end])
    pools = sums.select(end, pool=pl.when("is_pooled").then(pl.lit("")).otherwise(end))
    numbers = pools.select(end, number=pl.col("pool").rank("dense").cast(pl.Int64()) - 1)
    joined = cells.join(numbers, on=end, how="left", maintain_order="left")
    by_number = joined.group_by("number").agg(exact_sum("total")).sort("number")
    return Margin(joined["number"].to_numpy().astype(np.intp), by_number["total"].to_numpy())


def _with_gaps(flows: pl.DataFrame, residences: pl.DataFrame, bias: float) -> npt.NDArray[np.float64]:
    """Add to the bias of each flow what the collector did not cover of its month, or year.

    Who moves while nothing is collected is seen at the old home before and at the new one after, and is counted in the
    middle: of a gap over two months all of its moves in one. By so much may the chance be wrong that a move of a month
    is seen in it.
    """
    if "month_coverage" not in residences.columns:
        return np.full(len(flows), bias)
    months = residences.group_by("month").agg(uncovered=1 - pl.col("month_coverage").min())
    period = pl.col("month").dt.strftime
    told = pl.concat(months.group_by(period=period(form)).agg(exact_mean("uncovered")) for form in PERIODS.values())
    joined = flows.select("period").join(told, on="period", how="left", maintain_order="left")
    uncovered = joined["uncovered"].fill_null(0.0).to_numpy()
    return np.asarray(np.expm1(np.hypot(np.log1p(bias), np.log1p(uncovered))))


def _bias(weighted_by: str, parameters: MigrationFlowParameters) -> float:
    known = weighted_by.split(", ")
    if "study" in known:
        return parameters.bias_by_study
    return parameters.bias_by_age if {"age", "sex"} & {*known} else parameters.bias_by_area
