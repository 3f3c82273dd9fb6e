"""Warnings of a simulated world in which all is in order, for every 1,000 days; and of faults that are put into it.

    python benchmarks/quality_warnings.py                          seeds 21 to 24, 250 days each, 3,000 people
    python benchmarks/quality_warnings.py --holidays               seeds 31 to 34: seven of the days are holidays
    python benchmarks/quality_warnings.py --multimno FOLDER        its sample, day by day, beside its own warnings

Faults are put into one day in ten: a fifth of the devices lost, two hours lost, one cell in twenty silent, one event
in a hundred at an unknown cell, or at a far one. On a holiday nobody works who does not work at weekends; of quiet ones
a fifth of the events are not made besides.
"""

import argparse
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.mobile.event_quality import event_quality
from ons_assets.mobile.plan import CellPlan, cell_plan
from ons_assets.mobile.quality_warnings import quality_warnings
from ons_assets.mobile.sources import CellFiles, EventFiles
from ons_assets.parameters.mobile_network import QualityWarningParameters
from ons_assets.parameters.mobile_presence import PermanenceParameters
from ons_assets.public_holidays import public_holidays
from ons_assets.settings import Settings
from ons_assets.simulate.mobile.events import Operator
from ons_assets.simulate.mobile.network import make_network, plan_table
from ons_assets.simulate.mobile.people import country_of, make_phones, people_of
from ons_assets.simulate.mobile.scales import Scale
from ons_assets.simulate.mobile.wards import Wards
from ons_assets.simulate.prices.seeds import generator

FIRST = date(2015, 1, 5)
FAULTS = ("fewer_devices", "hours_lost", "cells_silent", "unknown_cell", "far_cell")
HALF = "half_of_the_devices"
# Ten weeks before Christmas; from there to June are seven public holidays of England.
BEFORE_CHRISTMAS = date(2014, 10, 13)
# The measure that should say each of them.
SAYS = {
    "fewer_devices": ("devices_seen", "events"),
    HALF: ("devices_seen", "events"),
    "hours_lost": ("hours_missing_share",),
    "cells_silent": ("cells_seen", "cells_silent_share"),
    "unknown_cell": ("unknown_cell_share",),
    "far_cell": ("too_fast_share", "suspicious_share", "two_places_share"),
}


def world(
    seed: int, days: int, people: int, first: date = FIRST, holidays: tuple[date, ...] = (), lost: float = 0.0
) -> tuple[CellPlan, list[pl.DataFrame]]:
    """Return a plan, and the events of each day without any fault: operator, user, time_utc, event_date, cell_id.

    Parameters
    ----------
    seed, days, people, first
        Of the world.
    holidays
        Days on which people do what they do at weekends.
    lost
        Share of the events of these days that are not made.
    """
    size = Scale("quality", people, first, days, 4.0, 6.0, False, holidays=holidays)
    country = country_of(size, seed)
    wards = Wards(country.land)
    residents = people_of(country, wards, size, seed)
    phones = make_phones(residents, wards, seed)
    network = make_network(wards, "north", seed)
    operator = Operator("north", residents, phones, wards, network, size, seed)
    table = plan_table(network).join(network.table.select("cell_id", "easting_m", "northing_m"), on="cell_id")
    nothing = pl.lit(None, dtype=pl.Float64())
    plan = cell_plan(
        table.with_columns(
            valid_from_utc=pl.datetime(2014, 1, 1, time_zone="UTC"),
            valid_until_utc=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
            cell_type=pl.lit("macro"), power_w=nothing, height_m=nothing, arrival=1, line=pl.int_range(pl.len()),
        ).drop("valid_from", "valid_to")
    )  # fmt: skip
    names = network.table["cell_id"]
    made = []
    for day in range(days):
        of_day = operator.events(day, np.empty(0, dtype=np.int64))
        start = pl.lit(first + timedelta(day)).cast(pl.Datetime("us")).dt.replace_time_zone("Europe/London")
        frame = pl.DataFrame({"user": of_day.phone, "second": of_day.second, "cell_id": names.gather(of_day.cell)})
        if lost and first + timedelta(day) in holidays:
            frame = frame.filter(pl.Series(generator(seed, "holiday", day).random(len(frame)) >= lost))
        made.append(
            frame.select(
                "user", "cell_id", operator=pl.lit("north"), event_date=pl.lit(first + timedelta(day)),
                time_utc=(start + pl.duration(seconds=pl.col("second").cast(pl.Int64()))).dt.convert_time_zone("UTC"),
            )
        )  # fmt: skip
    return plan, made


