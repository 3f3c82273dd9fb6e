"""Flows and present population of several operators as one estimate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from ons_assets.mobile.combining import FloatArray, Said, combine
from ons_assets.mobile.device_weights import market_of_areas
from ons_assets.mobile.flows import KEYS as FLOW_KEYS
from ons_assets.mobile.release import PSEUDO
from ons_assets.mobile.weighting import Weighted, rake_to_workers, weigh
from ons_assets.mobile.workers import ALL
from ons_assets.parameters.mobile import WeightingParameters
from ons_assets.parameters.mobile_people import CombinationParameters
from ons_assets.wording import counted

PAIR = ["origin", "destination"]
PRESENCE = ["day_type", "hour", "area"]
FLOW_COLUMNS = ("observed", *PAIR, "operators", "flow", "flow_low", "flow_high", "error_of_estimate")
PRESENCE_COLUMNS = (
    "observed", *PRESENCE, "operators", "people_there", "people_low", "people_high", "error_of_estimate"
)  # fmt: skip
# A number of which only the end of its range is known is as likely in every part of it.
UNIFORM = 12.0
ROUNDED_TO = 10.0


@dataclass(frozen=True)
class Made:
    """Rows of a table, and what there is to say of how they came about.

    Parameters
    ----------
    rows
        Of the table.
    notes
        In sentences: what was left out.
    """

    rows: pl.DataFrame
    notes: tuple[str, ...]


def periods_together(observed: pl.Series, overlap: float) -> list[tuple[str, list[str]]]:
    """Find periods that may be taken as one, though one of them lacks some days.

    Parameters
    ----------
    observed
        First and last days, such as 2014-10-06/2014-11-02.
    overlap
        Of the longer of two, from which on they are one.

    Returns
    -------
    list
        First and last day of each, and the periods that it is made of, both in order. What is no period is one by
        itself.
    """
    spans = {name: _days(name) for name in observed.unique().sort()}
    groups: list[list[str]] = []
    for name, span in spans.items():
        for group in groups:
            others = [spans[each] for each in group]
            if span is not None and any(each is not None and _shared(span, each) >= overlap for each in others):
                group.append(name)
                break
        else:
            groups.append([name])
    made = []
    for group in groups:
        known = [span for name in group if (span := spans[name]) is not None]
        whole = f"{min(a for a, _ in known)}/{max(b for _, b in known)}" if known else group[0]
        made.append((whole, group))
    return made


def _days(name: str) -> tuple[date, date] | None:
    try:
        first, last = (date.fromisoformat(each) for each in name.split("/"))
    except ValueError:
        return None
    return first, last


def _shared(one: tuple[date, date], other: tuple[date, date]) -> float:
    days = (min(one[1], other[1]) - max(one[0], other[0])).days + 1
    return max(days, 0) / max((last - first).days + 1 for first, last in (one, other))


def _one_period(rows: pl.DataFrame) -> pl.DataFrame:
    """Of each operator the longest of its periods, or the latest of those."""
    spans = rows.select("operator", "observed").unique()
    length = [-1 if (span := _days(name)) is None else (span[1] - span[0]).days for name in spans["observed"]]
    chosen = spans.with_columns(days=pl.Series(length)).sort("operator", "days", "observed")
    return rows.join(chosen.unique("operator", keep="last"), on=["operator", "observed"], how="semi")


def combined_flows(
    flows: pl.DataFrame,
    market: pl.DataFrame,
    workers: pl.DataFrame | None = None,
    weighting: WeightingParameters | None = None,
    parameters: CombinationParameters | None = None,
) -> Made:
    """Estimate how many workers go from area to area, from each operator by itself and then from all together.

    Parameters
    ----------
    flows
        `ons_assets.mobile.weighting.Weighable.flows`, of one period or several.
    market
        Rows of `reference/phone_market`.
    workers
        Rows of `reference/workers`; None for no raking.
    weighting, parameters
        None for the defaults.

    Returns
    -------
    Made
        Rows of `mobile/combined_flows`. A pair of areas that an operator does not list, though it has devices in the
        area of origin, is between none and `unlisted_devices` to it; of an origin that it does not have it says
        nothing, nor of one of which it gives totals only while others list pairs. One operator alone gives what `weigh`
        gives. An operator whose flows cannot be weighted is left out, and no other.

    Raises
    ------
    ValueError
        If no operator can be weighted.
    """
    weighting, parameters = weighting or WeightingParameters(), parameters or CombinationParameters()
    notes: list[str] = []
    tables = []
    for whole, names in periods_together(flows["observed"], parameters.period_overlap):
        of_period = _one_period(flows.filter(pl.col("observed").is_in(names)))
        of_period, left_out = _without(of_period, _of_totals_only(of_period, parameters.unlisted_devices))
        notes += left_out
        weighed: dict[str, tuple[pl.DataFrame, Weighted]] = {}
        for (operator,), own in of_period.sort(FLOW_KEYS).group_by("operator", maintain_order=True):
            try:
                weighed[str(operator)] = own, weigh(own, market, None, weighting)
            except ValueError as error:
                notes.append(f"The flows of the operator {operator} are left out: {error}.")
        if not weighed:
            continue
        if len(weighed) == 1 and workers is not None:
            # What one of several lacks must not be made up by raking its other flows: all together are raked at last.
            [(name, (own, _))] = weighed.items()
            weighed[name] = own, weigh(own, market, workers, weighting)
        parts = [_with_unlisted(made, name, parameters) for name, (_, made) in weighed.items()]
        if len(parts) == 1:
            rows = (
                parts[0]
                .filter("is_weighed")
                .with_columns(operators=pl.lit(1, pl.Int32()), error_of_estimate="standard_error")
            )
        else:
            rows = _raked(_flows_together(pl.concat(parts), market, parameters), workers, weighting)
        tables.append(rows.with_columns(observed=pl.lit(whole)).select(FLOW_COLUMNS))
    if not tables:
        raise ValueError(" ".join(["the flows of no operator can be weighted", *notes]))
    return Made(pl.concat(tables).sort("observed", *PAIR), tuple(notes))


def _of_totals_only(flows: pl.DataFrame, unlisted_devices: float) -> pl.DataFrame:
    """Operators with the origins of which they list no pair while others do, and have more devices than small pairs.

    They would say that large flows, too, are small.
    """
    is_pair = (pl.col("origin") != ALL) & ~pl.col("destination").is_in([ALL, *PSEUDO]) & (pl.col("devices") > 0)
    listed = flows.filter(is_pair)
    areas = len({*flows["origin"], *flows["destination"]} - {ALL, *PSEUDO})
    whole, elsewhere = pl.col("destination") == ALL, pl.col("destination").is_in(PSEUDO)
    unlisted = pl.col("devices").filter(whole).sum() - pl.col("devices").filter(elsewhere).sum()
    return (
        flows.join(listed, on=["operator", "origin"], how="anti")
        .join(listed, on="origin", how="semi")
        .group_by("operator", "origin")
        .agg(unlisted=unlisted, strata=whole.sum())
        .filter(pl.col("unlisted") > unlisted_devices * areas * pl.col("strata"))
        .select("operator", "origin")
    )


def _without(flows: pl.DataFrame, silent: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Flows without those of silent origins, and what there is to say; nor says such an operator who comes from all."""
    kept = flows.join(silent, on=["operator", "origin"], how="anti")
    kept = kept.filter((pl.col("origin") != ALL) | ~pl.col("operator").is_in(silent["operator"].implode()))
    notes = []
    for (operator,), origins in silent.sort("operator").group_by("operator", maintain_order=True):
        some = "" if operator not in set(kept["operator"]) else f"from {counted(len(origins), 'area')} "
        notes.append(f"The flows {some}of the operator {operator} are left out: it gives totals only.")
    return kept, notes


