"""Write the parts of the pages that follow from the program: `make docs`.

A page marks such a part by a line `<!-- make docs: graph_tweets -->` before it and `<!-- end -->` after it. A part
`parameters_meters.low_use` lists the parameters at that path, whatever the path. With `--check` nothing is written, and
the exit code says whether all parts are as they should be.
"""

import ast
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import reference_parts
from notebooks import notebook
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from reference_parts import cell as _cell
from reference_parts import table as _table

REPOSITORY = Path(__file__).resolve().parents[1]
PART = re.compile(r"(?<=<!-- make docs: )(?P<name>[\w.]+)( -->\n).*?(?=^<!-- end -->)", re.DOTALL | re.MULTILINE)
EVERY_DROP = "drops"
# Shares and correlations lie within it, whatever the data; so does a count that is at least one.
FRACTION = 1.1
# Before the path of a group, or of one parameter, in the name of a part.
OF_PARAMETERS = "parameters_"
# Parameters of one part from which on the page shows them when asked.
FOLDED = 15


@dataclass(frozen=True)
class Node:
    """An asset in the picture: one box, though it may make several tables."""

    name: str
    group: str
    label: str
    is_raw: bool
    needs: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        if self.is_raw:
            return f"{self.name}([{self.label}])"
        return self.name if self.label == self.name else f'{self.name}["{self.label}"]'


def graph_of(group: str) -> str:
    """Return how the tables of a pilot follow from each other, as a Mermaid picture."""
    lines = ["```mermaid", "flowchart LR", f"    accTitle: How the tables of {group} follow from each other"]
    for node, inside in _steps(group, *_graph()):
        lines.append(f"    {' & '.join(inside)} --> {node}" if inside else f"    {node}")
    return "\n".join([*lines, "```"])


def _steps(
    group: str, nodes: dict[str, Node], ways: dict[str, set[str]], before: dict[str, set[str]]
) -> Iterator[tuple[Node, list[str]]]:
    """Yield the assets of a group, and what each needs of the group.

    What another input was made of already is left out: the picture shows the way, not every step of it.
    """
    for node in sorted((node for node in nodes.values() if node.group == group), key=lambda node: node.name):
        needs = {each for each in ways[node.name] if not any(each in before[o] for o in ways[node.name] - {each})}
        yield node, sorted(each for each in needs if each in nodes and nodes[each].group == group)


@cache
def _graph() -> tuple[dict[str, Node], dict[str, set[str]], dict[str, set[str]]]:
    """The assets by name, what each needs as the picture shows it, and all that comes before each."""
    nodes = _nodes()
    ways = {name: _shortened(node, nodes) for name, node in nodes.items()}
    for node in nodes.values():
        ways.setdefault(node.group, set()).add(node.name)
    ways[EVERY_DROP] = set()
    return nodes, ways, {name: _before(name, ways) for name in ways}


def _nodes() -> dict[str, Node]:
    from ons_assets.definitions import RAW, assets_of
    from ons_assets.settings import Settings

    nodes, maker = {}, {}
    for asset in assets_of(Settings()):
        keys = sorted(asset.keys, key=lambda key: (asset.node_def.name != "__".join(key.path), key))
        node = Node(
            keys[0].path[-1],
            keys[0].path[0],
            ", ".join(key.path[-1] for key in keys),
            keys[0] in {raw.key for raw in RAW},
        )
        if node.name in nodes:
            raise ValueError(f"two assets would be one box of the picture: {node.name}")
        nodes[node.name] = node
        maker |= dict.fromkeys(asset.keys, node.name)
    for asset in assets_of(Settings()):
        for spec in asset.specs:
            nodes[maker[spec.key]].needs.update(maker[dep.asset_key] for dep in spec.deps)
    return nodes


def _shortened(node: Node, nodes: dict[str, Node]) -> set[str]:
    """What an asset needs; all raw tables, or all of a group, as one."""
    needs = set(node.needs)
    raw = {each.name for each in nodes.values() if each.is_raw}
    if raw == needs:
        return {EVERY_DROP}
    for group in {each.group for each in nodes.values()} - {node.group}:
        members = {each.name for each in nodes.values() if each.group == group}
        if members <= needs:
            needs = needs - members | {group}
    return needs


