"""Who tweets, how much, when and from where: tweets of simulated people, and of accounts that are none."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.geography.national_grid import from_national_grid
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.tweets.people import EMPLOYED, STUDENT, People
from ons_assets.simulate.tweets.scales import Scale

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

HOME, JOB, HAUNT, ANYWHERE, ABSENT, FIXED = range(6)
WHERE = ("home", "job", "haunt", "anywhere", "away", "fixed")

HEAVY_TAIL = 1.3
MOST_TWEETS_A_DAY = 60.0
GPS_ERROR_M = 6.0
BAD_FIX_SHARE, BAD_FIX_ERROR_M = 0.04, 60.0
HAUNTS = 4
BOT_SHARE = 0.01
BOT_KINDS = ("kiosk", "business", "bot", "bot")

# Share of the tweets of a day in each of its hours, by people awake.
HOURLY = np.array([3, 2, 1, 0.5, 0.5, 0.7, 1.5, 3, 4, 4, 4, 4.5, 5.5, 5, 4.5, 4.5, 5, 6, 7, 7.5, 8, 8.5, 7.5, 5])
# Chance of being at home, and at work or study, by hour: from Monday to Friday, and at the weekend.
AT_HOME = np.array([
    .93, .95, .95, .95, .95, .95, .9, .75, .4, .25, .2, .2,
    .2, .2, .2, .25, .3, .45, .6, .7, .75, .8, .85, .9,
])  # fmt: skip
AT_JOB = np.array([
    0, 0, 0, 0, 0, 0, .01, .05, .3, .55, .6, .6,
    .5, .55, .6, .55, .45, .2, .07, .03, .02, .01, 0, 0,
])  # fmt: skip
AT_HOME_WEEKEND = np.array([
    .85, .88, .9, .92, .92, .92, .92, .9, .85, .75, .65, .55,
    .5, .5, .5, .5, .5, .55, .6, .6, .6, .65, .7, .8,
])  # fmt: skip

APPLICATIONS = ("Twitter for iPhone", "Twitter for Android", "Instagram", "Foursquare", "Twitter Web Client")
APPLICATION_SHARES = (0.52, 0.3, 0.1, 0.05, 0.03)
AUTOMATED = "TweetMyJOBS"


@dataclass(frozen=True)
class Tweets:
    """Tweets with a position, sorted by time.

    Parameters
    ----------
    author, second, easting_m, northing_m, where, application : arrays, shape (n,)
        Number of the account; seconds of the local clock since the first day; position as measured;
        index into `WHERE`; index into `APPLICATIONS`, or -1 for `AUTOMATED`.
    """

    author: IntArray
    second: IntArray
    easting_m: FloatArray
    northing_m: FloatArray
    where: npt.NDArray[np.int8]
    application: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """How many tweets there are."""
        return len(self.author)

    def take(self, rows: npt.NDArray[np.generic]) -> "Tweets":
        """Return some of them."""
        return Tweets(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def degrees(self) -> tuple[FloatArray, FloatArray]:
        """Return latitude and longitude."""
        return from_national_grid(self.easting_m, self.northing_m)


def choose_users(people: People, scale: Scale, seed: int) -> IntArray:
    """Return the people who tweet: the young and students far more often than others.

    Parameters
    ----------
    people
        Ages, and who studies.
    scale
        Says how many users there are.
    seed
        Seed of the world.

    Raises
    ------
    ValueError
        If they are more than the people.
    """
    if scale.users > len(people.status):
        raise ValueError(f"{scale.users:,} users are more than the {len(people.status):,} people of 16 and over")
    inclination = np.array([3.0, 1.6, 0.7, 0.2])[people.age] + (people.status == STUDENT)
    keys = generator(seed, "users").exponential(size=len(inclination)) / inclination
    return np.sort(np.argpartition(keys, scale.users - 1)[: scale.users]).astype(np.int64)


def tweets_of_people(people: People, users: IntArray, places: FloatArray, scale: Scale, seed: int) -> Tweets:
    """Let people tweet from where they are.

    Parameters
    ----------
    people
        Everybody, with their homes and jobs.
    users
        Numbers of the people who tweet.
    places
        Easting and northing of the addresses in metres, shape (n_addresses, 2).
    scale
        Says how many days and tweets a day there are.
    seed
        Seed of the world.
    """
    random = generator(seed, "tweets", int(users[0]) if len(users) else 0)
    author, day, hour = _when(random, users, scale)
    weekend = (day + scale.first_day.weekday()) % 7 >= 5
    status = people.status[author]
    home = _address_on(people.homes, author, day)
    job = _address_on(people.jobs, author, day)
    chance_home = np.where(weekend, AT_HOME_WEEKEND[hour], AT_HOME[hour])
    # Those without a job are at home for half of the hours that others work.
    idle = job < 0
    chance_home = np.where(idle & ~weekend, chance_home + AT_JOB[hour] / 2, chance_home)
    regular = np.where(status == EMPLOYED, 1.0, 0.7)
    chance_job = np.where(idle | weekend, 0.0, AT_JOB[hour] * regular)
    draw = random.random(len(author))
    where = np.where(draw < chance_home, HOME, np.where(draw < chance_home + chance_job, JOB, HAUNT)).astype(np.int8)
    where[(where == HAUNT) & (random.random(len(author)) < 0.35)] = ANYWHERE

    position = places[home]
    at_job = where == JOB
    position[at_job] = places[job[at_job]]
    haunting = where == HAUNT
    position[haunting] = _haunts(random, position[haunting], author[haunting])
    wandering = where == ANYWHERE
    position[wandering] += random.normal(0, 2_500, (wandering.sum(), 2))
    _send_away(people.absences, author, day, position, where, random)
    bad = random.random(len(author)) < BAD_FIX_SHARE
    position += random.normal(0, 1, position.shape) * np.where(bad, BAD_FIX_ERROR_M, GPS_ERROR_M)[:, None]
    favourite = generator(seed, "applications").choice(
        len(APPLICATIONS), int(users.max(initial=0)) + 1, p=APPLICATION_SHARES
    )
    application = np.where(random.random(len(author)) < 0.9, favourite[author], random.integers(0, 5, len(author)))
    second = day * 86_400 + hour * 3_600 + random.integers(0, 3_600, len(author))
    return Tweets(author, second, position[:, 0], position[:, 1], where, application.astype(np.int8))


def tweets_of_machines(places: FloatArray, scale: Scale, first_author: int, seed: int) -> tuple[Tweets, pl.DataFrame]:
    """Return the tweets of kiosks, businesses and bots, and what each account is.

    Parameters
    ----------
    places
        Easting and northing in metres of the addresses that machines stand at, shape (n_addresses, 2).
    scale
        Says how many users, days and tweets a day there are.
    first_author
        Number of the first machine; those of people are smaller.
    seed
        Seed of the world.

    Returns
    -------
    tweets, accounts
        accounts: author, kind.
    """
    random = generator(seed, "machines")
    n = max(4, round(scale.users * BOT_SHARE))
    kind = np.array(BOT_KINDS)[np.arange(n) % len(BOT_KINDS)]
    per_day = random.uniform(1.0, 12.0, n) * min(1.0, scale.tweets_per_day * 3)
    counts = np.maximum(random.poisson(per_day * scale.days), 25)
    machine = np.repeat(np.arange(n), counts)
    total = len(machine)
    base = places[random.integers(0, len(places), n)]
    position = base[machine]
    roams = kind[machine] == "bot"
    position[roams] = places[random.integers(0, len(places), roams.sum())]
    second = random.integers(0, scale.days * 86_400, total)
    # One bot in two posts by the clock.
    on_time = roams & (machine % 8 == 2)
    second[on_time] = second[on_time] // 3_600 * 3_600 + 7 * 60 + random.integers(0, 30, on_time.sum())
    application = np.where(kind[machine] == "kiosk", 4, -1).astype(np.int8)
    tweets = Tweets(
        first_author + machine,
        second,
        position[:, 0],
        position[:, 1],
        np.full(total, FIXED, dtype=np.int8),
        application,
    )
    return tweets, pl.DataFrame({"author": first_author + np.arange(n), "kind": kind})


def outages(scale: Scale, seed: int) -> IntArray:
    """Return when the collector was down: first and last second of each outage, fewer than days; shape (n, 2)."""
    random, n = generator(seed, "outages"), min(scale.outages, scale.days - 1)
    slot = scale.days * 86_400 // max(n, 1)
    start = np.arange(n) * slot + random.integers(slot // 8, slot // 2, n)
    length = random.integers(8 * 3_600, min(60 * 3_600, slot // 3), n)
    return np.column_stack([start, start + length]).astype(np.int64)


def collected(second: IntArray, down: IntArray) -> npt.NDArray[np.bool_]:
    """Return which tweets the collector was up for."""
    if not len(down):
        return np.ones(len(second), dtype=bool)
    latest = np.searchsorted(down[:, 0], second, side="right") - 1
    outside: npt.NDArray[np.bool_] = (latest < 0) | (second > down[np.maximum(latest, 0), 1])
    return outside


def _when(random: np.random.Generator, users: IntArray, scale: Scale) -> tuple[IntArray, IntArray, IntArray]:
    """Authors, days and hours; the rates of people have a heavy tail."""
    rate = np.exp(random.normal(np.log(scale.tweets_per_day) - HEAVY_TAIL**2 / 2, HEAVY_TAIL, len(users)))
    counts = random.poisson(np.minimum(rate, MOST_TWEETS_A_DAY) * scale.days)
    author = np.repeat(users, counts)
    day = random.integers(0, scale.days, len(author))
    hour = random.choice(24, len(author), p=HOURLY / HOURLY.sum())
    return author, day, hour


def _address_on(spells: pl.DataFrame, person: IntArray, day: IntArray) -> IntArray:
    """The address of each person on a day: the last spell that has begun."""
    reach = 1 << 20
    key = spells["person"].to_numpy() * reach + spells["from_day"].to_numpy() + reach // 2
    at = np.searchsorted(key, person * reach + day + reach // 2, side="right") - 1
    return spells["address"].to_numpy()[at]


def _haunts(random: np.random.Generator, home: FloatArray, author: IntArray) -> FloatArray:
    """One of a few places near home where a person keeps going; always the same ones for a home."""
    choice = np.minimum((random.random(len(author)) ** 2 * HAUNTS).astype(np.int64), HAUNTS - 1)
    seeds = (author * 31 + choice * 7 + home[:, 0].astype(np.int64)).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    angle = (seeds >> np.uint64(40)).astype(np.float64) / (1 << 24) * 2 * np.pi
    reach = 300 + (seeds >> np.uint64(20) & np.uint64(0xFFFFF)).astype(np.float64) / (1 << 20) * 2_500
    place: FloatArray = home + np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    return place


def _send_away(
    absences: pl.DataFrame, author: IntArray, day: IntArray, position: FloatArray, where: npt.NDArray[np.int8],
    random: np.random.Generator,
) -> None:  # fmt: skip
    if absences.is_empty():
        return
    person = absences["person"].to_numpy()
    at = np.minimum(np.searchsorted(person, author), len(person) - 1)
    first, last = absences["from_day"].to_numpy()[at], absences["to_day"].to_numpy()[at]
    away = (person[at] == author) & (day >= first) & (day <= last)
    hotel = absences.select("easting_m", "northing_m").to_numpy()[at[away]]
    # Half of the tweets of a holiday come from the hotel.
    out = random.random(away.sum()) < 0.5
    position[away] = hotel + random.normal(0, 3_000, hotel.shape) * out[:, None]
    where[away] = ABSENT
