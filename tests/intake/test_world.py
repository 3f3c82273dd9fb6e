"""Small files of the kinds that people say they got, with what they say went wrong."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from ons_assets.intake.fields import fields, lacking
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.shelf import Shelf
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
    assert block.rows.rows() == [("2023-01-01T00:30:00+01:00", "412", 4), ("2023-01-01T01:00:00+01:00", None, 5)]
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
    assert table(path, content, delimiter=";").rows() == [("01.01.2024", "1", 3)]
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
    assert rows.rows() == [("01.01.2024", "00:15", 0.25, 4), ("01.01.2024", "00:30", 0.5, 5)]


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


def test_digits_that_a_spreadsheet_shall_take_for_a_text(path: Path) -> None:
    """A formula around them (Fluvius), with and without quotes around that; what only looks alike is left."""
    content = b'EAN;Volume\n="0541";1\n"=""0541""";2\n0541;3\n=0541;4\n="05;5\n'
    rows = table(path, content, delimiter=";")
    assert rows["EAN"].to_list()[:4] == ["0541", "0541", "0541", "=0541"]
    assert table(path, content.replace(b'="05;5\n', b""), delimiter=";", block_bytes=16)["EAN"].to_list()[0] == "0541"


def test_pages_of_an_interface_one_a_line(path: Path) -> None:
    """What a page says beside its rows is of each of them; a line without rows is a fault of that line."""
    pages = [
        {"data": [{"id": "1", "geo": {"place_id": "a"}}, {"id": "2"}], "meta": {"result_count": 2}, "page": 1},
        {"meta": {"result_count": 0}, "page": 2},
        {"data": [{"id": "3"}], "page": 3},
    ]
    content = "\n".join(json.dumps(page) for page in pages).encode()
    for form in (None, "json-lines"):
        [block] = read(path, content, path="data", format=form)
        assert block.rows.select("id", "page", "line").rows() == [("1", "1", 1), ("2", "1", 1), ("3", "3", 3)]
        assert block.rows["geo.place_id"].to_list() == ["a", None, None]
        assert block.rejected["line"].to_list() == [2]
        assert block.rejected["reason"].to_list() == ["has nothing at the path of the layout"]
    # One page is a document, with or without a break at its end.
    for one in (json.dumps(pages[0]), json.dumps(pages[0]) + "\n", json.dumps(pages[0], indent=1)):
        assert table(path, one.encode(), path="data")["id"].to_list() == ["1", "2"]


@pytest.mark.parametrize("damaged", [b'{"data": [{"id": 1}', b"7", b'{"data": 7}', b'{"data": [7]}', b"[" * 100_000])
def test_a_page_that_is_damaged_is_a_fault_of_its_line(path: Path, damaged: bytes) -> None:
    content = b'{"data": [{"id": 1}]}\n' + damaged + b'\n{"data": [{"id": 2}]}\n'
    [block] = read(path, content, path="data", format="json-lines")
    assert block.rows["id"].to_list() == ["1", "2"]
    assert block.rejected["line"].to_list() == [2]


