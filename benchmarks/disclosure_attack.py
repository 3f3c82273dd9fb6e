"""Attack on released tables: what is refused, against a search through every table that agrees with what was told.

    python benchmarks/disclosure_attack.py                          # 1,000 tables and 200 pairs of releases
    python benchmarks/disclosure_attack.py --tables 100 --pairs 20 --seed 7

Tables of two or three dimensions with all their sums, in which small numbers were planted. Each is released twice: once
with nothing but the small numbers withheld, and once as the disclosure step leaves it. Pairs are releases each
protected by itself: of periods that overlap, of tables that share a margin, and of editions of which the later one has
also those who came late. Truth is what holds in every table of whole numbers that agrees with all that was told: all
of them are gone through where they are few, else the least and the most of each cell is found by integer programming,
which knows nothing of the auditor.
"""

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, product

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, milp

from ons_assets.governance.disclosure.audit import Cell, Figure, exposures
from ons_assets.governance.disclosure.counts import withheld
from ons_assets.governance.disclosure.sums import Equation
from tests.governance.enumeration import ranges

K = 3
ALL = "all"
# So many tables at most are gone through one by one.
GONE_THROUGH = 50_000
HOW: Counter[str] = Counter()
Values = dict[Cell, int]
FloatArray = npt.NDArray[np.float64]


def random_table(rng: np.random.Generator) -> Values:
    """Return the cells of a table of two or three dimensions; few are small, and some are zero and known to be."""
    shape = [(3, 4), (4, 4), (2, 5), (2, 2, 3), (2, 3, 3)][rng.integers(5)]
    large = rng.integers(K, 7, size=shape)
    small = np.where(rng.random(shape) < 0.6, rng.integers(1, K, size=shape), 0)
    counts = np.where(rng.random(shape) < 0.25, small, large)
    return {cell: int(counts[cell]) for cell in np.ndindex(*shape) if counts[cell]}


def with_sums(cells: Values) -> dict[Cell, tuple[Cell, ...]]:
    """Return every row of a table with all its sums: the cells that it is the sum of."""
    rows: dict[Cell, list[Cell]] = {}
    for cell in cells:
        for kept in product((True, False), repeat=len(cell)):
            name = tuple(value if keep else ALL for value, keep in zip(cell, kept, strict=True))
            rows.setdefault(name, []).append(cell)
    return {name: tuple(parts) for name, parts in rows.items()}


def protected(rows: dict[Cell, tuple[Cell, ...]], cells: Values) -> list[Cell]:
    """Return the rows that the step tells."""
    names = list(rows)
    number = {name: place for place, name in enumerate(names)}
    values = np.array([sum(cells[cell] for cell in rows[name]) for name in names], dtype=float)
    equations = [
        Equation(number[name], np.array([number[part] for part in names if _is_part(part, name, axis)]))
        for name in names
        for axis in range(len(name))
        if name[axis] == ALL
    ]
    hidden = withheld(values, values < K, equations, K)
    return [name for name, is_hidden in zip(names, hidden, strict=True) if not is_hidden]


def _is_part(part: Cell, whole: Cell, axis: int) -> bool:
    beside = [one == other for place, (one, other) in enumerate(zip(part, whole, strict=True)) if place != axis]
    return part[axis] != ALL and all(beside)


def figures(rows: dict[Cell, tuple[Cell, ...]], cells: Values, told: Sequence[Cell]) -> list[Figure]:
    """Return what is told as figures."""
    return [
        Figure.exact(rows[name], total, f"{name} is {total}")
        for name in told
        for total in [sum(cells[cell] for cell in rows[name])]
    ]


def verdicts(told: list[Figure]) -> tuple[bool, bool]:
    """Return whether something small follows, in truth and as the auditor has it."""
    if not told:
        return False, False
    return any(0 < low < K or 0 < high < K for low, high in true_ranges(told)), bool(exposures(told, K))


def true_ranges(told: list[Figure]) -> list[tuple[int, int]]:
    """Return the least and the most that each cell is in any table that agrees."""
    alone = {figure.cells[0]: int(figure.low) for figure in told if len(figure.cells) == 1}
    left = {tuple(cell for cell in figure.cells if cell not in alone): figure for figure in told}
    open_sums = {
        cells: int(figure.low) - sum(alone.get(cell, 0) for cell in figure.cells)
        for cells, figure in left.items()
        if cells
    }
    cells = sorted({cell for sum_ in open_sums for cell in sum_})
    fixed = [(value, value) for value in alone.values()]
    if not cells:
        return fixed
    most = {cell: min(total for sum_, total in open_sums.items() if cell in sum_) for cell in cells}
    if math.prod(most[cell] + 1 for cell in cells) <= GONE_THROUGH:
        HOW["gone through"] += 1
        found = ranges([Figure.exact(sum_, total, "") for sum_, total in open_sums.items()])
        return [*fixed, *found.values()]
    HOW["by integer programming"] += 1
    matrix = np.array([[cell in sum_ for cell in cells] for sum_ in open_sums], dtype=float)
    totals = np.array(list(open_sums.values()), dtype=float)
    return fixed + [(_end(matrix, totals, place, 1), _end(matrix, totals, place, -1)) for place in range(len(cells))]


