"""The simulated world of phones: files of operators and of the office on one side, the truth on the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country as WholeCountry
from ons_assets.simulate.country.households import ACTIVITIES
from ons_assets.simulate.mobile import files
from ons_assets.simulate.mobile.away import Travellers
from ons_assets.simulate.mobile.company import Companions, Company
from ons_assets.simulate.mobile.company import companions as find_companions
from ons_assets.simulate.mobile.country import Country, make_country
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import Network, make_network, plan_table
from ons_assets.simulate.mobile.people import (
    AGES,
    COMMUTERS,
    CONTRACTS,
    OPERATORS,
    SECOND_OF_OTHERS,
    SITES,
    WORKERS,
    People,
    Phones,
    make_people,
    make_phones,
    operator_shares,
    true_flows,
)
from ons_assets.simulate.mobile.scales import Scale, scale_of
from ons_assets.simulate.mobile.settling import people_of, wards_of
from ons_assets.simulate.mobile.travel import HOME_MCC, HOME_MNC, make_journeys, make_visitors
from ons_assets.simulate.prices.seeds import generator

# What another operator's own method gets wrong, and the least flow that it delivers.
MISPLACED, OTHERS_K = 0.04, 10
SILENT_DAYS = (3, 5)
BENCHMARK = "census"


@dataclass(frozen=True)
class Summary:
    """What was simulated."""

    drops: Path
    truth: Path
    scale: str
    first_day: date
    last_day: date
    people: int
    workers: int
    devices: dict[str, int]
    events: int
    bytes: int


def simulate_mobile(
    drops: Path,
    truth: Path,
    *,
    scale: str | Scale = "demo",
    seed: int = 1,
    areas: pl.DataFrame | None = None,
    whole: WholeCountry | None = None,
    operators: Sequence[str] = OPERATORS[:1],
    company: Company | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Simulate people with phones, and write what operators and the office would have of it.

    Parameters
    ----------
    drops
        Folder for the files, in one folder for each source: cells, devices, phone_events (of `operators`),
        aggregated_flows (of the other operators), commuting_flows (the census), workers, phone_market,
        area_parts and area_codes.
    truth
        Folder for the truth, as Parquet: people (person, home and work as ward and district, age,
        activity), phones (device, person, operator, contract, is_second), flows_district and flows_ward,
        faults (by operator and day), outages (operator, day, cell_id), present (operator, day, hour, ward, district,
        devices: phones of the operator by where they truly are in the middle of the hour, seen or not); with company
        also partners (person, partner) and phones_at_home (device); of a scale in which people travel also trips and
        nights, see `ons_assets.simulate.mobile.travel`.
    scale
        ``"demo"``, ``"medium"``, ``"tourism"``, ``"full"`` or a `Scale`.
    seed
        The same seed gives the same files, byte by byte.
    areas
        Wards to use instead of the invented country, see `make_country`.
    whole
        A country whose people have the phones; its office tells of commuting and areas, so that this world does not.
    operators
        Operators whose events are written; the others deliver flows. Of none, nothing is told of masts and presence.
    company
        Who lives and goes about together; None if everybody lives alone, and every phone has days of its own.
    progress
        Called with days done and days in all.
    """
    size = scale_of(scale)
    size, country, people = _populated(size, seed, areas, whole)
    phones = make_phones(people, country, seed)
    companions = find_companions(people, phones, company, seed) if company is not None else None
    people = companions.people if companions is not None else people
    devices = files.device_names(phones)
    truth.mkdir(parents=True, exist_ok=True)
    written = Written(drops)
    faults: list[dict[str, object]] = []
    outages, present, away, done = [], [], [], 0
    for name in operators:
        network = make_network(country, name, seed)
        written.csv("cells", f"cells_{name}.csv", plan_table(network, size.first_day.replace(month=1, day=1)))
        chosen = np.flatnonzero(phones.operator == OPERATORS.index(name))
        written.csv("devices", f"devices_{name}.csv", files.register(phones, people, devices, chosen, name))
        operator = Operator(name, people, phones, country, network, size, seed, companions)
        travellers = _travellers(operator, people, phones, country, network, size, seed)
        if travellers is not None:
            away.append(travellers.truth(devices))
        for day in range(size.days):
            silent = _silent_masts(network, name, day, size.faults.silent_masts, seed)
            date_, cell_ids, events = (
                size.first_day + timedelta(day),
                network.table["cell_id"],
                operator.events(day, silent),
            )
            events = events if travellers is None else travellers.at_home(events, day)
            more = None if travellers is None else travellers.table(day, date_, devices, cell_ids)
            written.day(
                files.event_table(events, name, date_, devices, cell_ids), size, seed, name, date_, faults, more
            )
            outages.append(_outage(network, silent, name, date_))
            wards = operator.wards(day) if travellers is None else travellers.moved(operator.wards(day), day)
            present.append(_present(country, operator, wards, date_))
            done += 1
            if progress is not None:
                progress(done, size.days * len(operators))
    for name in OPERATORS:
        if name not in operators:
            table = _flows_of_another(people, phones, country, name, size, seed)
            written.csv("aggregated_flows", f"flows_{name}.csv", table)
    _write_office(written, country, people, size, seed, is_whole=whole is not None)
    _write_truth(truth, country, people, phones, devices, faults)
    if companions is not None:
        _write_companions(truth, companions, devices)
    trips_and_nights = zip(("trips", "nights"), zip(*away, strict=True), strict=False)
    _write_parts(truth, {"outages": outages, "present": present, **dict(trips_and_nights)})
    return Summary(
        drops=drops,
        truth=truth,
        scale=size.name,
        first_day=size.first_day,
        last_day=files.last_day(size.first_day, size.days),
        people=size.people,
        workers=int(np.isin(people.activity, WORKERS).sum()),
        devices={name: int(np.sum(phones.operator == number)) for number, name in enumerate(OPERATORS)},
        events=written.events,
        bytes=written.bytes,
    )


