"""The simulated world: drops of tweets on one side, the truth on the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country
from ons_assets.simulate.tweets import files, habits
from ons_assets.simulate.tweets.habits import WHERE, Tweets
from ons_assets.simulate.tweets.people import AGE_GROUPS, STUDENT, People, make_people, terms_of
from ons_assets.simulate.tweets.scales import Scale, scale_of
from ons_assets.simulate.tweets.settling import people_of, towns_of
from ons_assets.simulate.tweets.towns import Towns, make_towns

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
    areas: pl.DataFrame | None = None,
    country: Country | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Simulate people who tweet, and write what a collector would leave of it.

    Parameters
    ----------
    drops
        Folder for the files of tweets: `tweets_<day>.json.gz`, or `points_<day>.parquet`.
    truth
        Folder for the truth, as Parquet: areas, addresses, people (by person: status, age, user or not),
        homes and jobs (person, user_id, from_day, area, position), moves (of everybody, with the day on
        which the register learns of them), population (by area: people, students in term time on the
        last day, users), population_by_group (by area, age and sex: people, students on the last day), flows
        (origin, destination, month, people), outages, accounts (user_id, kind), tweets (tweet_id, user_id, where;
        not at full scale), faults, deleted.
    scale
        ``"small"``, ``"medium"``, ``"full"`` or a `Scale`.
    seed
        The same seed gives the same files, byte by byte.
    areas
        Areas to use instead of the invented towns, see `make_towns`.
    country
        A country whose people tweet, through all of its days; `people` of the truth has their numbers in it as
        `resident`.
    progress
        Called with users done and users in all.
    """
    size = scale_of(scale)
    for folder in (drops, truth):
        folder.mkdir(parents=True, exist_ok=True)
    if country is not None:
        size = replace(size, first_day=country.scale.first_day, days=country.scale.days)
        towns = towns_of(country)
        people = people_of(country, towns, size, seed)
    else:
        towns = make_towns(seed, size.users * size.people_per_user, areas)
        people = make_people(towns, size, seed)
    users = habits.choose_users(people, size, seed)
    down = habits.outages(size, seed)
    tweets, accounts = _tweets(people, users, towns, size, seed, down, progress)
    utc_s = files.utc_seconds(tweets.second, size)
    ids = files.tweet_ids(utc_s)
    if size.as_json:
        written, faults, deleted = files.write_json(drops, tweets, utc_s, ids, size, seed)
        faults.write_parquet(truth / "faults.parquet")
        deleted.write_parquet(truth / "deleted.parquet")
    else:
        written = files.write_points(drops, tweets, utc_s, ids, size)
    _write_truth(truth, towns, people, users, size, accounts, down)
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
    people: People, users: np.ndarray, towns: Towns, size: Scale, seed: int, down: np.ndarray,
    progress: Callable[[int, int], None] | None,
) -> tuple[Tweets, pl.DataFrame]:  # fmt: skip
    parts = []
    for start in range(0, len(users), USERS_AT_ONCE):
        made = habits.tweets_of_people(people, users[start : start + USERS_AT_ONCE], towns, size, seed)
        parts.append(made.take(habits.collected(made.second, down)))
        if progress is not None:
            progress(min(start + USERS_AT_ONCE, len(users)), len(users))
    machines, accounts = habits.tweets_of_machines(towns, size, len(people.status), seed)
    parts.append(machines.take(habits.collected(machines.second, down)))
    joined = Tweets(*(np.concatenate([getattr(part, name) for part in parts]) for name in Tweets.__dataclass_fields__))
    del parts
    return joined.take(np.lexsort((joined.author, joined.second))), accounts


