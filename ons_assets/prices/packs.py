"""Size of a pack, read from the name of a product: "6x330ml", "75CL", "0.8KG", "80 TEA BAGS", "4 PACK"."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

# A unit as shops write it, its standard unit, and how many of the standard unit it is.
UNITS: dict[str, tuple[str, float]] = {
    "MG": ("kg", 1e-6),
    "G": ("kg", 0.001),
    "GM": ("kg", 0.001),
    "GR": ("kg", 0.001),
    "GRAM": ("kg", 0.001),
    "GRAMS": ("kg", 0.001),
    "KG": ("kg", 1.0),
    "KILO": ("kg", 1.0),
    "OZ": ("kg", 0.028349523125),
    "LB": ("kg", 0.45359237),
    "LBS": ("kg", 0.45359237),
    "ML": ("l", 0.001),
    "CL": ("l", 0.01),
    "L": ("l", 1.0),
    "LT": ("l", 1.0),
    "LTR": ("l", 1.0),
    "LTRS": ("l", 1.0),
    "LITRE": ("l", 1.0),
    "LITRES": ("l", 1.0),
    "LITER": ("l", 1.0),
    "LITERS": ("l", 1.0),
    # The imperial pint.
    "PT": ("l", 0.56826125),
    "PINT": ("l", 0.56826125),
    "PINTS": ("l", 0.56826125),
    "EACH": ("each", 1.0),
}
PIECES = re.findall(
    r"\w+",
    """PACK PACKS PK PCK CANS CAN BOTTLES BOTTLE TEABAGS TEABAG BAGS BAG SACHETS SACHET PIECES PIECE PCS ROLLS
    TABLETS CAPSULES PYRAMIDS ENVELOPES POTS BARS SLICES""",
)

# Of more digits a number is the code of something.
_WHOLE = r"\d{1,9}"
_NUMBER = rf"{_WHOLE}(?:[.,]\d+)?"
_SIZE_UNITS = "|".join(sorted((unit for unit in UNITS if unit != "EACH"), key=len, reverse=True))
_PIECES = "|".join(sorted(PIECES, key=len, reverse=True))
# A number that goes on to the left is not the start of a size: 1.5L, £5, BRAND7.
_START = r"(?<![\w.,£$€])"
# "5G PROTEIN" says what is in it, and "5G..." was cut off.
_END = r"(?![\w%])(?!\s*\.\.\.)(?!\s+(?:OF\s+)?(?:PROTEIN|FIBRE|SUGARS?|FATS?|CARBS)\b)"
_SIZE = re.compile(rf"{_START}((?:{_WHOLE}\s*(?:PACK\s*|PK\s*)?[X×*]\s*)*)({_NUMBER})\s*({_SIZE_UNITS}){_END}")
_TIMES_AFTER = re.compile(rf"{_START}({_NUMBER})\s*({_SIZE_UNITS})\s*[X×*]\s*({_WHOLE})(?![\w.,%])(?!\s*\.\.\.)")
_COUNT = re.compile(
    rf"{_START}({_WHOLE})\s*(?:'?S\b|(?:[A-Z]+\s+)?(?:{_PIECES})\b)(?!\s*\.\.\.)"
    rf"|\bPACK\s+OF\s+({_WHOLE})\b(?!\s*\.\.\.)|(?<!\w)X\s?({_WHOLE})\b(?!\s*\.\.\.)"
)
_MULTIPACK = re.compile(rf"{_START}({_WHOLE})\s*(?:PACK|PK|CANS|BOTTLES)\b|(?<!\w)X\s?({_WHOLE})\b")
# Beyond a gram and a tonne, or their like in litres and pieces, a pack was misread: it is that of no product.
LEAST_QUANTITY, LARGEST_QUANTITY = 0.001, 1_000.0


@dataclass(frozen=True)
class Pack:
    """What a pack holds.

    Attributes
    ----------
    quantity
        All of it, in `unit`.
    unit
        "kg", "l" or "each".
    count
        Number of pieces or containers that the name gives; 1 where it gives none.
    text
        The part of the name that says so.
    """

    quantity: float
    unit: str
    count: int
    text: str


@lru_cache(maxsize=200_000)
def parse_pack(name: str) -> Pack | None:
    """Read the size of a pack from the name of a product.

    Parameters
    ----------
    name
        Name as displayed, in any case. A size that was cut off ("6X33...") is not a size.

    Returns
    -------
    Pack or None
        None where the name gives neither weight, volume nor number. Of several sizes the one with a
        number of containers counts ("4X440ML (1.76L)"), else the first ("1.13L/2 PINTS"). Weight and volume
        come before pieces: "80 TEA BAGS 250G" are 0.25 kg.

    Examples
    --------
    >>> parse_pack("PALE LAGER 6x330ml")
    Pack(quantity=1.98, unit='l', count=6, text='6X330ML')
    """
    text = name.upper()
    if after := _TIMES_AFTER.search(text):
        return _pack(int(after[3]), after[1], after[2], after[0])
    sizes = list(_SIZE.finditer(text))
    if sizes:
        chosen = next((size for size in sizes if size[1]), sizes[0])
        count = math.prod(int(number) for number in re.findall(r"\d+", chosen[1]))
        multipacks = [int(found[1] or found[2]) for found in _MULTIPACK.finditer(text)]
        if count == 1 and UNITS[chosen[3]][0] == "l" and multipacks:
            # Cans and bottles: the volume is that of one. Of food it is the whole: "6 PACK 150G".
            return _pack(max(multipacks), chosen[2], chosen[3], chosen[0])
        pack = _pack(count, chosen[2], chosen[3], chosen[0])
        if pack is None or count > 1:
            return pack
        pieces = _pieces(text)
        return Pack(pack.quantity, pack.unit, pieces[0], pack.text) if pieces else pack
    if pieces := _pieces(text):
        return Pack(float(pieces[0]), "each", pieces[0], pieces[1])
    return None


def pack_table(names: Iterable[str]) -> pl.DataFrame:
    """Read the packs of many names.

    Returns
    -------
    DataFrame
        One row a different name: ``product``, ``pack_count``, ``pack_quantity``, ``pack_unit`` (null where
        the name gives none) and ``stem``, the name in capitals without its pack and punctuation.
    """
    different = sorted(set(names))
    packs = [parse_pack(name) for name in different]
    return pl.DataFrame(
        {
            "product": different,
            "pack_count": [pack and pack.count for pack in packs],
            "pack_quantity": [pack and pack.quantity for pack in packs],
            "pack_unit": [pack and pack.unit for pack in packs],
            "stem": [stem(name) for name in different],
        },
        schema={
            "product": pl.String,
            "pack_count": pl.Int64,
            "pack_quantity": pl.Float64,
            "pack_unit": pl.String,
            "stem": pl.String,
        },
    )


def stem(name: str) -> str:
    """Return a name in capitals without its packs and its punctuation: what stays when only the pack changes."""
    text = _COUNT.sub(" ", _SIZE.sub(" ", _TIMES_AFTER.sub(" ", name.upper())))
    return plain(text)


def plain(name: str) -> str:
    """Return a name in capitals without punctuation and doubled blanks; decimals and per cent stay."""
    text = re.sub(r"(?<!\d)[.,]|[.,](?!\d)|[^\w\s.,%&]", " ", name.upper())
    return " ".join(text.split())


def standard_quantity(unit_quantity: pl.Expr, unit: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return what a displayed unit ("100", "g") is in kg, l or each, and which of them; null for unknown units."""
    shown = unit.str.to_uppercase().str.strip_chars(" .")
    factor = shown.replace_strict({name: factor for name, (_, factor) in UNITS.items()}, default=None)
    return unit_quantity * factor, shown.replace_strict({name: to for name, (to, _) in UNITS.items()}, default=None)


def _pieces(text: str) -> tuple[int, str] | None:
    for found in _COUNT.finditer(text):
        number = int(next(group for group in found.groups() if group))
        if 0 < number <= 1000:
            return number, found[0].strip()
    return None


def _pack(count: int, size: str, unit: str, text: str) -> Pack | None:
    standard, factor = UNITS[unit]
    quantity = round(count * float(size.replace(",", ".")) * factor, 9)
    if not LEAST_QUANTITY <= quantity <= LARGEST_QUANTITY:
        return None
    return Pack(quantity, standard, count, text.strip())
