"""What a home lays over the shipped suites: bounds of its own data, by the names of those that are shipped.

The bounds of the suites were set on the data of the pilots. Those of an office stand in
`<home>/expectations/<domain>/<table>.json`, and say what differs only (docs/expectations.md).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ons_assets.lakehouse.suites import (
    Expectation,
    Overlay,
    Suite,
    SuiteError,
    name_of,
    protects,
    read_json,
    said,
)
from ons_assets.wording import fault_in_words, no_such, or_known

COLUMN_SET = "expect_table_columns_to_match_set"
Value = str | int | float | bool


class Change(BaseModel):
    """What an overlay says of one bound: a shipped one that differs, or one more."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, min_length=1, description="of a shipped bound, or of one more")
    type: str | None = Field(None, pattern="^expect_", description="of one more: Great Expectations' name of it")
    kwargs: dict[str, Any] = Field({}, description="arguments that differ; null takes one away")
    severity: Literal["critical", "warning", "info"] | None = None
    where: dict[str, list[Value]] = Field({}, description="rows for which it holds, by column; the shipped for others")
    off: bool = Field(False, description="whether the shipped bound does not hold here")
    meta: dict[str, Any] = {}
    notes: str | None = None

    @property
    def bound(self) -> str | None:
        """Name of the bound, here or where a suite has it."""
        return self.name if self.name is not None else self.meta.get("name")


