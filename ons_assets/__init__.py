"""Four big-data sources as official statistics.

The methods that analysts call stand here, each a function of frames; docs/python.md shows them at work, and says how
long a name stays as it is. A method is imported when it is first asked for, so that `import ons_assets` and the
command line load none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ons_assets.methods.anchors import infer_anchors
    from ons_assets.methods.clusters import dbscan
    from ons_assets.methods.disclosure import protect
    from ons_assets.methods.flows import compare_flows
    from ons_assets.methods.indices import price_index
    from ons_assets.methods.occupancy import occupancy_probabilities

__all__ = ["compare_flows", "dbscan", "infer_anchors", "occupancy_probabilities", "price_index", "protect"]

_MODULES = {
    "compare_flows": "flows",
    "dbscan": "clusters",
    "infer_anchors": "anchors",
    "occupancy_probabilities": "occupancy",
    "price_index": "indices",
    "protect": "disclosure",
}

if not TYPE_CHECKING:
    # Hidden from type checkers, to whom it would say that any name is here.
    def __getattr__(name: str) -> object:
        """Import a method where it is first asked for."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"ons_assets.methods.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__]
