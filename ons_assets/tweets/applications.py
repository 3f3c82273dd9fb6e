"""What kind of application a tweet was sent from."""

import csv
import re
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "source_applications.csv"
OTHER, UNKNOWN = "other", "unknown"
CLASSES = ("mobile", "web", "check_in", "sharing", "automated", OTHER, UNKNOWN)

_TAG = re.compile(r"<[^>]*>")


@cache
def _patterns() -> list[tuple[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [(row["pattern"], row["class"]) for row in csv.DictReader(file)]


@cache
def application_class(source: str | None) -> str:
    """Return the class of an application from the `source` field: its name, or a link around it.

    Returns
    -------
    str
        mobile, web, check_in, sharing or automated by `source_applications.csv`, the first pattern that
        the name holds; other if none does, unknown if there is no name.
    """
    name = _TAG.sub("", source or "").strip().lower()
    if not name:
        return UNKNOWN
    return next((kind for pattern, kind in _patterns() if pattern in name), OTHER)
