"""Time without gap or overlap: where a device was in every second of the days from its first event to its last.

Between two events that are near in time a device is where both are, or on the way; a longer silence is unknown, but
for what an event tells of the minutes around it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.mobile.evidence import IntArray
from ons_assets.mobile.plan import ABROAD, COUNTRY_CODES
from ons_assets.parameters.mobile_tourism import TimeSegmentParameters

STAY, MOVE, UNDETERMINED, UNKNOWN, AWAY = "stay", "move", "undetermined", "unknown", "abroad"
STATES = (STAY, MOVE, UNDETERMINED, UNKNOWN, AWAY)
# Kinds of pieces; a piece at a place becomes a stay, or is too short for one.
AT, MOVING, SILENT, OUT = range(4)
# What a piece is of that is at no place.
NOWHERE = -1

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pieces:
    """Time between events, in order by device and time.

    Parameters
    ----------
    user, start_s, end_s, kind, of : arrays, shape (n,)
        Device, seconds since 1970, kind, and the place (AT) or country (OUT) that it is of; else `NOWHERE`.
    joins : array of bool, shape (n,)
        Whether it goes on at one place with what is before it, though it may be of another.
    """

    user: IntArray
    start_s: IntArray
    end_s: IntArray
    kind: npt.NDArray[np.int8]
    of: IntArray
    joins: BoolArray


def at_one_place(
    first: IntArray, second: IntArray, linked: BoolArray, overlapping: frozenset[tuple[int, int]] = frozenset()
) -> BoolArray:
    """Return whether an event and the next are at one place: at one cell, or at cells that all overlap each other.

    That a cell overlaps the last one is not enough: who drives past many cells would never leave.

    Parameters
    ----------
    first, second : arrays of int, shape (n,)
        Places of each event and of the next, in order.
    linked : array of bool, shape (n,)
        Whether both are of one device, in the country, and near enough in time.
    overlapping
        Pairs of places that may be one, in both orders.
    """
    same: BoolArray = linked & (first == second)
    if not overlapping:
        return same
    pairs = np.array(sorted(overlapping), dtype=np.int64).T
    cells = int(max(pairs.max(), first.max(initial=0), second.max(initial=0))) + 1
    keys = pairs[0] * cells + pairs[1]
    key = first * cells + second
    nearest = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    maybe = np.flatnonzero(linked & ~same & (keys[nearest] == key) & (first >= 0) & (second >= 0))
    # Pairs that are neither end what all cells of a stay must overlap in.
    is_end = ~same
    is_end[maybe] = False
    group = np.cumsum(is_end)[maybe]
    found = same
    members: set[int] = set()
    last = -1
    for pair, of, left, right in zip(
        maybe.tolist(), group.tolist(), first[maybe].tolist(), second[maybe].tolist(), strict=True
    ):
        if of != last:
            members, last = {left}, of
        if all(member == right or (member, right) in overlapping for member in members):
            members.add(right)
            found[pair] = True
        else:
            members = {right}
    return found


def time_segments(
    user: IntArray,
    time_s: IntArray,
    place: IntArray,
    midnights_s: IntArray,
    parameters: TimeSegmentParameters | None = None,
    *,
    overlapping: frozenset[tuple[int, int]] = frozenset(),
) -> pl.DataFrame:
    """Say where devices were from the day of their first event to that of their last.

    Between events at one place not more than `silent_stay_hours` apart a device is there; between places not more
    than `silent_move_hours` apart it moves; between events of which one or both are abroad, not more than
    `silent_abroad_hours` apart, it crosses the border halfway. All other time is unknown, less `pad_minutes` beside
    each event. Time at one place, or at such as may be one, is a stay if it is longer than `least_stay_minutes`.

    Parameters
    ----------
    user, time_s, place : arrays of int, shape (n,)
        Sorted by device and time: seconds since 1970, and the place; abroad as `CellPlan.numbers` has it.
    midnights_s : array of int
        When the local days begin, seconds since 1970, ascending, from before the first event to after the last.
    overlapping
        Pairs of places that may be one, in both orders; see `at_one_place`.

    Returns
    -------
    pl.DataFrame
        user, day (number of the midnight before), start_s, end_s, segment_state, place (the one of most of a stay, or
        of what is too short for one; null of other states), mcc (of the country abroad; null of other states). Sorted
        by user and start; of each device and day they cover the time from one midnight to the next.

    References
    ----------
    Eurostat's reference pipeline (multimno), continuous time segmentation; see docs/methods/multimno_comparison.md.
    """
    parameters = parameters or TimeSegmentParameters()
    if not len(user):
        none = np.empty(0, dtype=np.int64)
        empty = Pieces(none, none, none, np.empty(0, dtype=np.int8), none, np.empty(0, dtype=np.bool_))
        return _rows(empty, midnights_s, parameters)
    pieces = _pieces(user, time_s, place, midnights_s, parameters, overlapping)
    return _rows(pieces, midnights_s, parameters)


def _pieces(
    user: IntArray,
    time_s: IntArray,
    place: IntArray,
    midnights_s: IntArray,
    parameters: TimeSegmentParameters,
    overlapping: frozenset[tuple[int, int]],
) -> Pieces:
    """Three pieces for each pair of events that follow each other, and those at both ends of each device."""
    pad = round(parameters.pad_minutes * 60)
    last = np.append(user[1:] != user[:-1], [True])
    first = np.append([True], last[:-1])
    pair = np.flatnonzero(~last)
    start, end, left, right = time_s[pair], time_s[pair + 1], place[pair], place[pair + 1]
    gap, middle = end - start, start + (end - start) // 2
    left_out, right_out = left <= ABROAD, right <= ABROAD
    out = left_out | right_out
    moves = gap <= parameters.silent_move_hours * 3_600
    linked = np.zeros(len(user) - 1, dtype=bool)
    linked[pair] = ~out & (gap <= parameters.silent_stay_hours * 3_600)
    stays = at_one_place(place[:-1], place[1:], linked, overlapping)[pair]
    crosses = out & (gap <= parameters.silent_abroad_hours * 3_600)
    remains = stays | (crosses & (left == right))
    # How far the first event reaches, and from when on the second does; the rest lies between.
    near = np.minimum(pad, gap // 2)
    moving = ~out & ~stays & moves
    leave = np.select([remains, moving, crosses & left_out, crosses & moves], [end, start, middle, start], start + near)
    arrive = np.select([remains, moving, crosses & right_out, crosses & moves], [end, end, middle, end], end - near)
    between = np.where(moving | (crosses & moves), MOVING, SILENT)
    begins, ends = np.flatnonzero(first), np.flatnonzero(last)
    day_start = midnights_s[np.searchsorted(midnights_s, time_s[begins], side="right") - 1]
    day_end = midnights_s[np.searchsorted(midnights_s, time_s[ends], side="right")]
    early = np.maximum(time_s[begins] - pad, day_start)
    late = np.minimum(time_s[ends] + pad, day_end)

    def kind_of(where: IntArray) -> IntArray:
        return np.where(where <= ABROAD, OUT, AT)

    nothing = np.full(len(begins), NOWHERE)
    goes_on = np.zeros(len(user), dtype=np.bool_)
    goes_on[pair + 1] = remains
    made = [
        (user[pair], start, leave, kind_of(left), left, goes_on[pair]),
        (user[pair], leave, arrive, between, np.full(len(pair), NOWHERE), np.zeros(len(pair), dtype=np.bool_)),
        (user[pair], arrive, end, kind_of(right), right, np.zeros(len(pair), dtype=np.bool_)),
        (user[begins], day_start, early, np.full(len(begins), SILENT), nothing, goes_on[begins]),
        (user[begins], early, time_s[begins], kind_of(place[begins]), place[begins], goes_on[begins]),
        (user[ends], time_s[ends], late, kind_of(place[ends]), place[ends], goes_on[ends]),
        (user[ends], late, day_end, np.full(len(ends), SILENT), nothing, goes_on[ends]),
    ]
    columns = [np.concatenate(each) for each in zip(*made, strict=True)]
    kept = columns[1] < columns[2]
    order = np.lexsort((columns[1][kept], columns[0][kept]))
    of_user, starts, until, kind, of, joins = (each[kept][order] for each in columns)
    return Pieces(of_user, starts, until, kind.astype(np.int8), of, joins)


def _rows(pieces: Pieces, midnights_s: IntArray, parameters: TimeSegmentParameters) -> pl.DataFrame:
    """Join pieces that follow each other and are of one kind, and part them at midnights."""
    country = np.where(pieces.kind == OUT, pieces.of, NOWHERE)
    changes = np.ones(len(pieces.user), dtype=bool)
    changes[1:] = (
        (pieces.user[1:] != pieces.user[:-1]) | (pieces.kind[1:] != pieces.kind[:-1]) | (country[1:] != country[:-1])
    )
    # Between two places at which a device is in one second there is no time to move.
    is_other = (pieces.kind[1:] == AT) & (pieces.of[1:] != pieces.of[:-1])
    changes[1:] |= is_other & ~pieces.joins[1:]
    number = np.cumsum(changes) - 1
    of_run = pl.DataFrame({"run": number, "place": pieces.of, "seconds": pieces.end_s - pieces.start_s})
    commonest = (
        of_run.filter(pl.Series(pieces.kind == AT))
        .group_by("run", "place")
        .agg(pl.col("seconds").sum())
        .sort("run", "seconds", "place", descending=[False, True, False])
    )
    place = commonest.unique("run", keep="first", maintain_order=True).select("run", "place")
    starts = np.flatnonzero(changes)
    runs = pl.DataFrame(
        {
            "user": pieces.user[starts],
            "start_s": pieces.start_s[starts],
            "end_s": pieces.end_s[np.append(starts[1:] - 1, len(pieces.user) - 1)] if len(starts) else starts,
            "kind": pieces.kind[starts],
            "country": country[starts],
        }
    ).with_row_index("run")
    long_enough = pl.col("end_s") - pl.col("start_s") > round(parameters.least_stay_minutes * 60)
    state = (
        pl.when((pl.col("kind") == AT) & long_enough)
        .then(pl.lit(STAY))
        .when(pl.col("kind") == AT)
        .then(pl.lit(UNDETERMINED))
        .otherwise(pl.col("kind").replace_strict({MOVING: MOVE, SILENT: UNKNOWN, OUT: AWAY}, default=None))
    )
    named = runs.join(place.cast({"run": pl.UInt32()}), on="run", how="left", maintain_order="left").with_columns(
        segment_state=state, mcc=pl.when(pl.col("kind") == OUT).then((ABROAD - pl.col("country")) % COUNTRY_CODES)
    )
    return _by_day(named, midnights_s)


def hours_abroad(away: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """Return the hours of local days in which devices are abroad for the most part.

    Parameters
    ----------
    away
        Rows of `mobile/time_segments` that are abroad: user, day, start_utc, end_utc.
    time_zone
        Of the local clock.

    Returns
    -------
    pl.DataFrame
        user, day, hours_mask: bit h is set if at half past h the device is abroad. Sorted.
    """
    # Of zones whose hours begin within those of UTC too: an hour of the local clock began so long before.
    since = pl.duration(minutes=pl.col("start_utc").dt.convert_time_zone(time_zone).dt.minute())
    start = pl.col("start_utc").dt.truncate("1m") - since
    half = pl.datetime_ranges(start + pl.duration(minutes=30), "end_utc", "1h", closed="left")
    halves = away.select("user", "day", "start_utc", half=half).explode("half", empty_as_null=False)
    at = pl.col("half").dt.convert_time_zone(time_zone).dt.hour().cast(pl.Int32())
    within = halves.filter(pl.col("half") >= pl.col("start_utc")).select("user", "day", hour=at).unique()
    return (
        within.group_by("user", "day").agg(hours_mask=(2 ** pl.col("hour")).sum().cast(pl.Int32())).sort("user", "day")
    )


def _by_day(segments: pl.DataFrame, midnights_s: IntArray) -> pl.DataFrame:
    start, end = segments["start_s"].to_numpy(), segments["end_s"].to_numpy()
    first = np.searchsorted(midnights_s, start, side="right") - 1
    days = np.searchsorted(midnights_s, end, side="left") - first
    # A local day that never was, as where a country crossed the date line, begins and ends with the one before.
    row = np.repeat(np.arange(len(start)), days)
    day = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)
    return (
        segments[row]
        .select(
            "user",
            day=pl.Series(day, dtype=pl.Int32()),
            start_s=pl.Series(np.maximum(start[row], midnights_s[day]), dtype=pl.Int64()),
            end_s=pl.Series(
                np.minimum(end[row], midnights_s[np.minimum(day + 1, len(midnights_s) - 1)]), dtype=pl.Int64()
            ),
            segment_state=pl.col("segment_state").cast(pl.String()),
            place=pl.col("place").cast(pl.Int64()),
            mcc=pl.col("mcc").cast(pl.Int32()),
        )
        .filter(pl.col("start_s") < pl.col("end_s"))
    )
