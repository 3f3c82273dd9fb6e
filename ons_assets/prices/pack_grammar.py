"""The grammar of packs: what each phrase of a name says of weight, volume or number.

    sum      = product { "+" product }
    product  = { factor } measure [ pieces ] { times number [ pieces ] }     6 x 330ml, 4 pcs x 400g, 950ml x 12 pcs
             | number measure container                                     2 400g cans
    factor   = number [ pieces ] times | number pieces "of"
    measure  = amount [ "-" amount ] unit | "half" unit                      1.5-2.5kg, 1 1/2 pints
    count    = number [ words ] pieces | packing "of" number | times number | [ number ] dozen

The reader tries these at each token from the left, the longest first.
"""

from dataclasses import dataclass, replace

from ons_assets.prices.pack_tokens import Token, tokens, value, whole
from ons_assets.prices.pack_words import (
    FRACTIONS,
    MULTIPLES,
    NOT_COUNTED,
    NUTRIENTS,
    PACKINGS,
    PIECES,
    QUALIFIERS,
    RANGES,
    SMALL_UNITS,
    UNITS,
)

DOZEN = 12
# What is wider is no range: "6-330ML".
WIDEST_RANGE = 3
MOST_PIECES = 1_000


@dataclass(frozen=True)
class Measure:
    """A weight or a volume.

    Attributes
    ----------
    size
        Of one container, in `unit`; of a range its middle.
    unit
        "kg" or "l".
    written
        Unit as written.
    count
        Number of containers that multiplies it; None where nothing does.
    between
        Ends of the range; None where it is none.
    is_cut
        Whether the name was cut off just after it, so that a number of containers may be missing.
    start, end
        Where it stands in the name.
    """

    size: float
    unit: str
    written: str
    start: int
    end: int
    count: int | None = None
    between: tuple[float, float] | None = None
    is_cut: bool = False


@dataclass(frozen=True)
class Count:
    """A number of pieces; `pieces` is the word for them, "" where there is none."""

    number: int
    pieces: str
    start: int
    end: int


def phrases(text: str) -> list[Measure | Count]:
    """Return what a name in capitals says of its pack, from left to right."""
    reader = _Reader(text)
    found: list[Measure | Count] = []
    at = 0
    while reader.tokens[at].kind != "end":
        step = reader.phrase(at)
        if step is None:
            at += 1
            continue
        phrase, at = step
        if phrase is not None:
            found.append(phrase)
    return found


