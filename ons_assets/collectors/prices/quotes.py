"""Quotes of products: amounts as numbers, the size in the name, and why something is none."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urldefrag

from ons_assets.collectors.prices.found import Found
from ons_assets.collectors.prices.pages import Page, products
from ons_assets.collectors.prices.shops import Shop

LONGEST_NAME = 500


@dataclass(frozen=True)
class Quote:
    """A price of a product, as a row of a run file says it; amounts are in the currency of the shop."""

    product: str
    price: Decimal
    unit_price: Decimal | None = None
    unit_quantity: Decimal | None = None
    unit: str | None = None
    promotion: str | None = None
    sku: str | None = None
    size: str | None = None
    availability: str | None = None


def quotes_of(page: Page, shop: Shop, *, one: bool = False) -> tuple[list[Quote], list[str]]:
    """Return the quotes of a page, and why other products of it are none.

    Parameters
    ----------
    page
        As it was answered.
    shop
        Its description.
    one
        Whether it is the page of one product, which others on it are only like.

    Returns
    -------
    quotes, faults
        Faults are the same words for the same fault, and quote nothing.
    """
    found = products(page, shop.quotes)
    if one and len(found) > 1:
        itself = [each for each in found if each.address and _same(page.address, each.address)]
        found = (itself or found)[:1]
    made = [_quote(each, shop) for each in found]
    return [each for each in made if isinstance(each, Quote)], [each for each in made if isinstance(each, str)]


def _same(page: str, address: str) -> bool:
    return urldefrag(page)[0].rstrip("/") == urldefrag(address)[0].rstrip("/") or page.endswith(address)


def _quote(found: Found, shop: Shop) -> Quote | str:
    """A quote, or why there is none."""
    if not found.name:
        return "no name"
    if _is_unavailable(found, shop) and not shop.quotes.keep_unavailable:
        return "cannot be bought"
    if found.fault is not None:
        return found.fault
    if found.price is None:
        return "no price"
    if found.price <= 0:
        return "price is not positive"
    if (found.currency or shop.currency).upper() != shop.currency:
        return "price in another currency"
    per = found.unit_price
    return Quote(
        product=_named(found)[:LONGEST_NAME],
        price=found.price,
        unit_price=per.price if per else None,
        unit_quantity=per.quantity if per else None,
        unit=per.unit if per else None,
        promotion=found.promotion,
        sku=found.sku,
        size=found.size,
        availability=found.availability,
    )


def _is_unavailable(found: Found, shop: Shop) -> bool:
    said = (found.availability or "").lower()
    return any(each in said for each in shop.quotes.unavailable)


def _named(found: Found) -> str:
    name = found.name or ""
    size = found.size
    return f"{name} {size}" if size and _plain(size) not in _plain(name) else name


def _plain(text: str) -> str:
    return "".join(text.lower().split())
