"""What has changed in an input since tables were last made of it, so that the rest need not be made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.publication import code_version
from ons_assets.lakehouse.tables import Table


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


def increment(
    home: Home, tables: Sequence[Table], of: Table, inputs: Mapping[str, str], settings: Mapping[str, Any]
) -> Increment | None:
    """Return what has changed in one input since some tables were made together.

    Parameters
    ----------
    of
        The input that may have changed.
    inputs
        All inputs of the tables as they are now, as `made_of` names them.

    Returns
    -------
    Increment
        None if the tables must be made whole: if they were never made, or not in one run, or if the
        program, its settings or another input has changed.
    """
    versions = [lake.latest(home, table) for table in tables]
    made = [version.provenance for version in versions if version and version.provenance]
    if len(made) < len(tables):
        return None
    # All of one run were made of the same; that each is, guards against a crash between their commits.
    then, now = _others(made[0].inputs, of), _others(inputs, of)
    alike = all(
        (each.run_id, each.inputs) == (made[0].run_id, made[0].inputs)
        and (each.code_version, each.settings) == (code_version(), dict(settings))
        for each in made
    )
    if not alike or then != now:
        return None
    since = int(made[0].inputs[of.name].split(":")[0])
    return Increment(
        previous={table.short_name: lake.read(home, table) for table in tables}, change=lake.change(home, of, since)
    )


def made_of(version: lake.Version | None) -> str:
    """Name the version of an input; by its number too, because a partition can be made again with the same data."""
    return f"{version.number}:{version.provenance.data_version}" if version and version.provenance else ""


def _others(inputs: Mapping[str, str], of: Table) -> dict[str, str]:
    return {name: version for name, version in inputs.items() if name != of.name}
