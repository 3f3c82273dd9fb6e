"""The forms in which every release is written."""

from pathlib import Path

from ons_assets.governance.releases import (
    accessible_workbook,
    data_package,
    origin,
    quality_statement,
    sdmx,
    tidy_csv,
    words,
)
from ons_assets.governance.releases.content import Release, Writer


def write_parquet(release: Release, folder: Path) -> list[Path]:
    """Write the rows with their types; earlier releases are read back from it."""
    path = folder / parquet_name(release.table.name)
    release.rows.write_parquet(path, compression="zstd")
    return [path]


def parquet_name(table: str) -> str:
    """Return what the Parquet file of a table is called."""
    return f"{table.split('/')[1]}.parquet"


# In their order: the data package describes the CSV file, and what is read first lists all files.
WRITERS: tuple[Writer, ...] = (
    tidy_csv.write,
    write_parquet,
    data_package.write,
    sdmx.write_sdmx,
    accessible_workbook.write_workbook,
    origin.write,
    quality_statement.write_quality,
    words.write_method,
    words.write_readme,
)


def write_all(release: Release, folder: Path) -> list[Path]:
    """Write a release in every form into an empty folder, and return the files."""
    return [path for writer in WRITERS for path in writer(release, folder)]
