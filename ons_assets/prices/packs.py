"""Size of a pack, read from the name of a product: "6x330ml", "75CL", "0.8KG", "80 TEA BAGS", "4 PACK"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from ons_assets.prices.pack_grammar import Count, Measure, phrases
from ons_assets.prices.pack_words import CONTAINERS, DOSES, MULTIPLES, UNITS

# Beyond a gram and a tonne, or their like in litres and pieces, a pack was misread: it is that of no product.
LEAST_QUANTITY, LARGEST_QUANTITY = 0.001, 1_000.0
MOST_CONTAINERS = 1_000_000
# Tablets are not of more kilograms each.
LARGEST_DOSE = 0.002


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
    between
        Least and most, where the name gives a range ("1.5-2.5KG"): `quantity` is its middle, and that of no single
        pack. None where it gives none.
    containers
        Number of containers that the quantity is of: 6 of "6X330ML", 1 of "80 TEA BAGS 250G".
    """

    quantity: float
    unit: str
    count: int
    text: str
    between: tuple[float, float] | None = None
    containers: int = 1


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
        come before pieces: "80 TEA BAGS 250G" are 0.25 kg; but what tablets weigh is their strength: "1000MG 60
        CAPSULES" are 60. Pints, gallons and fluid ounces are imperial. `ons_assets.prices.pack_grammar` says what is
        understood.

    Examples
    --------
    >>> parse_pack("PALE LAGER 6x330ml")
    Pack(quantity=1.98, unit='l', count=6, text='6X330ML', between=None, containers=6)
    """
    text = name.upper()
    found = phrases(text)
    counts = [phrase for phrase in found if isinstance(phrase, Count)]
    measures = [phrase for phrase in found if isinstance(phrase, Measure) and not _is_dose(phrase, counts)]
    if measures:
        return _measured(text, next((each for each in measures if each.count), measures[0]), counts)
    if not counts:
        return None
    pieces = counts[0]
    return Pack(float(pieces.number), "each", pieces.number, text[pieces.start : pieces.end])


def pack_table(names: Iterable[str]) -> pl.DataFrame:
    """Read the packs of many names.

    Returns
    -------
    DataFrame
        One row a different name: ``product``, ``containers`` (1 unless the name multiplies), ``container`` ("can",
        "bottle"; null where the name does not say), ``pack_count``, ``pack_quantity``, ``pack_unit`` (null where
        the name gives none), ``pack_lowest`` and ``pack_highest`` (null unless it gives a range), and ``stem``, the
        name in capitals without its pack and punctuation.
    """
    different = sorted(set(names))
    packs = [parse_pack(name) for name in different]
    return pl.DataFrame(
        {
            "product": different,
            "pack_count": [pack and pack.count for pack in packs],
            "pack_quantity": [pack and pack.quantity for pack in packs],
            "pack_unit": [pack and pack.unit for pack in packs],
            "pack_lowest": [pack and pack.between and pack.between[0] for pack in packs],
            "pack_highest": [pack and pack.between and pack.between[1] for pack in packs],
            "containers": [pack.containers if pack else 1 for pack in packs],
            "container": [container(name) for name in different],
            "stem": [stem(name) for name in different],
        },
        schema={
            "product": pl.String,
            "pack_count": pl.Int64,
            "pack_quantity": pl.Float64,
            "pack_unit": pl.String,
            "pack_lowest": pl.Float64,
            "pack_highest": pl.Float64,
            "containers": pl.Int64,
            "container": pl.String,
            "stem": pl.String,
        },
    )


def container(name: str) -> str | None:
    """Return what a name says that its content is in, such as "can" or "bottle"; None where it does not say.

    Of several the first counts.

    Examples
    --------
    >>> container("PALE LAGER 6x330ml cans")
    'can'
    """
    return next((CONTAINERS[word] for word in plain(name).split() if word in CONTAINERS), None)


def stem(name: str) -> str:
    """Return a name in capitals without its packs and its punctuation: what stays when only the pack changes."""
    text = name.upper()
    for phrase in reversed(phrases(text)):
        text = f"{text[: phrase.start]} {text[phrase.end :]}"
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


def _measured(text: str, measure: Measure, counts: list[Count]) -> Pack | None:
    if measure.is_cut:
        return None
    multiples = [each.number for each in counts if each.pieces in MULTIPLES or each.pieces == "X"]
    count = measure.count
    if count is None and measure.unit == "l" and multiples:
        # Cans and bottles: the volume is that of one. Of food it is the whole: "6 PACK 150G".
        count = max(multiples)
    containers = count or 1
    if containers > MOST_CONTAINERS:
        return None
    quantity = round(measure.size * containers, 9)
    if not LEAST_QUANTITY <= quantity <= LARGEST_QUANTITY:
        return None
    if count is None:
        count = counts[0].number if counts else 1
    said = text[measure.start : measure.end]
    if measure.between is None:
        return Pack(quantity, measure.unit, count, said, containers=containers)
    lowest, highest = (round(end * quantity / measure.size, 9) for end in measure.between)
    return Pack(quantity, measure.unit, count, said, (lowest, highest), containers)


def _is_dose(measure: Measure, counts: list[Count]) -> bool:
    """Whether this is the strength of a tablet."""
    return measure.written == "MG" or (
        measure.unit == "kg" and measure.size <= LARGEST_DOSE and any(each.pieces in DOSES for each in counts)
    )
