from itertools import pairwise, product

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.mobility import segments
from ons_assets.mobility.segments import best_path, segment


def value(evidence, path, penalty):
    held = sum(evidence[day, place] for day, place in enumerate(path))
    return held - penalty * sum(a != b for a, b in pairwise(path))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 100_000), days=st.integers(1, 6), places=st.integers(1, 3), penalty=st.floats(0, 3, width=32)
)
def test_no_path_of_all_is_better(seed, days, places, penalty):
    evidence = np.random.default_rng(seed).integers(0, 4, (2, days, places)) / 2.0
    paths = best_path(evidence, np.array([penalty, penalty]))
    for user in range(2):
        best = max(value(evidence[user], path, penalty) for path in product(range(places), repeat=days))
        assert value(evidence[user], paths[user], penalty) >= best - 1e-9


def rows(*stretches):
    """Evidence of one a day: (user, place, first day, last day)."""
    days = [
        {"user": user, "place": place, "day": day, "evidence": 1.0}
        for user, place, first, last in stretches
        for day in range(first, last + 1)
    ]
    return pl.DataFrame(days, schema_overrides={"day": pl.Int32()})


def cost(users, penalty):
    return pl.DataFrame({"user": users, "penalty": [float(penalty)] * len(users)})


def test_a_holiday_is_no_move_and_a_move_is_one():
    holiday = rows((1, "home", 0, 29), (1, "hotel", 30, 43), (1, "home", 44, 80))
    moved = rows((2, "old", 0, 39), (2, "new", 40, 80))
    found = segment(pl.concat([holiday, moved]), cost([1, 2], 10)).rows()
    assert found == [(1, 0, "home", 0, 80), (2, 0, "old", 0, 39), (2, 1, "new", 40, 80)]


def test_days_without_evidence_neither_end_a_home_nor_begin_one():
    found = segment(rows((1, "a", 0, 20), (1, "a", 200, 220)), cost([1], 10))
    assert found.rows() == [(1, 0, "a", 0, 220)]


def test_the_order_of_rows_and_the_size_of_chunks_make_no_difference(monkeypatch):
    generator = np.random.default_rng(5)
    evidence = (
        pl.DataFrame(
            {
                "user": generator.integers(0, 40, 3_000),
                "place": generator.integers(0, 4, 3_000),
                "day": generator.integers(0, 60, 3_000).astype(np.int32),
            }
        )
        .unique()
        .with_columns(evidence=pl.lit(0.5) + pl.col("day") % 2)
    )
    penalty = evidence.select("user").unique().with_columns(penalty=pl.lit(2.0))
    once = segment(evidence.sort("user", "day", "place"), penalty)
    monkeypatch.setattr(segments, "CELLS_AT_ONCE", 700)
    assert segment(evidence.sample(fraction=1, shuffle=True, seed=1), penalty).equals(once)
    assert once.group_by("user").len()["len"].max() > 1
