"""What the report is made of: plain facts, gathered in `ons_assets.governance.report.gathering`.

Nothing here is read from a row of an individual table: numbers of rows, days, names that may be told, and sentences of
the gate, which quotes nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from ons_assets.governance.register import Entry
from ons_assets.governance.releases.release_ledger import Entry as Release
from ons_assets.intake.ledger import Drop, Status
from ons_assets.lakehouse.tables import Table

ACCEPTED = (Status.ACCEPTED, Status.SUPERSEDED)


class Light(StrEnum):
    """How something stands; the value is what is said."""

    GOOD = "in order"
    LOOK = "look at it"
    BAD = "act now"
    NONE = "nothing yet"
    NEVER = "never"


@dataclass(frozen=True)
class Judgement:
    """A light, and in a sentence why."""

    light: Light
    sentence: str


@dataclass(frozen=True)
class Expectation:
    """One expectation of a table, and what the gate found when it looked last.

    Parameters
    ----------
    name
        By which a home may change it; empty for what the registry implies.
    asked
        What is asked, in words, such as "values to be between".
    column
        Of which; None if of the table.
    bound
        The bound, in words.
    severity
        critical, warning or info.
    notes
        What the suite says of it.
    observed
        What was found, in words.
    met
        Whether it was met; None if it was not looked at.
    """

    name: str
    asked: str
    column: str | None
    bound: str
    severity: str
    notes: str
    observed: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Publication:
    """A version of a table, as far as its quality goes.

    Parameters
    ----------
    rows
        That were written; None if the log does not say.
    evaluated
        Expectations that it was held against; None for a table of files, whose batches are judged one by one.
    unmet
        Of these, or of its batches, those that were published with a warning.
    refused
        Batches that were refused while it was made.
    """

    number: int
    published_utc: datetime
    rows: int | None
    evaluated: int | None
    unmet: int
    refused: int


@dataclass(frozen=True)
class Refusal:
    """A batch, a file or rows of a file that were refused and still are.

    Parameters
    ----------
    name
        Of the file, or of the run.
    drop
        Its row of the ledger; None of a table that is made of others.
    when_utc
        When it was refused; of a file, when it came.
    reason
        As the gate or the reader says it.
    notes
        What the suite says of the expectations that were not met.
    rows
        That lie in quarantine.
    whole
        Whether all of it was refused, and not single rows.
    """

    table: str | None
    name: str
    drop: Drop | None
    when_utc: datetime
    reason: str
    notes: tuple[str, ...]
    rows: int
    whole: bool


@dataclass(frozen=True)
class Input:
    """A table that another was made of, and in which version; None where it did not exist then."""

    table: str
    version: int | None


@dataclass(frozen=True)
class Latest:
    """What made the latest version of a table.

    Parameters
    ----------
    files
        That any of its versions was made of, those that came last first.
    warnings
        Expectations that it does not meet, each as a reason with the words of its suite.
    """

    number: int
    published_utc: datetime
    run_id: str
    code_version: str
    data_version: str
    inputs: tuple[Input, ...]
    files: tuple[Drop, ...]
    warnings: tuple[tuple[str, str], ...]
    rows: int
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Measured:
    """Something that the scorecard found, and what it says is to be done.

    Parameters
    ----------
    measure
        Its name.
    partition
        Day or month that was measured, or "all".
    since
        Day of the evaluation from which on it has been as urgent as now.
    """

    light: Light
    dimension: str
    measure: str
    partition: str
    said: str
    next_step: str
    since: date


@dataclass(frozen=True)
class Stretch:
    """Days one after the other on which a dimension of quality stands alike."""

    dimension: str
    first: date
    last: date
    light: Light


@dataclass(frozen=True)
class TableQuality:
    """What the scorecard says of a table.

    Parameters
    ----------
    dimensions
        How each stands now.
    measured
        How many measures stand behind each.
    found
        What the one of them found that says most: the worst, the newest, the first that not every table has.
    urgent
        What is to be looked at or acted on, the most urgent first.
    stretches
        How each stood, day by day.
    by_partition
        Whether these are days, or months, of the data; else they are those of evaluations.
    """

    dimensions: Mapping[str, Light]
    measured: Mapping[str, int]
    found: Mapping[str, str]
    urgent: tuple[Measured, ...]
    stretches: tuple[Stretch, ...]
    by_partition: bool


@dataclass(frozen=True)
class TableFacts:
    """What is known of one table.

    Parameters
    ----------
    publications
        The newest first.
    made_of_it
        Tables whose latest version was made of it, with the version that they read.
    disclosure
        Its row of `governance/disclosure_audit`; None if it has none.
    register
        What the register says of it; None if that cannot be used.
    quality
        What the scorecard says of it; None if it never looked.
    audited_utc, audited_what
        When the gate looked last, and at what.
    method
        Its page of docs/methods, as Markdown; None if there is none.
    suite_fault
        Why its suite cannot be used, and so it cannot be made; None if it can.
    behind
        Tables that its version in force was made of, and those that they were made of, the nearest first.
    """

    table: Table
    latest: Latest | None
    publications: tuple[Publication, ...]
    expectations: tuple[Expectation, ...]
    about: str
    audited_utc: str | None
    audited_what: str
    refusals: tuple[Refusal, ...]
    made_of_it: tuple[Input, ...]
    releases: tuple[Release, ...]
    disclosure: Mapping[str, Any] | None
    register: Entry | None
    quality: TableQuality | None
    method: str | None
    suite_fault: str | None = None
    behind: tuple["TableFacts", ...] = ()


@dataclass(frozen=True)
class Spell:
    """Days one after the other that a source has data of, or not.

    Parameters
    ----------
    state
        "data", "refused" or "none".
    """

    source: str
    state: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class SourceFacts:
    """The files of one source.

    Parameters
    ----------
    table
        That its files become; None if the register does not say.
    files
        How many there are by status.
    last_received_utc
        When the last one came.
    spells
        Of the days of its data; empty for a source without days.
    """

    name: str
    table: str | None
    files: Mapping[str, int]
    last_received_utc: datetime
    spells: tuple[Spell, ...]

    @property
    def outages(self) -> list[Spell]:
        """Days without data between the first and the last, the newest first."""
        return [spell for spell in reversed(self.spells) if spell.state != "data"]


@dataclass(frozen=True)
class Change:
    """One thing that happened, on a day: to a table or a source, and what."""

    when_utc: datetime
    kind: str
    subject: str
    said: str


@dataclass(frozen=True)
class Facts:
    """Everything that the report says.

    Parameters
    ----------
    made_utc
        When it was gathered.
    since_utc, until_utc
        Between which `changes` lie, the newest first.
    erasures
        Rows of the ledger of erasures.
    outages
        Rows of `governance/outages`, the newest first.
    week_utc
        When this week began.
    working_days
        By which something is to be done after it began, by how urgent it is.
    holidays
        Public holidays, which are no working days.
    time_zone
        By whose clock a day begins and ends, for who has something to do.
    register_fault
        What is wrong with the register, in a sentence; None if nothing is.
    unfinished_erasure
        Whether an erasure has to be gone on with.
    """

    office: str
    made_utc: datetime
    code_version: str
    week_utc: datetime
    since_utc: datetime
    until_utc: datetime
    tables: tuple[TableFacts, ...]
    sources: tuple[SourceFacts, ...]
    refusals: tuple[Refusal, ...]
    changes: tuple[Change, ...]
    releases: tuple[Release, ...]
    erasures: tuple[Mapping[str, Any], ...]
    disclosure_utc: datetime | None
    listed: int
    working_days: Mapping[Light, int]
    holidays: tuple[date, ...]
    time_zone: str
    register_fault: str | None = None
    unfinished_erasure: bool = False
    accesses: tuple[Mapping[str, Any], ...] = field(default=())
    outages: tuple[Mapping[str, Any], ...] = field(default=())
