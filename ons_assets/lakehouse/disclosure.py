"""What an aggregate may tell of those whom it is about, as its declaration in the catalogue says.

A table of sensitivity `aggregate` declares one of these rules, and what does not come with the account of its
step, `Protected`, is not published. The steps themselves are in `ons_assets.governance.disclosure`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

from ons_assets.lakehouse.sums import exact_sum

# What a raw table of shares says of each sum, beside its figures; the step takes it away.
EVIDENCE = ("contributors", "largest", "lacking", "largest_lacking")


@dataclass(frozen=True)
class Margin:
    """Rows of a table that are sums of other rows of it.

    Parameters
    ----------
    parts
        Which rows are summed.
    whole
        The columns in which the row of the sum differs from its parts, and what they are there.
    """

    parts: pl.Expr
    whole: Mapping[str, pl.Expr]


def all_of(column: str, name: str = "all") -> Margin:
    """Return the sums over all values of a column, whose rows have a name there.

    Parameters
    ----------
    column
        That is summed over.
    name
        Of all of them together.
    """
    return Margin(pl.col(column) != name, {column: pl.lit(name)})


@dataclass(frozen=True)
class Counts:
    """Numbers of units that add up. What may not be told has no row, and so looks like what is zero.

    Parameters
    ----------
    unit
        Who is counted: users, devices.
    count
        Column of their number.
    margins
        Sums that the table holds too: over time, areas, strata.
    """

    unit: str
    count: str
    margins: tuple[Margin, ...] = ()


@dataclass(frozen=True)
class Groups:
    """Figures of groups of units, withheld together where a group is small.

    Parameters
    ----------
    unit
        Who is in the groups.
    units
        Column of their number; where it is null the row is about no unit. If the table has it not, it is only for
        the step.
    figures
        Columns that are withheld.
    events
        Columns of which a small number is withheld by itself.
    """

    unit: str
    units: str
    figures: tuple[str, ...]
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shares:
    """Means over the units of a group of what each brings, between 0 and 1.

    The mean times the number of units is a sum, and so is what is left to their number: neither may be made by a few
    units, or by one above all. That all have something, or none, is told of each of them, and so is not told.

    Parameters
    ----------
    unit
        Who is in the groups.
    units
        Column of their number.
    figures
        Columns that are withheld, the share first.
    whole
        Column of the key, and those of its values whose shares are together the whole; None if there are none.
    """

    unit: str
    units: str
    figures: tuple[str, ...]
    whole: tuple[str, tuple[str, ...]] | None = None


def shares_of(value: str) -> dict[str, pl.Expr]:
    """Return what a group of units must say of a share for the step: `EVIDENCE`, to be aggregated.

    Parameters
    ----------
    value
        Column of what each unit brings, between 0 and 1.
    """
    has, lacks = pl.col(value), 1 - pl.col(value)
    return {
        "contributors": (has > 0).sum().cast(pl.Int64),
        "largest": has.max() / exact_sum(has),
        "lacking": (lacks > 0).sum().cast(pl.Int64),
        "largest_lacking": lacks.max() / exact_sum(lacks),
    }


@dataclass(frozen=True)
class OfReleased:
    """Made of tables that are public, or have passed their own step: it can tell no more than they do."""


@dataclass(frozen=True)
class Exempt:
    """About no person, home or device.

    Parameters
    ----------
    reason
        In a sentence, for a board.
    """

    reason: str


Rule = Counts | Groups | Shares | OfReleased | Exempt


@dataclass(frozen=True)
class Account:
    """What a step did to a table; it holds no figure of it.

    Parameters
    ----------
    unit
        Who is protected.
    fewest
        Least number of units of a released figure.
    cells
        Figures, or rows of them, that are not zero.
    primary
        Of these, withheld because they are small themselves.
    secondary
        Withheld because a small one would follow from them.
    kept_share
        See `kept_share`.
    """

    unit: str
    fewest: float
    cells: int
    primary: int
    secondary: int
    kept_share: float | None = None

    def said(self) -> dict[str, str | float | None]:
        """Return it as plain values, for the provenance of a version."""
        return asdict(self)


def kept_share(counted: float, hidden: float, fewest: float) -> float | None:
    """Return which share of what was counted is told; None where it would tell that few units are withheld.

    Parameters
    ----------
    counted
        All units in rows of the finest kind.
    hidden
        Of these, in rows that are withheld.
    fewest
        Least number of units that may be told.
    """
    return 1 - hidden / counted if counted and not 0 < hidden < fewest else None


@dataclass(frozen=True)
class Protected:
    """A table that has passed its disclosure step."""

    rows: pl.DataFrame
    account: Account


def needs_step(rule: Rule | None) -> bool:
    """Return whether a table of this rule must come as `Protected`."""
    return isinstance(rule, Counts | Groups | Shares)
