"""What other packages keep to themselves, and may move in any version, is imported in one module only."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
OWN = ("ons_assets", "core_ext", "tests", "__future__")
ADAPTER = Path("ons_assets/orchestration/dagster_internals.py")


def private_imports(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of each import that goes through a name with an underscore."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found = [(each.name, "") for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found = [(node.module, each.name) for each in node.names]
        else:
            continue
        for module, name in found:
            parts = [*module.split("."), name]
            if parts[0] not in OWN and any(part.startswith("_") for part in parts):
                yield module, name


SOURCES = sorted(
    path.relative_to(REPOSITORY)
    for folder in ("ons_assets", "core_ext", "benchmarks", "tests", "docs")
    for path in (REPOSITORY / folder).rglob("*.py")
)
PRIVATE = [(path, module, name) for path in SOURCES for module, name in private_imports(REPOSITORY / path)]


def test_private_names_are_imported_in_one_module() -> None:
    assert {path for path, _, _ in PRIVATE} == {ADAPTER}


@pytest.mark.parametrize(("path", "module", "name"), PRIVATE, ids=lambda each: str(each))
def test_a_private_name_is_where_it_was(path: Path, module: str, name: str) -> None:
    try:
        found = hasattr(import_module(module), name)
    except ImportError:
        found = False
    assert found, f"this version of {module.split('.')[0]} has no {module}.{name} any more: mend {path}"


def test_imports_of_private_names_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        "import polars as pl\nimport polars._typing\n"
        "def f():\n    from dagster._core.events import log\n    from numpy import _core\n"
    )
    assert list(private_imports(path)) == [
        ("polars._typing", ""),
        ("dagster._core.events", "log"),
        ("numpy", "_core"),
    ]
