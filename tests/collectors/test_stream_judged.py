"""A harvester against a stream that breaks in every way, killed in between: its log and the lake are the judges."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.streams import process
from ons_assets.collectors.streams.harvesting import NotHarvested
from ons_assets.collectors.streams.logbook import Logbook
from ons_assets.collectors.streams.standing import look, standing
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.streams import Made, Phase, StreamServer, describe
from ons_assets.simulate.streams.judge import Interval, beyond, safe_ids, true_outages
from ons_assets.simulate.streams.messages import FIRST_ID

RATE = 400.0
BREAKS = (
    Phase(100, "drop", junk=50, repeat=30),
    Phase(100, "end", refuse=(503, 429), repeat=7),
    Phase(100, "cut", junk=50),
    Phase(100, "stall"),
    Phase(100, "silent", lasting_seconds=1.5),
    Phase(100, "end"),
)
# Loaded machines are slow; what is tested is which second, and not how fast.
WITHIN = timedelta(seconds=1.5)


def opened(folder: Path, server: StreamServer, **more: Any) -> Settings:
    settings = Settings(home=folder)
    operations.open_home(settings)
    path = folder / "collectors" / "streams" / "local.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(describe(server, silence_seconds=2, **more)))
    return settings


def begun(settings: Settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ons_assets", "harvest", "local", "--home", str(settings.home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def killed_on_the_way(settings: Settings, server: StreamServer, kills: int) -> tuple[list[datetime], set[int]]:
    """Kill harvesters without notice, then let one listen until nothing breaks any more; say when, what was safe."""
    book, moments, safe = Logbook.of(Home(settings.home), "local"), [], set()
    for _ in range(kills):
        before = book.state().counts["received"]
        running = begun(settings)
        wait_until(partial(has_received, book, before + 150))
        os.kill(running.pid, signal.SIGKILL)
        moments.append(datetime.now(UTC))
        running.wait()
        safe |= set(safe_ids(settings.home / "drops" / "tweets").tolist())
    running = begun(settings)
    wait_until(lambda: not server.phases_left)
    # The last connection that is to break does so, and then the stream is whole.
    wait_until(lambda: last_event(server) != "opened")
    wait_until(lambda: last_event(server) == "opened")
    before = book.state().counts["received"]
    wait_until(lambda: book.state().counts["received"] >= before + 300 and not book.state().open_outage)
    running.terminate()
    running.wait()
    return moments, safe


def last_event(server: StreamServer) -> str:
    return next(str(each["what"]) for each in reversed(server.log) if each["what"] != "last sign")


def has_received(book: Logbook, messages: int) -> bool:
    return book.state().counts["received"] >= messages


def wait_until(done: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ingested(settings: Settings) -> tuple[pl.Series, list[dict[str, Any]]]:
    for source in ("tweets", "outages"):
        operations.take(settings, sorted((settings.home / "drops" / source).iterdir()), source, lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    home = Home(settings.home)
    ids = lake.read(home, CATALOGUE["tweets/raw_tweets"]).select("tweet_id").collect()["tweet_id"]
    return ids, lake.read(home, CATALOGUE["governance/outages"]).sort("began_utc").collect().to_dicts()


@pytest.mark.parametrize("kind", ["sse", "json-lines", "websocket"])
def test_what_was_safe_is_there_once_and_every_outage_is_in_the_ledger(kind: str, tmp_path: Path) -> None:
    keeps = 0 if kind == "json-lines" else 100_000
    with StreamServer(kind, BREAKS, rate=RATE, keeps=keeps) as server:
        settings = opened(tmp_path, server)
        moments, safe = killed_on_the_way(settings, server, 2)
        log = list(server.log)
    ids, rows = ingested(settings)
    assert ids.n_unique() == len(ids)
    assert safe <= set(ids), "what was safe before a kill"
    told = [Interval(row["began_utc"], row["ended_utc"], row["known_by"]) for row in rows if row["is_over"]]
    true = true_outages(log, moments)
    assert len(true) >= len(BREAKS)
    assert beyond(true, told, WITHIN) == []
    assert beyond(told, true, WITHIN) == []
    first = FIRST_ID + next(each["first"] for each in log if each["what"] == "opened")
    lost = set(range(first, max(ids))) - set(ids)
    if keeps:
        assert lost == set()
        assert rows[0]["backfilled_from_utc"] == rows[0]["began_utc"]
    else:
        # What is not there was sent in an outage that the ledger has.
        assert lost
        times = [server.made_at(each - FIRST_ID) for each in lost]
        assert beyond([Interval(each, each, "lost") for each in times], told, WITHIN) == []
        assert all(row["backfilled_from_utc"] is None for row in rows)


def test_pages_are_read_once_each_and_whole(tmp_path: Path) -> None:
    with StreamServer("poll", rate=300.0, keeps=100_000, most=1_500) as server:
        settings = opened(tmp_path, server)
        process.harvest(settings, "local", lambda _: None, seconds=1)
        time.sleep(3)
        said: list[str] = []
        process.harvest(settings, "local", said.append, seconds=3)
        pages = [each for each in server.log if each["what"] == "page"]
    ids, rows = ingested(settings)
    assert sorted(ids) == list(range(FIRST_ID, FIRST_ID + 1_500))
    assert len(pages) > 4
    # A page that comes late on a busy machine is another one.
    [ended] = [row for row in rows if row["is_over"] and row["known_by"] == "process"]
    assert ended["outage_reason"] == "the harvester was ended in order"
    assert ended["backfilled_from_utc"] == ended["began_utc"]
    assert any("1,500" not in each and "messages" in each for each in said)


def test_what_becomes_of_a_stream_is_seen_and_no_secret_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCAL_TOKEN", "s3cret-t0ken")
    with StreamServer(
        "json-lines", [Phase(20, "drop")], rate=200.0, token="s3cret-t0ken", messages=Made("x")
    ) as server:
        settings = opened(tmp_path, server, token={"environment": "LOCAL_TOKEN"})
        said: list[str] = []
        process.harvest(settings, "local", said.append, seconds=2)
        monkeypatch.setenv("LOCAL_TOKEN", "another")
        with pytest.raises(NotHarvested, match=r"refuses \(status 401\), 5 times in a row"):
            process.harvest(settings, "local", said.append, seconds=20)
    assert "local: connected" in said
    [row] = standing(Home(settings.home)).to_dicts()
    assert row["process"] == "none"
    assert "status 401" in row["doing"]
    assert row["kept"] > 100
    everything = "".join(said) + "".join(capfd.readouterr())
    for path in tmp_path.rglob("*"):
        everything += path.read_bytes().decode("latin-1") if path.is_file() else ""
    assert "s3cret" not in everything
    assert "Bearer" not in everything
    for path in (tmp_path / "drops" / "tweets").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_one_stream_has_one_harvester(tmp_path: Path) -> None:
    with StreamServer("sse", rate=50.0) as server:
        settings = opened(tmp_path, server)
        running = begun(settings)
        book = Logbook.of(Home(settings.home), "local")
        wait_until(lambda: book.state().counts["received"])
        with pytest.raises(NotHarvested, match="a harvester of local is at work already"):
            process.harvest(settings, "local", lambda _: None, seconds=1)
        assert standing(Home(settings.home))["process"].to_list() == ["at work"]
        running.terminate()
        assert running.wait() == 0, "ended in order"


def test_saved_messages_are_counted_and_none_is_shown(tmp_path: Path) -> None:
    with StreamServer("json-lines", messages=Made("fields")) as server:
        settings = opened(tmp_path, server)
    file = tmp_path / "saved.jsonl"
    when = datetime(2026, 1, 1, tzinfo=UTC)
    file.write_bytes(b"\n".join([*(Made().of(each, when) for each in range(5)), b"{", b"", json.dumps({}).encode()]))
    found = dict(look(Home(settings.home), "local", file).iter_rows())
    assert found == {
        "messages": 7,
        "kept": 5,
        "with a position": 5,
        "unreadable: it is no JSON, or not of the kind that is described": 1,
        "unreadable: id is lacking, or not words": 1,
    }


def test_streams_are_kept_at_work(tmp_path: Path) -> None:
    with StreamServer("sse", rate=50.0) as server:
        settings = opened(tmp_path, server)
        said: list[str] = []
        kept = process.Kept(settings, said.append)
        book = Logbook.of(Home(settings.home), "local")
        try:
            kept.look(["local"])
            wait_until(lambda: book.state().counts["received"])
            kept.look([])
            assert book.state().doing == "ended: the harvester was ended in order"
            path = settings.home / "collectors" / "streams" / "local.yaml"
            path.write_text("stream: other")
            kept.look(["local"])
            deadline = time.monotonic() + 60
            while not said and time.monotonic() < deadline:
                kept.look(["local"])
                time.sleep(0.05)
            assert "begun again in 5 seconds" in said[0]
            kept.look(["local"])
            assert len(said) == 1, "not sooner"
        finally:
            kept.end()
