"""Days held against those before them: control limits by mean and spread, and warnings where a figure is beyond."""

from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
from scipy.special import stdtrit

from ons_assets.parameters.geography import TIME_ZONE
from ons_assets.parameters.mobile_network import QualityWarningParameters
from ons_assets.parameters.mobile_presence import PermanenceParameters

ABOVE_LIMIT, BELOW_LIMIT, ABOVE_VALUE = "above_limit", "below_limit", "above_value"
EVENTS, NETWORK, SEMANTICS = "events", "network", "semantics"
ALL = "all"
WEEKDAY, WEEKEND, HOLIDAY = "weekday", "weekend", "holiday"
SCHEMA = {
    "operator": pl.String(), "day": pl.Date(), "quality_of": pl.String(), "measure": pl.String(),
    "error_code": pl.Int16(), "value": pl.Float64(), "mean": pl.Float64(), "lower_limit": pl.Float64(),
    "upper_limit": pl.Float64(), "days_compared": pl.Int16(), "out_of_order": pl.String(),
}  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """A figure of a day.

    Parameters
    ----------
    name, quality_of, error_code
        As the table has them. Codes 1 to 7 are multimno's of cleaning where it has them.
    count
        Column that is counted.
    of
        Column of which it is a share; None of a number, that may be too low as well.
    of_use
        Whether it is how much phones are used: no public holiday is in that quite as a weekend.
    """

    name: str
    quality_of: str
    error_code: int
    count: str
    of: str | None = None
    of_use: bool = False


MEASURES = (
    Measure("unknown_cell_share", SEMANTICS, 1, "unknown_cell", "events"),
    Measure("cell_not_valid_share", SEMANTICS, 2, "cell_not_valid", "events"),
    Measure("too_fast_share", SEMANTICS, 3, "too_fast", "events"),
    Measure("suspicious_share", SEMANTICS, 4, "suspicious", "events"),
    Measure("two_places_share", SEMANTICS, 5, "two_places", "events"),
    Measure("ping_pong_share", SEMANTICS, 6, "ping_pong", "events"),
    Measure("duplicates_share", SEMANTICS, 7, "duplicates", "events"),
    Measure("events", EVENTS, 101, "events", of_use=True),
    Measure("devices_seen", EVENTS, 102, "devices_seen"),
    Measure("hours_missing_share", EVENTS, 103, "hours_missing", "hours_expected"),
    Measure("cells_seen", NETWORK, 201, "cells_seen"),
    Measure("cells_valid", NETWORK, 202, "cells_valid"),
    Measure("cells_silent_share", NETWORK, 203, "cells_silent", "cells_valid"),
)
OF_RECORDS = {
    "phone_events": Measure("records_rejected_share", EVENTS, 104, "rejected", "records"),
    "cells": Measure("records_rejected_share", NETWORK, 204, "rejected", "records"),
}


def quality_warnings(
    quality: pl.DataFrame,
    ledger: pl.DataFrame | None = None,
    parameters: QualityWarningParameters | None = None,
    permanence: PermanenceParameters | None = None,
    time_zone: str = TIME_ZONE,
) -> pl.DataFrame:
    """Hold each figure of each day against those of the days before it that are of its kind.

    Weekdays are held against weekdays and weekends against weekends, without public holidays. A holiday is held against
    weekends and other holidays; its events may differ from theirs by so much more as `holiday_margin` says.

    Parameters
    ----------
    quality
        Rows of `mobile/event_quality`. A figure that is withheld is not held against anything.
    ledger
        Rows of `governance/drop_ledger`, for the records of files that were rejected; by the day that a file of events
        is of, where it is of one, and else by the day on which it came, under the operator "all".
    parameters
        How many days are looked back at, and what is too much; None for the defaults.
    permanence
        Which days of the week are the weekend, and which days are public holidays; None for the defaults.
    time_zone
        Of the local clock: a file came on a day of it.

    Returns
    -------
    pl.DataFrame
        The columns of `mobile/quality_warnings`. Sorted.
    """
    parameters, permanence = parameters or QualityWarningParameters(), permanence or PermanenceParameters()
    days = quality.with_columns(
        hours_missing=pl.max_horizontal(pl.col("hours_expected") - pl.col("hours_covered"), 0), day="event_date"
    )
    rows = [
        row
        for (operator,), of_operator in days.group_by("operator", maintain_order=True)
        for measure in MEASURES
        for row in _charted(str(operator), of_operator, measure, parameters, permanence)
    ]
    if ledger is not None:
        for source, measure in OF_RECORDS.items():
            rows += _charted(ALL, _records(ledger, source, time_zone), measure, parameters, permanence)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("operator", "day", "quality_of", "error_code")


