"""What stands on the shelves of the simulated supermarkets on a day, from the truth of their world."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl

from ons_assets.simulate.prices import tables
from ons_assets.simulate.prices.web_pages import UNIT_PRICE_BASES, shelf_of


@dataclass(frozen=True)
class Article:
    """A product on a shelf, as a page shows it."""

    product_id: str
    name: str
    price: Decimal
    unit_price: Decimal
    unit_quantity: int
    unit: str
    promotion: str | None


@dataclass(frozen=True)
class Renaming:
    """A shelf that a shop calls otherwise from a day on; `also` are items whose products stand there as well."""

    retailer: str
    shelf: str
    becomes: str
    from_day: date
    also: tuple[str, ...] = ()


class Stock:
    """The shelves of the supermarkets.

    Parameters
    ----------
    products, prices
        As the tables of the truth of `simulate_prices`.
    renamings
        Shelves that are renamed.
    """

    def __init__(self, products: pl.DataFrame, prices: pl.DataFrame, renamings: tuple[Renaming, ...] = ()) -> None:
        self.renamings = renamings
        joined = prices.join(
            products.select(
                "product_id", "product_name", "retailer", "item_id", "pack_count", "pack_size", "pack_unit"
            ),
            on="product_id",
            maintain_order="left",
        ).sort("retailer", "item_id", "product_id")
        self._of_day = {day: rows for (day,), rows in joined.partition_by("day", as_dict=True).items()}
        self.days = sorted(day for day in self._of_day if isinstance(day, date))
        sold = products.select("retailer", "item_id", "item").unique().sort("item_id")
        self._items: dict[str, dict[str, str]] = {}
        for retailer, item_id, item in sold.iter_rows():
            self._items.setdefault(retailer, {})[item_id] = item

    @classmethod
    def of(cls, truth: Path, renamings: tuple[Renaming, ...] = ()) -> "Stock":
        """Return the shelves of a simulated world.

        Parameters
        ----------
        truth
            Folder of its truth.
        renamings
            Shelves that are renamed.
        """
        return cls(pl.read_parquet(truth / "products.parquet"), pl.read_parquet(truth / "prices.parquet"), renamings)

    def items(self, retailer: str) -> dict[str, str]:
        """Return the items that a supermarket sells, with their names."""
        return self._items[retailer]

    def shelf(self, retailer: str, item_id: str, day: date) -> str:
        """Return what a supermarket calls the shelf of an item on a day, as the files of quotes write it.

        Parameters
        ----------
        retailer, item_id, day
            Which shelf, and when.
        """
        of = next(each for each in tables.retailers() if each.name == retailer)
        name = shelf_of(tables.recipes()[item_id], of)
        now = [
            each for each in self.renamings if (each.retailer, each.shelf) == (retailer, name) and each.from_day <= day
        ]
        return now[-1].becomes if now else name

    def articles(self, retailer: str, item_id: str, day: date) -> list[Article]:
        """Return the products on the shelf of an item on a day, in their order.

        Parameters
        ----------
        retailer, item_id, day
            Which shelf, and when.
        """
        also = [
            more
            for each in self.renamings
            if each.retailer == retailer and each.from_day <= day and self.shelf(retailer, item_id, day) == each.becomes
            for more in each.also
        ]
        rows = self._of_day.get(day)
        if rows is None:
            return []
        here = rows.filter(pl.col("retailer") == retailer, pl.col("item_id").is_in([item_id, *also]))
        return [_article(each) for each in here.iter_rows(named=True)]


def _article(row: dict[str, object]) -> Article:
    price = Decimal(f"{row['price_gbp']:.2f}")
    regular = Decimal(f"{row['regular_price_gbp']:.2f}")
    basis = "each" if row["pack_unit"] == "each" else tables.recipes()[str(row["item_id"])].basis
    quantity, shown, unit = UNIT_PRICE_BASES[basis]
    packed = Decimal(int(str(row["pack_count"])) * int(str(row["pack_size"])))
    promotion = str(row["promotion"])
    offer = f"Was £{regular} Now £{price}" if regular != price else promotion if promotion != "none" else None
    return Article(
        product_id=str(row["product_id"]),
        name=str(row["product_name"]),
        price=price,
        unit_price=(price * Decimal(quantity) / packed).quantize(Decimal("0.001")),
        unit_quantity=shown,
        unit=unit,
        promotion=offer,
    )