def _before(name: str, ways: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        fresh = ways[waiting.pop()] - found
        found |= fresh
        waiting += fresh
    return found


def sources() -> str:
    """Return the drop folders, and what belongs into each."""
    from ons_assets.definitions import RAW
    from ons_assets.settings import Settings

    rows = [(source.name, source.table, source.files_are) for source in (raw.source(Settings()) for raw in RAW)]
    return _table(("drop folder", "table", "files"), [(f"`{name}`", f"`{table}`", said) for name, table, said in rows])


def rooms() -> str:
    """Return what each room is for, in the order of the layers in pyproject.toml."""
    layers = _layers()
    rows = []
    for number, layer in enumerate(layers, start=1):
        below = f"{number + 1} to {len(layers)}" if number < len(layers) - 1 else str(len(layers))
        for room in layer:
            rows.append((str(number), f"`{room}`", _purpose(room), below if number < len(layers) else "none"))
    return _table(("line", "room", "what it is for", "may import lines"), rows)


def _layers() -> list[list[str]]:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    [contract] = [each for each in contracts if each["name"] == "no room stands above itself"]
    return [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]


def _purpose(room: str) -> str:
    """The first sentence of the docstring of a module or a package."""
    folder = REPOSITORY / "ons_assets"
    path = folder / room / "__init__.py" if (folder / room).is_dir() else folder / f"{room}.py"
    said = ast.get_docstring(ast.parse(path.read_text()))
    if not said:
        raise ValueError(f"{path.relative_to(REPOSITORY)} does not say what it is for")
    return " ".join(said.split("\n\n")[0].split())


def language() -> str:
    """Return what a layout may say, part by part."""
    from ons_assets.intake.layouts import Layout, Origin

    parts = [part for part in reversed(Layout.__mro__) if part.__name__.endswith("Part") and part.__annotations__]
    rows = [
        (f"`{name}`", _cell(Layout.model_fields[name].description or ""), _default(Layout.model_fields[name]))
        for part in parts
        for name in part.__annotations__
        if name in Layout.model_fields and name != "model_config"
    ]
    origins = [(f"`{name}`", _cell(known.description or "")) for name, known in Origin.model_fields.items()]
    told = "Where a field comes from: the name of a column, or one of"
    return f"{_table(('word', 'meaning', 'if not said'), rows)}\n\n{told}\n\n{_table(('word', 'meaning'), origins)}"


def fields() -> str:
    """Return the fields of each source, and the layouts that are built in."""
    from ons_assets.definitions import RAW
    from ons_assets.intake.needs import together
    from ons_assets.settings import Settings

    rows = []
    for source in (raw.source(Settings()) for raw in RAW):
        known = ", ".join(f"`{layout.name}`" for layout in source.shelf.layouts)
        needs = "; ".join(" or ".join(together(each, "`") for each in group) for group in source.demands)
        asked = {name for group in source.demands for each in group for name in each}
        takes = _names(name for fields in source.said_fields for name in fields if name not in asked)
        rows.append((f"`{source.name}`", needs, takes, known or "its own"))
    return _table(("source", "needs", "takes", "layouts that are built in"), rows)


def bounds() -> str:
    """Return the bounds of the suites that were set on the data of the pilots, by the names that change them."""
    from ons_assets.catalogue import CATALOGUE
    from ons_assets.lakehouse.suites import Suite, protects, said
    from ons_assets.settings import Settings

    suites = [Suite.load(Settings().expectations, name) for name in sorted(CATALOGUE)]
    return _table(
        ("table", "bound", "shipped"),
        [
            (f"`{suite.table}`", f"`{name}`", _cell(said(each)))
            for suite in suites
            for name, each in suite.bounds.items()
            if _is_of_data(each["kwargs"]) and not protects(each)
        ],
    )


def _is_of_data(arguments: dict[str, object]) -> bool:
    """Whether a bound depends on the data: what no table of the kind could break says nothing about a country."""
    limits = [arguments.get("min_value"), arguments.get("max_value")]
    return "mostly" in arguments or any(isinstance(each, int | float) and abs(each) > FRACTION for each in limits)


def _names(said: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in said)


def _default(known: FieldInfo) -> str:
    if known.is_required():
        return "must be said"
    value = known.default
    # What a group says if it is not said stands with its words.
    return "" if value in (None, (), "") or value == {} or isinstance(value, BaseModel) else f"`{_cell(str(value))}`"


def parameters_of(path: str) -> str:
    """Return the parameters at a path, each with its default and its sentence.

    Parameters
    ----------
    path
        A section, a group or one parameter, such as prices.checking, prices.checking.outliers or prices.indices.window.
        Groups inside of a group are listed with it, by their path from there.
    """
    from ons_assets.parameters.description import parameters_in
    from ons_assets.settings import Settings

    known = [each for each in parameters_in(Settings.model_construct()) if f"{each.path}.".startswith(f"{path}.")]
    if not known:
        raise ValueError(f"no parameter stands at {path}")
    rows = [
        (f"`{each.path.removeprefix(f'{path}.')}`", f"`{_cell(each.value)}`", _cell(each.sentence)) for each in known
    ]
    table = _table(("parameter", "default", "what it decides"), rows)
    if len(rows) < FOLDED:
        return f"`{path}`:\n\n{table}"
    summary = f"<summary><code>{path}</code>: {len(rows)} parameters</summary>"
    return f'<details markdown="1">\n{summary}\n\n{table}\n\n</details>'


def shops() -> str:
    """Return what a description of a shop may say, part by part."""
    from ons_assets.collectors.prices.shops import PARTS as INSIDE
    from ons_assets.collectors.prices.shops import Place, Shop

    told = "Where something stands: a CSS selector, or one of"
    return "\n\n".join((*_described(Shop, INSIDE), told, _words(Place)))


def streams() -> str:
    """Return what a description of a stream may say, part by part, and the fields that may be kept."""
    from ons_assets.collectors.streams.description import FIELDS, Stream, Wait
    from ons_assets.collectors.streams.description import PARTS as INSIDE

    kept = _table(("field", "meaning"), [(f"`{name}`", _cell(what)) for name, what in FIELDS.items()])
    told = "A wait, inside of `reconnect`:"
    return "\n\n".join((*_described(Stream, INSIDE), told, _words(Wait), "The `fields` inside of `keeps`:", kept))


def _described(model: type[BaseModel], inside: Mapping[str, type[BaseModel]]) -> list[str]:
    """Return the words of a description, and those of its parts."""
    return [_words(model), *(f"Inside of `{name}`:\n\n{_words(each)}" for name, each in inside.items())]


def _words(model: type[BaseModel]) -> str:
    rows = [
        (f"`{each.alias or name}`", _cell(each.description or ""), _default(each))
        for name, each in model.model_fields.items()
    ]
    return _table(("word", "meaning", "if not said"), rows)


def _models() -> dict[str, type[BaseModel]]:
    """What people write, by the names of the schemas."""
    from ons_assets.collectors.prices.shops import Shop
    from ons_assets.collectors.streams.description import Stream
    from ons_assets.intake.layouts import Layout

    return {"layout": Layout, "shop": Shop, "stream": Stream}


def schemas() -> dict[str, str]:
    """Return the JSON Schemas of what people write, by the names of their files."""
    return {
        f"{name}.schema.json": json.dumps(each.model_json_schema(), indent=2) + "\n" for name, each in _models().items()
    }


PARTS: dict[str, Callable[[], str]] = {
    "sources": sources,
    "rooms": rooms,
    "language": language,
    "fields": fields,
    "bounds": bounds,
    "shops": shops,
    "streams": streams,
    "commands": reference_parts.commands,
    "tutorials": reference_parts.tutorials,
    "descriptions": lambda: reference_parts.descriptions(_models()),
    "tables": reference_parts.tables,
    **{f"graph_{pilot}": partial(graph_of, pilot) for pilot in ("prices", "tweets", "meters", "mobile")},
    **{f"tables_{domain}": partial(reference_parts.tables_of, domain) for domain in reference_parts.DOMAINS},
}


# The page of a tutorial whose examples are a notebook of its name, which goes along where the stage is set.
IN_PYTHON = "in_python.md"


def notebooks() -> dict[str, str]:
    """Return the notebooks of pages with examples in Python, by their paths in docs/."""
    docs = REPOSITORY / "docs"
    made = {"python.ipynb": notebook((docs / "python.md").read_text())}
    for page in (docs / "tutorials").glob(f"*/{IN_PYTHON}"):
        path = page.with_name(f"{page.parent.name}.ipynb")
        made[path.relative_to(docs).as_posix()] = notebook(page.read_text(), page.parent)
    return made


def _part(name: str) -> str:
    """Return the part of a page by its name."""
    if name.startswith(OF_PARAMETERS):
        return parameters_of(name.removeprefix(OF_PARAMETERS))
    return PARTS[name]()


def renewed() -> Iterator[tuple[Path, str]]:
    """Yield every page that is not as it should be, with its text as it should be."""
    for page in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))):
        text = page.read_text()
        new = PART.sub(lambda part: f"{part['name']}{part[2]}\n{_part(part['name'])}\n\n", text)
        if new != text:
            yield page, new
    for name, new in {**schemas(), **notebooks()}.items():
        page = REPOSITORY / "docs" / name
        if new != (page.read_text() if page.exists() else None):
            yield page, new


def main() -> int:
    """Write what is not as it should be, or with `--check` only name it."""
    stale = list(renewed())
    for page, text in stale:
        name = page.relative_to(REPOSITORY)
        if "--check" in sys.argv:
            print(f"{name} is out of date: run make docs", file=sys.stderr)
        else:
            page.write_text(text)
            print(f"{name} written")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
