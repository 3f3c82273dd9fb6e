"""The examples in docstrings run, and those of the stable functions exist."""

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import ons_assets

REPOSITORY = Path(__file__).resolve().parents[1]

STABLE = (
    "core_ext:dbscan",
    "core_ext:half_hour_profiles",
    *(f"ons_assets:{name}" for name in ons_assets.__all__),
    "ons_assets.geography.national_grid:to_national_grid",
    "ons_assets.meters.occupancy:occupancy_probabilities",
    "ons_assets.mobile.flows:compare_flows",
    "ons_assets.mobility:infer_anchors",
    "ons_assets.prices.indices:price_index",
)


def modules_with_examples() -> Iterator[str]:
    """Names of the modules whose text has an example: only these are imported, and only to be run."""
    for package in ("ons_assets", "core_ext"):
        for path in sorted((REPOSITORY / package).rglob("*.py*")):
            if path.suffix in (".py", ".pyx") and ">>> " in path.read_text():
                yield ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("function", STABLE)
def test_stable_functions_have_an_example(function: str):
    module, name = function.split(":")
    assert ">>> " in getattr(importlib.import_module(module), name).__doc__
