import gzip
import hashlib
import os
import stat
import subprocess
import sys
import time
from datetime import date
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.intake import drops
from ons_assets.intake.drops import Sighting, StillChanging, observe
from ons_assets.intake.ledger import Status
from ons_assets.intake.recovery import recover
from ons_assets.lakehouse import lake, quarantine
from tests.workbench import Workbench, day_of, record, run

DAY = date(2016, 7, 21)
SETTLE = 5.0


def look(folder: Path, seen: dict[str, Sighting], now: float) -> tuple[list[str], dict[str, Sighting]]:
    ready, sightings = observe(folder, seen, now, SETTLE)
    return [path.name for path in ready], sightings


def test_a_file_is_complete_when_it_has_not_changed_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1")
    ready, seen = look(tmp_path, {}, 100)
    assert ready == []
    ready, seen = look(tmp_path, seen, 104.9)
    assert ready == []
    ready, seen = look(tmp_path, seen, 105)
    assert ready == ["a.csv"]


def test_a_file_that_grows_is_never_ready(tmp_path: Path) -> None:
    seen: dict[str, Sighting] = {}
    with (tmp_path / "a.csv").open("a") as file:
        for now in range(0, 60, 4):
            file.write("more")
            file.flush()
            ready, seen = look(tmp_path, seen, now)
            assert ready == []
    assert look(tmp_path, seen, 60)[0] == []
    assert look(tmp_path, seen, 61)[0] == ["a.csv"]


def test_a_change_of_time_alone_starts_the_wait_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    _, seen = look(tmp_path, {}, 0)
    os.utime(path, ns=(1, 1))
    ready, seen = look(tmp_path, seen, 6)
    assert ready == []
    assert look(tmp_path, seen, 11)[0] == ["a.csv"]


@pytest.mark.parametrize("skew_seconds", [-10 * 365 * 86400, 3 * 365 * 86400])
def test_the_supplier_s_clock_does_not_matter(tmp_path: Path, skew_seconds: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    modified = time.time() + skew_seconds
    os.utime(path, (modified, modified))
    now = time.time()
    ready, seen = look(tmp_path, {}, now)
    assert ready == []
    assert look(tmp_path, seen, now + SETTLE)[0] == ["a.csv"]


@pytest.mark.parametrize(
    "name", [".hidden", ".a.csv.Xy12", "a.csv.part", "a.csv.tmp", "a.crdownload", "a.filepart", "a.csv~", ".a.swp"]
)
def test_names_of_unfinished_copies_are_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("1")
    ready, seen = observe(tmp_path, {}, 0, 0)
    assert (ready, seen) == ([], {})


def test_a_taken_file_is_ready_again_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    _, seen = look(tmp_path, {}, 0)
    seen = {name: Sighting(each.size_bytes, each.modified_ns, each.since, taken=True) for name, each in seen.items()}
    ready, seen = look(tmp_path, seen, 100)
    assert ready == []
    path.write_text("22")
    ready, seen = look(tmp_path, seen, 200)
    assert ready == []
    assert look(tmp_path, seen, 205)[0] == ["a.csv"]


def test_sightings_are_only_of_files_that_are_there(tmp_path: Path) -> None:
    seen: dict[str, Sighting] = {}
    for number in range(50):
        path = tmp_path / f"{number}.csv"
        path.write_text("1")
        _, seen = look(tmp_path, seen, number)
        path.unlink()
    assert len(seen) == 1
    assert look(tmp_path, seen, 100) == ([], {})


def test_a_file_that_vanishes_while_the_folder_is_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.csv").write_text("1")
    listed = [tmp_path / "gone.csv", tmp_path / "b.csv"]
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(listed))
    assert [path.name for path in observe(tmp_path, {}, 0, 0)[0]] == ["b.csv"]


def test_no_folder_is_no_files(tmp_path: Path) -> None:
    assert observe(tmp_path / "absent", {}, 0, 0) == ([], {})


def test_ready_files_come_oldest_change_first(tmp_path: Path) -> None:
    for number, name in enumerate(["c", "a", "b"]):
        (tmp_path / name).write_text("1")
        os.utime(tmp_path / name, (number, number))
    assert [path.name for path in observe(tmp_path, {}, 0, 0)[0]] == ["c", "a", "b"]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["write", "leave"]), st.integers(1, 4)), max_size=12))
