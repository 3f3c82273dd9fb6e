"""A release as SDMX 2.1: its structure and its data in SDMX-ML, and the data in SDMX-CSV.

What becomes of the columns of a table:

- Columns of the key are dimensions, each with a code list of the values of the release. The first that says when
  is TIME_PERIOD.
- Numbers outside the key are figures. SDMX 2.1 has one measure, OBS_VALUE, so which figure it is becomes a dimension,
  MEASURE: one dataflow a table. A dataflow a figure would part an estimate from its interval and from the number
  of homes behind it, which are read together. MEASURE is a dimension with a code list like any other, and no
  `MeasureDimension`: SDMX 3.0 has done away with that.
- All else is an attribute of the observation.

An empty figure is an observation without a value, whose OBS_STATUS says why: Q where it is withheld, O where there is
none. M, which looks like "missing", would say that it cannot exist.

The data are generic data: of the two forms of SDMX-ML it is the one that the schemas of the standard check by
themselves. It is long; who wants it short takes the SDMX-CSV.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.figures import provisional, unit, withheld
from ons_assets.governance.releases.sdmx_shape import (
    MEASURE,
    NOT_IN_XML,
    STATUS,
    TIME,
    UNIT,
    VALUE,
    Shape,
    code,
    component,
    name_of,
    shape_of,
    text_of,
    version_of,
)
from ons_assets.lakehouse.tables import Column

STRUCTURE_FILE = "sdmx_structure.xml"
DATA_FILE = "sdmx_data.xml"
CSV_FILE = "sdmx_data.csv"

PERIOD = (
    r"^\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?)?|-(A1|S[12]|T[1-3]|Q[1-4]|M\d\d|W\d\d|D\d{3}))?$"
    r"|^\d{4}-\d\d-\d\d/P\d+D$"
)
# Apart from what every text must escape, a reader makes blanks of these in an attribute.
XML_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
ROWS_AT_ONCE = 50_000


def write_sdmx(release: Release, folder: Path) -> list[Path]:
    """Write the structure and the data of a release in SDMX-ML 2.1, and the data in SDMX-CSV 1.0.

    Parameters
    ----------
    release
        What is released.
    folder
        Where the files are written.

    Returns
    -------
    Of the three files; none if the table has no figures, and so no observations, or a period that SDMX does not know.
    """
    import sdmx

    from ons_assets.governance.releases.sdmx_structure import structure_of

    shape = shape_of(release.table)
    if not shape.measures:
        return []
    coded = _coded(release, shape)
    if coded is None:
        return []
    structure, data, table = (folder / name for name in (STRUCTURE_FILE, DATA_FILE, CSV_FILE))
    structure.write_bytes(
        sdmx.to_xml(structure_of(release, shape), pretty_print=True, xml_declaration=True, encoding="utf-8")
    )
    _write_data(data, release, shape, coded)
    _write_csv(table, release, shape, coded)
    return [structure, data, table]


def _period(column: Column) -> pl.Expr:
    """Say a period as SDMX does: a month without its first day, two days as a day and a duration."""
    value = pl.col(column.name)
    if column.name == columns.MONTH.name and column.dtype == pl.Date():
        return value.dt.strftime("%Y-%m")
    if column.name == columns.OBSERVED.name:
        ends = value.str.split("/")
        first, last = (each.str.to_date("%Y-%m-%d", strict=False) for each in (ends.list.first(), ends.list.last()))
        days = (last - first).dt.total_days() + 1
        spanned = pl.format("{}/P{}D", first.dt.to_string("%Y-%m-%d"), days)
        return pl.when(ends.list.len() == 2).then(spanned).otherwise(value)
    return text_of(column)


def _coded(release: Release, shape: Shape) -> pl.DataFrame | None:
    """Return the rows with the key in codes and periods, the rest as it was; None if SDMX does not know a period."""
    rows = release.rows
    for column in shape.dimensions:
        text = rows.select(text_of(column)).to_series()
        values = text.unique()
        codes = pl.Series([code(value) for value in values], dtype=pl.String())
        rows = rows.with_columns(text.replace_strict(values, codes, return_dtype=pl.String()).alias(column.name))
    if shape.time is not None:
        said = rows.select(_period(shape.time)).to_series()
        if not said.str.contains(PERIOD).fill_null(False).all():
            return None
        rows = rows.with_columns(said.alias(shape.time.name))
    return rows


def _observations(release: Release, shape: Shape, coded: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Give observations in parts: codes of the dimensions, value, status, unit and attributes, all as text."""
    table = release.table
    for measure in shape.measures:
        named = unit(measure.name)
        value, empty = pl.col(measure.name), pl.col(measure.name).is_null()
        if measure.dtype.is_float():
            # NaN is how SDMX writes that there is no value.
            empty = empty | value.is_nan()
        wanted = [
            *(pl.col(each.name).alias(component(each.name)) for each in shape.dimensions),
            pl.lit(component(measure.name)).alias(MEASURE),
            *([pl.col(shape.time.name).alias(TIME)] if shape.time else []),
            # XML writes infinity in capitals.
            pl.when(~empty).then(value).cast(pl.String()).str.replace("inf", "INF").alias(VALUE),
            pl.when(withheld(table, measure.name)).then(pl.lit("Q")).when(empty).then(pl.lit("O"))
            .when(provisional(table)).then(pl.lit("P")).otherwise(pl.lit("A")).alias(STATUS),
            pl.lit(named and named[0], dtype=pl.String()).alias(UNIT),
            *(text_of(each).alias(component(each.name)) for each in shape.attributes),
        ]  # fmt: skip
        for part in coded.iter_slices(ROWS_AT_ONCE):
            yield part.select(wanted)


