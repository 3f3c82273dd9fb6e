"""Counting people where devices were counted, by the weights of the devices."""

import polars as pl

DECIMALS = 9


def in_people(weighted: pl.DataFrame, column: str, weights: pl.DataFrame | None) -> pl.DataFrame:
    """Multiply what devices count for by the people for whom they stand.

    Parameters
    ----------
    weighted
        With `user`.
    column
        What each row counts for.
    weights
        Rows of `mobile/device_weights`, or None for devices: nothing is changed. One without a weight counts as one.
    """
    if weights is None:
        return weighted
    people = weights.select("user", people_=pl.col("people_of_device"))
    return (
        weighted.join(people, on="user", how="left", maintain_order="left")
        .with_columns((pl.col(column) * pl.col("people_").fill_null(1.0)).round(DECIMALS))
        .drop("people_")
    )
