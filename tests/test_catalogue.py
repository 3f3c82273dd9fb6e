import re
from collections import defaultdict

import pytest

from ons_assets.catalogue import CATALOGUE, columns
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

TABLES = list(CATALOGUE.values())
VOCABULARY = {each.name: each for each in vars(columns).values() if isinstance(each, Column)}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_fully_described(table: Table) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z_]+", table.name)
    assert table.description.endswith(".")
    assert table.source
    assert re.fullmatch(r"team:[a-z]+|[^@\s]+@[^@\s]+", table.owner)
    assert table.key
    assert isinstance(table.sensitivity, Sensitivity)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.description
        assert not column.description.endswith(".")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_times_say_their_zone_in_name_and_type(table: Table) -> None:
    for column in table.columns:
        is_time = str(column.dtype).startswith("Datetime")
        assert is_time == column.name.endswith("_utc")
        if is_time:
            assert column.dtype.time_zone == "UTC"  # type: ignore[union-attr]


def test_a_name_means_one_thing_in_every_table() -> None:
    meanings = defaultdict(set)
    for column in [*VOCABULARY.values(), *(column for table in TABLES for column in table.columns)]:
        meanings[column.name].add((str(column.dtype), column.description))
    assert {name: meant for name, meant in meanings.items() if len(meant) > 1} == {}


def test_what_several_tables_share_is_in_the_vocabulary() -> None:
    names = [name for table in TABLES for name in table.column_names]
    assert {name for name in names if names.count(name) > 1} <= set(VOCABULARY) <= set(names)
    assert not any(column.nullable for column in VOCABULARY.values()), "that is the table's to say"


def test_every_table_from_drops_can_be_followed_to_the_file_and_line() -> None:
    for table in TABLES:
        # A row of readings gathers the records of a day; those that are none lie in quarantine with their line.
        gathered = table.name == "meters/raw_readings"
        assert ("drop_sha256" in table.column_names) == ("line" in table.column_names or gathered)


def test_the_tables_of_the_pilot_are_declared() -> None:
    assert {
        "prices/raw_quotes",
        "prices/checked_quotes",
        "prices/collection_report",
        "prices/item_indices",
        "prices/aggregate_indices",
        "reference/item_weights",
        "governance/drop_ledger",
    } <= set(CATALOGUE)
