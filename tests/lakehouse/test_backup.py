"""A copy of a home: as it was at one moment, whoever works meanwhile, and whole or refused when it is put back."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.cli import main
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import backup, lake
from ons_assets.lakehouse.backup import NoBackup
from ons_assets.lakehouse.home import Home, sha256_of
from ons_assets.settings import Settings, load_settings
from tests.run_files import write_run

DAY = date(2016, 7, 21)
COPIES = 4
QUOTES = CATALOGUE["prices/raw_quotes"]


def silent(_: str) -> None:
    """Take progress and show nothing."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = load_settings(tmp_path / "home")
    operations.open_home(settings)
    ingest(settings, tmp_path, DAY)
    return settings


def ingest(settings: Settings, folder: Path, day: date) -> None:
    operations.take(settings, [write_run(folder, "tesco", day)], "prices", silent)
    assert all(outcome.success for outcome in operations.read_waiting(settings, silent))


def content(home: Home) -> dict[str, str]:
    """Hashes of what a copy holds, databases of SQLite by what is in them."""
    found = {}
    for path in sorted(home.root.rglob("*")):
        name = str(path.relative_to(home.root))
        if path.is_file() and not name.startswith(("locks/", "staging/")) and "warehouse.duckdb" not in name:
            if path.read_bytes()[:16] == backup.OF_SQLITE:
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
                    found[name] = "\n".join(opened.iterdump())
            elif not name.endswith(("-wal", "-shm")):
                found[name] = sha256_of(path)
    return found


def test_a_home_that_is_put_back_is_what_it_was_and_goes_on(settings: Settings, tmp_path: Path) -> None:
    home = Home(settings.home)
    operations.make(settings, ["prices/collection_report", "governance/analytical_database"], None, silent)
    secret = home.secret()
    made = backup.back_up(home, tmp_path / "copies")
    assert backup.faults(made) == []
    assert stat.S_IMODE(made.folder.parent.stat().st_mode) == 0o700
    restored = backup.restore(backup.read(made.folder), tmp_path / "again")
    assert content(restored) == content(home)
    assert restored.secret() == secret
    assert stat.S_IMODE(restored.archive.stat().st_mode) == stat.S_IMODE(home.archive.stat().st_mode)
    assert not restored.warehouse.exists()
    again = load_settings(restored.root)
    operations.open_home(again)
    ingest(again, tmp_path, DAY + timedelta(days=1))
    assert operations.make(again, ["governance/analytical_database"], None, silent).success
    assert lake.read(restored, QUOTES).collect()["collected_on"].n_unique() == 2


def test_what_is_as_before_takes_no_room_and_what_went_is_not_there(settings: Settings, tmp_path: Path) -> None:
    home, copies = Home(settings.home), tmp_path / "copies"
    first = backup.back_up(home, copies)
    note = home.layouts / "note.txt"
    note.write_text("of an office")
    ingest(settings, tmp_path, DAY + timedelta(days=1))
    second = backup.back_up(home, copies)
    assert second.linked > 0.5 * len(first.files)
    archived = next(path for path in first.files if path.startswith("archive/"))
    assert os.stat(second.content / archived).st_ino == os.stat(first.content / archived).st_ino
    note.unlink()
    third = backup.back_up(home, copies)
    assert "layouts/note.txt" in second.files
    assert "layouts/note.txt" not in third.files
    assert [backup.faults(each) for each in (first, second, third)] == [[], [], []]


def rename(made: backup.Backup, name: str) -> backup.Backup:
    made.folder.rename(made.folder.with_name(name))
    return backup.read(made.folder.with_name(name))


def test_copies_of_a_home_that_is_at_work_are_each_of_one_moment(settings: Settings, tmp_path: Path) -> None:
    """Files are read and published without a pause; in each copy what the ledger calls accepted is published."""
    home, ended, faults = Home(settings.home), threading.Event(), []

    def work() -> None:
        number = 1
        try:
            while not ended.is_set():
                ingest(settings, tmp_path, DAY + timedelta(days=number))
                number += 1
        except BaseException as error:
            faults.append(error)
            raise

    worker = threading.Thread(target=work)
    worker.start()
    copies = []
    while worker.is_alive() and len(copies) < COPIES:
        if len(Ledger(home).drops("prices")) > len(copies):
            made = backup.back_up(home, tmp_path / "copies")
            copies.append(rename(made, f"{len(copies) + 1}000-01-01T000000Z"))
    ended.set()
    worker.join()
    assert faults == []
    accepted = []
    for number, made in enumerate(copies):
        restored = backup.restore(made, tmp_path / f"again{number}")
        drops = Ledger(restored).drops("prices")
        published = lake.read(restored, QUOTES).select("drop_sha256").unique().collect()["drop_sha256"]
        assert {drop.sha256 for drop in drops if drop.status is Status.ACCEPTED} == set(published)
        accepted.append(len(published))
    assert accepted == sorted(accepted)
    assert accepted[-1] > accepted[0]


def damaged(made: backup.Backup) -> Iterator[tuple[str, str]]:
    path = next(path for path in made.files if path.startswith("archive/"))
    file = made.content / path
    file.chmod(0o600)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    yield path, "was changed"
    file.unlink()
    yield path, "is not there"
    file.write_bytes(whole)
    (made.content / "more.txt").write_text("x")
    yield "more.txt", "is no file of it"


def test_a_copy_that_is_not_as_it_was_made_is_not_put_back(settings: Settings, tmp_path: Path) -> None:
    made = backup.back_up(Home(settings.home), tmp_path / "copies")
    for path, what in damaged(made):
        with pytest.raises(NoBackup, match=f"is not as it was made: {path} {what}"):
            backup.restore(made, tmp_path / "again")
        assert not (tmp_path / "again").exists()
    (made.folder / backup.MANIFEST).write_text("{")
    with pytest.raises(NoBackup, match="is no backup"):
        backup.read(made.folder)


def test_it_is_said_why_nothing_is_copied(settings: Settings, tmp_path: Path) -> None:
    home = Home(settings.home)
    with pytest.raises(NoBackup, match="lies in the home"):
        backup.back_up(home, home.root / "copies")
    with pytest.raises(NoBackup, match="there is no home"):
        backup.back_up(Home(tmp_path / "nowhere"), tmp_path / "copies")
    with home.working(), pytest.raises(NoBackup, match="others have been at work"):
        backup.back_up(home, tmp_path / "copies", patience_seconds=0.3)
    assert list((tmp_path / "copies").iterdir()) == [], "nothing that is of people is left of one that failed"
    with pytest.raises(NoBackup, match="is not empty"):
        backup.restore(backup.back_up(home, tmp_path / "copies"), home.root)


def test_by_the_command_line(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main_and_return(["backup", str(tmp_path / "copies"), "--home", str(settings.home)])
    [made] = (tmp_path / "copies").iterdir()
    assert str(made) in capsys.readouterr().out
    main_and_return(["restore", str(made), "--home", str(tmp_path / "again")])
    assert "every file was checked" in capsys.readouterr().out


def main_and_return(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (0, None)