def with_fault(events: pl.DataFrame, fault: str, random: np.random.Generator, plan: CellPlan) -> pl.DataFrame:
    """Return a day of events with one fault.

    Parameters
    ----------
    events
        Of the day.
    fault
        One of `FAULTS`.
    random
        Stream that says which events, devices and cells.
    plan
        Cells of the operator.
    """
    draw = pl.Series(random.random(len(events)))
    cells = plan.cells["cell_id"]
    if fault in ("fewer_devices", HALF):
        users = events["user"].unique().sort()
        lost = users.filter(pl.Series(random.random(len(users)) < (0.5 if fault == HALF else 0.2)))
        return events.filter(~pl.col("user").is_in(lost.implode()))
    if fault == "hours_lost":
        return events.filter(~pl.col("time_utc").dt.hour().is_in([14, 15]))
    if fault == "cells_silent":
        silent = cells.filter(pl.Series(random.random(len(cells)) < 0.05))
        return events.filter(~pl.col("cell_id").is_in(silent.implode()))
    other = pl.lit("nowhere") if fault == "unknown_cell" else cells.gather(random.integers(0, len(cells), len(events)))
    return events.with_columns(cell_id=pl.when(draw < 0.01).then(other).otherwise("cell_id"))


def simulated(seeds: list[int], days: int, people: int) -> None:
    """Print false alarms for 1,000 days in order, and how many faults are found."""
    parameters = QualityWarningParameters()
    alarms, limited, found, three_sigma = [], 0, [], []
    for seed in seeds:
        plan, by_day = world(seed, days, people)
        quality = event_quality(pl.concat(by_day).lazy(), plan)
        three_sigma.append(by_three_sigma(quality))
        charted = quality_warnings(quality, None, parameters)
        limited += charted.drop_nulls("upper_limit")["day"].n_unique()
        alarms.append(charted.drop_nulls("out_of_order").with_columns(seed=seed))
        random = generator(seed, "quality_faults")
        for at in range(parameters.look_back_days + 14, days, 10):
            fault = FAULTS[(at // 10) % len(FAULTS)]
            since = at - parameters.look_back_days
            window = [*by_day[since:at], with_fault(by_day[at], fault, random, plan)]
            of_window = event_quality(pl.concat(window).lazy(), plan)
            held = quality_warnings(of_window, None, parameters).filter(pl.col("day") == pl.col("day").max())
            said = held.filter(pl.col("measure").is_in(SAYS[fault])).drop_nulls("out_of_order")
            found.append((fault, len(said) > 0))
    false = pl.concat(alarms)
    print(f"{limited} days with limits; false alarms for 1,000 days, by measure:")
    print(false.group_by("measure").agg(of_1000=pl.len() * 1_000 / limited).sort("measure"))
    print(f"days with any: {false.select('seed', 'day').n_unique() * 1_000 / limited:.1f} of 1,000")
    print("three standard deviations of the last seven days, whatever their kind:", pl.concat(three_sigma).mean())
    faults = pl.DataFrame(found, schema=["fault", "found"], orient="row")
    print(faults.group_by("fault").agg(pl.len(), pl.col("found").mean()).sort("fault"))


def on_holidays(seeds: list[int], days: int, people: int) -> None:
    """Print false alarms of days in order by their kind, and how many faults of public holidays are found."""
    holidays = tuple(
        day for day in public_holidays("GB-ENG") if BEFORE_CHRISTMAS <= day < BEFORE_CHRISTMAS + timedelta(days)
    )
    known = PermanenceParameters(holidays=holidays)
    ways = {
        "as the weekdays that they fall on": (QualityWarningParameters(), PermanenceParameters()),
        "as holidays, without a margin": (QualityWarningParameters(holiday_margin=0), known),
        "as holidays": (QualityWarningParameters(), known),
    }
    kind = pl.when(pl.col("day").is_in(list(holidays))).then(pl.lit("holidays")).otherwise(pl.lit("other days"))
    alarms, found = [], []
    for seed in seeds:
        for name, lost in (("as weekends", 0.0), ("quiet", 0.2)):
            plan, by_day = world(seed, days, people, BEFORE_CHRISTMAS, holidays, lost)
            quality = event_quality(pl.concat(by_day).lazy(), plan)
            for way, (parameters, permanence) in ways.items():
                charted = quality_warnings(quality, None, parameters, permanence).with_columns(kind=kind)
                by_measure = (
                    charted.filter(kind="holidays").drop_nulls("out_of_order")["measure"].value_counts(sort=True)
                )
                print(seed, name, way, dict(by_measure.iter_rows()), flush=True)
                told = charted.group_by("kind", "day").agg(
                    judged=pl.col("upper_limit").is_not_null().any(), told=pl.col("out_of_order").is_not_null().any()
                )
                alarms.append(told.filter("judged").with_columns(way=pl.lit(way), days_are=pl.lit(name)))
            random = generator(seed, "holiday_faults", name)
            for day in holidays:
                at = (day - BEFORE_CHRISTMAS).days
                for fault in (*FAULTS, HALF):
                    window = [*by_day[at - 28 : at], with_fault(by_day[at], fault, random, plan)]
                    of_window = event_quality(pl.concat(window).lazy(), plan)
                    for way, (parameters, permanence) in ways.items():
                        last = quality_warnings(of_window, None, parameters, permanence).filter(day=day)
                        said = last.filter(pl.col("measure").is_in(SAYS[fault])).drop_nulls("out_of_order")
                        found.append((name, way, fault, len(said) > 0))
    with pl.Config(tbl_rows=60, fmt_str_lengths=40, tbl_width_chars=140):
        of_kind = pl.concat(alarms).group_by("days_are", "way", "kind")
        print(of_kind.agg(days=pl.len(), of_1000=pl.col("told").mean() * 1_000).sort("days_are", "kind", "way"))
        faults = pl.DataFrame(found, schema=["days_are", "way", "fault", "found"], orient="row")
        print(faults.group_by("days_are", "way", "fault").agg(pl.len(), pl.col("found").mean()).sort(pl.all()))


def by_three_sigma(quality: pl.DataFrame, days: int = 7) -> pl.DataFrame:
    """Return the false alarms for 1,000 days of a plain chart: the mean of the last days, and three deviations."""
    alarms = {}
    for name in ("events", "devices_seen"):
        values = quality.sort("event_date")[name].to_numpy().astype(float)
        before = np.lib.stride_tricks.sliding_window_view(values, days)[:-1]
        off = np.abs(values[days:] - before.mean(axis=1)) > 3 * before.std(axis=1, ddof=1)
        alarms[name] = [off.mean() * 1_000]
    return pl.DataFrame(alarms)


def beside_multimno(folder: Path) -> None:
    """Print our days of multimno's sample beside the limits and warnings that it has of them.

    Parameters
    ----------
    folder
        With its sample, and its outputs in `multimno_outputs`.
    """
    settings, received = Settings(home=Path()), datetime(2024, 1, 1, tzinfo=UTC)
    network, events = (folder / f"multimno_synthetic_{name}.parquet" for name in ("network", "events"))
    cells = CellFiles.of(settings).whole(network, network.name, received).accepted.with_columns(arrival=1)
    rows = EventFiles.of(settings).whole(events, events.name, received).accepted
    quality = event_quality(rows.lazy(), cell_plan(cells))
    ours = quality_warnings(quality, None, QualityWarningParameters(look_back_days=7, least_days=3))
    with pl.Config(tbl_rows=100, tbl_cols=12, tbl_width_chars=160):
        print(ours.filter((pl.col("measure") == "events") | pl.col("out_of_order").is_not_null()))
        log = "silver__quality_warnings__event_syntactic_quality_warnings_for_plots.parquet"
        print(pl.read_parquet(folder / "multimno_outputs" / log).sort("type_of_qw", "date"))


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--holidays", action="store_true")
    parser.add_argument("--days", type=int, default=250)
    parser.add_argument("--people", type=int, default=3_000)
    parser.add_argument("--multimno", type=Path)
    arguments = parser.parse_args()
    if arguments.multimno:
        beside_multimno(arguments.multimno)
    elif arguments.holidays:
        on_holidays(arguments.seeds or [31, 32, 33, 34], arguments.days, arguments.people)
    else:
        simulated(arguments.seeds or [21, 22, 23, 24], arguments.days, arguments.people)


if __name__ == "__main__":
    main()
