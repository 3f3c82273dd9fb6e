import stat
from pathlib import Path

import polars as pl
import pytest

from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home

REJECTED = pl.DataFrame(
    [(2, "price is missing", "a,b"), (5, "price is missing", "c,d"), (3, "day is before", "e,f")],
    schema=quarantine.REJECTED_SCHEMA,
    orient="row",
)
TABLE = "prices/raw_quotes"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def staged(home: Home, rows: int = 4) -> Path:
    path = home.staging / "batch.parquet"
    pl.DataFrame({"a": range(rows)}).write_parquet(path)
    return path


def test_rows_are_kept_with_line_reason_and_text(home: Home) -> None:
    quarantine.keep_rows(home, TABLE, "h1", "a.csv", "run-1", REJECTED)
    assert pl.read_parquet(home.quarantine / TABLE / "h1.rows.parquet").equals(REJECTED)
    [entry] = quarantine.entries(home)
    assert (entry.name, entry.rows, entry.refused, entry.run_id) == ("a.csv", 3, False, "run-1")
    assert entry.reason == "2 rows: price is missing; 1 row: day is before"


def test_a_refused_batch_is_moved_there_whole(home: Home) -> None:
    path = staged(home)
    quarantine.keep_refused(home, TABLE, "h1", "a.csv", "run-1", "the gate says no", path)
    assert not path.exists()
    assert len(pl.read_parquet(home.quarantine / TABLE / "h1.batch.parquet")) == 4
    [entry] = quarantine.entries(home)
    assert (entry.rows, entry.refused, entry.reason) == (4, True, "the gate says no")


def test_rows_and_batch_of_one_file_are_counted_together(home: Home) -> None:
    quarantine.keep_rows(home, TABLE, "h1", "a.csv", "run-1", REJECTED)
    quarantine.keep_refused(home, TABLE, "h1", "a.csv", "run-1", "the gate says no", staged(home))
    assert [entry.rows for entry in quarantine.entries(home)] == [7]


def test_a_file_that_was_never_read_has_no_rows(home: Home) -> None:
    quarantine.keep_refused(home, TABLE, "h1", "a.csv", "run-1", "a.csv is empty", staged=None)
    assert [entry.rows for entry in quarantine.entries(home)] == [0]


def test_release_forgets_a_file_and_its_batches_and_no_other(home: Home) -> None:
    quarantine.keep_rows(home, TABLE, "h1", "a.csv", "run-1", REJECTED)
    quarantine.keep_refused(home, TABLE, "h1-1-tesco", "a.csv", "run-1", "no", staged(home))
    quarantine.keep_rows(home, TABLE, "h2", "b.csv", "run-1", REJECTED)
    quarantine.keep_rows(home, "other/table", "h1", "a.csv", "run-1", REJECTED)
    quarantine.release(home, TABLE, "h1")
    assert sorted((entry.table, entry.batch) for entry in quarantine.entries(home)) == [
        ("other/table", "h1"),
        (TABLE, "h2"),
    ]
    assert sorted(path.name for path in (home.quarantine / TABLE).iterdir()) == ["h2.reason.json", "h2.rows.parquet"]
    quarantine.release(home, TABLE, "h1")


def test_nobody_else_can_look_inside(home: Home) -> None:
    quarantine.keep_rows(home, TABLE, "h1", "a.csv", "run-1", REJECTED)
    assert stat.S_IMODE(home.quarantine.stat().st_mode) == 0o700
    assert stat.S_IMODE((home.quarantine / TABLE).stat().st_mode) == 0o700


def test_entries_hold_no_text_of_a_row(home: Home) -> None:
    quarantine.keep_rows(home, TABLE, "h1", "a.csv", "run-1", REJECTED)
    assert "e,f" not in repr(quarantine.entries(home))


def test_an_empty_quarantine(home: Home) -> None:
    assert quarantine.entries(home) == []
    assert quarantine.reasons(REJECTED.clear()) == ""
