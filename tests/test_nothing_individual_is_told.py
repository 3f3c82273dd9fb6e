"""Files about people are full of a word, in every place: it is found nowhere that others than their owner can read."""

import errno
import io
import json
import os
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from ons_assets import cli, operations
from ons_assets.definitions import RAW, sensor_of_files
from ons_assets.intake import taking
from ons_assets.intake.ledger import Ledger
from ons_assets.intake.source import Source
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import instance
from ons_assets.settings import Drops, Settings
from tests.intake.samples import SAMPLES

WORD = "Zaphod9913"
OTHERS_CAN = 0o077


def individual(home: Path) -> list[Source]:
    return [source for raw in RAW if (source := raw.source(Settings(home=home))).is_individual]


def files(source: str) -> dict[str, bytes]:
    """Files of a source that hold the word in their name, header, cells, tags, keys and members."""
    valid, full = SAMPLES[source].make("A17"), SAMPLES[source].make(WORD)
    headerless = b"\n".join(full.split(b"\n")[1:]) or full
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(f"{WORD}.csv", headerless)
        packed.writestr(f"{WORD}/{WORD}.zip", b"PK\3\4" + WORD.encode())
    return {
        f"{WORD}-{SAMPLES[source].name}": valid,
        f"{WORD}-cells-{SAMPLES[source].name}": full,
        f"{WORD}-again-{SAMPLES[source].name}": full,
        f"{WORD}-headerless.csv": headerless,
        f"{WORD}-header.csv": f"{WORD},{WORD} b,c\n{WORD},2,3\n".encode(),
        f"{WORD}-cells.csv": valid.split(b"\n")[0] + b"\n" + b",".join([WORD.encode()] * 9) + b"\n",
        f"{WORD}.json": f'{{"{WORD}": [{{"{WORD}": "{WORD}"}}, {{"{WORD}": 1}}]}}'.encode(),
        f"{WORD}.jsonl": f'{{"{WORD}": "{WORD}"}}\nnot {WORD}\n'.encode(),
        f"{WORD}.xml": f"<a><{WORD}><b>{WORD}</b></{WORD}><{WORD}/></a>".encode(),
        f"{WORD}.zip": archive.getvalue(),
        f"{WORD}.xlsx": archive.getvalue(),
        f"{WORD}.parquet": b"PAR1" + WORD.encode() + b"PAR1",
        f"{WORD}-empty.csv": b"",
    }


def open_to_others(root: Path) -> Iterator[Path]:
    """All files and folders below a folder that others than its owner may enter or read."""
    for path in root.iterdir():
        if path.is_symlink() or not path.stat().st_mode & OTHERS_CAN:
            continue
        yield path
        if path.is_dir():
            yield from open_to_others(path)


def said(path: Path) -> str:
    """All that a file says, whatever it is packed in."""
    if path.is_dir():
        return path.name
    try:
        text = path.name + path.read_bytes().decode("latin-1")
    except FileNotFoundError:
        # A process that ended took it away.
        return path.name
    if path.suffix == ".parquet":
        text += str(pl.read_parquet(path, glob=False).to_dicts())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as database:
            tables = database.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            text += str([database.sql(f'FROM "{schema}"."{table}"').fetchall() for schema, table in tables])
    elif path.suffix in (".db", ".sqlite"):
        with sqlite3.connect(path) as database:
            text += "\n".join(database.iterdump())
    return text


