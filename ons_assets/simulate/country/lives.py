"""What people of the simulated country live through: homes, jobs, terms and moves."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from ons_assets.simulate.country.addresses import MAIN
from ons_assets.simulate.country.households import COMMUTING, STUDENTS
from ons_assets.simulate.country.land import IntArray, Land, choose
from ons_assets.simulate.country.scales import Scale
from ons_assets.simulate.prices.seeds import generator

LONG_AGO, NOWHERE = -10_000, -1
MOVES_A_YEAR, SAME_DISTRICT = 0.10, 0.55
MONTH_WEIGHT = np.array([0.7, 0.7, 0.9, 0.9, 0.9, 1.1, 1.2, 1.4, 1.6, 1.1, 0.8, 0.7])
# Days of the year (month, day) about which students come and go, and how far from them.
TERM_BEGINS, TERM_ENDS, COME_DAYS, LEAVE_DAYS = (9, 21), (6, 18), 4.0, 5.0
FRESHER, RETURNER, LEAVER = range(3)
WITH_PARENTS = ("family", "lone_parent", "couple_working", "adult_family")
BACK_TO_FAMILY = 0.5
RESIDENTIAL, TERM, FAMILY, GRADUATION = "residential", "term", "family", "graduation"


@dataclass(frozen=True)
class Lives:
    """Spells, each from a day on until the next of the same household or person; day 0 is the first of the scale.

    Parameters
    ----------
    households
        household, household_type: those of the first day, and those that graduates found.
    tenancies
        household, from_day, address: a dwelling.
    memberships
        person, from_day, household, because ("first", or the kind of move).
    homes
        person, from_day, household, address.
    jobs
        person, from_day, address: place of work or study; -1 none.
    moves
        person, day, origin, destination (addresses), kind ("residential", "term", "family", "graduation").
    """

    households: pl.DataFrame
    tenancies: pl.DataFrame
    memberships: pl.DataFrame
    homes: pl.DataFrame
    jobs: pl.DataFrame
    moves: pl.DataFrame


def day_of(scale: Scale, month_day: tuple[int, int]) -> int:
    """Return the number of a day in the year in which a scale begins; days before it are negative."""
    return (date(scale.first_day.year, *month_day) - scale.first_day).days


def make_lives(
    land: Land, addresses: pl.DataFrame, households: pl.DataFrame, people: pl.DataFrame, scale: Scale, seed: int
) -> Lives:
    """Let people live through the days of a scale.

    Households move whole, into dwellings that are free. Of students who share a house, a third come in September, a
    third go home in June and come back, a third graduate in June. Terms are those of the year in which the days begin.

    Parameters
    ----------
    land, addresses, households, people
        Of the country; a household lives in its small area.
    scale
        Days.
    seed
        Seed of the country.
    """
    housing = _Housing(land, addresses, households, seed)
    students = _Students(land, households, people, scale, seed)
    founded = students.founders(len(households))
    changes = pl.concat([_residential(households, scale, seed), founded.select("household", "day", "district")])
    tenancies = housing.lived(changes)
    memberships = students.memberships(people, founded)
    homes = _homes(memberships, tenancies)
    own = founded.select("household", household_type=pl.lit("single_working"))
    everybody = pl.concat([households.select("household", "household_type"), own])
    moves = _moves(homes, memberships)
    return Lives(everybody, tenancies, memberships, homes, _jobs(land, addresses, people, homes, students, seed), moves)


def _residential(households: pl.DataFrame, scale: Scale, seed: int) -> pl.DataFrame:
    """Return which households move, and when; where to is not said: household, day, district (null)."""
    random = generator(seed, "residential moves")
    weight = MONTH_WEIGHT[[(scale.first_day + timedelta(day)).month - 1 for day in range(scale.days)]]
    settled = households.filter(pl.col("household_type") != STUDENTS)["household"].to_numpy()
    moves = settled[random.random(len(settled)) < MOVES_A_YEAR * weight.sum() / 365]
    days = random.choice(scale.days, len(moves), p=weight / weight.sum())
    return pl.DataFrame({"household": moves, "day": days}).with_columns(district=pl.lit(None, dtype=pl.Int64()))


class _Housing:
    """Dwellings, and which of them are free."""

    def __init__(self, land: Land, addresses: pl.DataFrame, households: pl.DataFrame, seed: int) -> None:
        self._random, self._land = generator(seed, "housing"), land
        self._district = _numbers(addresses["district"], land.codes("district"))
        dwellings = addresses.with_row_index("address").filter(use=MAIN).select(
            pl.col("address").cast(pl.Int64()), oa=pl.col("oa").replace_strict(land.oas["oa"], range(len(land.oas)))
        )  # fmt: skip
        shuffled = dwellings[self._random.permutation(len(dwellings))]
        ranked = shuffled.with_columns(place=pl.int_range(pl.len()).over("oa"))
        wanted = households.with_columns(place=pl.int_range(pl.len()).over("oa"))
        taken = wanted.join(ranked, on=["oa", "place"], how="left").sort("household")
        self.first = taken["address"].to_numpy()
        free = ranked.join(taken, on="address", how="anti").sort("address")["address"].to_numpy()
        self._free = [list(free[self._district[free] == row]) for row in range(len(land.districts))]

    def lived(self, changes: pl.DataFrame) -> pl.DataFrame:
        """Return the tenancies: each household takes a dwelling that is free on its day, and leaves its own."""
        rows = [(household, LONG_AGO, address) for household, address in enumerate(self.first)]
        at = dict(enumerate(self.first))
        for household, day, district in changes.sort("day", "household").iter_rows():
            old = at.get(household, NOWHERE)
            target = self._target(old) if district is None else district
            # Where nothing is free, one goes where most is.
            free = self._free[target] or max(self._free, key=len)
            at[household] = free.pop(int(self._random.integers(len(free))))
            if old != NOWHERE:
                self._free[self._district[old]].append(old)
            rows.append((household, day, at[household]))
        schema = {name: pl.Int64() for name in ("household", "from_day", "address")}
        return pl.DataFrame(rows, schema=schema, orient="row").sort("household", "from_day")

    def _target(self, address: int) -> int:
        own = int(self._district[address])
        if self._random.random() < SAME_DISTRICT:
            return own
        return int(choose(self._random, self._land.destinations, np.array([own]))[0])


class _Students:
    """Those who study: how far they are, when their terms begin and end, and where their families live."""

    def __init__(self, land: Land, households: pl.DataFrame, people: pl.DataFrame, scale: Scale, seed: int) -> None:
        random = generator(seed, "students")
        studying = people.filter(activity="student").join(households, on="household", maintain_order="left")
        n = len(studying)
        self.person, self.house = studying["person"].to_numpy(), studying["household"].to_numpy()
        self.shares = (studying["household_type"] == STUDENTS).to_numpy()
        lives_in = land.number("district")
        self.district = lives_in[studying["oa"].to_numpy()]
        parents = households.filter(pl.col("household_type").is_in(WITH_PARENTS))
        of_parents = lives_in[parents["oa"].to_numpy()]
        by_district = [parents["household"].to_numpy()[of_parents == row] for row in range(len(land.districts))]
        elsewhere, draw = choose(random, land.destinations, self.district), random.random(n)
        chosen = [
            by_district[row][int(part * len(by_district[row]))] for row, part in zip(elsewhere, draw, strict=True)
        ]
        self.family = np.array(chosen, dtype=np.int64)
        self._first_flat = choose(random, land.destinations, self.district)
        self._founds = random.random(n) >= BACK_TO_FAMILY
        self.stage = np.where(self.shares, random.integers(0, 3, n), RETURNER)
        leaves = day_of(scale, TERM_ENDS) + np.rint(random.normal(0, LEAVE_DAYS, n)).astype(np.int64)
        comes = day_of(scale, TERM_BEGINS) + np.rint(random.normal(0, COME_DAYS, n)).astype(np.int64)
        self.leaves, self.comes = leaves, comes
        before_june, since_september = leaves > 0, comes <= 0
        self.in_term = (before_june & (self.stage != FRESHER)) | (since_september & (self.stage != LEAVER))
        self.goes = self.in_term & before_june & (leaves < scale.days)
        self.arrives = (self.stage != LEAVER) & (comes > 0) & (comes < scale.days)
        self.graduates = self.goes & (self.stage == LEAVER)

    def founders(self, first: int) -> pl.DataFrame:
        """Return the households that graduates found, numbered from `first` on: person, household, day, district."""
        who = self.graduates & self._founds
        return pl.DataFrame(
            {
                "person": self.person[who],
                "household": first + np.arange(int(who.sum())),
                "day": self.leaves[who],
                "district": self._first_flat[who],
            }
        )

    def memberships(self, people: pl.DataFrame, founded: pl.DataFrame) -> pl.DataFrame:
        """Return of which household everybody is from when on: person, from_day, household, because."""
        start = people["household"].to_numpy().copy()
        away = self.shares & ~self.in_term
        start[self.person[away]] = self.family[away]
        after = np.full(len(people), NOWHERE)
        after[self.person] = self.family
        after[founded["person"].to_numpy()] = founded["household"].to_numpy()
        after = after[self.person]
        back, graduates, arrives = self.shares & self.goes & ~self.graduates, self.graduates, self.shares & self.arrives
        parts = [
            _spells(np.arange(len(people)), np.full(len(people), LONG_AGO), start, "first"),
            _spells(self.person[back], self.leaves[back], self.family[back], FAMILY),
            _spells(self.person[graduates], self.leaves[graduates], after[graduates], GRADUATION),
            _spells(self.person[arrives], self.comes[arrives], self.house[arrives], TERM),
        ]
        return pl.concat(parts).sort("person", "from_day")

    def jobs(self, campus: IntArray) -> pl.DataFrame:
        """Return where they study from when on, -1 out of term: person, from_day, address.

        Parameters
        ----------
        campus
            Address of each student in term, shape (n,).
        """
        parts = [
            _places(self.person, np.full(len(campus), LONG_AGO), np.where(self.in_term, campus, NOWHERE)),
            _places(self.person[self.goes], self.leaves[self.goes], np.full(int(self.goes.sum()), NOWHERE)),
            _places(self.person[self.arrives], self.comes[self.arrives], campus[self.arrives]),
        ]
        return pl.concat(parts)


def _places(person: IntArray, day: IntArray, address: IntArray) -> pl.DataFrame:
    return pl.DataFrame({"person": person, "from_day": day, "address": address})


def _spells(person: IntArray, day: IntArray, household: IntArray, because: str) -> pl.DataFrame:
    rows = {"person": person, "from_day": day, "household": household}
    return pl.DataFrame(rows).with_columns(pl.lit(because).alias("because"))


def _homes(memberships: pl.DataFrame, tenancies: pl.DataFrame) -> pl.DataFrame:
    """Return where everybody lives from when on: of a household, wherever that lives."""
    until = pl.col("from_day").shift(-1).over("person").fill_null(-LONG_AGO)
    during = memberships.with_columns(until=until).join(
        tenancies.rename({"from_day": "since"}), on="household"
    ).filter((pl.col("since") < pl.col("until")) & (pl.col("since") > pl.col("from_day")))  # fmt: skip
    days = pl.concat(
        [
            memberships.select("person", "from_day", "household"),
            during.select("person", from_day="since", household="household"),
        ]
    ).sort("from_day")
    placed = days.join_asof(tenancies.sort("from_day"), on="from_day", by="household", check_sortedness=False)
    return placed.select("person", "from_day", "household", "address").sort("person", "from_day")


def _moves(homes: pl.DataFrame, memberships: pl.DataFrame) -> pl.DataFrame:
    before = pl.col("address").shift().over("person")
    changed = homes.with_columns(origin=before).filter(pl.col("origin") != pl.col("address"))
    because = memberships.select("person", "from_day", kind="because")
    return changed.join(because, on=["person", "from_day"], how="left").select(
        "person",
        "origin",
        day="from_day",
        destination="address",
        kind=pl.col("kind").fill_null(RESIDENTIAL),
    ).sort("person", "day")  # fmt: skip


def _jobs(
    land: Land, addresses: pl.DataFrame, people: pl.DataFrame, homes: pl.DataFrame, students: _Students, seed: int
) -> pl.DataFrame:
    """Places of work by gravity, drawn anew by who moves to another district; those of study in term."""
    random = generator(seed, "jobs")
    msoa, district = (_numbers(addresses[level], land.codes(level)) for level in ("msoa", "district"))
    working = people.filter(pl.col("activity").is_in(COMMUTING)).select("person")
    lived = homes.join(working, on="person", how="semi", maintain_order="left")
    lives_in = pl.Series(district[lived["address"].to_numpy()])
    changes = lived.with_columns(district=lives_in).filter(
        (pl.col("district") != pl.col("district").shift().over("person")).fill_null(value=True)
    )
    work = choose(random, land.workplaces, msoa[changes["address"].to_numpy()])
    places = _draw(random, addresses, "commercial", msoa, work)
    others = people.filter(~pl.col("activity").is_in([*COMMUTING, "student"]))["person"].to_numpy()
    parts = [
        _places(changes["person"].to_numpy(), changes["from_day"].to_numpy(), places),
        students.jobs(_draw(random, addresses, "education", district, students.district)),
        _places(others, np.full(len(others), LONG_AGO), np.full(len(others), NOWHERE)),
    ]
    return pl.concat(parts).sort("person", "from_day")


def _numbers(codes: pl.Series, of: pl.Series) -> IntArray:
    return codes.replace_strict(of, range(len(of)), return_dtype=pl.Int64()).to_numpy()


def _draw(
    random: np.random.Generator, addresses: pl.DataFrame, kind: str, area_of_address: IntArray, area: IntArray
) -> IntArray:
    """One of the addresses of a class in each area; the nearest area above has some where one has none."""
    of_kind = np.flatnonzero((addresses["class"] == kind).to_numpy())
    ordered = of_kind[np.argsort(area_of_address[of_kind], kind="stable")]
    first, end = (np.searchsorted(area_of_address[ordered], area, side=side) for side in ("left", "right"))
    place = np.minimum(first + (random.random(len(area)) * (end - first)).astype(np.int64), len(ordered) - 1)
    return np.asarray(ordered[place], dtype=np.int64)
