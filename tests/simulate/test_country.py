"""The simulated country: areas that nest and tile, people with one home each, and a truth that adds up."""

import filecmp
from datetime import date

import numpy as np
import polars as pl
import pytest
import shapely

from ons_assets.simulate.country import (
    LEVELS,
    Scale,
    area_months,
    commuting,
    make_country,
    migration,
    write_office_files,
    write_truth,
)
from ons_assets.simulate.country.households import STUDENTS
from ons_assets.simulate.country.lives import FAMILY, GRADUATION, LONG_AGO, NOWHERE, RESIDENTIAL, TERM
from ons_assets.simulate.country.office import SURVEYED, YOUNGEST, population
from ons_assets.simulate.country.scales import SCALES
from ons_assets.simulate.country.shopping import make_shopping
from ons_assets.simulate.country.truth import areas_of, retailer_shares, spells_of
from ons_assets.simulate.prices.tables import retailers

A_YEAR = Scale("year", 4_000, SCALES["small"].first_day, 365)


@pytest.fixture(scope="module")
def country():
    return make_country(A_YEAR, seed=7)


@pytest.fixture(scope="module")
def months(country):
    return area_months(country)


@pytest.fixture(scope="module")
def files(country, tmp_path_factory):
    folder = tmp_path_factory.mktemp("country")
    write_office_files(country, folder / "drops")
    write_truth(country, folder / "truth")
    return folder


def test_the_same_seed_writes_the_same_bytes_and_another_others(files, tmp_path):
    again = make_country(A_YEAR, seed=7)
    write_office_files(again, tmp_path / "drops")
    write_truth(again, tmp_path / "truth")
    names = [str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()]
    same, differing, missing = filecmp.cmpfiles(files, tmp_path, names, shallow=False)
    assert (len(same), differing, missing) == (len(names), [], [])
    assert not make_country(A_YEAR, seed=8).people.equals(again.people)


# --- land --------------------------------------------------------------------------------------------------


def test_areas_of_each_level_tile_the_same_country_and_nest(country):
    land = country.land
    whole = shapely.union_all(land.boundaries["district"])
    for level in LEVELS:
        tiles = land.boundaries[level]
        assert shapely.area(tiles).sum() == pytest.approx(shapely.area(whole), rel=1e-9)
        assert shapely.area(shapely.symmetric_difference(shapely.union_all(tiles), whole)) < 1
    for inner, outer in (("oa", "msoa"), ("msoa", "district")):
        parents = dict(land.oas.select(inner, outer).unique().iter_rows())
        assert len(parents) == len(land.codes(inner)) == land.oas.select(inner, outer).unique().height
        around = land.boundaries[outer][[land.codes(outer).index_of(parents[code]) for code in land.codes(inner)]]
        tiles = land.boundaries[inner]
        assert (shapely.area(shapely.difference(tiles, around)) < 1).all()


def test_codes_are_of_one_scheme_that_has_no_real_code(country):
    codes = areas_of(country)["area"]
    assert codes.str.contains(r"^Z0[027]\d{6}$").all()
    assert codes.is_unique().all()


def test_an_address_lies_in_the_boundaries_of_its_areas(country):
    at = shapely.points(country.addresses.select("easting_m", "northing_m").to_numpy())
    for level in LEVELS:
        number = {code: row for row, code in enumerate(country.land.codes(level))}
        around = country.land.boundaries[level][country.addresses[level].replace_strict(number).to_numpy()]
        assert shapely.intersects(around, at).all()


def test_nobody_lives_on_a_campus_where_there_is_room_beside_it(country):
    at = country.addresses.select("easting_m", "northing_m").to_numpy()
    is_home = (country.addresses["class"] == "residential").to_numpy()
    campus = at[(country.addresses["class"] == "education").to_numpy()]
    apart = np.hypot(*(at[is_home][:, None, :] - campus[None, :, :]).transpose(2, 0, 1)).min(axis=1)
    assert np.mean(apart < 100) < 0.01


