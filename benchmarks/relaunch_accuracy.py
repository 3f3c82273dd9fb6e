"""Precision and recall of relaunches on the names of 2016, against pairs that a person has read.

    python benchmarks/relaunch_accuracy.py [--errors | --candidates]

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data). The names have no licence:
tests/prices/relaunch_labels.csv holds the hash of each pair and the verdict, `candidates` says which pairs were read.
`--errors` prints the pairs that were judged wrongly, `--candidates` all pairs as a person reads them.
"""

import argparse
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import CheckParameters
from ons_assets.prices import lineages
from ons_assets.prices.checked import READ
from ons_assets.prices.classification.evaluation import share_interval
from ons_assets.prices.relaunches import relaunches
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
LABELS = REPOSITORY / "tests" / "prices" / "relaunch_labels.csv"
PAIR = ["retailer", "before", "after"]
HALVES = ("tuned", "held_out")
# Which pairs were read: wider than what any rule would take.
ALIKE, DAYS_BEFORE, DAYS_AFTER = 0.75, 21, 28
_PACKS = (
    r" \(pack \d+\)",
    r"\d[\d.,]*\s*X\s*|\d[\d.,]*\s*(?:G|KG|ML|CL|L|LITRE|LTR|PACK|PK|S)\b|\bX\s?\d+",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--errors", action="store_true")
    shown.add_argument("--candidates", action="store_true")
    options = parser.parse_args()
    products = products_of_2016(SHARED / "prices" / "ons_webscraped" / "quotes_2016.parquet")
    judged = judge(products, pl.read_csv(LABELS), CheckParameters())
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=90, tbl_width_chars=300, tbl_hide_dataframe_shape=True):
        if options.candidates:
            print(candidates(products))
        print(figures(judged))
        if options.errors:
            wrong = pl.col("flagged") != (pl.col("label") == "relaunch")
            print(judged.filter(wrong, pl.col("label") != "unsure"))


def products_of_2016(path: Path) -> pl.DataFrame:
    """Return the products of the 957,349 quotes, as `lineages.products_of` does."""
    source = QuoteFiles.of(Settings(home=Path("unused")))
    raw = source.whole(path, path.name, datetime(2016, 11, 3, tzinfo=UTC)).accepted
    packed = lineages.number_packs(lineages.add_packs(raw.with_row_index("row").select("row", *READ)))
    return lineages.products_of(lineages.add_identity(packed))


def candidates(products: pl.DataFrame) -> pl.DataFrame:
    """Return the pairs that a person reads: of one shelf, of like names, one gone about when the other came.

    The packs of both differ, or one is not known.
    """
    text = pl.col("product_id")
    for pack in _PACKS:
        text = text.str.replace_all(pack, " ")
    known = products.with_columns(words=text.str.extract_all(r"[^\W\d_]{2,}|\d+").list.unique())
    first, last = products["first_day"].min(), products["last_day"].max()
    new = known.filter((pl.col("first_day") - pl.lit(first)).dt.total_days() > 3)
    old = known.filter((pl.lit(last) - pl.col("last_day")).dt.total_days() > 3)
    both = pl.col("words").list.set_intersection("words_before").list.len()
    either = pl.col("words").list.set_union("words_before").list.len()
    same_pack = (pl.col("pack_quantity") / pl.col("pack_quantity_before")).log().abs() < 0.005
    gap = (pl.col("first_day") - pl.col("last_day_before")).dt.total_days()
    pairs = [
        new.filter(pl.col("retailer") == retailer, pl.col("item_id") == item)
        .join(part, how="cross", suffix="_before")
        .filter(
            gap.is_between(-DAYS_BEFORE, DAYS_AFTER),
            pl.col("first_day") > pl.col("first_day_before"),
            pl.col("last_day") > pl.col("last_day_before"),
            both / either >= ALIKE,
            ~(same_pack & (pl.col("pack_unit") == pl.col("pack_unit_before"))).fill_null(False),
        )
        for (retailer, item), part in old.partition_by("retailer", "item_id", as_dict=True).items()
    ]
    return (
        pl.concat(pairs)
        .select(
            "retailer",
            before="product_id_before",
            after="product_id",
            gap=gap,
            quantity_before="pack_quantity_before",
            quantity_after="pack_quantity",
            price_before="last_price_before",
            price_after="first_price",
        )
        .unique(PAIR, keep="first", maintain_order=True)
        .sort(PAIR)
    )


def judge(products: pl.DataFrame, labels: pl.DataFrame, parameters: CheckParameters) -> pl.DataFrame:
    """Return each pair with ``label``, ``half`` and whether the rules flag it; a pair of several items once."""
    found = relaunches(
        products,
        gap_days=parameters.relaunch_gap_days,
        overlap_days=parameters.relaunch_overlap_days,
        most_change=parameters.relaunch_most_change,
        most_price_change=parameters.relaunch_most_price_change,
        similarity=parameters.relaunch_similarity,
    ).select("retailer", before="replaces", after="product_id", flagged=pl.lit(True))
    pairs = pl.concat([candidates(products).select(PAIR), found.select(PAIR)]).unique().sort(PAIR)
    hashes = [hashlib.sha256("|".join(row).encode()).hexdigest()[:16] for row in pairs.iter_rows()]
    return (
        pairs.with_columns(pair=pl.Series(hashes))
        .join(labels, on="pair", how="left")
        .join(found.unique(), on=PAIR, how="left")
        .with_columns(pl.col("flagged").fill_null(False), pl.col("label").fill_null("unlabelled"))
        .sort(PAIR)
    )


def figures(judged: pl.DataFrame) -> pl.DataFrame:
    """Return precision and recall by half, with 95 % intervals; pairs that nobody is sure of do not count."""
    rows = []
    for half in (*HALVES, "both"):
        part = judged.filter(pl.lit(half == "both") | (pl.col("half") == half))
        flagged, true = part.filter("flagged"), part.filter(pl.col("label") == "relaunch")
        right = flagged.filter(pl.col("label") == "relaunch").height
        wrong = flagged.filter(pl.col("label") == "other").height
        row: dict[str, object] = {"half": half, "pairs": len(part), "relaunches": len(true), "flagged": len(flagged)}
        for name, of in (("precision", right + wrong), ("recall", len(true))):
            low, high = share_interval(right, of)
            row |= {name: right / of if of else None, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pl.DataFrame(rows)


if __name__ == "__main__":
    main()
