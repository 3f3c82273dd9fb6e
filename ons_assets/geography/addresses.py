"""The addresses near a point, and what kind of place they make it."""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.spatial import cKDTree

from ons_assets.geography.address_classes import CLASSES
from ons_assets.parameters.geography import NearestParameters

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Height of the strips of country that are held in memory one at a time.
STRIP_M = 20_000.0


def nearest_addresses(
    points: pl.DataFrame, addresses: pl.DataFrame | pl.LazyFrame, parameters: NearestParameters | None = None
) -> pl.DataFrame:
    """Say what kind of place each point is, from the addresses around it.

    Each of the k nearest addresses within the radius votes for its class with a weight that falls with
    its distance as a normal density does; the probability of a class is its share of the weights. Of
    addresses that are equally far, as the flats of a house, the one with the lowest UPRN comes first.

    The country is worked through in strips from south to north, so that no more than the addresses of
    one strip are in memory: give `addresses` as a lazy scan sorted by northing_m for that to be quick.

    Parameters
    ----------
    points
        easting_m, northing_m, and any further columns.
    addresses
        uprn, easting_m, northing_m, class, postcode.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        The points in their order with class (null where no address lies within the radius), probability,
        address_distance_m, uprn and postcode (of the nearest address of that class), addresses_near
        (how many voted).

    Raises
    ------
    ValueError
        If a class is none of residential, commercial, education, transport, other.
    """
    parameters = parameters or NearestParameters()
    rows = points.with_row_index("row")
    lazy = addresses.lazy().select("uprn", "easting_m", "northing_m", "class", "postcode")
    found = []
    strips = rows.filter(pl.col("northing_m").is_finite() & pl.col("easting_m").is_finite()).with_columns(
        strip=(pl.col("northing_m") / STRIP_M).floor().cast(pl.Int32())
    )
    for (strip,), of_strip in sorted(strips.partition_by("strip", as_dict=True).items()):
        south = float(strip) * STRIP_M - parameters.radius_m
        near = lazy.filter(pl.col("northing_m").is_between(south, south + STRIP_M + 2 * parameters.radius_m)).collect()
        near = near.sort("uprn")
        if len(near):
            found.append(_vote(of_strip, near, parameters))
    columns = ("class", "probability", "address_distance_m", "uprn", "postcode", "addresses_near")
    votes = pl.concat(found) if found else pl.DataFrame(schema=_SCHEMA)
    joined = rows.join(votes, on="row", how="left", maintain_order="left").select(*points.columns, *columns)
    return joined.with_columns(pl.col("addresses_near").fill_null(0))


_SCHEMA = {
    "row": pl.UInt32(),
    "class": pl.String(),
    "probability": pl.Float64(),
    "address_distance_m": pl.Float64(),
    "uprn": pl.Int64(),
    "postcode": pl.String(),
    "addresses_near": pl.Int32(),
}


def _nearest(tree: cKDTree, points: FloatArray, k: int, radius: float) -> tuple[FloatArray, IntArray]:
    """The k nearest of the tree to each point, nearest first, of equally far ones those with the lowest number.

    Where there are fewer, the distance is infinite, as of `cKDTree.query`.
    """
    distance, index = np.full((len(points), k), np.inf), np.full((len(points), k), tree.n)
    rows, asked = np.arange(len(points)), k + 1
    while len(rows):
        apart, number = tree.query(
            points[rows], k=list(range(1, asked + 1)), distance_upper_bound=np.nextafter(radius, np.inf)
        )
        order = np.lexsort((number, apart), axis=1)[:, :k]
        distance[rows] = np.take_along_axis(apart, order, axis=1)
        index[rows] = np.take_along_axis(number, order, axis=1)
        # There may be more that are as far as the last one that is wanted.
        rows = rows[np.isfinite(apart[:, -1]) & (apart[:, -1] == apart[:, k - 1])]
        asked *= 2
    return distance, index


def _vote(points: pl.DataFrame, addresses: pl.DataFrame, parameters: NearestParameters) -> pl.DataFrame:
    if unknown := set(addresses["class"].unique()) - set(CLASSES):
        raise ValueError(f"classes of addresses that are not known: {sorted(map(str, unknown))}")
    numbers = {name: number for number, name in enumerate(CLASSES)}
    of_address = addresses["class"].replace_strict(numbers, return_dtype=pl.Int8()).to_numpy()
    tree = cKDTree(addresses.select("easting_m", "northing_m").to_numpy())
    distance, index = _nearest(
        tree, points.select("easting_m", "northing_m").to_numpy(), parameters.neighbours, parameters.radius_m
    )
    within = np.isfinite(distance)
    index = np.where(within, index, 0)
    weight = np.where(within, np.exp(-0.5 * (np.where(within, distance, 0.0) / parameters.kernel_m) ** 2), 0.0)
    kind = of_address[index]
    by_class = np.stack([(weight * (kind == number)).sum(axis=1) for number in range(len(CLASSES))], axis=1)
    winner = by_class.argmax(axis=1)
    # Columns come nearest first: the first of the class is its nearest address.
    first = ((kind == winner[:, None]) & within).argmax(axis=1)
    line = np.arange(len(points))
    has_any = within.any(axis=1)
    total = by_class.sum(axis=1)
    chosen = addresses[index[line, first]]
    return pl.DataFrame(
        {
            "row": points["row"],
            "class": pl.Series(np.array(CLASSES, dtype=object)[winner], dtype=pl.String()),
            "probability": by_class[line, winner] / np.where(has_any, total, 1.0),
            "address_distance_m": np.where(has_any, distance[line, first], 0.0),
            "uprn": chosen["uprn"].cast(pl.Int64()),
            "postcode": chosen["postcode"].cast(pl.String()),
            "addresses_near": pl.Series(within.sum(axis=1), dtype=pl.Int32()),
        }
    ).filter(pl.Series(has_any))
