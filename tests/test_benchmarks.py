"""What benchmarks import and call of the project is as they think: they are run by hand, and nothing else would say."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
BENCHMARKS = sorted(FOLDER.glob("*.py"))
SIBLINGS = {path.stem: path for path in BENCHMARKS}
OWN = ("ons_assets", "core_ext")


def imports(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Module and name of each import of the project or of another benchmark, and what it is called here.

    There is no name where the module itself is imported.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(each.name, "", each.asname or each.name) for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [(node.module, each.name, each.asname or each.name) for each in node.names]
        else:
            continue
        yield from (each for each in found if each[0].split(".")[0] in (*OWN, *SIBLINGS))


@cache
def top_level(path: Path) -> dict[str, ast.stmt]:
    """Names that a module defines, or imports, outside its functions and classes, and the statement that does it."""
    names: dict[str, ast.stmt] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((each.asname or each.name.split(".")[0], node) for each in node.names)
        else:
            stored = (each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
            names.update((each.id, node) for each in stored)
    return names


def exists(module: str, name: str) -> bool:
    if module in SIBLINGS:
        return not name or name in top_level(SIBLINGS[module])
    try:
        found = import_module(module)
        if name and not hasattr(found, name):
            import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True


def missing(tree: ast.Module) -> list[str]:
    return [f"{module}.{name}" for module, name, _ in imports(tree) if not exists(module, name)]


def misfits(tree: ast.Module) -> list[str]:
    """Calls of what is imported by name, with arguments that it does not take."""
    imported = {called: (module, name) for module, name, called in imports(tree) if name and exists(module, name)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in imported:
            module, name = imported[node.func.id]
            signature = signature_of(module, name)
            if signature is not None and not _fits(signature, node):
                found.append(f"{name} in line {node.lineno}")
    return found


def signature_of(module: str, name: str) -> inspect.Signature | None:
    """What a function or class takes; None where it cannot be said."""
    if module in SIBLINGS:
        node = top_level(SIBLINGS[module])[name]
        return _signature(node.args) if isinstance(node, ast.FunctionDef) else None
    try:
        return inspect.signature(getattr(import_module(module), name))
    except (AttributeError, TypeError, ValueError):
        return None


def _signature(given: ast.arguments) -> inspect.Signature | None:
    if given.vararg or given.kwarg or given.posonlyargs:
        return None
    kinds = inspect.Parameter
    required = len(given.args) - len(given.defaults)
    places = [
        kinds(each.arg, kinds.POSITIONAL_OR_KEYWORD, default=kinds.empty if place < required else None)
        for place, each in enumerate(given.args)
    ]
    names = [
        kinds(each.arg, kinds.KEYWORD_ONLY, default=kinds.empty if default is None else None)
        for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return inspect.Signature([*places, *names])


def _fits(signature: inspect.Signature, call: ast.Call) -> bool:
    if any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords):
        return True
    try:
        signature.bind(*call.args, **{str(each.arg): each for each in call.keywords})
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_what_a_benchmark_imports_exists_and_takes_what_it_is_given(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not missing(tree), f"benchmarks/{path.name} imports what is not there: {', '.join(missing(tree))}"
    assert not misfits(tree), f"benchmarks/{path.name} calls with other arguments: {', '.join(misfits(tree))}"


def test_missing_names_are_seen() -> None:
    gone = ast.parse(
        "from ons_assets.meters.occupancy import METHODS, no_such_name\n"
        "def f():\n    from occupancy_worlds import Homes, Houses\n    import core_ext.nowhere\n"
        "from ons_assets.meters import occupancy\nimport numpy\n"
    )
    assert missing(gone) == ["ons_assets.meters.occupancy.no_such_name", "occupancy_worlds.Houses", "core_ext.nowhere."]


def test_arguments_that_do_not_fit_are_seen() -> None:
    unfit = ast.parse(
        "from occupancy_worlds import simulated as made\nfrom core_ext import daily_totals\n"
        "made(range(2), 3, 4)\nmade(range(2), 3, days=4, only_main=True)\nmade(*all)\n"
        "daily_totals(kwh)\ndaily_totals()\n"
    )
    assert misfits(unfit) == ["simulated in line 4", "daily_totals in line 7"]
