"""Precision and recall of the collection report, by class of finding: real runs of 2016, or simulated drops.

python benchmarks/collection_accuracy.py [--data FOLDER]
python benchmarks/collection_accuracy.py --simulate medium [--seed 1 2 3]
python benchmarks/collection_accuracy.py --drops FOLDER --truth FOLDER
"""

import argparse
import datetime as dt
import gzip
import os
import tempfile
import time
from pathlib import Path
from typing import TypeVar

import polars as pl

from ons_assets.prices.collection import FINDINGS, collection_report

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

REPOSITORY = Path(__file__).resolve().parents[1]
LABELS = REPOSITORY / "tests" / "prices" / "collection_labels.csv"
TUNED = (dt.date(2016, 7, 21), dt.date(2016, 9, 10))
HELD_OUT = (dt.date(2016, 9, 11), dt.date(2016, 11, 2))
KEY = ["day", "retailer", "item_id", "finding"]


def real_frames(folder: Path) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Bring the pilot's runs of 2016 into the canonical form."""
    quotes = _canonical(pl.scan_parquet(folder / "quotes_2016.parquet").with_row_index("line"), pl.col("run"))
    runs = pl.read_csv(folder / "runs_2016.csv", schema_overrides={"run": pl.String}).select(
        retailer="store",
        run="run",
        started_on=pl.col("run").str.slice(0, 8).str.to_date("%Y%m%d"),
        size_bytes="bytes",
        parsed_rows="parsed_rows",
        accepted_rows="parsed_rows",
        quarantined_rows="malformed_rows",
        refused=pl.lit(False),
        reason=pl.lit(None, pl.String),
        ends_inside_record=pl.col("malformed_rows") > 0,
    )
    return quotes, runs


def _canonical(rows: Frame, run: pl.Expr | str) -> Frame:
    stamp = pl.col("timestamp").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S")
    return rows.select(
        pl.col("store").str.to_lowercase().alias("retailer"),
        (pl.lit(run) if isinstance(run, str) else run).alias("run"),
        stamp.dt.date().alias("collected_on"),
        pl.col("ons_item_no").cast(pl.String).alias("item_id"),
        pl.col("ons_item_name").str.strip_chars().alias("item"),
        pl.col("product_type").alias("shelf"),
        pl.col("product_name").alias("product"),
        pl.col("item_price_num").cast(pl.Float64).alias("price"),
        pl.col("line").cast(pl.Int64),
    )


def read_labels() -> pl.DataFrame:
    """Read the faults that were found by looking at the counts on both sides of a day."""
    return pl.read_csv(LABELS, schema_overrides={"run": pl.String, "item_id": pl.String}, try_parse_dates=True).rename(
        {"class": "finding"}
    )


