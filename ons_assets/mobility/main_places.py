"""The one place that counts for a person: that of most days of evidence."""

import polars as pl


def main_places(anchors: pl.DataFrame) -> pl.DataFrame:
    """Return the place of each anchor of a user that has the most days of evidence, over all times it was one.

    This is what accuracies are counted by, and what is meant by the main home of a person.

    Parameters
    ----------
    anchors
        What `infer_anchors` returns.

    Returns
    -------
    pl.DataFrame
        user, anchor, place, evidence_days; one row a user and anchor. Of equals, the earlier place, then the first.
        Sorted.
    """
    ranked = anchors.group_by("user", "anchor", "place").agg(pl.col("evidence_days").sum(), first=pl.col("from").min())
    ranked = ranked.sort(
        "user", "anchor", "evidence_days", "first", "place", descending=[False, False, True, False, False]
    )
    return ranked.unique(["user", "anchor"], keep="first", maintain_order=True).drop("first")
