"""A name of a product as tokens, each of a kind that the grammar of packs knows."""

import re
from dataclasses import dataclass
from typing import Literal

from ons_assets.prices.pack_words import FRACTIONS, TIMES, UNITS

Kind = Literal["number", "unit", "times", "word", "dots", "mark", "end"]

_SCAN = re.compile(
    rf"(?P<number>(?<![^\s(])\.\d+|\d+(?:[.,'’]\d+)*|[{''.join(FRACTIONS)}])|(?P<word>[^\W\d_]+(?:['’]S(?![^\W\d_]))?)"
    r"|(?P<dots>\.{2,}|…)|(?P<mark>\S)"
)
# Of more digits a number is the code of something.
_MOST_DIGITS = 9


@dataclass(frozen=True)
class Token:
    """A token of a name.

    Attributes
    ----------
    kind
        "number", "unit", "times" (x, ×, *), "dots" (where a name was cut off), "word", "mark" or "end".
    text
        In capitals; "FL OZ" is the one unit "FLOZ".
    start, end
        Where it stands in the name.
    glued
        Whether nothing stands between it and the token before.
    """

    kind: Kind
    text: str
    start: int
    end: int
    glued: bool


def tokens(text: str) -> list[Token]:
    """Divide a name in capitals into tokens; the last is of the kind "end"."""
    found: list[Token] = []
    for match in _SCAN.finditer(text):
        glued = bool(found) and found[-1].end == match.start()
        found.extend(_classified(match, glued, found[-1] if found else None))
    found.append(Token("end", "", len(text), len(text), False))
    return _fluid_ounces(found)


def whole(token: Token) -> int | None:
    """Return the whole number that a token is, "1,000" among them; None for others."""
    if token.kind != "number" or len(token.text) > _MOST_DIGITS:
        return None
    if token.text.isascii() and token.text.isdigit():
        return int(token.text)
    head, *groups = re.split(r"[,'’]", token.text)
    grouped = groups and head.isdigit() and 1 <= len(head) <= 3 and head[0] != "0"
    return int(head + "".join(groups)) if grouped and all(len(each) == 3 for each in groups) else None


def value(token: Token, *, small: bool) -> float | None:
    """Return the number that a token is; None if it is none.

    Parameters
    ----------
    token
        A number.
    small
        Whether it is of grams, millilitres or pieces: then one separator before three digits stands for thousands,
        else for decimals.
    """
    if token.text in FRACTIONS:
        return FRACTIONS[token.text]
    if max(len(part) for part in re.split(r"[.,'’]", token.text)) > _MOST_DIGITS:
        return None
    head, *groups = re.split(r"[.,'’]", token.text)
    separators = re.findall(r"[.,'’]", token.text)
    if not groups or not head:  # "330" or ".33"
        return float(token.text)
    thousands = head[0] != "0" and len(head) <= 3 and all(len(group) == 3 for group in groups)
    if thousands and len(set(separators)) == 1 and (small or len(groups) > 1 or separators[0] in "'’"):
        return float(head + "".join(groups))
    if len(groups) == 1:
        return float(f"{head}.{groups[0]}")
    if len(set(separators[:-1])) == 1 and separators[-1] != separators[0]:  # "1,000.5"
        return float(head + "".join(groups[:-1]) + "." + groups[-1])
    return None


def _classified(match: re.Match[str], glued: bool, before: Token | None) -> list[Token]:
    kind, text = match.lastgroup, match[0]
    start, end = match.span()
    if kind == "word":
        # "330MLX6", "1LX10": the x stands between two numbers, without blanks.
        joint = glued and before is not None and before.kind == "number" and match.string[end : end + 1].isdigit()
        if joint and text[-1] in TIMES and text[:-1] in UNITS:
            return [
                Token("unit", text[:-1], start, end - 1, glued),
                Token("times", text[-1], end - 1, end, True),
            ]
        return [Token("times" if text in TIMES else "unit" if text in UNITS else "word", text, start, end, glued)]
    if kind == "mark" and text in TIMES:
        return [Token("times", text, start, end, glued)]
    return [Token(kind, text, start, end, glued)]  # type: ignore[arg-type]


def _fluid_ounces(found: list[Token]) -> list[Token]:
    """Make one unit of "FL OZ", "FL. OZ" and "FLUID OUNCES"."""
    joined: list[Token] = []
    for token in found:
        ounces = token.kind == "unit" and token.text in ("OZ", "OZS", "OUNCE", "OUNCES")
        back = 2 if ounces and len(joined) > 1 and joined[-1].text == "." else 1
        if ounces and len(joined) >= back and joined[-back].text in ("FL", "FLUID"):
            first = joined[-back]
            del joined[-back:]
            token = Token("unit", "FLOZ", first.start, token.end, first.glued)
        joined.append(token)
    return joined
