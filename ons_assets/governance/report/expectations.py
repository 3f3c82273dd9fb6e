"""Every expectation of a table with its words and its bound, and what the gate found when it looked last."""

from collections.abc import Iterator, Mapping
from typing import Any

from ons_assets.governance.report.facts import Expectation
from ons_assets.lakehouse.bounds_in_words import bound_in_words, columns_of, found_in_words
from ons_assets.lakehouse.gate import CRITICAL, KEY_IS_UNIQUE, VALUES_ARE_PRESENT, suite_of
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.suites import names
from ons_assets.lakehouse.tables import Table
from ons_assets.lakehouse.validations import Kept
from ons_assets.settings import Settings


def expectations_of(
    home: Home, settings: Settings, table: Table, kept: Kept | None
) -> tuple[str, tuple[Expectation, ...]]:
    """Return what the suite says of itself, and its expectations with those that the registry implies.

    Parameters
    ----------
    home, settings
        Where the suite and what is laid over it lie.
    kept
        The last result of the gate; None if it never looked.

    Raises
    ------
    SuiteError
        If the suite cannot be used.
    """
    suite = suite_of(table, settings.expectations, home.expectations)
    about = str((suite.content.get("meta") or {}).get("notes") or "")
    found = {} if kept is None else {_name(each): each for each in kept.result.get("results", [])}
    stated = [
        _stated(name, each, found.get(name), looked=kept is not None)
        for name, each in zip(names(suite.expectations), suite.expectations, strict=True)
    ]
    return about, (*stated, *_implied(table, kept))


def _name(entry: Mapping[str, Any]) -> str | None:
    """The name of an expectation in a result."""
    name = (entry["expectation_config"].get("meta") or {}).get("name")
    return None if name is None else str(name)


def _stated(name: str, stated: Mapping[str, Any], found: Mapping[str, Any] | None, *, looked: bool) -> Expectation:
    kwargs = stated["kwargs"]
    if found is not None:
        met, observed = bool(found["success"]), found_in_words(found)
    else:
        met, observed = None, "no row that it is about" if looked else "not looked at yet"
    return Expectation(
        name=name,
        asked=str(stated["type"]).removeprefix("expect_").replace("_", " "),
        column=", ".join(columns_of(kwargs)) or None,
        bound=bound_in_words(kwargs),
        severity=str(stated.get("severity", CRITICAL)),
        notes=str((stated.get("meta") or {}).get("notes") or ""),
        observed=observed,
        met=met,
    )


def _implied(table: Table, kept: Kept | None) -> Iterator[Expectation]:
    """What the registry says of every table: columns that are never empty, and a key that is unique."""
    # Of a result that was kept before failures were, nobody knows.
    known = kept is not None and kept.refused is not None
    failed = {} if kept is None else {(each["expectation"], each["column"]): each["detail"] for each in kept.failures}
    needed = [column.name for column in table.columns if not column.nullable]
    implied = [(VALUES_ARE_PRESENT, name) for name in needed]
    implied += [(KEY_IS_UNIQUE, ", ".join(table.key))] if table.key else []
    # One line for all that are as they should be: they say the same.
    unmet = [each for each in implied if each in failed]
    for asked, column in unmet:
        yield Expectation("", asked, column, "every row", CRITICAL, "", failed[asked, column], met=False)
    present = [column for asked, column in implied if asked == VALUES_ARE_PRESENT and (asked, column) not in failed]
    met = True if known else None
    observed = "as expected" if known else "not looked at yet"
    if present:
        yield Expectation("", VALUES_ARE_PRESENT, ", ".join(present), "every row", CRITICAL, "", observed, met)
    if table.key and not any(asked == KEY_IS_UNIQUE for asked, _ in unmet):
        yield Expectation("", KEY_IS_UNIQUE, ", ".join(table.key), "every row", CRITICAL, "", observed, met)
