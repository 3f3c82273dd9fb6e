"""Accuracy of the classification of products: scanner data with true classes, the simulator, the pilot's own choice.

    python benchmarks/classification.py [--only scanner|simulated|real]

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data).
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.prices.classification import card, classify, decisions, evaluation
from ons_assets.prices.classification.labels import add_name
from ons_assets.prices.packs import plain, stem
from ons_assets.simulate.prices import SCALES, simulate_prices

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices"
PILOT = SHARED / "ons_webscraped"
SEEDS = (1, 2, 3)
UNSEEN_SEED = 20160721


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["scanner", "simulated", "real"])
    only = parser.parse_args().only
    with pl.Config(tbl_rows=60, tbl_cols=20, fmt_str_lengths=60, tbl_hide_dataframe_shape=True, float_precision=3):
        if only in (None, "scanner"):
            scanner("dataCOICOP.csv.gz", product="codeIN", label="category")
            scanner("dataRSM.csv.gz", product="EAN_code", label="subcategory")
        if only in (None, "simulated"):
            simulated()
        if only in (None, "real"):
            real()


def scanner(file: str, *, product: str, label: str) -> None:
    """Classes of scanner data, folds by product: macro F1 over rows, beside TF-IDF and logistic regression."""
    rows = pl.read_csv(SHARED / "scanner" / file, infer_schema_length=None).drop_nulls([label, "description"])
    names = rows.group_by("description").agg(
        pl.col(label).mode().sort().first(), group=pl.col(product).min().cast(pl.String), rows=pl.len()
    )
    names = names.sort("description")
    classes = names.group_by(label).agg(products=pl.col("group").n_unique())
    single = classes.filter(pl.col("products") < 2)[label].to_list()
    products = names["group"].n_unique()
    sizes = f"{len(rows):,} rows, {len(names)} names, {products} products, {len(classes)} classes"
    print(f"\n{file}: {sizes}")
    print(f"classes of one product, which no split by product can learn: {', '.join(single) or 'none'}")
    text, truth, groups = names["description"].to_list(), names[label].to_list(), names["group"].to_list()
    weights = [float(count) for count in names["rows"]]
    figures = []
    for seed in SEEDS:
        found = evaluation.cross_validate(text, truth, groups, seed=seed)
        figures.append({"method": "this", "seed": seed} | _figures(truth, found.predicted, weights, single))
        figures[-1] |= _review(truth, found, weights)
        baseline = _baseline(text, truth, groups, seed)
        figures.append({"method": "TF-IDF + logistic", "seed": seed} | _figures(truth, baseline, weights, single))
        if seed == SEEDS[0]:
            print("confusion matrix, rows of the file:")
            print(evaluation.confusion(truth, found.predicted, weights))
            print(evaluation.f1_by_class(truth, found.predicted, weights))
    print(pl.DataFrame(figures, infer_schema_length=None))
    print(pl.DataFrame(figures, infer_schema_length=None).group_by("method").mean().drop("seed"))


def _figures(truth: list[str], predicted: list[str], weights: list[float], single: list[str]) -> dict[str, float]:
    by_row = evaluation.f1_by_class(truth, predicted, weights)
    by_name = evaluation.f1_by_class(truth, predicted)
    learnable = ~pl.col("class").is_in(single)
    return {
        "macro_f1": by_row["f1"].mean(),
        "macro_f1_learnable": by_row.filter(learnable)["f1"].mean(),
        "macro_f1_names_learnable": by_name.filter(learnable)["f1"].mean(),
    }


def _review(truth: list[str], found: evaluation.CrossValidated, weights: list[float]) -> dict[str, float]:
    right = np.asarray(truth, dtype=object) == np.asarray(found.predicted, dtype=object)
    return {
        "to_review_rows": float(np.average(~found.decided, weights=weights)),
        "to_review_names": float(np.mean(~found.decided)),
        "precision_rows": float(np.average(right[found.decided], weights=np.asarray(weights)[found.decided])),
        "precision_names": float(np.mean(right[found.decided])),
        "to_review_at_98_names": _share_below(found.confidence, right, np.ones(len(truth))),
        "to_review_at_98_rows": _share_below(found.confidence, right, np.asarray(weights)),
    }


def _share_below(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    """Share that people must look at so that 98 % of the rest is right, if the best bound were known."""
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum((right * weights)[order]) / np.cumsum(weights[order])
    enough = np.flatnonzero(share >= 0.98)
    return 1 - float(weights[order][: enough[-1] + 1].sum() / weights.sum()) if enough.size else 1.0


def _baseline(text: list[str], truth: list[str], groups: list[str], seed: int) -> list[str]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    plain_model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    folds = GroupKFold(10, shuffle=True, random_state=seed)
    return list(cross_val_predict(plain_model, text, truth, groups=groups, cv=folds))


def simulated() -> None:
    """The truth of a simulated year of 34 items, with another seed than the one the rules were written with."""
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth"
        simulate_prices(Path(folder) / "drops", truth, scale=SCALES["medium"], seed=UNSEEN_SEED)
        products = pl.read_parquet(truth / "products.parquet")
    products = products.unique(["retailer", "item_id", "product_name"], maintain_order=True)
    quotes = products.select(
        "retailer",
        pl.col("item_id").cast(pl.String),
        "item",
        product="product_name",
        price=pl.lit(1.0),
        true="in_scope",
    )
    print(f"\nsimulated: {len(quotes):,} products of {quotes['item_id'].n_unique()} items")
    figures = []
    for share in (0.0, 0.1, 0.2, 0.4):
        labels = _labels(quotes.sample(fraction=share, seed=1)) if share else None
        start = time.perf_counter()
        found = classify(quotes, None, labels)
        seconds = time.perf_counter() - start
        others = found.quotes.filter(pl.col("decided_by") != "label")
        figures.append({"labelled": share} | _scope_figures(others) | {"seconds": seconds})
    print(pl.DataFrame(figures, infer_schema_length=None))


def _labels(products: pl.DataFrame) -> pl.DataFrame:
    return products.select(
        "retailer",
        "item_id",
        "product",
        in_scope="true",
        labelled_by=pl.lit("benchmark"),
        labelled_at_utc=pl.lit(datetime(2016, 11, 3, tzinfo=UTC)),
    )


def _scope_figures(found: pl.DataFrame) -> dict[str, float]:
    right = pl.col("in_scope") == pl.col("true")
    decided = found.filter(~pl.col("needs_review"))
    by_class = evaluation.f1_by_class(
        found["true"].cast(pl.String).to_list(), found["in_scope"].cast(pl.String).to_list()
    )
    return {
        "accuracy": found.select(right.mean()).item(),
        "macro_f1": by_class["f1"].mean(),
        "to_review": found["needs_review"].mean(),
        "precision_decided": decided.select(right.mean()).item(),
    }


def real() -> None:
    """The quotes of 2016; weak labels: products that the pilot kept in its own monthly averages."""
    quotes = (
        pl.scan_parquet(PILOT / "quotes_2016.parquet")
        .filter(pl.col("run").cast(pl.String).str.slice(0, 6) != "201609")  # a month without averages
        .group_by(
            retailer=pl.col("store").str.to_lowercase(),
            item_id=pl.col("ons_item_no").cast(pl.String),
            product="product_name",
        )
        .agg(item=pl.col("ons_item_name").first(), price=pl.col("item_price_num").median(), quotes=pl.len())
        .collect()
    )
    kept = (
        pl.read_csv(PILOT / "monthly_average_prices.csv.gz", infer_schema_length=None)
        .filter(pl.col("month") >= 201607)
        .select(
            retailer=pl.col("store").str.to_lowercase(),
            item_id=pl.col("ons_item_no").cast(pl.Int64).cast(pl.String),
            name=pl.col("product_name").map_elements(plain, return_dtype=pl.String),
        )
        .unique()
    )
    named = add_name(quotes).unique(["retailer", "item_id", "name"], maintain_order=True)
    weak = named.join(kept.with_columns(true=True), on=["retailer", "item_id", "name"], how="left").with_columns(
        pl.col("true").fill_null(False)
    )
    weak = weak.sort("retailer", "item_id", "name").drop("name")
    kept_share = weak.select(pl.col("true").mean()).item()
    print(f"\n2016: {len(weak):,} products of {weak['item_id'].n_unique()} items; the pilot kept {kept_share:.3f}")
    by_rules = classify(weak)
    print("rules alone, against what the pilot kept:", _scope_figures(by_rules.quotes))
    print(decisions.shares(by_rules.quotes))
    items = by_rules.quotes.group_by("item_id", "item").agg(
        products=pl.len(),
        kept_by_pilot=pl.col("true").mean(),
        in_scope_by_rules=pl.col("in_scope").mean(),
        agree=(pl.col("in_scope") == pl.col("true")).mean(),
        to_review=pl.col("needs_review").mean(),
    )
    print(items.sort("item_id", "item").unique("item_id", keep="first", maintain_order=True))
    # Half of the products by stem teach, the other half judges.
    half = weak.with_columns(
        teaches=pl.struct("item_id", "product").map_elements(
            lambda row: hash_of(row["item_id"], row["product"]), return_dtype=pl.Boolean
        )
    )
    start = time.perf_counter()
    found = classify(half, None, _labels(half.filter("teaches")))
    seconds = time.perf_counter() - start
    judged = found.quotes.filter(~pl.col("teaches"))
    print(f"trained on half of them, judged by the other half ({seconds:.0f} s):", _scope_figures(judged))
    if found.model is not None:
        print(card.as_markdown(found.model).split("## Limits")[0])
    for kind, true, scope in (
        ("kept by the pilot, out by the rules", True, False),
        ("left out, in by the rules", False, True),
    ):
        odd = by_rules.quotes.filter((pl.col("true") == true) & (pl.col("in_scope") == scope))
        print(f"{kind}: {len(odd)}; most quoted:")
        print(
            odd.sort("quotes", descending=True)
            .head(12)
            .select("retailer", "item_id", "product", "quotes", "scope_reason")
        )


def hash_of(item_id: str, product: str) -> bool:
    """Halve the products so that other packs of one are in the same half."""
    import zlib

    return zlib.crc32(f"{item_id} {stem(product)}".encode()) % 2 == 0


if __name__ == "__main__":
    main()
