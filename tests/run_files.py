"""Small run files in the layout of 2016, for tests of the road."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

HEADER = [
    "timestamp",
    "store",
    "ons_item_no",
    "ons_item_name",
    "product_type",
    "search_string",
    "product_name",
    "item_price_str",
    "item_price_num",
    "volume_price",
    "unit_price",
    "no_units",
    "units",
    "std_price",
    "std_unit",
    "promo",
    "offer",
    "ml_prediction",
    "single_class",
]
PRICES = {"PLAIN LOAF 800G": 1.0, "SEEDED LOAF 400G": 1.4, "SMALL LOAF 400G": 0.8}
# The built-in rules doubt that a seeded loaf is a white one.
IN_SCOPE = [name for name in PRICES if "SEEDED" not in name]


def run_name(retailer: str, day: date, hour: int = 5) -> str:
    return f"{retailer}_products_{day:%Y%m%d}{hour:02d}0000.csv"


def run_text(retailer: str, day: date, prices: Mapping[str, float] | Iterable[tuple[str, float]] = PRICES) -> str:
    """Text of a run that found these products, in this order."""
    pairs = list(prices.items() if isinstance(prices, Mapping) else prices)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADER)
    start = datetime(day.year, day.month, day.day, 5)
    for number, (product, price) in enumerate(pairs):
        writer.writerow(
            [
                f"{start + timedelta(seconds=number)}.250000",
                retailer.upper(),
                210111,
                "White Sliced Loaf, branded",
                "White Bread",
                "",
                product,
                f"£{price:.2f}",
                price,
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                1,
                1,
            ]
        )
    return buffer.getvalue()


def write_run(
    folder: Path,
    retailer: str,
    day: date,
    prices: Mapping[str, float] | Iterable[tuple[str, float]] = PRICES,
    hour: int = 5,
) -> Path:
    """Write a run file, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / run_name(retailer, day, hour)
    path.write_text(run_text(retailer, day, prices))
    return path


def write_weights(folder: Path, year: int = 2016) -> Path:
    """Write a file of weights for the one item of these runs."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "item_weights.csv"
    path.write_text(f'item_id,item,group,year,weight\n210111,"White Sliced Loaf, branded",Bread,{year},1\n')
    return path
