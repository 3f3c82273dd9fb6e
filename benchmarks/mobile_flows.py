"""How near flows from one operator's events come to the truth of a simulated world, and what each limit costs.

python benchmarks/mobile_flows.py                      # the invented country, medium, seed 2
python benchmarks/mobile_flows.py --london             # wards of Greater London (real data)
python benchmarks/mobile_flows.py --census             # baselines on two real census tables
python benchmarks/mobile_flows.py --halves             # two halves of the time against each other, and the truth
"""

import argparse
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from ons_assets.engine.local import worked_here
from ons_assets.flows.measures import agreement, pair_up
from ons_assets.geography.grid import Grid
from ons_assets.geography.national_grid import to_national_grid
from ons_assets.mobile.anchors import found_anchors, locate_anchors
from ons_assets.mobile.flow_comparison import baselines
from ons_assets.mobile.flows import compare_flows, take_flows
from ons_assets.mobile.footprints import SCHEMA, footprints
from ons_assets.mobile.located import Whereabouts, whereabouts
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.priors import prior_of
from ons_assets.mobile.release import operator_flows, origin_destination, release
from ons_assets.mobile.sources import CellFiles
from ons_assets.mobile.spans import worked_spans
from ons_assets.mobile.tile_grids import on_grid
from ons_assets.mobile.weighting import weigh
from ons_assets.mobile.workers import NONE_SEEN
from ons_assets.parameters.mobile import ReleaseParameters, WeightingParameters
from ons_assets.parameters.mobile_network import FootprintParameters
from ons_assets.reference.labour import CommutingFiles
from ons_assets.settings import Settings
from ons_assets.simulate.country import write_office_files
from ons_assets.simulate.mobile import Company, Scale, simulate_mobile
from ons_assets.simulate.mobile.people import country_of
from ons_assets.simulate.mobile.scales import SCALES
from ons_assets.simulate.mobile.world import OFFICE

SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SEED = 2
OPERATOR = "north"
OBSERVED = "2014-10-06/2014-11-02"
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
METHODS = ("strength", "dominance", "voronoi")
FEW = WeightingParameters(replicates=20)


def whereabouts_of(
    plan: CellPlan, parts: pl.DataFrame, parameters: FootprintParameters | None = None, grid: Grid | None = None
) -> Whereabouts:
    """Return what the footprints of a plan tell of places, with the residents of the parts as prior.

    Parameters
    ----------
    plan
        Its cells are the network.
    parts
        part, area, easting_m, northing_m, residents.
    parameters
        None for the defaults.
    grid
        Of the country; None for that of Great Britain.
    """
    parameters = parameters or FootprintParameters()
    prior = prior_of({"residents": parts.lazy()}, parameters, grid)
    made = list(footprints(on_grid(plan.cells, parameters.grid, grid), parameters, prior))
    return whereabouts(plan, pl.concat([pl.DataFrame(schema=SCHEMA), *made]), parts, parameters, grid)


