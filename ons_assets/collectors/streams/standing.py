"""How streams stand, what would be kept of their messages, and how a machine keeps a harvester at work."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.folders import AtWork, alone
from ons_assets.collectors.streams import description
from ons_assets.collectors.streams.keeping import Farewell, Junk, keeper_of
from ons_assets.collectors.streams.logbook import Logbook, State
from ons_assets.collectors.streams.process import STOP_SECONDS, command_of
from ons_assets.lakehouse.home import Home


def standing(home: Home) -> pl.DataFrame:
    """Return how the streams stand: one row each.

    Parameters
    ----------
    home
        That describes them.
    """
    now = datetime.now(UTC)
    rows = [_row_of(home, path.stem, now) for path in description.paths(home)]
    words = ("stream", "process", "doing", "last_sign_of_life", "since")
    schema = {
        **dict.fromkeys(words, pl.String()),
        **dict.fromkeys(("received", "kept", "not_meant", "unreadable", "outages_not_settled"), pl.Int64()),
    }
    return pl.DataFrame(rows, schema=schema)


def _row_of(home: Home, name: str, now: datetime) -> dict[str, str | int | None]:
    logbook = Logbook.of(home, name)
    state = logbook.state() if logbook.folder.is_dir() else State()
    try:
        description.named(home, name)
        fault = None
    except BadDescription as error:
        fault = str(error)
    alive = state.alive_utc
    return {
        "stream": name,
        "process": "at work" if _is_at_work(logbook.folder) else "none",
        "doing": fault or state.doing,
        "last_sign_of_life": f"{alive:%Y-%m-%d %H:%M:%S} UTC" if alive is not None else None,
        "since": _ago(now - alive) if alive is not None else None,
        "received": state.counts["received"],
        "kept": state.counts["kept"],
        "not_meant": state.counts["left_out"],
        "unreadable": state.counts["junk"],
        "outages_not_settled": len(state.outages),
    }


def _is_at_work(folder: Path) -> bool:
    if not (folder / "lock").exists():
        return False
    try:
        with alone(folder, ""):
            return False
    except AtWork:
        return True


def _ago(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"


def look(home: Home, name: str, file: Path) -> pl.DataFrame:
    """Return what would be kept of messages that are saved in a file, one a line: counts, and nothing of any message.

    Parameters
    ----------
    home
        That describes them.
    name
        Of the stream.
    file
        Of messages.
    """
    keep = keeper_of(description.named(home, name).keeps)
    found: Counter[str] = Counter()
    for line in file.read_bytes().split(b"\n"):
        if not line.strip():
            continue
        found["messages"] += 1
        try:
            kept = keep(line)
        except Junk as lacking:
            found[f"unreadable: {lacking}"] += 1
            continue
        except Farewell:
            found["the service takes its leave"] += 1
            continue
        found["kept" if kept is not None else "not meant"] += 1
        found["with a position"] += kept is not None and kept.is_placed
    return pl.DataFrame({"what": list(found.keys()), "number": list(found.values())})


def unit(home: Home, name: str) -> str:
    """Return a unit of systemd that keeps a harvester at work.

    Parameters
    ----------
    home
        That describes them.
    name
        Of the stream.
    """
    stream = description.named(home, name)
    root = home.root.resolve()
    command = " ".join(_quoted(each).replace("$", "$$") for each in command_of(root, name))
    token = stream.token
    secret = (
        ["# A file of mode 0600 with a line VARIABLE=TOKEN.", f"EnvironmentFile=/etc/ons-assets/{name}.env"]
        if token is not None and token.environment is not None
        else []
    )
    return "\n".join(
        [
            "[Unit]",
            f"Description=Harvester of the stream {name}",
            "Wants=network-online.target",
            "After=network-online.target time-sync.target",
            "",
            "[Service]",
            "# The user that owns the home.",
            "User=ons-assets",
            f"ExecStart={command}",
            *secret,
            "Restart=always",
            "RestartSec=5",
            "# Longer and longer; systemd before 254 says that it does not know these two, and waits 5 s each time.",
            "RestartSteps=6",
            "RestartMaxDelaySec=600",
            "# It ends in order when told to.",
            "KillSignal=SIGTERM",
            f"TimeoutStopSec={STOP_SECONDS:g}",
            "UMask=0077",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            f"ReadWritePaths={_quoted(str(root))}",
            "PrivateTmp=yes",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def _quoted(word: str) -> str:
    """Return a word as systemd reads it, whose quotes are not those of a shell: see systemd.syntax(7)."""
    said = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return said if re.fullmatch(r"[\w@:+,./=%$-]+", word) else f'"{said}"'
