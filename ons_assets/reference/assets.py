"""Assets of the reference data."""

from ons_assets.orchestration.assets import ingested
from ons_assets.reference.weights import WeightFiles

item_weights = ingested("reference/item_weights", WeightFiles.of)

ASSETS = [item_weights]
SOURCES = {item_weights.key: WeightFiles.of}
