"""Parameters of the smart meters pilot."""

import re
from bisect import bisect_right
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ons_assets.parameters.base import Parameters, Section

LogOdds = Annotated[float, Field(ge=-100, le=100)]


class Readings(Parameters):
    """How files of readings become half hours."""

    buckets: int = Field(16, ge=1, le=100, description="partitions of the tables of readings, by hash of the meter")
    local_zone: str = Field("Europe/London", description="zone of the homes where a layout does not say another")
    cer_zone: str = Field("Europe/Dublin", description="zone of the homes of the CER trial")
    cer_unit: Literal["kWh", "kW"] = Field(
        "kW", description="unit of the CER text: as kWh its homes would use twice what is plausible"
    )
    cer_spring_slots: Literal["clock", "elapsed"] = Field(
        "clock",
        description="whether CER slots of the 46-slot day follow the clock (without 3 and 4) or count on",
    )
    negative: Literal["missing", "zero", "keep"] = Field(
        "missing", description="what a negative reading (export) becomes in half_hours; it is counted in any case"
    )
    max_half_hour_kwh: float = Field(
        50, gt=0, description="a reading above this is none: three phases of 100 A carry 35 kWh in half an hour"
    )
    plausible_day_kwh: float = Field(11, gt=0, description="what a plausible mean home uses in a day")
    warn_factor: float = Field(1.5, gt=1, description="a median home so many times above is warned of")
    low_factor: float = Field(2, gt=1, description="a median home so many times below is warned of")
    refuse_factor: float = Field(20, gt=1, description="and so many times above or below, the file is refused")
    judged_homes: int = Field(10, ge=1, description="homes from which a low median is held against a file")
    max_rejected_rows: int = Field(1_000_000, gt=0, description="unreadable rows after which a file is given up")

    @model_validator(mode="after")
    def _warns_before_it_refuses(self) -> "Readings":
        if self.refuse_factor <= max(self.warn_factor, self.low_factor):
            raise ValueError("refuse_factor must be above warn_factor and low_factor")
        return self


class QualityParameters(Parameters):
    """What counts as a long run, as a spike, and as a failure of the collection."""

    zero_run_slots: int = Field(6, ge=1, description="half hours of zero that make a long run")
    flat_run_slots: int = Field(12, ge=2, description="half hours of one value above zero that make a long run")
    spike_factor: float = Field(5, gt=1, description="a spike is so many times the 99th percentile of its meter")
    spike_kwh: float = Field(5, ge=0, description="and at least so large")
    collection_share: float = Field(0.1, ge=0, lt=1, description="share of meters read when the collection fails")
    many_meters: int = Field(
        5, ge=1, description="meters from which on silence says something of the collection, and not of one of them"
    )


class ImputationParameters(Parameters):
    """How gaps of half hours are filled; occupancy, vacancy and low use never see what was filled."""

    method: Literal["none", "straight", "like_days", "both"] = Field(
        "none", description="not at all, by a straight line, by like days, or each for its length of gap"
    )
    straight_slots: int = Field(3, ge=1, description="longest gap that is drawn straight, in half hours")
    longest_slots: int = Field(
        336, ge=1, description="longer gaps are left: a home may have been empty, and its use cannot be known"
    )


class DailyParameters(Parameters):
    """What of a day's use somebody must have switched on."""

    base_quantile: float = Field(0.1, gt=0, lt=1, description="quantile of a day's half hours that is its base")
    cold_appliances_kwh: float = Field(
        0.05, ge=0, description="above the base, what refrigerators do: 100 W for half an hour"
    )
    fewest_daytime_readings: int = Field(
        17, ge=1, le=34, description="half hours read of the 34 of daytime without which the activity is not known"
    )


class CalendarParameters(Parameters):
    """Days that are like no weekday."""

    holidays: tuple[date, ...] = Field((), description="public holidays, which count as sundays")


class MeterAreaParameters(Parameters):
    """How files of meters' areas are read."""

    trials: dict[str, str] = Field(
        {r"\d+": "cer", r"MAC\d+": "low-carbon-london"},
        description="pattern of a meter's whole name to the trial it is of, where a file of areas does not say it",
    )

    @field_validator("trials")
    @classmethod
    def _are_patterns(cls, trials: dict[str, str]) -> dict[str, str]:
        for pattern in trials:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a pattern: {error}") from None
        return trials


class QuestionnaireParameters(Parameters):
    """How files of the survey are read."""

    encoding: str = Field("utf-8", description="of the text of the survey's answers")


