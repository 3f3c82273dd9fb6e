"""Indices beside those of others: the adapters on official files, non-target products in 2016 and in the simulation.

    python benchmarks/index_comparison.py [--only official|real|simulated]

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data).
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices import compilation
from ons_assets.prices import index_comparison as comparison
from ons_assets.prices.checked import check
from ons_assets.prices.classification import classify
from ons_assets.prices.sources import QuoteFiles
from ons_assets.reference.official_indices import OfficialIndexFiles
from ons_assets.settings import Settings
from ons_assets.simulate.prices import DEFAULT_SEED, office, simulate_prices

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices"
PILOT = SHARED / "ons_webscraped"
RECEIVED = datetime(2030, 1, 1, tzinfo=UTC)
METHODS = ({"method": "jevons"}, {"method": "geks-jevons"})
SEED = 20160721


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["official", "real", "simulated"])
    only = parser.parse_args().only
    with pl.Config(tbl_rows=60, tbl_cols=20, fmt_str_lengths=50, tbl_hide_dataframe_shape=True, float_precision=3):
        for name, task in (("official", official), ("real", real), ("simulated", simulated)):
            if only in (None, name):
                task()


def official() -> None:
    """Read the official item indices, chain the unchained ones, and hold them against the chained ones."""
    source = OfficialIndexFiles.of(Settings(home=Path("unused")))
    read = {}
    for name in ("chained_2020_2025", "unchained_2020_2025", "unchained_2017_2023"):
        path = SHARED / "ons_cpi" / f"item_indices_{name}.csv.gz"
        parsed = source.whole(path, path.name, RECEIVED)
        read[name] = parsed.accepted
        items = parsed.accepted["item_id"].n_unique()
        print(f"{path.name}: {len(parsed.accepted):,} indices of {items} items, {len(parsed.rejected)} rejected")
    for name in ("unchained_2020_2025", "unchained_2017_2023"):
        chained = comparison.chain_within_year(read[name]).drop_nulls("index")
        start = (
            chained.filter(pl.col("period") >= "2020-01")
            .sort("period")
            .group_by("item_id")
            .agg(base=pl.col("index").first(), first=pl.col("period").first())
        )
        theirs = read["chained_2020_2025"].select("item_id", "period", theirs="index")
        both = chained.join(start, on="item_id").join(theirs, on=["item_id", "period"])
        base = theirs.join(start.select("item_id", period="first"), on=["item_id", "period"], how="semi")
        both = both.join(base.select("item_id", theirs_base="theirs"), on="item_id")
        gap = (pl.col("index") / pl.col("base") * pl.col("theirs_base") / pl.col("theirs") - 1).abs()
        figures = both.select(
            indices=pl.len(),
            items=pl.col("item_id").n_unique(),
            largest=gap.max(),
            within_1e_4=(gap < 1e-4).sum(),
        )
        print(f"{name}, chained here, against the published chained indices:\n{figures}")


def real() -> None:
    """The quotes of 2016 with and without the products that the rules say are not the item."""
    source = QuoteFiles.of(Settings(home=Path("unused")))
    path = PILOT / "quotes_2016.parquet"
    start = time.perf_counter()
    raw = source.whole(path, path.name, RECEIVED).accepted.with_columns(drop_sha256=pl.lit("0"))
    quotes = check(classify(raw).quotes)
    print(f"{len(raw):,} quotes classified and checked in {time.perf_counter() - start:.0f} s")
    in_scope, all_quotes = _both(quotes, ("week",))
    weights = pl.read_csv(PILOT / "reference" / "weights.csv")
    weights = weights.select(
        item_id=pl.col("ons_item_no").cast(pl.Int64).cast(pl.String),
        group="Top",
        year=pl.lit(2016, dtype=pl.Int32),
        weight="item_weight_2016",
    )
    for method in ("jevons", "geks-jevons"):
        items = _gaps(in_scope, all_quotes, method)
        print(f"\n{method} by week, 2016-W29 to 2016-W44: all quotes less in scope, {len(items)} items")
        print(
            items.select(
                median_mean_gap=pl.col("mean_absolute_gap").median(),
                largest_mean_gap=pl.col("mean_absolute_gap").max(),
                above_1_point=(pl.col("mean_absolute_gap") > 1).sum(),
                median_at_end=pl.col("gap_at_end").abs().median(),
            )
        )
        print(items.sort("mean_absolute_gap", descending=True).head(12))
        groups = [
            compilation.aggregate_indices(frame.lazy(), weights.lazy(), AggregationParameters()).rename(
                {"group": "item_id"}
            )
            for frame in (in_scope, all_quotes)
        ]
        print(_gaps(groups[0], groups[1], method))
    _against_the_pilot(in_scope, all_quotes)


def _both(quotes: pl.DataFrame, frequencies: tuple[str, ...]) -> tuple[pl.DataFrame, pl.DataFrame]:
    parameters = IndexParameters(methods=METHODS, frequencies=frequencies)  # type: ignore[arg-type]
    wider = parameters.model_copy(update={"excludes": parameters.excludes[1:]})
    assert parameters.excludes[0] == "out_of_scope"
    return compilation.item_indices(quotes.lazy(), parameters), compilation.item_indices(quotes.lazy(), wider)


def _gaps(in_scope: pl.DataFrame, all_quotes: pl.DataFrame, method: str) -> pl.DataFrame:
    rows = []
    parts = [frame.filter(method=method).partition_by("item_id", as_dict=True) for frame in (all_quotes, in_scope)]
    for name in sorted(parts[0].keys() & parts[1].keys()):
        wide, narrow = (part[name].select("period", "index") for part in parts)
        measured = comparison.compare(wide, narrow, "week")
        if measured.mean_absolute_gap is None:
            continue
        both = wide.join(narrow, on="period", suffix="_scope").drop_nulls().sort("period")
        first = both.row(0, named=True)
        last = both.row(-1, named=True)
        rows.append(
            {
                "name": name[0],
                "mean_absolute_gap": measured.mean_absolute_gap,
                "largest_gap": measured.largest_gap,
                "gap_at_end": 100 * (last["index"] / first["index"] - last["index_scope"] / first["index_scope"]),
                "growth_correlation": measured.growth_correlation,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _against_the_pilot(in_scope: pl.DataFrame, all_quotes: pl.DataFrame) -> None:
    """Our weekly GEKS-J against the pilot's published one, over the weeks of 2016 that both have."""
    theirs = pl.read_csv(PILOT / "indices" / "week_2016-11-03_GEKS_item.csv.gz", infer_schema_length=None)
    columns = theirs.columns
    number, level = columns[2] if "item" not in columns else "item", columns[1]
    print(f"\nthe pilot's weekly GEKS-J, columns {columns}")
    theirs = theirs.select(
        item_id=pl.col("ons_item_no" if "ons_item_no" in columns else number).cast(pl.Int64).cast(pl.String),
        # Its weeks begin on Sundays (%U), ours on Mondays: they share six days of seven.
        period=pl.col("period").cast(pl.Int64).cast(pl.String),
        index=pl.col("index" if "index" in columns else level),
    ).filter(pl.col("period") >= "201630")
    theirs = theirs.with_columns(
        period=pl.format("{}-W{}", pl.col("period").str.slice(0, 4), pl.col("period").str.slice(4))
    )
    for label, ours in (("in scope", in_scope), ("all", all_quotes)):
        rows = []
        chosen = ours.filter(method="geks-jevons").partition_by("item_id", as_dict=True)
        for name, published in theirs.partition_by("item_id", as_dict=True).items():
            if name in chosen:
                measured = comparison.compare(chosen[name].select("period", "index"), published, "week")
                rows.append({"gap": measured.mean_absolute_gap, "correlation": measured.growth_correlation})
        found = pl.DataFrame(rows, infer_schema_length=None)
        print(f"{label}: median mean absolute gap {found['gap'].median():.2f} points over {len(found)} items")


