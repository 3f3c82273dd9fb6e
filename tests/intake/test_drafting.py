"""A draft of a layout is one that its source can use, once what it marks is completed."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from ons_assets.definitions import RAW
from ons_assets.intake import times
from ons_assets.intake.drafting import TIME_HINTS, check, draft
from ons_assets.intake.layouts import Layout
from ons_assets.intake.records import records
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from tests.intake.samples import SAMPLES
from tests.intake.test_nem12 import HALF_HOURS, METER

NAMES = sorted(SAMPLES)
# Read by a decoder of their own; no layout says what they hold.
NO_TABLES = {"meters", "tweets", "areas"}
# Their samples are of suppliers that use words of their own.
OTHER_WORDS = {"aggregated_flows", "area_codes", "meter_questionnaire"}


@pytest.fixture
def source(name: str, tmp_path: Path) -> Source:
    settings = Settings(home=Home(tmp_path / "home").ensure().root)
    return next(made for raw in RAW if (made := raw.source(settings)).name == name)


@pytest.fixture
def file(name: str, tmp_path: Path) -> Path:
    path = tmp_path / SAMPLES[name].name
    path.write_bytes(SAMPLES[name].make("word"))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_draft_leaves_open_is_said_in_a_sentence(source: Source, file: Path) -> None:
    layout = Layout.model_validate(yaml.safe_load(draft(source, file)))
    checked = check(source, file, layout)
    assert checked.accepted or checked.sentences


@pytest.mark.parametrize("name", sorted(set(NAMES) - NO_TABLES - OTHER_WORDS))
def test_columns_that_are_called_as_the_source_calls_them_are_found(source: Source, file: Path) -> None:
    text = draft(source, file)
    needs, _ = source.said_fields
    open_fields = [name for name in needs if f"# {name}: ?" in text]
    layout = Layout.model_validate(yaml.safe_load(text))
    lack = source.lack_of(layout)
    # What stands for an item is for a person to say, and the currency of the pilot's files was known.
    expected = {"currency"} if source.name == "prices" else set()
    assert set(open_fields) == expected
    # Nor does a file say on which clock its times are.
    assert lack in (None, "says neither zone nor time_formats with a zone") or source.name == "prices"


@pytest.mark.parametrize("name", ["prices"])
def test_what_is_completed_under_optional_counts(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("datum;filiale;artikel;preis\n28.11.2026;Wien 1;Milch 1L;1,29\n28.11.2026;Wien 1;Brot;2,49\n")
    text = draft(source, path)
    for name, value in (("retailer", "{constant: spar}"), ("currency", "{constant: EUR}"), ("category", "artikel")):
        text = "\n".join(f"  {name}: {value}" if f"# {name}: ?" in line else line for line in text.split("\n"))
    text = text.replace("# time_formats: ['%d/%m/%Y %H:%M']", "time_formats: ['%d.%m.%Y']").replace("# zone", "zone")
    text += 'items: {Milch 1L: {item_id: "211709", item: Milk}}\n'
    checked = check(source, path, Layout.model_validate(yaml.safe_load(text)))
    assert (checked.accepted, checked.rejected) == (1, 1), checked.sentences


@pytest.mark.parametrize("name", ["prices"])
@pytest.mark.parametrize("word", ["off", "no", "null", "2016", "0x1f", "1e3", "a: b", "# a", "-", "*a", "long " * 60])
def test_a_draft_is_a_layout_whatever_the_file_and_its_columns_are_called(
    source: Source, tmp_path: Path, word: str
) -> None:
    path = tmp_path / f"{word[:20]}.csv"
    path.write_text(f"date;{word};price\n2026-11-28;{word};1\n2026-11-28;b;2\n")
    layout = Layout.model_validate(yaml.safe_load(draft(source, path)))
    assert layout.name


@pytest.mark.parametrize("name", ["prices"])
@pytest.mark.parametrize("called", ["234", "20081023025304", "2024-03-01", "1e5", "no", "null", "0x1F", "1_000", "~"])
def test_a_draft_is_a_layout_whatever_its_file_is_called(source: Source, tmp_path: Path, called: str) -> None:
    """YAML takes some names for numbers, days and nothing."""
    path = tmp_path / f"{called}.csv"
    path.write_text("datum;artikel;preis\n28.11.2026;Brot;2,49\n")
    layout = Layout.model_validate(yaml.safe_load(draft(source, path)))
    assert layout.name == (called.replace("_", "-") if called != "~" else "my-layout").lower()


@pytest.mark.parametrize(("name", "shown"), [("areas", True), ("tweets", False)])
def test_a_draft_says_what_is_around_the_rows(source: Source, tmp_path: Path, shown: bool) -> None:
    """Lines that are pages, a file without a header, a table with a remark under it; of people only that it is so."""
    pages = tmp_path / "pages.jsonl"
    pages.write_text('{"found": [{"a": 1}, {"a": 2}], "n": 2}\n{"found": [{"a": 3}], "n": 1}\n')
    assert f"# path: {'found' if shown else '?'}    # if a line is a page" in draft(source, pages)
    assert ("found" in draft(source, pages)) is shown
    bare = tmp_path / "bare.csv"
    bare.write_text("1,2.5,2024-03-01\n2,2.5,2024-03-01\n")
    assert (
        "\nheader: false    # guessed\n# names: ?    # of the 3 columns in order; or say of a field {position: 1}\n"
        in draft(source, bare)
    )
    titled = tmp_path / "titled.csv"
    table = "name,number,day\na,2.5,2024-03-01\nb,2.5,2024-03-02\n"
    titled.write_text(table)
    assert "footer" not in draft(source, titled)
    titled.write_text(table + "\nMade on a Friday\n")
    text = draft(source, titled)
    assert "\n# footer: ?    # pattern of the line that ends the table" in text
    assert "Friday" not in text
    # Remarks do not stand in the way of using it.
    for path in (pages, bare, titled):
        Layout.model_validate(yaml.safe_load(draft(source, path)))


@pytest.mark.parametrize("name", ["areas"])
def test_the_columns_of_boundaries_are_found(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    ring = "[[[-0.1, 51.5], [0.0, 51.5], [0.0, 51.6], [-0.1, 51.5]]]"
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "id": 1, "properties": '
        '{"LAD23CD": "E09000001", "LAD23NM": "City", "BNG_E": 500000, "BNG_N": 180000}, '
        f'"geometry": {{"type": "Polygon", "coordinates": {ring}}}}}]}}'
    )
    text = draft(source, path).replace("  # level: ?", "  level: {constant: lad23}")
    layout = Layout.model_validate(yaml.safe_load(text))
    assert {field: origin.column for field, origin in layout.origins.items() if origin.column} == {
        "area": "properties.LAD23CD",
        "easting_m": "properties.BNG_E",
        "northing_m": "properties.BNG_N",
        "boundary": "geometry",
    }
    checked = check(source, path, layout)
    assert (checked.accepted, checked.rejected) == (1, 0), checked.sentences


@pytest.mark.parametrize("name", ["prices"])
def test_what_is_only_spelled_alike_is_not_guessed(source: Source, tmp_path: Path) -> None:
    """A flag of sales is no turnover: short words are near each other by chance."""
    path = tmp_path / "scanner.csv"
    path.write_text("STORE,UPC,PRICE,SALE,quantiti\n2,119,2.81,,1\n2,370,1.10,B,2\n")
    layout = Layout.model_validate(yaml.safe_load(draft(source, path)))
    assert {field: origin.column for field, origin in layout.origins.items()} == {
        "retailer": "STORE",
        "sku": "UPC",
        "price": "PRICE",
        "quantity": "quantiti",
    }


@pytest.mark.parametrize(("name", "shown"), [("area_parts", True), ("meter_areas", False)])
def test_columns_that_do_not_look_like_names_are_told_of_files_about_nobody(
    source: Source, tmp_path: Path, shown: bool
) -> None:
    """`oa21` and a title with a year are names of columns, and would be somebody's values elsewhere."""
    path = tmp_path / "lookup.csv"
    path.write_text("pcds,oa21,2021 layer,oseast1m,osnrth1m\nE1 1AA,E00137176,E01013437,533000,181000\n")
    for text in (draft(source, path), ", ".join(check(source, path).header)):
        assert ("oa21" in text, "2021 layer" in text) == (shown, shown)
        assert not shown or "column_" not in text


