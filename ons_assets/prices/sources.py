"""The files of quotes: run files of scrapers, office files, scanner data; each in a layout."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.intake import sniff, times, values
from ons_assets.intake.fields import named_groups
from ons_assets.intake.layouts import Layout
from ons_assets.intake.rules import Rule, missing, unlike
from ons_assets.intake.source import TableSource, fields_said, layout_folders, limits
from ons_assets.settings import FIRST_DAY, Settings

BUILT_IN = Path(__file__).parent / "layouts"
# Clocks differ, and a file may come from a zone ahead of ours.
FUTURE_SLACK = timedelta(days=1)
TEXTS = ("outlet", "shelf", "product", "sku", "unit", "promotion")
NUMBERS = ("unit_price", "unit_quantity", "quantity")


class QuoteFiles(TableSource):
    """Quotes of shops.

    Fields of a layout: `collected_at`, `product` and `price` (or `turnover` and `quantity`, of which it is
    the quotient), `retailer`, `currency`, and `item_id` or `category` with `items`; if the file says them,
    `run`, `item`, `shelf`, `outlet`, `sku`, `quantity`, `unit_price`, `unit_quantity`, `unit`,
    `promotion`. Where nothing says which run a quote is of, the run is the day.
    """

    name = "prices"
    table = "prices/raw_quotes"
    files_are = "run files of the scrapers, files of offices, scanner data"
    unit = "quotes"
    needs = {
        "collected_at": "time or day of the quote",
        "product": "its name",
        "retailer": "shop",
        "currency": "ISO 4217 code, such as EUR; a constant, mostly",
    }
    takes = {
        "price": "of the pack; or turnover and quantity",
        "item_id": "consumer price item; or category with items",
        "category": "shelf that stands for an item, see items",
        "item": "its name",
        "run": "of the scraper; else the day",
        "shelf": "where the product was found",
        "outlet": "branch of the retailer",
        "sku": "number of the product",
        "quantity": "sold",
        "turnover": "of the quantity",
        "unit_price": "displayed price for unit_quantity of unit",
        "unit_quantity": "number of units of unit_price",
        "unit": "of unit_price",
        "promotion": "text of the offer",
    }
    batch = ("retailer", "run")
    identity = ("retailer",)
    subject = ("retailer", "outlet", "item_id", "shelf", "product", "sku")
    observation = ("retailer", "collected_at_utc", "outlet", "item_id", "shelf", "product", "sku", "price")

    @classmethod
    def of(cls, settings: Settings) -> "QuoteFiles":
        """Return the source of one home; its own layouts come before those of the pilot."""
        parameters = settings.prices.quotes.model_dump(mode="json")
        return cls(layout_folders(settings, cls.name, BUILT_IN), limits(settings), parameters)

    def lack_of(self, layout: Layout) -> str | None:
        """See `Source.lack_of`."""
        said = fields_said(layout)
        if not ("price" in said or {"turnover", "quantity"} <= said):
            return "says neither a price nor turnover and quantity"
        if not ("item_id" in said or ("category" in said and layout.items)):
            return "says neither the column of the item nor a category with its items"
        if layout.zone is None:
            return "does not say the zone of its times"
        return super().lack_of(layout)

    def describe(self, name: str) -> Mapping[str, str]:
        """Return the retailer and run that a file's name says, where it does."""
        patterns = [each.name_pattern for each in self.shelf.layouts if each.name_pattern]
        said = next((found for each in patterns if (found := named_groups(each, name))), {})
        return {field: text for field, text in said.items() if text is not None}

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether a layout knows the columns of the file; its name counts only where it has none."""
        if super().recognises(path, name):
            return True
        # An empty or damaged run is still one, and must be refused as such; what has another content is not.
        return bool(self.describe(name)) and sniff.describe(path, self.limits).format is None

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        text = {name: values.column_text(rows, name) for name in (*TEXTS, "item", "category", "run")}
        zone = layout.zone or "UTC"
        moment = times.moments(rows["collected_at"], layout).early
        local = moment.dt.convert_time_zone(zone)
        category, item_id = text["category"], _item_id(rows)
        price = values.column_number(rows, "price", layout)
        quantity = values.column_number(rows, "quantity", layout)
        turnover = values.column_number(rows, "turnover", layout)
        quotient = (turnover / quantity).set(~(quantity > 0).fill_null(False), None)
        day = local.dt.date()
        return pl.DataFrame(
            {
                "retailer": values.column_text(rows, "retailer").str.to_lowercase(),
                "run": text["run"].zip_with(text["run"].is_not_null(), day.cast(pl.String())),
                "collected_on": day,
                "collected_at_utc": moment,
                "item_id": _item(layout, category, "item_id", item_id),
                "item": _item(layout, category, "item", pl.select(pl.coalesce(text["item"], item_id)).to_series()),
                "shelf": text["shelf"] if "shelf" in rows.columns else category,
                "price": price.zip_with(price.is_not_null(), quotient),
                "currency": values.column_text(rows, "currency").str.to_uppercase(),
                **{name: text[name] for name in TEXTS if name != "shelf"},
                **{name: values.column_number(rows, name, layout) for name in NUMBERS},
                "line": rows["line"],
            }
        )

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        first_day, price, highest = layout.first_day or FIRST_DAY, pl.col("price"), self.parameters["max_price"]
        return (
            missing("collected_at_utc", "time is missing or cannot be read"),
            Rule(pl.col("collected_on") < pl.lit(first_day), f"day is before {first_day}"),
            Rule(pl.col("collected_at_utc") > pl.lit(received_utc + FUTURE_SLACK), "time is in the future"),
            missing("retailer", "retailer is missing"),
            missing("item_id", "item is missing, or its category has no item"),
            missing("product", "product is missing"),
            missing("currency", "currency is missing"),
            unlike("currency", "[A-Z]{3}", "currency is no code of three letters"),
            missing("price", "price is missing or not a number"),
            Rule(price <= 0, "price is not positive"),
            Rule(price > highest, f"price is above {highest:g}"),
        )


def _item_id(rows: pl.DataFrame) -> pl.Series:
    """Identifiers of items as text; another program may have written a number."""
    return values.column_text(rows, "item_id").str.strip_suffix(".0")


def _item(layout: Layout, category: pl.Series, field: str, otherwise: pl.Series) -> pl.Series:
    """What the category stands for; else what the row says itself."""
    if not layout.items:
        return otherwise
    translation = {name: getattr(item, field) for name, item in layout.items.items()}
    translated = category.replace_strict(translation, default=None, return_dtype=pl.String())
    return pl.select(pl.coalesce(translated, otherwise)).to_series()
