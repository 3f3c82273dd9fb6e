"""The indices of items against arithmetic that shares nothing with them: loops over plain numbers.

    python benchmarks/independent_indices.py

Takes the real quotes of 2016, and the run files as the scrapers left them, down the road to `prices/checked_quotes`.
From its flags, and nothing else, the index of each item by week and month is computed once more: one price a product
and period, the geometric mean of what was observed, or of what was carried where its shelf was not collected; then
Jevons against the first period, chained, GEKS, and the published series with its window of 25 months and mean splice.
Needs the real quotes in the folder of $ONS_ASSETS_SHARED_DATA, or in ../shared/data beside the checkout.
"""

import gzip
import math
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.checked import check
from ons_assets.prices.classification import classify
from ons_assets.prices.compilation import item_indices
from ons_assets.prices.publication.series import publication_indices
from ons_assets.prices.sources import QuoteFiles
from ons_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", ROOT.parent / "shared" / "data")) / "prices" / "ons_webscraped"
RECEIVED = datetime(2030, 1, 1, tzinfo=UTC)
WINDOW = 25
# Of one product in one period: the logarithm of its price.
Prices = dict[str, dict[tuple[str, str], float]]
Series = dict[str, float]


def main() -> None:
    if not SHARED.exists():
        sys.exit(f"skipped: the real quotes are not at {SHARED}")
    source = QuoteFiles.of(Settings(home=Path("unused")))
    files = {
        "quotes of 2016": [SHARED / "quotes_2016.parquet"],
        "run files": sorted((SHARED / "raw_runs").glob("*.csv.gz")),
    }
    for name, paths in files.items():
        parsed = [source.whole(path, path.name, RECEIVED).accepted for path in paths if not is_empty(path)]
        raw = pl.concat(
            [each.with_columns(drop_sha256=pl.lit(f"{n}")) for n, each in enumerate(parsed)], how="diagonal_relaxed"
        )
        compare(name, check(classify(raw).quotes))


def is_empty(path: Path) -> bool:
    """Whether a run brought nothing, as some did."""
    return path.suffix == ".gz" and not gzip.decompress(path.read_bytes())


def compare(name: str, checked: pl.DataFrame) -> None:
    """Print how far apart the two are at most."""
    parameters = IndexParameters(frequencies=("week", "month"))
    ours = pl.concat(
        [
            item_indices(checked.lazy(), parameters),
            publication_indices(checked.lazy(), parameters, PublicationParameters()),
        ]
    )
    theirs: dict[tuple[str, str, str], Series] = {}
    for frequency in ("week", "month"):
        for item, prices in prices_of(checked, frequency).items():
            for method, series in indices(prices, frequency):
                theirs[frequency, method, item] = series
    compared = largest = 0.0
    for key, rows in ours.group_by("frequency", "method", "item_id"):
        expected = theirs[key]  # type: ignore[index]
        for period, index in rows.select("period", "index").iter_rows():
            assert (index is None) == (period not in expected), (key, period)
            if index is not None:
                compared += 1
                largest = max(largest, abs(index / expected[period] - 1))
    print(f"{name}: {len(checked):,} quotes, {compared:,.0f} figures compared, largest relative gap {largest:.1e}")


def prices_of(checked: pl.DataFrame, frequency: str) -> dict[str, Prices]:
    """By item and period, the logarithm of the price of each product."""
    columns = ["item_id", "retailer", "outlet", "product_id", "collected_on", "price", "imputed"]
    flags = ["in_scope", "repeated_row", "price_typo", "outlier"]
    observed: dict[tuple[str, str, tuple[str, str]], list[float]] = defaultdict(list)
    carried: dict[tuple[str, str, tuple[str, str]], list[float]] = defaultdict(list)
    shelves, seen = set(), set()
    for item, shop, outlet, product, day, price, imputed, *flag in checked.select(*columns, *flags).iter_rows():
        place = shop if outlet is None else f"{shop} / {outlet}"
        cell = (item, period_of(day, frequency), (place, product))
        if not imputed:
            shelves.add((cell[0], cell[1], place))
            seen.add(cell)
        if flag == [True, False, False, False]:
            (carried if imputed else observed)[cell].append(math.log(price))
    for cell, logs in carried.items():
        item, period, (place, _) = cell
        left = (item, period, place) in shelves and cell not in seen
        if cell not in observed and not left:
            observed[cell] = logs
    found: dict[str, Prices] = defaultdict(lambda: defaultdict(dict))
    for (item, period, product), logs in observed.items():
        found[item][period][product] = math.fsum(logs) / len(logs)
    return found


