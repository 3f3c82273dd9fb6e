"""What single tables say of areas and months, as they were published, in one form: a figure and its interval."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Self

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse.sums import exact_sum

SAID: Mapping[str, pl.DataType] = {
    "area": pl.String(),
    "month": pl.Date(),
    "figure": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
KEY = ["area", "month"]
WEEKDAY = "weekday"
# Of flows, what is no area.
NO_AREA = ("all", "none_seen", "several_sites")


@dataclass(frozen=True)
class Told:
    """Tables as they were published, after their disclosure steps; one that never was has no rows."""

    area_occupancy: pl.DataFrame
    area_household_size: pl.DataFrame
    combined_population: pl.DataFrame
    combined_flows: pl.DataFrame
    weighted_flows: pl.DataFrame
    migration_flows: pl.DataFrame
    migration_comparison: pl.DataFrame
    area_indices: pl.DataFrame
    quality_warnings: pl.DataFrame
    population: pl.DataFrame
    dwellings: pl.DataFrame
    areas: pl.DataFrame
    area_parts: pl.DataFrame

    @classmethod
    def of(cls, **tables: pl.LazyFrame | None) -> Self:
        """Return what was published of the tables.

        Parameters
        ----------
        tables
            By their short names; None, or not named, if never published.
        """
        return cls(
            **{
                each.name: frame.collect() if (frame := tables.get(each.name)) is not None else _EMPTY[each.name]
                for each in fields(cls)
            }
        )


TABLES = (
    "meters/area_occupancy",
    "meters/area_household_size",
    "mobile/combined_population",
    "mobile/combined_flows",
    "mobile/weighted_flows",
    "mobile/quality_warnings",
    "tweets/migration_flows",
    "tweets/migration_comparison",
    "prices/area_indices",
    "reference/population",
    "reference/dwellings",
    "reference/areas",
    "reference/area_parts",
)
_EMPTY = {CATALOGUE[name].short_name: CATALOGUE[name].empty() for name in TABLES}


def levels_of(areas: pl.DataFrame) -> pl.DataFrame:
    """Return area and area_level of rows of `reference/areas`; of an area in several levels all of them."""
    return areas.group_by("area").agg(area_level=pl.col("level").unique().sort().str.join(", ")).sort("area")


def periods_of_months(observed: pl.Series, least_days: int) -> pl.DataFrame:
    """Return the period that stands for each month: the one with most of its days, of such the shortest.

    Parameters
    ----------
    observed
        First and last days, such as 2014-10-06/2014-11-02; what is no such period stands for no month.
    least_days
        Days of a month that a period must hold.

    Returns
    -------
    polars.DataFrame
        observed, month, days (of the month that are in it).
    """
    found = []
    for name in observed.unique().sort():
        try:
            first, last = (date.fromisoformat(each) for each in name.split("/"))
        except ValueError:
            continue
        if first <= last:
            days = pl.date_range(first, last, eager=True)
            counts = days.dt.truncate("1mo").value_counts(name="days").rename({days.name: "month"})
            found.append(counts.select(pl.lit(name).alias("observed"), "month", pl.col("days").cast(pl.Int64)))
    schema = {"observed": pl.String(), "month": pl.Date(), "days": pl.Int64()}
    every = pl.concat([pl.DataFrame(schema=schema), *found])
    length = pl.col("days").sum().over("observed")
    return (
        every.with_columns(length=length)
        .filter(pl.col("days") >= least_days)
        .sort("month", "days", "length", "observed", descending=[False, True, False, True])
        .unique("month", keep="first", maintain_order=True)
        .select(*schema)
    )


def shares_of_homes(occupancy: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Return one share of rows of `meters/area_occupancy`, with homes and whether it is withheld."""
    return occupancy.filter(measure=measure).select(
        "month", "homes", "is_suppressed", area="area_code", figure="estimate", low="lower", high="upper"
    )


def prices(indices: pl.DataFrame) -> pl.DataFrame:
    """Return the price indices of areas that have one.

    Parameters
    ----------
    indices
        Rows of `prices/area_indices`.

    Returns
    -------
    polars.DataFrame
        Columns of `SAID`, with base (the month in which it is 100) and covered (share of the spending at retailers with
        prices).
    """
    return indices.drop_nulls("index").select(
        "area",
        month=(pl.col("period") + "-01").str.to_date(),
        figure="index",
        low="index_low",
        high="index_high",
        base="base_period",
        covered="spending_covered",
    )


def people_present(presence: pl.DataFrame, hour: int, least_days: int) -> pl.DataFrame:
    """Return the people of an hour of a weekday.

    Parameters
    ----------
    presence
        Rows of `mobile/combined_population`.
    hour
        Of the local clock.
    least_days
        As for `periods_of_months`.

    Returns
    -------
    polars.DataFrame
        Columns of `SAID`, with observed and days: the period, and how many days of the month are in it.
    """
    months = periods_of_months(presence["observed"], least_days)
    rows = presence.filter(day_type=WEEKDAY, hour=hour).filter(~pl.col("area").is_in(NO_AREA))
    return rows.join(months, on="observed").select(
        *KEY, "observed", "days", figure="people_there", low="people_low", high="people_high"
    )


def commuters(flows: pl.DataFrame, least_days: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who comes to each area from others to work, and who leaves it for others, of flows that are told.

    Parameters
    ----------
    flows
        Rows of `mobile/combined_flows` or `mobile/weighted_flows`.
    least_days
        As for `periods_of_months`.

    Returns
    -------
    coming, leaving : polars.DataFrame
        Columns of `SAID`, with observed.
    """
    months = periods_of_months(flows["observed"], least_days)
    between = _between_areas(flows).join(months, on="observed")
    return _summed(between, "destination"), _summed(between, "origin")


def moves(flows: pl.DataFrame, period_type: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return who moves to each area from others, and from it, in rows of `tweets/migration_flows`.

    Parameters
    ----------
    flows
        Of any periods.
    period_type
        Month or year.

    Returns
    -------
    coming, leaving : polars.DataFrame
        Columns of `SAID`, with observed, the period; the month of a year is its January.
    """
    start = pl.col("period").str.head(7) + ("-01" if period_type == "month" else "-01-01")
    rows = flows.filter(period_type=period_type).with_columns(month=start.str.to_date(), observed="period")
    between = _between_areas(rows)
    return _summed(between, "destination"), _summed(between, "origin")


def _between_areas(flows: pl.DataFrame) -> pl.DataFrame:
    of_areas = pl.all_horizontal(~pl.col(side).is_in(NO_AREA) for side in ("origin", "destination"))
    return flows.filter(of_areas & (pl.col("origin") != pl.col("destination"))).drop_nulls("flow")


def _summed(flows: pl.DataFrame, side: str) -> pl.DataFrame:
    """Flows added up; so are the ends of their intervals, which holds however their errors go together."""
    return (
        flows.group_by(pl.col(side).alias("area"), "month", "observed")
        .agg(figure=exact_sum("flow"), low=exact_sum("flow_low"), high=exact_sum("flow_high"))
        .select(*SAID, "observed")
    )
