"""Rules of the collectors on items, in three layouts: one rule a row, keyword dictionary, descriptions of items."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.delimited import Limits, header, read_bytes
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.lakehouse.table_files import at_least_one, read_rows, sift
from ons_assets.settings import Settings

ROWS = ("item_id", "rule")
ROWS_OPTIONAL = ("item", "words", "lowest", "highest", "unit")
DESCRIPTIONS = ("Item No.", "ONS Item Description ")
DICTIONARY_NAME = "ons_item_name"
# The pilot's words for what a keyword does, by the beginning of the column's name.
DICTIONARY = {"include": "include", "exclude": "doubt", "remove": "remove"}
NO_KEYWORD = "NONE"
WORD_RULES = ("include", "doubt", "remove", "describe")
LIMIT_RULES = ("quantity", "alcohol", "pieces")
COLUMNS = ("item_id", "item", "rule", "words", "lowest", "highest", "unit", "line")


@dataclass(frozen=True)
class ItemRuleFiles:
    """What a product of an item must, should not and must not be."""

    limits: Limits

    name = "item_rules"
    table = "reference/item_rules"
    files_are = (
        "words and limits by item: `item_id, rule, words, lowest, highest, unit`, or the pilot's keyword dictionary"
    )
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "ItemRuleFiles":
        """Return the source of one home."""
        return cls(Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes))

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has one of the three layouts."""
        return _layout(header(path)) is not None

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        found = header(path)
        layout = _layout(found)
        if layout == "dictionary":
            return _dictionary(path, self.limits, found)
        if layout == "descriptions":
            return _descriptions(path, self.limits)
        return _rows(path, self.limits)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: a rule holds until the next one."""
        at_least_one(self.parse(path, name, received_utc))
        return []


def _layout(found: list[str]) -> str | None:
    if set(ROWS) <= set(found):
        return "rows"
    if set(DESCRIPTIONS) <= set(found):
        return "descriptions"
    if DICTIONARY_NAME in found and len(_dictionary_columns(found)) == len(DICTIONARY):
        return "dictionary"
    return None


def _dictionary_columns(found: list[str]) -> dict[str, str]:
    return {name: rule for name in found for start, rule in DICTIONARY.items() if name.lower().startswith(start)}


def _rows(path: Path, limits: Limits) -> Parsed:
    read = read_rows(path, limits, ROWS, ROWS_OPTIONAL)
    typed = read.accepted.with_columns(
        item_id=pl.col("item_id").str.strip_suffix(".0"),
        item=pl.coalesce("item", "item_id"),
        rule=pl.col("rule").str.to_lowercase(),
        lowest=pl.col("lowest").cast(pl.Float64(), strict=False),
        highest=pl.col("highest").cast(pl.Float64(), strict=False),
        given=pl.any_horizontal(pl.col("lowest", "highest").is_not_null()),
    )
    is_word, is_limit = pl.col("rule").is_in(WORD_RULES), pl.col("rule").is_in(LIMIT_RULES)
    reasons = typed.select(
        pl.when(pl.col("item_id").is_null())
        .then(pl.lit("item is missing"))
        .when(~(is_word | is_limit).fill_null(False))
        .then(pl.lit(f"rule is none of {', '.join((*WORD_RULES, *LIMIT_RULES))}"))
        .when(is_word & pl.col("words").is_null())
        .then(pl.lit("has no words"))
        .when(is_limit & pl.all_horizontal(pl.col("lowest", "highest").is_null()))
        .then(pl.lit("has neither a lowest nor a highest value that is a number"))
        .when(is_limit & (pl.col("lowest") > pl.col("highest")))
        .then(pl.lit("the lowest value is above the highest"))
        .when(is_limit & (pl.col("rule") == "quantity") & ~pl.col("unit").is_in(["kg", "l", "each"]).fill_null(False))
        .then(pl.lit("unit is none of kg, l, each"))
    ).to_series()
    units = pl.col("unit").fill_null(pl.when(pl.col("rule") == "alcohol").then(pl.lit("%")).otherwise(pl.lit("each")))
    return sift(typed.with_columns(unit=pl.when(is_limit).then(units)).select(COLUMNS), reasons, read)


def _dictionary(path: Path, limits: Limits, found: list[str]) -> Parsed:
    """Read the pilot's dictionary: items by name, words between blanks."""
    columns = _dictionary_columns(found)
    read = read_rows(path, limits, [DICTIONARY_NAME, *columns])
    reasons = read.accepted.select(
        pl.when(pl.col(DICTIONARY_NAME).is_null()).then(pl.lit("item is missing"))
    ).to_series()
    words = pl.col("words").str.replace_all(r"\s+", " | ")
    typed = (
        read.accepted.rename(columns)
        .unpivot(on=list(columns.values()), index=[DICTIONARY_NAME, "line"], variable_name="rule", value_name="words")
        .drop_nulls([DICTIONARY_NAME, "words"])
        .filter(pl.col("words") != NO_KEYWORD)
        .select(
            item_id=pl.lit(None, dtype=pl.String),
            item=DICTIONARY_NAME,
            rule="rule",
            words=words,
            lowest=pl.lit(None, dtype=pl.Float64),
            highest=pl.lit(None, dtype=pl.Float64),
            unit=pl.lit(None, dtype=pl.String),
            line="line",
        )
        .sort("line", "rule")
    )
    return Parsed(typed, sift(read.accepted, reasons, read).rejected)


def _descriptions(path: Path, limits: Limits) -> Parsed:
    number, description = DESCRIPTIONS
    read = _read_descriptions(path, limits)
    typed = read.accepted.select(
        item_id=number,
        item=description,
        rule=pl.lit("describe"),
        words=description,
        lowest=pl.lit(None, dtype=pl.Float64),
        highest=pl.lit(None, dtype=pl.Float64),
        unit=pl.lit(None, dtype=pl.String),
        line="line",
    )
    reasons = typed.select(
        pl.when(pl.any_horizontal(pl.col("item_id", "item").is_null())).then(pl.lit("number or description is missing"))
    ).to_series()
    return sift(typed, reasons, read)


def _read_descriptions(path: Path, limits: Limits) -> Parsed:
    """Read two columns of a file whose other columns share names (months by their first letter)."""
    content, _ = read_bytes(path, limits)
    try:
        rows = pl.read_csv(content, columns=list(DESCRIPTIONS), infer_schema=False).with_row_index("line", offset=2)
    except pl.exceptions.PolarsError:
        raise Unreadable("cannot be read as a table with commas") from None
    stripped = pl.col(DESCRIPTIONS).str.strip_chars().replace("", None)
    return Parsed(rows.with_columns(pl.col("line").cast(pl.Int64()), stripped))
