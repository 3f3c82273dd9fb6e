"""Flows from tweets against official estimates: how near, where biased, and what students do to it."""

from dataclasses import dataclass

import polars as pl

from ons_assets.flows.measures import agreement, pair_up
from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.parameters.tweets import MigrationComparisonParameters

ALL = "all"


@dataclass(frozen=True)
class Comparison:
    """How estimates compare with official ones.

    Parameters
    ----------
    measures
        measure, value: those of `ons_assets.flows.measures.agreement`, over areas and directions.
    areas
        area, direction, estimate, official, ratio, penetration (users for each 1,000 people),
        is_student_area, one row an area and direction.
    by_penetration
        quarter (1 the areas with the fewest users by population), areas, ratio (median), log_bias
        (mean log ratio).
    """

    measures: pl.DataFrame
    areas: pl.DataFrame
    by_penetration: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """Return all of it as one long table.

        Returns
        -------
        pl.DataFrame
            subject_type ("all", "area" or "penetration_quarter"), subject ("all", the area or the quarter), direction
            ("in", "out" or "both"), measure, value (null where it is not defined), is_student_area.
        """
        measures = self.measures.select(
            subject_type=pl.lit("all"), subject=pl.lit("all"), direction=pl.lit("both"), measure="measure",
            value="value", is_student_area=pl.lit(False),
        )  # fmt: skip
        areas = self.areas.unpivot(
            ["estimate", "official", "ratio", "penetration"],
            index=["area", "direction", "is_student_area"],
            variable_name="measure",
        ).select(subject_type=pl.lit("area"), subject="area", direction="direction", measure="measure", value="value",
                 is_student_area="is_student_area")  # fmt: skip
        quarters = self.by_penetration.select("quarter", "ratio", "log_bias", areas=pl.col("areas").cast(pl.Float64()))
        quarters = quarters.unpivot(["areas", "ratio", "log_bias"], index="quarter", variable_name="measure").select(
            subject_type=pl.lit("penetration_quarter"), subject=pl.col("quarter").cast(pl.String()),
            direction=pl.lit("both"), measure="measure", value="value", is_student_area=pl.lit(False),
        )  # fmt: skip
        parts = pl.concat([measures, areas, quarters])
        return parts.with_columns(pl.col("value").fill_nan(None)).sort(
            "subject_type", "subject", "direction", "measure"
        )


def compare_with_estimates(
    flows: pl.DataFrame,
    estimates: pl.DataFrame,
    population: pl.DataFrame,
    users: pl.DataFrame,
    parameters: MigrationComparisonParameters | None = None,
) -> pl.DataFrame:
    """Compare flows with official estimates, period by period.

    Parameters
    ----------
    flows
        Rows of `tweets/migration_flows`.
    estimates
        Rows of `reference/migration_estimates`: totals of areas, flows between areas, or both.
    population
        area, population, students (null where it is not known).
    users
        user, area: where each user who counts lives.
    parameters
        What a student area is; None for the default.

    Returns
    -------
    pl.DataFrame
        period, level, name, direction, measure, value, is_student_area; see `Comparison.table`. Flows
        between areas are compared pair by pair (level "pair") and summed by area. For each period of the
        estimates there is a measure `is_compared`, 0 if there are no flows of it. And `users`, behind a
        penetration, null for other measures: penetration times population is their number, so that it leaves by its
        disclosure step only.
    """
    counted = users.drop_nulls("area").group_by("area").agg(users=pl.len())
    penetration = population.join(counted, on="area").select("area", penetration=1_000 * pl.col("users") / "population")
    students = population.select("area", student_share=pl.col("students") / pl.col("population")).drop_nulls()
    parts = []
    for (period,), official in sorted(estimates.partition_by("period", as_dict=True).items()):
        estimate = flows.filter(period=period)
        everybody = official.filter(age=ALL) if (official["age"] == ALL).any() else official
        pairs = everybody.filter((pl.col("origin") != ALL) & (pl.col("destination") != ALL))
        parts.append(_overall("all", period, {"is_compared": float(len(estimate) > 0)}))
        if estimate.is_empty():
            continue
        totals = official_totals(everybody)
        areas = compare_areas(
            totals_by_area(estimate), totals, parameters, penetration=penetration, student_share=students
        )
        parts.append(areas.table().select(pl.lit(period).alias("period"), pl.all()))
        if len(pairs):
            summed = pairs.group_by("origin", "destination").agg(flow=exact_sum("moves"))
            parts.append(_overall("pair", period, compare_pairs(estimate.drop_nulls("flow"), summed)))
    found = pl.concat(parts).join(counted.rename({"area": "subject"}), on="subject", how="left", maintain_order="left")
    is_of_users = pl.col("measure") == "penetration"
    return found.with_columns(pl.col("value").fill_nan(None), users=pl.when(is_of_users).then("users"))


