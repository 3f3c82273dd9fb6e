"""The parts of the service, each as its own: each may end and begin again while the others go on."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ons_assets import health, operations
from ons_assets.intake.ledger import Status
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.signs import NEEDED, Part
from ons_assets.orchestration.report_pages import REPORT
from ons_assets.orchestration.runs import instance
from ons_assets.settings import load_settings
from tests.run_files import write_run
from tests.test_daemon import kill, statuses, unfinished_runs, wait_for

DAY = date(2016, 7, 21)
LOADED = "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def part(home: Home, name: Part, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run one part, and kill whatever is left of it at the end."""
    command = [sys.executable, "-m", "ons_assets", "serve", "--home", str(home.root), "--only", name]
    with (home.root / "serve.log").open("ab") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        kill(process)


def asked(port: int, path: str, body: object = None, host: str = "localhost") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        if body is None:
            connection.request("GET", path, headers={"Host": host})
        else:
            headers = {"Host": host, "Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def runs_begun(home: Home) -> int:
    """How many runs that read files have begun."""
    with instance(home) as opened:
        begun = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS]
        return opened.get_runs_count(dg.RunsFilter(job_name="read_prices", statuses=begun))


def is_loaded(port: int) -> bool:
    status, said = asked(port, "/graphql", {"query": LOADED})
    return status == 200 and "RepositoryLocation" in said


def is_well(home: Home, *parts: Part) -> Callable[[], bool]:
    return lambda: all(each.is_well for each in health.look(home, parts))


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_each_part_may_end_and_begin_again_while_the_others_go_on(tmp_path: Path) -> None:
    """A run goes on without the UI and the daemon; files are read, pages answered, and health tells who is down."""
    home = operations.open_home(load_settings(tmp_path / "home"))
    log, port, of_report = home.root / "serve.log", free_port(), free_port()
    with ExitStack() as stack:
        # Those that need the definitions wait for them.
        web = stack.enter_context(part(home, Part.WEB, port))
        daemon = stack.enter_context(part(home, Part.DAEMON, port))
        stack.enter_context(part(home, Part.REPORT, of_report))
        code = stack.enter_context(part(home, Part.CODE, port))
        wait_for(is_well(home, *NEEDED, Part.REPORT), "all parts", log)
        wait_for(lambda: asked(port, "/health") == (200, "up\n"), "the page of health", log)
        assert asked(port, "/health", host="elsewhere.example")[0] == 421, "the guard is before all that answers"
        assert asked(of_report, "/graphql", {"query": LOADED})[0] == 404, "the report shows the report alone"

        wait_for(lambda: not unfinished_runs(home), "what a new home asks for", log)
        first = write_run(home.drops / "prices", "tesco", DAY)
        # What waits in the queue waits for the daemon; what has begun does not.
        wait_for(lambda: runs_begun(home) > 0, "a run", log)
        for process in (web, daemon):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 128 + signal.SIGTERM
        assert [each.sentence for each in health.look(home, [Part.WEB, Part.DAEMON])] == [
            "web: not at work",
            "daemon: not at work",
        ]
        wait_for(lambda: statuses(home).get(first.name) is Status.READ, "the run that goes on alone", log)

        # As if the machine took it: what it was is still there, and the next one begins over it.
        kill(code)
        stack.enter_context(part(home, Part.DAEMON, port))
        stack.enter_context(part(home, Part.WEB, port))
        second = stack.enter_context(part(home, Part.CODE, port))
        wait_for(lambda: is_loaded(port), "the definitions", log)
        kill(second)
        wait_for(lambda: not is_loaded(port), "the UI without definitions", log)
        stack.enter_context(part(home, Part.CODE, port))
        wait_for(lambda: is_loaded(port), "the definitions that came back", log)
        wait_for(lambda: statuses(home).get(first.name) is Status.ACCEPTED, "what follows from it", log)
        late = write_run(home.drops / "prices", "sainsbury", DAY)
        wait_for(lambda: statuses(home).get(late.name) is Status.ACCEPTED, "a file after all that", log)
        wait_for(lambda: asked(of_report, f"{REPORT}/")[0] == 200, "the report", log)


def test_the_service_stands_where_its_program_can_be_read_alone(tmp_path: Path) -> None:
    """Nothing is written but in the home and for a while: not beside the program, not in the folder of the user."""
    home = operations.open_home(load_settings(tmp_path / "home"))
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    nowhere.chmod(0o500)
    before = {path: path.stat().st_mtime_ns for path in Path(operations.__file__).parents[1].rglob("*.py")}
    environment = os.environ | {"HOME": str(nowhere), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("XDG_CACHE_HOME", None)
    done = subprocess.run(
        [sys.executable, "-m", "ons_assets", "status", "--home", str(home.root)],
        cwd=nowhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, list(nowhere.iterdir())) == (0, []), done.stderr
    assert before == {path: path.stat().st_mtime_ns for path in before}
