"""Homes whose truth is known, on which occupancy is judged: simulated, at real levels of use, and one real.

Seeds 1 to 10 and every other home of EDRP are there to choose by, seeds 101 to 120 and the rest to judge by. The
real home with truth (ECO) is only judged.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import brentq

from ons_assets.simulate.meters import EquipmentShares, Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.survey import dwelling_of

FIRST_DAYS = (dt.date(2009, 9, 1), dt.date(2010, 2, 1), dt.date(2009, 6, 1), dt.date(2010, 11, 1))
FLOOR_KWH = 0.005
# Readings of the CER trial are kW: half of them is the energy of half an hour.
CER_HOURS = 0.5
CER_HOMES = 2_672

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Homes:
    """Readings and truth of homes.

    Parameters
    ----------
    name
        Of the world.
    kwh, occupied
        (rows, 48), kWh and whether somebody was in; NaN where not known.
    offsets
        Rows of home h are ``offsets[h]:offsets[h + 1]``.
    main
        Whether it is the main home of somebody, (homes,).
    equipment
        Of each home, the kinds of large equipment it has.
    dwelling_type
        Of each home; none where no home's is known.
    """

    name: str
    kwh: npt.NDArray[np.float32]
    occupied: Array
    offsets: npt.NDArray[np.int64]
    main: npt.NDArray[np.bool_]
    equipment: tuple[frozenset[str], ...]
    dwelling_type: tuple[str, ...] = ()

    def only(self, kept: npt.NDArray[np.bool_], name: str) -> "Homes":
        """Return some of the homes."""
        rows = kept.repeat(np.diff(self.offsets))
        return Homes(
            name,
            self.kwh[rows],
            self.occupied[rows],
            np.concatenate([[0], np.cumsum(np.diff(self.offsets)[kept])]),
            self.main[kept],
            tuple(each for each, keep in zip(self.equipment, kept, strict=True) if keep),
            tuple(each for each, keep in zip(self.dwelling_type, kept, strict=False) if keep),
        )


def eco(folder: Path) -> Homes:
    """Read house 2 of ECO on its calendar: days without data are missing throughout."""
    rows = pl.read_csv(folder / "meters" / "eco_house2_half_hour.csv.gz", try_parse_dates=True)
    day = rows["time_start"].dt.date().to_physical().to_numpy()
    slot = rows["slot"].to_numpy() - 1
    kwh = np.full((day.max() - day.min() + 1, 48), np.nan, dtype=np.float32)
    occupied = np.full(kwh.shape, np.nan)
    kwh[day - day.min(), slot] = rows["kwh"].to_numpy()
    occupied[day - day.min(), slot] = rows["occupied_share"].to_numpy() >= 0.5
    return Homes("ECO house 2", kwh, occupied, np.array([0, len(kwh)]), np.array([True]), (frozenset(),))


def simulated(seeds: range, homes: int, days: int, equipment: EquipmentShares | None = None) -> Homes:
    """Simulate so many homes with each seed, which start in September, February, June or November in turn."""
    worlds: list[SimulatedHome] = []
    for seed in seeds:
        scale = Scale("benchmark", homes=homes, days=days, start=FIRST_DAYS[seed % len(FIRST_DAYS)])
        worlds += simulated_homes(scale if equipment is None else replace(scale, equipment=equipment), seed)
    return Homes(
        f"simulated, seeds {seeds.start} to {seeds.stop - 1}",
        np.concatenate([np.where(home.kwh < 0, np.nan, home.kwh) for home in worlds]).astype(np.float32),
        np.concatenate([home.presence.home > 0 for home in worlds]).astype(float),
        np.arange(len(worlds) + 1) * days,
        np.array([str(home.household.kind) == "main" for home in worlds]),
        tuple(frozenset(_kinds(home)) for home in worlds),
        tuple(dwelling_of(home.household).dwelling_type for home in worlds),
    )


def _kinds(home: SimulatedHome) -> Iterator[str]:
    if home.equipment.solar_kw > 0:
        yield "solar panels"
    if home.equipment.storage_heating:
        yield "storage heating"
    if home.equipment.electric_car:
        yield "electric car"
    if home.equipment.heat_pump:
        yield "heat pump"


def levels_of_edrp(folder: Path, first: int) -> Array:
    """Return the 10 % and 90 % quantile of log use of every other home of EDRP (Scotland), (homes, 2)."""
    rows = pl.read_parquet(folder / "meters" / "edrp_scotland_500_homes_half_hour.parquet")
    return _levels([home["kwh"].to_numpy() for home in rows.partition_by("meter", maintain_order=True)][first::2])


def levels_of_sgsc(folder: Path) -> Array:
    """Return the same of the ten homes of SGSC (Australia)."""
    rows = pl.read_parquet(folder / "meters" / "sgsc_australia_10_homes_half_hour.parquet")
    return _levels([home["kwh"].to_numpy() for home in rows.partition_by("customer", maintain_order=True)])


def _levels(homes: list[Array]) -> Array:
    return np.array([np.nanquantile(np.log(np.maximum(home, FLOOR_KWH)), [0.1, 0.9]) for home in homes])


def at_levels(homes: Homes, levels: Array, name: str, *, matched: bool, seed: int = 0) -> Homes:
    """Give each simulated home the low and high level of a real home.

    The logarithm of its use is moved and stretched, so that its 10 % and 90 % quantile are those of the real home.
    What it does hour by hour, and the truth, stay as they are; homes that hardly vary are left alone.

    Parameters
    ----------
    homes
        Simulated homes.
    levels
        Of real homes, (real homes, 2).
    name
        Of the world that is made.
    matched
        Whether the home of a certain rank by its high level gets the real home of that rank. Otherwise it gets one at
        random, also that of a real home in which next to nothing is used: the harder, and less likely, world.
    seed
        Of the draw.
    """
    count = len(homes.offsets) - 1
    seen = np.full((count, 2), np.nan)
    for home in range(count):
        x = np.log(np.maximum(homes.kwh[homes.offsets[home] : homes.offsets[home + 1]], FLOOR_KWH))
        seen[home] = np.nanquantile(x, [0.1, 0.9])
    if matched:
        rank = np.argsort(np.argsort(seen[:, 1]))
        given = levels[np.argsort(levels[:, 1])][rank * len(levels) // count]
    else:
        given = levels[np.random.default_rng(seed).integers(0, len(levels), count)]
    made = homes.kwh.copy()
    for home, ((low, high), (wanted_low, wanted_high)) in enumerate(zip(seen, given, strict=True)):
        rows = slice(homes.offsets[home], homes.offsets[home + 1])
        if high - low > 0.1:
            x = np.log(np.maximum(homes.kwh[rows], FLOOR_KWH))
            made[rows] = np.exp(wanted_low + (x - low) * (wanted_high - wanted_low) / (high - low))
    return replace(homes, name=name, kwh=made)


def like_cer(homes: Homes, folder: Path) -> Homes:
    """Move and stretch the log use of all homes alike until their sum is like that of the CER trial (Ireland).

    Alike are the mean half hour of a home, and the ratio of 02:00 to 05:00 to 17:00 to 21:00. Homes with storage
    heating are left out: the trial's sum, low by night, has no room for the simulator's share of them.
    """
    homes = homes.only(np.array(["storage heating" not in each for each in homes.equipment]), "at the level of CER")
    rows = pl.read_csv(folder / "meters" / "cer_ireland_2672_homes_total_half_hour.csv.gz")
    by_slot = rows.group_by("tod").agg(pl.col("kwh_total").mean()).sort("tod")["kwh_total"].to_numpy()
    wanted = by_slot * CER_HOURS / CER_HOMES
    x = np.log(np.maximum(homes.kwh, FLOOR_KWH))

    def ratio(profile: Array) -> float:
        return float(profile[4:10].mean() / profile[34:42].mean())

    def stretched(by: float) -> Array:
        profile: Array = np.nanmean(np.exp(by * x.astype(float)), axis=0)
        return profile

    by = brentq(lambda by: ratio(stretched(by)) - ratio(wanted), 0.2, 2.0)
    factor = wanted.mean() / stretched(by).mean()
    return replace(homes, kwh=(factor * np.exp(by * x)).astype(np.float32))


def real_worlds(homes: Homes, folder: Path, first: int) -> list[Homes]:
    """Return the homes at the levels of EDRP, SGSC and CER.

    Parameters
    ----------
    homes
        Simulated homes.
    folder
        Shared data.
    first
        Homes of EDRP whose levels are taken: 0 those to choose by, 1 those to judge by.
    """
    edrp, sgsc = levels_of_edrp(folder, first), levels_of_sgsc(folder)
    return [
        at_levels(homes, edrp, "at levels of EDRP", matched=True),
        at_levels(homes, sgsc, "at levels of SGSC", matched=True),
        like_cer(homes, folder),
        at_levels(homes, edrp, "at levels of EDRP, drawn at random", matched=False),
        at_levels(homes, sgsc, "at levels of SGSC, drawn at random", matched=False),
    ]