def _end(matrix: FloatArray, totals: FloatArray, place: int, sign: int) -> int:
    goal = np.zeros(matrix.shape[1])
    goal[place] = sign
    found = milp(goal, constraints=LinearConstraint(matrix, totals, totals), integrality=np.ones(len(goal)))
    assert found.success
    return round(found.x[place])


Verdicts = Counter[tuple[bool, bool]]


def tables(count: int, rng: np.random.Generator) -> tuple[Verdicts, Verdicts, float]:
    """Return the verdicts on tables with small numbers withheld and nothing else, and as the step leaves them.

    With them the share of rows that are not small which the step tells.
    """
    bare, step, kept = Verdicts(), Verdicts(), []
    for _ in range(count):
        cells = random_table(rng)
        rows = with_sums(cells)
        large = [name for name in rows if sum(cells[cell] for cell in rows[name]) >= K]
        told = protected(rows, cells)
        bare[verdicts(figures(rows, cells, large))] += 1
        step[verdicts(figures(rows, cells, told))] += 1
        kept.append(len(told) / max(len(large), 1))
    return bare, step, float(np.mean(kept))


def pairs(count: int, rng: np.random.Generator) -> dict[str, Verdicts]:
    """Return the verdicts on pairs of releases, each of which is safe by itself, by what links them."""
    kinds = {"overlapping periods": _periods, "linked tables": _linked, "editions": _editions}
    found = {kind: Verdicts() for kind in kinds}
    for _, (kind, drawn) in zip(range(count), cycle(kinds.items()), strict=False):
        one, other = drawn(rng)
        assert not verdicts(one)[0]
        assert not verdicts(other)[0]
        found[kind][verdicts([*one, *other])] += 1
    return found


def _few(rng: np.random.Generator, *, small: float) -> int:
    return int(rng.integers(1, K) if rng.random() < small else rng.integers(K, 9))


def _released(cells: Values) -> list[Figure]:
    rows = with_sums(cells)
    return figures(rows, cells, protected(rows, cells))


def _periods(rng: np.random.Generator) -> tuple[list[Figure], list[Figure]]:
    """Three areas in four months, of which each release has three."""
    cells = {(area, month): _few(rng, small=0.15) for area in range(3) for month in range(4)}
    first, second = ({cell: n for cell, n in cells.items() if begin <= cell[1] < begin + 3} for begin in (0, 1))
    return _released(first), _released(second)


def _linked(rng: np.random.Generator) -> tuple[list[Figure], list[Figure]]:
    """The same units by area and age, and by area and sex: both tables have the areas."""
    units = {(area, age, sex): int(rng.integers(0, 4)) for area in range(3) for age in range(2) for sex in range(2)}
    units = {cell: n for cell, n in units.items() if n}
    releases = []
    for axis in (1, 2):
        groups: dict[Cell, tuple[Cell, ...]] = {}
        for cell in units:
            name = (cell[0], cell[axis])
            groups[name] = (*groups.get(name, ()), cell)
        totals = {name: sum(units[cell] for cell in parts) for name, parts in groups.items()}
        rows = with_sums(totals)
        told = protected(rows, totals)
        finest = {name: tuple(cell for part in rows[name] for cell in groups[part]) for name in told}
        releases.append(figures(finest, units, told))
    return releases[0], releases[1]


def _editions(rng: np.random.Generator) -> tuple[list[Figure], list[Figure]]:
    """A table, and the same with those who came late."""
    on_time = {(area, group): _few(rng, small=0.15) for area in range(3) for group in range(3)}
    late = {cell: _few(rng, small=0.1) if rng.random() < 0.3 else 0 for cell in on_time}
    both = {cell: on_time[cell] + late[cell] for cell in on_time}
    rows = with_sums(both)
    told = protected(rows, both)
    units = {(*cell, "on time"): n for cell, n in on_time.items()} | {(*c, "late"): n for c, n in late.items() if n}
    parts = {name: tuple(unit for unit in units if unit[:2] in rows[name]) for name in told}
    first = {name: tuple((*cell, "on time") for cell in cells) for name, cells in with_sums(on_time).items()}
    return figures(first, units, protected(with_sums(on_time), on_time)), figures(parts, units, told)


def _print(name: str, counted: Verdicts) -> None:
    right = f"{counted[True, True]:,} unsafe and refused, {counted[False, False]:,} safe and passed"
    wrong = f"{counted[True, False]:,} unsafe and passed, {counted[False, True]:,} safe and refused"
    print(f"  {name}: {right}; {wrong}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=1_000)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    bare, step, kept = tables(options.tables, rng)
    print(f"{options.tables:,} tables; of the rows that are not small the step tells {kept:.0%}")
    _print("small numbers withheld and nothing else", bare)
    _print("as the step leaves them", step)
    print(f"{options.pairs:,} pairs of releases, each safe by itself")
    for kind, counted in pairs(options.pairs, rng).items():
        _print(kind, counted)
    print("truth: " + ", ".join(f"{count:,} releases {how}" for how, count in HOW.items()))


if __name__ == "__main__":
    main()
