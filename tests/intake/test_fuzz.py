"""Damaged files of every source: some of them here, many with `make fuzz`; see `tests.fuzz` for what must hold."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ons_assets.definitions import RAW
from ons_assets.intake.source import Piece
from ons_assets.orchestration.assets import RawAsset
from ons_assets.settings import Settings
from tests import fuzz
from tests.fuzz import open_gate, tried
from tests.intake.mutations import DAMAGES, OTHERS, Mutant, mutant
from tests.intake.samples import MARKER, SAMPLES

MUTATIONS = 9
NAMES = {raw.source(Settings(home=Path("unused"))).name: raw for raw in RAW}


@pytest.fixture
def gate() -> Iterator[None]:
    with open_gate():
        yield


def test_every_source_has_a_sample() -> None:
    assert sorted(SAMPLES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("gate")
def test_a_sample_is_good(name: str, tmp_path: Path) -> None:
    """`tried` without damaged files says whether the good one is taken whole."""
    assert tried(NAMES[name], [], tmp_path) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("gate")
def test_nothing_that_is_wrong_with_a_file_harms_more_than_it(name: str, tmp_path: Path) -> None:
    first = 1_000 * list(NAMES).index(name)
    assert list(map(str, tried(NAMES[name], range(first, first + MUTATIONS), tmp_path))) == []


@pytest.mark.parametrize("name", ["phone_events", "item_weights"])
def test_it_holds_with_the_gate_as_it_is(name: str, tmp_path: Path) -> None:
    assert list(map(str, tried(NAMES[name], range(4), tmp_path))) == []


# Found by `make fuzz`, and mended.
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("devices", 36),  # a list in a column of Parquet
        ("population", 1641),  # an archive with a member of none of the columns
        ("workers", 1689),
        ("cells", 60378),  # times of day where days are expected
    ],
)
@pytest.mark.usefixtures("gate")
def test_what_was_found_stays_mended(name: str, seed: int, tmp_path: Path) -> None:
    assert list(map(str, tried(NAMES[name], [seed], tmp_path))) == []


def test_the_same_seed_gives_the_same_file_and_every_damage_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [mutant(SAMPLES["item_weights"], seed) for seed in range(1_500)]
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert [mutant(SAMPLES["item_weights"], seed) for seed in range(1_500)] == made, "whenever it is made"
    said = {each.how for each in made}
    # What changes values in JSON is done to tables as flipped bits.
    assert {*DAMAGES} <= said | {"other values in JSON"}
    assert {*OTHERS} - {"not UTF-8"} <= said


def _broken(monkeypatch: pytest.MonkeyPatch, raw: RawAsset, broken: object) -> None:
    kind = type(raw.source(Settings(home=Path("unused"))))
    monkeypatch.setattr(kind, "read", broken(kind.read))  # type: ignore[operator]


@pytest.mark.usefixtures("gate")
def test_a_source_that_quotes_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quoting(read: object) -> object:
        def quotes(self: object, path: Path, name: str, received_utc: datetime, layout: object) -> Iterator[Piece]:
            for piece in read(self, path, name, received_utc, layout):  # type: ignore[operator]
                yield Piece(piece.accepted, piece.rejected, (str(path.read_bytes()[:300]),), usable=piece.usable)

        return quotes

    _broken(monkeypatch, NAMES["devices"], quoting)
    plain = Mutant("nothing", b"a.csv", SAMPLES["devices"].make(MARKER))
    monkeypatch.setattr(fuzz, "mutant", lambda *_: plain)
    found = tried(NAMES["devices"], [1], tmp_path)
    assert any("quotes the file" in each.what for each in found)


@pytest.mark.usefixtures("gate")
def test_a_source_that_loses_rows_of_a_neighbour_or_raises_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def forgetful(read: object) -> object:
        def forgets(self: object, path: Path, name: str, received_utc: datetime, layout: object) -> Iterator[Piece]:
            calls.append(name)
            for piece in read(self, path, name, received_utc, layout):  # type: ignore[operator]
                kept = piece.accepted if len(calls) == 1 else piece.accepted.head(1)
                yield Piece(kept, usable=len(kept))

        return forgets

    _broken(monkeypatch, NAMES["workers"], forgetful)
    assert [each.what for each in tried(NAMES["workers"], [], tmp_path / "one")] == [
        "gives other rows beside [] than alone"
    ]

    def fails(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("boom")

    monkeypatch.setattr(fuzz.ingestion, "ingest", fails)
    (tmp_path / "two").mkdir()
    assert "raised ComputeError" in tried(NAMES["workers"], [1], tmp_path / "two")[0].what


def test_the_program_stays_within_its_memory() -> None:
    """In a process of its own, whatever the one that starts it holds; records of two megabytes are among them."""
    held = bytearray(fuzz.MOST_MEMORY_KB * 1024)
    command = [sys.executable, "-m", "tests.fuzz", "--mutations", "46", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    del held
    assert done.returncode == 0, done.stdout + done.stderr
    assert "46 files" in done.stdout
