"""Speed of the kernels over half hours, as ratios within one run, on one thread.

python benchmarks/meters.py              a tenth of the CER trial
python benchmarks/meters.py --full       6,137 homes x 536 days, 157.9 million readings (needs about 6 GB)
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from core_ext import OccupancyFit, fit_occupancy, half_hour_pass, half_hour_profiles, half_hour_runs, low_day_runs

HOMES, DAYS = 6_137, 536
HMM_HOMES = 4_225
Readings = npt.NDArray[np.float32]


def made_readings(homes: int, days: int, missing: float = 0.0) -> Readings:
    """Readings with a daily rhythm; `missing` is the share of days that lack some."""
    rng = np.random.default_rng(0)
    rhythm = (0.25 + 0.2 * np.sin(np.arange(48) / 48 * 2 * np.pi - 2.5)).astype(np.float32)
    kwh = np.empty((homes * days, 48), dtype=np.float32)
    for start in range(0, len(kwh), 100_000):
        part = kwh[start : start + 100_000]
        part[:] = rng.standard_exponential(part.shape, dtype=np.float32) * rhythm
    for row in rng.choice(len(kwh), int(missing * len(kwh)), replace=False):
        first = rng.integers(0, 48)
        kwh[row, first : first + rng.integers(1, 12)] = np.nan
    return kwh


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Least processor time of this thread; what other processes do is not counted."""
    best = np.inf
    for _ in range(repeats):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return float(best)


def elapsed(work: Callable[[], object], repeats: int) -> float:
    """Least time on the clock, for libraries that run threads of their own."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return float(best)


def numpy_profiles(
    kwh: Readings, homes: int, kinds: int, kind: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Profiles and daily totals as NumPy would do them, home by home so that the blocks stay in the cache."""
    days = len(kwh) // homes
    day_kwh, day_readings = np.zeros(len(kwh)), np.zeros(len(kwh), dtype=np.int8)
    sums, counts = np.zeros((homes, kinds, 48)), np.zeros((homes, kinds, 48), dtype=np.int32)
    for home in range(homes):
        block = kwh[home * days : (home + 1) * days]
        mine = kind[home * days : (home + 1) * days]
        whole = ~np.isnan(block)
        day_kwh[home * days : (home + 1) * days] = np.where(whole, block, 0).sum(axis=1, dtype=np.float64)
        day_readings[home * days : (home + 1) * days] = whole.sum(axis=1)
        for each in range(kinds):
            part = block[mine == each]
            read = ~np.isnan(part)
            sums[home, each] = np.where(read, part, 0).sum(axis=0, dtype=np.float64)
            counts[home, each] = read.sum(axis=0)
    return sums, counts


def profile_speed(homes: int, days: int, folder: Path, *, polars_homes: int) -> None:
    kwh = made_readings(homes, days, missing=0.02)
    offsets = np.arange(homes + 1) * days
    kind = (np.arange(len(kwh)) % 7 >= 5).astype(np.int32)
    print(f"\n{homes:,} homes x {days} days = {kwh.size / 1e6:.1f} million readings, 2 % of days with gaps")
    bound = seconds(lambda: kwh.sum(), 5)
    rows: list[tuple[str, float]] = [("memory bound: NumPy sum of the array", bound)]
    ours = seconds(lambda: half_hour_profiles(kwh, offsets, kind, 2, n_threads=1), 5)
    rows.append(("profiles, daily totals and counts: core_ext", ours))

    def everything() -> None:
        made = half_hour_pass(kwh, offsets, kind, 2, n_threads=1)
        half_hour_runs(kwh, offsets, "missing", n_threads=1)
        low_day_runs(made.day_kwh, np.full(len(kwh), 3.0), offsets, min_days=7)

    rows.append(("that, and gaps and runs of low days: core_ext", seconds(everything, 3)))
    by_numpy = numpy_profiles(kwh, homes, 2, kind)
    sums, counts = half_hour_profiles(kwh, offsets, kind, 2)
    assert np.allclose(by_numpy[0], sums)
    assert np.array_equal(by_numpy[1], counts)
    rows.append(("the same work: NumPy, home by home", seconds(lambda: numpy_profiles(kwh, homes, 2, kind), 2)))
    rows.append(("the same work: DuckDB, wide Parquet", duckdb_wide(kwh, homes, days, kind, folder)))
    share = polars_homes / homes
    few = kwh[: polars_homes * days]
    polars_seconds = polars_long(few, polars_homes, days, kind[: len(few)], folder) / share
    rows.append(
        (f"the same work: Polars, long Parquet{'' if share == 1 else f' (from {share:.0%} of it)'}", polars_seconds)
    )
    for name, each in rows:
        print(f"{name:60s} {each:8.3f} s  {each / bound:8.1f} x the bound  {each / ours:8.1f} x ours")


def duckdb_wide(kwh: Readings, homes: int, days: int, kind: npt.NDArray[np.int32], folder: Path) -> float:
    """Profiles and daily totals from a Parquet file with 48 columns, a row a meter and day."""
    path = folder / "wide.parquet"
    frame = pl.DataFrame({f"h{slot}": kwh[:, slot] for slot in range(48)}).with_columns(
        meter=pl.Series(np.repeat(np.arange(homes), days)),
        day=pl.Series(np.tile(np.arange(days), homes)),
        kind=pl.Series(kind),
    )
    frame.with_columns(pl.col(pl.Float32).fill_nan(None)).write_parquet(path)
    columns = ", ".join(f"sum(h{slot}::double), count(h{slot})" for slot in range(48))
    connection = duckdb.connect(config={"threads": 1})
    profiles = f"select meter, kind, {columns} from '{path}' group by all"
    total = " + ".join(f"coalesce(h{slot}::double, 0)" for slot in range(48))
    read = " + ".join(f"(h{slot} is not null)::int" for slot in range(48))
    daily = f"select meter, day, {total}, {read} from '{path}'"

    def work() -> None:
        connection.sql(profiles).to_arrow_table()
        connection.sql(daily).to_arrow_table()

    return elapsed(work, 2)


