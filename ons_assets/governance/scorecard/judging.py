"""From what was measured to what a person should do: bounds, what is usual, and sentences."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date

import numpy as np
import polars as pl

from ons_assets.governance.register import Entry
from ons_assets.governance.scorecard.control import Floats, Usual, usual
from ons_assets.governance.scorecard.measures import ALL, MEASURES, Better, Measure, Status
from ons_assets.parameters.base import Parameters
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters

ALWAYS = (1.0, 1.0)
NEVER = (0.0, float("inf"))
SERIES = ["table_name", "measure", "dimension", "measured_of"]
KEY = [*SERIES, "partition_name"]
SATURDAY = 5
# The logarithm of a Poisson count, none taken as a half, varies by no more than this, whatever its mean is.
MOST_SPREAD = 0.7
MONTHS_OF_YEAR = 12
EPOCH = date(1970, 1, 1)


def judged(
    observations: pl.DataFrame,
    register: Mapping[str, Entry],
    scorecard: ScorecardParameters,
    trend: TrendParameters,
    accuracy: AccuracyParameters,
) -> pl.DataFrame:
    """Return observations with their status, what is usual for them, and what to do.

    Parameters
    ----------
    observations
        One of a table, partition, measure and part of the table.
    register
        Who is asked, by table.
    scorecard, trend, accuracy
        Bounds.

    Returns
    -------
    polars.DataFrame
        Columns of the observations, with `look_bound`, `act_bound`, `usual_value`, `usual_low`, `usual_high`,
        `compared`, `quality_status`, `said` and `next_step`. Sorted by `KEY`.
    """
    frames = [
        _trended(frame, MEASURES[str(measure)], trend)
        if MEASURES[str(measure)].better is Better.USUAL
        else _bounded(frame, MEASURES[str(measure)], _bounds(MEASURES[str(measure)], (scorecard, accuracy)))
        for (measure,), frame in observations.partition_by("measure", as_dict=True).items()
    ]
    if not frames:
        frames = [_bounded(observations, MEASURES["accepted_share"], ALWAYS)]
    return _in_words(pl.concat(frames).sort(KEY), register)


def _bounds(measure: Measure, groups: tuple[Parameters, ...]) -> tuple[float, float]:
    match measure.bounds:
        case "all":
            return ALWAYS
        case "never":
            return NEVER
    look, act = next(getattr(group, measure.bounds) for group in groups if hasattr(group, measure.bounds))
    return float(look), float(act)


def _bounded(frame: pl.DataFrame, measure: Measure, bounds: tuple[float, float]) -> pl.DataFrame:
    look, act = bounds
    value = pl.col("value")
    is_act, is_look = (value < act, value < look) if measure.better is Better.HIGH else (value > act, value > look)
    return frame.with_columns(
        look_bound=pl.lit(look, pl.Float64()),
        act_bound=pl.lit(act if np.isfinite(act) else None, pl.Float64()),
        usual_value=pl.lit(None, pl.Float64()),
        usual_low=pl.lit(None, pl.Float64()),
        usual_high=pl.lit(None, pl.Float64()),
        compared=pl.lit(None, pl.Int64()),
        quality_status=pl.when(value.is_null() | value.is_nan())
        .then(pl.lit(Status.NOT_JUDGED.value))
        .when(is_act)
        .then(pl.lit(Status.ACT.value))
        .when(is_look)
        .then(pl.lit(Status.WATCH.value))
        .otherwise(pl.lit(Status.GOOD.value)),
    )


def _trended(frame: pl.DataFrame, measure: Measure, trend: TrendParameters) -> pl.DataFrame:
    """Hold each series against its own past; days and months apart, since they are counted apart."""
    is_month = pl.col("partition_name").str.len_chars() == len("2016-07")
    parts = [(frame.filter(is_month), True), (frame.filter(~is_month), False)]
    return pl.concat(
        _held(part.sort(*SERIES, "day"), measure, trend, by_month=by_month) for part, by_month in parts if len(part)
    )


def _held(frame: pl.DataFrame, measure: Measure, trend: TrendParameters, *, by_month: bool) -> pl.DataFrame:
    days = pl.col("day")
    number = days.dt.year() * MONTHS_OF_YEAR + days.dt.month() if by_month else (days - pl.lit(EPOCH)).dt.total_days()
    placed = frame.with_columns(at=number.cast(pl.Int64), series=pl.struct(SERIES).rank("dense").cast(pl.Int64) - 1)
    first = int(placed["at"].min())  # type: ignore[arg-type]
    rows, columns = placed["series"].to_numpy(), placed["at"].to_numpy() - first
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    is_share = measure.unit == "share"
    value, basis = placed["value"].to_numpy(), placed["basis"].fill_null(1).to_numpy()
    values, made_of = np.full(shape, np.nan), np.ones(shape)
    made_of[rows, columns] = np.maximum(basis, 1)
    if is_share:
        values[rows, columns] = value
        change = getattr(trend, measure.bounds)
    else:
        # None of something has no logarithm, and is as far from one as one is from two.
        values[rows, columns] = np.log(np.maximum(value, 0.5 if measure.unit == "rows" else np.finfo(float).tiny))
        change = tuple(np.log(getattr(trend, measure.bounds)))
    found = usual(
        values,
        made_of,
        _kinds(first, shape[1], () if by_month else trend.holidays, by_month=by_month),
        look_back=trend.look_back_months if by_month else trend.look_back_days,
        least_compared=trend.least_compared,
        new_level_after=trend.new_level_after,
        chance=_CHANCE[measure.unit],
        levels=trend.levels,
        least_spread=trend.least_share_spread if is_share else trend.least_spread,
        least_change=change,
    )
    return _said_usual(frame, found, values, rows, columns, is_share=is_share)


def _of_share(usual_share: Floats, basis: Floats) -> Floats:
    return np.sqrt(np.clip(usual_share * (1 - usual_share), 0, None) / basis)


def _of_count(usual_log: Floats, _basis: Floats) -> Floats:
    """A count varies by its root, and so its logarithm by one over it; of few, low ones are further off than that."""
    one_over: Floats = np.exp(-usual_log / 2)
    return np.minimum(one_over * (1 + one_over), MOST_SPREAD)


# By the unit of a measure. A geometric mean varies by the spread of the logarithms, which is about 1 for prices, over
# the root of how many they are.
_CHANCE: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "share": _of_share,
    "rows": _of_count,
    "level": lambda _, basis: 1 / np.sqrt(basis),
}


def _kinds(first: int, number: int, holidays: Collection[date], *, by_month: bool) -> np.ndarray:
    """Which days are of a kind: weekdays, or weekends and holidays. Months are all of one."""
    if by_month:
        return np.zeros(number, dtype=np.int64)
    days = first + np.arange(number)
    is_weekend = (EPOCH.weekday() + days) % 7 >= SATURDAY
    return (is_weekend | np.isin(days, [(day - EPOCH).days for day in holidays])).astype(np.int64)


def _said_usual(
    frame: pl.DataFrame, found: Usual, values: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, is_share: bool
) -> pl.DataFrame:
    middle, look, act = (each[rows, columns] for each in (found.median, found.look, found.act))
    away = np.abs(values[rows, columns] - middle)
    status = np.select(
        [np.isnan(middle), away > act, away > look],
        [Status.NOT_JUDGED.value, Status.ACT.value, Status.WATCH.value],
        Status.GOOD.value,
    )

    def back(numbers: np.ndarray) -> pl.Series:
        told = np.clip(numbers, 0, 1) if is_share else np.exp(numbers)
        return pl.Series(told).fill_nan(None)

    return frame.with_columns(
        look_bound=pl.lit(None, pl.Float64()),
        act_bound=pl.lit(None, pl.Float64()),
        usual_value=back(middle),
        usual_low=back(middle - look),
        usual_high=back(middle + look),
        compared=pl.Series(found.compared[rows, columns]).cast(pl.Int64),
        quality_status=pl.Series(status),
    )


def _in_words(frame: pl.DataFrame, register: Mapping[str, Entry]) -> pl.DataFrame:
    said, steps = zip(*_sentences(frame, register), strict=True) if len(frame) else ((), ())
    return frame.with_columns(said=pl.Series(said, dtype=pl.String()), next_step=pl.Series(steps, dtype=pl.String()))


def _sentences(frame: pl.DataFrame, register: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    for row in frame.iter_rows(named=True):
        measure = MEASURES[row["measure"]]
        yield _found(row, measure), _next_step(row, measure, register.get(row["table_name"]))


def _found(row: Mapping[str, object], measure: Measure) -> str:
    """What was found, in a sentence."""
    value = row["value"]
    of = f"{row['measured_of']}: " if row["measured_of"] != ALL else ""
    words = measure.words
    if value == 1 and measure.unit in ("days", "rows"):
        words = words.replace(measure.unit, measure.unit[:-1], 1)
    if value is None:
        return f"{of}Not judged: {row['detail'] or 'nothing can be said'}."
    told = f"{of}{_number(value, measure.unit)} {words}"
    if measure.better is Better.USUAL:
        if row["usual_value"] is None:
            told += f"; {row['compared']} days before it are too few to say what is usual"
        else:
            low, high = (_number(row[name], measure.unit) for name in ("usual_low", "usual_high"))
            told += f"; usually {_number(row['usual_value'], measure.unit)}, from {low} to {high}"
    detail = f": {row['detail']}" if row["detail"] else ""
    return f"{told}{detail}."


def _next_step(row: Mapping[str, object], measure: Measure, entry: Entry | None) -> str:
    match row["quality_status"]:
        case Status.GOOD.value:
            return "Nothing."
        case Status.NOT_JUDGED.value:
            return "Nothing yet: it is judged when there is enough to compare with."
    suppliers = ", ".join(entry.suppliers) if entry else "the supplier"
    partition = "all that was sent" if row["partition_name"] == ALL else row["partition_name"]
    of = row["measured_of"] if row["measured_of"] != ALL else "what differs"
    owner = str(entry.owner) if entry else "the owner"
    return measure.next_step.format(
        suppliers=suppliers, owner=owner, table=row["table_name"], partition=partition, of=of
    )


def _number(value: object, unit: str) -> str:
    assert isinstance(value, float)
    if unit == "share":
        # All, or none, is said only of all, or none.
        return f"{min(max(100 * value, 0.1), 99.9):.1f} %" if 0 < value < 1 else f"{100 * value:.0f} %"
    if unit in ("rows", "days", "groups"):
        return f"{value:,.0f}" if unit != "days" or value == int(value) else f"{value:.1f}"
    return f"{value:.3g}"
