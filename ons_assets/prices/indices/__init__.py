"""Price indices: bilateral, multilateral and those of the 2014 to 2016 pilot.

`price_index` runs one method on one set of quotes, `by_item` many methods on many items, `aggregate`
weights item indices together. Every method is a pure function of a frame of quotes.
"""

from ons_assets.prices.indices.aggregation import aggregate
from ons_assets.prices.indices.averages import average_index, average_prices, unit_values
from ons_assets.prices.indices.contributions import contributions
from ons_assets.prices.indices.items import IndexMethod, by_item
from ons_assets.prices.indices.linking import chain_years, double_chain_link
from ons_assets.prices.indices.methods import methods, price_index

__all__ = [
    "IndexMethod",
    "aggregate",
    "average_index",
    "average_prices",
    "by_item",
    "chain_years",
    "contributions",
    "double_chain_link",
    "methods",
    "price_index",
    "unit_values",
]
