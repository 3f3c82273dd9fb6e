"""A simulated world of homes with smart meters: who is at home is known for every half hour.

Files are written as the CER trial (Ireland) and Low Carbon London laid theirs out; the truth lies apart.
"""

from ons_assets.simulate.meters.home import SimulatedHome, simulate_home, simulated_homes
from ons_assets.simulate.meters.large_loads import EquipmentShares
from ons_assets.simulate.meters.scales import SCALES, Scale
from ons_assets.simulate.meters.world import DEFAULT_SEED, Summary, simulate_meters

__all__ = [
    "DEFAULT_SEED",
    "SCALES",
    "EquipmentShares",
    "Scale",
    "SimulatedHome",
    "Summary",
    "simulate_home",
    "simulate_meters",
    "simulated_homes",
]
