"""Files about people leave their drop folder when they are archived, and no other file does."""

import os
import stat
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.definitions import RAW
from ons_assets.intake import taking
from ons_assets.intake.drops import archived_path, observe
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.recovery import recover
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
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


def take(settings: Settings, source: str, path: Path, **said: object) -> Status:
    home = Home(settings.home)
    return taking.take(home, Ledger(home), of(settings, source), path, Drops(**said)).status  # type: ignore[arg-type]


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


def test_other_files_stay(settings: Settings, tmp_path: Path) -> None:
    of_nobody = leave(settings, "population", "p.csv", "area,population\nE06000001,5\n")
    take(settings, "population", of_nobody)
    elsewhere = tmp_path / "File1.txt"
    elsewhere.write_text(ROWS)
    take(settings, "meters", elsewhere)
    empty = leave(settings, "meters", "empty.txt", "")
    assert take(settings, "meters", empty) is Status.REFUSED
    assert of_nobody.exists()
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
