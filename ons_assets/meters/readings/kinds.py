"""What a layout says of readings: what they are once they are placed, and whether it says all that is needed."""

from fnmatch import fnmatchcase

from ons_assets.intake.layouts import Layout
from ons_assets.meters.readings.placed import ReadingKind
from ons_assets.parameters.meters import Readings

PER_KWH: dict[str, float] = {"kwh": 1.0, "wh": 0.001, "mwh": 1000.0}
PER_KW: dict[str, float] = {"kw": 1.0, "w": 0.001}
PER_KW_UNITS = ("kW", "W")
CUBIC_METRES = ("m3", "m³")
CER_FIELDS = frozenset({"meter", "code", "value"})


def kind(layout: Layout, parameters: Readings, time_zone: str) -> ReadingKind:
    """Return what the readings of files of a layout are.

    Parameters
    ----------
    layout
        Of the files.
    parameters
        The zone of homes of the CER trial, and the largest half hour.
    time_zone
        Of other homes, where the layout does not say it.
    """
    zone = parameters.cer_zone if layout.format == "cer" else time_zone
    return ReadingKind(
        layout.name,
        layout.local_zone or zone,
        layout.interval_minutes,
        layout.reading == "register",
        layout.least_coverage,
        parameters.max_half_hour_kwh,
    )


def whose(layout: Layout) -> str:
    """Return the trial under whose name meters are pseudonymised."""
    return layout.trial or layout.name


def kwh_factor(layout: Layout, unit: str) -> float | None:
    """Return what turns a value of a unit into kWh of the interval; None if the unit is unknown."""
    unit = unit.strip().lower()
    if unit in PER_KWH:
        return PER_KWH[unit]
    if unit in PER_KW and layout.reading == "interval":
        return PER_KW[unit] * layout.interval_minutes / 60
    if unit in CUBIC_METRES:
        return layout.kwh_per_m3
    return None


def quality(layout: Layout, flag: str) -> str | None:
    """Return what a flag of quality means, as the first pattern of the layout that it matches says."""
    return next((meaning for pattern, meaning in layout.quality.items() if fnmatchcase(flag, pattern)), None)


def of_interval(layout: Layout, minutes: int) -> Layout:
    """Return the layout for a file whose rows say how long their intervals are.

    Raises
    ------
    ValueError
        If half hours and hours cannot be made of such intervals.
    """
    if minutes < 1 or minutes > 60 or 60 % minutes or (minutes < 60 and 30 % minutes):
        raise ValueError("no part of a half hour, and no hour")
    return layout.model_copy(update={"interval_minutes": minutes})


def lacks_of_cer(layout: Layout) -> str | None:
    """Say what a layout of text of the CER trial leaves open; None if it says everything."""
    return (
        None if layout.origins.keys() >= CER_FIELDS else "text of the CER trial has the columns meter, code and value"
    )


def contradicts(layout: Layout) -> str | None:
    """Say what of a layout that says all that is needed does not go together; None if all does."""
    fields = layout.origins.keys()
    if layout.day_columns and fields & {"time", "slot", "value"}:
        return "with day_columns it says the column of the date, and none of time, slot or value"
    if "time" in fields and fields >= {"date", "slot"}:
        return "it must say the column of the time, or those of date and slot"
    if layout.tolerance_seconds >= layout.interval_minutes * 30:
        return "tolerance_seconds must be less than half of the interval"
    if layout.unit == "m3" and layout.kwh_per_m3 is None:
        return "the unit m3 needs kwh_per_m3"
    if layout.reading == "register" and "time" not in fields:
        return "a register needs the column of the time"
    if layout.reading == "register" and layout.unit in PER_KW_UNITS:
        return "a register counts energy: kWh, Wh, MWh or m3"
    return None
