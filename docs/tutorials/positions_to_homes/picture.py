"""Draw the positions of one user: where they are, and at which hours; those of the home and of work in colours."""

import altair as alt
import polars as pl
from known import pseudonym, table

USER = 100003693
WHAT = ["home", "work", "another place", "no place"]

of_user = pl.col("user") == pseudonym(pl.Series([USER])).item()
anchors = table("tweets/user_anchors").filter(of_user).select("cluster", what="anchor")
tweets = table("tweets/clustered_tweets").filter(of_user).join(anchors, on="cluster", how="left")
placed = tweets.join(table("tweets/located_tweets").select("tweet_id", "easting_m", "northing_m"), on="tweet_id")
valid = table("tweets/clusters").filter(of_user).select("cluster", "is_valid")
other = pl.when(pl.col("is_valid").fill_null(value=False)).then(pl.lit("another place")).otherwise(pl.lit("no place"))
rows = placed.join(valid, on="cluster", how="left").select(
    what=pl.coalesce("what", other),
    km_east=(pl.col("easting_m") - pl.col("easting_m").median()) / 1000,
    km_north=(pl.col("northing_m") - pl.col("northing_m").median()) / 1000,
    hour="hour",
    day="local_date",
)

colour = alt.Color(
    "what:N", title=None, scale=alt.Scale(domain=WHAT, range=["#206095", "#a8361c", "#d09020", "#c0c0c0"])
)
on_top = rows.sort(pl.col("what").cast(pl.Enum(WHAT)), descending=True)
dots = alt.Chart(on_top).mark_circle(size=28, opacity=0.8).encode(color=colour)
here = dots.encode(x=alt.X("km_east:Q", title="km east"), y=alt.Y("km_north:Q", title="km north"))
then = dots.encode(
    x=alt.X("day:T", title=None), y=alt.Y("hour:Q", title="hour of the day", scale=alt.Scale(domain=[0, 24]))
)
(here.properties(width=330, height=260) | then.properties(width=330, height=260)).save("user.png")