class LowUseParameters(Parameters):
    """What makes a day low, and a run of them worth a row."""

    usual_quantile: float = Field(
        0.75, gt=0, lt=1, description="quantile of a home's days that is its usual level: it may be empty most days"
    )
    low_share: float = Field(0.35, gt=0, lt=1, description="a low day has less than this share of the usual level")
    idle_share: float = Field(0.1, gt=0, lt=1, description="a constant day has less than this share of activity")
    idle_kwh: float = Field(0.05, ge=0, description="or less activity than this in any case, kWh")
    min_days: int = Field(5, ge=1, description="shortest run that is reported")
    max_gap_days: int = Field(3, ge=0, description="days without readings that a run may bridge")
    min_known_days: int = Field(14, ge=1, description="days needed to know a home's usual level")


class Period(Parameters):
    """What is known beforehand of a part of the day. It lasts until the next one begins."""

    start_hour: int = Field(ge=0, le=23, description="hour at which it begins")
    leave: float = Field(gt=0, lt=1, description="probability that the home empties from one half hour to the next")
    arrive: float = Field(gt=0, lt=1, description="probability that somebody comes home to an empty one")
    active_share: float = Field(gt=0, lt=1, description="share of half hours at home with something switched on")


class HmmParameters(Parameters):
    """Parameters of the hidden Markov model; docs/methods/occupancy.md says where each comes from."""

    periods: tuple[Period, ...] = Field(
        (
            Period(start_hour=6, leave=0.08, arrive=0.08, active_share=0.3),
            Period(start_hour=10, leave=0.05, arrive=0.05, active_share=0.7),
            Period(start_hour=16, leave=0.05, arrive=0.12, active_share=0.7),
            Period(start_hour=23, leave=0.002, arrive=0.1, active_share=0.1),
        ),
        min_length=1,
        description="morning, day, evening and night",
    )
    active_share_empty: float = Field(0.02, gt=0, lt=1, description="share of half hours with use in an empty home")
    initial_occupied: float = Field(0.95, gt=0, lt=1, description="probability of being at home at midnight")
    base_quantile: float = Field(0.1, gt=0, lt=0.5, description="quantile of a home's log use where its base is sought")
    base_sd: float = Field(0.3, gt=0, description="standard deviation of log use in quiet half hours")
    active_above_base: float = Field(1.3, gt=0, description="active above quiet half hours, as a logarithm")
    active_sd: float = Field(0.6, gt=0, description="standard deviation of log use in active half hours")
    reading_weight: float = Field(0.3, ge=0, description="weight of the prior of use, as a share of the readings")
    transition_weight: float = Field(1.0, ge=0, description="weight of the prior of transitions, as a share of them")
    max_iterations: int = Field(50, ge=0, description="most steps of expectation-maximisation")
    tolerance: float = Field(1e-5, ge=0, description="gain of log posterior for each reading at which it stops")

    def groups(self) -> list[int]:
        """Return the period of each half hour of the day, 48 of them."""
        order = sorted(range(len(self.periods)), key=lambda place: self.periods[place].start_hour)
        starts = [2 * self.periods[place].start_hour for place in order]
        # Before the first start of the day the last period of the day before still lasts.
        return [order[bisect_right(starts, slot) - 1] for slot in range(48)]


class ThresholdParameters(Parameters):
    """Parameters of the method threshold."""

    quantile: float = Field(0.95, gt=0, lt=1, description="quantile of the night's readings above which it is occupied")
    fewest_readings: int = Field(16, ge=1, description="readings of nights without which a home has no threshold")


class GeomaParameters(Parameters):
    """Parameters of the method geoma; those of the papers by default."""

    forgetting: float = Field(0.05, gt=0, lt=1, description="what the moving average forgets in each half hour")
    fewest_evening: int = Field(
        3, ge=1, description="half hours of presence in an evening after which somebody stays until the morning"
    )


