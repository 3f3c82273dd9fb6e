"""What a table is held against, as checks in the UI: one an expectation, and one over all of them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from ons_assets.intake.ingestion import Ingested
from ons_assets.lakehouse.bounds_in_words import bound_in_words, columns_of, found_in_words
from ons_assets.lakehouse.gate import CRITICAL, KEY_IS_UNIQUE, VALUES_ARE_PRESENT, Audit, Failure, arguments_of
from ons_assets.lakehouse.suites import Suite
from ons_assets.lakehouse.tables import Table
from ons_assets.orchestration.report_pages import address_of

# The check over all expectations.
OVERALL = "suite"
SHOWN_FINDINGS = 20

Verdicts = Iterator[dg.AssetCheckResult]


@dataclass(frozen=True)
class Asked:
    """One expectation as a check.

    Parameters
    ----------
    name
        Of the check.
    description
        What is asked, in words, with its bound.
    is_critical
        Whether nothing is published that does not meet it.
    """

    name: str
    description: str
    is_critical: bool


def asked_of(table: Table, suite: Suite | None) -> list[Asked]:
    """Return what is asked of a table: by its suite, and by the registry.

    Parameters
    ----------
    suite
        None if it cannot be used; then what the registry says is asked.
    """
    stated = [_asked(name, each) for name, each in suite.bounds.items()] if suite else []
    needed = [column.name for column in table.columns if not column.nullable]
    if needed:
        stated.append(Asked(name_of_check(VALUES_ARE_PRESENT), f"never empty: {', '.join(needed)}", is_critical=True))
    if table.key:
        stated.append(Asked(name_of_check(KEY_IS_UNIQUE), f"once only: {', '.join(table.key)}", is_critical=True))
    # Names that differ in blanks and marks only are one check, of the most severe; the one over all keeps its name.
    found: dict[str, Asked] = {}
    for each in stated:
        if each.name != OVERALL and (each.name not in found or each.is_critical > found[each.name].is_critical):
            found[each.name] = each
    return list(found.values())


def name_of_check(bound: str) -> str:
    """Return the name of the check of a bound: Dagster takes letters, digits and underscores.

    Parameters
    ----------
    bound
        Name of an expectation, or what the registry implies.
    """
    return re.sub("[^A-Za-z0-9_]+", "_", bound)


def _asked(name: str, expectation: Mapping[str, Any]) -> Asked:
    notes = (expectation.get("meta") or {}).get("notes")
    kwargs = expectation["kwargs"]
    columns = columns_of(kwargs)
    asked = str(expectation["type"]).removeprefix("expect_").replace("_", " ")
    of = f" ({', '.join(columns)})" if columns else ""
    stated = f"{asked}{of}: {bound_in_words(kwargs)}"
    critical = expectation.get("severity", CRITICAL) == CRITICAL
    return Asked(name_of_check(name), f"{notes} [{stated}]" if notes else stated, critical)


def check_specs(
    table: Table, suite: Suite | None, *, partitions: dg.PartitionsDefinition | None, blocks: bool
) -> list[dg.AssetCheckSpec]:
    """Return the checks of a table.

    Parameters
    ----------
    suite
        As for `asked_of`.
    partitions
        Of the asset; the check over all expectations has them, too.
    blocks
        Whether what follows is not made when a critical expectation is not met; a batch of a file that is refused
        keeps no other from being published.
    """
    asset = dg.AssetKey(table.name.split("/"))
    stated = [
        dg.AssetCheckSpec(each.name, asset=asset, description=each.description, blocking=blocks and each.is_critical)
        for each in asked_of(table, suite)
    ]
    overall = dg.AssetCheckSpec(
        OVERALL,
        asset=asset,
        partitions_def=partitions,
        description=f"all of expectations/{table.name}.json; key and nulls as the registry declares them",
        blocking=blocks,
    )
    return [overall, *stated]


def verdicts_on_audit(table: Table, names: Sequence[str], audit: Audit) -> Verdicts:
    """Yield what an audit says of each expectation.

    Parameters
    ----------
    names
        Of the checks that the asset has.
    """
    looked = {_name_in(entry["expectation_config"]): entry for entry in audit.result["results"]}
    yield from _verdicts(
        table, names, audit.failures, lambda name: _of_entry(looked.get(name), in_parts=audit.parts > 1)
    )


def verdicts_before(table: Table, names: Sequence[str], failures: Sequence[Failure]) -> Verdicts:
    """Yield what was said of a version that still stands: what it did not meet then, it does not meet now.

    Parameters
    ----------
    names, failures
        As for `verdicts_on_audit`; of the version.
    """
    yield from _verdicts(table, names, failures, lambda _: ("as before: nothing has changed", {}))


def verdicts_on_batches(table: Table, names: Sequence[str], outcome: Ingested) -> Verdicts:
    """Yield of each expectation which batches do not meet it.

    Parameters
    ----------
    names
        As for `verdicts_on_audit`.
    """
    findings = [*outcome.refusals, *outcome.warnings]
    for name in names:
        unmet = [(finding, failure) for finding in findings for failure in finding.failures if _name(failure) == name]
        if not unmet:
            yield _result(table, name, None, "met by every batch", {})
            continue
        batches = {f"{finding.drop} ({finding.batch})" for finding, _ in unmet}
        worst = next((failure for _, failure in unmet if failure.severity == CRITICAL), unmet[0][1])
        said = f"not met by {len(batches)} of the batches, such as {worst.detail}"
        said = f"{worst.notes} [{said}]" if worst.notes else said
        yield _result(table, name, worst, said, {"batches": "; ".join(sorted(batches)[:SHOWN_FINDINGS])})


def waiting(table: Table, names: Sequence[str], lacking: str) -> Verdicts:
    """Yield of each expectation that there is nothing yet that could meet it.

    Parameters
    ----------
    names
        As for `verdicts_on_audit`.
    lacking
        What is waited for.
    """
    said = f"waiting for {lacking}; nothing was published"
    for name in names:
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(table.name.split("/")),
            check_name=name,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=said,
        )


def _verdicts(
    table: Table,
    names: Sequence[str],
    failures: Sequence[Failure],
    met: Callable[[str], tuple[str, dict[str, str]]],
) -> Verdicts:
    """Yield a result for each name; `met` says of one that is met what was found."""
    # Worst first, so the first of two that share a check counts.
    unmet = {_name(failure): failure for failure in reversed(failures)}
    for name in names:
        failure = unmet.get(name)
        if failure is None:
            yield _result(table, name, None, *met(name))
        else:
            yield _result(table, name, failure, failure.reason, {"found": failure.detail})


def _of_entry(entry: Mapping[str, Any] | None, *, in_parts: bool) -> tuple[str, dict[str, str]]:
    if entry is None:
        return "met", {}
    bound = {"bound": bound_in_words(arguments_of(entry))}
    # Of a table in parts, what the last one shows is not what the table shows.
    return ("met in every part", bound) if in_parts else ("met", {**bound, "found": found_in_words(entry)})


def _result(
    table: Table, name: str, failure: Failure | None, said: str, shown: Mapping[str, str]
) -> dg.AssetCheckResult:
    critical = failure is not None and failure.severity == CRITICAL
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(table.name.split("/")),
        check_name=name,
        passed=failure is None,
        severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={
            **{word: dg.MetadataValue.text(value) for word, value in shown.items()},
            "report": dg.MetadataValue.url(address_of(table)),
        },
    )


def _name(failure: Failure) -> str:
    return name_of_check(failure.bound or failure.expectation)


def _name_in(configuration: Mapping[str, Any]) -> str:
    return name_of_check((configuration.get("meta") or {}).get("name") or "")
