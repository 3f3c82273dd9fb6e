"""What the site needs beyond Markdown: pictures drawn while it is built, and two pages from outside of docs/."""

import posixpath
import re
from itertools import count
from pathlib import Path
from typing import Any

import mermaidx
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md")
TITLE = re.compile(r"^\s*accTitle:\s*(.+)$", re.MULTILINE)
WIDTH = re.compile(r'viewBox="\S+ \S+ ([\d.]+) ')
# Of the size in which Mermaid draws words, 16 pixels.
SMALLEST = 0.75
# Ids inside of a picture, of which a page may have several.
NAME = "my-svg"
FRONT = "index.md"
# A link that is called by the name of a file.
FILE_LINK = re.compile(
    r"\[`?(?:[\w-]+/)*(?P<name>\w+)(?P<end>\.md)?`?\]\((?P<way>(?:\.\./|\w+/)*(?P=name)\.md)(?P<place>#[^)]*)?\)"
)
# What is looked for is a method or a word more often than a history or a list: how much more a page counts than others.
WEIGHTS = {
    "glossary": 3,
    "methods/": 2,
    "tutorials/": 2,
    "CHANGELOG": 0.2,
    "decisions/": 0.5,
    "reference/": 0.7,
    "parameters": 0.7,
}


def on_config(config: MkDocsConfig) -> None:
    """Have Mermaid's pictures drawn here, so that a page needs no program from another host to show them."""
    number = count()
    config.mdx_configs["pymdownx.superfences"] = {
        "custom_fences": [
            {"name": "mermaid", "class": "picture", "format": lambda source, *_, **__: _picture(source, next(number))}
        ]
    }


def _picture(source: str, number: int) -> str:
    said = TITLE.search(source)
    if said is None:
        raise ValueError("a Mermaid picture says by accTitle what it shows")
    drawn = mermaidx.render(source).svg()
    # As wide as its words can be read; what is wider than the page scrolls.
    width = float(WIDTH.search(drawn)[1]) * SMALLEST  # type: ignore[index]
    opening, inside = drawn.replace(NAME, f"picture-{number}").split(">", 1)
    opening = re.sub(r'\s(role|aria-\w+)="[^"]*"', "", opening)
    opening = opening.replace('style="', f'style="min-width: {width:.0f}px; ', 1)
    # Its words are found on the page; alone they would be noise among what is found.
    return (
        f'<div class="picture" data-search-exclude tabindex="0" role="group" aria-label="{said[1]}">'
        f'{opening} role="img" aria-label="{said[1]}">{inside}</div>'
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put pages beside docs/ into the site, too."""
    for name in OUTSIDE:
        files.append(File.generated(config, name, abs_src_path=str(REPOSITORY / name)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Have the front page stand alone, weigh pages for the search, and mend links of pages from outside."""
    weight = next((weight for begins, weight in WEIGHTS.items() if page.file.src_uri.startswith(begins)), 1)
    page.meta["search"] = {"boost": weight}
    if page.file.src_uri == FRONT:
        page.meta["hide"] = ["navigation", "toc"]
    if page.file.src_uri in OUTSIDE:
        markdown = markdown.replace("](docs/", "](")
    up = "../" * page.file.src_uri.count("/")
    for name in OUTSIDE:
        # In the site they lie where the pages are, not above them.
        markdown = markdown.replace(f"]({up}../{name}", f"]({up}{name}")
    return FILE_LINK.sub(lambda found: _called(found, page, files), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Have a corner of a table without a word be no heading."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)


def _called(found: re.Match[str], page: Page, files: Files) -> str:
    """Return a link to a file as one to a page of the site, by its title there."""
    if not found["end"] and "_" not in found["name"]:
        return found[0]
    target = files.get_file_from_path(
        posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), found["way"]))
    )
    if target is None or target.page is None or not target.page.title:
        return found[0]
    return f"[{target.page.title}]({found['way']}{found['place'] or ''})"
