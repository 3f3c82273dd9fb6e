"""Pictures of published figures for the UI: SVG in the metadata of a materialisation."""

import base64
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from ons_assets.drawing import as_svg

if TYPE_CHECKING:
    from altair import Chart, LayerChart

WIDTH, HEIGHT = 640, 320
ROW_HEIGHT = 22


def line_chart(frame: pl.DataFrame, *, x: str, y: str, series: str, title: str) -> dg.MetadataValue:
    """Draw one line a series.

    Parameters
    ----------
    frame
        Tidy rows, of a table that is not individual.
    x, y, series
        Columns: the period (text, in its order), the figure, and what tells the lines apart.
    """
    import altair

    chart = (
        altair.Chart(frame.select(x, y, series).drop_nulls(y).sort(series, x), title=title)
        .mark_line(point=len(frame) < 200)
        .encode(
            x=altair.X(x, type="ordinal", axis=altair.Axis(labelOverlap=True, labelAngle=-45)),
            y=altair.Y(y, type="quantitative", scale=altair.Scale(zero=False)),
            color=_legend(series),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return embedded(chart, title)


def dot_chart(frame: pl.DataFrame, *, x: str, y: str, colour: str, title: str) -> dg.MetadataValue:
    """Draw one dot a row: figures by name, told apart by colour.

    Parameters
    ----------
    frame
        Tidy rows, of a table that is not individual.
    x, y, colour
        Columns: the figure, the name, and what tells the dots of a name apart.
    """
    import altair

    shown = frame.select(x, y, colour).drop_nulls(x).sort(y, colour)
    chart = (
        altair.Chart(shown, title=title)
        .mark_point(filled=True, size=70)
        .encode(
            x=altair.X(x, type="quantitative"),
            y=altair.Y(y, type="nominal", axis=altair.Axis(labelLimit=260), title=None),
            color=_legend(colour),
            shape=altair.Shape(colour, type="nominal"),
        )
        .properties(width=WIDTH // 2, height=ROW_HEIGHT * max(shown[y].n_unique(), 1))
    )
    return embedded(chart, title)


def _legend(column: str) -> object:
    import altair

    return altair.Color(
        column, type="nominal", legend=altair.Legend(orient="bottom", columns=3, labelLimit=240, title=None)
    )


def embedded(chart: "Chart | LayerChart", title: str) -> dg.MetadataValue:
    """Return a chart as a picture for the UI."""
    picture = base64.b64encode(as_svg(chart).encode()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{picture})")
