"""The gate: every batch is audited by its suite before anybody can read it.

What the registry declares (key, nulls) is audited too, so that a suite (`ons_assets.lakehouse.suites`) need not
repeat it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from ons_assets.lakehouse import each_value
from ons_assets.lakehouse.bounds_in_words import NONE, bound_in_words, columns_of, value_in_words
from ons_assets.lakehouse.judge import Told, as_read, exceptions_of, judged, readable
from ons_assets.lakehouse.keys import all_differ
from ons_assets.lakehouse.overlays import load
from ons_assets.lakehouse.suites import Overlay, Suite, SuiteError
from ons_assets.lakehouse.tables import Sensitivity, Table

__all__ = ["CRITICAL", "Audit", "Failure", "Suite", "SuiteError", "audit", "said_once", "suite_of", "verify"]

CRITICAL = "critical"
# What the registry implies, whatever a suite says.
VALUES_ARE_PRESENT, KEY_IS_UNIQUE = "values are present", "key is unique"
TOLD_OF_AGGREGATES = {"element_count", "unexpected_count", "unexpected_percent", "missing_count"}
WORST_FIRST = (CRITICAL, "warning", "info")
# Of fewer, to look at different values only would save less than to ask twice costs.
MANY_ROWS = 20_000


@dataclass(frozen=True)
class Failure:
    """One expectation that a batch does not meet.

    Parameters
    ----------
    bound
        Its name, where a home may change it.
    notes
        What the suite says of it, for people.
    """

    expectation: str
    column: str | None
    severity: str
    detail: str
    bound: str | None = None
    notes: str | None = None

    def __str__(self) -> str:
        what = self.expectation.removeprefix("column ").removeprefix("table ").removesuffix(" to be between")
        where = f" ({self.column})" if self.column else ""
        bound = f" (bound {self.bound})" if self.bound else ""
        return f"{what}{where}: {self.detail}{bound}"

    @property
    def reason(self) -> str:
        """For people: what the suite says of it, and then what was expected and found."""
        return f"{self.notes} [{self}]" if self.notes else str(self)


@dataclass(frozen=True)
class Audit:
    """What the gate found in one batch.

    Parameters
    ----------
    suite_sha256
        Hash of the suite file that was applied.
    evaluated
        Number of expectations, with those that the registry implies (nulls by column, and the key).
    failures
        The ones that were not met, worst first.
    result
        Great Expectations' own result, as JSON; see `ons_assets.lakehouse.validations`.
    overlay
        What the home changed in the suite; None where it has nothing to say.
    parts
        Of how many parts of a table it tells; `result` is of the last.
    """

    suite_sha256: str
    evaluated: int
    failures: tuple[Failure, ...]
    result: dict[str, Any] = field(repr=False, compare=False)
    overlay: Overlay | None = None
    parts: int = 1

    @property
    def is_critical(self) -> bool:
        """Whether the batch must not be published."""
        return any(failure.severity == CRITICAL for failure in self.failures)

    @property
    def reason(self) -> str:
        """The failures in one line; empty if there are none."""
        return "; ".join(failure.reason for failure in self.failures)

    @classmethod
    def of_parts(cls, parts: Sequence["Audit"]) -> "Audit":
        """Return the audit of a table from those of its parts: each failure once, as the first part has it."""
        failures = {_asked(each): each for part in reversed(parts) for each in part.failures}
        worst_first = sorted(failures.values(), key=lambda failure: WORST_FIRST.index(failure.severity))
        return replace(parts[-1], failures=tuple(worst_first), parts=len(parts))

    def summary(self) -> dict[str, Any]:
        """Return what is stored with a published version."""
        overlaid = {"overlay": self.overlay.summary()} if self.overlay else {}
        return {
            "sha256": self.suite_sha256,
            "evaluated": self.evaluated,
            "failures": [asdict(failure) for failure in self.failures],
            **overlaid,
        }


def _asked(failure: Failure) -> tuple[str | None, ...]:
    """What was asked for, without what was found: two bounds of one column are two, a critical one and a warning."""
    expected, _, _ = failure.detail.partition("; ")
    return failure.expectation, failure.column, failure.severity, failure.bound, expected


def findings_of(failures: Iterable[Failure], reason: str) -> dict[tuple[str | None, ...], str]:
    """Return what was found in a batch in a sentence each, by what was asked for; what was found differs by batch.

    Parameters
    ----------
    failures
        Expectations that it does not meet.
    reason
        Why it was refused, where that is no expectation.
    """
    return {_asked(each): each.reason for each in failures} or {(reason,): reason}


def said_once(batches: Iterable[tuple[Sequence[Failure], str]]) -> list[str]:
    """Return what was found in batches of one file, each finding once, with the number of batches if they are several.

    Parameters
    ----------
    batches
        Of each, the expectations that it does not meet, and the reason for where there are none.
    """
    first: dict[tuple[str | None, ...], str] = {}
    counts: Counter[tuple[str | None, ...]] = Counter()
    for failures, reason in batches:
        found = findings_of(failures, reason)
        first |= {asked: said for asked, said in found.items() if asked not in first}
        counts.update(found.keys())
    return [
        said if counts[asked] == 1 else f"in {counts[asked]:,} batches, of the first: {said}"
        for asked, said in first.items()
    ]


def audit(suite: Suite, table: Table, batch: pl.DataFrame) -> Audit:
    """Hold a batch against its suite and against what the registry declares.

    Parameters
    ----------
    batch
        Rows that conform to the table (`Table.conform`).

    Returns
    -------
    Audit
        An expectation that could not be evaluated counts as critical, whatever its own severity.
        For `individual` tables neither the failures nor the result hold any value of a row.
    """
    declared = _audit_declaration(table, batch)
    result = _validate(suite, table, batch)
    failures = [*declared, *filter(None, (_failure(entry) for entry in result["results"]))]
    failures.sort(key=lambda failure: WORST_FIRST.index(failure.severity))
    implied = sum(not column.nullable for column in table.columns) + bool(table.key)
    return Audit(
        suite_sha256=suite.sha256,
        evaluated=len(result["results"]) + implied,
        failures=tuple(failures),
        result=result,
        overlay=suite.overlay,
    )


def suite_of(table: Table, folder: Path, overlays: Path | None) -> Suite:
    """Return the suite of a table with what a home lays over it, which must fit the table.

    Parameters
    ----------
    folder, overlays
        As for `ons_assets.lakehouse.overlays.load`.

    Raises
    ------
    SuiteError
        As there, and if an overlay does not fit the table.
    """
    suite = load(folder, table.name, overlays)
    if suite.overlay is not None:
        try:
            verify(suite, table)
        except SuiteError as error:
            raise SuiteError(f"the overlay {suite.overlay.file} cannot be used: {error}") from None
    return suite


def verify(suite: Suite, table: Table) -> None:
    """Raise what keeps a suite from being applied to its table, whatever the rows.

    Raises
    ------
    SuiteError
        If it names a column that the table has not, or what Great Expectations cannot read; one sentence.
    """
    empty = table.empty()
    for each in suite.expectations:
        arguments = each.get("kwargs", {}) if isinstance(each, dict) else {}
        if strange := [name for name in columns_of(arguments) if name not in empty.columns]:
            raise SuiteError(f"{table.name} has no column {strange[0]!r}; it has {', '.join(empty.columns)}")
    read = empty.to_pandas(use_pyarrow_extension_array=True)
    for each in suite.expectations:
        condition = each.get("kwargs", {}).get("row_condition") if isinstance(each, dict) else None
        try:
            if condition is not None:
                read.query(condition)
        except Exception as error:
            raise SuiteError(f"the rows {condition} of {table.name} cannot be found: {error}") from None
    as_read(suite, suite.expectations)


def _audit_declaration(table: Table, batch: pl.DataFrame) -> list[Failure]:
    """Audit what the registry says of every table: required columns hold no null, the key is unique."""
    failures = []
    for column in table.columns:
        if not column.nullable and (nulls := batch[column.name].null_count()):
            failures.append(Failure(VALUES_ARE_PRESENT, column.name, CRITICAL, f"{nulls} of {len(batch)} are null"))
    if table.key and (repeated := _repeated(batch.select(table.key))):
        failures.append(
            Failure(
                KEY_IS_UNIQUE,
                ", ".join(table.key),
                CRITICAL,
                f"{repeated} of {len(batch)} rows repeat a key",
            )
        )
    return failures


def _repeated(keys: pl.DataFrame) -> int:
    """How many rows have a key that another row has before them."""
    return 0 if all_differ([keys]) else len(keys) - keys.select(pl.struct(pl.all()).n_unique()).item()


def _failure(entry: dict[str, Any]) -> Failure | None:
    if entry["success"]:
        return None
    configuration = entry["expectation_config"]
    kwargs = arguments_of(entry)
    if messages := exceptions_of(entry):
        severity, detail = CRITICAL, f"could not be evaluated ({'; '.join(messages)})"
    else:
        severity, detail = configuration["severity"], _observed(entry["result"])
    said, bound = configuration.get("meta") or {}, bound_in_words(kwargs)
    return Failure(
        expectation=configuration["type"].removeprefix("expect_").replace("_", " "),
        column=", ".join(columns_of(kwargs)) or None,
        severity=severity,
        detail=detail if bound == NONE else f"expected {bound}; {detail}",
        bound=said.get("name"),
        notes=said.get("notes"),
    )


def arguments_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an expectation in a result; of a condition, which the library wraps, its text.

    Parameters
    ----------
    entry
        Of the result.
    """
    kwargs = entry["expectation_config"]["kwargs"]
    condition = kwargs.get("row_condition")
    return {**kwargs, "row_condition": str(condition["pass_through_filter"]) if condition else None}


