"""Of every source: the rows in force are those that its drops gave, each thing once, and the ledger agrees."""

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.intake import parsed
from ons_assets.intake.ledger import Drop
from ons_assets.intake.parsed import day_column
from ons_assets.lakehouse import gate as gates
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import CRITICAL, Audit, Failure
from ons_assets.lakehouse.tables import Table
from ons_assets.settings import Settings
from tests.fuzz import open_gate
from tests.intake.samples import SAMPLES, TABLES, table_of
from tests.workbench import Workbench

NAMES = {raw.source(Settings(home=Path("unused"))).name: raw for raw in RAW}
REFUSING = Audit("0", 1, (Failure("table row count to be between", None, CRITICAL, "refused"),), {})


@pytest.fixture
def gate() -> Iterator[None]:
    with open_gate():
        yield


def text(header: list[str], rows: list[list[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue().encode()


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Workbench:
    raw = NAMES[request.param]
    made = Workbench.at(tmp_path)
    return replace(made, source=raw.source(made.settings), table=CATALOGUE[raw.table])


def left(bench: Workbench, name: str, content: bytes) -> Drop:
    """Leave a file, ingest what there is, and check the law."""
    sample = Path("m.csv" if bench.source.name in TABLES else SAMPLES[bench.source.name].name)
    # Names may say what a file is of; what is put before them does not matter.
    drop = bench.register(f"{name}-{sample.name}", content)
    bench.ingest()
    check(bench)
    return next(each for each in bench.ledger.drops() if each.drop_id == drop.drop_id)


def check(bench: Workbench) -> None:
    """Assert that table, ledger and what the files gave are one."""
    table = lake.read(bench.home, bench.table).collect()
    counted = dict(table.group_by("drop_sha256").len().iter_rows())
    given, folder = [], parsed.folder_of(bench.home, bench.source.name)
    for drop in bench.ledger.drops():
        in_force = drop.rows_in_force or 0
        assert in_force == (0 if drop.status == "duplicate" else counted.pop(drop.sha256, 0)), drop.name
        if drop.parsed_rows is None or drop.status == "duplicate":
            continue
        assert drop.accepted_rows is not None
        assert drop.quarantined_rows is not None
        assert drop.parsed_rows == drop.accepted_rows + drop.quarantined_rows
        assert in_force <= drop.accepted_rows
        assert (drop.status == "accepted") == (in_force > 0)
        found = parsed.load(folder, drop.drop_id)
        if drop.accepted_rows and found is not None:
            rows = parsed.rows(folder, found).with_columns(drop_sha256=pl.lit(drop.sha256)).collect()
            assert len(rows) == drop.accepted_rows
            given.append(rows)
    assert counted == {}, "every row is of a drop of the ledger"
    every, columns = pl.concat(given), identity(bench, bench.table)
    # Each thing of which some file in force said something is in the table, and nothing else is.
    assert every.select(columns).unique().sort(columns).equals(table.select(columns).unique().sort(columns))
    if bench.table.key:
        assert not table.select(bench.table.key).is_duplicated().any()
    # And a row is as its file gave it.
    flat = [name for name, dtype in every.schema.items() if not dtype.is_nested() and name != "arrival"]
    assert table.select(flat).join(every.select(flat), on=flat, how="anti", nulls_equal=True).is_empty()


def identity(bench: Workbench, table: Table) -> list[str]:
    day = day_column(table)
    columns = [*(bench.source.identity or table.key), *([day] if day else [])]
    return [name for name in dict.fromkeys(columns) if name not in ("drop_sha256", "line", "arrival")]


@pytest.mark.usefixtures("gate")
def test_rows_in_force_are_the_accepted_rows_of_the_drops_in_force(bench: Workbench) -> None:
    header, *rows = table_of(bench.source.name)
    first = left(bench, "first", text(header, rows))
    assert (first.status, first.rows_in_force) == ("accepted", first.accepted_rows)

    # The same again, by another name and packed otherwise, and a correction that says less.
    assert left(bench, "again", text(header, rows)).status == "duplicate"
    left(bench, "packed", gzip.compress(text(header, rows), mtime=0))
    left(bench, "corrected", text(header, rows[1:]))
    whole = sum(drop.rows_in_force or 0 for drop in bench.ledger.drops())
    assert whole > 0
    if not {"drop_sha256", "arrival"} & {*(bench.source.identity or bench.table.key)}:
        assert whole <= (first.accepted_rows or 0)

    # A supplier goes back to what came first.
    left(bench, "first", text(header, rows))

    # A row of which nothing can be read beside those that can.
    partly = left(bench, "partly", text(header, [*rows[:-1], [""] * len(header)]))
    assert partly.accepted_rows
    assert partly.quarantined_rows

    # A file of which nothing can be read, and one that the gate refuses.
    before = lake.read(bench.home, bench.table).collect()
    assert left(bench, "empty", text(header, [])).status == "refused"
    other = [[cell.replace("good", "bad") for cell in row] for row in rows[:-1]]
    with mock.patch.object(gates, "audit", return_value=REFUSING):
        bench.register(f"bad-{SAMPLES[bench.source.name].name}", text(header, other) + b"\n")
        bench.ingest()
    after = lake.read(bench.home, bench.table).collect()
    keys = [name for name in bench.table.key if name != "arrival"]
    assert after.select(keys).sort(keys).equals(before.select(keys).sort(keys)), "the last good data stay"
    # And it passes when the gate lets it.
    bench.ingest()
    check(bench)
