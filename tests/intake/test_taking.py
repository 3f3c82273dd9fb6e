"""Files about people leave their drop folder when they are archived, and no other file does."""

import errno
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.definitions import RAW
from ons_assets.intake import taking
from ons_assets.intake.drops import StillChanging, archived_path, observe
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.recovery import recover
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import BadHome, Home
from ons_assets.settings import Disposal, Drops, Settings

ROWS = "1392 19501 0.140\n1392 19502 0.138\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings(home=tmp_path / "home")
    operations.open_home(chosen)
    return chosen


def of(settings: Settings, name: str) -> Source:
    return next(made for raw in RAW if (made := raw.source(settings)).name == name)


def leave(settings: Settings, source: str, name: str = "File1.txt", text: str = ROWS) -> Path:
    path = Home(settings.home).drops / source / name
    path.write_text(text)
    return path


def take(
    settings: Settings, source: str, path: Path, stays: Callable[[str], None] = lambda _: None, **said: object
) -> Status:
    home, drops = Home(settings.home), Drops.model_validate(said)
    return taking.take(home, Ledger(home), of(settings, source), path, drops, stays=stays).status


def archived(settings: Settings, source: str) -> list[str]:
    home = Home(settings.home)
    hashes = [drop.sha256 for drop in Ledger(home).drops(source) if drop.sha256]
    return [archived_path(home, source, each).read_text() for each in hashes]


def test_folders_for_files_about_people_are_their_owners_alone(settings: Settings) -> None:
    for raw in RAW:
        source = raw.source(settings)
        mode = stat.S_IMODE((Home(settings.home).drops / source.name).stat().st_mode)
        assert (mode == 0o700) if source.is_individual else (mode & 0o700 == 0o700)
    assert any(raw.source(settings).is_individual for raw in RAW)


def test_a_folder_that_was_open_to_all_is_closed(settings: Settings) -> None:
    folder = Home(settings.home).drops / "meters"
    folder.chmod(0o755)
    operations.open_home(settings)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_closed_is_said_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", "a path")

    monkeypatch.setattr(Path, "chmod", refuse)
    home = Home(settings.home)
    home.drop_folder("meters", is_individual=True)
    os.chmod(home.drops / "meters", 0o755)
    with pytest.raises(BadHome, match="drops/meters, which is open to others, and it cannot be closed: Operation not"):
        home.drop_folder("meters", is_individual=True)


def test_a_file_about_people_leaves_the_folder(settings: Settings) -> None:
    path = leave(settings, "meters")
    assert take(settings, "meters", path) is Status.RECEIVED
    assert list(path.parent.iterdir()) == []
    assert archived(settings, "meters") == [ROWS]


def test_one_that_was_known_leaves_it_too(settings: Settings) -> None:
    take(settings, "meters", leave(settings, "meters"))
    assert take(settings, "meters", leave(settings, "meters")) is Status.RECEIVED
    assert take(settings, "meters", leave(settings, "meters", "Copy.txt")) is Status.DUPLICATE
    assert list((Home(settings.home).drops / "meters").iterdir()) == []


def test_it_can_be_moved_or_kept(settings: Settings) -> None:
    path = leave(settings, "meters")
    take(settings, "meters", path, taken=Disposal.MOVE)
    moved = path.parent / "taken" / path.name
    assert moved.read_text() == ROWS
    assert stat.S_IMODE(moved.parent.stat().st_mode) == 0o700
    assert observe(path.parent, {}, 1e12, 0)[0] == []
    path = leave(settings, "meters", "File2.txt", ROWS * 2)
    take(settings, "meters", path, taken=Disposal.KEEP)
    assert path.read_text() == ROWS * 2


def test_a_file_about_nobody_is_moved_where_others_are_removed(settings: Settings) -> None:
    of_nobody = leave(settings, "population", "p.csv", "area,population\nE06000001,5\n")
    take(settings, "population", of_nobody)
    assert not of_nobody.exists()
    assert (of_nobody.parent / "taken" / "p.csv").read_text() == "area,population\nE06000001,5\n"
    again = leave(settings, "population", "p.csv", "area,population\nE06000001,6\n")
    take(settings, "population", again, taken=Disposal.KEEP)
    assert again.exists()


