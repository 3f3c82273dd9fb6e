"""What a day of events is worth: hours covered, masts that fell silent, and what cleaning finds in it."""

import math
from datetime import UTC, date, datetime, timedelta
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
EVENT = ("operator", "user", "time_utc", "cell_id", "plmn")
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
        Rows of `mobile/phone_events`; without plmn none is abroad.
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
    first_forms = plan.first_forms
    said = [name for name in EVENT if name in events.collect_schema()]
    found, cells = [], []
    for day in days:
        of_day = events.filter(event_date=day).select(said).collect()
        for (operator,), rows in of_day.group_by("operator", maintain_order=True):
            numbers = plan.numbers(rows)
            known = first_forms.gather(numbers.filter(numbers >= 0))
            on_air = plan.on_air(str(operator), *local_day(day, time_zone)).join(
                known.value_counts(name="events"), on="cell", how="left"
            )
            of_cells = {"cells_seen": known.n_unique(), "cells_valid": len(on_air)}
            found.append(_day(str(operator), day, rows, numbers, plan, cleaning, time_zone) | of_cells)
            cells.append(on_air.with_columns(operator=pl.lit(operator), event_date=pl.lit(day)))
    if not found:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.Int64()))
    described = pl.DataFrame(found).cast({"hours_covered": pl.Int16(), "hours_expected": pl.Int16()})
    silent = _silent(pl.concat(cells), parameters.busy_cell_events)
    return (
        described.join(silent, on=["operator", "event_date"], how="left")
        .with_columns(pl.col("cells_silent").fill_null(0))
        .select(COLUMNS)
        .sort("operator", "event_date")
    )


def local_day(day: date, time_zone: str = TIME_ZONE) -> tuple[datetime, datetime]:
    """Return the moments, of UTC, at which a local day begins and ends."""
    zone = ZoneInfo(time_zone)
    begins, ends = (
        datetime.combine(each, datetime.min.time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1))
    )
    return begins, ends


def hours_of(day: date, time_zone: str = TIME_ZONE) -> int:
    """Return how many hours of a local day begin: 23 or 25 where the clock changes."""
    begins, ends = local_day(day, time_zone)
    return math.ceil((ends - begins) / timedelta(hours=1))


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
    hour = (pl.col("time_utc") - local_day(day, time_zone)[0]).dt.total_hours()
    counts = dict(zip(FLAGS, np.bincount(flag, minlength=len(FLAGS)).tolist(), strict=True))
    return {
        "operator": operator,
        "event_date": day,
        "events": len(rows),
        "devices_seen": _devices(sorted_events[0][counts_on(flag)]),
        "hours_covered": rows.select(hour.n_unique()).item(),
        "hours_expected": hours_of(day, time_zone),
        **{name: counts[name] for name in FOUND},
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


def _silent(cells: pl.DataFrame, busy_events: int) -> pl.DataFrame:
    """Count by operator and day the cells that are busy on their median day, and have no event on this one.

    Days are those throughout which a cell is on the air: of one that is switched on or off nothing is due.
    """
    due = cells.filter("at_both_ends")
    # A day without an event counts as zero, and of two days in the middle the one with fewer events.
    busy = due.group_by("cell").agg(median=pl.col("events").fill_null(0).quantile(0.5, "lower"))
    silent = due.filter(pl.col("events").is_null()).join(
        busy.filter(pl.col("median") >= busy_events), on="cell", how="semi"
    )
    return silent.group_by("operator", "event_date").agg(cells_silent=pl.len().cast(pl.Int64()))
