"""The simulated world of phones: the same seed, the truth that it says, and files that others can read."""

import filecmp
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from ons_assets.simulate.country.land import make_land
from ons_assets.simulate.mobile import Company, Scale, simulate_mobile
from ons_assets.simulate.mobile.company import companions
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import make_network, serving_cells
from ons_assets.simulate.mobile.people import CHILD, OPERATORS, country_of, make_phones, people_of
from ons_assets.simulate.mobile.scales import NO_FAULTS, scale_of
from ons_assets.simulate.mobile.travel import COUNTRIES, NETWORKS
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.mobile.world import OFFICE

TINY = Scale("tiny", 3_000, date(2014, 10, 20), 8, 3.0, 5.0, True)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return simulate_mobile(folder / "drops", folder / "truth", scale=TINY, seed=3)


def test_the_same_seed_gives_the_same_bytes(world, tmp_path):
    again = simulate_mobile(tmp_path / "drops", tmp_path / "truth", scale=TINY, seed=3)
    files = [path.relative_to(world.drops) for path in world.drops.rglob("*") if path.is_file()]
    same, other, errors = filecmp.cmpfiles(world.drops, again.drops, files, shallow=False)
    assert (len(same), other, errors) == (len(files), [], [])
    different = simulate_mobile(tmp_path / "other", tmp_path / "t", scale=TINY, seed=4)
    assert different.events != world.events


def test_without_a_country_there_is_one_of_its_own_with_the_files_of_its_office(world, tmp_path):
    country = country_of(TINY, 3)
    made = simulate_mobile(tmp_path / "drops", tmp_path / "truth", scale=TINY, seed=3, country=country)
    of_phones = {"aggregated_flows", "cells", "devices", "phone_events", "phone_market"}
    assert {path.name for path in made.drops.iterdir()} == of_phones
    assert {path.name for path in world.drops.iterdir()} == of_phones | set(OFFICE)
    files = [path.relative_to(made.drops) for path in made.drops.rglob("*") if path.is_file()]
    assert filecmp.cmpfiles(world.drops, made.drops, files, shallow=False) == (files, [], [])
    assert made.people == world.people == len(country.people)


# --- company -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_company():
    country = country_of(TINY, 3)
    wards = Wards(country.land)
    people = people_of(country, wards, TINY, 3)
    phones = make_phones(people, wards, 3)
    with_others = companions(people, phones, Company(left_at_home=0.5, together=0.5), 3)
    network = make_network(wards, "south", 3)
    both = np.full(len(phones.person), OPERATORS.index("south"))
    operator = Operator("south", people, replace(phones, operator=both), wards, network, TINY, 3, with_others)
    return people, phones, with_others, operator


def test_second_phones_are_carried_with_the_first_or_stay_at_home(in_company):
    people, phones, with_others, operator = in_company
    wards = np.stack([operator.wards(day) for day in range(2)])
    first = {int(person): number for number, person in enumerate(phones.person) if not phones.is_second[number]}
    second = np.flatnonzero(phones.is_second)
    other = np.array([first[int(phones.person[number])] for number in second])
    carried = ~with_others.stays_home[second]
    assert 0.3 < carried.mean() < 0.7
    np.testing.assert_array_equal(wards[:, :, second[carried]], wards[:, :, other[carried]])
    at_home = second[~carried]
    assert (wards[:, :, at_home] == people.home[phones.person[at_home]]).all()
    assert (wards[:, :, other[~carried]] != wards[:, :, at_home]).any()


def test_who_goes_about_together_are_adults_of_one_household_and_at_most_one_is_left_over(in_company):
    people, _, with_others, _ = in_company
    one = np.flatnonzero(with_others.partner >= 0)
    other = with_others.partner[one]
    np.testing.assert_array_equal(with_others.partner[other], one)
    assert (one != other).all()
    np.testing.assert_array_equal(people.household[one], people.household[other])
    np.testing.assert_array_equal(people.home_at[one], people.home_at[other])
    adult = people.activity != CHILD
    assert adult[one].all()
    left = np.bincount(people.household[adult & (with_others.partner < 0)])
    assert left.max() == 1
    np.testing.assert_array_equal(left, np.bincount(people.household[adult], minlength=len(left))[: len(left)] % 2)


