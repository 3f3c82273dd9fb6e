"""A world of phones with known truth; it writes files as operators and others do."""

from ons_assets.simulate.mobile.company import Company
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.world import Summary, simulate_mobile

__all__ = ["Company", "Scale", "Summary", "simulate_mobile"]
