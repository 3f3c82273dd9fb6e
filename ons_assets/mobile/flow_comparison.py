"""Estimated flows against those of a census: how near, where, and against what baselines."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from ons_assets.flows.interaction import distances_km, gravity, radiation
from ons_assets.flows.measures import agreement, pair_up
from ons_assets.geography.area_codes import to_current
from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.parameters.mobile import FlowComparisonParameters
from ons_assets.wording import no_such

SCHEMA = {
    "estimator": pl.String(),
    "subject_type": pl.String(),
    "subject": pl.String(),
    "measure": pl.String(),
    "value": pl.Float64(),
}


def flow_comparison(
    weighted: pl.DataFrame,
    benchmark: pl.DataFrame,
    centres: pl.DataFrame,
    parameters: FlowComparisonParameters | None = None,
) -> pl.DataFrame:
    """Compare weighted flows with a benchmark, and both with baselines.

    Parameters
    ----------
    weighted
        origin, destination, devices, flow.
    benchmark
        origin, destination, commuters, home_workers (null if not known): people who work at home are left
        out where they are known, and counted in an estimate of their own.
    centres
        area, easting_m, northing_m; several rows of an area are its parts.
    parameters
        Bands of distance between centres, and least numbers of devices with which the flows are tried again;
        None for the defaults.

    Returns
    -------
    pl.DataFrame
        estimator, subject_type, subject, measure, value. Estimators: weighted; unweighted (devices, scaled to the
        benchmark); weighted_with_home_workers (against all in work); weighted_k20 and so on; gravity and
        radiation (fitted to the benchmark itself). Types of subjects: all, within, between, distance_band, origin,
        destination (totals of areas) and, of weighted only, origin, destination and pair one by one:
        estimate, benchmark and, of areas, ratio.

    Raises
    ------
    ValueError
        If estimate and benchmark share no area.
    """
    parameters = parameters or FlowComparisonParameters()
    bands_km = parameters.distance_bands_km
    shared = set(weighted["origin"]) | set(weighted["destination"])
    known = set(benchmark["origin"]) | set(benchmark["destination"])
    areas = sorted(shared & known & set(centres["area"]))
    if not areas:
        raise ValueError("the estimate and the benchmark share no area: are their codes of the same year and level?")
    placed = centres.group_by("area").agg(exact_mean("easting_m"), exact_mean("northing_m"))
    travel = benchmark.with_columns(count=pl.col("commuters") - pl.col("home_workers").fill_null(0.0))
    census = _within(travel.select("origin", "destination", "count"), areas)
    estimate = _within(weighted.select("origin", "destination", "devices", count="flow"), areas)
    distance = _distances(areas, placed)
    parts = [*_measured("weighted", estimate, census, distance, bands_km), *_by_area(estimate, census)]
    scaled = estimate.with_columns(
        count=pl.col("devices") * _ratio(_total(census["count"]), _total(estimate["devices"]))
    )
    parts += _measured("unweighted", scaled, census, distance, bands_km)
    if benchmark["home_workers"].null_count() < len(benchmark):
        everybody = _within(benchmark.select("origin", "destination", count="commuters"), areas)
        parts += _measured("weighted_with_home_workers", estimate, everybody, distance, bands_km)
    for k in parameters.ks:
        kept = estimate.filter(pl.col("devices") >= k)
        parts += _measured(f"weighted_k{k}", kept, census, distance, bands_km)
    for name, flows in baselines(census, areas, placed).items():
        parts += _measured(name, flows, census, distance, bands_km)
    rows = pl.concat(parts).with_columns(pl.col("value").fill_nan(None))
    return rows.sort("estimator", "subject_type", "subject", "measure")


def latest(weighted: pl.DataFrame) -> pl.DataFrame:
    """Return the flows of the period that ended last; of several such, of the longest."""
    periods = weighted.select(pl.col("observed").unique())
    by_end = periods.sort(pl.col("observed").str.slice(11), "observed", descending=[True, False])
    return weighted.join(by_end.head(1), on="observed", how="semi", maintain_order="left")


def census(commuting: pl.DataFrame, codes: pl.LazyFrame | None, benchmark: str) -> pl.DataFrame:
    """Return the flows of one benchmark under current codes.

    Parameters
    ----------
    commuting
        Rows of `reference/commuting_flows`.
    codes
        Rows of `reference/area_codes`, or None.
    benchmark
        Its name; if there is only one benchmark, that one is taken whatever it is called.

    Raises
    ------
    ValueError
        If there are several and none has the name.
    """
    names = sorted(commuting["benchmark"].unique())
    if benchmark not in names and len(names) > 1:
        raise ValueError(no_such("benchmark", benchmark, names))
    flows = commuting.filter(benchmark=benchmark) if benchmark in names else commuting
    flows = flows.select("origin", "destination", "commuters", "home_workers")
    if codes is None:
        return flows
    recoded = to_current(flows, ["origin", "destination"], codes.collect())
    known = pl.when(pl.col("home_workers").count() > 0).then(exact_sum("home_workers"))
    return recoded.group_by("origin", "destination").agg(exact_sum("commuters"), home_workers=known)


def baselines(benchmark: pl.DataFrame, areas: Sequence[str], centres: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the flows of models that know only the totals of the benchmark and the distances.

    Parameters
    ----------
    benchmark
        origin, destination, count.
    centres
        area, easting_m, northing_m; one row an area.

    Returns
    -------
    dict
        gravity (power law, both totals kept) and gravity_exponential, with the diagonal; radiation,
        between areas only: its flows within areas are those of the benchmark. Frames of origin,
        destination, count.
    """
    number = {area: position for position, area in enumerate(areas)}
    observed = np.zeros((len(areas), len(areas)))
    for origin, destination, count in benchmark.select("origin", "destination", "count").sort(pl.all()).iter_rows():
        observed[number[origin], number[destination]] += count
    if observed.sum() <= 0:
        return {}
    placed = pl.DataFrame({"area": list(areas)}).join(centres, on="area", how="left", maintain_order="left")
    apart = distances_km(placed["easting_m"].to_numpy(), placed["northing_m"].to_numpy())
    between = observed - np.diag(np.diag(observed))
    radiated = radiation(between.sum(axis=1), observed.sum(axis=1), observed.sum(axis=0), apart)
    models = {
        "gravity": gravity(observed, apart, law="power").flows,
        "gravity_exponential": gravity(observed, apart, law="exponential").flows,
        "radiation": radiated + np.diag(np.diag(observed)),
    }
    return {name: _long(flows, areas) for name, flows in models.items()}


