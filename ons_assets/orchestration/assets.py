"""Assets from registry entries: a method says what it computes, the rest comes from here.

    @published("prices/item_indices", inputs=["prices/raw_quotes"])
    def item_indices(raw_quotes: pl.LazyFrame, parameters: IndexParameters) -> pl.DataFrame:
        return indices.by_item(raw_quotes, parameters.methods)

becomes an asset that stages its frame, audits it, and publishes it or goes red. The description, the
owner, the column schema and the rows come from the registry, the checks from the suite.
"""

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ingestion import Ingested, ingest
from ons_assets.intake.raw_table import RawTable
from ons_assets.intake.source import Source
from ons_assets.lakehouse.derivation import Computed, Derivation, Outcome, derive
from ons_assets.lakehouse.gate import suite_of
from ons_assets.lakehouse.suites import Suite
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration import arguments, events
from ons_assets.orchestration.checks import check_specs
from ons_assets.orchestration.events import Chart, Events
from ons_assets.orchestration.partitions import days_in, partitions_of
from ons_assets.orchestration.privacy import withholding
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters import Parameters
from ons_assets.program import code_version
from ons_assets.settings import Settings

# What a table is held against in a home; None where that cannot be used.
SuiteOf = Callable[[Table], Suite | None]


@dataclass(frozen=True)
class DeclaredAsset:
    """What makes some tables together, by day or whole.

    Parameters
    ----------
    tables
        That it makes.
    days_of
        Raw table whose days its partitions are; None if it has none.
    build
        Makes the asset, given its partitions and what its tables are held against.
    """

    tables: tuple[Table, ...]
    days_of: str | None
    build: Callable[[dg.PartitionsDefinition | None, SuiteOf], dg.AssetsDefinition]

    @property
    def keys(self) -> tuple[dg.AssetKey, ...]:
        """Of its tables."""
        return tuple(events.key(table) for table in self.tables)

    @property
    def by_day(self) -> bool:
        """Whether its partitions are days."""
        return self.days_of is not None

    def of(self, suite_of_table: SuiteOf) -> dg.AssetsDefinition:
        """Return the asset of a home.

        Parameters
        ----------
        suite_of_table
            What the home holds a table against; None where that cannot be used.
        """
        return self.build(partitions_of(self.days_of) if self.days_of is not None else None, suite_of_table)


@dataclass(frozen=True)
class RawAsset(DeclaredAsset):
    """The asset of a raw table.

    Parameters
    ----------
    source
        Makes the source of its files from the settings.
    parameters
        Groups of parameters with which the source reads.
    """

    source: Callable[[Settings], Source]
    parameters: tuple[type[Parameters], ...] = ()

    def ingest(
        self, lakehouse: Lakehouse, run_id: str, days: tuple[date, date] | None, progress: Callable[[str], None]
    ) -> Ingested:
        """Make the table of the drops that a home holds.

        Parameters
        ----------
        lakehouse
            The home and its settings.
        run_id
            Of the run that makes it.
        days
            First and last day; of no account for a table without days.
        progress
            See `ons_assets.intake.ingestion.ingest`.
        """
        settings, [table] = lakehouse.settings, self.tables
        return ingest(
            lakehouse.home,
            lakehouse.ledger,
            self.source(settings),
            table,
            suite_of(table, settings.expectations, lakehouse.home.expectations),
            run_id=run_id,
            settings=arguments.recorded(settings, self.parameters),
            days=days if self.by_day else None,
            rows_at_once=settings.drops.rows_at_once,
            progress=progress,
        )

    @property
    def key(self) -> dg.AssetKey:
        """Of the raw table."""
        return self.keys[0]

    @property
    def table(self) -> str:
        """Name of the raw table."""
        return self.tables[0].name


@dataclass(frozen=True)
class DerivedAsset(DeclaredAsset):
    """The asset of tables that are made of others.

    Parameters
    ----------
    derivation
        How.
    groups
        Groups of parameters that its function asks for.
    """

    derivation: Derivation
    groups: arguments.Groups

    def derive(self, lakehouse: Lakehouse, run_id: str, days: tuple[date, date] | None) -> Outcome:
        """Make the tables of what a home holds.

        Parameters
        ----------
        lakehouse
            The home and its settings.
        run_id
            Of the run that makes them.
        days
            First and last day; of no account for tables without days.
        """
        settings = lakehouse.settings
        return derive(
            lakehouse.home,
            self.derivation,
            expectations=settings.expectations,
            run_id=run_id,
            parameters=self.groups.recorded(settings),
            given={**self.groups.given(settings), "lakehouse": lakehouse},
            days=days if self.by_day else None,
            engine=lakehouse.engine,
        )


