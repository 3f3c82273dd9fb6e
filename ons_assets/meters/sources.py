"""The files of readings: CER text, and any other layout through a mapping."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.lakehouse import mappings
from ons_assets.lakehouse.delimited import header, is_parquet
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA, reasons
from ons_assets.lakehouse.sources import Parsed, Unreadable
from ons_assets.meters import cer, mapping
from ons_assets.meters.day_rows import day_rows
from ons_assets.meters.files import delimited_blocks, parquet_blocks
from ons_assets.meters.identifiers import Pseudonyms
from ons_assets.meters.placed import FAULT_SCHEMA, Block, Layout
from ons_assets.meters.plausibility import judge, kwh_per_day
from ons_assets.meters.spill import bucket_name, bucket_of
from ons_assets.meters.tabular import TabularReader
from ons_assets.parameters.meters import Readings
from ons_assets.settings import Settings


@dataclass(frozen=True)
class MeterFiles:
    """Files of half-hourly readings.

    Parameters
    ----------
    mapping_folders
        Where mappings lie; those of earlier folders are tried first.
    home
        Keeps the key of the pseudonyms.
    parameters
        Units, zones and limits.
    """

    mapping_folders: tuple[Path, ...]
    home: Home
    parameters: Readings = field(default_factory=Readings)

    name = "meters"
    table = "meters/raw_readings"
    files_are = "half-hourly readings: CER text, Low Carbon London; others through a mapping"
    batch = ()

    @classmethod
    def of(cls, settings: Settings) -> "MeterFiles":
        """Return the source of one home; its own mappings come before those of the trials."""
        folders = (settings.home / "mappings" / cls.name, mapping.BUILT_IN)
        return cls(folders, Home(settings.home), settings.meters.readings)

    @cached_property
    def mappings(self) -> list[mapping.Mapping]:
        """Mappings in the order in which they are tried."""
        return mappings.load(self.mapping_folders, mapping.Mapping)

    @property
    def fingerprint(self) -> str:
        """Hash of the mappings and of the parameters."""
        text = "".join(each.model_dump_json() for each in [*self.mappings, self.parameters])
        return hashlib.sha256(text.encode()).hexdigest()

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is CER text, or a mapping knows its layout."""
        if cer.recognises(path):
            return True
        return mappings.find(self.mappings, path, name) is not None

    def layout(self, path: Path, name: str) -> Layout:
        """Return what the readings of a file are.

        Raises
        ------
        Unreadable
            If no layout knows the file.
        """
        if cer.recognises(path):
            return cer.layout(self.parameters)
        return mappings.choose(self.mappings, path, name).layout(self.parameters.local_zone)

    def blocks(self, path: Path, name: str, received_utc: datetime) -> Iterator[Block]:
        """Yield the readings of a file, block by block; memory holds a few blocks, whatever its size.

        Parameters
        ----------
        path
            File in the archive, named by its hash.
        name
            Name under which it was dropped.
        received_utc
            When it was; readings of a later time are rejected.

        Raises
        ------
        Unreadable
            If the file cannot be read, or more of it is unreadable than the parameters allow.
        """
        read = rejected = 0
        found: list[pl.DataFrame] = []
        for block in self._blocks(path, name, received_utc):
            read += len(block.meter)
            rejected += len(block.rejected)
            if rejected > self.parameters.max_rejected_rows:
                raise Unreadable(
                    f"has more than {self.parameters.max_rejected_rows} rows that could not be read, "
                    f"of the first {read + rejected}",
                    block.rejected,
                )
            found.append(block.rejected)
            yield block
        if not read or rejected / (read + rejected) > self.parameters.max_rejected_share:
            every = pl.concat([pl.DataFrame(schema=REJECTED_SCHEMA), *found])
            why = f" ({reasons(every)})" if rejected else ""
            raise Unreadable(f"has {rejected} rows that could not be read, of {read + rejected}{why}", every)

    def _blocks(self, path: Path, name: str, received_utc: datetime) -> Iterator[Block]:
        pseudonyms = Pseudonyms(self.home.secret())
        if cer.recognises(path):
            yield from cer.read(path, self.parameters, pseudonyms, received_utc)
            return
        chosen = mappings.choose(self.mappings, path, name)
        reader = TabularReader(chosen, self.parameters, pseudonyms, received_utc)
        for rows, rejected in self._records(path, chosen):
            if len(rows):
                block = reader.read(rows)
                both = pl.concat([rejected, block.rejected]).sort("line")
                yield Block(block.meter, block.day, block.position, block.value, both, block.faults)
            else:
                yield _nothing_but(rejected)

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file of moderate size whole; see `ons_assets.lakehouse.sources.Source.parse`.

        Files of any size go through `blocks` and `ons_assets.meters.intake`.
        """
        layout = self.layout(path, name)
        blocks = list(self.blocks(path, name, received_utc))
        rows = day_rows(
            np.concatenate([block.meter for block in blocks]),
            np.concatenate([block.day for block in blocks]),
            np.concatenate([block.position for block in blocks]),
            np.concatenate([block.value for block in blocks]),
            faults=pl.concat([pl.DataFrame(schema=FAULT_SCHEMA), *(block.faults for block in blocks)]),
            layout=layout,
        )
        verdict = judge(kwh_per_day(rows), self.parameters)
        rejected = pl.concat([block.rejected for block in blocks])
        if verdict.refuses:
            raise Unreadable(verdict.sentence or "", rejected)
        return Parsed(
            accepted=labelled(rows, layout, self.parameters.buckets), rejected=rejected, note=verdict.sentence
        )

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: readings are kept by bucket of meters. A file of no known layout is refused."""
        self.layout(path, name)
        return []

    def _records(self, path: Path, chosen: mapping.Mapping) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        if is_parquet(path):
            names = {column.strip(): column for column in header(path)}
            return parquet_blocks(path, [names[column] for column in chosen.needed])
        return delimited_blocks(path, chosen.delimiter, chosen.encoding)


def labelled(rows: pl.DataFrame, layout: Layout, buckets: int) -> pl.DataFrame:
    """Add to the days of a file what the table says of all of them: bucket, trial and zone.

    Parameters
    ----------
    rows
        A row for each meter and day, with the number of the `meter`.
    layout
        Layout of the file, whose name and zone the rows take.
    buckets
        Number of buckets that all meters are spread over.
    """
    names = {number: bucket_name(number) for number in range(buckets)}
    bucket = pl.Series(bucket_of(rows["meter"].to_numpy(), buckets))
    return rows.with_columns(
        bucket=bucket.replace_strict(names, return_dtype=pl.String()),
        layout=pl.lit(layout.name),
        zone=pl.lit(layout.zone),
    )


def _nothing_but(rejected: pl.DataFrame) -> Block:
    return Block(
        np.empty(0, dtype=np.int64),
        np.empty(0, dtype=np.int32),
        np.empty(0, dtype=np.int16),
        np.empty(0, dtype=np.float32),
        rejected,
    )
