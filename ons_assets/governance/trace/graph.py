"""Backward from a partition of a table to the files behind it, and forward from a file to the partitions made of it.

What a publication read, it read whole: the versions of its inputs are in its commit, and all their partitions count.
What it wrote are the partitions it replaced. Both directions follow these two facts and nothing else, so that they
agree: a file is behind a partition if and only if the partition is made of the file.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ons_assets.governance.trace.history import UNKNOWN, History
from ons_assets.lakehouse.commits import Commit, Forgotten, View

FOLLOWED = "followed is what its log says may have made it"


@dataclass
class Made:
    """A publication, and which of the partitions that it wrote count here."""

    commit: Commit
    partitions: set[str] = field(default_factory=set)


@dataclass
class Origin:
    """Everything behind some partitions of a version of a table.

    Parameters
    ----------
    table, version
        Name and number.
    partitions
        That are asked for.
    made
        Publications, by table and version.
    views
        Versions that publications read, by table and version: which partitions they had.
    drops
        Rows of each file, by its hash, then by raw table and partition; None where that can no longer be counted.
    doubts
        Sentences on what can no longer be said exactly.
    """

    table: str
    version: int
    partitions: set[str]
    made: dict[tuple[str, int], Made] = field(default_factory=dict)
    views: dict[tuple[str, int], View] = field(default_factory=dict)
    drops: dict[str, dict[tuple[str, str], int | None]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether nothing was forgotten on the way."""
        return not self.doubts

    def doubt(self, sentence: str) -> None:
        """Note what can no longer be said."""
        if sentence not in self.doubts:
            self.doubts.append(sentence)


@dataclass(frozen=True)
class Dependent:
    """A partition that is made of a file.

    Parameters
    ----------
    table, partition
        Which.
    first, last
        Versions of the table in which it is so; `last` is None if it is so in the latest.
    rows
        Rows of the file itself, in a raw table; None elsewhere.
    """

    table: str
    partition: str
    first: int
    last: int | None
    rows: int | None = None

    def holds(self, version: int) -> bool:
        """Return whether a version of the table has it."""
        return self.first <= version and (self.last is None or version <= self.last)


def backward(history: History, table: str, version: int, partitions: Collection[str] | None = None) -> Origin:
    """Return everything behind some partitions of a version of a table.

    Parameters
    ----------
    history
        Of the home.
    table, version
        Name and number.
    partitions
        As a view names them; None for all.

    Raises
    ------
    LookupError
        If there is no such version, or it has no such partition, or it can no longer be said which it had. Of a whole
        version of which that is forgotten, what its log says may have made it is followed.
    """
    history.commit(table, version)
    try:
        view = history.view(table, version)
    except Forgotten as error:
        if partitions is not None and UNKNOWN not in partitions:
            raise
        origin = Origin(table, version, {UNKNOWN})
        origin.doubt(f"{error}; {FOLLOWED}")
        _follow(history, origin, [(table, each.number, UNKNOWN) for each in history.candidates(table, version)])
        return origin
    asked = set(view.commit_of) if partitions is None else set(partitions)
    if unknown := asked - view.commit_of.keys():
        raise LookupError(f"version {version} of {table} has no partition {', '.join(sorted(unknown))}")
    origin = Origin(table, version, asked)
    # A version without rows was made of something, too.
    _follow(history, origin, [(table, view.commit_of[each], each) for each in asked] or [(table, version, UNKNOWN)])
    return origin


def _follow(history: History, origin: Origin, waiting: list[tuple[str, int, str]]) -> None:
    """Add everything behind some partitions of publications."""
    seen: set[tuple[str, int, str]] = set()
    while waiting:
        step = waiting.pop()
        if step not in seen:
            seen.add(step)
            name, number, partition = step
            commit = history.commit(name, number)
            made = origin.made.get((name, number))
            first = made is None
            made = made or origin.made.setdefault((name, number), Made(commit))
            made.partitions.add(partition)
            if history.is_raw(commit):
                _add_drops(history, origin, commit, partition)
            else:
                for sha256 in history.named_drops(commit):
                    origin.drops.setdefault(sha256, {})[name, partition] = None
                waiting += _read(history, origin, commit) if first else []


