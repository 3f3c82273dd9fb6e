"""What the gate found, from the results that it kept: which expectations a table meets, by dimension."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ons_assets.governance.scorecard.measures import OBSERVED, Dimension, observed
from ons_assets.lakehouse.gate import CRITICAL

# Which dimension an expectation is about, by words in its type; what has none of them is about validity.
ABOUT = {
    "not_be_null": Dimension.COMPLETENESS,
    "row_count": Dimension.COMPLETENESS,
    "be_unique": Dimension.UNIQUENESS,
    "compound_columns": Dimension.UNIQUENESS,
    "unique_value_count": Dimension.CONSISTENCY,
    "pair_values": Dimension.CONSISTENCY,
    "median": Dimension.CONSISTENCY,
    "mean": Dimension.CONSISTENCY,
}
TOLD = 3


def of_results(results: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """Return which share of the expectations of each dimension a table meets, and whether its last batch was refused.

    Parameters
    ----------
    results
        The last kept result of each table (`ons_assets.lakehouse.validations`). Of individual tables a result holds
        numbers of rows only, and none of it is told but the names of bounds and their notes.

    Returns
    -------
    polars.DataFrame
        Observations.
    """
    rows = [(table, *row) for table, kept in results.items() for row in _by_dimension(kept["result"]["results"])]
    schema = {name: OBSERVED[name] for name in ("table_name", "dimension", "value", "basis", "detail")}
    met = observed(pl.DataFrame(rows, schema=schema, orient="row"), "expectations_met")
    refused = [(table, *_refusal(kept["result"]["results"])) for table, kept in results.items()]
    schema = {name: OBSERVED[name] for name in ("table_name", "value", "detail")}
    return pl.concat([met, observed(pl.DataFrame(refused, schema=schema, orient="row"), "refused_batch")])


def _by_dimension(entries: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float, int, str | None]]:
    of: dict[Dimension, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in entries:
        of[_dimension(entry["expectation_config"]["type"])].append(entry)
    for dimension, those in of.items():
        failed = [each for each in those if not each["success"]]
        told = "; ".join(map(_said, failed[:TOLD]))
        yield dimension.value, 1 - len(failed) / len(those), len(those), told or None


def _refusal(entries: Sequence[Mapping[str, Any]]) -> tuple[float, str | None]:
    failed = [
        each for each in entries if not each["success"] and each["expectation_config"].get("severity") == CRITICAL
    ]
    return float(bool(failed)), "; ".join(map(_said, failed[:TOLD])) or None


def _dimension(expectation: str) -> Dimension:
    return next((dimension for words, dimension in ABOUT.items() if words in expectation), Dimension.VALIDITY)


def _said(entry: Mapping[str, Any]) -> str:
    """An expectation by its name, with its notes and how many rows are not so."""
    configuration, found = entry["expectation_config"], entry["result"]
    meta = configuration.get("meta") or {}
    name = str(meta.get("name", configuration["type"].removeprefix("expect_")))
    notes = f" ({str(meta['notes']).rstrip('.')})" if meta.get("notes") else ""
    count = found.get("unexpected_count")
    rows = f", {count:,} of {found['element_count']:,} rows" if count is not None and "element_count" in found else ""
    return f"{name}{rows}{notes}"
