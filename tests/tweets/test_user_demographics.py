"""Ages and sexes of users: files that supply them, and a model of the others."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from ons_assets.intake.pseudonyms import pseudonym
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.tweets import DemographicsParameters
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.tweets import Scale, country_of, simulate_tweets, write_user_demographics
from ons_assets.tweets.demographics_files import DemographicsFiles
from ons_assets.tweets.user_demographics import grouped_population, user_demographics

RECEIVED = datetime(2016, 1, 1, tzinfo=UTC)
PEOPLE = pl.DataFrame(
    {
        "area": ["A"] * 4 + ["B"] * 4,
        "age": ["young", "young", "old", "old"] * 2,
        "sex": ["female", "male"] * 4,
        "population": [10.0, 10.0, 40.0, 40.0, 45.0, 45.0, 5.0, 5.0],
        "students": [5.0, 5.0, 0.0, 0.0] * 2,
    }
)


def users_of(*rows):
    schema = {"user": pl.Int64(), "area": pl.String(), "studies": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def supplied_of(*rows):
    return pl.DataFrame(rows, schema=["user", "age", "sex", "probability"], orient="row")


# --- the table -----------------------------------------------------------------------------------------


def test_what_is_supplied_is_kept_and_adds_up_to_one():
    supplied = supplied_of((1, "young", "female", 0.6), (1, "old", "female", 0.2), (1, "unborn", "female", 0.2))
    found = user_demographics(users_of((1, "A", False)), supplied, PEOPLE)
    assert found.select("age", "sex", "probability", "is_supplied").rows() == [
        ("old", "female", pytest.approx(0.25), True),
        ("young", "female", pytest.approx(0.75), True),
    ]


def test_others_are_as_those_of_their_area_who_study_or_do_not():
    n = 400
    supplied = supplied_of(
        *(
            (user, "young" if user % 4 or user < 100 else "old", "female" if user % 2 else "male", 1.0)
            for user in range(n)
        )
    )
    known = [(user, "A" if user % 2 else "B", user < 100) for user in range(n)]
    found = user_demographics(
        users_of(*known, (900, "A", False), (901, "B", False), (902, "A", True)), supplied, PEOPLE
    )
    assert found.group_by("user").agg(pl.col("probability").sum())["probability"].to_numpy() == pytest.approx(1)
    young = found.filter(~pl.col("is_supplied"), age="young").group_by("user").agg(pl.col("probability").sum())
    by_user = dict(young.rows())
    assert by_user[901] > by_user[900] > 0.1
    assert by_user[902] > 0.8


def test_of_groups_that_the_population_has_not_nothing_is_said():
    supplied = supplied_of((1, "<=18", "all", 1.0))
    assert user_demographics(users_of((1, "A", False)), supplied, PEOPLE).is_empty()
    by_area = PEOPLE.with_columns(age=pl.lit("all"), sex=pl.lit("all")).unique("area")
    assert user_demographics(users_of((1, "A", False)), supplied_of((1, "young", "all", 1.0)), by_area).is_empty()


def test_where_only_sexes_are_supplied_people_are_divided_by_sex_alone():
    supplied = supplied_of((1, "all", "female", 0.9), (1, "all", "male", 0.1))
    grouped = grouped_population(PEOPLE, supplied)
    assert grouped.select("area", "age", "sex", "population").row(0) == ("A", "all", "female", 50.0)
    found = user_demographics(users_of((1, "A", False)), supplied, PEOPLE)
    assert found["age"].unique().to_list() == ["all"]
    assert dict(found.select("sex", "probability").rows()) == {"female": pytest.approx(0.9), "male": pytest.approx(0.1)}


def test_unlikely_groups_are_left_out():
    supplied = supplied_of((1, "young", "female", 0.9995), (1, "old", "female", 0.0005))
    found = user_demographics(users_of((1, "A", False)), supplied, PEOPLE, DemographicsParameters())
    assert found["probability"].to_list() == [1.0]


# --- the files -----------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path):
    return DemographicsFiles((tmp_path / "layouts",), home=Home(tmp_path / "home").ensure())


def read(source, tmp_path, *lines):
    path = tmp_path / "users.csv"
    path.write_text("\n".join(lines) + "\n")
    return source.whole(path, path.name, RECEIVED)


def test_users_have_the_pseudonyms_of_their_tweets(source, tmp_path):
    piece = read(source, tmp_path, "user,age,sex,probability", "738118115595165697,19-29,female,0.75")
    row = piece.accepted.row(0, named=True)
    assert row["user"] == pseudonym("738118115595165697", source.home.secret())
    assert (row["age"], row["sex"], row["probability"]) == ("19-29", "female", 0.75)


def test_what_is_said_without_a_probability_is_certain(source, tmp_path):
    piece = read(source, tmp_path, "user,sex", "7,male")
    assert piece.accepted.select("age", "sex", "probability").rows() == [("all", "male", 1.0)]


def test_rows_that_say_nothing_are_rejected_one_by_one(source, tmp_path):
    piece = read(
        source,
        tmp_path,
        "user,age,sex,probability",
        "1,16-24,,0.5",
        ",16-24,,0.5",
        "2,,,1",
        "3,16-24,,1.5",
        "4,16-24,,much",
    )
    assert len(piece.accepted) == 1
    assert piece.rejected.select("line", "reason").rows() == [
        (3, "user is missing"),
        (4, "neither age nor sex is said"),
        (5, "probability is no number from 0 to 1"),
        (6, "probability is no number from 0 to 1"),
    ]


def test_names_that_became_pseudonyms_were_read(source, tmp_path):
    piece = read(source, tmp_path, "user,sex", "anna,female", ",female", "ben,male")
    assert (len(piece.accepted), len(piece.rejected), piece.warnings) == (2, 1, ())


# --- the simulated classifier --------------------------------------------------------------------------


def test_the_simulated_classifier_is_as_sure_as_it_is_right(tmp_path):
    size = Scale("tiny", 1_500, 4, date(2014, 8, 20), 3, 0.1, False, 1)
    country = country_of(size, seed=1)
    made = simulate_tweets(tmp_path / "d", tmp_path / "t", scale=size, seed=1, country=country)
    write_office_files(country, tmp_path)
    write_user_demographics(tmp_path / "t", tmp_path, seed=1, share=1.0)
    rows = pl.read_csv(tmp_path / "user_demographics" / "classified.csv")
    truly = pl.read_parquet(tmp_path / "t" / "people.parquet").select(user="user_id", true="age")
    by_age = rows.group_by("user", "age").agg(pl.col("probability").sum()).join(truly, on="user")
    for low in np.arange(0, 1, 0.25):
        some = by_age.filter(pl.col("probability").is_between(low, low + 0.25))
        if len(some) > 200:
            right = some.select((pl.col("age") == pl.col("true")).mean()).item()
            assert right == pytest.approx(some["probability"].mean(), abs=0.06)
    people = pl.read_csv(tmp_path / "population" / "population.csv")
    assert people.select("area", "age", "sex").is_unique().all()
    assert people["population"].sum() == made.people
    assert people.select((pl.col("students") <= pl.col("population")).all()).item()
