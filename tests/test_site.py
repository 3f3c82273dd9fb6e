"""The documentation as a site: nothing is left out, every link leads somewhere, and it works from the file system."""

import html
import os
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

import core_ext
import ons_assets
from tests.chromium import PICTURES, REQUIRED, drive, skip_without_browser

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
OUTSIDE = ["CHANGELOG.md", "CONTRIBUTING.md"]
NAVIGATION = re.findall(r"^ +- .+: (\S+\.md)$", (REPOSITORY / "mkdocs.yml").read_text(), flags=re.MULTILINE)
NEEDS = ("mkdocs", "material", "mkdocstrings", "mermaidx")
# What Markdown is made into that the two dialects could take for something else.
BLOCKS = ("ul", "ol", "li", "table", "tr", "pre", "h1", "h2", "h3", "blockquote")
# One page of each kind: the front, pictures, formulas and wide tables, functions, commands, long lists.
LOOKED_AT = [
    *("index.html", "glossary.html", "architecture.html", "parameters.html", "methods/price_indices.html"),
    *(
        "methods/low_use.html",
        "methods/occupancy.html",
        "reference/api.html",
        "reference/commands.html",
        "reference/tables_meters.html",
    ),
]
DRAWN = ["index.html", "methods/low_use.html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once as `make docs` builds it."""
    if lacking := [name for name in NEEDS if find_spec(name) is None]:
        assert not REQUIRED, lacking
        pytest.skip(f"{lacking[0]} is not installed: pip install --constraint constraints.txt -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder]
    built = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def made_of(page: str) -> str:
    return page.removesuffix(".md") + ".html"


def article(site: Path, page: str) -> str:
    return (site / made_of(page)).read_text("utf-8").split("<article", 1)[1].split("</article>", 1)[0]


def test_every_page_is_in_the_navigation_once() -> None:
    assert {page: times for page, times in Counter(NAVIGATION).items() if times > 1} == {}
    assert sorted(NAVIGATION) == sorted(
        [*(page.relative_to(REPOSITORY / "docs").as_posix() for page in PAGES), *OUTSIDE]
    )


def test_every_link_leads_to_a_page_and_a_place_on_it(site: Path) -> None:
    texts = {path: path.read_text("utf-8") for path in site.rglob("*.html") if path.name != "404.html"}
    ids = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in texts.items()}
    lost = set()
    for path, text in texts.items():
        for link in re.findall(r'<(?:a|img|link|script)\b[^>]*?\b(?:href|src)="([^"]*)"', text):
            parts = urlsplit(html.unescape(link))
            if parts.scheme or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.exists() or (place and place != "__skip" and place not in ids.get(target, set())):
                lost.add(f"{path.relative_to(site)}: {link}")
    assert sorted(lost) == []


def test_links_to_others_are_addresses() -> None:
    links = {
        link
        for page in (*PAGES, *(REPOSITORY / name for name in OUTSIDE))
        for link in re.findall(r"\]\((\w+:[^)\s]*)\)", page.read_text("utf-8"))
    }
    assert len(links) > 40
    faulty = [
        link for link in links if urlsplit(link).scheme not in ("http", "https") or "." not in urlsplit(link).netloc
    ]
    assert faulty == []


def test_a_forge_and_the_site_read_the_same(site: Path) -> None:
    """Lists without an empty line before them, and indented by two, are lists to a forge alone."""
    forge = MarkdownIt("commonmark").enable("table")
    differing = {}
    for page in NAVIGATION:
        path = REPOSITORY / page if page in OUTSIDE else REPOSITORY / "docs" / page
        written = path.read_text("utf-8")
        if re.search(r"^:::", written, flags=re.MULTILINE):
            continue
        here, there = forge.render(re.sub(r"```mermaid\n.*?```", "", written, flags=re.DOTALL)), article(site, page)
        counts = {tag: [len(re.findall(rf"<{tag}\b", text)) for text in (here, there)] for tag in BLOCKS}
        if unlike := {tag: both for tag, both in counts.items() if both[0] != both[1]}:
            differing[page] = unlike
    assert differing == {}


def test_functions_are_explained_by_their_docstrings(site: Path) -> None:
    functions = article(site, "reference/api.md")
    public = [f"core_ext.{name}" for name in core_ext.__all__ if not name.isupper()]
    public += [f"ons_assets.{name}" for name in getattr(ons_assets, "__all__", [])]
    assert len(public) > 15
    assert [name for name in public if f'id="{name}"' not in functions] == []
    assert "Alias for field" not in functions
    assert "neighbours" in functions


def test_pictures_are_drawn(site: Path) -> None:
    assert "<svg" in article(site, "architecture.md").split('class="picture"', 1)[1]
    assert "language-mermaid" not in "".join(article(site, page) for page in NAVIGATION)


def test_words_are_found_without_a_server(site: Path) -> None:
    skip_without_browser()
    said = drive("search.mjs", site / "index.html", "Jevons")
    assert said["asked"] == []
    found = " ".join(said["found"])
    assert "glossary.html" in found
    assert "methods/price_indices.html" in found


def test_axe_finds_nothing_and_no_other_host_is_asked(site: Path) -> None:
    skip_without_browser()
    every = [made_of(page) for page in NAVIGATION]
    looked_at = every if os.environ.get("ONS_ASSETS_SLOW_TESTS") else LOOKED_AT
    found = drive("look.mjs", site, PICTURES / "site", *looked_at, "--pictures", *DRAWN)
    assert set(found) == set(looked_at)
    for said in found.values():
        said["requests"] = [each for each in said["requests"] if not each.startswith(("file:", "data:"))]
    assert {
        page: said for page, said in found.items() if said["violations"] or said["requests"] or said["wide"] > 0
    } == {}
