"""The simulated world: drops of tweets on one side, the truth on the other."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country
from ons_assets.simulate.tweets import files, habits
from ons_assets.simulate.tweets.habits import WHERE, Tweets
from ons_assets.simulate.tweets.people import AGE_GROUPS, STUDENT, FloatArray, People, country_of, people_of, terms_of
from ons_assets.simulate.tweets.scales import Scale, scale_of

STATUS = ("employed", "student", "at_home")
SEXES = ("female", "male")
USERS_AT_ONCE = 200_000


@dataclass(frozen=True)
class Summary:
    """What was simulated."""

    drops: Path
    truth: Path
    scale: str
    first_day: date
    last_day: date
    people: int
    users: int
    tweets: int
    bytes: int
    moves: int
    terms: list[tuple[date, date]]


def simulate_tweets(
    drops: Path,
    truth: Path,
    *,
    scale: str | Scale = "small",
    seed: int = 1,
    country: Country | None = None,
) -> Summary:
    """Simulate people who tweet, and write what a collector would leave of it.

    Parameters
    ----------
    drops
        Folder for the files of tweets: `tweets_<day>.json.gz`, or `points_<day>.parquet`.
    truth
        Folder for the truth, as Parquet: areas (districts), addresses, and of everybody of 16 and over: people
        (`resident`, the number in the country, status, age, user or not), homes and jobs (person, user_id, from_day,
        area, position), moves (with the day on which the register learns of them), population (by area: people,
        students in term time on the last day, users), population_by_group (by area, age and sex: people, students on
        the last day), flows (origin, destination, month, people); outages, accounts (user_id, kind), tweets (tweet_id,
        user_id, where; not at full scale), faults, deleted.
    scale
        ``"small"``, ``"medium"``, ``"full"`` or a `Scale`.
    seed
        The same seed gives the same files, byte by byte.
    country
        Whose people tweet, through all of its days; None for that of `country_of`, with this seed.
    """
    size = scale_of(scale)
    for folder in (drops, truth):
        folder.mkdir(parents=True, exist_ok=True)
    if country is None:
        country = country_of(size, seed)
    size = replace(size, first_day=country.scale.first_day, days=country.scale.days)
    people, places = people_of(country, seed), country.addresses.select("easting_m", "northing_m").to_numpy()
    users = habits.choose_users(people, size, seed)
    down = habits.outages(size, seed)
    tweets, accounts = _tweets(people, users, places, size, seed, down)
    utc_s = files.utc_seconds(tweets.second, size)
    ids = files.tweet_ids(utc_s)
    if size.as_json:
        written, faults, deleted = files.write_json(drops, tweets, utc_s, ids, size, seed)
        faults.write_parquet(truth / "faults.parquet")
        deleted.write_parquet(truth / "deleted.parquet")
    else:
        written = files.write_points(drops, tweets, utc_s, ids, size)
    _write_truth(truth, country, people, users, size, accounts, down)
    if size.name != "full":
        pl.DataFrame(
            {
                "tweet_id": ids,
                "user_id": tweets.author + files.FIRST_USER_ID,
                "where": pl.Series(WHERE, dtype=pl.String()).gather(tweets.where.astype(np.int64)),
            }
        ).write_parquet(truth / "tweets.parquet")
    return Summary(
        drops=drops,
        truth=truth,
        scale=size.name,
        first_day=size.first_day,
        last_day=size.first_day + timedelta(size.days - 1),
        people=len(people.status),
        users=len(users),
        tweets=len(tweets),
        bytes=written,
        moves=len(people.moves),
        terms=terms_of(size),
    )


def _tweets(
    people: People, users: np.ndarray, places: FloatArray, size: Scale, seed: int, down: np.ndarray
) -> tuple[Tweets, pl.DataFrame]:
    parts = []
    for start in range(0, len(users), USERS_AT_ONCE):
        made = habits.tweets_of_people(people, users[start : start + USERS_AT_ONCE], places, size, seed)
        parts.append(made.take(habits.collected(made.second, down)))
    machines, accounts = habits.tweets_of_machines(places, size, len(people.status), seed)
    parts.append(machines.take(habits.collected(machines.second, down)))
    joined = Tweets(*(np.concatenate([getattr(part, name) for part in parts]) for name in Tweets.__dataclass_fields__))
    del parts
    return joined.take(np.lexsort((joined.author, joined.second))), accounts


def _write_truth(
    truth: Path, country: Country, people: People, users: np.ndarray, size: Scale, accounts: pl.DataFrame,
    down: np.ndarray,
) -> None:  # fmt: skip
    user_id = pl.when(pl.col("person").is_in(pl.Series(users).implode())).then(pl.col("person") + files.FIRST_USER_ID)

    def day(column: str) -> pl.Expr:
        return (pl.lit(size.first_day) + pl.duration(days=pl.col(column))).cast(pl.Date())

    def spells(frame: pl.DataFrame) -> pl.DataFrame:
        lived = frame.filter(pl.col("address") >= 0)
        begins = pl.when(pl.col("from_day") > 0).then(day("from_day"))
        placed = country.addresses.select(pl.col("district").alias("area"), "easting_m", "northing_m")
        return lived.select("person", user_id=user_id, from_day=begins).with_columns(placed[lived["address"]])

    moves = people.moves.select(
        "person",
        "kind",
        "origin",
        "destination",
        user_id=user_id,
        moved_on=day("day"),
        registered_on=pl.when(pl.col("registered_day").is_not_null()).then(day("registered_day")),
        is_student=pl.Series(people.status == STUDENT).gather(people.moves["person"]),
    )
    flows = (
        moves.filter(pl.col("origin") != pl.col("destination"))
        .group_by("origin", "destination", month=pl.col("moved_on").dt.month_start())
        .agg(people=pl.len())
        .sort("month", "origin", "destination")
    )
    lived, areas = _lived(country, people, users), country.land.districts.rename({"district": "area"})
    everyone = pl.concat([pl.DataFrame({"author": users}).with_columns(kind=pl.lit("person")), accounts])
    tables = {
        "areas": areas.select("area", "name", "easting_m", "northing_m", "radius_m", "population", "student_share"),
        "addresses": country.addresses.with_columns(area="district"),
        "people": lived.select(
            "person", "status", "age", "is_male", studies_last_day="studies", user_id=user_id, resident="resident"
        ),
        "homes": spells(people.homes),
        "jobs": spells(people.jobs),
        "moves": moves,
        "flows": flows,
        "population": _population(areas.select("area"), lived),
        "population_by_group": _population_by_group(lived),
        "accounts": everyone.select(user_id=pl.col("author") + files.FIRST_USER_ID, kind="kind"),
        "outages": pl.DataFrame(
            {"from_s": files.utc_seconds(down[:, 0], size), "to_s": files.utc_seconds(down[:, 1], size)}
        ).select(
            from_utc=pl.from_epoch("from_s").dt.replace_time_zone("UTC"),
            to_utc=pl.from_epoch("to_s").dt.replace_time_zone("UTC"),
        ),
    }
    for name, table in tables.items():
        table.write_parquet(truth / f"{name}.parquet")


def _lived(country: Country, people: People, users: np.ndarray) -> pl.DataFrame:
    """A row a person, with the area of the home on the first and on the last day."""
    n, district = len(people.status), country.addresses["district"]
    first, last = (people.homes.unique("person", keep=keep, maintain_order=True) for keep in ("first", "last"))
    last_job = people.jobs.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    return pl.DataFrame(
        {
            "person": np.arange(n),
            "resident": people.resident,
            "status": pl.Series(STATUS, dtype=pl.String()).gather(people.status),
            "age": pl.Series(AGE_GROUPS, dtype=pl.String()).gather(people.age),
            "is_male": people.is_male,
            "sex": pl.Series(SEXES, dtype=pl.String()).gather(people.is_male.astype(np.int64)),
            "first": district.gather(first["address"]),
            "last": district.gather(last["address"]),
            "studies": (people.status == STUDENT) & (last_job >= 0),
            "is_user": np.isin(np.arange(n), users),
        }
    )


def _population(areas: pl.DataFrame, lived: pl.DataFrame) -> pl.DataFrame:
    """People by the area of their home, on the first and on the last day."""
    counted = {
        "population": lived["first"],
        "population_last_day": lived["last"],
        "students_last_day": lived.filter("studies")["last"],
        "users": lived.filter("is_user")["first"],
    }
    for name, where in counted.items():
        number = where.alias("area").value_counts(name=name).with_columns(pl.col(name).cast(pl.Int64()))
        areas = areas.join(number, on="area", how="left", maintain_order="left").with_columns(pl.col(name).fill_null(0))
    return areas


def _population_by_group(lived: pl.DataFrame) -> pl.DataFrame:
    """People by the area of their home on the first day, age and sex; students by that of the last day."""
    cell = ["area", "age", "sex"]
    counted = lived.rename({"first": "area"}).group_by(cell).agg(population=pl.len())
    students = lived.filter("studies").rename({"last": "area"}).group_by(cell).agg(students_last_day=pl.len())
    joined = counted.join(students, on=cell, how="full", coalesce=True)
    return joined.with_columns(pl.col("population", "students_last_day").fill_null(0)).sort(cell)
