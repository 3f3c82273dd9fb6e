"""What each hundred labels bring: the review queue in its order, against labels in random order.

    python benchmarks/active_learning.py [--on simulated|pilot] [--seeds 6] [--steps 8] [--trees 40]

Labels are given a hundred at a time, always to the first products that nobody has labelled yet; the labels of a step
are among those of the next. After each hundred the model is trained anew and decides of products kept apart, no pack of
which is among those that can be labelled: how many are right, how many go to a person, and of the others how many are
right. A seed leaves out another tenth of the products that can be labelled. Shown are means over seeds with 95 %
intervals by Student's t, and the mean of the differences between the orders, seed by seed.

simulated   names and true scope of the simulator; there are no rules, as in an office that begins with items of its own
pilot       names of 2016, rules built in; the labels are the pilot's own choice, which is not always consistent, so
            that no order gets far beyond four fifths. Needs the shared data (`ONS_ASSETS_SHARED_DATA` or
            ../shared/data)
"""

import argparse
import os
import tempfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from ons_assets.parameters.prices import ClassificationParameters, ScopeModelParameters
from ons_assets.prices.classification import classify
from ons_assets.prices.classification.active_learning import review_order
from ons_assets.prices.classification.labels import PRODUCT, add_name
from ons_assets.prices.packs import plain, stem
from ons_assets.simulate.prices import SCALES, simulate_prices

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices" / "ons_webscraped"
STEP = 100
UNSEEN_SEED = 20160721
MEASURES = ("right", "to_a_person", "right_of_others")
Order = Callable[[pl.DataFrame, int], pl.DataFrame]
Curve = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", choices=["simulated", "pilot"], default="simulated")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--trees", type=int, default=40, help="fewer than the default of the method, for speed")
    options = parser.parse_args()
    pool, apart = _divided(simulated() if options.on == "simulated" else pilot())
    print(f"{options.on}: {len(pool):,} products can be labelled, {len(apart):,} are kept apart")
    model = ScopeModelParameters(trees=options.trees, fewest_trees=options.trees)
    parameters = ClassificationParameters(model=model)
    curves = {
        name: np.array(
            [learning_curve(pool, apart, order, seed, options.steps, parameters) for seed in range(options.seeds)]
        )
        for name, order in orders(parameters).items()
    }
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, tbl_hide_dataframe_shape=True):
        for name, curve in curves.items():
            print(f"\n{name}:")
            print(_table(curve, lowest=0.0, highest=1.0))
            if name != "random":
                print(f"{name} less random, seed by seed:")
                print(_table(curve - curves["random"]))


def orders(parameters: ClassificationParameters) -> dict[str, Order]:
    """Return what gives the next products to label, by name: products that wait, and a seed."""
    return {
        "random": lambda waiting, seed: waiting.sort(PRODUCT).sample(fraction=1, shuffle=True, seed=seed),
        "informative": lambda waiting, _: review_order(waiting, block=parameters.least_labels_of_item, every=0),
        "every second by chance": lambda waiting, _: review_order(
            waiting, block=parameters.least_labels_of_item, every=2
        ),
    }


def learning_curve(
    pool: pl.DataFrame,
    apart: pl.DataFrame,
    order: Order,
    seed: int,
    steps: int,
    parameters: ClassificationParameters,
) -> Curve:
    """Return `MEASURES` after 0, 1, ... hundred labels, (steps + 1, measures); NaN where none is decided."""
    known = pool.sort(PRODUCT).sample(fraction=0.9, seed=seed)
    labelled = known.clear()
    curve = []
    for step in range(steps + 1):
        quotes = pl.concat([apart.with_columns(is_apart=True), known.with_columns(is_apart=False)])
        found = classify(quotes.drop("name"), None, _labels(labelled) if len(labelled) else None, parameters).quotes
        curve.append(_measures(found.filter("is_apart")))
        waiting = add_name(found.filter(~pl.col("is_apart"))).join(labelled, on=PRODUCT, how="anti")
        following = order(waiting.with_columns(quotes=pl.lit(1)), 1_000 * seed + step).head(STEP)
        labelled = pl.concat([labelled, following.select(labelled.columns)])
    return np.array(curve)


