"""What the checks find: in the quotes of 2016, and beside the truth of simulated quarters.

    python benchmarks/checked_quotes.py [--only names|real|simulated|planted]

needs the shared data (`ONS_ASSETS_SHARED_DATA` or ../shared/data) for the quotes of 2016.
"""

import argparse
import os
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import CheckParameters, IndexParameters, OutlierRule
from ons_assets.prices.checked import FLAGS, check
from ons_assets.prices.compilation import item_indices
from ons_assets.prices.outliers import outlier_methods
from ons_assets.prices.packs import pack_table
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings
from ons_assets.simulate.prices import DEFAULT_SEED, simulate_prices

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices"
RECEIVED = datetime(2030, 1, 1, tzinfo=UTC)
PLANTED_SEED = 11
SEEDS = (DEFAULT_SEED, 20160721, 7)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["names", "real", "simulated", "planted"])
    only = parser.parse_args().only
    with pl.Config(tbl_rows=60, tbl_cols=20, fmt_str_lengths=90, tbl_hide_dataframe_shape=True, float_precision=4):
        if only in (None, "names"):
            names()
        if only in (None, "real"):
            real()
        if only in (None, "simulated"):
            simulated()
        if only in (None, "planted"):
            planted()


def names() -> None:
    """How many different names of the shared data say what their pack holds."""
    files = (
        ("ons_webscraped/quotes_2016.parquet", "product_name"),
        ("ons_webscraped/monthly_average_prices.csv.gz", "product_name"),
        ("ons_webscraped/tesco_2014-08-22_multibuy.csv.gz", "product_name"),
        ("scanner/dataCOICOP.csv.gz", "description"),
        ("scanner/dataRSM.csv.gz", "description"),
    )
    rows = []
    for file, column in files:
        path = SHARED / file
        frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)
        packs = pack_table(frame[column].drop_nulls())
        given = packs["pack_quantity"].is_not_null()
        rows.append({"file": file, "names": len(packs), "give_a_pack": given.sum(), "share": given.mean()})
    print(pl.DataFrame(rows))


def real() -> None:
    """Flags, packs and relaunches of the 957,349 quotes of 2016."""
    source = QuoteFiles.of(Settings(home=Path("unused")))
    path = SHARED / "ons_webscraped" / "quotes_2016.parquet"
    raw = source.whole(path, path.name, RECEIVED).accepted.with_columns(drop_sha256=pl.lit("0"))
    start = time.perf_counter()
    checked = check(raw)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(raw):,} quotes checked in {seconds:.0f} s, peak of the process {peak:.1f} GB")
    print(checked.select(pl.col(FLAGS).sum()).unpivot(variable_name="flag", value_name="quotes"))
    found = checked.filter(~pl.col("imputed"))
    by_name = pl.col("pack_source") == "name"
    print(
        found.group_by("retailer")
        .agg(
            pack_from_name=by_name.fill_null(False).mean(),
            has_price_per_unit=pl.col("price_per_unit").is_not_null().mean(),
        )
        .sort("retailer")
    )
    print("quotes that each outlier method would flag, with its default reach:")
    for method in outlier_methods():
        flagged = check(raw, CheckParameters(outliers=OutlierRule(method=method)))["outlier"].sum()
        print(f"  {method:<24}{flagged:>6}")


def simulated() -> None:
    """Faults found and false alarms, and the error of the daily Jevons with and without the checks."""
    rows = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            raw, truth = _world(Path(folder), seed)
            checked = check(raw)
            rows += [{"seed": seed, **row} for row in _faults(checked, truth)]
            rows_of = {name: _error(checked, truth, excludes) for name, excludes in EXCLUSIONS.items()}
            always = check(raw, CheckParameters(carry="always"))
            rows_of["carried to every day"] = _error(
                always, truth, EXCLUSIONS["default: carried, without typos"], imputed_periods="always"
            )
        print(f"seed {seed}: error of the daily Jevons in scope, per cent: mean, largest")
        for name, (mean, largest) in rows_of.items():
            print(f"  {name:<36}{100 * mean:6.2f}{100 * largest:8.2f}")
    print(pl.DataFrame(rows))