def _read(history: History, origin: Origin, commit: Commit) -> Iterator[tuple[str, int, str]]:
    """Yield every partition that a publication read."""
    for name, version in history.inputs(commit).items():
        if (name, version) in origin.views:
            continue
        try:
            view = history.view(name, version)
        except Forgotten as error:
            origin.doubt(f"{error}; {FOLLOWED}")
            yield from ((name, each.number, UNKNOWN) for each in history.candidates(name, version))
            continue
        origin.views[name, version] = view
        yield from ((name, number, partition) for partition, number in view.commit_of.items())


def _add_drops(history: History, origin: Origin, commit: Commit, partition: str) -> None:
    for sha256, rows in _drops_of(history, origin, commit, partition):
        origin.drops.setdefault(sha256, {})[commit.table, partition] = rows


def _drops_of(history: History, origin: Origin, commit: Commit, partition: str) -> Iterator[tuple[str, int | None]]:
    counts, forgotten = history.drops(commit) if partition != UNKNOWN else ({}, None)
    if partition in counts or (partition != UNKNOWN and forgotten is None):
        yield from counts.get(partition, {}).items()
        return
    if forgotten is not None:
        origin.doubt(f"{forgotten}; named are all files of its commit, of whatever partition")
    yield from ((sha256, None) for sha256 in history.named_drops(commit))


def forward(history: History, sha256: str) -> tuple[list[Dependent], list[str]]:
    """Return every partition that is made of a file, and sentences on what can no longer be said.

    Parameters
    ----------
    history
        Of the home.
    sha256
        Of the file.
    """
    walk = _Forward(history, sha256)
    # In the order in which they were made, so that what a publication read is known before it.
    every = [commit for name in history.tables for commit in history.commits(name)]
    for commit in sorted(every, key=lambda each: (each.published_utc, each.number)):
        walk.partitions(commit)
    found = []
    for (name, number), partitions in walk.reached.items():
        last = history.until(history.commit(name, number), partitions)
        found += [Dependent(name, each, number, last[each], rows) for each, rows in partitions.items()]
    return sorted(found, key=lambda each: (each.table, each.first, each.partition)), walk.doubts


class _Forward:
    """Which partitions of each publication are made of a file, with the rows of the file in raw tables."""

    def __init__(self, history: History, sha256: str) -> None:
        self._history, self._sha256 = history, sha256
        self.reached: dict[tuple[str, int], dict[str, int | None]] = {}
        self.doubts: list[str] = []

    def partitions(self, commit: Commit) -> dict[str, int | None]:
        """Return the partitions that a publication wrote and that are made of the file."""
        key = (commit.table, commit.number)
        if key not in self.reached:
            # A publication that would be behind itself is not: versions of inputs were there before.
            self.reached[key] = {}
            if self._history.is_raw(commit):
                self.reached[key] = self._of_raw(commit)
            elif self._sha256 in self._history.named_drops(commit) or any(
                self._is_read(name, version) for name, version in self._history.inputs(commit).items()
            ):
                self.reached[key] = dict.fromkeys(self._written(commit))
        return self.reached[key]

    def _of_raw(self, commit: Commit) -> dict[str, int | None]:
        if self._sha256 not in self._history.named_drops(commit):
            return {}
        counts, forgotten = self._history.drops(commit)
        found: dict[str, int | None] = {value: of[self._sha256] for value, of in counts.items() if self._sha256 in of}
        if forgotten is not None:
            self._doubt(f"{forgotten}; the file may be in any of its partitions")
            found[UNKNOWN] = None
        return found

    def _is_read(self, name: str, version: int) -> bool:
        try:
            view = self._history.view(name, version)
        except Forgotten as error:
            if not self._history.is_raw(self._history.commit(name, version)):
                self._doubt(f"{error}; {FOLLOWED}")
            return any(self.partitions(each) for each in self._history.candidates(name, version))
        for partition, number in view.commit_of.items():
            commit = self._history.commit(name, number)
            reached = self.partitions(commit)
            if partition in reached or (UNKNOWN in reached and partition not in self._history.counted(commit)):
                return True
        return False

    def _written(self, commit: Commit) -> list[str]:
        """Return the partitions of which a publication wrote rows."""
        try:
            view = self._history.view(commit.table, commit.number)
        except Forgotten:
            return [UNKNOWN]
        return [partition for partition, number in view.commit_of.items() if number == commit.number]

    def _doubt(self, sentence: str) -> None:
        if sentence not in self.doubts:
            self.doubts.append(sentence)
