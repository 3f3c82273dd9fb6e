"""Parts of the reference that follow from the program: its commands, its tables, the files that people write."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer
from pydantic import BaseModel

Rows = Iterable[tuple[str, ...]]
# As the part of a page names a domain, and what the domain is called.
DOMAINS = ("prices", "tweets", "meters", "mobile", "reference", "governance")
# Words of JSON Schema that bound a value, and how they are said.
BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "at least {} characters",
    "pattern": "matches `{}`",
}
# Pages of the methods, as descriptions of columns name them.
PAGE = re.compile(r"\bdocs/((?:methods/)?\w+)\.md\b")

TABLE = re.compile(rf"\b(?:{'|'.join(DOMAINS)})/\w+")


def table(head: tuple[str, ...], rows: Rows) -> str:
    """Return a table of Markdown.

    Parameters
    ----------
    head
        Names of the columns.
    rows
        Their cells, as Markdown.
    """
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))


def cell(text: str) -> str:
    """Return text as it may stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _named(text: str) -> str:
    """Return a sentence in which pages are links and signs that Markdown or HTML would read are plain."""
    plain = cell(text).replace("<", "&lt;").replace("*", "\\*")
    return PAGE.sub(lambda page: f"[{page[1].split('/')[-1]}](../{page[1]}.md)", plain)


def commands() -> str:
    """Return every command of the program, with its arguments and options."""
    from ons_assets.cli import app

    program = typer.main.get_command(app)
    return "\n\n".join(_told(program, typer.Context(program, info_name="ons-assets")))


def tutorials() -> str:
    """Return the tutorials, those that take least time first."""
    from ons_assets.cli.tutorials import tutorials as all_of_them

    ordered = sorted(all_of_them(), key=lambda each: (each.minutes, each.name))
    rows = [(f"[{each.name}](tutorials/{each.name}.md)", f"{each.minutes}", each.aim) for each in ordered]
    return table(("tutorial", "minutes", "aim"), rows)


def _told(group: Any, context: typer.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inside = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "commands"):
            yield f"## {name} ...\n\n{_named(command.help or '')}"
            yield from _told(command, inside)
            continue
        # Commands of a group stand below it, in the table of contents, too.
        yield f"{'##' if context.parent is None else '###'} {inside.command_path.removeprefix('ons-assets ')}"
        yield f"```text\n{' '.join((inside.command_path, *command.collect_usage_pieces(inside)))}\n```"
        yield _paragraphs(command.help or "")
        records = [parameter.get_help_record(inside) for parameter in command.get_params(inside)]
        said = [
            (f"`{cell(record[0])}`", _named(record[1])) for record in records if record and "--help" not in record[0]
        ]
        if said:
            yield table(("argument or option", "meaning"), said)


def _paragraphs(text: str) -> str:
    return "\n\n".join(_named(each) for each in re.split(r"\n\s*\n", text.strip()))


def tables_of(domain: str) -> str:
    """Return the tables of a domain of the catalogue, with their columns."""
    from ons_assets.catalogue import CATALOGUE

    return "\n\n".join(_described(each) for name, each in sorted(CATALOGUE.items()) if each.domain == domain)


def tables() -> str:
    """Return all tables of the catalogue, each in a line."""
    from ons_assets.catalogue import CATALOGUE

    rows = [
        (f"[`{name}`](tables_{each.domain}.md#{each.short_name})", str(each.sensitivity), _named(each.description))
        for name, each in sorted(CATALOGUE.items(), key=lambda known: (DOMAINS.index(known[1].domain), known[0]))
    ]
    return table(("table", "privacy", "what it holds"), rows)


def _described(known: Any) -> str:
    said = [
        ("privacy", str(known.sensitivity) + _exempt(known.disclosure)),
        ("key", _codes(known.key)),
        ("partitioned by", _codes(known.partition_by)),
        ("made from", TABLE.sub(_link_if_known, _named(known.source))),
        ("refers to", "; ".join(f"{_codes(each.columns)}: {_link(each.table)}" for each in known.references)),
        ("owner", f"`{known.owner}`"),
    ]
    facts = "\n".join(f"- {name}: {value}" for name, value in said if value)
    columns = [
        (f"`{each.name}`", f"`{_kind(each.dtype)}`", "yes" if each.nullable else "", _named(each.description))
        for each in known.columns
    ]
    head = ("column", "type", "may be null", "meaning")
    return f"## {known.short_name}\n\n{_named(known.description)}\n\n{facts}\n\n{table(head, columns)}"


def _exempt(rule: Any) -> str:
    """Why a table of aggregates has no disclosure step, where it has none; else that it has one."""
    if rule is None:
        return ""
    reason = getattr(rule, "reason", None)
    return f", released as it is: {_named(reason)}" if reason else ", released through the disclosure step"


def _kind(dtype: Any) -> str:
    return str(dtype).replace("Datetime(time_unit='us', time_zone='UTC')", "Datetime, UTC")


def _link(name: str) -> str:
    domain, short = name.split("/")
    return f"[`{name}`](tables_{domain}.md#{short})"


def _link_if_known(found: re.Match[str]) -> str:
    from ons_assets.catalogue import CATALOGUE

    return _link(found[0]) if found[0] in CATALOGUE else found[0]


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def descriptions(models: Mapping[str, type[BaseModel]]) -> str:
    """Return every word of the files that people write: its type, its bound, what holds if it is not said.

    Parameters
    ----------
    models
        By the names of their schemas.
    """
    return "\n\n".join(_schema(name, model.model_json_schema()) for name, model in models.items())


def _schema(name: str, schema: dict[str, Any]) -> str:
    parts = [
        f"## {name.capitalize()}\n\nAs a JSON Schema: [{name}.schema.json](../{name}.schema.json).\n\n{_words(schema)}"
    ]
    for part, inside in sorted(schema.get("$defs", {}).items()):
        parts.append(f"### {name.capitalize()}: {part}\n\n{_named(inside.get('description', ''))}\n\n{_words(inside)}")
    return "\n\n".join(parts)


def _words(schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"`{name}`", _type(said), _named(said.get("description", "")), _default(name in required, said))
        for name, said in schema.get("properties", {}).items()
    ]
    return table(("word", "type", "meaning", "if not said"), rows)


def _type(said: dict[str, Any]) -> str:
    """The type of a value in words, with its bounds."""
    if "$ref" in said:
        return said["$ref"].rsplit("/", 1)[-1]
    if "enum" in said or "const" in said:
        return " or ".join(f"`{each}`" for each in said.get("enum", [said.get("const")]))
    if "anyOf" in said:
        return " or ".join(dict.fromkeys(_type(each) for each in said["anyOf"] if each.get("type") != "null"))
    bounds = [words.format(said[word]) for word, words in BOUNDS.items() if word in said]
    return cell(", ".join([_container(said), *bounds]))


def _container(said: dict[str, Any]) -> str:
    kind = said.get("type", "anything")
    if kind == "array":
        return f"list of {_type(said['items'])}" if said.get("items") else "list"
    inside = said.get("additionalProperties")
    if kind == "object" and isinstance(inside, dict):
        return f"mapping to {_type(inside)}"
    return {"object": "mapping", "string": "text"}.get(kind, kind)


def _default(is_required: bool, said: dict[str, Any]) -> str:
    if is_required:
        return "must be said"
    value = said.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    return f"`{cell(value if isinstance(value, str) else json.dumps(value))}`"
