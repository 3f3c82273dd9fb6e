"""What users import is on top, and nothing there hides a module."""

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import core_ext

FOLDER = Path(core_ext.__path__[0])
FAMILIES = sorted(path.name for path in FOLDER.iterdir() if (path / "__init__.py").is_file())


@pytest.mark.parametrize("name", core_ext.__all__)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert not isinstance(getattr(core_ext, name), ModuleType)


def test_all_public_names_are_said_to_be_so() -> None:
    modules = {info.name for info in pkgutil.iter_modules(core_ext.__path__)}
    public = {name for name in vars(core_ext) if not name.startswith("_")} - modules
    assert public == set(core_ext.__all__)


def test_no_public_name_is_that_of_a_module() -> None:
    everything = {info.name.rsplit(".", 1)[-1] for info in pkgutil.walk_packages(core_ext.__path__, "core_ext.")}
    assert not everything & set(core_ext.__all__)


def test_every_module_is_still_a_module_once_all_are_imported() -> None:
    for info in pkgutil.walk_packages(core_ext.__path__, "core_ext."):
        module = importlib.import_module(info.name)
        found: object = core_ext
        for part in info.name.split(".")[1:]:
            found = getattr(found, part)
        assert found is module, info.name


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_its_reference_beside_it(family: str) -> None:
    assert list((FOLDER / family).glob("*.pyx")), "a family holds kernels"
    reference = ast.parse((FOLDER / family / "reference.py").read_text())
    assert any(isinstance(node, ast.FunctionDef) and not node.name.startswith("_") for node in reference.body)


def test_the_page_on_kernels_names_every_one() -> None:
    page = FOLDER.parent / "docs" / "kernels.md"
    if not page.is_file():
        pytest.skip("the documentation is not beside the package")
    text = page.read_text()
    assert [name for name in core_ext.__all__ if callable(getattr(core_ext, name)) and f"`{name}`" not in text] == []
