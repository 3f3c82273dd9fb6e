"""Tables with totals from which nothing small can be learnt, not even by subtraction.

A table and its totals are lines of equations: each row sums to its total, each column to its, the totals to
the grand total. A withheld number is an unknown of these equations. It is safe from subtraction if no line
leaves it alone, and from chains of subtractions if it lies on a cycle of withheld numbers (in the graph
that joins rows and columns by them, no withheld number is a bridge): then, as all of them are above zero,
it can be moved up and down without breaking an equation. How far, the auditor says, who sees what is released and
which numbers are zero: not so little that it is known to be small.
"""

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy.sparse import bmat, csr_array
from scipy.sparse.csgraph import connected_components

from ons_assets.governance.disclosure.audit import Figure, exposures

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Place = tuple[int, int]


@dataclass(frozen=True)
class Protected:
    """A table with totals, and what of it is withheld.

    Parameters
    ----------
    values : array of float64, shape (n + 1, m + 1)
        The table; its last row and column are the totals.
    withheld : array of bool, shape (n + 1, m + 1)
        What may not be released: because it is below k, or because something below k would follow from it.
    primary : array of bool, shape (n + 1, m + 1)
        Of these, what is below k itself.
    """

    values: FloatArray
    withheld: BoolArray
    primary: BoolArray


def protect(table: FloatArray, k: float, doubt: float) -> Protected:
    """Decide what of a table and its totals is withheld.

    Parameters
    ----------
    table : array of float64, shape (n, m)
        Counts without totals, not negative; zeros are known to be zero.
    k
        Least number that may be released.
    doubt
        What is withheld in a line must, without its largest, leave at least so much in doubt.

    Raises
    ------
    ValueError
        If a count is negative or not a number.
    """
    counts = np.asarray(table, dtype=np.float64)
    if np.any(~(counts >= 0)):
        raise ValueError("a table to be protected holds a count that is negative or not a number")
    values = np.zeros((counts.shape[0] + 1, counts.shape[1] + 1))
    values[:-1, :-1] = counts
    values[:-1, -1], values[-1, :-1] = counts.sum(axis=1), counts.sum(axis=0)
    values[-1, -1] = counts.sum()
    primary = (values > 0) & (values < k)
    withheld = primary.copy()
    if primary[-1, -1]:
        withheld = values > 0
        return Protected(values, withheld, primary)
    while True:
        more = _open_lines(values, withheld, k, doubt) | _open_lines(values.T, withheld.T, k, doubt).T
        if not more.any():
            more = _beside(values, withheld, bridges(withheld))
        if not more.any():
            more = _beside(values, withheld, _learned(values, withheld, k))
        if not more.any():
            return Protected(values, withheld, primary)
        withheld |= more


def _open_lines(values: FloatArray, withheld: BoolArray, k: float, least_doubt: float) -> BoolArray:
    """The cheapest further number of each row from which something withheld could be learnt."""
    more = np.zeros_like(withheld)
    hidden = np.where(withheld, values, 0.0)
    inner, total_hidden = hidden[:, :-1], withheld[:, -1]
    count = withheld.sum(axis=1)
    remainder = inner.sum(axis=1)
    doubt = hidden.sum(axis=1) - hidden.max(axis=1)
    # Where the total is withheld too, what remains cannot be added up.
    is_open = (count > 0) & ((count < 2) | (~total_hidden & (remainder < k)) | (doubt < least_doubt))
    for row in np.flatnonzero(is_open):
        chosen = _cheapest(values[row], withheld[row])
        if chosen is not None:
            more[row, chosen] = True
    return more


def _cheapest(values: FloatArray, withheld: BoolArray) -> int | None:
    """The smallest released number of a line; its total only if nothing else is left."""
    candidates = np.flatnonzero((values[:-1] > 0) & ~withheld[:-1])
    if len(candidates):
        return int(candidates[np.argmin(values[candidates])])
    return len(values) - 1 if values[-1] > 0 and not withheld[-1] else None


