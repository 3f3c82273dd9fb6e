"""What a statistical office has of the simulated country: areas, addresses, population, registered moves."""

from pathlib import Path

import polars as pl

YEAR, MONTH = "%Y", "%Y-%m"


def write_office_files(truth: Path, drops: Path) -> None:
    """Write reference files as an office gets them, one folder a source.

    Parameters
    ----------
    truth
        Folder that `simulate_tweets` wrote.
    drops
        Folder in which `areas`, `addresses` (AddressBase Core), `population` and `migration_estimates`
        are made. The estimates are what the register knows, which learns late of moves.
    """
    areas = pl.read_parquet(truth / "areas.parquet").select("area", "easting_m", "northing_m")
    _write(areas, drops / "areas" / "areas.csv")
    addresses = pl.read_parquet(truth / "addresses.parquet")
    core = addresses.select(
        UPRN="uprn",
        EASTING="easting_m",
        NORTHING="northing_m",
        CLASSIFICATION_CODE="class_code",
        POSTCODE="postcode",
        CHANGE_CODE=pl.lit("I"),
    )
    _write(core, drops / "addresses" / "addressbase_core.csv")
    people = pl.read_parquet(truth / "population.parquet")
    population = people.select("area", "population", students=pl.min_horizontal("population", "students_last_day"))
    _write(population, drops / "population" / "population.csv")
    _write(_registered(truth), drops / "migration_estimates" / "registered_moves.csv")


def _registered(truth: Path) -> pl.DataFrame:
    """Moves between areas by month and year in which the register learned of them, up to the last day collected."""
    moves = pl.read_parquet(truth / "moves.parquet")
    last = moves["moved_on"].max()
    between = moves.filter((pl.col("origin") != pl.col("destination")) & (pl.col("registered_on") <= last))
    periods = [
        between.group_by(pl.col("registered_on").dt.strftime(form).alias("period"), "origin", "destination").agg(
            moves=pl.len()
        )
        for form in (MONTH, YEAR)
    ]
    return pl.concat(periods).sort("period", "origin", "destination")


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path)
