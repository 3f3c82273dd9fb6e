"""What meter data would save a census's follow-up: calls at the best hours, and addresses that are empty.

python benchmarks/census_calls.py [--seeds 1 2 3 4 5] [--homes 800] [--figure docs/evidence/figures/census_calls.svg]

Readings are those of half a year before census day. Hours are learned from its last nine weeks, and judged by who is
up and at home in the four weeks after census day. Every figure of an area passes its disclosure step. `--other` also
changes the assumptions one at a time.
"""

import argparse
import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from vacancy_accuracy import rows_of

from ons_assets.catalogue.meters import AREA_OCCUPANCY, FIELDWORK
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.meters.absence.vacancy import absence_tables
from ons_assets.meters.areas.area_figures import area_tables
from ons_assets.meters.areas.call_savings import (
    Calls,
    LeftOut,
    calling_hours,
    empty_among_followed,
    expected_calls,
    left_out,
)
from ons_assets.meters.occupancy import occupancy_table, population_of_parts
from ons_assets.meters.profiles.load_profiles import DAY_TYPES, day_types
from ons_assets.parameters.meters import AreaParameters, OccupancyParameters
from ons_assets.simulate.meters import Scale, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.households import Kind, Role
from ons_assets.simulate.meters.presence import STATES, State

Array = npt.NDArray[np.float64]

CENSUS_DAY = dt.date(2011, 3, 27)
BEFORE, LEARNED, AFTER = 182, 63, 28
HOMES_PER_AREA = 100
CALLABLE = range(9, 20)
NATION = "all"
BASELINE = "no information: 9 to 20"
RULE = "a rule without data: the last hours before 20"
COVERAGES = (0.1, 0.25, 0.5, 1.0)
COSTS_GBP = (5, 10, 20)
EMPTY_STATES = ("vacant", "second_home", "second_home_stay")
CENSUS_MONTH = CENSUS_DAY.replace(day=1)


@dataclass(frozen=True)
class Rules:
    """How a follow-up is run."""

    hours_a_day: int = 4
    first_days: int = 7
    gap_days: int = 3
    most_calls: int = 6
    opens: float = 0.8  # share of calls at which somebody who is up and in opens
    response: float = 0.85  # share of lived-in addresses that answered by themselves


@dataclass(frozen=True)
class World:
    """Homes with their areas, what was read before census day, and the truth after it."""

    homes: list[SimulatedHome]
    area: list[str]
    rows: pl.DataFrame
    absence: pl.DataFrame
    spells: pl.DataFrame
    awake: Array  # (homes, days after, 24): share of the hour with somebody up and in
    is_empty: npt.NDArray[np.bool_]  # no usual residents on census day
    day_type: npt.NDArray[np.int64]  # of the days after

    @property
    def lived_in(self) -> npt.NDArray[np.bool_]:
        """Addresses with usual residents."""
        return ~self.is_empty


def world(seed: int, homes: int) -> World:
    start = CENSUS_DAY - dt.timedelta(BEFORE)
    scale = Scale("census", homes=homes, days=BEFORE + AFTER, start=start, homes_per_area=HOMES_PER_AREA)
    made = list(simulated_homes(scale, seed))
    kwh = np.stack([np.where(home.kwh < 0, np.nan, home.kwh)[:BEFORE] for home in made])
    rows = rows_of(kwh, start).with_columns(layout=pl.lit("cer"))
    up = np.stack([home.presence.awake[BEFORE:] > 0 for home in made])
    state = np.array([STATES[home.presence.state[BEFORE]] for home in made])
    second = np.array([home.household.kind is Kind.SECOND for home in made])
    days = pl.Series([CENSUS_DAY + dt.timedelta(day) for day in range(AFTER)])
    return World(
        made,
        [home.area for home in made],
        rows,
        *absence_tables(rows),
        up.reshape(homes, AFTER, 24, 2).mean(axis=3),
        second | (state == State.VACANT),
        day_types(days).replace_strict(list(DAY_TYPES), range(3), return_dtype=pl.Int64).to_numpy(),
    )


def areas_of(homes: list[SimulatedHome], sorting: float, seed: int) -> list[str]:
    """Areas in which those live together who are at home by day; the simulator's own have like households."""
    by_day = {Role.RETIRED, Role.AT_HOME, Role.SMALL_CHILD}
    share = np.array([np.mean([person.role in by_day for person in home.household.people]) for home in homes])
    noise = np.random.default_rng([seed, 7]).normal(size=len(homes))
    order = np.argsort(sorting * (share - share.mean()) / share.std() + (1 - sorting) * noise)
    area = np.empty(len(homes), dtype=int)
    area[order] = np.arange(len(homes)) // HOMES_PER_AREA
    return [f"SORTED{number:03d}" for number in area]


