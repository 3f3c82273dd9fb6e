"""A harvester against a stream that drops, stalls, sends junk, repeats and goes silent, killed again and again.

    python benchmarks/harvest_soak.py [MESSAGES] [BREAKS] [KILLS] [RATE] [KIND]

The stream runs in a process of its own and keeps a log; who kills looks first at what is safe on the disk. In the end
all files are read into `tweets/raw_tweets` and `governance/outages`, and held against both.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.streams.logbook import Logbook
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.streams.judge import Interval, beyond, safe_ids, true_outages
from ons_assets.simulate.streams.messages import FIRST_ID

STREAM = "local"
WITHIN = timedelta(seconds=1)
QUIET_SECONDS = 5.0
WAYS = ("end", "drop", "cut", "stall", "silent", "drop")
WORDS = {"heartbeat_seconds": 1.0, "silence_seconds": 2.0, "commit_seconds": 0.25, "commit_bytes": 1 << 20}


def main() -> None:
    given = sys.argv[1:]
    messages, breaks, kills = (int(given[at]) if len(given) > at else n for at, n in enumerate((1_000_000, 200, 50)))
    rate = float(given[3]) if len(given) > 3 else 5_000.0
    kind = given[4] if len(given) > 4 else "sse"
    with TemporaryDirectory() as folder:
        for name, value in soak(Path(folder), messages, breaks, kills, rate, kind).items():
            print(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")


def soak(folder: Path, messages: int, breaks: int, kills: int, rate: float, kind: str) -> dict[str, Any]:
    """Harvest all messages of a stream of a kind that can be asked for what was missed, and judge what came."""
    settings = Settings(home=folder / "home")
    home = operations.open_home(settings)
    with stream(folder, messages, breaks, rate, kind):
        began = time.monotonic()
        killed, safe = harvest(home, folder / "log.jsonl", messages, kills, messages / rate)
        seconds = time.monotonic() - began
    kept = safe_ids(home.drops / "tweets")
    sizes = [each.stat().st_size for each in (home.drops / "tweets").iterdir()]
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    operations.take(settings, sorted((home.drops / "outages").iterdir()), "outages", quiet)
    operations.take(settings, sorted((home.drops / "tweets").iterdir()), "tweets", quiet)
    began = time.monotonic()
    operations.read_waiting(settings, quiet)
    read_seconds = time.monotonic() - began
    ids = np.sort(lake.read(home, CATALOGUE["tweets/raw_tweets"]).select("tweet_id").collect()["tweet_id"].to_numpy())
    there = np.unique(ids)
    told = outages(home)
    # After its last message the stream is silent, and whatever follows is its end.
    done = min(datetime.fromtimestamp(each["at"], UTC) for each in log if each["what"] == "all") - WITHIN
    true = true_outages(log, killed)
    recorded = [Interval(row["began_utc"], row["ended_utc"], row["known_by"]) for row in told]
    early_true, early_recorded = ([each for each in some if each.began_utc < done] for some in (true, recorded))
    opened = [each["first"] for each in log if each["what"] == "opened"]
    expected = np.arange(FIRST_ID + opened[0], FIRST_ID + messages)
    late = beyond(early_true, recorded, WITHIN), beyond(early_recorded, true, WITHIN)
    for which, some in zip(("true and not in the ledger", "in the ledger and not true"), late, strict=True):
        for each in some:
            nearest = min(recorded if some is late[0] else true, key=lambda other: distance(each, other))
            print(f"{which}: {told_of(each)}; nearest: {told_of(nearest)}")
    return {
        "messages sent at least once": messages - opened[0],
        "breaks": sum(each["what"] == "broke" for each in log),
        "refusals": sum(each["what"] == "refused" for each in log),
        "kills": len(killed),
        "seconds": round(seconds, 1),
        "messages a second": round((messages - opened[0]) / seconds),
        "junk": Logbook.of(home, STREAM).state().counts["junk"],
        "received": Logbook.of(home, STREAM).state().counts["received"],
        "files": len(sizes),
        "bytes on the disk": sum(sizes),
        "seconds of reading them": round(read_seconds, 1),
        "rows of raw_tweets": len(ids),
        "that come twice": len(ids) - len(there),
        "safe before a kill": len(safe),
        "safe before a kill and not there": len(np.setdiff1d(safe, there, assume_unique=True)),
        "in the files": len(kept),
        "sent and not there": len(np.setdiff1d(expected, there, assume_unique=True)),
        "there and never sent": len(np.setdiff1d(there, expected, assume_unique=True)),
        "outages by the stream and who killed": len(early_true),
        "in the ledger": len(early_recorded),
        "true and not in the ledger to the second": len(late[0]),
        "in the ledger and not true to the second": len(late[1]),
        "had later": sum(row["backfilled_from_utc"] == row["began_utc"] for row in told),
        "largest memory of a harvester (MiB)": max(MEMORY, default=0),
    }


MEMORY: list[int] = []


def distance(one: Interval, other: Interval) -> timedelta:
    return abs(one.began_utc - other.began_utc) + abs(one.ended_utc - other.ended_utc)


def told_of(one: Interval) -> str:
    return f"{one.by} {one.began_utc:%H:%M:%S.%f} to {one.ended_utc:%H:%M:%S.%f}"


@contextmanager
def stream(folder: Path, messages: int, breaks: int, rate: float, kind: str) -> Iterator[None]:
    """Run the stream in a process of its own."""
    draw = random.Random(1)
    each = max(messages // (breaks + 1), 1)
    phases = [
        {
            "messages": max(int(each * draw.uniform(0.5, 1.5)), 1),
            "then": WAYS[number % len(WAYS)],
            "refuse": draw.choice([[], [], [503], [429, 503]]),
            "junk": 997,
            "repeat": 499,
        }
        for number in range(breaks)
    ]
    (folder / "phases.json").write_text(json.dumps(phases))
    command = [sys.executable, "-m", "ons_assets.simulate.streams", "--home", str(folder / "home"), "--kind", kind]
    command += ["--rate", str(rate), "--keeps", str(messages), "--most", str(messages)]
    command += ["--phases", str(folder / "phases.json"), "--log", str(folder / "log.jsonl")]
    process = subprocess.Popen([*command, "--words", json.dumps(WORDS)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        # What happened last is to be in the log.
        time.sleep(0.5)
        process.kill()
        process.wait()


def harvest(
    home: Home, log: Path, messages: int, kills: int, seconds: float
) -> tuple[list[datetime], "np.ndarray[Any, np.dtype[np.int64]]"]:
    """Harvest until the last message is safe, and kill the process on the way; say when, and what was safe then."""
    draw, killed, safe = random.Random(2), [], np.empty(0, np.int64)
    book = Logbook.of(home, STREAM)
    for _ in range(kills):
        before = book.state().counts["received"]
        process = begin(home)
        # One that has received nothing has nothing to lose; on a busy machine it takes its time to begin.
        while book.state().counts["received"] == before and not is_all_sent(log):
            time.sleep(0.05)
        time.sleep(draw.uniform(0, max(2 * (seconds / max(kills, 1) - 2.0), 0.2)))
        MEMORY.append(memory_of(process))
        process.send_signal(signal.SIGKILL)
        killed.append(datetime.now(UTC))
        process.wait()
        # Large files are looked at now and then: it takes its time, in which nobody listens.
        if messages <= 100_000 or len(killed) % 10 == 0:
            safe = np.union1d(safe, safe_ids(home.drops / "tweets"))
    process = begin(home)
    received, since = -1, time.monotonic()
    # After the last one of all there may be repeats: it is over when there is peace, and the last one is safe.
    while time.monotonic() - since < QUIET_SECONDS or not is_safe(home, log, FIRST_ID + messages - 1):
        if process.poll() is not None:
            raise RuntimeError("the harvester ended by itself")
        if (now := book.state().counts["received"]) != received:
            received, since = now, time.monotonic()
        time.sleep(0.2)
    MEMORY.append(memory_of(process))
    process.terminate()
    process.wait()
    return killed, safe


def is_safe(home: Home, log: Path, last: int) -> bool:
    ids = safe_ids(home.drops / "tweets") if is_all_sent(log) else np.empty(0, np.int64)
    return len(ids) > 0 and int(ids[-1]) == last


def is_all_sent(log: Path) -> bool:
    return log.exists() and '"all"' in log.read_text()


def begin(home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ons_assets", "harvest", STREAM, "--home", str(home.root)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def memory_of(process: subprocess.Popen[bytes]) -> int:
    """Largest memory of a process until now, in MiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) >> 10
    return 0


def outages(home: Home) -> list[dict[str, Any]]:
    frame = lake.read(home, CATALOGUE["governance/outages"]).sort("began_utc").collect()
    assert isinstance(frame, pl.DataFrame)
    return frame.to_dicts()


def quiet(_: str) -> None:
    """Say nothing."""


if __name__ == "__main__":
    main()