def _records(ledger: pl.DataFrame, source: str, time_zone: str) -> pl.DataFrame:
    """Records and rejected ones by day, of files that were read."""
    one_day = pl.col("local_days").list.len() == 1
    came = pl.col("received_utc").dt.convert_time_zone(time_zone).dt.date()
    own = pl.when(one_day).then(pl.col("local_days").list.first()).otherwise(came)
    read = ledger.filter(source=source).drop_nulls("parsed_rows").filter(pl.col("parsed_rows") > 0)
    return read.group_by(day=own).agg(
        records=pl.col("parsed_rows").sum(), rejected=pl.col("quarantined_rows").fill_null(0).sum()
    )


def _charted(
    operator: str,
    days: pl.DataFrame,
    measure: Measure,
    parameters: QualityWarningParameters,
    permanence: PermanenceParameters,
) -> Iterator[tuple[object, ...]]:
    needed = [measure.count, *([measure.of] if measure.of else [])]
    told = days.select("day", *(pl.col(name).cast(pl.Float64()) for name in needed)).drop_nulls().sort("day")
    if measure.of:
        told = told.filter(pl.col(measure.of) > 0)
    dates: list[date] = told["day"].to_list()
    count = told[measure.count].to_numpy()
    whole = told[measure.of].to_numpy() if measure.of else np.ones(len(dates))
    holidays = set(permanence.holidays)
    kind = np.array([_kind(day, permanence.weekend, holidays) for day in dates])
    for at, day in enumerate(dates):
        since = bisect_left(dates, day - timedelta(days=parameters.look_back_days))
        is_holiday = kind[at] == HOLIDAY
        alike = kind[since:at] != WEEKDAY if is_holiday else kind[since:at] == kind[at]
        before = since + np.flatnonzero(alike)
        value = float(count[at] / whole[at])
        mean = low = high = None
        if len(before) >= parameters.least_days:
            mean, low, high = _limits(count[before], whole[before], whole[at], measure.of is not None, parameters.level)
            if is_holiday and measure.of_use and low is not None:
                more = parameters.holiday_margin * mean
                low, high = max(low - more, 0.0), high + more
        warning = _warning(value, low, high, measure, parameters)
        yield (
            operator, day, measure.quality_of, measure.name, measure.error_code, value, mean, low, high, len(before),
            warning,
        )  # fmt: skip


def _kind(day: date, weekend: Collection[int], holidays: Collection[date]) -> str:
    if day in holidays:
        return HOLIDAY
    return WEEKEND if day.weekday() in weekend else WEEKDAY


def _limits(
    count: np.ndarray, whole: np.ndarray, today: float, is_share: bool, level: float
) -> tuple[float, float | None, float]:
    """Return the mean of earlier days, and the limits between which the next one lies with a probability.

    The spread is that of the days, and no less than chance alone makes: of a count its root, of a share that of so many
    as are looked at today. A limit is one event beyond, since counts are whole.
    """
    values = count / whole
    n = len(values)
    mean = float(values.mean())
    spread = float(values.std(ddof=1))
    if is_share:
        likely = (count.sum() + 0.5) / (whole.sum() + 1)
        chance = np.sqrt(likely * (1 - likely) / today) if likely < 1 else 0.0
    else:
        chance = np.sqrt(mean)
    reach = float(_quantile(level, n - 1) * max(spread, chance) * np.sqrt(1 + 1 / n))
    one = 1 / today if is_share else 1.0
    low = None if is_share else max(mean - reach - one, 0.0)
    return mean, low, mean + reach + one


@cache
def _quantile(level: float, degrees: int) -> float:
    """Half the width of the interval of Student's t that has a probability."""
    return float(stdtrit(degrees, (1 + level) / 2))


def _warning(
    value: float, low: float | None, high: float | None, measure: Measure, parameters: QualityWarningParameters
) -> str | None:
    if measure.of is not None and value > parameters.most_share:
        return ABOVE_VALUE
    if high is not None and value > high:
        return ABOVE_LIMIT
    return BELOW_LIMIT if low is not None and value < low else None
