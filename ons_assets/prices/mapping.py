"""How a file of quotes is read: which column means what.

A mapping is a small YAML file. The layouts of the pilot are mappings in `ons_assets/prices/mappings`;
another office writes its own into `<home>/mappings/prices/`, and needs no code::

    name: my-office
    files: "shop_*.csv"
    delimiter: ";"
    decimal: ","
    time_format: "%d/%m/%Y"
    zone: Europe/Vienna
    currency: EUR
    retailer: spar
    columns: {collected_at: datum, product: artikel, price: preis, category: regal}
    items:
      Milch: {item_id: "211709", item: Milk}
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
import polars.selectors as cs
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ons_assets.lakehouse.mappings import shown
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.parameters.prices import QuoteParameters
from ons_assets.settings import FIRST_DAY

BUILT_IN = Path(__file__).parent / "mappings"
# Clocks differ, and a file may come from a zone ahead of ours.
FUTURE_SLACK = timedelta(days=1)
# A point in such a number stands between thousands; elsewhere it was meant as a decimal point.
DECIMAL_COMMA = r"^-?(\d+|\d{1,3}(\.\d{3})+)(,\d*)?$"


class Item(BaseModel):
    """The consumer price item that a shop's category stands for."""

    model_config = ConfigDict(extra="forbid")

    item_id: str
    item: str


class Columns(BaseModel):
    """Names that the file gives to the columns of `prices/raw_quotes`."""

    model_config = ConfigDict(extra="forbid")

    collected_at: str
    product: str
    price: str
    retailer: str | None = None
    item_id: str | None = None
    item: str | None = None
    category: str | None = None
    shelf: str | None = None
    currency: str | None = None
    unit_price: str | None = None
    unit_quantity: str | None = None
    unit: str | None = None
    promotion: str | None = None

    def names(self) -> list[str]:
        """Return the names that the file must have."""
        return sorted({name for name in self.model_dump().values() if name is not None})


