"""A home with its ledger and the source of quotes, as a pipeline uses them, without Dagster."""

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.intake import drops, ingestion, reading
from ons_assets.intake.ingestion import Ingested
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.parsed import day_column
from ons_assets.intake.source import Source
from ons_assets.lakehouse import lake, quarantine
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings
from tests.run_files import HEADER

SUITES = Path(__file__).resolve().parents[1] / "expectations"
REGISTRATION = "not-archived"

DEFAULTS = {
    "timestamp": "2016-07-21 05:00:00.250000",
    "store": "TESCO",
    "ons_item_no": "210111",
    "ons_item_name": "White Sliced Loaf, branded",
    "product_type": "White Bread",
    "product_name": "PLAIN LOAF 800G",
    "item_price_num": "0.85",
    "ml_prediction": "1",
    "single_class": "1",
}


def line(cells: list[str]) -> str:
    """One line of a CSV file, without its end."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().removesuffix("\n")


def record(**values: object) -> str:
    """One record of the layout of 2016; the values replace those of a good quote."""
    unknown = values.keys() - set(HEADER)
    assert not unknown, unknown
    return line([str(values.get(name, DEFAULTS.get(name, ""))) for name in HEADER])


def run(*records: str, end: str = "\n") -> bytes:
    """A run file of these records."""
    return "".join(f"{each}{end}" for each in (line(HEADER), *records)).encode()


def day_of(day: date, retailer: str = "TESCO", price: float = 0.85, quotes: int = 3) -> list[str]:
    """Some good records of a day."""
    return [
        record(
            timestamp=f"{day} 05:00:{number:02d}",
            store=retailer,
            product_name=f"LOAF {number}",
            item_price_num=f"{price + number / 100:.2f}",
        )
        for number in range(quotes)
    ]


@dataclass
class Workbench:
    """A home, and what is done with it."""

    settings: Settings
    home: Home
    ledger: Ledger
    source: Source
    table: Table = CATALOGUE["prices/raw_quotes"]
    runs: Iterator[int] = field(default_factory=count)

    @classmethod
    def at(cls, folder: Path, **settings: object) -> "Workbench":
        """Set up a home in a folder, with suites of its own."""
        suites = folder / "expectations"
        shutil.copytree(SUITES, suites)
        chosen = Settings(home=folder / "home", expectations=suites, **settings)  # type: ignore[arg-type]
        home = Home(chosen.home).ensure()
        return cls(chosen, home, Ledger(home), QuoteFiles.of(chosen))

    @property
    def suite(self) -> Suite:
        return Suite.load(self.settings.expectations, self.table.name)

    def leave(self, name: str, content: bytes) -> Path:
        """Leave a file in the drop folder, and return its path."""
        folder = self.home.drops / self.source.name
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_bytes(content)
        return path

    def take(self, path: Path, *, retry: bool = False) -> Drop:
        """Register a file, and read it if it waits to be read."""
        limit = self.settings.drops.max_bytes
        drop = drops.register(self.home, self.ledger, self.source, path, limit, retry=retry)
        reading.read_waiting(self.home, self.ledger, self.source, self.table, "reading")
        return next(each for each in self.ledger.drops() if each.drop_id == drop.drop_id)

    def register(self, name: str, content: bytes, *, retry: bool = False) -> Drop:
        """Leave a file and register it."""
        return self.take(self.leave(name, content), retry=retry)

    def ingest(self, first: date | None = None, last: date | None = None) -> Ingested:
        """Ingest the days from first to last; without them all days of the ledger."""
        days = [day for drop in self.ledger.drops() for day in drop.days] or [date(2016, 7, 21)]
        dated = day_column(self.table) is not None
        return ingestion.ingest(
            self.home,
            self.ledger,
            self.source,
            self.table,
            self.suite,
            run_id=f"run-{next(self.runs)}",
            settings={"max_price": 10_000},
            days=(first or min(days), last or first or max(days)) if dated else None,
            rows_at_once=self.settings.drops.rows_at_once,
        )

    def published(self, version: int | None = None) -> pl.DataFrame:
        """The published rows, in the order of their lineage."""
        return lake.read(self.home, self.table, version).sort("drop_sha256", "line").collect()

    def drop(self, name: str) -> Drop:
        """The ledger's only row of what a supplier called a file."""
        [found] = [drop for drop in self.ledger.drops() if drop.original_name == name]
        return found

    def statuses(self) -> dict[str, str]:
        """Status of every file by what its supplier called it."""
        return {drop.original_name: str(drop.status) for drop in self.ledger.drops()}

    def check_books(self) -> None:
        """Assert rows in = accepted + quarantined for every file, and that quarantine holds what the ledger says."""
        kept: dict[str, int] = {}
        for entry in quarantine.entries(self.home):
            if not entry.batch.startswith(REGISTRATION):
                sha256 = entry.batch[:64]
                kept[sha256] = kept.get(sha256, 0) + entry.rows
        for drop in self.ledger.drops():
            if drop.parsed_rows is not None:
                assert drop.accepted_rows is not None
                assert drop.quarantined_rows is not None
                assert drop.parsed_rows == drop.accepted_rows + drop.quarantined_rows, drop
                assert kept.get(drop.sha256 or "", 0) == drop.quarantined_rows, drop


# A table about persons and one about nobody, for what holds of every table.
PERSONS = Table(
    name="test/persons",
    description="One person's trip.",
    columns=(
        Column("day", pl.Date(), "day"),
        Column("person", pl.String(), "pseudonym"),
        Column("note", pl.String(), "text", nullable=True),
        Column("distance_km", pl.Float64(), "distance", nullable=True),
    ),
    key=("day", "person"),
    partition_by=("day",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner="team:test",
    source="tests",
)
COUNTS = Table(
    name="test/counts",
    description="One day's count; its text has a quote: the person's.",
    columns=(Column("day", pl.Date(), "day"), Column("trips", pl.Int64(), "number of trips, it's a count")),
    key=("day",),
    partition_by=("day",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="tests",
)


def provenance(run_id: str = "run-0", **values: object) -> Provenance:
    """What made a version, for tests of which it is not the matter."""
    return Provenance(
        **{  # type: ignore[arg-type]
            "run_id": run_id,
            "code_version": "1+abc",
            "inputs": {"a": "b"},
            "suite": {"sha256": "0", "evaluated": 1, "failures": []},
            "settings": {"limit": 1},
            "data_version": "d",
            **values,
        }
    )


def now() -> datetime:
    return datetime.now(UTC)
