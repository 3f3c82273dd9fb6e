"""A fault of one unit stays in it: the rows of all others are as they were, and every table is made.

A unit is a meter, a user, a device, a cell, an operator, a retailer, a product, an item, an area. A small world of good
units is sent down the whole road; then damaged ones are added, and all is made again.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets import operations
from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.meters import HouseholdParameters, Meters, ProfileClusterParameters, Readings
from ons_assets.settings import Settings
from ons_assets.simulate.meters import Scale as MeterScale
from ons_assets.simulate.mobile import Scale as MobileScale
from ons_assets.simulate.prices.scales import Scale as PriceScale
from ons_assets.simulate.tweets import Scale as TweetScale
from tests.tweets.statuses import line, status, tweet_id
from tests.workbench import record, run

Files = dict[str, dict[str, bytes]]
"""Content by source and name."""


@dataclass(frozen=True)
class Domain:
    """A world of good units, and damaged ones.

    Parameters
    ----------
    scale
        Of the world.
    damaged
        Files of damaged units, given the folder of the good ones.
    parameters
        Settings of the domain.
    counts
        Columns that count all units together, by table: they say what was damaged.
    further
        Files of good units that the world has not.
    """

    scale: Any
    damaged: Callable[[Path], Files]
    parameters: Any = field(default_factory=dict)
    counts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    further: Files = field(default_factory=dict)


def table(header: str, *rows: str) -> bytes:
    return "".join(f"{each}\n" for each in (header, *rows)).encode()


# --- tweets

FIRST_TWEETS = datetime(2014, 8, 20, 9, tzinfo=UTC)


def user(number: int, times: list[datetime], *positions: tuple[float, float]) -> list[bytes]:
    """Statuses of a user, at one position after another."""
    made = []
    for n, when in enumerate(times):
        given = tweet_id(when) + number * 1_000 + n
        position = positions[n % len(positions)]
        made.append(line(status(when, str(number), position, id_str=str(given), id=float(given))))
    return made


def odd_users(_: Path) -> Files:
    # Only while the others tweet: who tweets while the collector is down says that it is not.
    hours = [FIRST_TWEETS + timedelta(hours=n) for n in range(10)]
    seconds = [FIRST_TWEETS + timedelta(seconds=n) for n in range(1_500)]
    london, wick, lizard = (51.5, -0.12), (58.4, -3.1), (49.96, -5.2)
    statuses = [
        *user(701, hours, wick, lizard),
        *user(702, hours, london),
        *user(703, hours[:1], london),
        *user(704, seconds, london, (51.51, -0.1), (51.52, -0.13)),
        *user(705, hours, (90.0, 0.0), (-90.0, 0.0), (51.5, 180.0), london),
        *user(706, [datetime(2014, 8, 1, tzinfo=UTC), datetime(2014, 10, 20, tzinfo=UTC)], london),
        *user(2**63 - 1, hours, london),
        *user(2**64, hours, london),
    ]
    return {"tweets": {"odd.json": b"".join(statuses)}}


# --- mobile

SPAN = "2014-10-06/2014-10-13"


def odd_devices(world: Path) -> Files:
    with (world / "cells" / "cells_north.csv").open() as file:
        cell = next(csv.DictReader(file))["cell_id"]
    days = [date(2014, 10, 6) + timedelta(n) for n in range(8)]
    events = [f"north,odd1,{day}T{hour:02d}:00:00Z,NOWHERE,active" for day in days for hour in (3, 10, 13, 22)]
    events += [f"faraway,odd{n},{day}T12:00:00Z,{cell},active" for n in range(4) for day in days]
    events += [f"north,odd2,2014-09-20T12:00:00Z,{cell},active", f"north,odd3,2014-10-07T12:00:00Z,{'x' * 65},active"]
    where = "operator,cell_id,latitude,longitude,technology,azimuth_degrees,beam_width_degrees,range_m,valid_from"
    cells = ["north,MADRID,40.4,-3.7,4G,,,1200,2014-01-01", "south,MADRID,40.4,-3.7,4G,,,1200,2014-01-01"]
    cells += ["north,TWICE,52.9,-1.1,4G,,,1200,2014-01-01", "north,TWICE,52.5,-1.1,4G,,,1200,2014-01-01"]
    cells += ["north,BEAM,52.9,-1.1,4G,10,-5,1200,2014-01-01"]
    flows = [f"{SPAN},ghost,all,all,Z07000001,Z07000002,50,false", "2015-01,south,all,all,Z07000001,all,50,false"]
    flows += [f"{SPAN},bare,all,all,Z07000001,Z07000002,50,false", f"{SPAN},south,all,all,São,Z07000002,5,false"]
    market = "operator,area,age_group,phones_per_person,operator_share,prepaid_share,second_phone_share"
    return {
        "phone_events": {"odd.csv": table("operator,device,time_utc,cell_id,kind", *events)},
        "cells": {"odd.csv": table(where, *cells)},
        "devices": {
            "odd.csv": table(
                "operator,device,contract,age_group",
                "north,odd1,contract,25-44",
                "north,odd1,prepaid,65+",
                "north,odd3,?,25-44",
            )
        },
        "aggregated_flows": {
            "odd.csv": table("observed,operator,contract,age_group,origin,destination,devices,is_suppressed", *flows)
        },
        "phone_market": {"odd.csv": table(market, "bare,Z07000001,all,1,0,0,0", "bare,Z07000002,all,9,0.1,0,0")},
        "area_parts": {"odd.csv": table("part,area,easting_m,northing_m,residents", "ODD-1,ODD,650000,1250000,0")},
        "workers": {"odd.csv": table("area,side,workers", "ODD,home,0", "ODD2,work,1e12")},
    }


# --- prices


def served_areas() -> bytes:
    """Shares of the retailers of the world in two areas."""
    rows = [f"{area},{shop},2014,{share},0.02,150" for area, of in (("E1", (5, 3, 2)), ("E2", (1, 0, 9)))
            for shop, share in zip(("pellworth", "thistlemoor", "larkmere"), of, strict=True)]  # fmt: skip
    return table("area,retailer,year,spending_share,share_error,households_asked", *rows)


def odd_products(_: Path) -> Files:
    """A retailer of an item of its own, some runs of which are odd in themselves."""
    first, files = date(2014, 6, 2), {}
    for n in range(4):
        day = first + timedelta(n)
        said = {"timestamp": f"{day} 05:00:00.0", "store": "ODD", "ons_item_no": "999001", "ons_item_name": "Odd item"}
        prices = {
            "ODD THING": 0.11 if n < 2 else 90,
            "ODD LOAF 5000KG": 1.0,
            f"ODD LOAF {'9' * 40} PACK": 1.0,
            "ODD LOAF 0.00001G": 1.0,
            "ODD FREE": 0,
            "ODD DEAR": 99_999,
        }
        names = ["ODD THING"] if n == 1 else list(prices)
        rows = [record(product_name=name, item_price_num=prices[name], **said) for name in names]
        # Sold for next to nothing on one day, in pounds and not in pence on another.
        rows = [record(product_name="ODD THING", item_price_num=0.001, **said)] if n == 3 else rows
        files[f"odd_products_{day:%Y%m%d}050000.csv"] = run(*rows)
    once = {"timestamp": f"{first} 05:00:00.0", "store": "ONCE", "ons_item_no": "999002", "ons_item_name": "Seen once"}
    files[f"once_products_{first:%Y%m%d}050000.csv"] = run(record(product_name="ONE", **once))
    weights = ["888001,Nothing,Odd group,2014,5", "888002,Zero,Zero group,2014,0", "999001,Odd item,Odd group,2014,1e9"]
    official = ["odd,999001,2014-06,0.01", "odd,999001,2014-07,100", "odd,888001,2014-06,100"]
    served = [
        "ODD,odd,2014,1e12,1e12,1",
        "NONE,nobody,2014,1,,500",
        "FREE,odd,2014,0,,30",
        "MIXED,larkmere,2014,1e-12,,",
    ]
    return {
        "prices": files,
        "retailer_shares": {
            "odd.csv": table("area,retailer,year,spending_share,share_error,households_asked", *served)
        },
        "item_weights": {"odd.csv": table("item_id,item,group,year,weight", *weights)},
        "official_indices": {"odd.csv": table("series,item_id,period,index", *official)},
        "item_rules": {
            "odd.csv": table(
                "item_id,item,rule,words,lowest,highest,unit",
                "999001,Odd item,include,ODD,,,",
                "999002,x,pieces,,-5,1,",
            )
        },
    }


# --- meters


def odd_meters(world: Path) -> Files:
    header = next(iter((world / "meter_questionnaire").iterdir())).read_text().splitlines()[0]
    answers = ["9001,,,,", "9002,99,99,99,99", "9003,a,b,c,d", "9004,3,3,2,1", "9004,3,1,2,1", "9005,3,3,2147483647,9"]
    places = ["9001,NOWHERE", "9002,", f"9003,{'x' * 33}", "9004,A", "9004,B", ",A"]
    readings = [f"9001 {day:03d}{slot:02d} 0.000" for day in range(289, 300) for slot in range(1, 49)]
    readings += ["9002 28901 0.5", "9003 28901 49.9", "9004 28901 0.1", "9004 28901 0.2"]
    return {
        "meters": {"File9.txt": "".join(f"{each}\n" for each in readings).encode()},
        "meter_questionnaire": {"odd.csv": table(header, *answers)},
        "meter_areas": {"odd.csv": table("meter,area_code", *places)},
    }


DOMAINS = {
    "tweets": Domain(
        TweetScale("tiny", 60, 30, date(2014, 8, 20), 30, 1.0, True, 1),
        odd_users,
        {"locating": {"area_level": "district"}},
        # How many tweets were to be expected, of all.
        {"tweets/collection_gaps": ("expected_tweets",)},
    ),
    "mobile": Domain(
        MobileScale("tiny", 1_000, date(2014, 10, 6), 8, 4.0, 6.0, True),
        odd_devices,
        {"release": {"k": 5}, "weighting": {"replicates": 20}},
        # What an odd cell or event adds to the numbers of a day, and so to what later days are held against.
        {
            "mobile/event_quality": (
                "events",
                "devices_seen",
                "unknown_cell",
                "cells_silent",
                "cells_seen",
                "cells_valid",
            ),
            "mobile/quality_warnings": ("value", "mean", "lower_limit", "upper_limit", "days_compared", "out_of_order"),
        },
    ),
    "prices": Domain(
        PriceScale("tiny", days=20, quotes_per_day=100, items="small", exit_rate=0.003, compress=False),
        odd_products,
        further={"retailer_shares": {"served.csv": served_areas()}},
    ),
    "meters": Domain(
        MeterScale("tiny", homes=14, days=24, start=date(2009, 10, 16), homes_per_area=14),
        odd_meters,
        Meters(
            readings=Readings(buckets=2),
            clusters=ProfileClusterParameters(most=2, starts=1, reseedings=2, fit_days=200),
            household=HouseholdParameters(min_answers=5),
        ),
    ),
}


# Days of the world, for tables that are made by day.
DAYS_OF = {"prices": (date(2014, 6, 2), date(2014, 6, 5))}


def test_every_domain_has_its_odd_units() -> None:
    assert set(DOMAINS) == {name.split("/")[0] for name in CATALOGUE} - {"reference", "governance"}


@pytest.mark.parametrize("name", DOMAINS)
def test_a_damaged_unit_leaves_the_others_as_they_are(name: str, tmp_path: Path) -> None:
    domain, world = DOMAINS[name], tmp_path / "drops"
    import_module(f"ons_assets.demo.{name}").simulate(world, tmp_path / "truth", domain.scale)
    written(domain.further, world)
    settings = Settings(home=tmp_path / "home", **{name: domain.parameters})
    operations.open_home(settings)
    good = {folder.name: sorted(folder.iterdir()) for folder in sorted(world.iterdir())}
    before = made(settings, name, good)
    assert set(before) == {each.name for each in CATALOGUE.values() if each.name.startswith(f"{name}/")}

    odd = written(domain.damaged(world), tmp_path / "odd")
    after = made(settings, name, odd)
    assert set(after) == set(before)
    lost = {each: missing_rows(before[each], after[each], domain.counts.get(each, ())) for each in before}
    assert {each: rows for each, rows in lost.items() if rows} == {}
    assert any(len(after[each]) > len(before[each]) for each in before), "something was added"


def written(files: Files, folder: Path) -> dict[str, list[Path]]:
    """Write files in folders named after their sources; return their paths."""
    paths: dict[str, list[Path]] = {}
    for source, of in files.items():
        (folder / source).mkdir(parents=True)
        for name, content in of.items():
            paths.setdefault(source, []).append(folder / source / name)
            paths[source][-1].write_bytes(content)
    return paths


def made(settings: Settings, name: str, files: dict[str, list[Path]]) -> dict[str, pl.DataFrame]:
    """The tables of a domain after further files."""
    for source, paths in files.items():
        operations.take(settings, paths, source, lambda _: None)
    assert all(outcome.success for outcome in operations.read_waiting(settings, lambda _: None))
    days = DAYS_OF.get(name)
    if days:
        assert operations.make(settings, ["governance/drop_ledger"], None, lambda _: None).success
        assert operations.make(settings, ["prices/collection_report"], days, lambda _: None).success
    outcome = operations.make(settings, [name], None, lambda _: None)
    assert outcome.success, outcome.failures
    return {
        each.name: of_values(lake.read(Home(settings.home), each).collect())
        for each in CATALOGUE.values()
        if each.name.startswith(f"{name}/") and lake.exists(Home(settings.home), each)
    }


def of_values(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows; of a list its hash, for a list is no key of a join."""
    return rows.with_columns(pl.col(each).hash() for each, dtype in rows.schema.items() if dtype.is_nested())


def missing_rows(before: pl.DataFrame, after: pl.DataFrame, counts: tuple[str, ...]) -> int:
    """How many rows of one frame another lacks, whatever is in the columns that count."""
    columns = [name for name in before.columns if name not in counts]
    return len(before.join(after, on=columns, how="anti", nulls_equal=True))
