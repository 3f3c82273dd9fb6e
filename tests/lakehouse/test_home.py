import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ons_assets.lakehouse.home import Home, write_atomically


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "deep" / "home").ensure()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_with_individual_data_are_private(home: Home) -> None:
    for folder in (home.archive, home.staging, home.quarantine, home.restricted_warehouse.parent):
        assert mode(folder) == 0o700
    assert home.ensure() == home


def test_the_secret_is_made_once_and_is_private(home: Home) -> None:
    with ThreadPoolExecutor(4) as pool:
        secrets = set(pool.map(lambda _: Home(home.root).secret(), range(4)))
    [secret] = secrets
    assert len(secret) == 32
    assert mode(home.root / "secret.key") == 0o600
    assert home.secret() == secret
    assert not list(home.root.glob(".secret*"))


def test_two_homes_have_two_secrets(home: Home, tmp_path: Path) -> None:
    assert Home(tmp_path / "other").ensure().secret() != home.secret()


MAKE_SECRET = """
import sys
from pathlib import Path
from ons_assets.lakehouse.home import Home
print(Home(Path(sys.argv[1])).secret().hex())
"""


def test_processes_agree_on_the_secret(home: Home) -> None:
    command = [sys.executable, "-c", MAKE_SECRET, str(home.root)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in started}) == 1


def test_many_work_at_once_and_none_alone_meanwhile(home: Home) -> None:
    with home.working(), home.working(), home.alone() as alone:
        assert not alone
    with home.alone() as alone:
        assert alone
    with home.working():
        pass


def test_nobody_works_while_one_is_alone(home: Home) -> None:
    entered = threading.Event()

    def work() -> None:
        with home.working():
            entered.set()

    with home.alone() as alone:
        assert alone
        other = threading.Thread(target=work)
        other.start()
        assert not entered.wait(0.1)
    assert entered.wait(5)
    other.join()


def test_a_table_is_held_by_one_at_a_time(home: Home) -> None:
    inside: list[int] = []
    most: list[int] = []

    def hold(number: int) -> None:
        with home.table_lock("a/b"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hold, range(8)))
    assert max(most) == 1
    with home.table_lock("a/b"), home.table_lock("a/c"):
        pass


def test_a_lock_is_free_after_an_error(home: Home) -> None:
    with pytest.raises(RuntimeError), home.table_lock("a/b"):
        raise RuntimeError
    with home.table_lock("a/b"):
        pass


def test_writing_atomically_replaces_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["file"]

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"three")
    assert path.read_bytes() == b"two"


def test_threads_that_write_one_file_at_once_leave_one_of_their_contents(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_atomically(path, content), contents * 5))
    assert path.read_bytes() in contents
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
