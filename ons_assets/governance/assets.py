"""Assets about the system itself, and of what all sources say together."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl
from dagster_duckdb import DuckDBResource

from ons_assets.catalogue import CATALOGUE
from ons_assets.catalogue.governance import QUALITY_SCORECARD
from ons_assets.catalogue.governance_areas import AREA_PROFILE, COMBINED_ESTIMATES
from ons_assets.governance.accesses.access_ledger import AccessLedger
from ons_assets.governance.areas import profile, together
from ons_assets.governance.areas.told import Told
from ons_assets.governance.disclosure.account import disclosure_audit
from ons_assets.governance.register import register_of
from ons_assets.governance.register import table as register_table
from ons_assets.governance.releases.release_ledger import ReleaseLedger
from ons_assets.governance.report import write_report
from ons_assets.governance.scorecard.evaluation import evaluate, new_rows
from ons_assets.governance.scorecard.view import QUALITY
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.members import DROP_SHA256
from ons_assets.lakehouse import lake, postgres, warehouse
from ons_assets.lakehouse.increments import Replacement
from ons_assets.lakehouse.tables import Sensitivity
from ons_assets.orchestration.assets import published
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.area_profile import AreaProfileParameters, CombinedEstimateParameters
from ons_assets.parameters.geography import Country
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters

# What is told of all tables depends on none: a step after one that failed would be left out, and what was refused is to
# be told. By its priority it comes when no other step of its run is left.
PRIORITY = "dagster/priority"
# A table whose source is another table keeps the lineage of its rows, but no drop is read for it.
FROM_DROPS = [
    table.name
    for table in CATALOGUE.values()
    if DROP_SHA256 in table.column_names and not any(name in table.source for name in CATALOGUE)
]


OF_AREAS = (COMBINED_ESTIMATES.name, AREA_PROFILE.name)


@published(
    "governance/combined_estimates",
    optional=[
        "meters/area_occupancy",
        "meters/area_household_size",
        "mobile/combined_population",
        "tweets/migration_comparison",
        "reference/population",
        "reference/dwellings",
        "reference/areas",
        "reference/area_parts",
    ],
)
def combined_estimates(
    area_occupancy: pl.LazyFrame | None,
    area_household_size: pl.LazyFrame | None,
    combined_population: pl.LazyFrame | None,
    migration_comparison: pl.LazyFrame | None,
    population: pl.LazyFrame | None,
    dwellings: pl.LazyFrame | None,
    areas: pl.LazyFrame | None,
    area_parts: pl.LazyFrame | None,
    parameters: CombinedEstimateParameters,
    figures: AreaProfileParameters,
) -> pl.DataFrame:
    """Put together what sources say of residents and vacant dwellings, as far as they say anything."""
    tables = Told.of(
        area_occupancy=area_occupancy,
        area_household_size=area_household_size,
        combined_population=combined_population,
        migration_comparison=migration_comparison,
        population=population,
        dwellings=dwellings,
        areas=areas,
        area_parts=area_parts,
    )
    return together.combined_estimates(tables, figures, parameters)


@published(
    "governance/area_profile",
    optional=[
        "meters/area_occupancy",
        "meters/area_household_size",
        "mobile/combined_population",
        "mobile/combined_flows",
        "mobile/weighted_flows",
        "mobile/quality_warnings",
        "tweets/migration_flows",
        "prices/area_indices",
        "governance/combined_estimates",
        "reference/population",
        "reference/dwellings",
        "reference/areas",
        "reference/area_parts",
    ],
)
def area_profile(
    area_occupancy: pl.LazyFrame | None,
    area_household_size: pl.LazyFrame | None,
    combined_population: pl.LazyFrame | None,
    combined_flows: pl.LazyFrame | None,
    weighted_flows: pl.LazyFrame | None,
    quality_warnings: pl.LazyFrame | None,
    migration_flows: pl.LazyFrame | None,
    area_indices: pl.LazyFrame | None,
    combined_estimates: pl.LazyFrame | None,
    population: pl.LazyFrame | None,
    dwellings: pl.LazyFrame | None,
    areas: pl.LazyFrame | None,
    area_parts: pl.LazyFrame | None,
    parameters: AreaProfileParameters,
) -> pl.DataFrame:
    """Put side by side what was told of each area and month; a source that was never published leaves nulls."""
    tables = Told.of(
        area_occupancy=area_occupancy,
        area_household_size=area_household_size,
        combined_population=combined_population,
        combined_flows=combined_flows,
        weighted_flows=weighted_flows,
        quality_warnings=quality_warnings,
        migration_flows=migration_flows,
        area_indices=area_indices,
        population=population,
        dwellings=dwellings,
        areas=areas,
        area_parts=area_parts,
    )
    estimates = COMBINED_ESTIMATES.empty() if combined_estimates is None else combined_estimates.collect()
    return profile.area_profile(tables, estimates, parameters)


@published("governance/drop_ledger", after=FROM_DROPS)
def drop_ledger(lakehouse: Lakehouse) -> pl.DataFrame:
    """Publish the ledger as it stands."""
    return lakehouse.ledger.frame()


@published("governance/release_ledger")
def release_ledger(lakehouse: Lakehouse) -> pl.DataFrame:
    """Publish the ledger of releases as it stands."""
    return ReleaseLedger(lakehouse.home).frame()


@published("governance/register")
def register(lakehouse: Lakehouse) -> pl.DataFrame:
    """Publish who answers for each table, and whether it may be published."""
    return register_table.frame(register_of(lakehouse.home), lakehouse.settings.drops.retention_days)


@published("governance/erasures", after=FROM_DROPS)
def erasures(lakehouse: Lakehouse) -> pl.DataFrame:
    """Publish that something was erased, when and why."""
    return ErasureLedger(lakehouse.home).erasures()


@published("governance/accesses")
def accesses(lakehouse: Lakehouse, country: Country) -> pl.DataFrame:
    """Publish how often single homes were looked at."""
    return AccessLedger(lakehouse.home).by_month(country.time_zone)


@published("governance/disclosure_audit", after=[table.name for table in CATALOGUE.values() if table.disclosure])
def disclosure_audits(lakehouse: Lakehouse) -> pl.DataFrame:
    """Say what leaves of every aggregate, and attack what was released."""
    return disclosure_audit(lakehouse.home, list(CATALOGUE.values()))


@published(
    "governance/quality_scorecard",
    after=[name for name, table in CATALOGUE.items() if table.domain != "governance" or name in OF_AREAS],
)
def quality_scorecard(
    lakehouse: Lakehouse,
    country: Country,
    scorecard: ScorecardParameters,
    trend: TrendParameters,
    accuracy: AccuracyParameters,
) -> Replacement:
    """Add to the history what differs now of the quality of any table."""
    home, now = lakehouse.home, datetime.now(UTC)
    found = evaluate(
        home,
        lakehouse.ledger.frame(),
        register_of(home),
        now,
        country.time_zone,
        scorecard=scorecard,
        trend=trend,
        accuracy=accuracy,
    )
    # Nobody else publishes the table meanwhile: whoever makes it holds it.
    was_published = lake.exists(home, QUALITY_SCORECARD)
    before = lake.read(home, QUALITY_SCORECARD).collect() if was_published else QUALITY_SCORECARD.empty()
    new = new_rows(before, found, now, country.time_zone)
    days = new["evaluated_on"].unique().to_list()
    kept = before.filter(pl.col("evaluated_on").is_in(days))
    return Replacement(tuple(days), iter([pl.concat([kept, new])]))


@dg.asset(
    key=["governance", "analytical_database"],
    group_name="governance",
    description="Database of the latest version of every published table, for people; individual tables apart.",
    kinds={"duckdb"},
    owners=["team:governance"],
    op_tags={PRIORITY: "-1"},
)
def analytical_database(lakehouse: Lakehouse, duckdb: DuckDBResource) -> dg.MaterializeResult[None]:
    """Build the database beside the old one and put it in its place; also in PostgreSQL, where that is asked for."""
    home, views = lakehouse.home, [register_table.VIEW, QUALITY]
    comments = register_table.comments(register_of(home))
    with home.working(), home.table_lock("analytical_database"), duckdb.get_connection() as connection:
        rows = warehouse.build(connection, home, CATALOGUE, comments, views)
        in_postgres = _into_postgres(lakehouse, comments)
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(home.warehouse),
            "rows": dg.MetadataValue.table([dg.TableRecord({"table": name, "rows": n}) for name, n in rows.items()])
            if rows
            else "no table was published yet",
            **in_postgres,
        }
    )


def _into_postgres(lakehouse: Lakehouse, comments: Mapping[str, str]) -> dict[str, dg.MetadataValue[Any]]:
    """Load what the settings say into PostgreSQL, and tell what there is to say of it; nothing if they name none."""
    chosen, grid = lakehouse.settings.warehouse, postgres.grid_of(lakehouse.settings.geography.crs)
    if chosen.postgres is None:
        return {}
    sensitivities = [Sensitivity(each) for each in chosen.sensitivities]
    try:
        loaded = postgres.load(chosen.postgres, lakehouse.home, CATALOGUE, sensitivities, comments, grid)
    except (postgres.NotLoaded, postgres.NoType) as error:
        raise dg.Failure(f"PostgreSQL has the tables that it had: {error}", allow_retries=False) from None
    said = {"postgres_tables": dg.MetadataValue.int(len(loaded.rows))}
    told = {
        "postgres_references_that_do_not_hold": loaded.unkept,
        "postgres_views_of_former_tables": loaded.behind,
        "postgres_former_schemas_that_stay": loaded.left,
    }
    return said | {name: dg.MetadataValue.text("; ".join(what)) for name, what in told.items() if what}


@dg.asset(
    key=["governance", "report"],
    group_name="governance",
    description="Pages for people who answer for the figures: one on each table, and what needs a person.",
    kinds={"html"},
    owners=["team:governance"],
    op_tags={PRIORITY: "-2"},
)
def pages(lakehouse: Lakehouse) -> dg.MaterializeResult[None]:
    """Write the report in place of the one before."""
    home = lakehouse.home
    with home.working(), home.table_lock("report"):
        start = write_report(home, lakehouse.settings)
    return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(start)})


# What happened, for who answers for it. It is told whatever came of the tables: in a run of its own, after the others.
ACCOUNTS = (
    *(drop_ledger, release_ledger, register, erasures, accesses, disclosure_audits, quality_scorecard),
    *(analytical_database, pages),
)
# Of these, what files alone change.
ACCOUNTS_OF_FILES = (drop_ledger, analytical_database, pages)
