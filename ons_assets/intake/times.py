"""Times as files write them, on the clock that their layout says: moments in UTC, and local days."""

import re
from dataclasses import dataclass

import polars as pl

from ons_assets.intake.layouts import Layout, completion

EPOCHS = {"epoch": 1_000_000, "epoch-ms": 1_000}
EPOCH_MS_FROM = 1e11
ZONED = re.compile(r"%[:#]?z|%\+")
# The end of a day, and in files of some German grid operators the hour that the clock shows twice.
MIDNIGHT_24 = r"(^|[ T])24:00(:00)?\b"
TWICE = r"\b2([AB])(:\d\d)"
TIME_OF_DAY = r"\d[T ]\d{1,2}:\d{2}"


@dataclass(frozen=True)
class Moments:
    """Moments of a column, in UTC.

    Parameters
    ----------
    early, late
        The same, but for an hour that the clock shows twice: then the first and the second of the two.
        Null where a time is missing, has none of the formats, or is one that the clock skips.
    """

    early: pl.Series
    late: pl.Series

    @property
    def are_ambiguous(self) -> bool:
        """Whether a time lies in an hour that comes twice."""
        return bool((self.early != self.late).any())


def moments(column: pl.Series, layout: Layout, zone: str | None = None) -> Moments:
    """Return the moments of a column of times.

    Parameters
    ----------
    column
        Text or numbers in one of `layout.time_formats`, dates, or times with or without a zone.
    zone
        Of times that do not say one; the layout's, if it is not given. Without any, such times are null.
    """
    zone = layout.zone if layout.zone is not None else zone
    column = _digits(column)
    if column.dtype == pl.String():
        return _of_text(column, layout, zone)
    if column.dtype == pl.Date():
        column = column.cast(pl.Datetime("us"))
    if isinstance(column.dtype, pl.Datetime):
        column = column.dt.cast_time_unit("us")
        if column.dtype.time_zone is not None:  # type: ignore[attr-defined]
            utc = column.dt.convert_time_zone("UTC")
            return Moments(utc, utc)
        return _on_clock(column, zone)
    return _none(column)


def say_zone(layout: Layout) -> bool:
    """Return whether each format of the times of a layout says their zone."""
    return all(form in EPOCHS or ZONED.search(form) for form in layout.time_formats)


def without_zone(column: pl.Series, layout: Layout) -> pl.Series:
    """Return what the clock showed, where a column says no zone; null elsewhere."""
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None:
        return column.dt.cast_time_unit("us")
    column = _digits(column)
    if column.dtype != pl.String():
        return _nothing(column, pl.Datetime("us"))
    text = column.str.strip_chars()
    forms = [form for form in layout.time_formats if form not in EPOCHS and not ZONED.search(form)]
    read = [_naive(text, form) for form in forms] or [_nothing(column, pl.Datetime("us"))]
    return pl.select(pl.coalesce(read)).to_series()


def days(column: pl.Series, layout: Layout) -> pl.Series:
    """Return the days of a column of dates, or of times of which only the day counts; null if there is none."""
    column = _digits(column)
    if column.dtype != pl.String():
        # A duration or a time of day is temporal too, and no day.
        is_day = column.dtype in (pl.Date, pl.Datetime)
        return column.cast(pl.Date(), strict=False) if is_day else _nothing(column, pl.Date())
    text = column.str.strip_chars()
    found = [_naive(text, form).dt.date() for form in layout.date_formats]
    written = [form for form in layout.time_formats if form not in EPOCHS]
    found += [text.str.to_datetime(form, strict=False).dt.date() for form in written if not ZONED.search(form)]
    found.append(text.str.extract(r"^(\d{4}-\d{2}-\d{2})([ T].*)?$").str.to_date("%Y-%m-%d", strict=False))
    return pl.select(pl.coalesce(found)).to_series().alias(column.name)


def column_days(rows: pl.DataFrame, name: str, layout: Layout) -> pl.Series:
    """Return a column of some rows as `days` does; null where the file has no such column.

    Parameters
    ----------
    rows
        Rows as text.
    name
        Name of the column.
    layout
        Forms of its dates.
    """
    if name in rows.columns:
        return days(rows[name], layout)
    return pl.Series(name, [None], dtype=pl.Date()).new_from_index(0, len(rows))


def beginnings(days: pl.Series, zone: str) -> pl.Series:
    """Return the first moments of days, in UTC: midnight, or the moment at which the clock skips it.

    Parameters
    ----------
    days
        Dates.
    zone
        Of the clock.
    """
    midnight = days.cast(pl.Datetime("us"))
    noon_before = _on_clock(midnight.dt.offset_by("-12h"), zone).early
    return pl.select(pl.coalesce(_on_clock(midnight, zone).early, noon_before.dt.offset_by("12h"))).to_series()