def test_a_part_of_what_a_column_says(path: Path) -> None:
    """A position in one cell (twarc, shapes as text), the begin of a span of time, a number within an address."""
    content = (
        b'where,when,of\n"[-0.1, 51.5]",01.07.2021 00:00 - 01.07.2021 01:00,/mpxn/77/utility\n'
        b"POINT (-0.2 51.6),01.07.2021 01:00 - 01.07.2021 02:00,/utility\n,,\n"
    )
    of = layout(
        columns={
            "longitude": {"column": "where", "pattern": r"^\D*?(-?[\d.]+)"},
            "latitude": {"position": 1, "pattern": r"[\d.]+,? (-?[\d.]+)"},
            "begin": {"first": ["when", "of"], "pattern": "^(.*?) - "},
            "both": {"join": ["of", "when"], "pattern": r"utility (\d+)\."},
            "meter": {"column": "of", "pattern": r"/mpxn/(\d+)"},
        }
    )
    path.write_bytes(content)
    [block] = records(path, of, Limits())
    rows = fields(block, of, "a").rows
    assert rows.select("longitude", "latitude", "begin", "both", "meter").rows() == [
        ("-0.1", "51.5", "01.07.2021 00:00", "01", "77"),
        ("-0.2", "51.6", "01.07.2021 01:00", "01", None),
        (None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"constant": "a", "pattern": "(a)"}, "not with constant"),
        ({"sum": ["a"], "pattern": "(a)"}, "not with sum"),
        ({"file_name": "(a)", "pattern": "(a)"}, "not with file_name"),
        ({"pattern": "(a)"}, "says nothing"),
        ({"column": "a", "pattern": "a"}, "needs a group"),
        ({"column": "a", "pattern": "(?<=b)(a)"}, "looks around or back"),
        ({"member_name": "["}, "is not a regular expression"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_said_before_a_file_comes(origin: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        layout(columns={"meter": origin})


def test_which_rows_count_is_said_by_a_pattern(path: Path) -> None:
    """A register has a name for each of its tariffs, and what is fed in has others (Fluvius)."""
    content = b"Register,kWh\nAfname Dag,1\nAfname Nacht,2\nInjectie Dag,3\nx Afname,4\nAfname,5\n,6\nAf.ame,7\n"
    path.write_bytes(content)
    for allowed, expected in (
        (["Afname*"], ["1", "2", "5"]),
        (["*Dag", ""], ["1", "3", "6"]),
        (["Af.ame*"], ["7"]),
        (["*"], ["1", "2", "3", "4", "5", "7"]),
        (["Injectie Dag"], ["3"]),
    ):
        of = layout(columns={"value": "kWh"}, only={"Register": allowed})
        [block] = records(path, of, Limits())
        made = fields(block, of, "a")
        assert made.rows["value"].to_list() == expected
        assert made.left_out == 7 - len(expected)


def test_who_it_is_of_is_a_folder_in_the_archive(path: Path) -> None:
    """Geolife: of the user only the folder says it, and of the day the name of the file."""
    path.write_bytes(zipped({f"Data/{user}/Trajectory/2008102{user}.plt": b"51.5,-0.1\n" for user in ("000", "001")}))
    of = layout(
        header=False,
        names=["latitude", "longitude"],
        columns={"user": {"member_name": r"^Data/(\d+)/"}, "day": {"member_name": r"(\d{8})\d*\.plt$"}},
    )
    rows = pl.concat([fields(block, of, "Geolife.zip").rows for block in records(path, of, Limits())])
    assert rows.select("user", "day").rows() == [("000", "20081020"), ("001", "20081020")]
    # A file that is no archive has no members.
    path.write_bytes(b"51.5,-0.1\n")
    [block] = records(path, of, Limits())
    assert fields(block, of, "000.plt").rows["user"].to_list() == [None]


def test_layouts_of_members_of_other_names_are_told_apart(tmp_path: Path) -> None:
    """What the first member of one layout has, says nothing of those of another."""
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"readme.csv": b"about\nx\n", "data.csv": b"a,b\n1,2\n"}))
    one, other = (
        layout(columns={"x": name}, member=f"{member}.csv") for name, member in (("b", "read*"), ("b", "data"))
    )
    assert Shelf((one, other), ()).find(path, "a.zip", Limits()) == other


def test_a_name_leads_into_arrays_whatever_the_format(path: Path) -> None:
    """A position is an array: in JSON, in lines of it, and as JSON in a cell (twarc)."""
    of = layout(columns={"longitude": "geo.point.0", "latitude": "geo.point.1", "inner": "rings.1.0"}, path="rows")
    row = {"geo": {"point": [-0.1, 51.5]}, "rings": [[1, 2], [3, 4]]}
    content = json.dumps({"rows": [row, {"geo": {"point": [7]}, "rings": "none"}, {"geo": None}]})
    table_of = b'geo.point,rings\n"[-0.1, 51.5]","[[1, 2], [3, 4]]"\n[7],none\n,\n'
    for text, said in (
        (content.encode(), of),
        (content.encode() + b"\n" + content.encode(), of),
        (table_of, of.model_copy(update={"path": None})),
    ):
        path.write_bytes(text)
        assert lacking(said, header(path, said, Limits())) == []
        [block] = records(path, said, Limits())
        rows = fields(block, said, "a").rows.select("longitude", "latitude", "inner")
        assert rows.head(3).rows() == [("-0.1", "51.5", "3"), ("7", None, None), (None, None, None)]
    assert lacking(of, ["geo.point.0", "geo.points"]) == ["geo.point.1", "rings.1.0"]
    # The second of two columns that a program calls alike is no place in the first.
    both = layout(columns={"value": {"sum": ["kWh", "kWh.1"]}}, day_columns=["0.5"])
    assert lacking(both, ["kWh", "0"]) == ["0.5", "kWh.1"]
