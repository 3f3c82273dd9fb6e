"""Tables of the tweets pilot. All but the last two are about single people."""

import polars as pl

from ons_assets.catalogue.columns import DROP_SHA256, LINE
from ons_assets.lakehouse.tables import Column, Sensitivity, Table

OWNER = "team:tweets"
UTC = pl.Datetime("us", "UTC")

BUCKET = Column("bucket", pl.Int16(), "part of the users, 0 to 63")
USER = Column("user", pl.Int64(), "pseudonym of the user, by a keyed hash")
TWEET_ID = Column("tweet_id", pl.Int64(), "id of the tweet")
CREATED_UTC = Column("created_utc", UTC, "time of the tweet")
CLUSTER = Column("cluster", pl.Int32(), "number of the cluster within its user")
APPLICATION = Column(
    "application", pl.String(), "class of the application: mobile, web, check_in, sharing, automated, other, unknown"
)
LOCAL_TIME = (
    Column("local_date", pl.Date(), "day in London"),
    Column("day_of_week", pl.Int8(), "1 Monday to 7 Sunday, in London"),
    Column("hour", pl.Int8(), "hour in London"),
    Column("month", pl.Date(), "first day of the month, in London"),
)
AREA = (
    Column("area", pl.String(), "GSS code; null if far from every area", nullable=True),
    Column("area_method", pl.String(), "boundary or nearest_centre", nullable=True),
    Column("area_distance_m", pl.Float64(), "distance to the centre of the area", nullable=True),
)

