"""The collection report: each class of fault, its bounds, and the promise that a day is judged by its past."""

import datetime as dt
import importlib.util
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_assets.parameters.collection import CollectionParameters
from ons_assets.prices.collection import FINDINGS, REPORT_SCHEMA, collection_report

START = dt.date(2016, 1, 1)
SMALL = CollectionParameters(window_days=7, minimum_history_days=3)
ITEMS = ("apples", "bread", "cider", "dates", "eggs")


def day_after(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def run_name(day: dt.date, hour: int = 5) -> str:
    return f"{day:%Y%m%d}{hour:02d}0000"


def one_run(
    number: int, retailer: str = "tesco", *, products: int = 40, hour: int = 5, price_day: int | None = None
) -> pl.DataFrame:
    """Give a whole run: every item in order, `products` each; the first price of every item moves every day."""
    price_day = number if price_day is None else price_day
    day = day_after(number)
    rows = [
        (item, f"{item} {k:03d}", 1.0 + k + (price_day / 100 if k == 0 else 0.0))
        for item in ITEMS
        for k in range(products)
    ]
    return pl.DataFrame(rows, schema=["item_id", "product", "price"], orient="row").select(
        retailer=pl.lit(retailer),
        run=pl.lit(run_name(day, hour)),
        collected_on=pl.lit(day),
        item_id=pl.col("item_id"),
        item=pl.col("item_id").str.to_titlecase(),
        shelf=pl.format("shelf/{}", "item_id"),
        product=pl.col("product"),
        price=pl.col("price"),
        line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )


def ledger(quotes: pl.DataFrame) -> pl.DataFrame:
    return (
        quotes.group_by("retailer", "run")
        .agg(accepted_rows=pl.len().cast(pl.Int64))
        .select(
            "retailer",
            "run",
            started_on=pl.col("run").str.slice(0, 8).str.to_date("%Y%m%d"),
            size_bytes=100 * pl.col("accepted_rows"),
            parsed_rows="accepted_rows",
            accepted_rows="accepted_rows",
            quarantined_rows=pl.lit(0, pl.Int64),
            refused=pl.lit(False),
            reason=pl.lit(None, pl.String),
            ends_inside_record=pl.lit(False),
        )
        .sort("retailer", "run")
    )


def empty_run(number: int, **changes: object) -> pl.DataFrame:
    row = ledger(one_run(number)).with_columns(pl.col("size_bytes", "parsed_rows", "accepted_rows") * 0)
    changed = row.with_columns(**{name: pl.lit(value) for name, value in changes.items()})
    return changed.cast(row.schema)


def past(days: int = 8, retailer: str = "tesco") -> list[pl.DataFrame]:
    return [one_run(number, retailer) for number in range(days)]


def report(frames: list[pl.DataFrame], parameters: CollectionParameters = SMALL) -> pl.DataFrame:
    quotes = pl.concat(frames)
    return collection_report(quotes.lazy(), ledger(quotes), parameters=parameters)


def found(result: pl.DataFrame, number: int) -> set[tuple[str | None, str]]:
    rows = result.filter(pl.col("day") == day_after(number), pl.col("finding") != "none")
    return set(rows.select("item_id", "finding").iter_rows())


def test_a_healthy_collection_has_no_finding_and_one_row_per_day_retailer_and_item() -> None:
    result = report(past() + past(retailer="waitrose"))
    assert dict(result.schema) == REPORT_SCHEMA
    assert result["finding"].unique().to_list() == ["none"]
    assert result.height == 2 * 8 * (1 + len(ITEMS))
    last = result.filter(pl.col("day") == day_after(7), pl.col("item_id").is_null())
    assert last["products"].to_list() == [200, 200]
    assert last["ratio"].to_list() == [1.0, 1.0]


def test_without_history_the_usual_level_is_null_and_nothing_is_found() -> None:
    result = report([one_run(0), one_run(1, products=3)])
    assert result["usual_products"].is_null().all()
    assert result["finding"].unique().to_list() == ["none"]


def test_missing_run_on_every_day_of_a_gap_for_a_daily_retailer() -> None:
    result = report([*past(), one_run(11)])
    for number in (8, 9, 10):
        assert found(result, number) == {(None, "missing_run")}
    gap = result.filter(pl.col("day") == day_after(9)).row(0, named=True)
    assert (gap["products"], gap["run"], gap["runs_of_day"]) == (0, None, 0)
    assert "2016-01-08" in gap["evidence"]


def test_a_weekly_collection_is_never_missing_and_a_gap_is_reported_to_its_end() -> None:
    weekly = CollectionParameters(window_days=28, minimum_history_days=3)
    result = report([one_run(number) for number in range(0, 42, 7)], weekly)
    after_the_first_week = result.filter(pl.col("day") >= day_after(7))
    assert "missing_run" not in after_the_first_week["finding"].to_list()
    gap = report([*past(), one_run(20)])
    assert gap.filter(pl.col("finding") == "missing_run")["day"].max() == day_after(19)


def test_empty_run_alone_and_empty_run_repeated_the_same_day() -> None:
    quotes = pl.concat([*past(), one_run(9, hour=9)])
    runs = pl.concat([ledger(quotes), empty_run(8), empty_run(9)])
    result = collection_report(quotes.lazy(), runs, parameters=SMALL)
    assert found(result, 8) == found(result, 9) == {(None, "empty")}
    empty = result.filter(pl.col("finding") == "empty").sort("day")
    assert empty["has_clean_run"].to_list() == [False, True]
    assert empty["runs_of_day"].to_list() == [1, 2]
    assert empty["evidence"].str.contains("0 bytes").all()


def test_a_refused_file_is_empty_and_says_why() -> None:
    quotes = pl.concat(past())
    refused = empty_run(8, size_bytes=90, parsed_rows=12, refused=True, reason="columns missing")
    result = collection_report(quotes.lazy(), pl.concat([ledger(quotes), refused]), parameters=SMALL)
    evidence = result.filter(pl.col("finding") == "empty")["evidence"].item()
    assert "12 parsed" in evidence
    assert "columns missing" in evidence


def test_truncated_when_the_last_items_of_the_usual_order_are_absent() -> None:
    cut = one_run(8).filter(pl.col("item_id").is_in(["apples", "bread", "cider"]))
    result = report([*past(), cut])
    assert found(result, 8) == {(None, "truncated"), ("dates", "truncated"), ("eggs", "truncated")}
    assert "Items not reached: 2 of 5." in result.filter(pl.col("finding") == "truncated")["evidence"][0]


def test_truncated_when_the_last_item_is_absent_and_the_one_before_it_stops_early() -> None:
    cut = one_run(8).filter(pl.col("line") <= 3 * 40 + 10)
    assert found(report([*past(), cut]), 8) == {
        (None, "truncated"),
        ("dates", "truncated"),
        ("eggs", "truncated"),
    }


def test_the_last_item_absent_after_a_whole_one_has_vanished() -> None:
    whole = one_run(8).filter(pl.col("item_id") != "eggs")
    assert found(report([*past(), whole]), 8) == {("eggs", "item_vanished")}


def test_truncated_when_the_file_ends_inside_a_record_even_without_history() -> None:
    quotes = one_run(0)
    runs = ledger(quotes).with_columns(ends_inside_record=pl.lit(True))
    result = collection_report(quotes.lazy(), runs, parameters=SMALL)
    assert found(result, 0) == {(None, "truncated")}


def test_a_truncated_run_that_was_repeated_is_reported_and_marked_as_replaced() -> None:
    cut = one_run(8).filter(pl.col("line") <= 60)
    result = report([*past(), cut, one_run(8, hour=9)])
    assert found(result, 8) == {(None, "truncated")}
    row = result.filter(pl.col("finding") == "truncated").row(0, named=True)
    assert row["has_clean_run"]
    assert (row["run"], row["products"], row["runs_of_day"]) == (run_name(day_after(8)), 60, 2)
    kept = result.filter(pl.col("day") == day_after(8), pl.col("item_id") == "eggs")
    assert kept["run"].item() == run_name(day_after(8), 9)


def with_products(number: int, products: int) -> pl.DataFrame:
    """Give a run in which cider has so many products and the other items the usual 40."""
    many = one_run(number, products=max(products, 40))
    position = pl.col("product").str.tail(3).cast(pl.Int64)
    bound = pl.when(pl.col("item_id") == "cider").then(products).otherwise(40)
    return many.filter(position < bound)


@pytest.mark.parametrize(("products", "short"), [(22, False), (21, False), (20, True)])
def test_an_item_stops_early_below_three_poisson_deviations(products: int, short: bool) -> None:
    """The bound for a median of 40 is 40 - 3 * sqrt(40) = 21.03, but loses 19 of 200 = 9.5 % of the run."""
    settings = CollectionParameters(window_days=7, minimum_history_days=3, sigmas=3.1)
    expected = {("cider", "truncated"), (None, "truncated")} if short else set()
    assert found(report([*past(), with_products(8, products)], settings), 8) == expected


def test_two_page_layouts_that_alternate_are_both_normal() -> None:
    frames = [with_products(number, 40 if number % 2 else 18) for number in range(14)]
    assert report(frames)["finding"].unique().to_list() == ["none"]


@pytest.mark.parametrize(("products", "inflated"), [(80, False), (81, True)])
def test_an_item_is_inflated_above_twice_its_median(products: int, inflated: bool) -> None:
    settings = CollectionParameters(window_days=7, minimum_history_days=3, inflated_run_ratio=1.5)
    expected = {("cider", "inflated")} if inflated else set()
    assert found(report([*past(), with_products(8, products)], settings), 8) == expected


def test_an_inflated_run_names_the_item_that_grew_and_the_days_it_spans() -> None:
    big = with_products(8, 400).with_columns(
        collected_on=pl.when(pl.col("item_id") == "eggs").then(pl.lit(day_after(11))).otherwise("collected_on")
    )
    result = report([*past(), big])
    assert found(result, 8) == {(None, "inflated"), ("cider", "inflated")}
    evidence = result.filter(pl.col("finding") == "inflated", pl.col("item_id").is_null())["evidence"].item()
    assert "560 products in 560 rows against medians of 200 and 200" in evidence
    assert "Item cider has 360 products more" in evidence
    assert "2016-01-09 to 2016-01-12" in evidence


def test_item_vanished_although_its_median_is_zero() -> None:
    gone = [one_run(number).filter(pl.col("item_id") != "cider") for number in range(8, 16)]
    result = report([*past(), *gone])
    for number in range(8, 16):
        assert found(result, number) == {("cider", "item_vanished")}
    last = result.filter(pl.col("day") == day_after(15), pl.col("item_id") == "cider").row(0, named=True)
    assert (last["products"], last["usual_products"], last["ratio"]) == (0, 40.0, 0.0)


def test_items_read_in_any_order_vanish_and_are_not_a_cut_run() -> None:
    def shuffled(number: int) -> pl.DataFrame:
        turn = pl.col("line") + 40 * (number % 5)
        return one_run(number).with_columns(line=(turn - 1) % 200 + 1)

    last = shuffled(8).filter(pl.col("item_id") != "eggs")
    assert found(report([*(shuffled(n) for n in range(8)), last]), 8) == {("eggs", "item_vanished")}


def renamed(number: int, keep: int) -> pl.DataFrame:
    """Give a run in which the shelf of cider has a new name and `keep` of its 40 products."""
    new = pl.col("item_id") == "cider"
    other = pl.col("product").str.tail(3).cast(pl.Int64) >= keep
    return one_run(number).with_columns(
        shelf=pl.when(new).then(pl.lit("shelf/perry")).otherwise("shelf"),
        product=pl.when(new & other).then(pl.format("{} new", "product")).otherwise("product"),
    )


@pytest.mark.parametrize(("keep", "expected"), [(19, set()), (20, {("cider", "shelf_renamed")})])
def test_a_shelf_is_renamed_when_half_its_products_moved(keep: int, expected: set) -> None:
    result = report([*past(), renamed(8, keep), renamed(9, keep)])
    assert found(result, 8) == expected
    assert found(result, 9) == set()
    if expected:
        evidence = result.filter(pl.col("finding") == "shelf_renamed")["evidence"].item()
        assert evidence == "Shelf shelf/cider became shelf/perry (20 of 40 products moved, 50 %)."


def test_a_second_shelf_beside_the_old_one_is_no_rename() -> None:
    second = one_run(8).with_columns(line=pl.col("line") + 200, shelf=pl.lit("shelf/more"))
    both = pl.concat([one_run(8), second.filter(pl.col("item_id") == "cider")])
    assert "shelf_renamed" not in {finding for _, finding in found(report([*past(), both]), 8)}


def test_prices_are_stuck_after_enough_days_for_a_retailer_whose_prices_move() -> None:
    """With 7 pairs and none identical p is 1/16, so 3 days have chance 1/256 and 2 days are too few."""
    still = [one_run(number, price_day=7) for number in range(8, 12)]
    result = report([*past(), *still])
    assert found(result, 8) == set()
    assert found(result, 9) == {(None, "stuck")}
    assert (
        "The same 200 prices on 3 collected days in a row" in result.filter(pl.col("finding") == "stuck")["evidence"][0]
    )


def test_prices_that_always_stood_still_are_not_stuck() -> None:
    frames = [one_run(number, price_day=0) for number in range(20)]
    assert report(frames)["finding"].unique().to_list() == ["none"]


def test_two_runs_on_one_day_with_the_same_prices_are_not_a_streak() -> None:
    frames = [*past(), one_run(8), one_run(8, hour=9), one_run(8, hour=12), one_run(9)]
    assert found(report(frames), 8) == found(report(frames), 9) == set()


def repeated(number: int, rows: int) -> pl.DataFrame:
    return pl.concat([one_run(number), one_run(number).filter(pl.col("item_id") == "cider").head(rows)])


@pytest.mark.parametrize(("rows", "run_found"), [(10, False), (11, True)])
def test_duplicate_rows_above_the_past_level(rows: int, run_found: bool) -> None:
    """10 repeats of 210 rows are 4.8 %, 11 of 211 are 5.2 %; both are over 10 % of the item's rows."""
    expected = {("cider", "duplicate_rows")} | ({(None, "duplicate_rows")} if run_found else set())
    assert found(report([*past(), repeated(8, rows)]), 8) == expected


def test_a_level_of_duplicates_that_is_usual_is_no_finding() -> None:
    result = report([repeated(number, 30) for number in range(12)])
    assert result["finding"].unique().to_list() == ["none"]


def test_half_the_rows_repeated_is_a_finding_without_history() -> None:
    assert (None, "duplicate_rows") in found(report([pl.concat([one_run(0), one_run(0)])]), 0)


def test_degenerate_input() -> None:
    quotes = one_run(0)
    runs = ledger(quotes)
    nothing = collection_report(quotes.clear().lazy(), runs.clear())
    assert nothing.is_empty()
    assert dict(nothing.schema) == REPORT_SCHEMA
    with pytest.raises(ValueError, match="quotes lacks the columns shelf"):
        collection_report(quotes.drop("shelf").lazy(), runs)
    with pytest.raises(ValueError, match="lists a run of a retailer twice"):
        collection_report(quotes.lazy(), pl.concat([runs, runs]))
    with pytest.raises(ValueError, match="runs does not list, first tesco"):
        collection_report(quotes.lazy(), runs.clear())
    with pytest.raises(ValueError, match="no quotes, first tesco"):
        collection_report(quotes.clear().lazy(), runs)
    with pytest.raises(ValueError, match=r"lost_share\n.*less than or equal to 1"):
        CollectionParameters(lost_share=1.5)
    with pytest.raises(ValueError, match=r"window_days\n.*greater than or equal to 1"):
        CollectionParameters(window_days=0)


def test_only_empty_runs_are_reported_as_empty() -> None:
    result = collection_report(one_run(0).clear().lazy(), empty_run(0), parameters=SMALL)
    assert found(result, 0) == {(None, "empty")}


def test_shelves_may_be_unknown() -> None:
    frames = [frame.with_columns(shelf=pl.lit(None, pl.String)) for frame in past()]
    assert report(frames)["finding"].unique().to_list() == ["none"]


KINDS = ("whole", "none", "cut", "inflated", "vanished", "renamed", "still", "repeated", "twice")


def faulty_run(number: int, retailer: str, kind: str) -> pl.DataFrame:
    frame = {
        "whole": lambda: one_run(number),
        "none": lambda: one_run(number).clear(),
        "cut": lambda: one_run(number).filter(pl.col("line") <= 90),
        "inflated": lambda: with_products(number, 160),
        "vanished": lambda: one_run(number).filter(pl.col("item_id") != "cider"),
        "renamed": lambda: renamed(number, 30),
        "still": lambda: one_run(number, price_day=0),
        "repeated": lambda: repeated(number, 35),
        "twice": lambda: pl.concat([one_run(number), one_run(number, hour=9)]),
    }[kind]()
    return frame.with_columns(retailer=pl.lit(retailer))


@st.composite
def collections(draw: st.DrawFn) -> pl.DataFrame:
    days = draw(st.integers(10, 36))
    kinds = st.lists(st.sampled_from(KINDS), min_size=days, max_size=days)
    frames = [
        faulty_run(number, retailer, kind)
        for retailer in ("tesco", "waitrose")
        for number, kind in enumerate(["whole", *draw(kinds)])
    ]
    return pl.concat(frames)


@hypothesis_settings(max_examples=15, deadline=None)
@given(quotes=collections(), seed=st.integers(0, 1000))
def test_the_order_of_the_rows_changes_nothing(quotes: pl.DataFrame, seed: int) -> None:
    runs = ledger(quotes)
    mixed = quotes.sample(fraction=1.0, shuffle=True, seed=seed)
    assert_frame_equal(
        collection_report(quotes.lazy(), runs, parameters=SMALL),
        collection_report(mixed.lazy(), runs.reverse(), parameters=SMALL),
    )


@hypothesis_settings(max_examples=15, deadline=None)
@given(quotes=collections(), first=st.integers(0, 36), length=st.integers(0, 12))
def test_a_range_of_days_equals_the_whole_filtered_and_needs_nothing_after_it(
    quotes: pl.DataFrame, first: int, length: int
) -> None:
    runs = ledger(quotes)
    first_day, last_day = day_after(first), day_after(min(first + length, 36))
    whole = collection_report(quotes.lazy(), runs, last_day=day_after(36), parameters=SMALL)
    kept = quotes.filter(pl.col("collected_on") <= last_day)
    part = collection_report(
        kept.lazy(),
        runs.filter(pl.col("started_on") <= last_day),
        first_day=first_day,
        last_day=last_day,
        parameters=SMALL,
    )
    assert_frame_equal(part, whole.filter(pl.col("day").is_between(first_day, last_day)))


@hypothesis_settings(max_examples=10, deadline=None)
@given(quotes=collections())
def test_every_row_has_a_known_finding_and_its_key_is_unique(quotes: pl.DataFrame) -> None:
    result = collection_report(quotes.lazy(), ledger(quotes), parameters=SMALL)
    assert set(result["finding"]) <= {"none", *FINDINGS}
    assert not result.select("day", "retailer", "item_id", "finding").is_duplicated().any()
    alone = result.group_by("day", "retailer", "item_id").agg(both=(pl.col("finding") == "none").any() & (pl.len() > 1))
    assert not alone["both"].any()
    assert result.filter(pl.col("finding") != "none")["evidence"].null_count() == 0


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "collection_accuracy.py"
    spec = importlib.util.spec_from_file_location("collection_accuracy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def real_report(shared_data: Path, accuracy: ModuleType) -> pl.DataFrame:
    quotes, runs = accuracy.real_frames(shared_data / "prices" / "ons_webscraped")
    return collection_report(quotes, runs)


def test_real_runs_that_are_empty_missing_or_end_inside_a_record(real_report: pl.DataFrame) -> None:
    empty = real_report.filter(pl.col("finding") == "empty")
    assert empty["runs_affected"].sum() == 13
    gap = real_report.filter(
        pl.col("finding") == "missing_run",
        pl.col("day").is_between(dt.date(2016, 9, 24), dt.date(2016, 10, 2)),
    )
    assert gap.height == 3 * 9
    inside = real_report.filter(pl.col("evidence").str.contains("inside a record"))
    assert inside["evidence"].str.count_matches("inside a record").sum() == 5
    assert inside["has_clean_run"].sum() == 4


def test_real_inflated_run_and_real_renames(real_report: pl.DataFrame) -> None:
    inflated = real_report.filter(
        pl.col("finding") == "inflated", pl.col("day") == dt.date(2016, 8, 12), pl.col("item_id").is_null()
    )
    assert inflated["retailer"].to_list() == ["waitrose"]
    assert "2016-08-12 to 2016-08-15" in inflated["evidence"].item()
    renames = real_report.filter(pl.col("finding") == "shelf_renamed").select("day", "retailer", "item_id")
    assert set(renames.iter_rows()) == {
        (dt.date(2016, 8, 1), "waitrose", "210302"),
        (dt.date(2016, 8, 2), "waitrose", "211901"),
        (dt.date(2016, 8, 10), "sainsbury", "210213"),
        (dt.date(2016, 8, 10), "sainsbury", "210214"),
        (dt.date(2016, 8, 24), "sainsbury", "212360"),
        (dt.date(2016, 10, 7), "waitrose", "212720"),
    }


def test_real_accuracy_on_the_held_out_half(real_report: pl.DataFrame, accuracy: ModuleType) -> None:
    """Bounds a little under the measured figures, which docs/methods/collection_report.md states."""
    scores = accuracy.score_real(real_report, accuracy.HELD_OUT)
    run = {row["finding"]: row for row in scores.filter(pl.col("level") == "run").iter_rows(named=True)}
    item = {row["finding"]: row for row in scores.filter(pl.col("level") == "item").iter_rows(named=True)}
    assert run["truncated"]["precision"] >= 0.95
    assert run["truncated"]["recall"] >= 0.9
    assert item["truncated"]["precision"] >= 0.8
    assert item["truncated"]["recall"] >= 0.9
    assert item["item_vanished"]["recall"] == item["item_vanished"]["precision"] == 1.0