def test_phones_of_one_household_are_served_by_the_same_cells_at_home(in_company):
    people, phones, _, operator = in_company
    households, first, number = np.unique(people.household[phones.person], return_index=True, return_inverse=True)
    assert len(households) < 0.7 * len(phones.person)
    np.testing.assert_array_equal(operator._home.cell, operator._home.cell[first[number]])
    np.testing.assert_array_equal(operator._home.cumulated, operator._home.cumulated[first[number]])


def test_of_no_operator_events_are_written_and_all_deliver_flows(tmp_path):
    made = simulate_mobile(tmp_path / "drops", tmp_path / "truth", scale=TINY, seed=3, operators=(), company=Company())
    assert made.events == 0
    assert len(list((made.drops / "aggregated_flows").iterdir())) == 3
    assert not (made.drops / "phone_events").exists()


# --- files -------------------------------------------------------------------------------------------------


def test_the_census_is_the_truth_of_the_people(world):
    census = pl.read_csv(world.drops / "commuting_flows" / "travel_to_work.csv")
    people = pl.read_parquet(world.truth / "people.parquet")
    assert (
        census["commuters"].sum()
        == people["activity"].is_in(["full_week", "part_week", "hybrid", "night_shift", "home_worker"]).sum()
    )
    assert census["home_workers"].sum() == (people["activity"] == "home_worker").sum()
    workers = pl.read_csv(world.drops / "workers" / "workers.csv")
    sides = dict(workers.group_by("side").agg(pl.col("workers").sum()).rows())
    assert sides["home"] == sides["work"] == census["commuters"].sum() - census["home_workers"].sum()


def test_times_stand_in_utc_and_the_clock_changes(world):
    files = sorted((world.drops / "phone_events").iterdir())
    assert [path.name[13:23] for path in files][:2] == ["2014-10-20", "2014-10-21"]
    sunday = pl.read_csv(files[6], infer_schema=False)
    times = sunday["time_utc"].drop_nulls().str.replace("T", " ").str.replace("Z", "").str.to_datetime(strict=False)
    inside = times.filter(times.dt.year() == 2014)
    # The day of the change begins at 23 UTC and ends a day and an hour later.
    assert str(inside.min()) >= "2014-10-25 23:00:00"
    assert str(inside.max()) > "2014-10-26 23:00:00"


def test_faults_are_in_the_files_as_often_as_they_are_listed(world):
    faults = pl.read_parquet(world.truth / "faults.parquet")
    tables = [pl.read_csv(path, infer_schema=False) for path in sorted((world.drops / "phone_events").iterdir())]
    rows = pl.concat(tables)
    assert len(rows) == world.events + faults["repeated"].sum()
    assert rows.unique()["device"].null_count() == pytest.approx(faults["no_device"].sum(), abs=1)
    assert (rows.unique()["cell_id"] == "X99999-9").sum() == pytest.approx(faults["lost_cell"].sum(), abs=1)


def test_a_world_without_faults_has_events_of_the_same_people_and_each_as_it_should_be(world, tmp_path):
    made = simulate_mobile(tmp_path / "drops", tmp_path / "truth", scale=replace(TINY, faults=NO_FAULTS), seed=3)
    faults = pl.read_parquet(made.truth / "faults.parquet")
    assert faults.drop("operator", "day").sum().row(0) == (0,) * (faults.width - 2)
    assert pl.read_parquet(made.truth / "outages.parquet").is_empty()
    rows = pl.concat(pl.read_csv(path, infer_schema=False) for path in (made.drops / "phone_events").iterdir())
    assert len(rows) == made.events
    assert rows.null_count().row(0) == (0,) * rows.width
    assert rows["time_utc"].str.starts_with("2014").all()
    cells = pl.read_csv(made.drops / "cells" / "cells_north.csv", infer_schema=False)
    assert rows["cell_id"].is_in(cells["cell_id"].implode()).all()
    assert made.devices == world.devices


