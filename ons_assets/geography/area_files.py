"""Files of statistical areas: boundaries as GeoJSON, or centres as a table."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from ons_assets.geography.national_grid import to_national_grid
from ons_assets.intake.limits import Limits, header, is_parquet, read_bytes, read_delimited
from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA
from ons_assets.lakehouse.sources import Parsed, Unreadable

AREA_SCHEMA = {
    "level": pl.String(),
    "area": pl.String(),
    "easting_m": pl.Float64(),
    "northing_m": pl.Float64(),
    "boundary": pl.String(),
    "line": pl.Int64(),
}
# Columns of codes as the Open Geography portal names them: MSOA11CD, LAD23CD.
CODE_COLUMN = re.compile(r"([A-Z]+\d{0,2})CD(?:_\w+)?")
OWN_CODE_COLUMNS = ("area", "geo_code")
UNNAMED_LEVEL = "area"
METRES, DEGREES = (("easting_m", "northing_m"), ("easting", "northing")), (("latitude", "longitude"),)


def code_column(names: list[str]) -> str | None:
    """Return the column that holds the codes: `area`, `geo_code`, or the first that is named like MSOA11CD."""
    own = [name for name in OWN_CODE_COLUMNS if name in names]
    portal = [name for name in names if CODE_COLUMN.fullmatch(name)]
    return next(iter([*own, *portal]), None)


def has_centres(names: list[str]) -> bool:
    """Return whether a table with these columns holds codes and centres of areas."""
    return code_column(names) is not None and any({*pair} <= {*names} for pair in (*METRES, *DEGREES))


def read_areas(path: Path, limits: Limits) -> Parsed:
    """Read boundaries or centres of areas.

    GeoJSON is read as RFC 7946 has it: degrees, longitude first. A table has a column of codes (see
    `code_column`), a centre in metres on the National Grid or in degrees, and may have a column `level`;
    else the level is the name of the column of codes without CD: `msoa11`. The centre of a boundary is
    its centroid.

    Returns
    -------
    Parsed
        accepted: level, area (code), easting_m, northing_m (centre), boundary (GeoJSON of the geometry;
        null in a table), line (number of the feature or record). rejected: the others, with the reason.

    Raises
    ------
    Unreadable
        If the file is neither.
    """
    if has_centres(header(path)):
        return _read_centres(path, limits)
    content, cut_short = read_bytes(path, limits)
    if cut_short:
        raise Unreadable("is a gzip file cut short")
    try:
        features = json.loads(content)["features"]
    except (ValueError, KeyError, TypeError):
        raise Unreadable(
            "is neither GeoJSON with features nor a table with codes and centres of areas "
            "(area, or a name like MSOA11CD; easting_m and northing_m, or latitude and longitude)"
        ) from None
    return _judge(pl.DataFrame([_feature(each) for each in features], schema=_READ, orient="row"))


_READ = {"level": pl.String(), "area": pl.String(), "latitude": pl.Float64(), "longitude": pl.Float64(),
         "easting_m": pl.Float64(), "northing_m": pl.Float64(), "boundary": pl.String()}  # fmt: skip


def _feature(feature: object) -> tuple[str | None, str | None, float | None, float | None, None, None, str | None]:
    """Level, code, centroid and geometry of a feature; nulls where it has none."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    column = code_column(list(properties)) if isinstance(properties, dict) else None
    code = str(properties[column]) if column and isinstance(properties, dict) and properties[column] else None
    level = _level(column) if column else None
    text = json.dumps(geometry)
    try:
        polygon = shapely.from_geojson(text)
    except shapely.errors.GEOSException:
        return level, code, None, None, None, None, None
    if polygon is None or polygon.is_empty or polygon.geom_type not in ("Polygon", "MultiPolygon"):
        return level, code, None, None, None, None, None
    centre = polygon.centroid
    return level, code, centre.y, centre.x, None, None, text


def _read_centres(path: Path, limits: Limits) -> Parsed:
    names = header(path)
    column = code_column(names)
    assert column is not None, "the caller has looked"
    if is_parquet(path):
        try:
            rows = pl.read_parquet(path).with_row_index("line", offset=1).cast({"line": pl.Int64()})
        except pl.exceptions.PolarsError:
            raise Unreadable("is a broken Parquet file") from None
        structural = pl.DataFrame(schema=REJECTED_SCHEMA)
    else:
        text = read_delimited(path, limits)
        rows, structural = text.rows, text.rejected
    metres = next((pair for pair in METRES if {*pair} <= {*names}), None)
    nothing = pl.lit(None, dtype=pl.Float64())
    numbers = dict(zip(("easting_m", "northing_m"), metres or (None, None), strict=True))
    numbers |= {name: name if metres is None else None for name in ("latitude", "longitude")}
    parsed = rows.select(
        level=pl.col("level").cast(pl.String()) if "level" in names else pl.lit(_level(column)),
        area=pl.col(column).cast(pl.String()),
        boundary=pl.lit(None, dtype=pl.String()),
        line="line",
        **{name: pl.col(of).cast(pl.Float64(), strict=False) if of else nothing for name, of in numbers.items()},
    )
    judged = _judge(parsed.select(*_READ, "line"))
    return Parsed(judged.accepted, pl.concat([structural, judged.rejected]).sort("line"))


def _level(column: str) -> str:
    found = CODE_COLUMN.fullmatch(column)
    return found[1].lower() if found else UNNAMED_LEVEL


def _judge(rows: pl.DataFrame) -> Parsed:
    if "line" not in rows.columns:
        rows = rows.with_row_index("line", offset=1).cast({"line": pl.Int64()})
    easting, northing = to_national_grid(rows["latitude"].fill_null(np.nan), rows["longitude"].fill_null(np.nan))
    in_country = pl.col("easting_m").is_between(0, 700_000) & pl.col("northing_m").is_between(0, 1_300_000)
    judged = rows.with_columns(
        pl.col("area").str.strip_chars().replace("", None),
        easting_m=pl.coalesce("easting_m", pl.Series(easting).fill_nan(None)),
        northing_m=pl.coalesce("northing_m", pl.Series(northing).fill_nan(None)),
    ).with_columns(
        reason=pl.when(pl.col("area").is_null())
        .then(pl.lit("code of the area is missing"))
        .when(pl.all_horizontal(pl.col("latitude", "longitude", "easting_m").is_null()))
        .then(pl.lit("neither a centre nor a polygon"))
        .when(~in_country.fill_null(False))
        .then(pl.lit("not in Great Britain: are the axes swapped, or is it another projection?"))
        .when(pl.struct("level", "area").is_duplicated() & ~pl.struct("level", "area").is_last_distinct())
        .then(pl.lit("area comes again later in the file"))
    )
    accepted = judged.filter(pl.col("reason").is_null()).select(*AREA_SCHEMA)
    text = pl.struct("level", "area", "latitude", "longitude").struct.json_encode()
    return Parsed(accepted, judged.drop_nulls("reason").select("line", "reason", text=text))
