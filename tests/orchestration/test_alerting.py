"""Somebody is told what needs a person, once, by every channel that the settings name."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from aiosmtpd.controller import Controller

from ons_assets import operations
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration import collecting
from ons_assets.orchestration.alerting import SHOWN, alerts_sensor, news, now
from ons_assets.orchestration.channels import Message, NotSent, channels_of, post, run, send
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Alerts, Mail, Settings
from tests.orchestration.conftest import silent
from tests.run_files import PRICES, write_run

MESSAGE = Message("/srv/ons", "ons: 1 file refused", ("prices, a.csv: is empty",), "/srv/ons/reports/index.html")
DAY = date(2016, 7, 21)


class Inbox:
    """What was posted to a server on this machine, which answers with a code."""

    def __init__(self, server: HTTPServer, posted: list[dict[str, Any]]) -> None:
        self.address, self.posted = f"http://127.0.0.1:{server.server_port}/token-4711", posted


@contextmanager
def web_server(code: int = 204) -> Iterator[Inbox]:
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Inbox(server, posted)
    finally:
        server.shutdown()
        server.server_close()


class Letters:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        self.letters.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[Mail, Letters]]:
    letters = Letters()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(letters, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield (
            Mail(host="127.0.0.1", port=port, starttls=False, sender="lake@example.org", recipients=("a@example.org",)),
            letters,
        )
    finally:
        controller.stop()


def test_a_program_is_given_the_message() -> None:
    run(
        (sys.executable, "-c", "import json, sys; assert json.load(sys.stdin)['subject'] == 'ons: 1 file refused'"),
        MESSAGE,
    )
    with pytest.raises(NotSent, match="ended with 3"):
        run((sys.executable, "-c", "raise SystemExit(3)"), MESSAGE)
    with pytest.raises(NotSent, match="could not be run"):
        run(("no-such-program-4711",), MESSAGE)


def test_a_program_that_does_not_end_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ons_assets.orchestration.channels.TIMEOUT_SECONDS", 0.05)
    with pytest.raises(NotSent, match="did not end"):
        run((sys.executable, "-c", "import time; time.sleep(60)"), MESSAGE)


def test_an_address_is_posted_the_message_and_never_told() -> None:
    with web_server() as inbox:
        post(inbox.address, MESSAGE)
        assert inbox.posted[0]["lines"] == ["prices, a.csv: is empty"]
        assert "prices, a.csv: is empty" in inbox.posted[0]["text"]
    with web_server(500) as failing, pytest.raises(NotSent, match="answered 500") as refused:
        post(failing.address, MESSAGE)
    with pytest.raises(NotSent, match="could not be reached") as unreachable:
        post(inbox.address, MESSAGE)
    with pytest.raises(NotSent, match="no address"):
        post("file:///etc/passwd", MESSAGE)
    assert "4711" not in f"{refused.value} {unreachable.value}"


def test_a_mail_arrives() -> None:
    with mail_server() as (mail, letters):
        send(mail, None, MESSAGE)
    ((recipients, content),) = letters.letters
    letter = message_from_bytes(content)
    assert recipients == ["a@example.org"]
    assert letter["Subject"] == "ons: 1 file refused"
    assert "prices, a.csv: is empty" in str(letter.get_payload())
    with pytest.raises(NotSent, match="could not be sent"):
        send(mail, None, MESSAGE)


def test_a_mail_is_not_sent_in_the_clear_unless_it_is_allowed() -> None:
    with mail_server() as (mail, letters):
        with pytest.raises(NotSent):
            send(mail.model_copy(update={"starttls": True}), None, MESSAGE)
        assert not letters.letters


def test_what_is_secret_stands_in_the_environment() -> None:
    channels = channels_of(Alerts(webhook_variable="HOOK"), {})
    with pytest.raises(NotSent, match="the environment variable HOOK, which alerts need, is not set"):
        channels["webhook"](MESSAGE)
    assert channels_of(Alerts()) == {}


def test_what_was_refused_and_what_failed_is_told_once(settings: Settings) -> None:
    home = Home(settings.home)
    folder = settings.home / "supplier"
    with instance(home) as opened:
        told = now(home)
        assert news(home, opened, told)[0] is None
        empty = folder / "tesco_products_20160720050000.csv"
        dear = write_run(folder, "tesco", DAY, {name: price * 1000 for name, price in PRICES.items()})
        empty.write_bytes(b"")
        operations.take(settings, [empty, dear], None, silent)
        operations.read_waiting(settings, silent)
        message, after = news(home, opened, told)
        assert message is not None
        assert "1 table not made, 2 files refused" in message.subject
        assert any(line.startswith("prices/raw_quotes: ") for line in message.lines)
        assert any(line.startswith(f"prices, {empty.name}: ") for line in message.lines)
        assert news(home, opened, after) == (None, after)
        assert news(home, opened, now(home))[0] is None, "what was before is no news"


def test_every_shop_of_a_failed_morning_is_told_with_what_is_lacking(settings: Settings) -> None:
    home = Home(settings.home)
    lakehouse = Lakehouse.of(settings)
    with instance(home) as opened:
        told = now(home)
        for shop in ("pellworth", "thistlemoor"):
            asked = collecting.request(shop)
            collecting.collect_prices.execute_in_process(
                asked.run_config,
                instance=opened,
                resources={"lakehouse": lakehouse},
                raise_on_error=False,
                tags=asked.tags,
            )
        message, after = news(home, opened, told)
        assert message is not None
        assert message.subject == f"{home.root.name}: 2 shops not collected from, or in part"
        assert [line.split(":")[0] for line in message.lines] == ["prices of pellworth", "prices of thistlemoor"]
        assert all("no shop" in line for line in message.lines), message.lines
        assert news(home, opened, after) == (None, after)


def test_a_shop_whose_command_ends_without_a_word_is_told_by_how_it_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, such as for want of memory; begun by hand, so that no tag names the shop."""
    home = Home(settings.home)
    killed = subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(collecting.subprocess, "run", lambda *_, **__: killed)
    with instance(home) as opened:
        told = now(home)
        collecting.collect_prices.execute_in_process(
            collecting.request("pellworth").run_config,
            instance=opened,
            resources={"lakehouse": Lakehouse.of(settings)},
            raise_on_error=False,
        )
        message, _ = news(home, opened, told)
    assert message is not None
    assert message.lines == ("prices of pellworth: the command ended with -9 and without a word",)


