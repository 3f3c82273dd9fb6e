"""Whether figures come out again: what must be made anew of the archived files, what stands against it, what differs.

The work itself is `ons_assets.operations.verifying`: it makes in a scratch home, one publication after another in the
order in which they were made, what is planned here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.governance.trace.drops import File
from ons_assets.governance.trace.graph import Origin
from ons_assets.governance.trace.history import History
from ons_assets.lakehouse.commits import Commit
from ons_assets.lakehouse.tables import Table
from ons_assets.program import code_version
from ons_assets.wording import counted

# Columns that say when something was published: made again, it is later.
OF_THE_CLOCK: Mapping[str, frozenset[str]] = {
    "prices/index_vintages": frozenset({"published_utc"}),
    "prices/revision_triangle": frozenset({"first_published_utc", "last_published_utc"}),
}
SHOWN = 5


class CannotVerify(ValueError):
    """A figure cannot be made again; the message says why."""


@dataclass(frozen=True)
class Step:
    """One publication that is made again, or a record that is taken as it is.

    Parameters
    ----------
    commit
        As it was made.
    drops
        Hashes of the files that it names; none where it is made of tables.
    is_record
        Whether it is made of nothing but what the home itself wrote down, such as the ledger of files.
    """

    commit: Commit
    drops: tuple[str, ...]
    is_record: bool


@dataclass(frozen=True)
class Difference:
    """A cell that did not come out as it is published."""

    key: dict[str, Any]
    column: str
    published: Any
    made: Any


@dataclass(frozen=True)
class Verdict:
    """What came of making rows again.

    Parameters
    ----------
    table, version
        Name and number.
    rows
        That were compared.
    cells
        Values beside the keys that were compared.
    differing
        How many of them are not the same, bit for bit; and rows that are on one side only.
    differences
        The first of them; of tables about persons none is told.
    left_out
        Columns that are not compared.
    notes
        What there is to say beside.
    """

    table: str
    version: int
    rows: int
    cells: int
    differing: int
    differences: tuple[Difference, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_verified(self) -> bool:
        """Whether everything came out as it is published."""
        return self.differing == 0


@dataclass(frozen=True)
class Standing:
    """Whether a version of a table could be made again.

    Parameters
    ----------
    table, version
        Name and number.
    releases
        Numbers of the releases that were made of it.
    obstacles
        What stands against it, in sentences.
    """

    table: str
    version: int
    releases: tuple[int, ...]
    obstacles: tuple[str, ...]


def plan(history: History, origins: Sequence[Origin], files: Sequence[File]) -> list[Step]:
    """Return what must be made again, in the order in which it was made.

    Parameters
    ----------
    history
        Of the home.
    origins
        Of the figures.
    files
        Behind them.

    Raises
    ------
    CannotVerify
        If something that they were made of, or that made them, is not there any more; with all that is found.
    """
    found = list(dict.fromkeys(said for origin in origins for said in obstacles(origin, files)))
    if found:
        shown = found[:SHOWN] + ([f"and {len(found) - SHOWN:,} more"] if len(found) > SHOWN else [])
        named = ", ".join(dict.fromkeys(origin.table for origin in origins))
        raise CannotVerify(f"{named} cannot be made again: {'; '.join(shown)}")
    commits = {key: made.commit for origin in origins for key, made in origin.made.items()}
    steps = []
    for commit in sorted(commits.values(), key=lambda each: (each.published_utc, each.table, each.number)):
        assert commit.provenance is not None
        steps.append(Step(commit, tuple(history.named_drops(commit)), not commit.provenance.inputs))
    return steps


def obstacles(origin: Origin, files: Sequence[File]) -> list[str]:
    """Return why a figure cannot be made again, in sentences; none if nothing is known to stand against it.

    Parameters
    ----------
    origin
        Of the figure.
    files
        Behind it.
    """
    found = []
    for each in files:
        if not each.is_kept:
            called = f"{each.name} ({each.sha256[:12]})" if each.name else each.sha256[:12]
            found.append(f"{called} of {each.source or each.table}: {each.said}")
    for (name, number), made in sorted(origin.made.items()):
        if made.commit.provenance is None:
            found.append(f"nothing says what made version {number} of {name}")
    programs = {made.commit.provenance.code_version for made in origin.made.values() if made.commit.provenance}
    for other in sorted(programs - {code_version()}):
        tables = sorted({key[0] for key, made in origin.made.items() if _by(made.commit, other)})
        found.append(
            f"{', '.join(tables)} {'was' if len(tables) == 1 else 'were'} made by the program {other}, and this is "
            f"{code_version()}: the same program is needed"
        )
    return [*found, *origin.doubts]


def _by(commit: Commit, program: str) -> bool:
    return commit.provenance is not None and commit.provenance.code_version == program


def check_replayed(inputs: Mapping[str, int], replayed: Mapping[str, int], of: Commit) -> None:
    """Make sure that what a publication is about to read anew are the versions that it read.

    Parameters
    ----------
    inputs
        Tables that it read, each with its version.
    replayed
        Tables that were made anew, each with the version that was last made.
    of
        The publication.

    Raises
    ------
    CannotVerify
        If an input was published while it was made, so that the order of publications is not that of reading.
    """
    for name, version in inputs.items():
        if replayed.get(name, -1) > version:
            raise CannotVerify(
                f"version {of.number} of {of.table} was made of version {version} of {name}, after version "
                f"{replayed[name]} of it was there: they cannot be made again one after the other"
            )


def compared(
    table: Table,
    version: int,
    published: pl.DataFrame,
    made: pl.DataFrame,
    notes: Collection[str] = (),
) -> Verdict:
    """Hold rows that were made again against those that are published, bit for bit.

    Parameters
    ----------
    table
        Whose they are.
    version
        That is published.
    published, made
        Rows of the same partitions.
    notes
        What there is to say beside.
    """
    left_out = OF_THE_CLOCK.get(table.name, frozenset())
    columns = [name for name in table.column_names if name not in table.key and name not in left_out]
    key = list(table.key)
    one, other = (rows.select(table.column_names).sort(key) for rows in (published, made))
    alone = one.join(other, on=key, how="anti", nulls_equal=True)
    new = other.join(one, on=key, how="anti", nulls_equal=True)
    both = one.join(other.select(key), on=key, how="semi", nulls_equal=True)
    again = other.join(one.select(key), on=key, how="semi", nulls_equal=True)
    differing = len(alone) + len(new)
    told: list[Difference] = []
    for name in columns:
        same = same_bits(both[name], again[name])
        differing += int((~same).sum())
        if not table.is_individual:
            where = np.flatnonzero(~same)[: max(SHOWN - len(told), 0)]
            told += [
                Difference(
                    both.select(key).row(int(row), named=True), name, both[name][int(row)], again[name][int(row)]
                )
                for row in where
            ]
    said = list(notes)
    if len(alone) or len(new):
        said.append(f"{counted(len(alone), 'row')} did not come out again, and {counted(len(new), 'other')} did")
    return Verdict(
        table=table.name,
        version=version,
        rows=len(published),
        cells=len(published) * len(columns),
        differing=differing,
        differences=tuple(told),
        left_out=tuple(sorted(left_out)),
        notes=tuple(said),
    )


def same_bits(one: pl.Series, other: pl.Series) -> npt.NDArray[np.bool_]:
    """Return where two columns are the same to the last bit; of numbers, 0.0 and -0.0 are two, and so are two NaN.

    Parameters
    ----------
    one, other
        Of the same type and length.
    """
    if isinstance(one.dtype, pl.List):
        same = one.list.len().eq_missing(other.list.len()).to_numpy(writable=True)
        # Of lists of equal lengths, what is in them is held against each other at once.
        full = same & (one.list.len().fill_null(0).to_numpy() > 0)
        mine, its = one.filter(pl.Series(full)), other.filter(pl.Series(full))
        owner = np.repeat(np.flatnonzero(full), mine.list.len().to_numpy())
        np.logical_and.at(same, owner, same_bits(mine.explode(), its.explode()))
        return same
    nulls = one.is_null().to_numpy(), other.is_null().to_numpy()
    if one.dtype.is_float():
        integers = np.uint64 if one.dtype == pl.Float64() else np.uint32
        bits = [np.ascontiguousarray(each.fill_null(0.0).to_numpy()).view(integers) for each in (one, other)]
        equal = bits[0] == bits[1]
    else:
        equal = one.eq_missing(other).to_numpy()
    return np.asarray((nulls[0] == nulls[1]) & (nulls[0] | equal), dtype=bool)
