"""Draw a week of two homes: what the meter read, what is said of it, and when truly nobody was in."""

import altair as alt
import polars as pl
from known import days, halves

WEEK = pl.date(2009, 10, 12), pl.date(2009, 10, 18)
HOMES = {"1000": "A home as most are", "1020": "A home with storage heating"}
FROM_NONE_TO_ONE = alt.Y(
    "probability:Q", title="somebody in", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(values=[0, 0.5, 1])
)


def half_hours(name: str) -> pl.DataFrame:
    """Return the half hours of a home in the week."""
    rows = days().filter(pl.col("name") == name, pl.col("day").is_between(*WEEK))
    starts = pl.datetime_ranges("day", pl.col("day").dt.offset_by("1d"), "30m", closed="left")
    return pl.DataFrame(
        {
            "time": rows.select(starts).to_series().explode(),
            "kWh": halves(rows, "kwh").ravel(),
            "probability": halves(rows, "occupied_probability").ravel(),
            "nobody": (halves(rows, "people_home") == 0).ravel(),
        }
    )


def drawn(name: str, title: str) -> alt.VConcatChart:
    """Draw a home: use above, probability below, and grey where nobody was in."""
    rows = half_hours(name)
    spells = rows.group_by(pl.col("nobody").rle_id().alias("spell"), "nobody", maintain_order=True)
    empty = spells.agg(pl.col("time").first(), end=pl.col("time").last().dt.offset_by("30m")).filter("nobody")
    time = alt.X("time:T", title=None, axis=alt.Axis(format="%a %d", tickCount="day"))
    grey = alt.Chart(empty.select("time", "end")).mark_rect(color="#d0d0d0").encode(x=time, x2="end:T")
    line = alt.Chart(rows)
    use = line.mark_line(interpolate="step-after", color="#206095", strokeWidth=1).encode(x=time, y="kWh:Q")
    said = line.mark_line(interpolate="step-after", color="#a8361c", strokeWidth=1).encode(x=time, y=FROM_NONE_TO_ONE)
    panels = [alt.layer(grey, each).properties(width=760, height=75) for each in (use, said)]
    return alt.vconcat(*panels, title=f"{title} (grey: truly nobody in)", spacing=8)


alt.vconcat(*(drawn(name, title) for name, title in HOMES.items())).save("week.png")
