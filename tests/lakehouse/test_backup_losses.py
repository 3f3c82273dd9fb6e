"""Copies of a home that go wrong: a disk that is full or went bad, ends at any moment, and what lies in the way."""

import errno
import os
import random
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.cli import main
from ons_assets.lakehouse import backup
from ons_assets.lakehouse.backup import NoBackup
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings, load_settings
from tests.lakehouse.test_backup import DAY, content, ingest

KILLS = int(os.environ.get("BACKUP_TEST_KILLS", "4"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    # As offices name their folders.
    settings = load_settings(tmp_path / "Büro für Statistik" / "das Haus")
    operations.open_home(settings)
    ingest(settings, tmp_path, DAY)
    return settings


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(settings.home)


def test_a_bit_that_flips_in_a_copy_is_not_handed_on(home: Home, tmp_path: Path) -> None:
    first = backup.back_up(home, tmp_path / "copies")
    archived = next(path for path in first.files if path.startswith("archive/"))
    file, there = first.content / archived, (first.content / archived).stat()
    file.chmod(0o600)
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    file.chmod(stat.S_IMODE(there.st_mode))
    os.utime(file, ns=(there.st_atime_ns, there.st_mtime_ns))
    second = backup.back_up(home, tmp_path / "copies")
    assert second.renewed == (archived,)
    assert backup.faults(first) == [f"{archived} was changed"]
    assert backup.faults(second) == []
    assert backup.back_up(home, tmp_path / "copies").renewed == ()


def test_a_file_that_was_closed_is_closed_in_the_next_copy_and_open_in_none_that_was_made_before(
    home: Home, tmp_path: Path
) -> None:
    note = home.layouts / "note.txt"
    note.write_text("of an office")
    note.chmod(0o644)
    first = backup.back_up(home, tmp_path / "copies")
    note.chmod(0o600)
    second = backup.back_up(home, tmp_path / "copies")
    modes = [stat.S_IMODE((each.content / "layouts" / "note.txt").stat().st_mode) for each in (first, second)]
    assert modes == [0o644, 0o600]


def test_a_copy_is_as_closed_as_the_home_wherever_it_lies(home: Home, tmp_path: Path) -> None:
    home.secret()
    (tmp_path / "open").mkdir(mode=0o755)
    made = backup.back_up(home, tmp_path / "open")
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    restored = backup.restore(made, tmp_path / "again")
    for path in home.root.rglob("*"):
        name = path.relative_to(home.root)
        for root in (made.content, restored.root):
            if (root / name).exists() and name.parts[0] not in ("locks", "staging"):
                assert stat.S_IMODE((root / name).stat().st_mode) == stat.S_IMODE(path.stat().st_mode), name
    assert content(restored) == content(home)


def test_folders_on_another_disk_are_copied_and_links_that_others_may_have_sent_are_not(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(home.archive, tmp_path / "large disk")
    home.archive.symlink_to(tmp_path / "large disk", target_is_directory=True)
    (tmp_path / "secret of the machine").write_text("SECRET4711")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("SECRET4711")
    folder = home.drops / "prices"
    folder.mkdir(exist_ok=True)
    (folder / "sent.csv").symlink_to(tmp_path / "secret of the machine")
    (folder / "sent").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "nowhere").symlink_to(tmp_path / "nothing")
    (folder / "round").symlink_to(home.root, target_is_directory=True)
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        # Its path may have a hundred characters.
        listening.bind("socket")
        made = backup.back_up(home, tmp_path / "copies")
    assert any(path.startswith("archive/") for path in made.files)
    assert made.left_out == tuple(f"drops/prices/{each}" for each in ("nowhere", "round", "sent", "sent.csv", "socket"))
    assert not any("SECRET4711" in path.read_text("latin-1") for path in made.folder.rglob("*") if path.is_file())
    restored = backup.restore(made, tmp_path / "again")
    assert sorted(path.name for path in restored.archive.rglob("*")) == sorted(
        path.name for path in (tmp_path / "large disk").rglob("*")
    )
    with pytest.raises(SystemExit):
        main(["backup", str(tmp_path / "copies"), "--home", str(home.root)])
    assert (
        "drops/prices/nowhere was not copied, as it is neither file nor folder, and 4 more" in capsys.readouterr().out
    )
    with pytest.raises(NoBackup, match="lies in the home"):
        backup.back_up(home, home.archive / "copies")
    table = next(each for each in (home.lake / "prices").iterdir() if each.is_dir())
    shutil.move(table, tmp_path / "a table")
    table.symlink_to(tmp_path / "a table", target_is_directory=True)
    # Nobody reads what a copy that was made at night said.
    with pytest.raises(NoBackup, match=f"lake/prices/{table.name} is neither file nor folder"):
        backup.back_up(home, tmp_path / "copies")


def planted(made: backup.Backup) -> dict[str, Callable[[], object]]:
    """What is not as it was made, by the sentence that says so."""
    one, two = sorted(path for path in made.files if path.startswith("archive/"))[:2]
    first, second, aside = made.content / one, made.content / two, made.folder / "aside"

    def swap() -> None:
        first.rename(aside)
        second.rename(first)
        aside.rename(second)

    def link() -> None:
        first.rename(aside)
        first.symlink_to(aside)

    return {
        # SQLite would take it for the last words of the ledger.
        "ledger.sqlite-wal is no file of it": (made.content / "ledger.sqlite-wal").touch,
        "staging/rows.parquet is no file of it": lambda: (
            (made.content / "staging").mkdir(),
            (made.content / "staging" / "rows.parquet").touch(),
        ),
        "drops/more is no file of it": lambda: (made.content / "drops" / "more").symlink_to("/"),
        f"{one} was changed, and 1 more": swap,
        f"{one} was changed": link,
        f"{one} is not there": first.unlink,
    }


def test_whatever_is_not_as_it_was_made_is_found(settings: Settings, home: Home, tmp_path: Path) -> None:
    ingest(settings, tmp_path, DAY.replace(day=DAY.day + 1))
    made = backup.back_up(home, tmp_path / "copies")
    for number, said in enumerate(planted(made)):
        copy = backup.read(shutil.copytree(made.folder, tmp_path / f"copy{number}", symlinks=True))
        planted(copy)[said]()
        with pytest.raises(NoBackup, match=f"is not as it was made: {said}$"):
            backup.restore(copy, tmp_path / "again")
        assert not (tmp_path / "again").exists()
    assert backup.faults(made) == []


def test_two_at_once_in_one_folder_are_refused_also_of_two_homes(home: Home, tmp_path: Path) -> None:
    other = load_settings(tmp_path / "other")
    operations.open_home(other)
    ingest(other, tmp_path, DAY)
    copies = tmp_path / "copies"
    copies.mkdir()
    with backup._alone_in(copies), pytest.raises(NoBackup, match="another copy is made in"):
        backup.back_up(Home(other.home), copies)
    assert list(copies.iterdir()) == []
    for each in (home, Home(other.home), home):
        made = backup.back_up(each, copies)
        assert backup.faults(made) == []
        assert content(Home(made.content)) == content(each)


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_room_for_a_database(*_: object) -> None:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    raise error


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("shutil.copy2", no_room),
        ("ons_assets.lakehouse.backup._copy_sqlite", no_room_for_a_database),
        ("ons_assets.lakehouse.backup.write_atomically", no_room),
    ],
)
def test_a_full_disk_is_a_sentence_and_nothing_of_people_stays(
    home: Home, tmp_path: Path, what: str, fault: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = backup.back_up(home, tmp_path / "copies")
    (home.layouts / "note.txt").write_text("of an office")
    with monkeypatch.context() as patch:
        patch.setattr(what, fault)
        with pytest.raises(NoBackup, match=r"there is no room for it in .*: nothing was left there"):
            backup.back_up(home, tmp_path / "copies")
    assert [*(tmp_path / "copies").iterdir()] == [first.folder]
    assert backup.faults(first) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_half_a_home_is_not_left_by_one_that_is_put_back_onto_a_full_disk(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    made, again = backup.back_up(home, tmp_path / "copies"), tmp_path / "again"
    if is_there:
        again.mkdir()
    copy = shutil.copy2
    done: list[object] = []

    def until_full(*arguments: object, **others: object) -> object:
        if len(done) == len(made.files) // 2:
            no_room()
        done.append(arguments)
        assert not Home(again).is_made
        return copy(*arguments, **others)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", until_full)
        with pytest.raises(NoBackup, match=r"there is no room for it in .*: nothing was left there"):
            backup.restore(made, again)
    assert len(done) == len(made.files) // 2
    assert again.exists() == is_there
    assert not is_there or list(again.iterdir()) == []
    assert content(backup.restore(made, again)) == content(home)


def test_into_the_copy_itself_nothing_is_put_back(home: Home, tmp_path: Path) -> None:
    made = backup.back_up(home, tmp_path / "copies")
    with pytest.raises(NoBackup, match="lies in the copy that is to be put back"):
        backup.restore(made, made.content / "again")
    assert backup.faults(made) == []


def test_onto_another_file_system_and_without_links_it_is_the_same(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    for _ in range(2):
        made = backup.back_up(home, tmp_path / "copies")
        assert (made.linked, backup.faults(made), made.renewed) == (0, [], ())


def test_names_that_are_no_text_are_copied(home: Home, tmp_path: Path) -> None:
    name = os.fsdecode(b"B\xfcro.csv")
    (home.layouts / name).write_text("of an office")
    made = backup.back_up(home, tmp_path / "copies")
    assert backup.faults(backup.read(made.folder)) == []
    assert (backup.restore(made, tmp_path / "again").layouts / name).read_text() == "of an office"


def test_one_that_is_killed_at_any_moment_leaves_what_was_there_and_the_next_is_whole(
    home: Home, tmp_path: Path
) -> None:
    copies, chance = tmp_path / "copies", random.Random(4711)
    for number in range(400):
        (home.layouts / f"{number}.txt").write_bytes(chance.randbytes(2_000))
    command = [sys.executable, "-m", "ons_assets", "backup", str(copies), "--home", str(home.root)]
    for _ in range(KILLS):
        (home.layouts / "last.txt").write_bytes(chance.randbytes(10))
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # From its first sign on disk.
        while running.poll() is None and not list(copies.glob(".*.part")):
            time.sleep(0.001)
        time.sleep(chance.random() * 0.3)
        running.send_signal(signal.SIGKILL)
        running.wait()
        for whole in sorted(copies.glob("[0-9]*")):
            assert backup.faults(backup.read(whole)) == []
        made = backup.back_up(home, copies)
        assert backup.faults(made) == []
        assert list(copies.glob(".*.part")) == []
    assert content(backup.restore(made, tmp_path / "again")) == content(home)


def test_what_is_erased_while_a_copy_is_made_is_not_in_it_and_half_an_erasure_is_not_copied(
    home: Home, tmp_path: Path
) -> None:
    note, copies = home.layouts / "note.txt", tmp_path / "copies"
    note.write_text("PERSON4711")
    erasing, done = threading.Event(), threading.Event()

    def erase() -> None:
        with home.alone() as alone:
            assert alone
            erasing.set()
            # The copy has taken by now what others do not change, and waits.
            while not list(copies.glob(".*.part/home/layouts/note.txt")):
                time.sleep(0.01)
            note.unlink()
            done.set()

    eraser = threading.Thread(target=erase)
    eraser.start()
    assert erasing.wait(30)
    made = backup.back_up(home, copies)
    eraser.join()
    assert done.is_set()
    assert not any(b"PERSON4711" in path.read_bytes() for path in made.folder.rglob("*") if path.is_file())
    home.erasure.mkdir(mode=0o700)
    (home.erasure / "plan").write_text("PERSON4711")
    with pytest.raises(NoBackup, match="an erasure is not finished"):
        backup.back_up(home, copies)
    assert list(copies.iterdir()) == [made.folder]
