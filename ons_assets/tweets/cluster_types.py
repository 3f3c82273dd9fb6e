"""What kind of place each cluster is, by the addresses around it."""

import polars as pl

from ons_assets.geography.addresses import nearest_addresses
from ons_assets.parameters.geography import NearestParameters

OUTPUT = (
    "user", "cluster", "type", "probability", "address_distance_m", "addresses_near", "uprn", "postcode", "area",
)  # fmt: skip


def cluster_types(
    clusters: pl.DataFrame, addresses: pl.DataFrame | pl.LazyFrame, parameters: NearestParameters | None = None
) -> pl.DataFrame:
    """Give every valid cluster the class of the addresses nearest to its centre.

    Parameters
    ----------
    clusters
        Rows of `tweets/clusters`.
    addresses
        Rows of `reference/addresses`; lazy, so that only a strip of the country is in memory.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, cluster, type (residential, commercial, education, transport or other; null where no address
        is near), probability, address_distance_m, addresses_near, uprn and postcode (of the nearest address
        of that type), area. Sorted by user and cluster.
    """
    valid = clusters.filter("is_valid").select("user", "cluster", "easting_m", "northing_m", "area")
    found = nearest_addresses(valid, addresses, parameters)
    return found.rename({"class": "type"}).select(OUTPUT).sort("user", "cluster")
