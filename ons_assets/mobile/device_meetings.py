"""Which devices of an operator may be carried by one person, and how often they are seen together and apart.

Only devices with the same home and a place in common away from it are put side by side: their number grows as that of
devices does, and not as its square.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.mobile.plan import CellPlan
from ons_assets.parameters.mobile_people import DeduplicationParameters

DEVICES_AT_ONCE = 20_000
PAIRS_AT_ONCE = 20_000
# Kinds of hours in which two devices are seen, and not both at home.
USUAL, ELSEWHERE, APART = "usual_hours", "elsewhere_hours", "apart_hours"
KINDS = (USUAL, ELSEWHERE, APART)
PAIR = ("user", "other")
SAME_HOME = "same_home"


@dataclass(frozen=True)
class Meetings:
    """Devices of one operator side by side.

    Parameters
    ----------
    routines
        What `routines` returns, with places by their number in the order of their names.
    pairs
        user, other (of both orders once), same_home (whether the place where each is most is the same, and not only
        near), usual_hours, elsewhere_hours, apart_hours. Sorted.
    """

    routines: pl.DataFrame
    pairs: pl.DataFrame


def near_cells(plan: CellPlan, operator: str, parameters: DeduplicationParameters | None = None) -> pl.DataFrame:
    """Say which cells of an operator may serve the same place.

    Parameters
    ----------
    plan
        Cells of all operators.
    operator
        Whose cells.
    parameters
        `near_m` and `near_masts`: cells are near each other within that distance, or within that to the mast of this
        number around either of them, which is farther in the country.

    Returns
    -------
    pl.DataFrame
        place, near: names of cells, each near itself. Sorted.
    """
    parameters = parameters or DeduplicationParameters()
    cells = plan.cells.filter(operator=operator).sort("cell").unique("cell_id", keep="first").sort("cell_id")
    at = cells.select("x_m", "y_m").to_numpy()
    masts = np.unique(at.round(), axis=0)
    around = min(parameters.near_masts + 1, len(masts))
    to_masts = cKDTree(masts).query(at, k=[around])[0][:, 0]
    reach = np.maximum(to_masts, parameters.near_m)
    tree = cKDTree(at)
    found = tree.query_ball_point(at, reach)
    own = np.repeat(np.arange(len(at)), [len(each) for each in found])
    other = np.concatenate([np.asarray(each, dtype=np.int64) for each in found])
    names = cells["cell_id"]
    one_way = pl.DataFrame({"place": names.gather(own), "near": names.gather(other)})
    back = one_way.select(place="near", near="place")
    return pl.concat([one_way, back]).unique().sort("place", "near")


def routines(
    daily: pl.DataFrame, near: pl.DataFrame, parameters: DeduplicationParameters | None = None
) -> pl.DataFrame:
    """Say where devices are at home, and where they mostly are away from it.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence` of devices of one operator: user, place, day, hours_mask.
    near
        What `near_cells` returns.

    Returns
    -------
    pl.DataFrame
        user, home (the place with most hours; of two alike, the first by name), away (list of the `away_places` with
        most hours that are not near it), away_hours. Sorted.
    """
    parameters = parameters or DeduplicationParameters()
    hours = daily.group_by("user", "place").agg(hours=pl.col("hours_mask").bitwise_count_ones().cast(pl.Int64()).sum())
    ranked = hours.sort("user", "hours", "place", descending=[False, True, False])
    homes = ranked.unique("user", keep="first", maintain_order=True).select("user", home="place")
    at_home = homes.join(near, left_on="home", right_on="place").select("user", place="near")
    away = (
        ranked.join(at_home, on=["user", "place"], how="anti", maintain_order="left")
        .group_by("user", maintain_order=True)
        .agg(away=pl.col("place").head(parameters.away_places), away_hours=pl.col("hours").sum())
    )
    return homes.join(away, on="user", how="left").with_columns(pl.col("away_hours").fill_null(0)).sort("user")


def candidates(
    routine: pl.DataFrame, near: pl.DataFrame, parameters: DeduplicationParameters | None = None
) -> pl.DataFrame:
    """Find devices with the same home and a place in common away from it, which is the first of one of them.

    Parameters
    ----------
    routine
        What `routines` returns.
    near
        What `near_cells` returns.

    Returns
    -------
    pl.DataFrame
        user, other. Sorted.
    """
    parameters = parameters or DeduplicationParameters()
    known = routine.filter(pl.col("away_hours") >= parameters.fewest_hours)
    long = (
        known.select("user", "home", "away", rank=pl.int_ranges(pl.col("away").list.len()))
        .explode("away", "rank")
        .sort("user", "rank")
    )
    firsts = long.filter(rank=0).drop("rank")
    found = [pl.DataFrame(schema={"user": pl.Int64(), "other": pl.Int64()})]
    for start in range(0, len(firsts), DEVICES_AT_ONCE):
        around = (
            firsts.slice(start, DEVICES_AT_ONCE)
            .join(near.rename({"place": "home", "near": "near_home"}), on="home")
            .join(near.rename({"place": "away", "near": "near_away"}), on="away")
        )
        met = around.join(
            long.rename({"user": "other"}), left_on=["near_home", "near_away"], right_on=["home", "away"]
        ).filter(pl.col("user") != pl.col("other"))
        found.append(met.select(user=pl.min_horizontal(PAIR), other=pl.max_horizontal(PAIR)).unique())
    return pl.concat(found).unique().sort(PAIR)


def meetings(daily: pl.DataFrame, near: pl.DataFrame, parameters: DeduplicationParameters | None = None) -> Meetings:
    """Put devices side by side that may be of one person, and count the hours in which they are together and apart.

    An hour counts if both devices are seen in it, and not both at home. They are together if a place of the one is near
    a place of the other: at the place away from home where either mostly is, or elsewhere; else they are apart.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence`, all of one operator: user, place, day, hours_mask.
    near
        What `near_cells` returns.
    """
    parameters = parameters or DeduplicationParameters()
    # Numbers are joined faster than names; in their order, so that ties fall as by these.
    names = near.select("place").unique().sort("place").with_row_index("number")
    of_place = names.select(place="place", number="number")
    near = near.join(of_place, on="place").join(names.select(near="place", other="number"), on="near")
    near = near.select(place="number", near="other")
    daily = daily.join(of_place, on="place").select("user", "day", "hours_mask", place="number")
    routine = routines(daily, near, parameters)
    pairs = candidates(routine, near, parameters)
    counted = [pl.DataFrame(schema={**dict.fromkeys(PAIR, pl.Int64()), **dict.fromkeys(KINDS, pl.Int64())})]
    own = _near_home_and_usual(daily, routine, near)
    seen = daily.group_by("user", "day").agg(seen=pl.col("hours_mask").bitwise_or())
    for part in _parts(pairs):
        # Rows of the devices of some pairs: those of all devices are many times as many.
        devices = pl.DataFrame({"user": pl.concat([part["user"], part["other"]]).unique()})
        rows, hours = (table.join(devices, on="user", how="semi") for table in (own, seen))
        counted.append(_counted(part, rows, hours, near))
    homes = routine.select("user", "home")
    met = (
        pl.concat(counted)
        .join(homes, on="user")
        .join(homes.select(other="user", other_home="home"), on="other")
        .select(*PAIR, pl.col("home").eq(pl.col("other_home")).alias(SAME_HOME), *KINDS)
    )
    return Meetings(routine, met.sort(PAIR))


def _parts(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        yield pairs.slice(start, PAIRS_AT_ONCE)


def _near_home_and_usual(daily: pl.DataFrame, routine: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """Rows of devices, and whether their place is near the home, or near the first place away from it."""
    marks = routine.select("user", "home", first=pl.col("away").list.first())
    at_home = _marked(marks.select("user", place="home"), near)
    at_first = _marked(marks.select("user", place="first").drop_nulls(), near)
    return (
        daily.select("user", "day", "place", "hours_mask")
        .join(at_home.with_columns(is_home=True), on=["user", "place"], how="left")
        .join(at_first.with_columns(is_usual=True), on=["user", "place"], how="left")
        .with_columns(pl.col("is_home", "is_usual").fill_null(value=False))
    )


def _counted(pairs: pl.DataFrame, own: pl.DataFrame, seen: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """Hours of each kind, by pair; what is near the home or near the usual place counts as there."""
    days = (
        pairs.join(seen, on="user")
        .join(seen.rename({"user": "other", "seen": "other_seen"}), on=["other", "day"])
        .select(*PAIR, "day", both=pl.col("seen") & pl.col("other_seen"))
        .filter(pl.col("both") != 0)
    )
    of_other = own.select(
        "day", other="user", near="place", other_mask="hours_mask", other_home="is_home", other_usual="is_usual"
    )
    met = (
        days.join(own, on=["user", "day"])
        .join(of_other, on=["other", "day"])
        .with_columns(mask=pl.col("hours_mask") & pl.col("other_mask"))
        .filter(pl.col("mask") != 0)
        .join(near, on=["place", "near"], how="semi")
    )
    is_home, is_usual = pl.col("is_home") | pl.col("other_home"), pl.col("is_usual") | pl.col("other_usual")
    by_day = met.group_by(*PAIR, "day").agg(
        home=pl.col("mask").filter(is_home).bitwise_or(),
        usual=pl.col("mask").filter(~is_home & is_usual).bitwise_or(),
        elsewhere=pl.col("mask").filter(~is_home & ~is_usual).bitwise_or(),
    )
    joined = days.join(by_day, on=[*PAIR, "day"], how="left").with_columns(
        pl.col("home", "usual", "elsewhere").fill_null(0)
    )
    elsewhere, usual = pl.col("elsewhere"), pl.col("usual") & ~pl.col("elsewhere")
    apart = pl.col("both") & ~(pl.col("home") | pl.col("usual") | pl.col("elsewhere"))
    hours = {USUAL: usual, ELSEWHERE: elsewhere, APART: apart}
    summed = joined.group_by(PAIR).agg(
        **{name: mask.bitwise_count_ones().cast(pl.Int64()).sum() for name, mask in hours.items()}
    )
    return pairs.join(summed, on=PAIR, how="left").with_columns(pl.col(KINDS).fill_null(0)).select(*PAIR, *KINDS)


def _marked(at: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    return at.join(near, on="place").select("user", place="near").unique()
