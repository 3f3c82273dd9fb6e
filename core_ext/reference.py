"""The kernels in plain Python: slow, obvious, and what the tests hold the kernels against."""

import math
from collections import deque
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


# --- dbscan --------------------------------------------------------------------------------------------------


def dbscan(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    *,
    sample_weight: FloatArray | None = None,
    time: FloatArray | None = None,
    eps_time: float | None = None,
) -> npt.NDArray[np.int32]:
    """Cluster the points of each segment by density; see `core_ext.dbscan`.

    Parameters
    ----------
    x, y
        Coordinates of the points, all segments one after the other, shape (n,).
    offsets
        Start of each segment among the points, and n at the end, shape (segments + 1,).
    eps
        Largest distance of neighbours, in the unit of the coordinates; a pair exactly that far apart counts.
    min_samples
        Points (or weight) within `eps`, the point itself included, that make a core point.
    sample_weight
        Weight of each point, shape (n,); every point weighs 1 without it.
    time, eps_time
        A third coordinate, shape (n,), and the largest difference of neighbours in it; both or neither.
    """
    labels, _ = _labels_and_core(x, y, offsets, eps, min_samples, sample_weight, time, eps_time)
    return labels


def dbscan_clusters(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    *,
    sample_weight: FloatArray | None = None,
    time: FloatArray | None = None,
    eps_time: float | None = None,
) -> tuple[npt.NDArray[np.int32], dict[str, list[Any]]]:
    """Cluster the points of each segment, and describe the clusters; see `core_ext.dbscan_clusters`.

    Parameters
    ----------
    x, y
        Coordinates of the points, all segments one after the other, shape (n,).
    offsets
        Start of each segment among the points, and n at the end, shape (segments + 1,).
    eps
        Largest distance of neighbours, in the unit of the coordinates; a pair exactly that far apart counts.
    min_samples
        Points (or weight) within `eps`, the point itself included, that make a core point.
    sample_weight
        Weight of each point, shape (n,); every point weighs 1 without it.
    time, eps_time
        A third coordinate, shape (n,), and the largest difference of neighbours in it; both or neither.
    """
    labels, core = _labels_and_core(x, y, offsets, eps, min_samples, sample_weight, time, eps_time)
    rows = []
    for segment in range(len(offsets) - 1):
        points = range(offsets[segment], offsets[segment + 1])
        for label in range(max((labels[i] for i in points), default=-1) + 1):
            members = [i for i in points if labels[i] == label]
            centroid_x = sum(x[i] for i in members) / len(members)
            centroid_y = sum(y[i] for i in members) / len(members)
            squares = [(x[i] - centroid_x) ** 2 + (y[i] - centroid_y) ** 2 for i in members]
            rows.append(
                {
                    "segment": segment,
                    "label": label,
                    "size": len(members),
                    "core_count": sum(core[i] for i in members),
                    "centroid_x": centroid_x,
                    "centroid_y": centroid_y,
                    "min_x": min(x[i] for i in members),
                    "min_y": min(y[i] for i in members),
                    "max_x": max(x[i] for i in members),
                    "max_y": max(y[i] for i in members),
                    "radius_of_gyration": (sum(squares) / len(members)) ** 0.5,
                    "medoid": members[squares.index(min(squares))],
                }
            )
    names = [
        "segment", "label", "size", "core_count", "centroid_x", "centroid_y",
        "min_x", "min_y", "max_x", "max_y", "radius_of_gyration", "medoid",
    ]  # fmt: skip
    return labels, {name: [row[name] for row in rows] for name in names}


