"""Names in the sentences of people: whether a reason that is to be kept says whom it is about."""

import re
import unicodedata
from collections.abc import Collection

from ons_assets.governance.erasure.selection import SHORTEST

WORD = re.compile(r"[^\W_]+")
# As suppliers' tables write a whole number.
WITH_NOTHING_BEHIND = re.compile(r"([+-]?[0-9]+)\.0*")
MOST_PARTS = 4


def says(text: str, names: Collection[str]) -> bool:
    """Return whether a text says one of some names, in any case of letters and however its parts are set apart.

    A name of at least six characters is found inside other words too; a shorter one only as words of their own, for it
    stands in others by chance. What a search of bytes finds of a name of that length in a text is found here.

    Parameters
    ----------
    text
        Of a person, such as a reason.
    names
        Names and pseudonyms as text.

    Examples
    --------
    >>> says("the flat of mac 000-123", ["MAC000123"]), says("since 1392", ["1392.0"]), says("13925", ["1392"])
    (True, True, False)
    """
    words = WORD.findall(_folded(text))
    return any(_is_among(name, words, text) for name in names if name.strip())


def possible_names(text: str) -> set[str]:
    """Return what in a text may be a name: up to four words that follow each other, as they are and written as one.

    Parameters
    ----------
    text
        Of a person.
    """
    found: set[str] = set(text.split())
    words = list(WORD.finditer(text))
    for first in range(len(words)):
        for last in range(first, min(first + MOST_PARTS, len(words))):
            parts = words[first : last + 1]
            found |= {text[parts[0].start() : parts[-1].end()], "".join(each.group() for each in parts)}
    return found | {each.upper() for each in found} | {each.lower() for each in found}


def _is_among(name: str, words: list[str], text: str) -> bool:
    whole = WITH_NOTHING_BEHIND.fullmatch(name.strip())
    parts = WORD.findall(_folded(whole[1] if whole else name))
    if not parts:
        return _folded(name) in _folded(text)
    if len(name) >= SHORTEST:
        return "".join(parts) in "".join(words)
    return any(words[place : place + len(parts)] == parts for place in range(len(words)))


def _folded(text: str) -> str:
    """The text in one case, with letters of other widths as plain ones, and without accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(each for each in apart if not unicodedata.combining(each))
