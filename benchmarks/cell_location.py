"""Error of location of devices by the footprints of cells, against the true places of simulated people; and multimno's.

python benchmarks/cell_location.py                      seeds 1 and 2, on which nothing may be concluded
python benchmarks/cell_location.py --seeds 11 12 13 14 15
python benchmarks/cell_location.py --multimno FOLDER    its sample and its outputs, beside ours

Of each person a cell of the operator is drawn that serves the home; what its footprint says is held against the home.
"""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.mobile.footprints import Prior, footprints
from ons_assets.mobile.sources import CellFiles
from ons_assets.mobile.tile_grids import EUROPE, on_grid
from ons_assets.mobile.versions import network_versions
from ons_assets.parameters.mobile_network import FootprintParameters
from ons_assets.settings import Settings
from ons_assets.simulate.mobile.network import make_network, plan_table, serving_cells
from ons_assets.simulate.mobile.people import country_of, people_of
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

SIZE = Scale("location", 12_000, date(2014, 10, 6), 1, 1.0, 1.0, False)
NEAR_M = 1_000
# As multimno is configured for its sample: logistic dominance within the range, of tiles nine tenths of the best.
AS_MULTIMNO = FootprintParameters(
    method="dominance", grid=EUROPE, tile_m=100, beyond=1, out_of_range_db=0, least_dominance=0.01, least_of_best=0.9,
    most_cells=100, least_connection=0, least_probability=0,
)  # fmt: skip


def world(seed: int) -> tuple[pl.DataFrame, Prior, pl.DataFrame]:
    """Return the cells, the residents of wards, and homes with a cell that serves them."""
    country = country_of(SIZE, seed)
    wards = Wards(country.land)
    people = people_of(country, wards, SIZE, seed)
    network = make_network(wards, "north", seed)
    random = generator(seed, "location")
    serving = serving_cells(network, people.home_at, random)
    cell = serving.choose(np.arange(len(people.home)), random.random(len(people.home)))
    places = network.table.select("cell_id", "easting_m", "northing_m")
    versions = (
        plan_table(network)
        .join(places, on="cell_id")
        .with_columns(
            x_m="easting_m", y_m="northing_m", cell_type=pl.lit("macro"),
            valid_from_utc=pl.datetime(2014, 1, 1, time_zone="UTC"),
            valid_until_utc=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
            power_w=pl.lit(None, dtype=pl.Float64()), height_m=pl.lit(None, dtype=pl.Float64()),
        )
    )  # fmt: skip
    residents = np.bincount(people.home, minlength=wards.n)
    known = wards.table.select(x_m="easting_m", y_m="northing_m", weight=pl.Series(residents, dtype=pl.Float64()))
    homes = pl.DataFrame(
        {
            "cell_id": network.table["cell_id"].gather(cell),
            "east": people.home_at[:, 0],
            "north": people.home_at[:, 1],
            "is_urban": wards.is_urban[people.home],
        }
    )
    return versions, Prior(known, spread=True), homes


def errors(homes: pl.DataFrame, made: pl.DataFrame, tile_m: float) -> pl.DataFrame:
    """Return of each home how far it is from the mean of the footprint, and the probability within a kilometre."""
    middle = made.with_columns(
        x=pl.col("tile_easting_m") + tile_m / 2, y=pl.col("tile_northing_m") + tile_m / 2, p=pl.col("probability")
    )
    mean = middle.group_by("cell_id").agg(
        mean_x=(pl.col("x") * pl.col("p")).sum(), mean_y=(pl.col("y") * pl.col("p")).sum()
    )
    numbered = homes.with_row_index("home")
    pairs = numbered.join(middle.select("cell_id", "x", "y", "p"), on="cell_id", how="left")
    apart = ((pl.col("x") - pl.col("east")) ** 2 + (pl.col("y") - pl.col("north")) ** 2).sqrt()
    of_home = pairs.group_by("home").agg(
        expected_m=(apart * pl.col("p")).sum(), near=pl.col("p").filter(apart <= NEAR_M).sum()
    )
    found = numbered.join(mean, on="cell_id", how="left").join(of_home, on="home")
    error = ((pl.col("mean_x") - pl.col("east")) ** 2 + (pl.col("mean_y") - pl.col("north")) ** 2).sqrt()
    return found.select("is_urban", "expected_m", "near", error_m=error)