def _overall(subject_type: str, period: str, measures: dict[str, float]) -> pl.DataFrame:
    rows = [(period, subject_type, ALL, "both", measure, value, False) for measure, value in measures.items()]
    names = ("period", "subject_type", "subject", "direction", "measure", "value", "is_student_area")
    return pl.DataFrame(rows, schema=list(names), orient="row")


def official_totals(official: pl.DataFrame) -> pl.DataFrame:
    """Return the official moves into and out of each area: as given, or summed where only pairs are.

    Parameters
    ----------
    official
        Rows of `reference/migration_estimates` of one period and of all ages.

    Returns
    -------
    pl.DataFrame
        area, direction ("in" or "out"), moves.
    """
    given = official.filter((pl.col("origin") == ALL) != (pl.col("destination") == ALL))
    if given.is_empty():
        pairs = official.filter((pl.col("origin") != ALL) & (pl.col("destination") != ALL))
        return totals_by_area(pairs.rename({"moves": "flow"}))
    into = pl.col("origin") == ALL
    area = pl.when(into).then("destination").otherwise("origin")
    direction = pl.when(into).then(pl.lit("in")).otherwise(pl.lit("out"))
    return given.group_by(area=area, direction=direction).agg(exact_sum("moves")).sort("area", "direction")


def totals_by_area(flows: pl.DataFrame) -> pl.DataFrame:
    """Return the moves into and out of each area, from flows between areas.

    Parameters
    ----------
    flows
        origin, destination, flow.

    Returns
    -------
    pl.DataFrame
        area, direction ("in" or "out"), moves.
    """
    known = flows.drop_nulls("flow")
    into = known.group_by(area="destination").agg(moves=exact_sum("flow")).with_columns(direction=pl.lit("in"))
    out = known.group_by(area="origin").agg(moves=exact_sum("flow")).with_columns(direction=pl.lit("out"))
    return pl.concat([into, out]).select("area", "direction", "moves").sort("area", "direction")


def compare_pairs(estimate: pl.DataFrame, official: pl.DataFrame) -> dict[str, float]:
    """Compare flows pair by pair; a pair that one of the two lacks counts as zero there.

    Parameters
    ----------
    estimate, official
        origin, destination, flow.

    Returns
    -------
    dict
        See `Comparison.measures`; NaN where a measure is not defined.
    """
    pairs = pair_up(estimate, official, "flow")
    return agreement(pairs["estimate"].to_numpy(), pairs["benchmark"].to_numpy())


def compare_areas(
    estimate: pl.DataFrame,
    official: pl.DataFrame,
    parameters: MigrationComparisonParameters | None = None,
    *,
    penetration: pl.DataFrame | None = None,
    student_share: pl.DataFrame | None = None,
) -> Comparison:
    """Compare moves into and out of areas.

    Parameters
    ----------
    estimate, official
        area, direction, moves: what `totals_by_area` returns, and the layout of the official tables of
        internal migration.
    penetration
        area, penetration: users for each 1,000 people.
    student_share
        area, student_share: share of students in the population; areas with
        `MigrationComparisonParameters.student_share` are named as student areas.
    """
    parameters = parameters or MigrationComparisonParameters()
    joined = official.select("area", "direction", b="moves").join(
        estimate.select("area", "direction", a="moves"), on=["area", "direction"], how="left"
    )
    joined = joined.with_columns(pl.col("a").fill_null(0.0))
    unknown = pl.DataFrame(schema={"area": pl.String(), "penetration": pl.Float64()})
    no_students = pl.DataFrame(schema={"area": pl.String(), "student_share": pl.Float64()})
    areas = (
        joined.join(penetration if penetration is not None else unknown, on="area", how="left")
        .join(student_share if student_share is not None else no_students, on="area", how="left")
        .select(
            "area",
            "direction",
            estimate="a",
            official="b",
            ratio=pl.when(pl.col("b") > 0).then(pl.col("a") / pl.col("b")),
            penetration="penetration",
            is_student_area=(pl.col("student_share") >= parameters.student_share).fill_null(False),
        )
        .sort("area", "direction")
    )
    measures = agreement(areas["estimate"].to_numpy(), areas["official"].to_numpy())
    return Comparison(
        measures=pl.DataFrame({"measure": list(measures), "value": list(measures.values())}),
        areas=areas,
        by_penetration=_by_penetration(areas),
    )


def _by_penetration(areas: pl.DataFrame) -> pl.DataFrame:
    known = areas.filter(pl.col("penetration").is_not_null() & (pl.col("ratio") > 0))
    # Rows of equal penetration, as the two of an area, are ranked in the order of areas and directions.
    ranked = known.sort("area", "direction").with_columns(
        quarter=((pl.col("penetration").rank("ordinal") - 1) * 4 // pl.len() + 1).cast(pl.Int32())
    )
    return (
        ranked.group_by("quarter")
        .agg(
            areas=pl.col("area").n_unique(), ratio=pl.col("ratio").median(), log_bias=exact_mean(pl.col("ratio").log())
        )
        .sort("quarter")
    )
