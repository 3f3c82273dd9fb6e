"""Splices against the results that the tests of another package hold, and fixed base windows written out.

The results are those of tests/test-splice.R of gpindex by Steve Martin (github.com/marberts/gpindex), which splices the
windows (1, 2, 3), (3, 4, 5), (5, 6, 7) of changes from period to period.
"""

import numpy as np
import polars as pl
import pytest

from ons_assets.prices.indices import price_index
from ons_assets.prices.indices.splicing import rolling

CHANGES = [(1, 2, 3), (3, 4, 5), (5, 6, 7)]


def mean(*numbers):
    return float(np.prod(numbers)) ** (1 / len(numbers))


# The mean splice is the geometric mean of the links on each shared period; "half" is the middle one of them.
RESULTS = {
    "movement": [30, 210],
    "window": [60, 630],
    "half": [40, 336],
    "mean": [mean(60, 40, 30), mean(630, 336, 210)],
    "window-published": [60, 420],
    "half-published": [40, 252],
    "mean-published": [mean(60, 40, 30), mean(420, 252, 7 * mean(60, 40, 30))],
}


@pytest.mark.parametrize("splice", RESULTS)
def test_the_results_of_gpindex(splice):
    def window_levels(start, stop):
        assert stop - start == 4
        return np.log(np.cumprod([1, *CHANGES[start]]))

    published = np.exp(rolling(6, 4, splice, window_levels))
    # Its series begins with the change into the first period, ours with the period before.
    np.testing.assert_allclose(published[1:] / published[0], [1, 2, 6, *RESULTS[splice]], rtol=1e-12)


def monthly_quotes(seed, years=3):
    rng = np.random.default_rng(seed)
    months = pl.DataFrame({"period": [f"{2014 + m // 12}-{m % 12 + 1:02}" for m in range(12 * years)]})
    quotes = pl.DataFrame({"product": [f"p{n}" for n in range(9)]}).join(months, how="cross")
    quotes = quotes.with_columns(
        price=pl.Series(rng.lognormal(0, 0.4, quotes.height)), quantity=pl.Series(rng.lognormal(1, 1, quotes.height))
    )
    return quotes.filter(pl.Series(rng.random(quotes.height) > 0.2) | (pl.col("product") == "p0"))


@pytest.mark.parametrize("method", ["geks-fisher", "tpd", "tdh", "spanning-tree-log-quadratic"])
@pytest.mark.parametrize(("splice", "window"), [("fixed-base-expanding", None), ("fixed-base-moving", 13)])
def test_fixed_base_windows_by_their_definition(method, splice, window):
    """Each month is compared with the last December by the index of a window that holds both."""
    quotes = monthly_quotes(1).with_columns(kind=pl.col("product").str.slice(1).cast(pl.Int64) % 3)
    months = quotes["period"].unique().sort().to_list()
    published, link = {months[0]: 100.0}, months[0]
    for number, month in enumerate(months[1:], start=1):
        first = months.index(link) if window is None else max(number + 1 - window, 0)
        inside = quotes.filter(pl.col("period").is_in(months[first : number + 1]))
        index = price_index(inside, method, base=link)
        published[month] = published[link] * index["index"][-1] / 100
        link = month if month.endswith("-12") else link
    computed = price_index(quotes, method, splice=splice, window=window)["index"].to_list()
    assert computed == pytest.approx(list(published.values()), rel=1e-9)
