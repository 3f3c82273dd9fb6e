"""The import contracts of pyproject.toml: each breaks when it is violated, wherever in the tree."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LINT = Path(sys.executable).with_name("lint-imports")
LAYERS = "no room stands above itself"
DAGSTER = "Dagster is known to shells only"
ORCHESTRATION = "orchestration is known to shells only"

# Contract, module, and what it must not import.
VIOLATIONS = [
    (LAYERS, "ons_assets.orchestration.runs", "ons_assets.definitions"),
    (LAYERS, "ons_assets.definitions", "ons_assets.operations"),
    (LAYERS, "ons_assets.lakehouse.lake", "ons_assets.catalogue"),
    (LAYERS, "ons_assets.lakehouse.gate", "ons_assets.parameters.prices"),
    (LAYERS, "ons_assets.lakehouse.quarantine", "ons_assets.intake.ledger"),
    (LAYERS, "ons_assets.intake.reading", "ons_assets.catalogue"),
    (LAYERS, "ons_assets.orchestration.charts", "ons_assets.prices.outliers"),
    (LAYERS, "ons_assets.mobility.anchors", "ons_assets.tweets.terms"),
    (LAYERS, "ons_assets.meters.half_hours.daily", "ons_assets.prices.packs"),
    (LAYERS, "ons_assets.governance.assets", "ons_assets.mobile.flows"),
    (LAYERS, "ons_assets.tweets.collection_gaps", "ons_assets.simulate.land"),
    (LAYERS, "ons_assets.parameters.tweets", "ons_assets.settings"),
    (DAGSTER, "ons_assets.mobile.figures", "dagster"),
    (DAGSTER, "ons_assets.prices.indices.geks", "dagster"),
    (DAGSTER, "ons_assets.lakehouse.derivation", "dagster"),
    (DAGSTER, "ons_assets.simulate.land", "dagster_duckdb"),
    (ORCHESTRATION, "ons_assets.meters.occupancy.hmm", "ons_assets.orchestration.events"),
    (ORCHESTRATION, "ons_assets.reference.weights", "ons_assets.orchestration"),
    ("core_ext knows nothing of the project", "core_ext.arguments", "ons_assets.lakehouse.home"),
    ("governance reads tables through the registry", "ons_assets.governance.assets", "ons_assets.reference.weights"),
    (
        "rooms of the meters pilot stand in layers",
        "ons_assets.meters.readings.clock",
        "ons_assets.meters.profiles.load_profiles",
    ),
    ("parameters are data", "ons_assets.parameters.meters", "polars"),
]
NEW_ROOM = "ons_assets.attic"


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What lint-imports says of each contract, in a copy of the tree in which all of them are violated at once."""
    if not LINT.exists():
        pytest.skip("import-linter is not installed")
    copy = tmp_path_factory.mktemp("tree")
    for package in ("ons_assets", "core_ext"):
        shutil.copytree(
            REPOSITORY / package,
            copy / package,
            ignore=lambda folder, names: [n for n in names if _is_no_source(folder, n)],
        )
    shutil.copy(REPOSITORY / "pyproject.toml", copy)
    for _, module, imported in VIOLATIONS:
        with (copy / f"{module.replace('.', '/')}.py").open("a") as file:
            file.write(f"\nimport {imported}\n")
    room = copy / NEW_ROOM.replace(".", "/")
    room.mkdir()
    (room / "__init__.py").touch()
    environment = {**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "300"}
    linted = subprocess.run(
        [LINT, "--no-cache"], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert linted.returncode == 1, linted.stdout + linted.stderr
    _, _, broken = linted.stdout.partition("Broken contracts")
    names = "|".join(re.escape(name) for name in contracts())
    parts = re.split(rf"^({names})$", broken, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def contracts() -> list[str]:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


def _is_no_source(folder: str, name: str) -> bool:
    return not (Path(folder) / name).is_dir() and not name.endswith(".py")


def test_every_contract_is_tried() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == set(contracts())


@pytest.mark.parametrize(("contract", "module", "imported"), VIOLATIONS, ids=lambda each: each)
def test_a_violation_breaks_its_contract(said: dict[str, str], contract: str, module: str, imported: str) -> None:
    found = re.search(rf"{re.escape(module)}\b.* -> {re.escape(imported)}\b", said.get(contract, ""))
    assert found, f"{contract!r} says nothing of {module} -> {imported}:\n{said.get(contract)}"


def test_a_room_without_a_place_breaks_the_layers(said: dict[str, str]) -> None:
    assert f"- {NEW_ROOM}" in said[LAYERS]
