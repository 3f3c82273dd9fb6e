"""The service says in a sentence why it does not start, and leaves no process behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ons_assets import cli
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import service

BESIDE = """
import sys, time
from ons_assets.orchestration.service import _beside, _ended_by_a_signal
with _ended_by_a_signal(), _beside(sys.executable, "-c", "import time; time.sleep(600)") as process:
    print(process.pid, flush=True)
    time.sleep(600)
"""


# What it begins sleeps in place of harvesting.
KEPT = """
import sys, time
from pathlib import Path
from ons_assets.collectors.streams import process
from ons_assets.settings import Settings
process.command_of = lambda home, name: [sys.executable, "-c", "import time; time.sleep(600)"]
kept = process.Kept(Settings(home=Path("nowhere")), print)
kept.look(["local"])
print(kept._processes["local"].pid, flush=True)
time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    """Whether a process has ended within some seconds; one that nobody waits for counts, too."""
    for _ in range(100):
        try:
            if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_service_ends_its_parts(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", BESIDE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    beside = int(parent.stdout.readline())
    os.kill(parent.pid, number)
    _, said = parent.communicate(timeout=60)
    assert is_gone(beside)
    assert said == ""
    assert parent.returncode == (-number if number is signal.SIGKILL else 128 + number)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_who_keeps_harvesters_at_work_leaves_none_behind_when_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", KEPT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    harvester = int(parent.stdout.readline())
    parent.kill()
    parent.communicate(timeout=60)
    assert is_gone(harvester)


def test_an_address_that_is_in_use_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            service.NotStarted, match=rf"^cannot listen at 127\.0\.0\.1, port {port}: address already in use$"
        ):
            service.serve("127.0.0.1", port, ["localhost"], Home(tmp_path))


def test_a_home_is_served_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "serve", None)
    # The command points both there for its children.
    for name in ("ONS_ASSETS_HOME", "DAGSTER_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with Home(tmp_path).ensure().served() as alone:
        assert alone
        result = CliRunner().invoke(cli.app, ["serve", "--home", str(tmp_path)])
    assert str(result.exception) == f"the home {tmp_path} is served already, by another process"


def test_a_part_is_served_once_and_not_beside_the_whole(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    with (
        home.served("web") as first,
        home.served("daemon") as other,
        home.served("web") as again,
        home.served() as all_,
    ):
        assert (first, other, again, all_) == (True, True, False, False)
    with home.served() as whole, home.served("web") as part:
        assert (whole, part) == (True, False)


def test_a_home_that_lies_too_deep_for_its_parts_is_said(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    with pytest.raises(service.NotStarted, match="is too long for its parts to find each other"):
        service.serve_part(service.Part.DAEMON, "127.0.0.1", 3000, ["localhost"], Home(deep))


def test_parts_that_nobody_looks_at_need_no_proxy(tmp_path: Path) -> None:
    """The guard is before what listens, whatever else runs."""
    for part in ("web", "report"):
        result = CliRunner().invoke(cli.app, ["serve", "--home", str(tmp_path), "--only", part, "--host", "0.0.0.0"])
        assert str(result.exception).startswith("0.0.0.0 may be open to the network")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["https://assets.example.gov", "assets.example.gov:8443"])
def test_the_name_of_a_proxy_is_a_name(name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["serve", "--home", str(tmp_path), "--behind-proxy", name])
    assert str(result.exception).startswith("--behind-proxy takes the name of a machine alone")
    assert list(tmp_path.iterdir()) == []
