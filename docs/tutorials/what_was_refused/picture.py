"""Draw what the gate saw: the median price of each day of each shop, what was published and what was refused."""

from pathlib import Path

import altair as alt
import polars as pl

PUBLISHED, REFUSED = "published", "refused, in quarantine"
# The bounds of price_median: for all, and what this home says of televisions.
BOUNDS = {"groceries": (0.1, 100), "televisions": (50, 5000)}

day = {"retailer": "retailer", "day": "collected_on", "price": "price"}
quotes = pl.read_delta("cpi/lake/prices/raw_quotes").select(**day, what=pl.lit(PUBLISHED))
refused = [
    pl.read_parquet(file).select(**day, what=pl.lit(REFUSED))
    for file in sorted(Path("cpi/quarantine/prices/raw_quotes").glob("*.batch.parquet"))
]
by_shop = pl.concat([quotes, *refused]).group_by("what", "day", "retailer")
batches = by_shop.agg(pl.col("price").median()).sort("day", "retailer", "what")
of_televisions = pl.col("retailer") == "ring road electric"


def panel(name: str, rows: pl.DataFrame) -> alt.LayerChart:
    """Draw the batches that are held against one bound, and the bound in grey."""
    least, most = BOUNDS[name]
    scale = alt.Scale(type="log", domain=[0.05, 10000])
    axis = alt.Axis(values=[0.1, 1, 10, 100, 1000, 10000], format=",~g")
    bound = alt.Chart(pl.DataFrame({"least": [least], "most": [most]})).mark_rect(color="#d8dee6")
    points = alt.Chart(rows.with_columns(pl.col("day").dt.strftime("%d %b"))).mark_point(size=90, strokeWidth=2)
    of_what = [PUBLISHED, REFUSED]
    colours, shapes = ["#206095", "#a8361c"], ["circle", "cross"]
    return alt.layer(
        bound.encode(y=alt.Y("least:Q", title="median price in pounds", scale=scale, axis=axis), y2="most:Q"),
        points.encode(
            x=alt.X("day:O", title=None, sort=None, axis=alt.Axis(labelAngle=0)),
            xOffset="retailer:N",
            y=alt.Y("price:Q", scale=scale),
            color=alt.Color("what:N", title=None, scale=alt.Scale(domain=of_what, range=colours)),
            shape=alt.Shape("what:N", title=None, scale=alt.Scale(domain=of_what, range=shapes)),
        ),
    ).properties(width=300 if len(rows) > 1 else 90, height=230, title=f"{name} (grey: {least:g} to {most:g})")


panels = panel("groceries", batches.filter(~of_televisions)) | panel("televisions", batches.filter(of_televisions))
panels.resolve_scale(xOffset="independent").save("gate.png")
