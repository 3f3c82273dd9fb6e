"""Assets of the reference data."""

from ons_assets.orchestration.assets import ingested
from ons_assets.reference.geography import AddressFiles, AreaFiles
from ons_assets.reference.people import estimate_files, population_files
from ons_assets.reference.weights import weight_files

item_weights = ingested("reference/item_weights", weight_files)
areas = ingested("reference/areas", AreaFiles.of)
addresses = ingested("reference/addresses", AddressFiles.of)
population = ingested("reference/population", population_files)
migration_estimates = ingested("reference/migration_estimates", estimate_files)

ASSETS = [item_weights, areas, addresses, population, migration_estimates]
SOURCES = {
    item_weights.key: weight_files,
    areas.key: AreaFiles.of,
    addresses.key: AddressFiles.of,
    population.key: population_files,
    migration_estimates.key: estimate_files,
}