def figures(
    it: World, probabilities: pl.DataFrame, metered: npt.NDArray[np.bool_]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Area figures and hours of the areas and of the nation, as they would be published."""
    meters = np.flatnonzero(metered)
    areas = pl.DataFrame({"meter": meters, "area_code": [it.area[meter] for meter in meters]})
    tables = [
        area_tables([(probabilities, it.spells, it.absence)], frame)
        for frame in (areas, areas.with_columns(area_code=pl.lit(NATION)))
    ]
    least = AreaParameters()
    thresholds = Thresholds(least.min_homes, least.fewest_contributors, least.largest_share, least.least_rest)
    occupancy, hours = (
        pl.concat([protect(table, each[place], thresholds).rows for each in tables])
        for place, table in enumerate((AREA_OCCUPANCY, FIELDWORK))
    )
    return occupancy, hours


def open_hours(hours: pl.DataFrame, area: list[str]) -> npt.NDArray[np.bool_]:
    """Hours worked at each address, (addresses, types of day, 24); an area that is withheld has those of the nation."""
    worked: dict[str, npt.NDArray[np.bool_]] = {}
    for code, day_type, hour in hours.rows():
        worked.setdefault(code, np.zeros((3, 24), dtype=bool))[DAY_TYPES.index(day_type), hour] = True
    return np.stack([worked.get(code, worked.get(NATION, np.zeros((3, 24), dtype=bool))) for code in area])


def same_hours(homes: int, hours: range) -> npt.NDArray[np.bool_]:
    worked = np.zeros((homes, 3, 24), dtype=bool)
    worked[:, :, hours.start : hours.stop] = True
    return worked


def true_hours(it: World, rules: Rules, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The best hours by the truth of the weeks in which the calls are made, of groups of homes."""
    worked = np.zeros((len(it.homes), 3, 24), dtype=bool)
    hours = np.array(CALLABLE)
    for group in np.unique(groups[it.lived_in]):
        mine = groups == group
        for kind in range(3):
            seen = it.awake[mine & it.lived_in][:, it.day_type == kind].mean(axis=(0, 1))[hours]
            chosen = hours[np.argsort(-seen, kind="stable")[: rules.hours_a_day]]
            worked[np.ix_(np.flatnonzero(mine), np.array([kind]), chosen)] = True
    return worked


def load_curve(it: World) -> pl.DataFrame:
    """Mean use of each area by hour: all that a sum over an area's meters tells."""
    rows = it.rows.filter(pl.col("day") >= CENSUS_DAY - dt.timedelta(LEARNED))
    kwh = rows["kwh"].list.to_array(48).to_numpy().reshape(-1, 24, 2).sum(axis=2)
    frame = rows.select("meter", day_type=day_types(rows["day"]))
    long = pl.concat([frame.with_columns(hour=pl.lit(h, pl.Int8), kwh=pl.Series(kwh[:, h])) for h in CALLABLE])
    areas = pl.DataFrame({"meter": np.arange(len(it.homes)), "area_code": it.area})
    return (
        long.join(areas, on="meter")
        .filter(pl.col("kwh").is_not_nan())
        .group_by("area_code", "day_type", "hour")
        .agg(estimate=pl.col("kwh").mean())
    )


def follow_up(it: World, worked: npt.NDArray[np.bool_], rules: Rules) -> Calls:
    on_day = worked[:, it.day_type]
    met = rules.opens * (it.awake * on_day).sum(axis=2) / on_day.sum(axis=2).clip(1)
    return expected_calls(met, first_days=rules.first_days, gap_days=rules.gap_days, most_calls=rules.most_calls)


def presence_of(it: World) -> dict[str, pl.DataFrame]:
    """Probabilities of the last weeks, by method; each home's model is fitted to all of its days."""
    last = CENSUS_DAY - dt.timedelta(LEARNED)
    made = {}
    for method in ("hmm", "threshold"):
        parameters = OccupancyParameters(method=method)
        levels = population_of_parts([it.rows], parameters)
        made[method] = occupancy_table(it.rows, parameters, levels).filter(pl.col("day") >= last)
    return made


def published_hours(it: World, presence: dict[str, pl.DataFrame]) -> dict[tuple[str, float], pl.DataFrame]:
    """Rows of `meters/fieldwork` by method and share of homes that are metered."""
    shuffled = np.random.default_rng(5).permutation(len(it.homes))
    return {
        (method, coverage): figures(it, probabilities, shuffled < coverage * len(it.homes))[1]
        for method, probabilities in presence.items()
        for coverage in (COVERAGES if method == "hmm" else (1.0,))
    }


def hours_of(
    it: World, tables: dict[tuple[str, float], pl.DataFrame], rules: Rules
) -> dict[str, npt.NDArray[np.bool_]]:
    """Hours worked at each address under each kind of knowledge."""
    homes = len(it.homes)
    worked = {
        BASELINE: same_hours(homes, CALLABLE),
        "office hours: 9 to 17": same_hours(homes, range(9, 17)),
        RULE: same_hours(homes, range(CALLABLE.stop - rules.hours_a_day, CALLABLE.stop)),
    }
    for (method, coverage), table in tables.items():
        hours = calling_hours(table, rules.hours_a_day)
        if coverage == 1:
            worked[f"national best hours, {method}"] = open_hours(hours, [NATION] * homes)
        worked[f"the area's best hours, {method}, {coverage:.0%} metered"] = open_hours(hours, it.area)
    worked["the area's load curve"] = open_hours(calling_hours(load_curve(it), rules.hours_a_day), it.area)
    _, number = np.unique(it.area, return_inverse=True)
    worked["oracle of the area"] = true_hours(it, rules, number)
    worked["oracle of each home (not permitted)"] = true_hours(it, rules, np.arange(homes))
    return worked


def harder_to_reach(it: World) -> Array:
    """Homes weigh as much as they are out by day: those that do not answer are those that are seldom in."""
    weight: Array = 1 - it.awake[:, :, CALLABLE.start : CALLABLE.stop].mean(axis=(1, 2))
    return weight


def judged(it: World, rules: Rules, worked: dict[str, npt.NDArray[np.bool_]]) -> pl.DataFrame:
    lived_in = it.lived_in
    hard = harder_to_reach(it)[lived_in]
    rows = []
    for name, hours in worked.items():
        calls = follow_up(it, hours, rules)
        main = Calls(calls.made[lived_in], calls.contacted[lived_in])
        rows.append(
            {
                "hours": name,
                "calls": main.made.mean(),
                "contacted": main.contacted.mean(),
                "per_contact": main.per_contact(),
                "per_contact_hard": main.per_contact(hard),
                "calls_at_empty": calls.made[it.is_empty].mean(),
            }
        )
    return pl.DataFrame(rows)


def over_seeds(tables: list[pl.DataFrame]) -> pl.DataFrame:
    """Means over the seeds, and half the width of 95 % intervals; what is saved against no information and the rule."""
    from scipy.stats import t

    number = len(tables)
    half = t.ppf(0.975, number - 1) / np.sqrt(number) if number > 1 else np.nan
    every = pl.concat([table.with_columns(seed=pl.lit(seed)) for seed, table in enumerate(tables)])

    def saved(than: str, column: str) -> pl.Expr:
        base = pl.col(column).filter(pl.col("hours") == than).first().over("seed")
        return 1 - pl.col(column) / base

    return (
        every.with_columns(
            saved=saved(BASELINE, "per_contact"),
            saved_hard=saved(BASELINE, "per_contact_hard"),
            beyond_rule=saved(RULE, "per_contact"),
        )
        .group_by("hours", maintain_order=True)
        .agg(
            pl.col("contacted", "per_contact", "calls", "calls_at_empty").mean(),
            plus_minus=pl.col("per_contact").std() * half,
            saved=pl.col("saved").mean(),
            saved_pm=pl.col("saved").std() * half,
            beyond_rule=pl.col("beyond_rule").mean(),
            beyond_pm=pl.col("beyond_rule").std() * half,
            saved_hard=pl.col("saved_hard").mean(),
        )
    )


def told_empty(it: World) -> dict[str, tuple[int, int]]:
    """Addresses of each kind on census day, and how many of them the meter takes for empty."""
    last = it.spells.sort("meter", "first_day").group_by("meter", maintain_order=True).last()
    said = last["state"].is_in(EMPTY_STATES).to_numpy()
    second = np.array([home.household.kind is Kind.SECOND for home in it.homes])
    vacant = STATES.index(State.VACANT)
    lately = np.array([(home.presence.state[BEFORE - 28 : BEFORE + 1] != vacant).any() for home in it.homes])
    kinds = {
        "all without residents": it.is_empty,
        "second homes": second,
        "vacant for four weeks or more": it.is_empty & ~second & ~lately,
        "vacant for less": it.is_empty & ~second & lately,
        "lived in": it.lived_in,
    }
    return {kind: (int(mine.sum()), int((said & mine).sum())) for kind, mine in kinds.items()}


def workloads(it: World, presence: pl.DataFrame, calls: Calls, rules: Rules) -> dict[str, float]:
    """How well the calls that an area takes are foreseen by its own share of empty addresses, and by the nation's."""
    occupancy, _ = figures(it, presence, np.ones(len(it.homes), dtype=bool))
    march = occupancy.filter(pl.col("month") == CENSUS_MONTH, measure="lived_in").select("area_code", "estimate")
    said = dict(march.rows())
    if said[NATION] is None:
        raise SystemExit("too few homes: the share of the nation is withheld")
    nation = 1 - said[NATION]
    code = np.array(it.area)
    errors, plain, loads = [], [], []
    at_empty, at_lived_in = float(calls.made[it.is_empty].mean()), float(calls.made[it.lived_in].mean())

    def load(empty: float) -> float:
        return empty * at_empty + (1 - empty) * (1 - rules.response) * at_lived_in

    for area in np.unique(code):
        truth = load(it.is_empty[code == area].mean())
        known = said.get(area)
        errors.append(abs(load(nation if known is None else 1 - known) - truth))
        plain.append(abs(load(nation) - truth))
        loads.append(truth)
    return {"own": sum(errors) / sum(loads), "nation": sum(plain) / sum(loads)}


def interval(hits: int, of: int) -> str:
    """Agresti and Coull's 95 % interval of a share."""
    z = 1.96
    n = of + z**2
    p = (hits + z**2 / 2) / n
    half = z * np.sqrt(p * (1 - p) / n)
    return (
        "none there"
        if of == 0
        else f"{hits} of {of} ({hits / of:.3f}; {max(p - half, 0):.3f} to {min(p + half, 1):.3f})"
    )


def left_out_grid(empty: float, detected: float, mistaken: float, at_empty: float, at_lived_in: float) -> pl.DataFrame:
    rows = []
    for coverage in (0.25, 0.5, 1.0):
        for name, hit, wrong in (
            ("as measured", detected, mistaken),
            *((f"detected {h}, mistaken {w}", h, w) for h in (0.5, 0.8) for w in (0.005, 0.02, 0.05)),
        ):
            one = left_out(
                empty,
                detected=hit,
                mistaken=wrong,
                coverage=coverage,
                calls_at_empty=at_empty,
                calls_at_lived_in=at_lived_in,
            )
            rows.append(_per_thousand(coverage, name, one))
    return pl.DataFrame(rows)


def _per_thousand(coverage: float, name: str, one: LeftOut) -> dict[str, object]:
    return {
        "coverage": coverage,
        "accuracy": name,
        "empty_not_visited": 1000 * one.empty,
        "lived_in_left_out": 1000 * one.lived_in,
        "calls_saved": 1000 * one.calls_saved,
        "calls_for_each_lost": one.calls_for_each_lost,
    }


def draw(hours: pl.DataFrame, grid: pl.DataFrame, path: Path) -> None:
    import altair as alt

    kept = hours.with_columns(
        low=pl.col("per_contact") - pl.col("plus_minus"), high=pl.col("per_contact") + pl.col("plus_minus")
    )
    order = alt.Y("hours:N", sort=kept["hours"].to_list(), title=None, axis=alt.Axis(labelLimit=320))
    scale = alt.Scale(zero=False)
    dots = (
        alt.Chart(kept)
        .mark_point(filled=True, size=60)
        .encode(x=alt.X("per_contact:Q", scale=scale, title="calls for each home that is met"), y=order)
    )
    bars = alt.Chart(kept).mark_rule().encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=order)
    left = (bars + dots).properties(width=300, height=260, title="When to call (mean and 95 % interval)")
    points = grid.with_columns(coverage=pl.format("{} % metered", (100 * pl.col("coverage")).cast(pl.Int64)))
    right = (
        alt.Chart(points)
        .mark_point(filled=True, size=60)
        .encode(
            x=alt.X("lived_in_left_out:Q", title="lived-in homes left out, of 1,000 addresses"),
            y=alt.Y("calls_saved:Q", title="calls saved, of 1,000 addresses"),
            color=alt.Color("coverage:N", sort=["25 % metered", "50 % metered", "100 % metered"], title=None),
            shape=alt.Shape("accuracy:N", sort=points["accuracy"].unique(maintain_order=True).to_list(), title=None),
        )
        .properties(width=300, height=260, title="Not calling at what seems empty")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    alt.hconcat(left, right).save(path)


def _mean_and_range(shares: list[float]) -> str:
    return f"{sum(shares) / len(shares):.1%} ({min(shares):.1%} to {max(shares):.1%})"


def show(title: str, table: pl.DataFrame) -> None:
    print(f"\n{title}")
    print(table.with_columns(pl.col(pl.Float64).round(3)))


def main() -> None:
    """Print the tables of docs/evidence/meters_census_benefit.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--homes", type=int, default=800)
    parser.add_argument("--sorting", type=float, default=0.7, help="how much households of a kind live together")
    parser.add_argument("--other", action="store_true", help="also change the assumptions one at a time")
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    pl.Config.set_tbl_rows(-1).set_tbl_cols(-1).set_tbl_hide_dataframe_shape(True).set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_width_chars(180).set_fmt_str_lengths(60)
    rules = Rules()
    variants: dict[str, Rules] = {}
    if arguments.other:
        variants = {
            "everybody opens": Rules(opens=1.0),
            "half open": Rules(opens=0.5),
            "3 calls at most": Rules(most_calls=3),
            "2 hours a day": Rules(hours_a_day=2),
            "6 hours a day": Rules(hours_a_day=6),
        }
    alike, apart, empties, loads, shares = [], [], [], [], []
    others: dict[str, list[pl.DataFrame]] = {name: [] for name in variants}
    for seed in arguments.seeds:
        it = world(seed, arguments.homes)
        presence = presence_of(it)
        tables = published_hours(it, presence)
        worked = hours_of(it, tables, rules)
        alike.append(judged(it, rules, worked))
        empties.append(told_empty(it))
        shares.append(it.is_empty.mean())
        loads.append(workloads(it, presence["hmm"], follow_up(it, worked[BASELINE], rules), rules))
        for name, changed in variants.items():
            others[name].append(judged(it, changed, hours_of(it, tables, changed)))
        moved = replace(it, area=areas_of(it.homes, arguments.sorting, seed))
        apart.append(judged(moved, rules, hours_of(moved, published_hours(moved, presence), rules)))
    hours = over_seeds(alike)
    show(f"areas with like households, {len(arguments.seeds)} seeds of {arguments.homes} homes", hours)
    show(f"households of a kind live together ({arguments.sorting})", over_seeds(apart))
    for name, judgements in others.items():
        show(name, over_seeds(judgements))
    print("\naddresses on census day, and those taken for empty by their meter")
    found = {kind: np.array([each[kind] for each in empties]).sum(axis=0).tolist() for kind in empties[0]}
    for kind, (number, hits) in found.items():
        print(f"  {kind}: {interval(hits, number)}")
    (n_empty, hits), (n_lived, wrong) = found["all without residents"], found["lived in"]
    share = float(np.mean(shares))
    followed = empty_among_followed(share, rules.response)
    base = hours.filter(pl.col("hours") == BASELINE).row(0, named=True)
    print(f"empty: {share:.3f} of all addresses, {followed:.3f} of those that did not answer ({rules.response:.0%} do)")
    grid = left_out_grid(followed, hits / n_empty, wrong / n_lived, base["calls_at_empty"], base["calls"])
    show("not calling at what seems empty (single homes: not permitted), of 1,000 addresses followed up", grid)
    own, nation = (_mean_and_range([load[key] for load in loads]) for key in ("own", "nation"))
    print(f"\nerror of the calls foreseen for an area: {own} by its own shares, {nation} by the nation's")
    rows = []
    for name in (
        RULE,
        "national best hours, hmm",
        "the area's best hours, hmm, 100% metered",
    ):
        one = hours.filter(pl.col("hours") == name).row(0, named=True)
        # As many homes met as before: the calls of the lived-in addresses that did not answer.
        lived_in = 1000 * (1 - followed) * base["contacted"]
        saved = lived_in * (base["per_contact"] - one["per_contact"])
        rows.append({"hours": name, "calls_saved": saved, **{f"at £{cost}": saved * cost for cost in COSTS_GBP}})
    show("worth of knowing the hours, of 1,000 addresses followed up, as many homes met", pl.DataFrame(rows))
    if arguments.figure:
        shown = hours.filter(~pl.col("hours").str.contains("10%|25%|50%|threshold"))
        draw(shown, grid, arguments.figure)


if __name__ == "__main__":
    main()
