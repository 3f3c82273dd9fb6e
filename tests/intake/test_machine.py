"""What is wrong with the machine is said in one sentence, and nothing that arrived is lost."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ons_assets import cli
from ons_assets.intake import drops, parsed
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.home import Home
from tests.intake.samples import SAMPLES

SAMPLE = SAMPLES["workers"]


def refuse(error: OSError | sqlite3.Error) -> Callable[..., None]:
    def refuses(*_: object, **__: object) -> None:
        raise error

    return refuses


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "workers.csv"
    path.write_bytes(SAMPLE.make("good"))
    return path


def sentence(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail, and return what it says."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(map(str, arguments)))
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    [line] = said.err.strip().splitlines()
    return line


def taken(home: Path) -> list[tuple[str, int | None]]:
    return [(str(drop.status), drop.accepted_rows) for drop in Ledger(Home(home)).drops()]


def does(*arguments: object) -> None:
    """Run a command that must succeed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(map(str, arguments)))
    assert not ended.value.code


def goes_on(home: Path, file: Path) -> None:
    does("ingest", file, "--source", "workers", "--home", home)
    assert taken(home) == [("accepted", 3)]


def test_a_ledger_that_is_locked(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with monkeypatch.context() as locked:
        locked.setattr(Ledger, "receive", refuse(sqlite3.OperationalError("database is locked")))
        said = sentence(capsys, "ingest", file, "--source", "workers", "--home", home)
    assert said.startswith("ons-assets: the ledger cannot be used: database is locked")
    assert file.exists()
    goes_on(home, file)


@pytest.mark.parametrize("where", ["archive", "rows"])
def test_a_disk_that_is_full(
    where: str, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as filled:
        if where == "archive":
            filled.setattr(drops, "archive", refuse(full))
        else:
            filled.setattr(parsed.Writer, "add", refuse(full))
        said = sentence(capsys, "ingest", file, "--source", "workers", "--home", home)
    assert "No space left on device" in said
    # A file that was taken waits to be read; the fault was not its own.
    assert taken(home) == ([] if where == "archive" else [("received", None)])
    goes_on(home, file)


def test_a_home_that_cannot_be_written(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    assert "Permission denied" in sentence(capsys, "ingest", file, "--source", "workers", "--home", home)
    home.chmod(0o700)
    goes_on(home, file)


def test_a_file_system_that_is_read_only(
    tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with monkeypatch.context() as read_only:
        read_only.setattr(Path, "mkdir", refuse(OSError(errno.EROFS, os.strerror(errno.EROFS))))
        said = sentence(capsys, "ingest", file, "--source", "workers", "--home", home)
    assert "Read-only file system" in said
    goes_on(home, file)


@pytest.mark.parametrize("name", ["é ñ 100% {x} (y) & 'z' a*b"])
def test_a_home_of_any_name_works(name: str, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / name / "home"
    goes_on(home, file)
    does("materialize", "reference/workers", "--home", home)
    does("materialize", "governance", "--home", home)
    does("status", "--home", home)
    assert "reference/workers" in capsys.readouterr().out
    assert (home / "warehouse.duckdb").exists()
    assert (home / "reports" / "governance" / "index.html").exists()


@pytest.mark.parametrize("name", ["a#b", "a?b", "[a]", "a%20b", "a|b", "a=b"])
def test_a_home_that_tables_cannot_lie_in_is_refused(
    name: str, tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = sentence(capsys, "ingest", file, "--source", "workers", "--home", tmp_path / name)
    assert "in its path, which tables cannot have" in said
    assert not (tmp_path / name).exists()
