"""Stays and anchors: what tweets and mobile phones share.

A stay is a person, a place and a time; an anchor is a place that matters: home, work or study.
"""

from ons_assets.mobility.anchors import AnchorSettings, infer_anchors
from ons_assets.mobility.commutes import commutes

__all__ = ["AnchorSettings", "commutes", "infer_anchors"]