def _long(flows: np.ndarray, areas: Sequence[str]) -> pl.DataFrame:
    row, column = np.nonzero(flows > 0)
    names = pl.Series(list(areas), dtype=pl.String())
    return pl.DataFrame({"origin": names.gather(row), "destination": names.gather(column), "count": flows[row, column]})


def _within(flows: pl.DataFrame, areas: Sequence[str]) -> pl.DataFrame:
    known = pl.Series(list(areas)).implode()
    return flows.filter(pl.col("origin").is_in(known) & pl.col("destination").is_in(known))


def _total(values: pl.Series) -> float:
    return float(values.to_frame().select(exact_sum(values.name)).item())


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else 0.0


def _distances(areas: Sequence[str], centres: pl.DataFrame) -> pl.DataFrame:
    known = centres.filter(pl.col("area").is_in(pl.Series(list(areas)).implode()))
    pairs = known.select(origin="area", x="easting_m", y="northing_m").join(
        known.select(destination="area", x2="easting_m", y2="northing_m"), how="cross"
    )
    apart = ((pl.col("x") - pl.col("x2")) ** 2 + (pl.col("y") - pl.col("y2")) ** 2).sqrt() / 1_000
    return pairs.select("origin", "destination", distance_km=apart)


def _measured(
    estimator: str, estimate: pl.DataFrame, benchmark: pl.DataFrame, distance: pl.DataFrame, bands: Sequence[float]
) -> Iterator[pl.DataFrame]:
    pairs = pair_up(estimate.select("origin", "destination", "count"), benchmark, "count")
    pairs = pairs.join(distance, on=["origin", "destination"], how="left", maintain_order="left")
    is_within = pl.col("origin") == pl.col("destination")
    yield _rows(estimator, "all", "all", pairs)
    yield _rows(estimator, "within", "all", pairs.filter(is_within))
    yield _rows(estimator, "between", "all", pairs.filter(~is_within))
    low = 0.0
    for high in [*bands, float("inf")]:
        of_band = pairs.filter(~is_within & (pl.col("distance_km") > low) & (pl.col("distance_km") <= high))
        if len(of_band):
            name = f"{low:g}-{high:g} km" if np.isfinite(high) else f"over {low:g} km"
            yield _rows(estimator, "distance_band", name, of_band)
        low = high
    for side in ("origin", "destination"):
        totals = pairs.group_by(side).agg(exact_sum("estimate"), exact_sum("benchmark")).sort(side)
        yield _rows(estimator, side, "all", totals)


def _rows(estimator: str, subject_type: str, subject: str, pairs: pl.DataFrame) -> pl.DataFrame:
    measures = agreement(pairs["estimate"].to_numpy(), pairs["benchmark"].to_numpy())
    return pl.DataFrame(
        [(estimator, subject_type, subject, measure, value) for measure, value in measures.items()],
        schema=SCHEMA,
        orient="row",
    )


def _by_area(estimate: pl.DataFrame, benchmark: pl.DataFrame) -> Iterator[pl.DataFrame]:
    pairs = pair_up(estimate.select("origin", "destination", "count"), benchmark, "count")
    for side in ("origin", "destination"):
        totals = pairs.group_by(subject=side).agg(exact_sum("estimate"), exact_sum("benchmark"))
        totals = totals.with_columns(
            ratio=pl.when(pl.col("benchmark") > 0).then(pl.col("estimate") / pl.col("benchmark"))
        )
        long = totals.unpivot(["estimate", "benchmark", "ratio"], index="subject", variable_name="measure")
        yield _of_weighted(side, long)
    named = pairs.select("estimate", "benchmark", subject=pl.format("{} > {}", "origin", "destination"))
    long = named.unpivot(["estimate", "benchmark"], index="subject", variable_name="measure")
    yield _of_weighted("pair", long)


def _of_weighted(subject_type: str, long: pl.DataFrame) -> pl.DataFrame:
    return long.select(
        pl.lit("weighted").alias("estimator"), pl.lit(subject_type).alias("subject_type"), "subject", "measure", "value"
    )
