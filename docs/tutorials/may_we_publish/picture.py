"""Draw which figures of the table are told, and why the others are not."""

import altair as alt
import polars as pl

WHY = {
    "told": "told",
    "nearly all homes have it, or nearly none: it would be told of each of them": "nearly all have it, or nearly none",
    "another share that is withheld would follow from it": "another one would follow from it",
}
rows = pl.read_delta("lake/lake/meters/area_occupancy").select(
    area=pl.col("area_code"),
    month=pl.col("month").dt.strftime("%b"),
    number=pl.col("month").dt.month(),
    share=pl.col("measure").str.replace_all("_", " "),
    why=pl.col("reason").fill_null("told").replace_strict(WHY),
    figure=pl.col("estimate").round(2),
)
tiles = alt.Chart(rows).encode(
    x=alt.X("month:O", title=None, sort=alt.EncodingSortField("number"), axis=alt.Axis(labelAngle=0)),
    y=alt.Y("share:N", title=None),
)
colour = alt.Scale(domain=list(WHY.values()), range=["#cfe0f0", "#7a7a7a", "#d09020"])
legend = alt.Legend(orient="bottom", labelLimit=300)
tile = tiles.mark_rect(stroke="white").encode(color=alt.Color("why:N", title=None, scale=colour, legend=legend))
of_told = tiles.transform_filter("datum.why == 'told'")
figure = of_told.mark_text(color="black").encode(text=alt.Text("figure:Q", format=".2f"))
area = alt.layer(tile, figure).properties(width=135, height=150)
area.facet(alt.Column("area:N", title=None), spacing=8).save("told.png")
