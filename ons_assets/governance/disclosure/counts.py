"""Counts and their sums over any number of margins, from which nothing small can be learnt.

A number below k is withheld, and then as much else as it takes: no sum may leave one withheld number alone, or
withheld numbers that are small together. What passes these rules is attacked by the auditor, to whom it is told
which rows are zero; what the auditor learns costs a further number, until it learns nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from ons_assets.governance.disclosure.audit import Figure, exposures
from ons_assets.governance.disclosure.sums import Equation

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


def withheld(values: FloatArray, equations: Sequence[Equation], k: float, *, whole: bool = True) -> BoolArray:
    """Decide which numbers of a table with sums are withheld.

    Parameters
    ----------
    values
        (n,), all above zero.
    equations
        Between them.
    k
        Least number that may be told.
    whole
        Whether they are whole numbers, as everybody knows.

    Returns
    -------
    array of bool, shape (n,)
        The numbers below k, and those from which one of them would follow: by no chain of sums can a number be
        told to be above zero and below k.

    References
    ----------
    Fischetti and Salazar (2000), "Models and algorithms for optimizing cell suppression in tabular data with linear
    constraints", Journal of the American Statistical Association 95, pp. 916-928.
    """
    hidden = values < k
    parts = {sum_.whole: sum_.parts for sum_ in equations}
    finest = {total: np.array(_finest(total, parts)) for total in parts}
    while True:
        more = _of_open_sums(values, hidden, equations, k)
        if more := more or _of_attack(values, hidden, equations, finest, k, whole=whole):
            hidden[list(more)] = True
        else:
            return hidden


def _of_open_sums(values: FloatArray, hidden: BoolArray, equations: Sequence[Equation], k: float) -> set[int]:
    """The cheapest further number of each sum from which something withheld follows at once."""
    more = set()
    for sum_ in equations:
        unknown = sum_.parts[hidden[sum_.parts]]
        alone = len(unknown) + bool(hidden[sum_.whole]) == 1
        small = len(unknown) > 0 and not hidden[sum_.whole] and values[unknown].sum() < k
        if (alone or small) and (chosen := _cheapest(values, hidden, sum_)) is not None:
            more.add(chosen)
    return more


def _of_attack(
    values: FloatArray,
    hidden: BoolArray,
    equations: Sequence[Equation],
    finest: Mapping[int, Rows],
    k: float,
    *,
    whole: bool,
) -> set[int]:
    """The cheapest further number beside each that the auditor can tell, of the sums that it is in."""
    figures, above = [], defaultdict(list)
    for total, rows in finest.items():
        unknown = rows[hidden[rows]]
        if len(unknown) and not hidden[total]:
            left = values[total] - values[rows[~hidden[rows]]].sum()
            figures.append(Figure.exact(tuple(unknown.tolist()), left, f"what is left of row {total}"))
            for row in unknown.tolist():
                above[row].append(total)
    learned = [cast(int, exposure.cell) for exposure in exposures(figures, k, whole=whole)]
    beside = defaultdict(list)
    for sum_ in equations if learned else ():
        for row in np.intersect1d(sum_.parts, learned).tolist():
            beside[row].append(_cheapest(values, hidden, sum_))
    more = set()
    for row in learned:
        # Where nothing beside it is told, it follows from totals above.
        candidates = [each for each in beside[row] if each is not None] or above[row]
        more.add(min(candidates, key=lambda each: (values[each], each)))
    return more


def _finest(row: int, parts: Mapping[int, Rows]) -> list[int]:
    """The rows that a row is the sum of, down to those that are no sums; itself if it is none."""
    below = parts.get(row)
    return [row] if below is None else [finest for part in below.tolist() for finest in _finest(part, parts)]


def _cheapest(values: FloatArray, hidden: BoolArray, sum_: Equation) -> int | None:
    """The smallest part that is still told; the sum itself only if there is none."""
    told = sum_.parts[~hidden[sum_.parts]]
    if len(told):
        return int(told[np.argmin(values[told])])
    return None if hidden[sum_.whole] else sum_.whole
