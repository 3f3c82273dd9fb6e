"""Pages on methods: the Markdown of docs/methods as pages of the report."""

import re
from collections.abc import Sequence
from functools import cache
from threading import Lock

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from ons_assets.governance.report.page import Page

# The library fills its rules, and its table of signs in links, at their first use: who reads meanwhile in another
# thread finds a part of them, and the page comes out wrong or not at all.
ONE_AT_A_TIME = Lock()
TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)


def method_path(text: str) -> str:
    """Return where the page of a method lies.

    Parameters
    ----------
    text
        Its Markdown.

    Examples
    --------
    >>> method_path("# Price indices, by month")
    'methods/price-indices-by-month.html'
    """
    return f"methods/{re.sub('[^a-z0-9]+', '-', _title(text).lower()).strip('-')}.html"


@cache
def method_page(text: str) -> Page:
    """Return the page of a method; links to other files and pictures, which do not lie here, become text.

    Parameters
    ----------
    text
        Its Markdown, in which HTML is text.
    """
    with ONE_AT_A_TIME:
        tokens = _reader().parse(TITLE.sub("", text, count=1))
        body = _reader().renderer.render(_alone(tokens), _reader().options, {})
    return Page(method_path(text), _title(text), [], [], [Markup(body)])


def _title(text: str) -> str:
    found = TITLE.search(text)
    return found[1].strip() if found else "Method"


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _alone(tokens: Sequence[Token]) -> list[Token]:
    """Tokens without what would fetch something or lead nowhere."""
    kept, tables = [], 0
    for at, token in enumerate(tokens):
        if token.type in ("th_open", "th_close") and _is_empty(tokens, at):
            # A cell above nothing is the heading of nothing.
            token.tag = "td"
        if token.children:
            token.children = [
                _as_words(child) for child in token.children if child.type not in ("link_open", "link_close")
            ]
        if token.type == "table_open":
            tables += 1
            # Wider than a phone: it is moved under a finger, or by the keys.
            said = f'<div class="wide" tabindex="0" role="group" aria-label="Table {tables}">'
            kept.append(Token("html_block", "", 0, content=said))
        kept.append(token)
        if token.type == "table_close":
            kept.append(Token("html_block", "", 0, content="</div>"))
    return kept


def _is_empty(tokens: Sequence[Token], at: int) -> bool:
    inline = tokens[at + 1] if tokens[at].type == "th_open" else tokens[at - 1]
    return inline.type == "inline" and not inline.content.strip()


def _as_words(token: Token) -> Token:
    """A picture is told in the words that stand for it."""
    return Token("text", "", 0, content=f"[{token.content}]") if token.type == "image" else token
