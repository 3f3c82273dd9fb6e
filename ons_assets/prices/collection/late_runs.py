"""Runs that start much later in the day than those of their retailer do."""

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.counts import DAY, trailing_levels

STAMP = "%Y%m%d%H%M%S"


def late_runs(runs: pl.DataFrame, accepted_epochs: pl.DataFrame, parameters: CollectionParameters) -> pl.DataFrame:
    """Find the days whose first run starts late.

    What an afternoon's run shows is not what the morning's would have: shops change prices and shelves during the day.
    A day whose first run was in time, and was repeated later, is not late.

    Parameters
    ----------
    runs : DataFrame
        The ledger's runs with `day`; `run` begins with the time of its start, as YYYYMMDDHHMMSS, or else
        `started_at_utc` says it. Runs of neither are not judged.
    accepted_epochs : DataFrame
        `retailer`, `day` and `epoch` of the runs, see `accepted.add_epochs`.
    parameters : CollectionParameters
        Window, least history and hours.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `finding`, `evidence`.
    """
    if "started_at_utc" not in runs.columns:
        runs = runs.with_columns(started_at_utc=pl.lit(None, pl.Datetime("us", "UTC")))
    stamped = pl.col("run").str.to_datetime(STAMP, strict=False)
    first = (
        runs.with_columns(
            start=pl.coalesce(stamped, pl.col("started_at_utc").dt.replace_time_zone(None)),
            clock=pl.when(stamped.is_null()).then(pl.lit(" UTC")).otherwise(pl.lit("")),
        )
        .drop_nulls("start")
        .with_columns(hours=(pl.col("start") - pl.col("day").cast(pl.Datetime("us"))).dt.total_seconds() / 3600)
        .sort(*DAY, "hours", "run")
        .unique(DAY, keep="first", maintain_order=True)
        .select(*DAY, "run", "hours", "clock")
        .join(accepted_epochs, on=DAY)
    )
    levels = trailing_levels(first, "hours", ["retailer", "epoch"], parameters)
    latest = pl.max_horizontal("hours_usual", "hours_high") + parameters.late_hours
    return levels.filter(pl.col("hours") >= latest).select(
        "retailer",
        "run",
        "day",
        finding=pl.lit("late_run"),
        evidence=pl.format("The run started at {}{}; usually at {}.", _clock("hours"), "clock", _clock("hours_usual")),
    )


def _clock(column: str) -> pl.Expr:
    minutes = (pl.col(column) * 60).round().cast(pl.Int64)
    return pl.format("{}:{}", (minutes // 60).cast(pl.String).str.zfill(2), (minutes % 60).cast(pl.String).str.zfill(2))
