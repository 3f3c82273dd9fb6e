"""What is well is told apart from what is not: of a home that is served, without asking the service."""

import os
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from typer.testing import CliRunner

from ons_assets import cli, health
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import signs
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.signs import NEEDED, STALE_SECONDS, Part
from ons_assets.orchestration import health_page
from ons_assets.orchestration.health_page import with_health

AREAS = CATALOGUE["reference/area_codes"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose parts have just given their signs."""
    made = Home(tmp_path).ensure()
    Ledger(made)
    made.at_work.mkdir()
    for part in NEEDED:
        (made.at_work / part).touch()
    return made


def bad(home: Home, least_free_bytes: int = 0) -> list[str]:
    return [each.sentence for each in health.look(home, least_free_bytes=least_free_bytes) if not each.is_well]


def grow_old(home: Home, part: Part) -> None:
    then = time.time() - STALE_SECONDS - 5
    os.utime(home.at_work / part, (then, then))


def test_a_home_at_work_is_well(home: Home) -> None:
    assert bad(home) == []


def test_a_part_that_gives_no_sign_is_down_and_one_that_ended_is_not_at_work(home: Home) -> None:
    grow_old(home, Part.DAEMON)
    signs.end(home, Part.WEB)
    assert bad(home) == ["daemon: no sign of life for 65 seconds", "web: not at work"]
    assert [each.is_well for each in health.look(home, [Part.CODE])] == [True]
    assert [each.is_well for each in health.look(home, [Part.DAEMON])] == [False]


def test_a_report_of_its_own_is_missed_only_where_there_was_one(home: Home) -> None:
    (home.at_work / Part.REPORT).touch()
    grow_old(home, Part.REPORT)
    assert bad(home) == ["report: no sign of life for 65 seconds"]


def test_a_table_that_cannot_be_read_is_named(home: Home) -> None:
    folder = home.table(AREAS.name)
    (folder / "_delta_log").mkdir(parents=True)
    (folder / "_delta_log" / f"{0:020}.json").write_text("{")
    assert bad(home) == [f"lake: the table {AREAS.name} cannot be read"]


def test_a_ledger_that_cannot_be_read_is_said(home: Home) -> None:
    home.ledger.write_bytes(b"no database" * 100)
    [said] = bad(home)
    assert said.startswith("ledger: it cannot be read (")


def test_a_disk_with_little_room_is_said(home: Home) -> None:
    free = shutil.disk_usage(home.root).free
    [said] = bad(home, least_free_bytes=2 * free)
    assert "GiB are free, and at least" in said


def test_the_command_ends_with_1_and_says_what_is_not_well(home: Home) -> None:
    command = ["health", "--home", str(home.root), "--least-free-gib", "0"]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    grow_old(home, Part.CODE)
    result = CliRunner().invoke(cli.app, command)
    assert (result.exit_code, str(result.exception)) == (1, "not well: code")
    assert CliRunner().invoke(cli.app, [*command, "--only", "daemon", "--only", "web"]).exit_code == 0


def test_the_page_says_up_or_down_and_no_more(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_page, "FOR_SECONDS", 1e-9)
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 0)
    client = TestClient(with_health(Starlette(), home))
    assert (client.get("/health").status_code, client.get("/health").text) == (200, "up\n")
    grow_old(home, Part.DAEMON)
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (503, "down\n")
    assert client.get("/elsewhere").status_code == client.post("/health").status_code == 404


def test_signs_are_left_while_a_part_answers_and_systemd_is_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs.end(home, Part.WEB)
    ended, looked = threading.Event(), []

    def answers() -> bool:
        looked.append(home.at_work.joinpath(Part.WEB).exists())
        if len(looked) == 3:
            ended.set()
        if len(looked) == 1:
            raise OSError("not yet")
        return True

    monkeypatch.setattr(signs, "EVERY_SECONDS", 0)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        signs.keep(home, {Part.WEB: answers}, ended)
        assert looked == [False, False, True]
        assert [manager.recv(100) for _ in range(2)] == [b"READY=1\nWATCHDOG=1"] * 2