def test_real_wards_can_be_the_middle_areas(shared_data):
    boroughs = ("E09000001", "E09000020", "E09000033")
    wards = pl.read_csv(shared_data / "geo" / "geography" / "wards_2011_ew.csv.gz")
    wards = wards.filter(pl.col("LAD11CD").is_in(boroughs))
    areas = wards.select(
        pl.col("easting").alias("easting_m"), pl.col("northing").alias("northing_m"),
        msoa="WD11CD", district="LAD11CD", population="work_size",
    )  # fmt: skip
    made = make_country(Scale("real", 20_000, SCALES["small"].first_day, 30), 1, areas)
    land = made.land
    assert set(land.codes("msoa")) == set(wards["WD11CD"])
    assert set(land.codes("district")) == set(boroughs)
    assert land.workplaces.sum(axis=1) == pytest.approx(1)
    placed = land.msoas.join(areas, on="msoa")
    assert (placed["easting_m"] == placed["easting_m_right"]).all()
    assert (placed["district"] == placed["district_right"]).all()
    lives_in = made.addresses["msoa"].gather(made.homes_on(0)["address"])
    shares = lives_in.value_counts(name="people").join(areas, on="msoa")
    asked, drawn = (shares[name] / shares[name].sum() for name in ("population", "people"))
    assert (asked - drawn).abs().max() < 0.01


# --- people ------------------------------------------------------------------------------------------------


def test_everybody_has_one_home_on_every_day(country):
    homes = country.lives.homes
    assert homes["address"].null_count() == 0
    assert not homes.select("person", "from_day").is_duplicated().any()
    assert (homes.filter(pl.col("person").is_first_distinct())["from_day"] == LONG_AGO).all()
    assert homes["person"].n_unique() == len(country.people)
    assert (country.addresses["use"].gather(homes["address"]) == "main").all()
    spells = spells_of(country)
    gaps = spells.filter(pl.col("until") != pl.col("since").shift(-1).over("person"))
    assert (gaps["until"] == -LONG_AGO).all()


@pytest.mark.parametrize("day", [0, 60, 150, 364])
def test_a_household_is_in_one_dwelling_and_a_dwelling_has_one_household(country, day):
    homes = country.homes_on(day)
    assert homes.group_by("household").agg(pl.col("address").n_unique())["address"].max() == 1
    assert homes.group_by("address").agg(pl.col("household").n_unique())["household"].max() == 1


def test_moves_keep_households_whole(country):
    """Who lives together before the day of a move from one dwelling to another still does after it."""
    moves = country.lives.moves.filter(kind=RESIDENTIAL)
    together = country.lives.homes.join(moves.select("person", from_day="day"), on=["person", "from_day"], how="semi")
    leaders = moves.with_columns(
        household=together.sort("person", "from_day")["household"]
    ).unique(["household", "day"], keep="first", maintain_order=True)  # fmt: skip
    assert len(leaders) > 50
    members = pl.concat([country.homes_on(day).with_columns(day=pl.lit(day)) for day in leaders["day"].unique()])
    members = members.join(leaders.select("household", "day", "destination"), on=["household", "day"])
    assert (members["address"] == members["destination"]).all()


def test_moves_follow_from_the_homes(country):
    changed = country.lives.homes.with_columns(
        origin=pl.col("address").shift().over("person")
    ).filter(pl.col("origin") != pl.col("address"))  # fmt: skip
    moves = country.lives.moves
    assert len(moves) == len(changed)
    both = moves.join(changed, left_on=["person", "day"], right_on=["person", "from_day"], suffix="_home")
    assert (both["destination"] == both["address"]).all()
    assert (both["origin"] == both["origin_home"]).all()
    assert {RESIDENTIAL, FAMILY, GRADUATION, TERM} == set(moves["kind"])


