"""Which place a person is at home at, day by day, when a change costs something.

The path through the places that gathers the most evidence, less a penalty for every change, found
exactly by dynamic programming (the Viterbi recursion). A holiday gathers less at the hotel than the
two changes cost; a move gathers more.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum

# Cells (users x days x places) that are held at once.
CELLS_AT_ONCE = 8_000_000


def best_path(evidence: npt.NDArray[np.float64], penalty: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
    """Return the sequence of places with the most evidence less a penalty for every change.

    Parameters
    ----------
    evidence : array of float64, shape (n_users, n_days, n_places)
        Evidence of each place on each day, zero where there is none.
    penalty : array of float64, shape (n_users,)
        Cost of a change.

    Returns
    -------
    array of int16, shape (n_users, n_days)
        Index of the place; of equals, the one that needs no change, then the first.
    """
    n_users, n_days, n_places = evidence.shape
    came_from = np.empty((n_users, n_days, n_places), dtype=np.int16)
    stay = np.arange(n_places, dtype=np.int16)
    score = evidence[:, 0, :].copy()
    for day in range(1, n_days):
        best = score.argmax(axis=1)
        changed = np.take_along_axis(score, best[:, None], axis=1) - penalty[:, None]
        moves = changed > score
        came_from[:, day, :] = np.where(moves, best[:, None], stay)
        score = np.where(moves, changed, score) + evidence[:, day, :]
    path = np.empty((n_users, n_days), dtype=np.int16)
    state = score.argmax(axis=1)
    for day in range(n_days - 1, 0, -1):
        path[:, day] = state
        state = np.take_along_axis(came_from[:, day, :], state[:, None], axis=1)[:, 0].astype(np.intp)
    if n_days:
        path[:, 0] = state
    return path


def segment(evidence: pl.DataFrame, penalty: pl.DataFrame) -> pl.DataFrame:
    """Cut the days of every user into segments with one place each.

    Parameters
    ----------
    evidence
        user, place, day (integer), evidence (positive); one row a user, place and day.
    penalty
        user, penalty: cost of a change, in units of evidence.

    Returns
    -------
    pl.DataFrame
        user, segment (0, 1, ...), place, first_day, last_day: the days of the segment that have evidence
        of any place. Sorted by user and segment.
    """
    places = (
        evidence.group_by("user", "place")
        .agg(total=exact_sum("evidence").round(12), first=pl.col("day").min())
        .join(penalty, on="user")
        .with_columns(top=pl.col("total").max().over("user"))
        # A place that holds less than a change costs can only ever be the user's main one.
        .filter((pl.col("total") > pl.col("penalty")) | (pl.col("total") == pl.col("top")))
        .sort("user", "total", "first", "place", descending=[False, True, False, False])
        .with_columns(state=pl.int_range(pl.len()).over("user").cast(pl.Int32()))
    )
    spans = evidence.group_by("user").agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
    states = places.group_by("user").agg(n_places=pl.len())
    settled = states.filter(n_places=1).select("user")
    alone = (
        places.join(settled, on="user")
        .join(spans, on="user")
        .select("user", pl.lit(0, dtype=pl.Int32()).alias("segment"), "place", "first_day", "last_day")
    )
    moving = states.filter(pl.col("n_places") > 1)
    if moving.is_empty():
        return alone.sort("user")
    parts = [alone]
    rows = evidence.join(moving.select("user"), on="user").with_columns(
        step=(pl.col("day").rank("dense").over("user") - 1).cast(pl.Int32())
    )
    steps = rows.group_by("user").agg(n_steps=pl.col("step").max() + 1)
    sized = moving.join(steps, on="user").join(penalty, on="user").sort("n_places", "n_steps", "user")
    cells = sized["n_places"].cast(pl.Int64()) * sized["n_steps"]
    for chunk in _chunks(sized.with_columns(cells=cells)):
        parts.append(_segment_chunk(chunk, rows, places))
    return pl.concat(parts).sort("user", "segment")


def _chunks(sized: pl.DataFrame) -> list[pl.DataFrame]:
    """Users of like size together; the arrays of a chunk are as large as its largest user asks."""
    chunks = []
    start = 0
    n_places, n_steps = sized["n_places"].to_numpy(), sized["n_steps"].to_numpy()
    while start < len(sized):
        taken = np.arange(1, len(sized) - start + 1)
        widest = np.maximum.accumulate(n_places[start:].astype(np.int64))
        longest = np.maximum.accumulate(n_steps[start:].astype(np.int64))
        fits = int(np.searchsorted(taken * widest * longest, CELLS_AT_ONCE, side="right"))
        chunks.append(sized[start : start + max(fits, 1)])
        start += max(fits, 1)
    return chunks


def _segment_chunk(chunk: pl.DataFrame, rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    numbered = chunk.select("user", "n_steps", "penalty").with_row_index("row")
    of_chunk = rows.join(numbered.select("user", "row"), on="user")
    known = of_chunk.join(places.select("user", "place", "state"), on=["user", "place"])
    shape = (len(chunk), int(chunk["n_steps"].max() or 0), int(chunk["n_places"].max() or 0))  # type: ignore[arg-type]
    evidence = np.zeros(shape)
    at = (known["row"].to_numpy(), known["step"].to_numpy(), known["state"].to_numpy())
    evidence[at] = known["evidence"].to_numpy()
    path = best_path(evidence, numbered["penalty"].to_numpy())
    days = of_chunk.select("user", "row", "step", "day").unique().sort("row", "step")
    taken = days.with_columns(state=pl.Series(path[days["row"].to_numpy(), days["step"].to_numpy()], dtype=pl.Int32()))
    return (
        taken.with_columns(
            segment=(pl.col("state") != pl.col("state").shift().over("user")).fill_null(False).cum_sum().over("user")
        )
        .group_by("user", "segment", "state")
        .agg(first_day=pl.col("day").min(), last_day=pl.col("day").max())
        .join(places.select("user", "state", "place"), on=["user", "state"])
        .select("user", pl.col("segment").cast(pl.Int32()), "place", "first_day", "last_day")
    )
