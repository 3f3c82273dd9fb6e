"""A PostgreSQL server of the tests' own, on a socket in a folder that goes with it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
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


@contextmanager
def serving() -> Iterator[str]:
    """Run a server, and give the address of its database; the test is skipped where none is installed."""
    found = programs()
    if found is None:
        assert not REQUIRED, "PostgreSQL is to be there"
        pytest.skip("PostgreSQL is not installed")
    # A path of a socket has room for a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    data, who = folder / "data", nobody()
    if who:
        os.chown(folder, who["user"], who["group"])
    try:
        made = [found / "initdb", "-D", data, "-U", WHO, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **who)
        said = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=20"
        control = [found / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
        subprocess.run([*control, "-o", said, "start"], check=True, capture_output=True, cwd=folder, **who)
        try:
            yield f"postgresql://{WHO}@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=folder, **who)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
