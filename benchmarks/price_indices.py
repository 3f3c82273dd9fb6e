"""Speed of the price indices beside their peers, as ratios within one run.

python benchmarks/price_indices.py [--quotes-a-day 650] [--days 1826]

The peers: a dense matrix product in NumPy for the sums over matched products, GEKS written straight down in
pandas, and PriceIndexCalc where it is installed (pip install PriceIndexCalc statsmodels). `--quotes-a-day 6500` is
a national collection over five years: it needs 6 GB of memory and a minute.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from core_ext import log_relatives
from ons_assets.prices.indices import price_index
from ons_assets.prices.indices.geks import geks_windows
from ons_assets.prices.indices.links import all_links
from ons_assets.prices.indices.panel import Panel, make_panel


def market(periods: int, quotes_a_period: int, mean_life: int, seed: int = 0) -> pl.DataFrame:
    """Quotes of products that come and go; one quote in twenty is missing."""
    rng = np.random.default_rng(seed)
    n_products = int(quotes_a_period * (periods + mean_life) / mean_life)
    first = rng.integers(-mean_life, periods, n_products)
    stop = np.minimum(first + rng.exponential(mean_life, n_products).astype(int) + 1, periods)
    first = np.maximum(first, 0)
    life = np.maximum(stop - first, 0)
    product = np.repeat(np.arange(n_products), life)
    period = np.concatenate([np.arange(a, b) for a, b in zip(first, stop, strict=True) if b > a])
    kept = rng.random(len(product)) < 0.95
    product, period = product[kept], period[kept]
    level = rng.normal(0.5, 0.8, n_products)
    return pl.DataFrame(
        {
            "period": period.astype(np.int32),
            "product": product,
            "price": np.exp(level[product] + 1e-4 * period + rng.normal(0, 0.1, len(product))),
            "quantity": rng.lognormal(2, 1, len(product)),
        }
    )


def seconds(run: Callable[[], Any], repeat: int = 3) -> tuple[float, Any]:
    """Return the best time of several runs, and what the last one gave."""
    best, result = float("inf"), None
    for _ in range(repeat):
        start = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - start)
    return best, result


def dense_log_relatives(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """The same sums as two matrix products over a table of products by periods."""
    known = np.zeros((len(panel.products), panel.n_periods))
    log_price = np.zeros_like(known)
    known[panel.product, panel.period] = 1.0
    log_price[panel.product, panel.period] = panel.log_price
    product = known.T @ log_price
    return product - product.T, known.T @ known


def compare_sums(name: str, quotes: pl.DataFrame) -> None:
    panel = make_panel(quotes)
    filled = len(panel.period) / (len(panel.products) * panel.n_periods)
    arguments = (panel.offsets, panel.period, panel.log_price, panel.n_periods)
    kernel, (sums, counts) = seconds(lambda: log_relatives(*arguments))
    dense, (dense_sums, dense_counts) = seconds(lambda: dense_log_relatives(panel))
    assert np.allclose(sums, dense_sums, atol=1e-6)
    assert np.array_equal(counts, dense_counts)
    print(
        f"sums of log relatives, {name} ({len(panel.period):,} prices, {filled:.0%} of the table): "
        f"kernel {kernel:.3f} s, NumPy {dense:.3f} s, ratio {dense / kernel:.1f}"
    )


def pandas_geks(quotes: pd.DataFrame) -> np.ndarray:
    """GEKS-Törnqvist of one window, written down straight: every pair of periods is merged."""
    periods = sorted(quotes["period"].unique())
    by_period = dict(iter(quotes.groupby("period")))
    log_index = np.zeros((len(periods), len(periods)))
    for a, b in itertools.combinations(range(len(periods)), 2):
        pair = by_period[periods[a]].merge(by_period[periods[b]], on="product", suffixes=("0", "1"))
        value0, value1 = pair["price0"] * pair["quantity0"], pair["price1"] * pair["quantity1"]
        share = (value0 / value0.sum() + value1 / value1.sum()) / 2
        log_index[a, b] = (share * np.log(pair["price1"] / pair["price0"])).sum()
        log_index[b, a] = -log_index[a, b]
    levels = log_index.mean(axis=0)
    return 100 * np.exp(levels - levels[0])


def compare_geks() -> None:
    quotes = market(periods=25, quotes_a_period=400, mean_life=12, seed=1)
    frame = quotes.to_pandas()
    ours, index = seconds(lambda: price_index(quotes, "geks-tornqvist"), repeat=3)
    theirs, expected = seconds(lambda: pandas_geks(frame), repeat=1)
    assert np.allclose(index["index"], expected)
    print(
        f"GEKS-Törnqvist, 25 months of 400 products: ours {ours * 1000:.1f} ms, "
        f"pandas {theirs * 1000:.0f} ms, ratio {theirs / ours:.0f}"
    )
    try:
        from PriceIndexCalc.pandas_modules.multilateral import geks  # type: ignore[import-not-found]
    except ImportError as error:
        print(f"PriceIndexCalc left out: {error}")
        return
    frame = frame.rename(columns={"period": "month", "product": "id"}).sort_values(["month", "id"])
    theirs, result = seconds(lambda: geks(frame, bilateral_method="tornqvist"), repeat=1)
    values = np.asarray(result).ravel()
    gap = np.abs(100 * values / values[0] - index["index"].to_numpy()).max()
    print(f"  PriceIndexCalc {theirs * 1000:.0f} ms, ratio {theirs / ours:.0f}, largest gap {gap:.1e} points")


def rolling_daily(days: int, quotes_a_day: int) -> None:
    quotes = market(days, quotes_a_day, mean_life=200, seed=2)
    window = min(760, days // 2)
    options: dict[str, Any] = {"window": window, "splice": "mean"}
    whole, index = seconds(lambda: price_index(quotes, "geks-tornqvist", **options), repeat=1)
    assert index["index"].null_count() == 0
    panel = make_panel(quotes)
    one, _ = seconds(lambda: geks_windows(all_links(panel.between(0, window), "tornqvist"))(0, window), repeat=1)
    windows = days - window + 1
    print(
        f"GEKS-Törnqvist, {days:,} days of {quotes_a_day:,} quotes ({quotes.height:,} in all), window of {window} "
        f"days, mean splice: {whole:.1f} s; the links of one window take {one:.2f} s, so that computing "
        f"them anew for {windows:,} windows would take {one * windows / whole:.0f} times as long"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quotes-a-day", type=int, default=650)
    parser.add_argument("--days", type=int, default=1826)
    arguments = parser.parse_args()
    compare_sums("29 months", market(29, 500, 12))
    compare_sums("a year of days", market(365, 2000, 120))
    compare_sums("a year of days, products that stay", market(365, 1000, 100_000))
    compare_geks()
    rolling_daily(arguments.days, arguments.quotes_a_day)


if __name__ == "__main__":
    main()
