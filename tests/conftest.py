"""Fixtures that every room of the house uses."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from ons_assets import garbage
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
    import great_expectations  # noqa: F401

    gc.freeze()
    garbage.look_seldom()
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data that lies beside a checkout; tests that need it skip where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"real data not found: {DATA} (set ONS_ASSETS_SHARED_DATA to its folder)")
    return DATA


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    """A home of its own, with the ledger and the source of quotes."""
    return Workbench.at(tmp_path)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name packed bytes alike in every process: they hold the time at which they were packed."""
    packed = (b"\x1f\x8b", b"PK")
    return "packed" if isinstance(val, bytes) and val.startswith(packed) else None
