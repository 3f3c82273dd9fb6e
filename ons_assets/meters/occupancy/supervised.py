"""Occupancy learned from labels, where a home or some homes have them."""

import numpy as np
import numpy.typing as npt

from ons_assets.meters.occupancy.readings import SLOTS, log_kwh, of_one_home

FloatArray = npt.NDArray[np.floating]

NEIGHBOURS = 6
WINDOWS = (2, 4, 8)
# A half hour is a sign of life where use is e^0.9 = 2.5 times the base.
SIGN_OF_LIFE = 0.9
LONGEST_SILENCE = SLOTS
UNKNOWN = -9.0


def features(kwh: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Describe each half hour of one home by its use, that of its neighbours, and the time of day.

    Everything is relative to the base of the home (the first decile of log use), so that what is learned from
    one home can be asked of another.

    Parameters
    ----------
    kwh
        (days, 48) of one home, kWh; the days follow each other.

    Returns
    -------
    float64 array (days * 48, features)
        Log use over base in the half hours from 3 hours before to 3 hours after; mean, maximum and standard
        deviation around it over 2.5, 4.5 and 8.5 hours; highest of 4 hours before and after; half hours since and
        until a sign of life; half hour of the day; mean and median of the day. What is not known is -9.
    """
    readings = of_one_home(kwh)
    x = log_kwh(readings).astype(float)
    read = np.isfinite(x)
    base = np.quantile(x[read], 0.1) if read.any() else 0.0
    flat = (x - base).ravel()
    reach = max(NEIGHBOURS, *WINDOWS)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(flat, reach, constant_values=np.nan), 2 * reach + 1)
    columns = [around[:, reach + lag] for lag in range(-NEIGHBOURS, NEIGHBOURS + 1)]
    for width in WINDOWS:
        columns += _moments(around[:, reach - width : reach + width + 1])
    columns += [_highest(around[:, :reach]), _highest(around[:, reach + 1 :])]
    columns += _silence(flat > SIGN_OF_LIFE)
    columns.append(np.tile(np.arange(SLOTS, dtype=float), len(readings)))
    mean, _, _ = _moments(x - base)
    median = np.array([np.median(day[np.isfinite(day)]) if np.isfinite(day).any() else np.nan for day in x - base])
    columns += [mean.repeat(SLOTS), median.repeat(SLOTS)]
    table = np.stack(columns, axis=1)
    table[~np.isfinite(table)] = UNKNOWN
    return table


def _moments(values: FloatArray) -> list[FloatArray]:
    """Mean, maximum and standard deviation along the rows of what is known."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, values, 0.0)
    mean = filled.sum(axis=1) / count
    spread = np.sqrt(np.maximum((filled**2).sum(axis=1) / count - mean**2, 0.0))
    nothing = ~known.any(axis=1)
    mean[nothing] = spread[nothing] = np.nan
    return [mean, _highest(values), spread]


def _highest(values: FloatArray) -> FloatArray:
    highest: FloatArray = np.where(np.isfinite(values), values, -np.inf).max(axis=1, initial=-np.inf)
    return highest


def _silence(life: npt.NDArray[np.bool_]) -> list[FloatArray]:
    """Half hours since and until a sign of life, at most a day."""
    t = np.arange(len(life))
    last = np.maximum.accumulate(np.where(life, t, -LONGEST_SILENCE))
    following = np.minimum.accumulate(np.where(life, t, len(life) + LONGEST_SILENCE)[::-1])[::-1]
    return [
        np.minimum(t - last, LONGEST_SILENCE).astype(float),
        np.minimum(following - t, LONGEST_SILENCE).astype(float),
    ]


class OccupancyClassifier:
    """A random forest over `features`, trained on labelled half hours of one or more homes.

    Parameters
    ----------
    n_trees
        Number of trees.
    n_threads
        Number of processes of scikit-learn; -1 takes all processors. The result does not depend on it.
    seed
        Seed of the forest.

    References
    ----------
    Kleiminger, Beckel and Santini (2015), Household occupancy monitoring using electricity meters, UbiComp 2015;
    Breiman (2001), Random forests, Machine Learning 45.
    """

    def __init__(self, n_trees: int = 300, n_threads: int = -1, seed: int = 0) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self._forest = RandomForestClassifier(
            n_trees, min_samples_leaf=3, max_features=0.3, n_jobs=n_threads, random_state=seed
        )
        self._fitted = False

    def fit(self, homes: list[tuple[npt.ArrayLike, npt.ArrayLike]]) -> "OccupancyClassifier":
        """Learn from homes, each a pair of `kwh` and `occupied` (1, 0, or NaN where not known), (days, 48).

        Raises
        ------
        ValueError
            If the arrays differ in shape or the labels do not have both values.
        """
        tables, labels = [], []
        for kwh, occupied in homes:
            readings, truth = of_one_home(kwh), np.asarray(occupied, dtype=float)
            if readings.shape != truth.shape:
                raise ValueError("kwh and occupied must have the same shape")
            known = (np.isfinite(readings) & np.isfinite(truth)).ravel()
            tables.append(features(readings)[known])
            labels.append(truth.ravel()[known] >= 0.5)
        y = np.concatenate(labels) if labels else np.empty(0, dtype=bool)
        if len(np.unique(y)) < 2:
            raise ValueError("labels must include half hours with and without somebody at home")
        self._forest.fit(np.concatenate(tables), y)
        self._fitted = True
        return self

    def probabilities(self, kwh: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the probability that somebody is at home, (days, 48); NaN where there is no reading.

        Raises
        ------
        ValueError
            If `fit` was not called.
        """
        if not self._fitted:
            raise ValueError("the classifier has not been trained: call fit first")
        readings = of_one_home(kwh)
        result = np.full(readings.shape, np.nan, dtype=np.float32)
        read = np.isfinite(readings)
        if read.any():
            result[read] = self._forest.predict_proba(features(readings)[read.ravel()])[:, 1]
        return result


def cross_validated(
    kwh: npt.ArrayLike, occupied: npt.ArrayLike, *, folds: int = 10, n_trees: int = 300, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Return probabilities of one labelled home, each day judged by a forest that did not see its labels.

    Parameters
    ----------
    kwh, occupied
        (days, 48); labels 1, 0 or NaN where not known.
    folds
        Number of parts into which the labelled days are dealt, one after the other.
    n_trees, seed
        Of `OccupancyClassifier`.

    Returns
    -------
    float32 array (days, 48)
        Probability where there is a reading and the day has a label, else NaN.

    Raises
    ------
    ValueError
        If there are fewer labelled days than folds.
    """
    readings, truth = of_one_home(kwh), np.asarray(occupied, dtype=float)
    days = np.flatnonzero((np.isfinite(readings) & np.isfinite(truth)).any(axis=1))
    if len(days) < folds or folds < 2:
        raise ValueError(f"{len(days)} labelled days cannot be dealt into {folds} folds")
    result = np.full(readings.shape, np.nan, dtype=np.float32)
    for fold in range(folds):
        hidden = days[fold::folds]
        seen = truth.copy()
        seen[hidden] = np.nan
        classifier = OccupancyClassifier(n_trees, seed=seed).fit([(readings, seen)])
        result[hidden] = classifier.probabilities(readings)[hidden]
    return result
