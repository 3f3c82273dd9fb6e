"""Layouts on the command line: drafted, looked at, changed, and what was refused or read before read again."""

import gzip
import importlib
import json
import os
import re
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from ons_assets import cli, operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Drop, Ledger, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.runs import NOTHING
from ons_assets.settings import load_settings
from tests.run_files import write_run

MARKER = "Mrs-Marker"
SHOP = {
    "name": "my-office",
    "files": "shop_*.csv",
    "delimiter": ";",
    "decimal": ",",
    "time_formats": ["%d/%m/%Y"],
    "zone": "Europe/Vienna",
    "columns": {
        "collected_at": "datum",
        "product": "artikel",
        "price": "preis",
        "category": "regal",
        "retailer": {"constant": "spar"},
        "currency": {"constant": "EUR"},
    },
    "items": {"Milch": {"item_id": "211709", "item": "Milk"}},
}
# What a person adds to a draft.
OF_READINGS = 'unit: kWh\ninterval_minutes: 60\nzone: Europe/Vienna\ntime_formats: ["%Y-%m-%d %H:%M"]\n'
SHOP_FILE = (
    "datum;artikel;preis;preis_neu;regal\n21/07/2016;Milch 1l;0,99;1,09;Milch\n21/07/2016;Milch 2l;1,89;1,99;Milch\n"
)

# Files that a layout of their source knows.
KNOWN = {
    "meters": "customer,time,kwh\n1,2009-11-27 05:00:00,0.1\n1,2009-11-27 05:30:00,0.1\n",
    "tweets": "user,time,lat,lon\n5,2014-08-20T08:00:00+00:00,51.5,-0.1\n",
    "devices": "operator,device,contract,age_group\nnorth,5,contract,25-44\n",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that the command uses without being told; its sentences are not broken into lines."""
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli.console, "_width", 250)
    return Home(tmp_path / "home")


def command(*arguments: object, answer: str | None = None) -> Result:
    """Run the command in this process; what a user would read as a sentence is in `exception`."""
    return CliRunner().invoke(cli.app, [str(each) for each in arguments], input=answer)


@pytest.fixture
def without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written of all files after each command is looked at elsewhere, once."""
    monkeypatch.setattr(operations, "account_for_files", lambda *_: NOTHING)


def sentence(result: Result) -> str:
    """The sentence with which a command failed."""
    assert isinstance(result.exception, cli.Failed | ValueError), (result.output, result.exception)
    return str(result.exception)


def shop(home: Home, **changes: object) -> None:
    folder = home.root / "layouts" / "prices"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my-office.yaml").write_text(yaml.safe_dump({**SHOP, **changes}))


def shop_file(folder: Path) -> Path:
    path = folder / "shop_1.csv"
    path.write_text(SHOP_FILE)
    return path


def prices(home: Home) -> list[float]:
    rows = lake.read(home, CATALOGUE["prices/raw_quotes"]).collect()
    return sorted(rows["price"])


def drop(home: Home, name: str) -> Drop:
    [found] = [each for each in Ledger(home).drops() if each.name == name]
    return found


# --- layouts


@pytest.mark.usefixtures("home", "without_accounts")
@pytest.mark.parametrize(
    "source", ["meters", "meter_questionnaire", "meter_areas", "tweets", "cells", "devices", "phone_events"]
)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("keys.json", f'{{"{MARKER}": {{"{MARKER}-2": [{{"a": 1, "b": 2}}, {{"a": 1, "b": 2}}]}}}}'),
        ("identifiers.json", '{"MrsMarker": {"and_Mr": [{"a": 1, "b": 2}, {"a": 1, "b": 2}]}}'),
        ("tags.xml", f"<all><{MARKER}><a>1</a></{MARKER}><{MARKER}><a>1</a></{MARKER}></all>"),
        # Nearly what suppliers call a column.
        ("spelled_nearly.csv", "devicemrs,serialx,meter idm,n/a\nuser2,x,y,0.3\nuser3,x,y,0.4\n"),
    ],
)
def test_no_name_inside_a_document_about_people_is_told(
    home: Home, tmp_path: Path, source: str, name: str, content: str
) -> None:
    file = tmp_path / name
    file.write_text(content)
    told = [command("layout", does, file, "--source", source) for does in ("draft", "check")]
    command("ingest", file, "--source", source)
    [drop] = Ledger(home).drops()
    told_of_it = "".join([*(each.output for each in told), *(str(each.exception) for each in told), str(drop.reason)])
    for word in (MARKER, "MrsMarker", "and_Mr", "devicemrs", "serialx", "meter idm"):
        assert word not in told_of_it


