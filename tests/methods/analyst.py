"""A program as an analyst may write it: `make lint` holds its types against those of the package.

What is wrong in it is marked, and mypy complains of a mark that is not needed.
"""

import pandas as pd
import polars as pl

import ons_assets
from ons_assets import dbscan, infer_anchors


def report(quotes: pl.DataFrame, stays: pl.LazyFrame, points: pd.DataFrame, counts: pl.DataFrame) -> dict[str, float]:
    """Call each of them."""
    index: pl.DataFrame = ons_assets.price_index(quotes, "geks-tornqvist", by=["item"], window=13, splice="mean")
    anchors: pl.DataFrame = infer_anchors(stays, source="tweets", parameters={"window_days": 14})
    places: pl.DataFrame = dbscan(points, by="user", eps_m=25, min_points=4)
    homes: pl.DataFrame = ons_assets.occupancy_probabilities(points, method="hmm")
    told, account = ons_assets.protect(counts, totals={"origin": "all"}, fewest=10)
    flows: dict[str, float] = ons_assets.compare_flows(told, counts)
    return flows | {
        "rows": float(sum(map(len, (index, anchors, places, homes, told)))),
        "cells": float(account["cells"] or 0),
    }


def mistakes(quotes: pl.DataFrame) -> None:
    """Call them as they are not to be called."""
    ons_assets.price_index(quotes)  # type: ignore[call-arg]
    ons_assets.price_index({"price": [1.0]}, "jevons")  # type: ignore[arg-type]
    ons_assets.price_index(quotes, "jevons", windows=13)  # type: ignore[call-arg]
    ons_assets.infer_anchors(quotes, source="phone")  # type: ignore[arg-type]
    ons_assets.occupancy_probabilities(quotes, method="hm")  # type: ignore[arg-type]
    ons_assets.dbscan(quotes, eps_m="20")  # type: ignore[arg-type]
    rows: str = ons_assets.protect(quotes)  # type: ignore[assignment]
    ons_assets.compare_flows(quotes)  # type: ignore[call-arg]
    ons_assets.price_indices(quotes, rows)  # type: ignore[attr-defined]
