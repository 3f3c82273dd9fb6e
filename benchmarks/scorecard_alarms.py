"""False alarms of the scorecard on histories and worlds without a fault, and how many planted faults it finds.

    python benchmarks/scorecard_alarms.py [--seeds 10] [--worlds 5]

Histories are drawn: numbers of rows with noise, weekly rhythm, growth and quiet holidays, shares, and levels. Faults
are planted one a series, on a day that is drawn. Worlds are shops of the simulator whose collection has no fault,
read as raw quotes. A table-day is one day of one series; an alarm is red where a person must act, and else a look.
"""

import argparse
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.register import UpdateCycle
from ons_assets.governance.scorecard.arrivals import of_days
from ons_assets.governance.scorecard.checks import REPEATS
from ons_assets.governance.scorecard.contents import of_contents, of_repeats
from ons_assets.governance.scorecard.judging import judged
from ons_assets.governance.scorecard.measures import observed
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters
from ons_assets.simulate.prices import simulate_prices
from ons_assets.simulate.prices.scales import NO_FAULTS, FaultCounts, Scale

# Bounds were looked at on the seeds before it.
FIRST_SEED = 100
FIRST = date(2025, 1, 1)
DAYS = 400
# Bank holidays of a year, on which as little comes as on a Sunday.
HOLIDAYS = (0, 108, 111, 125, 146, 237, 358, 359, 365)
SOURCE, TABLE = "prices", "prices/raw_quotes"
WHOLE_RUNS = ("missing_run", "empty", "truncated", "inflated")
PARAMETERS = (ScorecardParameters(), TrendParameters(), AccuracyParameters())
# Name, rows of an ordinary day, spread of the day, share of a Sunday, growth a year.
KINDS = (
    ("steady", 3000, 0.02, 1.0, 0.0),
    ("noisy", 3000, 0.10, 1.0, 0.0),
    ("weekly", 3000, 0.05, 0.5, 0.0),
    ("growing", 3000, 0.05, 0.8, 1.0),
    ("small", 30, 0.0, 0.7, 0.0),
    ("holidays", 3000, 0.05, 0.4, 0.0),
    ("unsaid", 3000, 0.05, 0.4, 0.0),
)


def counts(kind: tuple[str, int, float, float, float], series: int, random: np.random.Generator) -> np.ndarray:
    """Numbers of rows, (series, DAYS)."""
    name, level, spread, sunday, growth = kind
    days = np.arange(DAYS)
    quiet = (FIRST.weekday() + days) % 7 >= 5
    if name in ("holidays", "unsaid"):
        quiet = quiet | np.isin(days, HOLIDAYS)
    expected = level * np.where(quiet, sunday, 1.0) * (1 + growth) ** (days / 365)
    return random.poisson(expected * np.exp(random.normal(0, spread, (series, DAYS)))).astype(float)


def frame(values: np.ndarray, measure: str, basis: int | None = None) -> pl.DataFrame:
    """Observations of series, each of a table of its own."""
    series, day = np.indices(values.shape)
    days = pl.Series([FIRST + timedelta(days=n) for n in range(DAYS)])[day.ravel()]
    made = pl.DataFrame({"table_name": series.ravel().astype(str), "day": days, "value": values.ravel()})
    made = made.with_columns(
        partition_name=pl.col("day").cast(pl.String()),
        basis=pl.col("value").cast(pl.Int64) if basis is None else pl.lit(basis, pl.Int64()),
    )
    return observed(made, measure)


def verdicts(observations: pl.DataFrame, *, holidays: bool = False) -> pl.DataFrame:
    """Judge observations under the defaults, with the holidays said or not."""
    scorecard, trend, accuracy = PARAMETERS
    said = tuple(FIRST + timedelta(days=n) for n in HOLIDAYS) if holidays else ()
    return judged(observations, {}, scorecard, trend.model_copy(update={"holidays": said}), accuracy)


def rates(found: pl.DataFrame) -> tuple[int, float, float]:
    """Judged table-days, and looks and acts a thousand of them."""
    told = found.filter(pl.col("quality_status") != "not judged")
    share = {status: 1000 * (told["quality_status"] == status).mean() for status in ("watch", "act")}
    return len(told), share["watch"], share["act"]


