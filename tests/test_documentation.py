"""What pages say of the program is so."""

import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

from ons_assets.catalogue import CATALOGUE

REPOSITORY = Path(__file__).resolve().parents[1]
ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text()
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()
FILE_ENDS = ("py", "json", "toml", "md", "yaml")


def rooms() -> list[str]:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    [layers] = [each["layers"] for each in contracts if each["name"] == "no room stands above itself"]
    return [room.strip() for layer in layers for room in layer.split("|")]


NAMES = sorted(
    {
        name
        for name in re.findall(rf"(?<![\w./])(?:core_ext|{'|'.join(rooms())})(?:\.\w+)+", ARCHITECTURE)
        if name.split(".")[-1] not in FILE_ENDS
    }
)


def test_what_follows_from_the_program_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, REPOSITORY / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert checked.returncode == 0, checked.stderr


def test_a_card_lists_the_parameters_at_a_path_or_says_that_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "docs")
    generate = importlib.import_module("generate")
    assert "| `low_share` | `0.35` |" in generate.parameters_of("meters.low_use")
    assert "| `hmm.evidence` |" in generate.parameters_of("meters.occupancy")
    assert generate.parameters_of("meters.low_use.min_days").count("\n| `") == 1
    for path in ("meters.low", "meters.low_use.min"):
        with pytest.raises(ValueError, match=path):
            generate.parameters_of(path)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_architecture_names_exists(name: str) -> None:
    package = "" if name.startswith("core_ext") else "ons_assets."
    try:
        resolve_name(package + name)
    except (ImportError, AttributeError):
        pytest.fail(f"docs/architecture.md names {name}, which there is not any more")


def test_the_walks_name_modules_and_tables() -> None:
    assert len(NAMES) > 40
    tables = set(re.findall(r"`([a-z]+/[a-z_]+)`", ARCHITECTURE))
    assert len(tables) > 10
    assert tables <= set(CATALOGUE)


def test_no_module_is_walked_through_twice() -> None:
    walks = re.split(r"^## One ", ARCHITECTURE, flags=re.MULTILINE)[1:]
    assert len(walks) == 3
    for walk in walks:
        functions = re.findall(rf"`((?:{'|'.join(rooms())})\.[\w.]+)`", walk)
        assert len(set(functions)) == len(functions)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:ons_assets|docs|tests|core_ext)/[\w./]+)`", CONTRIBUTING)))
)
def test_files_that_contributors_are_sent_to_exist(path: str) -> None:
    assert (REPOSITORY / path).exists()