def test_no_word_of_a_file_about_people_is_found_where_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("ONS_ASSETS_HOME", str(home))
    monkeypatch.setattr(cli.console, "_width", 250)
    operations.open_home(Settings(home=home))
    sources = individual(home)
    assert sources
    for source in sources:
        folder = home / "drops" / source.name
        for name, content in files(source.name).items():
            (folder / name).write_bytes(content)
        (folder / f"{WORD}-folder").mkdir()
        (folder / f"{WORD}-link.csv").symlink_to(folder / f"{WORD}.json")
    told = [run("ingest"), run("retry")]
    # Refused, permitted, without a reason, and with one that says whom.
    told += [run("meter", "show", WORD, *said) for said in ([], ["--consented", "--reason", "why"], ["--consented"])]
    told += [run("meter", "show", WORD, "--consented", "--reason", f"of {WORD}")]
    told += [run("materialize", "governance"), run("status"), run("report"), run("report", "--summary")]
    for source in sources:
        for number, content in enumerate(files(source.name).values()):
            file = tmp_path / f"{WORD}-{number}{('.csv', f'.{WORD}')[number % 2]}"
            file.write_bytes(content)
            told += [run("layout", does, str(file), "--source", source.name) for does in ("check", "draft")]
    assert WORD.lower() not in "\n".join(told).lower()
    drops = Ledger(Home(home)).drops()
    assert {drop.source for drop in drops} == {source.name for source in sources}
    assert all(WORD in drop.original_name for drop in drops)
    assert (home / "lake" / "governance" / "drop_ledger").is_dir()
    report = home / "reports" / "governance"
    assert "file 1" in (report / "refused.html").read_text()
    assert all((report / f"tables/{source.table}.html").exists() for source in sources)
    found = [path for path in open_to_others(home) if WORD.lower() in said(path).lower()]
    assert found == []


def test_what_a_supplier_called_a_file_is_told_to_who_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(cli.console, "_width", 250)
    file = tmp_path / f"{WORD}.csv"
    file.write_text("a,b\n1,2\n")
    assert "file 1" in run("ingest", str(file), "--source", "meters")
    assert run("names", "1") == f"file 1: {WORD}.csv\n"
    assert "there is no file 2 in the ledger" in run("names", "2")
    assert "file 1" in run("retry", f"{WORD}.csv")


def test_no_name_of_a_file_about_people_is_in_what_a_sensor_keeps_or_says(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(home=tmp_path, drops=Drops(settle_seconds=0))
    operations.open_home(settings)
    sources, sensor = [source.name for source in individual(tmp_path)], sensor_of_files(settings)
    for source in sources:
        for name in (f"{WORD}.csv", f"{WORD}-empty.csv", os.fsdecode(WORD.encode() + b"\xff.csv")):
            file = tmp_path / "drops" / source / name
            file.write_text("" if "empty" in name else f"a\n{name.isascii()}\n")
    cursor: str | None = None
    # A look has its time, and may leave some sources to the next one.
    for _ in range(2 * len(sources)):
        with instance(Home(tmp_path)) as opened:
            lakehouse = {"lakehouse": Lakehouse.of(settings)}
            result = sensor(dg.build_sensor_context(instance=opened, cursor=cursor, resources=lakehouse))
        assert isinstance(result, dg.SensorResult)
        assert WORD not in str(result)
        cursor = result.cursor
    remembered = json.loads(str(cursor))["seen"]
    for source in sources:
        assert source in remembered, "the file that was refused is remembered, and not taken at every look"
        assert len(Ledger(Home(tmp_path)).drops(source)) == 3
    assert WORD not in "".join(capfd.readouterr())


def test_no_name_of_a_file_about_people_is_in_what_is_said_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONS_ASSETS_HOME", str(tmp_path))
    operations.open_home(Settings(home=tmp_path))
    file = tmp_path / "drops" / "meters" / f"{WORD}.csv"
    file.write_text("a\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(file))

    with monkeypatch.context() as patched:
        patched.setattr(taking, "register", full)
        told = run("ingest")
    assert "Too many open files" in told
    assert WORD not in told

    def gone(*_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file", str(file))

    monkeypatch.setattr(taking, "register", gone)
    assert run("ingest").strip() == "no file was waiting", "another process has taken it"


def run(*arguments: str) -> str:
    """All that a command says."""
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.output + (f"{result.exception}" if result.exception else "")
