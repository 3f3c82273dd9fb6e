import polars as pl
import pytest
from dagster import Failure

from ons_assets.lakehouse.tables import SchemaMismatch
from ons_assets.orchestration.privacy import withholding
from tests.workbench import COUNTS, PERSONS

SECRET = "Ada Lovelace"


def fail() -> None:
    # A cast that fails quotes the values that do not fit.
    pl.DataFrame({"name": [SECRET]}).with_columns(pl.col("name").cast(pl.Int64()))


def test_a_library_quotes_values() -> None:
    with pytest.raises(pl.exceptions.PolarsError, match=SECRET):
        fail()


def test_where_rows_are_about_persons_only_kind_and_place_are_told() -> None:
    with pytest.raises(Failure) as failure, withholding([COUNTS, PERSONS]):
        fail()
    told = failure.value
    assert SECRET not in str(told.description)
    assert "InvalidOperationError at" in str(told.description)
    assert PERSONS.name in str(told.description)
    assert told.__cause__ is None
    assert told.__suppress_context__


def test_where_they_are_not_the_text_is_told() -> None:
    with pytest.raises(pl.exceptions.PolarsError, match=SECRET), withholding([COUNTS]):
        fail()


def test_sentences_of_the_project_are_told() -> None:
    """As they are: the name of a class says nothing to who reads them."""
    with pytest.raises(Failure) as told, withholding([PERSONS]):
        PERSONS.conform(pl.DataFrame({"x": [1]}))
    assert isinstance(told.value.__cause__, SchemaMismatch)
    assert (told.value.description or "").startswith("test/persons: missing columns")
