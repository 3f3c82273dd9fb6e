"""Registers of meters: energy is what a counter shows at the end of an interval less what it showed at its start."""

import numpy as np
import numpy.typing as npt

# A register that fell and comes back within so many readings had a momentary fault; later, it is a new meter.
LONGEST_DIP = 48
# Coming back is a leap; a new meter passes the level of the old one in small steps.
LEAP = 0.5

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.int64]


def energy(shown: FloatArray, owner: IntArray) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the energy between each reading of registers and the next, and where a register fell.

    The energy of an interval at either end of a momentary fault is not known: not where a register falls
    and comes back, nor where it leaps and falls back. A register that falls and counts on from there is a
    new meter, and only the interval of the change is lost.

    Parameters
    ----------
    shown
        Readings in order of time, NaN where none, (n,).
    owner
        Whose they are; the readings of an owner stand together, (n,).

    Returns
    -------
    energy
        NaN where it is not known, as at the last reading of each owner, (n,).
    fell
        Whether the next reading that there is shows less, (n,).
    """
    energy = np.full(len(shown), np.nan, dtype=shown.dtype)
    fell = np.zeros(len(shown), dtype=bool)
    if len(shown) < 2:
        return energy, fell
    same = owner[1:] == owner[:-1]
    energy[:-1][same] = (shown[1:] - shown[:-1])[same]
    there = np.flatnonzero(~np.isnan(shown))
    value, whose = shown[there], owner[there]
    if len(there) < 2:
        return energy, fell
    falls = np.flatnonzero((value[1:] < value[:-1]) & (whose[1:] == whose[:-1]))
    fell[there[falls]] = True
    unknown = [there[falls]]
    # A leap that falls back to where it came from.
    before = falls[falls > 0]
    leapt = (whose[before - 1] == whose[before]) & (value[before - 1] <= value[before + 1])
    unknown.append(there[before[leapt] - 1])
    unknown.append(there[_returns(value, whose, falls)])
    energy[np.concatenate(unknown)] = np.nan
    return energy, fell


def _returns(value: FloatArray, whose: IntArray, falls: IntArray) -> IntArray:
    """Return the readings after which a register that fell comes back to where it was."""
    found = []
    lowest = value[falls + 1]
    open_falls, level = falls, value[falls]
    for step in range(1, LONGEST_DIP + 1):
        after = open_falls + 1 + step
        within = after < len(value)
        within[within] = whose[after[within]] == whose[open_falls[within]]
        open_falls, level, lowest = open_falls[within], level[within], lowest[within]
        if not len(open_falls):
            break
        after = open_falls + 1 + step
        regained = value[after] >= level
        leap = value[after] - value[after - 1] >= LEAP * (level - lowest)
        found.append(after[regained & leap] - 1)
        lowest = np.minimum(lowest, value[after])
        open_falls, level, lowest = open_falls[~regained], level[~regained], lowest[~regained]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)
