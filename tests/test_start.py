"""What a command loads before it can begin: no test measures time, so it is held to the modules that take it."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.run_files import write_run

# What takes as long to load as all else that a light command does, or longer.
HEAVY = {
    "altair",
    "dagster",
    "great_expectations",
    "highspy",
    "lxml",
    "openpyxl",
    "pandas",
    "pyarrow.compute",
    "scipy.optimize",
    "scipy.sparse",
    "scipy.stats",
    "scrapy",
    "sklearn",
    "sqlalchemy",
}
# What whoever only asks for help has no need of.
OF_TABLES = {"deltalake", "duckdb", "numpy", "polars", "pyarrow", "pyproj", "shapely", "yaml"}
# What Dagster, the gate and the disclosure step need themselves; of the others a small file asks nothing.
OF_ASSETS = {"dagster", "great_expectations", "highspy", "pandas", "pyarrow.compute", "scipy.sparse", "sqlalchemy"}
LOADED = """
import json, sys
from ons_assets.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps([*sys.modules]))
"""


def loaded_by(*arguments: object, home: Path) -> set[str]:
    """Names of the modules that are there when a command has ended well."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "ONS_ASSETS_HOME": str(home)},
        cwd=home.parent,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return {*json.loads(ended.stdout.splitlines()[-1])}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("start") / "home"


@pytest.mark.parametrize("arguments", [("--help",), ("ingest", "--help"), ("harvest", "--help")])
def test_help_needs_neither_tables_nor_settings(arguments: tuple[str, ...], home: Path) -> None:
    loaded = loaded_by(*arguments, home=home)
    assert loaded & (HEAVY | OF_TABLES) == set()
    assert "ons_assets.settings" not in loaded


def test_a_command_loads_what_it_needs(home: Path) -> None:
    loaded = loaded_by("ingest", write_run(home.parent, "tesco", date(2016, 7, 21)), home=home)
    assert loaded >= {"dagster", "great_expectations"}, "it is Great Expectations that judges"
    assert loaded & (HEAVY - OF_ASSETS) == set()
    loaded = loaded_by("status", home=home)
    assert loaded & HEAVY == set()
    assert not {"ons_assets.definitions", "ons_assets.orchestration"} & loaded
    assert [name for name in loaded if name.startswith("ons_assets.") and name.endswith(".assets")] == []
    loaded = loaded_by("materialize", "mobile", home=home)
    assert loaded & {"great_expectations", *HEAVY - OF_ASSETS} == set(), "nothing of it could be made"
