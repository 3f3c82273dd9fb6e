"""Whether tables agree: with their files, each other, the references, their own totals, and with what is known."""

from collections.abc import Mapping

import polars as pl

from ons_assets.governance.scorecard.checks import Comparison, Conserved, Reference
from ons_assets.governance.scorecard.measures import OBSERVED, observed
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse.disclosure import HALF_UNIT, Counts
from ons_assets.lakehouse.tables import Table

# Of sums of rounded figures.
TOLERANCE = 1e-6


def of_ledger(rows: Mapping[str, int], ledger: pl.DataFrame, tables_of_sources: Mapping[str, str]) -> pl.DataFrame:
    """Return how far the rows of raw tables differ from those that their files have in force.

    Parameters
    ----------
    rows
        Number of rows of each table.
    ledger
        Rows of `governance/drop_ledger`.
    tables_of_sources
        The raw table of each source.
    """
    in_force = dict(
        ledger.filter(pl.col("status") == Status.ACCEPTED)
        .group_by("source")
        .agg(pl.col("rows_in_force").sum())
        .iter_rows()
    )
    compared = [
        (table, in_force.get(source, 0), rows[table]) for source, table in tables_of_sources.items() if table in rows
    ]
    return _gaps([(table, "its files", *counts) for table, *counts in compared], "ledger_gap")


def of_conserved(check: Conserved, rows: int, of: int) -> pl.DataFrame:
    """Return how far the rows of a table differ from those of the one that it has a row for each of.

    Parameters
    ----------
    check
        Names of the two.
    rows, of
        How many rows they have.
    """
    return _gaps([(check.table, check.of, of, rows)], "conserved_rows")


def _gaps(compared: list[tuple[str, str, int, int]], measure: str) -> pl.DataFrame:
    found = [
        (table, of, abs(is_there - should) / max(should, is_there, 1), should, f"{is_there:,} rows, {should:,} of {of}")
        for table, of, should, is_there in compared
    ]
    schema = {name: OBSERVED[name] for name in ("table_name", "measured_of", "value", "basis", "detail")}
    return observed(pl.DataFrame(found, schema=schema, orient="row"), measure)


def of_reference(check: Reference, rows: pl.LazyFrame, reference: pl.LazyFrame) -> pl.DataFrame:
    """Return the share of rows whose key the reference has not; rows without a key are not asked.

    Parameters
    ----------
    check
        Columns of both.
    rows, reference
        As published. Where none of the keys is in the reference, it is of something else, and nothing is judged.
    """
    keys = rows.select(key=pl.col(check.column)).drop_nulls().group_by("key").agg(n=pl.len())
    known = reference.select(key=pl.col(check.key)).unique()
    counts = keys.join(known.with_columns(known=pl.lit(value=True)), on="key", how="left")
    unknown, basis, codes = counts.select(
        pl.col("n").filter(pl.col("known").is_null()).sum(), pl.col("n").sum().alias("basis"),
        pl.col("known").null_count(),
    ).collect(engine="streaming").row(0)  # fmt: skip
    share = unknown / basis if basis else 0.0
    frame = pl.DataFrame({"table_name": [check.table], "value": [share], "basis": [basis]})
    said = f"{codes} of its codes are not in {check.reference}" if codes else None
    if basis and unknown == basis:
        # Then it is a reference of something else, and tells nothing of the keys.
        frame = frame.with_columns(value=pl.lit(None, pl.Float64()))
        said = f"none of its codes is in {check.reference}, which is of other ones"
    of = f"{check.column} in {check.reference}"
    return observed(frame, "unknown_keys", measured_of=of, detail=pl.lit(said, pl.String()))


def has_sums(table: Table) -> bool:
    """Return whether a table declares totals of exact counts."""
    rule = table.disclosure
    return isinstance(rule, Counts) and bool(rule.margins) and rule.blurred is None


def of_sums(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Return which share of the totals of an aggregate are less than their parts that are told.

    Parts that are withheld make a total more, never less. Rounded and perturbed figures are not asked; counts that are
    not whole are told to one decimal each, and may miss their total by half of one each.

    Parameters
    ----------
    table
        That declares counts with margins (`ons_assets.lakehouse.disclosure.Counts`); of others nothing is returned.
    rows
        As published.
    """
    rule = table.disclosure
    if not isinstance(rule, Counts) or not has_sums(table) or rows.is_empty():
        return pl.DataFrame(schema=OBSERVED)
    totals = broken = 0
    half = 0.0 if table.schema[rule.count].is_integer() else HALF_UNIT
    for margin in rule.margins:
        parts = rows.filter(margin.parts).with_columns(**margin.whole)
        sums = parts.group_by(table.key).agg(parts=pl.col(rule.count).sum(), number=pl.len())
        both = rows.join(sums, on=list(table.key), how="inner", nulls_equal=True)
        totals += len(both)
        most = pl.col(rule.count) * (1 + TOLERANCE) + half * (pl.col("number") + 1)
        broken += len(both.filter(pl.col("parts") > most))
    frame = pl.DataFrame({"table_name": [table.name], "value": [broken / max(totals, 1)], "basis": [totals]})
    return observed(frame, "broken_sums", measured_of=rule.count)


def of_comparison(check: Comparison, rows: pl.LazyFrame) -> pl.DataFrame:
    """Return the median of a figure beside what is known; nothing if the table has none."""
    frame = rows.collect()
    told = _where(frame, check.where)[check.column].drop_nulls().drop_nans()
    without = _where(frame, check.less)[check.column].drop_nulls().drop_nans() if check.less else None
    if told.is_empty() or (without is not None and without.is_empty()):
        return pl.DataFrame(schema=OBSERVED)
    value = _median(told) - (_median(without) if without is not None else 0.0)
    made = pl.DataFrame({"table_name": [check.about], "value": [value], "basis": [len(told)]})
    return observed(made, check.measure, measured_of=check.table)


def _median(values: pl.Series) -> float:
    found = values.cast(pl.Float64).median()
    assert isinstance(found, float), "there is a value"
    return found


def _where(rows: pl.DataFrame, values: Mapping[str, str]) -> pl.DataFrame:
    return rows.filter(pl.col(column) == value for column, value in values.items())