@pytest.mark.parametrize("name", ["meters", "tweets"])
@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("DATE,START TIME,END TIME", {"join": ["DATE", "START TIME"]}),
        ("Datum,Zeit von,Zeit bis", {"join": ["Datum", "Zeit von"]}),
        ("Date,Time,Sub", {"join": ["Date", "Time"]}),
        ("Time,Sub,Rest", "Time"),
        ("timestamp,Sub,Rest", "timestamp"),
    ],
)
def test_the_day_and_the_clock_of_a_moment_are_found_together(
    source: Source, tmp_path: Path, header: str, time: object
) -> None:
    path = tmp_path / "portal.csv"
    path.write_text(f"{header},kWh\n2024-02-01,00:00,00:14,0.05\n2024-02-01,00:15,00:29,0.06\n")
    drafted = yaml.safe_load(draft(source, path))
    assert drafted["columns"]["time"] == time
    assert "date" not in (drafted.get("optional") or {})


@pytest.mark.parametrize("name", ["prices"])
def test_what_a_draft_took_from_the_file_is_said_to_be_guessed(source: Source, tmp_path: Path) -> None:
    """A word that says something is known, by being of every draft, or is marked as guessed."""
    path = tmp_path / "shop.csv"
    path.write_bytes("Export\n\nDatum;Artikel;Preis\n2024-01-01;Käse;1,09\n2024-01-02;Käse;2,09\n".encode("cp1252"))
    lines = [line for line in draft(source, path).split("\n") if line and not line.lstrip().startswith("#")]
    unmarked = [line.split(":")[0] for line in lines if "# guessed" not in line]
    assert unmarked == ["name", "files", "columns", "optional"]
    assert {"encoding: cp1252", "delimiter: ;", "decimal: ','", "skip_lines: 2"} <= {
        line.split("    #")[0] for line in lines
    }


