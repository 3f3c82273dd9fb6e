"""Shares that add up: what is left of a whole when its told parts are taken away.

Parts of parts make a tree. Of a share that is told, take the told ones beneath it: the rest is known as well. These
rests, with that of the whole, hold each finest part once, and all that can be worked out is made of them. So it is
enough that each of them is made by some units, and by no one or two above all; then any sum of them is too: what its
largest unit brings, or its two largest, is at most the sum of what the largest bring to each.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ons_assets.lakehouse.disclosure import Division, Shares

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class _Node:
    """A share and its parts; all units have no name."""

    name: str | None
    parts: tuple["_Node", ...] = ()

    def below(self) -> Iterator["_Node"]:
        for part in self.parts:
            yield part
            yield from part.below()

    def rest(self, told: Mapping[str | None, Flags]) -> Iterator[tuple[str, Flags]]:
        """Each finest part, and in which groups it is in no share below that is told."""
        for part in self.parts:
            is_open = ~told[part.name]
            if part.parts:
                yield from ((name, is_open & flags) for name, flags in part.rest(told))
            else:
                yield str(part.name), is_open

    def highest_told(self, told: Mapping[str | None, Flags]) -> Iterator[tuple[str, Flags]]:
        """Each share below, and in which groups it is told and in no other of them."""
        for part in self.parts:
            yield str(part.name), told[part.name]
            yield from ((name, flags & ~told[part.name]) for name, flags in part.highest_told(told))


@dataclass(frozen=True)
class Limits:
    """Of what can be worked out, how much few units may bring to it.

    Parameters
    ----------
    fewest
        Units that must bring something to it.
    largest
        Of it, that one unit may bring.
    rest
        What units besides the two largest must bring, of what the largest brings.
    """

    fewest: int
    largest: float
    rest: float


@dataclass(frozen=True)
class _Shares:
    """Shares of groups by name, the most that one unit brings to each, and two, and how many bring anything."""

    share: Mapping[str, Numbers]
    most: Mapping[str, Numbers]
    most_of_two: Mapping[str, Numbers]
    contributors: Mapping[str, Numbers]

    def made_by_few(self, parts: Mapping[str, Flags], limits: Limits) -> Flags:
        """Groups in which the sum of the marked parts may be made by few units.

        Who brings to two parts is not known: the least number of units, and the largest share of one, are assumed. Of
        any two units, what they bring to the sum is what they bring to its parts, and to each part no more than its two
        largest do. So what the two largest of the sum bring, and p times what its largest does, is at most the sum of
        these over the parts; where that leaves something of the whole, the others bring p of the largest.
        """

        def marked(of: Mapping[str, Numbers]) -> Numbers:
            return np.array([np.where(flags, of[name], 0.0) for name, flags in parts.items()])

        units = marked(self.contributors).max(axis=0)
        of_one, of_two = marked(self.most).sum(axis=0), marked(self.most_of_two).sum(axis=0)
        whole = marked(self.share).sum(axis=0)
        has_few_others = of_two + limits.rest * of_one > whole
        few: Flags = (units < limits.fewest) | (of_one > limits.largest * whole) | has_few_others
        return few


def given_away(judged: pl.DataFrame, key: Sequence[str], rule: Shares, limits: Limits) -> pl.Series:
    """Find shares from which, with others that are told, something made by few units would follow.

    Parameters
    ----------
    judged
        All shares with their evidence (`ons_assets.lakehouse.disclosure.shares_of`), and `why_`: null if a share may be
        told as far as it alone is concerned.
    key
        Columns that name a row.
    rule
        Its divisions say which shares add up.
    limits
        Of whatever can be worked out.

    Returns
    -------
    polars.Series
        Whether a share that might be told must be withheld; in the order of `judged`.

    References
    ----------
    Hundepool et al. (2012), Statistical disclosure control, Wiley, section 4.4.
    """
    withheld = np.zeros(len(judged), dtype=bool)
    for column in sorted({division.column for division in rule.divisions}):
        wholes = _wholes([division for division in rule.divisions if division.column == column])
        group = [name for name in key if name != column]
        for whole in wholes:
            names = [str(node.name) for node in whole.below()]
            wide = _side_by_side(judged, group, column, names, rule.figures[0])
            for name, flags in _withheld(whole, wide, limits).items():
                withheld[wide[f"row {name}"].filter(pl.Series(flags)).to_numpy()] = True
    return pl.Series(withheld, dtype=pl.Boolean())


def _wholes(divisions: Sequence[Division]) -> list[_Node]:
    parts = {division.whole: division.parts for division in divisions if division.whole is not None}

    def node(name: str) -> _Node:
        return _Node(name, tuple(map(node, parts.get(name, ()))))

    return [_Node(None, tuple(map(node, division.parts))) for division in divisions if division.whole is None]


def _side_by_side(
    judged: pl.DataFrame, group: Sequence[str], column: str, names: Iterable[str], share: str
) -> pl.DataFrame:
    """One row a group, with what is known of each share in columns; a share without a row is made by nobody."""
    known = {
        "row": pl.int_range(pl.len(), dtype=pl.Int64()),
        "told": pl.col("why_").is_null(),
        "share": pl.col(share),
        "most": pl.col(share) * pl.col("largest").fill_nan(0.0),
        "most_of_two": pl.col(share) * pl.col("largest_two").fill_nan(0.0),
        "contributors": pl.col("contributors").cast(pl.Float64()),
    }
    rows = judged.select(*group, column, **known)
    return rows.group_by(group, maintain_order=True).agg(
        pl.col(kind).filter(pl.col(column) == name).first().alias(f"{kind} {name}") for name in names for kind in known
    )


def _withheld(whole: _Node, wide: pl.DataFrame, limits: Limits) -> dict[str, Flags]:
    """Beneath a share whose rest may be made by few, withhold the smallest that is told, until there is none."""
    names = [str(node.name) for node in whole.below()]

    def numbers(kind: str) -> dict[str, Numbers]:
        return {name: wide[f"{kind} {name}"].fill_null(0.0).to_numpy() for name in names}

    shares = _Shares(*map(numbers, ("share", "most", "most_of_two", "contributors")))
    may: dict[str | None, Flags] = {name: wide[f"told {name}"].fill_null(value=False).to_numpy() for name in names}
    told = {None: np.ones(len(wide), dtype=bool), **may}
    divided = [whole, *(node for node in whole.below() if node.parts)]
    while True:
        before = dict(told)
        for node in divided:
            rest = dict(node.rest(told))
            beneath = dict(node.highest_told(told))
            # What is left of all units by one share, or of a share by none, was judged with that share.
            judged = np.sum(list(beneath.values()), axis=0) <= (1 if node is whole else 0)
            exposed = told[node.name] & ~judged & np.any(list(rest.values()), axis=0) & shares.made_by_few(rest, limits)
            sizes = np.array([np.where(flags, shares.share[name], np.inf) for name, flags in beneath.items()])
            smallest = sizes.argmin(axis=0)
            for at, name in enumerate(beneath):
                told[name] = told[name] & ~(exposed & (smallest == at))
        if all(np.array_equal(before[name], told[name]) for name in told):
            return {name: may[name] & ~told[name] for name in names}
