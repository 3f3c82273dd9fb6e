"""The descriptions by which the collector finds its way through the simulated shops."""

from datetime import date
from typing import Any

from ons_assets.simulate.shops import site
from ons_assets.simulate.shops.stock import Stock

TILE = {"each": "div.tile", "product": "h3", "price": ".price", "unit_price": ".per", "promotion": ".offer"}
PRODUCT = {
    "markup": False,
    "each": "div.product",
    "product": ".name",
    "price": ".now",
    "unit_price": "i",
    "promotion": ".deal",
}
NEXT = {"next": "a[rel=next]::attr(href)"}
SHELVES = {"address": "/", "each": "nav a.shelf", "name": "::attr(data-path)", "link": "::attr(href)"}
WAYS: dict[str, dict[str, Any]] = {
    "pellworth": {"shelves": SHELVES, "pages": NEXT},
    "thistlemoor": {"pages": {"parameter": "page", "empty_ends": False}, "quotes": TILE},
    "larkmere": {"shelves": SHELVES, "pages": NEXT, "quotes": PRODUCT},
}


def describe(stock: Stock, retailer: str, address: str, day: date, **more: Any) -> dict[str, Any]:
    """Return the description of a simulated shop, as YAML would say it.

    Parameters
    ----------
    stock
        What is on its shelves.
    retailer
        Which shop.
    address
        Where it listens.
    day
        On which its shelves are called as the description says.
    more
        Further words of the description.
    """
    by_address = "shelves" not in WAYS[retailer]
    items = []
    for item_id, item in stock.items(retailer).items():
        said = {"item_id": item_id, "item": item, "shelf": stock.shelf(retailer, item_id, day)}
        if by_address:
            said["address"] = site.path_of(stock, retailer, item_id, day)
        if (refine := site.refinement(stock, retailer, item_id, day)) is not None:
            said["refine"] = refine
        items.append(said)
    base = {"retailer": retailer, "address": address, "contact": "prices@office.example", "currency": "GBP"}
    return {**base, **WAYS[retailer], **more, "items": items}
