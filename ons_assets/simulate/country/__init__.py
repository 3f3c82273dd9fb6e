"""One simulated country: its areas, dwellings, households and people, from which every source draws, and its truth."""

from ons_assets.simulate.country.land import LEVELS, Land
from ons_assets.simulate.country.office import write_office_files
from ons_assets.simulate.country.scales import SCALES, Scale
from ons_assets.simulate.country.truth import area_months, commuting, migration, write_truth
from ons_assets.simulate.country.world import DEFAULT_SEED, Country, make_country

__all__ = [
    "DEFAULT_SEED",
    "LEVELS",
    "SCALES",
    "Country",
    "Land",
    "Scale",
    "area_months",
    "commuting",
    "make_country",
    "migration",
    "write_office_files",
    "write_truth",
]
