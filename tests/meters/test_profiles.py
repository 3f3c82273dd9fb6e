"""Profiles, indicators, clusters and small areas."""

import datetime as dt
import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.meters.areas.small_area import AreaParameters, area_occupancy
from ons_assets.meters.half_hours.clock_face import measured
from ons_assets.meters.profiles.day_clusters import DAYS_AT_ONCE, draw_days, fit_profile_clusters, usable
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


def test_labels_are_those_of_the_mixture_that_scikit_learn_fits():
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    kwh = readings_of(world(20, 40, seed=9))["kwh"].list.to_array(48).to_numpy()
    few = ProfileClusterParameters(most=3, starts=2, reseedings=2, components=5, seed=3)
    made = fit_profile_clusters(kwh, few)
    days = kwh[usable(kwh)]
    hours = np.sqrt(days.reshape(-1, 12, 4).sum(axis=2) / days.sum(axis=1, keepdims=True))
    drawn = np.random.default_rng(3).permutation(len(days))
    along = PCA(5, random_state=3).fit(hours[drawn])
    mixture = GaussianMixture(made.number, n_init=2, reg_covar=1e-5, max_iter=300, random_state=3)
    theirs = mixture.fit(along.transform(hours[drawn])).predict(along.transform(hours))
    sizes = np.argsort(np.argsort(-np.bincount(theirs), kind="stable"))
    assert np.array_equal(made.labels(days), sizes[theirs])


def test_a_day_has_its_label_in_whatever_company_it_comes():
    kwh = readings_of(world(12, 40, seed=2))["kwh"].list.to_array(48).to_numpy()
    made = fit_profile_clusters(kwh, ProfileClusterParameters(most=4, starts=1, reseedings=2))
    labels = made.labels(kwh)
    many = np.random.default_rng(0).integers(0, len(kwh), 2 * DAYS_AT_ONCE + 17)
    assert np.array_equal(made.labels(kwh[many]), labels[many])
    assert [made.labels(day[None]).item() for day in kwh[:20]] == labels[:20].tolist()


def test_clusters_are_fitted_in_one_thread_by_the_first_fit_of_a_process_too():
    """A library that is loaded after its threads were to be limited is not limited."""
    code = """
import numpy as np
from threadpoolctl import threadpool_info
from ons_assets.meters.profiles import day_clusters
from ons_assets.parameters.meters import ProfileClusterParameters

fit, threads = day_clusters.fit_normal_mixture, []
def told(*given, **named):
    threads.extend(each["num_threads"] for each in threadpool_info())
    return fit(*given, **named)
day_clusters.fit_normal_mixture = told
kwh = np.random.default_rng(0).gamma(1, 0.3, (300, 48))
day_clusters.fit_profile_clusters(kwh, ProfileClusterParameters(most=2, starts=1, reseedings=2))
print(*sorted(set(threads)))
"""
    several = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "2")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **several}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1"]


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


@pytest.mark.parametrize("share", [0.05, 0.3, 0.93])
@pytest.mark.parametrize("metered", [0.3, 0.7, 0.95])
def test_intervals_of_a_counted_area_hold_its_own_share_as_often_as_they_say(share, metered):
    rng = np.random.default_rng(0)
    areas, dwellings = 1_500, 60
    is_so = rng.random((areas, dwellings)) < share
    kept = int(dwellings * metered)
    samples = pl.concat([area_of(each[:kept].astype(float), f"E{area:04d}") for area, each in enumerate(is_so)])
    counted = pl.DataFrame({"area_code": samples["area_code"].unique(), "dwellings": float(dwellings)})
    table = area_occupancy(samples, dwellings=counted)
    truth = is_so.mean(axis=1)
    lower, upper = table["lower"].to_numpy(), table["upper"].to_numpy()
    assert ((lower <= truth + 1e-12) & (truth - 1e-12 <= upper)).mean() > 0.94
    without = area_occupancy(samples)
    assert ((table["upper"] - table["lower"]) < (without["upper"] - without["lower"])).all()


def test_where_every_dwelling_is_metered_only_the_error_of_the_model_is_left():
    homes = area_of([1.0] * 14 + [0.0] * 6)
    counted = pl.DataFrame({"area_code": ["E1"], "dwellings": [20.0]})
    row = area_occupancy(homes, dwellings=counted, error=pl.lit(0.01)).row(0, named=True)
    assert (row["lower"], row["upper"]) == pytest.approx((0.7 - 0.0196, 0.7 + 0.0196), abs=1e-6)
    fewer = pl.DataFrame({"area_code": ["E1"], "dwellings": [15.0]})
    assert area_occupancy(homes, dwellings=fewer).select("lower", "upper").row(0) == pytest.approx((0.7, 0.7))


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_an_interval_tells_no_more_than_the_mean_and_the_number_of_homes(days, chance):
    """Whoever has the days, of the same mean, is the same to the reader."""
    others = list(days)
    for _ in range(60):
        one, other = chance.randrange(len(days)), chance.randrange(len(days))
        if one != other and others[one] > 0 and others[other] < 30:
            others[one], others[other] = others[one] - 1, others[other] + 1
    ends = ("estimate", "lower", "upper")
    told = [area_occupancy(area_of([day / 30 for day in each])).select(ends).row(0) for each in (days, others)]
    assert told[0] == pytest.approx(told[1], abs=1e-12)


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
