"""The runs of the scrapers, as the ledger and the quotes know them."""

from collections.abc import Callable, Mapping

import polars as pl

from ons_assets.intake.source import ENDS_INSIDE_RECORD
from ons_assets.prices.sources import QuoteFiles

RUN_STAMPS = ("%Y%m%d%H%M%S", "%Y-%m-%d")


def collection_runs(
    quotes: pl.LazyFrame, ledger: pl.DataFrame, describe: Callable[[str], Mapping[str, str]]
) -> pl.DataFrame:
    """Return one row for each run that came, empty and refused ones among them.

    Parameters
    ----------
    quotes
        As the table `prices/raw_quotes`.
    ledger
        As the table `governance/drop_ledger`.
    describe
        Says the retailer and the run from the name of a file.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `started_on` (first local day of its quotes, or the day in its name),
        `started_at_utc` (time of its first quote, null for one that was refused), `size_bytes`, `parsed_rows`,
        `accepted_rows`, `quarantined_rows`, `refused`, `reason`, `ends_inside_record`. Of a file with many runs the
        quarantined rows cannot be told apart by run, and are left out of the runs.
    """
    files = ledger.filter(source=QuoteFiles.name).select(
        pl.col("sha256").alias("drop_sha256"), "file_name", "status", "size_bytes", "quarantined_rows", "reason"
    )
    accepted = (
        quotes.group_by("retailer", "run", "drop_sha256")
        .agg(
            started_on=pl.col("collected_on").min(),
            started_at_utc=pl.col("collected_at_utc").min(),
            accepted_rows=pl.len().cast(pl.Int64),
        )
        .collect()
        .join(files.filter(pl.col("status") != "duplicate"), on="drop_sha256")
        .with_columns(alone=pl.len().over("drop_sha256") == 1)
        .with_columns(
            refused=pl.lit(False),
            quarantined_rows=pl.when("alone").then("quarantined_rows").otherwise(0),
            ends_inside_record=pl.col("alone")
            & pl.col("reason").str.contains(ENDS_INSIDE_RECORD, literal=True).fill_null(False),
        )
    )
    return (
        pl.concat([accepted, _refused(files, describe)], how="diagonal_relaxed")
        .with_columns(parsed_rows=pl.col("accepted_rows") + pl.col("quarantined_rows"))
        # A file that was refused may have come again, whole.
        .sort("refused", "file_name", "drop_sha256")
        .unique(["retailer", "run"], keep="first", maintain_order=True)
        .select(
            "retailer",
            "run",
            "started_on",
            "started_at_utc",
            "size_bytes",
            "parsed_rows",
            "accepted_rows",
            "quarantined_rows",
            "refused",
            "reason",
            "ends_inside_record",
        )
        .sort("started_on", "retailer", "run")
    )


def _refused(files: pl.DataFrame, describe: Callable[[str], Mapping[str, str]]) -> pl.DataFrame:
    """Runs of files that were refused, where their names say which run they are."""
    described = [
        {**row, "retailer": said["retailer"], "run": said["run"]}
        for row in files.filter(status="refused").iter_rows(named=True)
        if {"retailer", "run"} <= (said := describe(row["file_name"])).keys()
    ]
    schema = {**files.schema, "retailer": pl.String(), "run": pl.String()}
    return (
        pl.DataFrame(described, schema=schema)
        .with_columns(
            started_on=pl.coalesce(pl.col("run").str.to_date(stamp, strict=False) for stamp in RUN_STAMPS),
            accepted_rows=pl.lit(0, dtype=pl.Int64()),
            refused=pl.lit(True),
            ends_inside_record=pl.lit(False),
        )
        .drop_nulls("started_on")
    )
