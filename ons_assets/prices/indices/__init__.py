"""Price indices: bilateral, multilateral and those of the 2014 to 2016 pilot.

`price_index` runs one method on one set of quotes, `by_item` many methods on many items, `linked_aggregate` weights
item indices together to chains of groups, and `rate_contributions` says what moved them. Every method is a pure
function of a frame of quotes or of indices.
"""

from ons_assets.prices.indices.aggregation import aggregate
from ons_assets.prices.indices.averages import average_index, average_prices, unit_values
from ons_assets.prices.indices.chain_linked import ChainRules
from ons_assets.prices.indices.contributions import contributions
from ons_assets.prices.indices.filters import drop_products
from ons_assets.prices.indices.items import IndexMethod, by_item
from ons_assets.prices.indices.linked_aggregation import linked_aggregate, rate_contributions
from ons_assets.prices.indices.linking import chain_years, double_chain_link
from ons_assets.prices.indices.methods import price_index
from ons_assets.prices.indices.product_groups import group_quotes, mars
from ons_assets.prices.indices.registry import methods
from ons_assets.prices.indices.similarity import dissimilarity
from ons_assets.prices.indices.uncertainty import bootstrap, bootstrap_group, bootstrap_items, intervals

__all__ = [
    "ChainRules",
    "IndexMethod",
    "aggregate",
    "average_index",
    "average_prices",
    "bootstrap",
    "bootstrap_group",
    "bootstrap_items",
    "by_item",
    "chain_years",
    "contributions",
    "dissimilarity",
    "double_chain_link",
    "drop_products",
    "group_quotes",
    "intervals",
    "linked_aggregate",
    "mars",
    "methods",
    "price_index",
    "rate_contributions",
    "unit_values",
]
