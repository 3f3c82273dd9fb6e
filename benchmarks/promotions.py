"""What the texts of offers tell, and how many outliers remain that nothing explains; on the quotes of 2016.

    python benchmarks/promotions.py

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data). The patterns were written with the forms of
the texts of all days in view; the bounds of outliers were set before any of these figures was seen.
"""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import CheckParameters, OutlierRule
from ons_assets.prices.checked import check
from ons_assets.prices.promotions import promotions
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices"
RECEIVED = datetime(2030, 1, 1, tzinfo=UTC)
HALVES = {
    "to 10 September": (date(2016, 7, 21), date(2016, 9, 10)),
    "from 11 September": (date(2016, 9, 11), date(2016, 11, 2)),
}
# Three weeks that begin as a collection would: nothing is known of the offers that are on.
WINDOW_DAYS, STEP_DAYS = 21, 14
PRODUCT = ("retailer", "item_id", "product")
# Rules with which the outliers are looked for: the default, and one that looks closer.
LEAST = (2.5, 1.5)


def main() -> None:
    source = QuoteFiles.of(Settings(home=Path("unused")))
    path = SHARED / "ons_webscraped" / "quotes_2016.parquet"
    raw = source.whole(path, path.name, RECEIVED).accepted.with_columns(drop_sha256=pl.lit("0"))
    with pl.Config(tbl_rows=60, tbl_cols=20, fmt_str_lengths=90, tbl_hide_dataframe_shape=True, float_precision=4):
        print("kinds of texts\n", kinds(raw))
        print("regular price said on the first day of a cut, against the price of the day before\n", cuts(raw))
        print("outliers in windows of three weeks\n", outliers(raw))


def kinds(raw: pl.DataFrame) -> pl.DataFrame:
    """Quotes with a text by what was read from it."""
    read = raw.hstack(promotions(raw["promotion"], raw["price"])).drop_nulls("promotion_type")
    return (
        read.group_by("retailer", "promotion_type")
        .agg(quotes=pl.len(), texts=pl.col("promotion").n_unique())
        .sort("retailer", "promotion_type")
    )


def cuts(raw: pl.DataFrame) -> pl.DataFrame:
    """Share of the cuts whose regular price is, to the penny, what the product cost the day before, without a text."""
    one = raw.sort("line").unique([*PRODUCT, "collected_on"], keep="first", maintain_order=True)
    read = one.hstack(promotions(one["promotion"], one["price"])).sort(*PRODUCT, "collected_on")
    steps = read.with_columns(
        before=pl.col("price").shift().over(PRODUCT),
        text_before=pl.col("promotion").shift().over(PRODUCT),
        days=pl.col("collected_on").diff().dt.total_days().over(PRODUCT),
    ).filter(
        pl.col("promotion_type").str.contains("cut"),
        pl.col("text_before").is_null(),
        pl.col("days") == 1,
        pl.col("price") < pl.col("before"),
    )
    gap = (pl.col("regular_price") - pl.col("before")).abs()
    return pl.concat(
        steps.filter(pl.col("collected_on").is_between(*days))
        .group_by("retailer")
        .agg(cuts=pl.len(), to_the_penny=(gap < 0.011).mean(), within_5_per_cent=(gap < 0.05 * pl.col("before")).mean())
        .with_columns(half=pl.lit(half))
        for half, days in HALVES.items()
    ).sort("half", "retailer")


def outliers(raw: pl.DataFrame) -> pl.DataFrame:
    """Quotes flagged as outliers without any of the explanations, with them, and with all but one of them."""
    rows = []
    without_texts = raw.with_columns(promotion=pl.lit(None, pl.String))
    for half, (first, last) in HALVES.items():
        start = first
        while start + timedelta(days=WINDOW_DAYS - 1) <= last:
            inside = pl.col("collected_on").is_between(start, start + timedelta(days=WINDOW_DAYS - 1))
            for least in LEAST:
                rule = OutlierRule(least=least)
                unexplained = CheckParameters(outliers=rule, level_days=10_000)
                explained = CheckParameters(outliers=rule)
                found = check(raw.filter(inside), explained)
                rows.append(
                    {
                        "half": half,
                        "from": start,
                        "least": least,
                        "quotes": len(raw.filter(inside)),
                        "none explained": check(without_texts.filter(inside), unexplained)["outlier"].sum(),
                        "texts only": check(raw.filter(inside), unexplained)["outlier"].sum(),
                        "all": found["outlier"].sum(),
                        **_kinds(found),
                    }
                )
            start += timedelta(days=STEP_DAYS)
    return pl.DataFrame(rows)


def _kinds(found: pl.DataFrame) -> dict[str, int]:
    """Flagged quotes by kind: of a day with several prices, of a price that is the product's last, of a short one."""
    key = ["retailer", "item_id", "product_id"]
    days = found.filter(~pl.col("imputed")).group_by(*key, "collected_on").agg(prices=pl.col("price").n_unique())
    products = found.filter(~pl.col("imputed")).group_by(key).agg(last=pl.col("collected_on").max())
    flagged = found.filter("outlier").join(days, on=[*key, "collected_on"]).join(products, on=key)
    several, left = pl.col("prices") > 1, (pl.col("last") - pl.col("collected_on")).dt.total_days()
    counts = flagged.select(
        pl.when(several)
        .then(pl.lit("several prices a day"))
        .when(left < 2)
        .then(pl.lit("in its last two days"))
        .otherwise(pl.lit("short"))
        .alias("kind")
    )
    return {kind: counts.filter(kind=kind).height for kind in ("several prices a day", "in its last two days", "short")}


if __name__ == "__main__":
    main()