def column_bounds(rows: pl.DataFrame, name: str, layout: Layout, zone: str, *, ends: bool = False) -> pl.Series:
    """Return moments from which on, or until which, something holds, in UTC; null where none is said or can be read.

    Parameters
    ----------
    rows
        Rows as text, or as typed in their file.
    name
        Name of the column.
    layout
        Forms of its times and days.
    zone
        Of days, and of times that say none, if the layout says no zone.
    ends
        A day is its beginning on the clock of the zone, as `beginnings` has it; of an end that is a day, the day
        counts, and this is the beginning of the next. A time of day is that moment, midnight too.
    """
    if name not in rows.columns:
        return pl.Series(name, [None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(rows))
    column = _digits(rows[name])
    zone = layout.zone or zone
    day = days(column, layout)
    of_day = beginnings(day.dt.offset_by("1d") if ends else day, zone)
    if column.dtype != pl.String():
        moment = _none(column).early if column.dtype == pl.Date() else moments(column, layout, zone).early
    else:
        text = column.str.strip_chars()
        has_time = text.str.contains(TIME_OF_DAY).fill_null(False) | text.str.contains(r"^\d{9,14}$").fill_null(False)
        said = text.set(~has_time, None)
        iso = said.str.replace(r"^(\d{4}-\d{2}-\d{2}) ", "${1}T").str.replace(
            r"([T ]\d{2}:\d{2})($|[Z+-])", "${1}:00${2}"
        )
        zoned = iso.str.replace(r"[Zz]$", "+00:00").str.to_datetime(
            "%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False
        )
        bare = _on_clock(iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False), zone).early
        moment = pl.select(pl.coalesce(moments(said, layout, zone).early, zoned, bare)).to_series()
        # What says a time of day that cannot be read is no day.
        of_day = of_day.set(has_time, None)
    return pl.select(pl.coalesce(moment, of_day)).to_series().alias(name)


def _of_text(column: pl.Series, layout: Layout, zone: str | None) -> Moments:
    text = column.str.strip_chars()
    of_midnight = text.str.contains(MIDNIGHT_24).fill_null(False)
    second = text.str.extract(TWICE) == "B"
    plain = text.str.replace(MIDNIGHT_24, "${1}00:00${2}").str.replace(TWICE, "02${2}")
    early, late = _none(column).early, _none(column).late
    for form in layout.time_formats:
        if form in EPOCHS:
            utc = _of_epoch(plain.cast(pl.Float64(), strict=False), form, layout)
            read = Moments(utc, utc)
        elif ZONED.search(form):
            zoned = plain.str.replace(r"\s*([Zz]|UTC|GMT)$", "+00:00")
            utc = zoned.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
            utc = utc.zip_with(~of_midnight, utc.dt.offset_by("1d")) if of_midnight.any() else utc
            read = Moments(utc, utc)
        else:
            said, ends_day = plain, of_midnight
            if form.endswith("%H") and completion(form) != ("", ""):
                said, ends_day = plain.str.replace(r"\b24$", "00"), plain.str.contains(r"\b24$").fill_null(False)
            naive = _naive(said, form)
            naive = naive if naive.dtype.time_zone is None else naive.dt.replace_time_zone(None)  # type: ignore[attr-defined]
            later = naive.dt.offset_by("1d")
            read = _on_clock(naive.zip_with(~ends_day, later) if ends_day.any() else naive, zone)
        early, late = (pl.select(pl.coalesce(a, b)).to_series() for a, b in ((early, read.early), (late, read.late)))
    if second.any():
        early = early.zip_with(~second.fill_null(False), late)
    first = (text.str.extract(TWICE) == "A").fill_null(False)
    if first.any() or second.any():
        late = late.zip_with(~first, early)
    return Moments(early.alias(column.name), late.alias(column.name))


def _naive(text: pl.Series, form: str) -> pl.Series:
    """Times without a zone; a form without a day means the first of a month, one without a minute the full hour."""
    more, more_form = completion(form)
    text, form = (text + more, form + more_form) if more else (text, form)
    return text.str.to_datetime(form, time_unit="us", strict=False, exact=True)


def _on_clock(naive: pl.Series, zone: str | None) -> Moments:
    if zone is None:
        return _none(naive)
    early = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    late = naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone("UTC")
    return Moments(early, late)


def _digits(column: pl.Series) -> pl.Series:
    """Numbers as text: seconds since 1970, and days such as 20160721."""
    if not column.dtype.is_numeric():
        return column
    whole = (column.cast(pl.Float64()) == column.cast(pl.Int64(), strict=False)).fill_null(False)
    digits = column.cast(pl.Int64(), strict=False).cast(pl.String())
    return digits.zip_with(whole, column.cast(pl.String())).alias(column.name)


def _of_epoch(number: pl.Series, form: str, layout: Layout) -> pl.Series:
    if EPOCHS.keys() <= {*layout.time_formats}:
        # Of the two the size decides: as seconds it would be a moment of the year 5138, or of 1970 to 1973.
        number = number.set(((number.abs() >= EPOCH_MS_FROM) == (form == "epoch")).fill_null(False), None)
    micros = (number * EPOCHS[form]).cast(pl.Int64(), strict=False)
    return micros.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _none(column: pl.Series) -> Moments:
    nothing = _nothing(column, pl.Datetime("us", "UTC"))
    return Moments(nothing, nothing)


def _nothing(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.Series(column.name, [None], dtype=dtype).new_from_index(0, len(column))
