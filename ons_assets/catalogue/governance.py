"""Tables about the system itself."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

DROP_LEDGER = Table(
    name="governance/drop_ledger",
    description="One file that arrived, and what became of it; the reason is why it, or a part of it, was refused.",
    columns=(
        Column("drop_id", pl.Int64(), "number of the file in the ledger"),
        Column("source", pl.String(), "supplier, the name of the drop folder"),
        Column("file_name", pl.String(), "name of the file"),
        Column("sha256", pl.String(), "hash of its content; null where there was none to read", nullable=True),
        Column("size_bytes", pl.Int64(), "size as received"),
        Column("received_utc", pl.Datetime("us", "UTC"), "when it was registered"),
        Column("status", pl.String(), "received, read, accepted, refused, superseded, duplicate or erased"),
        Column("local_days", pl.List(pl.Date()), "local days of its rows"),
        Column("parsed_rows", pl.Int64(), "records in the file; null until it is read", nullable=True),
        Column("accepted_rows", pl.Int64(), "rows that were published", nullable=True),
        Column("quarantined_rows", pl.Int64(), "rows that lie in quarantine", nullable=True),
        columns.REASON.or_null(),
        Column("run_id", pl.String(), "run that read it last", nullable=True),
        Column("attempts", pl.Int64(), "runs that began it without an end"),
        columns.ARRIVAL,
        columns.LAYOUT.or_null(),
        Column("layout_sha256", pl.String(), "first digits of the hash of that layout", nullable=True),
        Column("usable_units", pl.Int64(), "quotes, half hours, events that it gave", nullable=True),
        Column(
            "expected_units", pl.Int64(), "and that it should have given; null where nobody can know", nullable=True
        ),
        Column("rows_in_force", pl.Int64(), "rows of its table that are of this file now", nullable=True),
        Column("modified_ns", pl.Int64(), "when the file was last changed, as its folder said", nullable=True),
    ),
    key=("drop_id",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The ledger, ledger.sqlite",
)

ERASURES = Table(
    name="governance/erasures",
    description="One erasure: that it was, of what kind, when, why and how much; never of whom.",
    columns=(
        Column("erasure_id", pl.Int64(), "number of the erasure"),
        Column("of_source", pl.String(), "source that it was asked of"),
        Column("erased_by", pl.String(), "what was chosen by: subjects, records or retention"),
        Column("stated_reason", pl.String(), "why, in the words of who asked"),
        Column("begun_utc", pl.Datetime("us", "UTC"), "when it was asked for"),
        Column("finished_utc", pl.Datetime("us", "UTC"), "when it was done and proved", nullable=True),
        Column("files", pl.Int64(), "files that lost rows", nullable=True),
        Column("erased_rows", pl.Int64(), "accepted rows that went", nullable=True),
        Column("tables", pl.Int64(), "tables of the lake that lost rows", nullable=True),
    ),
    key=("erasure_id",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The ledger, ledger.sqlite",
)

ACCESSES = Table(
    name="governance/accesses",
    description="How often somebody asked to look at a single unit in one month; never at whom.",
    columns=(
        columns.MONTH,
        Column("accessed_source", pl.String(), "source whose files name the unit"),
        Column("access_outcome", pl.String(), "shown, refused, or unknown: there is no such unit here"),
        Column("accesses", pl.Int64(), "requests"),
    ),
    key=("month", "accessed_source", "access_outcome"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The ledger of accesses, restricted/accesses.sqlite",
)

DISCLOSURE_AUDIT = Table(
    name="governance/disclosure_audit",
    description="What the disclosure step of one published aggregate did, and what an attack on its figures learned.",
    columns=(
        columns.TABLE_NAME,
        Column("disclosure_rule", pl.String(), "counts, groups, shares, of_released or exempt"),
        columns.REASON.or_null(),
        Column("protected_unit", pl.String(), "who is protected", nullable=True),
        Column("shares_units_with", pl.String(), "other aggregates about the same units; null if none", nullable=True),
        Column("fewest", pl.Float64(), "least number of units of a told figure", nullable=True),
        Column("cells", pl.Int64(), "rows that were judged; one that counts nobody is not", nullable=True),
        Column("primary", pl.Int64(), "of these, withheld because few units stand behind them", nullable=True),
        Column("secondary", pl.Int64(), "and because something small would follow from them", nullable=True),
        Column("kept_share", pl.Float64(), "share of units in told rows; null if few are withheld", nullable=True),
        Column("attacked", pl.Int64(), "figures that were attacked; null where none add up", nullable=True),
        Column("exposed", pl.Int64(), "numbers that the attack learned, or may have, and should not", nullable=True),
    ),
    key=("table_name",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The provenance of every aggregate, and its rows as published",
)

RELEASE_LEDGER = Table(
    name="governance/release_ledger",
    description="One release of a table, or one that was refused: who approved it, what of, and what became of it.",
    columns=(
        Column("entry_id", pl.Int64(), "number of the row in the ledger of releases"),
        columns.TABLE_NAME,
        Column("release_version", pl.Int64(), "version of the release; null where it was refused", nullable=True),
        Column("release_status", pl.String(), "released, withdrawn or refused"),
        Column("made_utc", pl.Datetime("us", "UTC"), "when it was released or refused"),
        Column("approved_by", pl.String(), "who approved it"),
        Column("approval_reason", pl.String(), "why, if it was said", nullable=True),
        Column("lake_version", pl.Int64(), "version of the table in the lake that it was made of"),
        Column("data_version", pl.String(), "hash of the code, suite, settings and inputs of that version"),
        Column("attacked_with", pl.Int64(), "earlier releases of the table that it was attacked with"),
        Column(
            "figures_attacked", pl.Int64(), "figures that were attacked together; null where none can be", nullable=True
        ),
        Column(
            "cells_exposed", pl.Int64(), "numbers that the attack learned, or may have, and should not", nullable=True
        ),
        Column("refusal", pl.String(), "why it was refused; null where it was not", nullable=True),
        Column("withdrawn_utc", pl.Datetime("us", "UTC"), "when it was withdrawn", nullable=True),
        Column("withdrawn_reason", pl.String(), "and why", nullable=True),
    ),
    key=("entry_id",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The ledger of releases, releases.sqlite",
)

REGISTER = Table(
    name="governance/register",
    description="One table: who answers for it, who gives the data, what it is for, and whether it may be published.",
    columns=(
        columns.TABLE_NAME,
        Column("accountable_owner", pl.String(), "who answers for the table: a person, or a role that one has"),
        Column("owner_contact", pl.String(), "e-mail address of the owner"),
        Column("information_risk_owner", pl.String(), "who answers for the risk of holding it, with an address"),
        Column("data_protection_officer", pl.String(), "who is asked about personal data, with an address"),
        Column("suppliers", pl.String(), "who gives the data; of a derived table those of all its inputs"),
        Column("licences", pl.String(), "under which they are given; of a derived table those of all its inputs"),
        Column("legal_basis", pl.String(), "by which law the data may be held and used"),
        Column("table_purpose", pl.String(), "what the table is for"),
        Column("retention", pl.String(), "how long its rows are kept"),
        Column(
            "retention_days",
            pl.Int64(),
            "local days until its rows are erased; null: they are not",
            nullable=True,
        ),
        Column("update_cycle", pl.String(), "how often it changes, and how soon what is new is there"),
        Column("replaced_by", pl.String(), "day or month, if a version replaces those of its rows", nullable=True),
        Column("business_rules", pl.String(), "what holds of its rows, in sentences", nullable=True),
        Column("sensitivity", pl.String(), "public, aggregate or individual"),
        Column("release_state", pl.String(), "never, may be, released, withdrawn or refused"),
        Column("release_words", pl.String(), "whether it may be published, and why, in sentences"),
    ),
    key=("table_name",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The register that is shipped, the register.toml of the home, and the ledger of releases",
)

QUALITY_SCORECARD = Table(
    name="governance/quality_scorecard",
    description=(
        "One measure of the quality of one table, or of a day or month of it, as an evaluation found it; a row is new "
        "only where something differs from the one before."
    ),
    columns=(
        Column("evaluated_on", pl.Date(), "local day of the evaluation"),
        Column("evaluated_utc", pl.Datetime("us", "UTC"), "moment of the evaluation"),
        columns.TABLE_NAME,
        Column("partition_name", pl.String(), "day (2016-07-21) or month (2016-07) that is measured, or all"),
        Column(
            "dimension",
            pl.String(),
            "accuracy, completeness, uniqueness, consistency, timeliness, validity or provenance",
        ),
        columns.MEASURE,
        Column("measured_of", pl.String(), "column, expectation or other part that is measured, or all"),
        columns.VALUE.or_null(),
        Column(
            "n_behind",
            pl.Int64(),
            "rows, files, days or others behind the value, where they are counted",
            nullable=True,
        ),
        Column(
            "look_bound",
            pl.Float64(),
            "bound beyond which one looks; null: held against its past",
            nullable=True,
        ),
        Column("act_bound", pl.Float64(), "bound beyond which one acts", nullable=True),
        Column("usual_value", pl.Float64(), "median of the days or months compared with", nullable=True),
        Column("usual_low", pl.Float64(), "lower limit of what is usual", nullable=True),
        Column("usual_high", pl.Float64(), "upper limit of what is usual", nullable=True),
        Column("compared", pl.Int64(), "days or months compared with", nullable=True),
        Column("quality_status", pl.String(), "good, watch, act or not judged"),
        Column("said", pl.String(), "what was found, in a sentence"),
        Column("next_step", pl.String(), "what to do, in a sentence"),
        Column(
            "table_version", pl.Int64(), "version of the table that was measured; null if it has none", nullable=True
        ),
    ),
    key=("evaluated_utc", "table_name", "partition_name", "dimension", "measure", "measured_of"),
    partition_by=("evaluated_on",),
    # Numbers of rows, files and days, as the ledger tells them, and figures of tables that may be told.
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="The ledger, the results and versions of every table, and its rows as published",
)

OUTAGES = Table(
    name="governance/outages",
    description="One time in which a stream was not received: why, how that is known, and what of it was had later.",
    columns=(
        Column("stream", pl.String(), "stream, as its description calls it"),
        Column("for_source", pl.String(), "drop folder to which its files come"),
        Column("began_utc", pl.Datetime("us", "UTC"), "last sign of life before it"),
        Column("ended_utc", pl.Datetime("us", "UTC"), "answer of the service after it; until when it is known to last"),
        Column("is_over", pl.Boolean(), "whether it has ended"),
        Column("known_by", pl.String(), "connection, heartbeat, silence, process, disk, or told by a person"),
        Column("outage_reason", pl.String(), "why, in a sentence", nullable=True),
        Column(
            "backfilled_from_utc",
            pl.Datetime("us", "UTC"),
            "from then to its end all was had later; null if nothing was",
            nullable=True,
        ),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("stream", "began_utc"),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:governance",
    source="Files of harvesters, or of who knows when a collector was down",
)
