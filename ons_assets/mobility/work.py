"""What days at a place say of work: the more it is slept at, the less."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobility.residence import slept
from ons_assets.parameters.mobility import AnchorParameters


def work_evidence(by_day: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Weigh the evidence of work by how seldom a place is slept at.

    Weekday hours alone call a second home work, because it holds whole days. Nights make it less likely, and do not
    rule it out: who has worked some nights still works there.

    Parameters
    ----------
    by_day
        user, place, day, work (from -1 to 1), small_hours, is_education; without the main home.
    parameters
        Says what share of days slept at halves the evidence.

    Returns
    -------
    pl.DataFrame
        user, place, day, is_education, evidence (positive), of the places that gather more by day than they lose
        at night.
    """
    places = by_day.group_by("user", "place").agg(
        # Evidence has few decimals, and so has its sum: a place that gathers as much as it loses gathers nothing.
        net=exact_sum("work").round(12),
        slept_share=slept(parameters).mean(),
    )
    half = parameters.slept_half_share
    weights = places.filter(pl.col("net") > 0).select("user", "place", weight=half / (half + pl.col("slept_share")))
    busy = by_day.filter(pl.col("work") > 0).join(weights, on=["user", "place"])
    return busy.select("user", "place", "day", "is_education", evidence=(pl.col("work") * pl.col("weight")).round(9))
