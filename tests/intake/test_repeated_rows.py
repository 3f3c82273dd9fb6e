"""A row that is written twice counts once, whatever the source: the second is rejected and says which it repeats."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ons_assets.definitions import RAW
from ons_assets.intake.source import Piece, Source
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from tests.intake.samples import SAMPLES, TABLES

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
# Columns that count what came, and where it stood.
COUNTS = ("line", "received", "repeated")


@pytest.fixture
def source(name: str, tmp_path: Path) -> Source:
    settings = Settings(home=Home(tmp_path / "home").ensure().root)
    return next(made for raw in RAW if (made := raw.source(settings)).name == name)


def lines_of(name: str) -> tuple[str, list[bytes], list[bytes]]:
    """The name of a sample whose records are lines, its header, and its records."""
    content = TABLES["areas"] if name == "areas" else SAMPLES[name].make("good")
    lines = content.splitlines(keepends=True)
    headless = name in ("meters", "tweets")
    return ("a.csv" if name == "areas" else SAMPLES[name].name), lines[: not headless], lines[not headless :]


def read(source: Source, path: Path, content: bytes) -> Piece:
    path.write_bytes(content)
    return source.whole(path, path.name, RECEIVED)


def table(piece: Piece) -> pl.DataFrame:
    rows = piece.accepted.drop(COUNTS, strict=False)
    return rows.select(sorted(rows.columns)).sort(pl.exclude(pl.List))


@pytest.mark.parametrize("in_turn", [True, False], ids=["each-twice", "all-again"])
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_file_in_which_every_row_is_written_twice_is_the_file(source: Source, tmp_path: Path, in_turn: bool) -> None:
    called, header, rows = lines_of(source.name)
    once = read(source, tmp_path / called, b"".join([*header, *rows]))
    again = [row for row in rows for _ in range(2)] if in_turn else rows * 2
    twice = read(source, tmp_path / called, b"".join([*header, *again]))
    if source.name == "prices":
        # Pages that a scraper read twice are what the collection report counts, and `checked_quotes` flags.
        assert len(twice.accepted) == 2 * len(once.accepted)
        return
    assert table(once).equals(table(twice))
    if "repeated" in twice.accepted.columns:
        # Readings are counted in their day.
        assert twice.accepted["repeated"].sum() == len(rows) == twice.accepted["received"].sum() / 2
        return
    assert len(twice.accepted) == len(twice.rejected) == len(once.accepted)
    shift = len(header) + 1
    places = (
        {shift + 2 * row + 1: shift + 2 * row for row in range(len(rows))}
        if in_turn
        else {shift + len(rows) + row: shift + row for row in range(len(rows))}
    )
    said = dict(twice.rejected.select("line", "reason").rows())
    assert said == {line: f"repeats line {first}" for line, first in places.items()}