def simulated() -> None:
    """The simulated quarter: errors against the truth with and without non-target products, and the collectors'."""
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth"
        simulate_prices(Path(folder) / "drops", truth, seed=SEED)
        source = QuoteFiles.of(Settings(home=Path(folder)))
        frames = []
        for number, path in enumerate(sorted((Path(folder) / "drops").iterdir())):
            if path.stat().st_size:
                parsed = source.whole(path, path.name, RECEIVED)
                frames.append(parsed.accepted.with_columns(drop_sha256=pl.lit(f"{number:064d}")))
        labels = office.product_labels(truth, DEFAULT_SEED).with_columns(
            labelled_at_utc=pl.col("labelled_at_utc").str.to_datetime(time_unit="us").dt.replace_time_zone("UTC")
        )
        quotes = check(classify(pl.concat(frames), None, labels).quotes)
        true = pl.read_parquet(truth / "indices.parquet").select(
            pl.col("item_id").cast(pl.String), "frequency", "period", "jevons"
        )
        collectors = office.official_indices(truth, DEFAULT_SEED)
    in_scope, all_quotes = _both(quotes, ("month",))
    for label, found in (
        ("in scope", in_scope.filter(method="jevons")),
        ("all quotes", all_quotes.filter(method="jevons")),
        ("the collectors' index", collectors.with_columns(frequency=pl.lit("month"))),
    ):
        gaps = found.join(true, on=["item_id", "frequency", "period"]).filter(pl.col("jevons") != 100)
        error = (gaps["index"] - gaps["jevons"]).abs()
        print(f"{label}: mean absolute error {error.mean():.2f} points, largest {error.max():.2f}, {len(gaps)} indices")


if __name__ == "__main__":
    main()
