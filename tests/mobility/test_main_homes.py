"""The main home is held against a slow and obvious reference."""

from itertools import groupby, pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobility import main_homes as module
from ons_assets.mobility.main_homes import main_homes
from ons_assets.parameters.mobility import AnchorParameters


def rows(*stretches):
    """Evidence of one a day: (user, place, first day, last day)."""
    days = [
        {"user": user, "place": place, "day": day, "evidence": 1.0}
        for user, place, first, last in stretches
        for day in range(first, last + 1)
    ]
    return pl.DataFrame(days, schema_overrides={"day": pl.Int32()})


def reference(evidence, parameters):
    """Spells of one user, by the definition."""
    held = {(place, day): value for place, day, value in evidence.select("place", "day", "evidence").iter_rows()}
    totals = {place: sum(value for (other, _), value in held.items() if other == place) for place, _ in held}
    first = {place: min(day for other, day in held if other == place) for place in totals}
    order = sorted(totals, key=lambda place: (-round(totals[place], 9), first[place], place))
    days = sorted({day for _, day in held})

    def main(day):
        around = [other for other in days if abs(other - day) <= parameters.window_days]
        return max(
            order, key=lambda place: (round(sum(held.get((place, near), 0) for near in around), 9), -order.index(place))
        )

    def stretches(spells):
        return [
            (place, min(first for _, first, _ in group), max(last for _, _, last in group))
            for place, group in ((place, list(group)) for place, group in groupby(spells, key=lambda spell: spell[0]))
        ]

    spells = [
        (place, start, end)
        for place, start, end in stretches([(main(day), day, day) for day in days])
        if end - start + 1 >= parameters.change_days
        and sum((place, day) in held for day in range(start, end + 1)) >= parameters.min_home_days
    ]
    spells = stretches(spells) or [(order[0], days[0], days[-1])]
    dated = list(spells)
    for number, ((old, *before), (new, *after)) in enumerate(pairwise(spells)):
        low = max(sum(before) // 2, before[1] - parameters.date_days)
        high = min(sum(after) // 2, after[0] + parameters.date_days)
        seen = [day for day in range(low, high + 1) if (old, day) in held or (new, day) in held]

        def parted(last, old=old, new=new, seen=seen):
            return round(sum(held.get((old, day), 0) - held.get((new, day), 0) for day in seen if day <= last), 9)

        if len(seen) > 1:
            last = max(seen[:-1], key=lambda day, parted=parted: (parted(day), -day))
            dated[number] = (old, dated[number][1], last)
            dated[number + 1] = (new, seen[seen.index(last) + 1], dated[number + 1][2])
    return dated


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), days=st.integers(1, 60), window=st.integers(0, 12), within=st.integers(0, 20))
def test_spells_are_those_of_the_definition(seed, days, window, within):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 50))
    evidence = pl.DataFrame(
        {
            "user": 1,
            "place": random.integers(0, 3, n),
            "day": random.integers(0, days, n).astype(np.int32),
            "evidence": random.choice([0.1, 0.3, 0.6, 1.0], n),
        }
    ).unique(["place", "day"], keep="first", maintain_order=True)
    parameters = AnchorParameters(window_days=window, change_days=7, date_days=within)
    found = main_homes(evidence, parameters)
    assert [(place, first, last) for _, _, place, first, last in found.rows()] == reference(evidence, parameters)


def rolled(evidence, places, window_days):
    """The main place of each day by a window that rolls over all days of all places, of which each is added up anew."""
    days = evidence.select("user", "day").unique()
    grid = (
        days.join(places, on="user")
        .join(evidence, on=["user", "place", "day"], how="left")
        .with_columns(pl.col("evidence").fill_null(0.0))
        .sort("user", "rank", "day")
    )
    around = grid.rolling(
        index_column="day",
        period=f"{2 * window_days + 1}i",
        offset=f"-{window_days + 1}i",
        group_by=["user", "rank"],
    ).agg(held=exact_sum("evidence").round(9))
    main = around.sort("user", "day", "held", "rank", descending=[False, False, True, False])
    return main.unique(["user", "day"], keep="first", maintain_order=True).select("user", "day", "rank")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000), window=st.integers(0, 30), text=st.booleans())
def test_sums_along_the_days_choose_what_a_rolling_window_chooses(seed, window, text):
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 400))
    evidence = pl.DataFrame(
        {
            "user": random.integers(0, 6, n),
            "place": random.integers(0, 5, n),
            "day": random.integers(-50, 150, n).astype(np.int32),
            # Of many days the sums are equal but for their last digits.
            "evidence": random.choice([0.1, 0.2, 0.3, 1 / 3, 0.7, 1.0], n),
        }
    ).unique(["user", "place", "day"], keep="first", maintain_order=True)
    if text:
        evidence = evidence.with_columns(pl.col("user").cast(pl.String()))
    places = evidence.select("user", "place").unique().sort("user", "place")
    places = places.with_columns(rank=pl.int_range(pl.len()).over("user"))
    chosen = module._main_of_days(evidence, places, window)
    assert chosen.sort("user", "day").rows() == rolled(evidence, places, window).sort("user", "day").rows()


def test_a_holiday_is_no_move_and_a_move_has_its_day():
    holiday = rows((1, "home", 0, 29), (1, "hotel", 30, 50), (1, "home", 51, 90))
    moved = rows((2, "old", 0, 39), (2, "new", 40, 100))
    found = main_homes(pl.concat([holiday, moved]), AnchorParameters())
    assert found.rows() == [(1, 0, "home", 0, 90), (2, 0, "old", 0, 39), (2, 1, "new", 40, 100)]


def test_the_day_of_a_change_parts_what_is_seen_of_both_homes():
    """A late visit to the old home shifts the balance, and not the day."""
    fond = rows((1, "old", 0, 39), (1, "new", 40, 100)).vstack(rows((1, "old", 49, 49)))
    for within, last in ((0, None), (28, 39)):
        spells = main_homes(fond, AnchorParameters(date_days=within))
        assert spells["place"].to_list() == ["old", "new"]
        assert last is None or spells["last_day"][0] == last


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100_000), within=st.integers(0, 40))
def test_spells_follow_each_other_wherever_their_days_are_looked_for(seed, within):
    random = np.random.default_rng(seed)
    evidence = pl.DataFrame(
        {
            "user": random.integers(0, 3, 300),
            "place": random.integers(0, 3, 300),
            "day": random.integers(0, 200, 300).astype(np.int32),
            "evidence": random.choice([0.1, 0.5, 1.0], 300),
        }
    ).unique(["user", "place", "day"], keep="first", maintain_order=True)
    found = main_homes(evidence, AnchorParameters(window_days=10, change_days=10, date_days=within))
    for _, spells in found.group_by("user", maintain_order=True):
        assert (spells["first_day"] <= spells["last_day"]).all()
        assert all(late["first_day"] > early["last_day"] for early, late in pairwise(spells.iter_rows(named=True)))
        assert all(late["place"] != early["place"] for early, late in pairwise(spells.iter_rows(named=True)))


@pytest.mark.parametrize("days", [14, 40])
def test_a_spell_that_is_too_short_is_none(days):
    back = rows((1, "a", 0, 59), (1, "b", 60, 59 + days), (1, "a", 60 + days, 160))
    found = main_homes(back, AnchorParameters())
    assert found["place"].to_list() == (["a"] if days == 14 else ["a", "b", "a"])
