"""Counts and their sums over any number of margins, from which nothing small can be learnt.

A number below k is withheld, and then as much else as it takes: no sum may leave one withheld number alone, or
withheld numbers that are small together. What passes these rules is attacked by the auditor, to whom it is told
which rows are zero; what the auditor learns costs a further number, until it learns nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from ons_assets.governance.disclosure.audit import Audit, Exposure, Figure, audit
from ons_assets.governance.disclosure.sums import Equation

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


Known = Callable[[int], tuple[float, float]]


def withheld(
    values: FloatArray,
    small: BoolArray,
    equations: Sequence[Equation],
    k: float,
    *,
    whole: bool = True,
    known: Known | None = None,
) -> BoolArray:
    """Decide which numbers of a table with sums are withheld.

    Parameters
    ----------
    values
        (n,), all above zero.
    small
        (n,), which of them may not be told: those below k, and what would be told as less.
    equations
        Between them.
    k
        Least number that may be told.
    whole
        Whether they are whole numbers, as everybody knows.
    known
        Between what a number lies, by its place, if it is told; None if it is told as it is.

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
    hidden = small.copy()
    parts = {sum_.whole: sum_.parts for sum_ in equations}
    finest = {total: np.array(_finest(total, parts)) for total in parts}
    while True:
        # What is told inexactly leaves no difference, and only the attack says whether it leaves too little doubt.
        more = _of_open_sums(values, hidden, equations, k) if known is None else set()
        if more := more or _of_attack(values, hidden, equations, finest, k, whole=whole, known=known):
            hidden[list(more)] = True
        else:
            return hidden


def learned(figures: Sequence[Figure], k: float, *, whole: bool, blurred: bool) -> Audit:
    """Return the small numbers that the auditor learns, and those of which he cannot say it.

    Parameters
    ----------
    figures
        All that is told.
    k
        Least number that may be told.
    whole
        Whether numbers are whole.
    blurred
        Whether what is told is inexact. Then it is no news that there are few or none, which no row says of what has
        none: learned is what is certainly there.
    """
    found = audit(figures, k, whole=whole)
    if not blurred:
        return found
    return Audit(tuple(each for each in found.exposures if each.low > 0), unsettled=())


def beside_exposed(figures: Sequence[Figure], values: FloatArray, exposures: Sequence[Exposure]) -> set[int]:
    """Return which numbers to withhold besides, so that less is learned: of each sum that tells, the cheapest part.

    Parameters
    ----------
    figures
        All that is told, a number each.
    values
        (n,), the numbers.
    exposures
        What the auditor learned of these figures.
    """
    more = set()
    for cell in {exposure.cell for exposure in exposures}:
        sums = [place for place, figure in enumerate(figures) if len(figure.cells) > 1 and cell in figure.cells]
        beside = {other for place in sums for other in figures[place].cells} - {cell}
        parts = [n for n, figure in enumerate(figures) if len(figure.cells) == 1 and figure.cells[0] in beside]
        if chosen := parts or sums:
            more.add(min(chosen, key=lambda place: (values[place], place)))
    return more


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
    known: Known | None,
) -> set[int]:
    """The cheapest further number beside each that the auditor can tell, of the sums that it is in."""
    figures, above = [], defaultdict(list)
    for total, rows in finest.items():
        unknown = rows[hidden[rows]]
        if len(unknown) and not hidden[total]:
            left = values[total] - values[rows[~hidden[rows]]].sum()
            if known is None:
                figures.append(Figure.exact(tuple(unknown.tolist()), left, f"what is left of row {total}"))
            else:
                figures.append(Figure(tuple(rows.tolist()), *known(total), f"row {total}"))
            for row in unknown.tolist():
                above[row].append(total)
    if known is not None:
        beside_unknown = sorted({row for total in finest for row in finest[total].tolist() if not hidden[row]})
        figures += [Figure((row,), *known(row), f"row {row}") for row in beside_unknown]
    found = learned(figures, k, whole=whole, blurred=known is not None).exposures
    exposed = [cast(int, exposure.cell) for exposure in found]
    beside = defaultdict(list)
    for sum_ in equations if exposed else ():
        for row in np.intersect1d(sum_.parts, exposed).tolist():
            beside[row].append(_cheapest(values, hidden, sum_))
    more = set()
    for row in exposed:
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