def period_of(day: date, frequency: str) -> str:
    return f"{day:%Y-%m}" if frequency == "month" else "{}-W{:02}".format(*day.isocalendar())


def link(first: dict[tuple[str, str], float], second: dict[tuple[str, str], float]) -> float | None:
    """Logarithm of the Jevons index between two periods."""
    shared = first.keys() & second.keys()
    return math.fsum(second[each] - first[each] for each in shared) / len(shared) if shared else None


def indices(prices: Prices, frequency: str) -> Iterator[tuple[str, Series]]:
    """Each method with its series; a period that has none is left out."""
    periods = sorted(prices)
    first = periods[0]
    fixed = {each: link(prices[first], prices[each]) for each in periods}
    yield "jevons", as_index(fixed)
    chain, last = {first: 0.0}, first
    for each in periods[1:]:
        step = link(prices[last], prices[each])
        if step is not None:
            chain[each], last = chain[last] + step, each
    yield "jevons-chained", as_index(chain)
    links = {(a, b): link(prices[a], prices[b]) for a in periods for b in periods}
    levels = geks(periods, links)
    yield (
        "geks-jevons",
        as_index({each: levels[each] - levels[first] for each in periods if first in levels if each in levels}),
    )
    if frequency == "month":
        published = {first: 0.0}
        for number, each in enumerate(periods[1:], start=1):
            window = geks([p for p in periods[: number + 1] if months(p) > months(each) - WINDOW], links)
            known = [p for p in window if p in published]
            if each in window and known:
                published[each] = math.fsum(published[p] + window[each] - window[p] for p in known) / len(known)
        yield "published", as_index(published)


def months(period: str) -> int:
    return 12 * int(period[:4]) + int(period[5:])


def geks(periods: list[str], links: dict[tuple[str, str], float | None]) -> dict[str, float]:
    """Mean of the links into each period; where some are not there, the levels that fit the others best."""
    linked = linked_periods(periods, links)
    n = len(linked)
    # Unknown are an effect of each period as the first of a link, and one as the second: its level.
    equations = [[0.0] * (2 * n + 1) for _ in range(2 * n)]
    for a, first in enumerate(linked):
        for b, second in enumerate(linked):
            found = links[first, second]
            if found is not None:
                for row, sign in ((a, -1.0), (n + b, 1.0)):
                    equations[row][a] -= sign
                    equations[row][n + b] += sign
                    equations[row][2 * n] += sign * found
    # Levels are known up to a constant: the first is zero.
    free = [place for place in range(2 * n) if place != n]
    solved = solve([[equations[row][column] for column in (*free, 2 * n)] for row in free])
    levels = dict(zip(free, solved, strict=True)) | {n: 0.0}
    return {period: levels[n + place] for place, period in enumerate(linked)}


def linked_periods(periods: list[str], links: dict[tuple[str, str], float | None]) -> list[str]:
    """The largest set of periods that a chain of links connects."""
    left, best = set(periods), []
    while left:
        reached, edge = set(), [min(left)]
        while edge:
            period = edge.pop()
            reached.add(period)
            edge += [each for each in periods if each not in reached and links[period, each] is not None]
        left -= reached
        best = max(best, [each for each in periods if each in reached], key=len)
    return best


def solve(rows: list[list[float]]) -> list[float]:
    """Solve linear equations, the right side being the last column, by elimination."""
    for place in range(len(rows)):
        pivot = max(range(place, len(rows)), key=lambda row: abs(rows[row][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for row in range(len(rows)):
            if row != place and rows[row][place]:
                factor = rows[row][place] / rows[place][place]
                rows[row] = [one - factor * other for one, other in zip(rows[row], rows[place], strict=True)]
    return [row[-1] / row[place] for place, row in enumerate(rows)]


def as_index(logs: dict[str, float | None] | dict[str, float]) -> Series:
    return {period: 100 * math.exp(each) for period, each in logs.items() if each is not None}


if __name__ == "__main__":
    main()