def _learned(values: FloatArray, withheld: BoolArray, k: float) -> list[Place]:
    """Return the withheld numbers that the auditor, who knows which are zero, finds to be above zero and below k.

    On a cycle with another small number, a small one can be moved so little that it still cannot be large.
    """
    hidden = [(row, column) for row, column in np.argwhere(withheld[:-1, :-1]).tolist()]
    lines: dict[Place, list[Place]] = {}
    for row, column in hidden:
        for total in ((row, -1), (-1, column), (-1, -1)):
            lines.setdefault(total, []).append((row, column))
    figures = [
        Figure.exact(tuple(cells), math.fsum(values[cell] for cell in cells), f"what is left of {total}")
        for total, cells in lines.items()
        if not withheld[total]
    ]
    return [cast(Place, exposure.cell) for exposure in exposures(figures, k, whole=False)]


def _beside(values: FloatArray, withheld: BoolArray, exposed: list[Place]) -> BoolArray:
    """For each withheld number that follows, the cheapest further numbers in its row and column.

    Where its row and column have none, it is the cheapest that joins the two sides of a bridge elsewhere.
    """
    more = np.zeros_like(withheld)
    for row, column in exposed:
        in_row = _cheapest(values[row], withheld[row])
        if in_row is not None:
            more[row, in_row] = True
        in_column = _cheapest(values[:, column], withheld[:, column])
        if in_column is not None:
            more[in_column, column] = True
        if in_row is None and in_column is None:
            more |= _cheapest_across(values, withheld, row, column)
    return more


def _cheapest_across(values: FloatArray, withheld: BoolArray, row: int, column: int) -> BoolArray:
    """The smallest released number between the sides of a bridge, or else of one side; a total only if it must be."""
    parted = withheld.copy()
    parted[row, column] = False
    edges = bmat([[None, csr_array(parted)], [csr_array(parted.T), None]])
    _, sides = connected_components(edges, directed=False)
    rows, columns = sides[: len(parted)], sides[len(parted) :]
    near, far = rows[row], columns[column]
    released = (values > 0) & ~withheld
    across = (np.isin(rows, (near, far))[:, None] & np.isin(columns, (near, far))) & (rows[:, None] != columns)
    beside = np.isin(rows, (near, far))[:, None] | np.isin(columns, (near, far))
    candidates = released & across if (released & across).any() else released & beside
    inner = candidates.copy()
    inner[-1], inner[:, -1] = False, False
    chosen = np.zeros_like(withheld)
    if candidates.any():
        cost = np.where(inner if inner.any() else candidates, values, np.inf)
        chosen[np.unravel_index(np.argmin(cost), cost.shape)] = True
    return chosen


def bridges(withheld: BoolArray) -> list[tuple[int, int]]:
    """Return the withheld numbers whose removal would part the graph of rows and columns.

    Parameters
    ----------
    withheld : array of bool, shape (n, m)

    References
    ----------
    Tarjan (1974), "A note on finding the bridges of a graph", Information Processing Letters 2, pp. 160-161.
    """
    n_rows = withheld.shape[0]
    neighbours: list[list[int]] = [[] for _ in range(sum(withheld.shape))]
    for row, column in zip(*np.nonzero(withheld), strict=True):
        neighbours[row].append(n_rows + int(column))
        neighbours[n_rows + int(column)].append(int(row))
    order = [-1] * len(neighbours)
    lowest = [0] * len(neighbours)
    found, clock = [], 0
    for root in range(len(neighbours)):
        if order[root] >= 0 or not neighbours[root]:
            continue
        order[root] = lowest[root] = clock
        clock += 1
        path = [(root, -1, iter(neighbours[root]))]
        while path:
            node, parent, ahead = path[-1]
            for other in ahead:
                if order[other] < 0:
                    order[other] = lowest[other] = clock
                    clock += 1
                    path.append((other, node, iter(neighbours[other])))
                    break
                if other != parent:
                    lowest[node] = min(lowest[node], order[other])
            else:
                path.pop()
                if path:
                    lowest[parent] = min(lowest[parent], lowest[node])
                    if lowest[node] > order[parent]:
                        row, column = sorted((node, parent))
                        found.append((row, column - n_rows))
    return found
