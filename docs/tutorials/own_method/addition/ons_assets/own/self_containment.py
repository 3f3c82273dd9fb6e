"""Self-containment: of the workers of an area, the share who both live and work there."""

import polars as pl


def self_containment(flows: pl.DataFrame) -> pl.DataFrame:
    """Return the self-containment of each area that somebody lives or works in.

    Parameters
    ----------
    flows
        `benchmark`, `origin`, `destination`, `commuters`: a row of `reference/commuting_flows`.
    """
    stays = _sums(flows.filter(pl.col("origin") == pl.col("destination")), "origin", "lives_and_works")
    live, work = _sums(flows, "origin", "residents"), _sums(flows, "destination", "jobs")
    areas = live.join(work, on=["benchmark", "area"], how="full", coalesce=True)
    both = areas.join(stays, on=["benchmark", "area"], how="left").with_columns(pl.col("lives_and_works").fill_null(0))
    return both.select(
        "benchmark",
        "area",
        "lives_and_works",
        of_residents=pl.col("lives_and_works") / pl.col("residents"),
        of_jobs=pl.col("lives_and_works") / pl.col("jobs"),
    ).sort("benchmark", "area")


def _sums(flows: pl.DataFrame, end: str, name: str) -> pl.DataFrame:
    return flows.group_by("benchmark", area=end).agg(pl.col("commuters").sum().alias(name))
