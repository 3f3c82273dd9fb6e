"""Parameters of the mobile phones pilot, and named sets of them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LEAST_K = 5

# What Eurostat's reference pipeline is configured with (multimno, pipe_configs): hours of night and work,
# shares of a device's hours and days that make a home or a workplace, gaps that are bridged, speed, k.
MOBILE_PRESETS: dict[str, dict[str, Any]] = {
    "house": {},
    "multimno": {
        "night_start": 18,
        "night_end": 8,
        "work_start": 8,
        "work_end": 17,
        "evening_weight": 0.0,
        "weekend_weight": 0.0,
        "working_home_weight": 0.0,
        "night_work_weight": 0.0,
        "home_share": 0.8,
        "work_share": 0.8,
        "reach_minutes": 7.5,
        "bridge_day_minutes": 120,
        "bridge_night_minutes": 480,
        "max_speed_m_s": 55,
        "min_distance_m": 10_000,
        "k": 5,
    },
}


class Mobile(BaseModel):
    """Parameters of the mobile phones pilot; `preset` names a set, and what is said besides it wins."""

    model_config = ConfigDict(extra="forbid")

    preset: Literal["house", "multimno"] = Field("house", description="set of parameters to begin with")

    night_start: int = Field(22, ge=12, le=23, description="hour of the local clock at which night begins")
    night_end: int = Field(6, ge=1, le=11, description="hour at which it ends")
    work_start: int = Field(9, ge=4, le=12, description="hour at which a working day begins, Monday to Friday")
    work_end: int = Field(17, ge=13, le=22, description="hour at which it ends")
    evening_weight: float = Field(0.5, ge=0, le=1, description="for home, of other hours on weekdays")
    weekend_weight: float = Field(0.3, ge=0, le=1, description="for home, of days at the weekend")
    working_home_weight: float = Field(0.1, ge=0, le=1, description="for home, of working hours")
    night_work_weight: float = Field(-0.5, ge=-1, le=0, description="for work, of hours at night")
    home_share: float = Field(0, ge=0, le=1, description="of the evidence of home that one place must have")
    work_share: float = Field(0, ge=0, le=1, description="of the evidence of work away from home that one must have")
    min_days: int = Field(4, ge=1, description="days with an event, for a device to count")
    min_home_days: int = Field(2, ge=1, description="days with evidence of a home")
    min_work_days: int = Field(3, ge=1, description="days with evidence of a workplace")

    max_speed_m_s: float = Field(55, gt=0, description="nobody travels faster")
    min_distance_m: float = Field(10_000, ge=0, description="cells nearer than this are no journey")
    ping_pong_seconds: int = Field(300, ge=0, description="there and back so soon is the network's doing")
    reach_minutes: float = Field(15, ge=0, le=720, description="what an event tells of the time around it, at most")
    bridge_day_minutes: float = Field(120, ge=0, le=1440, description="gap that a stay at one place lasts by day")
    bridge_night_minutes: float = Field(480, ge=0, le=1440, description="and at night")
    place_radius_m: float = Field(1_000, ge=0, description="cells of a device so near to each other are one place")

    location: Literal["dominance", "overlap", "voronoi"] = Field(
        "dominance", description="how a cell is shared among areas; see docs/methods/cell_location.md"
    )
    tile_m: float = Field(500, gt=0, description="grid on which coverage is laid out")
    assignment: Literal["probability", "most_likely"] = Field(
        "probability", description="whether a device is shared among areas, or counts for the likeliest one"
    )

    full_week_share: float = Field(0.7, gt=0, le=1, description="weekdays at work that make a full week")
    one_site_share: float = Field(0.5, ge=0, le=1, description="evidence of work that one of several sites must have")
    night_shift_share: float = Field(0.35, gt=0, le=1, description="working nights away from home that make a shift")
    excluded_ages: tuple[str, ...] = Field(("0-15",), description="age groups that are in no flow: children")

    k: int = Field(10, ge=LEAST_K, description="least number of devices that is released")
    strata: tuple[Literal["contract", "age_group"], ...] = Field(
        (), description="what flows are released by; each stratum has totals of its own and is protected by itself"
    )

    replicates: int = Field(200, ge=20, le=5_000, description="replications of the weighting, for the variance")
    missing_workers: Literal["scale", "within"] = Field(
        "within", description="workers whom phones do not show: as those who are seen, or working where they live"
    )
    benchmark: str = Field("census", description="benchmark in reference/commuting_flows to compare with")
    distance_bands_km: tuple[float, ...] = Field((2, 5, 10, 20, 50), description="upper ends of the bands of distance")

    @model_validator(mode="before")
    @classmethod
    def _begin_with_the_preset(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return {**MOBILE_PRESETS.get(str(given.get("preset", "house")), {}), **given}
        return given
