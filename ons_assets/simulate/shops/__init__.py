"""The simulated supermarkets as shops on the web of this machine, for tests and the demonstration.

python -m ons_assets.simulate.shops TRUTH --home HOME
"""

from ons_assets.simulate.shops.descriptions import describe
from ons_assets.simulate.shops.server import Faults, ShopServer
from ons_assets.simulate.shops.stock import Stock

__all__ = ["Faults", "ShopServer", "Stock", "describe"]
