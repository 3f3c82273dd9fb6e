import gzip
from pathlib import Path

import pytest

from ons_assets.intake import green_button, xml_rows
from ons_assets.intake.containers import parts
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from tests.intake.reading import layout, read, rejected, rows, why

ENTITIES = "is XML that declares entities, which is not read"
NO_ELEMENT = "is XML without an element of the name that the layout says"
EXPORT = b"""<?xml version="1.0" encoding="UTF-8"?>
<e:export xmlns:e="urn:x" made="today">
  <e:meter id="m1"><e:unit>kWh</e:unit>
    <e:reading quality="A"><e:time zone="utc">2024-01-01</e:time><e:value><e:kwh>1.5</e:kwh></e:value></e:reading>
    <e:reading><e:time>2024-01-02</e:time><e:value><e:kwh/></e:value><e:tag>x</e:tag><e:tag>y</e:tag></e:reading>
  </e:meter>
  <e:meter id="m2"><e:reading>7</e:reading></e:meter>
</e:export>
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.xml"


def test_elements_are_rows(path: Path) -> None:
    path.write_bytes(EXPORT)
    columns = ["@quality", "time", "time.@zone", "value.kwh", "tag", "tag.2", "text", "export.meter.@id"]
    columns += ["export.meter.unit", "export.@made"]
    [block] = records(path, layout(element="reading"), Limits(), columns=columns)
    assert block.rows.rows() == [
        ("A", "2024-01-01", "utc", "1.5", None, None, None, "m1", "kWh", "today", 1),
        (None, "2024-01-02", None, None, "x", "y", None, "m1", "kWh", "today", 2),
        (None, None, None, None, None, None, "7", "m2", None, "today", 3),
    ]
    assert set(header(path, layout(element="reading"), Limits())) == set(columns)
    assert header(path, layout(), Limits()) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "windows-1252"])
def test_the_declaration_says_the_encoding(path: Path, encoding: str) -> None:
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    content = f'<?xml version="1.0" encoding="{declared}"?>\n<a><r><n>größe</n></r></a>'.encode(encoding)
    assert rows(read(path, content, element="r")) == [("größe", 1)]


def test_blocks_have_running_numbers_and_bounded_memory(path: Path) -> None:
    content = b"<a>" + b"<r><n>1</n></r>\n" * 60_000 + b"</a>"
    path.write_bytes(content)
    walked = [
        block
        for part in parts(path, Limits())
        for block in xml_rows.blocks(part.stream, layout(element="r"), Limits(), None, rows=10_000)
    ]
    assert sum(len(block.rows) for block in walked) == 60_000
    assert max(len(block.rows) for block in walked) < 30_000
    assert [line for block in walked for line in block.rows["line"]] == list(range(1, 60_001))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<a><b></a>", "is not well-formed XML (line 1)"),
        (b"<a>\n<b/></a>", NO_ELEMENT),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', ENTITIES),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', ENTITIES),
        (b'<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><a>&x;</a>', NO_ELEMENT),
        (b"<a>" * 300, "is XML nested deeper than 200 levels"),
        (b"<a><r>" + b"x" * 5000 + b"</r></a>", "has an element of more than 1000 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(path: Path, content: bytes, reason: str) -> None:
    assert why(path, content, Limits(line_bytes=1000), element="r", format="xml") == reason


def test_a_bomb_of_entities_is_refused_at_once(path: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    content = f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]><a>&l9;</a>'.encode()
    assert why(path, content, element="a", format="xml") == "is XML that declares entities, which is not read"


def test_xml_without_the_element_said(path: Path) -> None:
    assert why(path, b"<a><r/></a>") == "is XML: say element, of which each is a row"


def test_of_a_document_cut_short_the_whole_rows_are_read(path: Path) -> None:
    content = b"<a>" + b"<r><n>1</n></r>" * 3 + b"<r><n>2"
    for each in (content, gzip.compress(content + b"x" * 500, 0)[:-400]):
        blocks = read(path, each, element="r")
        assert rows(blocks) == [("1", 1), ("1", 2), ("1", 3)]
        assert rejected(blocks) == [(4, "cut short", "")]
        assert blocks[-1].ends_inside_record


def test_a_row_of_many_fields_is_rejected_alone(path: Path) -> None:
    content = b"<a><r>" + b"<n>123456789</n>" * 200 + b"</r><r><n>1</n></r></a>"
    blocks = read(path, content, Limits(line_bytes=1000), element="r")
    assert rows(blocks) == [("1", 2)]
    assert rejected(blocks) == [(1, "element is longer than 1000 characters", "")]


def entry(links: str, content: str, title: str = "") -> str:
    return f"<entry>{links}<title>{title}</title><content>{content}</content></entry>"


def feed(prefix: str = "") -> bytes:
    """Return two registers of one point and a gas meter of another; what is said of them comes last."""
    root = "https://x/espi/1_1/resource/RetailCustomer/1"
    blocks = []
    for reading, values in (("UsagePoint/07/MeterReading/01", (250, 125)), ("UsagePoint/07/MeterReading/02", (9,)),
                            ("UsagePoint/08/MeterReading/01", (3,))):  # fmt: skip
        intervals = "".join(
            f"<IntervalReading><cost>5</cost><timePeriod><duration>1800</duration>"
            f"<start>{1617249600 + 1800 * n}</start></timePeriod>"
            f"<ReadingQuality><quality>{n}</quality></ReadingQuality><value>{value}</value></IntervalReading>"
            for n, value in enumerate(values)
        )
        blocks.append(
            entry(f'<link rel="up" href="{root}/{reading}/IntervalBlock"/>',
                  f"<IntervalBlock><interval><duration>86400</duration><start>1</start></interval>{intervals}</IntervalBlock>")
        )  # fmt: skip
        kind = {"UsagePoint/07/MeterReading/01": "A", "UsagePoint/07/MeterReading/02": "B"}.get(reading, "C")
        blocks.append(
            entry(f'<link rel="self" href="{root}/{reading}"/>'
                  f'<link rel="related" href="{root}/{reading}/IntervalBlock"/>'
                  f'<link rel="related" href="https://x/ReadingType/{kind}"/>', "<MeterReading/>")
        )  # fmt: skip
    for kind, said in (("A", (1, 1, 72, -3)), ("B", (1, 19, 72, 0)), ("C", (7, 1, 42, 0))):
        names = ("commodity", "flowDirection", "uom", "powerOfTenMultiplier")
        values = "".join(f"<{name}>{value}</{name}>" for name, value in zip(names, said, strict=True))
        blocks.append(
            entry(f'<link rel="self" href="https://x/ReadingType/{kind}"/>', f"<ReadingType>{values}</ReadingType>")
        )
    for point in ("07", "08"):
        blocks.append(entry(f'<link rel="self" href="{root}/UsagePoint/{point}"/>', "<UsagePoint/>", f"Home {point}"))
    text = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">{"".join(blocks)}</feed>'
    if prefix:
        text = text.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    return text.encode()


@pytest.mark.parametrize("prefix", ["", "ns1"])
def test_green_button_readings_have_what_their_type_and_point_say(path: Path, prefix: str) -> None:
    path.write_bytes(feed(prefix))
    [block] = records(path, layout(), Limits())
    assert block.rows.rows() == [
        ("07", "Home 07", "electricity", "forward", "Wh", 1617249600, 1800, 0.25, "0", 1),
        ("07", "Home 07", "electricity", "forward", "Wh", 1617251400, 1800, 0.125, "1", 2),
        ("07", "Home 07", "electricity", "reverse", "Wh", 1617249600, 1800, 9.0, "0", 3),
        ("08", "Home 08", "gas", "forward", "m3", 1617249600, 1800, 3.0, "0", 4),
    ]
    assert header(path, layout(), Limits()) == [name for name in green_button.SCHEMA if name != "line"]
    [block] = records(path, layout(format="green-button"), Limits(), columns=["value"])
    assert block.rows.columns == ["value", "line"]


def test_green_button_without_types_says_no_unit_and_bad_intervals_are_rejected(path: Path) -> None:
    readings = "".join(
        f"<IntervalReading><timePeriod><start>{start}</start></timePeriod><value>{value}</value></IntervalReading>"
        for start, value in ((1, 5), ("", 6), (3, "x"))
    )
    content = f'<feed xmlns="http://naesb.org/espi"><entry><IntervalBlock>{readings}</IntervalBlock></entry></feed>'
    blocks = read(path, content.encode())
    assert rows(blocks) == [(None, None, None, None, None, 1, None, 5.0, None, 1)]
    assert [row[:2] for row in rejected(blocks)] == [
        (number, "interval without a start or a value that can be read") for number in (2, 3)
    ]
    assert why(path, b"<feed/>", format="green-button") == "is XML without an interval reading"
