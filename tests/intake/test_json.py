import gzip
import json
from pathlib import Path

import pytest

from ons_assets.intake.fields import fields, lacking
from ons_assets.intake.json_lines import lines
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import Fault
from ons_assets.intake.records import header, records
from ons_assets.intake.sniff import describe
from ons_assets.intake.unreadable import Unreadable
from tests.intake.reading import layout, read, rejected, rows, why

DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.json"


def test_objects_a_line_are_rows_of_text_with_dotted_names(path: Path) -> None:
    content = b'{"id": 9007199254740993, "geo": {"type": "Point", "at": [1.5, 2]}, "ok": true, "no": null, "e": ""}\n'
    content += b'\n{"x": 1e-7}\n'
    [block] = read(path, content)
    assert block.rows.rows(named=True) == [
        {"id": "9007199254740993", "geo.type": "Point", "geo.at": "[1.5,2]", "ok": "true", "no": None, "e": None}
        | {"x": None, "line": 1},
        dict.fromkeys(("id", "geo.type", "geo.at", "ok", "no", "e")) | {"x": "1e-07", "line": 3},
    ]
    assert header(path, layout(), Limits()) == ["id", "geo.type", "geo.at", "ok", "no", "e", "x"]


def test_only_the_columns_that_are_needed(path: Path) -> None:
    path.write_bytes(b'{"geo": {"at": [1.5, 2], "b": 1}, "a.b": "dot", "line": 7}\n{"geo": 1}\n')
    [block] = records(path, layout(), Limits(), columns=["geo.at.1", "geo.b", "a.b", "z", "line_"])
    assert block.rows.rows() == [("2", "1", "dot", None, "7", 1), (None, None, None, None, None, 2)]


def test_a_line_that_is_no_row_is_a_fault_of_that_line(path: Path) -> None:
    content = (
        b'{"a": 1}\n' + DEEP + b'\n[1, 2]\n7\n{"a": \n{"a": "\xff"}\n{"a": "' + b"x" * 40_000 + b'"}\n{"a": 2}\n{"a": 3'
    )
    blocks = read(path, content, Limits(line_bytes=30_000))
    assert [(row[0], row[-1]) for row in rows(blocks) if row[0]] == [("1", 1), ("2", 8)]
    assert [row[:2] for row in rejected(blocks)] == [
        (2, "is nested deeper than 64 levels"),
        (4, "is not a JSON object"),
        (5, "is not valid JSON"),
        (6, "is not valid JSON"),
        (7, "line is longer than 30000 bytes"),
        (9, "is not valid JSON"),
    ]


def test_a_file_of_one_deep_line_is_a_fault_of_that_line(path: Path) -> None:
    blocks = read(path, DEEP + b"\n")
    assert rejected(blocks)[0][:2] == (1, "is nested deeper than 64 levels")


def test_lines_for_those_who_decode_themselves(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfone\n\ntwo\r\n" + b"x" * 100 + b"\nlast"))
    found = list(lines(path, Limits(line_bytes=50)))
    assert found[:3] == [(1, b"one"), (2, b""), (3, b"two\r")]
    assert found[3] == (4, Fault("line is longer than 50 bytes", b"x" * 100))
    assert found[4:] == [(5, b"last")]
    path.write_bytes(b' [{"a": 1}, {"a": 2}]')
    assert list(lines(path, Limits())) == [(1, b'{"a": 1}'), (2, b'{"a": 2}')]
    path.write_bytes(gzip.compress(b"one\ntwo", 0)[:-9])
    assert list(lines(path, Limits())) == [(1, b"one"), (2, Fault("cut short", b"tw", is_end=True))]


def test_rows_at_a_path_of_a_document(path: Path) -> None:
    document = {"count": 2, "next": None, "results": [{"v": 1.5, "t": {"from": "x"}}, {"v": None}]}
    content = json.dumps(document, indent=1).encode()
    for each in (content, b"\xef\xbb\xbf" + content, content.decode().encode("utf-16")):
        [block] = read(path, each, path="results")
        assert block.rows.rows(named=True) == [
            {"v": "1.5", "t.from": "x", "count": "2", "next": None, "line": 1},
            {"v": None, "t.from": None, "count": "2", "next": None, "line": 2},
        ]


def test_what_is_said_around_the_rows_is_a_column(path: Path) -> None:
    document = {"data": {"homes": [
        {"id": "h1", "consumption": {"unit": "kWh", "nodes": [{"v": 1}, {"v": 2}]}},
        {"id": "h2", "consumption": {"unit": "Wh", "nodes": [{"v": 3}]}},
        {"id": "h3"},
        {"id": "h4", "consumption": None},
    ]}}  # fmt: skip
    path.write_bytes(json.dumps(document).encode())
    said = layout(path="data.homes.consumption.nodes")
    columns = ["v", "data.homes.id", "data.homes.consumption.unit"]
    [block] = records(path, said, Limits(), columns=columns)
    assert block.rows.rows() == [("1", "h1", "kWh", 1), ("2", "h1", "kWh", 2), ("3", "h2", "Wh", 3)]
    assert set(header(path, said, Limits())) == set(columns)


def test_arrays_of_arrays_are_rows_by_place(path: Path) -> None:
    blocks = read(path, b"[[1609459200000, 0.5], [1609461000000, null], 3]")
    assert rows(blocks) == [("1609459200000", "0.5", 1), ("1609461000000", None, 2)]
    assert rejected(blocks) == [(3, "is not a JSON object", "3")]


@pytest.mark.parametrize(
    ("content", "said", "reason"),
    [
        (b'{"a": [1,', {"path": "a"}, "is not valid JSON"),
        (b'{"a": 1}', {"path": "b"}, "is a JSON document with nothing at the path of the layout"),
        (b'[{"a": 1}]', {"path": "b"}, "is a JSON document with nothing at the path of the layout"),
        (b'{"a": 1}', {"path": "a"}, "is a JSON document with neither objects nor arrays at the path of the layout"),
        (b'{\n"a": [1]\n}', {}, "is a JSON document: say path, where its rows are"),
        (b"[" + DEEP + b"]", {}, "is nested deeper than 64 levels"),
        (b'{"a": [' + b"1," * 600 + b"1]}", {"path": "a"},
         "is one JSON value of more than 1000 bytes; one a line can be streamed"),
    ],
)  # fmt: skip
def test_documents_that_cannot_be_read_say_why(path: Path, content: bytes, said: dict[str, str], reason: str) -> None:
    limits = Limits(document_bytes=1000 if "1000" in reason else 1 << 20)
    assert why(path, content, limits, **said) == reason


def test_features_are_rows(path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1.25], [1, 1], [0, 0]]]}
    features = [
        {"type": "Feature", "id": 5, "properties": {"MSOA11CD": "E1", "n": {"a": 1}}, "geometry": square},
        {"type": "Feature", "properties": None, "geometry": None},
        7,
    ]
    content = json.dumps({"type": "FeatureCollection", "name": "areas", "features": features}).encode()
    path.write_bytes(content)
    for said in (layout(), layout(format="geojson")):
        [block] = records(path, said, Limits(), columns=["properties.MSOA11CD", "properties.n.a", "geometry"])
        assert block.rows.rows() == [("E1", "1", json.dumps(square), 1), (None, None, None, 2)]
        assert block.rejected["line"].to_list() == [3]
    assert {"properties.MSOA11CD", "geometry", "id"} <= set(header(path, layout(), Limits()))


