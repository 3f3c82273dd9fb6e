r"""Layouts: one language, for every source, in which a small YAML file says how a supplier's file is read.

    name: my-utility
    files: "readings_*.csv"
    delimiter: ";"
    decimal: ","
    columns:
      meter: {file_name: 'readings_(\w+)'}     # from the name of the file
      time: {join: [Datum, Zeit]}              # from two columns
      value: {sum: [Tarif 1, Tarif 2]}         # from several values
    time_formats: ["%d.%m.%Y %H:%M"]
    zone: Europe/Vienna
    unit: kWh

What the fields of a source are called, and which of them it needs, the source says; everything else is
the same for all of them. Layouts of an office of its own lie in `<home>/layouts/<source>/` and are
tried before those that are built in.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from ons_assets.parameters.geography import known_zone

Format = Literal["delimited", "json-lines", "json", "parquet", "xlsx", "xml", "nem12", "green-button", "cer", "geojson"]
Unit = Literal["kWh", "Wh", "MWh", "kW", "W", "m3"]
Quality = Literal["read", "estimated", "substituted", "missing"]

MISSING = ("", "Null", "NULL", "null", "NA", "N/A", "NaN", "nan")
# Stands for the time zone of the installation, geography.time_zone.
LOCAL_ZONE = "local"
# Forms of months, each of which means its first day.
OF_MONTHS = ("%Y-%m", "%m/%Y", "%Y%m", "%m.%Y", "%b %Y", "%B %Y", "%Y/%m")
# A form that says an ISO week and no day means its Monday.
WEEK, WEEKDAY = re.compile(r"(?=.*%G)(?=.*%V)"), re.compile(r"%[uwaA]")
# What of a file `Origin.pattern` takes a part of.
WITH_PATTERN = ("column", "position", "join", "first")
# Forms that say an hour and no minute mean the full hour.
HOURS, MINUTES = re.compile(r"%-?[HIkl]"), re.compile(r"%-?[McRTXrsD+]")
DEFAULT_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S%.f",)


def _as_text(given: Any) -> Any:
    """YAML reads 16777215 and -99 as numbers."""
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, int | float | date):
        return given
    return f"{given:g}" if isinstance(given, float) else str(given)


def _as_texts(given: Any) -> Any:
    """One value may stand where a list is meant."""
    return [_as_text(each) for each in (given if isinstance(given, list | tuple) else [given])]


# What YAML makes of a text; a whole number is a number to a JSON Schema.
Scalar = str | float | None
Text = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=Scalar)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts, json_schema_input_type=Scalar | list[Scalar])]


class Part(BaseModel):
    """A part of a layout; nothing in it may be misspelt."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Part):
    """Where a field of a source comes from: exactly one of these says it; `pattern` may go beside."""

    column: str | None = Field(
        None, description="column of the file, by its name; of JSON, dots lead inwards, numbers from 0 into arrays"
    )
    position: int | None = Field(None, ge=1, description="column of the file, by its place, the first being 1")
    constant: Text | None = Field(None, description="the same for all rows")
    file_name: str | None = Field(None, description="pattern on the name of the file; its group is the value")
    member_name: str | None = Field(
        None, description="pattern on the name, with its folders, of the member of a .zip; its group is the value"
    )
    preamble: str | None = Field(None, description="pattern on the lines before the header; its group is the value")
    join: tuple[str, ...] = Field((), description="columns whose texts are joined by a blank, such as date and time")
    sum: tuple[str, ...] = Field((), description="columns whose numbers are added")
    first: tuple[str, ...] = Field((), description="columns of which the first that says something counts")
    pattern: str | None = Field(
        None,
        description="beside a column, a position, `join` or `first`: its group is the part that counts",
    )

    @field_validator("file_name", "member_name", "preamble", "pattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else _pattern(pattern, groups=1)

    @field_validator("pattern")
    @classmethod
    def _is_pattern_of_columns(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else _pattern_of_columns(pattern)

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Origin":
        ways = [name for name in type(self).model_fields if name != "pattern"]
        said = [name for name in ways if getattr(self, name) not in (None, ())]
        if len(said) != 1:
            raise ValueError(f"says {' and '.join(said) or 'nothing'}; one of {', '.join(ways)} is needed")
        if self.pattern is not None and said[0] not in WITH_PATTERN:
            raise ValueError(f"pattern goes with {', '.join(WITH_PATTERN)}, not with {said[0]}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the file that it reads."""
        return (self.column,) if self.column is not None else self.join or self.sum or self.first


def _as_origin(given: Any) -> Any:
    if isinstance(given, str):
        return {"column": given}
    if not isinstance(given, Mapping | Origin):
        raise ValueError("is to be the name of a column, in quotes, or where the field comes from: {position: 1}")
    return given


OriginOrName = Annotated[Origin, BeforeValidator(_as_origin, json_schema_input_type=str | Origin)]


class ContainerPart(Part):
    """Which files have the layout, and what is around their rows."""

    name: str
    files: Texts = Field(("*",), description="patterns of the names of the files")
    format: Format | None = Field(None, description="of the content; if it is not said, the first bytes say it")
    member: str = Field("*", description="pattern of the members of a .zip; each is a part of the file")
    sheet: str | int | None = Field(
        None, description="name or number of the sheet of a workbook; the first, if not said"
    )
    path: str | None = Field(
        None, description="of the rows in a JSON document, or in each of its lines, such as `data.results`"
    )
    element: str | None = Field(None, description="of XML, the element that is a row")


class TextPart(Part):
    """How delimited text is written."""

    encoding: str = Field("utf-8", description="of the text; never guessed. UTF-16 is known by its first bytes")
    delimiter: str = Field(",", description="between fields: one ASCII character, or `blanks` for any number of them")
    quote: str = Field('"', max_length=1, description="around fields; empty if there are none")
    decimal: Literal[".", ","] | None = Field(
        None,
        description="mark before decimals, in texts; if it is not said, the point, and `1,299` is no number",
    )
    thousands: Literal["", ".", ",", " ", "'"] | None = Field(
        None, description="mark between thousands, in texts; if it is not said, blanks, apostrophes, and the other mark"
    )
    skip_lines: int = Field(0, ge=0, description="lines before the header")
    skip_until: str | None = Field(
        None, description="pattern of the header, where a changing number of lines is before it"
    )
    header: bool = Field(True, description="whether there is a header")
    names: tuple[str, ...] = Field((), description="names of the columns of a file without a header")
    skip_footer: int = Field(0, ge=0, description="lines after the last row")
    footer: str | None = Field(None, description="pattern of lines that end the table, such as ^Total")
    comment: str | None = Field(None, min_length=1, max_length=1, description="lines that begin so are passed over")
    missing: Texts = Field(MISSING, description="texts that stand for nothing, and codes of errors such as -99")

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, delimiter: str) -> str:
        if delimiter != "blanks" and not (len(delimiter) == 1 and delimiter.isascii()):
            raise ValueError("is one ASCII character, or blanks")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, encoding: str) -> str:
        try:
            "a,\n".encode(encoding)
        except (LookupError, ValueError):
            raise ValueError(f"there is no encoding {encoding!r}") from None
        return encoding

    @field_validator("skip_until", "footer")
    @classmethod
    def _are_patterns(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else _pattern(pattern)

    @model_validator(mode="after")
    def _names_the_columns(self) -> "TextPart":
        if self.names and self.header:
            raise ValueError("names are for files without a header: say header: false")
        return self


class ColumnPart(Part):
    """Which column means what, which rows count, and what tells one batch from another."""

    columns: dict[str, OriginOrName] = Field(description="where each field of the source comes from")
    optional: dict[str, OriginOrName] = Field({}, description="the same, for columns that a file may lack")
    name_pattern: str | None = Field(None, description="pattern on the name of the file; its named groups are fields")
    codes: dict[str, dict[str, str]] = Field({}, description="values to be replaced, by field")
    only: dict[str, Texts] = Field(
        {},
        description="values that a column of the file must have, `*` standing for any text; other rows are left out",
    )
    detail: tuple[str, ...] = Field((), description="further columns of the file that tell rows from each other")
    needs: tuple[str, ...] = Field((), description="further columns without which a file is not of this layout")
    ignores: tuple[str, ...] = Field((), description="columns that are known and not read")
    extra_columns: Literal["refuse", "ignore"] = Field("ignore", description="what columns are that are not named")
    batch: tuple[str, ...] = Field((), description="fields that say what a file corrects; if not said, the source's")
    contradicting: Literal["first", "last", "none"] = Field(
        "none", description="which of rows that say different things of one thing is kept"
    )

    @field_validator("name_pattern")
    @classmethod
    def _name_is_pattern(cls, pattern: str | None) -> str | None:
        return pattern if pattern is None else _pattern(pattern)


class TimePart(Part):
    """How times are written, and on which clock."""

    time_formats: tuple[str, ...] = Field(
        DEFAULT_TIME_FORMATS,
        min_length=1,
        description="formats of times, tried in order; `epoch`, `epoch-ms`; `%Y-%m` and `%G-W%V` mean a first day",
    )
    date_formats: tuple[str, ...] = Field(("%Y-%m-%d",), min_length=1, description="formats of days, tried in order")
    zone: str | None = Field(
        None, description="zone of the clock where times do not say one; `local` for that of the installation"
    )
    first_day: date | None = Field(
        None,
        description="earlier days are rejected, as are all before the installation's, calendar.first_day",
    )

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str | None) -> str | None:
        return zone if zone in (None, LOCAL_ZONE) else known_zone(zone)

    @field_validator("time_formats")
    @classmethod
    def _say_a_day(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_time_format(each) for each in formats)


class ReadingPart(Part):
    """What the values of meters are."""

    local_zone: str | None = Field(None, description="zone of the homes; the installation's, if not said")
    stamp: Literal["start", "end"] = Field("start", description="which end of its interval a stamp names")
    slots: Literal["clock", "elapsed"] = Field("clock", description="what slots count on days of 23 or 25 hours")
    first_slot: Literal[0, 1] = 1
    interval_minutes: int = Field(30, ge=1, le=60, description="a part of 60")
    tolerance_seconds: int = Field(0, ge=0, description="a stamp so far off the grid is moved onto it, and counted")
    least_coverage: float = Field(1, gt=0, le=1, description="share of its intervals that makes a half hour")
    unit: Unit | None = Field(None, description="of the values; power is the mean over the interval")
    kwh_per_m3: float | None = Field(None, gt=0, description="energy in a cubic metre of gas; needed for m3")
    reading: Literal["interval", "register"] = Field("interval", description="energy of an interval, or a counter")
    day_columns: tuple[str, ...] = Field((), description="columns of the intervals of a day, in order of the slots")
    quality: dict[str, Quality] = Field({}, description="what flags of quality mean; others count as read")
    trial: str | None = Field(None, description="whose meters they are; the same name in two trials is two meters")

    @field_validator("local_zone")
    @classmethod
    def _is_local_zone(cls, zone: str | None) -> str | None:
        return zone if zone is None else known_zone(zone)

    @field_validator("interval_minutes")
    @classmethod
    def _is_part_of_an_hour(cls, minutes: int) -> int:
        if 60 % minutes or (minutes < 60 and 30 % minutes):
            raise ValueError("is 60, or a part of 30")
        return minutes


class Item(Part):
    """The consumer price item that a shop's category stands for."""

    item_id: str
    item: str


class QuotePart(Part):
    """What is said of quotes beyond their columns."""

    items: dict[str, Item] = Field({}, description="consumer price item by the text of the field `category`")


class PositionPart(Part):
    """What is said of positions beyond their columns."""

    pseudonymised: bool = Field(False, description="whether users are pseudonyms (64-bit numbers) already")


# Words of former versions, which are still read; see `upgraded`.
FORMER_WORDS: Mapping[str, Any] = {
    "time_format": str | list[str],
    "date_format": str | list[str],
    "constants": dict[str, Scalar] | None,
    "retailer": Scalar,
    "currency": Scalar,
    "required": list[str],
    "unused": list[str] | None,
}


def _with_former_words(schema: dict[str, Any]) -> None:
    """Editors take what the loader takes, and say of former words that they are."""
    words = schema["properties"]
    for name, form in FORMER_WORDS.items():
        words[name] = {**TypeAdapter(form).json_schema(), "deprecated": True}
    nothing = {"type": "null"}
    of_fields = words["columns"]
    of_fields["additionalProperties"]["anyOf"].append(nothing)
    words["columns"] = {"description": of_fields.pop("description"), "anyOf": [of_fields, nothing]}
    of_fields = words["optional"]
    names = {"items": {"type": "string"}, "type": "array", "deprecated": True}
    words["optional"] = {"description": of_fields.pop("description"), "anyOf": [of_fields, names]}


class Layout(ContainerPart, TextPart, ColumnPart, TimePart, ReadingPart, QuotePart, PositionPart):
    """How files of one layout are read."""

    model_config = ConfigDict(json_schema_extra=_with_former_words)

    @model_validator(mode="before")
    @classmethod
    def _of_former_spelling(cls, given: Any) -> Any:
        return upgraded(given)[0] if isinstance(given, Mapping) else given

    @property
    def origins(self) -> dict[str, Origin]:
        """Where each field comes from, optional ones among them."""
        return {**self.optional, **self.columns}

    @property
    def needed(self) -> list[str]:
        """Columns without which a file is not of this layout."""
        named = [column for origin in self.columns.values() for column in origin.columns]
        return sorted({*named, *self.only, *self.detail, *self.needs, *self.day_columns})


def upgraded(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a layout in the spelling of today, and in a sentence each what was changed.

    Parameters
    ----------
    given
        A layout as it was written, also as a mapping of version 0.1.

    Raises
    ------
    ValueError
        If a word says something that cannot be changed, in a sentence.
    """
    new, said = dict(given), []
    for singular, plural in (("time_format", "time_formats"), ("date_format", "date_formats")):
        if singular in new:
            form = new.pop(singular)
            new[plural] = [form] if isinstance(form, str) else form
            said.append(f"{singular} is {plural}, a list")
    constants = _named("constants", new.pop("constants", None))
    constants |= {name: new.pop(name) for name in ("retailer", "currency") if name in new}
    if constants or "columns" in new:
        columns = _named("columns", new.get("columns"))
        for name, value in constants.items():
            columns.setdefault(name, {"constant": value})
            said.append(f"{name} is a column: {{constant: {value}}}")
        new["columns"] = {name: origin for name, origin in columns.items() if origin is not None}
    if "required" in new:
        new["needs"] = new.pop("required")
        said.append("required is needs")
    if isinstance(new.get("optional"), list | tuple):
        known = list(new.pop("optional"))
        new["ignores"] = [*_listed("ignores", new.get("ignores")), *known]
        if "run" in known:
            new["optional"] = {"run": "run"}
        said.append("a list of optional columns is ignores; one that is read is named in optional")
    if "unused" in new:
        new["ignores"] = [*_listed("ignores", new.get("ignores")), *_listed("unused", new.pop("unused"))]
        said.append("unused is ignores")
    return new, said


def _named(word: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping | None):
        raise ValueError(f"{word} is to say of each field where it comes from, a line each")
    return dict(given or {})


def _listed(word: str, given: Any) -> list[Any]:
    if not isinstance(given, list | tuple | None):
        raise ValueError(f"{word} is to be a list, such as [a, b]")
    return list(given or ())


def _pattern(pattern: str, groups: int = 0) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression ({error})") from None
    if compiled.groups < groups:
        raise ValueError(f"{pattern!r} needs a group in round brackets: what it holds is the value")
    return pattern


def _pattern_of_columns(pattern: str) -> str:
    """Columns are searched by another engine, which knows no look-around and no references back."""
    try:
        pl.select(pl.lit("").str.extract(pattern, 1))
    except pl.exceptions.PolarsError:
        raise ValueError(f"{pattern!r} looks around or back, which patterns on columns cannot") from None
    return pattern


def completion(form: str) -> tuple[str, str]:
    """Return what follows a text and its form so that they say a moment: first of a month, Monday, full hour."""
    if form in OF_MONTHS:
        return " 01", " %d"
    if _is_of_weeks(form):
        return " 1", " %u"
    return (":00", ":%M") if HOURS.search(form) and not MINUTES.search(form) else ("", "")


@cache
def _time_format(form: str) -> str:
    if form in ("epoch", "epoch-ms"):
        return form
    moment = datetime(2016, 7, 21, 10, 11, 12, tzinfo=UTC)
    if form not in OF_MONTHS and not _says_a_day(form, moment - timedelta(days=3) if _is_of_weeks(form) else moment):
        raise ValueError(f"{form!r} does not say a day as strftime does")
    return form


def _is_of_weeks(form: str) -> bool:
    return bool(WEEK.search(form)) and not WEEKDAY.search(form)


def _says_a_day(form: str, moment: datetime) -> bool:
    """Whether what a form writes gives the day back when it is read."""
    try:
        text = pl.select(pl.lit(moment).dt.strftime(form))
        more, more_form = completion(form)
        again = text.select((pl.first() + more).str.to_datetime(form + more_form, strict=False)).item()
    except pl.exceptions.PolarsError:
        return False
    return again is not None and bool(again.date() == moment.date())
