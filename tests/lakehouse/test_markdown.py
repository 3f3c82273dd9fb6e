import pytest
from markdown_it import MarkdownIt

from ons_assets.lakehouse.markdown import as_text


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://evil.example/seen)",
        "<img src=x onerror=alert(1)>",
        "a | b",
        "# a",
        "1. a",
        "- a",
        "http://evil.example www.evil.example",
        '**a** _b_ `c` ~~d~~ &lt; \\ "q"',
        "tesco 2016-07-21.csv",
    ],
)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    reader = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify")
    [block] = [token for token in reader.parse(as_text(text)) if token.type == "inline"]
    assert {token.type for token in block.children or []} <= {"text", "text_special"}
    assert "".join(token.content for token in block.children or []) == text
    assert "://" not in as_text(text)


def test_it_stays_on_its_line() -> None:
    assert as_text("a\n# b\r\nc") == r"a \# b c"