def test_students_leave_in_june_and_come_in_september(country):
    moved = country.lives.moves.with_columns(
        month=(pl.lit(country.scale.first_day) + pl.duration(days=pl.col("day"))).dt.month()
    )
    assert set(moved.filter(pl.col("kind").is_in([FAMILY, GRADUATION]))["month"]) <= {5, 6, 7}
    assert set(moved.filter(kind=TERM)["month"]) <= {9, 10}
    in_june, in_august = (country.jobs_on(day).filter(pl.col("address") != NOWHERE) for day in (20, 100))
    students = country.people.filter(activity="student").select("person")
    assert len(in_june.join(students, on="person")) > 0.5 * len(students)
    assert in_august.join(students, on="person").is_empty()


@pytest.mark.parametrize(
    ("first_day", "least", "most"),
    [
        (date(2011, 3, 1), 0.6, 0.8),
        (date(2011, 8, 1), 0.0, 0.0),
        # Those who share a house, without the third who left in June; in the first days of the term, not yet all.
        (date(2011, 9, 21), 0.2, 0.7),
        (date(2011, 11, 1), 0.6, 0.8),
    ],
)
def test_students_share_houses_in_term_whenever_the_days_begin(first_day, least, most):
    made = make_country(Scale("term", 12_000, first_day, 20), seed=4)
    studying = made.people.filter(activity="student")
    sharing = studying.join(made.lives.households.filter(household_type=STUDENTS), on="household")
    day = made.homes_on(0).join(made.jobs_on(0), on="person", suffix="_job")
    found = sharing.select("person", house="household").join(day, on="person")
    there = found["household"] == found["house"]
    assert least <= there.mean() <= most
    assert ((found["address_job"] != NOWHERE) == there).all()
    assert len(sharing) > 500


def test_shares_are_those_that_were_asked_for():
    country = make_country(Scale("shares", 60_000, SCALES["small"].first_day, 92), seed=2)
    assert len(country.people) == pytest.approx(60_000, rel=0.04)
    districts = country.land.districts.sort("district")
    dwellings = country.dwellings.group_by("district").agg(n=pl.len(), second=(pl.col("use") == "second").sum())
    second = dwellings.sort("district").select(pl.col("second") / pl.col("n")).to_series()
    assert second.to_list() == pytest.approx(districts["second_share"].to_list(), abs=0.012)
    may = area_months(country).filter(level="district", month=country.scale.first_day).sort("area")
    vacant = may.select(pl.col("vacant_dwellings") / pl.col("dwellings")).to_series()
    # Houses of students stand empty only if all who share one come in September.
    assert (vacant - districts["vacant_share"]).abs().max() < 0.025
    share = may.select(pl.col("residents") / pl.col("residents").sum()).to_series()
    people = districts.select(pl.col("population") / pl.col("population").sum()).to_series()
    assert (share - people).abs().max() < 0.02


def test_people_work_by_the_law_of_gravity():
    country = make_country(Scale("work", 60_000, SCALES["small"].first_day, 2), seed=2)
    working = country.homes_on(0).join(country.jobs_on(0), on="person", suffix="_job").join(
        country.people.filter(pl.col("activity") == "full_week").select("person"), on="person"
    )  # fmt: skip
    msoas = country.land.msoas
    at = msoas.select("easting_m", "northing_m").to_numpy()
    number = {code: row for row, code in enumerate(msoas["msoa"])}
    home, work = (
        country.addresses["msoa"].gather(working[name]).replace_strict(number).to_numpy()
        for name in ("address", "address_job")
    )
    apart = np.hypot(*(at[home] - at[work]).T)
    law = country.land.workplaces
    expected = (law * np.hypot(*(at[:, None, :] - at[None, :, :]).transpose(2, 0, 1))).sum(axis=1)[home].mean()
    assert apart.mean() == pytest.approx(expected, rel=0.02)


# --- truth -------------------------------------------------------------------------------------------------