class World:
    """One simulated world, with the anchors that its events give."""

    def __init__(
        self, folder: Path, scale: Scale, areas: pl.DataFrame | None = None, company: Company | None = None
    ) -> None:
        self.drops, self.truth = folder / "drops", folder / "truth"
        country = country_of(scale, SEED, areas)
        write_office_files(country, self.drops, OFFICE)
        self.summary = simulate_mobile(
            self.drops, self.truth, scale=scale, seed=SEED, country=country, operators=(OPERATOR,), company=company
        )
        settings = Settings(home=folder / "home")
        path = self.drops / "cells" / f"cells_{OPERATOR}.csv"
        self.plan: CellPlan = cell_plan(
            CellFiles.of(settings).whole(path, path.name, RECEIVED).accepted.with_columns(arrival=1)
        )
        self.parts = pl.read_csv(self.drops / "area_parts" / "area_parts.csv")
        self.people = pl.read_parquet(self.truth / "people.parquet").join(
            pl.read_parquet(self.truth / "wards.parquet").select(home_ward="ward", is_urban="is_urban"), on="home_ward"
        )
        phones = pl.read_parquet(self.truth / "phones.parquet").filter(operator=OPERATOR)
        self.phones = phones.with_columns(user=pl.col("device").hash().reinterpret(signed=True)).join(
            self.people, on="person"
        )
        register = pl.read_csv(self.drops / "devices" / f"devices_{OPERATOR}.csv")
        self.register = register.with_columns(user=pl.col("device").hash().reinterpret(signed=True))
        self.market = pl.read_csv(self.drops / "phone_market" / "phone_market.csv").cast({"population": pl.Float64()})
        self.workers = pl.read_csv(self.drops / "workers" / "workers.csv").cast({"workers": pl.Float64()})

    def blocks(self, part: slice = slice(None)) -> Iterator[pl.DataFrame]:
        """Yield the events day by day, of some days or of all."""
        for path in sorted((self.drops / "phone_events").iterdir())[part]:
            yield pl.read_parquet(path).with_columns(
                user=pl.col("device").hash().reinterpret(signed=True),
                event_date=pl.col("time_utc").dt.convert_time_zone("Europe/London").dt.date(),
            )

    def found(self, part: slice = slice(None)) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
        """Return anchors and cells of every bucket, from some days or from all."""
        spans = worked_spans(self.blocks(part), self.plan, partial(found_anchors, plan=self.plan))
        return [(anchors, made.cells) for anchors, made in worked_here(spans)]

    def located(self, found: list[tuple[pl.DataFrame, pl.DataFrame]], where: Whereabouts) -> pl.DataFrame:
        """Return anchors in areas."""
        return pl.concat(locate_anchors(anchors, cells, self.plan, where) for anchors, cells in found)

    def true_flows(self, level: str) -> pl.DataFrame:
        """Return true commuters without people who work at home: origin, destination, count."""
        flows = pl.read_parquet(self.truth / f"flows_{level}.parquet")
        return flows.select("origin", "destination", count=pl.col("commuters") - pl.col("home_workers"))


def likeliest(anchors: pl.DataFrame, anchor: str) -> pl.DataFrame:
    """Return user and area."""
    of_kind = anchors.filter(anchor=anchor).sort("probability", "area", descending=[True, False])
    return of_kind.unique("user", keep="first", maintain_order=True).select("user", "area", "worker_class")


def estimate(
    world: World, flows: pl.DataFrame, known: pl.Series, parameters: WeightingParameters = FEW, **options: object
) -> pl.DataFrame:
    """Return weighted flows: origin, destination, count."""
    taken = take_flows(flows, None, None, known)
    workers = options.pop("workers", world.workers)
    made = weigh(taken.flows, world.market, workers, parameters, **options)  # type: ignore[arg-type]
    return made.flows.select("origin", "destination", count="flow")


def cpc(flows: pl.DataFrame, truth: pl.DataFrame) -> str:
    """Return the common part of all flows, and of those between areas."""
    between = pl.col("origin") != pl.col("destination")
    whole = compare_flows(flows, truth)["cpc"]
    return f"{whole:.3f} (between {compare_flows(flows.filter(between), truth.filter(between))['cpc']:.3f})"


def anchors_report(world: World, anchors: pl.DataFrame) -> None:
    """Print how right homes and places of work are, by who and where."""
    homes, work = likeliest(anchors, "home"), likeliest(anchors, "work")
    judged = world.phones.join(homes.rename({"area": "home"}), on="user").join(
        work.select("user", work="area"), on="user", how="left"
    )
    right = (pl.col("home") == pl.col("home_district")).mean()
    print(f"devices {len(judged):,}; home district right {judged.select(right).item():.1%}")
    placed = judged.drop_nulls(["work", "work_district"])
    print(f"work district right, of {len(placed):,}: {(placed['work'] == placed['work_district']).mean():.1%}")
    for urban in (True, False):
        of_kind = judged.filter(is_urban=urban)
        print(f"  {'town' if urban else 'country'}: home right {of_kind.select(right).item():.1%} of {len(of_kind):,}")
    print("devices by what people do (rows) and what is seen (columns), %")
    table = judged.group_by("activity", "worker_class").len()
    shares = table.with_columns(percent=(100 * pl.col("len") / pl.col("len").sum().over("activity")).round(1))
    with pl.Config(tbl_rows=20, tbl_cols=10, tbl_hide_dataframe_shape=True):
        print(shares.pivot(on="worker_class", index="activity", values="percent").sort("activity").fill_null(0.0))