@pytest.mark.usefixtures("without_accounts")
@pytest.mark.parametrize("function", ["sniff.describe", "records.header", "records.records", "fields.fields"])
@pytest.mark.parametrize("source", ["meters", "tweets", "devices"])
def test_what_a_library_raises_over_a_file_is_not_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, function: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"the value {MARKER} does not fit")

    module, name = function.split(".")
    original = getattr(importlib.import_module(f"ons_assets.intake.{module}"), name)
    for each in [each for key, each in sys.modules.items() if key.startswith("ons_assets.")]:
        if getattr(each, name, None) is original:
            monkeypatch.setattr(each, name, fail)
    file = tmp_path / "known.csv"
    file.write_text(KNOWN[source])
    told = [command("layout", does, file, "--source", source) for does in ("draft", "check")]
    told += [command("ingest", file), command("ingest", file, "--source", source)]
    reasons = [drop.reason for drop in Ledger(home).drops()]
    for each in told:
        assert each.exception is None or isinstance(each.exception, cli.Failed | ValueError | SystemExit)
    assert MARKER not in "".join(
        map(str, [*(each.output for each in told), *(each.exception for each in told), *reasons])
    )


@pytest.mark.usefixtures("home")
def test_no_length_of_an_interval_is_told(tmp_path: Path) -> None:
    layout = {
        "name": "with-lengths",
        "zone": "UTC",
        "unit": "kWh",
        "columns": {"meter": "m", "time": "t", "value": "v", "interval_minutes": "i"},
    }
    (tmp_path / "layout.yaml").write_text(yaml.safe_dump(layout))
    file = tmp_path / "readings.csv"
    for length in ("4711", "inf"):
        file.write_text(f"m,t,v,i\n1,2009-11-27 05:00:00,0.1,{length}\n")
        told = command("layout", "check", file, "--source", "meters", "--layout", tmp_path / "layout.yaml")
        assert "says of its intervals a length" in told.output
        assert "4711" not in told.output


def test_a_layout_of_readings_is_drafted_and_names_nothing_that_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    rows = "".join(f"AT{number:03d};2016-07-21 {hour:02d}:00;0,{hour}\n" for number in (1, 2) for hour in range(24))
    file.write_text(f"Zählpunkt;Zeit;Verbrauch kWh;{MARKER}\n" + rows.replace("\n", ";1\n"))
    drafted = command("layout", "draft", file, "--source", "meters")
    assert drafted.exit_code == 0, drafted.output
    said = yaml.safe_load(drafted.stdout)
    assert said["columns"] == {"meter": "Zählpunkt", "time": "Zeit", "value": "Verbrauch kWh"}
    assert (said["delimiter"], said["decimal"]) == (";", ",")
    assert MARKER not in drafted.output
    assert "# not read: 1 column\n" in drafted.stdout
    completed = tmp_path / "drafted.yaml"
    completed.write_text(f"{drafted.stdout}{OF_READINGS}")
    checked = command("layout", "check", file, "--source", "meters", "--layout", completed)
    assert checked.exit_code == 0, (checked.output, checked.exception)
    assert MARKER not in checked.output
    assert "AT001" not in checked.output


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("meters", f"LCLid,stdorToU,DateTime,KWH/hh (per half hour) \n{MARKER},Std,2013-01-01 00:30:00,0.1\n"),
        ("meters", f"{MARKER},{MARKER}\n{MARKER},1\n"),
        ("meter_areas", f"meter,area_code\n{MARKER},E1\n{MARKER},\n"),
        ("phone_events", f"{MARKER}\n1\n"),
        ("devices", f"device,{MARKER}\n{MARKER},1\n"),
        ("tweets", f'{{"text": "{MARKER}", "user": {{"name": "{MARKER}"}}}}\n'),
    ],
)
def test_of_files_about_people_no_value_is_shown(tmp_path: Path, source: str, text: str) -> None:
    file = tmp_path / "a file"
    file.write_text(text)
    for result in (
        command("layout", "check", file, "--source", source),
        command("layout", "draft", file, "--source", source),
    ):
        assert result.output or result.exception
        assert MARKER not in f"{result.output} {result.exception}"
        assert result.exception is None or isinstance(result.exception, cli.Failed | SystemExit)


