"""Whether sources agree that speak of the same quantity of an area and month."""

from datetime import date

import polars as pl

from ons_assets.catalogue.governance_areas import COMBINED_ESTIMATES
from ons_assets.governance.areas.agreement import biases, gaps
from ons_assets.governance.scorecard.measures import OBSERVED, observed

NAMED = 3


def of_sources(estimates: pl.DataFrame, fewest_areas: int) -> pl.DataFrame:
    """Return of each two sources in how many areas they contradict each other, and how far each is off on the whole.

    Parameters
    ----------
    estimates
        Rows of `governance/combined_estimates`.
    fewest_areas
        Areas of which both must speak in a month, without which nothing is judged.

    Returns
    -------
    polars.DataFrame
        Observations, by month.
    """
    found = [pl.DataFrame(schema=OBSERVED)]
    pairs = gaps(estimates)
    for (quantity, level, month, one, other), rows in pairs.group_by(
        "told_of", "area_level", "month", "one", "other", maintain_order=True
    ):
        apart = rows.filter(pl.col("gap") > 1).sort("gap", "area", descending=[True, False])
        furthest = [f"{area} ({gap:.1f} times)" for area, gap in apart.select("area", "gap").head(NAMED).rows()]
        detail = f"{len(apart)} of {len(rows)} areas{', the furthest ' if furthest else ''}{', '.join(furthest)}"
        is_enough = len(rows) >= fewest_areas
        said = pl.DataFrame(
            {
                "value": [len(apart) / len(rows) if is_enough else None],
                "basis": [len(rows)],
                "detail": [detail if is_enough else f"both speak of {len(rows)} areas only"],
            },
            schema={name: OBSERVED[name] for name in ("value", "basis", "detail")},
        )
        found.append(_of_month(said, "sources_apart", f"{quantity} of {level} by {one} and {other}", month))
    of_all = biases(estimates)
    for (quantity, level, month, source), rows in of_all.group_by(
        "told_of", "area_level", "month", "told_by", maintain_order=True
    ):
        [bias], [areas] = rows["bias"], rows["areas"]
        said = pl.DataFrame(
            {"value": [abs(bias)], "basis": [areas], "detail": [f"{source} say {'more' if bias > 0 else 'less'}"]}
        )
        found.append(_of_month(said, "source_bias", f"{quantity} of {level} by {source}", month))
    return pl.concat(found)


def _of_month(said: pl.DataFrame, measure: str, of: str, month: object) -> pl.DataFrame:
    assert isinstance(month, date)
    return observed(
        said,
        measure,
        table_name=COMBINED_ESTIMATES.name,
        measured_of=of,
        partition_name=f"{month:%Y-%m}",
        day=pl.lit(month),
    )
