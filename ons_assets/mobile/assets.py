"""Assets of the mobile phones pilot: the operator's side up to `operator_flows`, and the office's from there.

An office without events starts from `aggregated_flows`; an operator needs nothing of the office but the
parts of areas.
"""

import logging
from collections.abc import Iterator
from functools import partial

import polars as pl

from ons_assets.catalogue.mobile import EVENT_QUALITY
from ons_assets.catalogue.mobile_presence import PRESENT_POPULATION, TENS, USUAL_ENVIRONMENT
from ons_assets.catalogue.mobile_tourism import TOURISM_VISITS
from ons_assets.engine.parts import Engine, Mapped
from ons_assets.geography.grid import Grid
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse import buckets
from ons_assets.lakehouse.days import spans_of_days
from ons_assets.lakehouse.disclosure import Protected
from ons_assets.lakehouse.quarantine import rejected_rows
from ons_assets.mobile import figures, parts
from ons_assets.mobile import flow_comparison as comparison
from ons_assets.mobile import internal_migration as migration
from ons_assets.mobile import present_population as presence
from ons_assets.mobile import release as releasing
from ons_assets.mobile import usual_environment as environment
from ons_assets.mobile.anchors import device_anchors as find_anchors
from ons_assets.mobile.combined_tables import combined_flows as combine_flows
from ons_assets.mobile.combined_tables import combined_population as combine_population
from ons_assets.mobile.countries import foreign_devices, home_codes, is_foreign
from ons_assets.mobile.day_types import with_public_holidays
from ons_assets.mobile.device_weights import if_people_are_counted, weights_of_operators
from ons_assets.mobile.event_quality import event_quality as describe_events
from ons_assets.mobile.flows import take_flows
from ons_assets.mobile.footprints import footprints
from ons_assets.mobile.located import whereabouts
from ons_assets.mobile.neighbours import cell_neighbours as find_neighbours
from ons_assets.mobile.places import daily_tables, score_tables
from ons_assets.mobile.plan import cell_plan
from ons_assets.mobile.priors import prior_of
from ons_assets.mobile.quality_warnings import quality_warnings as hold_against_earlier_days
from ons_assets.mobile.record_errors import record_errors as count_errors
from ons_assets.mobile.segment_tables import days_of_events, overlapping_cells, segment_tables
from ons_assets.mobile.sources import CellFiles, DeviceFiles, EventFiles
from ons_assets.mobile.spans import EVENTS_AT_ONCE
from ons_assets.mobile.tile_grids import on_grid
from ons_assets.mobile.time_segments import AWAY
from ons_assets.mobile.tourism import tourism as add_up_tourism
from ons_assets.mobile.usual_environment import ALL
from ons_assets.mobile.versions import network_versions as find_versions
from ons_assets.mobile.weighting import weigh_periods, weighable
from ons_assets.orchestration.assets import published
from ons_assets.orchestration.charts import embedded
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.parameters.geography import Country
from ons_assets.parameters.mobile import (
    CleaningParameters,
    DeviceAnchorParameters,
    EventQualityParameters,
    FlowComparisonParameters,
    ReleaseParameters,
    StayParameters,
    WeightingParameters,
    WorkerParameters,
)
from ons_assets.parameters.mobile_network import FootprintParameters, QualityWarningParameters
from ons_assets.parameters.mobile_people import CombinationParameters, DeduplicationParameters
from ons_assets.parameters.mobile_presence import (
    InternalMigrationParameters,
    PermanenceParameters,
    PresentPopulationParameters,
    UsualEnvironmentParameters,
)
from ons_assets.parameters.mobile_tourism import TimeSegmentParameters, TourismParameters

log = logging.getLogger(__name__)

BY_DEVICE = ("operator", "user", "place", "day")
BY_SEGMENT = ("operator", "user", "start_utc")
BY_TRIP = ("operator", "user", "tourism", "trip")


