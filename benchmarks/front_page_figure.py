"""The figure of the documentation's front page: three daily indices of the demonstration beside the true ones.

    make demo
    python benchmarks/front_page_figure.py [data] [docs/site]

Prints how far the indices are from the truth, in index points.
"""

import argparse
from pathlib import Path

import polars as pl

from ons_assets.drawing import svg_of

ITEMS = {"212720": "Strawberries", "212360": "Potatoes", "211709": "Whole milk"}
SERIES = {"jevons": "from the collected files", "truth": "true"}
WHAT = (
    "Jevons indices by day of {items} in a simulated country, from files with outages, cut and doubled records and "
    "wrong prices, beside the true indices. {ends}."
)


def main() -> None:
    """Draw the figure of docs/index.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, nargs="?", default=Path("data"))
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/site"))
    arguments = parser.parse_args()
    truth = arguments.home / "simulated" / "truth" / "prices" / "indices.parquet"
    if not truth.exists():
        print(f"there is no demonstration in {arguments.home}: make demo")
        return
    both = compared(arguments.home, truth)
    print(
        both.group_by("item", maintain_order=True).agg(
            pl.len().alias("days"),
            (pl.col("jevons") - pl.col("truth")).abs().mean().alias("mean error"),
            (pl.col("jevons") - pl.col("truth")).abs().max().alias("largest error"),
            pl.col("truth").min().alias("lowest"),
            pl.col("truth").last().alias("last"),
        )
    )
    (arguments.folder / "price_index.svg").write_text(svg_of(drawn(both)) + "\n", "utf-8")


def compared(home: Path, truth: Path) -> pl.DataFrame:
    """Return day, item, and its Jevons index of the quotes and of the truth."""
    is_meant = (pl.col("frequency") == "day") & pl.col("item_id").is_in([*ITEMS])
    found = pl.scan_delta(str(home / "lake" / "prices" / "item_indices"))
    found = found.filter(is_meant, pl.col("method") == "jevons").select("item_id", "period", jevons="index")
    true = pl.scan_parquet(truth).filter(is_meant).select("item_id", "period", truth="jevons")
    both = found.join(true, on=["item_id", "period"]).with_columns(item=pl.col("item_id").replace_strict(ITEMS))
    return both.sort("item", "period").collect()


def described(both: pl.DataFrame) -> str:
    """Return what the picture shows, for who does not see it."""
    ends = both.group_by("item", maintain_order=True).agg(pl.col("truth").min().alias("low"), pl.col("truth").last())
    said = [f"{item}: true index {low:.0f} at its lowest and {last:.0f} at the end" for item, low, last in ends.rows()]
    return WHAT.format(items=", ".join(ITEMS.values()).lower(), ends="; ".join(said))


def drawn(both: pl.DataFrame) -> dict[str, object]:
    """Return the picture in the language of Vega-Lite: a panel an item."""
    rows = both.unpivot(on=[*SERIES], index=["item", "period"], variable_name="series", value_name="index")
    rows = rows.with_columns(pl.col("series").replace_strict(SERIES), pl.col("index").round(2)).sort(
        "series", descending=True
    )
    of_series = {"field": "series", "type": "nominal", "sort": [*SERIES.values()], "title": None}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": described(both),
        "background": None,
        "data": {"values": rows.to_dicts()},
        "facet": {"column": {"field": "item", "type": "nominal", "sort": [*ITEMS.values()], "title": None}},
        "spec": {
            "width": 280,
            "height": 170,
            "mark": {"type": "line"},
            "encoding": {
                "x": {
                    "field": "period",
                    "type": "temporal",
                    "title": None,
                    "axis": {"format": "%-d %b", "tickCount": 5},
                },
                "y": {"field": "index", "type": "quantitative", "title": "first day = 100", "scale": {"zero": False}},
                "color": {**of_series, "scale": {"range": ["#0b5394", "#d98a3d"]}, "legend": {"orient": "bottom"}},
                "strokeWidth": {**of_series, "scale": {"range": [1.5, 4]}, "legend": None},
                "detail": {"field": "series"},
            },
        },
        "config": {
            "view": {"stroke": None},
            "header": {"labelFontSize": 14, "labelFontWeight": "bold"},
            "axis": {"labelFontSize": 11, "titleFontSize": 11, "gridColor": "#e4e8ec"},
            "legend": {"labelFontSize": 12, "columnPadding": 40},
        },
    }


if __name__ == "__main__":
    main()
