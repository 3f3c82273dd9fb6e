"""Weights of items in groups, by year: which hold when, and which group is the narrowest around an item."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NO_WEIGHTS = -1


@dataclass(frozen=True)
class Baskets:
    """Weights of n items in g groups.

    Parameters
    ----------
    items, groups
        Names, sorted.
    of_year
        Of each group, by its number, the weights of each of its years, (n,), in any unit; 0 without a weight.
    """

    items: tuple[str, ...]
    groups: tuple[str, ...]
    of_year: tuple[Mapping[int, Floats], ...]

    @cached_property
    def years(self) -> tuple[Ints, ...]:
        """Years of each group, in order."""
        return tuple(np.array(sorted(weights), dtype=np.int64) for weights in self.of_year)

    @cached_property
    def first(self) -> Floats:
        """First weights of each group, (g, n)."""
        return np.stack([weights[int(years[0])] for weights, years in zip(self.of_year, self.years, strict=True)])

    def in_force(self, weights_year: Ints, year: Ints) -> Ints:
        """Return for each period and group the year of the weights in force, (periods, g), or `NO_WEIGHTS`.

        Parameters
        ----------
        weights_year
            Year whose weights should hold, of each period. Without such, those of the last year before it hold;
            without any before it, the first ones from the start of their calendar year on.
        year
            Calendar year of each period.
        """
        columns = []
        for years in self.years:
            place = np.searchsorted(years, weights_year, side="right") - 1
            place = np.where((place < 0) & (year >= years[0]), 0, place)
            columns.append(np.where(place >= 0, years[place], NO_WEIGHTS))
        return np.stack(columns, axis=1)


def baskets(weights: pl.DataFrame) -> Baskets:
    """Lay out a table of weights.

    Parameters
    ----------
    weights
        Columns ``item_id``, ``group_id``, ``year`` and ``weight`` (any unit). Items without a weight, or with a
        weight of zero, take no part.

    Raises
    ------
    ValueError
        If an item has two weights in a year in one group, or a weight is negative or not finite.
    """
    named = weights.drop_nulls(["item_id", "group_id", "year", "weight"]).filter(pl.col("weight") != 0)
    if named.select(pl.struct("item_id", "group_id", "year").is_duplicated().any()).item():
        raise ValueError("weights hold more than one weight for an item, group and year")
    if named.select((pl.col("weight") < 0).any()).item():
        raise ValueError("weights hold a negative weight")
    if not named.select(pl.col("weight").cast(pl.Float64).is_finite().all()).item():
        raise ValueError("weights hold a weight that is no number")
    items, groups = (tuple(named[column].unique().sort()) for column in ("item_id", "group_id"))
    place = {item: number for number, item in enumerate(items)}
    of_year: list[dict[int, Floats]] = [{} for _ in groups]
    number_of = {group: number for number, group in enumerate(groups)}
    for item, group, year, weight in named.select("item_id", "group_id", "year", "weight").iter_rows():
        of_year[number_of[group]].setdefault(int(year), np.zeros(len(items)))[place[item]] = weight
    return Baskets(items, groups, tuple(of_year))


def narrowest(is_member: Bools, is_usable: Bools | None = None) -> Ints:
    """Return for each item the number of the smallest group that holds it, or -1.

    Parameters
    ----------
    is_member
        Whether a group holds an item, (g, n). Of groups of one size the first counts.
    is_usable
        Whether a group may be chosen, (g,); by default all.
    """
    size = is_member.sum(axis=1)
    order = np.argsort(size, kind="stable")
    allowed = is_member if is_usable is None else is_member & is_usable[:, None]
    first = order[np.argmax(allowed[order], axis=0)]
    return np.where(allowed.any(axis=0), first, -1)


def reallocate(values: Floats, is_gone: Bools) -> Floats:
    """Give the values of items that are gone to the others of the narrowest group around them that has any.

    Parameters
    ----------
    values
        Of each group and item, (g, n); 0 of items that a group does not hold.
    is_gone
        Of each item, (n,).

    Returns
    -------
    numpy.ndarray
        The same with 0 for items that are gone, in proportion to the values of the others, so that wider groups keep
        what the narrower one has in them. Where a group has none but items that are gone it is left as it is.
    """
    given = values.copy()
    staying = (values > 0) & ~is_gone
    heir = narrowest(values > 0, np.asarray(staying.any(axis=1)))
    for group in range(len(values)):
        if not staying[group].any():
            continue
        for other in np.unique(heir[is_gone & (values[group] > 0)]):
            leaving = is_gone & (heir == other) & (values[group] > 0)
            takes = staying[group] & staying[other]
            takes = takes if takes.any() else staying[group]
            given[group, takes] *= 1 + values[group, leaving].sum() / given[group, takes].sum()
            given[group, leaving] = 0
    return given
