"""Pictures of the page of a month, as SVG without anything from elsewhere, and what they show in words."""

from typing import TYPE_CHECKING

import polars as pl

from ons_assets.drawing import as_svg

if TYPE_CHECKING:
    from altair import Legend

WIDTH, HEIGHT, BAR_HEIGHT = 640, 300, 22
# Told apart by people who see few colours: Okabe and Ito (2008), Color universal design.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
RISE, FALL = "#B2182B", "#2166AC"


def index_lines(history: pl.DataFrame) -> str:
    """Draw the index of each heading over the months.

    Parameters
    ----------
    history
        ``title``, ``period`` and ``index``.
    """
    import altair

    shown = history.select("title", "period", "index")
    titles = shown["title"].unique(maintain_order=True).to_list()
    # After the last colour the first comes again, with the next dash.
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(titles))]
    dashes = [DASHES[at // len(COLOURS) % len(DASHES)] for at in range(len(titles))]
    chart = (
        altair.Chart(shown)
        .mark_line(point=True)
        .encode(
            x=altair.X("period", type="ordinal", title="month", axis=altair.Axis(labelOverlap=True, labelAngle=-45)),
            y=altair.Y("index", type="quantitative", title="index", scale=altair.Scale(zero=False)),
            color=altair.Color(
                "title", type="nominal", scale=altair.Scale(domain=titles, range=colours), legend=_legend()
            ),
            strokeDash=altair.StrokeDash(
                "title", type="nominal", scale=altair.Scale(domain=titles, range=dashes), legend=_legend()
            ),
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    return as_svg(chart)


def _legend() -> "Legend":
    import altair

    return altair.Legend(orient="bottom", columns=2, labelLimit=300, title=None, symbolType="stroke", symbolSize=500)


def contribution_bars(items: pl.DataFrame) -> str:
    """Draw one bar an item: what it adds to the change of the month, or takes from it.

    Parameters
    ----------
    items
        ``heading``, ``title`` and ``points``, in the order of the bars.
    """
    import altair

    # Two items may have one name.
    shown = items.select("points", name=pl.format("{} ({})", "title", "heading"))
    chart = (
        altair.Chart(shown)
        .mark_bar()
        .encode(
            x=altair.X("points", type="quantitative", title="points"),
            y=altair.Y("name", type="nominal", sort=None, title=None, axis=altair.Axis(labelLimit=320)),
            color=altair.condition("datum.points > 0", altair.value(RISE), altair.value(FALL)),
        )
        .properties(width=WIDTH // 2, height=BAR_HEIGHT * len(shown))
    )
    return as_svg(chart)


def lines_in_words(history: pl.DataFrame, decimals: int) -> str:
    """Say what `index_lines` shows, for who does not see it.

    Parameters
    ----------
    history
        As for `index_lines`.
    decimals
        Of the figures.
    """
    months = [str(period) for period in (history["period"].min(), history["period"].max())]
    last = history.filter(period=months[-1]).sort("index", "title")
    least, most = last.row(0, named=True), last.row(-1, named=True)
    lowest, highest = (f"{row['title']} at {row['index']:.{decimals}f}" for row in (least, most))
    return (
        f"Line chart of the index of {history['title'].n_unique()} headings from {months[0]} to "
        f"{months[1]}. In the last month the lowest is {lowest}, the highest {highest}. The figures of "
        "the month are in the table above."
    )


def bars_in_words(items: pl.DataFrame) -> str:
    """Say what `contribution_bars` shows, for who does not see it.

    Parameters
    ----------
    items
        As for `contribution_bars`.
    """
    up, down = (len(items.filter(condition)) for condition in (pl.col("points") > 0, pl.col("points") < 0))
    first = items.row(0, named=True)
    return (
        f"Bar chart of {len(items)} items: {up} push the change of the month up and {down} push it down; the longest "
        f"bar is {first['title']} with {first['points']:+.2f} points. The figures are in the table below."
    )
