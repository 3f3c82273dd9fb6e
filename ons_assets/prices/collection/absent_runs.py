"""Runs that are missing or brought nothing."""

import datetime as dt

import polars as pl

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection.accepted import ALL_ITEMS


def missing_runs(
    runs: pl.DataFrame, last_day: dt.date, parameters: CollectionParameters, accepted: pl.DataFrame
) -> pl.DataFrame:
    """Find the days on which a retailer that is collected daily has no run file.

    A retailer is expected when it had runs on `expected_share` of the days up to its last run; so a long outage stays
    an alarm until the retailer is back, or a person accepts that it is gone, and a weekly collection is none.

    Parameters
    ----------
    runs : DataFrame
        `retailer`, `run` and `day` of all runs up to `last_day`.
    last_day : date
        Last day to judge.
    parameters : CollectionParameters
        Window and share.
    accepted : DataFrame
        `retailer`, `item_id` and `from_day`; those of all items end the expectation of runs before that day.

    Returns
    -------
    DataFrame
        `retailer`, `day`, `finding`, `evidence`.
    """
    window = parameters.window_days
    collected = (
        runs.select("retailer", "day")
        .unique()
        .sort("retailer", "day")
        .with_columns(run_day=1, last_run=pl.col("day"), first_day=pl.col("day").min().over("retailer"))
        .with_columns(
            run_days=pl.col("run_day").rolling_sum_by("day", window_size=f"{window}d").over("retailer"),
            of_days=pl.min_horizontal((pl.col("day") - pl.col("first_day")).dt.total_days() + 1, pl.lit(window)),
        )
    )
    calendar = (
        collected.group_by("retailer")
        .agg(day=pl.date_range(pl.col("day").min(), last_day))
        .explode("day")
        .sort("retailer", "day")
    )
    gone = accepted.filter(pl.col("item_id") == ALL_ITEMS).select("retailer", gone="from_day").sort("gone")
    return (
        calendar.join_asof(
            collected.select("retailer", "day", "last_run", "run_days", "of_days"),
            on="day",
            by="retailer",
            check_sortedness=False,
        )
        .join_asof(gone, left_on="day", right_on="gone", by="retailer", check_sortedness=False)
        .filter(
            pl.col("day") > pl.col("last_run"),
            pl.col("gone").is_null() | (pl.col("gone") <= pl.col("last_run")),
            pl.col("run_days") >= parameters.expected_share * pl.col("of_days"),
        )
        .select(
            "retailer",
            "day",
            finding=pl.lit("missing_run"),
            evidence=pl.format(
                "No run file; {} of the {} days up to the last run, {}, had one.",
                "run_days",
                "of_days",
                "last_run",
            ),
        )
    )


def empty_runs(runs: pl.DataFrame) -> pl.DataFrame:
    """Find the runs of which no row was accepted.

    Parameters
    ----------
    runs : DataFrame
        The ledger's runs, with `day`.

    Returns
    -------
    DataFrame
        `retailer`, `run`, `day`, `finding`, `evidence`.
    """
    return runs.filter(pl.col("accepted_rows") == 0).select(
        "retailer",
        "run",
        "day",
        finding=pl.lit("empty"),
        evidence=pl.when(pl.col("size_bytes") == 0)
        .then(pl.lit("The run file has 0 bytes."))
        .when(pl.col("refused"))
        .then(
            pl.format(
                "No row accepted of {} parsed: the file was refused ({}).",
                "parsed_rows",
                pl.col("reason").fill_null("no reason given"),
            )
        )
        .otherwise(
            pl.format(
                "No row accepted of {} parsed from {} bytes, {} quarantined.",
                "parsed_rows",
                "size_bytes",
                "quarantined_rows",
            )
        ),
    )