def test_blocks_of_json_lines_keep_their_columns(path: Path) -> None:
    path.write_bytes(b"".join(b'{"a": %d, "b%d": 1}\n' % (n, n // 60_000) for n in range(120_000)))
    blocks = list(records(path, layout(), Limits()))
    assert [len(block.rows) for block in blocks] == [50_000, 50_000, 20_000]
    assert blocks[-1].rows.columns == ["a", "b0", "b1", "line"]
    assert blocks[-1].rows["line"].to_list()[-1] == 120_000


def test_a_byte_that_is_no_text_is_a_fault_of_its_row_or_of_the_file_wherever_it_stands(path: Path) -> None:
    feature = {"type": "Feature", "properties": {"code": "E1"}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    contents = [
        (json.dumps({"name": "x", "inner": {"beside": "y", "rows": [{"code": "E1"}, {"code": "E2"}]}}), "inner.rows"),
        (json.dumps({"type": "FeatureCollection", "name": "x", "features": [feature, feature]}), None),
        ('{"code": "E1", "inner": {"a": 1}}\n{"code": "E2"}\n', None),
        ('{"code": 1, "rows": [{"a": 1}, {"a": 2}]}\n{"code": 2, "rows": [{"a": 3}]}\n', "rows"),
    ]
    for content, where in contents:
        is_lines = content.startswith('{"code"')
        for place in range(len(content) - 1):
            damaged = bytearray(content.encode())
            if damaged[place] == ord("\n"):
                continue
            damaged[place] = 0xFF
            path.write_bytes(damaged)
            describe(path, Limits())
            header(path, layout(path=where), Limits())
            try:
                blocks = list(records(path, layout(path=where), Limits()))
            except Unreadable:
                assert not is_lines
            else:
                assert not is_lines or sum(len(block.rows) for block in blocks) >= 1


def test_a_number_of_thousands_of_digits_is_no_fault_of_its_neighbours(path: Path) -> None:
    path.write_bytes(b'{"a": 1}\n{"a": ' + b"9" * 5000 + b'}\n{"a": 2}\n')
    blocks = list(records(path, layout(), Limits()))
    assert [row[0] for row in rows(blocks)] == ["1", "2"]
    assert [line for line, *_ in rejected(blocks)] == [2]


def test_names_lead_into_arrays_of_objects(path: Path) -> None:
    path.write_bytes(b'[{"name": "Milk", "history": [{"price": 1.19, "day": "2024-01-02"}, {"price": 1.09}]}]')
    of = layout(columns={"product": "name", "price": "history.0.price", "before": "history.1.price"})
    assert lacking(of, header(path, of, Limits())) == []
    [block] = records(path, of, Limits())
    assert fields(block, of, "a").rows.select("product", "price", "before").rows() == [("Milk", "1.19", "1.09")]
    assert lacking(layout(columns={"price": "prices.0.price"}), header(path, of, Limits())) == ["prices.0.price"]
