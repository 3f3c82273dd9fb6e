import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between
from tests.workbench import COUNTS, PERSONS, provenance

DAY = date(2016, 7, 21)
MARKER = "MARKER4711"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def counts(*pairs: tuple[int, int]) -> pl.LazyFrame:
    """Rows of (days after the first, trips)."""
    return pl.LazyFrame(
        [(DAY + timedelta(days=day), trips) for day, trips in pairs], schema=COUNTS.schema, orient="row"
    )


def days(first: int, last: int) -> Between:
    return Between("day", DAY + timedelta(days=first), DAY + timedelta(days=last))


def rows(home: Home, version: int | None = None) -> list[tuple[int, int]]:
    frame = lake.read(home, COUNTS, version).sort("day", "trips").collect()
    return [((day - DAY).days, trips) for day, trips in frame.rows()]


def test_what_changed_is_read_from_the_files_that_differ(home: Home) -> None:
    partitioned = replace(COUNTS, partition_by=("day",))
    lake.publish(home, partitioned, counts((0, 1), (1, 2), (2, 3)), provenance())
    lake.publish(home, partitioned, counts((1, 5)), provenance(), days(1, 1))
    lake.publish(home, partitioned, counts((2, 3)), provenance(), days(2, 2))
    change = lake.change(home, partitioned, since=0)
    assert change.came.sort("day").collect().rows() == [(DAY + timedelta(1), 5), (DAY + timedelta(2), 3)]
    assert change.went.sort("day").collect().rows() == [(DAY + timedelta(1), 2), (DAY + timedelta(2), 3)]
    unchanged = lake.change(home, partitioned, since=2)
    assert unchanged.came.collect().is_empty()
    with pytest.raises(LookupError, match="no version 9"):
        lake.change(home, partitioned, since=9)


def test_a_table_reads_as_it_was_published(home: Home) -> None:
    assert not lake.exists(home, COUNTS)
    assert lake.publish(home, COUNTS, counts((0, 5), (1, 6)), provenance()) == 0
    assert lake.exists(home, COUNTS)
    assert lake.read(home, COUNTS).collect_schema() == COUNTS.schema
    assert rows(home) == [(0, 5), (1, 6)]
    stored = DeltaTable(home.table(COUNTS.name)).metadata()
    assert (stored.name, stored.description) == (COUNTS.name, COUNTS.description)


def test_only_columns_whose_values_come_again_have_a_dictionary_in_the_file(home: Home) -> None:
    n = 1_000
    rows = pl.LazyFrame({"day": [date(2016, 7, 21)] * n, "trips": range(n)}, schema=COUNTS.schema)
    lake.publish(home, COUNTS, rows, provenance())
    again = rows.with_columns(pl.col("trips") % 7)
    for table, is_in_dictionary in ((rows, False), (again, True)):
        lake.publish(home, COUNTS, table, provenance())
        [file] = DeltaTable(home.table(COUNTS.name)).file_uris()
        group = pq.ParquetFile(file).metadata.row_group(0)
        columns = {group.column(each).path_in_schema: group.column(each) for each in range(group.num_columns)}
        assert columns["trips"].has_dictionary_page is is_in_dictionary
        assert lake.read(home, COUNTS).sort("trips").collect().equals(table.sort("trips").collect())


def test_a_publication_replaces_its_partition_and_no_other(home: Home) -> None:
    lake.publish(home, COUNTS, counts((0, 1), (1, 2), (2, 3)), provenance())
    lake.publish(home, COUNTS, counts((1, 9)), provenance(), days(1, 1))
    assert rows(home) == [(0, 1), (1, 9), (2, 3)]
    lake.publish(home, COUNTS, counts((2, 8)), provenance(), days(0, 2))
    assert rows(home) == [(2, 8)]
    lake.publish(home, COUNTS, counts(), provenance(), days(2, 2))
    assert rows(home) == []
    assert [rows(home, version) for version in range(2)] == [[(0, 1), (1, 2), (2, 3)], [(0, 1), (1, 9), (2, 3)]]


def test_publishing_the_whole_table_replaces_everything(home: Home) -> None:
    lake.publish(home, COUNTS, counts((0, 1)), provenance())
    lake.publish(home, COUNTS, counts((5, 5)), provenance())
    assert rows(home) == [(5, 5)]


def test_rows_outside_the_partition_are_refused_without_a_word_of_them(home: Home) -> None:
    person = {"day": [DAY], "person": [MARKER], "note": [MARKER], "distance_km": [4711.0]}
    frame = pl.LazyFrame(person, schema=PERSONS.schema)
    lake.publish(home, PERSONS, frame, provenance())
    with pytest.raises(ValueError, match="rows outside day >= '2016-07-22'") as raised:
        lake.publish(home, PERSONS, frame, provenance(), days(1, 1))
    assert MARKER not in str(raised.value)
    assert lake.latest(home, PERSONS).number == 0  # type: ignore[union-attr]