def ingested(declared: RawTable) -> RawAsset:
    """Return the asset that makes a raw table from the drops of its source.

    Parameters
    ----------
    declared
        The table and its source.
    """
    name, source = declared.name, declared.source
    table = CATALOGUE[name]
    arguments.check_groups(name, declared.parameters)

    def build(partitions: dg.PartitionsDefinition | None, suite_of_table: SuiteOf) -> dg.AssetsDefinition:
        stated = check_specs(table, suite_of_table(table), partitions=partitions, blocks=False)

        @dg.multi_asset(
            **_from_registry(
                [table], kinds={"python", "polars", "deltalake"}, partitions=partitions, checks=stated, method=source
            )
        )
        def raw(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Events:
            with withholding([table]), lakehouse.home.working():
                days = days_in(context.partition_keys) if declared.by_day else None
                outcome = asset.ingest(lakehouse, context.run.run_id, days, context.log.info)
            yield from events.of_ingestion(context, table, outcome)

        return raw

    asset = RawAsset((table,), name if declared.by_day else None, build, source, declared.parameters)
    return asset


def published(
    *names: str,
    inputs: Sequence[str] = (),
    optional: Sequence[str] = (),
    after: Sequence[str] = (),
    days_of: str | None = None,
    increments_of: str | None = None,
    chart: Chart | None = None,
    kinds: frozenset[str] = frozenset({"python", "polars", "deltalake"}),
) -> Callable[[Callable[..., Computed]], DerivedAsset]:
    """Make a function of frames into an asset that stages, audits and publishes what it returns.

    The function is given, by the names of its arguments: each input table by its short name, as a
    LazyFrame; `lakehouse`; `engine`; `days`, the first and last day to make, if it is partitioned; and `increment`,
    if it asks for one. An argument that is annotated with a group of parameters is given that group, and
    every version records the groups that its function asks for. If an input was never published, the
    asset waits: it says so in its check and publishes nothing.

    It returns a frame, or yields a table part by part: each part is staged and audited by itself, so
    that no more than one is in memory, and all are committed together. A function of several tables
    returns or yields a tuple of frames. Where a `Mapped` stands for a part, its rows are made, staged and
    audited wherever the engine of the home works (`ons_assets.engine`). A function of one that knows what
    changed may return a `Replacement` of some partitions. `ons_assets.lakehouse.derivation` does all this.

    Parameters
    ----------
    names
        Tables in the registry that the function makes.
    inputs
        Tables that the function reads.
    optional
        Tables that it reads if they were ever published; else it is given None.
    after
        Tables that it does not read, but that are made before it in a run.
    days_of
        Raw table by whose days the tables are made; without it, they are made whole.
    increments_of
        Input of which the function is told what changed since it last ran: `increment`, None if it must
        make everything; see `ons_assets.lakehouse.increments`.
    chart
        Makes a picture of the result for the UI; not for individual tables, nor for parts.
    """
    tables = _declared(names)
    if chart is not None and any(table.is_individual for table in tables):
        raise ValueError(f"{', '.join(names)}: no picture of the rows of an individual table may reach the UI")

    def decorate(function: Callable[..., Computed]) -> DerivedAsset:
        of = CATALOGUE[increments_of] if increments_of is not None else None
        derivation = Derivation(tables, function, _declared(inputs), _declared(optional), of)
        groups = arguments.groups_of(function, _offers(derivation, by_day=days_of is not None))

        def build(partitions: dg.PartitionsDefinition | None, suite_of_table: SuiteOf) -> dg.AssetsDefinition:
            stated = [
                spec
                for table in tables
                for spec in check_specs(table, suite_of_table(table), partitions=partitions, blocks=True)
            ]
            before = [*inputs, *optional, *after]

            @dg.multi_asset(
                **_from_registry(
                    tables, kinds=kinds, partitions=partitions, checks=stated, method=function, deps=before
                )
            )
            def derived(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Events:
                with withholding(derivation.involved):
                    days = days_in(context.partition_keys) if asset.by_day else None
                    outcome = asset.derive(lakehouse, context.run.run_id, days)
                yield from events.of_derivation(context, derivation, outcome, chart)

            return derived

        asset = DerivedAsset(tables, days_of, build, derivation, groups)
        return asset

    return decorate


def _offers(derivation: Derivation, *, by_day: bool) -> list[str]:
    """Names of what a function may ask for beside groups of parameters."""
    inputs = [table.short_name for table in (*derivation.inputs, *derivation.optional)]
    increment = ["increment"] if derivation.increments_of is not None else []
    return [*inputs, "lakehouse", "engine", *increment, *(["days"] if by_day else [])]


def _declared(names: Sequence[str]) -> tuple[Table, ...]:
    return tuple(CATALOGUE[name] for name in names)


def _from_registry(
    tables: Sequence[Table],
    *,
    kinds: Collection[str],
    partitions: dg.PartitionsDefinition | None,
    checks: Sequence[dg.AssetCheckSpec],
    method: Callable[..., Any],
    deps: Sequence[str] = (),
) -> dict[str, Any]:
    """Arguments of an asset that follow from its registry entries."""
    return {
        "name": tables[0].name.replace("/", "__"),
        "specs": [
            dg.AssetSpec(
                events.key(table),
                deps=[each.split("/") for each in deps],
                description=table.description,
                group_name=table.domain,
                owners=[table.owner],
                kinds=set(kinds),
                tags={"sensitivity": table.sensitivity.value},
                metadata={
                    "dagster/column_schema": _column_schema(table),
                    "dagster/code_references": _code_of(method),
                    "source": table.source,
                },
                code_version=code_version(),
            )
            for table in tables
        ],
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run() if partitions else None,
        "check_specs": checks,
    }


def _code_of(method: Callable[..., Any]) -> dg.CodeReferencesMetadataValue:
    """Where the method stands that makes a table, and not the road that all of them go."""
    # What makes a source is a method of its class, often inherited from one that all have.
    code = getattr(method, "__self__", method)
    file = inspect.getsourcefile(code)
    assert file is not None, "methods are functions of modules"
    line = inspect.getsourcelines(code)[1]
    return dg.CodeReferencesMetadataValue(code_references=[dg.LocalFileCodeReference(file_path=file, line_number=line)])


def _column_schema(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                str(column.dtype),
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=table.key == (column.name,), other=[]
                ),
            )
            for column in table.columns
        ],
        constraints=dg.TableConstraints(other=[f"key: {', '.join(table.key)}"]),
    )