def compare(seeds: list[int], tile_m: float) -> None:
    """Print the errors of each method, with and without what is known of residents, over the seeds."""
    rows = []
    for seed in seeds:
        versions, residents, homes = world(seed)
        for method in ("voronoi", "dominance", "strength"):
            for prior in (None, residents):
                parameters = FootprintParameters(method=method, tile_m=tile_m)  # type: ignore[arg-type]
                made = pl.concat(footprints(versions, parameters, prior))
                found = errors(homes, made, tile_m)
                rows.append(
                    found.group_by("is_urban")
                    .agg(
                        median_m=pl.col("error_m").median(),
                        mean_m=pl.col("error_m").mean(),
                        expected_m=pl.col("expected_m").mean(),
                        near=pl.col("near").mean(),
                        lost=pl.col("error_m").is_null().mean(),
                    )
                    .with_columns(seed=seed, method=pl.lit(method), prior=pl.lit("residents" if prior else "area"))
                )
    figures = ("median_m", "mean_m", "expected_m", "near", "lost")
    table = pl.concat(rows).group_by("is_urban", "method", "prior", maintain_order=True).agg(
        pl.col(figures).mean(), spread_m=pl.col("expected_m").max() - pl.col("expected_m").min()
    )  # fmt: skip
    with pl.Config(tbl_rows=30, float_precision=3, tbl_cols=12, tbl_width_chars=150):
        print(f"tiles of {tile_m:.0f} m, seeds {seeds}")
        print(table.sort("is_urban", "expected_m", descending=[True, False]))


def beside_multimno(folder: Path) -> None:
    """Print how footprints on multimno's sample differ from its own outputs, by what a cell is.

    Parameters
    ----------
    folder
        With its sample of a network, and its outputs in `multimno_outputs`.
    """
    settings = Settings(home=Path())
    path = folder / "multimno_synthetic_network.parquet"
    rows = CellFiles.of(settings).whole(path, path.name, datetime(2024, 1, 1, tzinfo=UTC)).accepted
    versions = on_grid(network_versions(rows.with_columns(arrival=1)), EUROPE)
    made = pl.concat(footprints(versions, AS_MULTIMNO))
    outputs = folder / "multimno_outputs"
    tile = pl.read_parquet(outputs / "silver__setup__grid.parquet").select(
        "grid_id",
        tile_easting_m=(pl.col("easting_m") - 50).round().cast(pl.Int64()),
        tile_northing_m=(pl.col("northing_m") - 50).round().cast(pl.Int64()),
    )
    theirs = tile
    for name in ("cell_footprint", "cell_conn_probs"):
        table = pl.read_parquet(outputs / f"silver__network_coverage__{name}.parquet").filter(pl.col("day") == 10)
        keys = ["grid_id"] if theirs is tile else ["grid_id", "cell_id"]
        theirs = theirs.join(table.drop("year", "month", "day"), on=keys)
    ours = made.join(tile, on=["tile_easting_m", "tile_northing_m"])
    both = ours.join(theirs, on=["cell_id", "grid_id"], how="full", coalesce=True)
    kinds = pl.read_parquet(path).unique("cell_id").select("cell_id", "directionality", kind="cell_type")
    in_ours, in_theirs = pl.col("dominance").is_not_null(), pl.col("signal_dominance").is_not_null()
    table = both.join(kinds, on="cell_id").group_by("directionality", "kind").agg(
        in_both=(in_ours & in_theirs).sum(),
        only_ours=(in_ours & ~in_theirs).sum(),
        only_theirs=(~in_ours & in_theirs).sum(),
        dominance_apart=(pl.col("dominance") - pl.col("signal_dominance")).abs().mean(),
        connection_apart=(pl.col("connection_probability") - pl.col("cell_connection_probability")).abs().mean(),
    )  # fmt: skip
    with pl.Config(tbl_cols=12, tbl_width_chars=150, float_precision=9):
        print(table.sort("directionality", "kind"))


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tile", type=float, default=1_000)
    parser.add_argument("--multimno", type=Path)
    arguments = parser.parse_args()
    if arguments.multimno:
        beside_multimno(arguments.multimno)
        return
    compare(arguments.seeds, arguments.tile)


if __name__ == "__main__":
    main()