class _Reader:
    """Reads phrases of the grammar at a token; each rule returns what it read and the token after it, or None."""

    def __init__(self, text: str) -> None:
        self.tokens = [*tokens(text), *[Token("end", "", len(text), len(text), False)] * 3]

    def phrase(self, at: int) -> tuple[Measure | Count | None, int] | None:
        return self.sum(at) or self.count(at)

    def sum(self, at: int) -> tuple[Measure | None, int] | None:
        first = self.product(at)
        if first is None:
            return None
        start, (measure, at) = at, first
        while measure is not None and self.tokens[at].text == "+" and (more := self.product(at + 1)):
            further, after = more
            if further is None or further.unit != measure.unit or further.between or measure.between:
                break
            measure, at = _added(measure, further), after
        if measure is not None and self._denied(start, at):
            return None, at
        return measure, at

    def product(self, at: int) -> tuple[Measure | None, int] | None:
        if not self._starts(at):
            return None
        start, count = self.tokens[at].start, None
        while step := self.factor(at):
            number, at = step
            count = number * (count or 1)
        read = self.measure(at)
        if read is None:
            return self._placed(start, count, at)
        measure, at = read
        while step := self.times_after(at):
            number, at = step
            count = number * (count or 1)
        if self.tokens[at].kind == "dots" and (count is None or measure.written == "L"):  # L of LB?
            return None, at
        is_cut = count is None and self._is_cut(at, measure.unit)
        return replace(measure, start=start, end=self.tokens[at - 1].end, count=count, is_cut=is_cut), at

    def _placed(self, start: int, count: int | None, at: int) -> tuple[Measure | None, int] | None:
        """Read "2 400G CANS": a number, the size of one, and the container."""
        number = whole(self.tokens[at])
        if count is not None or not number or self.tokens[at + 1].glued or not (read := self.measure(at + 1)):
            return None
        measure, after = read
        if self.tokens[after].text not in MULTIPLES or self.tokens[after].text in ("PACK", "PK", "PCK"):
            return None
        return replace(measure, start=start, end=self.tokens[after].end, count=number), after + 1

    def factor(self, at: int) -> tuple[int, int] | None:
        number = whole(self.tokens[at])
        if number is None:
            return None
        after = self._after_pieces(at + 1)
        joins = self.tokens[after].kind == "times" or (after > at + 1 and self.tokens[after].text == "OF")
        return (number, after + 1) if joins and self.tokens[after + 1].kind == "number" else None

    def times_after(self, at: int) -> tuple[int, int] | None:
        after = self._after_pieces(at)
        number = whole(self.tokens[after + 1]) if self.tokens[after].kind == "times" else None
        if number is None or self._goes_on(after + 1):
            return None
        return number, self._after_pieces(after + 2)

    def measure(self, at: int) -> tuple[Measure, int] | None:
        if self.tokens[at].text == "HALF":
            after = at + 1 + (self.tokens[at + 1].text == "A")
            return self._unit(0.5, at, after) if self.tokens[after].kind == "unit" else None
        ends = self.amount(at)
        if ends is None:
            return None
        low, after = ends
        middle = after + (self.tokens[after].kind == "unit")
        if self.tokens[middle].text in RANGES and (upper := self.amount(middle + 1)):
            high, last = upper
            unit = self.tokens[last]
            if unit.kind == "unit" and self.tokens[after].text in (unit.text, self.tokens[middle].text):
                return self._range(low, high, at, last)
        after = self._hyphened(after)
        if self.tokens[after].kind != "unit" or self.tokens[after].text == "EACH":
            return None
        size = low(self.tokens[after].text in SMALL_UNITS)
        return None if size is None else self._unit(size, at, after)

    def _unit(self, size: float, at: int, unit: int) -> tuple[Measure, int] | None:
        standard, factor = UNITS[self.tokens[unit].text]
        after = unit + 1
        if self.tokens[after].kind == "number" and self.tokens[after].glued:
            return None
        if self.tokens[after].text == "." and self.tokens[after].glued:
            after += 1
        start, end = self.tokens[at].start, self.tokens[unit].end
        return Measure(size * factor, standard, self.tokens[unit].text, start, end), after

    def _range(self, low: "_Amount", high: "_Amount", at: int, unit: int) -> tuple[Measure, int] | None:
        small = self.tokens[unit].text in SMALL_UNITS
        lowest, highest = low(small), high(small)
        if lowest is None or highest is None or not 0 < lowest < highest <= WIDEST_RANGE * lowest:
            return None
        read = self._unit((lowest + highest) / 2, at, unit)
        if read is None:
            return None
        measure, after = read
        factor = UNITS[measure.written][1]
        return replace(measure, between=(lowest * factor, highest * factor)), after

    def amount(self, at: int) -> "tuple[_Amount, int] | None":
        first, second = self.tokens[at], self.tokens[at + 1]
        if first.kind != "number":
            return None
        if whole(first) is not None:
            if second.text in FRACTIONS:  # 2½
                return _Amount(first, FRACTIONS[second.text]), at + 2
            if (part := self._fraction(at)) is not None:  # 1/2
                return _Amount(None, part), at + 3
            if not second.glued and (part := self._fraction(at + 1)) is not None:  # 1 1/2
                return _Amount(first, part), at + 4
            if not second.glued and second.text == "000":  # 1 000
                return _Amount(Token("number", first.text + "000", first.start, second.end, first.glued)), at + 2
        return _Amount(first), at + 1

    def _fraction(self, at: int) -> float | None:
        over, slash, under = self.tokens[at : at + 3]
        if slash.text != "/" or not (slash.glued and under.glued) or under.text not in ("2", "3", "4", "8"):
            return None
        number = whole(over)
        return number / int(under.text) if number is not None and 0 < number < int(under.text) else None

    def count(self, at: int) -> tuple[Count, int] | None:
        return self._dozens(at) or self._pieces(at) or self._packing_of(at) or self._times(at)

    def _dozens(self, at: int) -> tuple[Count, int] | None:
        after, number = at, 1.0
        if self.tokens[at].text == "HALF":
            after, number = at + 1 + (self.tokens[at + 1].text == "A"), 0.5
        elif self._starts(at) and (read := self.amount(at)):
            amount, after = read
            number = amount(True) or 0.0
        if self.tokens[after].text not in ("DOZEN", "DOZENS") or number * DOZEN % 1:
            return None
        return self._counted(int(number * DOZEN), "DOZEN", at, after)

    def _pieces(self, at: int) -> tuple[Count, int] | None:
        number = whole(self.tokens[at])
        if number is None or not self._starts(at):
            return None
        after = at + 1
        if self.tokens[after].text == "S" and (self.tokens[after].glued or self.tokens[after].text == "'S"):
            return self._counted(number, "", at, after)
        if self.tokens[after].text in ("'", "’") and self.tokens[after + 1].text == "S":  # 40'S
            return self._counted(number, "", at, after + 1)
        after, others = self._hyphened(after), 1
        while self.tokens[after].kind == "word" and self.tokens[after].text not in PIECES:
            if self.tokens[after].text in NOT_COUNTED or self.tokens[after].glued:
                return None
            others -= self.tokens[after].text not in QUALIFIERS
            if others < 0:
                return None
            after += 1
        word = self.tokens[after]
        return self._counted(number, word.text, at, after) if word.text in PIECES else None

    def _packing_of(self, at: int) -> tuple[Count, int] | None:
        if self.tokens[at].text not in PACKINGS or self.tokens[at + 1].text != "OF":
            return None
        number = whole(self.tokens[at + 2])
        return None if number is None else self._counted(number, "PACK", at, at + 2)

    def _times(self, at: int) -> tuple[Count, int] | None:
        number = whole(self.tokens[at + 1]) if self.tokens[at].kind == "times" else None
        if number is None or self.tokens[at].glued or self._goes_on(at + 1):
            return None
        if counted := self._pieces(at + 1):
            return Count(counted[0].number, counted[0].pieces, self.tokens[at].start, counted[0].end), counted[1]
        after = self._after_pieces(at + 2)
        return self._counted(number, "X", at, after - 1)

    def _counted(self, number: int, pieces: str, at: int, last: int) -> tuple[Count, int] | None:
        if not 0 < number <= MOST_PIECES or self.tokens[last + 1].kind == "dots":
            return None
        return Count(number, pieces, self.tokens[at].start, self.tokens[last].end), last + 1

    def _after_pieces(self, at: int) -> int:
        """Skip the name of a piece: "4 PCS X", "6 TEA BAGS X"."""
        word = self._hyphened(at)
        return word + 1 if self.tokens[word].text in PIECES else at

    def _hyphened(self, at: int) -> int:
        """Skip the hyphen of "6-PACK" and "4-PINT"."""
        return at + 1 if self.tokens[at].text == "-" and self.tokens[at].glued and self.tokens[at + 1].glued else at

    def _starts(self, at: int) -> bool:
        """Whether a number starts here: not BRAND7, £5, NO.5, nor the second of 1.2.3."""
        if not self.tokens[at].glued or at == 0:
            return True
        before = self.tokens[at - 1]
        if before.kind == "word":  # "DRINK250G", "PACK2X50G"
            return before.text in PIECES or (len(before.text) >= 4 and len(self.tokens[at].text) >= 2)
        return before.kind in ("times", "mark") and before.text not in ".,£$€#'’_"

    def _goes_on(self, at: int) -> bool:
        """Whether what stands here is only the start of something: "X 33...", "X 33CL" or "X 2X33CL"."""
        after = self.tokens[at + 1]
        glued = after.glued and after.kind in ("word", "unit") and after.text not in PIECES
        return after.kind in ("dots", "times") or glued or after.text == "%"

    def _is_cut(self, at: int, unit: str) -> bool:
        """Whether the name ends in dots where a number of containers was said: "330ML X 1...", "1L 4 PA..."."""
        multiplied = self.tokens[at].kind == "times"
        at += multiplied
        if self.tokens[at].kind == "number":
            word = self.tokens[at + 1]
            container = word.kind == "dots" or any(each.startswith(word.text) for each in MULTIPLES)
            multiplied = multiplied or (unit == "l" and container)
            at += 1 + (word.kind == "word")
        return multiplied and self.tokens[at].kind == "dots"

    def _denied(self, start: int, at: int) -> bool:
        """Whether what was measured is not the pack: "PER 100G", "5G OF PROTEIN", "4.5X10G"."""
        after = self.tokens[at + (self.tokens[at].text == "OF")]
        before = self.tokens[max(start - 1, 0)]
        # By what is no whole number: else it would be a factor.
        multiplied = before.kind == "times" and start > 1 and self.tokens[start - 2].kind == "number"
        return multiplied or before.text == "PER" or after.text in NUTRIENTS or after.text == "%"


@dataclass(frozen=True)
class _Amount:
    """A number whose separators are read when its unit is known."""

    number: Token | None
    fraction: float = 0.0

    def __call__(self, small: bool) -> float | None:
        if self.number is None:
            return self.fraction
        read = value(self.number, small=small)
        return None if read is None else read + self.fraction


def _added(one: Measure, other: Measure) -> Measure:
    """Return the sum of two products; of equal sizes the number of containers adds up."""
    if one.size == other.size:
        return replace(one, count=(one.count or 1) + (other.count or 1), end=other.end)
    total = one.size * (one.count or 1) + other.size * (other.count or 1)
    return replace(one, size=total, count=None, end=other.end, is_cut=one.is_cut or other.is_cut)
