"""Profiles, indicators, household size, clusters and small areas."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.meters.areas.small_area import AreaParameters, area_occupancy
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.households.household_size import (
    SIZE_BANDS,
    cross_validate,
    design,
    fit_household_size,
    joined_bands,
)
from ons_assets.meters.profiles.day_clusters import draw_days, fit_profile_clusters
from ons_assets.meters.profiles.load_profiles import INDICATORS, day_types, descriptors, profiles, seasons
from ons_assets.parameters.meters import ProfileClusterParameters
from tests.meters.homes import half_hours_of, ordinary_home, readings_of, world


@given(st.integers(0, 2**32), st.floats(0, 0.5))
@settings(max_examples=15, deadline=None)
def test_profiles_are_means_by_meter_season_and_day_type(seed, missing):
    rng = np.random.default_rng(seed)
    kwh = rng.gamma(1, 0.3, (3, 40, 48)).astype(np.float32)
    kwh[rng.random(kwh.shape) < missing] = np.nan
    rows = half_hours_of(kwh, dt.date(2010, 2, 10))
    made = profiles(rows, [dt.date(2010, 3, 17)], n_threads=2)
    plain = (
        rows.with_columns(season=seasons(rows["day"]), day_type=day_types(rows["day"], [dt.date(2010, 3, 17)]))
        .with_columns(slot=pl.lit(list(range(48))))
        .explode("kwh", "slot")
        .filter(pl.col("kwh").is_not_nan())
        .group_by("meter", "season", "day_type", "slot")
        .agg(mean=pl.col("kwh").cast(pl.Float64).mean(), count=pl.len())
    )
    long = (
        made.with_columns(slot=pl.lit(list(range(48))))
        .explode("mean_kwh", "half_hour_readings", "slot")
        .filter(pl.col("half_hour_readings") > 0)
        .join(plain, on=["meter", "season", "day_type", "slot"], how="full", coalesce=True)
    )
    np.testing.assert_allclose(long["mean_kwh"].to_numpy(), long["mean"].to_numpy(), rtol=1e-12)
    assert long["half_hour_readings"].to_list() == long["count"].to_list()


def test_seasons_and_types_of_day():
    days = pl.Series([dt.date(2009, 12, 1), dt.date(2010, 2, 28), dt.date(2010, 3, 1), dt.date(2010, 8, 31)])
    assert seasons(days).to_list() == ["winter", "winter", "spring", "summer"]
    week = pl.Series([dt.date(2010, 4, 2) + dt.timedelta(day) for day in range(4)])
    assert day_types(week).to_list() == ["weekday", "saturday", "sunday", "weekday"]
    assert day_types(week, [dt.date(2010, 4, 2)]).to_list() == ["sunday", "saturday", "sunday", "weekday"]


def test_indicators_of_a_home_whose_use_is_known():
    day = np.full(48, 0.1)
    day[32:40] = 0.5
    kwh = np.tile(day, (28, 1))
    row = descriptors(half_hours_of(kwh[None])).row(0, named=True)
    assert row["mean_day_kwh"] == pytest.approx(40 * 0.1 + 8 * 0.5)
    assert row["night_base_kwh"] == pytest.approx(0.1)
    assert row["evening_peak_kwh"] == pytest.approx(0.5)
    assert row["evening_factor"] == pytest.approx(5)
    assert row["load_factor"] == pytest.approx(8 / 48 / 0.5)
    assert row["peak_hour"] == 16
    assert row["evening_share"] == pytest.approx((8 * 0.5 + 6 * 0.1) / 8)
    assert sum(row[f"{part}_share"] for part in ("night", "morning", "midday", "evening")) == pytest.approx(1)
    assert row["weekend_ratio"] == pytest.approx(1)
    assert row["day_variation"] == pytest.approx(0, abs=1e-6)
    assert row["active_half_hours"] == 8
    assert row["habit_day"] == pytest.approx(1)
    assert row["habit_week"] == pytest.approx(1)


def test_indicators_that_are_not_defined_are_null():
    kwh = np.stack([np.zeros((20, 48)), np.full((20, 48), np.nan), ordinary_home(20)])
    kwh[1, :3] = 0.2
    table = descriptors(half_hours_of(kwh))
    assert table.columns == ["bucket", "meter", "days", *INDICATORS]
    assert table["days"].to_list() == [20, 3, 20]
    assert table["mean_day_kwh"].to_list()[:2] == [0.0, None]
    assert table.filter(meter=0).select("evening_factor", "load_factor", "habit_day").null_count().row(0) == (1, 1, 1)
    assert sum(table.filter(meter=2).null_count().row(0)) == 0
    weekdays = descriptors(half_hours_of(kwh).filter(pl.col("day").dt.weekday() < 6))
    assert weekdays.filter(meter=2)["weekend_ratio"].item() is None


def test_tables_without_rows():
    nothing = half_hours_of(np.empty((0, 0, 48))).cast({"bucket": pl.Int16})
    assert profiles(nothing).height == 0
    assert descriptors(nothing).height == 0


@pytest.fixture(scope="module")
def survey():
    homes = [home for home in world(330, 42, seed=5) if str(home.household.kind) == "main"]
    size = [home.household.size for home in homes]
    answers = pl.DataFrame(
        {
            "meter": np.arange(len(homes)),
            "size_band": ["1" if n == 1 else "2" if n == 2 else "3-4" if n < 5 else "5+" for n in size],
            "has_children": [home.household.children > 0 for home in homes],
        }
    )
    return descriptors(readings_of(homes)), answers


def test_profiles_say_more_of_size_than_chance_and_than_the_level(survey):
    table = cross_validate(*survey)
    assert table["model"].to_list() == ["most frequent", "level only", "profile"]
    chance, level, profile = table["balanced_accuracy"]
    assert chance == pytest.approx(1 / len(SIZE_BANDS))
    assert profile > level > chance
    assert table["log_loss"][2] < table["log_loss"][0]


def test_a_target_that_profiles_cannot_know_is_warned_of(survey):
    described, answers = survey
    coin = np.random.default_rng(0).random(answers.height) < 0.5
    table = cross_validate(described, answers.with_columns(has_children=pl.Series(coin)), "has_children")
    assert "say little" in table["warning"][0]


def test_probabilities_of_a_home_add_up(survey):
    described, answers = survey
    half = answers.height // 2
    model = fit_household_size(described, answers.head(half))
    said = model.probabilities(described.tail(half))
    assert said.columns == ["bucket", "meter", "target", "target_class", "probability"]
    assert said["meter"].n_unique() == half
    total = said.group_by("meter").agg(pl.col("probability").sum())["probability"]
    np.testing.assert_allclose(total.to_numpy(), 1)
    assert model.probabilities(described.clear()).height == 0
    unknown = described.with_columns(pl.lit(None, pl.Float64).alias(name) for name in INDICATORS)
    assert model.probabilities(unknown).height == 0
    assert np.isnan(design(unknown)).all()


@pytest.mark.parametrize(
    ("homes", "names"),
    [
        ((20, 20, 20, 20), ["1", "2", "3-4", "5+"]),
        ((20, 20, 20, 3), ["1", "2", "3+", "3+"]),
        ((20, 20, 4, 3), ["1", "2+", "2+", "2+"]),
        ((4, 20, 20, 20), ["1-2", "1-2", "3-4", "5+"]),
        ((20, 4, 6, 20), ["1", "2-4", "2-4", "5+"]),
        ((3, 2, 1, 0), ["1+", "1+", "1+", "1+"]),
    ],
)
def test_bands_with_few_homes_are_joined(homes, names):
    joined = joined_bands(np.repeat(SIZE_BANDS, homes), 10)
    expected = np.repeat(names, homes)
    assert joined.tolist() == expected.tolist()


def test_too_few_or_strange_answers_are_refused(survey):
    described, answers = survey
    with pytest.raises(ValueError, match="at least 10 labelled homes"):
        fit_household_size(described, answers.head(12))
    with pytest.raises(ValueError, match="unknown classes"):
        fit_household_size(described, answers.with_columns(size_band=pl.lit("many")))
    with pytest.raises(ValueError, match="target must be one of"):
        fit_household_size(described, answers, "income")


def test_clusters_find_the_kinds_of_day_that_were_made():
    rng = np.random.default_rng(3)
    kinds = np.full((3, 48), 0.05)
    kinds[0, 14:18] = 0.5
    kinds[1, 36:42] = 0.6
    kinds[2, 22:34] = 0.3
    true = rng.integers(0, 3, 900)
    # Scale must not matter: shape is what is clustered.
    kwh = kinds[true] * rng.lognormal(0, 0.25, (900, 48)) * rng.uniform(0.3, 3, (900, 1))
    kwh[5] = np.nan
    kwh[6] = 0
    few = ProfileClusterParameters(most=5, starts=2, reseedings=3)
    made = fit_profile_clusters(kwh, few)
    labels = made.labels(kwh)
    from sklearn.metrics import adjusted_rand_score

    shaped = labels >= 0
    assert (~shaped).sum() == 2
    assert adjusted_rand_score(true[shaped], labels[shaped]) > 0.95
    assert made.number == min(made.bic, key=made.bic.__getitem__) == 3
    assert made.is_stable
    mean, least = made.adjusted_rand[3]
    assert 0.95 < least <= mean
    sizes = np.bincount(labels[shaped])
    assert list(sizes) == sorted(sizes, reverse=True)
    assert np.array_equal(fit_profile_clusters(kwh, few).labels(kwh), labels)
    assert np.array_equal(made.labels(kwh[:100]), labels[:100])
    assert len(made.labels(kwh[:0])) == 0


def test_a_partition_of_nothing_is_not_called_stable():
    """One cloud has no clusters; a mixture cuts it where the seed says."""
    kwh = np.random.default_rng(0).lognormal(0, 0.4, (400, 48))
    made = fit_profile_clusters(kwh, ProfileClusterParameters(most=6, starts=1, reseedings=3, least_agreement=0.95))
    assert not made.is_stable
    assert set(made.adjusted_rand) == {2, 3, 4, 5, 6}
    assert max(mean for mean, _ in made.adjusted_rand.values()) < 0.95


def test_clusters_need_days():
    with pytest.raises(ValueError, match="at least 200 complete days"):
        fit_profile_clusters(np.zeros((500, 48)))
    with pytest.raises(ValueError, match="shape"):
        fit_profile_clusters(np.zeros((500, 24)))


def test_the_days_drawn_do_not_depend_on_how_a_table_is_divided():
    rows = readings_of(world(12, 40, seed=2))
    whole = (rows["meter"].to_numpy(), rows["day"].to_physical().to_numpy(), measured(rows))
    cuts = [slice(0, 130), slice(130, 131), slice(131, None)]
    divided = [tuple(column[cut] for column in whole) for cut in reversed(cuts)]
    drawn = draw_days([whole], 100, seed=4)
    assert np.array_equal(draw_days(divided, 100, seed=4), drawn)
    assert not np.array_equal(draw_days([whole], 100, seed=5), drawn)
    assert drawn.shape == (100, 48)
    every = draw_days([whole], 10_000, seed=4)
    assert len(every) == len({tuple(day) for day in every.tolist()}) == 480
    # Every home has its share of the days drawn.
    owner = {tuple(kwh): meter for meter, kwh in zip(whole[0].tolist(), whole[2].tolist(), strict=True)}
    assert len({owner[tuple(day)] for day in drawn.tolist()}) == 12


def area_of(probability, code="E1"):
    return pl.DataFrame(
        {"meter": np.arange(len(probability)), "area_code": [code] * len(probability), "probability": probability}
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_figure_of_an_area_is_the_mean_of_its_homes_in_its_interval(probability):
    row = area_occupancy(area_of(probability)).row(0, named=True)
    assert row["homes"] == len(probability)
    assert row["estimate"] == pytest.approx(np.mean(probability))
    assert 0 <= row["lower"] <= row["estimate"] + 1e-12
    assert row["estimate"] - 1e-12 <= row["upper"] <= 1
    assert row["contributors"] == sum(value > 0 for value in probability)
    assert row["lacking"] == sum(1 - value > 0 for value in probability)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("homes", [10, 40])
def test_intervals_hold_the_truth_as_often_as_they_say(share, homes):
    rng = np.random.default_rng(0)
    samples = pl.concat([area_of((rng.random(homes) < share).astype(float), f"E{area:04d}") for area in range(1_500)])
    table = area_occupancy(samples)
    covered = (table["lower"] <= share) & (share <= table["upper"])
    assert covered.mean() > 0.94


def test_ten_homes_that_are_all_occupied_are_no_certainty():
    row = area_occupancy(area_of([1.0] * 10)).row(0, named=True)
    assert row["upper"] == 1
    assert row["lower"] < 0.8


def test_the_least_number_of_homes_cannot_be_lowered():
    with pytest.raises(ValueError, match="greater than or equal to 10"):
        AreaParameters(min_homes=5)


def test_homes_without_a_probability_do_not_count():
    table = area_occupancy(area_of([0.5] * 9 + [None, None, float("nan")]))
    assert table["homes"].item() == 9


def test_wrong_rows_are_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        area_occupancy(area_of([1.2]))
    with pytest.raises(ValueError, match="two rows"):
        area_occupancy(pl.concat([area_of([0.5]), area_of([0.5])]))