def limits_report(world: World, found: list[tuple[pl.DataFrame, pl.DataFrame]], parameters: ReleaseParameters) -> None:
    """Print what each limit costs."""
    truth, known = world.true_flows("district"), world.parts["area"]
    where = whereabouts_of(world.plan, world.parts)
    anchors = world.located(found, where)

    def flows_of(each: pl.DataFrame, given: ReleaseParameters = parameters) -> pl.DataFrame:
        return operator_flows(each, world.register, given, OBSERVED).rows

    flows = flows_of(anchors)
    total = release(origin_destination(anchors, world.register, parameters), parameters.k, parameters.doubt)
    listed = flows.filter((pl.col("origin") != "all") & (pl.col("destination") != "all"))
    print(f"\nflows released {len(listed)}, left out {total.suppressed_flows} "
          f"with {total.suppressed_devices / total.devices:.1%} of the devices")  # fmt: skip
    print("weighted:", cpc(estimate(world, flows, known), truth))
    print("  market share only, no population:", cpc(estimate(world, flows, known, calibrate=False), truth))
    print("  no totals of workers:", cpc(estimate(world, flows, known, workers=None), truth))
    no_market = world.market.with_columns(
        phones_per_person=pl.lit(1.0), operator_share=pl.lit(0.3), population=pl.lit(None, dtype=pl.Float64())
    )
    plain = weigh(take_flows(flows, None, None, known).flows, no_market, None, FEW, calibrate=False).flows
    print("  one factor for all devices:", cpc(plain.select("origin", "destination", count="flow"), truth))
    print("  totals of workers by home only:", cpc(estimate(world, flows, known, combine_destinations=False), truth))
    print(
        "  unseen workers scaled:",
        cpc(estimate(world, flows, known, FEW.model_copy(update={"missing_workers": "scale"})), truth),
    )
    print("  suppressed flows lost:", cpc(estimate(world, flows, known, allocate_unlisted=False), truth))
    print("\nk")
    for k in (5, 10, 20, 50, 100):
        made = release(origin_destination(anchors, world.register, parameters), k, parameters.doubt)
        given = flows_of(anchors, parameters.model_copy(update={"k": k}))
        lost = made.suppressed_devices / made.devices
        print(f"  k {k:>3}: flows left out {made.suppressed_flows}, devices {lost:.1%}, "
              f"weighted {cpc(estimate(world, given, known), truth)}")  # fmt: skip
    print("\nhome workers")
    everybody = pl.read_parquet(world.truth / "flows_district.parquet").select(
        "origin", "destination", count="commuters"
    )
    print("  a census that counts them:", cpc(estimate(world, flows, known), everybody))
    workers = everybody.group_by(area="origin").agg(workers=pl.col("count").sum().cast(pl.Float64()))
    workers = workers.with_columns(side=pl.lit("home"))
    print("  and raked to it:", cpc(estimate(world, flows, known, workers=workers), everybody))
    print("\nnight shifts")
    day_only = anchors.filter(pl.col("worker_class") != "night_shift")
    print("  left out:", cpc(estimate(world, flows_of(day_only), known), truth))
    print("\nchildren and students")
    with_children = parameters.model_copy(update={"excluded_ages": ()})
    print("  children's phones kept:", cpc(estimate(world, flows_of(anchors, with_children), known), truth))
    students = world.phones.filter(activity="student").select("user")
    without = anchors.join(students, on="user", how="anti")
    print("  students known and left out:", cpc(estimate(world, flows_of(without), known), truth))
    print("\nsecond phones")
    second = world.phones.filter("is_second").select("user")
    print("  left out:", cpc(estimate(world, flows_of(anchors.join(second, on="user", how="anti")), known), truth))
    print("\ncontract")
    by_contract = parameters.model_copy(update={"strata": ("contract",)})
    print("  weighted by contract:", cpc(estimate(world, flows_of(anchors, by_contract), known), truth))
    print("\nwhere a device is said to be")
    home = world.phones.select("user", "home_district", "is_urban")
    for method in METHODS:
        located = world.located(found, whereabouts_of(world.plan, world.parts, FootprintParameters(method=method)))
        sure = located.filter(anchor="home").join(home, on="user").filter(pl.col("area") == pl.col("home_district"))
        n = located.filter(anchor="home").select("user", "area").unique("user").join(home, on="user")
        by_place = {
            name: sure.filter(is_urban=urban)["probability"].sum() / len(n.filter(is_urban=urban))
            for name, urban in (("town", True), ("country", False))
        }
        near = cpc(estimate(world, flows_of(located), known), truth)
        print(f"  {method}: probability of the true home district, town {by_place['town']:.3f}, country "
              f"{by_place['country']:.3f}; weighted {near}")  # fmt: skip
        single = parameters.model_copy(update={"assignment": "most_likely"})
        print(f"    likeliest only: {cpc(estimate(world, flows_of(located, single), known), truth)}")