@published("mobile/event_quality", inputs=["mobile/phone_events", "mobile/cells"])
def event_quality(
    phone_events: pl.LazyFrame,
    cells: pl.LazyFrame,
    parameters: EventQualityParameters,
    cleaning: CleaningParameters,
    segments: TimeSegmentParameters,
    release: ReleaseParameters,
    country: Country,
) -> Protected:
    """Say what every day of events is worth."""
    plan = cell_plan(cells, Grid.of(country), home_codes(phone_events, segments.home_mcc))
    days = describe_events(phone_events, plan, parameters, cleaning, country.time_zone)
    return protect(EVENT_QUALITY, days, Thresholds(release.k))


@published("mobile/quality_warnings", inputs=["mobile/event_quality"], optional=["governance/drop_ledger"])
def quality_warnings(
    event_quality: pl.LazyFrame,
    drop_ledger: pl.LazyFrame | None,
    parameters: QualityWarningParameters,
    permanence: PermanenceParameters,
    country: Country,
) -> pl.DataFrame:
    """Hold every day against those before it."""
    ledger = drop_ledger.collect() if drop_ledger is not None else None
    days = with_public_holidays(permanence, country)
    return hold_against_earlier_days(event_quality.collect(), ledger, parameters, days, country.time_zone)


@published("mobile/record_errors", inputs=["mobile/cells"], optional=["mobile/phone_events", "mobile/devices"])
def record_errors(
    cells: pl.LazyFrame, phone_events: pl.LazyFrame | None, devices: pl.LazyFrame | None, lakehouse: Lakehouse
) -> pl.DataFrame:
    """Count what was rejected of the files that these tables were read from."""
    read = {CellFiles.table: cells, EventFiles.table: phone_events, DeviceFiles.table: devices}
    found = [
        rejected_rows(lakehouse.home, table).with_columns(from_source=pl.lit(table.split("/")[1]))
        for table, rows in read.items()
        if rows is not None
    ]
    return count_errors(pl.concat(found))


@published("mobile/network_versions", inputs=["mobile/cells"])
def network_versions(cells: pl.LazyFrame) -> pl.DataFrame:
    """Say how each cell stood, one form after the other."""
    return find_versions(cells)


@published(
    "mobile/cell_footprints",
    inputs=["mobile/network_versions"],
    optional=["reference/land_use", "reference/addresses", "reference/area_parts"],
)
def cell_footprints(
    network_versions: pl.LazyFrame,
    land_use: pl.LazyFrame | None,
    addresses: pl.LazyFrame | None,
    area_parts: pl.LazyFrame | None,
    parameters: FootprintParameters,
    country: Country,
) -> Iterator[pl.DataFrame]:
    """Say where a device may be that is seen at a cell, a network at a time."""
    prior = prior_of(
        {"land_use": land_use, "addresses": addresses, "residents": area_parts}, parameters, Grid.of(country)
    )
    yield from footprints(on_grid(network_versions.collect(), parameters.grid), parameters, prior)


@published("mobile/cell_neighbours", inputs=["mobile/cell_footprints", "mobile/network_versions"])
def cell_neighbours(
    cell_footprints: pl.LazyFrame, network_versions: pl.LazyFrame, parameters: FootprintParameters
) -> Iterator[pl.DataFrame]:
    """Say which footprints are near each other, a network at a time."""
    versions = on_grid(network_versions.collect(), parameters.grid).drop_nulls(["x_m", "y_m"])
    networks = cell_footprints.select("operator", "valid_from_utc").unique().sort(pl.all()).collect()
    for operator, begins in networks.iter_rows():
        of_network = cell_footprints.filter(operator=operator, valid_from_utc=begins).collect()
        yield find_neighbours(of_network, versions, parameters)


