"""Small lakes made at random, with the files behind every partition of every version known by construction."""

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ons_assets.governance.trace.history import History
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.commits import WHOLE
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Among, Between, Partition, Provenance
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

DAY = date(2020, 1, 1)
DAYS, BUCKETS, FILES = 5, 7, 6
Truth = dict[str, frozenset[str]]


def table(name: str, *columns: tuple[str, pl.DataType], partition_by: tuple[str, ...] = ()) -> Table:
    return Table(
        name=name,
        description="One row.",
        columns=tuple(Column(each, dtype, each) for each, dtype in columns),
        key=tuple(each for each, _ in columns),
        sensitivity=Sensitivity.PUBLIC,
        owner="team:tests",
        source="made up",
        partition_by=partition_by,
    )


OF_FILE = ("drop_sha256", pl.String())
NUMBER = ("number", pl.Int64())
RAW = table("small/raw", ("day", pl.Date()), NUMBER, OF_FILE, partition_by=("day",))
OTHER = table("small/other", NUMBER, OF_FILE)
BY_BUCKET = table("small/by_bucket", ("bucket", pl.Int16()), NUMBER, partition_by=("bucket",))
BY_DAY = table("small/by_day", ("day", pl.Date()), NUMBER, partition_by=("day",))
TOTAL = table("small/total", NUMBER)
GROWN = table("small/grown", NUMBER)
INPUTS = {
    BY_BUCKET: [RAW],
    BY_DAY: [RAW, OTHER],
    TOTAL: [BY_BUCKET, BY_DAY],
    GROWN: [TOTAL],
}
TABLES = {each.name: each for each in (RAW, OTHER, *INPUTS)}


def hashed(number: int) -> str:
    return f"{number:064x}"


@dataclass
class SmallLake:
    """A lake, and by table the files behind each partition of each of its versions."""

    home: Home
    chance: random.Random
    truth: dict[str, list[Truth]] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, seed: int, commits: int) -> "SmallLake":
        made = cls(Home(folder).ensure(), random.Random(seed))
        for _ in range(commits):
            made.step()
        return made

    @property
    def history(self) -> History:
        return History(self.home, TABLES, growing=[GROWN.name])

    def step(self) -> None:
        """Publish something that can be published."""
        possible = [RAW, OTHER, *(made for made, of in INPUTS.items() if any(each.name in self.truth for each in of))]
        chosen = self.chance.choice(possible)
        if chosen in (RAW, OTHER):
            self._raw(chosen)
        else:
            self._derived(chosen)

    def _raw(self, chosen: Table) -> None:
        values = self._days() if chosen is RAW else [WHOLE]
        of = {value: frozenset(self._files()) for value in values if value == WHOLE or self.chance.random() > 0.2}
        drops = sorted({sha256 for files in of.values() for sha256 in files})
        rows = [
            (*((value,) if chosen is RAW else ()), number, sha256)
            for value, files in of.items()
            for number, sha256 in enumerate(sorted(files))
        ]
        self._publish(chosen, rows, of, dict.fromkeys(drops, "a file"), values)

    def _derived(self, chosen: Table) -> None:
        inputs = {
            each.name: f"{len(self.truth[each.name]) - 1}:abc" for each in INPUTS[chosen] if each.name in self.truth
        }
        behind = frozenset[str]().union(*(files for name in inputs for files in self.truth[name][-1].values()))
        if chosen is GROWN and chosen.name in self.truth:
            behind |= self.truth[chosen.name][-1][WHOLE]
        if chosen is BY_BUCKET:
            values: list[object] = self.chance.sample(range(BUCKETS), self.chance.randint(1, BUCKETS))
        else:
            values = list(self._days()) if chosen is BY_DAY else [WHOLE]
        of = {value: behind for value in values if value == WHOLE or self.chance.random() > 0.2}
        rows = [(*((value,) if value != WHOLE else ()), 1) for value in of]
        self._publish(chosen, rows, of, inputs, values)

    def _days(self) -> list[object]:
        first = self.chance.randrange(DAYS)
        return [DAY + timedelta(days=number) for number in range(first, self.chance.randrange(first, DAYS) + 1)]

    def _files(self) -> list[str]:
        return [hashed(number) for number in self.chance.sample(range(FILES), self.chance.randint(1, 3))]

    def _publish(
        self, chosen: Table, rows: list[tuple[object, ...]], of: dict, inputs: dict[str, str], values: list
    ) -> None:
        before = self.truth.get(chosen.name, [{}])[-1]
        replace: Partition | None = None
        if chosen.partition_by and chosen.name in self.truth and self.chance.random() > 0.2:
            if chosen is BY_BUCKET:
                replace = Among("bucket", tuple(sorted(values)))
            else:
                replace = Between("day", values[0], values[-1])
        new = {str(value): files for value, files in of.items()}
        gone = {str(value) for value in values}
        kept = {value: files for value, files in before.items() if value not in gone} if replace else {}
        frame = pl.LazyFrame(rows, schema=chosen.schema, orient="row")
        provenance = Provenance("run", "code", inputs, {"sha256": "suite"}, {}, "data")
        lake.publish(self.home, chosen, frame, provenance, replace)
        self.truth.setdefault(chosen.name, []).append(kept | new)