RAW_TWEETS = Table(
    name="tweets/raw_tweets",
    description="One tweet, retweet or withdrawal as the collector received it, without text, name or user id.",
    columns=(
        Column("event", pl.String(), "tweet, retweet, delete or scrub_geo"),
        TWEET_ID,
        Column("original_id", pl.Int64(), "id of the first version, if it was edited; else its own"),
        USER,
        CREATED_UTC,
        Column("created_on", pl.Date(), "day in London"),
        Column("latitude", pl.Float64(), "degrees, WGS 84", nullable=True),
        Column("longitude", pl.Float64(), "degrees, WGS 84", nullable=True),
        Column("position", pl.String(), "point, place (a box, which is not used) or none"),
        Column("place_type", pl.String(), "kind of the place, such as city", nullable=True),
        APPLICATION,
        DROP_SHA256,
        LINE,
    ),
    key=("drop_sha256", "line", "tweet_id"),
    partition_by=("created_on",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Files of the collector: Twitter API v1.1 or v2, or tables through a mapping",
)

COLLECTION_GAPS = Table(
    name="tweets/collection_gaps",
    description="One silence of the collector that the rate of arrival does not explain.",
    columns=(
        Column("from_utc", UTC, "last tweet before"),
        Column("to_utc", UTC, "first tweet after"),
        Column("hours", pl.Float64(), "length"),
        Column("expected_tweets", pl.Float64(), "tweets that were to be expected in it"),
    ),
    key=("from_utc",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/raw_tweets",
)

LOCATED_TWEETS = Table(
    name="tweets/located_tweets",
    description="One tweet with a position in Great Britain, in its last version, not deleted.",
    columns=(
        TWEET_ID,
        USER,
        CREATED_UTC,
        *LOCAL_TIME,
        Column("easting_m", pl.Float64(), "British National Grid, OSTN15"),
        Column("northing_m", pl.Float64(), "British National Grid, OSTN15"),
        *AREA,
        APPLICATION,
    ),
    key=("tweet_id",),
    partition_by=("local_date",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/raw_tweets and reference/areas",
)

USERS = Table(
    name="tweets/users",
    description="One user: how much is seen of it, and whether it is a person.",
    columns=(
        BUCKET,
        USER,
        Column("tweets", pl.Int32(), "located tweets"),
        Column("days", pl.Int32(), "days with one"),
        Column("first_utc", UTC, "first located tweet"),
        Column("last_utc", UTC, "last located tweet"),
        Column("main_application", pl.String(), "class of the commonest application"),
        Column("kind", pl.String(), "person, kiosk, bot or business"),
        Column("reason", pl.String(), "why it is no person", nullable=True),
    ),
    key=("user",),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets",
)

CLUSTERS = Table(
    name="tweets/clusters",
    description="One cluster of the tweets of one user: a place where the user keeps tweeting, or a single tweet.",
    columns=(
        BUCKET,
        USER,
        CLUSTER,
        Column("is_valid", pl.Boolean(), "false for a single tweet that is noise"),
        Column("tweets", pl.Int32(), "tweets in it"),
        Column("core_tweets", pl.Int32(), "tweets with enough neighbours"),
        Column("easting_m", pl.Float64(), "centre (mean)"),
        Column("northing_m", pl.Float64(), "centre (mean)"),
        Column("medoid_easting_m", pl.Float64(), "the tweet nearest to the centre"),
        Column("medoid_northing_m", pl.Float64(), "the tweet nearest to the centre"),
        Column("min_easting_m", pl.Float64(), "bounding box"),
        Column("min_northing_m", pl.Float64(), "bounding box"),
        Column("max_easting_m", pl.Float64(), "bounding box"),
        Column("max_northing_m", pl.Float64(), "bounding box"),
        Column("radius_of_gyration_m", pl.Float64(), "root mean square distance from the centre"),
        Column("first_utc", UTC, "first tweet"),
        Column("last_utc", UTC, "last tweet"),
        Column("days", pl.Int32(), "days with a tweet"),
        *AREA,
    ),
    key=("user", "cluster"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets and reference/areas",
)

CLUSTERED_TWEETS = Table(
    name="tweets/clustered_tweets",
    description="One tweet and the cluster it is in; where it was is on the cluster.",
    columns=(BUCKET, TWEET_ID, USER, CLUSTER, CREATED_UTC, *LOCAL_TIME, APPLICATION),
    key=("tweet_id",),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets",
)

CLUSTER_TYPES = Table(
    name="tweets/cluster_types",
    description="What kind of place one valid cluster is, by the addresses around it.",
    columns=(
        BUCKET,
        USER,
        CLUSTER,
        Column("type", pl.String(), "residential, commercial, education, transport or other", nullable=True),
        Column("probability", pl.Float64(), "share of the votes of the addresses", nullable=True),
        Column("address_distance_m", pl.Float64(), "to the nearest address of that type", nullable=True),
        Column("addresses_near", pl.Int32(), "addresses that voted"),
        Column("uprn", pl.Int64(), "nearest address of that type", nullable=True),
        Column("postcode", pl.String(), "its postcode", nullable=True),
        Column("area", pl.String(), "GSS code", nullable=True),
    ),
    key=("user", "cluster"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clusters and reference/addresses",
)

USER_ANCHORS = Table(
    name="tweets/user_anchors",
    description="One place that is home, work or study of one user, from one day to another.",
    columns=(
        BUCKET,
        USER,
        CLUSTER,
        Column("anchor", pl.String(), "home, work or study"),
        Column("from", pl.Date(), "first day of the evidence"),
        Column("to", pl.Date(), "last day of the evidence"),
        Column("confidence", pl.Float64(), "probability that it is visited more than the next place"),
        Column("evidence_days", pl.Int32(), "days with evidence of it"),
        Column("area", pl.String(), "GSS code", nullable=True),
        Column("easting_m", pl.Float64(), "centre of the cluster"),
        Column("northing_m", pl.Float64(), "centre of the cluster"),
    ),
    key=("user", "anchor", "from"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clustered_tweets, tweets/clusters, tweets/cluster_types and tweets/users",
)

USER_COMMUTES = Table(
    name="tweets/user_commutes",
    description="The way of one user from home to work or study, while both were anchors.",
    columns=(
        USER,
        Column("purpose", pl.String(), "work or study"),
        Column("home", pl.Int32(), "cluster of the home"),
        Column("destination", pl.Int32(), "cluster of work or study"),
        Column("from", pl.Date(), "first day of both"),
        Column("to", pl.Date(), "last day of both"),
        Column("confidence", pl.Float64(), "product of the confidence of both ends"),
        Column("home_area", pl.String(), "GSS code", nullable=True),
        Column("destination_area", pl.String(), "GSS code", nullable=True),
        Column("distance_km", pl.Float64(), "between the centres of the clusters"),
    ),
    key=("user", "purpose", "home", "destination", "from"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors",
)

STUDENT_HOMES = Table(
    name="tweets/student_homes",
    description="One user who studies: where, and where the user lives in term time and in the vacations.",
    columns=(
        USER,
        Column("study_cluster", pl.Int32(), "cluster of the place of study"),
        Column("study_area", pl.String(), "GSS code", nullable=True),
        Column("term_cluster", pl.Int32(), "home in term time", nullable=True),
        Column("term_area", pl.String(), "GSS code", nullable=True),
        Column("home_cluster", pl.Int32(), "home in the vacations", nullable=True),
        Column("home_area", pl.String(), "GSS code", nullable=True),
        Column("lives_away", pl.Boolean(), "whether the two are different areas", nullable=True),
    ),
    key=("user",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clustered_tweets, tweets/clusters, tweets/cluster_types and tweets/users",
)

RESIDENCES = Table(
    name="tweets/residences",
    description="Where one user lived in one month.",
    columns=(
        USER,
        Column("month", pl.Date(), "first day of the month"),
        CLUSTER,
        Column("area", pl.String(), "GSS code", nullable=True),
        Column("confidence", pl.Float64(), "of the home"),
        Column("tweets", pl.Int32(), "tweets in the month"),
        Column("is_observed", pl.Boolean(), "false if the home is known from the months around"),
        Column("month_coverage", pl.Float64(), "share of the month in which the collector was up"),
    ),
    key=("user", "month"),
    partition_by=("month",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors, tweets/clustered_tweets and tweets/collection_gaps",
)

MOVES = Table(
    name="tweets/moves",
    description="One change of home of one user.",
    columns=(
        USER,
        Column("from_cluster", pl.Int32(), "old home"),
        Column("to_cluster", pl.Int32(), "new home"),
        Column("from_area", pl.String(), "GSS code", nullable=True),
        Column("to_area", pl.String(), "GSS code", nullable=True),
        Column("moved_on", pl.Date(), "middle of the two days that follow"),
        Column("not_before", pl.Date(), "last sign of life at the old home"),
        Column("not_after", pl.Date(), "first sign of life at the new home"),
        Column("distance_km", pl.Float64(), "between the homes"),
        Column("confidence", pl.Float64(), "product of the confidence of both homes"),
        Column("persistence_days", pl.Int32(), "days known at the new home"),
        Column("is_return", pl.Boolean(), "to a home that was left earlier"),
    ),
    key=("user", "not_after"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors",
)

MIGRATION_FLOWS = Table(
    name="tweets/migration_flows",
    description="People who moved from one area to another in one month or year, estimated from users who tweet.",
    columns=(
        Column("period_type", pl.String(), "month or year"),
        Column("period", pl.String(), "2014-09 or 2014"),
        Column("origin", pl.String(), "GSS code"),
        Column("destination", pl.String(), "GSS code"),
        Column("movers", pl.Int64(), "users who moved; null if suppressed", nullable=True),
        Column("flow", pl.Float64(), "people; null if suppressed", nullable=True),
        Column("flow_low", pl.Float64(), "lower bound of the 95 % interval", nullable=True),
        Column("flow_high", pl.Float64(), "upper bound of the 95 % interval", nullable=True),
        Column("is_suppressed", pl.Boolean(), "whether too few users moved"),
    ),
    key=("period_type", "period", "origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="tweets/moves, tweets/residences and reference/population",
)

MIGRATION_COMPARISON = Table(
    name="tweets/migration_comparison",
    description="One measure of how the flows compare with official estimates: for all, an area, or a group of areas.",
    columns=(
        Column("period", pl.String(), "period of the official estimates"),
        Column("level", pl.String(), "all (totals by area), pair, area or penetration_quarter"),
        Column("name", pl.String(), "all, the GSS code, or 1 (fewest users for its people) to 4"),
        Column("direction", pl.String(), "in, out or both"),
        Column("measure", pl.String(), "see docs/methods/migration_flows.md"),
        Column("value", pl.Float64(), "its value; null where it is not defined", nullable=True),
        Column("is_student_area", pl.Boolean(), "whether many students live in the area"),
    ),
    key=("period", "level", "name", "direction", "measure"),
    sensitivity=Sensitivity.AGGREGATE,
    owner=OWNER,
    source="tweets/migration_flows and reference/migration_estimates",
)
