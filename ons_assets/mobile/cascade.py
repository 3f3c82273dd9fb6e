"""Homes and places of work of devices by the cascade over permanence scores, as anchors."""

import polars as pl

from ons_assets.mobile.permanence import daily_permanence, longterm_permanence, midterm_permanence
from ons_assets.mobile.presence import Presence
from ons_assets.mobile.usual_environment import ALL, HOME, WORK, usual_environment_labels
from ons_assets.mobile.workers import ANCHOR_SCHEMA, FULL_WEEK, NONE_SEEN, PART_WEEK
from ons_assets.parameters.mobile import WorkerParameters
from ons_assets.parameters.mobile_presence import (
    ALL_HOURS,
    WORKING_HOURS,
    PermanenceParameters,
    UsualEnvironmentParameters,
)


def cascade_anchors(
    found: Presence,
    permanence: PermanenceParameters | None = None,
    usual: UsualEnvironmentParameters | None = None,
    workers: WorkerParameters | None = None,
) -> pl.DataFrame:
    """Find the home of each device and its place of work, over all of the time.

    Parameters
    ----------
    found
        Hours of all days of the devices at their places.
    permanence, usual, workers
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        As of `ons_assets.mobile.workers.classify_workers`; the confidence is the share of all hours, or of working
        hours, that the device spends there, and evidence_days its days there. A place of work may be the home; the
        classes are full_week, part_week and none_seen.
    """
    workers = workers or WorkerParameters()
    daily = daily_permanence(found.user, found.place, found.day, found.hours, permanence)
    whole = longterm_permanence(midterm_permanence(daily, permanence)).filter(year_season=ALL)
    labels = usual_environment_labels(whole, usual)
    spans = daily.group_by("user", "place").agg(pl.col("day").min().alias("from"), pl.col("day").max().alias("to"))
    parts = [
        _best(labels.filter(label=label), whole.filter(_of(period)))
        .join(spans, on=["user", "place"])
        .with_columns(anchor=pl.lit(label))
        for label, period in ((HOME, ALL_HOURS), (WORK, WORKING_HOURS))
    ]
    is_full = pl.col("days_there") >= workers.full_week_share * pl.col("observed_days")
    classes = parts[1].select(
        "user", worker_class=pl.when(is_full).then(pl.lit(FULL_WEEK)).otherwise(pl.lit(PART_WEEK))
    )
    rows = pl.concat([part.join(parts[0].select("user"), on="user", how="semi") for part in parts])
    return (
        rows.join(classes, on="user", how="left")
        .with_columns(
            pl.col("worker_class").fill_null(NONE_SEEN),
            confidence=(pl.col("permanence_hours") / pl.col("observed_hours")).round(6),
            evidence_days="days_there",
        )
        .select(ANCHOR_SCHEMA.keys())
        .cast(ANCHOR_SCHEMA)  # type: ignore[arg-type]
        .sort("user", "anchor")
    )


def _of(period: str) -> pl.Expr:
    day_type, interval = period.split("/")
    return (pl.col("day_group") == day_type) & (pl.col("time_interval") == interval)


def _best(labels: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Of the places of a device that have a label, the one with the most hours; of equals, the first."""
    ranked = labels.select("user", "place").join(scores, on=["user", "place"])
    ordered = ranked.sort("user", "permanence_hours", "days_there", "place", descending=[False, True, True, False])
    return ordered.unique("user", keep="first", maintain_order=True)
