"""What is asked of single tables and of pairs of them beside what holds of all: data only.

Tables are named here as the registry names them; one that does not exist, or was never published, is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ons_assets.governance.scorecard.measures import Dimension


@dataclass(frozen=True)
class Repeats:
    """Rows that are the same in some columns, and should not be."""

    table: str
    same: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """A column of yes and no in which a method says of rows that they are odd."""

    table: str
    column: str
    dimension: Dimension


@dataclass(frozen=True)
class Findings:
    """A report of a pilot's own, with a finding a row.

    Parameters
    ----------
    report
        Table of it.
    about
        Table that it is about.
    column
        Of the finding.
    none
        What it says where there is none; None if it is empty then.
    dimensions
        Which dimension each finding is about; of others, the first.
    """

    report: str
    about: str
    column: str
    none: str | None
    dimensions: Mapping[str, Dimension]


@dataclass(frozen=True)
class Conserved:
    """A table that has a row for each row of another."""

    table: str
    of: str


@dataclass(frozen=True)
class Reference:
    """A column whose values another table should have."""

    table: str
    column: str
    reference: str
    key: str


@dataclass(frozen=True)
class Comparison:
    """Figures of a table beside what is known: the median of a column over some rows.

    Parameters
    ----------
    measure
        What it is.
    where
        Values of columns that choose the rows.
    less
        Values of columns that choose the rows whose median is taken away: what is reached without a method.
    """

    table: str
    about: str
    measure: str
    column: str
    where: Mapping[str, str] = field(default_factory=dict)
    less: Mapping[str, str] = field(default_factory=dict)


C, U, V = Dimension.COMPLETENESS, Dimension.UNIQUENESS, Dimension.VALIDITY
REPEATS = (Repeats("prices/raw_quotes", ("retailer", "run", "item_id", "product", "outlet")),)
# Of which each file has the whole of its day, as it was collected then.
RUNS = ("prices/raw_quotes",)
# Whose files come at no fixed time and have every day from their first to their last, by the column of their units.
EVERY_DAY = {"meters/raw_readings": "meter"}
FLAGS = (
    Flag("prices/checked_quotes", "price_typo", Dimension.ACCURACY),
    Flag("prices/checked_quotes", "outlier", Dimension.ACCURACY),
    Flag("prices/checked_quotes", "unit_conflict", Dimension.CONSISTENCY),
    Flag("prices/checked_quotes", "stuck", Dimension.TIMELINESS),
)
FINDINGS = (
    Findings(
        "prices/collection_report",
        "prices/raw_quotes",
        "finding",
        "none",
        {
            **dict.fromkeys(("missing_run", "empty", "truncated", "item_vanished", "page_cap"), C),
            **dict.fromkeys(("inflated", "duplicate_rows"), U),
            "shelf_renamed": Dimension.CONSISTENCY,
            **dict.fromkeys(("stuck", "late_run"), Dimension.TIMELINESS),
        },
    ),
    Findings("mobile/quality_warnings", "mobile/phone_events", "out_of_order", None, {}),
)
CONSERVED = (Conserved("prices/classified_quotes", "prices/raw_quotes"),)
REFERENCES = (
    Reference("prices/raw_quotes", "item_id", "reference/item_weights", "item_id"),
    Reference("meters/meter_areas", "area_code", "reference/areas", "area"),
    Reference("tweets/located_tweets", "area", "reference/areas", "area"),
    Reference("tweets/residences", "area", "reference/areas", "area"),
)
COMPARISONS = (
    Comparison("prices/index_comparison", "prices/item_indices", "index_gap_points", "rmse", {"subject_type": "item"}),
    Comparison(
        "mobile/flow_comparison",
        "mobile/weighted_flows",
        "flows_in_common",
        "value",
        {"estimator": "weighted", "subject_type": "all", "measure": "cpc"},
    ),
    Comparison(
        "tweets/migration_comparison",
        "tweets/migration_flows",
        "migration_correlation",
        "value",
        {"subject_type": "all", "measure": "correlation"},
    ),
    Comparison(
        "meters/household_size_accuracy",
        "meters/household_size",
        "better_than_guessing",
        "accuracy",
        {"model": "profile"},
        {"model": "most frequent"},
    ),
)
