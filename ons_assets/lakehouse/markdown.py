"""Text in pages of Markdown, as the UI and model cards are."""

import re

# A backslash takes the meaning of each of these, also of the colon of an address and of a tag of HTML.
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def as_text(text: str) -> str:
    """Return Markdown that shows a text as it is, on one line: it may be a name that somebody gave a file."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
