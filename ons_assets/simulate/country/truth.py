"""The truth of the country, by area and month: what no statistician would know, and every estimate is held against."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.simulate.country.addresses import MAIN
from ons_assets.simulate.country.households import COMMUTING
from ons_assets.simulate.country.land import LEVELS
from ons_assets.simulate.country.lives import LONG_AGO, NOWHERE
from ons_assets.simulate.country.shopping import Shopping, make_shopping
from ons_assets.simulate.country.world import Country

MEANS = ("residents", "households", "dwellings", "vacant_dwellings", "second_homes", "students", "workers", "work_here")


def months_of(country: Country) -> pl.DataFrame:
    """Return the months that the country lives through: month (its first day), first, end (days, the last excluded)."""
    size = country.scale
    days = pl.DataFrame({"day": range(size.days)}).with_columns(
        month=pl.Series([size.first_day + timedelta(day) for day in range(size.days)]).dt.month_start()
    )
    return days.group_by("month").agg(first=pl.col("day").min(), end=pl.col("day").max() + 1).sort("month")


def spells_of(country: Country) -> pl.DataFrame:
    """Return who lives, works and studies where: person, household, home, job (addresses, -1 none), since, until.

    `until` is excluded; between two rows of a person nothing is missing.
    """
    homes, jobs = country.lives.homes, country.lives.jobs
    days = pl.concat([homes.select("person", "from_day"), jobs.select("person", "from_day")]).unique()
    ordered = days.sort("from_day", "person")
    placed = ordered.join_asof(homes.sort("from_day"), on="from_day", by="person", check_sortedness=False).join_asof(
        jobs.sort("from_day").rename({"address": "job"}), on="from_day", by="person", check_sortedness=False
    )
    return (
        placed.sort("person", "from_day")
        .with_columns(until=pl.col("from_day").shift(-1).over("person").fill_null(-LONG_AGO))
        .select("person", "household", "job", "until", home="address", since="from_day")
    )


def area_months(country: Country) -> pl.DataFrame:
    """Return the truth of every area and month.

    Returns
    -------
    pl.DataFrame
        level, area, month; means over the days of the month that the country lives through: residents, households
        (that somebody lives in), dwellings, vacant_dwellings (neither lived in nor a second home), second_homes,
        students (residents who study in term), workers (residents who go to a place of work), work_here (who go to
        one in the area); and counts over the month: moved_in, moved_out (people, within the area too). All add up
        from level to level.
    """
    spells = spells_of(country).join(country.people.select("person", "activity"), on="person")
    works = pl.col("activity").is_in(COMMUTING)
    studies = (pl.col("activity") == "student") & (pl.col("job") != NOWHERE)
    dwellings = country.dwellings
    always = {"since": pl.lit(LONG_AGO), "until": pl.lit(-LONG_AGO)}
    measured = {
        "residents": spells.select("since", "until", address="home"),
        "households": occupied(spells),
        "dwellings": dwellings.select("address", **always),
        "second_homes": dwellings.filter(pl.col("use") != MAIN).select("address", **always),
        "students": spells.filter(studies).select("since", "until", address="home"),
        "workers": spells.filter(works).select("since", "until", address="home"),
        "work_here": spells.filter(works).select("since", "until", address="job"),
    }
    areas = _areas_of_addresses(country)
    tables = []
    for level in LEVELS:
        grid = pl.DataFrame({"area": country.land.codes(level)}).join(months_of(country).select("month"), how="cross")
        for name, rows in measured.items():
            counted = _mean(country, rows, areas.select("address", area=level)).rename({"mean": name})
            grid = grid.join(counted, on=["area", "month"], how="left")
        grid = grid.join(_moved(country, areas.select("address", area=level)), on=["area", "month"], how="left")
        tables.append(grid.with_columns(level=pl.lit(level)).fill_null(0))
    vacant = pl.col("dwellings") - pl.col("second_homes") - pl.col("households")
    return pl.concat(tables).with_columns(vacant_dwellings=vacant).select(
        "level", "area", "month", *MEANS, "moved_in", "moved_out"
    ).sort("level", "area", "month")  # fmt: skip


def commuting(country: Country, day: int = 0, levels: Sequence[str] = LEVELS) -> pl.DataFrame:
    """Return who travels to work on a day: level, origin, destination, commuters, home_workers.

    Commuters are all who have one place of work, those too who work at home: from their area to their area.

    Parameters
    ----------
    country
        Which was made.
    day
        Of its scale; 0 is the first.
    levels
        Of the areas.
    """
    on_day = country.homes_on(day).rename({"address": "home"}).join(country.jobs_on(day), on="person").join(
        country.people.select("person", "activity"), on="person"
    )  # fmt: skip
    at_home = pl.col("activity") == "home_worker"
    rows = on_day.filter(pl.col("activity").is_in([*COMMUTING, "home_worker"])).with_columns(
        work=pl.when(at_home).then("home").otherwise("address"), at_home=at_home
    )
    counts = {"commuters": pl.len().cast(pl.Int64()), "home_workers": pl.col("at_home").sum().cast(pl.Int64())}
    return _pairs(country, rows, "home", "work", [], levels, **counts)


def migration(country: Country) -> pl.DataFrame:
    """Return who moved: level, month, origin, destination, movers (people, within areas too), students (of them)."""
    student = pl.col("activity") == "student"
    moved = country.lives.moves.join(country.people.select("person", "activity"), on="person")
    moved = moved.with_columns(month=_date(country, "day").dt.month_start())
    return _pairs(
        country, moved, "origin", "destination", ["month"], LEVELS,
        movers=pl.len().cast(pl.Int64()), students=student.sum().cast(pl.Int64()),
    )  # fmt: skip


def retailer_shares(country: Country, shopping: Shopping) -> pl.DataFrame:
    """Return at which retailers the households of every area buy their groceries on the first day.

    Parameters
    ----------
    country, shopping
        Which were made.

    Returns
    -------
    pl.DataFrame
        level, area, retailer, spending_gbp (a week), spending_share; no row where nothing is spent.
    """
    placed = shopping.spending.join(_areas_of_addresses(country), on="address")
    levels = [
        placed.group_by("retailer", area=level).agg(exact_sum("spending_gbp")).with_columns(level=pl.lit(level))
        for level in LEVELS
    ]
    whole = exact_sum("spending_gbp").over("area")
    return (
        pl.concat(levels)
        .sort("level", "area", "retailer")
        .with_columns(spending_share=pl.col("spending_gbp") / whole)
        .select("level", "area", "retailer", "spending_gbp", "spending_share")
    )


def write_truth(country: Country, truth: Path) -> None:
    """Write the truth of the country as Parquet.

    Parameters
    ----------
    country
        Which was made.
    truth
        Folder for areas (level, area, parent, name), area_months, commuting, migration, retailer_shares, branches,
        spending, addresses, households, people, homes, jobs and moves; days are dates there, a spell without one has
        always been.
    """
    truth.mkdir(parents=True, exist_ok=True)
    shopping = make_shopping(country)
    tables = {
        "areas": areas_of(country),
        "area_months": area_months(country),
        "commuting": commuting(country),
        "migration": migration(country),
        "retailer_shares": retailer_shares(country, shopping),
        "branches": shopping.branches,
        "spending": shopping.spending,
        "addresses": country.addresses,
        "households": country.lives.households,
        "people": country.people,
        "homes": _dated(country, country.lives.homes),
        "jobs": _dated(country, country.lives.jobs.filter(pl.col("address") != NOWHERE)),
        "moves": country.lives.moves.with_columns(moved_on=_date(country, "day")).drop("day"),
    }
    for name, table in tables.items():
        table.write_parquet(truth / f"{name}.parquet")


def areas_of(country: Country) -> pl.DataFrame:
    """Return all areas: level, area, parent (of the next level above; null of districts), name."""
    land = country.land
    parts = [
        land.districts.select(area="district", parent=pl.lit(None, dtype=pl.String()), name="name"),
        land.msoas.select(area="msoa", parent="district", name="msoa"),
        land.oas.select(area="oa", parent="msoa", name="oa"),
    ]
    tables = zip(LEVELS, parts, strict=True)
    return pl.concat([part.with_columns(level=pl.lit(level)) for level, part in tables]).select(
        "level", "area", "parent", "name"
    )


def occupied(spells: pl.DataFrame) -> pl.DataFrame:
    """Return the spells in which somebody lives at an address: address, since, until; they do not overlap.

    Parameters
    ----------
    spells
        Rows of `spells_of`.
    """
    ends = pl.concat(
        [
            spells.select(address="home", day="since", step=pl.lit(1)),
            spells.select(address="home", day="until", step=pl.lit(-1)),
        ]
    )
    steps = ends.group_by("address", "day").agg(pl.col("step").sum()).sort("address", "day")
    people = pl.col("step").cum_sum().over("address")
    until = pl.col("day").shift(-1).over("address")
    return (
        steps.with_columns(people=people, until=until)
        .filter(pl.col("people") > 0)
        .select("address", "until", since="day")
    )


def _mean(country: Country, rows: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Mean number of rows over the days of each month and area: area, month, mean."""
    overlap = pl.min_horizontal("until", "end") - pl.max_horizontal("since", "first")
    days = rows.join(areas, on="address").join(months_of(country), how="cross").with_columns(days=overlap)
    return days.filter(pl.col("days") > 0).group_by("area", "month").agg(
        mean=pl.col("days").sum() / (pl.col("end") - pl.col("first")).first()
    )  # fmt: skip


