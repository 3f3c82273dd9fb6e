"""Every pilot's tables are the same to the last bit, whichever engine works their parts.

Worlds are tiny, or as large as $PILOTS_SCALE says (small, medium); then what each engine took is printed:

    PILOTS_SCALE=small pytest -s tests/engine/test_pilots.py
"""

import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_assets import operations
from ons_assets.definitions import FOLLOWING
from ons_assets.engine.local import HERE, Processes
from ons_assets.engine.parts import Engine, Made, Part
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.derivation import Made as MadeTables
from ons_assets.lakehouse.derivation import Waiting
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.assets import DerivedAsset
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.settings import Settings
from ons_assets.simulate.mobile import Scale as MobileScale
from tests.spark_server import spark_engine
from tests.test_one_unit import DOMAINS

# So few at once that tables have several parts.
FEW = {
    "ons_assets.lakehouse.buckets.ROWS_AT_ONCE": 100,
    "ons_assets.prices.compilation.PRICES_AT_ONCE": 100,
    "ons_assets.mobile.assets.EVENTS_AT_ONCE": 5_000,
    "ons_assets.mobile.spans.EVENTS_AT_ONCE": 5_000,
}
PARAMETERS = {"tweets": {"locating": {"area_level": "district"}, "memory": {"rows_at_once": 400}}}
SCALES = {"mobile": MobileScale("tiny", 300, date(2014, 10, 6), 8, 4.0, 6.0, True)}
# For larger worlds: as many times the rows, so that there are parts still.
ASKED = os.environ.get("PILOTS_SCALE")
TIMES = {None: 1, "small": 20}.get(ASKED, 400)
# When a figure was told, first and last, is of the clock.
MOMENT = "published_utc"
# What has several parts.
MAPPED = {
    "tweets": {"tweets/located_tweets", "tweets/users", "tweets/clusters", "tweets/user_anchors", "tweets/residences"},
    "meters": {
        "meters/half_hours",
        "meters/reading_quality",
        "meters/daily_consumption",
        "meters/profiles",
        "meters/low_use_runs",
        "meters/occupancy_probabilities",
        "meters/daily_absence",
    },
    "mobile": {
        "mobile/device_anchors",
        "mobile/daily_permanence",
        "mobile/midterm_permanence",
        "mobile/time_segments",
        "mobile/tourism_trips",
        "mobile/usual_environment",
        "mobile/internal_migration",
        "mobile/present_population",
    },
    "prices": {"prices/checked_quotes", "prices/item_indices"},
}


class Counting:
    """An engine that counts the parts that another works."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.parts = engine, 0

    def map(self, function: Callable[..., Made], parts: Iterable[Part], at_once: int = 1) -> Iterator[Made]:
        for made in self.engine.map(function, parts, at_once):
            self.parts += 1
            yield made


def in_order(name: str) -> list[DerivedAsset]:
    """The assets of a domain, each after those that it is made of."""
    of = {table.name: asset for asset in FOLLOWING for table in asset.tables if table.domain == name}
    before = {
        asset.tables[0].name: {
            of[each.name].tables[0].name
            for each in (*asset.derivation.inputs, *asset.derivation.optional)
            if each.name in of
        }
        for asset in of.values()
    }
    return [of[each] for each in TopologicalSorter(before).static_order()]


def made(
    settings: Settings, name: str, engine: Engine, patch: pytest.MonkeyPatch
) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """The tables of a domain, and of how many parts an engine made those that it made."""
    lakehouse = Lakehouse.of(settings)
    tables, parts = {}, {}
    for asset in in_order(name):
        if asset.by_day:
            continue
        counting = Counting(engine)
        patch.setattr(Lakehouse, "engine", property(lambda _, counting=counting: counting))
        outcome = asset.derive(lakehouse, f"by {type(engine).__name__}", None)
        if isinstance(outcome, Waiting):
            continue
        assert isinstance(outcome, MadeTables), outcome
        parts[asset.tables[0].name] = counting.parts
        for table in asset.tables:
            rows = lake.read(lakehouse.home, table).sort(table.key).collect()
            tables[table.name] = rows.select(each for each in rows.columns if not each.endswith(MOMENT))
    return tables, parts


def world(name: str, folder: Path) -> Settings:
    """A home into which the files of a small world were read."""
    scale: Any = ASKED or SCALES.get(name, DOMAINS[name].scale)
    import_module(f"ons_assets.demo.{name}").simulate(folder / "drops", folder / "truth", scale)
    given: Any = PARAMETERS.get(name, DOMAINS[name].parameters)
    if "memory" in given:
        given = {**given, "memory": {each: TIMES * rows for each, rows in given["memory"].items()}}
    settings = Settings(home=folder / "home", **{name: given})
    operations.open_home(settings)
    for source in sorted((folder / "drops").iterdir()):
        operations.take(settings, sorted(source.iterdir()), source.name, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    return settings


@contextmanager
def told(name: str, engine: str) -> Iterator[None]:
    """Print what a larger world took: seconds, and the most memory so far of this process and of any that it began."""
    began = time.perf_counter()
    yield
    if ASKED is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        others = max(map(peak_gigabytes, children()), default=0.0)
        seconds = time.perf_counter() - began
        print(f"{name:<8} {ASKED:<8} {engine:<14} {seconds:8.1f} s {peak:6.2f} GB, of others {others:6.2f} GB")


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def peak_gigabytes(process: str) -> float:
    said = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return float(said.get("VmHWM", "0 kB").split()[0]) / 1e6


@pytest.mark.parametrize("name", MAPPED)
def test_tables_are_the_same_to_the_last_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in FEW.items():
        monkeypatch.setattr(constant, value * TIMES)
    settings = world(name, tmp_path)
    with told(name, "this process"):
        here, parts = made(settings, name, HERE, monkeypatch)
    assert {each for each, number in parts.items() if number > 1} >= MAPPED[name]
    home = Home(settings.home)
    engines: list[Engine] = [spark_engine(home.staging)]
    if name == "meters":
        # Processes begin anew with each home, which takes long; what they do is the same for every pilot.
        engines.append(Processes(2))
    for engine in engines:
        for table in here:
            # What was made before would be added to.
            home.table(table).rename(tmp_path / f"{type(engine).__name__}-{table.replace('/', '-')}")
        with told(name, type(engine).__name__):
            there, of_parts = made(settings, name, engine, monkeypatch)
        assert of_parts == parts
        assert there.keys() == here.keys()
        for table, rows in here.items():
            assert_frame_equal(rows, there[table], check_exact=True)
        assert list(home.staging.rglob("*.parquet")) == []
