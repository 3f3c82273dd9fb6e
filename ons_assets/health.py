"""Whether an installation is well: its parts at work, its files readable, room on its disk; a sentence on each.

It is asked every half minute, and so it asks the parts nothing and loads none of them: it looks at what they leave, and
imports late what only some of its looks need.
"""

import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.signs import NEEDED, STALE_SECONDS, Part, age_seconds
from ons_assets.wording import counted

GIB = 1 << 30
# Below it a run may not end: a table is written beside the one that is in force.
LEAST_FREE_BYTES = 2 * GIB
AT_WORK = "at work"


@dataclass(frozen=True)
class Finding:
    """How one thing stands.

    Parameters
    ----------
    what
        In a word.
    is_well
        Whether nobody has to do anything.
    sentence
        For people.
    """

    what: str
    is_well: bool
    sentence: str


def look(home: Home, parts: Collection[Part] = (), least_free_bytes: int = LEAST_FREE_BYTES) -> list[Finding]:
    """Return how a home and its service stand.

    Parameters
    ----------
    home
        That is served.
    parts
        The parts alone that are looked at; without any, all that are needed or at work, the files, the disk, and the
        harvesters that have ever begun.
    least_free_bytes
        Of the disk.
    """
    if parts:
        return [_part(home, part) for part in parts]
    others = [part for part in Part if part not in NEEDED and age_seconds(home, part) is not None]
    found = [_part(home, part) for part in (*NEEDED, *others)]
    return [*found, _ledger(home), _tables(home), _disk(home, least_free_bytes), *_harvesters(home)]


def _part(home: Home, part: Part) -> Finding:
    age = age_seconds(home, part)
    if age is None:
        return Finding(part, is_well=False, sentence=f"{part}: not at work")
    if age > STALE_SECONDS:
        return Finding(part, is_well=False, sentence=f"{part}: no sign of life for {age:,.0f} seconds")
    return Finding(part, is_well=True, sentence=f"{part}: at work, last sign of life {age:,.0f} seconds ago")


def _ledger(home: Home) -> Finding:
    try:
        address = f"file:{quote(str(home.ledger.resolve()))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as ledger:
            (drops,) = ledger.execute("SELECT count(*) FROM drops").fetchone()
    except sqlite3.Error as error:
        return Finding("ledger", is_well=False, sentence=f"ledger: it cannot be read ({error})")
    return Finding("ledger", is_well=True, sentence=f"ledger: {counted(drops, 'file')}")


def _tables(home: Home) -> Finding:
    folders = sorted(path.parent for path in home.lake.glob("*/*/_delta_log"))
    bad = [folder for folder in folders if not _is_readable(folder)]
    if bad:
        more = f", and {len(bad) - 1} more" if bad[1:] else ""
        name = bad[0].relative_to(home.lake)
        return Finding("lake", is_well=False, sentence=f"lake: the table {name} cannot be read{more}")
    return Finding("lake", is_well=True, sentence=f"lake: {counted(len(folders), 'table')} can be read")


def _is_readable(folder: Path) -> bool:
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        DeltaTable(folder, without_files=True)
    except (DeltaError, OSError):
        return False
    return True


def _disk(home: Home, least_free_bytes: int) -> Finding:
    free = shutil.disk_usage(home.root).free
    is_well = free >= least_free_bytes
    least = "" if is_well else f", and at least {least_free_bytes / GIB:,.1f} GiB are needed"
    return Finding("disk", is_well=is_well, sentence=f"disk: {free / GIB:,.1f} GiB are free{least}")


def _harvesters(home: Home) -> list[Finding]:
    if not (home.root / "collectors" / "streams").is_dir():
        return []
    from ons_assets.collectors.streams.standing import standing

    found = []
    for row in standing(home).iter_rows(named=True):
        # Who has never listened to a stream does not miss it.
        if row["last_sign_of_life"] is not None or row["process"] == AT_WORK:
            is_well, name = row["process"] == AT_WORK, f"harvester of {row['stream']}"
            found.append(Finding(name, is_well, f"{name}: {AT_WORK if is_well else 'not at work'}"))
    return found
