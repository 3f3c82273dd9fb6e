"""What a day of events is worth: hours covered, masts that fell silent, and what cleaning finds in it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.disclosure import largest_of
from ons_assets.mobile.evidence import FLAGS, clean, counts_on, sort_events
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.spans import local_seconds
from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile import CleaningParameters, EventQualityParameters

FOUND = FLAGS[1:]
COLUMNS = (
    "operator", "event_date", "events", "devices_seen", "hours_covered", "hours_expected", *FOUND, "cells_seen",
    "cells_valid", "cells_silent",
    *(f"{largest}_{name}" for name in ("events", *FOUND) for largest in ("largest", "largest_two")),
)  # fmt: skip


def event_quality(
    events: pl.LazyFrame,
    plan: CellPlan,
    parameters: EventQualityParameters | None = None,
    cleaning: CleaningParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> pl.DataFrame:
    """Describe every day of events of every operator.

    Cleaning is counted day by day here; a device that is too fast across midnight is counted on neither
    day, and still found where anchors are made.

    Parameters
    ----------
    events
        Rows of `mobile/phone_events`.
    parameters, cleaning
        When a cell fell silent, and which events cannot be true; None for the defaults.
    time_zone
        Of the local clock.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/event_quality`, and what the disclosure step asks of its sums. Sorted by operator and
        day. Days of few devices are in it: it leaves by that step only.
    """
    parameters, cleaning = parameters or EventQualityParameters(), cleaning or CleaningParameters()
    days = events.select(pl.col("event_date").unique().sort()).collect().to_series()
    found, cells = [], []
    for day in days:
        of_day = events.filter(event_date=day).select("operator", "user", "time_utc", "cell_id").collect()
        for (operator,), rows in of_day.group_by("operator", maintain_order=True):
            numbers = plan.numbers(rows)
            found.append(_day(str(operator), day, rows, numbers, plan, cleaning, time_zone))
            seen = pl.DataFrame({"cell": numbers}).filter(pl.col("cell") >= 0).group_by("cell").agg(events=pl.len())
            cells.append(seen.with_columns(operator=pl.lit(operator), event_date=pl.lit(day)))
    if not found:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.Int64()))
    described = pl.DataFrame(found).cast({"hours_covered": pl.Int16(), "hours_expected": pl.Int16()})
    silent = _silent(pl.concat(cells), described.select("operator", "event_date"), parameters.busy_cell_events)
    return (
        described.join(silent, on=["operator", "event_date"], how="left").select(COLUMNS).sort("operator", "event_date")
    )


def hours_of(day: date, time_zone: str = TIME_ZONE) -> int:
    """Return how many hours a local day has: 23 or 25 where the clock changes."""
    zone = ZoneInfo(time_zone)
    start = datetime.combine(day, datetime.min.time(), zone)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    return round((end.timestamp() - start.timestamp()) / 3_600)


def _day(
    operator: str,
    day: date,
    rows: pl.DataFrame,
    numbers: pl.Series,
    plan: CellPlan,
    cleaning: CleaningParameters,
    time_zone: str,
) -> dict[str, object]:
    sorted_events = sort_events(
        rows["user"].to_numpy(), local_seconds(rows["time_utc"], time_zone).to_numpy(), numbers.to_numpy()
    )
    flag, _ = clean(*sorted_events, plan, cleaning)
    counts = dict(zip(FLAGS, np.bincount(flag, minlength=len(FLAGS)).tolist(), strict=True))
    return {
        "operator": operator,
        "event_date": day,
        "events": len(rows),
        "devices_seen": _devices(sorted_events[0][counts_on(flag)]),
        "hours_covered": rows["time_utc"].dt.truncate("1h").n_unique(),
        "hours_expected": hours_of(day, time_zone),
        **{name: counts[name] for name in FOUND},
        "cells_seen": numbers.filter(numbers >= 0).n_unique(),
        "cells_valid": plan.on_air(operator, day),
        **_largest(sorted_events[0], flag),
    }


def _devices(users: npt.NDArray[np.int64]) -> int:
    """How many devices sorted events are of."""
    return int(np.count_nonzero(np.diff(users))) + bool(len(users))


def _largest(users: npt.NDArray[np.int64], flag: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Return which share of the events the device with most has, and the two with most; NaN of no events."""
    is_of = {name: pl.col("flag") == FLAGS.index(name) for name in FOUND}
    devices = (
        pl.DataFrame({"user": users, "flag": flag})
        .group_by("user")
        .agg(events=pl.len(), **{name: flagged.sum() for name, flagged in is_of.items()})
    )
    named = {key: each for name in ("events", *FOUND) for key, each in largest_of(pl.col(name), name).items()}
    return devices.select(**named).row(0, named=True)


def _silent(cells: pl.DataFrame, days: pl.DataFrame, busy_events: int) -> pl.DataFrame:
    """Cells by operator and day that are busy on the median day, and have no event on this one."""
    n_days = days.group_by("operator").agg(n_days=pl.len())
    # Days without an event count as zero in the median.
    usual = cells.join(n_days, on="operator").group_by("operator", "cell").agg(
        zeros=pl.col("n_days").first() - pl.len(), median=pl.col("events").median()
    )  # fmt: skip
    busy = usual.join(n_days, on="operator").filter(
        (pl.col("median") >= busy_events) & (pl.col("zeros") < pl.col("n_days") / 2)
    )
    due = days.join(busy.select("operator", "cell"), on="operator")
    missing = due.join(cells, on=["operator", "event_date", "cell"], how="anti")
    counted = missing.group_by("operator", "event_date").agg(cells_silent=pl.len().cast(pl.Int64()))
    return days.join(counted, on=["operator", "event_date"], how="left").with_columns(
        pl.col("cells_silent").fill_null(0)
    )