def _moved(country: Country, areas: pl.DataFrame) -> pl.DataFrame:
    moves = country.lives.moves.with_columns(month=_date(country, "day").dt.month_start())
    sides = [
        moves.join(areas, left_on=side, right_on="address")
        .group_by("area", "month")
        .agg(pl.len().cast(pl.Int64()).alias(name))
        for side, name in (("destination", "moved_in"), ("origin", "moved_out"))
    ]
    return sides[0].join(sides[1], on=["area", "month"], how="full", coalesce=True)


def _pairs(
    country: Country,
    rows: pl.DataFrame,
    origin: str,
    destination: str,
    by: list[str],
    levels: Sequence[str],
    **counts: pl.Expr,
) -> pl.DataFrame:
    areas, tables = _areas_of_addresses(country), []
    for level in levels:
        placed = rows.rename({origin: "from", destination: "to"}).join(
            areas.select(pl.col("address").alias("from"), origin=level), on="from"
        ).join(areas.select(pl.col("address").alias("to"), destination=level), on="to")  # fmt: skip
        counted = placed.group_by(*by, "origin", "destination").agg(**counts)
        tables.append(counted.select(pl.lit(level).alias("level"), *by, "origin", "destination", *counts))
    return pl.concat(tables).sort("level", *by, "origin", "destination")


def _areas_of_addresses(country: Country) -> pl.DataFrame:
    numbered = country.addresses.with_row_index("address")
    return numbered.select(pl.col("address").cast(pl.Int64()), *LEVELS)


def _dated(country: Country, spells: pl.DataFrame) -> pl.DataFrame:
    begins = pl.when(pl.col("from_day") > LONG_AGO).then(_date(country, "from_day"))
    return spells.with_columns(from_day=begins)


def _date(country: Country, column: str) -> pl.Expr:
    first: date = country.scale.first_day
    return (pl.lit(first) + pl.duration(days=pl.col(column))).cast(pl.Date())