class Changes(BaseModel):
    """An overlay as it is written."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    meta: dict[str, Any] = {}
    expectations: list[Change] = Field(min_length=1)


def load(folder: Path, table: str, overlays: Path | None) -> Suite:
    """Return the suite of a table with what a home lays over it.

    Parameters
    ----------
    folder
        Of the shipped suites.
    table
        Name of the table.
    overlays
        Folder of a home's own, with the same names; nothing need be there.

    Raises
    ------
    SuiteError
        If the suite, or what lies over it, cannot be used.
    """
    shipped = Suite.load(folder, table)
    path = overlays / f"{table}.json" if overlays is not None else None
    if path is None or not path.exists() or path.samefile(folder / f"{table}.json"):
        return shipped
    return laid_over(shipped, path)


def laid_over(shipped: Suite, path: Path) -> Suite:
    """Return a suite with what a file says laid over it.

    A whole suite, which says the columns of its table, takes the place of the shipped one. Else each entry
    changes the bound of its name, or is one more.

    Parameters
    ----------
    shipped
        The suite that the file is about.
    path
        The overlay.

    Raises
    ------
    SuiteError
        If it cannot be read, or changes what there is not; the message is one sentence.
    """
    raw, content = read_json(path, f"there is no file {path}", "overlay")
    try:
        expectations, changes = _whole(shipped, content) or _changes(shipped, content)
    except SuiteError as error:
        raise SuiteError(f"the overlay {path} cannot be used: {error}") from None
    sha256 = hashlib.sha256(raw).hexdigest()
    overlay = Overlay(f"expectations/{shipped.table}.json", sha256, tuple(changes))
    both = hashlib.sha256(f"{shipped.sha256} {sha256}".encode()).hexdigest()
    return Suite(shipped.table, {"name": shipped.table, "expectations": expectations}, both, overlay)


def _whole(shipped: Suite, content: object) -> tuple[list[Expectation], list[str]] | None:
    """Return a whole suite, with what protects people in the shipped one; None if the content is none."""
    stated = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(stated, list) or not all(isinstance(each, dict) for each in stated):
        return None
    if COLUMN_SET not in [each.get("type") for each in stated]:
        return None
    if odd := next((each for each in stated if not isinstance(each.get("kwargs"), dict)), None):
        raise SuiteError(f"{odd.get('type', 'an entry')} has no kwargs, which say what is asked of the table")
    kept = [each for each in shipped.expectations if protects(each)]
    return [*stated, *(each for each in kept if each not in stated)], ["a whole suite in place of the shipped one"]


def _changes(shipped: Suite, content: object) -> tuple[list[Expectation], list[str]]:
    try:
        given = Changes.model_validate(content)
    except ValidationError as error:
        raise SuiteError(_faults(error)) from None
    over = _Over(shipped)
    # A bound for some rows differs from what holds for the others, whichever stands first.
    changes = [over.apply(each) for each in sorted(given.expectations, key=lambda each: bool(each.where))]
    return over.expectations, changes


class _Over:
    """The bounds of a suite while changes are laid over them, in order."""

    def __init__(self, shipped: Suite) -> None:
        self._shipped = shipped.bounds
        # What holds for all rows, by name, and what stands in the suite: a bound for some rows beside that for others.
        self._whole: dict[str, Expectation] = {}
        self._stated: dict[str, list[Expectation]] = {name: [each] for name, each in self._shipped.items()}

    @property
    def expectations(self) -> list[Expectation]:
        return [each for stated in self._stated.values() for each in stated]

    def apply(self, change: Change) -> str:
        """Lay one change over the bounds, and say it."""
        name = self._target(change)
        if name is None:
            return self._add(change)
        if protects(self._shipped[name]):
            raise SuiteError(f"{name} protects those whom the figures are about, and cannot be changed")
        if change.where:
            return self._divide(name, change)
        if name in self._whole:
            raise SuiteError(f"it says twice what {name} is")
        self._whole[name] = _changed(self._shipped[name], name, change)
        self._stated[name] = [] if change.off else [self._whole[name]]
        if change.off:
            return f"{name}: does not hold"
        return f"{name}: {said(self._shipped[name])} becomes {said(self._whole[name])}"

    def _target(self, change: Change) -> str | None:
        """The bound that a change is about; None if it is one more."""
        if change.bound is not None:
            if change.bound in self._shipped or change.type is not None:
                return change.bound if change.bound in self._shipped else None
            raise SuiteError(no_such("bound", change.bound, self._shipped))
        if change.type is None:
            raise SuiteError("an entry says neither the name of a bound nor the type of one more")
        like = [name for name, each in self._shipped.items() if _is_like(each, change)]
        if len(like) > 1:
            raise SuiteError(f"an entry on {_where(change)} does not say which bound it changes: {' or '.join(like)}")
        return like[0] if like else None

    def _add(self, change: Change) -> str:
        if change.off:
            raise SuiteError(f"there is no bound {change.bound or _where(change)} that could be off")
        stated: Expectation = {"type": change.type, "kwargs": {}, "severity": "critical"}
        name = change.bound or name_of({**stated, "kwargs": change.kwargs, "severity": change.severity or "critical"})
        added = _changed(stated, name, change)
        if change.where:
            added = _for_rows(added, _condition(change.where))
        self._stated.setdefault(name, []).append(added)
        return f"{name}: one more, {said(added)}"

    def _divide(self, name: str, change: Change) -> str:
        """Let a bound differ for some rows; for all others it stays what it was."""
        condition = _condition(change.where)
        rest = [_for_rows(each, f"not ({condition})") for each in self._stated[name]]
        if change.off:
            self._stated[name] = rest
            return f"{name}: does not hold where {condition}"
        before = self._whole.get(name, self._shipped[name])
        changed = _for_rows(_changed(before, name, change), condition)
        self._stated[name] = [*rest, changed]
        return f"{name}: {said(before)} becomes {said(changed)}"


def _is_like(shipped: Expectation, change: Change) -> bool:
    """Whether an entry without a name is about a shipped bound: the same asked of the same column, or rows."""
    theirs, ours = shipped["kwargs"], change.kwargs
    same = shipped["type"] == change.type and theirs.get("column") == ours.get("column")
    return bool(same and ours.get("row_condition", theirs.get("row_condition")) == theirs.get("row_condition"))


def _where(change: Change) -> str:
    return str(change.kwargs.get("column", change.type))


def _changed(expectation: Expectation, name: str, change: Change) -> Expectation:
    merged = {**expectation["kwargs"], **change.kwargs}
    notes = {"notes": change.notes} if change.notes else {}
    return {
        **expectation,
        "kwargs": {word: value for word, value in merged.items() if value is not None},
        "severity": change.severity or expectation.get("severity", "critical"),
        "meta": {**(expectation.get("meta") or {}), **change.meta, **notes, "name": name},
    }


def _condition(where: Mapping[str, Sequence[Value]]) -> str:
    """Return rows by the values of their columns as pandas is asked for them."""
    listed = {
        column: ", ".join(
            json.dumps(each, ensure_ascii=False) if isinstance(each, str) else repr(each) for each in values
        )
        for column, values in where.items()
    }
    return " and ".join(f"`{column}` in [{values}]" for column, values in listed.items())


def _for_rows(expectation: Expectation, condition: str) -> Expectation:
    before = expectation["kwargs"].get("row_condition")
    both = f"({before}) and {condition}" if before else condition
    return {
        **expectation,
        "kwargs": {**expectation["kwargs"], "row_condition": both, "condition_parser": "pandas"},
    }


def overlays_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the table that each file of a folder is called after, and the file; hidden ones are passed over."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield inside.with_suffix("").as_posix() if path.suffix == ".json" else inside.as_posix(), path


def _faults(error: ValidationError) -> str:
    """Say in one line what is wrong with an overlay: in which entry, which word, and what is allowed."""
    faults = []
    for fault in error.errors():
        where = [str(part + 1) if isinstance(part, int) else str(part) for part in fault["loc"]]
        where = [each for each in where if each not in ("str", "int", "float", "bool")]
        if fault["type"] == "extra_forbidden":
            model = Change if len(where) > 1 else Changes
            faults.append(f"{'.'.join(where)} is no word here{or_known(where[-1], model.model_fields)}")
        else:
            faults.append(f"{'.'.join(where)}: {fault_in_words(fault)}" if where else fault_in_words(fault))
    return "; ".join(dict.fromkeys(faults))
