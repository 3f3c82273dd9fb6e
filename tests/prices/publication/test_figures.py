"""Reference periods, rates and rounding, held against values worked by hand."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.prices.publication.figures import Rounding, rate_of_change, re_reference, round_figure, rounded

BY = ["heading"]


def series(indices: dict[str, float | None], heading: str = "bread") -> pl.DataFrame:
    schema = {"period": pl.String, "index": pl.Float64}
    frame = pl.DataFrame(list(indices.items()), schema=schema, orient="row")
    return frame.with_columns(heading=pl.lit(heading), base_period=frame["period"].min() and pl.lit(min(indices)))


@pytest.mark.parametrize(
    ("value", "half_up", "half_even"),
    [
        (104.05, 104.1, 104.0),  # its binary number lies below the half
        (104.15, 104.2, 104.2),
        (104.04999999999998, 104.1, 104.0),  # a half that a computation missed in the last digit
        (104.0499, 104.0, 104.0),
        (-0.25, -0.3, -0.2),
        (-0.04, 0.0, 0.0),
        (100.0, 100.0, 100.0),
        (1e-12, 0.0, 0.0),
    ],
)
def test_digits_decide_where_a_half_goes(value: float, half_up: float, half_even: float) -> None:
    assert round_figure(value, 1) == half_up
    assert round_figure(value, 1, "half-even") == half_even
    assert str(round_figure(value, 1)) == str(half_up), "no minus before a zero"


@pytest.mark.parametrize(
    ("value", "decimals", "expected"), [(0.605, 2, 0.61), (2.675, 2, 2.68), (9.95, 1, 10.0), (0.625, 2, 0.63)]
)
def test_halves_that_people_reported_as_rounded_wrongly(value: float, decimals: int, expected: float) -> None:
    """From reports on software that rounds the binary number, or to the even digit."""
    assert round_figure(value, decimals) == expected


@pytest.mark.parametrize(
    ("before", "after", "unrounded", "of_rounded"),
    [
        (203.189, 203.547, 0.2, 0.1),  # the example of the United States' office for its change to three decimals
        (198.945, 199.355, 0.2, 0.3),  # a newspaper's, of 2006
    ],
)
def test_rates_that_depend_on_when_indices_are_rounded(
    before: float, after: float, unrounded: float, of_rounded: float
) -> None:
    frame = series({"2006-01": before, "2006-02": after})
    shown = frame.with_columns(rounded(pl.col("index"), 1, "half-up"))
    assert round_figure(rate_of_change(frame, 1, BY)[1], 1) == unrounded
    assert round_figure(rate_of_change(shown, 1, BY)[1], 1) == of_rounded


@given(st.integers(-(10**7), 10**7), st.integers(0, 3), st.sampled_from(["half-up", "half-even"]))
def test_what_has_so_few_decimals_stays(digits: int, decimals: int, rounding: Rounding) -> None:
    value = digits / 10**decimals
    assert round_figure(value, decimals, rounding) == value
    nearest = round_figure(digits / 10**5, decimals, rounding)
    assert abs(nearest - digits / 10**5) <= 0.5 * 10**-decimals + 1e-9


def test_missing_and_infinite_figures_are_null() -> None:
    frame = pl.DataFrame({"x": [1.25, None, float("nan"), float("inf")]})
    assert frame.select(rounded(pl.col("x"), 1, "half-up")).to_series().to_list() == [1.3, None, None, None]


def test_a_year_mean_becomes_a_hundred() -> None:
    months = {f"2015-{month:02}": 100.0 + month for month in range(1, 13)}  # mean 106.5
    found = re_reference(series({**months, "2016-01": 213.0}), "2015", BY)
    assert found.filter(period="2016-01")["index"].item() == pytest.approx(200)
    assert found.filter(pl.col("period") < "2016")["index"].mean() == pytest.approx(100)
    assert set(found["reference_period"]) == {"2015"}


def test_a_month_becomes_a_hundred() -> None:
    found = re_reference(series({"2015-01": 100.0, "2015-02": 125.0, "2015-03": None}), "2015-02", BY)
    assert found["index"].to_list() == [80.0, 100.0, None]


def test_a_series_that_lacks_the_reference_stays_on_its_base_and_says_so() -> None:
    incomplete = {f"2015-{month:02}": 110.0 for month in range(2, 13)}
    found = re_reference(pl.concat([series(incomplete), series({"2015-03": 120.0}, "milk")]), "2015", BY)
    assert found["index"].to_list() == [110.0] * 11 + [120.0]
    assert found.unique("heading").sort("heading")["reference_period"].to_list() == ["2015-02", "2015-03"]
    assert re_reference(series(incomplete), None, BY)["reference_period"].unique().to_list() == ["2015-02"]


def test_rates_are_over_the_calendar_and_not_over_rows() -> None:
    frame = series({"2015-01": 100.0, "2015-02": 103.0, "2015-04": 103.0, "2016-01": 110.0, "2016-02": None})
    assert rate_of_change(frame, 1, BY).to_list() == pytest.approx([None, 3.0, None, None, None])
    assert rate_of_change(frame, 12, BY).to_list() == pytest.approx([None, None, None, 10.0, None])


def test_re_referencing_changes_no_rate_of_unrounded_indices_and_may_change_one_of_rounded_ones() -> None:
    """100.04 to 100.06 is 0.0 %; rounded to 100.0 and 100.1, it is 0.1 %; on another reference again 0.0 %."""
    frame = series({"2015-01": 100.04, "2015-02": 100.06})
    other = re_reference(frame, "2015-01", BY)
    unrounded, same = (rate_of_change(each, 1, BY)[1] for each in (frame, other))
    assert unrounded == pytest.approx(same)
    of_rounded = [
        round_figure(rate_of_change(each.with_columns(rounded(pl.col("index"), 1, "half-up")), 1, BY)[1], 1)
        for each in (frame, other)
    ]
    assert of_rounded == [0.1, 0.0]
