"""`compare_flows`: two sets of flows between areas, pair by pair."""

import polars as pl

from ons_assets.methods.frames import Frame, distinct, known, none_is, numbers, taken
from ons_assets.mobile import flows

PAIR = ("origin", "destination")


def compare_flows(estimate: Frame, benchmark: Frame) -> dict[str, float]:
    """Say how near estimated flows are to others, such as those of a census.

    Parameters
    ----------
    estimate, benchmark
        Frames with the columns ``origin`` and ``destination``, codes of areas, and ``count``, 0 or more, in the same
        unit in both. A pair of areas has one row at most; one that has none is a flow of 0. A matrix becomes such a
        frame by ``matrix.unpivot(index="origin", variable_name="destination", value_name="count")``.

    Returns
    -------
    dict
        ``n`` (pairs in either), ``correlation`` (Pearson), ``correlation_log`` (of pairs where both are above 0),
        ``spearman``, ``rmse``, ``srmse`` (by the mean of the benchmark), ``mae`` (mean absolute error),
        ``relative_error`` (mean, where the benchmark is above 0), ``cpc`` (common part of commuters: 1 where both are
        equal, 0 where they share nothing) and ``total_ratio``. NaN where a measure is not defined.

    Raises
    ------
    TypeError
        If one of them is no frame.
    ValueError
        If a column is missing, of the wrong type or not known in every row; if a count is negative; if a pair comes
        twice; if there are no rows.

    See Also
    --------
    docs/methods/flow_comparison.md : The measures, and what a census can tell.

    References
    ----------
    Lenormand, Bassolas and Ramasco (2016), "Systematic comparison of trip distribution laws and models", Journal of
    Transport Geography 51, pp. 158-169.

    Examples
    --------
    >>> import ons_assets
    >>> import polars as pl
    >>> pairs = {"origin": ["A", "A"], "destination": ["A", "B"]}
    >>> phones = pl.DataFrame({**pairs, "count": [80, 20]})
    >>> census = pl.DataFrame({**pairs, "count": [70, 30]})
    >>> found = ons_assets.compare_flows(phones, census)
    >>> found["cpc"], found["rmse"]
    (0.9, 10.0)
    """
    first, second = _checked(estimate, "estimate"), _checked(benchmark, "benchmark")
    for column in PAIR:
        of_first, of_second = first.schema[column], second.schema[column]
        if of_first != of_second and not (of_first.is_integer() and of_second.is_integer()):
            kinds = f"{of_first.base_type()} in the estimate, and {of_second.base_type()} in the benchmark"
            raise ValueError(f"the column {column} holds {kinds}")
    return flows.compare_flows(first, second)


def _checked(given: Frame, name: str) -> pl.DataFrame:
    frame = known(taken(given, name, (*PAIR, "count")), name, (*PAIR, "count"))
    frame = numbers(frame, name, ("count",)).with_columns(pl.col(each).cast(pl.String()) for each in _categories(frame))
    none_is(frame["count"] < 0, name, "negative")
    return distinct(frame, name, PAIR)


def _categories(frame: pl.DataFrame) -> list[str]:
    """Return the columns of the pair whose texts are kept as numbers, by a code that another frame may not share."""
    return [name for name in PAIR if frame[name].dtype in (pl.Categorical, pl.Enum)]
