"""The attacker's problem: the least and the most that a cell can be, given all that is said of it and of others.

Each end of an interval is closed in on from two sides. From outside by what follows (`outer`), from inside by counts
that agree with everything and that turned up on the way (`seen`): where both meet, the end is exact, and
nothing is left to solve.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ons_assets.governance.disclosure.figures import TOLERANCE, rounded_inward
from ons_assets.governance.disclosure.linear_programs import End, Infeasible, LinearProgram, Rows
from ons_assets.governance.disclosure.linear_system import Component, noise

FloatArray = npt.NDArray[np.float64]

ROUNDS = 10
# A search for many cells at once ends when its counts are no farther than this from the most there can be.
ROUGHLY = 0.1
# Cells that a look for many must settle to be worth another; fewer are asked one by one.
ENOUGH = 5


class Ends(NamedTuple):
    """Low and high of every cell: float64, shape (cells,)."""

    low: FloatArray
    high: FloatArray


@dataclass
class Closing:
    """How closely each end is known from outside and from inside.

    Parameters
    ----------
    outer
        What follows: no count is below `low` or above `high`.
    seen
        The least and the most that a cell was in counts that agree with everything; inf and -inf before the first.
    slack
        What is nearer than this is the same.
    """

    outer: Ends
    seen: Ends
    slack: float

    def gap(self, cell: int, end: End) -> float:
        """Return how far what follows is from what was seen; 0 where the end is exact, infinite before anything is."""
        outer, seen = (self.outer.low, self.seen.low) if end is End.LOW else (self.outer.high, self.seen.high)
        if end is End.HIGH and math.isinf(outer[cell]):
            # Nothing bounds it: whatever else was seen, it can be added to.
            return 0.0 if seen[cell] > -math.inf else math.inf
        far = float(end * (seen[cell] - outer[cell]))
        return far if far > max(self.slack, noise(float(outer[cell]))) else 0.0

    def is_exact(self, cell: int) -> bool:
        """Whether both ends are counts that the cell can have."""
        return self.gap(cell, End.LOW) == 0 and self.gap(cell, End.HIGH) == 0

    def is_safe(self, cell: int, k: float) -> bool:
        """Whether a cell is surely not exposed: it may be zero and may be k, is zero, or is k at least."""
        may_be_zero = self.seen.low[cell] <= self.slack
        may_be_k = self.seen.high[cell] >= k - self.slack or (math.isinf(self.outer.high[cell]) and may_be_zero)
        return bool(
            (may_be_zero and (may_be_k or self.outer.high[cell] <= TOLERANCE)) or self.outer.low[cell] >= k - TOLERANCE
        )


class Attacker:
    """What somebody does who has the figures of one component and a solver.

    Parameters
    ----------
    component
        Unknown cells and what is said of them.
    whole
        Whether cells are whole numbers.

    Raises
    ------
    Infeasible
        If nothing agrees with what is said.
    """

    def __init__(self, component: Component, *, whole: bool) -> None:
        self.component = component
        self.whole = whole
        self.n_cells = len(component.cells)
        self._rows = Rows(component.matrix, *component.line_limits)
        self._limits = Ends(*component.cell_limits)
        # The solver's tolerance is one of size, not of digits: large weighted figures are made smaller.
        self._scale = 1.0 if whole else max(1.0, _largest(*self._limits, self._rows.low, self._rows.high) / 1e5)
        slack, nothing = TOLERANCE * self._scale, np.full(self.n_cells, math.inf)
        self.closing = Closing(graph_bounds(self._rows, self._limits, slack), Ends(nothing, -nothing), slack)
        self._look_first()

    def close(self, cell: int, end: End, whole_cells: int) -> None:
        """Make an end as close as can be.

        Parameters
        ----------
        cell
            Place of the cell in the component.
        end
            Which end.
        whole_cells
            In a component of so many cells or fewer, whole numbers are searched for where fractions are not enough.
        """
        if self.closing.gap(cell, end) == 0 or math.isinf(self._outer(end)[cell]):
            return
        self._tighten(cell, end, self.relaxed(cell, end))
        if self.whole and self.n_cells <= whole_cells and self.closing.gap(cell, end) > 0:
            found = self._search.least({cell: end})
            self._tighten(cell, end, end * found.value)
            self._see(found.point)

    def sweep(self, cells: Sequence[int], k: float, whole_cells: int) -> None:
        """Look for counts that show many cells to be safe at once, as long as each look shows enough of them.

        Parameters
        ----------
        cells
            Places of the cells.
        k
            The least count that may be known.
        whole_cells
            In a component of so many cells or fewer, whole numbers are searched for where fractions are found.
        """
        for end in (End.HIGH, End.LOW):
            wanted, found = self._not_seen(cells, end, k), len(cells)
            while wanted and found >= ENOUGH:
                cost = dict.fromkeys(wanted, end)
                if not self._see(self._program.least(cost).point) and self.n_cells <= whole_cells:
                    self._see(self._rough_search.least(cost).point)
                still = self._not_seen(wanted, end, k)
                wanted, found = still, len(wanted) - len(still)

    def _not_seen(self, cells: Sequence[int], end: End, k: float) -> list[int]:
        """Return the cells that were not seen at zero or not seen at k, and are not safe otherwise."""
        low, high = self.closing.seen
        missing = high < k - self.closing.slack if end is End.HIGH else low > self.closing.slack
        return [cell for cell in cells if missing[cell] and not self.closing.is_safe(cell, k)]

    def relaxed(self, cell: int, end: End) -> float:
        """Return the end of a cell among numbers that need not be whole."""
        found = self._program.least({cell: end})
        self._see(found.point)
        return end * found.value * self._scale

    def weights(self) -> FloatArray:
        """Return what a unit of each line adds to the cost of the last question that `relaxed` asked."""
        return self._program.duals()

    @cached_property
    def _program(self) -> LinearProgram:
        return self._new_program(whole=False)

    @cached_property
    def _search(self) -> LinearProgram:
        return self._new_program(whole=True)

    @cached_property
    def _rough_search(self) -> LinearProgram:
        return self._new_program(whole=True, gap=ROUGHLY)

    def _new_program(self, *, whole: bool, gap: float = 0.0) -> LinearProgram:
        rows = Rows(self._rows.matrix, self._rows.low / self._scale, self._rows.high / self._scale)
        return LinearProgram(
            rows, self._limits.low / self._scale, self._limits.high / self._scale, whole=whole, gap=gap
        )

    def _look_first(self) -> None:
        if len(self.component.lines) > 1:
            self._see(self._program.least({}).point)
        else:
            # Of one line what follows line by line is all that follows: the other cells can make up for any end.
            self.closing.seen = Ends(self.closing.outer.low.copy(), self.closing.outer.high.copy())

    def _outer(self, end: End) -> FloatArray:
        return self.closing.outer.low if end is End.LOW else self.closing.outer.high

    def _tighten(self, cell: int, end: End, value: float) -> None:
        if not math.isfinite(value):
            # A search that was given up before it had a bound.
            return
        if self.whole:
            low, high = rounded_inward(value, value)
            value = low if end is End.LOW else high
        elif value <= self.closing.slack:
            value = 0.0
        outer = self._outer(end)
        outer[cell] = max(outer[cell], value) if end is End.LOW else min(outer[cell], value)

    def _see(self, point: FloatArray | None) -> bool:
        """Take counts that agree with everything, as a program gives them, for seen; fractions of people are none."""
        if point is None:
            return False
        point = point * self._scale
        if self.whole:
            nearest = np.rint(point)
            if np.max(np.abs(point - nearest), initial=0.0) > TOLERANCE or not self._agrees(nearest):
                return False
            point = nearest
        np.minimum(self.closing.seen.low, point, out=self.closing.seen.low)
        np.maximum(self.closing.seen.high, point, out=self.closing.seen.high)
        return True

    def _agrees(self, point: FloatArray) -> bool:
        sums = self._rows.matrix @ point
        return bool(
            np.all((self._limits.low <= point) & (point <= self._limits.high))
            and np.all((self._rows.low <= sums) & (sums <= self._rows.high))
        )


def graph_bounds(rows: Rows, limits: Ends, slack: float, rounds: int = ROUNDS) -> Ends:
    """Return what follows line by line: a cell is what its line leaves for it when the others are at their other end.

    Parameters
    ----------
    rows
        Sums of cells.
    limits
        Limits of the cells alone.
    slack
        What is nearer to zero than this is zero.
    rounds
        What is found is put in again, so many times at most.

    Raises
    ------
    Infeasible
        If nothing is left for some cell.
    """
    low, high = limits.low.copy(), limits.high.copy()
    line = np.repeat(np.arange(rows.matrix.shape[0]), np.diff(rows.matrix.indptr))
    cell = rows.matrix.indices
    for _ in range(rounds):
        before = Ends(low.copy(), high.copy())
        np.minimum.at(high, cell, (rows.high - _sums(line, before.low[cell], len(rows.high)))[line] + before.low[cell])
        np.maximum.at(low, cell, rows.low[line] - _sums_of_others(line, before.high[cell], len(rows.low)))
        if np.any(low > high + slack + 1e-12 * np.abs(low)):
            raise Infeasible
        low[low <= slack] = 0.0
        high = np.maximum(low, high)
        if np.array_equal(low, before.low) and np.array_equal(high, before.high):
            break
    return Ends(low, high)


def _sums(line: npt.NDArray[np.int64], values: FloatArray, lines: int) -> FloatArray:
    sums: FloatArray = np.bincount(line, weights=values, minlength=lines).astype(np.float64)
    return sums


def _sums_of_others(line: npt.NDArray[np.int64], values: FloatArray, lines: int) -> FloatArray:
    """For each cell of each line, the sum of the others; infinite if one of them is."""
    is_infinite = np.isinf(values)
    finite = np.where(is_infinite, 0.0, values)
    infinite_others = _sums(line, is_infinite.astype(np.float64), lines)[line] - is_infinite
    return np.where(infinite_others > 0, math.inf, _sums(line, finite, lines)[line] - finite)


def _largest(*values: FloatArray) -> float:
    return max(float(np.max(each, where=np.isfinite(each), initial=0.0)) for each in values)