@published(
    "mobile/device_anchors",
    inputs=["mobile/phone_events", "mobile/cells", "mobile/cell_footprints", "reference/area_parts"],
)
def device_anchors(
    phone_events: pl.LazyFrame,
    cells: pl.LazyFrame,
    cell_footprints: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    cleaning: CleaningParameters,
    stays: StayParameters,
    anchors: DeviceAnchorParameters,
    workers: WorkerParameters,
    permanence: PermanenceParameters,
    usual: UsualEnvironmentParameters,
    footprint: FootprintParameters,
    segments: TimeSegmentParameters,
    country: Country,
    lakehouse: Lakehouse,
    engine: Engine,
) -> Iterator[Mapped]:
    """Find homes and places of work, a bucket of devices at a time; SIMs of other countries are of no residents."""
    grid = Grid.of(country)
    home = home_codes(phone_events, segments.home_mcc)
    plan = cell_plan(cells, grid, home)
    yield from find_anchors(
        _blocks(phone_events.filter(~is_foreign(home))),
        plan,
        whereabouts(plan, cell_footprints, area_parts.collect(), footprint, grid),
        cleaning=cleaning,
        stays=stays,
        anchors=anchors,
        workers=workers,
        permanence=with_public_holidays(permanence, country),
        usual=usual,
        time_zone=country.time_zone,
        folder=lakehouse.home.staging,
        engine=engine,
    )


