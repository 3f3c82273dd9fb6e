"""What a statistical office has of the simulated country: one set of areas, addresses, people, a census, a register."""

import json
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from ons_assets.simulate.country import truth
from ons_assets.simulate.country.land import LEVELS
from ons_assets.simulate.country.shopping import make_shopping
from ons_assets.simulate.country.world import Country
from ons_assets.simulate.prices.seeds import generator

CRS = "urn:ogc:def:crs:EPSG::27700"
BENCHMARK = "census"
YOUNGEST = 16
AGES = {"16-24": (16, 25), "25-39": (25, 40), "40-64": (40, 65), "65+": (65, 200)}
YEAR, MONTH = "%Y", "%Y-%m"
# General practices learn of a move late, and of some never: mean lag in days, and share.
LAG_DAYS = {"working": 45.0, "student": 120.0, "other": 30.0}
NEVER = {"working": 0.08, "student": 0.35, "other": 0.03}
# Households of a district whose groceries a survey asks for.
SURVEYED = 120


def write_office_files(country: Country, drops: Path, sources: Collection[str] | None = None) -> None:
    """Write reference files as an office gets them, one folder a source.

    Parameters
    ----------
    country
        Which was made.
    drops
        Folder in which are made: `areas` (boundaries of each level), `addresses` (AddressBase Core), `population`
        (of 16 and over, by district, age and sex, with those who study in term), `migration_estimates` (of the same
        people, by district, as the register learns of moves), `dwellings`, `commuting_flows` and `workers` (of
        districts), `area_parts` (the middle areas of districts), `area_codes` (former codes of districts),
        and `retailer_shares` (of districts, by a survey of households).
    sources
        Those of these folders that are made; None for all.
    """
    if sources is None or "areas" in sources:
        for level in LEVELS:
            _geojson(country, level, drops / "areas" / f"{level}.geojson")
    tables = {
        "addresses/addressbase_core": _address_base,
        "population/population": population,
        "migration_estimates/registered_moves": registered_moves,
        "dwellings/dwellings": _dwellings,
        "commuting_flows/travel_to_work": _census,
        "workers/workers": _workers,
        "area_parts/area_parts": _parts,
        "area_codes/area_codes": _former_codes,
        "retailer_shares/household_survey": retailer_shares,
    }
    for name, made in tables.items():
        path = drops / f"{name}.csv"
        if sources is None or path.parent.name in sources:
            path.parent.mkdir(parents=True, exist_ok=True)
            made(country).write_csv(path)


def _address_base(country: Country) -> pl.DataFrame:
    return country.addresses.select(
        UPRN="uprn",
        EASTING="easting_m",
        NORTHING="northing_m",
        CLASSIFICATION_CODE="class_code",
        POSTCODE="postcode",
        CHANGE_CODE=pl.lit("I"),
    )


def population(country: Country) -> pl.DataFrame:
    """Return who of 16 and over lives where: area (district), age, sex, population, students.

    They are counted on the first day; on the last, if nobody studies on the first, which is out of term.
    """
    students = country.people.filter(activity="student").select("person")
    at_first = country.jobs_on(0).join(students, on="person").filter(pl.col("address") >= 0)
    day = country.scale.days - 1 if at_first.is_empty() else 0
    on_day = country.homes_on(day).join(country.people.drop("household"), on="person")
    district = country.addresses["district"].gather(on_day["address"])
    studies = country.jobs_on(day).select("person", studies=pl.col("address") >= 0)
    people = on_day.with_columns(area=district).join(studies, on="person")
    bands = pl.coalesce(
        pl.when(pl.col("age").is_between(first, end, closed="left")).then(pl.lit(name))
        for name, (first, end) in AGES.items()
    )
    return (
        people.with_columns(years="age", age=bands)
        .drop_nulls("age")
        .group_by("area", "age", "sex")
        .agg(population=pl.len(), students=((pl.col("activity") == "student") & pl.col("studies")).sum())
        .sort("area", "age", "sex")
    )


def registered_on(country: Country) -> pl.DataFrame:
    """Return the moves with the day on which the register learns of them: `registered_day`, null if never."""
    random = generator(country.seed, "registration")
    of = country.people.select(
        "person",
        "age",
        whose=pl.when(pl.col("activity") == "student")
        .then(pl.lit("student"))
        .when(pl.col("activity").is_in(["none", "child"]))
        .then(pl.lit("other"))
        .otherwise(pl.lit("working")),
    )
    moves = country.lives.moves.join(of, on="person", maintain_order="left")
    lag, never = (moves["whose"].replace_strict(table).to_numpy() for table in (LAG_DAYS, NEVER))
    is_lost = random.random(len(moves)) < never
    day = moves["day"].to_numpy() + np.rint(random.exponential(1.0, len(moves)) * lag).astype(np.int64)
    return moves.drop("whose").with_columns(registered_day=pl.when(~pl.Series(is_lost)).then(pl.Series(day)))