def test_of_files_about_nobody_the_first_rows_are_shown(home: Home, tmp_path: Path) -> None:
    shop(home)
    checked = command("layout", "check", shop_file(tmp_path), "--source", "prices")
    assert checked.exit_code == 0, checked.output
    assert "layout: my-office" in checked.stdout
    assert "not read: preis_neu" in checked.stdout
    assert "Milch 2l" in checked.stdout
    assert "2 rows accepted, 0 rows rejected" in checked.stdout


def test_a_reason_is_said_once(home: Home, tmp_path: Path) -> None:
    shop(home)
    file = tmp_path / "shop_none.csv"
    file.write_text(SHOP_FILE.replace("0,99", "free").replace("1,89", "free"))
    checked = command("layout", "check", file, "--source", "prices")
    assert checked.stdout.count("2 rows: ") == 1


def test_a_text_that_yaml_takes_for_something_else_is_asked_for_in_quotes(home: Home, tmp_path: Path) -> None:
    shop(home, items={"Milch": {"item_id": 114, "item": "Milk"}})
    layout = home.root / "layouts" / "prices" / "my-office.yaml"
    said = sentence(command("layout", "check", shop_file(tmp_path), "--source", "prices", "--layout", layout))
    assert said == "my-office.yaml: items.Milch.item_id: is to be a text: write it in quotes"


def test_a_layout_that_waits_for_another_name_is_named(home: Home, tmp_path: Path) -> None:
    shop(home)
    file = shop_file(tmp_path).rename(tmp_path / "laden.csv")
    checked = command("layout", "check", file, "--source", "prices")
    assert "the layout my-office would read it if it were called shop_*.csv" in checked.stdout


@pytest.mark.usefixtures("home")
def test_a_file_that_no_layout_knows_is_told_with_its_columns(tmp_path: Path) -> None:
    checked = command("layout", "check", shop_file(tmp_path), "--source", "prices")
    assert sentence(checked) == "shop_1.csv gives no row"
    assert "columns: datum, artikel, preis, preis_neu, regal" in checked.stdout


@pytest.mark.usefixtures("home")
def test_columns_are_told_as_the_file_calls_them(tmp_path: Path) -> None:
    """Years and codes are names, too, where nobody's values can be in their place."""
    file = tmp_path / "shop_1.csv"
    file.write_text("artikel;regal;laden;2016\nMilch;1;2;1,19\nBrot;1;2;2,19\n")
    checked = command("layout", "check", file, "--source", "prices")
    assert "its columns are 'artikel', 'regal', 'laden', '2016'" in checked.stdout
    assert "column_" not in checked.output