@pytest.mark.parametrize("name", ["prices"])
@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_line_in_which_excel_says_the_delimiter_is_understood(
    source: Source, tmp_path: Path, first: str, encoding: str
) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(f"{first}\r\nDatum;Artikel;Preis\r\n2024-01-01;Milch, 1 l;1,09\r\n".encode(encoding))
    said = yaml.safe_load(draft(source, path))
    assert (said["delimiter"], said["columns"]) == (";", {"collected_at": "Datum", "product": "Artikel"})
    [block] = records(path, Layout.model_validate(said), source.limits)
    assert block.rows.drop("line").rows() == [("2024-01-01", "Milch, 1 l", "1,09")]


@pytest.mark.parametrize(("name", "shown"), [("prices", True), ("meters", False)])
def test_of_json_what_is_inside_is_offered(source: Source, tmp_path: Path, shown: bool) -> None:
    """An object or an array is no time and no price."""
    path = tmp_path / "a.json"
    one = {"time": {"end": "b"}, "price": {"value": 1}, "category": [], "value": [1, 2], "product": [{"name": "m"}]}
    other = {**one, "price": None, "category": {"shelf": "x"}, "at": [51.5, [1], {}]}
    path.write_text(json.dumps([one, other]))
    text = draft(source, path)
    guessed = Layout.model_validate(yaml.safe_load(text)).origins
    assert not {origin.column for origin in guessed.values()} & {*one, "at"}
    if shown:
        assert {field: origin.column for field, origin in guessed.items()} == {"category": "category.shelf"}
        assert "# not read: time.end, price.value, value.0, value.1, at.0\n" in text


