"""Assets of the reference data."""

from ons_assets.orchestration.assets import ingested
from ons_assets.reference.item_rules import ItemRuleFiles
from ons_assets.reference.official_indices import OfficialIndexFiles
from ons_assets.reference.product_labels import LabelFiles
from ons_assets.reference.weights import WeightFiles

item_weights = ingested("reference/item_weights", WeightFiles.of)
item_rules = ingested("reference/item_rules", ItemRuleFiles.of)
product_labels = ingested("reference/product_labels", LabelFiles.of)
official_indices = ingested("reference/official_indices", OfficialIndexFiles.of)

ASSETS = [item_weights, item_rules, product_labels, official_indices]
SOURCES = {
    item_weights.key: WeightFiles.of,
    item_rules.key: ItemRuleFiles.of,
    product_labels.key: LabelFiles.of,
    official_indices.key: OfficialIndexFiles.of,
}
