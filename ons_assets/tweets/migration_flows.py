"""Migration flows from area to area: from users to the population, with intervals."""

from collections.abc import Sequence

import polars as pl

from ons_assets.flows.intervals import gamma_interval
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.tweets import MigrationFlowParameters


def users_at_risk(residences: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Count the users who could be seen to move: who have a home in a month and, somewhere, in the next.

    Parameters
    ----------
    residences
        Rows of `tweets/residences`, and the columns of `by`, such as age or sex.

    Returns
    -------
    pl.DataFrame
        month (the later one), area (of the earlier one), *by, users.
    """
    following = residences.select("user", month=pl.col("month").dt.offset_by("-1mo"))
    seen = residences.drop_nulls("area").join(following, on=["user", "month"], how="semi")
    later = seen.with_columns(pl.col("month").dt.offset_by("1mo"))
    return later.group_by("month", "area", *by).agg(users=pl.len().cast(pl.Int64())).sort("month", "area", *by)


def migration_flows(
    moves: pl.DataFrame,
    residences: pl.DataFrame,
    population: pl.DataFrame,
    parameters: MigrationFlowParameters | None = None,
    *,
    by: Sequence[str] = (),
    users: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Estimate how many people moved from area to area, by month and by year.

    A user who moved counts for the people of the area of origin (and of its age and sex, if given) whom
    a user there stands for: population / users at risk, of the month, or the mean of the year's months. So the flow
    of a year tells nothing beyond its number of movers: not in which months they moved.

    Parameters
    ----------
    moves
        Rows of `tweets/moves`: user, from_area, to_area, moved_on, and the columns of `by`.
    residences
        Rows of `tweets/residences`, and the columns of `by`.
    population
        area, population, and the columns of `by`.
    parameters
        Parameters; None for the defaults.
    by
        Further columns that divide users and population alike.
    users
        user: those who count, as movers and at risk; None for all. Give those who are seen enough: a user
        who tweets once a month is at risk, but a move is not found, and flows come out too low.

    Returns
    -------
    pl.DataFrame
        period_type ("month" or "year"), period (2014-09 or 2014), origin, destination, *by, movers
        (users), flow (people), flow_low, flow_high (interval). Sorted. Small numbers of movers are in it: it leaves
        by its disclosure step only.

    References
    ----------
    Fay and Feuer (1997), "Confidence intervals for directly standardized rates: a method based on the
    gamma distribution", Statistics in Medicine 16, pp. 791-801.
    """
    parameters = parameters or MigrationFlowParameters()
    if users is not None:
        moves, residences = (rows.join(users, on="user", how="semi") for rows in (moves, residences))
    weights = _weights(users_at_risk(residences, by), population, parameters, by)
    between = moves.filter(
        pl.col("from_area").is_not_null() & pl.col("to_area").is_not_null() & (pl.col("from_area") != pl.col("to_area"))
    ).with_columns(month=pl.col("moved_on").dt.month_start())
    weighted = between.join(weights, left_on=["month", "from_area", *by], right_on=["month", "area", *by], how="left")
    # Somebody who moves in the first month that is seen has no users at risk to be weighed with, or too few.
    weighted = weighted.drop_nulls("weight")
    months = weighted.select("weight", *by, period_type=pl.lit("month"), period=pl.col("month").dt.strftime("%Y-%m"),
                             origin="from_area", destination="to_area")  # fmt: skip
    of_year = _of_years(weights, by)
    years = months.drop("weight").with_columns(period_type=pl.lit("year"), period=pl.col("period").str.head(4))
    years = years.join(of_year, on=["period", "origin", *by])
    cell = ["period_type", "period", "origin", "destination", *by]
    flows = (
        pl.concat([months, years.select(months.columns)])
        .group_by(cell)
        .agg(
            movers=pl.len().cast(pl.Int64()),
            flow=exact_sum("weight"),
            variance=exact_sum(pl.col("weight") ** 2),
            largest=pl.col("weight").max(),
        )
    )
    low, high = gamma_interval(
        flows["flow"].to_numpy(), flows["variance"].to_numpy(), flows["largest"].to_numpy(), parameters.level
    )
    bounds = {"flow_low": pl.Series(low), "flow_high": pl.Series(high)}
    return flows.with_columns(**bounds).drop("variance", "largest").sort(cell)


def _of_years(weights: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """People by user of a year: of the mean number of users at risk, whichever the month of a move."""
    of_year = weights.group_by("area", *by, period=pl.col("month").dt.strftime("%Y"))
    return of_year.agg(weight=pl.len() / exact_sum(1 / pl.col("weight"))).rename({"area": "origin"})


def _weights(
    at_risk: pl.DataFrame, population: pl.DataFrame, parameters: MigrationFlowParameters, by: Sequence[str]
) -> pl.DataFrame:
    people = population.group_by("area", *by).agg(exact_sum("population"))
    joined = at_risk.join(people, on=["area", *by], how="inner").sort("month", *by, "users", "area")
    users, group = pl.col("users"), ["month", *by]
    is_thin = users < parameters.fewest_users
    # A flow by its movers tells the users of its origin, so a pool of few takes further areas in.
    before = users.cum_sum().over(group) - users
    is_pooled = is_thin | (is_thin.any().over(group) & (before < parameters.fewest_users))
    pooled = joined.with_columns(is_pooled=is_pooled)
    pools = pooled.filter("is_pooled").group_by(group).agg(people=exact_sum("population"), users_=users.sum())
    together = pools.filter(pl.col("users_") >= parameters.fewest_users).select(
        *group, together=pl.col("people") / pl.col("users_")
    )
    alone = pl.col("population") / users
    return pooled.join(together, on=group, how="left").select(
        *group[:1], "area", *by, weight=pl.when("is_pooled").then("together").otherwise(alone)
    )
