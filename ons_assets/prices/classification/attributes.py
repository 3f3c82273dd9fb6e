"""What the name of a product says beside its words: pack, unit, pieces, per cent."""

import math
import re
from collections.abc import Sequence

from ons_assets.prices.packs import parse_pack

_PERCENT = re.compile(r"(?<![\d.,])(\d{1,3}(?:[.,]\d+)?)\s*%")


def percentages(name: str) -> list[float]:
    """Return the percentages that a name gives, in their order: alcohol by volume, fat."""
    return [float(found.replace(",", ".")) for found in _PERCENT.findall(name)]


def attributes(name: str) -> dict[str, float]:
    """Return what a name says in figures; what it does not say is left out.

    Returns
    -------
    Mapping
        ``unit=kg`` (or l, each): 1; ``log_quantity`` of the pack in that unit; ``pieces``; ``percent`` and
        ``percent_given``: the first percentage.
    """
    said: dict[str, float] = {}
    if pack := parse_pack(name):
        said |= {f"unit={pack.unit}": 1.0, "log_quantity": math.log(pack.quantity), "pieces": float(pack.count)}
    if given := percentages(name):
        said |= {"percent": given[0], "percent_given": 1.0}
    return said


def all_attributes(names: Sequence[str]) -> list[dict[str, float]]:
    """Return the attributes of each name."""
    return [attributes(name) for name in names]
