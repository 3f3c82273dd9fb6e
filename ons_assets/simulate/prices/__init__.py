"""A simulated world of supermarket prices with known truth, in the run-file layout of the 2016 pilot."""

from ons_assets.simulate.prices import office
from ons_assets.simulate.prices.scales import SCALES, FaultCounts, Scale
from ons_assets.simulate.prices.tables import item_table
from ons_assets.simulate.prices.world import DEFAULT_SEED, Summary, simulate_prices

__all__ = ["DEFAULT_SEED", "SCALES", "FaultCounts", "Scale", "Summary", "item_table", "office", "simulate_prices"]