def simulated() -> pl.DataFrame:
    """Products of the simulator under items that no rule knows."""
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth"
        simulate_prices(Path(folder) / "drops", truth, scale=SCALES["medium"], seed=UNSEEN_SEED)
        products = pl.read_parquet(truth / "products.parquet")
    return products.select(
        "retailer", "item", item_id=pl.format("own {}", "item_id"), product="product_name", true="in_scope"
    )


def pilot() -> pl.DataFrame:
    """Products of 2016; true is what the pilot kept in its monthly averages. A part, for speed."""
    quotes = (
        pl.scan_parquet(SHARED / "quotes_2016.parquet")
        .filter(pl.col("run").str.slice(0, 6) != "201609")  # a month without averages
        .select(
            retailer=pl.col("store").str.to_lowercase(),
            item="ons_item_name",
            item_id=pl.col("ons_item_no").cast(pl.String),
            product="product_name",
        )
        .unique()
        .collect()
    )
    kept = (
        pl.read_csv(SHARED / "monthly_average_prices.csv.gz", infer_schema_length=None)
        .filter(pl.col("month") >= 201607)
        .select(
            retailer=pl.col("store").str.to_lowercase(),
            item_id=pl.col("ons_item_no").cast(pl.Int64).cast(pl.String),
            name=pl.col("product_name").map_elements(plain, return_dtype=pl.String),
            true=pl.lit(True),
        )
        .unique()
    )
    joined = add_name(quotes).join(kept, on=PRODUCT, how="left").with_columns(pl.col("true").fill_null(False))
    part = pl.struct("item_id", "name").map_elements(lambda row: _hash(row) // 10 % 5 < 2, return_dtype=pl.Boolean)
    return joined.filter(part).drop("name")


def _divided(products: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Products that can be labelled, and a fifth that is kept apart; other packs of a product are in the same part."""
    named = add_name(products.with_columns(price=pl.lit(1.0)))
    each = named.sort(*PRODUCT, "product").unique(PRODUCT, keep="first", maintain_order=True)
    apart = pl.struct("item_id", "name").map_elements(lambda row: _hash(row) % 5 == 0, return_dtype=pl.Boolean)
    return each.filter(~apart), each.filter(apart)


def _hash(row: dict[str, str]) -> int:
    return zlib.crc32(f"{row['item_id']} {stem(row['name'])}".encode())


def _labels(products: pl.DataFrame) -> pl.DataFrame:
    return products.select(
        "retailer",
        "item_id",
        "product",
        in_scope="true",
        labelled_by=pl.lit("benchmark"),
        labelled_at_utc=pl.lit(datetime(2016, 11, 3, tzinfo=UTC)),
    )


def _measures(found: pl.DataFrame) -> list[float]:
    right = found["in_scope"] == found["true"]
    alone = found.filter(~pl.col("needs_review"))
    of_others = (alone["in_scope"] == alone["true"]).mean() if len(alone) else None
    return [
        float(value) if value is not None else np.nan
        for value in (right.mean(), found["needs_review"].mean(), of_others)
    ]


def _table(curve: Curve, lowest: float = -1.0, highest: float = 1.0) -> pl.DataFrame:
    """Means and intervals over seeds; (seeds, steps, measures)."""
    rows = []
    for step in range(curve.shape[1]):
        row: dict[str, object] = {"labels": STEP * step}
        for column, name in enumerate(MEASURES):
            values = curve[:, step, column]
            values = values[~np.isnan(values)]
            if len(values) < 2:
                row |= {name: None, f"{name}_95": None}
                continue
            half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
            ends = np.clip([values.mean() - half, values.mean() + half], lowest, highest)
            row |= {name: values.mean(), f"{name}_95": f"{ends[0]:.3f} to {ends[1]:.3f}"}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


if __name__ == "__main__":
    main()
