"""A worker, an executor or the process that asks is killed: of the table nothing is lost, and nothing doubled."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from ons_assets.engine.local import Processes
from ons_assets.engine.parts import Impossible
from ons_assets.intake.recovery import recover
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Made
from ons_assets.lakehouse.home import Home
from tests.engine import losses
from tests.engine.losses import NUMBERS, NUMBERS_OF_A_PART, PARTS, made, slowly, with_a_loss
from tests.spark_server import is_spark_itself, leave, spark_engine

START_SECONDS = 120


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    path = tmp_path / "suites" / f"{NUMBERS.name}.json"
    path.parent.mkdir(parents=True)
    within = {"column": "number", "min_value": 0, "max_value": NUMBERS_OF_A_PART}
    stated = [{"type": "expect_column_values_to_be_between", "kwargs": within, "severity": "critical"}]
    path.write_text(json.dumps({"name": NUMBERS.name, "expectations": stated}))
    return tmp_path / "suites"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def assert_whole(home: Home) -> None:
    rows = lake.read(home, NUMBERS).sort(NUMBERS.key).collect()
    assert rows.group_by("part").len().sort("part").rows() == [(part, NUMBERS_OF_A_PART) for part in range(PARTS)]
    assert rows.is_unique().all()
    assert [each.number for each in lake.versions(home, NUMBERS)] == [0]
    assert list(home.staging.rglob("*.parquet")) == []


@pytest.mark.parametrize("lost", ["worker", "executor"])
def test_what_a_worker_lost_is_made_again_by_another(home: Home, suites: Path, tmp_path: Path, lost: str) -> None:
    engine = spark_engine(home.staging)
    if not is_spark_itself(engine.address):
        pytest.skip("Sail works in one process: losing a worker needs a cluster of Spark itself (make test-spark)")
    mark = tmp_path / "lost"
    outcome = made(home, suites, engine, partial(with_a_loss, mark=mark, lost=lost), "with a loss")
    assert isinstance(outcome, Made)
    assert mark.exists()
    assert_whole(home)


def test_a_table_whose_process_was_killed_stays_as_it_was(home: Home, suites: Path, tmp_path: Path) -> None:
    engine, mark = Processes(2), tmp_path / "lost"
    with pytest.raises(Impossible):
        made(home, suites, engine, partial(with_a_loss, mark=mark, lost="worker"), "killed")
    assert not lake.exists(home, NUMBERS)
    assert list(home.staging.rglob("*.parquet")) == []
    assert isinstance(made(home, suites, engine, partial(with_a_loss, mark=mark, lost="worker"), "again"), Made)
    assert_whole(home)


def test_who_asked_is_killed_and_the_next_makes_the_table_whole(home: Home, suites: Path, tmp_path: Path) -> None:
    engine, mark = spark_engine(home.staging), tmp_path / "staged"
    leave(engine.address)
    asking = subprocess.Popen(
        [sys.executable, "-m", losses.__name__, engine.address, str(home.root), str(suites), str(mark)]
    )
    until = time.monotonic() + START_SECONDS
    while not (mark.exists() and list(home.staging.rglob("part-*.parquet"))):
        assert asking.poll() is None, "it ended by itself"
        assert time.monotonic() < until
        time.sleep(0.05)
    asking.kill()
    asking.wait()
    assert not lake.exists(home, NUMBERS)
    assert recover(home)
    assert list(home.staging.iterdir()) == []
    # Tasks of the one who was killed are still at work, and find nowhere to put what they make.
    mark.with_suffix(".killed").touch()
    assert isinstance(made(home, suites, engine, partial(slowly, mark=mark), "again"), Made)
    assert_whole(home)
