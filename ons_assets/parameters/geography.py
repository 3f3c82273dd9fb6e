"""Parameters of what pilots share about places."""

from pydantic import Field

from ons_assets.parameters.base import Parameters


class NearestParameters(Parameters):
    """What kind of place a point is, from the addresses around it."""

    neighbours: int = Field(10, ge=1, le=1_000, description="how many addresses are asked at most")
    radius_m: float = Field(100.0, gt=0, description="how far away they may be")
    kernel_m: float = Field(
        25.0, gt=0, description="standard deviation of the position of a point; an address this far away counts 0.61"
    )
