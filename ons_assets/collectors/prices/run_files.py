"""The file of a run, as the way in reads it: the layout `own` of quotes, one line a quote."""

import csv
import io
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from ons_assets.collectors.prices.crawl import Row
from ons_assets.collectors.prices.journal import Plan
from ons_assets.collectors.prices.shops import Shop

# The last four are not of the layout, which passes them over: what else the page says, and which page it is.
COLUMNS = (
    "collected_at",
    "retailer",
    "run",
    "item_id",
    "item",
    "shelf",
    "product",
    "sku",
    "price",
    "currency",
    "unit_price",
    "unit_quantity",
    "unit",
    "promotion",
    "size",
    "availability",
    "page_sha256",
)


def file_name(shop: Shop, run: str) -> str:
    """Return the name of the file of a run, which says retailer and run even where the file is empty."""
    return f"{shop.retailer}_products_{run}.csv"


def text_of(rows: Sequence[Row], shop: Shop, plan: Plan) -> bytes:
    """Return the file of a run; the same rows are the same bytes.

    Parameters
    ----------
    rows
        In the order in which they were found.
    shop
        Its description.
    plan
        Of the run, whose clock the times are told by.
    """
    zone = ZoneInfo(plan.zone)
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    for row in rows:
        quote = row.quote
        lines.writerow(
            "" if each is None else f"{each}"
            for each in (
                row.asked_utc.astimezone(zone).isoformat(timespec="milliseconds"),
                shop.retailer,
                plan.run,
                row.shelf.item_id,
                row.shelf.item,
                row.shelf.name,
                quote.product,
                quote.sku,
                quote.price,
                shop.currency,
                quote.unit_price,
                quote.unit_quantity,
                quote.unit,
                quote.promotion,
                quote.size,
                quote.availability,
                row.sha256,
            )
        )
    return written.getvalue().encode()
