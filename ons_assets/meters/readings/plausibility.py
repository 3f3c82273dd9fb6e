"""Whether the homes of a file use what homes use: a wrong unit shows as a factor of 2, 1,000 or 1/1,000."""

from dataclasses import dataclass

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.parameters.meters import Readings

# Homes differ, by their heating more than by anything; the median of a few says something.
SOME_HOMES = 3
POWER = "power in kW that is taken for kWh is twice the energy"
TWICE_AND_MORE = 4


@dataclass(frozen=True)
class Verdict:
    """What is said of a file: a sentence if something is odd, and whether the file is refused for it."""

    sentence: str | None = None
    refuses: bool = False


def kwh_per_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what each meter used in the days of some rows: meter, kwh, readings.

    Sums of parts can be added up, so that a large file is judged bucket by bucket.
    """
    values = pl.col("readings_kwh").list.eval(pl.element().fill_nan(None))
    return (
        rows.select(
            "meter",
            kwh=values.list.eval(pl.element().cast(pl.Float64)).list.sum(),
            readings=values.list.drop_nulls().list.len(),
        )
        .group_by("meter")
        .agg(exact_sum("kwh"), pl.col("readings").sum())
        .filter(pl.col("readings") > 0)
    )


def judge(used: pl.DataFrame, parameters: Readings) -> Verdict:
    """Hold the median home of a file against a plausible one.

    Parameters
    ----------
    used
        As from `kwh_per_day`, one row a meter.
    parameters
        `plausible_day_kwh`, `warn_factor`, `refuse_factor`, `judged_homes`.

    Returns
    -------
    Verdict
        Too much is always held against the file, of one or two homes only if it is twice as much as of more;
        too little only if it has `judged_homes` homes, since a single home may stand empty. The factor is named
        only where there are as many homes.
    """
    # A few evening hours are no day: of shorter readings only what is wholly implausible is told.
    whole_days = used.filter(pl.col("readings") >= SLOTS)
    used = whole_days if len(whole_days) else used
    homes = len(used)
    if not homes:
        return Verdict()
    median = float((used["kwh"] / used["readings"]).median() or 0) * SLOTS  # type: ignore[arg-type]
    factor = abs(median) / parameters.plausible_day_kwh
    many = homes >= parameters.judged_homes
    warned = parameters.warn_factor * (1 if homes >= SOME_HOMES else 2)
    if factor > (warned if len(whole_days) else parameters.refuse_factor):
        how = f"{factor:.3g} times" if many else "far more than"
        sentence = f"the median of {homes} homes uses {how} what is plausible in a day: is the unit right?"
        sentence += f" {POWER}" if factor < TWICE_AND_MORE else ""
        return Verdict(sentence, refuses=factor > parameters.refuse_factor)
    if many and factor < 1 / (parameters.low_factor if len(whole_days) else parameters.refuse_factor):
        sentence = f"the median of {homes} homes uses {factor:.3g} times what is plausible in a day: is the unit right?"
        return Verdict(sentence, refuses=factor < 1 / parameters.refuse_factor)
    return Verdict()
