"""How the end of an interval follows from figures, as a sum that a reader can check.

A low end follows where some figures, each times a number, add up to no more of any cell than the one cell once:
since no cell is below zero, the cell is not below the sum. For a high end they add up to no less. The numbers are
dual values of the linear program; they are made fractions, and the sum is checked with these, exactly.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, hstack, vstack

from ons_assets.governance.disclosure.attacker import Attacker
from ons_assets.governance.disclosure.contradictions import irreducible
from ons_assets.governance.disclosure.figures import TOLERANCE, Cell, Figure, rounded_inward
from ons_assets.governance.disclosure.linear_programs import End, Infeasible, LinearProgram, Rows
from ons_assets.governance.disclosure.linear_system import (
    Component,
    Limit,
    Line,
    LinearSystem,
    matrix_of,
    values_of,
)

FloatArray = npt.NDArray[np.float64]

# Denominators of dual values of sums of cells are small; the first that gives a sum that holds is taken.
DENOMINATORS = (1, 12, 1_000, 1_000_000)
# Weights below this are noise of the solver.
SMALLEST = 1e-9
# A sum of more figures of several cells than this is worth the search for a shorter one.
SHORT = 1
# More released cells than this are told by their number.
MOST_LISTED = 12


@dataclass(frozen=True)
class Term:
    """A figure in a sum: how often it is counted, and with which of its limits.

    Parameters
    ----------
    multiplier
        Negative where it is taken away.
    figure
        The figure.
    value
        What it is counted as: its value, or the limit that matters of one that is not exact.
    """

    multiplier: Fraction
    figure: Figure
    value: float


@dataclass(frozen=True)
class Derivation:
    """From which figures an end of an interval follows.

    Parameters
    ----------
    cell, end, bound
        The cell is not below (End.LOW) or not above (End.HIGH) the bound.
    terms
        They add up to `total`, which is the bound, or is it when rounded to a whole number; empty if no sum shows it.
    together
        Where no sum shows it: figures that together leave no whole number beyond the bound.
    """

    cell: Cell
    end: End
    bound: float
    terms: tuple[Term, ...]
    together: tuple[Figure, ...] = ()

    @property
    def total(self) -> Fraction:
        """Sum of the terms."""
        return sum((term.multiplier * Fraction(term.value) for term in self.terms), Fraction(0))

    @property
    def excess(self) -> dict[Cell, Fraction]:
        """How often the sum counts each cell, less once the cell itself; without those where that is nothing."""
        counted: dict[Cell, Fraction] = defaultdict(Fraction)
        for term in self.terms:
            for cell in term.figure.cells:
                counted[cell] += term.multiplier
        counted[self.cell] -= 1
        return {cell: often for cell, often in counted.items() if often}

    @property
    def is_sound(self) -> bool:
        """Whether the sum shows what it should: nothing but cells that are not below zero stands beside the cell."""
        return bool(self.terms) and all(often * self.end <= 0 for often in self.excess.values())

    @property
    def is_equation(self) -> bool:
        """Whether the sum is the cell itself, so that it shows both ends."""
        return bool(self.terms) and not self.excess and all(each.figure.low == each.figure.high for each in self.terms)

    @property
    def steps(self) -> int:
        """Number of figures of several cells that are added or taken away."""
        return sum(len(term.figure.cells) > 1 for term in self.terms)

    @property
    def length(self) -> int:
        """Number of its phrases."""
        return len(self._groups or self.together) + 1

    @property
    def _groups(self) -> list[tuple[Term, ...]]:
        """Terms that are one phrase: cells that are released, if they are very many; all others by themselves."""
        released: dict[Fraction, list[Term]] = defaultdict(list)
        for term in self.terms:
            if term.figure.releases:
                released[term.multiplier].append(term)
        many = {often for often, terms in released.items() if len(terms) > MOST_LISTED}
        groups = [(each,) for each in self.terms if not (each.figure.releases and each.multiplier in many)]
        return [*groups, *(tuple(released[often]) for often in many)]

    def phrases(self, name: Callable[[Cell], str] = str) -> tuple[str, ...]:
        """Return the figures as they are quoted, and at last what follows from them.

        Parameters
        ----------
        name
            What to call a cell.
        """
        cell, bound = name(self.cell), _number(self.bound)
        if not self.terms:
            beyond = f"{cell} {'below' if self.end is End.LOW else 'above'} {bound}"
            figures = [figure.said if i == 0 else f"and {figure.said}" for i, figure in enumerate(self.together)]
            return (*figures, f"no counts that agree with all of these have {beyond}, so {cell} is {self._at} {bound}")
        terms = [_phrase(group, i == 0) for i, group in enumerate(self._groups)]
        if self.is_equation:
            return (*terms, f"so {cell} is {bound}")
        since = ", since no count is below zero" if self.excess else ""
        if abs(float(self.total) - self.bound) > TOLERANCE * max(1.0, abs(self.bound)):
            return (*terms, f"so {cell} is {self._at} {_number(float(self.total))}{since}: as a whole number {bound}")
        return (*terms, f"so {cell} is {self._at} {bound}{since}")

    @property
    def _at(self) -> str:
        return "at least" if self.end is End.LOW else "at most"


@dataclass(frozen=True)
class _End:
    """An end of the interval of a cell, given by its place in a component."""

    system: LinearSystem
    component: Component
    cell: int
    end: End
    bound: float
    slack: float

    def derivation(self, terms: tuple[Term, ...] = (), together: tuple[Figure, ...] = ()) -> Derivation:
        return Derivation(self.component.cells[self.cell], self.end, self.bound, terms, together)

    def is_shown_by(self, total: float) -> bool:
        """Whether the cell is as near to the bound as it is to be, if it is not beyond the total, which may be none."""
        if not math.isfinite(total):
            return False
        if self.system.whole:
            low, high = rounded_inward(total, total)
            return (low if self.end is End.LOW else high) == self.bound
        return abs(total - self.bound) <= max(self.slack, 1e-9 * abs(self.bound))


def derivation(system: LinearSystem, attacker: Attacker, cell: int, end: End) -> Derivation:
    """Return how an end that was closed in on follows.

    Parameters
    ----------
    system
        The figures.
    attacker
        Of the component of the cell.
    cell
        Place of the cell in the component.
    end
        Which end; it is not infinite.
    """
    closing = attacker.closing
    bound = float((closing.outer.low if end is End.LOW else closing.outer.high)[cell])
    asked = _End(system, attacker.component, cell, end, bound, closing.slack)
    for few in _of_one_line(asked):
        if (found := _sum(asked, few)) is not None:
            return found
    relaxed = attacker.relaxed(cell, end)
    found = _sum_of(asked, end * attacker.weights())
    if found is None:
        return asked.derivation(together=_together(asked))
    if found.steps > SHORT:
        with suppress(Infeasible):
            fewer = _sum_of(asked, _least_weights(asked, relaxed))
            return fewer if fewer is not None and fewer.steps < found.steps else found
    return found


def _of_one_line(asked: _End) -> Iterator[dict[int, Fraction]]:
    """Yield the weights that are tried first: of what is said of the cell alone, and of each line that it is in."""
    yield {}
    for i, line in enumerate(asked.component.lines):
        if asked.cell in line.cells:
            yield {i: Fraction(1)}


def _sum_of(asked: _End, weights: FloatArray) -> Derivation | None:
    """Return the sum in which lines have these weights, as fractions, if it shows the bound."""
    used = {int(i): float(weights[i]) for i in np.flatnonzero(np.abs(weights) > SMALLEST)}
    for denominator in DENOMINATORS:
        fractions = {i: Fraction(weight).limit_denominator(denominator) for i, weight in used.items()}
        found = _sum(asked, fractions)
        if found is not None:
            return found
    return None


def _sum(asked: _End, weights: Mapping[int, Fraction]) -> Derivation | None:
    """Return the sum in which lines have these weights, if it shows the bound."""
    found = asked.derivation(_terms(asked, weights))
    return found if found.is_sound and asked.is_shown_by(float(found.total)) else None


def _least_weights(asked: _End, total: float) -> FloatArray:
    """Return weights of lines that show the same, as small as can be: of many that do, those of few lines.

    A line or the limits of a cell have a weight above and one below zero, since another of their limits counts.
    """
    component, cell, end = asked.component, asked.cell, asked.end
    lines = [*component.lines, *component.cell_lines]
    low, high = values_of(line.low for line in lines), values_of(line.high for line in lines)
    counted = matrix_of([line.cells for line in lines], len(component.cells)).T
    first, second = (low, high) if end is End.LOW else (high, low)
    scale = max(1.0, abs(total))
    shown = csr_array(np.concatenate([_finite(first), -_finite(second)])[None, :] / scale)
    once = np.zeros(len(component.cells) + 1)
    once[cell], once[-1] = 1.0, total / scale
    free, slack = np.full(len(once), math.inf), np.append(np.zeros(len(component.cells)), 1e-9)
    matrix = csr_array(vstack([hstack([counted, -counted]), shown]))
    # A sum for a low end counts no cell too often, and is the end at least; one for a high end is the reverse.
    up = np.append(np.full(len(component.cells), end), -end)
    rows = Rows(matrix, np.where(up > 0, -free, once - slack), np.where(up > 0, once + slack, free))
    usable = np.where(np.isfinite(np.concatenate([first, second])), math.inf, 0.0)
    point = LinearProgram(rows, np.zeros(2 * len(lines)), usable).least(dict.fromkeys(range(2 * len(lines)), 1.0)).point
    assert point is not None
    return (point[: len(lines)] - point[len(lines) :])[: len(component.lines)]


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, 0.0)


def _terms(asked: _End, weights: Mapping[int, Fraction]) -> tuple[Term, ...]:
    """Give the weights of lines to figures, and take away what the figures count beside the cell."""
    system, component, end = asked.system, asked.component, asked.end
    often: dict[int, Fraction] = defaultdict(Fraction)
    missing: dict[int, Fraction] = defaultdict(Fraction)
    missing[asked.cell] += 1
    for i, weight in weights.items():
        line = component.lines[i]
        limit = _limit(line.low, line.high, weight, end)
        if weight and limit.figure is not None:
            often[limit.figure] += weight
            for place in line.cells:
                missing[place] -= weight
    for place, weight in missing.items():
        limit = _limit(component.low[place], component.high[place], weight, end)
        if weight and limit.figure is not None:
            often[limit.figure] += weight
    _take_away_known(system, end, often)
    terms = [
        Term(weight, system.figures[i], _counted(system.figures[i], weight, end, system.whole))
        for i, weight in often.items()
        if weight
    ]
    # First what is counted, the largest first, then what is taken away from it.
    return tuple(sorted(terms, key=lambda term: (term.multiplier < 0, -len(term.figure.cells))))


def _limit(low: Limit, high: Limit, weight: Fraction, end: End) -> Limit:
    return low if weight * end > 0 else high


def _counted(figure: Figure, weight: Fraction, end: End, whole: bool) -> float:
    low, high = figure.limits(whole)
    return low if weight * end > 0 else high


def _take_away_known(system: LinearSystem, end: End, often: dict[int, Fraction]) -> None:
    counted: dict[Cell, Fraction] = defaultdict(Fraction)
    for i, weight in often.items():
        for cell in system.figures[i].cells:
            if cell in system.known:
                counted[cell] += weight
    for cell, weight in counted.items():
        known = system.known[cell]
        # One that is zero need not be taken away where it is enough that it is not below zero.
        if known.value != 0 or weight * end > 0:
            often[known.figure] -= weight


def _together(asked: _End) -> tuple[Figure, ...]:
    """Return figures that leave nothing beyond the bound, and would if one of them were not there."""
    system, component, width = asked.system, asked.component, len(asked.component.cells)

    def still_shows(said: Sequence[Line]) -> bool:
        rows = Rows(
            matrix_of([each.cells for each in said], width),
            values_of(each.low for each in said),
            values_of(each.high for each in said),
        )
        program = LinearProgram(rows, np.zeros(width), np.full(width, math.inf), whole=system.whole)
        try:
            return asked.is_shown_by(asked.end * program.least({asked.cell: asked.end}).value)
        except Infeasible:
            return False

    fewest = irreducible([*component.lines, *component.cell_lines], still_shows)
    numbers = dict.fromkeys(i for each in fewest for limit in (each.low, each.high) for i in system.numbers_of(limit))
    return tuple(system.figures[i] for i in numbers)


def _phrase(group: tuple[Term, ...], is_first: bool) -> str:
    term = group[0]
    said = term.figure.said
    if len(group) > 1:
        said = f"{len(group):,} cells that are released, together {_number(math.fsum(each.value for each in group))}"
    elif term.figure.low != term.figure.high:
        is_low = term.value < (term.figure.low + term.figure.high) / 2
        said = f"{said} ({'at least' if is_low else 'at most'} {_number(term.value)})"
    often = abs(term.multiplier)
    counted = said if often == 1 else f"{often} times ({said})"
    if is_first and term.multiplier > 0:
        return counted
    return f"{'plus' if term.multiplier > 0 else 'less'} {counted}"


def _number(value: float) -> str:
    if value == round(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 1_000 else f"{value:.6g}"
