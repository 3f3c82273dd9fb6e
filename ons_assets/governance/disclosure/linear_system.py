"""All figures as one linear system: known cells are put in, and what has nothing to do with each other is parted."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ons_assets.governance.disclosure.figures import TOLERANCE, Cell, Figure

FloatArray = npt.NDArray[np.float64]
Rows = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Limit:
    """One end of what a sum lies between, and the figure that says so; None where cells are just not below zero."""

    value: float
    figure: int | None = None


@dataclass(frozen=True)
class Line:
    """The sum of some unknown cells of a component lies between two limits."""

    cells: tuple[int, ...]
    low: Limit
    high: Limit


@dataclass(frozen=True)
class Component:
    """Unknown cells that hang together through figures, and all that is said of them.

    Parameters
    ----------
    cells
        The cells; a line names them by their place here.
    lines
        Sums of two cells or more.
    low, high
        Limits of each cell alone.
    """

    cells: tuple[Cell, ...]
    lines: tuple[Line, ...]
    low: tuple[Limit, ...]
    high: tuple[Limit, ...]

    @property
    def cell_lines(self) -> list[Line]:
        """What is said of cells alone, as lines."""
        limits = zip(self.low, self.high, strict=True)
        return [Line((place,), low, high) for place, (low, high) in enumerate(limits) if _says(low) or _says(high)]

    @property
    def matrix(self) -> csr_array:
        """Which line adds up which cells: float64, shape (lines, cells)."""
        return matrix_of([line.cells for line in self.lines], len(self.cells))

    @property
    def line_limits(self) -> tuple[FloatArray, FloatArray]:
        """Low and high of each line."""
        return values_of(line.low for line in self.lines), values_of(line.high for line in self.lines)

    @property
    def cell_limits(self) -> tuple[FloatArray, FloatArray]:
        """Low and high of each cell alone."""
        return values_of(self.low), values_of(self.high)


@dataclass(frozen=True)
class Known:
    """A cell that is released, and the figure that does so."""

    value: float
    figure: int


@dataclass(frozen=True)
class LinearSystem:
    """Figures, the cells that are known from one of them alone, and the components of the rest."""

    figures: tuple[Figure, ...]
    whole: bool
    known: dict[Cell, Known]
    components: tuple[Component, ...]

    def numbers_of(self, limit: Limit) -> list[int]:
        """Return the number of the figure that says so, and of those that release cells of it."""
        return [] if limit.figure is None else with_known(limit.figure, self.figures[limit.figure], self.known)


class Inconsistent(Exception):
    """Nothing agrees with these figures, given by their numbers; fewer of them may do."""

    def __init__(self, figures: Iterable[int]) -> None:
        self.figures = tuple(dict.fromkeys(figures))
        super().__init__("no counts agree with the figures")


def linear_system(figures: Sequence[Figure], whole: bool) -> LinearSystem:
    """Return the system that the figures are.

    Raises
    ------
    Inconsistent
        If figures contradict each other visibly; others may still turn out to when the system is solved.
    """
    known = _known_cells(figures, whole)
    number: dict[Cell, int] = {}
    lines: dict[tuple[int, ...], Line] = {}
    for i, figure in enumerate(figures):
        line = _line(i, figure, known, number, whole)
        if line is not None:
            told = lines.get(line.cells)
            lines[line.cells] = line if told is None else _narrower(told, line, figures, known)
    return LinearSystem(tuple(figures), whole, known, tuple(_components([*number], lines.values())))


def with_known(i: int, figure: Figure, known: dict[Cell, Known]) -> list[int]:
    """Return the number i of a figure, and those of the figures that release cells of it.

    Parameters
    ----------
    i, figure
        The figure and its number.
    known
        Cells that are released.
    """
    return [i, *(known[cell].figure for cell in figure.cells if cell in known)]


def matrix_of(rows: Rows, columns: int) -> csr_array:
    """Return rows of ones: float64, shape (len(rows), columns)."""
    lengths = [len(row) for row in rows]
    places = np.fromiter((place for row in rows for place in row), np.int64, sum(lengths))
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return csr_array((np.ones(len(places)), places, starts), shape=(len(rows), columns))


def values_of(limits: Iterable[Limit]) -> FloatArray:
    """Return the values of limits."""
    return np.array([limit.value for limit in limits], dtype=np.float64)


def noise(value: float) -> float:
    """Return how far a sum of this size may be off: by the tolerance of counts, or where it is large by rounding."""
    return max(TOLERANCE, abs(value) * 1e-12) if math.isfinite(value) else TOLERANCE


def _says(limit: Limit) -> bool:
    return limit.figure is not None


def _known_cells(figures: Sequence[Figure], whole: bool) -> dict[Cell, Known]:
    known: dict[Cell, Known] = {}
    for i, figure in enumerate(figures):
        low, high = figure.limits(whole)
        if low > high:
            raise Inconsistent([i])
        if len(figure.cells) == 1 and low == high:
            told = known.setdefault(figure.cells[0], Known(low, i))
            if abs(told.value - low) > noise(low):
                raise Inconsistent([told.figure, i])
    return known


def _line(i: int, figure: Figure, known: dict[Cell, Known], number: dict[Cell, int], whole: bool) -> Line | None:
    """What a figure says of cells that are not known; None if there are none."""
    low, high = figure.limits(whole)
    told = math.fsum(known[cell].value for cell in figure.cells if cell in known)
    cells = sorted(number.setdefault(cell, len(number)) for cell in figure.cells if cell not in known)
    slack = noise(max(told, low))
    if high - told < -slack or (not cells and low - told > slack):
        raise Inconsistent(with_known(i, figure, known))
    if not cells:
        return None
    # What is known may be more than the low limit already: then the figure says nothing from below.
    least = Limit(low - told, i) if low > told else Limit(0.0)
    return Line(tuple(cells), least, Limit(max(0.0, high - told), i if math.isfinite(high) else None))


def _narrower(one: Line, other: Line, figures: Sequence[Figure], known: dict[Cell, Known]) -> Line:
    """What two figures say of the same cells."""
    low = other.low if other.low.value > one.low.value else one.low
    high = other.high if other.high.value < one.high.value else one.high
    if low.value > high.value + noise(high.value):
        said = [each.figure for each in (low, high) if each.figure is not None]
        raise Inconsistent(j for i in said for j in with_known(i, figures[i], known))
    return Line(one.cells, low if low.value <= high.value else replace(low, value=high.value), high)


@dataclass
class _Part:
    cells: list[int] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def _components(cells: Sequence[Cell], lines: Iterable[Line]) -> Iterable[Component]:
    alone = {line.cells[0]: line for line in lines if len(line.cells) == 1}
    longer = [line for line in lines if len(line.cells) > 1]
    first = [line.cells[0] for line in longer for _ in line.cells]
    other = [place for line in longer for place in line.cells]
    together = csr_array((np.ones(len(first)), (first, other)), shape=(len(cells),) * 2)
    _, label = connected_components(together, directed=False)
    parts: dict[int, _Part] = {}
    for place in range(len(cells)):
        parts.setdefault(int(label[place]), _Part()).cells.append(place)
    for line in longer:
        parts[int(label[line.cells[0]])].lines.append(line)
    free = Line((), Limit(0.0), Limit(math.inf))
    for part in parts.values():
        place_of = {place: i for i, place in enumerate(part.cells)}
        yield Component(
            tuple(cells[place] for place in part.cells),
            tuple(replace(line, cells=tuple(place_of[place] for place in line.cells)) for line in part.lines),
            tuple(alone.get(place, free).low for place in part.cells),
            tuple(alone.get(place, free).high for place in part.cells),
        )
