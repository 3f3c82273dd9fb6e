"""How tables are made of other tables: hold them, look at the inputs, compute, publish.

What starts it is not its matter: it says what came of it, and whoever called turns that into words or events.
"""

import inspect
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.engine.local import HERE
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.lakehouse import gate, increments, lake, publication
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.increments import Increment, Replacement
from ons_assets.lakehouse.publication import Publication, Published, publish_parts
from ons_assets.lakehouse.staging import Rows, Staged, StagedWork
from ons_assets.lakehouse.sums import in_one_thread
from ons_assets.lakehouse.tables import Table

# One frame a table.
Frames = Rows | tuple[Rows, ...]
# All rows at once, or part by part; parts made here, or wherever the engine works.
Computed = Frames | Mapped | Iterator[Frames | Mapped] | Replacement


@dataclass(frozen=True)
class Derivation:
    """Tables, what they are made of, and how.

    Parameters
    ----------
    tables
        What the function makes, in the order in which it returns them.
    function
        Is given what it names: each input by its short name, as a LazyFrame; `days`; `increment`; and
        what the caller gives.
    inputs
        Without one of them nothing can be made.
    optional
        Inputs for which None is given if they were never published.
    increments_of
        Input of which the function is told what changed since it last ran.
    """

    tables: tuple[Table, ...]
    function: Callable[..., Computed]
    inputs: tuple[Table, ...] = ()
    optional: tuple[Table, ...] = ()
    increments_of: Table | None = None

    @property
    def involved(self) -> tuple[Table, ...]:
        """Every table that is read or made."""
        return (*self.tables, *self.inputs, *self.optional)


@dataclass(frozen=True)
class Waiting:
    """Nothing was made, because these inputs were never published."""

    missing: tuple[str, ...]


@dataclass(frozen=True)
class Outdated:
    """Nothing was made, because an input was published before it had all the columns that are declared now."""

    input: str


@dataclass(frozen=True)
class Unchanged:
    """Nothing was made, because the table is as it should be already, in this version."""

    version: lake.Version


@dataclass(frozen=True)
class Made:
    """Every table was published; `whole` is the frame, if there was only one."""

    published: tuple[Published, ...]
    whole: pl.DataFrame | None


@dataclass(frozen=True)
class Refused:
    """The gate refused a table; the last good data of all of them stay."""

    table: str
    audit: Audit


Outcome = Waiting | Outdated | Unchanged | Made | Refused


def derive(
    home: Home,
    derivation: Derivation,
    *,
    expectations: Path,
    run_id: str,
    parameters: Mapping[str, Any],
    given: Mapping[str, Any] | None = None,
    days: tuple[date, date] | None = None,
    engine: Engine = HERE,
) -> Outcome:
    """Make the tables of a derivation, if all that they need is there, and publish them if the gate lets them pass.

    Parameters
    ----------
    expectations
        Folder of the shipped suites; what lies in the home under the same names is laid over them.
    run_id
        What the versions are told apart by, and their batches in quarantine.
    parameters
        What decides the result beside the inputs; every version records it.
    given
        What the function may name beside its inputs.
    days
        First and last day to make, for tables by day; None for whole tables.
    engine
        Where parts are worked; the function may name it, too.
    """
    tables = derivation.tables
    with home.working(), in_one_thread(), ExitStack() as locks:
        for table in tables:
            locks.enter_context(home.table_lock(table.name))
        versions = {each.name: lake.latest(home, each) for each in (*derivation.inputs, *derivation.optional)}
        if missing := tuple(each.name for each in derivation.inputs if versions[each.name] is None):
            return Waiting(missing)
        rows = _rows(home, derivation, versions)
        for each in (*derivation.inputs, *derivation.optional):
            if (frame := rows[each.short_name]) is not None and {*each.column_names} - {*frame.collect_schema()}:
                return Outdated(each.name)
        suites = [gate.suite_of(table, expectations, home.expectations) for table in tables]
        made_of = {name: increments.made_of(version) for name, version in versions.items()}
        offered = {**(given or {}), **rows, "days": days, "engine": engine}
        if derivation.increments_of is not None:
            offered["increment"] = _increment(home, derivation, suites, made_of, parameters)
        wanted = inspect.signature(derivation.function).parameters
        computed = derivation.function(**{name: offered[name] for name in wanted})
        if isinstance(computed, Replacement) and not computed.values:
            return Unchanged(_as_it_is(home, tables[0]))
        publications = [Publication(home, table, suite, run_id) for table, suite in zip(tables, suites, strict=True)]
        replace = _replaced(tables[0], computed, days)
        try:
            # Closed, so that no process works on when a part was refused.
            with closing(_parts(computed, publications, engine)) as parts:
                made = publish_parts(publications, parts, made_of, parameters, replace)
        except publication.Refused as refusal:
            return Refused(refusal.table, refusal.audit)
    whole = computed.rows if isinstance(computed, Protected) else computed
    return Made(tuple(made), whole if isinstance(whole, pl.DataFrame) else None)


def _rows(
    home: Home, derivation: Derivation, versions: Mapping[str, lake.Version | None]
) -> dict[str, pl.LazyFrame | None]:
    """The very versions that the provenance names; another run may publish a newer one meanwhile."""
    rows: dict[str, pl.LazyFrame | None] = {}
    for table in (*derivation.inputs, *derivation.optional):
        version = versions[table.name]
        rows[table.short_name] = lake.read(home, table, version.number) if version else None
    return rows


def _increment(
    home: Home, derivation: Derivation, suites: list[Suite], made_of: Mapping[str, str], parameters: Mapping[str, Any]
) -> Increment | None:
    assert derivation.increments_of is not None
    made = list(zip(derivation.tables, suites, strict=True))
    beside = [each for each in (*derivation.inputs, *derivation.optional) if each != derivation.increments_of]
    return increments.increment(home, made, derivation.increments_of, made_of, parameters, beside)


def _as_it_is(home: Home, table: Table) -> lake.Version:
    version = lake.latest(home, table)
    assert version is not None, "what was never published cannot be unchanged"
    return version


def _replaced(table: Table, computed: Computed, days: tuple[date, date] | None) -> lake.Partition | None:
    """The partitions whose place the rows take; None for the whole table."""
    if isinstance(computed, Replacement):
        return lake.Among(table.partition_by[0], computed.values)
    return lake.Between(table.partition_by[0], *days) if days else None


def _parts(
    computed: Computed, publications: Sequence[Publication], engine: Engine
) -> Generator[tuple[Rows | Staged, ...], None, None]:
    """Parts of what a function made, each as one frame a table, or staged where it was made."""
    if isinstance(computed, Replacement):
        computed = computed.parts
    stages = tuple(publication.stage for publication in publications)
    for part in [computed] if isinstance(computed, pl.DataFrame | Protected | tuple | Mapped) else computed:
        if isinstance(part, Mapped):
            yield from engine.map(StagedWork(part.function, stages), part.parts, part.at_once)
        else:
            yield part if isinstance(part, tuple) else (part,)
