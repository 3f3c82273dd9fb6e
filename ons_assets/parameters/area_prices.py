"""Parameters of the prices that households of an area meet."""

from typing import Any

from pydantic import Field

from ons_assets.parameters.base import Parameters


class AreaPriceParameters(Parameters):
    """How indices of retailers become one of an area, and how sure it is."""

    method: dict[str, Any] = Field(
        {"method": "geks-jevons"},
        description="method of the index of an item at a retailer, with its options but filters; see "
        "docs/methods/price_indices.md",
    )
    least_households: int = Field(
        20, ge=1, description="households that a survey must have asked in an area for an index of it"
    )
    level: float = Field(0.95, gt=0.5, lt=1, description="of the intervals")
    samples: int = Field(
        200, ge=20, le=10_000, description="samples of the products of an item and retailer, for its standard error"
    )
    seed: int = Field(20110501, ge=0, description="of the samples")
