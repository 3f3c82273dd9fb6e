"""Stays and anchors: what tweets and mobile phones share.

A stay is a person, a place and a time; an anchor is a place that matters: home, second home, work or study.
"""

from ons_assets.mobility.anchors import infer_anchors
from ons_assets.mobility.commutes import commutes
from ons_assets.mobility.main_places import main_places
from ons_assets.parameters.mobility import AnchorParameters

__all__ = ["AnchorParameters", "commutes", "infer_anchors", "main_places"]