def polars_long(kwh: Readings, homes: int, days: int, kind: npt.NDArray[np.int32], folder: Path) -> float:
    """Profiles and daily totals from a Parquet file with a row a reading."""
    path = folder / "long.parquet"
    pl.DataFrame(
        {
            "meter": np.repeat(np.arange(homes, dtype=np.int32), days * 48),
            "day": np.tile(np.repeat(np.arange(days, dtype=np.int16), 48), homes),
            "kind": np.repeat(kind, 48),
            "slot": np.tile(np.arange(48, dtype=np.int8), homes * days),
            "kwh": kwh.ravel(),
        }
    ).with_columns(pl.col("kwh").fill_nan(None)).write_parquet(path)
    sums = [pl.col("kwh").cast(pl.Float64).sum().alias("sum"), pl.col("kwh").count().alias("count")]
    rows = pl.scan_parquet(path)
    profiles, daily = rows.group_by("meter", "kind", "slot").agg(sums), rows.group_by("meter", "day").agg(sums)
    return elapsed(lambda: pl.collect_all([profiles, daily]), 2)


def hmm_speed(homes: int, days: int, steps: int = 20) -> None:
    """Time per home and step of expectation-maximisation, beside hmmlearn's; then a fit of all homes."""
    print(f"\nhidden Markov model, {homes:,} homes x {days} days")
    x = made_states(1, days)
    ours = seconds(lambda: plain_fit(x, 1, steps, n_threads=1), 5) / (steps + 1)
    print(f"{'core_ext, one thread':60s} {1e3 * ours:8.3f} ms a home and step")
    try:
        from hmmlearn.hmm import GaussianHMM  # type: ignore[import-untyped]
    except ImportError:
        print("hmmlearn is not installed")
    else:
        sequence = x.reshape(-1, 1).astype(float)
        for implementation in ("log", "scaling"):
            model = GaussianHMM(
                2, covariance_type="diag", n_iter=steps, tol=-np.inf, params="tmc", init_params="",
                implementation=implementation,
            )  # fmt: skip
            model.startprob_, model.transmat_ = np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])
            model.means_, model.covars_ = np.array([[-3.0], [-1.4]]), np.array([[0.09], [0.36]])
            theirs = seconds(lambda: model.fit(sequence), 2) / steps  # noqa: B023 - called at once
            name = f"hmmlearn, implementation {implementation!r}{', its default' if implementation == 'log' else ''}"
            print(f"{name:60s} {1e3 * theirs:8.3f} ms, {theirs / ours:.1f} x ours on one thread")

        def whole_home() -> None:
            GaussianHMM(2, random_state=0).fit(sequence).predict_proba(sequence)

        theirs = seconds(whole_home, 2)
        whole = seconds(lambda: plain_fit(x, 1, 10, n_threads=1), 5)
        print(f"{'hmmlearn as it comes: k-means, 10 steps, probabilities':60s} {1e3 * theirs:8.1f} ms a home")
        print(f"{'core_ext: as much':60s} {1e3 * whole:8.1f} ms a home, {theirs / whole:.1f} times as fast")
    many = made_states(homes, days)
    start = time.perf_counter()
    fit = plain_fit(many, homes, 30, n_threads=0, tolerance=1e-5)
    took = time.perf_counter() - start
    print(
        f"all homes on all processors: {took:.1f} s, {1e3 * took / homes:.2f} ms a home,"
        f" {fit.iterations.mean():.1f} steps a home; highest memory of the process {memory_gb():.2f} GB"
    )


def made_states(homes: int, days: int) -> Readings:
    rng = np.random.default_rng(1)
    x = np.empty((homes * days, 48), dtype=np.float32)
    for home in range(homes):
        state = np.cumsum(rng.random(days * 48) < 0.08) % 2
        noise = rng.standard_normal(days * 48, dtype=np.float32)
        x[home * days : (home + 1) * days] = np.where(state, -1.5 + 0.7 * noise, -3 + 0.3 * noise).reshape(days, 48)
    return x


def plain_fit(x: Readings, homes: int, steps: int, *, n_threads: int, tolerance: float = -1e9) -> OccupancyFit:
    return fit_occupancy(
        x,
        np.arange(homes + 1) * (len(x) // homes),
        np.zeros(48, dtype=np.int32),
        [[0.0], [1.0]],
        mean=[-3.0, -1.4],
        sd=[0.3, 0.6],
        transition=[[0.1, 0.1]],
        max_iterations=steps,
        tolerance=tolerance,
        n_threads=n_threads,
    )


def memory_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def on_one_thread() -> None:
    """Start again with libraries limited to one thread, which they read when they are imported."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    if not limits.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **limits})


def main() -> None:
    """Print the tables of docs/methods/half_hour_kernels.md."""
    on_one_thread()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the size of the CER trial")
    parser.add_argument("--only", choices=["profiles", "hmm"], help="one half only")
    arguments = parser.parse_args()
    homes = HOMES if arguments.full else HOMES // 10
    if arguments.only != "hmm":
        with tempfile.TemporaryDirectory() as folder:
            profile_speed(homes, DAYS, Path(folder), polars_homes=min(homes, 1_200))
    if arguments.only != "profiles":
        hmm_speed(HMM_HOMES if arguments.full else HMM_HOMES // 10, DAYS)


if __name__ == "__main__":
    main()
