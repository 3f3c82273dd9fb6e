"""What users import is on top, and nothing there hides a module."""

import ast
import importlib
import re
from inspect import Parameter, isclass, signature
from pathlib import Path
from types import ModuleType

import pytest

import core_ext

FOLDER = Path(core_ext.__path__[0])
MODULES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    # Sources, and not what lies there compiled: that may be of a version before this one.
    for path in [*FOLDER.rglob("*.py"), *FOLDER.rglob("*.pyx")]
    if path.name != "__init__.py"
)
PACKAGES = sorted(".".join(path.parent.relative_to(FOLDER.parent).parts) for path in FOLDER.glob("*/__init__.py"))
KERNELS = [name for name in core_ext.__all__ if callable(found := getattr(core_ext, name)) and not isclass(found)]
HOMES = {getattr(core_ext, name).__module__ for name in KERNELS}


@pytest.mark.parametrize("name", core_ext.__all__)
def test_a_public_name_can_be_imported(name: str) -> None:
    assert not isinstance(getattr(core_ext, name), ModuleType)


def test_all_public_names_are_said_to_be_so() -> None:
    public = {name for name, value in vars(core_ext).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert public == set(core_ext.__all__)
    assert len(core_ext.__all__) == len(public)


def test_no_public_name_is_that_of_a_module() -> None:
    everything = {name.rsplit(".", 1)[-1] for name in [*MODULES, *PACKAGES]}
    assert not everything & set(core_ext.__all__)


def test_every_module_is_still_a_module_once_all_are_imported() -> None:
    for name in [*PACKAGES, *MODULES]:
        module = importlib.import_module(name)
        found: object = core_ext
        for part in name.split(".")[1:]:
            found = getattr(found, part)
        assert found is module, name


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_has_a_reference_of_its_name_beside_it(name: str) -> None:
    family, _, _ = getattr(core_ext, name).__module__.rpartition(".")
    reference = importlib.import_module(f"{family}.reference")
    assert getattr(reference, name).__module__ == reference.__name__


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.pyx")), ids=lambda path: path.stem)
def test_a_module_of_kernels_names_the_reference_beside_it(path: Path) -> None:
    own = ".".join(path.parent.relative_to(FOLDER.parent).parts)
    named = re.findall(r"``([\w.]+\.reference)``", path.read_text())
    assert named == ([f"{own}.reference"] if f"{own}.{path.stem}" in HOMES else [])


def declared(name: str) -> dict[str, tuple[object, object]]:
    """Parameters of a kernel as its types are declared beside it: how each is given, and its default."""
    stub = FOLDER.parent / f"{getattr(core_ext, name).__module__.replace('.', '/')}.pyi"
    [function] = [each for each in ast.parse(stub.read_text()).body if getattr(each, "name", None) == name]
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    needed = [Parameter.empty] * (len(given.args) - len(given.defaults))
    defaults = [*needed, *map(ast.literal_eval, given.defaults)]
    keyword = [Parameter.empty if each is None else ast.literal_eval(each) for each in given.kw_defaults]
    return {
        **{each.arg: (Parameter.POSITIONAL_OR_KEYWORD, at) for each, at in zip(given.args, defaults, strict=True)},
        **{each.arg: (Parameter.KEYWORD_ONLY, at) for each, at in zip(given.kwonlyargs, keyword, strict=True)},
    }


@pytest.mark.parametrize("name", KERNELS)
def test_the_types_of_a_kernel_are_declared_beside_it(name: str) -> None:
    parameters = signature(getattr(core_ext, name)).parameters.values()
    assert declared(name) == {each.name: (each.kind, each.default) for each in parameters}


@pytest.mark.parametrize("name", [name for name in core_ext.__all__ if isclass(getattr(core_ext, name))])
def test_the_columns_of_a_result_are_declared(name: str) -> None:
    result = getattr(core_ext, name)
    stub = (FOLDER.parent / f"{result.__module__.replace('.', '/')}.pyi").read_text()
    [declared_class] = [each for each in ast.parse(stub).body if getattr(each, "name", None) == name]
    assert isinstance(declared_class, ast.ClassDef)
    fields = [each.target.id for each in declared_class.body if isinstance(each, ast.AnnAssign)]  # type: ignore[union-attr]
    assert fields == [*result._fields]


def inner_imports(text: str) -> list[str]:
    """Modules inside `core_ext` that a text imports."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name.startswith("core_ext.")]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "core_ext":
            names = [f"{node.module}.{each.name}" for each in node.names]
            found += [name for name in names if name.removeprefix("core_ext.") not in core_ext.__all__]
    return found


def test_users_import_from_the_top_only() -> None:
    folders = [FOLDER.parent / folder for folder in ("ons_assets", "benchmarks")]
    found = {
        str(path): names
        for folder in folders
        for path in folder.rglob("*.py")
        if (names := [each for each in inner_imports(path.read_text()) if not re.search(r"\.reference\b", each)])
    }
    assert found == {}


def test_inner_imports_are_seen() -> None:
    text = "import core_ext.occupancy\nfrom core_ext import arguments, dbscan\nfrom core_ext.occupancy.model import a\n"
    assert inner_imports(text) == ["core_ext.occupancy", "core_ext.arguments", "core_ext.occupancy.model.a"]


def test_the_page_on_kernels_names_every_one() -> None:
    page = FOLDER.parent / "docs" / "kernels.md"
    if not page.is_file():
        pytest.skip("the documentation is not beside the package")
    text = page.read_text()
    assert [name for name in core_ext.__all__ if callable(getattr(core_ext, name)) and f"`{name}`" not in text] == []
