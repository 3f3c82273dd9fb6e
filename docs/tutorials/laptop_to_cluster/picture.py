"""Draw the places of all users as both homes have them: rings of one process, and dots of two, which lie inside."""

from pathlib import Path

import altair as alt
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home


def places(home: str) -> pl.DataFrame:
    """Return the places of users of a home, in kilometres; of a single position is none."""
    clusters = lake.read(Home(Path(home).resolve()), CATALOGUE["tweets/clusters"]).filter("is_valid")
    return clusters.select(km_east=pl.col("easting_m") / 1000, km_north=pl.col("northing_m") / 1000).collect()


def drawn(home: str) -> alt.Chart:
    """Return the places of a home on a map."""
    east, north = (alt.Scale(zero=False, nice=False, padding=10) for _ in range(2))
    x, y = alt.X("km_east:Q", title="km east", scale=east), alt.Y("km_north:Q", title="km north", scale=north)
    return alt.Chart(places(home)).encode(x=x, y=y)


rings = drawn("laptop").mark_point(color="#206095", size=60, strokeWidth=1)
dots = drawn("processes").mark_circle(color="#a8361c", size=12, opacity=1)
(rings + dots).properties(width=520, height=400, title="Rings: one process. Dots: two.").save("places.png")
