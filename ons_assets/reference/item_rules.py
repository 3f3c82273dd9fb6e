"""Rules of the collectors on items, in three layouts: one rule a row, keyword dictionary, descriptions of items."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.records import header
from ons_assets.intake.rules import Rule, missing
from ons_assets.intake.source import TableSource

DICTIONARY, DICTIONARY_NAME = "keyword-dictionary", "ons_item_name"
# The pilot's words for what a keyword does, by the beginning of the column's name.
DICTIONARY_RULES = {"include": "include", "exclude": "doubt", "remove": "remove"}
NO_KEYWORD = "NONE"
DESCRIPTIONS = "item-descriptions"
WORD_RULES = ("require", "include", "doubt", "remove", "describe")
LIMIT_RULES = ("quantity", "alcohol", "pieces")
COLUMNS = ("item_id", "item", "rule", "words", "lowest", "highest", "unit", "line")
NO_RULE = f"rule is none of {', '.join((*WORD_RULES, *LIMIT_RULES))}"
ANY = Layout(name="any", columns={})


class ItemRuleFiles(TableSource):
    """What a product of an item must, should not and must not be."""

    name = "item_rules"
    table = "reference/item_rules"
    files_are = (
        "words and limits by item: `item_id, rule, words, lowest, highest, unit`, or the pilot's keyword dictionary"
    )
    unit = "rules"
    key = ("item_id", "item", "rule", "words", "lowest", "highest", "unit")
    needs = {"item_id": "consumer price item", "rule": f"one of {', '.join((*WORD_RULES, *LIMIT_RULES))}"}
    takes = {
        "item": "name of the item",
        "words": "alternatives between |",
        "lowest": "of a limit",
        "highest": "of a limit",
        "unit": "kg, l, each or %",
    }
    one_of = ((("words",), ("lowest",), ("highest",)),)

    def layout(self, path: Path, name: str) -> Layout:
        """See `Source.layout`; the columns of a keyword dictionary are known by the beginning of their names."""
        return self._dictionary(path) or super().layout(path, name)

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file has one of the layouts."""
        return self._dictionary(path) is not None or super().recognises(path, name)

    def _dictionary(self, path: Path) -> Layout | None:
        found = header(path, ANY, self.limits)
        columns = {
            rule: each for each in found for start, rule in DICTIONARY_RULES.items() if each.lower().startswith(start)
        }
        if DICTIONARY_NAME not in found or len(columns) < len(DICTIONARY_RULES):
            return None
        named = {"item": DICTIONARY_NAME, **columns}
        return Layout(name=DICTIONARY, columns={field: Origin(column=column) for field, column in named.items()})

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        if layout.name == DICTIONARY:
            return _of_dictionary(rows)
        item_id = values.identifier(values.column_text(rows, "item_id"))
        item = values.column_text(rows, "item")
        lowest, highest = (values.column_number(rows, name, layout) for name in ("lowest", "highest"))
        rule = values.column_text(rows, "rule").str.to_lowercase()
        unit = values.column_text(rows, "unit")
        typed = pl.DataFrame(
            {
                "item_id": item_id,
                "item": item.zip_with(item.is_not_null(), item_id),
                "rule": rule,
                "words": values.column_text(rows, "words"),
                "lowest": lowest,
                "highest": highest,
                "unit": unit,
                "line": rows["line"],
            }
        )
        units = pl.col("unit").fill_null(
            pl.when(pl.col("rule") == "alcohol").then(pl.lit("%")).otherwise(pl.lit("each"))
        )
        is_limit = pl.col("rule").is_in(LIMIT_RULES)
        return typed.with_columns(unit=pl.when(is_limit).then(units))

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        is_word, is_limit = pl.col("rule").is_in(WORD_RULES), pl.col("rule").is_in(LIMIT_RULES)
        without_bounds = pl.all_horizontal(pl.col("lowest", "highest").is_null())
        no_unit = ~pl.col("unit").is_in(["kg", "l", "each"]).fill_null(False)
        named = "item" if layout.name == DICTIONARY else "item_id"
        told = "number or description is missing" if layout.name == DESCRIPTIONS else "item is missing"
        return (
            missing(named, told),
            *([missing("words", told)] if layout.name == DESCRIPTIONS else []),
            Rule(~(is_word | is_limit), NO_RULE, null_is_fault=True),
            Rule(is_word & pl.col("words").is_null(), "has no words"),
            Rule(is_limit & without_bounds, "has neither a lowest nor a highest value that is a number"),
            Rule((pl.col("lowest") < 0) | (pl.col("highest") < 0), "a limit is negative"),
            Rule(is_limit & (pl.col("lowest") > pl.col("highest")), "the lowest value is above the highest"),
            Rule(is_limit & (pl.col("rule") == "quantity") & no_unit, "unit is none of kg, l, each"),
        )


def _of_dictionary(rows: pl.DataFrame) -> pl.DataFrame:
    """Rules of the pilot's dictionary: items by name, words between blanks; an item without a name is one fault."""
    rules = list(DICTIONARY_RULES.values())
    named = pl.DataFrame([values.text(rows[name]) for name in ("item", *rules)]).with_columns(rows["line"])
    nothing = pl.lit(None, dtype=pl.String)
    no_number = pl.lit(None, dtype=pl.Float64)
    long = named.unpivot(on=rules, index=["item", "line"], variable_name="rule", value_name="words")
    worded = long.filter(pl.col("words") != NO_KEYWORD)
    without = named.filter(pl.col("item").is_null()).select("item", "line", rule=pl.lit(rules[0]), words=nothing)
    return (
        pl.concat([worded.drop_nulls("item"), without], how="diagonal")
        .select(
            item_id=nothing,
            item="item",
            rule="rule",
            words=pl.col("words").str.replace_all(r"\s+", " | "),
            lowest=no_number,
            highest=no_number,
            unit=nothing,
            line="line",
        )
        .sort("line", "rule")
    )