class Mapping(BaseModel):
    """One layout of files of quotes.

    A constant (`retailer`, `currency`) stands for a column that the file does not have. `items`
    translates the text of the category column to a consumer price item.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    columns: Columns
    files: str = "*"
    name_pattern: str | None = Field(None, description="pattern on the file's name with groups retailer and run")
    delimiter: str = ","
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    time_format: str = "%Y-%m-%d %H:%M:%S%.f"
    zone: str
    retailer: str | None = None
    currency: str | None = None
    items: dict[str, Item] = {}
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    extra_columns: Literal["refuse", "ignore"] = "ignore"

    @model_validator(mode="after")
    def _says_everything(self) -> "Mapping":
        if not (self.retailer or self.columns.retailer):
            raise ValueError("says neither a retailer nor the column that holds it")
        if not (self.currency or self.columns.currency):
            raise ValueError("says neither a currency nor the column that holds it")
        if not (self.columns.item_id or (self.columns.category and self.items)):
            raise ValueError("says neither the column of the item nor a category with its items")
        return self

    @field_validator("delimiter")
    @classmethod
    def _is_one_character(cls, delimiter: str) -> str:
        if not (len(delimiter) == 1 and delimiter.isascii()):
            raise ValueError("is one ASCII character")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, encoding: str) -> str:
        try:
            if "a,\n".encode(encoding) == b"a,\n":
                return encoding
        except LookupError:
            raise ValueError(f"there is no encoding {encoding!r}") from None
        raise ValueError(f"files in {encoding} cannot be read: its commas and line ends are not those of ASCII")

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"there is no time zone {zone!r}") from None
        return zone

    @field_validator("name_pattern")
    @classmethod
    def _is_pattern(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression ({error})") from None
        return pattern

    @field_validator("time_format")
    @classmethod
    def _is_time_format(cls, time_format: str) -> str:
        moment = datetime(2016, 7, 21, 10, 11, 12, tzinfo=UTC)
        text = pl.lit(moment).dt.strftime(time_format)
        try:
            again = pl.select(text.str.to_datetime(time_format, strict=False)).item()
        except pl.exceptions.PolarsError:
            again = None
        if again is None or again.date() != moment.date():
            raise ValueError(f"{time_format!r} does not say a day as strftime does")
        return time_format

    @property
    def needed(self) -> list[str]:
        """Columns without which a file is not of this layout."""
        return sorted({*self.columns.names(), *self.required})

    def recognises(self, name: str, header: Sequence[str]) -> bool:
        """Return whether a file of this name and header has this layout."""
        return fnmatch(name, self.files) and set(self.needed) <= set(header)

    def check_header(self, header: Sequence[str]) -> None:
        """Refuse columns that the layout does not know, where it says so.

        Raises
        ------
        Unreadable
            Naming the columns.
        """
        extra = sorted(set(header) - {*self.needed, *self.optional, *self.unused, "line"})
        if extra and self.extra_columns == "refuse":
            raise Unreadable(
                f"has columns that the layout {self.name} does not know: {shown(extra)}; "
                "a mapping of your own can name them as unused"
            )

    def read(self, rows: pl.DataFrame, name: str, received_utc: datetime, parameters: QuoteParameters) -> Parsed:
        """Turn the records of a file into quotes; a record that is none is rejected with its reason.

        Parameters
        ----------
        rows
            The file's columns as text or typed, and `line`.
        name
            Name of the file; may say the retailer and the run.
        received_utc
            Quotes dated more than a day later are rejected.
        """
        self.check_header(rows.columns)
        columns, from_name = self.columns, self.describe(name)
        local = self._local_time(rows)
        category = _text(rows, columns.category)
        item_id = _text(rows, columns.item_id).str.strip_suffix(".0")  # a number of another program
        quotes = rows.select(
            retailer=_text(rows, columns.retailer, self.retailer or from_name.get("retailer")).str.to_lowercase(),
            run=pl.coalesce(self._run(rows), pl.lit(from_name.get("run") or Path(name).stem)),
            collected_on=local.dt.date(),
            collected_at_utc=local.dt.convert_time_zone("UTC").dt.cast_time_unit("us"),
            item_id=self._item(category, "item_id", item_id),
            item=self._item(category, "item", pl.coalesce(_text(rows, columns.item), item_id)),
            shelf=_text(rows, columns.shelf or columns.category),
            product=_text(rows, columns.product),
            price=self._number(rows, columns.price),
            currency=_text(rows, columns.currency, self.currency).str.to_uppercase(),
            unit_price=self._number(rows, columns.unit_price),
            unit_quantity=self._number(rows, columns.unit_quantity),
            unit=_text(rows, columns.unit),
            promotion=_text(rows, columns.promotion),
            line="line",
        )
        reasons = quotes.select(_reason(parameters, received_utc)).to_series()
        return Parsed(
            accepted=quotes.filter(reasons.is_null()),
            rejected=rows.with_columns(reason=reasons)
            .filter(pl.col("reason").is_not_null())
            .select("line", "reason", text=pl.struct(~cs.nested() - cs.by_name("reason")).struct.json_encode()),
        )

    def describe(self, name: str) -> dict[str, str]:
        """Return what the name of a file says: retailer and run, where it does."""
        match = re.search(self.name_pattern, name) if self.name_pattern else None
        return match.groupdict() if match else {}

    def _run(self, rows: pl.DataFrame) -> pl.Expr:
        known = "run" in rows.columns and "run" in {*self.required, *self.optional}
        return _text(rows, "run" if known else None)

    def _local_time(self, rows: pl.DataFrame) -> pl.Expr:
        column = pl.col(self.columns.collected_at)
        dtype = rows.schema[self.columns.collected_at]
        if dtype == pl.String():
            column = column.str.strip_chars().str.to_datetime(self.time_format, strict=False, time_unit="us")
            dtype = rows.clear().select(column).to_series().dtype
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
            return column.dt.convert_time_zone(self.zone)
        if dtype in (pl.Datetime, pl.Date):
            column = column.cast(pl.Datetime("us"), strict=False)
        else:
            column = pl.lit(None, dtype=pl.Datetime("us"))
        # An hour that a clock shows twice is taken as the first; one that it skips cannot have been.
        return column.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null")

    def _number(self, rows: pl.DataFrame, column: str | None) -> pl.Expr:
        if column is None:
            return pl.lit(None, dtype=pl.Float64())
        if rows.schema[column].is_numeric():
            number = pl.col(column).cast(pl.Float64(), strict=False)
        elif rows.schema[column] == pl.String():
            text = pl.col(column).str.strip_chars(" £$€\N{NO-BREAK SPACE}")
            if self.decimal == ",":
                points = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
                text = pl.when(text.str.contains(DECIMAL_COMMA)).then(points)
            number = text.cast(pl.Float64(), strict=False)
        else:
            number = pl.lit(None, dtype=pl.Float64())
        return pl.when(number.is_finite()).then(number)

    def _item(self, category: pl.Expr, field: str, otherwise: pl.Expr) -> pl.Expr:
        if not self.items:
            return otherwise
        translation = {name: getattr(item, field) for name, item in self.items.items()}
        translated = category.replace_strict(translation, default=None, return_dtype=pl.String())
        return pl.coalesce(translated, otherwise) if self.columns.item_id else translated


def _text(rows: pl.DataFrame, column: str | None, otherwise: str | None = None) -> pl.Expr:
    """A column as text without blanks at its ends, empty text being null; or the constant."""
    if column is None:
        return pl.lit(otherwise, dtype=pl.String())
    if rows.schema[column].is_nested() or rows.schema[column] == pl.Duration:
        return pl.lit(None, dtype=pl.String())
    text = pl.col(column).cast(pl.String(), strict=False).str.strip_chars()
    return pl.when(text != "").then(text)


def _reason(parameters: QuoteParameters, received_utc: datetime) -> pl.Expr:
    """The first thing that keeps a record from being a quote; null if nothing does."""
    price = pl.col("price")
    return (
        pl.when(pl.col("collected_at_utc").is_null())
        .then(pl.lit("time is missing or cannot be read"))
        .when(pl.col("collected_on") < pl.lit(FIRST_DAY))
        .then(pl.lit(f"day is before {FIRST_DAY}"))
        .when(pl.col("collected_at_utc") > pl.lit(received_utc + FUTURE_SLACK))
        .then(pl.lit("time is in the future"))
        .when(pl.col("retailer").is_null())
        .then(pl.lit("retailer is missing"))
        .when(pl.col("item_id").is_null())
        .then(pl.lit("item is missing, or its category has no item"))
        .when(pl.col("product").is_null())
        .then(pl.lit("product is missing"))
        .when(pl.col("currency").is_null())
        .then(pl.lit("currency is missing"))
        .when(~price.is_finite().fill_null(False))
        .then(pl.lit("price is missing or not a number"))
        .when(price <= 0)
        .then(pl.lit("price is not positive"))
        .when(price > parameters.max_price)
        .then(pl.lit(f"price is above {parameters.max_price:g}"))
    )
