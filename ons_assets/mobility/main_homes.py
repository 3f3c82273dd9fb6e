"""The main home of a person, day by day: the place with the most evidence in the weeks around.

A holiday is shorter than the weeks around it, and makes no other home; a move is dated by the day on which
the balance tips. Who goes back and forth has one main home, and others beside it.
"""

import numpy as np
import polars as pl

from ons_assets.lakehouse.sums import PARTS, exact_sum
from ons_assets.parameters.mobility import AnchorParameters


def main_homes(evidence: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Cut the days of every user into spells with one main home each.

    Parameters
    ----------
    evidence
        user, place, day (integer), evidence (positive), of places that may be homes; one row a user, place
        and day.
    parameters
        The main home of a day has the most evidence from `window_days` before it to as many after. A spell of fewer
        than `change_days`, or with fewer than `min_home_days` days seen at its place, is none. The day of a
        change is looked for between the spells, and within `date_days` of them.

    Returns
    -------
    pl.DataFrame
        user, segment (0, 1, ...), place, first_day, last_day: the days of the spell that have evidence of any
        place. Neighbouring spells have different places. A user without a spell that is long enough has one
        at the place with the most evidence of all. Sorted by user and segment.
    """
    ranked = (
        evidence.group_by("user", "place")
        .agg(total=exact_sum("evidence").round(9), first=pl.col("day").min())
        .sort("user", "total", "first", "place", descending=[False, True, False, False])
        .with_columns(rank=pl.int_range(pl.len()).over("user"))
    )
    spans = evidence.group_by("user").agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
    top = ranked.filter(rank=0).select("user", "place")
    several = ranked.filter(rank=1).select("user")
    spells = _spells(evidence.join(several, on="user", how="semi"), ranked, parameters)
    settled = top.join(spells, on="user", how="anti").join(spans, on="user")
    alone = settled.select("user", pl.lit(0, dtype=pl.Int32()).alias("segment"), "place", "first_day", "last_day")
    return pl.concat([alone, spells.select(alone.columns)]).sort("user", "segment")


def _spells(evidence: pl.DataFrame, ranked: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Spells of users with several places."""
    places = ranked.join(evidence.select("user").unique(), on="user").select("user", "place", "rank")
    main = _main_of_days(evidence, places, parameters.window_days)
    numbered = _stretches(main.select("user", "rank", first_day="day", last_day="day"))
    seen = (
        numbered.join(places, on=["user", "rank"])
        .join(evidence, on=["user", "place"])
        .filter(pl.col("day").is_between("first_day", "last_day"))
        .group_by("user", "segment")
        .agg(days=pl.len())
    )
    lasting = numbered.join(
        seen.filter(pl.col("days") >= parameters.min_home_days), on=["user", "segment"], how="semi"
    ).filter(pl.col("last_day") - pl.col("first_day") + 1 >= parameters.change_days)
    spells = _stretches(lasting).join(places, on=["user", "rank"]).sort("user", "segment")
    return _dated(spells, evidence, parameters.date_days)


def _main_of_days(evidence: pl.DataFrame, places: pl.DataFrame, window_days: int) -> pl.DataFrame:
    """The place, by its rank, with the most evidence in the days around each day of a user; of equals, the first.

    Evidence is added up along the days of a place once, in integers, whose differences are exact: what lies in a
    window is what was reached at its end, less what was before it, to the last bit of `exact_sum`.
    """
    users = places.group_by("user").agg(places=pl.len()).sort("user").with_row_index("number")
    first, last = evidence.select(a=pl.col("day").min(), b=pl.col("day").max()).row(0)
    # All days of all users on one line, so far apart that no window reaches the days of another.
    apart = last - first + window_days + 2 if len(evidence) else 1
    moment = pl.col("number").cast(pl.Int64()) * apart + (pl.col("day") - first)
    days = (
        evidence.select("user", "day")
        .unique()
        .join(users, on="user")
        .select("user", "day", "places", moment=moment)
        .sort("moment")
    )
    held_at = (
        evidence.join(places, on=["user", "place"])
        .join(users, on="user")
        .select("rank", moment=moment, parts=(pl.col("evidence") * PARTS).cast(pl.Int128()))
        .sort("rank", "moment")
    )
    moments, places_of_day = days["moment"].to_numpy(), days["places"].to_numpy()
    most, chosen = np.full(len(days), -np.inf), np.zeros(len(days), dtype=np.int64)
    asked = np.arange(len(days))
    # Of a day, each rank is held against the best before it: nothing is as large as days by places.
    for rank, of_rank in enumerate(held_at.partition_by("rank", maintain_order=True)):
        asked = asked[places_of_day[asked] > rank]
        there, here = of_rank["moment"].to_numpy(), moments[asked]
        reached = pl.concat([pl.Series("parts", [0], dtype=pl.Int128()), of_rank["parts"].cum_sum()])
        before = reached.gather(np.searchsorted(there, here - window_days, "left"))
        until = reached.gather(np.searchsorted(there, here + window_days, "right"))
        held = ((until - before).cast(pl.Float64()) / PARTS).round(9).to_numpy()
        is_more = held > most[asked]
        most[asked[is_more]], chosen[asked[is_more]] = held[is_more], rank
    return days.select("user", "day", rank=pl.Series(chosen))


def _dated(spells: pl.DataFrame, evidence: pl.DataFrame, date_days: int) -> pl.DataFrame:
    """Move the days at which one spell ends and the next begins to where the evidence of both places parts best.

    Up to that day there is as much as can be of the old place and as little of the new; it lies between the middles
    of both spells, so that no spell is lost.
    """
    middle = (pl.col("first_day") + pl.col("last_day")) // 2
    following = {name: pl.col(name).shift(-1).over("user") for name in ("place", "first_day", "last_day")}
    pairs = spells.select(
        "user",
        "segment",
        old="place",
        new=following["place"],
        start=pl.max_horizontal(middle, pl.col("last_day") - date_days),
        end=pl.min_horizontal(
            (following["first_day"] + following["last_day"]) // 2, following["first_day"] + date_days
        ),
    ).drop_nulls("new")
    is_old = pl.col("place") == pl.col("old")
    days = (
        evidence.join(pairs, on="user")
        .filter(pl.col("day").is_between("start", "end") & (is_old | (pl.col("place") == pl.col("new"))))
        .group_by("user", "segment", "day")
        .agg(gain=(exact_sum(pl.col("evidence").filter(is_old)) - exact_sum(pl.col("evidence").filter(~is_old))))
        .sort("user", "segment", "day")
        .with_columns(
            left=pl.col("gain").cum_sum().over("user", "segment").round(9),
            next_day=pl.col("day").shift(-1).over("user", "segment"),
        )
        .drop_nulls("next_day")
    )
    parted = days.sort("user", "segment", "left", "day", descending=[False, False, True, False]).unique(
        ["user", "segment"], keep="first", maintain_order=True
    )
    ends = parted.select("user", "segment", end="day")
    begins = parted.select("user", pl.col("segment") + 1, begin="next_day")
    return (
        spells.join(ends, on=["user", "segment"], how="left")
        .join(begins, on=["user", "segment"], how="left")
        .select(
            "user",
            "segment",
            "place",
            first_day=pl.coalesce("begin", "first_day"),
            last_day=pl.coalesce("end", "last_day"),
        )
    )


def _stretches(rows: pl.DataFrame) -> pl.DataFrame:
    """Join neighbouring rows of a user, in order of their days, that are of the same place."""
    change = (pl.col("rank") != pl.col("rank").shift().over("user")).fill_null(False)
    return (
        rows.sort("user", "first_day")
        .with_columns(segment=change.cum_sum().over("user").cast(pl.Int32()))
        .group_by("user", "segment", "rank")
        .agg(first_day=pl.col("first_day").min(), last_day=pl.col("last_day").max())
        .sort("user", "segment")
    )
