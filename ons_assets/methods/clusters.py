"""`dbscan`: clusters of points by density."""

from collections.abc import Sequence

import numpy as np
import polars as pl

import core_ext
from ons_assets.methods.arguments import held
from ons_assets.methods.frames import Frame, known, names, none_is, numbers, taken

POINTS = "points"
COORDINATES = ("easting_m", "northing_m")
# No plane of the Earth is as wide, and no frame as long; nothing is known as exactly.
NEAREST_M, FARTHEST_M, MOST_POINTS = 1e-6, 1_000_000_000, 2**31 - 1
ALL_IN_ONE = pl.repeat(0, pl.len()).alias("by_0")


def dbscan(
    points: Frame, *, by: str | Sequence[str] | None = None, eps_m: float = 20.0, min_points: int = 3
) -> pl.DataFrame:
    """Cluster points by density, those of each person on their own if asked to.

    The clusters are those of scikit-learn's ``DBSCAN``: numbered by their first core point in the order of the rows,
    and a point on the border of two belongs to the one with the lower number.

    Parameters
    ----------
    points
        A frame with the columns ``easting_m`` and ``northing_m``, in metres on any plane grid, and those of `by`;
        others are kept. `ons_assets.geography.national_grid.to_national_grid` makes metres of degrees in Great
        Britain.
    by
        Column or columns, such as ``"user"``, of whose every value the points are clustered by themselves; None for
        all points together.
    eps_m
        Two points are neighbours within this distance, in metres.
    min_points
        A point with so many neighbours, itself included, is the core of a cluster.

    Returns
    -------
    polars.DataFrame
        The points in their order, with ``cluster``: from 0 within each value of `by`; -1 for a point in none.

    Raises
    ------
    TypeError
        If `points` is no frame.
    ValueError
        If a column is missing, of the wrong type or not known in every row; if there is a column ``cluster``
        already; if there are no rows; if a coordinate is more than a million kilometres; if an argument is not of its
        type, `eps_m` is not above 0, or `min_points` not at least 1.

    See Also
    --------
    docs/methods/dbscan.md : The method, and how fast it is.
    core_ext.dbscan : The kernel, which takes arrays, weights of points, and times.

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996), "A density-based algorithm for discovering clusters in large spatial
    databases with noise", KDD-96, pp. 226-231.

    Examples
    --------
    >>> import ons_assets
    >>> import polars as pl
    >>> points = pl.DataFrame({
    ...     "user": ["a", "a", "a", "a", "b", "b"],
    ...     "easting_m": [400_000, 400_010, 400_020, 400_900, 400_000, 400_010],
    ...     "northing_m": [300_000, 300_000, 300_000, 300_000, 300_000, 300_000],
    ... })
    >>> ons_assets.dbscan(points, by="user")["cluster"].to_list()
    [0, 0, 0, -1, -1, -1]
    """
    held(dbscan, by=by, eps_m=eps_m, min_points=min_points)
    if not NEAREST_M <= eps_m <= FARTHEST_M:
        raise ValueError(f"eps_m must be above 0 (from {NEAREST_M}) and at most {FARTHEST_M:,}")
    if not 1 <= min_points <= MOST_POINTS:
        raise ValueError(f"min_points must be from 1 to {MOST_POINTS:,}")
    groups = [] if by is None else names(by)
    frame = taken(points, POINTS, (*groups, *COORDINATES))
    if "cluster" in frame.columns:
        raise ValueError(f"{POINTS}: there is a column cluster already, and the result has one")
    known(frame, POINTS, (*groups, *COORDINATES))
    plane = numbers(frame, POINTS, COORDINATES)
    for name in COORDINATES:
        none_is(plane[name].abs() > FARTHEST_M, POINTS, f"beyond {FARTHEST_M:,} metres")
    east, north = (plane[name].to_numpy() for name in COORDINATES)
    # By names of our own, as a column may have any.
    group = frame.select([pl.col(name).alias(f"by_{place}") for place, name in enumerate(groups)] or ALL_IN_ONE)
    # Stable, so that the points of a group stay in their order, by which clusters are numbered.
    ordered = group.with_row_index("row").sort(group.columns, maintain_order=True)
    sizes = ordered.group_by(group.columns, maintain_order=True).len("points")["points"]
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    row = ordered["row"].to_numpy()
    labels = np.empty(len(frame), dtype=np.int32)
    labels[row] = core_ext.dbscan(east[row], north[row], offsets, float(eps_m), min_points)
    return frame.with_columns(cluster=pl.Series(labels))