def test_counts_of_the_truth_add_up_over_levels(country, months):
    parent = dict(areas_of(country).select("area", "parent").iter_rows())
    for inner, outer in (("oa", "msoa"), ("msoa", "district")):
        below = months.filter(level=inner).with_columns(area=pl.col("area").replace_strict(parent))
        added = below.group_by("area", "month").agg(pl.exclude("level").sum()).sort("area", "month")
        above = months.filter(level=outer).sort("area", "month")
        for name in added.columns[2:]:
            np.testing.assert_allclose(added[name].to_numpy(), above[name].to_numpy(), atol=1e-6, err_msg=name)
    whole = months.filter(level="district").group_by("month").agg(pl.col("residents", "workers", "work_here").sum())
    assert (whole["residents"] - len(country.people)).abs().max() < 1e-6
    assert (whole["workers"] - whole["work_here"]).abs().max() < 1e-6


def test_no_area_has_more_households_than_people_and_some_people_work_in_another_district(country, months):
    assert (months["households"] <= months["residents"] + 1e-9).all()
    assert (months["vacant_dwellings"] >= -1e-9).all()
    census = commuting(country).filter(level="district")
    across = census.filter(pl.col("origin") != pl.col("destination"))["commuters"].sum()
    assert 0.1 < across / census["commuters"].sum() < 0.4


def test_means_of_a_month_are_those_of_its_days(country, months):
    """Counted day by day, as the definition says."""
    days = list(range(31, 61))  # June
    district = country.addresses["district"]
    residents, households = [], []
    for day in days:
        homes = country.homes_on(day).with_columns(area=district.gather(country.homes_on(day)["address"]))
        residents.append(homes.group_by("area").agg(n=pl.len()))
        households.append(homes.group_by("area").agg(n=pl.col("address").n_unique()))
    june = months.filter(level="district").filter(pl.col("month").dt.month() == 6).sort("area")
    june = june.filter(pl.col("month").dt.year() == country.scale.first_day.year)
    for name, parts in (("residents", residents), ("households", households)):
        mean = pl.concat(parts).group_by("area").agg(pl.col("n").sum() / len(days)).sort("area")
        np.testing.assert_allclose(mean["n"].to_numpy(), june[name].to_numpy(), atol=1e-9)


def test_pairs_add_up_to_the_counts_of_areas(country, months):
    moved = migration(country)
    for level in LEVELS:
        pairs = moved.filter(level=level).group_by(area="destination", month="month").agg(pl.col("movers").sum())
        both = months.filter(level=level).join(pairs, on=["area", "month"], how="left").fill_null(0)
        assert (both["moved_in"] == both["movers"]).all()
    assert moved.filter(level="district")["movers"].sum() == len(country.lives.moves)
    census = commuting(country)
    totals = census.group_by("level").agg(pl.col("commuters", "home_workers").sum())
    assert totals["commuters"].n_unique() == totals["home_workers"].n_unique() == 1
    at_home = (country.people["activity"] == "home_worker").sum()
    assert totals["home_workers"][0] == at_home


# --- shops -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shopping(country):
    return make_shopping(country)


def test_every_household_shops_at_the_retailers_that_have_prices(country, shopping):
    homes = country.homes_on(0)
    assert set(shopping.spending["household"]) == set(homes["household"])
    assert not shopping.spending.select("household", "retailer").is_duplicated().any()
    assert shopping.spending["spending_gbp"].min() > 0
    assert set(shopping.branches["retailer"]) <= {each.name for each in retailers()}
    lives = homes.select("household", "address").unique()
    assert shopping.spending.join(lives, on=["household", "address"], how="anti").is_empty()
    at = shopping.branches.select("easting_m", "northing_m").to_numpy()
    assert (country.land.codes("oa").gather(country.land.oa_of(at)) == shopping.branches["oa"]).all()


def test_households_shop_near(country, shopping):
    """Of what a district spends, more is left at a retailer whose floors are there than floors elsewhere explain."""
    shares = retailer_shares(country, shopping).filter(level="district")
    floors = shopping.branches.group_by("retailer", area="district").agg(pl.col("floor_m2").sum())
    local = floors.with_columns(local=pl.col("floor_m2") / pl.col("floor_m2").sum().over("area"))
    both = shares.join(local, on=["area", "retailer"], how="left").fill_null(0.0)
    assert np.corrcoef(both["spending_share"], both["local"])[0, 1] > 0.8