def _labels_and_core(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    sample_weight: FloatArray | None,
    time: FloatArray | None,
    eps_time: float | None,
) -> tuple[npt.NDArray[np.int32], list[bool]]:
    labels = np.full(len(x), -1, dtype=np.int32)
    core = [False] * len(x)
    for start, end in pairwise(offsets):
        points = range(start, end)

        neighbours = {i: [j for j in points if _near(x, y, eps, time, eps_time, i, j)] for i in points}
        for i in points:
            total = sum(1 if sample_weight is None else sample_weight[j] for j in neighbours[i])
            core[i] = bool(total >= min_samples)

        label = 0
        for seed in points:
            if not core[seed] or labels[seed] != -1:
                continue
            labels[seed] = label
            queue = deque([seed])
            while queue:
                for j in neighbours[queue.popleft()]:
                    if labels[j] == -1:
                        labels[j] = label
                        if core[j]:
                            queue.append(j)
            label += 1
    return labels, core


def _near(
    x: FloatArray,
    y: FloatArray,
    eps: float,
    time: FloatArray | None,
    eps_time: float | None,
    i: int,
    j: int,
) -> bool:
    if time is not None and eps_time is not None and abs(time[i] - time[j]) > eps_time:
        return False
    return bool((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= eps * eps)


# --- matched -------------------------------------------------------------------------------------------------


def log_relatives(
    product_offsets: IntArray, period: IntArray, log_price: FloatArray, n_periods: int
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Sum the log price relatives of shared products for all pairs of periods; see `core_ext.matched`.

    Parameters
    ----------
    product_offsets
        Start of each product among the quotes, and the number of quotes at the end, shape (products + 1,).
    period
        Period of each quote, 0 to `n_periods` - 1; a product has one quote in a period at most.
    log_price
        Natural logarithm of the price of each quote.
    n_periods
        Size of the square results.
    """
    sums = np.zeros((n_periods, n_periods))
    counts = np.zeros((n_periods, n_periods), dtype=np.int64)
    for start, end in pairwise(product_offsets):
        for i in range(start, end):
            for j in range(start, end):
                sums[period[i], period[j]] += log_price[j] - log_price[i]
                counts[period[i], period[j]] += 1
    return sums, counts


def pair_sums(
    product_offsets: IntArray, period: IntArray, left: FloatArray, right: FloatArray, n_periods: int
) -> FloatArray:
    """Sum ``left in a x right in b`` over shared products for all pairs; see `core_ext.matched`.

    Parameters
    ----------
    product_offsets
        Start of each product among the quotes, and the number of quotes at the end, shape (products + 1,).
    period
        Period of each quote, 0 to `n_periods` - 1; a product has one quote in a period at most.
    left, right
        Factor of each quote when it is the earlier and when it is the later of a pair, such as price and quantity.
    n_periods
        Size of the square result.
    """
    sums = np.zeros((n_periods, n_periods))
    for start, end in pairwise(product_offsets):
        for i in range(start, end):
            for j in range(start, end):
                sums[period[i], period[j]] += left[i] * right[j]
    return sums


# Half-hourly readings: see `core_ext.half_hours`.


def half_hour_profiles(
    kwh: npt.NDArray[np.floating], meter_offsets: IntArray, day_type: IntArray, n_day_types: int
) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    """Sum the readings of every meter by type of day and half hour; see `core_ext.half_hours`.

    Parameters
    ----------
    kwh
        Readings in kWh, shape (meter-days, 48), the days of a meter together; NaN where nothing was read.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    day_type
        Type of each day, 0 to `n_day_types` - 1; a day of a negative type is in no profile.
    n_day_types
        Number of profiles for each meter.
    """
    sums = np.zeros((len(meter_offsets) - 1, n_day_types, 48))
    counts = np.zeros((len(meter_offsets) - 1, n_day_types, 48), dtype=np.int32)
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        for row in range(start, end):
            for slot in range(48):
                if day_type[row] >= 0 and not math.isnan(kwh[row, slot]):
                    sums[meter, day_type[row], slot] += float(kwh[row, slot])
                    counts[meter, day_type[row], slot] += 1
    return sums, counts


def daily_totals(kwh: npt.NDArray[np.floating]) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Sum the readings of every day; see `core_ext.half_hours`."""
    read = [[float(value) for value in day if not math.isnan(value)] for day in kwh]
    totals = [math.fsum(values) if values else math.nan for values in read]
    return np.array(totals, dtype=float), np.array([len(values) for values in read], dtype=np.int8)


def half_hour_runs(
    kwh: npt.NDArray[np.floating], meter_offsets: IntArray, kind: str, day: IntArray, min_length: int
) -> list[tuple[int, int, int]]:
    """List (meter, first half hour, length) of runs of missing, zero or flat readings; see `core_ext.half_hours`.

    The readings of a meter are laid on its whole calendar, absent days as missing, and marked one by one.

    Parameters
    ----------
    kwh
        Readings in kWh, shape (meter-days, 48), the days of a meter together and in order; NaN is missing.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    kind
        "missing", "zero", or "flat": the same reading again and again, other than zero.
    day
        Number of the calendar day of each row.
    min_length
        Half hours of the shortest run that is listed.
    """
    runs = []
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        if start == end:
            continue
        values = [math.nan] * (48 * (int(day[end - 1]) - int(day[start]) + 1))
        for row in range(start, end):
            values[48 * int(day[row] - day[start]) : 48 * int(day[row] - day[start] + 1)] = kwh[row].tolist()
        keys: list[str | float | None]
        if kind == "missing":
            keys = ["missing" if math.isnan(value) else None for value in values]
        else:
            keys = [None if math.isnan(value) or (value == 0) != (kind == "zero") else value for value in values]
        place = 0
        for key, group in groupby(keys):
            length = len(list(group))
            # A single reading repeats nothing, so the shortest flat run has two.
            if key is not None and length >= max(min_length, 2 if kind == "flat" else 1):
                runs.append((meter, place, length))
            place += length
    return runs


def low_day_runs(
    day_kwh: FloatArray,
    level_kwh: FloatArray,
    meter_offsets: IntArray,
    day: IntArray,
    min_days: int,
    max_gap_days: int,
) -> list[tuple[int, int, int, int]]:
    """List (meter, first row, last row, low days) of runs of low days; see `core_ext.half_hours`.

    Parameters
    ----------
    day_kwh
        Use of each day in kWh, the days of a meter together and in order; NaN where it is unknown.
    level_kwh
        Level below which the day is low; NaN where there is none. A day without either breaks no run.
    meter_offsets
        First row of each meter, and the number of rows at the end, shape (meters + 1,).
    day
        Number of the calendar day of each row.
    min_days
        Low days of the shortest run that is listed.
    max_gap_days
        Days without a verdict that a run may span between two of its low days.
    """
    runs = []
    for meter, (start, end) in enumerate(pairwise(meter_offsets)):
        known = [row for row in range(start, end) if not math.isnan(day_kwh[row]) and not math.isnan(level_kwh[row])]
        parts: list[list[int]] = [[]]
        for row in known:
            if day_kwh[row] >= level_kwh[row]:
                parts.append([])
                continue
            if parts[-1] and day[row] - day[parts[-1][-1]] - 1 > max_gap_days:
                parts.append([])
            parts[-1].append(row)
        runs += [(meter, part[0], part[-1], len(part)) for part in parts if len(part) >= min_days]
    return runs


# Occupancy of homes: see `core_ext.occupancy_hmm`.


def fit_home(
    x: FloatArray,
    day: IntArray,
    group: IntArray,
    active_share: FloatArray,
    mean: FloatArray,
    sd: FloatArray,
    transition: FloatArray,
    weight: float,
    transition_weight: float,
    initial_occupied: float,
    iterations: int,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, list[float]]:
    """Fit the occupancy model to one home; see `core_ext.occupancy_hmm`.

    Returns the probability of being occupied, mean, sd, transition, and the log posterior before each step.

    Parameters
    ----------
    x
        Logarithms of the energy of one home, shape (days, 48); NaN where nothing was read.
    day
        Number of the calendar day of each row; a row that does not follow the day before begins a new sequence.
    group
        Group of each of the 48 half hours, 0 to G - 1; a group has transitions of its own.
    active_share
        Share of the active component while empty and while occupied, shape (2, G).
    mean, sd
        Where the base and the active component begin, and the centre of their prior, shape (2,).
    transition
        Where the probabilities of leaving and of arriving begin, and the centre of their prior, shape (G, 2).
    weight, transition_weight
        Readings, and transitions of each group, that the priors count for.
    initial_occupied
        Probability that somebody is at home in the first half hour of a sequence.
    iterations
        Steps of expectation-maximisation; 0 only smooths.
    """
    start = np.array(mean), np.array(sd), np.array(transition)
    mean, sd, transition = (values.copy() for values in start)
    slots = np.resize(group, x.size)
    flat = x.ravel().astype(float)
    starts = [48 * row for row in range(len(x)) if row == 0 or day[row] != day[row - 1] + 1] + [x.size]
    log_posterior: list[float] = []
    while True:
        density = np.exp(-0.5 * ((flat[:, None] - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))
        density[np.isnan(flat)] = 1.0
        share = active_share[:, slots].T
        like = share * density[:, 1:] + (1 - share) * density[:, :1]
        gamma = np.empty((x.size, 2))
        moves = np.zeros((len(transition), 2, 2))
        total = _log_prior(mean, sd, transition, start, weight, transition_weight)
        for begin, end in pairwise(starts):
            total += _smooth_chain(like, slots, transition, initial_occupied, begin, end, gamma, moves)
        log_posterior.append(total)
        if len(log_posterior) > iterations:
            return gamma[:, 1].reshape(x.shape), mean, sd, transition, log_posterior
        read = ~np.isnan(flat)
        active = (gamma * share * density[:, 1:] / like).sum(axis=1)[read]
        for component, responsibility in enumerate((1 - active, active)):
            n = responsibility.sum() + weight
            centre = (responsibility @ flat[read] + weight * start[0][component]) / n
            squares = responsibility @ (flat[read] - centre) ** 2
            squares += weight * ((centre - start[0][component]) ** 2 + start[1][component] ** 2)
            mean[component], sd[component] = centre, math.sqrt(squares / n)
        if transition_weight < math.inf:
            for g in range(len(transition)):
                for place, (state, to) in enumerate([(1, 0), (0, 1)]):
                    hits = moves[g, state, to] + transition_weight * start[2][g, place]
                    transition[g, place] = hits / (moves[g, state].sum() + transition_weight)


def _smooth_chain(
    like: FloatArray,
    slots: IntArray,
    transition: FloatArray,
    initial_occupied: float,
    begin: int,
    end: int,
    gamma: FloatArray,
    moves: FloatArray,
) -> float:
    """Smooth one unbroken chain, add its expected transitions to ``moves``, and return its log likelihood."""
    step = {g: np.array([[1 - arrive, arrive], [leave, 1 - leave]]) for g, (leave, arrive) in enumerate(transition)}
    forward = [np.array([1 - initial_occupied, initial_occupied]) * like[begin]]
    scale = [forward[0].sum()]
    forward[0] = forward[0] / scale[0]
    for t in range(begin + 1, end):
        ahead = forward[-1] @ step[slots[t]] * like[t]
        scale.append(ahead.sum())
        forward.append(ahead / scale[-1])
    backward = np.ones(2)
    for t in range(end - 1, begin - 1, -1):
        gamma[t] = forward[t - begin] * backward
        if t > begin:
            after = like[t] * backward / scale[t - begin]
            moves[slots[t]] += forward[t - begin - 1][:, None] * step[slots[t]] * after
            backward = step[slots[t]] @ after
    return float(np.log(scale).sum())


def _log_prior(
    mean: FloatArray,
    sd: FloatArray,
    transition: FloatArray,
    start: tuple[FloatArray, FloatArray, FloatArray],
    weight: float,
    transition_weight: float,
) -> float:
    """Log of the conjugate prior, without its constant."""
    total = -0.5 * weight * float(np.sum(np.log(sd**2) + (start[1] ** 2 + (mean - start[0]) ** 2) / sd**2))
    if 0 < transition_weight < math.inf:
        terms = start[2] * np.log(transition) + (1 - start[2]) * np.log(1 - transition)
        total += transition_weight * float(np.sum(terms))
    return total
