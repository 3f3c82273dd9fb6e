"""Which tables of a run cannot be made, against what comes of making them one after another."""

from unittest import mock

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Derivation
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.staleness import lacking
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

N = 7
TABLES = [
    Table(
        name=f"test/table_{number}",
        description="A table.",
        columns=(Column("day", pl.Date(), "day"),),
        key=("day",),
        sensitivity=Sensitivity.PUBLIC,
        owner="team:test",
        source="tests",
    )
    for number in range(N)
]
NUMBERS = st.sets(st.integers(0, N - 1))


def made(inputs: list[set[int]], there: set[int], asked: set[int], of_files: set[int]) -> tuple[set[int], set[int]]:
    """Make one table after another: what is there in the end, and what could not be made."""
    there, lost = {*there}, set()
    for number in range(N):
        if number not in asked:
            continue
        if number in of_files or inputs[number] <= there:
            there.add(number)
        else:
            lost.add(number)
    return there, lost


@given(st.tuples(*(NUMBERS for _ in range(N))), NUMBERS, NUMBERS, NUMBERS)
def test_what_lacks_something_is_what_could_not_be_made(
    drawn: tuple[set[int], ...], there: set[int], asked: set[int], of_files: set[int]
) -> None:
    inputs = [{each for each in some if each < number} for number, some in enumerate(drawn)]
    derivations = [
        Derivation((TABLES[number],), lambda: pl.DataFrame(), tuple(TABLES[each] for each in sorted(inputs[number])))
        for number in asked - of_files
    ]
    names = {table.name: number for number, table in enumerate(TABLES)}
    with mock.patch.object(lake, "exists", lambda _, table: names[table.name] in there):
        found = lacking(Home.__new__(Home), derivations[::-1], {TABLES[number].name for number in asked})
    after, lost = made(inputs, there, asked, of_files)
    # A table that was published once and cannot be made now is still there to be read.
    assert {names[name] for name in found} == lost
    for name, absent in found.items():
        assert {names[each] for each in absent} == inputs[names[name]] - after
