"""The mobile phones pilot in the demonstration: both halves, and how near the flows come to the census."""

from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.demo.figure import Figure
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.simulate.country import Country
from ons_assets.simulate.mobile import Scale, simulate_mobile
from ons_assets.simulate.mobile.scales import IN_COUNTRY, SCALES
from ons_assets.simulate.named_scales import chosen

# The smallest scale of a pilot is called alike.
SIZES = {"small" if name == "demo" else name: scale for name, scale in SCALES.items()}


def simulate(
    drops: Path, truth: Path, scale: str | Scale, seed: int | None = None, country: Country | None = None
) -> str:
    """Write the files of the operators, and apart from them the truth.

    Parameters
    ----------
    drops, truth
        Folders for the files of the suppliers, and for what no statistician would know.
    scale
        Size of the world: a name such as "small", or a scale of one's own.
    seed
        The same seed gives the same world; None is that of the simulator.
    country
        Whose people have phones; None for one of this pilot alone, of which the files of the office are written too.
    """
    size = scale
    if isinstance(scale, str):
        size = chosen(scale, SIZES if country is None else IN_COUNTRY)
    summary = simulate_mobile(drops, truth, scale=size, seed=1 if seed is None else seed, country=country)
    return f"{summary.events:,} events of {summary.devices['north']:,} devices among {summary.people:,} people"


def results(home: Home, truth: Path) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles; counts only, never a row of a device."""
    return {
        "From events to what may leave the operator": _steps(home),
        "What the devices show of workers": _classes(home),
        "Likeliest districts of devices, against the truth": _places(home, truth),
        "Commuters between districts against the census: common part": _comparison(home),
    }


def figures(home: Home, truth: Path) -> list[Figure]:  # noqa: ARG001 (here the census is the truth)
    """Return the figures that the demonstration ends with: who commutes from one district to another."""
    between = pl.col("origin") != pl.col("destination")
    found = _rows(home, "weighted_flows").filter(between).select(pl.col("flow").sum()).collect().item()
    flows = lake.read(home, CATALOGUE["reference/commuting_flows"])
    census = flows.filter(between).select(pl.col("commuters").sum()).collect().item()
    return [Figure("Commuters between districts (true: the census)", f"{found:,.0f}", f"{census:,.0f}")]


def _steps(home: Home) -> pl.DataFrame:
    quality, flows = _rows(home, "event_quality"), _rows(home, "operator_flows")
    between = (pl.col("origin") != "all") & (pl.col("destination") != "all")
    counted = {
        "events": quality.select(pl.col("events").sum()),
        "at cells that the plan lacks": quality.select(pl.col("unknown_cell").sum()),
        "cells silent for a day (masts out of order)": quality.select(pl.col("cells_silent").sum()),
        "devices with a home": _rows(home, "device_anchors").filter(anchor="home").select(pl.col("user").n_unique()),
        "flows that leave the operator": flows.filter(between).select(pl.len()),
        "flows that do not": flows.select(pl.col("suppressed_flows").sum()),
        "flows of other operators": _rows(home, "aggregated_flows").filter(between).select(pl.len()),
        "flows of people, weighted": _rows(home, "weighted_flows").select(pl.len()),
    }
    return pl.DataFrame({"step": list(counted), "number": [frame.collect().item() for frame in counted.values()]})


def _classes(home: Home) -> pl.DataFrame:
    homes = _rows(home, "device_anchors").filter(anchor="home").unique("user")
    counted = homes.group_by("worker_class").agg(devices=pl.len()).sort("devices", descending=True).collect()
    return counted.with_columns(percent=100 * pl.col("devices") / pl.col("devices").sum())


def _places(home: Home, truth: Path) -> pl.DataFrame:
    likelier = pl.col("area").sort_by("probability", "area", descending=[True, False])
    likeliest = _rows(home, "device_anchors").group_by("user", "anchor").agg(likelier.first())
    phones = pl.read_parquet(truth / "phones.parquet")
    named = pseudonyms(phones.select(pl.format("{}/{}", "operator", "device")).to_series(), home.secret())
    people = pl.read_parquet(truth / "people.parquet").select("person", home="home_district", work="work_district")
    known = phones.with_columns(user=named).join(people, on="person").select("user", "home", "work")
    true = known.unpivot(["home", "work"], index="user", variable_name="anchor", value_name="true_area").drop_nulls()
    judged = likeliest.collect().join(true, on=["user", "anchor"])
    return judged.group_by("anchor").agg(
        devices=pl.len(), percent_right=100 * (pl.col("area") == pl.col("true_area")).mean()
    ).sort("anchor")  # fmt: skip


def _comparison(home: Home) -> pl.DataFrame:
    types = ["all", "within", "between"]
    return (
        _rows(home, "flow_comparison")
        .filter(pl.col("subject_type").is_in(types) & (pl.col("measure") == "cpc"))
        .collect()
        .pivot(on="subject_type", on_columns=types, index="estimator", values="value")
        .sort("all", descending=True)
    )


def _rows(home: Home, table: str) -> pl.LazyFrame:
    return lake.read(home, CATALOGUE[f"mobile/{table}"])
