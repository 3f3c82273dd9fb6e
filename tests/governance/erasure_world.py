"""A small world of people in files of every kind, written with or without one of them; and a home that takes them."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pyarrow as pa

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.erasure.erasing import Erasing, Making
from ons_assets.intake import drops, reading
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.ingestion import ingest
from ons_assets.intake.ledger import Status
from ons_assets.intake.parsed import day_column
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from tests.intake.workbooks import workbook
from tests.tweets.statuses import status

SECRET = b"k" * 32
START = datetime(2015, 3, 15, 12, tzinfo=UTC)
# Short ones and long ones, and one that is the beginning of another.
USERS = ["921666319", "92166631", "1099511627776000123", "40004000", "55500055"]
METERS = ["1392", "1393", "2001", "20011"]
HOMES = ["MAC000002", "MAC000003", "MAC0000023"]
DEVICES = ["dev-a-0001", "dev-b-0002", "dev-b-00021"]
# What a row says of its file.
LINEAGE = ("drop_sha256", "line", "arrival")

World = dict[str, dict[str, bytes]]


def _tweets(user: str, seed: int, number: int = 3) -> list[dict]:
    rng = random.Random(f"{user} {seed}")
    made = []
    for index in range(number):
        when = START + timedelta(days=rng.randrange(3), minutes=rng.randrange(600), milliseconds=rng.randrange(900))
        position = (51 + rng.random(), -1 - rng.random())
        made.append(status(when, user=user, position=position, number=f"{seed}.{index}"))
    return made


def _lines(found: Iterable[object]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in found)


def _v2(tweet: dict) -> dict:
    when = datetime.strptime(tweet["created_at"], "%a %b %d %H:%M:%S %z %Y")
    return {
        "id": str(int(tweet["id_str"]) + 1),
        "author_id": tweet["user"]["id_str"],
        "created_at": when.isoformat().replace("+00:00", ".000Z"),
        "geo": {"coordinates": {"type": "Point", "coordinates": tweet["coordinates"]["coordinates"]}},
        "source": "Twitter Web App",
        "in_reply_to_user_id": USERS[0],
    }


def tweets(without: Collection[str] = ()) -> dict[str, bytes]:
    """Files of a collector; a tweet of another that names one of them is there, but does not name them."""
    stay = [user for user in USERS if user not in without]

    def of(seed: int) -> list[dict]:
        found = [tweet for user in stay for tweet in _tweets(user, seed)]
        return sorted(found, key=lambda tweet: tweet["id_str"])

    retweet = status(START, user=USERS[3], position=None, retweeted_status=_tweets(USERS[0], 1)[0])
    retweet["in_reply_to_user_id_str"] = USERS[0]
    deletions = [
        {"delete": {"status": {"id_str": _tweets(user, 1)[0]["id_str"], "user_id_str": user}}} for user in stay
    ]
    notices = [{"limit": {"track": 12}}]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("a.json", _lines(of(4)))
        archive.writestr("b.json", _lines(of(5)))
    page = {"data": [_v2(tweet) for tweet in of(6)], "includes": {"users": [{"id": user} for user in stay]}}
    table = "user,time,lat,lon\n" + "".join(
        f"{user},2015-03-16T15:0{number}:00+00:00,51.5{number}12345,-0.1{user[-3:]}1\n"
        for number in range(3)
        for user in stay
    )
    return {
        "a.json": _lines([*of(1), retweet, *deletions, *notices]) + b"{not JSON\n",
        "b.json.gz": gzip.compress(_lines(of(2)), mtime=0),
        "c.json.zst": pa.compress(_lines(of(3)), codec="zstd", asbytes=True),
        "d.zip": zipped.getvalue(),
        "e.json": _lines([page]),
        "f.json": json.dumps(of(7)).encode(),
        "g.csv": table.encode(),
    }


def meters(without: Collection[str] = ()) -> dict[str, bytes]:
    """Files of readings: of a trial whose meters are numbers, of one whose are names, and of one home alone."""

    def kwh(meter: str, number: int) -> float:
        return random.Random(f"{meter} {number}").random()

    numbers = [meter for meter in METERS if meter not in without]
    homes = [home for home in HOMES if home not in without]
    cer = "".join(f"{meter} 195{slot:02d} {kwh(meter, slot):.3f}\n" for meter in numbers for slot in range(1, 49))
    # A reading that is none, of each.
    cer += "".join(f"{meter} 19601 x\n" for meter in numbers)
    header = "LCLid,stdorToU,DateTime,KWH/hh (per half hour)\n"

    def half_hours(home: str, day: int) -> str:
        return "".join(
            f"{home},Std,2013-03-{day} {slot // 2:02d}:{30 * (slot % 2):02d}:00.0000000,{kwh(home, slot):.3f}\n"
            for slot in range(48)
        )

    cells = [line.split(",") for line in (header + "".join(half_hours(home, 17) for home in homes)).splitlines()]
    made = {
        "File1.txt": cer.encode(),
        "trial.csv": (header + "".join(half_hours(home, 15) for home in homes)).encode(),
        "book.xlsx": workbook({"a": cells}),
    }
    columns = {name: [row[place] for row in cells[1:]] for place, name in enumerate(cells[0])}
    buffer = io.BytesIO()
    pl.DataFrame(columns).with_columns(pl.col(cells[0][3]).cast(pl.Float64)).with_columns(
        pl.col("DateTime").str.replace("-17 ", "-18 ")
    ).write_parquet(buffer)
    made["table.parquet"] = buffer.getvalue()
    for home in homes:
        made[f"portal-{home}.csv"] = (header + half_hours(home, 16)).encode()
    return made


def world(without: Collection[str] = ()) -> World:
    """Files by source and name, without some people."""
    questions = "ID,Question 300: age,Question 410: who,Question 420: over,Question 43111: under\n"
    numbers = [meter for meter in METERS if meter not in without]
    answers = questions + "".join(f"{meter},6,3,{METERS.index(meter) + 1},2\n" for meter in numbers)
    devices = [device for device in DEVICES if device not in without]
    events = "operator,device,time_utc,cell_id,kind\n" + "".join(
        f"{operator},{device},2023-07-0{day}T09:1{DEVICES.index(device)}:0{day}Z,cell{day},active\n"
        for day in (1, 2)
        for device in devices
        for operator in ("alpha", "beta")
    )
    return {
        "tweets": tweets(without),
        "meters": meters(without),
        "meter_questionnaire": {"s.csv": answers.encode()},
        "meter_areas": {
            "areas.csv": ("meter,area_code,trial\n" + "".join(f"{m},A{m[-1]},cer\n" for m in numbers)).encode()
        },
        "phone_events": {"events.csv": events.encode()},
        "devices": {
            "register.csv": (
                "operator,device,contract,age_group\n" + "".join(f"alpha,{d},contract,20-29\n" for d in devices)
            ).encode()
        },
    }


@dataclass
class House:
    """A home and what is done with it; tables are made without Dagster, so that a test can do so often."""

    settings: Settings
    home: Home
    ledger: ErasureLedger
    sources: list[Source]
    runs: "count[int]" = field(default_factory=count)

    @classmethod
    def at(cls, folder: Path) -> "House":
        """Open a home in a folder, as a command does."""
        settings = Settings(home=folder)
        home = operations.open_home(settings)
        if not (folder / "secret.key").exists():
            (folder / "secret.key").write_bytes(SECRET)
        return cls(settings, home, ErasureLedger(home), operations.sources(settings))

    def source(self, name: str) -> Source:
        return next(each for each in self.sources if each.name == name)

    def take(self, files: World) -> "House":
        """Register files, read them, and publish their raw tables."""
        for name, contents in files.items():
            source = self.source(name)
            for file, content in contents.items():
                path = self.home.root / "aside" / file
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
                drops.register(self.home, self.ledger, source, path, 1 << 30)
                path.unlink()
                path.parent.rmdir()
            reading.read_waiting(self.home, self.ledger, source, CATALOGUE[source.table], "reading")
            if self.ledger.drops(name, [Status.READ]):
                self.publish(source)
        return self

    def publish(self, source: Source) -> dict[str, str]:
        table = CATALOGUE[source.table]
        days = [day for drop in self.ledger.drops(source.name, [Status.READ]) for day in drop.days]
        ingest(
            self.home,
            self.ledger,
            source,
            table,
            Suite.load(self.settings.expectations, table.name),
            run_id=f"run-{next(self.runs)}",
            settings={},
            days=(min(days), max(days)) if day_column(table) else None,
        )
        return {}

    def erasing(self, step: Callable[[str], None] = lambda _: None) -> Erasing:
        return Erasing(
            self.home, self.ledger, self.sources, Making(self.publish, lambda _: {}), step=step, patience_seconds=0.5
        )

    def rows(self, source: str, *, lineage: bool = False) -> pl.DataFrame:
        """Rows of a raw table, in an order that says nothing of their files."""
        table = CATALOGUE[self.source(source).table]
        frame = lake.read(self.home, table).collect()
        frame = frame if lineage else frame.drop(LINEAGE, strict=False)
        lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
        return frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join(" ") for name in lists).sort(pl.all())

    def check_books(self) -> None:
        """Assert that rows in are rows out, and rows in force are of the drops that the ledger says."""
        for source in self.sources:
            table = CATALOGUE[source.table]
            counts: dict[str, int] = {}
            if lake.exists(self.home, table):
                counts = dict(lake.read(self.home, table).group_by("drop_sha256").len().collect().iter_rows())
            for drop in self.ledger.drops(source.name):
                if drop.parsed_rows is not None:
                    assert drop.parsed_rows == (drop.accepted_rows or 0) + (drop.quarantined_rows or 0), drop
                if drop.status is not Status.DUPLICATE:
                    assert counts.pop(str(drop.sha256), 0) == (drop.rows_in_force or 0), drop
            assert counts == {}, f"{source.name} has rows of no drop"