def test_where_hardly_anybody_lives_nobody_is_asked_where_they_shop(tmp_path):
    few = make_country(Scale("few", 5, date(2011, 5, 1), 3), seed=7)
    write_office_files(few, tmp_path)
    said = pl.read_csv(tmp_path / "retailer_shares" / "household_survey.csv")
    assert said.is_empty()
    assert "spending_share" in said.columns


def test_spending_adds_up_from_level_to_level(country, shopping):
    shares = retailer_shares(country, shopping)
    sums = shares.group_by("level", "retailer").agg(pl.col("spending_gbp").sum())
    for _, of in sums.group_by("retailer"):
        np.testing.assert_allclose(of["spending_gbp"], of["spending_gbp"][0])
    whole = shares.group_by("level", "area").agg(pl.col("spending_share").sum())["spending_share"]
    np.testing.assert_allclose(whole, 1.0)


def test_a_survey_of_some_households_is_off_by_what_it_says(country, shopping, files):
    said = pl.read_csv(files / "drops" / "retailer_shares" / "household_survey.csv")
    assert said.group_by("area").agg(pl.col("spending_share").sum())["spending_share"].to_numpy() == pytest.approx(
        np.ones(8), abs=2e-4
    )
    assert said["households_asked"].max() <= SURVEYED
    true = retailer_shares(country, shopping).select("area", "retailer", true="spending_share")
    both = said.join(true, on=["area", "retailer"], how="left").filter(pl.col("share_error") > 0)
    off = (both["spending_share"] - both["true"].fill_null(0)) / both["share_error"]
    assert 0.5 < off.std() < 1.6
    assert off.abs().max() < 4


# --- reference files ---------------------------------------------------------------------------------------


def test_no_code_of_the_office_is_unknown_to_its_areas(country, files):
    known = set(areas_of(country)["area"])
    former = set(pl.read_csv(files / "drops" / "area_codes" / "area_codes.csv")["code"])
    columns = {
        "population/population": ["area"],
        "migration_estimates/registered_moves": ["origin", "destination"],
        "commuting_flows/travel_to_work": ["origin", "destination"],
        "dwellings/dwellings": ["area"],
        "workers/workers": ["area"],
        "area_parts/area_parts": ["part", "area"],
        "area_codes/area_codes": ["current_code"],
        "retailer_shares/household_survey": ["area"],
    }
    for name, of in columns.items():
        rows = pl.read_csv(files / "drops" / f"{name}.csv")
        for column in of:
            assert set(rows[column]) <= known, (name, column)
    assert len(former - known) == 2


@pytest.mark.parametrize(("first_day", "counted_on"), [(date(2011, 5, 1), 0), (date(2014, 8, 20), 59)])
def test_the_office_counts_people_on_a_day_of_a_term(first_day, counted_on):
    country = make_country(Scale("term", 2_000, first_day, 60), seed=2)
    counted = population(country)
    students = country.people.filter(activity="student").select("person")
    studying = country.jobs_on(counted_on).join(students, on="person").filter(pl.col("address") != NOWHERE)
    assert counted["students"].sum() == len(studying) > 50
    assert (counted["students"] <= counted["population"]).all()
    assert counted["population"].sum() == country.people.filter(pl.col("age") >= YOUNGEST).height


def test_the_register_learns_late_and_of_some_moves_never(country, files):
    known = pl.read_csv(
        files / "drops" / "migration_estimates" / "registered_moves.csv", schema_overrides={"period": str}
    )
    true = migration(country).filter((pl.col("level") == "district") & (pl.col("origin") != pl.col("destination")))
    by_year = known.filter(pl.col("period").str.len_chars() == 4)["moves"].sum()
    assert by_year == known.filter(pl.col("period").str.len_chars() == 7)["moves"].sum()
    assert 0.3 * true["movers"].sum() < by_year < 0.9 * true["movers"].sum()


def test_an_unknown_scale_is_named():
    with pytest.raises(ValueError, match="there is no scale 'huge'; there are small and medium"):
        make_country("huge")
