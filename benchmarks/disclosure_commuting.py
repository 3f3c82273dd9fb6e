"""Commuting matrices with all their totals, protected at k and attacked: what is kept, and what it takes.

    python benchmarks/disclosure_commuting.py                  # two census tables, and one of 348 by 348
    python benchmarks/disclosure_commuting.py --k 10 --size 348
    python benchmarks/disclosure_commuting.py --means          # exact, rounded and perturbed figures side by side

London in 2001 (33 boroughs) and the Bristol region in 2011 (102 MSOAs) are read from ../shared/data, and left out where
it is absent. The large table is drawn: as many areas as England and Wales have districts, and flows that fall with the
square of the distance. The attack is the auditor's, who is given what is told and nothing else.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from mobile_flows import RECEIVED, SHARED

from ons_assets.governance.disclosure.audit import Figure, audit
from ons_assets.governance.disclosure.step import Thresholds
from ons_assets.governance.disclosure.step import protect as protect_table
from ons_assets.governance.disclosure.two_way import Protected, protect
from ons_assets.lakehouse.blurring import Perturbed, Rounded, uniform_noise
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.reference.labour import CommutingFiles
from ons_assets.settings import Settings

FloatArray = npt.NDArray[np.float64]
# Share of commuters whom an operator sees.
SAMPLED = 0.05
FLOWS = Table(
    name="benchmark/flows",
    description="Commuters between two areas, and all of an area.",
    columns=(
        Column("origin", pl.String(), "home"),
        Column("destination", pl.String(), "work"),
        Column("commuters", pl.Int64(), "commuters"),
    ),
    key=("origin", "destination"),
    sensitivity=Sensitivity.AGGREGATE,
    owner="team:governance",
    source="census",
    disclosure=Counts("commuters", "commuters"),
)


def census() -> Iterator[tuple[str, FloatArray]]:
    """Yield the real tables that are there."""
    folder = SHARED / "geo" / "commuting"
    with tempfile.TemporaryDirectory() as home:
        source = CommutingFiles.of(Settings(home=Path(home)))
        for file in ("london_boroughs_2001_travel_to_work.csv.gz", "bristol_msoa_2011_travel_to_work.csv.gz"):
            path = folder / file
            if not path.exists():
                print(f"{file} is not there, and left out")
                continue
            rows = source.whole(path, path.name, RECEIVED).accepted
            wide = rows.pivot("destination", index="origin", values="commuters", aggregate_function="sum")
            yield file.split("_travel")[0], wide.drop("origin").fill_null(0).to_numpy().astype(float)


def drawn(size: int, commuters: float, seed: int) -> FloatArray:
    """Return flows between areas at random places, which fall with the square of their distance."""
    rng = np.random.default_rng(seed)
    places, people = rng.uniform(0, 500, (size, 2)), rng.lognormal(0, 0.6, size)
    apart = np.hypot(*(places[:, None, axis] - places[None, :, axis] for axis in (0, 1)))
    expected = people[:, None] * people / (5 + apart) ** 2
    return rng.poisson(expected * commuters / expected.sum()).astype(float)


def told(made: Protected) -> list[Figure]:
    """Return the figures of a table with its totals; rows that are zero are known to be."""
    rows, columns = (size - 1 for size in made.values.shape)
    figures = []
    for i, j in np.argwhere(~made.withheld & (made.values > 0)).tolist():
        cells = [
            (row, column)
            for row in (range(rows) if i == rows else (i,))
            for column in (range(columns) if j == columns else (j,))
            if made.values[row, column] > 0
        ]
        figures.append(Figure.exact(tuple(cells), float(made.values[i, j]), f"{i}, {j}"))
    return figures


def report(name: str, table: FloatArray, k: float) -> None:
    start = time.process_time()
    made = protect(table, k, 1.0)
    protected_in = time.process_time() - start
    inner, hidden = made.values[:-1, :-1], made.withheld[:-1, :-1]
    flows = int((inner > 0).sum())
    print(
        f"{name}: {table.shape[0]} by {table.shape[1]}, {inner.sum():,.0f} commuters in {flows:,} flows; below {k:g}: "
        f"{int(made.primary[:-1, :-1].sum()):,}; withheld: {int(hidden.sum()):,} flows and "
        f"{int(made.withheld[-1].sum() + made.withheld[:, -1].sum()):,} totals, "
        f"{inner[hidden].sum() / inner.sum():.2%} of commuters; protected in {protected_in:.1f} s",
        flush=True,
    )
    start = time.process_time()
    found = audit(told(made), k)
    print(
        f"  attacked in {time.process_time() - start:.1f} s: {len(found.exposures):,} learned, "
        f"{len(found.unsettled):,} only bounded",
        flush=True,
    )


def compare_means(name: str, table: FloatArray, k: float, seed: int) -> None:
    """Print what exact, rounded and perturbed figures of a sample of commuters withhold and lose."""
    rng = np.random.default_rng(seed)
    sampled = rng.binomial(table.astype(int), SAMPLED)
    cells = [
        (f"{i}", f"{j}", int(n), int(rng.integers(256, size=n).sum())) for (i, j), n in np.ndenumerate(sampled) if n
    ]
    names = {"origin": pl.String(), "destination": pl.String(), "commuters": pl.Int64(), "keys": pl.Int64()}
    rows = pl.DataFrame(cells, schema=names, orient="row")
    for column in ("origin", "destination"):
        group = "destination" if column == "origin" else "origin"
        sums = rows.group_by(group, maintain_order=True).agg(
            pl.lit("all").alias(column), pl.col("commuters", "keys").sum()
        )
        rows = pl.concat([rows, sums.select(rows.columns)])
    print(f"{name}, one commuter in {1 / SAMPLED:.0f}: {sampled.sum():,} in {len(cells):,} flows")
    blurs = {
        "exact": None,
        "rounded to 5": Rounded(5),
        "rounded to 10": Rounded(10),
        "rounded to 5, controlled": Rounded(5, controlled=True),
        "perturbed by 2 at most": Perturbed(uniform_noise(2), "keys"),
    }
    for how, blurred in blurs.items():
        rule = Counts("commuters", "commuters", (all_of("origin"), all_of("destination")), blurred=blurred)
        start = time.process_time()
        made = protect_table(replace(FLOWS, disclosure=rule), rows, Thresholds(k))
        took = time.process_time() - start
        told = made.rows.join(rows, on=["origin", "destination"], suffix="_true")
        finest = told.filter(pl.col("origin") != "all", pl.col("destination") != "all")
        share = finest["commuters_true"].sum() / sampled.sum()
        error = (told["commuters"] - told["commuters_true"]).abs()
        print(
            f"  {how}: {made.account.primary:,} small and {made.account.secondary:,} more withheld of "
            f"{made.account.cells:,} rows; flows told hold {share:.1%} of all, "
            f"mean error {error.mean():.2f}, {(error / told['commuters_true']).mean():.1%} of each row; {took:.1f} s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k", type=float, default=10)
    parser.add_argument("--size", type=int, default=348)
    parser.add_argument("--commuters", type=float, default=26_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--means", action="store_true")
    options = parser.parse_args()
    for name, table in census():
        if options.means:
            compare_means(name, table, options.k, options.seed)
        else:
            report(name, table, options.k)
    if options.means:
        return
    report("drawn", drawn(options.size, options.commuters, options.seed), options.k)


if __name__ == "__main__":
    main()
