"""Files about places: statistical areas, and addresses."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from ons_assets.geography.address_files import is_addressbase, read_addressbase
from ons_assets.geography.area_files import has_centres, read_areas
from ons_assets.lakehouse.delimited import Limits, header
from ons_assets.lakehouse.sources import Parsed
from ons_assets.lakehouse.table_files import at_least_one
from ons_assets.settings import Settings

GEOJSON_SUFFIXES = (".geojson", ".geojson.gz")


@dataclass(frozen=True)
class AreaFiles:
    """Boundaries or centres of statistical areas; see `ons_assets.geography.area_files`."""

    limits: Limits

    name = "areas"
    table = "reference/areas"
    files_are = "GeoJSON boundaries, or centres: a column of codes such as `MSOA11CD` or `area`, and a position"
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "AreaFiles":
        """Return the source of one home."""
        return cls(Limits(settings.drops.max_unpacked_bytes, settings.drops.max_line_bytes))

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is a table of centres, or is called as GeoJSON is."""
        return has_centres(header(path)) or name.lower().endswith(GEOJSON_SUFFIXES)

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        return read_areas(path, self.limits)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: areas hold for years."""
        at_least_one(self.parse(path, name, received_utc))
        return []


@dataclass(frozen=True)
class AddressFiles:
    """Ordnance Survey AddressBase; see `ons_assets.geography.address_files`."""

    name = "addresses"
    table = "reference/addresses"
    files_are = "AddressBase Premium, Plus or Core"
    batch = ()
    fingerprint = ""

    @classmethod
    def of(cls, settings: Settings) -> "AddressFiles":  # noqa: ARG003 (every source is made of the settings)
        """Return the source of one home."""
        return cls()

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is AddressBase Premium, Plus or Core."""
        return is_addressbase(path)

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        return read_addressbase(path)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return no days: addresses hold for years."""
        at_least_one(self.parse(path, name, received_utc))
        return []
