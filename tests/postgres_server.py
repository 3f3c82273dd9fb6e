"""A PostgreSQL server of the tests' own, on a socket in a folder that goes with it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REQUIRED = os.environ.get("ONS_ASSETS_POSTGRES_TESTS") == "required"
INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
WHO = "office"


def programs() -> Path | None:
    """The folder of the server's programs."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    return INSTALLED[-1] if INSTALLED else None


def nobody() -> dict[str, Any]:
    """As whom the server runs: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def ask(uri: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement as whoever owns the database, and return its rows."""
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with closing(dbapi.connect(uri, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Running:
    """A server of the tests' own.

    Parameters
    ----------
    folder
        In which its socket is.
    data
        In which its databases are.
    options
        With which it was begun.
    """

    folder: Path
    data: Path
    options: str

    @property
    def uri(self) -> str:
        """Address of its database."""
        return f"postgresql://{WHO}@/postgres?host={self.folder}"

    @property
    def socket(self) -> Path:
        """On which it listens."""
        return self.folder / ".s.PGSQL.5432"

    def control(self, *arguments: str, check: bool = True) -> None:
        """Say something to its own program, such as ``restart -m immediate``."""
        found, who = programs(), nobody()
        assert found is not None
        run = [found / "pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-o", self.options, *arguments]
        subprocess.run(run, check=check, capture_output=True, cwd=self.folder, **who)


@contextmanager
def running(data: Path | None = None, settings: str = "") -> Iterator[Running]:
    """Run a server; the test is skipped where none is installed.

    Parameters
    ----------
    data
        Empty folder of its databases; None for one beside its socket.
    settings
        More of them, each as ``-c name=value``.
    """
    found = programs()
    if found is None:
        assert not REQUIRED, "PostgreSQL is to be there"
        pytest.skip("PostgreSQL is not installed")
    # A path of a socket has room for a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    data, who = data or folder / "data", nobody()
    if who:
        for each in (folder, data):
            if each.exists():
                os.chown(each, who["user"], who["group"])
    said = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=20 {settings}"
    server = Running(folder, data, said)
    try:
        made = [found / "initdb", "-D", data, "-U", WHO, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
        server.control("start")
        try:
            yield server
        finally:
            server.control("-m", "immediate", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving() -> Iterator[str]:
    """Run a server, and give the address of its database; the test is skipped where none is installed."""
    with running() as server:
        yield server.uri
