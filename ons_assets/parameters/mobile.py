"""Parameters of the mobile phones pilot, and named sets of them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from ons_assets.parameters.base import Parameters, Positive, Section
from ons_assets.parameters.mobile_network import FootprintParameters, QualityWarningParameters
from ons_assets.parameters.mobile_people import LEAST_K, CombinationParameters, DeduplicationParameters
from ons_assets.parameters.mobile_presence import (
    InternalMigrationParameters,
    PermanenceParameters,
    PresentPopulationParameters,
    UsualEnvironmentParameters,
)
from ons_assets.parameters.mobile_tourism import TimeSegmentParameters, TourismParameters

Monday0 = Annotated[int, Field(ge=0, le=6)]

# What Eurostat's reference pipeline is configured with (multimno, pipe_configs): homes and places of work by its
# cascade over permanence scores, its hours, shares, gaps that are bridged, speed and k.
MOBILE_PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "house": {},
    "multimno": {
        "anchors": {"method": "permanence"},
        "permanence": {
            "present_minutes": 30,
            "bridge_night_start": 23,
            "bridge_night_end": 9,
            "day_start_hour": 4,
            "night_start": 18,
            "night_end": 8,
            "work_start": 8,
            "work_end": 17,
        },
        "usual_environment": {
            "least_hours": 2,
            "least_days": 1,
            "usual_gap_share": 0.2,
            "home_gap_hours": 1,
            "work_gap_hours": 1,
            "usual_share": 0.7,
            "home_share": 0.8,
            "home_days_share": 0.8,
            "work_at_home": True,
            "work_share": 0.8,
            "work_days_share": 0.8,
        },
        "stays": {"reach_minutes": 7.5, "bridge_day_minutes": 120, "bridge_night_minutes": 480},
        "cleaning": {"max_speed_m_s": 55, "min_distance_m": 10_000},
        "time_segments": {
            "least_stay_minutes": 15,
            "silent_stay_hours": 12,
            "silent_move_hours": 2,
            "silent_abroad_hours": 72,
            "pad_minutes": 5,
        },
        "tourism": {"night_hour": 4, "least_visit_hours": 3, "visit_gap_hours": 72},
        "release": {"k": 5},
    },
}


class CleaningParameters(Parameters):
    """Events that cannot be true."""

    max_speed_m_s: float = Field(55, gt=0, description="nobody travels faster")
    min_distance_m: float = Field(10_000, ge=0, description="cells nearer than this are no journey")
    ping_pong_seconds: int = Field(300, ge=0, description="there and back so soon is the network's doing")


class StayParameters(Parameters):
    """From events to time spent at places."""

    reach_minutes: float = Field(15, ge=0, le=720, description="what an event tells of the time around it, at most")
    bridge_day_minutes: float = Field(120, ge=0, le=1440, description="gap that a stay at one place lasts by day")
    bridge_night_minutes: float = Field(480, ge=0, le=1440, description="and at night")
    place_radius_m: float = Field(1_000, ge=0, description="cells of a device so near to each other are one place")


class DeviceAnchorParameters(Parameters):
    """Homes and places of work of devices."""

    method: Literal["evidence", "permanence"] = Field(
        "evidence",
        description="by the evidence of days, or by the cascade of rules over permanence scores; see "
        "docs/methods/usual_environment.md. The second has its parameters in permanence and usual_environment",
    )
    night_start: int = Field(22, ge=12, le=23, description="hour of the local clock at which night begins")
    night_end: int = Field(6, ge=1, le=11, description="hour at which it ends")
    work_start: int = Field(9, ge=4, le=12, description="hour at which a working day begins, Monday to Friday")
    work_end: int = Field(17, ge=13, le=22, description="hour at which it ends")
    evening_weight: float = Field(0.5, ge=0, le=1, description="for home, of other hours on weekdays")
    weekend_weight: float = Field(0.3, ge=0, le=1, description="for home, of days at the weekend")
    working_home_weight: float = Field(0.1, ge=0, le=1, description="for home, of working hours")
    night_work_weight: float = Field(-0.5, ge=-1, le=0, description="for work, of hours at night")
    home_hours: float = Field(
        2.0, gt=0, le=24, description="weighted hours in a day that count as a whole day of home; more count no more"
    )
    work_hours: float = Field(4.0, gt=0, le=24, description="the same for work")
    change_days: float = Field(
        28.0, ge=0, description="days that a main home lasts at least; who is back sooner has not changed it"
    )
    work_change_days: float = Field(
        60.0, ge=0, description="days of evidence that a change of work costs; less does not pay for it"
    )
    min_change_evidence: float = Field(
        1.0, ge=0, description="least cost of a change in days of evidence, for devices of which little is seen"
    )
    home_share: float = Field(0, ge=0, le=1, description="of the evidence of home that one place must have")
    work_share: float = Field(0, ge=0, le=1, description="of the evidence of work away from home that one must have")
    min_days: int = Field(4, ge=1, description="days with an event, for a device to count")
    min_home_days: int = Field(2, ge=1, description="days with evidence of a home")
    min_work_days: int = Field(3, ge=1, description="days with evidence of a workplace")


class WorkerParameters(Parameters):
    """What kind of worker a device shows."""

    full_week_share: float = Field(0.7, gt=0, le=1, description="weekdays at work that make a full week")
    one_site_share: float = Field(0.5, ge=0, le=1, description="evidence of work that one of several sites must have")
    night_shift_share: float = Field(0.35, gt=0, le=1, description="working nights away from home that make a shift")
    work_day_evidence: float = Field(0.25, gt=0, le=1, description="evidence of work that makes a day of work")
    night_hours: float = Field(2.0, gt=0, le=6, description="hours between 0 and 6 at a place that make a night there")
    fewest_nights: int = Field(3, ge=1, description="working nights at a place that make a shift at least")
    rest_mornings: tuple[Monday0, ...] = Field(
        (5, 6), description="days whose night before is one of rest, Monday being 0"
    )
    rest_share: float = Field(0.5, gt=0, le=1, description="nights of rest at home of those on night shift")
    day_rest_share: float = Field(
        0.5, ge=0, le=1, description="weekdays at home, for each night at work, of those on night shift"
    )
    away_share: float = Field(0.5, gt=0, le=1, description="weekdays away from home that make work at several sites")


class EventQualityParameters(Parameters):
    """What a day of events is worth."""

    busy_cell_events: int = Field(
        20,
        ge=1,
        description="a cell with so many events on its median day, and none today, was not merely quiet: 1 in e^20",
    )


class ReleaseParameters(Parameters):
    """What leaves the operator."""

    k: int = Field(10, ge=LEAST_K, description="least number of devices that is released")
    doubt: float = Field(
        1.0, ge=1, description="devices that what is withheld of a line leaves in doubt at least, without its largest"
    )
    strata: tuple[Literal["contract", "age_group"], ...] = Field(
        (), description="what flows are released by; each stratum has totals of its own and is protected by itself"
    )
    excluded_ages: tuple[str, ...] = Field(("0-15",), description="age groups that are in no flow: children")
    assignment: Literal["probability", "most_likely"] = Field(
        "probability", description="whether a device is shared among areas, or counts for the likeliest one"
    )


class WeightingParameters(Parameters):
    """From devices to people."""

    replicates: int = Field(200, ge=20, le=5_000, description="replications of the weighting, for the variance")
    missing_workers: Literal["scale", "within"] = Field(
        "within", description="workers whom phones do not show: as those who are seen, or working where they live"
    )
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
    seed: int = Field(20_111_027, ge=0, description="any number; the same flows must give the same intervals")


class FlowComparisonParameters(Parameters):
    """Flows beside those of a census."""

    benchmark: str = Field("census", description="benchmark in reference/commuting_flows to compare with")
    distance_bands_km: tuple[Positive, ...] = Field(
        (2, 5, 10, 20, 50), description="upper ends of the bands of distance"
    )
    ks: tuple[Annotated[int, Field(ge=LEAST_K)], ...] = Field(
        (15, 20, 30, 50, 100), description="least numbers of devices with which the flows are tried again"
    )


class Mobile(Section):
    """Parameters of the mobile phones pilot; `preset` names a set, and what is said besides it wins."""

    preset: Literal["house", "multimno"] = Field("house", description="set of parameters to begin with")

    cleaning: CleaningParameters = CleaningParameters()
    stays: StayParameters = StayParameters()
    anchors: DeviceAnchorParameters = DeviceAnchorParameters()
    workers: WorkerParameters = WorkerParameters()
    permanence: PermanenceParameters = PermanenceParameters()
    usual_environment: UsualEnvironmentParameters = UsualEnvironmentParameters()
    present_population: PresentPopulationParameters = PresentPopulationParameters()
    internal_migration: InternalMigrationParameters = InternalMigrationParameters()
    time_segments: TimeSegmentParameters = TimeSegmentParameters()
    tourism: TourismParameters = TourismParameters()
    footprints: FootprintParameters = FootprintParameters()
    event_quality: EventQualityParameters = EventQualityParameters()
    quality_warnings: QualityWarningParameters = QualityWarningParameters()
    release: ReleaseParameters = ReleaseParameters()
    weighting: WeightingParameters = WeightingParameters()
    comparison: FlowComparisonParameters = FlowComparisonParameters()
    deduplication: DeduplicationParameters = DeduplicationParameters()
    combination: CombinationParameters = CombinationParameters()

    @model_validator(mode="before")
    @classmethod
    def _begin_with_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        merged = dict(given)
        for group, values in MOBILE_PRESETS.get(str(given.get("preset", "house")), {}).items():
            said = given.get(group, {})
            said = said.model_dump(exclude_unset=True) if isinstance(said, BaseModel) else said
            merged[group] = {**values, **said} if isinstance(said, dict) else said
        return merged