@pytest.mark.parametrize("field", ["meter", "value"])
@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ({"preamble": r"Meter: (\w+)"}, "has no line before the header that matches the pattern of {}"),
        ({"file_name": r"^meter_(\w+)"}, "has a name that does not match the pattern of {}"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_pattern_that_finds_nothing_is_one_fault_of_the_file(
    tmp_path: Path, field: str, origin: dict[str, str], expected: str
) -> None:
    columns = {"meter": "m", "time": "t", "value": "v", field: origin}
    layout = {"name": "mine", "zone": "UTC", "unit": "kWh", "skip_lines": 1, "columns": columns}
    (tmp_path / "layout.yaml").write_text(yaml.safe_dump(layout))
    file = tmp_path / "readings.csv"
    file.write_text("Export\nm,t,v\n" + "1,2009-11-27 05:00:00,0.1\n" * 9)
    told = command("layout", "check", file, "--source", "meters", "--layout", tmp_path / "layout.yaml")
    assert f"the file {expected.format(field)}" in told.output
    assert "missing" not in told.output


@pytest.mark.parametrize("head", ["für", "plain"])
def test_an_encoding_that_has_to_be_said_is_named(home: Home, tmp_path: Path, head: str) -> None:
    path = tmp_path / "shop_1.csv"
    path.write_bytes(SHOP_FILE.replace("preis_neu", head).replace("Milch", "Käse").encode("cp1252"))
    shop(home, columns={**SHOP["columns"], "promotion": head})
    assert command("ingest", path, "--source", "prices", "--home", home.root).exception is not None
    assert re.search("says? `?encoding: cp1252", drop(home, path.name).reason or "")


@pytest.mark.usefixtures("home")
def test_a_mapping_of_version_0_1_is_upgraded(tmp_path: Path) -> None:
    mapping = tmp_path / "old.yaml"
    old = {name: value for name, value in SHOP.items() if name not in ("time_formats", "columns")}
    columns = {"collected_at": "datum", "product": "artikel", "price": "preis", "category": "regal"}
    old |= {"time_format": "%d/%m/%Y", "retailer": "spar", "currency": "EUR", "columns": columns}
    mapping.write_text(yaml.safe_dump(old))
    upgraded = command("layout", "upgrade", mapping)
    assert upgraded.exit_code == 0
    assert yaml.safe_load(upgraded.stdout) == SHOP
    assert Layout.model_validate(SHOP) == Layout.model_validate(old)


@pytest.mark.usefixtures("home")
def test_the_schema_of_layouts_is_one_that_editors_read() -> None:
    shown = command("layout", "schema")
    assert shown.exit_code == 0
    schema = json.loads(shown.stdout)
    assert schema["type"] == "object"
    assert {"columns", "delimiter", "time_formats", "items"} <= schema["properties"].keys()


# --- what cannot be looked at, and where there is no home

UNREADABLE = {
    "missing": "there is no file",
    "folder": "is a folder, not a file",
    "empty": "is an empty file",
    "locked": "cannot be opened: permission denied",
    "binary": "is a file of bytes that are no text",
    "picture": "is an image",
    "torn": "is a file that is a damaged zip file or workbook",
    "prose": "is text",
}


def unreadable(folder: Path, what: str) -> Path:
    """A file of no use to the commands that look at files."""
    path = folder / f"{what}.csv"
    if what == "folder":
        path.mkdir()
    elif what == "locked":
        path.write_text("area,population\nE1,5\n")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("for this user nothing is locked")
    elif what != "missing":
        start = {"binary": bytes(range(1, 32)) * 9, "picture": b"\x89PNG\r\n", "torn": b"PK\3\4torn", "empty": b""}
        path.write_bytes(start.get(what, b"once upon a time\nthere was a text.\n"))
    return path


def one_sentence(result: Result) -> str:
    """The sentence with which a command failed: one line, without the words of Python and of its libraries."""
    said = sentence(result)
    assert result.exit_code == 1
    assert "\n" not in said
    assert re.search(r"Errno|Error|Exception|Traceback|Input should|\[type=", said) is None, said
    return said


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("source", ["population", "meters"])
@pytest.mark.parametrize("does", ["check", "draft"])
def test_a_file_that_cannot_be_looked_at_is_told_in_a_sentence(
    tmp_path: Path, does: str, source: str, what: str
) -> None:
    path = unreadable(tmp_path, what)
    result = command("layout", does, path, "--source", source)
    said = f"{result.output} {one_sentence(result)}"
    assert UNREADABLE[what] in said
    assert does == "check" or not result.stdout


LAYOUTS_OF_NO_USE = {
    "missing": (None, "there is no file"),
    "folder": (None, "is a folder, not a file"),
    "empty": ("", "is empty"),
    "remark": ("# nothing but a remark\n", "is empty"),
    "binary": ("\x01\x02", "is not valid YAML"),
    "torn": ("name: a\nfiles: [", "is not valid YAML in line 2"),
    "day": ("name: a\nfirst_day: 2016-13-41\n", "is not valid YAML"),
    "deep": ("[" * 5000, "is not valid YAML"),
    "list": ("[a, b]", "is no layout: it says no word with its value"),
    "text": ("just text", "is no layout"),
    "misspelt": ("name: a\ncolumns: {area: area}\ndelimeter: ;\n", "delimeter: is no word of a layout; did you mean"),
    "wrong": ("name: a\ncolumns: [area]\n", "columns is to say of each field where it comes from"),
    "former": ("name: a\ncolumns: {}\nconstants: 5\n", "constants is to say of each field where it comes from"),
    "number": ("1: 2\n", "is to be a text: write it in quotes"),
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("what", LAYOUTS_OF_NO_USE)
@pytest.mark.parametrize("does", ["check", "upgrade"])
def test_a_layout_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, does: str, what: str) -> None:
    content, expected = LAYOUTS_OF_NO_USE[what]
    layout, file = tmp_path / "mine.yaml", tmp_path / "people.csv"
    file.write_text("area,population\nE1,5\n")
    if what == "folder":
        layout.mkdir()
    elif content is not None:
        layout.write_text(content)
    check = ("check", file, "--source", "population", "--layout", layout)
    result = command("layout", *(check if does == "check" else ("upgrade", layout)))
    said = one_sentence(result)
    assert expected in said
    assert "mine.yaml" in said
    assert not result.stdout


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("does", ["check", "draft"])
def test_a_source_that_there_is_not_is_told(tmp_path: Path, does: str) -> None:
    said = one_sentence(command("layout", does, shop_file(tmp_path), "--source", "ships"))
    assert said.startswith("there is no source 'ships'; there are ")
    assert " meters, " in said


@pytest.mark.parametrize("source", ["meters", "tweets", "devices"])
def test_who_only_looks_makes_no_home(home: Home, tmp_path: Path, source: str) -> None:
    file = tmp_path / "known.csv"
    file.write_text(KNOWN[source])
    home.layouts.mkdir(parents=True)
    for arguments in (["layout", "draft", file], ["layout", "check", file]):
        assert command(*arguments, "--source", source).exit_code == 0
    mine = home.layouts / "mine.yaml"
    mine.write_text(yaml.safe_dump(SHOP))
    assert command("layout", "upgrade", mine).exit_code == 0
    for arguments in (["status"], ["retry"], ["reread", "prices"], ["names", 1]):
        said = one_sentence(command(*arguments))
        assert said == f"there is no home {home.root} yet; ons-assets ingest makes it"
    assert [path.name for path in home.root.rglob("*")] == ["layouts", "mine.yaml"]


def test_layouts_are_looked_for_in_the_folder_of_a_home_that_is_not_made(home: Home, tmp_path: Path) -> None:
    shop(home)
    checked = command("layout", "check", shop_file(tmp_path), "--source", "prices")
    assert "layout: my-office" in checked.stdout
    assert not (home.root / "secret.key").exists()


def test_a_draft_can_be_written_to_where_layouts_lie(home: Home, tmp_path: Path) -> None:
    """As a shell does it: the file is there, and empty, before the draft is."""
    assert command("ingest").exit_code == 0
    for source in operations.sources(load_settings(home.root)):
        assert (home.layouts / source.name).is_dir()
    mine = home.layouts / "prices" / "mine.yml"
    mine.touch()
    drafted = command("layout", "draft", shop_file(tmp_path), "--source", "prices")
    assert drafted.exit_code == 0
    assert "a layout of prices cannot be used: mine.yml is empty" in command("status").stdout
    taken = command("ingest", shop_file(tmp_path), "--source", "prices")
    assert sentence(taken) == "1 of 1 file refused"
    assert "in a layout that is not known" in taken.stdout
    assert command("ingest", write_run(tmp_path, "tesco", date(2016, 7, 21))).exit_code == 0
    mine.write_text(yaml.safe_dump(SHOP))
    assert command("retry", "shop_1.csv").exit_code == 0


# --- again


def test_accepted_files_are_read_again_under_another_layout(home: Home, tmp_path: Path) -> None:
    shop(home)
    assert command("ingest", shop_file(tmp_path)).exit_code == 0
    assert prices(home) == [0.99, 1.89]
    nothing = command("reread", "prices")
    assert "1 file read again, 0 with other rows" in nothing.stdout

    shop(home, columns={**SHOP["columns"], "price": "preis_neu"})
    stale = command("status")
    assert "1 file of prices, read under a layout or parameters that are other ones now" in stale.stdout
    declined = command("reread", "prices", answer="n\n")
    assert declined.exit_code == 0
    assert "1 file read again, 1 with other rows" in declined.stdout
    assert "shop_1.csv" in declined.stdout
    assert prices(home) == [0.99, 1.89]
    assert drop(home, "shop_1.csv").status is Status.ACCEPTED

    before = drop(home, "shop_1.csv").layout_sha256
    agreed = command("reread", "prices", answer="y\n")
    assert agreed.exit_code == 0, (agreed.output, agreed.exception)
    assert prices(home) == [1.09, 1.99]
    after = drop(home, "shop_1.csv")
    assert (after.status, after.accepted_rows, after.rows_in_force) == (Status.ACCEPTED, 2, 2)
    assert after.layout_sha256 != before
    assert "are other ones now" not in command("status").stdout


def test_a_reading_that_would_refuse_a_file_says_so_before(home: Home, tmp_path: Path) -> None:
    shop(home)
    assert command("ingest", shop_file(tmp_path)).exit_code == 0
    shop(home, columns={**SHOP["columns"], "price": "no_such_column"})
    declined = command("reread", "prices", answer="n\n")
    assert "refused" in declined.stdout
    assert prices(home) == [0.99, 1.89]
    agreed = command("reread", "prices", "--yes")
    assert drop(home, "shop_1.csv").status is Status.REFUSED
    rows = lake.read(home, CATALOGUE["prices/raw_quotes"]).collect()
    assert len(rows) == drop(home, "shop_1.csv").rows_in_force, (agreed.output, agreed.exception)


@pytest.mark.usefixtures("home")
def test_rereading_names_days_and_sources_that_there_are() -> None:
    command("ingest")
    assert "there is no source 'ships'" in sentence(command("reread", "ships"))
    assert "--from and --to go together" in sentence(command("reread", "prices", "--from", "2016-07-01"))


def test_a_refused_file_is_read_again_when_there_is_a_layout_for_it(home: Home, tmp_path: Path) -> None:
    refused = command("ingest", shop_file(tmp_path), "--source", "prices")
    assert sentence(refused) == "1 of 1 file refused"
    assert drop(home, "shop_1.csv").status is Status.REFUSED
    assert "no refused file in the archive is called shop_2.csv" in sentence(command("retry", "shop_2.csv"))
    assert sentence(command("retry")) == "1 of 1 file refused"
    shop(home)
    again = command("retry", "shop_1.csv")
    assert again.exit_code == 0, (again.output, again.exception)
    assert "1 file: 2 rows accepted, 0 rows in quarantine" in again.stdout
    assert drop(home, "shop_1.csv").status is Status.ACCEPTED
    assert prices(home) == [0.99, 1.89]


def test_broken_layouts_are_named(home: Home, tmp_path: Path) -> None:
    command("ingest")
    shop(home, delimiter="much too long")
    (home.root / "layouts" / "tweets" / "torn.yaml").write_text("name: [\n")
    shown = command("status")
    assert shown.exit_code == 0
    assert "a layout of prices cannot be used: my-office.yaml: delimiter" in shown.stdout
    assert "a layout of tweets cannot be used: torn.yaml is not valid YAML" in shown.stdout
    refused = command("ingest", shop_file(tmp_path), "--source", "prices")
    assert "would be read by a layout that cannot be used" in refused.stdout


# --- files beside others


def test_good_files_are_taken_whatever_lies_beside_them(home: Home, tmp_path: Path) -> None:
    good = [write_run(tmp_path, "tesco", date(2016, 7, 21)), write_run(tmp_path, "waitrose", date(2016, 7, 22))]
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir\n")
    dangling = tmp_path / "asda_products_20160721050000.csv"
    dangling.symlink_to(tmp_path / "nowhere")
    damaged = tmp_path / "sainsbury_products_20160721050000.csv.gz"
    packed = gzip.compress(good[0].read_bytes())
    damaged.write_bytes(packed[:30] + bytes(20) + packed[50:])
    folder = tmp_path / "folder"
    folder.mkdir()
    taken = command("ingest", letter, good[0], dangling, damaged, folder, good[1])
    assert sentence(taken) == "1 of 3 files refused; 3 files not taken"
    assert "3 files: 6 rows accepted" in taken.stdout
    assert "no source recognises letter.txt" in taken.stderr
    assert f"there is no file {dangling}" in taken.stderr
    assert "no source recognises folder" in taken.stderr
    assert drop(home, damaged.name).status is Status.REFUSED
    assert "gzip" in str(drop(home, damaged.name).reason)
    statuses = {each.name: each.status for each in Ledger(home).drops()}
    assert [statuses[path.name] for path in good] == [Status.ACCEPTED] * 2


def test_all_that_lies_in_the_folders_is_taken_whatever_it_is(home: Home) -> None:
    assert command("ingest").exit_code == 0
    folder = home.drops / "prices"
    good = write_run(folder, "tesco", date(2016, 7, 21))
    (folder / "link.csv").symlink_to(good)
    (folder / "notes.pdf").write_bytes(b"%PDF-1.4\n")
    os.mkfifo(folder / "pipe")
    taken = command("ingest")
    assert sentence(taken) == "3 of 4 files refused"
    assert drop(home, good.name).status is Status.ACCEPTED
    assert drop(home, "notes.pdf").reason == "notes.pdf is a PDF, which is not read"
    assert pl.Series(prices(home)).len() == 3


@pytest.mark.parametrize("width", [60, 80, 250])
def test_rows_can_be_read_on_a_terminal_of_any_width(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """A quote has some twenty fields: beside each other they leave a letter a line."""
    shop(home)
    monkeypatch.setattr(cli.console, "_width", width)
    checked = command("layout", "check", shop_file(tmp_path), "--source", "prices")
    assert checked.exit_code == 0, checked.output
    assert max(map(len, checked.stdout.split("\n"))) <= width
    for word in ("retailer", "collected_on", "2016-07-21", "Milch 1l", "Milch 2l", "211709", "1.89"):
        assert word in checked.stdout
    # A column that says nothing takes no room.
    assert "unit_price" not in checked.stdout
