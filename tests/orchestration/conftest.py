"""A home of its own for each test, with a copy of the suites that the test may change."""

import json
import shutil
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.settings import Drops, Settings, load_settings

SUITES = Path(__file__).resolve().parents[2] / "expectations"


def settings_at(folder: Path) -> Settings:
    """Return the settings of the home in a folder, opened; both are made if they are not there."""
    suites = folder / "expectations"
    if not suites.exists():
        shutil.copytree(SUITES, suites)
    made = load_settings(folder / "home").model_copy(update={"expectations": suites, "drops": Drops(settle_seconds=0)})
    operations.open_home(made)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_at(tmp_path)


def tighten(settings: Settings, table: str, kind: str, severity: str | None = None, **kwargs: object) -> None:
    """Change an expectation in the JSON, as somebody who does not program would."""
    path = settings.expectations / f"{table}.json"
    suite = json.loads(path.read_text())
    expectation = next(each for each in suite["expectations"] if each["type"] == kind)
    expectation["kwargs"] |= kwargs
    if severity is not None:
        expectation["severity"] = severity
    path.write_text(json.dumps(suite))


def silent(_: str) -> None:
    """Take progress and show nothing."""
