"""Commutes: the home and the work or study that a person has at the same time."""

import polars as pl


def commutes(anchors: pl.DataFrame) -> pl.DataFrame:
    """Pair every work and study with the homes of the same time.

    Parameters
    ----------
    anchors
        What `infer_anchors` returns.

    Returns
    -------
    pl.DataFrame
        user, purpose ("work" or "study"), home, destination (places), from, to (days that both share),
        confidence (product of the two). Sorted by user, purpose and from.
    """
    homes = anchors.filter(anchor="home").select("user", home="place", h_from="from", h_to="to", h="confidence")
    away = anchors.filter(pl.col("anchor").is_in(["work", "study"]))
    return (
        away.join(homes, on="user")
        .filter((pl.col("from") <= pl.col("h_to")) & (pl.col("h_from") <= pl.col("to")))
        .select(
            "user",
            pl.col("anchor").alias("purpose"),
            "home",
            pl.col("place").alias("destination"),
            pl.max_horizontal("from", "h_from").alias("from"),
            pl.min_horizontal("to", "h_to").alias("to"),
            confidence=pl.col("confidence") * pl.col("h"),
        )
        .sort("user", "purpose", "from")
    )
