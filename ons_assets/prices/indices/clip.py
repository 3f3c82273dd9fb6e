"""CLIP: clustering large data sets into price indices."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.prices.indices.chaining import fixed_base
from ons_assets.prices.indices.links import pair_link
from ons_assets.prices.indices.panel import FloatArray, Panel
from ons_assets.prices.indices.series import NO_MATCH_WITH_BASE, Levels

# Fewer different products than this cannot be clustered: the index is then Jevons, as in the pilot.
FEWEST_PRODUCTS = 30
# A group that has shrunk below this share of its base size says too little about its prices.
SMALLEST_SHARE = 0.25


def clip(panel: Panel, base: int) -> Levels:
    """Follow groups of similar products instead of single products.

    The products of the base are clustered by price and description (mean shift). A decision tree learns
    to tell the clusters apart by the description alone; its leaves are the groups, and products that come
    later fall into them too. The index is the mean of the groups' relatives of geometric mean prices,
    weighted by the number of products in the base. Groups that are empty in a period, or smaller than a
    quarter of their base size, are left out of that period (the pilot counted them as unchanged). With
    fewer than 30 different products, or one group, the index is Jevons.

    Matched products are the products of the period in the groups that are compared.

    Parameters
    ----------
    panel
        Prices, and the description of the products in `features`.
    base
        Number of the base period.

    References
    ----------
    Metcalfe, Flower, Lewis, Mayhew and Rowland (2016), Research indices using web scraped price data:
    clustering large datasets into price indices (CLIP), Office for National Statistics.
    """
    groups = group_products(panel, base)
    if groups.max(initial=0) == 0:
        return fixed_base(panel, pair_link(panel, "jevons"), base)
    shape = (groups.max() + 1, panel.n_periods)
    cell = groups[panel.product] * shape[1] + panel.period
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    total = np.bincount(cell, panel.log_price, shape[0] * shape[1]).reshape(shape)
    base_count = count[:, [base]]
    compared = (base_count > 0) & (count >= np.maximum(1, SMALLEST_SHARE * base_count))
    mean = np.divide(total, count, out=np.zeros(shape), where=count > 0)
    weight = np.where(compared, base_count, 0)
    weighted = (weight * np.exp(mean - mean[:, [base]])).sum(axis=0)
    known = weight.sum(axis=0) > 0
    index = np.divide(weighted, weight.sum(axis=0), out=np.full(shape[1], np.nan), where=known)
    return Levels(np.log(index), np.where(compared, count, 0).sum(axis=0), NO_MATCH_WITH_BASE)


def group_products(panel: Panel, base: int) -> npt.NDArray[np.int64]:
    """Assign every product to a group of similar products, numbered from 0.

    Returns
    -------
    groups : (products,)
        All zero where the base has too few different products, or nothing to tell them apart.
    """
    # Importing scikit-learn takes a second, and only this method needs it.
    from sklearn.cluster import MeanShift, estimate_bandwidth
    from sklearn.tree import DecisionTreeClassifier

    description = describe(panel)
    rows = panel.rows_in_period(base)
    price = panel.price[rows] / np.median(panel.price[rows])
    in_base = description[panel.product[rows]]
    different = np.unique(np.column_stack([price, in_base]), axis=0)
    one_group = np.zeros(len(panel.products), dtype=np.int64)
    if len(different) < FEWEST_PRODUCTS:
        return one_group
    bandwidth = estimate_bandwidth(different)
    if bandwidth <= 0:
        return one_group
    clusters = MeanShift(bandwidth=bandwidth).fit_predict(different)
    smallest_leaf = 8 if len(different) < 100 else len(different) // 15
    tree = DecisionTreeClassifier(min_samples_leaf=smallest_leaf, random_state=0)
    leaves = tree.fit(different[:, 1:], clusters).apply(description)
    return np.unique(leaves, return_inverse=True)[1].astype(np.int64)


def describe(panel: Panel) -> FloatArray:
    """Return the description of the products as numbers: texts and categories become indicators.

    Raises
    ------
    ValueError
        If the quotes have no column besides period, product, price and quantity.
    """
    if panel.features is None or panel.features.width == 0:
        raise ValueError("method 'clip' needs at least one column that describes the products")
    numeric = panel.features.select(pl.selectors.numeric()).fill_null(0).cast(pl.Float64)
    other = panel.features.select(~pl.selectors.numeric())
    indicators = other.fill_null("").to_dummies() if other.width else other
    return np.column_stack([numeric.to_numpy(), indicators.to_numpy()]).astype(np.float64)