PADDED = (
    '"Name","ADA",,,,,\n"Address","1 Main Street",,,,,\n,,,,,,\n'
    '"Meter Number","Date","Start Time","Duration","Consumption","Generation","Net"\n'
    + '"05555","1/1/2024","12:00 AM","15","0.05","0.0","0.05"\n'
    * 5
)


@pytest.mark.parametrize("name", ["meters"])
def test_lines_before_the_header_may_be_as_wide_as_the_table(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "portal.csv"
    path.write_text(PADDED)
    text = draft(source, path)
    assert "\nskip_lines: 3    # guessed; where their number changes, skip_until" in text
    assert yaml.safe_load(text)["columns"] == {"value": "Consumption", "time": {"join": ["Date", "Start Time"]}}
    assert "ADA" not in text
    # A column of numbers that has no name, or a last one that is empty in the header, is no preamble.
    for head in (",kWh,Net\n1,0.5,0.5\n2,0.5,0.6\n", "Date,kWh,\n1,0.5,0.5\n2,0.5,0.6\n"):
        path.write_text(head)
        assert "skip_lines" not in draft(source, path)


@pytest.mark.parametrize("name", ["prices"])
@pytest.mark.parametrize(
    ("word", "encoding", "said"),
    [
        ("Käse", "cp1252", "cp1252"),
        ("żywność", "cp1250", "cp1250"),
        ("příkrm", "cp1250", None),
        ("crème", "cp1252", None),
        ("tőke", "cp1250", None),
    ],
)
def test_an_encoding_that_no_letter_tells_is_asked_for(
    source: Source, tmp_path: Path, word: str, encoding: str, said: str | None
) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(f"date,product,price\n2024-01-01,{word},1.5\n2024-01-02,{word},2.5\n".encode(encoding))
    text = draft(source, path)
    assert yaml.safe_load(text).get("encoding") == said
    assert ("say the encoding, such as cp1252 or cp1250" in text) is (said is None)


@pytest.mark.parametrize("name", ["prices"])
def test_a_damaged_letter_is_no_other_encoding(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"product": "caf\xe9", "price": 1}, {"product": "tea", "price": 1}]')
    assert "encoding" not in draft(source, path)
    path = tmp_path / "a.csv"
    path.write_bytes("product,price\ncafé,1\nthé,2\n".encode() + b"caf\xe9,1\n")
    assert "encoding" not in draft(source, path)


@pytest.mark.parametrize("name", ["meters"])
def test_a_draft_names_the_layout_that_reads_the_file_already(source: Source, file: Path, tmp_path: Path) -> None:
    known = source.layout(file, file.name).name
    assert f"\n# The layout {known} reads it already, without this one.\n" in draft(source, file)
    path = tmp_path / "export.csv"
    path.write_text(f"100,NEM12,1,A,B\n{METER}\n300,20240101,{HALF_HOURS},A\n")
    assert "\n# The layout nem12 reads it already" in draft(source, path)
    path.write_text(PADDED)
    assert "reads it already" not in draft(source, path)


def test_the_formats_that_a_draft_hints_at_read_the_times_beside_them() -> None:
    hints = " ".join(TIME_HINTS)
    found = re.search(r"of (\S+Z) '(\S+)'", hints)
    assert found is not None
    layout = Layout(name="mine", time_formats=(found[2],), columns={})
    read = times.moments(pl.Series([found[1], found[1].replace("Z", ".250+01:00")]), layout).early
    at = datetime(2024, 3, 31, 13, 30, tzinfo=UTC)
    assert read.to_list() == [at, at.replace(hour=12, microsecond=250_000)]
