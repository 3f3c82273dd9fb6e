"""Suites of expectations: what a table is held against, and by which names its bounds are called.

A suite is a JSON file in Great Expectations' own form, `expectations/<domain>/<table>.json`, which people who
do not program can edit.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# How a bound is called that has no name of its own: the column, and this.
KINDS = {
    "table_row_count_to_be_between": "row_count",
    "table_columns_to_match_set": "columns",
    "column_values_to_be_between": "range",
    "column_values_to_be_in_set": "values",
    "column_values_to_match_regex": "form",
    "column_values_to_not_be_null": "present",
    "column_value_lengths_to_be_between": "length",
    "column_unique_value_count_to_be_between": "different",
    "column_min_to_be_between": "lowest",
    "column_max_to_be_between": "highest",
    "column_median_to_be_between": "median",
    "column_mean_to_be_between": "mean",
    "column_pair_values_a_to_be_greater_than_b": "order",
}

Expectation = dict[str, Any]


class SuiteError(ValueError):
    """A suite is missing or cannot be read."""


@dataclass(frozen=True)
class Overlay:
    """What a home laid over a shipped suite.

    Parameters
    ----------
    file
        The file, from the home on.
    sha256
        Hash of the file.
    changes
        In a line each, what differs from what is shipped.
    """

    file: str
    sha256: str
    changes: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return what is stored with a published version."""
        return {"file": self.file, "sha256": self.sha256, "changes": list(self.changes)}


@dataclass(frozen=True)
class Suite:
    """An expectation suite as it is applied.

    Parameters
    ----------
    sha256
        Hash of the suite file; with an overlay, of both files.
    overlay
        What the home changed; None where it has nothing to say.
    """

    table: str
    content: dict[str, Any]
    sha256: str
    overlay: Overlay | None = None

    @classmethod
    def load(cls, folder: Path, table: str) -> "Suite":
        """Read `<folder>/<domain>/<table>.json`.

        Raises
        ------
        SuiteError
            If the file is missing or is not a suite.
        """
        path = folder / f"{table}.json"
        raw, content = read_json(path, f"{table} has no expectation suite: {path} is missing", "expectation suite")
        if not isinstance(content, dict) or not content.get("expectations"):
            raise SuiteError(f"the expectation suite {path} has no expectations")
        return cls(table, content, hashlib.sha256(raw).hexdigest())

    @property
    def expectations(self) -> list[Expectation]:
        """The expectations, as Great Expectations takes them."""
        stated: list[Expectation] = self.content["expectations"]
        return stated

    @property
    def named(self) -> list[Expectation]:
        """The expectations, each with the name by which a home may change it."""
        return [{**each, "meta": {"name": name, **(each.get("meta") or {})}} for name, each in self.bounds.items()]

    @property
    def bounds(self) -> dict[str, Expectation]:
        """The expectations by the names under which an overlay changes them."""
        return dict(zip(names(self.expectations), self.expectations, strict=True))


def names(expectations: Sequence[Expectation]) -> list[str]:
    """Return the name of each expectation: its own, else its column with what is asked of it, numbered if need be."""
    found: list[str] = []
    for each in expectations:
        name, number = name_of(each), 1
        while name in found:
            number += 1
            name = f"{name_of(each)}_{number}"
        found.append(name)
    return found


def name_of(expectation: Expectation) -> str:
    """Return the name of a bound, whatever others are called: its own, else its column with what is asked of it."""
    if not isinstance(expectation, dict):
        return "unknown"
    own = (expectation.get("meta") or {}).get("name")
    if own is not None:
        return str(own)
    kind = str(expectation.get("type", "")).removeprefix("expect_")
    arguments = expectation.get("kwargs") or {}
    column = arguments.get("column", arguments.get("column_A"))
    usual = "" if expectation.get("severity", "critical") == "critical" or kind.startswith("table") else "usual_"
    said = f"{usual}{KINDS.get(kind, kind)}"
    return f"{column}_{said}" if column is not None else said


def protects(expectation: Expectation) -> bool:
    """Whether a bound keeps figures of few from being told: no home can change it."""
    return bool((expectation.get("meta") or {}).get("protects"))


def said(expectation: Expectation) -> str:
    """Return a bound in a few words, such as "min_value 0.1, max_value 100 (critical)"."""
    arguments = {
        word: value
        for word, value in expectation["kwargs"].items()
        if word not in ("column", "column_A", "column_B", "row_condition", "condition_parser", "ignore_row_if")
    }
    words = ", ".join(f"{word} {json.dumps(value)}" for word, value in arguments.items()) or expectation["type"]
    condition = expectation["kwargs"].get("row_condition")
    return f"{words}{f' where {condition}' if condition else ''} ({expectation.get('severity', 'critical')})"


def read_json(path: Path, absent: str, what: str) -> tuple[bytes, object]:
    """Return a file as bytes, and what it says.

    Parameters
    ----------
    absent
        Sentence for a file that is not there.
    what
        What the file is.

    Raises
    ------
    SuiteError
        If it is not there, cannot be opened, or is not JSON.
    """
    try:
        raw = path.read_bytes()
        return raw, json.loads(raw)
    except FileNotFoundError as error:
        raise SuiteError(absent) from error
    except (ValueError, RecursionError) as error:
        raise SuiteError(f"the {what} {path} is not valid JSON: {error}") from error
    except OSError as error:
        raise SuiteError(f"the {what} {path} cannot be opened: {str(error.strerror).lower()}") from error
