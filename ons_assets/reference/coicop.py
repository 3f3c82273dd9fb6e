"""Items in the classification of individual consumption by purpose (COICOP), in its versions of 1999 and 2018.

One reference table, `reference/item_coicop`, has for each item its code in either version. Division, group and class
are the beginnings of a code; which classes correspond is what items have in common.

References
----------
United Nations (2000), Classifications of Expenditure According to Purpose; United Nations (2018), Classification of
Individual Consumption According to Purpose (COICOP) 2018.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.layouts import Layout
from ons_assets.intake.rules import Rule, missing, unlike
from ons_assets.intake.source import TableSource

Version = Literal["1999", "2018"]
Level = Literal["division", "group", "class", "subclass"]
# Divisions 01 to 14 in 1999, 01 to 15 in 2018; a class is 0 where its group has no other.
CODE = {"1999": r"(?:0[1-9]|1[0-4])\.[1-9]\.\d(?:\.\d)?", "2018": r"(?:0[1-9]|1[0-5])\.[1-9]\.\d(?:\.\d)?"}
# How many characters of a code name a level: 01, 01.1, 01.1.1, 01.1.1.1.
LENGTHS: dict[Level, int] = {"division": 2, "group": 4, "class": 6, "subclass": 8}


class ItemCoicopFiles(TableSource):
    """The codes of items in COICOP 1999 and 2018."""

    name = "item_coicop"
    table = "reference/item_coicop"
    files_are = "`item_id`, and `coicop_1999` or `coicop_2018` or both, such as `01.1.1` or `01.1.1.1`"
    unit = "items"
    key = ("item_id",)
    needs = {"item_id": "consumer price item"}
    takes = {
        "item": "name of the item",
        "coicop_1999": "class or subclass of 1999, such as 01.1.1",
        "coicop_2018": "class or subclass of 2018, such as 01.1.1.1",
    }
    one_of = ((("coicop_1999",), ("coicop_2018",)),)

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        codes = {name: values.column_text(rows, name).str.strip_chars() for name in ("coicop_1999", "coicop_2018")}
        item_id = values.identifier(values.column_text(rows, "item_id"))
        return pl.DataFrame(
            {"item_id": item_id, "item": values.column_text(rows, "item"), **codes, "line": rows["line"]}
        )

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        form = "is no code of a class or subclass, such as 01.1.1 or 01.1.1.1"
        return (
            missing("item_id", "item is missing"),
            Rule(pl.all_horizontal(pl.col("coicop_1999", "coicop_2018").is_null()), "has no code"),
            unlike("coicop_1999", CODE["1999"], f"coicop_1999 {form}"),
            unlike("coicop_2018", CODE["2018"], f"coicop_2018 {form}"),
        )


def levels(code: pl.Expr) -> dict[Level, pl.Expr]:
    """Return division, group, class and subclass of a code: its beginnings; null where it does not reach so far.

    Parameters
    ----------
    code
        Codes such as "01.1.1" or "01.1.1.1", or null.

    Examples
    --------
    >>> pl.DataFrame({"code": ["01.1.4.7"]}).select(**levels(pl.col("code"))).row(0)
    ('01', '01.1', '01.1.4', '01.1.4.7')
    """
    return {
        level: pl.when(code.str.len_chars() >= length).then(code.str.slice(0, length))
        for level, length in LENGTHS.items()
    }


def item_levels(item_coicop: pl.DataFrame, version: Version = "2018") -> pl.DataFrame:
    """Return division, group, class and subclass of each item, to be used as levels of groups.

    Parameters
    ----------
    item_coicop
        As the table `reference/item_coicop`.
    version
        Of the classification.

    Returns
    -------
    DataFrame
        ``item_id``, ``division``, ``group``, ``class`` and ``subclass`` (null where the code is that of a class),
        sorted by item; items without a code of the version are left out.
    """
    code = pl.col(f"coicop_{version}")
    return item_coicop.drop_nulls(code.meta.output_name()).select("item_id", **levels(code)).sort("item_id")


def groups_of_items(item_coicop: pl.DataFrame, version: Version = "2018") -> pl.DataFrame:
    """Return the groups of every level that an item belongs to, a row each.

    Parameters
    ----------
    item_coicop, version
        As for `item_levels`.

    Returns
    -------
    DataFrame
        ``item_id``, ``level`` (division, group, class, subclass) and ``code``, sorted.
    """
    wide = item_levels(item_coicop, version)
    long = wide.unpivot(on=list(LENGTHS), index="item_id", variable_name="level", value_name="code")
    return long.drop_nulls("code").sort("item_id", "code")


def correspondence(item_coicop: pl.DataFrame, level: Level = "class") -> pl.DataFrame:
    """Return which codes of 1999 and of 2018 have items in common, and how many.

    It is the part of the official correspondence that the items of the office touch, as the office coded them.

    Parameters
    ----------
    item_coicop
        As the table `reference/item_coicop`.
    level
        At which codes are compared.

    Returns
    -------
    DataFrame
        ``coicop_1999``, ``coicop_2018`` and ``items``, sorted; items with one code only are left out.
    """
    both = item_coicop.select(
        coicop_1999=levels(pl.col("coicop_1999"))[level], coicop_2018=levels(pl.col("coicop_2018"))[level]
    ).drop_nulls()
    counted = both.group_by("coicop_1999", "coicop_2018").agg(items=pl.len().cast(pl.Int64))
    return counted.sort("coicop_1999", "coicop_2018")
