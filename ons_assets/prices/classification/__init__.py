"""Is this product the item? Labels by people come first, then a model trained on them, then the collectors' rules."""

from ons_assets.prices.classification.decisions import Classified, classify

__all__ = ["Classified", "classify"]