def test_a_file_is_ready_exactly_when_it_was_quiet_for_long_enough(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("drops")
    path = folder / "a.csv"
    path.write_text("")
    now, last_change, seen = 0, 0, {}
    _, seen = look(folder, seen, now)
    for step, seconds in steps:
        now += seconds
        if step == "write":
            path.write_text(path.read_text() + "x")
            last_change = now
        ready, seen = look(folder, seen, now)
        assert ready == (["a.csv"] if now - last_change >= SETTLE else [])


# --- the archive


def test_the_archive_is_read_only_and_by_hash(workbench: Workbench) -> None:
    content = run(record())
    drop = workbench.register("tesco_products_20160721050000.csv", content)
    assert drop.sha256 is not None
    kept = drops.archived_path(workbench.home, "prices", drop.sha256)
    assert kept.read_bytes() == content
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400
    assert stat.S_IMODE(workbench.home.archive.stat().st_mode) == 0o700
    assert [path for path in workbench.home.archive.rglob("*") if path.is_file()] == [kept]
    assert drop.size_bytes == len(content)
    assert drop.days == (DAY,)
    assert (workbench.home.drops / "prices" / drop.name).read_bytes() == content


def test_archiving_a_content_again_leaves_one_read_only_file(workbench: Workbench) -> None:
    path = workbench.leave("a.csv", run(record()))
    first = drops.archive(workbench.home, "prices", path)
    assert drops.archive(workbench.home, "prices", path) == first
    [kept] = [each for each in workbench.home.archive.rglob("*") if each.is_file()]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o400


def test_a_file_that_grows_while_it_is_read_is_not_taken(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbench.leave("a.csv", run(record()))
    real = os.fsync

    def grow_meanwhile(descriptor: int) -> None:
        real(descriptor)
        with path.open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr(os, "fsync", grow_meanwhile)
    with pytest.raises(StillChanging):
        workbench.take(path)
    monkeypatch.undo()
    assert workbench.ledger.drops() == []
    assert quarantine.entries(workbench.home) == []
    assert not [each for each in workbench.home.archive.rglob("*") if each.is_file()]


def test_a_file_that_grows_without_end_does_not_keep_the_reader(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbench.leave("a.csv", b"x" * drops.CHUNK_BYTES)
    chunks = count()

    class GrowsAsItIsRead:
        def update(self, chunk: bytes) -> None:
            assert next(chunks) < 10
            with path.open("ab") as file:
                file.write(chunk)

    monkeypatch.setattr(hashlib, "sha256", GrowsAsItIsRead)
    with pytest.raises(StillChanging):
        workbench.take(path)


def test_a_file_that_is_replaced_while_it_is_read_is_not_taken(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbench.leave("a.csv", run(record()))
    real = os.fsync

    def replace_meanwhile(descriptor: int) -> None:
        real(descriptor)
        other = workbench.home.root / "other"
        other.write_bytes(run(record(item_price_num=2)))
        os.utime(other, ns=(7, 7))
        other.replace(path)

    monkeypatch.setattr(os, "fsync", replace_meanwhile)
    with pytest.raises(StillChanging):
        workbench.take(path)


# --- duplicates


def test_the_same_content_under_the_same_name_is_one_drop(workbench: Workbench) -> None:
    first = workbench.register("a.csv", run(record()))
    assert workbench.register("a.csv", run(record())) == first
    assert len(workbench.ledger.drops()) == 1


def test_the_same_content_under_another_name_is_a_duplicate_with_its_reason(workbench: Workbench) -> None:
    workbench.register("a.csv", run(record()))
    second = workbench.register("b.csv", run(record()))
    assert second.status is Status.DUPLICATE
    assert second.reason == "b.csv has the same content as a.csv"
    assert workbench.register("b.csv", run(record())).drop_id == second.drop_id
    workbench.ingest()
    assert len(workbench.published()) == 1
    assert workbench.statuses() == {"a.csv": "accepted", "b.csv": "duplicate"}


def test_a_file_of_the_same_name_and_other_content_is_a_new_drop(workbench: Workbench) -> None:
    first = workbench.register("a.csv", run(record()))
    second = workbench.register("a.csv", run(record(item_price_num=2)))
    assert second.drop_id > first.drop_id
    assert second.status is Status.READ


def test_a_gzip_and_its_content_are_two_drops_that_count_once(workbench: Workbench) -> None:
    workbench.register("tesco_products_20160721050000.csv", run(record()))
    workbench.register("tesco_products_20160721050000.csv.gz", gzip.compress(run(record())))
    workbench.ingest()
    assert len(workbench.published()) == 1


def test_a_refused_file_can_be_tried_again(workbench: Workbench) -> None:
    mappings = workbench.home.root / "mappings" / "prices"
    content = b"datum;artikel;preis\n21.07.2016;Milch;1,20\n"
    assert workbench.register("shop.csv", content).status is Status.REFUSED
    assert workbench.register("shop.csv", content).status is Status.REFUSED
    mappings.mkdir(parents=True)
    (mappings / "mine.yaml").write_text(
        "name: mine\ndelimiter: ';'\ndecimal: ','\ntime_format: '%d.%m.%Y'\nzone: Europe/Vienna\ncurrency: EUR\n"
        "retailer: spar\ncolumns: {collected_at: datum, product: artikel, price: preis, category: artikel}\n"
        "items: {Milch: {item_id: '211709', item: Milk}}\n"
    )
    workbench.source = type(workbench.source).of(workbench.settings)  # type: ignore[attr-defined]
    again = workbench.register("shop.csv", content, retry=True)
    assert (again.status, again.days, again.reason) == (Status.READ, (DAY,), None)
    workbench.ingest()
    assert workbench.published()["price"].to_list() == [1.2]
    workbench.check_books()
    assert quarantine.entries(workbench.home) == []


# --- recovery


def test_recovery_removes_what_was_never_committed_and_nothing_else(workbench: Workbench) -> None:
    home = workbench.home
    workbench.register("tesco_products_20160721050000.csv", run(*day_of(DAY), record(item_price_num=-1)))
    workbench.ingest()
    workbench.register("tesco_products_20160722050000.csv", run(*day_of(date(2016, 7, 22))))
    recover(home)  # makes its lock
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    supplier_s = workbench.leave(".upload.part", b"a supplier is still writing this")

    (home.staging / "dead" / "prices").mkdir(parents=True)
    (home.staging / "dead" / "prices" / "batch.parquet").write_bytes(b"x")
    (home.staging / "stray").write_bytes(b"x")
    for folder in (home.archive / "prices", home.quarantine, home.reports, home.root, home.restricted_warehouse.parent):
        (folder / ".123.part").write_bytes(b"x")
    (home.root / ".warehouse.duckdb.123.part.wal").write_bytes(b"x")
    (home.reports / ".governance.123.part").mkdir()
    (home.reports / ".governance.123.part" / "index.html").write_text("x")
    orphan = home.table("prices/raw_quotes") / "collected_on=2016-07-21" / "part-00000-orphan.parquet"
    orphan.write_bytes(b"x")

    assert recover(home) is True
    assert supplier_s.exists()
    supplier_s.unlink()
    after = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    assert after == before
    assert list(home.staging.iterdir()) == []
    assert not (home.reports / ".governance.123.part").exists()
    assert len(workbench.published()) == 3


def test_recovery_keeps_every_version_readable(workbench: Workbench) -> None:
    for price in (1.0, 2.0, 3.0):
        workbench.register("a.csv", run(record(item_price_num=price)))
        workbench.ingest()
    (workbench.home.table("prices/raw_quotes") / "never-committed.parquet").write_bytes(b"x")
    recover(workbench.home)
    assert [workbench.published(version)["price"].item() for version in range(3)] == [1.0, 2.0, 3.0]


def test_recovery_of_a_writer_that_died_between_files_and_commit(workbench: Workbench) -> None:
    workbench.register("a.csv", run(record()))
    workbench.ingest()
    folder = workbench.home.table("prices/raw_quotes")
    elsewhere = workbench.home.root / "elsewhere"
    write_deltalake(elsewhere, pl.DataFrame({"a": [1]}).to_arrow())
    [data_file] = elsewhere.glob("*.parquet")
    data_file.rename(folder / data_file.name)
    assert lake.remove_orphans(folder) == [data_file.name]
    assert len(workbench.published()) == 1


AT_WORK = """
import sys
from pathlib import Path
from ons_assets.lakehouse.home import Home
with Home(Path(sys.argv[1])).working():
    print("working", flush=True)
    sys.stdin.readline()
"""


def test_recovery_waits_while_another_process_works(workbench: Workbench) -> None:
    staged = workbench.home.staging / "running"
    staged.mkdir()
    command = [sys.executable, "-c", AT_WORK, str(workbench.home.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "working\n"
        assert recover(workbench.home) is False
        assert staged.exists()
        other.kill()
        other.wait()
        assert recover(workbench.home) is True
    assert not staged.exists()


def test_recovery_of_an_empty_home(workbench: Workbench) -> None:
    assert recover(workbench.home) is True
    assert recover(workbench.home) is True
