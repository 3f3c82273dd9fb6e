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
    cer_zone: str = Field("Europe/Dublin", description="zone of the homes of the CER trial")
    cer_unit: Literal["kWh", "kW"] = Field(
        "kW", description="unit of the CER text: as kWh its homes would use twice what is plausible"
    )
    cer_spring_slots: Literal["clock", "without_2_and_3", "elapsed"] = Field(
        "clock",
        description="CER slots of the 46-slot day follow the clock (no 3 and 4), leave out 2 and 3, or count on",
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
    trial_break_days: int = Field(
        31, ge=1, description="days without any reading after which a stretch of few readings is of no trial"
    )
    stray_share: float = Field(
        0.001,
        ge=0,
        lt=0.5,
        description="share of all readings of a trial that such a stretch has less of; 0: all count",
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
    active_share: float = Field(gt=0, lt=1, description="share of lively half hours with something switched on")
    settle: float = Field(ge=0, le=1, description="probability that a lively home falls quiet with people in it")
    wake: float = Field(ge=0, le=1, description="probability that a quiet home with people in it grows lively")
    quiet_share: float = Field(ge=0, le=1, description="share of those who come home that are quiet from the start")


class HmmParameters(Parameters):
    """Parameters of the hidden Markov model; docs/methods/occupancy.md says where each comes from."""

    periods: tuple[Period, ...] = Field(
        (
            Period(start_hour=6, leave=0.05, arrive=0.06, active_share=0.3, settle=0.03, wake=0.1, quiet_share=0.05),
            Period(start_hour=10, leave=0.05, arrive=0.06, active_share=0.7, settle=0.03, wake=0.1, quiet_share=0.05),
            Period(start_hour=16, leave=0.04, arrive=0.12, active_share=0.7, settle=0.03, wake=0.1, quiet_share=0.05),
            Period(start_hour=23, leave=0.002, arrive=0.05, active_share=0.1, settle=0, wake=1, quiet_share=0),
        ),
        min_length=1,
        description="morning, day, evening and night",
    )
    active_share_empty: float = Field(0.02, gt=0, lt=1, description="share of half hours with use in an empty home")
    active_share_quiet: float = Field(0.04, gt=0, lt=1, description="the same in a home whose people are quiet")
    initial_occupied: float = Field(0.95, gt=0, lt=1, description="probability of being at home at midnight")
    base_sd: float = Field(0.4, gt=0, description="standard deviation of log use in quiet half hours")
    active_sd: float = Field(0.6, gt=0, description="standard deviation of log use in active half hours")
    reading_weight: float = Field(0.3, ge=0, description="weight of the prior of use, as a share of the readings")
    transition_weight: float = Field(1.0, ge=0, description="weight of the prior of transitions, as a share of them")
    max_iterations: int = Field(50, ge=0, description="most steps of expectation-maximisation")
    tolerance: float = Field(1e-5, ge=0, description="gain of log posterior for each reading at which it stops")
    evidence: float = Field(
        0.9, gt=0, le=1, description="share of the log odds beyond those of the time of day that is believed"
    )

    def groups(self) -> list[int]:
        """Return the period of each half hour of the day, 48 of them."""
        order = sorted(range(len(self.periods)), key=lambda place: self.periods[place].start_hour)
        starts = [2 * self.periods[place].start_hour for place in order]
        # Before the first start of the day the last period of the day before still lasts.
        return [order[bisect_right(starts, slot) - 1] for slot in range(48)]


class PopulationParameters(Parameters):
    """How high base and active use are in homes, and how far that is believed; docs/methods/occupancy.md."""

    base_quantile: float = Field(0.1, gt=0, lt=0.5, description="quantile of a home's log use where its base is sought")
    upper_quantile: float = Field(0.9, gt=0.5, lt=1, description="quantile that shows how high a home's active use is")
    base_kwh: float = Field(0.05, gt=0, description="median base of homes before any is seen, kWh in half an hour")
    base_sd: float = Field(0.6, gt=0, description="standard deviation of its logarithm over homes")
    active_kwh: float = Field(0.22, gt=0, description="median active use of homes before any is seen")
    active_by_base: float = Field(
        0.3, ge=0, le=1, description="gain of log active use for each step of the log base, over homes"
    )
    active_below_upper: float = Field(0.5, ge=0, description="mean active use below the upper quantile, as a logarithm")
    prior_homes: float = Field(20, gt=0, description="homes that what is known before counts for")
    fewest_days: int = Field(14, ge=1, description="days of readings from which on a home tells of the others")
    base_error: float = Field(
        0.6, ge=0, description="standard deviation of a home's low quantile about its true base, as logarithms"
    )
    active_sd_over_homes: float = Field(
        0.5, gt=0, description="standard deviation of log active use over homes with the same base"
    )
    active_error: float = Field(
        0.8,
        ge=0,
        description="standard deviation of what a home's high quantile shows of its active use, as logarithms",
    )
    least_distance: float = Field(0.7, gt=0, description="least distance of active from base use, as a logarithm")
    uninformative_sd: float = Field(
        0.07, gt=0, description="standard deviation of a home's log use at which its readings count half"
    )


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


class SignWeights(Parameters):
    """Weights of the signs of people in a day: together the log odds that somebody was there, by that day alone.

    Chosen by a logistic regression on simulated homes of seeds 1 to 10.
    """

    intercept: LogOdds = Field(7.17, description="log odds if every sign is 1 kWh, and as usual")
    activity: LogOdds = Field(1.98, description="for the logarithm of the activity of the day, kWh")
    activity_to_usual: LogOdds = Field(0.41, description="for that logarithm less the usual one of the home")
    evening: LogOdds = Field(2.58, description="for the logarithm of the height of the evening above its middle, kWh")


class DayCalibration(Parameters):
    """Log odds of a day without people, from the model of the home's days and the signs of the day.

    Chosen with the weights of the signs.
    """

    intercept: LogOdds = Field(-0.54, description="log odds if the model of days and the signs say neither")
    of_context: LogOdds = Field(0.33, ge=0, description="weight of the log odds by the model of the home's days")
    of_day: LogOdds = Field(-0.36, le=0, description="weight of the score of people of the day itself")


class SecondHomeWeights(Parameters):
    """Log odds that a home is a second home. Chosen by a logistic regression on simulated homes of seeds 1 to 10."""

    intercept: LogOdds = Field(-10.41, description="log odds without an empty day and without a stay")
    empty_share: LogOdds = Field(8.64, description="for the share of days without people")
    stays: LogOdds = Field(4.07, description="for the logarithm of one and the number of short stays between absences")
    other_stays: LogOdds = Field(
        -2.31, description="for the logarithm of one and the number of stays that are too long or short"
    )


class VacantWeights(Parameters):
    """Log odds that nobody lives in a home that is no second home, in one absence. Chosen on the same homes."""

    intercept: LogOdds = Field(
        -12.41, description="log odds of an absence of one day, known from its first day to its last"
    )
    days: LogOdds = Field(3.0, description="for the logarithm of its days")
    open_ends: LogOdds = Field(2.28, description="for each end that the readings do not show")


class VacancyParameters(Parameters):
    """Days without people, and what a home is to them. Chosen on simulated homes, see docs/methods/vacancy.md."""

    cold_appliances_kwh: float = Field(0.05, ge=0, description="above the base, what refrigerators do in half an hour")
    fewest_daytime_readings: int = Field(16, ge=1, le=32, description="readings of 07:30 to 23:30 that a day needs")
    offset_kwh: float = Field(0.1, gt=0, description="added to a sign before its logarithm is taken")
    usual_quantile: float = Field(0.75, gt=0, lt=1, description="quantile of a home's activity that is its usual one")
    signs: SignWeights = SignWeights()
    least_score: float = Field(-8, lt=0, ge=-100, description="a day counts for no more against people")
    most_score: float = Field(12, gt=0, description="a day counts for no more for people")
    score_empty: LogOdds = Field(-2.3, description="mean score of days without people")
    score_lived: LogOdds = Field(7.6, description="mean score of other days")
    lived_quantile: float = Field(0.6, gt=0, lt=1, description="quantile of a home's scores taken as lived in")
    least_lived_score: LogOdds = Field(5.0, description="least mean score of the days lived in of a home")
    score_empty_sd: float = Field(2.1, gt=0, description="standard deviation of the score on days without people")
    score_lived_sd: float = Field(2.9, gt=0, description="standard deviation of the score on other days")
    leave: float = Field(0.02, gt=0, lt=1, description="probability that a home empties from one day to the next")
    come_back: float = Field(0.1, gt=0, lt=1, description="probability that people come back")
    score_weight: float = Field(0.3, ge=0, description="weight of the prior of scores, as a share of the days")
    change_weight: float = Field(1.0, ge=0, description="weight of the prior of changes, as a share of the days")
    most_odds: float = Field(9, gt=0, description="log odds beyond which the model of days is not believed")
    calibration: DayCalibration = DayCalibration()
    second_home: SecondHomeWeights = SecondHomeWeights()
    vacant: VacantWeights = VacantWeights()
    long_days: int = Field(28, ge=2, description="an absence of so many days is a long-term vacancy")
    visit_days: int = Field(2, ge=0, description="a vacancy goes on over visits of so many days")
    second_home_share: float = Field(0.5, gt=0, lt=1, description="share of days empty from which a home is second")
    second_home_stays: int = Field(3, ge=1, description="fewest stays in a second home")
    second_home_stay_days: int = Field(21, ge=1, description="longest usual (median) stay in a second home")
    min_known_days: int = Field(14, ge=1, description="days needed to judge a home")

    @model_validator(mode="after")
    def _people_score_more(self) -> "VacancyParameters":
        if min(self.score_lived, self.least_lived_score) <= self.score_empty:
            raise ValueError("score_lived and least_lived_score must be greater than score_empty")
        return self


class AreaParameters(Parameters):
    """How area figures are made and held back."""

    min_homes: int = Field(10, ge=10, description="fewest homes of an area that is published; never below 10")
    fewest_contributors: int = Field(
        3,
        ge=2,
        description="fewest homes that bring something to a published share, and fewest that do not bring all; and "
        "fewest that come, or go, between two periods that are told, if any do",
    )
    largest_share: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="most that one home has of what homes bring to a published share, or lack to it",
    )
    least_rest: float = Field(
        0.1,
        gt=0,
        le=1,
        description="least that homes besides the two with most bring to a published share, or lack to it, of what the "
        "first does (the p% rule)",
    )
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
    presence_error: float = Field(
        0.03,
        ge=0,
        le=0.5,
        description="standard error of the mean presence of homes by its model, for any number of them",
    )
    absence_error: float = Field(
        0.01, ge=0, le=0.5, description="the same of the share of homes lived in, on holiday, vacant or second homes"
    )
    fewest_of_type: int = Field(
        5, ge=2, description="homes metered of a type of dwelling without which it is weighted with the others"
    )
    lived_in_share: float = Field(
        0.5, gt=0, le=1, description="share of its days lived in from which a home holds a household"
    )


class FieldworkParameters(Parameters):
    """Hours in which an interviewer may call."""

    least_lived_in: float = Field(
        0.5, ge=0, le=1, description="homes less likely lived in, on their last day, are not called on"
    )
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
    population: PopulationParameters = PopulationParameters()
    threshold: ThresholdParameters = ThresholdParameters()
    geoma: GeomaParameters = GeomaParameters()
    calibration: tuple[LogOdds, LogOdds] | None = Field(
        None, description="intercept and slope of the log odds, from labels of one's own; null leaves them as they are"
    )


class HouseholdParameters(Parameters):
    """How the characteristics of households are learned from the survey."""

    min_days: int = Field(14, ge=7, description="days with a reading below which nothing is said of a home")
    min_answers: int = Field(10, ge=5, description="answers that a class needs; bands of size with fewer are joined")
    folds: int = Field(5, ge=2, le=5, description="parts of the cross-validation")
    coefficient_sd: float = Field(
        0.3,
        gt=0,
        le=10,
        description="prior standard deviation of what a standardised indicator does to log odds",
    )
    repeats: int = Field(5, ge=2, le=50, description="times that the parts are drawn, to see how figures spread")
    seed: int = Field(0, ge=0, description="first seed of the parts")
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals of accuracies")
    people_3_4: float = Field(
        3.45, ge=3, le=4, description="mean people of a household of 3 or 4, from a census: England and Wales 2011"
    )
    people_5_plus: float = Field(
        5.5, ge=5, le=8, description="mean people of a household of 5 or more, from a census: England and Wales 2011"
    )


class ProfileClusterParameters(Parameters):
    """How profiles of days are grouped."""

    fewest_days: int = Field(200, ge=50, description="complete days with use without which all are one cluster")
    components: int = Field(8, ge=1, le=12, description="principal components of the shape of a day that are kept")
    most: int = Field(8, ge=2, le=30, description="most clusters that are tried")
    fit_days: int = Field(20_000, ge=200, description="days drawn to fit, if there are more; all are labelled")
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
