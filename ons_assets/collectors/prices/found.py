"""What a page says of a product, before it is judged."""

from dataclasses import dataclass
from decimal import Decimal

from ons_assets.collectors.prices.amounts import UnitPrice


@dataclass(frozen=True)
class Found:
    """A product of a page.

    Parameters
    ----------
    name
        As it is shown.
    price, unit_price
        As numbers; None if there is none, or none that is clear.
    currency
        As it is said, by its code or its sign; None if it is not.
    size, promotion, sku
        As they are shown.
    availability
        Word of schema.org, or text that is shown.
    address
        Of its own page.
    fault
        Why it cannot be a quote, whatever its words.
    """

    name: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    unit_price: UnitPrice | None = None
    size: str | None = None
    promotion: str | None = None
    sku: str | None = None
    availability: str | None = None
    address: str | None = None
    fault: str | None = None
