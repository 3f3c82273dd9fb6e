"""What is usual, and what is out of it: on series that are drawn, and on the cases at which such limits fail."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import poisson

from ons_assets.governance.scorecard.control import usual
from ons_assets.governance.scorecard.judging import MOST_SPREAD, judged
from ons_assets.governance.scorecard.measures import MEASURES, Better, Status, observed
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters

FIRST = date(2025, 1, 6)  # a Monday
BOUNDS = (ScorecardParameters(), TrendParameters(), AccuracyParameters())


def series(values: np.ndarray, measure: str = "rows_of_day", basis: int | None = None) -> pl.DataFrame:
    """Days of tables that are called by their numbers, as observations; a day without a value has none."""
    table, day = np.indices(values.shape)
    frame = pl.DataFrame({"table_name": table.ravel().astype(str), "at": day.ravel(), "value": values.ravel()})
    frame = frame.filter(pl.col("value").is_not_nan()).with_columns(
        day=pl.lit(FIRST) + pl.duration(days="at"),
        basis=pl.col("value").cast(pl.Int64) if basis is None else pl.lit(basis, pl.Int64()),
    )
    return observed(frame.with_columns(partition_name=pl.col("day").cast(pl.String())), measure)


def statuses(
    values: np.ndarray, measure: str = "rows_of_day", *, basis: int | None = None, **trend: object
) -> np.ndarray:
    """Status of each day of each series."""
    changed = TrendParameters(**trend)  # type: ignore[arg-type]
    found = judged(series(values, measure, basis), {}, BOUNDS[0], changed, BOUNDS[2])
    placed = found.with_columns(
        table=pl.col("table_name").cast(pl.Int64), at=(pl.col("day") - pl.lit(FIRST)).dt.total_days()
    )
    result = np.full(values.shape, "", dtype=object)
    result[placed["table"].to_numpy(), placed["at"].to_numpy()] = placed["quality_status"].to_numpy()
    return result


def test_noise_alone_is_hardly_ever_out_of_the_usual_and_never_red() -> None:
    random = np.random.default_rng(7)
    for spread in (0.02, 0.1):
        values = np.round(2000 * np.exp(random.normal(0, spread, (100, 200))))
        found = statuses(values)
        told = found != Status.NOT_JUDGED
        assert told.mean() > 0.95
        assert (found[told] == Status.WATCH).mean() < 0.004
        assert not (found == Status.ACT).any()


@pytest.mark.parametrize(("factor", "at_least"), [(0.5, 0.9), (2.0, 0.9), (0.0, 1.0)])
def test_half_a_file_a_doubled_and_an_empty_one_are_red(factor: float, at_least: float) -> None:
    random = np.random.default_rng(8)
    values = np.round(2000 * np.exp(random.normal(0, 0.05, (100, 120))))
    values[:, 115] *= factor
    assert (statuses(values)[:, 115] == Status.ACT).mean() >= at_least


def test_a_day_is_not_held_against_itself_nor_against_what_was_out_of_the_usual() -> None:
    values = np.full((1, 60), 1000.0)
    values[0, 40:52] = 100.0  # not all at once would a mean with them in it see the last
    assert set(statuses(values)[0, 40:52]) == {Status.ACT}
    assert set(statuses(values)[0, 52:]) == {Status.GOOD}


def test_what_lasts_is_the_usual_in_the_end_and_then_its_opposite_is_not() -> None:
    values = np.full((1, 120), 1000.0)
    values[0, 40:] = 100.0
    values[0, 110] = 1000.0
    found = statuses(values, new_level_after=20)[0]
    assert set(found[40:60]) == {Status.ACT}
    # Weekends have few days of their own when all is learned anew.
    assert Status.ACT not in found[70:110]
    assert found[109] == Status.GOOD
    assert found[110] == Status.ACT


def test_days_that_never_vary_leave_room_for_small_changes() -> None:
    values = np.full((2, 40), 1000.0)
    values[0, 39], values[1, 39] = 1050.0, 1900.0
    assert list(statuses(values)[:, 39]) == [Status.GOOD, Status.ACT]


@pytest.mark.parametrize("mean", [0.2, 1, 3, 6])
def test_small_numbers_vary_by_chance_and_no_more(mean: float) -> None:
    values = np.random.default_rng(9).poisson(mean, (100, 100)).astype(float)
    assert (statuses(values) == Status.ACT).mean() < 0.0005
    values[:, 88] = 300  # a Friday
    assert np.isin(statuses(values)[:, 88], [Status.WATCH, Status.ACT]).mean() > 0.95


def test_the_spread_of_the_logarithm_of_a_count_is_bounded() -> None:
    counts = np.arange(200)
    for mean in np.geomspace(0.05, 50, 40):
        chances = poisson.pmf(counts, mean)
        logs = np.log(np.maximum(counts, 0.5))
        assert np.sqrt(chances @ logs**2 - (chances @ logs) ** 2) < MOST_SPREAD


def test_one_day_of_much_among_days_of_nothing_is_seen() -> None:
    values = np.zeros((2, 100))
    values[0, 88], values[1, 88] = 5, 100
    assert list(statuses(values)[:, 88]) == [Status.GOOD, Status.ACT]


def test_weekends_are_compared_with_weekends_and_holidays_too() -> None:
    days = np.arange(90)
    quiet = days % 7 >= 5
    values = np.where(quiet, 300.0, 1000.0)[None, :]
    assert Status.ACT not in statuses(values)
    values[0, 81] = 300.0  # a Friday
    assert statuses(values)[0, 81] == Status.ACT
    assert statuses(values, holidays=[FIRST + timedelta(days=81)])[0, 81] == Status.GOOD


def test_without_enough_days_nothing_is_judged_and_then_the_first_are_too() -> None:
    values = np.full((1, 5), 1000.0)
    assert set(statuses(values)[0]) == {Status.NOT_JUDGED}
    values = np.full((1, 30), 1000.0)
    values[0, 0] = 5000.0
    found = statuses(values)[0]
    assert found[0] == Status.ACT
    assert Status.NOT_JUDGED in found  # of weekends there are eight, and each has seven others
    assert set(found[[day for day in range(1, 30) if day % 7 < 5]]) == {Status.GOOD}


def test_days_without_a_value_are_passed_over() -> None:
    values = np.full((1, 60), 1000.0)
    values[0, 20:30] = np.nan
    assert set(statuses(values)[0, :20]) <= {Status.GOOD, Status.NOT_JUDGED}
    assert Status.ACT not in statuses(values)


def test_shares_and_levels_have_bounds_of_their_own() -> None:
    shares = np.clip(np.random.default_rng(3).normal(0.9, 0.005, (1, 60)), 0, 1)
    shares[0, 50], shares[0, 57] = 0.8, 0.4
    found = statuses(shares, "filled_share", basis=2000)[0]
    assert (found[50], found[57]) == (Status.WATCH, Status.ACT)
    levels = 2 * np.exp(np.random.default_rng(3).normal(0, 0.01, (1, 60)))
    levels[0, 50], levels[0, 57] = 2.6, 2.0 * 2.2046  # a pound is that much less than a kilogram
    found = statuses(levels, "typical_value", basis=2000)[0]
    assert (found[50], found[57]) == (Status.WATCH, Status.ACT)


def test_months_are_compared_with_months() -> None:
    months = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(20)]
    values = [1000.0] * 19 + [200.0]
    frame = pl.DataFrame({"table_name": "t", "day": months, "value": values, "basis": 1000})
    found = judged(
        observed(frame.with_columns(partition_name=pl.col("day").dt.strftime("%Y-%m")), "rows_of_day"), {}, *BOUNDS
    )
    assert found["quality_status"].to_list()[-1] == Status.ACT
    assert found["compared"].to_list()[-1] == 19


def test_the_median_and_limits_are_those_of_the_days_before() -> None:
    values = np.log(np.random.default_rng(5).uniform(900, 1100, (3, 30)))
    found = usual(
        values,
        np.ones(values.shape),
        np.zeros(30, dtype=np.int64),
        look_back=12,
        least_compared=8,
        new_level_after=28,
        chance=lambda middle, _: np.zeros_like(middle),
        levels=(0.9999, 0.99999),
        least_spread=1e-6,
        least_change=(0.0, 0.0),
    )
    for day in (20, 29):
        before = values[:, day - 12 : day]
        assert found.median[:, day] == pytest.approx(np.median(before, axis=1))
        spread = 1.4826 * np.median(np.abs(before - np.median(before, axis=1, keepdims=True)), axis=1)
        assert found.look[:, day] / spread == pytest.approx(np.full(3, (found.look[:, day] / spread)[0]))
    assert (found.compared[:, 29] == 12).all()


def test_every_measure_has_bounds_and_says_what_to_do() -> None:
    groups = dict(zip(("scorecard", "trend", "accuracy"), BOUNDS, strict=True))
    for measure in MEASURES.values():
        if measure.bounds in ("all", "never"):
            continue
        of = ["trend"] if measure.better is Better.USUAL else ["scorecard", "accuracy"]
        assert any(hasattr(groups[name], measure.bounds) for name in of), measure.name
        said = measure.next_step.format(suppliers="s", owner="o", table="t", partition="p", of="c")
        assert said.endswith(".")


@pytest.mark.parametrize(
    ("measure", "value", "status", "said"),
    [
        ("accepted_share", 1.0, Status.GOOD, "100 % of the records were accepted."),
        ("accepted_share", 0.99999, Status.GOOD, "99.9 % of the records were accepted."),
        ("accepted_share", 0.95, Status.WATCH, "95.0 % of the records were accepted."),
        ("accepted_share", 0.5, Status.ACT, "50.0 % of the records were accepted."),
        ("days_late", 0.0, Status.GOOD, "0 days beyond the update cycle until data came."),
        ("days_late", 1.0, Status.WATCH, "1 day beyond the update cycle until data came."),
        ("days_late", 4.0, Status.ACT, "4 days beyond the update cycle until data came."),
        ("stale_days", None, Status.NOT_JUDGED, "Not judged: nothing can be said."),
        ("same_everywhere", 1.0, Status.WATCH, "1 "),
    ],
)
def test_bounds_decide_and_words_say_it(measure: str, value: float | None, status: Status, said: str) -> None:
    frame = pl.DataFrame({"table_name": ["t"], "value": [value]}, schema={"table_name": pl.String, "value": pl.Float64})
    [row] = judged(observed(frame, measure), {}, *BOUNDS).to_dicts()
    assert row["quality_status"] == status
    assert row["said"].startswith(said)
    assert (row["next_step"] == "Nothing.") == (status is Status.GOOD)


@pytest.mark.parametrize(
    ("group", "values"),
    [
        (TrendParameters, {"levels": (0.999, 0.99)}),
        (TrendParameters, {"volume_ratio": (2.0, 1.5)}),
        (ScorecardParameters, {"accepted_share": (0.9, 0.99)}),
    ],
)
def test_one_never_acts_sooner_than_one_looks(group: type, values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="sooner than one looks"):
        group(**values)
