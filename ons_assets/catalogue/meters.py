"""Tables of the smart meters pilot: readings and their quality."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:meters"

METER = Column("meter", pl.Int64(), "pseudonym of the meter: keyed hash of trial and name")
BUCKET = Column("bucket", pl.String(), "partition: hash of the meter, 00 and up")
DAY = Column("day", pl.Date(), "local day")
LAYOUT = Column("layout", pl.String(), "layout of the file that delivered it: cer, or the name of a mapping")
READING_COUNTS = (
    Column("received", pl.Int32(), "readings received, repeated ones included"),
    Column("repeated", pl.Int32(), "readings received again with the same value; one of them counts"),
    Column("contradictory", pl.Int32(), "half hours received with different values; none of them counts"),
    Column("negative", pl.Int32(), "readings below zero (export), or steps back of a register"),
    Column("off_grid", pl.Int32(), "records whose time is not on the grid of its interval"),
    Column("unreadable", pl.Int32(), "records whose value is missing, no number or not finite"),
    Column("too_large", pl.Int32(), "records above what a domestic supply can carry"),
    Column("skipped_hour", pl.Int32(), "records in the hour that the clock skips in spring"),
)

RAW_READINGS = Table(
    name="meters/raw_readings",
    description="What one file delivered of one meter on one local day, half hour by half hour as time passes.",
    columns=(
        BUCKET,
        METER,
        DAY,
        LAYOUT,
        Column("zone", pl.String(), "zone whose clock makes the local day"),
        Column(
            "readings",
            pl.List(pl.Float32()),
            "kWh of each half hour since local midnight, 46, 48 or 50 of them; NaN where none counts",
        ),
        *READING_COUNTS,
        Column("drop_id", pl.Int64(), "number of the file in the ledger: of two files the higher counts"),
        DROP_SHA256,
    ),
    key=("drop_sha256", "meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Files of readings: CER text, Low Carbon London, and others through a mapping",
)

HALF_HOURS = Table(
    name="meters/half_hours",
    description="The electricity of one meter on one local day in the 48 half hours of the clock face.",
    columns=(
        BUCKET,
        METER,
        DAY,
        LAYOUT,
        Column("kwh", pl.List(pl.Float32()), "kWh of the 48 half hours of the clock face; NaN where missing"),
        Column("extra_kwh", pl.Float32(), "energy of a repeated hour that the 48 half hours do not show"),
        Column("missing", pl.Int32(), "half hours of the day without a reading, of 46, 48 or 50"),
        Column("clock_change", pl.Int8(), "-1 if the clock goes forward on the day, 1 if it goes back, else 0"),
        Column("imputed", pl.Int64(), "half hours that were filled: bit 0 for 00:00 to bit 47"),
        Column("replaced", pl.Int32(), "half hours that a file received later changed"),
        *READING_COUNTS,
    ),
    key=("meter", "day"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/raw_readings",
)

READING_QUALITY = Table(
    name="meters/reading_quality",
    description="How complete and how plausible the readings of one meter are in one month.",
    columns=(
        BUCKET,
        METER,
        Column("month", pl.Date(), "first day of the month"),
        LAYOUT,
        Column("expected", pl.Int32(), "half hours of the month in the time of the trial"),
        Column("read", pl.Int32(), "half hours with a reading"),
        Column("missing_not_started", pl.Int32(), "half hours before the first reading of the meter"),
        Column("missing_ended", pl.Int32(), "half hours after its last reading"),
        Column("missing_collection", pl.Int32(), "half hours in which nearly no meter of the layout was read"),
        Column("missing_meter_off", pl.Int32(), "half hours in gaps that zero readings border"),
        Column("missing_communication", pl.Int32(), "half hours in other gaps"),
        Column("gaps", pl.Int32(), "gaps that begin in the month, between first and last reading"),
        Column("longest_gap", pl.Int32(), "half hours of the longest of them"),
        Column("zero", pl.Int32(), "readings of zero"),
        Column("zero_runs", pl.Int32(), "long runs of zero that begin in the month"),
        Column("longest_zero_run", pl.Int32(), "half hours of the longest of them"),
        Column("flat_runs", pl.Int32(), "long runs of one value above zero that begin in the month"),
        Column("longest_flat_run", pl.Int32(), "half hours of the longest of them"),
        Column("spikes", pl.Int32(), "readings far above the usual highest of the meter"),
        Column("clock_change_days", pl.Int32(), "days on which the clock changes"),
        Column("imputed", pl.Int32(), "half hours that were filled"),
        Column("replaced", pl.Int32(), "half hours that a file received later changed"),
        *READING_COUNTS,
        Column("first_day", pl.Date(), "first day with a reading, of all months"),
        Column("last_day", pl.Date(), "last day with a reading, of all months"),
    ),
    key=("meter", "month"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="meters/half_hours",
)

TABLES = (RAW_READINGS, HALF_HOURS, READING_QUALITY)
