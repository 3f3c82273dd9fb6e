"""Assets of the tweets pilot.

Tables of users are made a span of buckets at a time: a bucket is a 64th of the users, and whatever is
known of a user is in one of them.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from ons_assets.catalogue.tweets import MIGRATION_COMPARISON, MIGRATION_FLOWS, STUDENT_FLOWS
from ons_assets.engine.parts import Mapped, Part
from ons_assets.geography.area_totals import people_of_areas
from ons_assets.geography.areas import Areas, areas_of
from ons_assets.geography.grid import Grid
from ons_assets.governance.disclosure.parts import protect_parts
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse.buckets import spans, with_bucket
from ons_assets.lakehouse.days import spans_of_days
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.increments import Increment, Replacement
from ons_assets.orchestration.assets import published
from ons_assets.parameters.geography import Country, NearestParameters
from ons_assets.parameters.tweets import (
    ClusterParameters,
    DemographicsParameters,
    GapParameters,
    LocatingParameters,
    MemoryParameters,
    MigrationComparisonParameters,
    MigrationFlowParameters,
    MoveParameters,
    RakedFlowParameters,
    TermParameters,
    TweetAnchorParameters,
    UserParameters,
)
from ons_assets.tweets import cluster_types as types_of_clusters
from ons_assets.tweets import clustering, locating
from ons_assets.tweets import residences as living
from ons_assets.tweets import users as kinds_of_users
from ons_assets.tweets.anchors import tweet_stays
from ons_assets.tweets.anchors import user_anchors as find_anchors
from ons_assets.tweets.anchors import user_commutes as find_commutes
from ons_assets.tweets.clustering import Clustering
from ons_assets.tweets.collection_gaps import collection_coverage, gaps_of_collection, outages_of
from ons_assets.tweets.migration_comparison import compare_with_estimates
from ons_assets.tweets.migration_flows import EVERYBODY, STUDENTS
from ons_assets.tweets.migration_flows import migration_flows as estimate_flows
from ons_assets.tweets.raked_flows import raked_flows as rake_flows
from ons_assets.tweets.sources import TweetFiles
from ons_assets.tweets.student_moves import Study
from ons_assets.tweets.terms import usual_terms
from ons_assets.tweets.user_demographics import user_demographics as describe_demographics
from ons_assets.tweets.users import PERSON

# Of tweets: where those who were touched have more, all users are clustered, which is then faster than to put the rest
# in its place.
MOST_CLUSTERED_ANEW = 0.25


@published("tweets/collection_gaps", inputs=["tweets/raw_tweets"], optional=["governance/outages"])
def collection_gaps(raw_tweets: pl.LazyFrame, outages: pl.LazyFrame | None, parameters: GapParameters) -> pl.DataFrame:
    """Find when the collector was down: what it recorded itself, and what the rate of arrival does not explain."""
    recorded = outages_of(outages, TweetFiles.name) if outages is not None else None
    return gaps_of_collection(raw_tweets, parameters, recorded)


@published(
    "tweets/located_tweets",
    inputs=["tweets/raw_tweets"],
    optional=["reference/areas"],
    increments_of="tweets/raw_tweets",
)
def located_tweets(
    raw_tweets: pl.LazyFrame,
    areas: pl.LazyFrame | None,
    parameters: LocatingParameters,
    country: Country,
    memory: MemoryParameters,
    increment: Increment | None,
) -> Mapped | Replacement:
    """Place tweets on the grid, and in areas; of a day that changed, or of whose tweets one was withdrawn, anew."""
    places = _places(areas, parameters, country)
    read = raw_tweets.select("created_on", *locating.READ)
    notices = read.filter(locating.is_notice()).collect()

    def located(days: list[date]) -> Mapped:
        spans = spans_of_days(raw_tweets, "created_on", memory.rows_at_once, days)
        return Mapped(
            partial(_located, areas=places, notices=notices, country=country),
            ((read.filter(pl.col("created_on").is_in(span)).drop("created_on"),) for span in spans),
        )

    if increment is None:
        return located(raw_tweets.select("created_on").unique().collect()["created_on"].sort().to_list())
    days = locating.days_touched(raw_tweets, increment.change.rows())
    return Replacement(tuple(days), located(days))


def _located(tweets: pl.DataFrame, areas: Areas | None, notices: pl.DataFrame, country: Country) -> pl.DataFrame:
    # By bucket, so that whoever reads some buckets finds them in few groups of rows of a day's file.
    return with_bucket(locating.locate(tweets, areas, notices, country).tweets).sort("bucket", maintain_order=True)


@published("tweets/users", inputs=["tweets/located_tweets"], increments_of="tweets/located_tweets")
def users(
    located_tweets: pl.LazyFrame, parameters: UserParameters, memory: MemoryParameters, increment: Increment | None
) -> Mapped:
    """Describe users, and say which are no people; only those who were touched, if the rest is known."""
    spans, read = _spans(located_tweets, memory), partial(_read, located_tweets, kinds_of_users.READ)
    if increment is None:
        return Mapped(partial(_described, parameters=parameters), ((read(span),) for span in spans))
    touched, known = _touched(increment), increment.previous["users"]
    return Mapped(
        partial(_described_anew, parameters=parameters),
        ((_of_users(read(span), touched), touched, _of_span(known, span)) for span in spans),
    )


def _described_anew(
    anew: pl.DataFrame, touched: pl.DataFrame, known: pl.DataFrame, parameters: UserParameters
) -> pl.DataFrame:
    return _in_place_of(known, touched, _described(anew, parameters)).sort("user")


def _described(tweets: pl.DataFrame, parameters: UserParameters) -> pl.DataFrame:
    return with_bucket(kinds_of_users.describe_users(tweets, parameters))


@published(
    "tweets/clusters",
    "tweets/clustered_tweets",
    inputs=["tweets/located_tweets"],
    optional=["reference/areas"],
    increments_of="tweets/located_tweets",
)
def clusters(
    located_tweets: pl.LazyFrame,
    areas: pl.LazyFrame | None,
    parameters: ClusterParameters,
    locating: LocatingParameters,
    country: Country,
    memory: MemoryParameters,
    increment: Increment | None,
) -> Mapped:
    """Cluster the tweets of each user; only of the users who were touched, if the rest is known."""
    given: dict[str, Any] = {"parameters": parameters, "areas": _places(areas, locating, country)}
    spans, read = _spans(located_tweets, memory), partial(_read, located_tweets, clustering.READ)
    if increment is None or _share(located_tweets, touched := _touched(increment)) > MOST_CLUSTERED_ANEW:
        return Mapped(partial(_clustered, **given), ((read(span),) for span in spans))
    known = increment.previous
    return Mapped(
        partial(_clustered_anew, **given),
        (
            (
                _of_users(read(span), touched),
                touched,
                *(_of_span(known[name], span).drop("bucket") for name in ("clusters", "clustered_tweets")),
            )
            for span in spans
        ),
    )


def _clustered(
    tweets: pl.DataFrame, parameters: ClusterParameters, areas: Areas | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    return _with_buckets(clustering.cluster(tweets, parameters, areas=areas))


def _clustered_anew(
    anew: pl.DataFrame,
    touched: pl.DataFrame,
    clusters: pl.DataFrame,
    clustered_tweets: pl.DataFrame,
    parameters: ClusterParameters,
    areas: Areas | None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = clustering.cluster(anew, parameters, areas=areas)
    return _with_buckets(clustering.recluster(Clustering(clusters, clustered_tweets), touched, made))


def _with_buckets(made: Clustering) -> tuple[pl.DataFrame, pl.DataFrame]:
    return with_bucket(made.clusters), with_bucket(made.tweets)


@published("tweets/cluster_types", inputs=["tweets/clusters", "reference/addresses"])
def cluster_types(
    clusters: pl.LazyFrame, addresses: pl.LazyFrame, parameters: NearestParameters, memory: MemoryParameters
) -> Mapped:
    """Say what kind of place each valid cluster is."""
    parts = ((_of_span(clusters, span), addresses) for span in _spans(clusters, memory))
    return Mapped(partial(_of_types, parameters=parameters), parts)


def _of_types(clusters: pl.DataFrame, addresses: pl.DataFrame, parameters: NearestParameters) -> pl.DataFrame:
    return with_bucket(types_of_clusters.cluster_types(clusters, addresses, parameters))


@published(
    "tweets/user_anchors",
    "tweets/student_homes",
    inputs=["tweets/clustered_tweets", "tweets/clusters", "tweets/users", "tweets/located_tweets"],
    optional=["tweets/cluster_types"],
    # All the others are made of these, user by user.
    increments_of="tweets/located_tweets",
)
def user_anchors(
    clustered_tweets: pl.LazyFrame,
    clusters: pl.LazyFrame,
    users: pl.LazyFrame,
    cluster_types: pl.LazyFrame | None,
    parameters: TweetAnchorParameters,
    terms: TermParameters,
    country: Country,
    memory: MemoryParameters,
    increment: Increment | None,
) -> Mapped:
    """Find home, work and study of people; of students, the home in term time and the one in the vacations.

    Only of the users who were touched, if the rest is known and the terms are the same.
    """
    in_force = _terms(terms, clustered_tweets)
    given: dict[str, Any] = {"terms": in_force, "parameters": parameters, "time_zone": country.time_zone}
    spans, tables = _spans(clustered_tweets, memory), (clustered_tweets, clusters, users, cluster_types)
    if increment is None or _terms(terms, increment.before["clustered_tweets"]) != in_force:
        return Mapped(partial(_anchored, **given), (_each_of_span(tables, span) for span in spans))
    touched, known = _touched(increment), increment.previous
    return Mapped(
        partial(_anchored_anew, **given),
        (
            (
                *(_of_users(table, touched) if table is not None else None for table in _each_of_span(tables, span)),
                touched,
                _of_span(known["user_anchors"], span),
                _of_users(known["student_homes"], _of_span(users, span)),
            )
            for span in spans
        ),
    )


def _terms(terms: TermParameters, tweets: pl.LazyFrame) -> list[tuple[date, date]]:
    """Return the terms that are given, or the usual ones of the time in which there are tweets."""
    if terms.terms:
        return list(terms.terms)
    [(first, last)] = tweets.select(a=pl.col("local_date").min(), b=pl.col("local_date").max()).collect().rows()
    return usual_terms(first, last)


def _anchored_anew(
    tweets: pl.DataFrame,
    places: pl.DataFrame,
    people: pl.DataFrame,
    kinds: pl.DataFrame | None,
    touched: pl.DataFrame,
    known_anchors: pl.DataFrame,
    known_students: pl.DataFrame,
    **given: Any,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    anchors, students = _anchored(tweets, places, people, kinds, **given)
    return (
        _in_place_of(known_anchors, touched, anchors).sort("user", "anchor", "from", "cluster"),
        _in_place_of(known_students, touched, students).sort("user"),
    )


def _anchored(
    tweets: pl.DataFrame,
    places: pl.DataFrame,
    people: pl.DataFrame,
    kinds: pl.DataFrame | None,
    terms: list[tuple[date, date]],
    parameters: TweetAnchorParameters,
    time_zone: str,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    stays = tweet_stays(tweets, places, people, kinds, time_zone)
    found = find_anchors(stays, places, parameters, terms=terms)
    return with_bucket(found), living.student_homes(stays, places, terms, parameters, anchors=found)


@published("tweets/user_commutes", inputs=["tweets/user_anchors"])
def user_commutes(user_anchors: pl.LazyFrame) -> pl.DataFrame:
    """Pair homes with places of work and study."""
    return find_commutes(user_anchors.collect())


@published("tweets/residences", inputs=["tweets/user_anchors", "tweets/clustered_tweets", "tweets/collection_gaps"])
def residences(
    user_anchors: pl.LazyFrame,
    clustered_tweets: pl.LazyFrame,
    collection_gaps: pl.LazyFrame,
    gaps: GapParameters,
    country: Country,
    memory: MemoryParameters,
) -> Mapped:
    """Say where users live month by month."""
    first, last = _days_seen(clustered_tweets, gaps.fewest_users)
    days = pl.date_range(first, last, eager=True)
    covered = collection_coverage(collection_gaps.collect(), days, country.time_zone)
    parts = (
        (_of_span(user_anchors, span), _of_span(clustered_tweets, span)) for span in _spans(clustered_tweets, memory)
    )
    return Mapped(partial(living.residences, coverage=covered), parts)


@published("tweets/moves", inputs=["tweets/user_anchors"])
def moves(user_anchors: pl.LazyFrame, parameters: MoveParameters) -> pl.DataFrame:
    """Find changes of home after which the old one is given up."""
    return living.moves(_homes_of(user_anchors), parameters)


@published("tweets/second_residences", inputs=["tweets/user_anchors"])
def second_residences(user_anchors: pl.LazyFrame) -> pl.DataFrame:
    """Find the homes that are kept beside a main one."""
    return living.second_residences(_homes_of(user_anchors))


@published(
    "tweets/user_demographics",
    inputs=[
        "tweets/supplied_demographics",
        "tweets/users",
        "tweets/residences",
        "tweets/user_anchors",
        "reference/population",
    ],
)
def user_demographics(
    supplied_demographics: pl.LazyFrame,
    users: pl.LazyFrame,
    residences: pl.LazyFrame,
    user_anchors: pl.LazyFrame,
    population: pl.LazyFrame,
    parameters: DemographicsParameters,
) -> pl.DataFrame:
    """Say of people who tweet how likely each age and sex is."""
    people = users.filter(pl.col("user_kind") == PERSON).select("user")
    described = people.join(_latest_areas(residences), on="user", how="left").join(
        user_anchors.filter(anchor="study").select("user", studies=pl.lit(value=True)).unique(), on="user", how="left"
    )
    known = described.with_columns(pl.col("studies").fill_null(value=False)).collect()
    return describe_demographics(known, supplied_demographics.collect(), population.collect(), parameters)


@published(
    "tweets/migration_flows",
    "tweets/student_flows",
    inputs=["tweets/moves", "tweets/residences", "tweets/users", "tweets/user_anchors", "reference/population"],
    optional=["tweets/user_demographics"],
)
def migration_flows(
    moves: pl.LazyFrame,
    residences: pl.LazyFrame,
    users: pl.LazyFrame,
    user_anchors: pl.LazyFrame,
    population: pl.LazyFrame,
    user_demographics: pl.LazyFrame | None,
    parameters: MigrationFlowParameters,
    terms: TermParameters,
) -> tuple[Protected, Protected]:
    """Estimate how many people moved from area to area, and how many students."""
    lived, enough = residences.collect(), _seen_enough(users, parameters)
    study = user_anchors.filter(anchor="study").select("user", "area", "from", "to").collect()
    [(first, last)] = lived.select(first=pl.col("month").min(), last=pl.col("month").max().dt.month_end()).rows()
    in_force = list(terms.terms) or (usual_terms(first, last) if first else [])
    flows = estimate_flows(
        moves.collect(),
        lived,
        population.collect(),
        parameters,
        users=enough,
        demographics=user_demographics.collect() if user_demographics is not None else None,
        study=Study(study.join(enough, on="user", how="semi"), in_force),
    )
    everybody, students = (flows.filter(who=who).drop("who") for who in (EVERYBODY, STUDENTS))
    thresholds = Thresholds(parameters.fewest_movers)
    told = protect(MIGRATION_FLOWS, everybody, thresholds)
    return told, protect_parts(STUDENT_FLOWS, students, MIGRATION_FLOWS, told.rows, everybody, thresholds)


@published("tweets/raked_flows", inputs=["tweets/migration_flows", "reference/migration_estimates"])
def raked_flows(
    migration_flows: pl.LazyFrame, migration_estimates: pl.LazyFrame, parameters: RakedFlowParameters
) -> pl.DataFrame:
    """Rake the flows that are told to the official totals of areas."""
    return rake_flows(migration_flows.collect(), migration_estimates.collect(), parameters)


@published(
    "tweets/migration_comparison",
    inputs=[
        "tweets/migration_flows",
        "tweets/residences",
        "tweets/users",
        "reference/population",
        "reference/migration_estimates",
    ],
)
def migration_comparison(
    migration_flows: pl.LazyFrame,
    residences: pl.LazyFrame,
    users: pl.LazyFrame,
    population: pl.LazyFrame,
    migration_estimates: pl.LazyFrame,
    parameters: MigrationComparisonParameters,
    flows: MigrationFlowParameters,
) -> Protected:
    """Hold the flows beside official estimates."""
    latest = _latest_areas(residences).collect()
    comparison = compare_with_estimates(
        migration_flows.collect(),
        migration_estimates.collect(),
        people_of_areas(population.collect()),
        latest.join(_seen_enough(users, flows), on="user", how="semi"),
        parameters,
    )
    return protect(MIGRATION_COMPARISON, comparison, Thresholds(flows.fewest_users))


def _places(areas: pl.LazyFrame | None, locating: LocatingParameters, country: Country) -> Areas | None:
    if areas is None:
        return None
    return areas_of(areas.collect(), locating.area_level, Grid.of(country), locating.reach_m)


def _latest_areas(residences: pl.LazyFrame) -> pl.LazyFrame:
    return residences.group_by("user").agg(pl.col("area").sort_by("month").last())


def _homes_of(anchors: pl.LazyFrame) -> pl.DataFrame:
    return anchors.filter(pl.col("anchor").is_in(["home", "second_home"])).collect()


def _spans(rows: pl.LazyFrame, memory: MemoryParameters) -> list[tuple[int, int]]:
    return spans(rows.select(pl.len()).collect().item(), memory.rows_at_once)


def _of_span(rows: pl.LazyFrame, span: tuple[int, int]) -> pl.LazyFrame:
    return rows.filter(pl.col("bucket").is_between(*span))


def _each_of_span(tables: Sequence[pl.LazyFrame | None], span: tuple[int, int]) -> Part:
    return tuple(_of_span(table, span) if table is not None else None for table in tables)


def _of_users(rows: pl.LazyFrame, users: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    return rows.join(users.lazy().select("user"), on="user", how="semi")


def _touched(increment: Increment) -> pl.DataFrame:
    """The users who have a tweet more or fewer, or one that is another."""
    return increment.change.rows().select("user").unique().collect()


def _share(tweets: pl.LazyFrame, users: pl.DataFrame) -> float:
    """Return the share of tweets that are of some users."""
    of_users, of_all = (rows.select(pl.len()).collect().item() for rows in (_of_users(tweets, users), tweets))
    return of_users / of_all if of_all else 0.0


def _in_place_of(known: pl.DataFrame, touched: pl.DataFrame, anew: pl.DataFrame) -> pl.DataFrame:
    """Put what was made anew of the users who were touched in the place of what was known of them."""
    return pl.concat([known.join(touched, on="user", how="anti"), anew.select(known.columns)])


def _read(rows: pl.LazyFrame, columns: Sequence[str], span: tuple[int, int]) -> pl.LazyFrame:
    return _of_span(rows, span).select(columns)


def _days_seen(tweets: pl.LazyFrame, fewest_users: int) -> tuple[date, date]:
    """Return the first and the last day on which so many users were seen; on which anybody was, if there is none."""
    days = tweets.group_by("local_date").agg(users=pl.col("user").n_unique()).collect()
    seen = days.filter(pl.col("users") >= fewest_users)
    [row] = (seen if len(seen) else days).select(a=pl.col("local_date").min(), b=pl.col("local_date").max()).rows()
    return row


def _seen_enough(users: pl.LazyFrame, parameters: MigrationFlowParameters) -> pl.DataFrame:
    """Users who are people and tweet often enough for a move of theirs to be found."""
    people = users.filter((pl.col("user_kind") == PERSON) & (pl.col("tweets") >= parameters.fewest_tweets))
    return people.select("user", "tweets").collect()
