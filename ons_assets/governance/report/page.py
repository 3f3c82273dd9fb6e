"""Of what a page consists: plain parts, which templates turn into HTML that fetches nothing and escapes everything."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ons_assets.governance.report.facts import Judgement
from ons_assets.wording import OBEYED

TEMPLATES = Path(__file__).parent / "templates"
# Told apart also by who sees no colours.
SHAPES = {"GOOD": "●", "LOOK": "▲", "BAD": "■", "NONE": "○", "NEVER": "✕"}


class FileName(str):
    """A name that somebody else gave: its direction of writing must not turn the text around it."""

    __slots__ = ()


class Day(str):
    """A day or a month, such as 2016-07-21, which is not divided at the end of a line."""

    __slots__ = ()


class Code(str):
    """What is typed or read by a program."""

    __slots__ = ()


@dataclass(frozen=True)
class Link:
    """A link to a page of the report; `path` is seen from its start page."""

    path: str
    text: str


Cell = str | int | Judgement | Link | tuple[Any, ...]


@dataclass(frozen=True)
class Tabular:
    """A table of a page.

    Parameters
    ----------
    numbers
        Columns that stand to the right.
    more
        What is not shown, in a sentence.
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    numbers: tuple[str, ...] = ()
    more: str = ""


@dataclass(frozen=True)
class FactsList:
    """Terms and what is said of each."""

    items: Sequence[tuple[str, Cell]]


@dataclass(frozen=True)
class Tally:
    """How many there are of each kind."""

    items: Sequence[tuple[Judgement, int]]


@dataclass(frozen=True)
class Figure:
    """A picture that is drawn already, and what it shows in words."""

    svg: Markup
    words: str


@dataclass(frozen=True)
class Heading:
    """Of a part of a section."""

    text: str


Block = str | Link | Tabular | FactsList | Tally | Figure | Heading | Markup


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page.

    Parameters
    ----------
    path
        Where it lies, seen from the start page.
    lead
        Sentences under its title.
    """

    path: str
    title: str
    lead: Sequence[str]
    sections: Sequence[Section]
    blocks: Sequence[Block] = ()


@dataclass(frozen=True)
class Site:
    """What stands on every page.

    Parameters
    ----------
    pages
        Paths and titles of the pages that every page links to.
    name
        What all of them are.
    """

    office: str
    made: str
    code_version: str
    pages: Sequence[tuple[str, str]]
    name: str = "data quality report"


def as_html(page: Page, site: Site) -> bytes:
    """Return a page as a document of HTML 5, in which all text is escaped.

    Parameters
    ----------
    page, site
        What it says.
    """
    template, style = _environment().get_template("base.html.j2"), _style()
    root = "../" * page.path.count("/")
    text = template.render(page=page, site=site, root=root, style=style)
    return text.encode("utf-8", "replace")


@cache
def _style() -> Markup:
    return Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        auto_reload=False,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )
    kinds: dict[str, type] = {
        "light": Judgement,
        "link": Link,
        "name_of_file": FileName,
        "code": Code,
        "day": Day,
        "several": tuple,
        "tabular": Tabular,
        "facts_list": FactsList,
        "tally": Tally,
        "figure": Figure,
        "heading": Heading,
    }
    environment.tests |= {name: _is_a(kind) for name, kind in kinds.items()}
    environment.filters["breakable"] = _breakable
    environment.globals["shapes"] = SHAPES
    return environment


def _is_a(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kind)


def _breakable(name: str) -> Markup:
    """A name that may be divided at the end of a line where it has a slash or an underscore."""
    # Of plain text: what is put into a Markup would be escaped.
    return Markup(re.sub("([/_])", r"\1<wbr>", str(escape(_shown(name)))))


def _shown(value: Any) -> Any:
    """Numbers in groups of three; in text, nothing that a browser obeys instead of showing it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(OBEYED)
    return value
