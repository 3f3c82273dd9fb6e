"""Whether somebody lives at a place: nights there, spread over weeks.

A hotel has nights, but in one week; a sight is visited in many weeks, but by day.
"""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.mobility import AnchorParameters

DAYS_OF_WEEK = 7
# 1 January 1970 was a Thursday.
EPOCH_DAY_OF_WEEK = 3


def slept(parameters: AnchorParameters) -> pl.Expr:
    """Return whether the small hours of a day were spent at the place."""
    return pl.col("small_hours") >= parameters.sleep_hours


def residences(by_day: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Find the places at which somebody lives, if only now and then.

    Parameters
    ----------
    by_day
        user, place, day, small_hours, is_residential; one row a user, place and day.
    parameters
        Nights and weeks with nights that a residence needs, and the share of the days there that have one. At an
        address that is known to be residential nothing more is asked for.

    Returns
    -------
    pl.DataFrame
        user, place; sorted.
    """
    counted = _nights(by_day, ["user", "place"], parameters).filter(
        _is_residence(parameters) | pl.col("is_residential")
    )
    return counted.select("user", "place").sort("user", "place")


def second_homes(by_day: pl.DataFrame, homes: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Find the residences that a person keeps beside the main home.

    Parameters
    ----------
    by_day
        As for `residences`, with home (evidence).
    homes
        user, place, from, to: main homes that do not overlap.
    parameters
        Parameters.

    Returns
    -------
    pl.DataFrame
        The columns of homes, of places that pass the test of a residence within the time of a main home that is
        another, and hold `second_home_share` of the evidence of both or more; from and to are the first and last
        days with evidence of the place in that time.
    """
    spells = homes.select("user", main="place", first="from", last="to")
    within = (
        by_day.filter(pl.col("home") > 0)
        .join(spells, on="user")
        .filter(pl.col("day").is_between(pl.col("first").to_physical(), pl.col("last").to_physical()))
    )
    counted = _nights(within, ["user", "main", "first", "place"], parameters)
    here = counted.filter(pl.col("place") == pl.col("main")).select("user", "first", main_evidence="evidence")
    is_other = (pl.col("place") != pl.col("main")) & (pl.col("weeks") >= parameters.second_home_weeks)
    beside = counted.filter(is_other & _is_residence(parameters)).join(here, on=["user", "first"])
    share = pl.col("evidence") / (pl.col("evidence") + pl.col("main_evidence"))
    pull = pl.col("evidence") ** parameters.home_odds_power
    return beside.filter(share >= parameters.second_home_share).select(
        "user",
        "place",
        pl.lit("second_home").alias("anchor"),
        pl.col("from_day").cast(pl.Date()).alias("from"),
        pl.col("to_day").cast(pl.Date()).alias("to"),
        (pull / (pull + parameters.second_home_odds_days**parameters.home_odds_power)).round(6).alias("confidence"),
        pl.col("days").cast(pl.Int32()).alias("evidence_days"),
    )


def _nights(by_day: pl.DataFrame, keys: list[str], parameters: AnchorParameters) -> pl.DataFrame:
    week = (pl.col("day") + EPOCH_DAY_OF_WEEK) // DAYS_OF_WEEK
    is_night = slept(parameters)
    return by_day.group_by(keys).agg(
        days=pl.len(),
        nights=is_night.sum(),
        weeks=week.filter(is_night).n_unique(),
        evidence=exact_sum("home"),
        from_day=pl.col("day").min(),
        to_day=pl.col("day").max(),
        is_residential=pl.col("is_residential").any(),
    )


def _is_residence(parameters: AnchorParameters) -> pl.Expr:
    return (
        (pl.col("nights") >= parameters.residence_nights)
        & (pl.col("weeks") >= parameters.residence_weeks)
        & (pl.col("nights") >= parameters.residence_night_share * pl.col("days"))
    )
