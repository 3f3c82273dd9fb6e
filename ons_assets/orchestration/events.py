"""What came of a table, as Dagster shows it: checks, materialisations, failures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from ons_assets.intake.ingestion import Ingested
from ons_assets.lakehouse.column_lineage import passed_through
from ons_assets.lakehouse.derivation import Derivation, Made, Outcome, Outdated, Refused, Unchanged, Waiting
from ons_assets.lakehouse.gate import CRITICAL, Audit, Failure
from ons_assets.lakehouse.markdown import as_text
from ons_assets.lakehouse.publication import Published
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration import checks
from ons_assets.orchestration.report_pages import address_of

# Metadata of a materialisation that stands for a table that waits.
WAITING_FOR = "waiting_for"

Chart = Callable[[pl.DataFrame], dg.MetadataValue]
Verdicts = Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation]
Events = Iterator[dg.AssetCheckResult | dg.AssetCheckEvaluation | dg.MaterializeResult[None]]


def key(table: Table) -> dg.AssetKey:
    """Return the asset of a table."""
    return dg.AssetKey(table.name.split("/"))


def of_derivation(
    context: dg.AssetExecutionContext, derivation: Derivation, outcome: Outcome, chart: Chart | None
) -> Events:
    """Say what came of tables that are made of others.

    Parameters
    ----------
    derivation
        Its tables are in the order in which they were published.
    chart
        Makes a picture of the one frame that was published.

    Raises
    ------
    Failure
        If the gate refused; raised and not yielded, because only so nothing is recorded as made.
    """
    tables = derivation.tables
    match outcome:
        case Waiting(missing):
            for table in tables:
                yield from _waiting(context, table, missing)
        case Outdated(name):
            raise _failure(
                f"{tables[0].name}: {name} was published by an earlier version of the program, and lacks columns that "
                "it has now; make it anew first: by ons-assets materialize, or by reread where it is made of files"
            )
        case Unchanged(version):
            assert version.provenance is not None
            failures = [Failure(**each) for each in version.provenance.suite["failures"]]
            yield _overall(tables[0], failures, "nothing has changed, and every expectation is met", {})
            yield from checks.verdicts_before(tables[0], _names(context, tables[0]), failures)
            yield dg.MaterializeResult(
                asset_key=key(tables[0]),
                data_version=dg.DataVersion(version.provenance.data_version),
                metadata={"delta_version": version.number, "unchanged": True},
            )
        case Refused(name, audit):
            yield from _verdicts_on(context, next(table for table in tables if table.name == name), audit)
            raise _failure(f"{name}: refused, and the last good data stay; {audit.reason}")
        case Made(published, whole):
            for table, each in zip(tables, published, strict=True):
                yield from _verdicts_on(context, table, each.audit)
                lineage = _column_lineage(table, (*derivation.inputs, *derivation.optional))
                picture = chart(whole) if chart and whole is not None else None
                yield _result(context, table, each, lineage, picture)


def of_ingestion(context: dg.AssetExecutionContext, table: Table, outcome: Ingested) -> Events:
    """Say what came of a raw table.

    Parameters
    ----------
    context
        Of the run; its partitions, if it makes several days, are each given a check.
    table
        Raw table, which the events name.
    outcome
        Rows and drops that were read, and the findings by day; without drops a table that has no days waits for a
        file, and of days on which no file came there is nothing to report.

    Raises
    ------
    Failure
        If every batch was refused.
    """
    if outcome.drops == 0 and not _is_of_days(context):
        yield from _waiting(context, table, ["a file"])
        return
    yield from _verdicts(context, table, lambda day: _verdict_on_drops(table, outcome, day))
    yield from checks.verdicts_on_batches(table, _names(context, table), outcome)
    if outcome.version is None and (outcome.refusals or not _is_of_days(context)):
        reason = "; " + outcome.refusals[0].reason if outcome.refusals else ""
        raise _failure(f"{table.name}: every batch was refused, and the last good data stay{reason}")
    numbers: dict[str, int] = {}
    if _is_of_days(context):
        _say_of_days(context, table, outcome.rows_by_day, outcome.drops_by_day)
    else:
        numbers = {
            "dagster/row_count": outcome.rows,
            "drops": outcome.drops,
            "quarantined_rows": outcome.quarantined_rows,
        }
    yield dg.MaterializeResult(
        asset_key=key(table),
        data_version=dg.DataVersion(outcome.data_version or ""),
        metadata=numbers if outcome.version is None else {**numbers, "delta_version": outcome.version},
    )


def _is_of_days(context: dg.AssetExecutionContext) -> bool:
    """Whether the asset makes days in this run: a run over days makes tables without any, too."""
    days = context.has_partition_key_range or context.has_partition_key
    return bool(days and context.assets_def.partitions_def is not None)


def _say_of_days(
    context: dg.AssetExecutionContext,
    table: Table,
    rows: Mapping[str, int],
    drops: Mapping[str, int] | None = None,
) -> None:
    """Say of each day of a run what it has; else Dagster would say of each what the run has."""
    for day in context.partition_keys:
        of_day = {"dagster/partition_row_count": rows.get(day, 0)}
        if drops is not None:
            of_day["drops"] = drops.get(day, 0)
        context.add_asset_metadata(of_day, key(table), partition_key=day)


def _failure(sentence: str) -> dg.Failure:
    return dg.Failure(sentence, allow_retries=False)


def _names(context: dg.AssetExecutionContext, table: Table) -> list[str]:
    """Checks of a table beside the one over all of its expectations."""
    names = [each.name for each in context.selected_asset_check_keys if each.asset_key == key(table)]
    return sorted(name for name in names if name != checks.OVERALL)


def _waiting(context: dg.AssetExecutionContext, table: Table, missing: Sequence[str]) -> Events:
    """Say that nothing could be made yet; without a result, Dagster would not run what does not need it."""
    wanted = " and ".join(missing)
    yield from checks.waiting(table, [checks.OVERALL, *_names(context, table)], wanted)
    yield dg.MaterializeResult(asset_key=key(table), metadata={"dagster/row_count": 0, WAITING_FOR: wanted})


def _verdicts(
    context: dg.AssetExecutionContext, table: Table, verdict: Callable[[str | None], dg.AssetCheckResult]
) -> Verdicts:
    """Yield the verdict on a run, and where it makes several days, on each of them.

    Dagster plans a check for each partition of a range, but would leave it open: a result says nothing
    of partitions.
    """
    if _is_of_days(context):
        for day in context.partition_keys:
            result = verdict(day)
            yield dg.AssetCheckEvaluation(
                asset_key=key(table),
                check_name=checks.OVERALL,
                passed=result.passed,
                severity=result.severity,
                description=result.description,
                metadata=result.metadata,
                partition=day,
            )
    yield verdict(None)


def _verdicts_on(context: dg.AssetExecutionContext, table: Table, audit: Audit) -> Verdicts:
    verdict = _overall(table, audit.failures, "every expectation is met", {"expectations": audit.evaluated})
    yield from _verdicts(context, table, lambda _: verdict)
    yield from checks.verdicts_on_audit(table, _names(context, table), audit)


def _overall(table: Table, failures: Sequence[Failure], met: str, shown: dict[str, int]) -> dg.AssetCheckResult:
    critical = any(failure.severity == CRITICAL for failure in failures)
    return dg.AssetCheckResult(
        asset_key=key(table),
        check_name=checks.OVERALL,
        passed=not failures,
        severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, failures)) or met,
        metadata={**shown, "not_met": len(failures), "report": dg.MetadataValue.url(address_of(table))},
    )


def _verdict_on_drops(table: Table, outcome: Ingested, day: str | None) -> dg.AssetCheckResult:
    """Red if a batch of the day was refused, though others were published; yellow if one had a warning."""
    refusals = [refusal for refusal in outcome.refusals if day is None or day in refusal.days]
    warnings = [warning for warning in outcome.warnings if day is None or day in warning.days]
    found = [f"{finding.drop} ({finding.batch}): {finding.reason}" for finding in [*refusals, *warnings]]
    shown = ["- " + as_text(each) for each in found]
    return dg.AssetCheckResult(
        asset_key=key(table),
        check_name=checks.OVERALL,
        passed=not shown,
        severity=dg.AssetCheckSeverity.ERROR if refusals else dg.AssetCheckSeverity.WARN,
        description=f"{len(refusals)} refused, {len(warnings)} with warnings",
        metadata={**(_such(found, shown) if shown else {}), "report": dg.MetadataValue.url(address_of(table))},
    )


def _such(found: Sequence[str], shown: Sequence[str]) -> dict[str, dg.MetadataValue[str]]:
    """The first of the findings, and a list that the UI shows after a click only."""
    listed = dg.MetadataValue.md("\n".join(shown[: checks.SHOWN_FINDINGS]))
    return {"such_as": dg.MetadataValue.text(found[0]), "batches": listed}


def _column_lineage(table: Table, inputs: Sequence[Table]) -> dg.TableColumnLineage | None:
    """Which columns are passed through, and from where; None if the declarations say so of none."""
    declared = passed_through(table, inputs)
    if not declared:
        return None
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(name.split("/")), of) for name, of in sources]
            for column, sources in declared.items()
        }
    )


def _result(
    context: dg.AssetExecutionContext,
    table: Table,
    published: Published,
    lineage: dg.TableColumnLineage | None,
    picture: dg.MetadataValue | None,
) -> dg.MaterializeResult[None]:
    metadata: dict[str, Any] = {"delta_version": published.version}
    if _is_of_days(context):
        _say_of_days(context, table, published.rows_by_day)
    else:
        metadata["dagster/row_count"] = published.rows
    if lineage is not None:
        metadata["dagster/column_lineage"] = lineage
    if picture is not None:
        metadata["chart"] = picture
    return dg.MaterializeResult(
        asset_key=key(table), data_version=dg.DataVersion(published.data_version), metadata=metadata
    )