def test_masts_that_are_out_of_order_are_silent(world):
    outages = pl.read_parquet(world.truth / "outages.parquet")
    assert outages["day"].n_unique() == 2
    for day, cells in outages.group_by("day"):
        path = world.drops / "phone_events" / f"events_north_{day[0]}.csv.gz"
        seen = pl.read_csv(path, infer_schema=False).filter(pl.col("time_utc").str.starts_with("2014"))
        # An impossible journey may name any cell.
        assert seen["cell_id"].is_in(cells["cell_id"].implode()).mean() < 0.002


def test_every_phone_is_somewhere_at_every_hour_and_most_are_at_home_at_night(world):
    present = pl.read_parquet(world.truth / "present.parquet")
    phones = pl.read_parquet(world.truth / "phones.parquet").filter(operator="north")
    counted = present.group_by("day", "hour").agg(pl.col("devices").sum())
    assert len(counted) == TINY.days * 24
    assert counted["devices"].unique().to_list() == [len(phones)]
    people = pl.read_parquet(world.truth / "people.parquet")
    homes = phones.join(people, on="person").group_by(ward="home_ward").agg(homes=pl.len())

    def off(hour: int) -> float:
        there = present.filter(hour=hour, day=date(2014, 10, 22)).join(homes, on="ward", how="full", coalesce=True)
        differ = (pl.col("devices").fill_null(0).cast(pl.Int64) - pl.col("homes").fill_null(0).cast(pl.Int64)).abs()
        return there.select(differ.sum()).item() / 2 / len(phones)

    # Night shifts are a twenty-fifth of workers.
    assert off(3) < 0.03
    assert off(11) > 3 * off(3)


def test_operators_have_their_shares_which_differ_by_district():
    size = scale_of(Scale("big", 60_000, date(2014, 10, 6), 2, 1, 1, False))
    country = country_of(size, 1)
    wards = Wards(country.land)
    people = people_of(country, wards, size, 1)
    phones = make_phones(people, wards, 1)
    shares = np.bincount(phones.operator, minlength=3) / len(phones.operator)
    assert shares == pytest.approx([0.30, 0.42, 0.28], abs=0.08)
    district = wards.district[people.home[phones.person]]
    by_district = [np.mean(phones.operator[district == each] == 0) for each in range(len(country.land.districts))]
    assert np.std(by_district) > 0.03


def test_a_phone_is_served_by_a_cell_near_it():
    wards = Wards(make_land(2))
    network = make_network(wards, OPERATORS[0], 2)
    at = wards.centre
    serving = serving_cells(network, at, np.random.default_rng(1))
    assert serving.cumulated[:, -1] == pytest.approx(1, abs=1e-5)
    where = network.table.select("easting_m", "northing_m").to_numpy()[serving.cell[:, 0]]
    apart = np.hypot(*(where - at).T)
    assert np.median(apart[wards.is_urban]) < 1_500
    assert np.median(apart[~wards.is_urban]) < 8_000
    assert network.table.filter(technology="2G")["range_m"].min() > 2_000


def test_an_unknown_scale_is_named():
    with pytest.raises(ValueError, match="there is no scale 'huge'; there are demo, medium, full"):
        scale_of("huge")


# --- people who travel ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def travels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("travels")
    size = replace(TINY, name="travels", travels=True)
    return simulate_mobile(folder / "drops", folder / "truth", scale=size, seed=3)


