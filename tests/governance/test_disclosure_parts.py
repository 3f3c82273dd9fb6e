"""A table of some of the units of another: nothing small follows from both together."""

import itertools

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue.tweets import MIGRATION_COMPARISON, MIGRATION_FLOWS, STUDENT_FLOWS
from ons_assets.governance.disclosure.parts import protect_parts
from ons_assets.governance.disclosure.step import Thresholds, protect

KEY = ["period_type", "period", "origin", "destination"]
THRESHOLDS = Thresholds(3)


def table(counts):
    """Months of pairs with the sum of their year, with figures that do not matter."""
    months = pl.DataFrame(
        [("month", f"2014-{month:02d}", *pair, movers) for (pair, month), movers in counts.items() if movers],
        schema=[*KEY, "movers"],
        orient="row",
    ).cast({"movers": pl.Int64()})
    years = (
        months.group_by("origin", "destination")
        .agg(pl.col("movers").sum())
        .select(pl.lit("year").alias("period_type"), pl.lit("2014").alias("period"), "origin", "destination", "movers")
    )
    figures = {name: pl.lit(1.0) for name in ("flow", "flow_low", "flow_high")}
    return pl.concat([months, years]).with_columns(**figures, weighted_by=pl.lit("area")).sort(KEY)


def told(everybody, students):
    whole = protect(MIGRATION_FLOWS, everybody, THRESHOLDS)
    return whole, protect_parts(STUDENT_FLOWS, students, MIGRATION_FLOWS, whole.rows, everybody, THRESHOLDS)


AB = ("A", "B")


@pytest.mark.parametrize(("others", "is_told"), [(0, False), (1, False), (2, False), (3, True), (9, True)])
def test_students_are_told_only_beside_enough_others(others, is_told):
    whole, part = told(table({(AB, 6): 5 + others}), table({(AB, 6): 5}))
    assert len(whole.rows) == 2
    assert len(part.rows) == (2 if is_told else 0)


def test_the_whole_loses_nothing():
    everybody, students = table({(AB, 6): 6, (AB, 9): 20}), table({(AB, 6): 4, (AB, 9): 19})
    whole, part = told(everybody, students)
    assert whole.rows.equals(protect(MIGRATION_FLOWS, everybody, THRESHOLDS).rows)
    # Of June two others follow, of September one, of the year three.
    assert part.rows["period_type"].to_list() == ["year"]
    assert part.account.kept_share == 0


def test_small_numbers_of_students_are_not_told_themselves():
    _, part = told(table({(AB, 6): 20, (AB, 9): 20}), table({(AB, 6): 2, (AB, 9): 9}))
    assert part.rows.filter(period="2014-06").is_empty()
    assert (part.rows["movers"] >= 3).all()


def test_no_number_of_one_or_two_follows_from_both_tables():
    """Found by going through every table that agrees with what is told."""
    random = np.random.default_rng(11)
    told_at_all = 0
    for _ in range(30):
        months = range(1, 4)
        students = {(AB, month): int(random.choice([0, 1, 2, 4, 7])) for month in months}
        others = {(AB, month): int(random.choice([0, 1, 3, 5, 7])) for month in months}
        both = {key: students[key] + others[key] for key in students}
        if not sum(students.values()):
            continue
        whole, part = told(table(both), table(students))
        told_at_all += len(part.rows)
        known = [
            (who, tuple(months) if kind == "year" else (int(period[-2:]),), movers)
            for who, rows in (("all", whole.rows), ("some", part.rows))
            for kind, period, movers in rows.select("period_type", "period", "movers").rows()
        ]
        for who, month in itertools.product(("students", "others"), months):
            assert not certainly_small(known, who, month, months)
    assert told_at_all > 20


def certainly_small(known, who, month, months):
    """Whether in every table that agrees the number is one or two."""
    values = range(15)
    found = set()
    # Months are independent but for the sums of the year: possible sums are carried along.
    fixed = {at: [(s, o) for s in values for o in values if agrees(known, at, s, o)] for at in months}
    year = {name: movers for name, at, movers in known if len(at) > 1}
    others = [at for at in months if at != month]
    sums = {(0, 0)}
    for at in others:
        sums = {(a + s, b + o) for a, b in sums for s, o in fixed[at]}
    for s, o in fixed[month]:
        if any(
            ("all" not in year or a + b + s + o == year["all"]) and ("some" not in year or a + s == year["some"])
            for a, b in sums
        ):
            found.add(s if who == "students" else o)
    return bool(found) and found <= {1, 2}


def agrees(known, at, students, others):
    total = {"all": students + others, "some": students}
    return all(total[name] == movers for name, months, movers in known if months == (at,))


def test_tables_of_other_keys_are_no_parts():
    rows = table({(AB, 6): 5})
    with pytest.raises(ValueError, match="is no part of"):
        protect_parts(STUDENT_FLOWS, rows, MIGRATION_COMPARISON, rows, rows, THRESHOLDS)