def halves_report(world: World, parameters: ReleaseParameters) -> None:
    """Print how near the flows of two halves of the time are to each other, and each to the truth."""
    truth, known = world.true_flows("district"), world.parts["area"]
    where = whereabouts_of(world.plan, world.parts)
    days = len(list((world.drops / "phone_events").iterdir()))
    made = []
    for name, part in (("first", slice(days // 2)), ("second", slice(days // 2, None))):
        anchors = world.located(world.found(part), where)
        made.append(estimate(world, operator_flows(anchors, world.register, parameters, OBSERVED).rows, known))
        print(f"{name} half against the truth: {cpc(made[-1], truth)}")
    print(f"one half against the other: {cpc(made[0], made[1])}")


def ward_report(world: World, found: list[tuple[pl.DataFrame, pl.DataFrame]], parameters: ReleaseParameters) -> None:
    """Print what is left at the level of wards."""
    parts = world.parts.with_columns(area="part")
    anchors = world.located(found, whereabouts_of(world.plan, parts))
    truth = world.true_flows("ward")
    counts = origin_destination(anchors, world.register, parameters)
    real = counts.filter(~pl.col("destination").is_in([NONE_SEEN, "several_sites"]))
    scaled = real.select(
        "origin", "destination", count=pl.col("devices") * truth["count"].sum() / real["devices"].sum()
    )
    print("\nwards, inside the operator's walls (no k):", cpc(scaled, truth))
    made = release(counts, parameters.k, parameters.doubt)
    listed = made.flows.filter((pl.col("origin") != "all") & (pl.col("destination") != "all"))
    lost = made.suppressed_devices / made.devices
    print(f"  released at k {parameters.k}: {len(listed)} flows, {lost:.1%} of devices left out")
    market = world.market.filter(operator=OPERATOR).with_columns(population=pl.lit(None, dtype=pl.Float64()))
    usual = market.head(1).with_columns(area=pl.lit("all"))
    sides = [
        truth.group_by(area=side).agg(workers=pl.col("count").sum().cast(pl.Float64())).with_columns(side=pl.lit(name))
        for side, name in (("origin", "home"), ("destination", "work"))
    ]
    flows = operator_flows(anchors, world.register, parameters, OBSERVED).rows
    taken = take_flows(flows, None, None, parts["area"])
    made_people = weigh(taken.flows, usual, pl.concat(sides), FEW).flows
    print(
        "  weighted, raked to workers by ward:", cpc(made_people.select("origin", "destination", count="flow"), truth)
    )
    placed = parts.select("area", "easting_m", "northing_m")
    areas = sorted(set(truth["origin"]) | set(truth["destination"]))
    for name, model in baselines(truth, areas, placed).items():
        print(f"  {name}: {cpc(model, truth)}")


def centroids(path: Path, code: str) -> pl.DataFrame:
    """Return the centres of the polygons of a GeoJSON file: area, easting_m, northing_m."""
    features = json.loads(gzip.decompress(path.read_bytes()))["features"]
    middle = shapely.centroid(shapely.from_geojson([json.dumps(each["geometry"]) for each in features]))
    easting, northing = to_national_grid(shapely.get_y(middle), shapely.get_x(middle))
    codes = [each["properties"][code] for each in features]
    return pl.DataFrame({"area": codes, "easting_m": easting, "northing_m": northing})


def census_tables() -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Yield two real census tables: name, commuters (origin, destination, count), centres of their areas."""
    folder = SHARED / "geo"
    settings = Settings(home=Path(tempfile.mkdtemp()))
    source = CommutingFiles.of(settings)
    london = folder / "commuting" / "london_boroughs_2001_travel_to_work.csv.gz"
    bristol = folder / "commuting" / "bristol_msoa_2011_travel_to_work.csv.gz"
    names = pl.read_csv(london).select(code="OrigCode", name="Orig").unique()
    boroughs = centroids(folder / "geography" / "london_boroughs.geojson.gz", "name")
    centres = {
        london: names.join(boroughs, left_on="name", right_on="area").select("easting_m", "northing_m", area="code"),
        bristol: centroids(folder / "geography" / "bristol_region_msoa11_zones.geojson.gz", "geo_code"),
    }
    for path, placed in centres.items():
        parsed = source.whole(path, path.name, RECEIVED).accepted
        flows = parsed.select("origin", "destination", count=pl.col("commuters") - pl.col("home_workers").fill_null(0))
        areas = sorted(set(placed["area"]))
        yield path.name, flows.filter(pl.col("origin").is_in(areas) & pl.col("destination").is_in(areas)), placed


def census_report() -> None:
    """Fit the baselines to two real census tables."""
    for name, flows, placed in census_tables():
        areas = sorted(set(placed["area"]))
        print(f"\n{name}: {flows['count'].sum():,.0f} commuters between {len(areas)} areas")
        for model_name, model in baselines(flows, areas, placed).items():
            pairs = pair_up(model, flows, "count")
            found = agreement(pairs["estimate"].to_numpy(), pairs["benchmark"].to_numpy())
            print(f"  {model_name}: cpc {cpc(model, flows)}, correlation {found['correlation']:.3f}, of logs "
                  f"{found['correlation_log']:.3f}, rmse {found['rmse']:.0f}")  # fmt: skip


def london_wards() -> pl.DataFrame:
    """Return the wards of Greater London with their people who commute and who do not."""
    wards = pl.read_csv(SHARED / "geo" / "geography" / "wards_2011_ew.csv.gz")
    return wards.filter(pl.col("LAD11CD").str.starts_with("E09")).select(
        "easting",
        "northing",
        msoa="WD11CD",
        district="LAD11CD",
        population=pl.col("work_size") + pl.col("play_size").fill_null(0),
    ).rename({"easting": "easting_m", "northing": "northing_m"})  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="medium")
    parser.add_argument("--london", action="store_true")
    parser.add_argument("--census", action="store_true")
    parser.add_argument("--halves", action="store_true")
    arguments = parser.parse_args()
    if arguments.census:
        census_report()
        return
    parameters = ReleaseParameters()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), SCALES[arguments.scale], london_wards() if arguments.london else None)
        print(world.summary.scale, f"{world.summary.people:,} people, {world.summary.events:,} events of {OPERATOR}")
        if arguments.halves:
            halves_report(world, parameters)
            return
        found = world.found()
        anchors_report(world, world.located(found, whereabouts_of(world.plan, world.parts)))
        limits_report(world, found, parameters)
        ward_report(world, found, parameters)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
