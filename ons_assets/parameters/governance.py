"""Parameters of the scorecard of quality: what a person should look at, and what a person should act on."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from ons_assets.parameters.area_profile import AreaProfileParameters, CombinedEstimateParameters
from ons_assets.parameters.base import Parameters, Section, Share
from ons_assets.parameters.reporting import ReportParameters

# Where one looks, and where one acts.
Shares = tuple[Share, Share]
Numbers = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]]
Ratios = tuple[Annotated[float, Field(ge=1)], Annotated[float, Field(ge=1)]]


class TrendParameters(Parameters):
    """With which days before it a day is compared, and when it is out of the usual."""

    look_back_days: int = Field(56, ge=7, le=800, description="days, or for months so many of them, that are looked at")
    look_back_months: int = Field(24, ge=3, le=240, description="months that a month is compared with")
    least_compared: int = Field(
        8, ge=3, le=100, description="days before it of its kind, weekdays or weekends, without which none is judged"
    )
    holidays: tuple[date, ...] = Field(
        (), description="public holidays, which are compared with weekends, and on which nothing is due"
    )
    new_level_after: int = Field(
        28, ge=2, le=800, description="days in a row that are out of the usual, after which they are the usual"
    )
    levels: tuple[Share, Share] = Field(
        (0.999, 0.9999), description="probability of the interval outside which one looks, and of that where one acts"
    )
    least_spread: float = Field(
        0.03, gt=0, le=1, description="relative spread below which no series of rows or levels is taken to be"
    )
    least_share_spread: float = Field(
        0.005, gt=0, le=1, description="spread below which no series of shares is taken to be"
    )
    volume_ratio: Ratios = Field((1.25, 1.6), description="times more, or fewer, rows than usual: to look, and to act")
    level_ratio: Ratios = Field((1.1, 1.35), description="times a higher, or lower, median than usual: look, and act")
    share_change: Shares = Field((0.03, 0.15), description="by which a share differs from the usual: look, and act")

    @model_validator(mode="after")
    def _acts_later_than_it_looks(self) -> Self:
        for name in ("levels", "volume_ratio", "level_ratio", "share_change"):
            look, act = getattr(self, name)
            if act < look:
                raise ValueError(f"{name}: one acts sooner than one looks")
        return self


class ScorecardParameters(Parameters):
    """Bounds of the measures of the scorecard: the first to look, the second to act."""

    accepted_share: Shares = Field(
        (0.99, 0.9), description="records that were accepted, below which one looks, and acts"
    )
    refused_files: Shares = Field((0.0, 0.2), description="files that were refused, above which one looks, and acts")
    remarked_files: Shares = Field((0.0, 1.0), description="accepted files with a remark, above which")
    known_remarks: tuple[str, ...] = Field(
        (),
        description="remarks that somebody read and lets stand, as the report tells them; numbers may differ",
    )
    repeated_files: Shares = Field((0.0, 0.5), description="files that came again under another name, above which")
    usable_share: Shares = Field(
        (0.9, 0.6), description="of the units that were expected, those that came, below which"
    )
    rows_in_force: Shares = Field(
        (0.99, 0.5), description="accepted rows that are in force, and not replaced by a later file, below which"
    )
    ledger_gap: Shares = Field(
        (0.0, 0.0),
        description="difference between the rows of a table and those that its files have in force, above which",
    )
    days_late: Numbers = Field((0, 3), description="days beyond the update cycle, above which")
    outage_days: Numbers = Field((0, 2), description="days without data in a row, above which")
    past_days: int = Field(
        31,
        ge=1,
        description="days after its day from which on a file is a delivery of the past, and not late; of readings, "
        "days without any beyond which the next are another delivery",
    )
    inputs_behind_days: Numbers = Field(
        (2, 7), description="days for which an input may have a newer version than a table is made of, above which"
    )
    expectations_met: Shares = Field((1.0, 0.0), description="expectations that are met, below which")
    refused_batch: Numbers = Field((0, 0), description="whether the last batch was refused, above which")
    different_elsewhere: int = Field(
        10,
        ge=2,
        description="values that a column has in all other parts of the rows, where it has one or none in some",
    )
    largest_group_count: int = Field(
        50, ge=2, le=10000, description="values of a column up to which its rows are looked at by them"
    )
    least_rows: int = Field(100, ge=1, description="rows of a group below which nothing is said of it")
    repeated_rows: Shares = Field(
        (0.01, 0.25), description="rows that repeat another in what should be told apart, above which"
    )
    codes_with_names: Shares = Field((0.0, 0.5), description="codes with more than one name, above which")
    flagged_rows: Shares = Field((0.1, 0.5), description="rows that a method flagged, above which")
    unknown_keys: Shares = Field((0.0, 0.1), description="rows with a key that the reference has not, above which")
    broken_sums: Shares = Field((0.0, 0.01), description="totals that are less than their parts, above which")
    sources_apart: Shares = Field(
        (0.25, 0.75),
        description="areas in which two sources differ by more than the intervals of both allow, above which",
    )
    source_bias: Numbers = Field(
        (0.2, 1.0), description="difference of a source from all together, as a share of what these say, above which"
    )
    least_areas_compared: int = Field(
        6, ge=1, description="areas of which two sources speak, without which nothing is said of how far they are apart"
    )
    findings: Shares = Field((0.0, 0.5), description="days or parts of which a report has a finding, above which")

    @model_validator(mode="after")
    def _acts_later_than_it_looks(self) -> Self:
        for name in ("accepted_share", "usable_share", "rows_in_force", "expectations_met"):
            look, act = getattr(self, name)
            if act > look:
                raise ValueError(f"{name}: one acts sooner than one looks")
        return self


class AccuracyParameters(Parameters):
    """How near figures are to others that are known: the first to look, the second to act."""

    index_gap_points: Numbers = Field(
        (5, 25), description="median over items of the root mean square gap to official indices, above which"
    )
    flows_in_common: Shares = Field((0.6, 0.2), description="common part of commuters with a census, below which")
    migration_correlation: tuple[Annotated[float, Field(ge=-1, le=1)], Annotated[float, Field(ge=-1, le=1)]] = Field(
        (0.5, 0.0), description="correlation of flows with official estimates, below which"
    )
    better_than_guessing: tuple[Annotated[float, Field(ge=-1, le=1)], Annotated[float, Field(ge=-1, le=1)]] = Field(
        (0.0, -0.1), description="accuracy of a model less that of the most frequent class, below which"
    )


class Governance(Section):
    """What the scorecard of quality is held against, what the report shows, and what sources say of areas together."""

    scorecard: ScorecardParameters = ScorecardParameters()
    trend: TrendParameters = TrendParameters()
    accuracy: AccuracyParameters = AccuracyParameters()
    report: ReportParameters = ReportParameters()
    area_profile: AreaProfileParameters = AreaProfileParameters()
    combined: CombinedEstimateParameters = CombinedEstimateParameters()
