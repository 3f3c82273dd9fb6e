"""Speed and memory of `core_ext.dbscan` on simulated users, beside scikit-learn and the PyPI package `dbscan`.

    python benchmarks/dbscan.py users --rivals sklearn wang          # one clustering a user
    python benchmarks/dbscan.py users --points 38_900_000            # the size of the pilot
    python benchmarks/dbscan.py global --points 10_000_000           # all points in one set
    python benchmarks/dbscan.py sizes                                # cost by points a user
    python benchmarks/dbscan.py peer                                 # beside a plain C program, by points a user
    python benchmarks/dbscan.py walls                                # the worst case for pairs of cells

The rivals need scikit-learn and ``pip install dbscan`` (Wang, Gu and Shun, SIGMOD 2020). Every figure is the best of
``--repeat`` calls in this run; compare figures of one run only. Memory is the peak of the process during the
call above what it held before, with the labels and the table that are returned counted too.
"""

import argparse
import contextlib
import ctypes
import importlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from core_ext import dbscan, dbscan_clusters

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EPS_M = 50.0
MIN_SAMPLES = 3

# Share of a user's points at each place, the first being home.
PLACE_SHARES = np.array([0.45, 0.2, 0.1, 0.06, 0.04])
SCATTER_SHARE = 1.0 - PLACE_SHARES.sum()
N_TOWNS = 400


