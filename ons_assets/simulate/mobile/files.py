"""The files that operators and others leave, with the faults that such files have."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.mobile.events import Events
from ons_assets.simulate.mobile.people import AGES, CONTRACTS, People, Phones
from ons_assets.simulate.mobile.scales import FaultRates
from ons_assets.simulate.prices.seeds import generator

ZONE = "Europe/London"
SECOND_FORMAT = 0.3


def device_names(phones: Phones) -> pl.Series:
    """Return what an operator calls each phone."""
    return pl.Series([f"{number * 7_919 + 440_000_000_000:x}" for number in range(len(phones.person))])


def event_table(events: Events, operator: str, day: date, devices: pl.Series, cell_ids: pl.Series) -> pl.DataFrame:
    """Return the events of a day: operator, device, time_utc, cell_id, kind.

    Parameters
    ----------
    events
        Phone, second of the local day, cell and kind of each event.
    operator
        Name of the operator, the same in every row.
    day
        Local day of the events.
    devices, cell_ids
        Names of the phones and of the cells, by number.
    """
    midnight = pl.lit(day).cast(pl.Datetime("us"))
    local = midnight + pl.duration(seconds=pl.col("second").cast(pl.Int64()))
    return pl.DataFrame(
        {
            "device": devices.gather(events.phone),
            "second": events.second,
            "cell_id": cell_ids.gather(events.cell),
            "active": events.active,
        }
    ).select(
        operator=pl.lit(operator),
        device="device",
        time_utc=local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
            "UTC"
        ),
        cell_id="cell_id",
        kind=pl.when("active").then(pl.lit("active")).otherwise(pl.lit("passive")),
    )


def with_faults(
    table: pl.DataFrame, rates: FaultRates, seed: int, operator: str, day: date
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return a day of events as text, with repeated rows, missing values, unknown cells and impossible journeys.

    Parameters
    ----------
    table
        Events of an operator and a day, as `event_table` has them.
    rates
        Shares of them that are at fault.
    seed
        Seed of the world.
    operator, day
        Part of the seed, so that each day has faults of its own.

    Returns
    -------
    table : pl.DataFrame
        All columns text; times in two formats.
    counts : dict
        Faults by their kind.
    """
    random = generator(seed, "faults", operator, day)
    n = len(table)
    draw = pl.Series(random.random(n))
    far = pl.Series(random.permutation(table["cell_id"].to_numpy()))
    marks = np.cumsum([rates.no_device, rates.no_time, rates.lost_cell, rates.elsewhere, rates.outside])
    kind = np.searchsorted(marks, draw.to_numpy())
    iso = pl.col("time_utc").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    plain = pl.col("time_utc").dt.strftime("%Y-%m-%d %H:%M:%S")
    outside = (pl.col("time_utc") - pl.duration(days=6_000)).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = table.with_columns(
        kind_of_fault=pl.Series(kind), second_format=pl.Series(random.random(n) < SECOND_FORMAT), far=far
    ).select(
        "operator",
        device=pl.when(pl.col("kind_of_fault") != 0).then("device"),
        time_utc=pl.when(pl.col("kind_of_fault") == 4)
        .then(outside)
        .when(pl.col("kind_of_fault") != 1)
        .then(pl.when("second_format").then(plain).otherwise(iso)),
        cell_id=pl.when(pl.col("kind_of_fault") == 2)
        .then(pl.lit("X99999-9"))
        .when(pl.col("kind_of_fault") == 3)
        .then("far")
        .otherwise("cell_id"),
        kind="kind",
    )
    again = np.flatnonzero(random.random(n) < rates.repeated)
    names = ("no_device", "no_time", "lost_cell", "elsewhere", "outside")
    counts = {name: int(np.sum(kind == number)) for number, name in enumerate(names)}
    counts["repeated_good"] = int(np.sum(~np.isin(kind[again], (0, 1, 4))))
    counts["repeated"] = len(again)
    return pl.concat([text, text[again]]), counts


def write_day(path: Path, table: pl.DataFrame) -> int:
    """Write a day, as CSV in gzip without a time of its own, or as Parquet; return the bytes."""
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(table.write_csv().encode(), compresslevel=4, mtime=0))
    else:
        table.write_parquet(path, compression="zstd", row_group_size=500_000)
    return path.stat().st_size


def register(phones: Phones, people: People, devices: pl.Series, chosen: np.ndarray, operator: str) -> pl.DataFrame:
    """Return what an operator knows of its customers; a child's phone is in the name of a parent half of the time.

    Parameters
    ----------
    phones, people
        Who has which phone with which contract.
    devices
        Names of the phones, by number.
    chosen
        Numbers of the phones of the operator, shape (n,).
    operator
        Name of the operator, the same in every row.
    """
    age = people.age[phones.person[chosen]]
    in_parents_name = (age == 0) & (chosen % 2 == 0)
    said = np.where(in_parents_name, 2, age)
    return pl.DataFrame(
        {
            "device": devices.gather(chosen),
            "contract": pl.Series(CONTRACTS).gather(phones.contract[chosen]),
            "age_group": pl.Series(AGES).gather(said),
        }
    ).select(pl.lit(operator).alias("operator"), "device", "contract", "age_group")


def last_day(first: date, days: int) -> date:
    """Return the last of some days."""
    return first + timedelta(days - 1)
