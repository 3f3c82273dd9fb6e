"""The files of readings: read by their layouts, gathered into days bucket by bucket."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.fields import fields, holders
from ons_assets.intake.layouts import Layout
from ons_assets.intake.needs import OF_ZONE
from ons_assets.intake.records import records
from ons_assets.intake.source import (
    ENDS_INSIDE_RECORD,
    Located,
    Piece,
    Source,
    layout_folders,
    limits,
    nothing_meant,
    nothing_read,
    without,
)
from ons_assets.intake.unreadable import Unreadable
from ons_assets.intake.values import UNDECIDED
from ons_assets.lakehouse.buckets import bucket_column
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.meters.readings.cer import TRIAL, CerPlacing
from ons_assets.meters.readings.day_rows import day_rows
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.kinds import contradicts, lacks_of_cer, of_interval, whose
from ons_assets.meters.readings.placed import MARK_SCHEMA, Block, ReadingKind
from ons_assets.meters.readings.placing import INTERVAL_FIELDS, Placing, interval_seconds
from ons_assets.meters.readings.spill import Spill, Spilled
from ons_assets.meters.readings.verdict import Tally
from ons_assets.parameters.meters import Readings
from ons_assets.settings import Settings
from ons_assets.wording import counted

BUILT_IN = Path(__file__).parent / "layouts"


@dataclass(frozen=True)
class MeterFiles(Source):
    """Files of readings of smart meters.

    A file flows in blocks into one Arrow file a bucket of meters; then each bucket is gathered into days. So
    memory holds a few blocks or one bucket, whatever the size of the file. Every row says its drop: where two
    drops hold the same half hour, `meters/half_hours` takes the one that arrived later.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, and what is set down for the time of reading.
    readings
        Units, zones and limits.
    """

    home: Home = field(default_factory=lambda: Home(Path()))
    readings: Readings = field(default_factory=Readings)

    name = "meters"
    table = "meters/raw_readings"
    files_are = "readings of smart meters, of intervals or of registers, under a layout"
    unit = "half hours"
    row = "meter day"
    is_individual = True
    person = "meter"
    identity = ("arrival", "meter", "day")
    needs: ClassVar = {
        "meter": "name of the meter: a column, a constant, or from the name of the file",
        "value": "energy or mean power of the interval, or what the register shows",
        "time": "when; or `date` and `slot`; or `date` and `day_columns`",
    }
    takes: ClassVar = {
        "date": "local day",
        "slot": "number of the interval in its day",
        "unit": "kWh, Wh, MWh, kW, W or m3, where rows differ",
        "quality": "flag that `quality` translates",
        "interval_minutes": "length of the interval, where files differ",
        "interval_seconds": "the same in seconds",
    }
    one_of: ClassVar = (
        (("unit",),),
        # Slots and columns of a day are on the clock of the homes.
        (*(("time", "value", *each) for each in OF_ZONE), ("date", "slot", "value"), ("date", "day_columns")),
    )

    @classmethod
    def of(cls, settings: Settings) -> "MeterFiles":
        """Return the source of one home; its own layouts come before those that are built in."""
        readings = settings.meters.readings
        return cls(
            layout_folders(settings, cls.name, BUILT_IN),
            limits(settings),
            {**readings.model_dump(mode="json"), "time_zone": settings.geography.time_zone},
            country=settings.geography,
            home=Home(settings.home),
            readings=readings,
        )

    def lack_of(self, layout: Layout) -> str | None:
        """See `Source.lack_of`; text of the CER trial has columns of its own."""
        return lacks_of_cer(layout) if layout.format == "cer" else super().lack_of(layout) or contradicts(layout)

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """See `Source.read`; a piece is a bucket of meters, the last one what there is to say of the file."""
        layout = self._of_file(path, name, layout)
        placing = self.placing(layout, received_utc)
        tally = Tally(placing.kind, self.readings)
        rejected, cut = [pl.DataFrame(schema=REJECTED_SCHEMA)], False
        self.home.staging.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="readings-", dir=self.home.staging) as folder:
            with Spill(Path(folder), self.readings.buckets, exact=placing.kind.is_register) as spill:
                lost = 0
                for block, ends_inside in self.blocks(path, name, layout, placing):
                    spill.add(block)
                    rejected.append(block.rejected)
                    lost, cut = lost + len(block.rejected), cut or ends_inside
                    if lost > self.readings.max_rejected_rows:
                        raise Unreadable(
                            f"has more than {counted(self.readings.max_rejected_rows, 'row')} that could not be read",
                            block.rejected,
                        )
            every = pl.concat(rejected).sort("line")
            if spill.is_empty:
                raise Unreadable(
                    nothing_meant(layout) if layout.only and every.is_empty() else nothing_read(every), every
                )
            for bucket in range(self.readings.buckets):
                if (part := spill.bucket(bucket)) is not None:
                    yield self._piece(part, placing.kind, tally)
        try:
            notes, warnings = tally.said()
        except Unreadable as error:
            raise Unreadable(str(error), every) from None
        notes += (f"{counted(placing.moved, 'stamp')} moved onto the grid",) if placing.moved else ()
        notes += (ENDS_INSIDE_RECORD,) if cut else ()
        notes += (without(placing.left_out),) if placing.left_out else ()
        warnings += (UNDECIDED,) if placing.has_undecided else ()
        nothing = labelled(_no_days(placing.kind), placing.kind, self.readings.buckets)
        yield Piece(nothing, every, notes, warnings)

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`; the same name in two trials is two meters, and both are meant."""
        pseudonyms = Pseudonyms(self.home.secret())
        return frozenset(pseudonyms.of(trial, name) for trial in {TRIAL, *map(whose, layouts)})

    def whose(self, rows: pl.DataFrame, layout: Layout, column: str) -> pl.Series:
        """See `Source.whose`."""
        return Pseudonyms(self.home.secret()).of_column(whose(layout), values.column_text(rows, "meter"))

    def located(self, path: Path, name: str, layout: Layout, column: str) -> Iterator[Located]:
        """See `Source.located`."""
        if layout.format != "cer":
            yield from super().located(path, name, layout, column)
            return
        pseudonyms = Pseudonyms(self.home.secret())
        for block in records(path, layout, self.limits):
            meters = pseudonyms.of_column(whose(layout), block.rows["meter"].cast(pl.String()))
            yield Located(block.part, block.rows["line"], meters, block.rejected["line"])

    def _of_file(self, path: Path, name: str, layout: Layout) -> Layout:
        """Return the layout with the length of intervals that the file's first row says, if it says one."""
        if not INTERVAL_FIELDS.keys() & layout.origins.keys():
            return layout
        for block in records(path, layout, self.limits, columns=_read_columns(layout)):
            seconds = interval_seconds(fields(block, layout, name).rows)
            if seconds is not None and len(said := seconds.drop_nulls()):
                try:
                    return of_interval(layout, int(said[0]) // 60)
                except (ValueError, OverflowError):
                    # How long, is a value of the file; it may be no number at all.
                    raise Unreadable(
                        "says of its intervals a length that is no part of a half hour, and no hour"
                    ) from None
        return layout

    def placing(self, layout: Layout, received_utc: datetime) -> Placing | CerPlacing:
        """Return what places the readings of a file; it counts what it moves."""
        of_layout = CerPlacing if layout.format == "cer" else Placing
        pseudonyms = Pseudonyms(self.home.secret())
        return of_layout(layout, self.readings, pseudonyms, received_utc, self.country.time_zone)

    def blocks(
        self, path: Path, name: str, layout: Layout, placing: Placing | CerPlacing
    ) -> Iterator[tuple[Block, bool]]:
        """Yield placed readings block by block, and whether the file ends inside a record.

        Parameters
        ----------
        path, name, layout
            As for `read`.
        placing
            See `placing`.
        """
        columns = None if any(origin.position for origin in layout.origins.values()) else _read_columns(layout)
        for block in records(path, layout, self.limits, columns=columns):
            if isinstance(placing, CerPlacing):
                placed = placing.block(block.rows)
                unreadable = [block.rejected]
                marks = pl.concat([placed.marks, placing.unreadable(block.rejected)])
            else:
                named = fields(block, layout, name)
                placed = placing.block(named.rows)
                placing.left_out += named.left_out
                unreadable, marks = [block.rejected], placed.marks
            both = pl.concat([*unreadable, placed.rejected])
            yield Block(placed.meter, placed.day, placed.position, placed.value, both, marks), block.ends_inside_record

    def _piece(self, part: Spilled, placed: ReadingKind, tally: Tally) -> Piece:
        rows = day_rows(part.meter, part.day, part.position, part.value, part.marks, placed)
        usable, expected = tally.add(rows)
        return Piece(labelled(rows, placed, self.readings.buckets), usable=usable, expected=expected)


def labelled(rows: pl.DataFrame, placed: ReadingKind, buckets: int) -> pl.DataFrame:
    """Add to the days of a file what the table says of all of them: bucket, layout and zone.

    Parameters
    ----------
    rows
        A row for each meter and day, with the number of the `meter`.
    placed
        What the readings of the file are; rows take its name and zone.
    buckets
        Number of buckets that all meters are spread over.
    """
    return rows.with_columns(
        bucket=bucket_column(rows["meter"], buckets),
        layout=pl.lit(placed.name),
        zone=pl.lit(placed.zone),
    )


def _read_columns(layout: Layout) -> set[str]:
    named = {column for origin in layout.origins.values() for column in origin.columns}
    return {*named, *holders(layout).values(), *layout.only, *layout.day_columns}


def _no_days(placed: ReadingKind) -> pl.DataFrame:
    none = pl.DataFrame(schema=MARK_SCHEMA)
    meter, day = none["meter"].to_numpy(), none["day"].to_numpy()
    return day_rows(meter, day, day.astype("int16"), day.astype("float32"), none, placed)
