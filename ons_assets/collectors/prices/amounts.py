"""Prices and unit prices as pages show them: £1.20, 85p, 1.299,00 €, £2.40/kg, 12.5p per 100g."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Mark = Literal[".", ","]

# The sign stands before the number, or after it; a letter p is a hundredth.
SIGNS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "zł": "PLN", "kč": "CZK"}
NUMBER = r"(?:\d|[.,](?=\d))[\d.,'’ \u00a0\u202f]*"
AMOUNT = re.compile(rf"(?P<before>£|€|\$|¥)?\s*(?P<number>{NUMBER})\s*(?P<after>£|€|¥|zł|kč|p\b|c\b)?", re.IGNORECASE)
PLAIN = re.compile(r"\d+(?:\.\d+)?")
PER = re.compile(
    r"(?:/|\bper\b|\bpro\b|\bpar\b|\bfor\b|\bje\b)\s*(?P<quantity>\d+(?:[.,]\d+)?)?\s*(?P<unit>[a-zé]+)?|\b(?P<each>each)\b",
    re.IGNORECASE,
)
UNITS = {
    **dict.fromkeys(("kg", "kilo", "kilogram", "kgm"), "kg"),
    **dict.fromkeys(("g", "gr", "gram", "grams", "grm"), "g"),
    **dict.fromkeys(("l", "lt", "ltr", "litre", "liter", "litres", "litro"), "l"),
    **dict.fromkeys(("ml", "mlt", "millilitre"), "ml"),
    **dict.fromkeys(("cl", "clt"), "cl"),
    **dict.fromkeys(("each", "ea", "unit", "item", "piece", "stück", "pièce"), "each"),
}


@dataclass(frozen=True)
class UnitPrice:
    """A displayed price for a quantity of a unit.

    Parameters
    ----------
    price
        In the currency of the shop.
    quantity
        Number of units that it is for.
    unit
        Such as kg, g, l, ml, each; as the page says it where that is none of these.
    """

    price: Decimal
    quantity: Decimal
    unit: str


def amount(text: str, decimal: Mark = ".") -> Decimal | None:
    """Return the one amount that a text shows, in the main unit of its currency; None if it shows none, or several.

    Parameters
    ----------
    text
        As it is shown: 1.20, £1.20, 85p, 1 299,00 €.
    decimal
        Mark before decimals; the other one may part thousands.

    Examples
    --------
    >>> amount("£1,299.00"), amount("85p"), amount("1.299,00 €", ","), amount("from £2 to £3")
    (Decimal('1299.00'), Decimal('0.85'), Decimal('1299.00'), None)
    """
    found = list(AMOUNT.finditer(text))
    return _value(found[0], decimal) if len(found) == 1 else None


def plain_amount(text: str, decimal: Mark = ".") -> Decimal | None:
    """Return the amount of a text that is to be a plain number with a point, and may be as it is shown nonetheless.

    >>> plain_amount("1.299", ","), plain_amount("1,29 €", ",")
    (Decimal('1.299'), Decimal('1.29'))
    """
    return Decimal(text) if PLAIN.fullmatch(text) else amount(text, decimal)


def currency_of(text: str) -> str | None:
    """Return the currency that the sign in a text means; None without a sign that means one.

    The dollar sign means a dozen currencies, and is taken for none.
    """
    signs = {SIGNS[each] for each in SIGNS if each in text.lower() and each != "$"}
    return signs.pop() if len(signs) == 1 else None


def unit_price(text: str, decimal: Mark = ".") -> UnitPrice | None:
    """Return a displayed unit price; None if a text shows none.

    Parameters
    ----------
    text
        As it is shown: £2.40/kg, (12.5p per 100g), 1,20 € / 100 ml.
    decimal
        Mark before decimals.

    Examples
    --------
    >>> unit_price("(12.5p/100g)")
    UnitPrice(price=Decimal('0.125'), quantity=Decimal('100'), unit='g')
    """
    price = AMOUNT.search(text)
    per = PER.search(text, price.end()) if price is not None else None
    if price is None or per is None or not (per["unit"] or per["each"]):
        return None
    value = _value(price, decimal)
    if value is None:
        return None
    quantity = Decimal((per["quantity"] or "1").replace(",", "."))
    return UnitPrice(value, quantity, unit(per["unit"] or per["each"])) if quantity > 0 else None


def unit(text: str) -> str:
    """Return a unit as the files of quotes write it."""
    return UNITS.get(text.lower().rstrip("."), text.lower())


def _value(found: re.Match[str], decimal: Mark) -> Decimal | None:
    """The number of an amount, if its marks are where they may be."""
    text = re.sub(r"['’\s]", "", found["number"]).rstrip(".,")
    thousands = "," if decimal == "." else "."
    whole, mark, decimals = text.rpartition(decimal)
    if not mark:
        whole, decimals = text, ""
    if decimal in whole or not re.fullmatch(rf"\d*|\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+", whole):
        return None
    if not decimals.isdecimal() and (decimals or not whole):
        return None
    units = whole.replace(thousands, "") or "0"
    value = Decimal(f"{units}.{decimals}" if decimals else units)
    is_hundredth = (found["after"] or "").lower() in ("p", "c") and not found["before"]
    return value / 100 if is_hundredth else value