def user_sizes(rng: np.random.Generator, n_points: int) -> IntArray:
    """Draw points a user, mean 19.4, until there are ``n_points``.

    A log-normal cut at 3,200 points (what the interface returns of one user's history) with 41 % of the points
    in users of 65 to 512.
    """
    sizes = np.minimum(np.ceil(rng.lognormal(1.5, 1.7, n_points // 10 + 1000)), 3200).astype(np.int64)
    last = int(np.searchsorted(np.cumsum(sizes), n_points))
    sizes = sizes[: last + 1]
    sizes[-1] -= sizes.sum() - n_points
    return sizes


def simulate_users(seed: int, n_points: int, points_a_user: int = 0) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return x and y, in metres on a national grid, and the offsets of the users.

    Users have ``points_a_user`` points each, or where that is 0 as many as `user_sizes` draws.

    Homes lie around towns; a user's places lie some kilometres around home. A point is at one of the places,
    with 5 to 20 m of noise by user, or anywhere within 15 km of home.
    """
    rng = np.random.default_rng(seed)
    sizes = np.full(n_points // points_a_user, points_a_user) if points_a_user else user_sizes(rng, n_points)
    n_points = int(sizes.sum())
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    n_users = len(sizes)
    town = rng.choice(N_TOWNS, n_users, p=rng.dirichlet(np.full(N_TOWNS, 0.3)))
    noise_m = np.repeat(rng.uniform(5.0, 20.0, n_users), sizes)
    place = rng.choice(len(PLACE_SHARES) + 1, n_points, p=np.append(PLACE_SHARES, SCATTER_SHARE)).astype(np.int8)
    scattered = place == len(PLACE_SHARES)
    axes = []
    for extent_m in (600_000.0, 1_000_000.0):
        home = rng.uniform(0.1 * extent_m, 0.9 * extent_m, N_TOWNS)[town] + rng.normal(0.0, 3000.0, n_users)
        around_home = rng.normal(0.0, 4000.0, (n_users, len(PLACE_SHARES)))
        around_home[:, 0] = 0.0
        places = (home[:, None] + around_home).ravel()
        user = np.repeat(np.arange(n_users), sizes)
        axis = places[user * len(PLACE_SHARES) + np.where(scattered, 0, place)]
        axis += rng.standard_normal(n_points) * noise_m
        axis[scattered] += rng.uniform(-15_000.0, 15_000.0, scattered.sum())
        axes.append(axis)
    return axes[0], axes[1], offsets


class Seconds(NamedTuple):
    """Time of a call by the clock, and on all processors; on a busy machine the latter says more."""

    wall: float
    cpu: float


def measure(call: Callable[[], Any]) -> tuple[Seconds, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu), result


def best_seconds(call: Callable[[], Any], repeat: int) -> Seconds:
    runs = [measure(call)[0] for _ in range(repeat)]
    return Seconds(min(run.wall for run in runs), min(run.cpu for run in runs))


def peak_memory_mb(call: Callable[[], Any]) -> float:
    """Peak resident memory during a call, above that before it (Linux only: NaN elsewhere)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")

    def kilobytes(field: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(field))

    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # else memory freed before, and kept by the allocator, hides the need
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to the present
    before = kilobytes("VmRSS")
    kept = call()
    peak = kilobytes("VmHWM")
    del kept
    return (peak - before) / 1024


def report(name: str, seconds: Seconds, n_points: int, memory_mb: float | None = None) -> None:
    memory = "" if memory_mb is None else f"  +{memory_mb:,.0f} MB"
    print(
        f"{name:32} {seconds.wall:9.4f} s by the clock, {seconds.cpu:9.4f} s of processors, "
        f"{1e9 * seconds.cpu / n_points:8.1f} ns a point{memory}",
        flush=True,
    )


def rival(name: str, x: FloatArray, y: FloatArray, offsets: IntArray) -> Callable[[], npt.NDArray[Any]]:
    """Return a call that clusters all segments with another library."""
    points = np.column_stack([x, y])
    if name == "sklearn":
        model = importlib.import_module("sklearn.cluster").DBSCAN(eps=EPS_M, min_samples=MIN_SAMPLES)

        def labels_of(part: FloatArray) -> npt.NDArray[Any]:
            return model.fit(part).labels_
    else:
        # Python puts the folder of this file, which has the package's name, before the installed packages.
        sys.path = [folder for folder in sys.path if folder != str(Path(__file__).parent)]
        function = importlib.import_module("dbscan").DBSCAN

        def labels_of(part: FloatArray) -> npt.NDArray[Any]:
            return function(part, eps=EPS_M, min_samples=MIN_SAMPLES)[0]

    return lambda: np.concatenate([labels_of(points[a:b]) for a, b in pairwise(offsets)])


def compare(x: FloatArray, y: FloatArray, offsets: IntArray, options: argparse.Namespace) -> None:
    """Time this kernel with each number of threads, and the rivals if asked."""
    n = len(x)
    for n_threads in options.threads:
        for function in (dbscan, dbscan_clusters):

            def call(function: Callable[..., Any] = function, n_threads: int = n_threads) -> Any:
                return function(x, y, offsets, EPS_M, MIN_SAMPLES, n_threads=n_threads)

            memory_mb = peak_memory_mb(call)
            report(f"{function.__name__}, {n_threads} thread(s)", best_seconds(call, options.repeat), n, memory_mb)
    labels, table = dbscan_clusters(x, y, offsets, EPS_M, MIN_SAMPLES)
    returned_mb = (labels.nbytes + sum(column.nbytes for column in table.values())) / 2**20
    print(
        f"{len(table['label']):,} clusters, {np.mean(labels < 0):.0%} noise; "
        f"labels and table are {returned_mb:,.0f} MB of the memory"
    )
    for name in options.rivals:
        theirs, their_labels = measure(rival(name, x, y, offsets))
        # Beside each rival, in the same minute: another process may take part of the machine at any time.
        ours = best_seconds(lambda: dbscan(x, y, offsets, EPS_M, MIN_SAMPLES), options.repeat)
        report(name, theirs, n)
        report("this kernel", ours, n)
        print(
            f"{theirs.wall / ours.wall:,.0f} times by the clock, {theirs.cpu / ours.cpu:,.0f} times by processors; "
            f"{np.mean(labels == their_labels):.4%} of labels equal, "
            f"{np.mean((labels < 0) == (their_labels < 0)):.4%} agree on noise"
        )


def users(options: argparse.Namespace) -> None:
    x, y, offsets = simulate_users(options.seed, options.points)
    sizes = np.diff(offsets)
    middle = sizes[(sizes >= 65) & (sizes <= 512)].sum() / options.points
    print(f"{options.points:,} points of {len(sizes):,} users, {middle:.0%} of them in users of 65 to 512 points")
    compare(x, y, offsets, options)


def one_set(options: argparse.Namespace) -> None:
    x, y, _ = simulate_users(options.seed, options.points)
    print(f"{options.points:,} points in one set")
    compare(x, y, np.array([0, options.points]), options)


def sizes(options: argparse.Namespace) -> None:
    """Cost by points a user, which changes where the way of clustering does."""
    x, y, offsets = simulate_users(options.seed, options.points)
    user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    for low, high in ((1, 8), (9, 32), (33, 64), (65, 128), (129, 256), (257, 512), (513, 1024), (1025, 3200)):
        chosen = (np.diff(offsets) >= low) & (np.diff(offsets) <= high)
        points = chosen[user]
        part_x, part_y = x[points], y[points]
        part_offsets = np.concatenate([[0], np.cumsum(np.diff(offsets)[chosen])])

        def call(x: FloatArray = part_x, y: FloatArray = part_y, offsets: IntArray = part_offsets) -> Any:
            return dbscan(x, y, offsets, EPS_M, MIN_SAMPLES, n_threads=1)

        report(f"{low} to {high} points", best_seconds(call, options.repeat), len(part_x))


def plain_c(folder: Path) -> ctypes.CDLL | None:
    """Compile the peer for this very processor; None without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = Path(__file__).with_name("dbscan_peer.c"), folder / "dbscan_peer.so"
    flags = ["-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def plain_c_labels(library: ctypes.CDLL, x: FloatArray, y: FloatArray, offsets: IntArray) -> npt.NDArray[np.int32]:
    largest = int(np.diff(offsets).max())
    labels = np.empty(len(x), dtype=np.int32)
    words = largest // 64 + 1
    near, free = np.empty(largest * words, dtype=np.uint64), np.empty(words, dtype=np.uint64)
    core, stack = np.empty(largest, dtype=np.uint8), np.empty(largest, dtype=np.intc)

    def address(array: npt.NDArray[Any]) -> ctypes.c_void_p:
        return ctypes.c_void_p(array.ctypes.data)

    library.cluster_all(
        address(x), address(y), address(offsets), ctypes.c_int64(len(offsets) - 1), ctypes.c_double(EPS_M * EPS_M),
        ctypes.c_int(MIN_SAMPLES), address(near), address(free), address(core), address(stack),
        address(labels),
    )  # fmt: skip
    return labels


def peer(options: argparse.Namespace) -> None:
    """The kernel in turn with a plain C program of the same labels, which compares all pairs and checks nothing."""
    with tempfile.TemporaryDirectory() as folder:
        library = plain_c(Path(folder))
        if library is None:
            print("There is no C compiler here to build the peer with.")
            return
        for size in (8, 16, 32, 64, 128, 256):
            x, y, offsets = simulate_users(options.seed, options.points, size)
            ours: list[float] = []
            theirs: list[float] = []
            for _ in range(options.repeat):
                seconds, labels = measure(lambda: dbscan(x, y, offsets, EPS_M, MIN_SAMPLES, n_threads=1))  # noqa: B023
                their_seconds, their_labels = measure(lambda: plain_c_labels(library, x, y, offsets))  # noqa: B023
                if not np.array_equal(labels, their_labels):
                    raise SystemExit(f"The labels of users of {size} points differ.")
                ours.append(seconds.cpu)
                theirs.append(their_seconds.cpu)
            print(
                f"{size:4} points a user: {1e9 * min(ours) / len(x):6.1f} ns a point, "
                f"plain C {1e9 * min(theirs) / len(x):6.1f}, ratio {min(ours) / min(theirs):.2f}; labels equal",
                flush=True,
            )


def walls(options: argparse.Namespace) -> None:
    """Two parallel diagonal walls of points a hair beyond eps: no pair is near, and boxes overlap."""
    n = min(options.points, 50_000) // 2
    along = np.linspace(0.0, 12.0, n)
    apart = (EPS_M + 1e-9) / np.sqrt(2.0)
    x = np.concatenate([along, along + apart])
    y = np.concatenate([along, along - apart])
    offsets = np.array([0, 2 * n])
    report(
        f"two walls of {n:,} points, 1 thread",
        best_seconds(lambda: dbscan(x, y, offsets, EPS_M, MIN_SAMPLES, n_threads=1), options.repeat),
        2 * n,
    )


CASES = {"users": users, "global": one_set, "sizes": sizes, "peer": peer, "walls": walls}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--points", type=int, default=950_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=2014)
    parser.add_argument("--rivals", nargs="+", choices=["sklearn", "wang"], default=[])
    options = parser.parse_args()
    CASES[options.case](options)


if __name__ == "__main__":
    main()
