"""Codes of areas as they are today: areas merge, split and are renamed, and files keep the codes of their year."""

import polars as pl

from ons_assets.intake.rules import Rule, unlike

CODE = r"[A-Za-z0-9_.:-]{1,40}"


def not_codes(*columns: str) -> Rule:
    """Return the rule that rejects rows in which one of some columns is no code of an area."""
    return unlike(columns, CODE, "a code of an area has other signs than letters, digits and _.:-, or more than 40")


def to_current(table: pl.DataFrame, columns: list[str], codes: pl.DataFrame) -> pl.DataFrame:
    """Replace codes of any year by the current ones; a code without a history stays as it is.

    Parameters
    ----------
    columns
        Columns of `table` that hold codes.
    codes
        code, current_code: rows of `reference/area_codes`.

    Raises
    ------
    ValueError
        If a code has two current ones.
    """
    history = codes.select("code", "current_code").unique()
    if history["code"].is_duplicated().any():
        raise ValueError("a code of an area has two current ones: the history of codes is not one")
    if history.is_empty():
        return table
    return table.with_columns(pl.col(name).replace(history["code"], history["current_code"]) for name in columns)
