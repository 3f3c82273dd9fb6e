"""A world of phones with known truth; it writes files as operators and others do."""

from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.world import Summary, simulate_mobile

__all__ = ["Scale", "Summary", "simulate_mobile"]
