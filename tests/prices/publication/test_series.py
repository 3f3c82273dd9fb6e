"""The published series: what later months cannot change, and what it is."""

from datetime import date
from math import exp, log, prod

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import IndexParameters
from ons_assets.parameters.publication import PublicationParameters
from ons_assets.prices.checked import FLAGS
from ons_assets.prices.indices import price_index
from ons_assets.prices.indices.splicing import ON_PUBLISHED, SPLICES, non_revisable
from ons_assets.prices.publication.series import months_between, publication_indices

Quote = tuple[int, str, float, float | None]
KEY = ["item_id", "period"]


def checked(rows: list[Quote], item: str = "bread") -> pl.LazyFrame:
    """Quotes of (number of the month, product, price, quantity), one in the middle of each month."""
    frame = pl.DataFrame(
        [(date(2015 + month // 12, month % 12 + 1, 15), product, price, sold) for month, product, price, sold in rows],
        schema={"collected_on": pl.Date, "product": pl.String, "price": pl.Float64, "quantity": pl.Float64},
        orient="row",
    )
    return frame.lazy().with_columns(
        retailer=pl.lit("shop"),
        item_id=pl.lit(item),
        item=pl.lit(item.title()),
        product_id="product",
        lineage_id="product",
        price_per_unit="price",
        in_scope=True,
        **dict.fromkeys(FLAGS, False),
    )


def published(quotes: pl.LazyFrame, **values: object) -> pl.DataFrame:
    return publication_indices(quotes, IndexParameters(imputed_periods="always"), PublicationParameters(**values))  # type: ignore[arg-type]


def panel(seed: int, months: int, products: int, counted: str) -> list[Quote]:
    """Products that come, go and come back; quantities in all months, in none, or from a month on."""
    random = np.random.default_rng(seed)
    since = {"all": 0, "none": months, "later": months // 2}[counted]
    rows: list[Quote] = []
    for product in range(products):
        level, first = random.normal(), int(random.integers(0, max(months // 2, 1)))
        for month in range(first if product else 0, months):
            level += random.normal(0, 0.1)
            if product and random.random() < 0.3:
                continue
            sold = float(random.integers(1, 50)) if month >= since else None
            rows.append((month, f"p{product}", exp(level), sold))
    return rows


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    months=st.integers(2, 11),
    products=st.integers(1, 6),
    counted=st.sampled_from(["all", "none", "later"]),
    window=st.integers(2, 6),
    splice=st.sampled_from(ON_PUBLISHED),
)
def test_no_later_month_changes_a_published_figure(
    seed: int, months: int, products: int, counted: str, window: int, splice: str
) -> None:
    rows = panel(seed, months, products, counted)
    whole = published(checked(rows), window=window, splice=splice)
    for stop in range(1, months):
        by_then = published(checked([row for row in rows if row[0] < stop]), window=window, splice=splice)
        later = by_then.select(KEY).join(whole, on=KEY, maintain_order="left").select(by_then.columns)
        assert len(later) == len(by_then)
        assert later["index"].is_null().equals(by_then["index"].is_null())
        np.testing.assert_allclose(later["index"].drop_nulls(), by_then["index"].drop_nulls(), rtol=1e-11)
        assert later.drop("index").equals(by_then.drop("index"))


def test_the_ordinary_rolling_window_does_revise_so_the_property_can_fail() -> None:
    rows = panel(1, 6, 4, "none")
    frame = pl.DataFrame(rows, schema=["period", "product", "price", "quantity"], orient="row").drop("quantity")
    whole = price_index(frame, "geks-jevons", window=5, splice="mean-published")["index"]
    by_then = price_index(frame.filter(pl.col("period") < 4), "geks-jevons", window=5, splice="mean-published")["index"]
    assert max(abs(a - b) for a, b in zip(whole, by_then, strict=False)) > 0.01


def plain_links(rows: list[Quote]) -> dict[tuple[int, int], float]:
    """Törnqvist where both months have quantities, else Jevons, written out; no entry where nothing is shared."""
    months = sorted({row[0] for row in rows})
    prices = {(month, product): price for month, product, price, _ in rows}
    sold = {(month, product): quantity for month, product, _, quantity in rows}
    links = {}
    for a in months:
        for b in months:
            shared = sorted({p for m, p in prices if m == a} & {p for m, p in prices if m == b})
            relatives = [log(prices[b, p] / prices[a, p]) for p in shared]
            if not shared:
                continue
            weights = [1 / len(shared)] * len(shared)
            if all(sold[m, p] is not None for m, p in prices if m in (a, b)):
                values = [[prices[m, p] * (sold[m, p] or 0) for p in shared] for m in (a, b)]
                weights = [(u / sum(values[0]) + v / sum(values[1])) / 2 for u, v in zip(*values, strict=True)]
            links[a, b] = sum(w * r for w, r in zip(weights, relatives, strict=True))
    return links


@pytest.mark.parametrize("counted", ["all", "none", "later"])
def test_it_is_geks_in_windows_spliced_on_the_mean_of_published(counted: str) -> None:
    """A slow, obvious computation: every product in every month, so that GEKS is the plain mean of indirect links."""
    random = np.random.default_rng(5)
    rows = [
        (month, f"p{product}", float(random.uniform(1, 2)), float(random.integers(1, 9)))
        for month in range(9)
        for product in range(4)
    ]
    if counted != "all":
        rows = [(m, p, x, q if counted == "later" and m > 4 else None) for m, p, x, q in rows]
    window = 4
    links = plain_links(rows)
    levels = [0.0]
    for month in range(1, 9):
        start = max(month + 1 - window, 0)
        span = range(start, month + 1)
        geks = {t: sum(links[s, t] for s in span) / len(span) for t in span}
        levels.append(sum(levels[s] + geks[month] - geks[s] for s in range(start, month)) / (month - start))
    found = published(checked(rows), window=window)["index"].to_list()
    assert found == pytest.approx([100 * exp(level) for level in levels], rel=1e-12)


def test_the_table_is_that_of_item_indices_and_names_every_month() -> None:
    rows = [(0, "a", 1.0, None), (1, "a", 1.1, None), (4, "a", 1.2, None)]
    found = published(checked(rows))
    assert CATALOGUE["prices/item_indices"].conform(found).equals(found)
    assert found["period"].to_list() == ["2015-01", "2015-02", "2015-03", "2015-04", "2015-05"]
    assert found["index"].to_list() == pytest.approx([100, 110, None, None, 120])
    assert found["reason"].is_null().to_list() == [True, True, False, False, True]
    assert set(found["method"]) == {"published"}
    assert set(found["base_period"]) == {"2015-01"}


def test_a_carried_price_counts_where_nothing_was_observed_and_never_as_sold() -> None:
    carried = checked([(1, "b", 9.0, None)]).with_columns(imputed=pl.lit(True))
    unweighted = [(0, "a", 1.0, None), (0, "b", 3.0, None), (1, "a", 2.0, None)]
    both = published(pl.concat([checked(unweighted), carried]))["index"].to_list()
    assert both == pytest.approx([100, 100 * prod([2.0, 3.0]) ** 0.5])
    sold = [(month, product, price, 1.0) for month, product, price, _ in unweighted]
    assert published(pl.concat([checked(sold), carried]))["index"].to_list() == pytest.approx([100, 200])


def test_a_window_that_is_longer_than_the_series_and_an_item_that_comes_late() -> None:
    late = [(month, "x", 1.0 + month / 10, None) for month in (3, 4)]
    both = pl.concat([checked([(m, "a", 1.0, None) for m in range(5)]), checked(late, "tea")])
    found = published(both, window=120).filter(item_id="tea")
    assert found["index"].to_list() == pytest.approx([None, None, None, 100.0, 100 * 1.4 / 1.3])
    assert set(found["base_period"]) == {"2015-04"}


def test_an_item_whose_products_all_changed_has_no_index_and_says_so() -> None:
    found = published(checked([(0, "a", 1.0, None), (1, "a", 1.1, None), (2, "b", 5.0, None), (3, "b", 6.0, None)]))
    assert found["index"].to_list() == pytest.approx([100, 110, None, None])
    assert "no chain of matched products" in found["reason"][3]


def test_an_impossible_index_is_missing_and_the_rest_is_there() -> None:
    found = published(checked([(0, "a", 1.0, None), (1, "a", 5e5, None), (2, "a", 1.1, None)]))
    assert found["index"].to_list() == pytest.approx([100, None, 110])


def test_a_splice_on_what_was_not_published_is_refused() -> None:
    for splice in SPLICES.keys() - set(ON_PUBLISHED):
        with pytest.raises(ValueError, match="were not published"):
            non_revisable(3, 2, splice, lambda start, stop: np.zeros(stop - start))


def test_no_quotes_are_no_rows() -> None:
    assert published(checked([])).is_empty()
    assert months_between(pl.Series([], dtype=pl.String)) == []
    assert months_between(pl.Series(["2015-11", "2016-02"])) == ["2015-11", "2015-12", "2016-01", "2016-02"]
