"""Every engine gives the same, in the same order, and tells nothing of the rows."""

import os
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from ons_assets.engine.choice import engine_of
from ons_assets.engine.local import HERE, Processes
from ons_assets.engine.parts import Engine, Impossible, PartFailed
from ons_assets.engine.spark import SparkEngine
from ons_assets.lakehouse.suites import SuiteError
from tests.engine import functions
from tests.spark_server import spark_engine

ENGINES = ["here", "processes", "spark"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    match request.param:
        case "here":
            return HERE
        case "processes":
            return Processes(2)
    return spark_engine(tmp_path)


@pytest.fixture
def rows(tmp_path: Path) -> pl.LazyFrame:
    pl.DataFrame({"value": range(100), "bucket": [number % 7 for number in range(100)]}).write_parquet(
        tmp_path / "rows.parquet"
    )
    return pl.scan_parquet(tmp_path / "rows.parquet")


def test_parts_come_back_in_their_order(engine: Engine, rows: pl.LazyFrame) -> None:
    parts = [(rows.filter(bucket=bucket),) for bucket in range(7)]
    expected = [2 * sum(range(bucket, 100, 7)) for bucket in range(7)]
    assert list(engine.map(partial(functions.total, times=2), parts)) == expected
    assert list(engine.map(partial(functions.total, times=2), parts, at_once=3)) == expected
    assert list(engine.map(functions.total, iter(()))) == []


def test_an_exception_of_the_project_comes_as_it_is(engine: Engine, rows: pl.LazyFrame) -> None:
    with pytest.raises(SuiteError, match=r"^a sentence of the project$"):
        list(engine.map(functions.ours, [(rows,)]))


@pytest.mark.parametrize(
    ("function", "kind"),
    [(functions.quoting, "ValueError"), (functions.panicking, "PanicException"), (functions.leaving, "SystemExit")],
)
@pytest.mark.parametrize("engine", ENGINES[1:], indirect=True)
def test_what_is_said_of_a_row_stays_where_it_was_said(
    engine: Engine, rows: pl.LazyFrame, function: Callable[[pl.DataFrame], None], kind: str
) -> None:
    with pytest.raises(PartFailed) as raised:
        list(engine.map(function, [(rows.filter(pl.col("value") == 42),)]))
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert str(raised.value).startswith(f"{kind} at ons_assets/engine/parts.py")


@pytest.mark.parametrize("engine", ENGINES[1:], indirect=True)
def test_an_exception_that_cannot_be_sent_leaves_its_kind(engine: Engine, rows: pl.LazyFrame) -> None:
    with pytest.raises(PartFailed, match=r"^Refused: "):
        list(engine.map(functions.refused, [(rows,)]))


def test_what_comes_before_a_fault_was_given(engine: Engine) -> None:
    given = []
    results = engine.map(partial(functions.fails_at, bad=3), [(number,) for number in range(6)])
    with pytest.raises(SuiteError, match="part 3"):
        given.extend(results)
    assert given == [0, 1, 2]


@pytest.mark.parametrize("engine", ENGINES[1:], indirect=True)
def test_another_process_works(engine: Engine) -> None:
    assert os.getpid() not in set(engine.map(functions.worker, [(number,) for number in range(4)]))


def test_parts_are_made_when_they_are_wanted() -> None:
    made = []

    def parts() -> Iterator[tuple[int]]:
        for number in range(5):
            made.append(number)
            yield (number,)

    results = HERE.map(functions.worker, parts())
    assert made == []
    next(results)
    assert made == [0]


def test_a_process_that_was_killed_is_a_sentence_and_the_next_call_works(tmp_path: Path) -> None:
    engine = Processes(2)
    parts = [(number,) for number in range(4)]
    kill = partial(functions.killed_once, mark=tmp_path / "mark")
    with pytest.raises(Impossible, match=r"killed; there may not be memory for engine.processes = 2"):
        list(engine.map(kill, parts))
    assert list(engine.map(kill, parts)) == [0, 1, 2, 3]


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    engine = spark_engine(tmp_path)
    assert list(engine.map(partial(functions.fails_at, bad=9), [(1,), (2,)])) == [1, 2]
    with pytest.raises(SuiteError):
        list(engine.map(partial(functions.fails_at, bad=1), [(1,), (2,)]))
    assert list(tmp_path.iterdir()) == []


def test_a_worker_with_another_program_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = spark_engine(tmp_path)
    monkeypatch.setattr("ons_assets.engine.spark.code_version", lambda: "0.0.0+other")
    with pytest.raises(Impossible, match=r"^a worker has .*, and the run 0\.0\.0\+other$"):
        list(engine.map(functions.worker, [(0,)]))


def test_nobody_at_the_address_is_a_sentence(tmp_path: Path) -> None:
    engine = SparkEngine("sc://127.0.0.1:1", tmp_path, {})
    with pytest.raises(Impossible, match=r"^nobody answers as Spark at sc://127\.0\.0\.1:1: Connection refused$"):
        list(engine.map(functions.worker, [(0,)]))


def test_a_home_says_which_engine_works(tmp_path: Path) -> None:
    assert engine_of(1, None, {}, tmp_path) is HERE
    assert isinstance(engine_of(2, None, {}, tmp_path), Processes)
    assert engine_of(2, "sc://host", {"a": "b"}, tmp_path) == SparkEngine("sc://host", tmp_path, {"a": "b"})
