"""Sources of one country: whoever tweets, has a meter or a phone lives there, and no code is unknown to its areas."""

import re
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ons_assets.demo import PILOTS
from ons_assets.simulate.country import Scale, make_country
from ons_assets.simulate.country.truth import areas_of, spells_of
from ons_assets.simulate.meters import Scale as MeterScale
from ons_assets.simulate.meters import scales as meters
from ons_assets.simulate.meters import simulate_meters
from ons_assets.simulate.meters.settling import MeteredDwellings
from ons_assets.simulate.mobile import Scale as PhoneScale
from ons_assets.simulate.mobile import scales as mobile
from ons_assets.simulate.mobile import simulate_mobile
from ons_assets.simulate.mobile.people import people_of
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.tweets import Scale as TweetScale
from ons_assets.simulate.tweets import scales as tweets
from ons_assets.simulate.tweets import simulate_tweets

FIRST = date(2011, 5, 1)
METERED = MeterScale("tiny", homes=48, days=40, start=date(2011, 6, 10), homes_per_area=6)
OBSERVED = PhoneScale("tiny", 0, date(2011, 6, 18), 3, 2.0, 3.0, True, travels=True)
TWEETING = TweetScale("tiny", 150, 0, FIRST, 92, 0.2, True, 1)


@pytest.fixture(scope="module")
def country():
    return make_country(Scale("tiny", 2_000, FIRST, 92), seed=5)


