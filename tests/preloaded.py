"""What a server loads before it forks processes for tests: whatever takes long to import."""

import ons_assets.operations.making
from ons_assets.lakehouse.judge import great_expectations

__all__ = ["ons_assets"]

great_expectations()
