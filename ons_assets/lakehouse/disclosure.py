"""What an aggregate may tell of those whom it is about, as its declaration in the catalogue says.

A table of sensitivity `aggregate` declares one of these rules, and what does not come with the account of its
step, `Protected`, is not published. The steps themselves are in `ons_assets.governance.disclosure`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.blurring import Perturbed, Rounded
from ons_assets.lakehouse.sums import exact_sum

# What a raw table of shares says of each sum, beside its figures; the step takes it away.
EVIDENCE = ("contributors", "largest", "largest_two", "lacking", "largest_lacking", "largest_two_lacking")
# Half of the unit to which counts are told that are not whole: to one decimal.
HALF_UNIT = 0.05


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
    across
        Sums that one version of the table holds and another the parts of, such as over strata.
    blurred
        How what is told is made inexact; None if it is told as it is.
    """

    unit: str
    count: str
    margins: tuple[Margin, ...] = ()
    across: tuple[Margin, ...] = ()
    blurred: Rounded | Perturbed | None = None

    def known(self, told: float, fewest: float) -> tuple[float, float]:
        """Return between what a number lies that is told: everybody knows that fewer are never told.

        Parameters
        ----------
        told
            As the table has it.
        fewest
            Units of a told number, at least.
        """
        blur = self.blur(fewest)
        if blur is None:
            return told, told
        low, high = blur.known(told)
        return max(low, fewest), high

    def blur(self, fewest: float) -> Rounded | Perturbed | None:
        """Return how what is told is made inexact where so many units may be told.

        Parameters
        ----------
        fewest
            Units of a told number, at least.
        """
        return self.blurred.at_least(fewest) if isinstance(self.blurred, Rounded) else self.blurred


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
    sums
        Of figures and events, those to which units bring unequally: sums, and means of them. Of each the step asks what
        its largest units bring (`largest_of`, by its name). An event that few make is withheld by itself; for another,
        all figures of the group are.
    """

    unit: str
    units: str
    figures: tuple[str, ...]
    events: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()


@dataclass(frozen=True)
class Division:
    """Rows of one group whose shares add up to another of its rows.

    Parameters
    ----------
    column
        Column of the key in which the rows of a group differ.
    parts
        Its values there.
    whole
        Value of the row that they add up to; None if they are together the whole: 1.
    """

    column: str
    parts: tuple[str, ...]
    whole: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """All rows of which one would follow from the others."""
        return self.parts if self.whole is None else (*self.parts, self.whole)


@dataclass(frozen=True)
class Shares:
    """Means over the units of a group of what each brings, between 0 and 1.

    The mean times the number of units is a sum, and so is what is left to their number: neither may be made by a few
    units, or by one or two above all. That all have something, or none, is told of each of them, and so is not told.

    Parameters
    ----------
    unit
        Who is in the groups.
    units
        Column of their number.
    figures
        Columns that are withheld, the share first.
    divisions
        Shares that add up.
    period
        Column of the key over which the units of a group are nearly the same ones. The step then asks by how few they
        differ: `changed`, of `units_that_change`. None if there is no such column.
    """

    unit: str
    units: str
    figures: tuple[str, ...]
    divisions: tuple[Division, ...] = ()
    period: str | None = None


def largest_of(brought: pl.Expr, of: str = "") -> dict[str, pl.Expr]:
    """Return which share of a sum its largest unit brings, and its two largest together: to be aggregated.

    Parameters
    ----------
    brought
        What each unit brings: 0 or more.
    of
        Name of the sum, for the columns: `largest_<of>`, `largest_two_<of>`; of none they are without it.

    References
    ----------
    Hundepool et al. (2012), Statistical disclosure control, Wiley, section 4.2.
    """
    tail = f"_{of}" if of else ""
    whole = exact_sum(brought)
    return {f"largest{tail}": brought.max() / whole, f"largest_two{tail}": brought.top_k(2).sum() / whole}


def shares_of(value: str, weight: str | None = None) -> dict[str, pl.Expr]:
    """Return what a group of units must say of a share for the step: `EVIDENCE`, to be aggregated.

    Parameters
    ----------
    value
        Column of what each unit brings, between 0 and 1.
    weight
        Column of what each unit counts for; None if all count alike.
    """
    counts_for = pl.col(weight) if weight else pl.lit(1.0)
    has, lacks = counts_for * pl.col(value), counts_for * (1 - pl.col(value))
    return {
        "contributors": (has > 0).sum().cast(pl.Int64),
        **largest_of(has),
        "lacking": (lacks > 0).sum().cast(pl.Int64),
        **largest_of(lacks, "lacking"),
    }


def units_that_change(
    units: pl.DataFrame, unit: str, period: str, *, fewest: float, fewest_changed: int
) -> pl.DataFrame:
    """Return by how few units the groups of one period differ from those of another, for the step.

    Of two means and numbers of units follows what those bring who are in one and not in the other, if the rest bring
    what they brought. So a period whose units are nearly those of an earlier one is withheld. It is held against every
    earlier one that may be told, and not the last alone: units may come and go again. A later period changes nothing of
    what was found of earlier ones.

    Parameters
    ----------
    units
        A row for each unit of each group and period; columns besides those of unit and period, one or more, name the
        group.
    unit, period
        Their columns.
    fewest
        Units of a group that is told: smaller ones are not, and nothing is held against them.
    fewest_changed
        Units that must come, or go, between two periods that are told, if any do.

    Returns
    -------
    polars.DataFrame
        A row for each group and period, sorted: the columns of the group, `period`, and `changed`: the fewest units,
        but none, that came since an earlier period that may be told, or that went; null where nobody did.
    """
    group = [name for name in units.columns if name not in (unit, period)]
    found = []
    for key, of_group in units.unique().group_by(group):
        periods = of_group[period].unique().sort()
        is_in = np.zeros((of_group[unit].n_unique(), len(periods)))
        is_in[of_group[unit].rank("dense").to_numpy() - 1, of_group[period].rank("dense").to_numpy() - 1] = 1
        rows = zip(periods, _changed(is_in, fewest, fewest_changed), strict=True)
        found += [(*key, of, changed) for of, changed in rows]
    schema = {**units.select(*group, period).schema, "changed": pl.Int64()}
    return pl.DataFrame(found, schema=schema, orient="row").sort(*group, period)


def _changed(is_in: npt.NDArray[np.float64], fewest: float, fewest_changed: int) -> list[int | None]:
    """Return `changed` of each period, in their order, of the units that are in it, (units, periods)."""
    both = (is_in.T @ is_in).astype(int)
    size = both.diagonal()
    told: list[int] = []
    changed: list[int | None] = []
    for at in range(len(size)):
        differ = [each for old in told for each in (size[at] - both[at, old], size[old] - both[at, old]) if each > 0]
        least = int(min(differ)) if differ else None
        changed.append(least)
        if size[at] >= fewest and (least is None or least >= fewest_changed):
            told.append(at)
    return changed


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
        Figures, or rows of them, that were judged; a row that counts nobody is none of them.
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


def tellable(rule: Rule | None, account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of the account of a table may leave the house together with the table.

    What is withheld of a table of counts has no row. How many rows that is, why, and which share of all is told, tells
    in a small table what is in them: of two rows that are withheld as small, and are 18 together where 10 is told, each
    is 9. That none is withheld tells it too, where another table like it says that some are.

    Parameters
    ----------
    rule
        By which the table was protected.
    account
        As a provenance has it.
    """
    kept_back = {"cells", "primary", "secondary", "kept_share"} if isinstance(rule, Counts) else set()
    return {name: value for name, value in account.items() if name not in kept_back}


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
