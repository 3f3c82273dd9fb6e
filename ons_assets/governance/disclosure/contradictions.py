"""Which figures contradict each other."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack

from ons_assets.governance.disclosure.figures import TOLERANCE, Contradiction, Figure
from ons_assets.governance.disclosure.linear_programs import Infeasible, LinearProgram, Rows
from ons_assets.governance.disclosure.linear_system import matrix_of

Item = TypeVar("Item")


def contradiction(figures: Sequence[Figure], whole: bool) -> Contradiction:
    """Return the contradiction among figures that cannot all be true, with as few of them as say it.

    By how much the figures miss each other is made least (an elastic program); those that its dual values add up are
    contradictory by themselves, and of them one after the other is left out as long as the rest still are.

    Parameters
    ----------
    figures
        Figures that nothing agrees with.
    whole
        Whether cells are whole numbers.
    """
    empty = [figure for figure in figures if not _between(figure, whole)]
    if empty:
        return Contradiction((empty[0].said,))
    missed, weighed = _elastic(figures, whole)
    if missed:
        of_them = weighed if _elastic(weighed, whole)[0] else figures
        fewest = irreducible(of_them, lambda some: _elastic(some, whole)[0])
    elif whole and _no_whole_numbers(figures):
        fewest = irreducible(figures, _no_whole_numbers)
    else:
        fewest = list(figures)
    # The largest first: it is most often a total that was not revised with its parts.
    return Contradiction(tuple(figure.said for figure in sorted(fewest, key=lambda figure: -len(figure.cells))))


def irreducible(items: Sequence[Item], holds: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Return items of which none can be left out: what holds of them does not hold of fewer.

    Parameters
    ----------
    items
        Items of which it holds.
    holds
        Whether it holds of some items; it then holds of any more of them.
    """
    kept, step = list(items), max(1, len(items) // 2)
    while True:
        start = 0
        while start < len(kept):
            rest = kept[:start] + kept[start + step :]
            if holds(rest):
                kept = rest
            else:
                start += step
        if step == 1:
            return kept
        step = max(1, step // 2)


def _between(figure: Figure, whole: bool) -> bool:
    low, high = figure.limits(whole)
    return low <= high


def _rows(figures: Sequence[Figure], whole: bool) -> Rows:
    number = {cell: i for i, cell in enumerate(dict.fromkeys(cell for figure in figures for cell in figure.cells))}
    limits = [figure.limits(whole) for figure in figures]
    return Rows(
        matrix_of([[number[cell] for cell in figure.cells] for figure in figures], len(number)),
        np.array([low for low, _ in limits]),
        np.array([high for _, high in limits]),
    )


def _elastic(figures: Sequence[Figure], whole: bool) -> tuple[bool, list[Figure]]:
    """Whether figures miss each other, were cells any numbers, and those that tell by how much."""
    if not figures:
        return False, []
    rows = _rows(figures, whole)
    largest = max(float(np.max(rows.low)), float(np.max(rows.high, where=np.isfinite(rows.high), initial=0.0)))
    scale = max(1.0, largest / 1e5)
    n, cells = rows.matrix.shape
    matrix = csr_array(hstack([rows.matrix, eye_array(n), -eye_array(n)]))
    width = cells + 2 * n
    program = LinearProgram(
        Rows(matrix, rows.low / scale, rows.high / scale), np.zeros(width), np.full(width, math.inf)
    )
    missed = program.least(dict.fromkeys(range(cells, width), 1.0)).value
    weights = program.duals()
    return missed > TOLERANCE, [figure for figure, weight in zip(figures, weights, strict=True) if abs(weight) > 1e-9]


def _no_whole_numbers(figures: Sequence[Figure]) -> bool:
    if not figures:
        return False
    rows = _rows(figures, whole=True)
    cells = rows.matrix.shape[1]
    try:
        LinearProgram(rows, np.zeros(cells), np.full(cells, math.inf), whole=True).least({})
    except Infeasible:
        return True
    return False
