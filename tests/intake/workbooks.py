"""Writes small workbooks, so that tests need no writer."""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(sheets: dict[str, Sequence[Sequence[Any]]]) -> bytes:
    """Return an XLSX of sheets of rows; a datetime is written as Excel does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def write(name: str, text: str) -> None:
            # Its own date instead of the hour in which it is made, so that a workbook is always the same.
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)

        kinds = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            for number in range(1, len(sheets) + 1)
        )
        write(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{kinds}</Types>',
        )
        relation = '<Relationship Id="{}" Type="' + OFFICE + '/{}" Target="{}"/>'
        relations = f'<Relationships xmlns="{PACKAGE}/relationships">{{}}</Relationships>'
        write("_rels/.rels", relations.format(relation.format("r1", "officeDocument", "xl/workbook.xml")))
        named = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, start=1))
        write("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>')
        targets = [relation.format(f"r{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
        targets.append(relation.format("rs", "styles", "styles.xml"))
        write("xl/_rels/workbook.xml.rels", relations.format("".join(targets)))
        write(
            "xl/styles.xml",
            f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>',
        )
        for number, rows in enumerate(sheets.values(), start=1):
            data = "".join(_row(place, row) for place, row in enumerate(rows, start=1) if row)
            write(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>',
            )
    return buffer.getvalue()


def _row(place: int, cells: Sequence[Any]) -> str:
    written = "".join(_cell(f"{chr(65 + column)}{place}", value) for column, value in enumerate(cells))
    return f'<row r="{place}">{written}</row>'


def _cell(place: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, datetime):
        days = (value - datetime(1899, 12, 30)).total_seconds() / 86_400
        return f'<c r="{place}" s="1"><v>{days:.10f}</v></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'
