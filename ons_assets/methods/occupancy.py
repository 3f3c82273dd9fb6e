"""`occupancy_probabilities`: how likely somebody is at home, from electricity alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from ons_assets.meters.occupancy import Method, occupancy_table, population_of_parts
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.methods.arguments import held
from ons_assets.methods.choices import chosen
from ons_assets.methods.frames import Frame, distinct, known, local_times, none_is, numbers, taken
from ons_assets.parameters.meters import OccupancyParameters

READINGS = "readings"
KEY = ("meter", "start")
# Of a home; a reading in Wh is far below it, too.
MOST_KWH = 1_000_000
AGAIN = (
    "; where it is the hour that comes twice when the clock goes back,"
    ' .group_by("meter", "start").agg(pl.mean("energy_kwh")) makes one of them, as the system does'
)


def occupancy_probabilities(
    readings: Frame, *, method: Method = "hmm", parameters: Mapping[str, Any] | None = None
) -> pl.DataFrame:
    """Say of each half hour of each home how likely somebody is in, awake or asleep.

    Parameters
    ----------
    readings
        A frame with the columns

        - ``meter``: which home, of any type;
        - ``start``: when the half hour begins, by the local clock and without a zone; on the full or half hour;
        - ``energy_kwh``: energy used in the half hour, in kWh. Null, NaN and what is negative (export) is no reading.

        One row for each half hour; days and half hours may be missing.
    method
        ``"hmm"``, ``"mixture"``, ``"geoma"`` or ``"threshold"``; none of them needs labels. With ``"hmm"`` what is
        usual in all homes that are given tells a quiet home from an empty one, so that homes of one kind are best
        given together.
    parameters
        Values that take the place of defaults, by the names that `[meters.occupancy]` has in docs/parameters.md,
        such as ``{"hmm": {"evidence": 0.5}}``.

    Returns
    -------
    polars.DataFrame
        ``meter``, ``start`` and ``occupied_probability`` (0 to 1; null where there is no reading, or nothing to go
        by), a row for each reading, in their order.

    Raises
    ------
    TypeError
        If `readings` is no frame.
    ValueError
        If a column is missing or of the wrong type; if a meter or start is not known; if a start is not on the half
        hour; if a half hour comes twice; if there are no rows; if the method or a parameter is not known, or not
        allowed.

    See Also
    --------
    docs/methods/occupancy.md : The methods, and how often each is right.
    ons_assets.meters.occupancy.occupancy_probabilities : The same of one home, as an array of (days, 48).

    References
    ----------
    Kleiminger, Beckel, Staake and Santini (2013), "Occupancy detection from electricity consumption data", BuildSys
    2013. Rabiner (1989), "A tutorial on hidden Markov models", Proceedings of the IEEE 77.

    Examples
    --------
    Two weeks of a home that uses little but from 18:00 to 22:00:

    >>> from datetime import datetime
    >>> import ons_assets
    >>> import polars as pl
    >>> start = pl.datetime_range(datetime(2026, 3, 2), datetime(2026, 3, 15, 23, 30), "30m", eager=True)
    >>> readings = pl.DataFrame({"meter": "a", "start": start}).with_columns(
    ...     energy_kwh=pl.when(pl.col("start").dt.hour().is_between(18, 21)).then(0.6).otherwise(0.05)
    ... )
    >>> found = ons_assets.occupancy_probabilities(readings)
    >>> monday = found.filter(pl.col("start").is_in([datetime(2026, 3, 9, 13), datetime(2026, 3, 9, 20)]))
    >>> [probability > 0.5 for probability in monday["occupied_probability"]]
    [False, True]
    """
    held(occupancy_probabilities, method=method, parameters=parameters)
    if "method" in (parameters or {}):
        raise ValueError("parameters: the method is an argument of its own, method")
    options = chosen(OccupancyParameters(), {**(parameters or {}), "method": method})
    frame = known(taken(readings, READINGS, (*KEY, "energy_kwh")), READINGS, KEY)
    frame = local_times(numbers(frame, READINGS, ("energy_kwh",)), READINGS, ("start",))
    none_is(
        frame["energy_kwh"].fill_nan(None) > MOST_KWH,
        READINGS,
        f"above {MOST_KWH:,} kWh, which no half hour of a home has",
    )
    frame = distinct(frame, READINGS, KEY, AGAIN)
    none_is(frame["start"] != frame["start"].dt.truncate("30m"), READINGS, "not on the half hour")
    placed = frame.select(
        meter=pl.col("meter").rank("dense").cast(pl.Int64()),
        day=pl.col("start").dt.date(),
        slot=pl.col("start").dt.hour().cast(pl.Int64()) * 2 + pl.col("start").dt.minute() // 30,
        kwh=pl.when(pl.col("energy_kwh") >= 0).then("energy_kwh").cast(pl.Float32()).fill_null(float("nan")),
    )
    days = placed.select("meter", "day").unique().sort("meter", "day")
    at = placed.select("meter", "day").join(
        days.with_row_index("row_"), on=["meter", "day"], how="left", maintain_order="left"
    )
    row, slot = at["row_"].to_numpy(), placed["slot"].to_numpy()
    kwh = np.full((len(days), SLOTS), np.nan, dtype=np.float32)
    kwh[row, slot] = placed["kwh"].to_numpy()
    half_hours = days.with_columns(
        bucket=0, layout=pl.lit(""), kwh=pl.Series(kwh, dtype=pl.Array(pl.Float32(), SLOTS)).arr.to_list()
    )
    homes = population_of_parts([half_hours], options)
    told = occupancy_table(half_hours, options, homes)["occupied_probability"]
    found = told.list.to_array(SLOTS).to_numpy()[row, slot]
    return frame.select(*KEY, occupied_probability=pl.Series(found, dtype=pl.Float32()).fill_nan(None))
