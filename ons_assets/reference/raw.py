"""What files of reference data become."""

from ons_assets.intake.raw_table import RawTable
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

item_weights = RawTable("reference/item_weights", WeightFiles.of)
retailer_shares = RawTable("reference/retailer_shares", RetailerShareFiles.of)
item_rules = RawTable("reference/item_rules", ItemRuleFiles.of)
item_coicop = RawTable("reference/item_coicop", ItemCoicopFiles.of)
product_labels = RawTable("reference/product_labels", LabelFiles.of)
accepted_levels = RawTable("reference/accepted_levels", AcceptedLevelFiles.of)
official_indices = RawTable("reference/official_indices", OfficialIndexFiles.of)
areas = RawTable("reference/areas", AreaFiles.of)
addresses = RawTable("reference/addresses", AddressFiles.of)
population = RawTable("reference/population", PopulationFiles.of)
dwellings = RawTable("reference/dwellings", DwellingFiles.of)
migration_estimates = RawTable("reference/migration_estimates", EstimateFiles.of)
area_codes = RawTable("reference/area_codes", AreaCodeFiles.of)
area_parts = RawTable("reference/area_parts", AreaPartFiles.of)
land_use = RawTable("reference/land_use", LandUseFiles.of)
commuting_flows = RawTable("reference/commuting_flows", CommutingFiles.of)
phone_market = RawTable("reference/phone_market", MarketFiles.of)
workers = RawTable("reference/workers", WorkerFiles.of)