def test_individual_tables_can_be_opened_by_their_owner_only(home: Home) -> None:
    lake.publish(home, PERSONS, PERSONS.empty().lazy(), provenance())
    assert home.table(PERSONS.name).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((DAY, DAY - timedelta(days=1)), "comes after"), (("a'b", "c"), "cannot contain a quote")],
)
def test_an_impossible_partition_is_refused(arguments: tuple[object, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Between("day", *arguments)  # type: ignore[arg-type]


def test_the_two_forms_of_a_partition_say_the_same(home: Home) -> None:
    lake.publish(home, COUNTS, counts(*((day, day) for day in range(6))), provenance())
    partition = days(1, 4)
    kept = lake.read(home, COUNTS).filter(~partition.polars).collect()["trips"].sort().to_list()
    lake.publish(home, COUNTS, counts(), provenance(), partition)
    assert [trips for _, trips in rows(home)] == kept == [0, 5]


def test_what_was_never_published_is_a_plain_lookup_error(home: Home) -> None:
    with pytest.raises(LookupError, match=r"^test/counts has not been published yet$"):
        lake.read(home, COUNTS)
    lake.publish(home, COUNTS, counts((0, 1)), provenance())
    with pytest.raises(LookupError, match=r"^test/counts has no version 7$"):
        lake.read(home, COUNTS, 7)
    assert lake.history(home, PERSONS) == []
    assert lake.latest(home, PERSONS) is None


def test_every_version_carries_its_provenance(home: Home) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = [provenance(f"run-{number}", partition=("2016-07-21", "2016-07-22")) for number in range(3)]
    for each in made:
        lake.publish(home, COUNTS, counts((0, 1)), each, days(0, 1))
    history = lake.history(home, COUNTS)
    assert [version.number for version in history] == [2, 1, 0]
    assert [version.provenance for version in history] == made[::-1]
    assert all(before <= version.published_utc <= datetime.now(UTC) for version in history)
    assert lake.latest(home, COUNTS) == history[0]
    assert len(lake.history(home, COUNTS, limit=2)) == 2


def test_a_commit_of_another_program_has_no_provenance(home: Home) -> None:
    lake.publish(home, COUNTS, counts((0, 1)), provenance())
    DeltaTable(home.table(COUNTS.name)).optimize.compact()
    DeltaTable(home.table(COUNTS.name)).delete("trips = 1")
    assert lake.latest(home, COUNTS).provenance is None  # type: ignore[union-attr]


def test_orphans_go_and_every_version_stays(home: Home) -> None:
    for trips in range(5):
        lake.publish(home, COUNTS, counts((0, trips)), provenance(), days(0, 0))
    folder = home.table(COUNTS.name)
    (folder / "day=2016-07-21" / "orphan.parquet").write_bytes(b"x")
    (folder / "orphan.parquet").write_bytes(b"x")
    assert sorted(lake.remove_orphans(folder)) == ["day=2016-07-21/orphan.parquet", "orphan.parquet"]
    assert not list(folder.rglob("orphan.parquet"))
    assert [rows(home, version) for version in range(5)] == [[(0, trips)] for trips in range(5)]
    assert lake.remove_orphans(folder) == []
    assert DeltaTable(folder).version() == 4


def test_a_folder_that_is_no_table_has_no_orphans(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert lake.remove_orphans(tmp_path) == []
    assert (tmp_path / "file").exists()


PUBLISH = """
import sys
from datetime import date, timedelta
from pathlib import Path
import polars as pl
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between
from tests.workbench import COUNTS, provenance
home, number = Home(Path(sys.argv[1])), int(sys.argv[2])
for trips in range(3):
    day = date(2016, 7, 21) + timedelta(days=number)
    frame = pl.LazyFrame({"day": [day], "trips": [trips]}, schema=COUNTS.schema)
    lake.publish(home, COUNTS, frame, provenance(f"{number}-{trips}"), Between("day", day, day))
"""


def test_four_processes_publish_different_partitions_at_once(home: Home) -> None:
    lake.publish(home, COUNTS, counts((0, 9), (1, 9), (2, 9), (3, 9), (4, 9)), provenance())
    root = Path(__file__).resolve().parents[2]

    def publish(number: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", PUBLISH, str(home.root), str(number)]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(publish, range(4)))
    assert [result.returncode for result in results] == [0, 0, 0, 0], results[0].stderr
    assert rows(home) == [(0, 2), (1, 2), (2, 2), (3, 2), (4, 9)]
    runs = {version.provenance.run_id for version in lake.history(home, COUNTS) if version.provenance}
    assert runs == {"run-0", *(f"{number}-{trips}" for number in range(4) for trips in range(3))}


def test_a_reader_of_an_older_version_is_not_disturbed(home: Home) -> None:
    lake.publish(home, COUNTS, counts((0, 1)), provenance())
    open_before = lake.read(home, COUNTS)
    lake.publish(home, COUNTS, counts((0, 2)), provenance())
    assert open_before.collect()["trips"].item() == 1
    assert rows(home) == [(0, 2)]
