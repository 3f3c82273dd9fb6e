from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue import CATALOGUE
from ons_assets.parameters.prices import AggregationParameters, IndexParameters
from ons_assets.prices.index_comparison import Measures, chain_within_year, compare, index_comparison
from ons_assets.reference.official_indices import OfficialIndexFiles
from ons_assets.settings import Settings

MONTHS = [f"{year}-{month:02d}" for year in (2014, 2015) for month in range(1, 13)]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def series(values: list[float | None], periods: list[str] = MONTHS) -> pl.DataFrame:
    return pl.DataFrame(
        {"period": periods[: len(values)], "index": values}, schema={"period": pl.String, "index": pl.Float64}
    )


def walk(seed: int, length: int = 24) -> list[float]:
    return list(100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, length))))


def test_an_index_beside_itself_has_no_gap() -> None:
    found = compare(series(walk(1)), series([3 * value for value in walk(1)]), "month")
    assert (found.periods, found.coverage) == (24, 1.0)
    assert found.mean_absolute_gap == pytest.approx(0, abs=1e-9)
    assert found.rmse == pytest.approx(0, abs=1e-9)
    assert found.growth_correlation == pytest.approx(1)
    assert found.lead_periods == 0
    assert found.drift_per_year == pytest.approx(0, abs=1e-9)
    assert found.reason is None


def test_gaps_are_in_points_of_the_first_common_period() -> None:
    found = compare(series([None, 50.0, 55.0, 60.0]), series([80.0, 100.0, 104.0, 126.0]), "month")
    assert (found.first_period, found.last_period, found.periods) == ("2014-02", "2014-04", 3)
    assert found.mean_absolute_gap == pytest.approx((6 + 6) / 2)
    assert found.rmse == pytest.approx(6)
    assert found.largest_gap == pytest.approx(6)
    assert found.largest_gap_period == "2014-03"
    assert found.growth_correlation is None
    assert found.drift_per_year is None
    assert found.reason == "too few changes for a correlation, or none"


def test_coverage_counts_their_periods_within_ours() -> None:
    found = compare(series([100.0, None, 101.0, None, 103.0]), series([100.0] * 8), "month")
    assert found.coverage == pytest.approx(3 / 5)


def test_fewer_than_two_common_periods_say_so() -> None:
    late = pl.DataFrame({"period": ["2020-01"], "index": [100.0]})
    assert compare(series(walk(1)), late, "month") == Measures(
        None, None, 0, 0.0, reason="fewer than two common periods"
    )
    assert compare(series([100.0]), series([90.0]), "month").periods == 1
    assert compare(series([]), series(walk(1)), "month").reason == "fewer than two common periods"


def test_a_series_that_stands_still_has_no_correlation() -> None:
    found = compare(series([100.0] * 24), series(walk(1)), "month")
    assert found.growth_correlation is None
    assert found.mean_absolute_gap is not None


@pytest.mark.parametrize("lead", [-2, -1, 0, 1, 3])
def test_the_lead_is_found(lead: int) -> None:
    values = walk(7, 30)
    ours = values[3 + lead : 3 + lead + 24]
    found = compare(series(ours), series(values[3 : 3 + 24]), "month")
    assert found.lead_periods == lead
    assert found.lead_correlation == pytest.approx(1)


def test_a_drift_is_per_cent_a_year() -> None:
    ours = [value * 1.02 ** (month / 12) for month, value in enumerate(walk(2))]
    assert compare(series(ours), series(walk(2)), "month").drift_per_year == pytest.approx(2, abs=0.02)


def test_growth_is_not_taken_over_a_hole() -> None:
    """A missing month must not count as one change of two months."""
    values = walk(3)
    with_hole = [None if at in (5, 6) else value for at, value in enumerate(values)]
    assert compare(series(with_hole), series(values), "month").growth_correlation == pytest.approx(1)


@pytest.mark.parametrize(
    ("frequency", "periods"),
    [
        ("day", [f"2016-02-{day:02d}" for day in range(20, 30)] + [f"2016-03-{day:02d}" for day in range(1, 5)]),
        ("week", ["2015-W52", "2015-W53", *(f"2016-W{week:02d}" for week in range(1, 10))]),
    ],
)
def test_periods_follow_each_other_over_months_and_years(frequency: str, periods: list[str]) -> None:
    values = walk(5, len(periods))
    found = compare(series(values, periods), series(values, periods), frequency)
    assert found.periods == len(periods)
    assert found.growth_correlation == pytest.approx(1)


def test_errors_are_one_sentence() -> None:
    with pytest.raises(ValueError, match="unknown frequency 'year'"):
        compare(series([1.0]), series([1.0]), "year")
    with pytest.raises(ValueError, match="two indices in a period"):
        compare(pl.concat([series([1.0])] * 2), series([1.0]), "month")


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_the_base_of_either_series_does_not_matter(ours: float, theirs: float, seed: int) -> None:
    plain = compare(series(walk(seed)), series(walk(seed + 1)), "month")
    scaled = compare(
        series([ours * value for value in walk(seed)]), series([theirs * value for value in walk(seed + 1)]), "month"
    )
    assert scaled.rmse == pytest.approx(plain.rmse)
    assert scaled.growth_correlation == pytest.approx(plain.growth_correlation)


