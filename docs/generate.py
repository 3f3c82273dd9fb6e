"""Write the parts of the pages that follow from the program: `make docs`.

A page marks such a part by a line `<!-- make docs: graph -->` before it and `<!-- end -->` after it. With
`--check` nothing is written, and the exit code says whether all parts are as they should be.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PART = re.compile(r"(?<=<!-- make docs: )(?P<name>\w+)( -->\n).*?(?=^<!-- end -->)", re.DOTALL | re.MULTILINE)
EVERY_DROP = "drops"


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


def graph() -> str:
    """Return the assets and what they are made of, as a Mermaid picture."""
    nodes = _nodes()
    ways = {name: _shortened(node, nodes) for name, node in nodes.items()}
    for node in nodes.values():
        ways.setdefault(node.group, set()).add(node.name)
    ways[EVERY_DROP] = set()
    before = {name: _before(name, ways) for name in ways}
    lines = ["```mermaid", "flowchart LR", f"    {EVERY_DROP}([every drop folder])"]
    outside = []
    for group in sorted({node.group for node in nodes.values()}):
        lines.append(f"    subgraph {group}")
        for node in sorted((node for node in nodes.values() if node.group == group), key=lambda node: node.name):
            # What another input was made of already is left out: the picture shows the way, not every step of it.
            needs = {each for each in ways[node.name] if not any(each in before[o] for o in ways[node.name] - {each})}
            inside = sorted(each for each in needs if each in nodes and nodes[each].group == group)
            lines.append(f"        {' & '.join(inside)} --> {node}" if inside else f"        {node}")
            if needs - {*inside}:
                outside.append(f"    {' & '.join(sorted(needs - {*inside}))} --> {node.name}")
        lines.append("    end")
    return "\n".join([*lines, *outside, "```"])


def _nodes() -> dict[str, Node]:
    from ons_assets.definitions import ASSETS, SOURCES

    nodes, maker = {}, {}
    for asset in ASSETS:
        keys = sorted(asset.keys, key=lambda key: (asset.node_def.name != "__".join(key.path), key))
        node = Node(keys[0].path[-1], keys[0].path[0], ", ".join(key.path[-1] for key in keys), keys[0] in SOURCES)
        if node.name in nodes:
            raise ValueError(f"two assets would be one box of the picture: {node.name}")
        nodes[node.name] = node
        maker |= dict.fromkeys(asset.keys, node.name)
    for asset in ASSETS:
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
    from ons_assets.definitions import SOURCES
    from ons_assets.settings import Settings

    rows = [(source.name, source.table, source.files_are) for source in (make(Settings()) for make in SOURCES.values())]
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


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


PARTS: dict[str, Callable[[], str]] = {"graph": graph, "sources": sources, "rooms": rooms}


def renewed() -> Iterator[tuple[Path, str]]:
    """Yield every page that is not as it should be, with its text as it should be."""
    for page in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))):
        text = page.read_text()
        new = PART.sub(lambda part: f"{part['name']}{part[2]}\n{PARTS[part['name']]()}\n\n", text)
        if new != text:
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
