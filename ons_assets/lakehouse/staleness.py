"""Whether tables are what they would be if they were made now: of the inputs, parameters and suites that there are."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ons_assets.lakehouse import gate, increments, lake
from ons_assets.lakehouse.derivation import Derivation
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.suites import SuiteError


def stale(
    home: Home,
    derivation: Derivation,
    expectations: Path,
    parameters: Mapping[str, Any],
    unheeded: Collection[str] = (),
) -> str | None:
    """Return of what the tables of a derivation would be made, as a hash, if that is not of what they were made.

    The program counts not: a new one makes nothing anew by itself.

    Parameters
    ----------
    home
        That holds the tables.
    derivation
        Tables, and what they are made of.
    expectations
        As for `ons_assets.lakehouse.derivation.derive`.
    parameters
        In force.
    unheeded
        Inputs whose changes are no reason to make the tables anew.

    Returns
    -------
    str or None
        None if they are what they should be, if an input that they need was never published, or if a suite cannot be
        used.
    """
    wanted = _wanted(home, derivation, expectations, parameters, unheeded)
    if wanted is None:
        return None
    made = [lake.latest(home, table) for table in derivation.tables]
    recorded = [each.provenance if each else None for each in made]
    is_as_wanted = [
        each is not None and _hash(_heeded(each.inputs, unheeded), each.suite.get("sha256"), each.settings) == now
        for each, now in zip(recorded, wanted, strict=True)
    ]
    return None if all(is_as_wanted) else _hash(*wanted)


def ingredients(
    home: Home,
    derivation: Derivation,
    expectations: Path,
    parameters: Mapping[str, Any],
    unheeded: Collection[str] = (),
) -> str | None:
    """Return of what the tables of a derivation would be made, as a hash, whatever they were made of.

    Parameters
    ----------
    home, derivation, expectations, parameters, unheeded
        As for `stale`.

    Returns
    -------
    str or None
        None if an input that they need was never published, or if a suite cannot be used.
    """
    wanted = _wanted(home, derivation, expectations, parameters, unheeded)
    return None if wanted is None else _hash(*wanted)


def _wanted(
    home: Home,
    derivation: Derivation,
    expectations: Path,
    parameters: Mapping[str, Any],
    unheeded: Collection[str],
) -> list[str] | None:
    versions = {each.name: lake.latest(home, each) for each in (*derivation.inputs, *derivation.optional)}
    if any(versions[each.name] is None for each in derivation.inputs):
        return None
    made_of = {name: increments.made_of(version) for name, version in versions.items()}
    try:
        suites = [gate.suite_of(table, expectations, home.expectations).sha256 for table in derivation.tables]
    except SuiteError:
        return None
    return [_hash(_heeded(made_of, unheeded), suite, parameters) for suite in suites]


def _heeded(inputs: Mapping[str, str], unheeded: Collection[str]) -> dict[str, str]:
    return {name: of for name, of in inputs.items() if name not in unheeded}


def _hash(*ingredients: object) -> str:
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True, default=str).encode()).hexdigest()[:16]


def reached(changed: Iterable[str], derivations: Iterable[Derivation]) -> set[str]:
    """Return tables, and all that are made of them or of what is made of them.

    Parameters
    ----------
    changed
        Names of tables.
    derivations
        In any order.
    """
    found, waiting = {*changed}, [*derivations]
    while following := [each for each in waiting if found & {table.name for table in (*each.inputs, *each.optional)}]:
        found |= {table.name for each in following for table in each.tables}
        waiting = [each for each in waiting if each not in following]
    return found


def lacking(home: Home, derivations: Iterable[Derivation], asked: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the tables that cannot be made in a run, with what they lack: inputs that are not there and will not be.

    Parameters
    ----------
    home
        That holds the tables.
    derivations
        Of the run, in any order.
    asked
        Names of all tables that the run is to make; those that no derivation makes may be made of files.
    """
    derivations = [*derivations]
    absent = {
        name: tuple(table.name for table in each.inputs if not lake.exists(home, table))
        for each in derivations
        for name in (table.name for table in each.tables)
    }
    coming = {*asked}
    while lost := {name for name in coming & absent.keys() if not coming.issuperset(absent[name])}:
        coming -= lost
    lacks = {name: tuple(each for each in inputs if each not in coming) for name, inputs in absent.items()}
    return {name: inputs for name, inputs in lacks.items() if inputs}