def _with_unlisted(weighted: Weighted, operator: str, parameters: CombinationParameters) -> pl.DataFrame:
    """What an operator says of each pair of areas from origins that it has, listed or not."""
    made = weighted.flows
    origins = made.select("origin").unique()
    pairs = origins.join(made.select("destination").unique(), how="cross")
    a_device = (
        made.filter(pl.col("devices") > 0)
        .group_by("origin")
        .agg(a_device=pl.col("flow").sum() / pl.col("devices").sum())
    )
    # Of all its devices, as it may list no pair and give totals only.
    usual = made.select(pl.col("flow").sum() / (pl.col("devices").sum() + weighted.unlisted_devices)).item()
    whole = pairs.join(made, on=PAIR, how="left").join(a_device, on="origin", how="left")
    most = parameters.unlisted_devices * pl.col("a_device").fill_null(usual)
    is_listed = pl.col("devices").fill_null(0.0) > 0
    return whole.with_columns(
        is_weighed=pl.col("flow").is_not_null(),
        is_listed=is_listed,
        flow=pl.when(is_listed).then("flow").otherwise(pl.min_horizontal(pl.col("flow").fill_null(0.0), most)),
        variance=pl.when(is_listed).then(pl.col("standard_error") ** 2).otherwise(most**2 / UNIFORM),
        operator=pl.lit(operator),
    )


