"""Flows of devices as the office takes them in, and how two sets of flows compare."""

from dataclasses import dataclass

import polars as pl

from ons_assets.flows.measures import agreement, pair_up
from ons_assets.geography.area_codes import to_current
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.release import PSEUDO
from ons_assets.mobile.workers import ALL
from ons_assets.wording import counted

KEYS = ("observed", "operator", "contract", "age_group", "origin", "destination")


def compare_flows(estimate: pl.DataFrame, benchmark: pl.DataFrame) -> dict[str, float]:
    """Compare two sets of flows pair by pair; a pair that one of them lacks is zero there.

    Parameters
    ----------
    estimate, benchmark
        origin, destination, count.

    Returns
    -------
    dict
        n, correlation, correlation_log, spearman, rmse, srmse, mae, relative_error, cpc (common part of
        commuters), total_ratio; see `ons_assets.flows.measures.agreement`. NaN where a measure is not
        defined.

    Raises
    ------
    ValueError
        If a column is missing or a count is negative.

    Examples
    --------
    >>> pairs = {"origin": ["A", "A"], "destination": ["A", "B"]}
    >>> estimate = pl.DataFrame({**pairs, "count": [80, 20]})
    >>> census = pl.DataFrame({**pairs, "count": [70, 30]})
    >>> measures = compare_flows(estimate, census)
    >>> measures["cpc"], measures["rmse"]
    (0.9, 10.0)
    """
    for name, flows in (("estimate", estimate), ("benchmark", benchmark)):
        if missing := [column for column in ("origin", "destination", "count") if column not in flows.columns]:
            raise ValueError(f"the {name} needs the columns origin, destination, count; missing: {', '.join(missing)}")
        if (flows["count"] < 0).any():
            raise ValueError(f"the {name} holds a negative count")
    pairs = pair_up(estimate, benchmark, "count")
    return agreement(pairs["estimate"].to_numpy(), pairs["benchmark"].to_numpy())


@dataclass(frozen=True)
class Taken:
    """Flows that can be weighted, and what was left of those that cannot.

    Parameters
    ----------
    flows
        observed, operator, contract, age_group, origin, destination, devices: current codes; totals have
        the origin or destination "all".
    unknown
        side ("origin" or "destination"), area, devices: areas that the office does not know.
    notes
        What there is to say, in sentences.
    """

    flows: pl.DataFrame
    unknown: pl.DataFrame
    notes: tuple[str, ...]


def take_flows(
    own: pl.DataFrame | None, delivered: pl.DataFrame | None, codes: pl.DataFrame | None, areas: pl.Series
) -> Taken:
    """Put the flows of all operators together, under current codes.

    Parameters
    ----------
    own
        Rows of `mobile/operator_flows`, if an operator's side runs here.
    delivered
        Rows of `mobile/aggregated_flows`; trips are left out, for a trip is no device. Flows that an
        operator also has in `own` are left out.
    codes
        Rows of `reference/area_codes`.
    areas
        Codes that the office knows.
    """
    parts, notes = [], []
    if own is not None and len(own):
        parts.append(own.select(*KEYS, "devices"))
    if delivered is not None and len(delivered):
        devices = delivered.filter(unit="devices").select(*KEYS, devices="count")
        if trips := len(delivered) - len(devices):
            notes.append(f"{trips} flows of trips are not weighted: a trip is no device.")
        if parts:
            devices = devices.join(parts[0].select("operator").unique(), on="operator", how="anti")
        parts.append(devices)
    if not parts:
        raise ValueError("there are no flows of devices, neither of an operator here nor delivered")
    flows = pl.concat(parts).drop_nulls("devices")
    if codes is not None:
        recoded = to_current(flows, ["origin", "destination"], codes)
        changed = int(((recoded["origin"] != flows["origin"]) | (recoded["destination"] != flows["destination"])).sum())
        if changed:
            notes.append(f"{counted(changed, 'flow')} of codes of another year, taken under the current ones.")
        flows = recoded.group_by(KEYS, maintain_order=True).agg(exact_sum("devices"))
    known = pl.Series([*areas.unique(), ALL, *PSEUDO])
    sides = []
    for side in ("origin", "destination"):
        strange = flows.filter(~pl.col(side).is_in(known.implode()))
        strangers = strange.group_by(area=side).agg(exact_sum("devices"))
        sides.append(strangers.select(pl.lit(side).alias("side"), "area", "devices"))
    unknown = pl.concat(sides).sort("side", "area")
    if len(unknown):
        shown = ", ".join(unknown["area"].unique().sort()[:5])
        notes.append(f"{counted(len(unknown), 'area')} unknown to the office, whose flows are left out: {shown}.")
    known_only = pl.col("origin").is_in(known.implode()) & pl.col("destination").is_in(known.implode())
    return Taken(flows.filter(known_only).sort(KEYS), unknown, tuple(notes))
