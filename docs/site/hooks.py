"""What the site needs beyond Markdown: pictures drawn while it is built, and two pages from outside of docs/."""

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
# Ids inside of a picture, of which a page may have several.
NAME = "my-svg"
FRONT = "index.md"
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
    drawn = mermaidx.render(source, htmlLabels=False).svg()
    opening, inside = drawn.replace(NAME, f"picture-{number}").split(">", 1)
    opening = re.sub(r'\s(role|aria-\w+)="[^"]*"', "", opening)
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


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Have the front page stand alone, weigh pages for the search, and mend links of pages from outside."""
    weight = next((weight for begins, weight in WEIGHTS.items() if page.file.src_uri.startswith(begins)), 1)
    page.meta["search"] = {"boost": weight}
    if page.file.src_uri == FRONT:
        page.meta["hide"] = ["navigation", "toc"]
    return markdown.replace("](docs/", "](") if page.file.src_uri in OUTSIDE else markdown
