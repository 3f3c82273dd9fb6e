"""Files of statistical areas: boundaries as GeoJSON, or centres as a table."""

import re
from typing import Literal

from ons_assets.intake.fields import canonical
from ons_assets.intake.json_document import CRS
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.parameters.geography import BRITISH_GRID

PROPERTIES, GEOMETRY = "properties.", "geometry"
# Columns of codes as the Open Geography portal names them: MSOA11CD, LAD23CD. Names are in any case of letters.
CODE_COLUMN = re.compile(r"([A-Z]+\d{0,2})CD(?:_\w+)?", re.IGNORECASE)
OWN_CODE_COLUMNS = ("area", "geo_code")
UNNAMED_LEVEL = "area"
BRITISH_METRES = ("bng_e", "bng_n")
METRES = ("easting_m", "northing_m"), ("easting", "northing"), BRITISH_METRES
DEGREES = ("latitude", "longitude"), ("lat", "long"), ("lat", "lon")


def code_column(names: list[str]) -> str | None:
    """Return the column that holds the codes: `area`, `geo_code`, or the first that is named like MSOA11CD."""
    own = [name for name in OWN_CODE_COLUMNS if name in _loosely(names)]
    portal = [name for name in names if CODE_COLUMN.fullmatch(name)]
    return next(iter([*own, *portal]), None)


def has_centres(names: list[str]) -> bool:
    """Return whether a table with these columns holds codes and centres of areas."""
    return code_column(names) is not None and any({*pair} <= _loosely(names) for pair in (*METRES, *DEGREES))


def layout_of(names: list[str]) -> Layout | None:
    """Return the layout of a table with these columns, or of GeoJSON with these properties; None if it is neither.

    A table has a column of codes (see `code_column`), a centre in metres or in degrees, and may have a column `crs`
    that says on which grid, and a column `level`; else the level is the name of the column of codes without CD:
    `msoa11`.
    """
    properties = [name.removeprefix(PROPERTIES) for name in names if name.startswith(PROPERTIES)]
    if GEOMETRY in names and (code := code_column(properties)) is not None:
        fields = {"area": PROPERTIES + code, "boundary": GEOMETRY}
        return _layout("geojson", fields, _level(code), "geojson", _stated(names))
    if not has_centres(names):
        return None
    code = code_column(names)
    assert code is not None, "a table with centres has codes"
    pair = next(pair for pair in (*METRES, *DEGREES) if {*pair} <= _loosely(names))
    wanted = ("latitude", "longitude") if pair in DEGREES else ("easting_m", "northing_m")
    fields = {"area": code, **dict(zip(wanted, pair, strict=True))}
    levels = {"level": "level"} if "level" in _loosely(names) else {}
    system = Origin(constant=BRITISH_GRID) if pair == BRITISH_METRES else _stated(names)
    return _layout("centres", fields | levels, _level(code), None, system)


def _stated(names: list[str]) -> Origin | None:
    return Origin(column=CRS) if CRS in _loosely(names) else None


def _layout(
    name: str, fields: dict[str, str], level: str, form: Literal["geojson"] | None, system: Origin | None
) -> Layout:
    columns = {field: Origin(column=column) for field, column in fields.items()}
    stated = {CRS: system} if system is not None else {}
    return Layout(name=name, columns={"level": Origin(constant=level), **columns, **stated}, format=form)


def _loosely(names: list[str]) -> set[str]:
    """Names as columns are found by them: blanks and case do not count."""
    return {canonical(name) for name in names}


def _level(column: str) -> str:
    found = CODE_COLUMN.fullmatch(column)
    return found[1].lower() if found else UNNAMED_LEVEL
