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
    """

    previous: dict[str, pl.LazyFrame]
    change: lake.Change


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
) -> Increment | None:
    """Return what has changed in one input since some tables were made together.

    Parameters
    ----------
    tables
        The tables, each with its suite as it is now.
    of
        The input that may have changed.
    inputs
        All inputs of the tables as they are now, as `made_of` names them.

    Returns
    -------
    Increment
        None if the tables must be made whole: if they were never made, or not in one run, or if the
        program, the settings, a suite or another input has changed, or the older version is forgotten.
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
    if {**first.inputs, of.name: ""} != {**inputs, of.name: ""}:
        return None
    since, until = (int(versions_of[of.name].split(":")[0]) for versions_of in (first.inputs, inputs))
    previous = {table.short_name: lake.read(home, table) for table, _ in tables}
    try:
        return Increment(previous, lake.change(home, of, since, until))
    except LookupError:
        # An erasure has forgotten the older version.
        return None


def made_of(version: lake.Version | None) -> str:
    """Name the version of an input; by its number too, because a partition can be made again with the same data."""
    return f"{version.number}:{version.provenance.data_version}" if version and version.provenance else ""
