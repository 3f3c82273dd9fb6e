"""The audit of a release: what follows for cells that are not released, and whether a rule allows it.

Somebody who has all figures that were ever released, inner cells and totals, linked tables, earlier vintages and
periods that overlap, has a system of linear equations and bounds. The audit solves it as he would, and knows nothing
that he does not know.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ons_assets.governance.disclosure.attacker import Attacker, Closing
from ons_assets.governance.disclosure.contradictions import contradiction
from ons_assets.governance.disclosure.derivations import Derivation, derivation
from ons_assets.governance.disclosure.figures import TOLERANCE, Cell, Contradiction, Figure, Interval
from ons_assets.governance.disclosure.linear_programs import End, Infeasible
from ons_assets.governance.disclosure.linear_system import (
    Component,
    Inconsistent,
    LinearSystem,
    linear_system,
)

__all__ = [
    "Audit",
    "Cell",
    "Contradiction",
    "Exposure",
    "Figure",
    "Interval",
    "Limits",
    "audit",
    "exposures",
    "intervals",
]


@dataclass(frozen=True)
class Limits:
    """How much is computed.

    Parameters
    ----------
    whole_cells
        In components of so many unknown cells or fewer, ends that linear programming leaves open are searched for
        among whole numbers. In larger ones they are ends that the cell does not exceed, and may not reach.
    swept_cells
        In components of so many, whole numbers are searched for that show many cells at once to be safe.
    linear_cells
        Components of so many unknown cells or fewer are solved for every cell. In larger ones every cell has the
        interval that follows line by line, and a sample the one that follows from all lines together.
    sample
        Cells of that sample in each such component.
    chains
        Exposures of each component whose chains are derived.
    seed
        Of the sample, which does not depend on the order of figures or cells.
    """

    whole_cells: int = 200
    swept_cells: int = 1_000
    linear_cells: int = 5_000
    sample: int = 200
    chains: int = 1_000
    seed: int = 1


@dataclass(frozen=True)
class Exposure:
    """A cell that is bounded more closely than the rule allows.

    Parameters
    ----------
    cell, low, high
        The cell, and the interval that follows for it.
    chain
        The figures from which it follows, with their multipliers, and at last what follows; one sentence that says
        so where there are more exposures than `Limits.chains`.
    derivations
        The same, to be added up; empty where the cell is released itself, and beyond `Limits.chains`.
    """

    cell: Cell
    low: float
    high: float
    chain: tuple[str, ...]
    derivations: tuple[Derivation, ...] = ()

    def __str__(self) -> str:
        sentences, rest = [], self.chain
        for each in self.derivations:
            *said, follows = rest[: each.length]
            sentences.append(f"{', '.join(said)}: {follows}")
            rest = rest[each.length :]
        return "; ".join([*sentences, *rest])


@dataclass(frozen=True)
class Audit:
    """What came of an audit.

    Parameters
    ----------
    exposures
        Cells that the rule does not allow, in the order of the cells.
    unsettled
        Cells whose interval was only bounded, and is not exposed as far as it is known: of components that are
        larger than the limits.
    """

    exposures: tuple[Exposure, ...]
    unsettled: tuple[Interval, ...]


def intervals(
    figures: Sequence[Figure],
    cells: Sequence[Cell] | None = None,
    *,
    whole: bool = True,
    limits: Limits | None = None,
) -> list[Interval]:
    """Return what follows for cells from figures.

    Exact are, as `is_exact` says of each: with `whole=False` all intervals of components up to
    `limits.linear_cells`; with `whole=True` besides only those both of whose ends were met by whole numbers that
    agree with all figures. Linear programming finds such numbers by itself in two-way tables and others without
    fractional vertices; elsewhere they are searched for in components up to `limits.whole_cells`. Any other interval is
    a valid outer one: the cell does lie in it, and may be known more closely.

    Parameters
    ----------
    figures
        All that was released.
    cells
        Cells to ask for; None for all that occur in a figure and are not released by themselves.
    whole
        Whether cells are whole numbers; else they may be any that are not below zero.
    limits
        How much is computed.

    Raises
    ------
    Contradiction
        If nothing agrees with all figures.

    Examples
    --------
    >>> year = Figure.exact(("spring", "autumn"), 9, "the year is 9")
    >>> intervals([year, Figure.rounded(("spring",), 5, 5, "spring is about 5")], ["autumn"])
    [Interval(cell='autumn', low=2.0, high=6.0, is_exact=True)]
    """
    asked = [*dict.fromkeys(cells)] if cells is not None else _withheld(figures)
    system = _system(figures, whole)
    found = {cell: Interval(cell, known.value, known.value) for cell, known in system.known.items()}
    for attacker, places in _attackers(system, asked, None, limits or Limits()):
        found |= {each.cell: each for each in (_interval(attacker, place) for place in places)}
    return [found.get(cell, Interval(cell, 0.0, math.inf)) for cell in asked]


def exposures(
    figures: Sequence[Figure],
    k: float,
    cells: Sequence[Cell] | None = None,
    *,
    whole: bool = True,
    limits: Limits | None = None,
    name: Callable[[Cell], str] = str,
) -> list[Exposure]:
    """Return the cells that the rule does not allow.

    A cell is exposed if what follows is 0 < low < k, so that it is shown not to be zero while it may be small, or
    0 < high < k, so that it is shown to be small, alone or together with others. One that is released, with a
    value of 0 < value < k, is exposed too.

    Parameters
    ----------
    figures, cells, whole, limits
        As for `intervals`; None for all cells that occur.
    k
        The least count that may be known.
    name
        What to call a cell in a chain.

    Raises
    ------
    Contradiction
        If nothing agrees with all figures.

    Examples
    --------
    >>> year = Figure.exact(("spring", "autumn"), 9, "the year is 9")
    >>> print(exposures([year, Figure.exact(("spring",), 7, "spring is 7")], 5)[0])
    the year is 9, less spring is 7: so autumn is 2
    """
    return [*audit(figures, k, cells, whole=whole, limits=limits, name=name).exposures]


def audit(
    figures: Sequence[Figure],
    k: float,
    cells: Sequence[Cell] | None = None,
    *,
    whole: bool = True,
    limits: Limits | None = None,
    name: Callable[[Cell], str] = str,
) -> Audit:
    """Return the cells that the rule does not allow, and those of which that could not be settled.

    Parameters
    ----------
    figures, k, cells, whole, limits, name
        As for `exposures`.

    Raises
    ------
    Contradiction
        If nothing agrees with all figures.
    """
    asked = dict.fromkeys(cells if cells is not None else (cell for figure in figures for cell in figure.cells))
    system = _system(figures, whole)
    found = {
        cell: Exposure(cell, known.value, known.value, (figures[known.figure].said,))
        for cell, known in system.known.items()
        if cell in asked and _is_exposed(known.value, known.value, k)
    }
    limits = limits or Limits()
    unsettled = []
    for attacker, places in _attackers(system, asked, k, limits):
        chains = limits.chains
        for place in places:
            exposure = _exposure(system, attacker, place, k, limits if chains else None, name)
            if exposure is not None:
                found[exposure.cell] = exposure
                chains -= chains > 0
            elif not attacker.closing.is_safe(place, k):
                unsettled.append(_interval(attacker, place))
    return Audit(tuple(found[cell] for cell in asked if cell in found), tuple(unsettled))


def _is_exposed(low: float, high: float, k: float) -> bool:
    return _is_small(low, k) or _is_small(high, k)


def _is_small(value: float, k: float) -> bool:
    return TOLERANCE < value < k - TOLERANCE


def _withheld(figures: Iterable[Figure]) -> list[Cell]:
    released = {figure.cells[0] for figure in figures if figure.releases}
    return [cell for cell in dict.fromkeys(cell for figure in figures for cell in figure.cells) if cell not in released]


def _system(figures: Sequence[Figure], whole: bool) -> LinearSystem:
    try:
        return linear_system(figures, whole)
    except Inconsistent as error:
        raise contradiction([figures[i] for i in error.figures], whole) from None


def _attackers(
    system: LinearSystem, asked: Iterable[Cell], k: float | None, limits: Limits
) -> Iterator[tuple[Attacker, list[int]]]:
    """Yield each component with cells that are asked for, closed in on, and the places of these cells."""
    wanted = {*asked}
    for component in system.components:
        places = [place for place, cell in enumerate(component.cells) if cell in wanted]
        if not places:
            continue
        with _explained(system, component):
            attacker = Attacker(component, whole=system.whole)
            _close(attacker, places, k, limits)
        yield attacker, places


@contextmanager
def _explained(system: LinearSystem, component: Component) -> Iterator[None]:
    """Say which figures contradict each other where nothing agrees with what is said of a component."""
    try:
        yield
    except Infeasible:
        raise contradiction(_figures_of(system, component), system.whole) from None


def _close(attacker: Attacker, places: Sequence[int], k: float | None, limits: Limits) -> None:
    closing, cells = attacker.closing, attacker.component.cells
    if k is not None:
        attacker.sweep(places, k, limits.swept_cells)
    if attacker.n_cells > limits.linear_cells:
        is_open = [place for place in places if not _is_done(closing, place, k)]
        places = sorted(is_open, key=lambda place: _drawn(cells[place], limits.seed))[: limits.sample]
    # High ends first: counts that are high somewhere are zero elsewhere, and settle low ends on the way.
    for end in (End.HIGH, End.LOW):
        for place in places:
            if not _is_done(closing, place, k):
                attacker.close(place, end, limits.whole_cells)


def _is_done(closing: Closing, place: int, k: float | None) -> bool:
    return closing.is_exact(place) if k is None else closing.is_safe(place, k)


def _drawn(cell: Cell, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {cell!r}".encode(), digest_size=8).digest()


def _figures_of(system: LinearSystem, component: Component) -> list[Figure]:
    said = [*component.lines, *component.cell_lines]
    numbers = dict.fromkeys(i for each in said for limit in (each.low, each.high) for i in system.numbers_of(limit))
    return [system.figures[i] for i in numbers]


def _interval(attacker: Attacker, place: int) -> Interval:
    closing = attacker.closing
    low, high = float(closing.outer.low[place]), float(closing.outer.high[place])
    return Interval(attacker.component.cells[place], low, high, closing.is_exact(place))


def _exposure(
    system: LinearSystem, attacker: Attacker, place: int, k: float, limits: Limits | None, name: Callable[[Cell], str]
) -> Exposure | None:
    """Return the exposure of a cell, if it is one; without limits, its chain is not derived."""
    interval = _interval(attacker, place)
    if not _is_exposed(interval.low, interval.high, k):
        return None
    if limits is None:
        others = f"{name(interval.cell)} is bounded by figures that bound others too, whose chains are given"
        return Exposure(interval.cell, interval.low, interval.high, (others,))
    with _explained(system, attacker.component):
        for end in End:
            attacker.close(place, end, limits.whole_cells)
    interval = _interval(attacker, place)
    ends = [end for end, value in ((End.LOW, interval.low), (End.HIGH, interval.high)) if _is_small(value, k)]
    if not ends:
        return None
    derivations = [derivation(system, attacker, place, ends[0])]
    if len(ends) == 2 and not derivations[0].is_equation:
        derivations.append(derivation(system, attacker, place, ends[1]))
    chain = tuple(phrase for each in derivations for phrase in each.phrases(name))
    return Exposure(interval.cell, interval.low, interval.high, chain, tuple(derivations))
