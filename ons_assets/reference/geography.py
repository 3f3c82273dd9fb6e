"""Files about places: statistical areas, and addresses."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from ons_assets.geography.address_files import is_addressbase, read_addressbase
from ons_assets.geography.area_files import layout_of
from ons_assets.geography.area_positions import placed
from ons_assets.geography.cities import cities_without_areas
from ons_assets.geography.grid import Grid
from ons_assets.intake import values
from ons_assets.intake.json_document import CRS
from ons_assets.intake.layouts import Layout
from ons_assets.intake.records import header
from ons_assets.intake.rules import Rule, missing
from ons_assets.intake.source import Piece, Source, TableSource
from ons_assets.intake.unreadable import Unreadable

ANY = Layout(name="any", columns={})
ADDRESSBASE = Layout(name="addressbase", columns={})
NUMBERS = ("latitude", "longitude", "easting_m", "northing_m")


class AreaFiles(TableSource):
    """Boundaries or centres of statistical areas; see `ons_assets.geography.area_files`."""

    name = "areas"
    table = "reference/areas"
    files_are = "GeoJSON boundaries, or centres: a column of codes such as `MSOA11CD` or `area`, and a position"
    unit = "areas"
    has_positions = True
    key = ("level", "area")
    needs = {"area": "code", "level": "of the geography, such as msoa11"}
    takes = {
        "easting_m": "centre, on the grid of the installation or of crs",
        "northing_m": "centre",
        "latitude": "of the centre, instead",
        "longitude": "of the centre",
        "boundary": "GeoJSON geometry",
        "crs": "grid of centre and boundary, such as EPSG:3857, where the file does not state it",
    }
    one_of = ((("easting_m", "northing_m"), ("latitude", "longitude"), ("boundary",)),)

    def layout(self, path: Path, name: str) -> Layout:
        """See `Source.layout`; the column of codes is known by its name."""
        own = self.shelf.find(path, name, self.limits)
        found = own or layout_of(header(path, ANY, self.limits))
        return found if found is not None else super().layout(path, name)

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is a table of centres, or GeoJSON with codes."""
        return layout_of(header(path, ANY, self.limits)) is not None or super().recognises(path, name)

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        number = {name: values.column_number(rows, name, layout) for name in NUMBERS}
        said = {name: values.column_text(rows, name) for name in ("boundary", CRS)}
        places = placed(pl.DataFrame(number | said), Grid.of(self.country))
        return pl.DataFrame(
            {
                "level": values.column_text(rows, "level"),
                "area": values.column_text(rows, "area"),
                **{name: places[name] for name in ("easting_m", "northing_m", "boundary")},
                "line": rows["line"],
                **{name: places[name] for name in self.helpers()},
            }
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return "has_centre", "lost_because"

    def check(self, accepted: pl.DataFrame) -> Sequence[str]:
        """See `TableSource.check`; see `cities_without_areas`."""
        return cities_without_areas(accepted) if Grid.of(self.country).is_british else ()

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        grid = Grid.of(self.country)
        return (
            missing("area", "code of the area is missing"),
            missing("level", "level of the geography is missing"),
            Rule(pl.col("lost_because").is_not_null(), "states coordinates in", why="lost_because"),
            Rule(~pl.col("has_centre"), "neither a centre nor a polygon"),
            Rule(
                ~grid.holds("easting_m", "northing_m"),
                f"not in {grid.place}: are the axes swapped, or is it another projection?",
                null_is_fault=True,
            ),
        )


class AddressFiles(Source):
    """Ordnance Survey AddressBase; see `ons_assets.geography.address_files`."""

    name = "addresses"
    table = "reference/addresses"
    files_are = "AddressBase Premium, Plus or Core"
    unit = "addresses"
    has_positions = True

    def layout(self, path: Path, name: str) -> Layout:
        """See `Source.layout`."""
        if not is_addressbase(path, self.limits):
            raise Unreadable(
                "is not AddressBase Premium, Plus or Core: "
                "its first line is neither a record type nor a header with UPRN"
            )
        return ADDRESSBASE

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether the file is AddressBase Premium, Plus or Core."""
        return is_addressbase(path, self.limits)

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        """See `Source.read`."""
        grid = Grid.of(self.country)
        if not grid.is_british:
            raise Unreadable(f"is of Great Britain, on the National Grid, and this installation is on {grid.crs}")
        yield read_addressbase(path, self.limits)
