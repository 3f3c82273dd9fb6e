"""The published index of real scanner data: what later months change, and how far the index over all months is.

    python benchmarks/published_index.py

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data): milk (21 months), coffee and sugar (36 each), in two
ways: with their quantities, and without.
"""

import os
import time
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.followed import followed
from ons_assets.prices.indices import price_index
from ons_assets.prices.publication.series import month_prices, publication_indices

ROOT = Path(__file__).resolve().parents[1]
SCANNER = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices" / "scanner"
FORMULAS = {True: "geks-tornqvist", False: "geks-jevons"}


def main() -> None:
    rows = [measured(name, counted) for name in ("milk", "coffee", "sugar") for counted in (True, False)]
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_cols=20, tbl_width_chars=160):
        print(pl.DataFrame(rows))


def measured(name: str, counted: bool) -> dict[str, object]:
    """How the published index of a file behaves, in index points."""
    quotes = checked(name, counted)
    start = time.perf_counter()
    published = index(quotes)
    seconds = time.perf_counter() - start
    months = published["period"].to_list()
    changed = 0.0
    for month in months:
        by_then = index(quotes.filter(pl.col("collected_on").dt.strftime("%Y-%m") <= month))
        both = by_then.join(published, on="period", suffix="_later")
        changed = max(changed, float((both["index"] - both["index_later"]).abs().max()))  # type: ignore[arg-type]
    dated = quotes.with_columns(period=pl.col("collected_on").dt.strftime("%Y-%m"))
    prices = month_prices(followed(dated, IndexParameters()), IndexParameters())
    columns = ["period", "price", *(["quantity"] if counted else [])]
    frame = prices.select(*columns, product="product_id")
    whole = price_index(frame, FORMULAS[counted])
    rolling = price_index(frame, FORMULAS[counted], window=25, splice="mean-published") if len(months) > 25 else whole
    first_window = price_index(frame.filter(pl.col("period") <= months[-2]), FORMULAS[counted])
    return {
        "file": name,
        "formula": FORMULAS[counted],
        "months": len(months),
        "changed by later months": changed,
        "full window: revised by the last month": _gap(first_window, whole),
        "from full window, mean": _gap(published, whole, mean=True),
        "from rolling 25, mean": _gap(published, rolling, mean=True),
        "seconds": seconds,
    }


def _gap(one: pl.DataFrame, other: pl.DataFrame, *, mean: bool = False) -> float:
    both = one.join(other, on="period", suffix="_other")
    gaps = (both["index"] - both["index_other"]).abs()
    return float(gaps.mean() if mean else gaps.max())  # type: ignore[arg-type]


def index(quotes: pl.LazyFrame) -> pl.DataFrame:
    return publication_indices(quotes, IndexParameters(), PublicationParameters()).select("period", "index")


def checked(name: str, counted: bool) -> pl.LazyFrame:
    """A file as `prices/checked_quotes`, a product being one in one outlet."""
    frame = pl.read_csv(SCANNER / f"{name}.csv.gz", try_parse_dates=True)
    rows = frame.select(
        collected_on="time",
        price=pl.col("prices").cast(pl.Float64),
        quantity=pl.col("quantities").cast(pl.Float64) if counted else pl.lit(None, dtype=pl.Float64),
        product_id=pl.format("{} {}", "prodID", "retID"),
        retailer=pl.lit("shop"),
        item_id=pl.lit(name),
        item=pl.lit(name),
        price_per_unit=pl.lit(None, dtype=pl.Float64),
        in_scope=pl.lit(True),
        **{flag: pl.lit(False) for flag in FLAGS},
    )
    return rows.lazy()


if __name__ == "__main__":
    main()