def _flows_together(said: pl.DataFrame, market: pl.DataFrame, parameters: CombinationParameters) -> pl.DataFrame:
    told = said.filter("is_weighed").select(PAIR).unique().sort(PAIR)
    operators = sorted(said["operator"].unique())
    origins = told["origin"]
    each = pl.col("phones_per_person") * pl.col("operator_share")
    markets = [market_of_areas(market, name, origins).with_columns(each=each) for name in operators]
    phones = np.column_stack([_by_area(rows, "each", origins) for rows in markets])
    values, variance = (_wide(told, said, PAIR, operators, name) for name in ("flow", "variance"))
    said_of = _said(values, variance, phones, origins, market, operators, parameters)
    shared = misplaced_error(told["origin"], told["destination"], _mean(values), parameters.misplaced)
    # What none of them lists all spread by the same law, and are wrong alike.
    listed = _wide(told, said.filter("is_listed").with_columns(listed=pl.lit(1.0)), PAIR, operators, "listed")
    is_told = np.isfinite(listed).any(axis=1)
    shared = np.where(is_told, shared, np.sqrt(shared**2 + _mean(variance)))
    made = combine(replace(said_of, shared_error=shared), parameters)
    return told.with_columns(
        operators=pl.Series(made.operators).cast(pl.Int32()),
        flow=pl.Series(made.people),
        flow_low=pl.Series(made.low),
        flow_high=pl.Series(made.high),
        error_of_estimate=pl.Series(made.standard_error),
    )


def _raked(rows: pl.DataFrame, workers: pl.DataFrame | None, weighting: WeightingParameters) -> pl.DataFrame:
    """Rake flows to workers; their intervals become so much larger, or smaller, as they do."""
    areas = sorted({*rows["origin"], *rows["destination"]})
    numbers = pl.int_range(len(areas), eager=True)
    row, column = (rows[side].replace_strict(areas, numbers).to_numpy() for side in PAIR)
    people = np.zeros((len(areas), len(areas)))
    people[row, column] = rows["flow"].to_numpy()
    raked = rake_to_workers(people, areas, workers, weighting.missing_workers)
    factor = np.divide(raked, people, out=np.ones_like(people), where=people > 0)[row, column]
    figures = ("flow", "flow_low", "flow_high", "error_of_estimate")
    return rows.with_columns(pl.col(figures) * pl.Series(factor))


def _mean(values: FloatArray) -> FloatArray:
    says = np.isfinite(values)
    mean: FloatArray = np.where(says, values, 0.0).sum(axis=1) / np.maximum(says.sum(axis=1), 1)
    return mean


def misplaced_error(origin: pl.Series, destination: pl.Series, flow: FloatArray, misplaced: float) -> FloatArray:
    """Return by how much flows are wrong if some devices are put between any areas, by the size of these.

    Parameters
    ----------
    origin, destination
        Areas of each flow.
    flow : array, shape (flows,)
        People.
    misplaced
        Share of the devices.

    Returns
    -------
    array, shape (flows,)
        People: large flows lack what they lose, and small ones between large areas have what these lose.
    """
    rows = pl.DataFrame({"origin": origin, "destination": destination, "flow": flow})
    whole = max(float(flow.sum()), 1e-9)
    by_chance = pl.col("flow").sum().over("origin") * pl.col("flow").sum().over("destination") / whole
    return rows.select((misplaced * (by_chance - pl.col("flow"))).abs()).to_series().to_numpy()


def _by_area(rows: pl.DataFrame, value: str, areas: pl.Series) -> FloatArray:
    return _column_by_area(rows, value, areas).fill_null(float("nan")).to_numpy()


def _column_by_area(rows: pl.DataFrame, value: str, areas: pl.Series) -> pl.Series:
    return pl.DataFrame({"area": areas}).join(rows, on="area", how="left", maintain_order="left")[value]


def _wide(told: pl.DataFrame, said: pl.DataFrame, keys: Sequence[str], operators: list[str], value: str) -> FloatArray:
    """A column for each operator, in the order of the keys; NaN where it says nothing."""
    columns = [
        told.join(said.filter(operator=name).select(*keys, value), on=keys, how="left", maintain_order="left")[value]
        for name in operators
    ]
    return np.column_stack([column.fill_null(float("nan")).to_numpy() for column in columns])


def _said(
    values: FloatArray,
    variance: FloatArray,
    phones: FloatArray,
    areas: pl.Series,
    market: pl.DataFrame | None,
    operators: list[str],
    parameters: CombinationParameters,
) -> Said:
    second, share = [], []
    for number, name in enumerate(operators):
        says = market_of_areas(market, name, areas)
        of_second = _column_by_area(says, "second_phone_share", areas).fill_null(parameters.second_phone_share)
        second.append(of_second.to_numpy())
        # Of an operator of which the market says nothing, its phones tell its share of one for each person and second.
        unknown = pl.Series(np.nan_to_num(phones[:, number]) / (1 + second[-1])).clip(0, 1)
        share.append(_column_by_area(says, "operator_share", areas).fill_null(unknown).to_numpy())
    return Said(values, variance, phones, np.column_stack(share), np.mean(second, axis=0))