def test_a_bad_night_makes_no_endless_message(settings: Settings) -> None:
    home, folder = Home(settings.home), settings.home / "supplier"
    folder.mkdir()
    files = [folder / f"tesco_products_201607{day:02}050000.csv" for day in range(1, 29)]
    for path in files:
        path.write_bytes(b"")
    told = now(home)
    operations.take(settings, files, None, silent)
    with instance(home) as opened:
        message, _ = news(home, opened, told)
    assert message is not None
    assert len(message.lines) == SHOWN + 1
    assert message.lines[-1] == "and 8 things more, in the report"


def test_a_channel_that_fails_is_tried_again_and_keeps_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = tmp_path / "told"
    program = f"import sys; open({str(written)!r}, 'a').write(sys.stdin.read() + chr(10))"
    alerts = Alerts(command=(sys.executable, "-c", program), webhook_variable="HOOK")
    settings = settings.model_copy(update={"alerts": alerts})
    home, folder = Home(settings.home), settings.home / "supplier"
    folder.mkdir()

    def tick(cursor: str | None) -> str:
        with instance(home) as opened:
            context = dg.build_sensor_context(
                instance=opened, cursor=cursor, resources={"lakehouse": Lakehouse.of(settings)}
            )
            return str(alerts_sensor(context).cursor)

    first = tick(None)
    (folder / "tesco_products_20160720050000.csv").write_bytes(b"")
    operations.take(settings, list(folder.iterdir()), None, silent)
    second = tick(first)
    assert len(written.read_text().splitlines()) == 1
    with web_server() as inbox:
        monkeypatch.setenv("HOOK", inbox.address)
        third = tick(second)
        assert tick(third) == third
    assert len(inbox.posted) == 1
    assert len(written.read_text().splitlines()) == 1
