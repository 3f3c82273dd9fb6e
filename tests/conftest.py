"""Fixtures that every room of the house uses."""

import gc
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from ons_assets import garbage
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.judge import great_expectations
from ons_assets.orchestration import runs
from tests.shared import DATA
from tests.workbench import Workbench

# No test is timed: how long an example takes is a matter of what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Look for no garbage while tests are found: what they import stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, as seldom as the commands do: what was imported is much."""
    # Most tests need it, and it is imported late.
    great_expectations()
    gc.freeze()
    garbage.look_seldom()
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that lies beside a checkout; tests that need it skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"real data not found: {DATA} (set ONS_ASSETS_SHARED_DATA to its folder)")
    return DATA


@pytest.fixture(scope="session", autouse=True)
def storage_of_dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make Dagster's storage once, and copy it into new homes: its migrations take a quarter of a second.

    Processes of their own, as in `test_runs`, make it as a user's do.
    """
    prepare = runs.prepare_instance

    @cache
    def made() -> Path:
        home = Home(tmp_path_factory.mktemp("storage") / "home").ensure()
        prepare(home)
        return home.dagster

    def copy_and_prepare(home: Home) -> None:
        if not any(home.dagster.glob("*")):
            shutil.copytree(made(), home.dagster, dirs_exist_ok=True)
        prepare(home)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "prepare_instance", copy_and_prepare)
        yield


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    """A home of its own, with the ledger and the source of quotes."""
    return Workbench.at(tmp_path)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name packed bytes alike in every process: they hold the time at which they were packed."""
    packed = (b"\x1f\x8b", b"PK")
    return "packed" if isinstance(val, bytes) and val.startswith(packed) else None
