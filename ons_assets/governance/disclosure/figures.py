"""Figures that somebody releases, and the interval that follows from them for a cell."""

import math
from collections.abc import Hashable
from dataclasses import dataclass

Cell = Hashable

# Counts nearer to each other than this are taken for one: far above the errors of a solver, far below one person.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Figure:
    """The sum of some cells, as it was released.

    Parameters
    ----------
    cells
        Cells that are added up, each once; cells of tables on the same people have the same names in all of them.
    low, high
        What the reader learns of the sum: not below `low`, not above `high`; alike where it is released exactly.
    said
        How it is quoted, such as "migration_flows: A to B in 2014 is 4".

    Raises
    ------
    ValueError
        If a cell is counted twice, or there is nothing between `low` and `high`.
    """

    cells: tuple[Cell, ...]
    low: float
    high: float
    said: str

    def __post_init__(self) -> None:
        if len({*self.cells}) != len(self.cells):
            raise ValueError(f"a cell is counted twice in: {self.said}")
        if not (self.low <= self.high and self.low < math.inf and self.high >= 0):
            raise ValueError(f"no count lies from {self.low} to {self.high}: {self.said}")

    @classmethod
    def exact(cls, cells: tuple[Cell, ...], value: float, said: str) -> "Figure":
        """Return a figure that is released as it is.

        Parameters
        ----------
        cells, said
            As above.
        value
            The sum of the cells.
        """
        return cls(tuple(cells), value, value, said)

    @classmethod
    def rounded(cls, cells: tuple[Cell, ...], value: float, unit: float, said: str) -> "Figure":
        """Return a figure that is released to the nearest unit: it is known to half a unit either way.

        Parameters
        ----------
        cells, said
            As above.
        value
            As it is released, after rounding.
        unit
            Such as 5 for figures to the nearest five.
        """
        return cls(tuple(cells), max(0.0, value - unit / 2), value + unit / 2, said)

    @property
    def releases(self) -> bool:
        """Whether this is one cell, exactly as it is."""
        return len(self.cells) == 1 and self.low == self.high

    def limits(self, whole: bool) -> tuple[float, float]:
        """Return what the sum lies between: 0 or more, and whole numbers where cells are.

        Where no whole number lies in between, the first limit is above the second.
        """
        low, high = max(0.0, float(self.low)), float(self.high)
        return rounded_inward(low, high) if whole else (low, high)


@dataclass(frozen=True)
class Interval:
    """What follows for a cell from all figures together.

    Parameters
    ----------
    cell
        The cell.
    low, high
        It is not below `low` and not above `high`; `high` may be infinite.
    is_exact
        Whether both ends are counts that the cell can have. If not, it is still true that the cell lies in between,
        and it may be known more closely.
    """

    cell: Cell
    low: float
    high: float
    is_exact: bool = True


class Contradiction(ValueError):
    """No counts at all agree with the figures.

    Parameters
    ----------
    said
        Figures that contradict each other; without any one of them, the others would not.
    """

    def __init__(self, said: tuple[str, ...]) -> None:
        self.said = said
        shown = "; ".join(said[:SHOWN]) + (f"; and {len(said) - SHOWN:,} more" if len(said) > SHOWN else "")
        super().__init__(f"these figures contradict each other: {shown}")


SHOWN = 12


def rounded_inward(low: float, high: float) -> tuple[float, float]:
    """Return the first and the last whole number from low to high; high may be infinite."""
    return float(math.ceil(low - TOLERANCE)), float(math.floor(high + TOLERANCE)) if math.isfinite(high) else high