def registered_moves(country: Country) -> pl.DataFrame:
    """Return moves between districts by month and year in which the register learned of them.

    Returns
    -------
    pl.DataFrame
        period, origin, destination, moves: of people of 16 and over, of which it learns by the end of the last year.
    """
    district, first = country.addresses["district"], country.scale.first_day
    last = first + timedelta(country.scale.days - 1)
    known_days = (date(last.year, 12, 31) - first).days
    moves = registered_on(country).filter((pl.col("age") >= YOUNGEST) & (pl.col("registered_day") <= known_days))
    placed = moves.select(
        origin=district.gather(moves["origin"]),
        destination=district.gather(moves["destination"]),
        day=(pl.lit(first) + pl.duration(days=pl.col("registered_day"))).cast(pl.Date()),
    ).filter(pl.col("origin") != pl.col("destination"))
    periods = [
        placed.group_by(pl.col("day").dt.strftime(form).alias("period"), "origin", "destination").agg(moves=pl.len())
        for form in (MONTH, YEAR)
    ]
    return pl.concat(periods).sort("period", "origin", "destination")


def retailer_shares(country: Country) -> pl.DataFrame:
    """Return at which retailers households of the districts buy their groceries, as a survey of some of them finds it.

    A simple sample of each district; a share is the sum of what is spent there over the sum of all that is spent, and
    its standard error that of a ratio of two sums, with the part of the households that was asked taken off.

    Returns
    -------
    pl.DataFrame
        area, retailer, year, spending_share, share_error, households_asked (in the area).

    References
    ----------
    Cochran (1977), Sampling techniques, Wiley, section 6.4.
    """
    random = generator(country.seed, "household survey")
    spending = make_shopping(country).spending
    spent = spending.pivot("retailer", index=["household", "address"], values="spending_gbp").sort("household")
    names = sorted(set(spent.columns) - {"household", "address"})
    placed = spent.with_columns(district=country.addresses["district"].gather(spent["address"]))
    year, rows = country.scale.first_day.year, []
    for area in country.land.codes("district"):
        everybody = placed.filter(district=area).select(names).fill_null(0.0).to_numpy()
        n = min(SURVEYED, len(everybody))
        if n < 2:
            # One household tells of no error, and no household of nothing.
            continue
        asked = everybody[random.choice(len(everybody), n, replace=False)]
        whole = asked.sum(axis=1)
        share = asked.sum(axis=0) / whole.sum()
        left = asked - whole[:, None] * share
        error = np.sqrt((1 - n / len(everybody)) * n / (n - 1) * (left**2).sum(axis=0)) / whole.sum()
        found = zip(names, share.round(4).tolist(), error.round(4).tolist(), strict=True)
        rows += [(area, retailer, year, *figures, n) for retailer, *figures in found]
    columns = ["area", "retailer", "year", "spending_share", "share_error", "households_asked"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def _dwellings(country: Country) -> pl.DataFrame:
    return country.dwellings.group_by(area="district").agg(dwellings=pl.len()).sort("area")


def _census(country: Country) -> pl.DataFrame:
    return truth.commuting(country, levels=["district"]).select(
        pl.lit(BENCHMARK).alias("benchmark"), "origin", "destination", "commuters", "home_workers"
    )  # fmt: skip


def _workers(country: Country) -> pl.DataFrame:
    """Workers who go to a place of work, by home and by work: area, side, workers."""
    travel = _census(country).with_columns(workers=pl.col("commuters") - pl.col("home_workers"))
    sides = [
        travel.group_by(area=side).agg(pl.col("workers").sum()).with_columns(side=pl.lit(name))
        for side, name in (("origin", "home"), ("destination", "work"))
    ]
    return pl.concat(sides).select("area", "side", "workers").sort("side", "area")


def _parts(country: Country) -> pl.DataFrame:
    homes = country.homes_on(0)
    residents = country.addresses.select(part="msoa")[homes["address"]].group_by("part").agg(residents=pl.len())
    centres = country.land.msoas.select(pl.col("easting_m", "northing_m").round(1), part="msoa", area="district")
    joined = centres.join(residents, on="part", how="left").with_columns(pl.col("residents").fill_null(0))
    return joined.select("part", "area", "easting_m", "northing_m", "residents").sort("part")


def _former_codes(country: Country) -> pl.DataFrame:
    districts = country.land.districts
    names = ("district", "former_code")
    history = [districts.select(code=each, current_code="district", name="name") for each in names]
    return pl.concat(history).unique("code").sort("code")


def _geojson(country: Country, level: str, path: Path) -> None:
    """Write the boundaries of a level on the British National Grid, as the geography portal does."""
    features = [
        {
            "type": "Feature",
            "properties": {f"{level.upper()}CD": code},
            "geometry": json.loads(shapely.to_geojson(shapely.set_precision(polygon, 0.1))),
        }
        for code, polygon in zip(country.land.codes(level), country.land.boundaries[level], strict=True)
    ]
    whole = {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": CRS}}, "features": features}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole))