def unchained(levels: list[float], *, january_on: str) -> list[float]:
    """Within-year indices of a chained series that begins in a January."""
    found = []
    for at, level in enumerate(levels):
        year = at // 12
        if at % 12:
            base = levels[12 * year]
        elif year == 0:
            base = level
        else:
            base = levels[12 * (year - 1)] if january_on == "january" else levels[at - 1]
        found.append(100 * level / base)
    return found


@pytest.mark.parametrize("january_on", ["january", "december"])
def test_years_are_chained_whatever_a_january_is_on(january_on: str) -> None:
    levels = [100 * 1.01**month for month in range(24)]
    rows = series(unchained(levels, january_on=january_on)).with_columns(series=pl.lit("s"), item_id=pl.lit("i"))
    assert chain_within_year(rows)["index"].to_list() == pytest.approx(levels)


def test_after_a_missing_january_nothing_is_chained() -> None:
    levels = [100 * 1.01**month for month in range(24)]
    rows = series(unchained(levels, january_on="january")).with_columns(series=pl.lit("s"), item_id=pl.lit("i"))
    chained = chain_within_year(rows.filter(pl.col("period") != "2015-01"))
    assert chained.filter(pl.col("period") > "2015-01")["index"].null_count() == 11
    late = chain_within_year(rows.filter(pl.col("period") >= "2014-02"))
    assert late["index"].to_list() == pytest.approx(levels[1:]), "an item that begins in February is on January"


def test_official_unchained_indices_chain_to_the_published_ones(shared_data: Path) -> None:
    source = OfficialIndexFiles.of(Settings(home=Path("unused")))
    read = {}
    for name in ("chained_2020_2025", "unchained_2020_2025"):
        path = shared_data / "prices/ons_cpi" / f"item_indices_{name}.csv.gz"
        parsed = source.whole(path, path.name, NOW)
        assert parsed.rejected.is_empty()
        read[name] = parsed.accepted
    ours = chain_within_year(read["unchained_2020_2025"])
    both = ours.join(read["chained_2020_2025"], on=["item_id", "period"], suffix="_published")
    assert len(both) == len(ours) == 34_256
    assert (both["index"] / both["index_published"] - 1).abs().max() < 1e-4  # type: ignore[operator]


def quotes() -> pl.LazyFrame:
    """Two products that rise by a tenth a month, and one that is not the item and falls by half."""
    rows = [
        {"collected_on": date(2016, month, 1), "product": product, "price": price, "in_scope": product != "cake"}
        for month in (1, 2, 3)
        for product, price in (("a", 1.1**month), ("b", 2 * 1.1**month), ("cake", 0.5**month))
    ]
    flags = ("repeated_row", "price_typo", "outlier", "dump_price", "stuck", "unit_conflict", "reentered", "imputed")
    return (
        pl.DataFrame(rows)
        .lazy()
        .with_columns(
            retailer=pl.lit("tesco"),
            item_id=pl.lit("1"),
            item=pl.lit("Loaf"),
            product_id="product",
            lineage_id="product",
            price_per_unit="price",
            relaunched=False,
            **dict.fromkeys(flags, False),
        )
    )


def test_comparisons_are_made_with_and_without_what_is_not_the_item() -> None:
    from ons_assets.prices.compilation import aggregate_indices, item_indices

    chosen = IndexParameters(methods=({"method": "jevons"},), frequencies=("month",))
    weights = pl.LazyFrame({"item_id": ["1"], "item": ["Loaf"], "group": ["Bread"], "year": [2016], "weight": [1.0]})
    items = item_indices(quotes(), chosen)
    groups = aggregate_indices(items.lazy(), weights, AggregationParameters())
    months = ["2016-01", "2016-02", "2016-03"]
    official = pl.DataFrame(
        {
            "series": ["cpi"] * 3 + ["monitor"] * 3,
            "item_id": ["1"] * 3 + ["all"] * 3,
            "item": None,
            "frequency": "month",
            "period": months * 2,
            "index": [50.0, 55.0, 60.5] * 2,
        }
    )
    found = index_comparison(
        quotes(), items.lazy(), groups.lazy(), weights, official.lazy(), chosen, AggregationParameters()
    )
    table = CATALOGUE["prices/index_comparison"].conform(found)
    assert table.select("subject_type", "subject", "series", "quotes").sort(
        "quotes", "series", "subject_type"
    ).rows() == [
        ("group", "Bread", "cpi", "all"),
        ("item", "1", "cpi", "all"),
        ("group", "Bread", "monitor", "all"),
        ("group", "Bread", "cpi", "in scope"),
        ("item", "1", "cpi", "in scope"),
        ("group", "Bread", "monitor", "in scope"),
    ]
    assert table.filter(quotes="in scope")["mean_absolute_gap"].to_list() == pytest.approx([0, 0, 0], abs=1e-9)
    assert table.filter(quotes="all")["mean_absolute_gap"].min() > 5  # type: ignore[operator]
