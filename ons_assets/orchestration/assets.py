"""Assets from registry entries: a method says what it computes, the rest comes from here.

    @published("prices/item_indices", inputs=["prices/raw_quotes"])
    def item_indices(raw_quotes: pl.LazyFrame, settings: Prices) -> pl.DataFrame:
        return indices.by_item(raw_quotes, settings.index_methods)

becomes an asset that stages its frame, audits it, and publishes it or goes red. The description, the
owner, the column schema and the rows come from the registry, the checks from the suite.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import increments, lake
from ons_assets.lakehouse.gate import Audit, Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.increments import Replacement
from ons_assets.lakehouse.ingestion import Ingested, ingest
from ons_assets.lakehouse.publication import Publication, Published, Refused, code_version, publish_parts
from ons_assets.lakehouse.sources import Source
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration.privacy import withholding
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.settings import Settings

CHECK = "suite"
WAITING = "waiting for"
SHOWN_FINDINGS = 20

Results = Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation | dg.MaterializeResult[None]]
Chart = Callable[[pl.DataFrame], dg.MetadataValue]
# One frame a table; all rows at once, or part by part.
Frames = pl.DataFrame | tuple[pl.DataFrame, ...]
Computed = Frames | Iterator[Frames] | Replacement


def ingested(
    name: str,
    source: Callable[[Settings], Source],
    *,
    partitions: dg.PartitionsDefinition | None = None,
    by: Callable[..., Ingested] = ingest,
) -> dg.AssetsDefinition:
    """Return the asset that makes a raw table from the drops of a source.

    Parameters
    ----------
    name
        Table in the registry.
    source
        Makes the source from the settings.
    partitions
        Days; None for a table without days.
    by
        What reads the drops: for files that do not fit into memory, a pilot has its own. It is called as
        `ingest` is, with days if there are partitions.
    """
    table = CATALOGUE[name]

    @dg.multi_asset(**_from_registry([table], kinds={"python", "polars", "deltalake"}, partitions=partitions))
    def raw(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Results:
        home, settings = lakehouse.home, lakehouse.settings
        with withholding([table]), home.working():
            outcome = by(
                home,
                lakehouse.ledger,
                source(settings),
                table,
                Suite.load(settings.expectations, table.name),
                run_id=context.run.run_id,
                settings=_parameters(settings, table),
                progress=context.log.warning,
                **({"days": _days(context), "bytes_at_once": settings.drops.bytes_at_once} if partitions else {}),
            )
        if outcome.drops == 0:
            yield from _waiting(table, ["a file"])
            return
        yield from _verdicts(context, table, lambda day: _verdict_on_drops(table, outcome, day))
        if outcome.version is None:
            raise dg.Failure(
                f"{table.name}: every batch was refused, and the last good data stay; {outcome.refusals[0].reason}",
                allow_retries=False,
            )
        yield dg.MaterializeResult(
            asset_key=_key(table),
            data_version=dg.DataVersion(outcome.data_version or ""),
            metadata={
                "dagster/row_count": outcome.rows,
                "drops": outcome.drops,
                "quarantined_rows": outcome.quarantined_rows,
                "delta_version": outcome.version,
            },
        )

    return raw


def published(
    *names: str,
    inputs: Sequence[str] = (),
    optional: Sequence[str] = (),
    after: Sequence[str] = (),
    partitions: dg.PartitionsDefinition | None = None,
    increments_of: str | None = None,
    chart: Chart | None = None,
    kinds: frozenset[str] = frozenset({"python", "polars", "deltalake"}),
) -> Callable[[Callable[..., Computed]], dg.AssetsDefinition]:
    """Make a function of frames into an asset that stages, audits and publishes what it returns.

    The function is given, by the names of its parameters: each input table by its short name, as a
    LazyFrame; `settings`, the parameters of its domain; `lakehouse`; `days`, the first and last day to
    make, if it is partitioned; and `increment`, if it asks for one. If an input was never published, the
    asset waits: it says so in its check and publishes nothing.

    It returns a frame, or yields a table part by part: each part is staged and audited by itself, so
    that no more than one is in memory, and all are committed together. A function of several tables
    returns or yields a tuple of frames. A function of one that knows what changed may return a
    `Replacement` of some partitions.

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
    increments_of
        Input of which the function is told what changed since it last ran: `increment`, None if it must
        make everything; see `ons_assets.lakehouse.increments`.
    chart
        Makes a picture of the result for the UI; not for individual tables, nor for parts.
    """
    tables = [CATALOGUE[name] for name in names]
    if chart is not None and any(table.is_individual for table in tables):
        raise ValueError(f"{', '.join(names)}: no picture of the rows of an individual table may reach the UI")

    def decorate(function: Callable[..., Computed]) -> dg.AssetsDefinition:
        wanted = inspect.signature(function).parameters

        @dg.multi_asset(**_from_registry(tables, kinds=kinds, partitions=partitions, deps=[*inputs, *optional, *after]))
        def derived(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> Results:
            home, settings = lakehouse.home, lakehouse.settings
            involved = [*tables, *(CATALOGUE[each] for each in [*inputs, *optional])]
            with withholding(involved), home.working(), ExitStack() as locks:
                for table in tables:
                    locks.enter_context(home.table_lock(table.name))
                versions = {each: lake.latest(home, CATALOGUE[each]) for each in [*inputs, *optional]}
                if missing := [each for each in inputs if versions[each] is None]:
                    for table in tables:
                        yield from _waiting(table, missing)
                    return
                days = _days(context) if partitions else None
                suites = [Suite.load(settings.expectations, table.name) for table in tables]
                made_of = {each: increments.made_of(version) for each, version in versions.items()}
                parameters = _parameters(settings, tables[0])
                offered = {
                    **{each.split("/")[1]: _rows(home, version) for each, version in versions.items()},
                    "settings": getattr(settings, tables[0].domain, settings),
                    "lakehouse": lakehouse,
                    "days": days,
                }
                if increments_of is not None:
                    made = list(zip(tables, suites, strict=True))
                    of = CATALOGUE[increments_of]
                    offered["increment"] = increments.increment(home, made, of, made_of, parameters)
                computed = function(**{parameter: offered[parameter] for parameter in wanted})
                replace: lake.Partition | None = lake.Between(tables[0].partition_by[0], *days) if days else None
                if isinstance(computed, Replacement):
                    if not computed.values:
                        yield _unchanged(tables[0], lake.latest(home, tables[0]))
                        return
                    replace, computed = lake.Among(tables[0].partition_by[0], computed.values), computed.parts
                publications = [
                    Publication(home, table, suite, context.run.run_id)
                    for table, suite in zip(tables, suites, strict=True)
                ]
                try:
                    outcomes = publish_parts(publications, _parts(computed), made_of, parameters, replace)
                except Refused as refusal:
                    refused = CATALOGUE[refusal.table]
                    yield from _verdicts_on(context, refused, refusal.audit)
                    raise dg.Failure(
                        f"{refused.name}: refused, and the last good data stay; {refusal.audit.reason}",
                        allow_retries=False,
                    ) from None
            for table, outcome in zip(tables, outcomes, strict=True):
                yield from _verdicts_on(context, table, outcome.audit)
                picture = chart(computed) if chart and isinstance(computed, pl.DataFrame) else None
                yield _result(table, outcome, picture)

        return derived

    return decorate


def _rows(home: Home, version: lake.Version | None) -> pl.LazyFrame | None:
    """The very version that the provenance names; another run may publish a newer one meanwhile."""
    return lake.read(home, CATALOGUE[version.table], version.number) if version else None


def _parts(computed: Frames | Iterator[Frames]) -> Iterator[tuple[pl.DataFrame, ...]]:
    """Parts of what a function made, each as one frame a table."""
    parts = [computed] if isinstance(computed, pl.DataFrame | tuple) else computed
    for part in parts:
        yield (part,) if isinstance(part, pl.DataFrame) else part


def _from_registry(
    tables: Sequence[Table],
    *,
    kinds: Collection[str],
    partitions: dg.PartitionsDefinition | None,
    deps: Sequence[str] = (),
) -> dict[str, Any]:
    """Arguments of an asset that follow from its registry entries."""
    return {
        "name": tables[0].name.replace("/", "__"),
        "specs": [
            dg.AssetSpec(
                _key(table),
                deps=[each.split("/") for each in deps],
                description=table.description,
                group_name=table.domain,
                owners=[table.owner],
                kinds=set(kinds),
                tags={"sensitivity": table.sensitivity.value},
                metadata={"dagster/column_schema": _column_schema(table), "source": table.source},
                code_version=code_version(),
            )
            for table in tables
        ],
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run() if partitions else None,
        "check_specs": [
            dg.AssetCheckSpec(
                CHECK,
                asset=_key(table),
                partitions_def=partitions,
                description=f"suite expectations/{table.name}.json; key and nulls as the registry declares them",
            )
            for table in tables
        ],
    }


def _key(table: Table) -> dg.AssetKey:
    return dg.AssetKey(table.name.split("/"))


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


def _parameters(settings: Settings, table: Table) -> dict[str, Any]:
    section = getattr(settings, table.domain, None)
    return section.model_dump(mode="json") if section is not None else {}


def _days(context: dg.AssetExecutionContext) -> tuple[date, date]:
    keys = context.partition_keys
    return date.fromisoformat(min(keys)), date.fromisoformat(max(keys))


def _verdicts(
    context: dg.AssetExecutionContext, table: Table, verdict: Callable[[str | None], dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation]:
    """Yield the verdict on a run, and where it makes several days, on each of them.

    Dagster plans a check for each partition of a range, but would leave it open: a result says nothing
    of partitions.
    """
    if context.has_partition_key_range:
        for day in context.partition_keys:
            result = verdict(day)
            yield dg.AssetCheckEvaluation(
                asset_key=_key(table),
                check_name=CHECK,
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata=result.metadata,
                partition=day,
            )
    yield verdict(None)


def _verdicts_on(
    context: dg.AssetExecutionContext, table: Table, audit: Audit
) -> Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation]:
    verdict = dg.AssetCheckResult(
        asset_key=_key(table),
        check_name=CHECK,
        passed=not audit.failures,
        severity=dg.AssetCheckSeverity.ERROR if audit.is_critical else dg.AssetCheckSeverity.WARN,
        description=audit.reason or "every expectation is met",
        metadata={"expectations": audit.evaluated},
    )
    return _verdicts(context, table, lambda _: verdict)


def _verdict_on_drops(table: Table, outcome: Ingested, day: str | None) -> dg.AssetCheckResult:
    """Red if a batch of the day was refused, though others were published; yellow if one had a warning."""
    refusals = [refusal for refusal in outcome.refusals if day is None or day in refusal.days]
    warnings = [warning for warning in outcome.warnings if day is None or day in warning.days]
    shown = [f"- {finding.drop} ({finding.batch}): {finding.reason}" for finding in [*refusals, *warnings]]
    return dg.AssetCheckResult(
        asset_key=_key(table),
        check_name=CHECK,
        passed=not shown,
        severity=dg.AssetCheckSeverity.ERROR if refusals else dg.AssetCheckSeverity.WARN,
        description=f"{len(refusals)} batches refused, {len(warnings)} with warnings",
        metadata={"batches": dg.MetadataValue.md("\n".join(shown[:SHOWN_FINDINGS]))} if shown else {},
    )


def _waiting(table: Table, missing: Sequence[str]) -> Results:
    """Say that nothing could be made yet; without a result, Dagster would not run what does not need it."""
    yield dg.AssetCheckResult(
        asset_key=_key(table),
        check_name=CHECK,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{WAITING} {' and '.join(missing)}; nothing was published",
    )
    yield dg.MaterializeResult(asset_key=_key(table), metadata={"dagster/row_count": 0})


def _unchanged(table: Table, version: lake.Version | None) -> dg.MaterializeResult[None]:
    """Say that the table is as it should be already."""
    assert version is not None, "what was never published cannot be unchanged"
    assert version.provenance is not None
    return dg.MaterializeResult(
        asset_key=_key(table),
        data_version=dg.DataVersion(version.provenance.data_version),
        metadata={"delta_version": version.number, "unchanged": True},
        check_results=[dg.AssetCheckResult(check_name=CHECK, passed=True, description="nothing has changed")],
    )


def _result(table: Table, outcome: Published, picture: dg.MetadataValue | None) -> dg.MaterializeResult[None]:
    metadata: dict[str, Any] = {"dagster/row_count": outcome.rows, "delta_version": outcome.version}
    if picture is not None:
        metadata["chart"] = picture
    return dg.MaterializeResult(
        asset_key=_key(table), data_version=dg.DataVersion(outcome.data_version), metadata=metadata
    )