def planted() -> None:
    """Outliers by method: products of a simulated quarter whose price is wrong from a day on, to its end.

    A price that stays is no error, unless its point is displaced: only ten times should be flagged. Half as dear again
    is less than the least factor.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw, _ = _world(Path(folder), PLANTED_SEED)
    products = ["retailer", "item_id", "product"]
    days = pl.col("collected_on")
    chosen = (
        raw.group_by(products)
        .agg(first=days.min(), last=days.max(), days=days.n_unique())
        .filter(pl.col("days") > 40)
        .sort(products)
        .sample(60, seed=1)
        .with_columns(from_day=pl.col("first") + (pl.col("last") - pl.col("first")) / 2)
        .select(*products, "from_day")
    )
    rows = []
    for factor in (1.5, 3.0, 10.0, 1 / 3):
        joined = raw.join(chosen, on=products, how="left", maintain_order="left")
        wrong = (days >= pl.col("from_day")).fill_null(False)
        made = joined.with_columns(
            pl.when(wrong).then(pl.col("price", "unit_price") * factor).otherwise(pl.col("price", "unit_price")),
            planted=wrong,
        )
        made = made.drop("from_day")
        for method in outlier_methods():
            found = check(made, CheckParameters(outliers=OutlierRule(method=method))).filter(~pl.col("imputed"))
            # After the reference window the wrong price is the usual one.
            early = found.join(chosen, on=products).filter(
                pl.col("planted"), days < pl.col("from_day") + pl.duration(days=14)
            )
            either = pl.col("outlier") | pl.col("price_typo")
            rows.append(
                {
                    "factor": factor,
                    "method": method,
                    "flagged_of_first_14_days": early.select(either.mean()).item(),
                    "false_flags": found.filter(~pl.col("planted")).select(pl.col("outlier").sum()).item(),
                }
            )
    print(pl.DataFrame(rows).pivot(on="factor", index="method", values=["flagged_of_first_14_days", "false_flags"]))


EXCLUSIONS = {
    "as found": ("imputed",),
    "without typos": ("imputed", "price_typo", "outlier"),
    "default: carried, without typos": ("repeated_row", "price_typo", "outlier"),
}


def _world(folder: Path, seed: int) -> tuple[pl.DataFrame, Path]:
    simulate_prices(folder / "drops", folder / "truth", seed=seed)
    source = QuoteFiles.of(Settings(home=folder))
    frames = []
    for number, path in enumerate(sorted((folder / "drops").iterdir())):
        if path.stat().st_size:
            parsed = source.whole(path, path.name, RECEIVED)
            frames.append(parsed.accepted.with_columns(drop_sha256=pl.lit(f"{number:064d}")))
    raw = pl.concat(frames)
    files = (
        pl.read_parquet(folder / "truth" / "runs.parquet")
        .drop_nulls("file")
        .select("retailer", "file", "source_day", run=pl.col("file").str.extract(r"(\d{14})"))
    )
    products = pl.read_parquet(folder / "truth" / "products.parquet").select(
        "retailer",
        pl.col("item_id").cast(pl.String),
        "first_day",
        "last_day",
        "replaces",
        product="product_name",
        true_product="product_id",
        in_scope="in_scope",
    )
    named = (
        raw.join(files, on=["retailer", "run"])
        .join(products, on=["retailer", "item_id", "product"])
        .filter(pl.col("source_day").is_between("first_day", "last_day"))
    )
    return named.drop("source_day", "first_day", "last_day"), folder / "truth"


def _faults(checked: pl.DataFrame, truth: Path) -> list[dict[str, object]]:
    found = checked.filter(~pl.col("imputed"))
    faults = pl.read_parquet(truth / "faults.parquet")
    rows: list[dict[str, object]] = []
    for fault, flag in (("price_typo", "price_typo"), ("unit_mislabelled", "unit_conflict")):
        true = faults.filter(pl.col("class") == fault).select("file", true_product="product_id", true=True)
        both = found.join(true.unique(), on=["file", "true_product"], how="left").select(
            true=pl.col("true").fill_null(False), flagged=flag
        )
        rows.append({"what": flag, **_rates(both)})
    products = found.group_by("true_product", "replaces", "product_id").agg(pl.col("relaunched").any())
    seen = products["true_product"].unique().to_list()
    both = products.select(true=pl.col("replaces").is_not_null() & pl.col("replaces").is_in(seen), flagged="relaunched")
    return [*rows, {"what": "relaunched, seen on both sides", **_rates(both)}]


def _rates(both: pl.DataFrame) -> dict[str, float]:
    hits = both.select((pl.col("true") & pl.col("flagged")).sum()).item()
    true, flagged = both["true"].sum(), both["flagged"].sum()
    return {"true": true, "found": hits / max(true, 1), "false_of_flagged": 1 - hits / max(flagged, 1)}


def _error(
    checked: pl.DataFrame, truth: Path, excludes: tuple[str, ...], imputed_periods: str = "not_collected"
) -> tuple[float, float]:
    parameters = IndexParameters.model_validate(
        {
            "methods": ({"method": "jevons"},),
            "frequencies": ("day",),
            "excludes": excludes,
            "imputed_periods": imputed_periods,
        }
    )
    true = pl.read_parquet(truth / "indices.parquet").select(
        pl.col("item_id").cast(pl.String), "frequency", "period", "jevons"
    )
    gaps = item_indices(checked.filter("in_scope").lazy(), parameters).join(true, on=["item_id", "frequency", "period"])
    gap = (gaps["index"] / gaps["jevons"]).log().abs()
    return float(gap.mean() or 0), float(gap.max() or 0)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