def events_of(summary):
    """Events that can be read, with the second since the first day began."""
    rows = pl.concat(
        pl.read_csv(path, infer_schema=False) for path in sorted((summary.drops / "phone_events").iterdir())
    )
    moment = pl.col("time_utc").str.replace("T", " ").str.strip_suffix("Z").str.to_datetime("%Y-%m-%d %H:%M:%S")
    local = moment.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/London").dt.replace_time_zone(None)
    return rows.with_columns(local=local).drop_nulls(["device", "local"])


def test_where_nobody_travels_all_files_of_others_are_the_same(world, travels):
    same = [folder.name for folder in world.drops.iterdir() if folder.name != "phone_events"]
    for name in same:
        files = [path.name for path in (world.drops / name).iterdir()]
        assert filecmp.cmpfiles(world.drops / name, travels.drops / name, files, shallow=False)[0] == files
    assert filecmp.cmp(world.truth / "people.parquet", travels.truth / "people.parquet", shallow=False)


def test_a_phone_is_seen_at_home_or_away_and_never_at_both(travels):
    trips = pl.read_parquet(travels.truth / "trips.parquet")
    events = events_of(travels).filter(pl.col("local").dt.year() == 2014)
    abroad = events.filter(pl.col("plmn").is_not_null())
    assert abroad["cell_id"].is_null().all()
    assert len(abroad) > 100
    out = trips.filter(tourism="outbound").select("device", "start", "end", "country")
    on_trip = events.join(out, on="device").with_columns(
        during=pl.col("local").is_between("start", "end"), away=pl.col("plmn").is_not_null()
    )
    # Those with a clock or a cell of a fault are few.
    assert on_trip.filter(pl.col("during") != pl.col("away")).is_empty()
    assert set(abroad["device"]) <= set(out["device"])
    codes = dict(zip(COUNTRIES, NETWORKS, strict=True))
    of_trip = on_trip.filter("during").with_columns(network=pl.col("country").replace_strict(codes))
    assert (of_trip["plmn"] == of_trip["network"]).all()


def test_visitors_have_sims_of_their_country_and_are_seen_while_they_are_there(travels):
    trips = pl.read_parquet(travels.truth / "trips.parquet").filter(tourism="inbound")
    events = events_of(travels)
    foreign = events.filter(pl.col("mcc") != "234").join(trips, on="device", how="left")
    assert foreign["start"].null_count() == 0
    assert (foreign["local"].is_between(foreign["start"], foreign["end"])).all()
    codes = {country: network[:3] for country, network in zip(COUNTRIES, NETWORKS, strict=True)}
    assert (foreign["mcc"] == foreign["country"].replace_strict(codes)).all()


def test_true_nights_are_those_of_the_trips_and_present_are_who_is_in_the_country(world, travels):
    trips = pl.read_parquet(travels.truth / "trips.parquet")
    nights = pl.read_parquet(travels.truth / "nights.parquet")
    first, last = travels.first_day, travels.last_day
    whole = trips.filter((pl.col("start").dt.date() > first) & (pl.col("end").dt.date() < last))
    counted = nights.group_by("device").len()
    both = whole.filter(pl.col("nights") > 0).join(counted, on="device", how="left")
    assert (both["nights"] == both["len"]).all()
    assert nights.filter(tourism="outbound")["ward"].is_null().all()
    assert nights.filter(pl.col("tourism") != "outbound")["ward"].is_not_null().all()
    noon = pl.col("hour") == 12
    present, everybody = (
        pl.read_parquet(folder.truth / "present.parquet").filter(noon).group_by("day").agg(pl.col("devices").sum())
        for folder in (travels, world)
    )
    at_noon = pl.col("day").cast(pl.Datetime("us")) + pl.duration(hours=12, minutes=30)
    out = everybody.join(trips.filter(tourism="outbound"), how="cross").filter(at_noon.is_between("start", "end"))
    away = out.group_by("day").agg(away=pl.len())
    held = everybody.join(present, on="day", suffix="_present").join(away, on="day", how="left").fill_null(0)
    assert (held["devices"] - held["devices_present"] == held["away"]).all()
