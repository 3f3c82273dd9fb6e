"""The simulated world of phones: files of operators and of the office on one side, the truth on the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.country import Country, commuting, write_office_files
from ons_assets.simulate.country.households import ACTIVITIES
from ons_assets.simulate.mobile import files
from ons_assets.simulate.mobile.away import Travellers
from ons_assets.simulate.mobile.company import Companions, Company
from ons_assets.simulate.mobile.company import companions as find_companions
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import Network, make_network, plan_table
from ons_assets.simulate.mobile.people import (
    AGES,
    COMMUTERS,
    CONTRACTS,
    HAS_PHONE,
    OPERATORS,
    SECOND_OF_OTHERS,
    SECOND_OF_WORKERS,
    SITES,
    WORKERS,
    People,
    Phones,
    country_of,
    make_phones,
    operator_shares,
    people_of,
)
from ons_assets.simulate.mobile.scales import Scale, scale_of
from ons_assets.simulate.mobile.travel import HOME_MCC, HOME_MNC, make_journeys, make_visitors
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

# What another operator's own method gets wrong, and the least flow that it delivers.
MISPLACED, OTHERS_K = 0.04, 10
SILENT_DAYS = (3, 5)
# What an office must have to make people of phones.
OFFICE = ("area_codes", "area_parts", "commuting_flows", "workers")


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
    country: Country | None = None,
    operators: Sequence[str] = OPERATORS[:1],
    company: Company | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Simulate the phones of the people of a country, and write what operators and the market would have of it.

    Parameters
    ----------
    drops
        Folder for the files, in one folder for each source: cells, devices, phone_events (of `operators`),
        aggregated_flows (of the other operators) and phone_market.
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
    country
        Whose people have the phones, all of them, and whose office tells of areas and commuting. None for one of the
        people, days and seed of this world, of which the files of `OFFICE` are written too.
    operators
        Operators whose events are written; the others deliver flows. Of none, nothing is told of masts and presence.
    company
        Who goes about together; None if every phone has days of its own.
    progress
        Called with days done and days in all.
    """
    size = scale_of(scale)
    country = country or _country_with_its_office(size, seed, drops)
    size, wards = replace(size, people=len(country.people)), Wards(country.land)
    people = people_of(country, wards, size, seed)
    phones = make_phones(people, wards, seed)
    companions = find_companions(people, phones, company, seed) if company is not None else None
    devices = files.device_names(phones)
    truth.mkdir(parents=True, exist_ok=True)
    written = Written(drops)
    faults: list[dict[str, object]] = []
    outages, present, away, done = [], [], [], 0
    for name in operators:
        network = make_network(wards, name, seed)
        written.csv("cells", f"cells_{name}.csv", plan_table(network, size.first_day.replace(month=1, day=1)))
        chosen = np.flatnonzero(phones.operator == OPERATORS.index(name))
        written.csv("devices", f"devices_{name}.csv", files.register(phones, people, devices, chosen, name))
        operator = Operator(name, people, phones, wards, network, size, seed, companions)
        travellers = _travellers(operator, people, phones, wards, network, size, seed)
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
            by_hour = operator.wards(day) if travellers is None else travellers.moved(operator.wards(day), day)
            present.append(_present(wards, operator, by_hour, date_))
            done += 1
            if progress is not None:
                progress(done, size.days * len(operators))
    for name in OPERATORS:
        if name not in operators:
            table = _flows_of_another(people, phones, wards, name, size, seed)
            written.csv("aggregated_flows", f"flows_{name}.csv", table)
    written.csv("phone_market", "phone_market.csv", _market(wards, people, seed))
    _write_truth(truth, wards, people, phones, devices, faults)
    _write_flows(truth, country, size)
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


def _country_with_its_office(size: Scale, seed: int, drops: Path) -> Country:
    country = country_of(size, seed)
    write_office_files(country, drops, OFFICE)
    return country


def _write_flows(truth: Path, country: Country, size: Scale) -> None:
    """Write the true travel to work of the first day that is observed."""
    flows = commuting(country, (size.first_day - country.scale.first_day).days)
    for name, level in (("district", "district"), ("ward", "msoa")):
        flows.filter(level=level).drop("level").write_parquet(truth / f"flows_{name}.parquet")


def _write_parts(truth: Path, parts: Mapping[str, Sequence[pl.DataFrame]]) -> None:
    """Write tables that were made part by part; of none there is no file."""
    for name, tables in parts.items():
        if tables:
            pl.concat(tables).write_parquet(truth / f"{name}.parquet")


def _travellers(
    operator: Operator, people: People, phones: Phones, wards: Wards, network: Network, size: Scale, seed: int
) -> Travellers | None:
    if not size.travels:
        return None
    journeys, visitors = make_journeys(people, wards, size, seed), make_visitors(wards, size, seed)
    return Travellers(operator, journeys, visitors, people, phones, wards, network, size, seed)


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


def _present(wards: Wards, operator: Operator, by_hour: np.ndarray, day: date) -> pl.DataFrame:
    counts = np.stack([np.bincount(of_hour[of_hour >= 0], minlength=wards.n) for of_hour in by_hour])
    hour, ward = np.nonzero(counts)
    return pl.DataFrame(
        {
            "hour": hour.astype(np.int8),
            "ward": wards.table["ward"].gather(ward),
            "district": wards.table["district"].gather(ward),
            "devices": counts[hour, ward],
        }
    ).select(pl.lit(operator.name).alias("operator"), pl.lit(day).alias("day"), pl.all())


def _flows_of_another(
    people: People, phones: Phones, wards: Wards, operator: str, size: Scale, seed: int
) -> pl.DataFrame:
    """Flows as another operator delivers them, by a method of its own that misplaces some devices."""
    random = generator(seed, "delivered", operator)
    chosen = np.flatnonzero((phones.operator == OPERATORS.index(operator)) & (people.age[phones.person] > 0))
    person = phones.person[chosen]
    seen = random.random(len(person)) < np.where(phones.contract[chosen] == 1, 0.82, 0.95)
    person = person[seen]
    codes = wards.land.districts["former_code"]
    home, work = wards.district[people.home[person]], wards.district[np.maximum(people.work[person], 0)]
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


def _market(wards: Wards, people: People, seed: int) -> pl.DataFrame:
    """What a regulator publishes: rounded, by district, and without what only this world knows."""
    second = np.where(np.isin(people.activity, WORKERS), SECOND_OF_WORKERS, SECOND_OF_OTHERS)
    of_person = operator_shares(wards, seed)[wards.district[people.home], people.age]
    rows = []
    table = pl.DataFrame(
        {
            "area": wards.table["district"].gather(people.home),
            "adult": people.age > 0,
            "phones": HAS_PHONE[people.age] * (1 + second),
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


def _write_companions(truth: Path, companions: Companions | None, devices: pl.Series) -> None:
    if companions is None:
        return
    partners = pl.DataFrame({"person": np.arange(len(companions.partner)), "partner": companions.partner})
    partners.filter(pl.col("partner") >= 0).write_parquet(truth / "partners.parquet")
    at_home = devices.gather(np.flatnonzero(companions.stays_home))
    pl.DataFrame({"device": at_home}).write_parquet(truth / "phones_at_home.parquet")


def _write_truth(
    truth: Path, wards: Wards, people: People, phones: Phones, devices: pl.Series, faults: list[dict[str, object]],
) -> None:  # fmt: skip
    ward, district = wards.table["ward"], wards.table["district"]
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
    wards.table.write_parquet(truth / "wards.parquet")
    if faults:
        pl.DataFrame(faults).write_parquet(truth / "faults.parquet")
