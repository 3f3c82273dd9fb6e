"""Public functions of three arguments and more say what their arguments are."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FEWEST = 3
UNDERLINE = re.compile(r"-{3,}")

# Assets take tables by their names, which the catalogue describes; commands say it in their help.
SPEAK_OTHERWISE = ("assets", "cli")


@dataclass(frozen=True)
class Function:
    place: str
    name: str
    arguments: tuple[str, ...]
    docstring: str
    of_class: ast.ClassDef | None

    @property
    def documented(self) -> list[str]:
        """Names in the section Parameters, with groups taken apart; empty without one."""
        lines = self.docstring.split("\n")
        heads = [i for i, line in enumerate(lines[1:]) if UNDERLINE.fullmatch(line)]
        begin = next((i + 2 for i in heads if lines[i] == "Parameters"), None)
        if begin is None:
            return []
        end = next((i for i in heads if i >= begin), len(lines))
        entries = [line.partition(" : ")[0] for line in lines[begin:end] if line and not line.startswith(" ")]
        return [name.strip().lstrip("*") for entry in entries for name in entry.split(",")]

    @property
    def promised(self) -> tuple[str, tuple[str, ...]]:
        return self.name, self.arguments


def modules() -> Iterator[Path]:
    for package in ("ons_assets", "core_ext"):
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            names = path.relative_to(REPOSITORY).with_suffix("").parts
            if not any(name in SPEAK_OTHERWISE or re.match("_[^_]", name) for name in names):
                yield path


def functions_of(path: Path) -> Iterator[Function]:
    def walk(body: list[ast.stmt], of_class: ast.ClassDef | None) -> Iterator[Function]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from walk(node.body, node)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                given = node.args
                stars = [each for each in (given.vararg, given.kwarg) if each is not None]
                names = [each.arg for each in [*given.posonlyargs, *given.args, *given.kwonlyargs, *stars]]
                if of_class is not None and names[:1] in (["self"], ["cls"]):
                    names = names[1:]
                place = f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
                yield Function(place, node.name, tuple(names), ast.get_docstring(node) or "", of_class)

    return walk(ast.parse(path.read_text()).body, None)


def is_a_promise(of_class: ast.ClassDef | None) -> bool:
    """Whether a class says what others do: a protocol or an abstract class."""
    return of_class is not None and any(ast.unparse(base).endswith(("Protocol", "ABC")) for base in of_class.bases)


FUNCTIONS = [function for path in modules() for function in functions_of(path)]
PROMISED = {function.promised for function in FUNCTIONS if is_a_promise(function.of_class) and function.documented}


def test_protocols_are_found():
    """A promise that is described once serves all that keep it."""
    assert {name for name, _ in PROMISED} >= {"read", "whole"}


def test_functions_of_three_arguments_describe_them():
    silent = [
        function.place
        for function in FUNCTIONS
        if len(function.arguments) >= FEWEST
        and not function.documented
        and not (function.of_class is not None and function.promised in PROMISED)
    ]
    assert silent == []


def test_no_section_names_an_argument_that_does_not_exist():
    wrong = {
        function.place: sorted(unknown)
        for function in FUNCTIONS
        if (unknown := set(function.documented) - set(function.arguments))
    }
    assert wrong == {}


def test_kernels_describe_their_arguments():
    """Compiled functions say it too; a test that reads Python cannot see them."""
    import core_ext

    for name in core_ext.__all__:
        function = getattr(core_ext, name)
        if callable(function) and not isinstance(function, type):
            assert re.search(r"^ *Parameters\n *-{10}$", function.__doc__, re.MULTILINE), name
