"""Time of the audit of a release, on tables with small counts withheld and others to complement them.

    python benchmarks/disclosure_audit.py                       # all cases, some two minutes
    python benchmarks/disclosure_audit.py two-way --sizes 33 100 --shares 0.05 0.2 1
    python benchmarks/disclosure_audit.py three-way --sizes 4 8
    python benchmarks/disclosure_audit.py large                 # more unknown cells than are all solved
    python benchmarks/disclosure_audit.py contradiction         # a total of another vintage

A share of the cells, drawn at random, has counts of 1 to 4, which are withheld; where a row or a column would have one
cell withheld, another at random is withheld too. All other cells and all margins are released. Times are seconds
of the processor for one call, which starts from the figures.
"""

import argparse
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ons_assets.governance.disclosure.audit import Contradiction, Figure, Limits, audit, intervals

K = 5
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def table(size: int, share: float, seed: int) -> tuple[IntArray, BoolArray]:
    """Return counts of a square table, and which of them are withheld."""
    rng = np.random.default_rng(seed)
    is_small = rng.random((size, size)) < share
    counts = np.where(is_small, rng.integers(1, K, (size, size)), rng.integers(K, 200, (size, size)))
    withheld = is_small.copy()
    # A complement withheld in a column may leave a row with one cell: rows are looked at again.
    for lines in (withheld, withheld.T, withheld):
        for line in lines:
            if line.sum() == 1:
                line[rng.choice(np.flatnonzero(~line))] = True
    return counts, withheld


def released(counts: IntArray, withheld: BoolArray, is_cell: BoolArray | None = None) -> list[Figure]:
    """Return the cells that are not withheld, and the margins over the cells that there are."""
    is_cell = np.ones(counts.shape, dtype=bool) if is_cell is None else is_cell
    figures = [
        Figure.exact(((i, j),), int(counts[i, j]), f"cell {i}, {j} is {counts[i, j]}")
        for i, j in np.argwhere(is_cell & ~withheld).tolist()
    ]
    for name, lines in (("row", is_cell), ("column", is_cell.T)):
        for i, line in enumerate(lines):
            cells = tuple((i, j) if name == "row" else (j, i) for j in np.flatnonzero(line).tolist())
            total = int(sum(counts[cell] for cell in cells))
            if cells:
                figures.append(Figure.exact(cells, total, f"{name} {i} is {total}"))
    return figures


def three_way(size: int, top: int, seed: int) -> list[Figure]:
    """Return all two-way margins of a three-way table none of whose cells is released."""
    counts = np.random.default_rng(seed).integers(0, top, (size,) * 3)
    cells = list(product(range(size), repeat=3))
    figures = []
    for axis, kept in product(range(3), product(range(size), repeat=2)):
        line = tuple(cell for cell in cells if (*cell[:axis], *cell[axis + 1 :]) == kept)
        total = int(sum(counts[cell] for cell in line))
        figures.append(Figure.exact(line, total, f"margin {axis}, {kept} is {total}"))
    return figures


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def report(name: str, figures: list[Figure], limits: Limits | None = None, *, with_intervals: bool = True) -> None:
    found_in, told = timed(lambda: audit(figures, K, limits=limits))
    steps = [each.steps for exposure in told.exposures for each in exposure.derivations if each.terms]
    line = f"{name:46} rule {found_in:7.2f} s, {len(told.exposures):5,} exposed, {len(told.unsettled):5,} open"
    if with_intervals:
        solved_in, found = timed(lambda: intervals(figures, limits=limits))
        line += (
            f"; {len(found):6,} intervals {solved_in:7.2f} s, {np.mean([each.is_exact for each in found]):.1%} exact"
        )
    if steps:
        line += f"; a chain adds up {np.mean(steps):.1f} sums, {max(steps)} at most"
    print(line, flush=True)


def two_way_tables(options: argparse.Namespace) -> None:
    for size, share in product(options.sizes or [33, 100], options.shares):
        counts, withheld = table(size, share, options.seed)
        report(f"{size} x {size}, {share:.0%} small, {withheld.sum():,} withheld", released(counts, withheld))


def three_way_tables(options: argparse.Namespace) -> None:
    for size, top in product(options.sizes or [3, 5, 8], (3, 30, 200)):
        report(f"{size} x {size} x {size}, counts below {top}", three_way(size, top, options.seed))


def large_tables(options: argparse.Namespace) -> None:
    counts, withheld = table(150, 1.0, options.seed)
    report("150 x 150, all withheld", released(counts, withheld), with_intervals=False)
    rng = np.random.default_rng(options.seed + 1)
    counts, withheld = table(1_000, 0.3, options.seed)
    is_cell = rng.random(counts.shape) < 0.05
    figures = released(counts, withheld & is_cell, is_cell)
    report(f"1,000 x 1,000, one pair in 20, {(withheld & is_cell).sum():,} withheld", figures, with_intervals=False)
    small = [Figure.exact(((i, 0), (i, 1), (i, 2)), 30, f"table {i} is 30") for i in range(5_000)]
    report("5,000 tables of three cells", small)


def contradictions(options: argparse.Namespace) -> None:
    for size in options.sizes or [33, 100]:
        counts, withheld = table(size, 0.2, options.seed)
        total = int(counts.sum()) + 1
        revised = Figure.exact(tuple(product(range(size), repeat=2)), total, f"all, revised, is {total}")

        def ask(figures: tuple[Figure, ...] = (*released(counts, withheld), revised)) -> tuple[str, ...]:
            try:
                intervals(figures)
            except Contradiction as error:
                return error.said
            raise AssertionError("the contradiction was not found")

        found_in, said = timed(ask)
        print(f"{size} x {size}, a total of another vintage: {found_in:.2f} s, {len(said)} figures named")


CASES = {
    "two-way": two_way_tables,
    "three-way": three_way_tables,
    "large": large_tables,
    "contradiction": contradictions,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], default=[], metavar="case", help=", ".join(CASES))
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for case in options.cases or CASES:
        CASES[case](options)


if __name__ == "__main__":
    main()
