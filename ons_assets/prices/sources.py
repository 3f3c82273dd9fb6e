"""The files of quotes: run files of scrapers, office files, scanner data; each in a layout."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.intake import sniff, times, values
from ons_assets.intake.currencies import has_other_currency
from ons_assets.intake.fields import named_groups
from ons_assets.intake.layouts import Layout
from ons_assets.intake.rules import Rule, missing, unlike
from ons_assets.intake.source import TableSource, layout_folders, limits, of_installation
from ons_assets.settings import Settings

BUILT_IN = Path(__file__).parent / "layouts"
# Clocks differ, and a file may come from a zone ahead of ours.
FUTURE_SLACK = timedelta(days=1)
TEXTS = ("outlet", "shelf", "product", "sku", "unit", "promotion")
NUMBERS = ("unit_price", "unit_quantity", "quantity")


class QuoteFiles(TableSource):
    """Quotes of shops.

    Fields of a layout: `collected_at`, `product` and `price` (or `turnover` and `quantity`, of which it is
    the quotient, whatever price stands beside them), `retailer`, `currency`, and `item_id` or `category` with
    `items`; if the file says them, `run`, `item`, `shelf`, `outlet`, `sku`, `quantity`, `unit_price`,
    `unit_quantity`, `unit`, `promotion`. Where nothing says which run a quote is of, the run is the day.
    """

    name = "prices"
    table = "prices/raw_quotes"
    files_are = "run files of the scrapers, files of offices, scanner data"
    unit = "quotes"
    has_days = True
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
        "sku": "number of the product, such as a GTIN",
        "quantity": "sold, after what came back; without it, turnover / price",
        "turnover": "of the quantity: what was paid",
        "unit_price": "displayed price for unit_quantity of unit",
        "unit_quantity": "number of units of unit_price",
        "unit": "of unit_price",
        "promotion": "text of the offer",
    }
    one_of = ((("price",), ("turnover", "quantity")), (("item_id",), ("category", "items")), (("zone",),))
    batch = ("retailer", "run")
    identity = ("retailer",)
    subject = ("retailer", "outlet", "item_id", "shelf", "product", "sku")
    observation = ("retailer", "collected_at_utc", "outlet", "item_id", "shelf", "product", "sku", "price")

    @classmethod
    def of(cls, settings: Settings) -> "QuoteFiles":
        """Return the source of one home; its own layouts come before those of the pilot."""
        parameters = settings.prices.quotes.model_dump(mode="json")
        installation = of_installation(cls, settings, **parameters)
        return cls(layout_folders(settings, cls.name, BUILT_IN), limits(settings), **installation)

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
        sales = _sales(price, quantity, turnover)
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
                "price": sales["price"],
                "currency": values.column_text(rows, "currency").str.to_uppercase(),
                **{name: text[name] for name in TEXTS if name not in ("shelf", "sku")},
                "sku": values.identifier(text["sku"]),
                **{name: values.column_number(rows, name, layout) for name in NUMBERS},
                "quantity": sales["quantity"],
                "was_returned": sales["was_returned"],
                "has_other_currency": _has_other_currency(rows),
                "line": rows["line"],
            }
        )

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        first_day, price, highest = self.first_day_of(layout), pl.col("price"), self.parameters["max_price"]
        return (
            missing("collected_at_utc", "time is missing or cannot be read"),
            Rule(pl.col("collected_on") < pl.lit(first_day), f"day is before {first_day}"),
            Rule(pl.col("collected_at_utc") > pl.lit(received_utc + FUTURE_SLACK), "time is in the future"),
            missing("retailer", "retailer is missing"),
            missing("item_id", "item is missing, or its category has no item"),
            missing("product", "product is missing"),
            missing("currency", "currency is missing"),
            unlike("currency", "[A-Z]{3}", "currency is no code of three letters"),
            Rule(pl.col("has_other_currency"), "price is in another currency than its row says"),
            Rule(pl.col("was_returned"), "quantity or turnover is not positive: nothing was sold, or it came back"),
            missing("price", "price is missing or not a number"),
            Rule(price <= 0, "price is not positive"),
            Rule(price > highest, f"price is above {highest:g}, which is prices.quotes.max_price"),
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return ("has_other_currency", "was_returned")


def _sales(price: pl.Series, quantity: pl.Series, turnover: pl.Series) -> pl.DataFrame:
    """Prices and quantities of quotes of which some or all are sales; what came back has no price.

    Whoever says turnover and quantity says what was paid; a price beside them is that of the shelf.
    """
    said = pl.DataFrame({"price": price, "quantity": quantity, "turnover": turnover})
    is_sale = pl.col("quantity").is_not_null() & pl.col("turnover").is_not_null()
    is_positive = (pl.col("quantity") > 0) & (pl.col("turnover") > 0)
    by_price = pl.col("quantity").is_null() & (pl.col("price") > 0)
    return said.select(
        price=pl.when(is_sale & is_positive).then(pl.col("turnover") / pl.col("quantity")).otherwise("price"),
        quantity=pl.when(by_price).then(pl.col("turnover") / pl.col("price")).otherwise("quantity"),
        was_returned=(is_sale & ~is_positive) | (pl.col("quantity") < 0) | (pl.col("turnover") < 0),
    ).with_columns(pl.col("was_returned").fill_null(False))


def _has_other_currency(rows: pl.DataFrame) -> pl.Series:
    """Prices with the sign of another currency would pass for what they are not: an index would be made of them."""
    codes = values.column_text(rows, "currency").str.to_uppercase()
    written = [rows[name] for name in ("price", "turnover") if name in rows.columns]
    other = pl.Series([False]).new_from_index(0, len(rows))
    for column in written:
        other |= has_other_currency(column, codes)
    return other


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