def _write_truth(
    truth: Path, towns: Towns, people: People, users: np.ndarray, size: Scale, accounts: pl.DataFrame, down: np.ndarray
) -> None:
    names = towns.table["area"]
    user_id = pl.when(pl.col("person").is_in(pl.Series(users).implode())).then(pl.col("person") + files.FIRST_USER_ID)
    area_of = pl.Series(towns.area_of_address)

    def day(column: str) -> pl.Expr:
        return (pl.lit(size.first_day) + pl.duration(days=pl.col(column))).cast(pl.Date())

    def spells(frame: pl.DataFrame) -> pl.DataFrame:
        lived = frame.filter(pl.col("address") >= 0)
        at = lived["address"].to_numpy()
        return lived.select(
            "person",
            user_id=user_id,
            from_day=pl.when(pl.col("from_day") > 0).then(day("from_day")),
            area=names.gather(area_of.gather(at)),
            easting_m=pl.Series(towns.position[at, 0]),
            northing_m=pl.Series(towns.position[at, 1]),
        )

    moves = people.moves.with_columns(
        origin=pl.lit(names).gather("origin"), destination=pl.lit(names).gather("destination")
    ).select(
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
    last_job = people.jobs.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    person = pl.DataFrame(
        {
            "person": np.arange(len(people.status)),
            "status": pl.Series(STATUS, dtype=pl.String()).gather(people.status),
            "age": pl.Series(AGE_GROUPS, dtype=pl.String()).gather(people.age),
            "is_male": people.is_male,
            "studies_last_day": (people.status == STUDENT) & (last_job >= 0),
        }
    ).with_columns(user_id=user_id, **({} if people.resident is None else {"resident": people.resident}))
    everyone = pl.concat([pl.DataFrame({"author": users, "kind": ["person"] * len(users)}), accounts])
    tables = {
        "areas": towns.table,
        "addresses": towns.addresses,
        "people": person,
        "homes": spells(people.homes),
        "jobs": spells(people.jobs),
        "moves": moves,
        "flows": flows,
        "population": _population(towns, people, users),
        "population_by_group": _population_by_group(towns, people),
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


def _population(towns: Towns, people: People, users: np.ndarray) -> pl.DataFrame:
    """People by the area of their home, on the first and on the last day."""
    first = people.homes.unique("person", keep="first", maintain_order=True)["address"].to_numpy()
    last = people.homes.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    area_first, area_last = towns.area_of_address[first], towns.area_of_address[last]
    last_job = people.jobs.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    is_student = (people.status == STUDENT) & (last_job >= 0)
    is_user = np.zeros(len(people.status), dtype=bool)
    is_user[users] = True

    def count(area: np.ndarray) -> np.ndarray:
        return np.bincount(area, minlength=towns.n)

    return pl.DataFrame(
        {
            "area": towns.table["area"],
            "population": count(area_first),
            "population_last_day": count(area_last),
            "students_last_day": count(area_last[is_student]),
            "users": count(area_first[is_user]),
        }
    )


def _population_by_group(towns: Towns, people: People) -> pl.DataFrame:
    """People by the area of their home on the first day, age and sex; students by that of the last day."""
    first = people.homes.unique("person", keep="first", maintain_order=True)["address"].to_numpy()
    last = people.homes.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    last_job = people.jobs.unique("person", keep="last", maintain_order=True)["address"].to_numpy()
    groups = pl.DataFrame(
        {
            "age": pl.Series(AGE_GROUPS, dtype=pl.String()).gather(people.age),
            "sex": pl.Series(SEXES, dtype=pl.String()).gather(people.is_male.astype(np.int64)),
            "studies": (people.status == STUDENT) & (last_job >= 0),
        }
    )
    at_first, at_last = (
        groups.with_columns(area=towns.table["area"].gather(pl.Series(towns.area_of_address[home])))
        for home in (first, last)
    )
    cell = ["area", "age", "sex"]
    counted = at_first.group_by(cell).agg(population=pl.len())
    students = at_last.filter("studies").group_by(cell).agg(students_last_day=pl.len())
    joined = counted.join(students, on=cell, how="full", coalesce=True)
    return joined.with_columns(pl.col("population", "students_last_day").fill_null(0)).sort(cell)
