"""Tables of the tweets pilot. All but flows and their comparison are about single people."""

import polars as pl

from ons_assets.catalogue import columns
from ons_assets.lakehouse.disclosure import Counts, Groups, Margin, OfReleased
from ons_assets.lakehouse.tables import Column, Reference, Sensitivity, Table

OWNER = "team:tweets"
MONTHS_OF_YEAR = Margin(
    pl.col("period_type") == "month", {"period_type": pl.lit("year"), "period": pl.col("period").str.head(4)}
)
UTC = pl.Datetime("us", "UTC")

# The three levels of the pilot: users, their clusters, the tweets in these.
OF_USER = Reference(("user",), "tweets/users")
OF_CLUSTER = Reference(("user", "cluster"), "tweets/clusters")

LOCAL_TIME = (
    columns.LOCAL_DATE,
    columns.DAY_OF_WEEK,
    columns.HOUR,
    columns.MONTH,
)
AREA = (
    columns.AREA.or_null(),
    columns.AREA_METHOD,
    columns.AREA_DISTANCE_M.or_null(),
)

RAW_TWEETS = Table(
    name="tweets/raw_tweets",
    description="One tweet, retweet or withdrawal as the collector received it, without text, name or user id.",
    columns=(
        Column("event", pl.String(), "tweet, retweet, delete or scrub_geo"),
        columns.TWEET_ID,
        Column("original_id", pl.Int64(), "id of the first version, if it was edited; else its own"),
        columns.USER,
        columns.CREATED_UTC,
        Column("created_on", pl.Date(), "local day"),
        columns.LATITUDE.or_null(),
        columns.LONGITUDE.or_null(),
        Column("position", pl.String(), "point, place (a box, which is not used) or none"),
        Column("place_type", pl.String(), "kind of the place, such as city", nullable=True),
        columns.APPLICATION,
        columns.DROP_SHA256,
        columns.LINE,
    ),
    key=("drop_sha256", "line", "tweet_id"),
    partition_by=("created_on",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="Files of the collector: Twitter API v1.1 or v2, or tables through a mapping",
)

COLLECTION_GAPS = Table(
    name="tweets/collection_gaps",
    description="One time without the collector: an outage that was recorded, or a silence that is none of chance.",
    columns=(
        Column("from_utc", UTC, "last tweet before, or last sign of life"),
        Column("to_utc", UTC, "first tweet after, or answer of the service; or from when on all was had later"),
        Column("hours", pl.Float64(), "length"),
        Column("expected_tweets", pl.Float64(), "tweets that were to be expected in it, one of each user an hour"),
        Column("gap_known_by", pl.String(), "arrivals (their rate), outages (that were recorded) or both"),
    ),
    key=("from_utc",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/raw_tweets and governance/outages",
)

LOCATED_TWEETS = Table(
    name="tweets/located_tweets",
    description=(
        "One tweet with a position in the country, in its last version, not deleted; far from every area it has none."
    ),
    columns=(
        columns.BUCKET,
        columns.TWEET_ID,
        columns.USER,
        columns.CREATED_UTC,
        *LOCAL_TIME,
        columns.EASTING_M,
        columns.NORTHING_M,
        *AREA,
        columns.APPLICATION,
    ),
    key=("tweet_id",),
    partition_by=("local_date",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/raw_tweets and reference/areas",
    references=(OF_USER,),
)

USERS = Table(
    name="tweets/users",
    description="One user: how much is seen of it, and whether it is a person, or the reason why not.",
    columns=(
        columns.BUCKET,
        columns.USER,
        columns.TWEETS,
        columns.DAYS,
        columns.FIRST_UTC,
        columns.LAST_UTC,
        Column("main_application", pl.String(), "class of the commonest application"),
        Column("user_kind", pl.String(), "person, kiosk, bot or business"),
        columns.REASON.or_null(),
    ),
    key=("user",),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets",
)

CLUSTERS = Table(
    name="tweets/clusters",
    description=(
        "One cluster of the tweets of one user, with its mean centre: a place where the user keeps tweeting, or a "
        "single tweet."
    ),
    columns=(
        columns.BUCKET,
        columns.USER,
        columns.CLUSTER,
        Column("is_valid", pl.Boolean(), "false for a single tweet that is noise"),
        columns.TWEETS,
        Column("core_tweets", pl.Int32(), "tweets with enough neighbours"),
        columns.EASTING_M,
        columns.NORTHING_M,
        Column("medoid_easting_m", pl.Float64(), "the tweet nearest to the centre"),
        Column("medoid_northing_m", pl.Float64(), "the tweet nearest to the centre"),
        Column("min_easting_m", pl.Float64(), "bounding box"),
        Column("min_northing_m", pl.Float64(), "bounding box"),
        Column("max_easting_m", pl.Float64(), "bounding box"),
        Column("max_northing_m", pl.Float64(), "bounding box"),
        Column("radius_of_gyration_m", pl.Float64(), "root mean square distance from the centre"),
        columns.FIRST_UTC,
        columns.LAST_UTC,
        columns.DAYS,
        *AREA,
    ),
    key=("user", "cluster"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets and reference/areas",
    references=(OF_USER,),
)

CLUSTERED_TWEETS = Table(
    name="tweets/clustered_tweets",
    description="One tweet and the cluster it is in; where it was is on the cluster.",
    columns=(
        columns.BUCKET,
        columns.TWEET_ID,
        columns.USER,
        columns.CLUSTER,
        columns.CREATED_UTC,
        *LOCAL_TIME,
        columns.APPLICATION,
    ),
    key=("tweet_id",),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/located_tweets",
    references=(OF_CLUSTER, Reference(("tweet_id",), "tweets/located_tweets")),
)

CLUSTER_TYPES = Table(
    name="tweets/cluster_types",
    description=(
        "What kind of place one valid cluster is, by the votes of the addresses around it, and the nearest of that "
        "type."
    ),
    columns=(
        columns.BUCKET,
        columns.USER,
        columns.CLUSTER,
        Column("type", pl.String(), "residential, commercial, education, transport or other", nullable=True),
        columns.PROBABILITY.or_null(),
        Column("address_distance_m", pl.Float64(), "to the nearest address of that type", nullable=True),
        Column("addresses_near", pl.Int32(), "addresses that voted"),
        columns.UPRN.or_null(),
        columns.POSTCODE.or_null(),
        columns.AREA.or_null(),
    ),
    key=("user", "cluster"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clusters and reference/addresses",
    references=(OF_CLUSTER,),
)

USER_ANCHORS = Table(
    name="tweets/user_anchors",
    description="One place that is home, second home, work or study of one user, from one day to another.",
    columns=(
        columns.BUCKET,
        columns.USER,
        columns.CLUSTER,
        columns.ANCHOR,
        columns.FROM,
        columns.TO,
        columns.CONFIDENCE,
        columns.EVIDENCE_DAYS,
        columns.AREA.or_null(),
        columns.EASTING_M,
        columns.NORTHING_M,
    ),
    key=("user", "anchor", "from", "cluster"),
    partition_by=("bucket",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clustered_tweets, tweets/clusters, tweets/cluster_types and tweets/users",
    references=(OF_USER, OF_CLUSTER),
)

USER_COMMUTES = Table(
    name="tweets/user_commutes",
    description="The way of one user from home to work or study, while both were anchors.",
    columns=(
        columns.USER,
        Column("purpose", pl.String(), "work or study"),
        columns.HOME_CLUSTER,
        Column("destination_cluster", pl.Int32(), "cluster of work or study"),
        columns.FROM,
        columns.TO,
        columns.CONFIDENCE,
        columns.HOME_AREA.or_null(),
        Column("destination_area", pl.String(), "GSS code", nullable=True),
        columns.DISTANCE_KM,
    ),
    key=("user", "purpose", "home_cluster", "destination_cluster", "from"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors",
    references=(
        OF_USER,
        Reference(("user", "home_cluster"), "tweets/clusters"),
        Reference(("user", "destination_cluster"), "tweets/clusters"),
    ),
)

STUDENT_HOMES = Table(
    name="tweets/student_homes",
    description="One user who studies: where, and where the user lives in term time and in the vacations.",
    columns=(
        columns.USER,
        Column("study_cluster", pl.Int32(), "cluster of the place of study"),
        Column("study_area", pl.String(), "GSS code", nullable=True),
        Column("term_cluster", pl.Int32(), "home in term time", nullable=True),
        Column("term_area", pl.String(), "GSS code", nullable=True),
        Column("vacation_cluster", pl.Int32(), "home in the vacations", nullable=True),
        Column("vacation_area", pl.String(), "GSS code", nullable=True),
        Column("lives_away", pl.Boolean(), "whether the two are different areas", nullable=True),
    ),
    key=("user",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/clustered_tweets, tweets/clusters, tweets/cluster_types and tweets/users",
    references=(OF_USER,),
)

RESIDENCES = Table(
    name="tweets/residences",
    description="Where one user lived in one month.",
    columns=(
        columns.USER,
        columns.MONTH,
        columns.CLUSTER,
        columns.AREA.or_null(),
        columns.CONFIDENCE,
        columns.TWEETS,
        Column("is_observed", pl.Boolean(), "false if the home is known from the months around"),
        Column("month_coverage", pl.Float64(), "share of the month in which the collector was up"),
    ),
    key=("user", "month"),
    partition_by=("month",),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors, tweets/clustered_tweets and tweets/collection_gaps",
    references=(OF_USER,),
)

MOVES = Table(
    name="tweets/moves",
    description="One change of home of one user, after which the old home was given up.",
    columns=(
        columns.USER,
        Column("from_cluster", pl.Int32(), "old home"),
        Column("to_cluster", pl.Int32(), "new home"),
        Column("from_area", pl.String(), "GSS code", nullable=True),
        Column("to_area", pl.String(), "GSS code", nullable=True),
        Column("moved_on", pl.Date(), "middle of the two days that follow"),
        Column("not_before", pl.Date(), "last sign of life at the old home"),
        Column("not_after", pl.Date(), "first sign of life at the new home"),
        columns.DISTANCE_KM,
        columns.CONFIDENCE,
        Column("persistence_days", pl.Int32(), "days known at the new home"),
        Column("is_return", pl.Boolean(), "to a home that was left earlier"),
    ),
    key=("user", "not_after"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors",
    references=(OF_USER,),
)

SECOND_RESIDENCES = Table(
    name="tweets/second_residences",
    description="One home that one user kept beside the main home of the same time.",
    columns=(
        columns.USER,
        columns.CLUSTER,
        columns.AREA.or_null(),
        columns.HOME_CLUSTER,
        columns.HOME_AREA.or_null(),
        columns.FROM,
        columns.TO,
        columns.DISTANCE_KM,
        columns.CONFIDENCE,
        columns.EVIDENCE_DAYS,
    ),
    key=("user", "from", "cluster"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/user_anchors",
    references=(OF_USER, OF_CLUSTER),
)

SUPPLIED_DEMOGRAPHICS = Table(
    name="tweets/supplied_demographics",
    description="How likely it is that one user is of one age and sex, as somebody supplied it.",
    columns=(columns.USER, columns.AGE, columns.SEX, columns.PROBABILITY, columns.DROP_SHA256, columns.LINE),
    key=("user", "age", "sex"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="What a source says of its users, or a classifier takes them for, received as drops",
)

USER_DEMOGRAPHICS = Table(
    name="tweets/user_demographics",
    description="How likely it is that one user is of one age and sex; the probabilities of a user add up to 1.",
    columns=(
        columns.USER,
        columns.AGE,
        columns.SEX,
        columns.PROBABILITY,
        Column(
            "is_supplied", pl.Boolean(), "whether somebody supplied it; else it is modelled from those of whom it is"
        ),
    ),
    key=("user", "age", "sex"),
    sensitivity=Sensitivity.INDIVIDUAL,
    owner=OWNER,
    source="tweets/supplied_demographics, tweets/users, tweets/residences, tweets/user_anchors and "
    "reference/population",
)

FLOW_KEY = ("period_type", "period", "origin", "destination")
MOVERS = (columns.PERIOD_TYPE, columns.PERIOD, columns.ORIGIN, columns.DESTINATION, columns.MOVERS)
ESTIMATED = (columns.FLOW, columns.FLOW_LOW, columns.FLOW_HIGH, columns.WEIGHTED_BY)
OF_MOVERS = Counts("users", "movers", (MONTHS_OF_YEAR,))

MIGRATION_FLOWS = Table(
    name="tweets/migration_flows",
    description=(
        "People who moved from one area to another in one month or year, estimated from users who tweet. No row "
        "where nobody was seen to move, or too few to be told."
    ),
    columns=(*MOVERS, *ESTIMATED),
    key=FLOW_KEY,
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_MOVERS,
    owner=OWNER,
    source="tweets/moves, tweets/residences, tweets/users, tweets/user_demographics, tweets/user_anchors and "
    "reference/population",
)

STUDENT_FLOWS = Table(
    name="tweets/student_flows",
    description=(
        "Students who moved from one area to another in one month or year, estimated from users who were seen to "
        "study. No row where nobody was seen to move, or too few to be told, here or of those who do not study."
    ),
    columns=(*MOVERS, *ESTIMATED),
    key=FLOW_KEY,
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OF_MOVERS,
    owner=OWNER,
    source="tweets/moves, tweets/residences, tweets/users, tweets/user_anchors and reference/population",
)

RAKED_FLOWS = Table(
    name="tweets/raked_flows",
    description=(
        "The people who moved from one area to another in one month or year, raked to the official numbers of those "
        "who came and went."
    ),
    columns=(
        *MOVERS,
        columns.FLOW,
        Column("raked_flow", pl.Float64(), "people who make the flow, by the official totals of its areas"),
        Column("raked_low", pl.Float64(), "lower bound of its 95 % interval"),
        Column("raked_high", pl.Float64(), "upper bound of its 95 % interval"),
    ),
    key=FLOW_KEY,
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=OfReleased(),
    owner=OWNER,
    source="tweets/migration_flows and reference/migration_estimates",
)

MIGRATION_COMPARISON = Table(
    name="tweets/migration_comparison",
    description=(
        "One measure (docs/methods/migration_flows.md) of how the flows compare with official estimates: for all "
        "(totals by area), every pair, an area, or a penetration_quarter from 1 (fewest users for its people) to "
        "4."
    ),
    columns=(
        columns.PERIOD,
        columns.SUBJECT_TYPE,
        columns.SUBJECT,
        Column("direction", pl.String(), "in, out or both"),
        columns.MEASURE,
        columns.VALUE.or_null(),
        Column("is_student_area", pl.Boolean(), "whether many students live in the area"),
    ),
    key=("period", "subject_type", "subject", "direction", "measure"),
    sensitivity=Sensitivity.AGGREGATE,
    # A user counts once in a penetration, so that none makes most of it.
    disclosure=Groups("users", "users", ("value",)),
    owner=OWNER,
    source="tweets/migration_flows and reference/migration_estimates",
)