def _blocks(phone_events: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    events = phone_events.select("operator", "user", "time_utc", "event_date", "cell_id", "plmn")
    for days in spans_of_days(phone_events, "event_date", EVENTS_AT_ONCE):
        yield events.filter(pl.col("event_date").is_in(days))


@published(
    "mobile/daily_permanence",
    "mobile/device_places",
    inputs=["mobile/phone_events", "mobile/cells", "mobile/cell_footprints", "reference/area_parts"],
)
def daily_permanence(
    phone_events: pl.LazyFrame,
    cells: pl.LazyFrame,
    cell_footprints: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    cleaning: CleaningParameters,
    stays: StayParameters,
    footprint: FootprintParameters,
    permanence: PermanenceParameters,
    segments: TimeSegmentParameters,
    country: Country,
    lakehouse: Lakehouse,
    engine: Engine,
) -> Iterator[Mapped]:
    """Say in which hours of each day devices were at which of their places, and where those are."""
    grid = Grid.of(country)
    plan = cell_plan(cells, grid, home_codes(phone_events, segments.home_mcc))
    yield from daily_tables(
        _blocks(phone_events),
        plan,
        whereabouts(plan, cell_footprints, area_parts.collect(), footprint, grid),
        cleaning=cleaning,
        stays=stays,
        permanence=permanence,
        time_zone=country.time_zone,
        folder=lakehouse.home.staging,
        engine=engine,
    )


@published(
    "mobile/midterm_permanence",
    "mobile/longterm_permanence",
    "mobile/usual_places",
    inputs=["mobile/daily_permanence"],
)
def permanence_scores(
    daily_permanence: pl.LazyFrame,
    permanence: PermanenceParameters,
    usual: UsualEnvironmentParameters,
    country: Country,
) -> Mapped:
    """Add the hours up by month and season, and find homes, places of work and other usual places."""
    days = with_public_holidays(permanence, country)
    scored = partial(score_tables, permanence=days, usual=usual)
    return Mapped(scored, buckets.parts(daily_permanence, order=BY_DEVICE))


@published(
    "mobile/device_weights",
    inputs=["mobile/daily_permanence", "mobile/device_places", "mobile/cells"],
    optional=["reference/phone_market"],
)
def device_weights(
    daily_permanence: pl.LazyFrame,
    device_places: pl.LazyFrame,
    cells: pl.LazyFrame,
    phone_market: pl.LazyFrame | None,
    deduplication: DeduplicationParameters,
    country: Country,
) -> pl.DataFrame:
    """Say for how many people each device stands, an operator at a time."""
    market = phone_market.collect() if phone_market is not None else None
    parts = buckets.read_parts(daily_permanence, device_places, order=BY_DEVICE)
    return weights_of_operators(daily_permanence, parts, cell_plan(cells, Grid.of(country)), market, deduplication)


@published("mobile/time_segments", inputs=["mobile/phone_events", "mobile/cells"], optional=["mobile/cell_neighbours"])
def time_segments(
    phone_events: pl.LazyFrame,
    cells: pl.LazyFrame,
    cell_neighbours: pl.LazyFrame | None,
    cleaning: CleaningParameters,
    stays: StayParameters,
    parameters: TimeSegmentParameters,
    country: Country,
    lakehouse: Lakehouse,
    engine: Engine,
) -> Iterator[Mapped]:
    """Say where devices were in every second of their days."""
    plan = cell_plan(cells, Grid.of(country), home_codes(phone_events, parameters.home_mcc))
    near = cell_neighbours.collect() if cell_neighbours is not None else None
    yield from segment_tables(
        _blocks(phone_events),
        plan,
        days_of_events(phone_events),
        overlapping=overlapping_cells(near, plan, parameters) if near is not None else frozenset(),
        cleaning=cleaning,
        stays=stays,
        parameters=parameters,
        time_zone=country.time_zone,
        folder=lakehouse.home.staging,
        engine=engine,
    )


@published(
    "mobile/tourism_trips",
    "mobile/tourism_stays",
    inputs=[
        "mobile/time_segments",
        "mobile/usual_places",
        "mobile/device_places",
        "mobile/daily_permanence",
        "mobile/phone_events",
    ],
)
def tourism_trips(
    time_segments: pl.LazyFrame,
    usual_places: pl.LazyFrame,
    device_places: pl.LazyFrame,
    daily_permanence: pl.LazyFrame,
    phone_events: pl.LazyFrame,
    parameters: TourismParameters,
    segments: TimeSegmentParameters,
    population: PresentPopulationParameters,
    country: Country,
) -> Mapped:
    """Find the trips into the country, out of it and within it, some devices at a time."""
    foreign = _foreign(phone_events, segments)
    # A wrong clock of one device is no day of the observation.
    counted = presence.days_of_types(daily_permanence, population)["day"].sort()
    days = (counted[0], counted[-1]) if len(counted) else days_of_events(phone_events)
    whole = usual_places.filter(year_season=ALL)
    found = partial(parts.trips_of_part, foreign=foreign, days=days, parameters=parameters, time_zone=country.time_zone)
    return Mapped(found, buckets.parts(time_segments, whole, device_places, order=BY_SEGMENT))


@published(
    "mobile/tourism",
    inputs=["mobile/tourism_trips", "mobile/tourism_stays", "mobile/device_places", "mobile/daily_permanence"],
    optional=["mobile/devices"],
)
def tourism(
    tourism_trips: pl.LazyFrame,
    tourism_stays: pl.LazyFrame,
    device_places: pl.LazyFrame,
    daily_permanence: pl.LazyFrame,
    devices: pl.LazyFrame | None,
    population: PresentPopulationParameters,
    release: ReleaseParameters,
    engine: Engine,
) -> Protected:
    """Count visitors and nights by country, area and month."""
    days = presence.days_of_types(daily_permanence, population)
    observed = days.group_by("operator", month=pl.col("day").dt.month_start()).agg(
        days_observed=pl.len().cast(pl.Int32())
    )
    register = devices.collect() if devices is not None else None
    counted = engine.map(
        partial(parts.visits_of_part, register=register, days=days, release=release),
        buckets.parts(tourism_trips, tourism_stays, device_places, order=BY_TRIP),
    )
    return protect(TOURISM_VISITS, add_up_tourism(counted, observed), Thresholds(release.k))


@published(
    "mobile/usual_environment",
    inputs=["mobile/usual_places", "mobile/device_places", "mobile/daily_permanence", "mobile/phone_events"],
    optional=["mobile/devices", "mobile/device_weights"],
)
def usual_environment(
    usual_places: pl.LazyFrame,
    device_places: pl.LazyFrame,
    daily_permanence: pl.LazyFrame,
    phone_events: pl.LazyFrame,
    devices: pl.LazyFrame | None,
    device_weights: pl.LazyFrame | None,
    parameters: PresentPopulationParameters,
    segments: TimeSegmentParameters,
    release: ReleaseParameters,
    country: Country,
    deduplication: DeduplicationParameters,
    engine: Engine,
) -> Protected:
    """Count homes, places of work, second homes and usual environments of residents by area."""
    foreign = _foreign(phone_events, segments)
    days = presence.days_of_types(daily_permanence, with_public_holidays(parameters, country))
    residents = parts.Residents(foreign, devices.collect() if devices is not None else None, release)
    by_area = engine.map(
        partial(
            parts.environment_of_part, residents=residents, weights=if_people_are_counted(device_weights, deduplication)
        ),
        buckets.parts(usual_places, device_places, order=BY_DEVICE),
    )
    counted = environment.usual_environment(by_area, presence.observed_of(days))
    return protect(USUAL_ENVIRONMENT, counted, Thresholds(release.k))


def _foreign(phone_events: pl.LazyFrame, segments: TimeSegmentParameters) -> pl.DataFrame:
    return foreign_devices(phone_events, home_codes(phone_events, segments.home_mcc))


@published(
    "mobile/internal_migration",
    inputs=["mobile/usual_places", "mobile/device_places", "mobile/phone_events"],
    optional=["mobile/devices", "mobile/device_weights"],
)
def internal_migration(
    usual_places: pl.LazyFrame,
    device_places: pl.LazyFrame,
    phone_events: pl.LazyFrame,
    devices: pl.LazyFrame | None,
    device_weights: pl.LazyFrame | None,
    parameters: InternalMigrationParameters,
    segments: TimeSegmentParameters,
    release: ReleaseParameters,
    deduplication: DeduplicationParameters,
    engine: Engine,
) -> Protected:
    """Count devices of residents by the areas of their homes in successive seasons."""
    pairs = migration.successive(usual_places.select("operator", "year_season").unique().collect())
    register = devices.collect() if devices is not None else None
    moved = engine.map(
        partial(
            parts.moves_of_part,
            residents=parts.Residents(_foreign(phone_events, segments), register, release),
            pairs=pairs,
            parameters=parameters,
            weights=if_people_are_counted(device_weights, deduplication),
        ),
        buckets.parts(usual_places, device_places, order=BY_DEVICE),
    )
    return migration.internal_migration(moved, release, TENS)


@published(
    "mobile/present_population",
    inputs=[
        "mobile/daily_permanence",
        "mobile/device_places",
        "mobile/time_segments",
        "mobile/phone_events",
        "reference/area_parts",
    ],
    optional=["mobile/device_weights"],
)
def present_population(
    daily_permanence: pl.LazyFrame,
    device_places: pl.LazyFrame,
    time_segments: pl.LazyFrame,
    phone_events: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    device_weights: pl.LazyFrame | None,
    parameters: PresentPopulationParameters,
    segments: TimeSegmentParameters,
    release: ReleaseParameters,
    country: Country,
    engine: Engine,
) -> Protected:
    """Count the devices of residents that are present by area, hour and kind of day."""
    foreign = _foreign(phone_events, segments)
    days = presence.days_of_types(daily_permanence, with_public_holidays(parameters, country))
    weights = device_weights.collect() if device_weights is not None else None
    abroad = time_segments.filter(segment_state=AWAY)
    found = engine.map(
        partial(parts.present_of_part, foreign=foreign, days=days, weights=weights, time_zone=country.time_zone),
        buckets.parts(daily_permanence, device_places, abroad, order=BY_DEVICE),
    )
    residents = presence.residents_of_areas(area_parts.collect())
    made = presence.present_population(presence.together(found), days, residents, parameters, fewest=release.k)
    return protect(PRESENT_POPULATION, made, Thresholds(release.k))


@published(
    "mobile/operator_flows",
    inputs=["mobile/device_anchors", "mobile/event_quality"],
    optional=["mobile/devices", "mobile/device_weights"],
)
def operator_flows(
    device_anchors: pl.LazyFrame,
    event_quality: pl.LazyFrame,
    devices: pl.LazyFrame | None,
    device_weights: pl.LazyFrame | None,
    parameters: ReleaseParameters,
    deduplication: DeduplicationParameters,
) -> Protected:
    """Count devices between areas, and leave out what is small or could be learnt by subtraction."""
    observed = releasing.days_observed(event_quality.collect(), parameters.k)
    register = devices.collect() if devices is not None else None
    return releasing.operator_flows(
        device_anchors.collect(), register, parameters, observed, if_people_are_counted(device_weights, deduplication)
    )


@published(
    "mobile/weighted_flows",
    inputs=["reference/phone_market", "reference/area_parts"],
    optional=["mobile/operator_flows", "mobile/aggregated_flows", "reference/area_codes", "reference/workers"],
)
def weighted_flows(
    phone_market: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    operator_flows: pl.LazyFrame | None,
    aggregated_flows: pl.LazyFrame | None,
    area_codes: pl.LazyFrame | None,
    workers: pl.LazyFrame | None,
    parameters: WeightingParameters,
) -> pl.DataFrame:
    """Estimate how many workers go from area to area."""
    kept, market, employed = _weighable(phone_market, area_parts, operator_flows, aggregated_flows, area_codes, workers)
    return weigh_periods(kept, market, employed, parameters)


def _weighable(
    phone_market: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    operator_flows: pl.LazyFrame | None,
    aggregated_flows: pl.LazyFrame | None,
    area_codes: pl.LazyFrame | None,
    workers: pl.LazyFrame | None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
    """Return the flows of all operators that can be weighted, the market, and workers; say what was left out."""
    own, delivered, codes, employed = (
        frame.collect() if frame is not None else None
        for frame in (operator_flows, aggregated_flows, area_codes, workers)
    )
    taken = take_flows(own, delivered, codes, area_parts.select("area").collect().to_series())
    market = phone_market.collect()
    kept = weighable(taken.flows, market)
    for note in (*taken.notes, *kept.notes):
        log.warning(note)
    return kept.flows, market, employed


@published(
    "mobile/combined_flows",
    inputs=["reference/phone_market", "reference/area_parts"],
    optional=["mobile/operator_flows", "mobile/aggregated_flows", "reference/area_codes", "reference/workers"],
)
def combined_flows(
    phone_market: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    operator_flows: pl.LazyFrame | None,
    aggregated_flows: pl.LazyFrame | None,
    area_codes: pl.LazyFrame | None,
    workers: pl.LazyFrame | None,
    weighting: WeightingParameters,
    parameters: CombinationParameters,
) -> pl.DataFrame:
    """Estimate how many workers go from area to area, from each operator by itself and then from all together."""
    kept, market, employed = _weighable(phone_market, area_parts, operator_flows, aggregated_flows, area_codes, workers)
    made = combine_flows(kept, market, employed, weighting, parameters)
    for note in made.notes:
        log.warning(note)
    return made.rows


@published("mobile/combined_population", inputs=["mobile/present_population"], optional=["reference/phone_market"])
def combined_population(
    present_population: pl.LazyFrame, phone_market: pl.LazyFrame | None, parameters: CombinationParameters
) -> pl.DataFrame:
    """Estimate how many people are in an area at an hour, from what each operator says of it."""
    market = phone_market.collect() if phone_market is not None else None
    made = combine_population(present_population.collect(), market, parameters)
    for note in made.notes:
        log.warning(note)
    return made.rows


@published(
    "mobile/flow_comparison",
    inputs=["mobile/weighted_flows", "reference/commuting_flows", "reference/area_parts"],
    optional=["reference/area_codes"],
    chart=lambda frame: embedded(figures.scatter(frame), "Commuters, estimate against census"),
)
def flow_comparison(
    weighted_flows: pl.LazyFrame,
    commuting_flows: pl.LazyFrame,
    area_parts: pl.LazyFrame,
    area_codes: pl.LazyFrame | None,
    parameters: FlowComparisonParameters,
    lakehouse: Lakehouse,
) -> pl.DataFrame:
    """Hold the flows beside the census and beside models that know only its totals; draw a map of them."""
    weighted, centres = comparison.latest(weighted_flows.collect()), area_parts.collect()
    census = comparison.census(commuting_flows.collect(), area_codes, parameters.benchmark)
    figures.save(figures.flow_map(weighted, centres), lakehouse.home.reports / "mobile" / "flow_map.png")
    return comparison.flow_comparison(weighted, census, centres, parameters)
