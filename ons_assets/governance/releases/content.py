"""What a release holds, whatever files it is written as."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from ons_assets.lakehouse.lake import Provenance
from ons_assets.lakehouse.tables import Table
from ons_assets.settings import Office


@dataclass(frozen=True)
class Release:
    """One version of one table as it is released.

    Parameters
    ----------
    table
        Its declaration: description, columns with their meaning, key.
    version
        Number of the release, the first being 1; it has nothing to do with versions of the lake.
    rows
        As published: protected, sorted by the key.
    released_utc
        When it was approved.
    approved_by
        Who approved it: a name, as it was given.
    lake_version
        Version of the table in the lake that it was made of.
    provenance
        Of that version.
    quality
        Statement on the quality of the figures, a paragraph each.
    method_page
        Text of the page on the method (Markdown); None if there is none.
    office
        Who releases.
    """

    table: Table
    version: int
    rows: pl.DataFrame
    released_utc: datetime
    approved_by: str
    lake_version: int
    provenance: Provenance
    quality: tuple[str, ...] = ()
    method_page: str | None = None
    office: Office = field(default_factory=Office)

    @property
    def identifier(self) -> str:
        """Name of the release that no other has: `tweets-migration_flows-v1`."""
        return f"{self.table.name.replace('/', '-')}-v{self.version}"


class Writer(Protocol):
    """Writes a release in one form."""

    def __call__(self, release: Release, folder: Path) -> list[Path]:
        """Write files into a folder that exists, and return them."""
