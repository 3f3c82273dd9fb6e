"""Which columns are passed through, and that Dagster is told of columns that there are."""

import dagster as dg
import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import ASSETS
from ons_assets.lakehouse.column_lineage import COMPUTED, declared_alike, passed_through
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.orchestration.assets import DerivedAsset
from ons_assets.orchestration.events import _column_lineage

ITEM = Column("item", pl.String(), "name of the item")
PRICE = Column("price", pl.Float64(), "price, in the currency")
LINE = Column("line", pl.Int64(), "record of the file")
DERIVED = [each for each in ASSETS if isinstance(each, DerivedAsset)]


def table(name: str, key: tuple[str, ...], *columns: Column) -> Table:
    return Table(name, "One row.", columns, key, Sensitivity.PUBLIC, "team:tests", "tests")


def test_rows_that_are_kept_bring_their_columns() -> None:
    quotes = table("t/quotes", ("item", "line"), ITEM, LINE, PRICE)
    flagged = table("t/flagged", ("item", "line"), ITEM, LINE, PRICE.or_null())
    assert passed_through(flagged, [quotes]) == {
        "item": [("t/quotes", "item")],
        "line": [("t/quotes", "line")],
        "price": [("t/quotes", "price")],
    }


def test_of_what_is_computed_nothing_is_said() -> None:
    quotes = table("t/quotes", ("item", "line"), ITEM, LINE, PRICE)
    means = table("t/means", ("item",), ITEM, PRICE)
    assert passed_through(means, [quotes]) == {"item": [("t/quotes", "item")]}
    # A column of the same name that means something else is another one.
    other = table("t/other", ("item",), Column("item", pl.String(), "another thing"))
    assert passed_through(means, [other]) == {}
    # A line is of its own file, wherever else there are lines.
    rules = table("t/rules", ("item", "line", "price"), ITEM, LINE, PRICE)
    lines = table("t/lines", ("item", "line"), ITEM, LINE)
    assert passed_through(lines, [rules]) == {"item": [("t/rules", "item")]}


def test_exceptions_are_columns_that_would_be_taken_else() -> None:
    for name, columns in COMPUTED.items():
        [made] = [each for each in DERIVED if name in [of.name for of in each.tables]]
        inputs = [*made.derivation.inputs, *made.derivation.optional]
        for column in CATALOGUE[name].columns:
            if column.name in columns:
                assert any(declared_alike(column, each) for each in inputs), (name, column.name)
        assert columns <= {*CATALOGUE[name].column_names}


@pytest.mark.parametrize("made", DERIVED, ids=lambda each: each.tables[0].name)
def test_dagster_is_told_of_columns_that_there_are(made: DerivedAsset) -> None:
    for each in made.tables:
        inputs = [*made.derivation.inputs, *made.derivation.optional]
        lineage = _column_lineage(each, inputs)
        for column, deps in (lineage.deps_by_column if lineage else {}).items():
            assert column in each.schema
            for dep in deps:
                assert dep.asset_key in [dg.AssetKey(of.name.split("/")) for of in inputs]
                assert dep.column_name in CATALOGUE[dep.asset_key.to_user_string()].schema
