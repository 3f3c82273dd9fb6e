"""What homes bring to the figures of their areas: shares of months and hours, by home and then over homes."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.meters.absence.vacancy import UNKNOWN
from ons_assets.meters.areas.fieldwork import fieldwork, presence_when_called
from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.meters.half_hours.clock_face import as_array
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import AreaParameters, FieldworkParameters

# Share of the days of a month in each state.
STATES_OF = {
    "lived_in": ("occupied", "holiday"),
    "in_use": ("occupied",),
    "on_holiday": ("holiday",),
    "vacant": ("vacant",),
    "second_home": ("second_home", "second_home_stay"),
}
EMPTY = ("holiday", "vacant", "second_home")
# Mean over half hours of the probability that somebody is in.
PRESENCE = "somebody_at_home"


def area_tables(
    parts: Iterable[Sequence[pl.DataFrame]],
    areas: pl.DataFrame,
    holidays: Collection[date] = (),
    area: AreaParameters | None = None,
    calls: FieldworkParameters | None = None,
    dwellings: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Make the figures of areas, and the hours at which to call.

    Parameters
    ----------
    parts
        Rows of `meters/occupancy_probabilities`, of `meters/vacancy` and of `meters/daily_absence`, some meters at a
        time.
    areas
        `meter`, `area_code`.
    holidays
        Public holidays, counted as sundays.
    area
        Level of the intervals, and errors of the models.
    calls
        Hours in which to call, and homes that are called on.
    dwellings
        `area_code`, `dwellings` of areas, if they are counted.

    Returns
    -------
    occupancy, fieldwork : DataFrame
        Rows of `meters/area_occupancy` and `meters/fieldwork` before their disclosure steps; none if no meter has an
        area.
    """
    months, hours = [_NO_MONTHS], [_NO_HOURS]
    for probabilities, spells, absence in parts:
        months.append(home_months(probabilities, days_of(spells)))
        hours.append(presence_when_called(probabilities, absence, holidays, calls))
    of_months = pl.concat(months)
    metered = areas.select("meter", "area_code").join(of_months, on="meter", how="semi")
    placed = of_months.join(metered, on="meter")
    area = area or AreaParameters()
    is_presence = pl.col("measure") == PRESENCE
    error = pl.when(is_presence).then(area.presence_error).otherwise(area.absence_error)
    return (
        area_occupancy(placed, area, by=("month", "measure"), dwellings=dwellings, error=error),
        fieldwork(pl.concat(hours), metered, calls, area, dwellings),
    )


_NO_MONTHS = pl.DataFrame(
    schema={"meter": pl.Int64(), "month": pl.Date(), "measure": pl.String(), "probability": pl.Float64()}
)
_NO_HOURS = pl.DataFrame(
    schema={
        "bucket": pl.Int16(),
        "meter": pl.Int64(),
        "day_type": pl.String(),
        "hour": pl.Int8(),
        "probability": pl.Float64(),
        "days": pl.Int32(),
    }
)


def days_of(spells: pl.DataFrame) -> pl.DataFrame:
    """Return the days of rows of `meters/vacancy`, unknown ones apart: `meter`, `day`, `state`, `empty_probability`."""
    known = spells.filter(pl.col("state") != UNKNOWN)
    empty = pl.when(pl.col("state").is_in(EMPTY)).then("probability").otherwise(1 - pl.col("probability"))
    return known.select(
        "meter", day=pl.date_ranges("first_day", "last_day"), state="state", empty_probability=empty
    ).explode("day")


def homes_lived_in(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return of which share of their known days homes were lived in: `meter`, `lived_in`.

    Parameters
    ----------
    parts
        Rows of `meters/vacancy`, some meters at a time.
    """
    is_lived_in = pl.col("state").is_in(STATES_OF["lived_in"])
    none = pl.DataFrame(schema={"meter": pl.Int64(), "lived_in": pl.Float64()})
    return pl.concat([none, *(days_of(spells).group_by("meter").agg(lived_in=is_lived_in.mean()) for spells in parts)])


def home_months(probabilities: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return what each home brings to each month.

    Parameters
    ----------
    probabilities
        Rows of `meters/occupancy_probabilities`.
    days
        From `days_of`, of the same meters.

    Returns
    -------
    DataFrame
        `meter`, `month`, `measure`, `probability`: the share of the month's days in which the home was lived in, of
        these in use or on holiday, vacant, a second home; and `somebody_at_home`, the mean over the half hours that
        were read of the probability that somebody was in. On days in a spell of absence that probability counts for no
        more than the day's probability of being lived in: the model of half hours does not know absences of days.
        Null where nothing was read. All measures of a month are of the same homes.
    """
    month = pl.col("day").dt.truncate("1mo").alias("month")
    shares = days.group_by("meter", month).agg(
        pl.col("state").is_in(states).mean().alias(measure) for measure, states in STATES_OF.items()
    )
    rows = probabilities.join(days, on=["meter", "day"], how="inner", maintain_order="left")
    present = _present(rows)
    known = np.isfinite(present)
    sums = rows.select("meter", "day", month).with_columns(
        total=pl.Series(np.where(known, present, 0.0).sum(axis=1, dtype=np.float64)), count=pl.Series(known.sum(axis=1))
    )
    inside = (
        sums.sort("meter", "day")
        .group_by("meter", "month", maintain_order=True)
        .agg(pl.col("total", "count").sum())
        .select("meter", "month", somebody_at_home=pl.when(pl.col("count") > 0).then(pl.col("total") / pl.col("count")))
        .drop_nulls()
    )
    return (
        inside.join(shares, on=["meter", "month"])
        .unpivot(
            [PRESENCE, *STATES_OF],
            index=["meter", "month"],
            variable_name="measure",
            value_name="probability",
        )
        .sort("meter", "month", "measure")
    )


def _present(rows: pl.DataFrame) -> npt.NDArray[np.float32]:
    """Return the probability that somebody is at home, (rows, 48), bounded by that of the day being lived in."""
    if rows.is_empty():
        return np.empty((0, SLOTS), dtype=np.float32)
    lived_in = 1 - rows["empty_probability"].to_numpy().astype(np.float32)
    empty = rows["state"].is_in(list(EMPTY)).to_numpy()
    present = as_array(rows["occupied_probability"], SLOTS)
    return np.where(empty[:, None], np.minimum(present, lived_in[:, None]), present)
