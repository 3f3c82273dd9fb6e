"""What has changed in an input since tables were last made of it, so that the rest need not be made again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ons_assets.engine.parts import Mapped
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.tables import Table
from ons_assets.program import code_version


@dataclass(frozen=True)
class Increment:
    """Tables as they were last made, and what came to an input, or went from it, since then.

    Parameters
    ----------
    previous
        The tables by their short names.
    change
        Of the input.
    before
        All inputs as they were, by their short names.
    """

    previous: dict[str, pl.LazyFrame]
    change: lake.Change
    before: dict[str, pl.LazyFrame]


@dataclass(frozen=True)
class Replacement:
    """Parts of a table that take the place of some partitions of it, while the others stay.

    Parameters
    ----------
    values
        Of the column that the table is partitioned by; if there are none, nothing is published.
    parts
        Their rows.
    """

    values: tuple[date | str, ...]
    parts: Iterator[pl.DataFrame] | Mapped


def increment(
    home: Home,
    tables: Sequence[tuple[Table, Suite]],
    of: Table,
    inputs: Mapping[str, str],
    settings: Mapping[str, Any],
    beside: Sequence[Table] = (),
) -> Increment | None:
    """Return what has changed in one input since some tables were made together.

    Another input may differ, too, where it is made of this one: of the version of then, and of that of now, by the same
    program, settings and suite. Then it differs for those units only for which this one does.

    Parameters
    ----------
    tables
        The tables, each with its suite as it is now.
    of
        The input that may have changed.
    inputs
        All inputs of the tables as they are now, as `made_of` names them.
    settings
        Parameters of now.
    beside
        The other inputs.

    Returns
    -------
    Increment
        None if the tables must be made whole: if they were never made, or not in one run, or if the
        program, the settings, a suite or another input has changed of itself, or an older version is forgotten.
    """
    versions = [lake.latest(home, table) for table, _ in tables]
    made = [version.provenance for version in versions if version and version.provenance]
    if len(made) < len(tables):
        return None
    first = made[0]
    for (_, suite), provenance in zip(tables, made, strict=True):
        # A crash between two commits leaves tables of different runs.
        together = (provenance.run_id, provenance.inputs) == (first.run_id, first.inputs)
        likewise = (provenance.code_version, provenance.settings) == (code_version(), dict(settings))
        if not (together and likewise and provenance.suite["sha256"] == suite.sha256):
            return None
    if first.inputs.keys() != inputs.keys() or not first.inputs[of.name]:
        return None
    known = {table.name: table for table in beside}
    span = (first.inputs[of.name], inputs[of.name])
    if not all(
        _follows(home, name, (then, inputs[name]), (of.name, span), known) for name, then in first.inputs.items()
    ):
        return None
    since, until = map(_number, span)
    previous = {table.short_name: lake.read(home, table) for table, _ in tables}
    try:
        before = {
            table.short_name: lake.read(home, table, _number(first.inputs[table.name]))
            for table in (of, *beside)
            if first.inputs[table.name]
        }
        return Increment(previous, lake.change(home, of, since, until), before)
    except LookupError:
        # An erasure has forgotten the older version.
        return None


def _follows(
    home: Home, name: str, versions: tuple[str, str], of: tuple[str, tuple[str, str]], known: Mapping[str, Table]
) -> bool:
    """Whether an input is the same in two versions, or differs only because one that it is made of does, as known."""
    if versions[0] == versions[1] or (name, versions) == of:
        return True
    if name not in known or not all(versions):
        return False
    then, now = (_provenance(home, known[name], _number(version)) for version in versions)
    # Where partitions were replaced, the last commit says nothing of the others.
    if then is None or now is None or then.partition or now.partition:
        return False
    likewise = (then.code_version, then.settings, then.suite["sha256"]) == (
        now.code_version,
        now.settings,
        now.suite["sha256"],
    )
    return (
        likewise
        and then.inputs.keys() == now.inputs.keys()
        and all(_follows(home, each, (then.inputs[each], now.inputs[each]), of, known) for each in now.inputs)
    )


def _provenance(home: Home, table: Table, number: int) -> lake.Provenance | None:
    return next((each.provenance for each in lake.versions(home, table) if each.number == number), None)


def _number(made_of: str) -> int:
    return int(made_of.split(":")[0])


def made_of(version: lake.Version | None) -> str:
    """Name the version of an input; by its number too, because a partition can be made again with the same data."""
    return f"{version.number}:{version.provenance.data_version}" if version and version.provenance else ""
