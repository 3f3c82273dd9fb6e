"""Pictures of flows: the census against the estimate, and a map of who goes where."""

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ons_assets.drawing import as_png
from ons_assets.lakehouse.sums import exact_mean

if TYPE_CHECKING:
    import altair

LARGEST_FLOWS = 300
WIDTH, HEIGHT = 520, 520


def scatter(comparison: pl.DataFrame) -> "altair.LayerChart":
    """Draw the estimate against the census, a point for each pair of areas, on logarithmic axes.

    Parameters
    ----------
    comparison
        Rows of `mobile/flow_comparison`; those of the type pair are drawn.
    """
    import altair

    pairs = (
        comparison.filter(subject_type="pair", estimator="weighted")
        .pivot(on="measure", on_columns=["estimate", "benchmark"], index="subject", values="value")
        .filter((pl.col("estimate") > 0) & (pl.col("benchmark") > 0))
    )
    scale = altair.Scale(type="log")
    points = (
        altair.Chart(pairs, title="Commuters between areas: the estimate against the census")
        .mark_circle(opacity=0.6)
        .encode(
            x=altair.X("benchmark", type="quantitative", scale=scale, title="census, people"),
            y=altair.Y("estimate", type="quantitative", scale=scale, title="estimate, people"),
        )
    )
    line = altair.Chart(pairs).mark_line(color="gray").encode(
        x=altair.X("benchmark", type="quantitative"), y=altair.Y("benchmark", type="quantitative")
    )  # fmt: skip
    chart: altair.LayerChart = altair.LayerChart(layer=[line, points]).properties(width=WIDTH, height=HEIGHT)
    return chart


def flow_map(flows: pl.DataFrame, centres: pl.DataFrame) -> "altair.LayerChart":
    """Draw the largest flows between areas as lines from home to work, and the flows within areas as discs.

    Parameters
    ----------
    flows
        origin, destination, flow: rows of `mobile/weighted_flows`.
    centres
        area, easting_m, northing_m; several rows of an area are its parts.

    Raises
    ------
    ValueError
        If no flow has both its areas among the centres.
    """
    import altair

    placed = centres.group_by("area").agg(exact_mean("easting_m") / 1_000, exact_mean("northing_m") / 1_000)
    ends = flows.join(placed.rename({"area": "origin", "easting_m": "x", "northing_m": "y"}), on="origin").join(
        placed.rename({"area": "destination", "easting_m": "x2", "northing_m": "y2"}), on="destination"
    )
    if ends.is_empty():
        raise ValueError("no flow has both its areas among the centres")
    ends = ends.sort("flow", "origin", "destination", descending=[True, False, False])
    between = ends.filter(pl.col("origin") != pl.col("destination")).head(LARGEST_FLOWS)
    within = ends.filter(pl.col("origin") == pl.col("destination"))
    axis = altair.Scale(zero=False)
    width = altair.StrokeWidth("flow", type="quantitative", scale=altair.Scale(range=[0.2, 8]), title="people")
    lines = altair.Chart(between, title="Where people live and work").mark_rule(opacity=0.5).encode(
        x=altair.X("x", type="quantitative", scale=axis, title="easting, km"),
        y=altair.Y("y", type="quantitative", scale=axis, title="northing, km"),
        x2="x2",
        y2="y2",
        strokeWidth=width,
    )  # fmt: skip
    discs = altair.Chart(within).mark_circle(color="firebrick", opacity=0.6).encode(
        x=altair.X("x", type="quantitative"),
        y=altair.Y("y", type="quantitative"),
        size=altair.Size("flow", type="quantitative", title="people who stay"),
    )  # fmt: skip
    chart: altair.LayerChart = altair.LayerChart(layer=[lines, discs]).properties(width=WIDTH, height=HEIGHT)
    return chart


def png(chart: "altair.TopLevelMixin") -> bytes:
    """Return a chart as a PNG picture."""
    return as_png(chart)


def save(chart: "altair.TopLevelMixin", path: Path) -> Path:
    """Write a chart as PNG, and return the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(chart))
    return path