def planted(
    values: np.ndarray, factor: float, first: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Multiply one day of each series, from the day `first` on, and return which."""
    at = random.integers(first, values.shape[1], len(values))
    changed = values.copy()
    changed[np.arange(len(values)), at] *= factor
    return changed, at


def recall(values: np.ndarray, at: np.ndarray, measure: str, basis: int | None = None) -> tuple[float, float]:
    """Share of planted days with an alarm, and with a red one."""
    found = verdicts(frame(values, measure, basis)).with_columns(
        series=pl.col("table_name").cast(pl.Int64), at=(pl.col("day") - FIRST).dt.total_days()
    )
    truth = pl.DataFrame({"series": np.arange(len(at)), "at": at})
    status = found.join(truth, on=["series", "at"], how="inner")["quality_status"]
    return float(status.is_in(["watch", "act"]).mean()), float((status == "act").mean())


def ledger(came: dict[date, date]) -> pl.DataFrame:
    """A ledger of one file a day, by the day on which it came."""
    rows = [
        {
            "source": SOURCE,
            "status": "accepted",
            "local_days": [day],
            "received_utc": datetime(*when.timetuple()[:3], 12, tzinfo=UTC),
        }
        for day, when in came.items()
    ]
    return pl.DataFrame(rows)


def of_arrivals(came: dict[date, date], as_of: date) -> pl.DataFrame:
    cycle = {TABLE: UpdateCycle(every="day", within_days=2)}
    return verdicts(of_days(ledger(came), {SOURCE: TABLE}, cycle, as_of, "Europe/London", PARAMETERS[0]))


def arrivals(seeds: int) -> None:
    """Days that are missing or late, and tables that are stale, each planted once in a history without a fault."""
    clean, missing, late, stale = [], [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        random = np.random.default_rng(seed)
        days = [FIRST + timedelta(days=n) for n in range(DAYS)]
        came = {day: day + timedelta(days=int(random.integers(0, 3))) for day in days}
        as_of = days[-1] + timedelta(days=2)
        clean.append(of_arrivals(came, as_of))
        day = days[int(random.integers(1, DAYS - 1))]
        found = of_arrivals({each: when for each, when in came.items() if each != day}, as_of)
        missing.append(found.filter(pl.col("day") == day)["quality_status"].is_in(["watch", "act"]).any())
        found = of_arrivals({**came, day: day + timedelta(days=6)}, as_of)
        late.append((found.filter(pl.col("day") == day)["quality_status"] == "act").any())
        found = of_arrivals(came, as_of + timedelta(days=7))
        stale.append((found.filter(measure="stale_days")["quality_status"] == "act").any())
    days_judged, looks, acts = rates(pl.concat(clean))
    print(f"arrivals: {days_judged:,} table-days, {looks:.2f} looks and {acts:.2f} acts a thousand")
    for name, found in (("missing day", missing), ("late by four days", late), ("stale by a week", stale)):
        print(f"  {name:<24}found {np.mean(found):6.1%}")


def histories(seeds: int, series: int) -> None:
    """Alarms on drawn histories, and faults that are planted in them."""
    print("histories: alarms a thousand table-days, and share of planted faults that raise any alarm, or a red one")
    for kind in KINDS:
        alarms, half, double = [], [], []
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            random = np.random.default_rng(seed)
            values = counts(kind, series, random)
            alarms.append(verdicts(frame(values, "rows_of_day"), holidays=kind[0] == "holidays"))
            for factor, found in ((0.5, half), (2.0, double)):
                found.append(recall(*planted(values, factor, 100, random), "rows_of_day"))
        judged_days, looks, acts = rates(pl.concat(alarms))
        told = "  ".join(
            f"{name} {np.mean(found, axis=0)[0]:.0%}/{np.mean(found, axis=0)[1]:.0%}"
            for name, found in (("half", half), ("double", double))
        )
        print(f"  {kind[0]:<10}{judged_days:>9,} days  looks {looks:5.2f}  acts {acts:5.2f}  {told}")
    for name, measure, draw, factors in (
        ("shares", "filled_share", lambda random: np.clip(random.normal(0.9, 0.01, (series, DAYS)), 0, 1), (0.8, 0.5)),
        (
            "levels",
            "typical_value",
            lambda random: 2 * np.exp(random.normal(0, 0.02, (series, DAYS))),
            (1.25, 2.2, 100.0),
        ),
    ):
        alarms, found = [], {factor: [] for factor in factors}
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            random = np.random.default_rng(seed)
            values = draw(random)
            alarms.append(verdicts(frame(values, measure, 3000)))
            for factor in factors:
                found[factor].append(recall(*planted(values, factor, 100, random), measure, 3000))
        judged_days, looks, acts = rates(pl.concat(alarms))
        told = "  ".join(
            f"times {factor:g} {np.mean(each, axis=0)[0]:.0%}/{np.mean(each, axis=0)[1]:.0%}"
            for factor, each in found.items()
        )
        print(f"  {name:<10}{judged_days:>9,} days  looks {looks:5.2f}  acts {acts:5.2f}  {told}")


def worlds(number: int) -> None:
    """Shops whose collection has no fault, but second runs and rows that repeat as in real ones; and with faults."""
    alarms, found, planted_faults = [], [], 0
    for seed in range(FIRST_SEED, FIRST_SEED + number):
        all_of, _ = world(seed, NO_FAULTS)
        alarms.append(all_of)
        told, faults = world(seed, FaultCounts())
        days = told.filter(pl.col("quality_status").is_in(["watch", "act"])).drop_nulls("day")
        alarmed = {(day, of.removeprefix("retailer ")) for day, of in days.select("day", "measured_of").iter_rows()}
        runs = faults.filter(pl.col("class").is_in(WHOLE_RUNS) & pl.col("day").is_in(told["day"].unique().implode()))
        planted_faults += len(runs)
        found += [each in alarmed for each in runs.select("day", "retailer").iter_rows()]
    all_of = pl.concat(alarms)
    judged_days, looks, acts = rates(all_of)
    print(f"worlds: {number} of 90 days, {judged_days:,} judged, looks {looks:.2f} and acts {acts:.2f} a thousand")
    bad = all_of.filter(pl.col("quality_status").is_in(["watch", "act"]))
    for row in bad.group_by("measure", "quality_status").len().sort("measure").iter_rows():
        print("  ", *row)
    print(
        f"  with faults: {sum(found)} of {planted_faults} runs that are missing, empty, cut short or inflated are found"
    )


def world(seed: int, faults: FaultCounts, days: int = 90) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The verdicts on the quotes of a world, and its faults."""
    scale = Scale("world", days=days, quotes_per_day=900, items="small", compress=False, faults=faults)
    with tempfile.TemporaryDirectory() as folder:
        simulate_prices(Path(folder) / "drops", Path(folder) / "truth", scale=scale, seed=seed)
        files = [path for path in sorted((Path(folder) / "drops").iterdir()) if path.stat().st_size]
        quotes = pl.concat([_read(path) for path in files])
        truth = pl.read_parquet(Path(folder) / "truth" / "faults.parquet")
    table = CATALOGUE[TABLE]
    rows = pl.concat([table.empty().lazy(), quotes.lazy()], how="diagonal_relaxed").select(table.column_names)
    found = of_contents(table, rows, (), PARAMETERS[0], is_raw=True, is_daily=True, is_of_runs=True)
    return verdicts(pl.concat([found, of_repeats(REPEATS[0], rows)])), truth


def scale(tables: int) -> None:
    """How long so many tables with a history of all days are judged for, with a sentence for each day."""
    observations = frame(counts(KINDS[1], tables, np.random.default_rng(0)), "rows_of_day")
    began = time.process_time()
    verdicts(observations)
    print(f"scale: {tables:,} tables of {DAYS} days judged in {time.process_time() - began:.1f} s of CPU")


def _read(path: Path) -> pl.DataFrame:
    """Whole records of a run; one that is cut short ends with a part of one."""
    run, content = path.name.split("_")[-1][:14], path.read_bytes()
    stamp = pl.col("timestamp").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S")
    return pl.read_csv(content[: content.rfind(b"\n")], infer_schema=False).select(
        retailer=pl.col("store").str.to_lowercase(),
        run=pl.lit(run),
        collected_on=stamp.dt.date(),
        item_id="ons_item_no",
        item="ons_item_name",
        shelf="product_type",
        product="product_name",
        price=pl.col("item_price_num").cast(pl.Float64),
        currency=pl.lit("GBP"),
        unit_price=pl.col("unit_price").cast(pl.Float64),
        unit_quantity=pl.col("no_units").cast(pl.Float64),
        unit="units",
        promotion="promo",
        drop_sha256=pl.lit(path.name),
    )


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--series", type=int, default=20)
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--tables", type=int, default=1000)
    options = parser.parse_args()
    arrivals(options.seeds)
    histories(options.seeds, options.series)
    worlds(options.worlds)
    scale(options.tables)


if __name__ == "__main__":
    main()