def combined_population(
    presence: pl.DataFrame, market: pl.DataFrame | None = None, parameters: CombinationParameters | None = None
) -> Made:
    """Estimate how many people are in an area at an hour, from what each operator says of it.

    Parameters
    ----------
    presence
        Rows of `mobile/present_population` of all operators.
    market
        Rows of `reference/phone_market`; None if there is none: second phones are then those of the parameters.
    parameters
        None for the defaults.

    Returns
    -------
    Made
        Rows of `mobile/combined_population`. An area that an operator does not list at an hour, though it does at
        another, is between none and `unlisted_devices` to it; of one that it never lists, and of kinds of days that
        it did not see, it says nothing. An operator that does not know of people is left out. One operator alone
        gives what it gave.
    """
    parameters = parameters or CombinationParameters()
    known = presence.filter(pl.col("people_present").is_not_null() & (pl.col("devices") > 0))
    # People are told in steps: of few devices all may be none.
    known = known.filter(pl.col("people_present").sum().over("operator", "observed") > 0)
    lost = sorted(set(presence["operator"]) - set(known["operator"]))
    notes = tuple(
        f"The operator {name} does not say for how many people its devices stand: it is left out." for name in lost
    )
    tables = [pl.DataFrame(schema=_PRESENCE_SCHEMA)]
    for whole, names in periods_together(known["observed"], parameters.period_overlap):
        of_period = _one_period(known.filter(pl.col("observed").is_in(names))).sort("operator", *PRESENCE)
        operators = sorted(of_period["operator"].unique())
        said = pl.concat(_presence_of(of_period.filter(operator=name), name, parameters) for name in operators)
        told = of_period.select(PRESENCE).unique().sort(PRESENCE)
        values, variance, phones = (
            _wide(told, said, PRESENCE, operators, name) for name in ("people_present", "variance", "phones")
        )
        phones = np.where(np.isfinite(phones), phones, np.nanmean(phones, axis=0))
        said_of = _said(values, variance, phones, told["area"], market, operators, parameters)
        # One operator alone has no more to say of its error than before.
        shared = parameters.misplaced * _mean(values) if len(operators) > 1 else None
        made = combine(replace(said_of, shared_error=shared), parameters)
        rows = told.with_columns(
            observed=pl.lit(whole),
            operators=pl.Series(made.operators).cast(pl.Int32()),
            people_there=pl.Series(made.people),
            people_low=pl.Series(made.low),
            people_high=pl.Series(made.high),
            error_of_estimate=pl.Series(made.standard_error),
        )
        tables.append(rows.select(PRESENCE_COLUMNS))
    return Made(pl.concat(tables).sort("observed", *PRESENCE), notes)


_PRESENCE_SCHEMA = {
    "observed": pl.String(),
    "day_type": pl.String(),
    "hour": pl.Int8(),
    "area": pl.String(),
    "operators": pl.Int32(),
    "people_there": pl.Float64(),
    "people_low": pl.Float64(),
    "people_high": pl.Float64(),
    "error_of_estimate": pl.Float64(),
}


def _presence_of(own: pl.DataFrame, operator: str, parameters: CombinationParameters) -> pl.DataFrame:
    """What an operator says of each area that it ever lists, at each hour of the kinds of days that it saw."""
    hours = own.select("day_type", "hour").unique()
    every = hours.join(own.select("area").unique(), how="cross")
    usual = own.select(pl.col("people_present").sum() / pl.col("devices").sum()).item()
    most = parameters.unlisted_devices * usual
    whole = every.join(own.select(*PRESENCE, "devices", "people_present"), on=PRESENCE, how="left")
    a_device = pl.col("people_present") / pl.col("devices")
    # Devices are told to the nearest ten, and people as coarsely as the least number of devices that is told.
    rounding = ((ROUNDED_TO * a_device) ** 2 + most**2) / UNIFORM
    is_listed = pl.col("devices").is_not_null()
    return whole.with_columns(
        people_present=pl.when(is_listed).then("people_present").otherwise(most / 2),
        variance=pl.when(is_listed).then(pl.col("people_present") * a_device + rounding).otherwise(most**2 / UNIFORM),
        phones=pl.when(is_listed & (pl.col("people_present") > 0)).then(1 / a_device).otherwise(1 / usual),
        operator=pl.lit(operator),
    )