def _observed(result: dict[str, Any]) -> str:
    if "observed_value" in result:
        return f"found {value_in_words(result['observed_value'])}"
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} of {result['element_count']} are not"
    return "not met"


def _validate(suite: Suite, table: Table, batch: pl.DataFrame) -> dict[str, Any]:
    with readable(suite):
        stated = suite.named
        # Of individual tables nothing is told but whether an expectation is met.
        divisible = table.is_individual and len(batch) > MANY_ROWS
        of_values, of_rows = each_value.divide(stated, batch.schema) if divisible else ([], stated)
    told: Told = "BOOLEAN_ONLY" if table.is_individual else "BASIC"
    content = judged(suite, of_rows, batch, told)
    if of_values:
        values = judged(suite, of_values, each_value.deciding_values(batch, of_values), told)
        content = each_value.together(content, values, stated)
    if table.sensitivity is not Sensitivity.PUBLIC:
        # What is not public yet has not passed disclosure control: numbers of rows may be told, values not.
        for entry in content["results"]:
            entry["result"] = {name: n for name, n in entry["result"].items() if name in TOLD_OF_AGGREGATES}
    if table.is_individual:
        # The message of an exception may quote the value that raised it.
        for entry in content["results"]:
            raised = bool(exceptions_of(entry))
            message = "an individual table does not say why" if raised else ""
            entry["exception_info"] = {
                "raised_exception": raised,
                "exception_message": message,
                "exception_traceback": "",
            }
    return content
