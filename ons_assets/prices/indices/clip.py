"""CLIP: clustering large data sets into price indices."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.prices.indices.chaining import fixed_base
from ons_assets.prices.indices.links import pair_link
from ons_assets.prices.indices.panel import FloatArray, Panel
from ons_assets.prices.indices.series import NO_MATCH_WITH_BASE, Levels

# Fewer different products than this, or fewer clusters, leave nothing to group: the index is then Jevons.
FEWEST_PRODUCTS = 30
FEWEST_CLUSTERS = 3
# A group that has shrunk below this share of its base size says too little about its prices.
SMALLEST_SHARE = 0.25


def clip(panel: Panel, base: int, *, as_in_pilot: bool = False) -> Levels:
    """Follow groups of similar products instead of single products.

    The products of the base are clustered by price and description (mean shift). A decision tree learns
    to tell the clusters apart by the description alone; its leaves are the groups, and products that come
    later fall into them too. The index is the mean of the groups' relatives of geometric mean prices,
    weighted by the number of products in the base. With fewer than 30 different products, or fewer than
    three clusters, the index is Jevons.

    Groups that are empty in a period, or smaller than a quarter of their base size, are left out of that
    period, and prices are clustered relative to their median, so that pounds or pence do not matter.

    Matched products are the products of the period in the groups that are compared.

    Parameters
    ----------
    panel
        Prices, and the description of the products in `features`.
    base
        Number of the base period.
    as_in_pilot
        Do as the pilot of 2014 to 2016 did: cluster prices as they stand, count a group that has shrunk as
        unchanged, and take the Jevons index of a period in which a group is empty. Numbers in the
        description do not make products different there.

    References
    ----------
    Metcalfe, Flower, Lewis, Mayhew and Rowland (2016), Research indices using web scraped price data:
    clustering large datasets into price indices (CLIP), Office for National Statistics.
    """
    jevons = fixed_base(panel, pair_link(panel, "jevons"), base)
    groups = group_products(panel, base, as_in_pilot=as_in_pilot)
    if groups is None:
        return jevons
    shape = (groups.max() + 1, panel.n_periods)
    cell = groups[panel.product] * shape[1] + panel.period
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(cell, panel.log_price, shape[0] * shape[1]).reshape(shape)
    base_count = count[:, [base]]
    compared = (base_count > 0) & (count >= np.maximum(1, SMALLEST_SHARE * base_count))
    mean = np.divide(total, count, out=np.zeros(shape), where=count > 0)
    relative = np.where(compared, np.exp(mean - mean[:, [base]]), 1.0)
    weight = np.broadcast_to(base_count, shape) if as_in_pilot else np.where(compared, base_count, 0)
    known = compared.any(axis=0)
    index = np.full(panel.n_periods, np.nan)
    index[known] = (weight * relative).sum(axis=0)[known] / weight.sum(axis=0)[known]
    levels = Levels(np.log(index), np.where(compared, count, 0).sum(axis=0), NO_MATCH_WITH_BASE)
    if as_in_pilot:
        empty = np.any((base_count > 0) & (count == 0), axis=0)
        levels.log_level[empty] = jevons.log_level[empty]
        levels.matched[empty] = jevons.matched[empty]
    return levels


def group_products(panel: Panel, base: int, *, as_in_pilot: bool = False) -> npt.NDArray[np.int64] | None:
    """Assign every product to a group of similar products.

    Parameters
    ----------
    panel, base, as_in_pilot
        As for `clip`.

    Returns
    -------
    groups : (products,) or None
        Numbers from 0; None where the base has too few different products or clusters.
    """
    # Importing scikit-learn takes a second, and only this method needs it.
    from sklearn.cluster import MeanShift, estimate_bandwidth
    from sklearn.tree import DecisionTreeClassifier

    description, is_text = describe(panel)
    rows = panel.rows_in_period(base)
    price = panel.price[rows] / (1.0 if as_in_pilot else np.median(panel.price[rows]))
    in_base = np.column_stack([price, description[panel.product[rows]]])
    different = np.unique(in_base, axis=0)
    told_apart = np.unique(in_base[:, np.append(True, is_text)], axis=0) if as_in_pilot else different
    if len(told_apart) < FEWEST_PRODUCTS:
        return None
    bandwidth = estimate_bandwidth(different)
    if bandwidth <= 0:
        return None
    clusters = MeanShift(bandwidth=bandwidth).fit_predict(different)
    if len(np.unique(clusters)) < FEWEST_CLUSTERS:
        return None
    smallest_leaf = 8 if len(different) < 100 else len(different) // 15
    tree = DecisionTreeClassifier(min_samples_leaf=smallest_leaf, random_state=0)
    leaves = tree.fit(different[:, 1:], clusters).apply(description)
    return np.unique(leaves, return_inverse=True)[1].astype(np.int64)


def describe(panel: Panel) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the description of the products as numbers, and which columns come from texts.

    Texts and categories become indicators; where one is missing, none of its indicators is set.

    Raises
    ------
    ValueError
        If the quotes have no column besides period, product, price and quantity.
    """
    if panel.features is None or panel.features.width == 0:
        raise ValueError("method 'clip' needs at least one column that describes the products")
    numbers = panel.features.select(pl.selectors.numeric())
    texts = panel.features.select(~pl.selectors.numeric())
    indicators = texts.to_dummies(drop_nulls=True) if texts.width else texts
    description = pl.concat([numbers, indicators], how="horizontal").cast(pl.Float64).fill_null(0.0)
    return description.to_numpy(), np.arange(description.width) >= numbers.width
