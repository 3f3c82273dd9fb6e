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
        Column("status", pl.String(), "received, read, accepted, refused, superseded or duplicate"),
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
