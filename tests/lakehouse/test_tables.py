from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from ons_assets.lakehouse.tables import Catalogue, Column, SchemaMismatch
from tests.workbench import COUNTS, PERSONS

MARKER = "MARKER4711"


def test_names_and_schema() -> None:
    assert (PERSONS.domain, PERSONS.short_name) == ("test", "persons")
    assert PERSONS.column_names == ["day", "person", "note", "distance_km"]
    assert PERSONS.empty().schema == PERSONS.schema
    assert PERSONS.is_individual
    assert not COUNTS.is_individual


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": (*COUNTS.columns, COUNTS.columns[0])}, r"columns declared twice: \['day'\]"),
        ({"key": ("nobody",)}, r"not declared: \['nobody'\]"),
        ({"partition_by": ("nowhere",)}, r"not declared: \['nowhere'\]"),
        (
            {"columns": (Column("day", pl.Date(), "day", nullable=True), COUNTS.columns[1])},
            r"key columns cannot be nullable: \['day'\]",
        ),
    ],
)
def test_a_contradictory_declaration_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(COUNTS, **changes)  # type: ignore[arg-type]


def test_conform_orders_and_casts() -> None:
    frame = pl.DataFrame({"trips": pl.Series([3], dtype=pl.Int8), "day": [date(2016, 7, 21)]})
    conformed = COUNTS.conform(frame)
    assert conformed.schema == COUNTS.schema
    assert conformed.rows() == [(date(2016, 7, 21), 3)]


def test_conform_keeps_an_empty_frame_empty() -> None:
    assert COUNTS.conform(COUNTS.empty()).shape == (0, 2)


def test_missing_and_unknown_columns_are_named() -> None:
    frame = pl.DataFrame({"day": [date(2016, 7, 21)], "extra": [MARKER]})
    with pytest.raises(SchemaMismatch) as raised:
        COUNTS.conform(frame)
    assert str(raised.value) == "test/counts: missing columns ['trips'], columns that are not declared ['extra']"


def test_a_value_that_does_not_fit_names_the_column_and_never_the_value() -> None:
    frame = pl.DataFrame({"day": [date(2016, 7, 21)], "person": ["p"], "note": [None], "distance_km": [MARKER]})
    with pytest.raises(SchemaMismatch) as raised:
        PERSONS.conform(frame)
    assert str(raised.value) == (
        "test/persons: values that do not fit their type in distance_km (String where Float64 is declared)"
    )
    seen: BaseException | None = raised.value
    while seen is not None:
        assert MARKER not in str(seen)
        seen = seen.__cause__ or seen.__context__


def test_a_catalogue_holds_each_table_once_and_says_what_it_has() -> None:
    with pytest.raises(ValueError, match="twice"):
        Catalogue([COUNTS, COUNTS])
    with pytest.raises(KeyError, match="no table 'test/nothing'"):
        Catalogue([COUNTS, PERSONS])["test/nothing"]