def _keys(shape: Shape) -> list[str]:
    return [*(component(each.name) for each in shape.dimensions), MEASURE, *([TIME] if shape.time else [])]


def _write_csv(path: Path, release: Release, shape: Shape, coded: pl.DataFrame) -> None:
    flow = f"{release.office.agency}:{name_of(release.table)}({version_of(release)})"
    with path.open("wb") as file:
        for number, part in enumerate(_observations(release, shape, coded)):
            part.select(pl.lit(flow).alias("DATAFLOW"), pl.all()).write_csv(file, include_header=number == 0)
        if coded.is_empty():
            names = [*_keys(shape), VALUE, STATUS, UNIT, *(component(each.name) for each in shape.attributes)]
            file.write((",".join(["DATAFLOW", *names]) + "\n").encode())


def _write_data(path: Path, release: Release, shape: Shape, coded: pl.DataFrame) -> None:
    office = release.office
    schemas = "http://www.sdmx.org/resources/sdmxml/schemas/v2_1"
    ref = f'<Ref agencyID="{office.agency}" id="{name_of(release.table)}" version="{version_of(release)}"'
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="utf-8"?>\n'
            f'<mes:GenericData xmlns:mes="{schemas}/message" xmlns:com="{schemas}/common"'
            f' xmlns:gen="{schemas}/data/generic">\n'
            f"<mes:Header><mes:ID>{release.identifier}</mes:ID><mes:Test>false</mes:Test>"
            f"<mes:Prepared>{release.released_utc.isoformat()}</mes:Prepared>"
            f'<mes:Sender id="{office.agency}"><com:Name xml:lang="en">{escape(office.name)}</com:Name></mes:Sender>'
            f'<mes:Structure structureID="{name_of(release.table)}" dimensionAtObservation="AllDimensions">'
            f'<com:StructureUsage>{ref} package="datastructure" class="Dataflow"/></com:StructureUsage>'
            "</mes:Structure></mes:Header>\n"
            f'<mes:DataSet structureRef="{name_of(release.table)}">\n'
        )
        for part in _observations(release, shape, coded):
            file.writelines(f"{each}\n" for each in part.select(_xml(shape)).to_series())
        file.write("</mes:DataSet>\n</mes:GenericData>\n")


def _xml(shape: Shape) -> pl.Expr:
    """Say an observation in XML."""
    keys = _keys(shape)
    attributes = [UNIT, *(component(each.name) for each in shape.attributes), STATUS]
    value = pl.format('<gen:ObsValue value="{}"/>', pl.col(VALUE)).fill_null("")
    return pl.concat_str(
        pl.lit("<gen:Obs><gen:ObsKey>"),
        *(_attribute(name) for name in keys),
        pl.lit("</gen:ObsKey>"),
        value,
        pl.lit("<gen:Attributes>"),
        *(_attribute(name) for name in attributes),
        pl.lit("</gen:Attributes></gen:Obs>"),
    )


def _attribute(name: str) -> pl.Expr:
    clean = pl.col(name).str.replace_all(NOT_IN_XML, "\ufffd")
    text = clean.str.replace_many(list(XML_ENTITIES), list(XML_ENTITIES.values()))
    return pl.format(f'<gen:Value id="{name}" value="{{}}"/>', text).fill_null("")
