"""Small files of the kinds that people say they got, with what they say went wrong."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header
from tests.intake.reading import layout, read
from tests.intake.test_containers import zipped
from tests.intake.workbooks import workbook


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a"


def table(path: Path, content: bytes, /, **said: Any) -> pl.DataFrame:
    blocks = read(path, content, **said)
    assert all(block.rejected.is_empty() for block in blocks)
    return pl.concat([block.rows for block in blocks])


def test_a_grid_operator_writes_two_lines_of_its_own_before_the_table(path: Path) -> None:
    """The number of the meter is in the second of them (Enedis)."""
    content = (
        "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique\r\n"
        "0000;Puissance;01/01/2023;02/01/2023;Energie active\r\n"
        "Horodate;Valeur\r\n2023-01-01T00:30:00+01:00;412\r\n2023-01-01T01:00:00+01:00;\r\n"
    )
    [block] = read(path, ("\ufeff" + content).encode(), delimiter=";", skip_lines=2)
    assert block.preamble[1].split(";")[0] == "0000"
    assert block.rows.rows() == [("2023-01-01T00:30:00+01:00", "412", 2), ("2023-01-01T01:00:00+01:00", None, 3)]
    # And since 2025 without any header.
    rows = table(path, b"2025-10-05T01:00:00+02:00;20\n", delimiter=";", header=False, names=["time", "w"])
    assert rows.rows() == [("2025-10-05T01:00:00+02:00", "20", 1)]


def test_a_spreadsheet_saved_as_unicode_text(path: Path) -> None:
    """UTF-16 with tabs, with and without a byte order mark."""
    content = "Zähler\tZeit\tWert\r\nZ1\t01.01.2024 00:15\t0,25\r\n"
    assert table(path, content.encode("utf-16"), delimiter="\t").row(0) == ("Z1", "01.01.2024 00:15", "0,25", 2)
    unmarked = content.encode("utf-16-le")
    assert table(path, unmarked, delimiter="\t", encoding="utf-16-le").height == 1


def test_a_spreadsheet_says_its_separator_in_the_first_line(path: Path) -> None:
    content = "\ufeffsep=;\r\nDatum;kWh\r\n01.01.2024;1\r\n".encode()
    assert table(path, content, delimiter=";").rows() == [("01.01.2024", "1", 2)]
    assert header(path, layout(delimiter=";"), Limits()) == ["Datum", "kWh"]


def test_an_archive_made_on_a_macintosh(path: Path) -> None:
    content = zipped(
        {"data.csv": b"a,b\n1,2\n", "__MACOSX/": b"", "__MACOSX/._data.csv": b"\0\5\x16\7", ".DS_Store": b"\0"}
    )
    assert table(path, content).rows() == [("1", "2", 2)]


def test_a_yearly_archive_of_monthly_files(path: Path) -> None:
    members = {f"2024/{month:02d}.csv": f"cups;kWh\nES{month};1\n".encode() for month in range(1, 13)}
    blocks = read(path, zipped(members), delimiter=";")
    assert [(block.part, block.rows["cups"].item()) for block in blocks] == [
        (f"2024/{month:02d}.csv", f"ES{month}") for month in range(1, 13)
    ]


def test_readings_of_interfaces(path: Path) -> None:
    octopus = {"count": 1, "next": None, "previous": None,
               "results": [{"consumption": 0.063, "interval_start": "2018-05-19T00:30:00+0100"}]}  # fmt: skip
    rows = table(path, json.dumps(octopus).encode(), path="results")
    assert rows.select("consumption", "interval_start").row(0) == ("0.063", "2018-05-19T00:30:00+0100")
    values = [{"timestamp": "2022-01-01 00:30", "value": 0.1}]
    n3rgy = {"granularity": "halfhour", "values": values, "availableCacheRange": {"start": "1"}}
    rows = table(path, json.dumps(n3rgy).encode(), path="values")
    assert rows.select("timestamp", "value", "granularity").row(0) == ("2022-01-01 00:30", "0.1", "halfhour")
    datadis = [{"cups": "ES0", "date": "2023/01/01", "time": "24:00", "consumptionKWh": 0.5, "obtainMethod": "Real"}]
    assert table(path, json.dumps(datadis).encode()).row(0) == ("ES0", "2023/01/01", "24:00", "0.5", "Real", 1)
    enedis = {"meter_reading": {"usage_point_id": "00", "reading_type": {"unit": "W"},
                                "interval_reading": [{"value": "1157", "date": "2019-11-09 06:00:00"}]}}  # fmt: skip
    rows = table(path, json.dumps(enedis).encode(), path="meter_reading.interval_reading")
    assert rows.select("meter_reading.usage_point_id", "value").row(0) == ("00", "1157")
    tesla = {
        "data": {"account": {"properties": [{"id": "9", "measurements": {"edges": [{"node": {"value": "0.06"}}]}}]}}
    }
    rows = table(path, json.dumps(tesla).encode(), path="data.account.properties.measurements.edges")
    assert rows.select("node.value", "data.account.properties.id").row(0) == ("0.06", "9")


def test_a_reader_of_a_meter_keeps_a_log(path: Path) -> None:
    """Comments, semicolons, two tariffs, and a last line that a loss of power cut."""
    content = b"# dsmr 5.0\nread_at;delivered_1;delivered_2\n2024-01-01 00:00;100.123;200.456\n2024-01-01 00:15;100"
    blocks = read(path, content, delimiter=";", comment="#")
    assert blocks[-1].ends_inside_record
    assert blocks[0].rows.height == 1


def test_a_portal_writes_a_workbook_with_a_title_and_a_sum(path: Path) -> None:
    content = workbook({
        "Info": [["Portal"]],
        "Verbrauch": [["Zählpunkt", "AT0"], [], ["Datum", "Zeit", "kWh"], ["01.01.2024", "00:15", 0.25],
                      ["01.01.2024", "00:30", 0.5], [], ["Summe", None, 0.75]],
    })  # fmt: skip
    rows = table(path, content, sheet="Verbrauch", skip_until="^Datum", footer="^Summe")
    assert rows.rows() == [("01.01.2024", "00:15", 0.25, 2), ("01.01.2024", "00:30", 0.5, 3)]


def test_a_report_ends_in_sums_and_a_signature(path: Path) -> None:
    content = b"shop,item,price\nA,bread,1.20\nB,milk,0.90\n,,\nTotal,,2.10\nmade by hand\n"
    assert table(path, content, footer=r"^(,*|Total.*)$").height == 2
    assert table(path, content, skip_footer=3).height == 2


def test_a_writer_ends_every_line_with_its_delimiter(path: Path) -> None:
    rows = table(path, b"Datum;Wert;\r\n01.01.2024;1,5;\r\n", delimiter=";")
    assert rows.rows() == [("01.01.2024", "1,5", None, 2)]
    assert rows.columns == ["Datum", "Wert", "column_3", "line"]


def test_a_station_writes_columns_padded_by_blanks(path: Path) -> None:
    content = b"   yyyy  mm   tmax    rain\n   1941   1    ---    74.7\n   1941   2    7.1    69.1\n"
    assert table(path, content, delimiter="blanks").row(1) == ("1941", "2", "7.1", "69.1", 3)


def test_lines_of_geojson(path: Path) -> None:
    content = b'{"type":"Feature","properties":{"n":1},"geometry":{"type":"Point","coordinates":[1,2]}}\n' * 2
    rows = table(path, gzip.compress(content))
    assert rows.select("properties.n", "geometry.coordinates").rows() == [("1", "[1,2]")] * 2
