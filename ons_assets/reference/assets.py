"""Assets of the reference data."""

from ons_assets.orchestration.assets import ingested
from ons_assets.reference.accepted_levels import AcceptedLevelFiles
from ons_assets.reference.coicop import ItemCoicopFiles
from ons_assets.reference.geography import AddressFiles, AreaFiles
from ons_assets.reference.item_rules import ItemRuleFiles
from ons_assets.reference.labour import (
    AreaCodeFiles,
    AreaPartFiles,
    CommutingFiles,
    LandUseFiles,
    MarketFiles,
    WorkerFiles,
)
from ons_assets.reference.official_indices import OfficialIndexFiles
from ons_assets.reference.people import DwellingFiles, EstimateFiles, PopulationFiles
from ons_assets.reference.product_labels import LabelFiles
from ons_assets.reference.weights import RetailerShareFiles, WeightFiles

item_weights = ingested("reference/item_weights", WeightFiles.of)
retailer_shares = ingested("reference/retailer_shares", RetailerShareFiles.of)
item_rules = ingested("reference/item_rules", ItemRuleFiles.of)
item_coicop = ingested("reference/item_coicop", ItemCoicopFiles.of)
product_labels = ingested("reference/product_labels", LabelFiles.of)
accepted_levels = ingested("reference/accepted_levels", AcceptedLevelFiles.of)
official_indices = ingested("reference/official_indices", OfficialIndexFiles.of)
areas = ingested("reference/areas", AreaFiles.of)
addresses = ingested("reference/addresses", AddressFiles.of)
population = ingested("reference/population", PopulationFiles.of)
dwellings = ingested("reference/dwellings", DwellingFiles.of)
migration_estimates = ingested("reference/migration_estimates", EstimateFiles.of)
area_codes = ingested("reference/area_codes", AreaCodeFiles.of)
area_parts = ingested("reference/area_parts", AreaPartFiles.of)
land_use = ingested("reference/land_use", LandUseFiles.of)
commuting_flows = ingested("reference/commuting_flows", CommutingFiles.of)
phone_market = ingested("reference/phone_market", MarketFiles.of)
workers = ingested("reference/workers", WorkerFiles.of)