def test_other_files_stay(settings: Settings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "File1.txt"
    elsewhere.write_text(ROWS)
    take(settings, "meters", elsewhere)
    empty = leave(settings, "meters", "empty.txt", "")
    assert take(settings, "meters", empty) is Status.REFUSED
    assert elsewhere.exists()
    assert empty.exists(), "what is not archived must not be lost"


def test_a_version_that_came_meanwhile_is_not_lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = leave(settings, "meters")
    register = taking.register

    def replaced(*arguments: object, **said: object) -> object:
        drop = register(*arguments, **said)  # type: ignore[arg-type]
        newer = path.with_name(".upload")
        newer.write_text(ROWS.replace("0.140", "0.150"))
        newer.replace(path)
        return drop

    monkeypatch.setattr(taking, "register", replaced)
    take(settings, "meters", path)
    assert "0.150" in path.read_text()
    assert os.listdir(path.parent) == [path.name]


def test_a_process_that_died_over_it_leaves_it_to_be_taken_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(settings, "meters", "a.b.csv")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            take(settings, "meters", path)
    assert not path.exists()
    assert recover(Home(settings.home))
    assert os.listdir(path.parent) == ["a.b.csv"]
    assert take(settings, "meters", path) is Status.RECEIVED
    assert archived(settings, "meters") == [ROWS]


def test_a_name_as_long_as_a_name_can_be_is_no_hindrance(settings: Settings) -> None:
    for disposal in (Disposal.REMOVE, Disposal.MOVE):
        path = leave(settings, "meters", "f" * 251 + ".txt", ROWS)
        take(settings, "meters", path, taken=disposal)
        assert not path.exists()
    assert (path.parent / "taken" / path.name).exists()


def test_two_files_of_one_name_are_both_kept(settings: Settings) -> None:
    for text in (ROWS, ROWS * 2, ROWS * 3):
        take(settings, "meters", leave(settings, "meters", text=text), taken=Disposal.MOVE)
    taken = Home(settings.home).drops / "meters" / "taken"
    found = {path.relative_to(taken).as_posix(): path.read_text() for path in taken.rglob("*.txt")}
    assert found == {"File1.txt": ROWS, "file 2/File1.txt": ROWS * 2, "file 3/File1.txt": ROWS * 3}


def test_what_cannot_leave_stays_and_is_taken_nevertheless(settings: Settings) -> None:
    path = leave(settings, "meters")
    (path.parent / "taken").write_text("not a folder")
    said: list[str] = []
    assert take(settings, "meters", path, said.append, taken=Disposal.MOVE) is Status.RECEIVED
    assert said == ["file 1 is archived, but cannot leave its drop folder: File exists"]
    assert sorted(os.listdir(path.parent)) == ["File1.txt", "taken"]
    assert path.read_text() == ROWS


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_keeps_no_file_from_being_taken(settings: Settings) -> None:
    path = leave(settings, "meters")
    said: list[str] = []
    path.parent.chmod(0o500)
    try:
        assert take(settings, "meters", path, said.append) is Status.RECEIVED
    finally:
        path.parent.chmod(0o700)
    assert said == ["file 1 is archived, but cannot leave its drop folder: Permission denied"]


def test_a_file_that_is_still_written_is_not_taken_away_from_its_writer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave(settings, "meters")
    with path.open("a") as upload:
        with pytest.raises(StillChanging):
            take(settings, "meters", path)
        assert Ledger(Home(settings.home)).drops() == []
        # Not where it stays, and whoever comes between the looks is seen by the second.
        assert take(settings, "meters", path, taken=Disposal.KEEP) is Status.RECEIVED
        looks = iter([False, True])
        with monkeypatch.context() as patched:
            patched.setattr(taking, "_is_written", lambda _: next(looks))
            take(settings, "meters", path)
        upload.write("1392 19503 0.150\n")
    assert take(settings, "meters", path) is Status.RECEIVED
    assert os.listdir(path.parent) == []
    assert archived(settings, "meters") == [ROWS, ROWS + "1392 19503 0.150\n"]


def test_where_there_are_no_links_a_file_gets_its_name_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Home(settings.home).drops / "meters"
    for name in ("older.txt", "lone.txt"):
        aside = folder / f"{taking.ASIDE}{name}" / name
        aside.parent.mkdir()
        aside.write_text("set aside")
    (folder / "older.txt").write_text("newer")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert recover(Home(settings.home))
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "older.txt": "newer",
        "lone.txt": "set aside",
    }


def test_many_at_once_take_each_file_once(settings: Settings) -> None:
    paths = [leave(settings, "meters", f"File{number}.txt", ROWS * (number + 1)) for number in range(20)]

    def take_all(_: int) -> None:
        for path in paths:
            with suppress(FileNotFoundError, StillChanging):
                take(settings, "meters", path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take_all, range(4)))
    assert os.listdir(paths[0].parent) == []
    assert sorted(archived(settings, "meters")) == sorted(ROWS * (number + 1) for number in range(20))
