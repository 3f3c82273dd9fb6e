"""Pictures of published figures for the UI: PNG in the metadata of a materialisation."""

import base64

import dagster as dg
import polars as pl

WIDTH, HEIGHT = 640, 320


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
            color=altair.Color(
                series, type="nominal", legend=altair.Legend(orient="bottom", columns=3, labelLimit=240)
            ),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return as_markdown(_png(chart), title)


def as_markdown(png: bytes, title: str) -> dg.MetadataValue:
    """Return a picture for the UI."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def _png(chart: object) -> bytes:
    import vl_convert

    return vl_convert.vegalite_to_png(chart.to_json(), scale=1.5)  # type: ignore[attr-defined]