def _populated(
    size: Scale, seed: int, areas: pl.DataFrame | None, whole: WholeCountry | None
) -> tuple[Scale, Country, People]:
    if whole is None:
        country = make_country(seed, areas)
        return size, country, make_people(country, size, seed)
    size, country = replace(size, people=len(whole.people)), wards_of(whole)
    return size, country, people_of(whole, country, size, seed)


def _write_parts(truth: Path, parts: Mapping[str, Sequence[pl.DataFrame]]) -> None:
    """Write tables that were made part by part; of none there is no file."""
    for name, tables in parts.items():
        if tables:
            pl.concat(tables).write_parquet(truth / f"{name}.parquet")


def _travellers(
    operator: Operator, people: People, phones: Phones, country: Country, network: Network, size: Scale, seed: int
) -> Travellers | None:
    if not size.travels:
        return None
    journeys, visitors = make_journeys(people, country, size, seed), make_visitors(country, size, seed)
    return Travellers(operator, journeys, visitors, people, phones, country, network, size, seed)


class Written:
    """The files that were written, and how much is in them."""

    def __init__(self, drops: Path) -> None:
        self._drops, self.events, self.bytes = drops, 0, 0

    def path(self, source: str, name: str) -> Path:
        """Return the path of a file of a source."""
        folder = self._drops / source
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def csv(self, source: str, name: str, table: pl.DataFrame) -> None:
        """Write a table as CSV.

        Parameters
        ----------
        source
            Folder of the drops.
        name
            Name of the file.
        table
            Rows, written with a header.
        """
        path = self.path(source, name)
        table.write_csv(path)
        self.bytes += path.stat().st_size

    def day(
        self,
        table: pl.DataFrame,
        size: Scale,
        seed: int,
        operator: str,
        day: date,
        faults: list[dict[str, object]],
        more: pl.DataFrame | None = None,
    ) -> None:
        """Write a day of events, with faults if it is text.

        Parameters
        ----------
        table
            Events of an operator and a day.
        size
            Says whether events are text, with faults, or Parquet.
        seed
            Seed of the world.
        operator, day
            Whose events they are; they name the file.
        faults
            Takes the number of faults by kind, a row for each day.
        more
            Events of people who travel, without faults, with mcc, mnc and plmn.
        """
        self.events += len(table) + (len(more) if more is not None else 0)
        if size.as_csv:
            table, counts = files.with_faults(table, size.faults, seed, operator, day)
            faults.append({"operator": operator, "day": day, **counts})
        if more is not None:
            home = {"mcc": pl.lit(HOME_MCC), "mnc": pl.lit(HOME_MNC), "plmn": pl.lit(None, dtype=pl.String())}
            text = (
                more.with_columns(time_utc=pl.col("time_utc").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
                if size.as_csv
                else more
            )
            table = pl.concat([table.with_columns(**home), text.select(*table.columns, *home)])
        name = f"events_{operator}_{day}.{'csv.gz' if size.as_csv else 'parquet'}"
        self.bytes += files.write_day(self.path("phone_events", name), table)


def _silent_masts(network: Network, operator: str, day: int, number: int, seed: int) -> np.ndarray:
    """Masts that are out of order: so many, for two days."""
    masts = network.table["mast"].unique().sort().to_numpy()
    chosen = generator(seed, "outages", operator).choice(masts, number, replace=False)
    return chosen if SILENT_DAYS[0] <= day < SILENT_DAYS[1] else chosen[:0]


def _outage(network: Network, silent: np.ndarray, operator: str, day: date) -> pl.DataFrame:
    cells = network.table.filter(pl.col("mast").is_in(pl.Series(silent).implode()))
    return cells.select(pl.lit(operator).alias("operator"), pl.lit(day).alias("day"), "cell_id")


def _present(country: Country, operator: Operator, wards: np.ndarray, day: date) -> pl.DataFrame:
    counts = np.stack([np.bincount(of_hour[of_hour >= 0], minlength=country.n) for of_hour in wards])
    hour, ward = np.nonzero(counts)
    return pl.DataFrame(
        {
            "hour": hour.astype(np.int8),
            "ward": country.wards["ward"].gather(ward),
            "district": country.wards["district"].gather(ward),
            "devices": counts[hour, ward],
        }
    ).select(pl.lit(operator.name).alias("operator"), pl.lit(day).alias("day"), pl.all())


def _flows_of_another(
    people: People, phones: Phones, country: Country, operator: str, size: Scale, seed: int
) -> pl.DataFrame:
    """Flows as another operator delivers them, by a method of its own that misplaces some devices."""
    random = generator(seed, "delivered", operator)
    chosen = np.flatnonzero((phones.operator == OPERATORS.index(operator)) & (people.age[phones.person] > 0))
    person = phones.person[chosen]
    seen = random.random(len(person)) < np.where(phones.contract[chosen] == 1, 0.82, 0.95)
    person = person[seen]
    codes = country.districts["former_code"] if size.level == "district" else country.wards["ward"]
    number = country.district if size.level == "district" else np.arange(country.n)
    home, work = number[people.home[person]], number[np.maximum(people.work[person], 0)]
    astray = random.random(len(person)) < MISPLACED
    work = np.where(astray, random.permutation(work), work)
    placed = np.isin(people.activity[person], COMMUTERS)
    several = people.activity[person] == SITES
    destination = codes.gather(work).to_numpy()
    destination = np.where(placed, destination, np.where(several, "several_sites", "none_seen"))
    rows = pl.DataFrame({"origin": codes.gather(home), "destination": pl.Series(destination.astype(str))})
    counted = rows.group_by("origin", "destination").agg(devices=pl.len())
    totals = rows.group_by("origin").agg(devices=pl.len()).with_columns(destination=pl.lit("all"))
    both = pl.concat([counted, totals.select(counted.columns)]).filter(pl.col("devices") >= OTHERS_K)
    return both.sort("origin", "destination").select(
        observed=pl.lit(f"{size.first_day}/{files.last_day(size.first_day, size.days)}"),
        operator=pl.lit(operator),
        contract=pl.lit("all"),
        age_group=pl.lit("all"),
        origin="origin",
        destination="destination",
        devices="devices",
        is_suppressed=pl.lit(False),
    )


def _write_office(
    written: Written, country: Country, people: People, size: Scale, seed: int, *, is_whole: bool
) -> None:
    """Write what the office knows; of a whole country it knows all but the market from the country itself."""
    level = size.level
    written.csv("phone_market", "phone_market.csv", _market(country, people, level, seed))
    if is_whole:
        return
    census = true_flows(people, country, level).select(
        pl.lit(BENCHMARK).alias("benchmark"), "origin", "destination", "commuters", "home_workers"
    )
    written.csv("commuting_flows", "travel_to_work.csv", census)
    commuters = census.with_columns(workers=pl.col("commuters") - pl.col("home_workers"))
    sides = [
        commuters.group_by(area=side).agg(pl.col("workers").sum()).with_columns(side=pl.lit(name))
        for side, name in (("origin", "home"), ("destination", "work"))
    ]
    written.csv("workers", "workers.csv", pl.concat(sides).select("area", "side", "workers").sort("side", "area"))
    residents = np.bincount(people.home, minlength=country.n)
    parts = country.wards.select(
        "easting_m", "northing_m", part="ward", area=level, residents=pl.Series(residents)
    ).select("part", "area", pl.col("easting_m", "northing_m").round(1), "residents")
    written.csv("area_parts", "area_parts.csv", parts)
    if level == "district":
        codes = country.districts
        names = ("district", "former_code")
        history = pl.concat([codes.select(code=each, current_code="district", name="name") for each in names])
        written.csv("area_codes", "area_codes.csv", history.unique("code").sort("code"))


def _market(country: Country, people: People, level: str, seed: int) -> pl.DataFrame:
    """What a regulator publishes: rounded, by area, and without what only this world knows."""
    shares = operator_shares(country, seed)
    owner = np.array([0.45, 0.97, 0.98, 0.93, 0.72])[people.age]
    working = np.isin(people.activity, WORKERS)
    second = np.where(working, 0.14, SECOND_OF_OTHERS)
    codes = country.wards[level]
    of_person = shares[country.district[people.home], people.age]
    rows = []
    table = pl.DataFrame(
        {
            "area": codes.gather(people.home),
            "adult": people.age > 0,
            "phones": owner * (1 + second),
            "second": second,
            **{name: of_person[:, number] for number, name in enumerate(OPERATORS)},
        }
    ).filter("adult")  # fmt: skip
    by_area = table.group_by("area").agg(
        population=pl.len(),
        phones_per_person=pl.col("phones").mean().round(2),
        second_phone_share=pl.col("second").mean().round(2),
        **{name: (pl.col(name) * pl.col("phones")).sum() / pl.col("phones").sum() for name in OPERATORS},
    )
    for name in OPERATORS:
        rows.append(
            by_area.select(
                pl.lit(name).alias("operator"),
                "area",
                pl.lit("all").alias("age_group"),
                "population",
                "phones_per_person",
                pl.col(name).round(2).alias("operator_share"),
                pl.lit(0.33).alias("prepaid_share"),
                "second_phone_share",
            )
        )
    return pl.concat(rows).sort("operator", "area")


def _write_companions(truth: Path, companions: Companions, devices: pl.Series) -> None:
    partners = pl.DataFrame({"person": np.arange(len(companions.partner)), "partner": companions.partner})
    partners.filter(pl.col("partner") >= 0).write_parquet(truth / "partners.parquet")
    at_home = devices.gather(np.flatnonzero(companions.stays_home))
    pl.DataFrame({"device": at_home}).write_parquet(truth / "phones_at_home.parquet")


def _write_truth(
    truth: Path, country: Country, people: People, phones: Phones, devices: pl.Series, faults: list[dict[str, object]],
) -> None:  # fmt: skip
    ward, district = country.wards["ward"], country.wards["district"]
    has_place = pl.Series(people.work >= 0)
    work = np.maximum(people.work, 0)
    table = pl.DataFrame(
        {
            "person": np.arange(len(people.home)),
            "home_ward": ward.gather(people.home),
            "home_district": district.gather(people.home),
            "work_ward": ward.gather(work),
            "work_district": district.gather(work),
            "age_group": pl.Series(AGES).gather(people.age),
            "activity": pl.Series(ACTIVITIES).gather(people.activity),
            "home_easting_m": people.home_at[:, 0],
            "home_northing_m": people.home_at[:, 1],
        }
    ).with_columns(pl.when(has_place).then(pl.col(name)).alias(name) for name in ("work_ward", "work_district"))
    table.write_parquet(truth / "people.parquet")
    pl.DataFrame(
        {
            "device": devices,
            "person": phones.person,
            "operator": pl.Series(OPERATORS).gather(phones.operator),
            "contract": pl.Series(CONTRACTS).gather(phones.contract),
            "is_second": phones.is_second,
        }
    ).write_parquet(truth / "phones.parquet")
    for level in ("district", "ward"):
        true_flows(people, country, level).write_parquet(truth / f"flows_{level}.parquet")
    country.wards.write_parquet(truth / "wards.parquet")
    if faults:
        pl.DataFrame(faults).write_parquet(truth / "faults.parquet")
