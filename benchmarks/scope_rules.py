"""How right the built-in rules are on real names that a person has judged, and how many names they leave to a person.

    python benchmarks/scope_rules.py [--errors] [--rules FILE.csv]

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data). The names have no licence:
tests/prices/scope_labels.csv holds the hash of retailer, item and name, the part, and the verdict: in, out, or unsure
(which does not count). The rules were written with the part `tuned`: two retailers, 2016. Held out by time is
`november_2015`, names that no later file has; by retailer `tesco`, 2014 and 2016. Of each a second sample, `..._fresh`,
was drawn and judged after the rules were finished. Intervals are Wilson's, 95 %.
"""

import argparse
import hashlib
import os
from pathlib import Path

import polars as pl

from ons_assets.prices.classification import classify, rules
from ons_assets.prices.classification.evaluation import share_interval
from ons_assets.prices.packs import plain

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
LABELS = REPOSITORY / "tests" / "prices" / "scope_labels.csv"
PARTS = ("tuned", "november_2015", "november_2015_fresh", "tesco", "tesco_fresh")
KEY = ["retailer", "item_id", "name"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--errors", action="store_true", help="print what was decided wrongly without a person")
    parser.add_argument("--rules", type=Path, help="other rules in place of the built-in ones, in their columns")
    options = parser.parse_args()
    if options.rules:
        rules.BUILT_IN = options.rules
    judged = judge(names(SHARED / "prices" / "ons_webscraped"), pl.read_csv(LABELS))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=90, tbl_width_chars=300, tbl_hide_dataframe_shape=True):
        print(figures(judged))
        if options.errors:
            wrong = judged.filter(~pl.col("needs_review"), pl.col("in_scope") != pl.col("true"))
            print(wrong.sort("part", "item_id").select("part", "item_id", "product", "true", "scope_reason"))


def names(folder: Path) -> pl.DataFrame:
    """Return the products of 2016, of November 2015 and of a day of 2014, each once: `KEY`, ``item``, ``product``."""
    late = pl.read_parquet(folder / "quotes_2016.parquet", columns=["store", *_COLUMNS, "item_price_num"])
    averages = pl.read_csv(folder / "monthly_average_prices.csv.gz", infer_schema_length=None)
    day = pl.read_csv(folder / "tesco_2014-08-22_multibuy.csv.gz", infer_schema_length=None)
    parts = [_canonical(part) for part in (late, averages.filter(pl.col("month") == 201511), day)]
    return pl.concat(parts).sort(*KEY, "product").unique(KEY, keep="first", maintain_order=True)


def judge(products: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return what the rules say of the labelled products that somebody is sure of, with ``part`` and ``true``."""
    keys = [hashlib.sha256("|".join(row).encode()).hexdigest()[:16] for row in products.select(KEY).iter_rows()]
    known = (
        products.with_columns(key=pl.Series(keys))
        .join(labels.rename({"product": "key"}), on="key")
        .filter(pl.col("label") != "unsure")
        .with_columns(true=pl.col("label") == "in", price=pl.lit(1.0))
    )
    return classify(known.drop("name", "key", "label")).quotes


def figures(judged: pl.DataFrame) -> pl.DataFrame:
    """Return by part: how many are right, go to a person, and of the others are right, with intervals."""
    rows = []
    for part in PARTS:
        found = judged.filter(part=part)
        right = found["in_scope"] == found["true"]
        alone = ~found["needs_review"]
        row: dict[str, object] = {"part": part, "names": len(found)}
        for name, hits, of in (
            ("right", right.sum(), len(found)),
            ("to_a_person", (~alone).sum(), len(found)),
            ("right_of_others", (right & alone).sum(), alone.sum()),
        ):
            low, high = share_interval(hits, of)
            row |= {name: hits / of if of else None, f"{name}_95": f"{low:.2f} to {high:.2f}"}
        row |= {
            "false_in": (alone & ~right & found["in_scope"]).sum(),
            "false_out": (alone & ~right & ~found["in_scope"]).sum(),
        }
        rows.append(row)
    return pl.DataFrame(rows)


_COLUMNS = ["ons_item_no", "ons_item_name", "product_name"]


def _canonical(frame: pl.DataFrame) -> pl.DataFrame:
    product = pl.col("product_name").str.to_uppercase()
    return (
        frame.drop_nulls("product_name")
        .select(
            retailer=pl.col("store").str.to_lowercase(),
            item_id=pl.col("ons_item_no").cast(pl.Int64).cast(pl.String),
            item="ons_item_name",
            product=product,
        )
        .unique()
        .with_columns(name=pl.col("product").map_elements(plain, return_dtype=pl.String))
    )


if __name__ == "__main__":
    main()
