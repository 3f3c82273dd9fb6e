"""Whether areas lie where their codes say: a nation of Great Britain with many areas has some near its cities.

Public lookups are known whose centres of one nation are those of other areas; nothing else of such a file is odd.
"""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.parameters.geography import REACH_M
from ons_assets.wording import counted

CITIES = Path(__file__).parent / "cities.csv"
NATIONS = {"E": "England", "W": "Wales", "S": "Scotland"}
# Of a nation, in one level; fewer may be those of a region.
MANY_AREAS = 300


def cities_without_areas(areas: pl.DataFrame) -> list[str]:
    """Say of each level and nation with many areas near which of its cities there is none.

    Parameters
    ----------
    areas
        level, area (GSS code), easting_m, northing_m on the British National Grid.
    """
    said = []
    coded = areas.filter(pl.col("area").str.contains(r"^[EWS]\d{8}$")).with_columns(nation=pl.col("area").str.head(1))
    for (level, nation), rows in sorted(coded.partition_by("level", "nation", as_dict=True).items()):
        if len(rows) < MANY_AREAS:
            continue
        cities = _cities().filter(nation=nation)
        lacking = [
            name for name, *place in cities.select("city", "easting_m", "northing_m").rows() if _none(rows, place)
        ]
        if lacking:
            said.append(
                f"{counted(len(rows), 'area')} of level {level} are of {NATIONS[str(nation)]}, and none is within "
                f"{REACH_M / 1000:g} km of {', '.join(lacking)}: are their centres those of other areas?"
            )
    return said


def _none(areas: pl.DataFrame, place: list[float]) -> bool:
    apart = areas.select("easting_m", "northing_m").to_numpy() - np.array(place)
    return bool(np.hypot(*apart.T).min() > REACH_M)


@cache
def _cities() -> pl.DataFrame:
    return pl.read_csv(CITIES)
