"""How near one set of flows is to another."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.lakehouse.sums import exact_sum

FloatArray = npt.NDArray[np.float64]


def agreement(estimate: FloatArray, benchmark: FloatArray) -> dict[str, float]:
    """Return measures of how near estimates are to their benchmark, pair by pair.

    Parameters
    ----------
    estimate, benchmark : array of float64, shape (n,)
        Not negative.

    Returns
    -------
    dict
        n, correlation (Pearson), correlation_log (of pairs where both are above zero), spearman, rmse, mae
        (mean absolute error), relative_error (mean of |difference| / benchmark where the benchmark is above
        zero), srmse (rmse by the mean of the benchmark), cpc (common part: 2 sum min / sum; 1 if they are
        equal, 0 if they share nothing), total_ratio. NaN where a measure is not defined.

    References
    ----------
    Lenormand, Bassolas and Ramasco (2016), "Systematic comparison of trip distribution laws and models",
    Journal of Transport Geography 51, pp. 158-169, for the common part of commuters.
    """
    # It takes as long to import as the rest of the library, for this one measure.
    from scipy.stats import spearmanr

    a, b = np.asarray(estimate, dtype=np.float64), np.asarray(benchmark, dtype=np.float64)
    both, known = (a > 0) & (b > 0), b > 0
    total = a.sum() + b.sum()
    rmse = float(np.sqrt(np.mean((a - b) ** 2))) if len(a) else float("nan")
    return {
        "n": float(len(a)),
        "correlation": _correlation(a, b),
        "correlation_log": _correlation(np.log(a[both]), np.log(b[both])),
        "spearman": float(spearmanr(a, b).statistic) if _varies(a) and _varies(b) else float("nan"),
        "rmse": rmse,
        "srmse": rmse / float(b.mean()) if b.sum() > 0 else float("nan"),
        "mae": float(np.mean(np.abs(a - b))) if len(a) else float("nan"),
        "relative_error": float(np.mean(np.abs(a[known] - b[known]) / b[known])) if known.any() else float("nan"),
        "cpc": float(2 * np.minimum(a, b).sum() / total) if total > 0 else float("nan"),
        "total_ratio": float(a.sum() / b.sum()) if b.sum() > 0 else float("nan"),
    }


def pair_up(estimate: pl.DataFrame, benchmark: pl.DataFrame, count: str) -> pl.DataFrame:
    """Put two sets of flows side by side; a pair that one of them lacks, or holds no value for, is zero there.

    Parameters
    ----------
    estimate, benchmark
        origin, destination, and the column `count`. Rows of the same pair are added up.

    Returns
    -------
    pl.DataFrame
        origin, destination, estimate, benchmark. Sorted.
    """
    sides = [
        flows.group_by("origin", "destination").agg(exact_sum(count).alias(name))
        for name, flows in (("estimate", estimate), ("benchmark", benchmark))
    ]
    joined = sides[0].join(sides[1], on=["origin", "destination"], how="full", coalesce=True)
    return joined.with_columns(pl.col("estimate", "benchmark").fill_null(0.0)).sort("origin", "destination")


def _varies(values: FloatArray) -> bool:
    return len(values) > 2 and bool(np.ptp(values) > 0)


def _correlation(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if _varies(a) and _varies(b) else float("nan")
