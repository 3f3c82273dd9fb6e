"""A stream of positions on loopback that breaks as it is told to, and writes it down: the judge of a harvester.

python -m ons_assets.simulate.streams --kind sse --home HOME
"""

from ons_assets.simulate.streams.messages import Made, Recorded
from ons_assets.simulate.streams.server import KINDS, Phase, StreamServer, describe

__all__ = ["KINDS", "Made", "Phase", "Recorded", "StreamServer", "describe"]
