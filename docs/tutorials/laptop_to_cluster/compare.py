"""Hold the tables of homes against those of the first one, row by row and bit by bit; name the homes."""

import sys
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home

NAMES = ("tweets/located_tweets", "tweets/users", "tweets/clusters", "tweets/clustered_tweets")


def rows(home: str, name: str) -> pl.DataFrame:
    table = CATALOGUE[name]
    return lake.read(Home(Path(home).resolve()), table).sort(table.key).collect()


first, *others = sys.argv[1:]
for name in NAMES:
    of_first = rows(first, name)
    told = [f"{home} equal" if rows(home, name).equals(of_first) else f"{home} DIFFERENT" for home in others]
    print(f"{name:<24} {len(of_first):6,} rows  {', '.join(told)}")
