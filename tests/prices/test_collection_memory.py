"""A fault that lasts is told until it ends or somebody accepts it; runs that are late, and pages that were cut."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_assets.prices.collection import collection_report
from ons_assets.prices.collection.accepted import add_epochs
from tests.prices.test_collection import ITEMS, SMALL, day_after, found, ledger, one_run, past, report

LONG = 60  # days: many windows of `SMALL`, which are of seven


def accept(from_day: int, item_id: str = "all", retailer: str = "tesco") -> pl.DataFrame:
    return pl.DataFrame({"retailer": [retailer], "item_id": [item_id], "from_day": [day_after(from_day)]})


def judged(frames: list[pl.DataFrame], accepted: pl.DataFrame | None = None) -> pl.DataFrame:
    quotes = pl.concat(frames)
    return collection_report(quotes.lazy(), ledger(quotes), parameters=SMALL, accepted=accepted)


def without(frame: pl.DataFrame, item: str) -> pl.DataFrame:
    return frame.filter(pl.col("item_id") != item)


def test_a_collapse_is_told_on_every_day_until_it_is_over() -> None:
    fallen = [one_run(number, products=16) for number in range(8, LONG)]
    back = [one_run(number) for number in range(LONG, LONG + 4)]
    result = report([*past(), *fallen, *back])
    for number in range(8, LONG):
        assert {(None, "truncated"), *((item, "truncated") for item in ITEMS)} <= found(result, number), number
    of_run = result.filter(pl.col("day") == day_after(LONG - 1), pl.col("item_id").is_null())
    run = of_run.filter(finding="truncated").row(0, named=True)
    assert (run["products"], run["usual_products"], run["ratio"]) == (80, 200.0, 0.4)
    assert "80 products against 200 before 2016-01-09" in run["evidence"]
    # What was lost is back: no alarm, though the median of the days before is that of the fault.
    after = [finding for number in range(LONG, LONG + 4) for _, finding in found(result, number)]
    assert "truncated" not in after


def test_an_item_that_vanished_stays_vanished() -> None:
    gone = [without(one_run(number), "cider") for number in range(8, LONG)]
    result = report([*past(), *gone, one_run(LONG)])
    for number in range(8, LONG):
        assert found(result, number) == {("cider", "item_vanished")}, number
    assert found(result, LONG) == set()


def test_a_swollen_item_that_returns_is_not_short() -> None:
    def with_adverts(number: int) -> pl.DataFrame:
        run = one_run(number)
        cider = run.filter(pl.col("item_id") == "cider")
        adverts = [cider.with_columns(product=pl.format("advert {} {}", pl.lit(copy), "product")) for copy in range(4)]
        return pl.concat([run, *adverts]).with_columns(line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))

    swollen = [with_adverts(number) for number in range(8, 40)]
    result = report([*past(), *swollen, *(one_run(number) for number in range(40, 50))])
    for number in range(8, 40):
        assert ("cider", "inflated") in found(result, number), number
    assert [found(result, number) & {("cider", "truncated")} for number in range(40, 50)] == [set()] * 10


def test_a_retailer_that_stopped_is_missing_until_somebody_accepts_it() -> None:
    still_there = [one_run(number, "waitrose") for number in range(LONG)]
    result = judged([*past(), *still_there])
    missing = result.filter(pl.col("finding") == "missing_run")
    assert missing["day"].to_list() == [day_after(number) for number in range(8, LONG)]
    accepted = judged([*past(), *still_there], accept(20)).filter(pl.col("finding") == "missing_run")
    assert accepted["day"].to_list() == [day_after(number) for number in range(8, 20)]
    # It is expected again once it is back.
    back = [one_run(number) for number in range(30, 35)]
    again = judged([*past(), *back, *still_there], accept(20)).filter(pl.col("finding") == "missing_run")
    assert again["day"].max() == day_after(LONG - 1)


def test_an_accepted_level_is_the_usual_one_from_its_day_on() -> None:
    fallen = [one_run(number, products=16) for number in range(8, LONG)]
    result = judged([*past(), *fallen], accept(20))
    assert (None, "truncated") in found(result, 19)
    assert [found(result, number) for number in range(20, LONG)] == [set()] * (LONG - 20)
    again = [one_run(number, products=2) for number in range(LONG, LONG + 20)]
    result = judged([*past(), *fallen, *again], accept(20))
    for number in range(LONG, LONG + 20):
        assert (None, "truncated") in found(result, number)


def test_an_item_can_be_accepted_alone() -> None:
    gone = [without(without(one_run(number), "cider"), "bread") for number in range(8, 40)]
    result = judged([*past(), *gone], accept(15, "cider"))
    assert {item for item, _ in found(result, 14)} >= {"cider", "bread"}
    assert {item for item, finding in found(result, 39) if finding == "item_vanished"} == {"bread"}
    other = judged([*past(), *gone], accept(15, "cider", retailer="waitrose"))
    assert {"cider", "bread"} <= {item for item, _ in found(other, 39)}


@given(st.lists(st.sampled_from((40, 40, 40, 12, 0)), min_size=20, max_size=30), st.integers(8, 30))
@settings(max_examples=15, deadline=None)
def test_no_later_day_changes_what_was_told(products: list[int], cut: int) -> None:
    frames = [*past(), *(one_run(8 + n, products=count) for n, count in enumerate(products) if count)]
    whole = report(frames)
    early = [frame for frame in frames if frame["collected_on"][0] <= day_after(cut)]
    part = report(early)
    last_day = part["day"].max()
    assert_frame_equal(part, whole.filter(pl.col("day") <= last_day))


@pytest.mark.parametrize("hour", [3, 5, 7])
def test_a_run_about_its_usual_time_is_in_time(hour: int) -> None:
    assert found(report([*past(), one_run(8, hour=hour)]), 8) == set()


def test_a_run_in_the_afternoon_is_late_and_a_second_one_is_not() -> None:
    result = report([*past(), one_run(8, hour=16), one_run(9), one_run(9, hour=16)])
    assert found(result, 8) == {(None, "late_run")}
    late = result.filter(pl.col("finding") == "late_run")["evidence"].to_list()
    assert late == ["The run started at 16:00; usually at 05:00."]
    assert found(result, 9) == set()


def test_runs_that_are_named_otherwise_are_timed_by_their_quotes_or_not_at_all() -> None:
    frames = [one_run(number) for number in range(10)]
    quotes = pl.concat(frames).with_columns(run=pl.col("collected_on").cast(pl.String))
    runs = ledger(pl.concat(frames)).with_columns(run=pl.col("started_on").cast(pl.String))
    start = datetime(2016, 1, 1, 8)
    times = [start + timedelta(days=n, hours=9 if n == 9 else 0) for n in range(10)]
    timed = runs.sort("run").with_columns(started_at_utc=pl.Series(times).dt.replace_time_zone("UTC"))
    result = collection_report(quotes.lazy(), timed, parameters=SMALL)
    assert found(result, 9) == {(None, "late_run")}
    assert "17:00 UTC; usually at 08:00" in result.filter(pl.col("finding") == "late_run")["evidence"].item()
    assert "late_run" not in collection_report(quotes.lazy(), runs, parameters=SMALL)["finding"].to_list()


def shelves(number: int, sizes: list[int]) -> pl.DataFrame:
    """A run with an item of each size."""
    run = one_run(number, products=max(sizes)).filter(pl.col("item_id") == ITEMS[0])
    return pl.concat(
        run.head(size).with_columns(item_id=pl.lit(f"item {place:02}"), line=pl.col("line") + 1_000 * place)
        for place, size in enumerate(sizes)
    )


MANY = [31, 64, 24, 90, 12, 47, 55, 38, 71, 29, 33, 80]
CUT = [min(size, 24) for size in MANY]


def capped(result: pl.DataFrame) -> list[int]:
    return [(day - day_after(0)).days for day in result.filter(pl.col("finding") == "page_cap")["day"]]


def test_items_that_all_stop_at_one_page_are_told_from_the_first_day_on() -> None:
    result = judged([shelves(number, CUT) for number in range(30)])
    assert capped(result) == list(range(30))
    evidence = result.filter(pl.col("finding") == "page_cap")["evidence"][0]
    assert evidence == "11 of 12 items stop at exactly 24 rows, and none has more."
    assert capped(judged([shelves(number, CUT) for number in range(30)], accept(10))) == list(range(10))


def test_a_few_items_stop_at_a_page_if_they_had_more_and_for_as_long_as_they_do() -> None:
    before = [shelves(number, MANY[:8]) for number in range(8)]
    cut = [shelves(number, CUT[:8]) for number in range(8, 40)]
    again = [shelves(number, MANY[:8]) for number in range(40, 45)]
    assert capped(judged([*before, *cut, *again])) == list(range(8, 40))
    assert capped(judged(cut)) == []


@pytest.mark.parametrize("sizes", [MANY, [5] * 12, [24] * 11 + [25], [24] * 5 + MANY])
def test_shelves_of_their_own_sizes_or_of_few_products_are_no_page(sizes: list[int]) -> None:
    assert capped(judged([shelves(number, sizes) for number in range(10)])) == []


@given(
    st.lists(st.tuples(st.sampled_from(("a", "b")), st.sampled_from((None, "x", "y")), st.integers(0, 9)), max_size=12),
    st.lists(st.tuples(st.sampled_from(("a", "b")), st.sampled_from(("all", "x", "y")), st.integers(0, 9)), max_size=6),
)
def test_epochs_count_the_acceptances_that_concern_a_row(
    rows: list[tuple[str, str | None, int]], accepted: list[tuple[str, str, int]]
) -> None:
    day = date(2016, 1, 1)
    schema = {"retailer": pl.String, "item_id": pl.String, "day": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(day=pl.lit(day) + pl.duration(days="day"))
    given_levels = pl.DataFrame(accepted, schema={**schema, "day": pl.Int64}, orient="row").select(
        "retailer", "item_id", from_day=pl.lit(day) + pl.duration(days="day")
    )
    expected = [
        len({each for each in accepted if each[0] == retailer and each[1] in ("all", item) and each[2] <= number})
        for retailer, item, number in rows
    ]
    assert add_epochs(frame, given_levels)["epoch"].to_list() == expected


def test_findings_hold_for_days_read_alone_if_all_quotes_are_there() -> None:
    frames = [*past(), *(one_run(number, products=16) for number in range(8, 50))]
    quotes = pl.concat(frames)
    whole = report(frames)
    day = day_after(45)
    alone = collection_report(quotes.lazy(), ledger(quotes), first_day=day, last_day=day, parameters=SMALL)
    assert_frame_equal(alone, whole.filter(pl.col("day") == day))


def test_prices_that_stand_still_do_so_however_long() -> None:
    frozen = [one_run(number, price_day=12) for number in range(12, 70)]
    result = report([*past(12), *frozen, *(one_run(number) for number in range(70, 73))])
    assert [(None, "stuck") in found(result, number) for number in range(16, 70)] == [True] * 54
    assert (None, "stuck") not in found(result, 70)
