"""Tables of the mobile phones pilot.

The tables up to `operator_flows` are made inside an operator's walls. A cell plan is about masts and not
about people, but it is the operator's secret, and is guarded as the rows about people are.
"""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Counts, Exempt, Groups, OfReleased, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:mobile"
FOUND_BY_CLEANING = (
    "duplicates", "unknown_cell", "cell_not_valid", "too_fast", "suspicious", "two_places", "ping_pong", "abroad",
)  # fmt: skip
UTC = pl.Datetime("us", "UTC")


GEOMETRY = (
    columns.TECHNOLOGY,
    columns.CELL_TYPE,
    columns.LATITUDE,
    columns.LONGITUDE,
    columns.EASTING_M.or_null(),
    columns.NORTHING_M.or_null(),
    columns.AZIMUTH_DEGREES.or_null(),
    columns.BEAM_WIDTH_DEGREES.or_null(),
    columns.RANGE_M.or_null(),
    columns.POWER_W.or_null(),
    columns.HEIGHT_M.or_null(),
)

CELLS = Table(
    name="mobile/cells",
    description=(
        "What one record of an operator's plans says of a cell, for the time in which it is valid; without easting and "
        "northing outside the country."
    ),
    columns=(
        columns.OPERATOR,
        columns.CELL_ID,
        columns.VALID_FROM_UTC,
        columns.VALID_UNTIL_UTC.or_null(),
        *GEOMETRY,
        columns.ARRIVAL,
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("drop_sha256", "line"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Cell plans of the operator",
)

NETWORK_VERSIONS = Table(
    name="mobile/network_versions",
    description="One form of a cell; no two of a cell hold at the same moment.",
    columns=(
        columns.OPERATOR,
        columns.CELL_ID,
        columns.VALID_FROM_UTC,
        columns.VALID_UNTIL_UTC.or_null(),
        *GEOMETRY,
        Column("said_by", pl.Int64(), "records of plans that say so"),
    ),
    key=("operator", "cell_id", "valid_from_utc"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/cells",
)

CELL_FOOTPRINTS = Table(
    name="mobile/cell_footprints",
    description=(
        "One tile that one cell serves, while the network around it stays as it is: how strong it is there, and where "
        "a device may be that is seen at it."
    ),
    columns=(
        columns.OPERATOR,
        columns.CELL_ID,
        columns.VALID_FROM_UTC,
        columns.VALID_UNTIL_UTC.or_null(),
        columns.TILE_EASTING_M,
        columns.TILE_NORTHING_M,
        Column("signal_dbm", pl.Float64(), "strength of the signal; null of voronoi", nullable=True),
        Column("dominance", pl.Float64(), "how fit the signal is to be used, 0 to 1; of voronoi 1", nullable=True),
        Column(
            "connection_probability",
            pl.Float64(),
            "that a device in the tile is seen at the cell; null if it serves none, and has the one it stands in",
            nullable=True,
        ),
        Column(
            "prior", pl.Float64(), "how likely a device is in the tile before anything is seen; of all 1", nullable=True
        ),
        columns.PROBABILITY,
    ),
    key=("operator", "cell_id", "valid_from_utc", "tile_easting_m", "tile_northing_m"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/network_versions and what the prior is made of",
)

CELL_NEIGHBOURS = Table(
    name="mobile/cell_neighbours",
    description="Two cells of a network whose footprints are near each other, while both stay as they are.",
    columns=(
        columns.OPERATOR,
        columns.VALID_FROM_UTC,
        columns.VALID_UNTIL_UTC.or_null(),
        columns.CELL_ID,
        Column("other_cell_id", pl.String(), "another one, later by its name"),
        Column("mast_distance_m", pl.Float64(), "between the antennas"),
        Column(
            "footprint_distance_m", pl.Float64(), "between the nearest tiles of the footprints; 0 if they share one"
        ),
        Column("tiles_shared", pl.Int64(), "tiles that are in both footprints"),
        Column("overlap", pl.Float64(), "of the probability, what both have in the same tiles: 0 to 1"),
    ),
    key=("operator", "valid_from_utc", "cell_id", "other_cell_id"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/cell_footprints",
)

DEVICES = Table(
    name="mobile/devices",
    description="What the operator knows of the holder of one device.",
    columns=(columns.OPERATOR, columns.USER, columns.CONTRACT, columns.AGE_GROUP, columns.DROP_SHA256, columns.LINE),
    key=("operator", "user"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Customer register of the operator",
)

PHONE_EVENTS = Table(
    name="mobile/phone_events",
    description=(
        "One event of a device at a cell, or without one in a network abroad: a call, message or data session, or a "
        "sign of life of the network."
    ),
    columns=(
        columns.OPERATOR,
        columns.USER,
        Column("time_utc", UTC, "time of the event"),
        columns.EVENT_DATE,
        columns.CELL_ID.or_null(),
        Column("kind", pl.String(), "active (the holder did something), passive (the network asked) or unknown"),
        Column("mcc", pl.String(), "country code of the SIM; null if the file does not say", nullable=True),
        Column("mnc", pl.String(), "network of the SIM in that country; null if not said", nullable=True),
        Column("plmn", pl.String(), "country and network that served it abroad; null at home", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("drop_sha256", "line"),
    partition_by=("event_date",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Event files of the operator",
)

EVENT_QUALITY = Table(
    name="mobile/event_quality",
    description=(
        "What one day of events of an operator is worth: how much came, and what cleaning found. Null where few "
        "devices stand behind it."
    ),
    columns=(
        columns.OPERATOR,
        columns.EVENT_DATE,
        Column("events", pl.Int64(), "events received", nullable=True),
        Column("devices_seen", pl.Int64(), "devices with an event that cleaning leaves", nullable=True),
        Column("hours_covered", pl.Int16(), "hours of the day with an event", nullable=True),
        Column("hours_expected", pl.Int16(), "hours of the local day: 24, or 23 and 25 where the clock changes"),
        Column(
            "duplicates",
            pl.Int64(),
            "events that repeat another of another kind; rows that repeat a row of their file were rejected",
            nullable=True,
        ),
        Column("unknown_cell", pl.Int64(), "events at cells that no plan has", nullable=True),
        Column("cell_not_valid", pl.Int64(), "events at cells of a plan when they are not on the air", nullable=True),
        Column("too_fast", pl.Int64(), "events that nobody could have travelled to, and on from", nullable=True),
        Column(
            "suspicious",
            pl.Int64(),
            "events that nobody could have travelled to, or on from; they count",
            nullable=True,
        ),
        Column("two_places", pl.Int64(), "events of one second at cells far from each other", nullable=True),
        Column("ping_pong", pl.Int64(), "events moved back to the cell before and after them", nullable=True),
        Column("abroad", pl.Int64(), "events in networks of other countries; none is at a cell", nullable=True),
        Column("cells_seen", pl.Int64(), "cells with an event", nullable=True),
        Column("cells_valid", pl.Int64(), "cells that the plan has on the air at some time of that day"),
        Column("cells_silent", pl.Int64(), "cells on the air all day that are busy on other days, without any event"),
    ),
    key=("operator", "event_date"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Groups(
        "devices",
        "devices_seen",
        ("events", "devices_seen", "hours_covered", "cells_seen", *FOUND_BY_CLEANING),
        events=FOUND_BY_CLEANING,
        # Hours and cells are no sums: what several devices share is counted once.
        sums=("events", *FOUND_BY_CLEANING),
    ),
    owner=OWNER,
    source="mobile/phone_events and mobile/cells",
)

QUALITY_WARNINGS = Table(
    name="mobile/quality_warnings",
    description=(
        "One figure of one day of an operator held against the days before it, and whether it is out of order."
    ),
    columns=(
        columns.OPERATOR,
        columns.DAY,
        Column("quality_of", pl.String(), "events, network or semantics"),
        columns.MEASURE,
        columns.ERROR_CODE,
        columns.VALUE,
        Column("mean", pl.Float64(), "of the days compared with; null of too few", nullable=True),
        Column(
            "lower_limit", pl.Float64(), "below it a day is out of order; null of shares, and too few", nullable=True
        ),
        Column("upper_limit", pl.Float64(), "above it a day is out of order; null of too few days", nullable=True),
        Column("days_compared", pl.Int16(), "earlier days of its kind: weekdays, or weekends"),
        Column(
            "out_of_order",
            pl.String(),
            "above_limit, below_limit, or above_value (too much whatever was before); null if all is in order",
            nullable=True,
        ),
    ),
    key=("operator", "day", "quality_of", "error_code"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="mobile/event_quality and governance/drop_ledger",
)

RECORD_ERRORS = Table(
    name="mobile/record_errors",
    description="Records of one file of an operator that were rejected for one reason, and lie in quarantine.",
    columns=(
        Column("from_source", pl.String(), "cells, phone_events or devices"),
        Column("file_sha256", pl.String(), "SHA-256 of the file, as in governance/drop_ledger"),
        columns.ERROR_CODE,
        columns.REASON,
        Column("records", pl.Int64(), "records"),
    ),
    key=("from_source", "file_sha256", "reason"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("records that could not be read, as the ledger tells them: of nobody is said what they were"),
    owner=OWNER,
    source="The quarantine of mobile/cells, mobile/phone_events and mobile/devices",
)

DEVICE_ANCHORS = Table(
    name="mobile/device_anchors",
    description=(
        "The probability that the home, or the work, of one device is in an area, by the footprints of the cells at "
        "which it is seen there."
    ),
    columns=(
        columns.BUCKET,
        columns.OPERATOR,
        columns.USER,
        columns.ANCHOR,
        columns.AREA,
        columns.PROBABILITY,
        Column(
            "worker_class",
            pl.String(),
            "full_week, part_week, night_shift, several_sites, none_seen; see docs/methods/worker_flows.md",
        ),
        columns.CONFIDENCE,
        columns.EVIDENCE_DAYS,
        columns.FROM,
        columns.TO,
    ),
    key=("operator", "user", "anchor", "area"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="mobile/phone_events, mobile/cells, mobile/cell_footprints and reference/area_parts",
)

OPERATOR_FLOWS = Table(
    name="mobile/operator_flows",
    description=(
        "Devices of an operator by the areas of home and work, with totals; nothing below k leaves: flows are not "
        "listed, totals are withheld."
    ),
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        columns.CONTRACT,
        columns.AGE_GROUP,
        columns.ORIGIN,
        columns.DESTINATION,
        columns.DEVICES.or_null(),
        columns.IS_SUPPRESSED,
        Column(
            "suppressed_flows",
            pl.Int64(),
            "on the grand total: flows that are not listed; null on other rows",
            nullable=True,
        ),
    ),
    key=("observed", "operator", "contract", "age_group", "origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Counts(
        "devices",
        "devices",
        (all_of("origin"), all_of("destination")),
        across=(all_of("contract"), all_of("age_group")),
    ),
    owner=OWNER,
    source="mobile/device_anchors and mobile/devices",
)

AGGREGATED_FLOWS = Table(
    name="mobile/aggregated_flows",
    description="One flow, or total, of devices or trips that an operator delivered to the office.",
    columns=(
        columns.OBSERVED,
        columns.OPERATOR,
        columns.CONTRACT,
        columns.AGE_GROUP,
        columns.ORIGIN,
        columns.DESTINATION,
        columns.UNIT,
        Column("count", pl.Float64(), "how many; null if withheld", nullable=True),
        columns.IS_SUPPRESSED,
        Column("detail", pl.String(), "what else tells the row from others, such as the hour; empty if nothing"),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("observed", "operator", "contract", "age_group", "origin", "destination", "unit", "detail"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("as the operator released it: small flows are withheld before they are delivered"),
    owner=OWNER,
    source="Files of flows from operators, or from whoever publishes such",
)

WEIGHTED_FLOWS = Table(
    name="mobile/weighted_flows",
    description="Workers who live in one area and work in another, estimated from the devices of all operators.",
    columns=(
        columns.OBSERVED,
        columns.ORIGIN,
        columns.DESTINATION,
        columns.DEVICES,
        columns.FLOW,
        columns.FLOW_LOW,
        columns.FLOW_HIGH,
        Column("standard_error", pl.Float64(), "by replication; of chance, not of bias"),
    ),
    key=("observed", "origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="mobile/operator_flows, mobile/aggregated_flows and the market of phones",
)

FLOW_COMPARISON = Table(
    name="mobile/flow_comparison",
    description=(
        "One measure (docs/methods/flow_comparison.md) of how estimated flows, or a baseline, compare with the "
        "census: for all, within and between areas, a distance_band, all or single areas of origin or destination, "
        "or a pair."
    ),
    columns=(
        Column("estimator", pl.String(), "weighted, unweighted, gravity, radiation, or weighted in another way"),
        columns.SUBJECT_TYPE,
        columns.SUBJECT,
        columns.MEASURE,
        columns.VALUE.or_null(),
    ),
    key=("estimator", "subject_type", "subject", "measure"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="mobile/weighted_flows and reference/commuting_flows",
)

COMMUTING_FLOWS = Table(
    name="reference/commuting_flows",
    description="People who live in one area and work in another, from a census.",
    columns=(
        Column("benchmark", pl.String(), "which census or survey, such as census-2011"),
        columns.ORIGIN,
        columns.DESTINATION,
        Column("commuters", pl.Float64(), "people in work, with those who work at home where the source counts them"),
        Column("home_workers", pl.Float64(), "of them, people who work at home; null if unknown", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("benchmark", "origin", "destination"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Travel to work tables of the census, received as drops",
)

AREA_CODES = Table(
    name="reference/area_codes",
    description="A code that an area had once, and the code of the area that covers it now.",
    columns=(
        Column("code", pl.String(), "code of any year"),
        Column("current_code", pl.String(), "code of today"),
        Column("name", pl.String(), "name of the area of that code", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("code",),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Histories of area codes, received as drops",
)

PHONE_MARKET = Table(
    name="reference/phone_market",
    description="Phones in one area and age group, or in all: how many there are, and how the operators share them.",
    columns=(
        columns.OPERATOR,
        columns.AREA,
        columns.AGE_GROUP,
        columns.POPULATION.or_null(),
        Column("phones_per_person", pl.Float64(), "phones in use, second ones too, for each person"),
        Column("operator_share", pl.Float64(), "share of the operator in these phones"),
        Column("prepaid_share", pl.Float64(), "share of prepaid ones in the phones of the operator"),
        Column("second_phone_share", pl.Float64(), "share of people with two phones"),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("operator", "area", "age_group"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Reports of the regulator of telephones, received as drops",
)

AREA_PARTS = Table(
    name="reference/area_parts",
    description="One part of an area of flows, such as a ward of a district, by its centre.",
    columns=(
        Column("part", pl.String(), "code of the part; of the area itself, if it has no parts"),
        columns.AREA,
        columns.EASTING_M,
        columns.NORTHING_M,
        Column("residents", pl.Float64(), "people who live there; null if unknown", nullable=True),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("part",),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Centres of small areas with their residents, received as drops",
)

WORKERS = Table(
    name="reference/workers",
    description="People in work by the area in which they live, or work.",
    columns=(
        columns.AREA,
        Column("side", pl.String(), "home or work"),
        Column("workers", pl.Float64(), "people in work, without those who work at home"),
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("area", "side"),
    sensitivity=Sensitivity.PUBLIC,
    owner=OWNER,
    source="Estimates of employment, received as drops",
)