@pytest.fixture(scope="module")
def folder(country, tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    truth = folder / "truth"
    settled = MeteredDwellings(country, METERED, 1)
    simulate_meters(
        folder / "meters", truth / "meters", survey_drops=folder / "survey", scale=METERED, seed=1, settle=settled
    )
    simulate_mobile(folder / "mobile", truth / "mobile", scale=OBSERVED, seed=1, country=country)
    simulate_tweets(folder / "tweets", truth / "tweets", scale=TWEETING, seed=1, country=country)
    return folder


def test_no_code_of_a_source_is_unknown_to_the_areas(country, folder):
    known = set(areas_of(country)["area"])
    former = set(country.land.districts["former_code"])
    assert set(pl.read_csv(folder / "survey" / "meter_areas.csv")["area_code"]) <= known
    assert set(pl.read_csv(folder / "mobile" / "phone_market" / "phone_market.csv")["area"]) <= known
    others = {"all", "several_sites", "none_seen"}
    for path in (folder / "mobile" / "aggregated_flows").iterdir():
        assert set(pl.read_csv(path).select(pl.concat_list("origin", "destination").explode()).to_series()) <= (
            known | former | others
        )
    assert set(pl.read_parquet(folder / "truth" / "tweets" / "homes.parquet")["area"]) <= known
    people = pl.read_parquet(folder / "truth" / "mobile" / "people.parquet")
    assert {*people["home_ward"], *people["home_district"]} <= known


def test_the_office_of_the_country_alone_tells_of_areas_and_commuting(folder):
    assert {path.name for path in (folder / "mobile").iterdir()} == {
        "aggregated_flows", "cells", "devices", "phone_events", "phone_market"
    }  # fmt: skip


# --- meters ------------------------------------------------------------------------------------------------


def test_a_home_with_a_meter_is_a_dwelling_with_the_people_who_live_there(country, folder):
    homes = pl.read_parquet(folder / "truth" / "meters" / "homes.parquet")
    dwellings = homes.join(country.dwellings, on="uprn")
    assert len(dwellings) == METERED.homes == homes["uprn"].n_unique()
    assert (dwellings["area_code"] == dwellings["district"]).all()
    assert dwellings["area_code"].value_counts()["count"].to_list() == [METERED.homes // 8] * 8
    assert ((dwellings["kind"] == "second") == (dwellings["use"] == "second")).all()
    middle = (METERED.start - FIRST).days + METERED.days // 2
    living = country.homes_on(middle).group_by("address").agg(people=pl.len())
    lived_in = dwellings.join(living, on="address")
    assert len(lived_in) > 35
    assert (lived_in["size"] == lived_in["people"]).all()


def test_a_home_is_vacant_on_the_days_on_which_nobody_lives_in_the_dwelling(country, folder):
    states = pl.read_parquet(folder / "truth" / "meters" / "states.parquet")
    homes = pl.read_parquet(folder / "truth" / "meters" / "homes.parquet").select("meter", "uprn", "kind")
    dwellings = homes.join(country.dwellings.filter(use="main"), on="uprn")
    said = states.filter(state="vacant").join(dwellings, on="meter").select("address", "day")
    days = [(METERED.start - FIRST).days + day for day in range(METERED.days)]
    empty = [
        dwellings.select("address")
        .join(country.homes_on(day), on="address", how="anti")
        .with_columns(day=pl.lit(FIRST + timedelta(day)))
        for day in days
    ]
    assert pl.concat(empty).sort("address", "day").equals(said.sort("address", "day"))
    assert 0 < len(said) < METERED.homes * METERED.days / 2


def test_meters_outside_the_days_of_the_country_are_refused(country):
    with pytest.raises(ValueError, match="does not live through all of the 10 days from 2011-07-30"):
        MeteredDwellings(country, MeterScale("late", homes=8, days=10, start=date(2011, 7, 30)), 1)


# --- phones ------------------------------------------------------------------------------------------------


def test_phones_are_of_people_who_live_and_work_where_they_do_in_the_country(country, folder):
    people = pl.read_parquet(folder / "truth" / "mobile" / "people.parquet")
    phones = pl.read_parquet(folder / "truth" / "mobile" / "phones.parquet")
    day = (OBSERVED.first_day - FIRST).days
    assert people["person"].equals(country.people["person"])
    assert set(phones["person"]) <= set(country.people["person"])
    codes = country.addresses["msoa"]
    assert (people["home_ward"] == codes.gather(country.homes_on(day)["address"])).all()
    jobs = country.jobs_on(day).with_columns(people["work_ward"], country.people["activity"])
    placed = jobs.filter((pl.col("address") >= 0) & (pl.col("activity") != "child"))
    assert len(placed) > 500
    assert (placed["work_ward"] == codes.gather(placed["address"])).all()
    # Some students have left by that day, and go nowhere.
    gone = jobs.filter((pl.col("activity") == "student") & (pl.col("address") < 0))
    assert len(gone) > 10
    assert gone["work_ward"].null_count() == len(gone)


def test_wards_and_districts_have_the_shares_of_the_country(country):
    wards = Wards(country.land)
    assert wards.table["population"].sum() == pytest.approx(1)
    assert wards.table["ward"].to_list() == country.land.codes("msoa").to_list()
    codes = country.land.codes("district")
    assert codes.gather(wards.district).to_list() == wards.table["district"].to_list()
    assert wards.is_urban.any()
    assert not wards.is_urban.all()
    with pytest.raises(ValueError, match="does not live through all days from 2011-07-30 to 2011-08-01"):
        people_of(country, wards, PhoneScale("late", 0, date(2011, 7, 30), 3, 1, 1, True), 1)


# --- tweets ------------------------------------------------------------------------------------------------


def test_users_are_people_of_16_and_over_with_the_homes_and_moves_of_the_country(country, folder):
    people = pl.read_parquet(folder / "truth" / "tweets" / "people.parquet")
    grown = country.people.filter(pl.col("age") >= 16)
    assert set(people["resident"]) == set(grown["person"])
    resident = people.select("person", "resident")
    homes = pl.read_parquet(folder / "truth" / "tweets" / "homes.parquet").join(resident, on="person")
    true = spells_of(country).join(grown.select("person"), on="person").with_columns(
        area=country.addresses["district"].gather(spells_of(country).join(grown.select("person"), on="person")["home"])
    )  # fmt: skip
    first = homes.filter(pl.col("from_day").is_null()).sort("resident")
    begun = true.filter(pl.col("person").is_first_distinct()).sort("person")
    assert first["area"].to_list() == begun["area"].to_list()
    moves = pl.read_parquet(folder / "truth" / "tweets" / "moves.parquet")
    assert len(moves) == len(country.lives.moves.join(grown, on="person"))
    assert (moves["registered_on"] >= moves["moved_on"]).all()
    assert people["age"].value_counts().height == 4
    young = grown.filter(pl.col("age") < 25)["person"]
    assert (people.filter(pl.col("resident").is_in(young.implode()))["age"] == "16-24").all()


def test_tweets_are_of_the_days_of_the_country(tmp_path):
    other = make_country(Scale("other", 500, FIRST, 5), seed=1)
    summary = simulate_tweets(
        tmp_path / "d",
        tmp_path / "t",
        scale=TweetScale("few", 20, 0, date(2014, 1, 1), 30, 1.0, True, 0),
        seed=1,
        country=other,
    )
    assert (summary.first_day, summary.last_day) == (FIRST, FIRST + timedelta(4))


# --- together ----------------------------------------------------------------------------------------------


def test_months_of_the_sources_overlap():
    for name in ("small", "medium"):
        sized = {
            "meters": (meters.IN_COUNTRY[name].start, meters.IN_COUNTRY[name].days),
            "mobile": (mobile.IN_COUNTRY[name].first_day, mobile.IN_COUNTRY[name].days),
            "tweets": (tweets.IN_COUNTRY[name].first_day, tweets.IN_COUNTRY[name].days),
        }
        months = [{(first + timedelta(day)).replace(day=1) for day in range(days)} for first, days in sized.values()]
        assert date(2011, 6, 1) in set.intersection(*months)


def test_sources_see_the_same_people(country, folder):
    """In nearly all homes with a meter somebody has a phone, and its home is that dwelling."""
    homes = pl.read_parquet(folder / "truth" / "meters" / "homes.parquet").join(country.dwellings, on="uprn")
    day = (OBSERVED.first_day - FIRST).days
    living = country.homes_on(day).join(homes, on="address")
    phones = pl.read_parquet(folder / "truth" / "mobile" / "phones.parquet")
    with_phone = living.join(phones, on="person", how="semi")["address"].n_unique()
    assert with_phone > 0.8 * living["address"].n_unique()
    people = pl.read_parquet(folder / "truth" / "mobile" / "people.parquet").join(living, on="person")
    at = country.addresses.select("easting_m", "northing_m")[people["address"]].to_numpy()
    np.testing.assert_allclose(people.select("home_easting_m", "home_northing_m").to_numpy(), at)


@pytest.mark.parametrize("pilot", ["tweets", "meters", "mobile"])
def test_a_pilot_by_itself_is_of_a_country_too(pilot, tmp_path):
    PILOTS[pilot].simulate(tmp_path / "drops", tmp_path / "truth", "small")
    text = "".join(path.read_text() for path in sorted((tmp_path / "drops").rglob("*.csv")))
    assert "Z07000001" in text
    assert not re.search(r"SIM\d|S9[89]\d{6}", text), "no land of its own"
