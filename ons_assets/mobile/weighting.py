"""From devices to people: weights by market, population and work, with the variance by replication."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.flows.raking import Margin, rake
from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.mobile.flows import KEYS
from ons_assets.mobile.release import PSEUDO
from ons_assets.mobile.workers import ALL
from ons_assets.parameters.mobile import WeightingParameters

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
STRATUM = ("operator", "contract", "age_group")


@dataclass(frozen=True)
class Market:
    """What is known of phones and people, by area.

    Parameters
    ----------
    rows
        Rows of `reference/phone_market`.
    """

    rows: pl.DataFrame

    def people_per_device(self, operator: str, contract: str, age_group: str, areas: list[str]) -> FloatArray:
        """Return how many people one device of a stratum stands for, by market share and penetration alone.

        People with two phones are in the number of phones for each person, so that they do not count twice.

        Parameters
        ----------
        operator, contract, age_group
            Stratum, in the words of `reference/phone_market`; an age group that is not listed takes the row of all.
        areas
            Codes of areas; one that is not listed takes the value of all areas, or the mean.

        Raises
        ------
        ValueError
            If the market says nothing of the operator.
        """
        of_operator = self.rows.filter(operator=operator)
        if of_operator.is_empty():
            raise ValueError(f"the phone market says nothing of the operator {operator}")
        known = of_operator.filter(pl.col("age_group") == age_group)
        known = known if len(known) else of_operator.filter(age_group=ALL)
        of_contract = {"prepaid": pl.col("prepaid_share"), "contract": 1 - pl.col("prepaid_share")}.get(
            contract, pl.lit(1.0)
        )
        devices = known.select("area", each=pl.col("phones_per_person") * pl.col("operator_share") * of_contract)
        everywhere = devices.filter(area=ALL).select(exact_mean("each")).item()
        usual = everywhere if everywhere is not None else devices.select(exact_mean("each")).item()
        by_area = dict(devices.rows())
        each = np.array([by_area.get(area, usual) or np.nan for area in areas], dtype=np.float64)
        return 1 / each

    def population(self, age_group: str, areas: list[str]) -> FloatArray:
        """Return people by area; NaN where unknown."""
        known = self.rows.filter(age_group=age_group)
        if age_group == ALL and known.is_empty():
            known = self.rows.group_by("area", "age_group").agg(pl.col("population").max())
            known = known.group_by("area").agg(exact_sum("population"))
        known = known.group_by("area").agg(pl.col("population").max())
        by_area = dict(known.rows())
        return np.array([_number(by_area.get(area)) for area in areas])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


@dataclass(frozen=True)
class Weighable:
    """Flows that can be weighted, and in sentences what was left out.

    Parameters
    ----------
    flows
        `Taken.flows` without what cannot be used of an operator, an origin or a period.
    notes
        What there is to say.
    """

    flows: pl.DataFrame
    notes: tuple[str, ...]


def weighable(flows: pl.DataFrame, market: pl.DataFrame) -> Weighable:
    """Leave out what cannot be weighted: it is missing for its operator, origin or period, and for no other.

    Parameters
    ----------
    flows
        `ons_assets.mobile.flows.Taken.flows`, of one period or several.
    market
        Rows of `reference/phone_market`.

    Raises
    ------
    ValueError
        If nothing is left.
    """
    notes = []
    strange = flows.join(market, on="operator", how="anti")
    if len(strange):
        names = ", ".join(strange["operator"].unique().sort())
        notes.append(f"The phone market says nothing of the operator {names}: {len(strange)} flows are left out.")
    kept = flows.join(market, on="operator", how="semi")
    bare = _without_phones(kept, Market(market))
    if len(bare):
        left_out = kept.join(bare, on=[*STRATUM, "origin"], how="semi")
        notes.append(f"Where an operator has no phones by the market it has {len(left_out)} flows: they are left out.")
        kept = kept.join(left_out, on=KEYS, how="anti")
    areas = (pl.col("origin") != ALL) & ~pl.col("destination").is_in([ALL, *PSEUDO])
    periods = kept.filter(areas).select("observed").unique()
    empty = kept.join(periods, on="observed", how="anti")
    if len(empty):
        notes.append(f"{empty['observed'].n_unique()} periods have no flow between known areas and are left out.")
    kept = kept.join(periods, on="observed", how="semi")
    if kept.is_empty():
        raise ValueError(" ".join(["no flow between known areas is left to be weighted", *notes]))
    return Weighable(kept.sort(KEYS), tuple(notes))


def _without_phones(flows: pl.DataFrame, market: Market) -> pl.DataFrame:
    """Origins at which a stratum has no phones by the market, so that none of its devices stands for anybody."""
    found = [flows.clear().select(*STRATUM, "origin")]
    homes = flows.filter(pl.col("origin") != ALL).select(*STRATUM, "origin").unique().sort(*STRATUM, "origin")
    for (operator, contract, age_group), rows in homes.group_by(STRATUM, maintain_order=True):
        people = market.people_per_device(str(operator), str(contract), str(age_group), rows["origin"].to_list())
        found.append(rows.filter(pl.Series(~np.isfinite(people))))
    return pl.concat(found)


@dataclass(frozen=True)
class Weighted:
    """Estimated flows.

    Parameters
    ----------
    flows
        origin, destination, devices, flow, flow_low, flow_high, standard_error. Sorted.
    worst_miss
        Largest relative difference to a total of workers after raking; 0 without raking.
    unlisted_devices
        Devices that are in totals only.
    """

    flows: pl.DataFrame
    worst_miss: float
    unlisted_devices: float


@dataclass(frozen=True)
class _Table:
    """The flows of one stratum, dense."""

    operator: str
    age_group: str
    listed: FloatArray  # (areas, areas)
    elsewhere: FloatArray  # (areas,): devices with no place of work, by area of home
    total: FloatArray  # (areas,): all devices, by area of home
    arriving: FloatArray  # (areas,): all devices, by area of work; NaN if not given
    people: FloatArray  # (areas,): that one device stands for
    population: FloatArray  # (areas,): of the age group; NaN if unknown
    everybody: FloatArray  # (areas,): population of all ages


def weigh(
    flows: pl.DataFrame,
    market: pl.DataFrame,
    workers: pl.DataFrame | None,
    parameters: WeightingParameters | None = None,
    *,
    calibrate: bool = True,
    allocate_unlisted: bool = True,
    combine_destinations: bool = True,
) -> Weighted:
    """Estimate how many workers go from area to area.

    One device stands for 1 / (phones for each person * share of the operator) people; then all devices of
    an area of home are calibrated to its population, so that devices that could not be placed do not
    matter if they are like the others. Operators are put together by their devices. Flows that are in
    totals only are spread over the pairs that are not listed, by what origins and destinations lack.
    At last the flows are raked to workers by area of home and, if known, of work.

    Parameters
    ----------
    flows
        `Taken.flows` of one period.
    market
        Rows of `reference/phone_market`.
    workers
        Rows of `reference/workers`; None for no raking.
    parameters
        None for the defaults. `replicates`: Poisson replications of the counts for the variance; the whole
        estimation is repeated for each. `missing_workers`: workers of an area of home whom no device shows
        outside it; ``"within"`` takes them to work in it, ``"scale"`` raises all flows from it.
    calibrate
        Whether weights are calibrated to the population; else the market alone gives them.
    allocate_unlisted
        Whether flows in totals only are spread; else they are lost.
    combine_destinations
        Whether flows are raked to workers by area of work, too.

    Raises
    ------
    ValueError
        If the market does not know an operator, or no flow is left.
    """
    parameters = parameters or WeightingParameters()
    areas = sorted({*flows["origin"], *flows["destination"]} - {ALL, *PSEUDO})
    if not areas:
        raise ValueError("no flow between known areas is left to be weighted")
    known_market = Market(market)
    tables = [
        _table(rows, str(operator), str(contract), str(age_group), areas, known_market)
        for (operator, contract, age_group), rows in flows.sort(KEYS[1:]).group_by(STRATUM, maintain_order=True)
    ]
    at_home, at_work = _workers(workers, areas)
    if not combine_destinations:
        at_work = np.full(len(areas), np.nan)
    options = _Options(calibrate, allocate_unlisted, parameters.missing_workers, at_home, at_work)
    estimate, miss = _estimate(tables, options)
    random = np.random.default_rng(parameters.seed)
    drawn = np.stack(
        [_estimate([_replicate(table, random) for table in tables], options)[0] for _ in range(parameters.replicates)]
    )
    low, high = np.quantile(drawn, [(1 - parameters.level) / 2, (1 + parameters.level) / 2], axis=0)
    devices = sum((table.listed for table in tables), start=np.zeros_like(estimate))
    origin, destination = np.nonzero(estimate > 0)
    names = pl.Series(areas, dtype=pl.String())
    table = pl.DataFrame(
        {
            "origin": names.gather(origin),
            "destination": names.gather(destination),
            "devices": devices[origin, destination],
            "flow": estimate[origin, destination],
            "flow_low": np.minimum(low, estimate)[origin, destination],
            "flow_high": np.maximum(high, estimate)[origin, destination],
            "standard_error": drawn.std(axis=0, ddof=1)[origin, destination],
        }
    )
    unlisted = sum(float(_unlisted(table).sum()) for table in tables)
    return Weighted(table.sort("origin", "destination"), miss, unlisted)


def weigh_periods(
    flows: pl.DataFrame, market: pl.DataFrame, workers: pl.DataFrame | None, parameters: WeightingParameters
) -> pl.DataFrame:
    """Return the rows of `mobile/weighted_flows`: each period weighed by itself, see `weigh`.

    Parameters
    ----------
    flows
        Rows of `mobile/operator_flows` or `mobile/aggregated_flows`, of one period or several.
    market
        Rows of `reference/phone_market`.
    workers
        Workers by area of home and of work, `reference/workers`; None weighs by the market alone.
    parameters
        Number of replicates, and what happens where workers are missing.
    """
    parts = []
    for (observed,), of_period in flows.sort(KEYS).group_by("observed", maintain_order=True):
        made = weigh(of_period, market, workers, parameters)
        parts.append(made.flows.select(pl.lit(observed).alias("observed"), pl.all()))
    return pl.concat(parts)


@dataclass(frozen=True)
class _Options:
    calibrate: bool
    allocate_unlisted: bool
    missing_workers: Literal["scale", "within"]
    at_home: FloatArray
    at_work: FloatArray


def _table(
    rows: pl.DataFrame, operator: str, contract: str, age_group: str, areas: list[str], market: Market
) -> _Table:
    number = {area: position for position, area in enumerate(areas)}
    listed = np.zeros((len(areas), len(areas)))
    elsewhere, total = np.zeros(len(areas)), np.full(len(areas), np.nan)
    arriving = np.full(len(areas), np.nan)
    for origin, destination, devices in rows.select("origin", "destination", "devices").iter_rows():
        if origin == ALL:
            if destination in number:
                arriving[number[destination]] = devices
        elif destination == ALL:
            total[number[origin]] = devices
        elif destination in PSEUDO:
            elsewhere[number[origin]] += devices
        else:
            listed[number[origin], number[destination]] = devices
    shown = listed.sum(axis=1) + elsewhere
    people = market.people_per_device(operator, contract, age_group, areas)
    return _Table(
        operator,
        age_group,
        listed,
        elsewhere,
        np.where(np.isnan(total), shown, np.maximum(total, shown)),
        arriving,
        # Where the operator has no phones by the market, it has no devices that could stand for anybody.
        np.where(np.isfinite(people), people, 0.0),
        market.population(age_group, areas),
        market.population(ALL, areas),
    )


def _replicate(table: _Table, random: np.random.Generator) -> _Table:
    listed = random.poisson(table.listed).astype(np.float64)
    elsewhere = random.poisson(table.elsewhere).astype(np.float64)
    unlisted = random.poisson(_unlisted(table))
    return replace(
        table,
        listed=listed,
        elsewhere=elsewhere,
        total=listed.sum(axis=1) + elsewhere + unlisted,
        arriving=table.arriving + listed.sum(axis=0) - table.listed.sum(axis=0),
    )


def _unlisted(table: _Table) -> FloatArray:
    unlisted: FloatArray = np.maximum(table.total - table.listed.sum(axis=1) - table.elsewhere, 0.0)
    return unlisted


def _estimate(tables: list[_Table], options: _Options) -> tuple[FloatArray, float]:
    weights = _weights(tables, options)
    people = np.zeros(tables[0].listed.shape)
    for table, weight in zip(tables, weights, strict=True):
        flows = table.listed + _allocated(table) if options.allocate_unlisted else table.listed
        people += flows * weight[:, None]
    return _raked(people, options)


def _weights(tables: list[_Table], options: _Options) -> list[FloatArray]:
    """People for each device of each table, by area of home."""
    # Each operator by itself stands for everybody; together they count by the devices they see.
    seen: dict[str, FloatArray] = {}
    for table in tables:
        seen[table.operator] = seen.get(table.operator, np.zeros(len(table.total))) + table.total
    everything = np.sum(list(seen.values()), axis=0)
    weights = [table.people * _divide(seen[table.operator], everything) for table in tables]
    if not options.calibrate:
        return weights
    ages = {frozenset(t.age_group for t in tables if t.operator == name) for name in seen}
    by_age = len(ages) == 1
    calibrated = list(weights)
    for group in sorted({table.age_group if by_age else ALL for table in tables}):
        of_group = [n for n, table in enumerate(tables) if not by_age or table.age_group == group]
        stand_for = sum((weights[n] * tables[n].total for n in of_group), start=np.zeros_like(everything))
        population = tables[of_group[0]].population if by_age else tables[of_group[0]].everybody
        known = np.isfinite(population) & (stand_for > 0)
        factor = np.divide(population, stand_for, out=np.ones_like(everything), where=known)
        for n in of_group:
            calibrated[n] = weights[n] * factor
    return calibrated


def _divide(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.divide(a, b, out=np.zeros_like(a, dtype=np.float64), where=np.asarray(b) > 0)


def _allocated(table: _Table) -> FloatArray:
    """Spread devices in totals only over pairs that are not listed, by what origins and destinations lack."""
    lacking = _unlisted(table)
    arriving = np.maximum(table.arriving - table.listed.sum(axis=0), 0.0)
    # Without totals of destinations, by what arrives there at all.
    pull = np.where(np.isfinite(arriving), arriving, table.listed.sum(axis=0))
    free = (table.listed == 0) * pull
    return lacking[:, None] * _divide(free, np.broadcast_to(free.sum(axis=1, keepdims=True), free.shape))


def _raked(people: FloatArray, options: _Options) -> tuple[FloatArray, float]:
    if not np.isfinite(options.at_home).any():
        return people, 0.0
    if options.missing_workers == "within":
        missing = np.nan_to_num(options.at_home - people.sum(axis=1), nan=0.0)
        people = people + np.diag(np.maximum(missing, 0.0))
    row, column = np.indices(people.shape)
    margins = [Margin(row.ravel(), options.at_home)]
    if np.isfinite(options.at_work).any():
        scale = np.nansum(options.at_home) / np.nansum(options.at_work)
        margins.append(Margin(column.ravel(), options.at_work * scale))
    raked = rake(people.ravel(), margins, rounds=100, tolerance=1e-6)
    return raked.values.reshape(people.shape), raked.worst_miss


def rake_to_workers(
    people: FloatArray, areas: list[str], workers: pl.DataFrame | None, missing_workers: Literal["scale", "within"]
) -> FloatArray:
    """Rake flows to workers by area of home and, if known, of work.

    Parameters
    ----------
    people : array, shape (areas, areas)
        From area to area.
    areas
        Their codes.
    workers
        Rows of `reference/workers`; None for no raking.
    missing_workers
        As of `WeightingParameters`.
    """
    return _raked(people, _Options(False, False, missing_workers, *_workers(workers, areas)))[0]


def _workers(workers: pl.DataFrame | None, areas: list[str]) -> tuple[FloatArray, FloatArray]:
    unknown = np.full(len(areas), np.nan)
    if workers is None:
        return unknown, unknown
    sides = []
    for side in ("home", "work"):
        known = dict(workers.filter(side=side).select("area", "workers").rows())
        sides.append(np.array([_number(known.get(area)) for area in areas]))
    return sides[0], sides[1]
