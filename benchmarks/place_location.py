"""How often homes and places of work of devices are in the right area, by the footprints of the cells of each place.

python benchmarks/place_location.py                         # six worlds of seeds that nothing was chosen on
python benchmarks/place_location.py --london --seeds 25 26  # the wards and boroughs of London as the country
python benchmarks/place_location.py --draws 1 2 2.5 3 4     # by what the events of a place are worth together
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import mobile_flows
import polars as pl
from mobile_flows import World, london_wards, whereabouts_of
from mobile_presence import SCALE

from ons_assets.parameters.mobile_network import FootprintParameters

SEEDS = (23, 24, 25, 26, 27, 28)
# Of the level of each area, its column in `area_parts`.
LEVELS = {"district": "area", "ward": "part"}
# Workers with one place.
PLACED = ("full_week", "part_week", "hybrid", "night_shift")
LEAST = 1e-3


def judged(world: World, found: list[tuple[pl.DataFrame, pl.DataFrame]], given: FootprintParameters) -> pl.DataFrame:
    """Return of each level and anchor how many are likeliest in the true area, and what the true area is given.

    Parameters
    ----------
    world
        With the truth.
    found
        Anchors, and the cells of their places.
    given
        How footprints are made and put together.
    """
    rows = []
    for level, column in LEVELS.items():
        located = world.located(found, whereabouts_of(world.plan, world.parts.with_columns(area=pl.col(column)), given))
        for anchor in ("home", "work"):
            truth = world.phones.select("user", "activity", "is_urban", true=f"{anchor}_{level}").drop_nulls("true")
            truth = truth.filter(pl.col("activity").is_in(PLACED)) if anchor == "work" else truth
            of_anchor = located.filter(anchor=anchor).sort("probability", "area", descending=[True, False])
            likeliest = of_anchor.unique("user", keep="first", maintain_order=True).select("user", "area")
            given_to_true = of_anchor.select("user", "probability", true="area")
            both = truth.join(likeliest, on="user").join(given_to_true, on=["user", "true"], how="left")
            mass = pl.col("probability").fill_null(0.0)
            rows.append(
                both.select(
                    level=pl.lit(level),
                    anchor=pl.lit(anchor),
                    right=(pl.col("area") == pl.col("true")).mean(),
                    mass=mass.mean(),
                    mass_country=mass.filter(~pl.col("is_urban")).mean(),
                    log_mass=mass.clip(LEAST).log().mean(),
                )
            )
    return pl.concat(rows)


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--london", action="store_true")
    parser.add_argument("--draws", type=float, nargs="+", default=[FootprintParameters().draws_a_place])
    parser.add_argument("--tiles", type=float, nargs="+", default=[FootprintParameters().tile_m])
    arguments = parser.parse_args()
    scale, areas = (replace(SCALE, people=40_000), london_wards()) if arguments.london else (SCALE, None)
    rows = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            mobile_flows.SEED = seed
            world = World(Path(folder), scale, areas)
            found = world.found()
            for method in ("strength", "voronoi"):
                for draws in arguments.draws:
                    for tile_m in arguments.tiles:
                        given = FootprintParameters(method=method, draws_a_place=draws, tile_m=tile_m)  # type: ignore[arg-type]
                        named = {"method": pl.lit(method), "draws": pl.lit(draws), "tile_m": pl.lit(tile_m)}
                        rows.append(judged(world, found, given).with_columns(**named))
        print(f"seed {seed} done", flush=True)
    keys = ["level", "anchor", "method", "draws", "tile_m"]
    with pl.Config(tbl_rows=100, tbl_cols=12, tbl_width_chars=160, float_precision=4):
        print(pl.concat(rows).group_by(keys).agg(pl.all().mean()).sort(keys))


if __name__ == "__main__":
    main()