class VacancyParameters(Parameters):
    """Prior of the model of days, and the bounds between kinds of absence."""

    empty_kwh: float = Field(0.1, ge=0, description="activity of a day in an empty home, kWh")
    least_lived_kwh: float = Field(1.5, gt=0, description="least activity of an ordinary day in a home lived in, kWh")
    lived_quantile: float = Field(0.6, gt=0, lt=1, description="quantile of a home's days taken as lived in")
    offset_kwh: float = Field(0.1, gt=0, description="added to the activity before its logarithm is taken")
    empty_sd: float = Field(0.5, gt=0, description="standard deviation of the logarithm on empty days")
    lived_sd: float = Field(0.9, gt=0, description="standard deviation of the logarithm on days lived in")
    leave: float = Field(0.02, gt=0, lt=1, description="probability that a home empties from one day to the next")
    come_back: float = Field(0.1, gt=0, lt=1, description="probability that people come back")
    activity_weight: float = Field(0.3, ge=0, description="weight of the prior of activity, as a share of the days")
    change_weight: float = Field(1.0, ge=0, description="weight of the prior of changes, as a share of the days")
    long_days: int = Field(28, ge=2, description="an absence of so many days is a long-term vacancy")
    visit_days: int = Field(2, ge=0, description="a vacancy goes on over visits of so many days")
    second_home_share: float = Field(0.5, gt=0, lt=1, description="share of days empty from which a home is second")
    second_home_stays: int = Field(3, ge=1, description="fewest stays in a second home")
    second_home_stay_days: int = Field(21, ge=1, description="longest usual (median) stay in a second home")
    min_known_days: int = Field(14, ge=1, description="days needed to judge a home")


class AreaParameters(Parameters):
    """How area figures are made and held back."""

    min_homes: int = Field(10, ge=10, description="fewest homes of an area that is published; never below 10")
    fewest_contributors: int = Field(
        3, ge=2, description="fewest homes that bring something to a published share, and fewest that do not bring all"
    )
    largest_share: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="most that one home has of what homes bring to a published share, or lack to it",
    )
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")


class FieldworkParameters(Parameters):
    """Hours in which an interviewer may call."""

    from_hour: int = Field(9, ge=0, le=23, description="first hour in which to call")
    to_hour: int = Field(20, ge=1, le=24, description="hour at which calls end")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "FieldworkParameters":
        if self.to_hour <= self.from_hour:
            raise ValueError("to_hour must be above from_hour")
        return self


class OccupancyParameters(Parameters):
    """How the probability that somebody is at home is made."""

    method: Literal["hmm", "mixture", "geoma", "threshold"] = Field("hmm", description="see docs/methods/occupancy.md")
    hmm: HmmParameters = HmmParameters()
    threshold: ThresholdParameters = ThresholdParameters()
    geoma: GeomaParameters = GeomaParameters()
    calibration: tuple[LogOdds, LogOdds] | None = Field(
        None, description="intercept and slope of the log odds, from labels of one's own; null leaves them as they are"
    )


class HouseholdParameters(Parameters):
    """How the size of households is learned from the survey."""

    min_days: int = Field(14, ge=7, description="days with a reading below which nothing is said of a home")
    min_answers: int = Field(10, ge=5, description="answers that a class needs; bands of size with fewer are joined")
    folds: int = Field(5, ge=2, le=5, description="parts of the cross-validation")
    seed: int = Field(0, ge=0, description="of the folds and of the forest")


class ProfileClusterParameters(Parameters):
    """How profiles of days are grouped."""

    fewest_days: int = Field(200, ge=50, description="complete days with use without which all are one cluster")
    components: int = Field(8, ge=1, le=12, description="principal components of the shape of a day that are kept")
    most: int = Field(8, ge=2, le=30, description="most clusters that are tried")
    fit_days: int = Field(5_000, ge=200, description="days drawn to fit, if there are more; all are labelled")
    starts: int = Field(5, ge=1, description="starts of each fit, of which the most likely is kept")
    reseedings: int = Field(5, ge=2, description="seeds whose labels are compared")
    least_agreement: float = Field(0.8, gt=0, le=1, description="mean adjusted Rand index of a stable partition")
    seed: int = Field(0, ge=0, description="first seed")


class Meters(Section):
    """Parameters of the smart meters pilot."""

    readings: Readings = Readings()
    imputation: ImputationParameters = ImputationParameters()
    quality: QualityParameters = QualityParameters()
    daily: DailyParameters = DailyParameters()
    calendar: CalendarParameters = CalendarParameters()
    low_use: LowUseParameters = LowUseParameters()
    occupancy: OccupancyParameters = OccupancyParameters()
    vacancy: VacancyParameters = VacancyParameters()
    household: HouseholdParameters = HouseholdParameters()
    clusters: ProfileClusterParameters = ProfileClusterParameters()
    area: AreaParameters = AreaParameters()
    fieldwork: FieldworkParameters = FieldworkParameters()
    meter_areas: MeterAreaParameters = MeterAreaParameters()
    questionnaire: QuestionnaireParameters = QuestionnaireParameters()