def score(found: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Count hits, misses and false alarms by class, for whole runs and for items.

    A finding is right when day, retailer, item (null for the whole run) and class are.
    """
    known = pl.col("found") & pl.col("true")
    both = (
        found.select(KEY)
        .unique()
        .with_columns(found=True)
        .join(truth.select(KEY).unique().with_columns(true=True), on=KEY, how="full", coalesce=True, nulls_equal=True)
        .with_columns(
            pl.col("found", "true").fill_null(False),
            level=pl.when(pl.col("item_id").is_null()).then(pl.lit("run")).otherwise(pl.lit("item")),
        )
    )
    return (
        both.group_by("finding", "level")
        .agg(true=pl.col("true").sum(), found=pl.col("found").sum(), hit=known.sum())
        .with_columns(
            precision=(pl.col("hit") / pl.col("found")).fill_nan(None).round(3),
            recall=(pl.col("hit") / pl.col("true")).fill_nan(None).round(3),
        )
        .sort(
            pl.col("level") == "item",
            pl.col("finding").replace_strict(FINDINGS, range(len(FINDINGS)), return_dtype=pl.Int64),
        )
    )


def score_real(report: pl.DataFrame, days: tuple[dt.date, dt.date], *, with_history: bool = True) -> pl.DataFrame:
    """Score the report on the labels between two days.

    Item labels are written run by run and count for the run that the report chose. `with_history` leaves out
    faults that no method without knowledge of the future can see: the first five days, and items that were
    inflated from the first day on.
    """
    labels, inside = read_labels(), pl.col("day").is_between(*days)
    unsure = labels.filter(pl.col("sure") == "no")
    chosen = (
        report.filter(pl.col("item_id").is_not_null(), pl.col("finding") == "none")
        .select("day", "retailer", chosen="run")
        .unique()
    )
    truth = (
        labels.filter(inside, pl.col("sure") == "yes")
        .join(chosen, on=["day", "retailer"], how="left")
        .filter(
            pl.col("item_id").is_null() | (pl.col("finding") == "shelf_renamed") | (pl.col("run") == pl.col("chosen"))
        )
    )
    found = report.filter(inside, pl.col("finding") != "none").join(unsure, on=KEY, how="anti", nulls_equal=True)
    if with_history:
        unknowable = truth.filter(pl.col("has_history") == "no").join(
            truth.filter(pl.col("has_history") == "yes"), on=KEY, how="anti", nulls_equal=True
        )
        truth = truth.join(unknowable, on=KEY, how="anti", nulls_equal=True)
        found = found.join(unknowable, on=KEY, how="anti", nulls_equal=True)
    return score(found, truth)


def simulated_frames(drops: Path) -> tuple[pl.LazyFrame, pl.DataFrame]:
    """Read simulated run files; the part of a record that a cut file ends with is left out and noted."""
    quotes, runs = [], []
    for path in sorted(drops.glob("*_products_*.csv*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        retailer, run = path.name.removesuffix(".gz").removesuffix(".csv").split("_products_")
        whole = content[: content.rfind(b"\n") + 1]
        rows = pl.read_csv(whole, infer_schema=False) if whole else None
        runs.append((retailer, run, len(content), 0 if rows is None else rows.height, len(whole) < len(content)))
        if rows is not None:
            quotes.append(_canonical(rows.with_row_index("line", offset=1), run))
    ledger = pl.DataFrame(
        runs, schema=["retailer", "run", "size_bytes", "parsed_rows", "ends_inside_record"], orient="row"
    )
    return pl.concat(quotes).lazy(), ledger.with_columns(
        started_on=pl.col("run").str.slice(0, 8).str.to_date("%Y%m%d"),
        accepted_rows="parsed_rows",
        quarantined_rows=pl.col("ends_inside_record").cast(pl.Int64),
        refused=pl.lit(False),
        reason=pl.lit(None, pl.String),
    )


def score_simulated(report: pl.DataFrame, truth: Path) -> pl.DataFrame:
    """Score the report on the simulator's truth.

    The truth names faults of whole runs, and items that vanished or whose shelf was renamed. Findings on single
    items of a run that is truly truncated, inflated or repeated are detail of it and not counted. Repeated rows
    are ordinary in the simulated files; a fault are those of a run that is mostly repeats.
    """
    faults = pl.read_parquet(truth / "faults.parquet").select(
        "day", "retailer", pl.col("item_id").cast(pl.String), finding="class"
    )
    repeated = (
        pl.read_parquet(truth / "runs.parquet")
        .filter(pl.col("repeated_rows") >= 0.5 * pl.col("rows"), pl.col("rows") > 0)
        .select("day", "retailer", item_id=pl.lit(None, pl.String), finding=pl.lit("duplicate_rows"))
    )
    true = pl.concat(
        [
            faults.filter(pl.col("finding").is_in(FINDINGS), pl.col("finding") != "duplicate_rows"),
            repeated,
        ]
    )
    of_run = true.filter(pl.col("item_id").is_null())
    found = report.filter(pl.col("finding") != "none")
    detail = found.filter(pl.col("item_id").is_not_null()).join(of_run, on=["day", "retailer", "finding"], how="semi")
    return score(found.join(detail, on=KEY, how="anti", nulls_equal=True), true)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(shared) / "prices" / "ons_webscraped")
    parser.add_argument("--drops", type=Path, help="folder of simulated run files, with --truth")
    parser.add_argument("--truth", type=Path, help="folder of the simulator's truth")
    parser.add_argument("--simulate", metavar="SCALE", help="simulate a world of this scale and score that")
    parser.add_argument("--seed", type=int, nargs="+", default=[1, 2, 3], help="seeds of the simulated worlds")
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    if arguments.simulate:
        for seed in arguments.seed:
            _simulated(arguments.simulate, seed)
    elif arguments.drops:
        _drops(arguments.drops, arguments.truth)
    else:
        _real(arguments.data)


def _real(folder: Path) -> None:
    quotes, runs = real_frames(folder)
    report = _timed(quotes, runs)
    unaided = collection_report(quotes, runs.with_columns(ends_inside_record=pl.lit(False)))
    for name, days in (("tuned on", TUNED), ("held out", HELD_OUT)):
        print(f"\n{name}: {days[0]} to {days[1]}, all labels")
        print(score_real(report, days, with_history=False))
        print("\nonly faults with a history to judge them by")
        print(score_real(report, days))
        print("\ntruncated runs, had the parser not said which files end inside a record")
        print(score_real(unaided, days).filter(pl.col("finding") == "truncated", pl.col("level") == "run"))
    better, days_judged = choice(report)
    print(f"\nof {days_judged} days with a damaged and a whole run, the whole one was chosen on {better}")


def _simulated(scale: str, seed: int) -> None:
    from ons_assets.simulate.prices import simulate_prices

    with tempfile.TemporaryDirectory() as folder:
        drops, truth = Path(folder) / "drops", Path(folder) / "truth"
        simulate_prices(drops, truth, scale=scale, seed=seed)
        print(f"\nsimulated {scale}, seed {seed}")
        _drops(drops, truth)


def _drops(drops: Path, truth: Path) -> None:
    quotes, runs = simulated_frames(drops)
    print(score_simulated(_timed(quotes, runs), truth))
    unaided = collection_report(quotes, runs.with_columns(ends_inside_record=pl.lit(False)))
    print("\ntruncated runs, had the parser not said which files end inside a record")
    print(score_simulated(unaided, truth).filter(finding="truncated", level="run"))


def choice(report: pl.DataFrame) -> tuple[int, int]:
    """Count the days with a truncated or empty run and another, and those on which the other was chosen."""
    damaged = read_labels().filter(
        pl.col("item_id").is_null(), pl.col("finding").is_in(["truncated", "empty", "inflated"])
    )
    whole_run = report.filter(pl.col("item_id").is_not_null(), pl.col("finding") == "none")
    chosen = whole_run.select("day", "retailer", "run", "runs_of_day").unique()
    damaged_runs = damaged.select("day", "retailer", "run").unique()
    judged = (
        damaged_runs.group_by("day", "retailer")
        .agg(damaged=pl.len())
        .join(chosen, on=["day", "retailer"])
        .filter(pl.col("damaged") < pl.col("runs_of_day"))
    )
    good = judged.join(damaged_runs, on=["day", "retailer", "run"], how="anti")
    return good.height, judged.height


def _timed(quotes: pl.LazyFrame, runs: pl.DataFrame) -> pl.DataFrame:
    start = time.perf_counter()
    report = collection_report(quotes, runs)
    seconds = time.perf_counter() - start
    print(f"{runs['accepted_rows'].sum()} quotes, {report.height} rows of report, {seconds:.1f} s")
    return report


if __name__ == "__main__":
    main()
