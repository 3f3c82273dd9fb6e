"""The calendar of outages, the pages of methods, and the log of a table, each against a plain reference."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.governance.releases.words import PAGES
from ons_assets.governance.report.deadlines import due
from ons_assets.governance.report.facts import Refusal
from ons_assets.governance.report.methods import method_page, method_path
from ons_assets.governance.report.outages import spells_of
from ons_assets.governance.report.page import Page, Site, as_html
from ons_assets.governance.report.quality import LIGHTS, quality_of_tables
from ons_assets.governance.report.reasons import added_up
from ons_assets.governance.scorecard.measures import Status as Verdict
from ons_assets.intake.ledger import Drop, Status
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from tests.governance.report_world import ACCESSES, SCORECARD, accesses, made

FIRST = date(2026, 1, 1)
SITE = Site("Office", "today", "1", ())


def drop(number: int, days: frozenset[int], status: Status) -> Drop:
    return Drop(
        number, "prices", f"{number}", f"{number}", "0", 1, datetime(2026, 1, 1, tzinfo=UTC), status,
        tuple(FIRST + timedelta(days=day) for day in sorted(days)), 1, 1, 0, None, None, 0, number, None, None, None,
        None, None, None,
    )  # fmt: skip


FILES = st.lists(st.tuples(st.frozensets(st.integers(0, 40), max_size=6), st.sampled_from(list(Status))), max_size=8)


@given(FILES, st.integers(7, 60))
@settings(max_examples=60)
def test_spells_are_the_calendar_and_outages_are_the_days_that_no_file_has(
    files: list[tuple[frozenset[int], Status]], most: int
) -> None:
    drops = [drop(number, days, status) for number, (days, status) in enumerate(files, start=1)]
    spells = list(spells_of("prices", drops, most))
    good = {day for days, status in files if status in ("accepted", "superseded", "read") for day in days}
    bad = {day for days, status in files if status == "refused" for day in days} - good
    told = {}
    for spell in spells:
        for number in range(spell.days):
            told[(spell.first - FIRST).days + number] = spell.state
    if not good | bad:
        assert told == {}
        return
    calendar = range(max(min(good | bad), max(good | bad) - most + 1), max(good | bad) + 1)
    assert told == {day: "data" if day in good else "refused" if day in bad else "none" for day in calendar}
    assert all(one.state != other.state for one, other in pairwise(spells))


def test_the_log_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    written = [accesses(number) for number in range(1, 13)]
    for frame in [*written, pl.concat([accesses(1), accesses(2).with_columns(access_outcome=pl.lit("refused"))])]:
        lake.publish(home, ACCESSES, frame.lazy(), made(settings={"a": {"b": len(frame)}}))
    found, expected = lake.history(home, ACCESSES), DeltaTable(home.table(ACCESSES.name)).history()
    assert [version.number for version in found] == [commit["version"] for commit in expected] == [*range(12, -1, -1)]
    assert [version.published_utc.timestamp() for version in found] == [c["timestamp"] / 1000 for c in expected]
    assert [version.rows_written for version in found] == [2, *[1] * 12]
    assert found[0].provenance == made(settings={"a": {"b": 2}})
    assert lake.history(home, ACCESSES, 2) == found[:2]
    assert lake.row_count(home, ACCESSES) == lake.read(home, ACCESSES).collect().height == 2


def test_every_page_on_a_method_becomes_a_page_that_fetches_nothing() -> None:
    paths = set()
    for file in PAGES.glob("*.md"):
        text = file.read_text(encoding="utf-8")
        shown = as_html(method_page(text), SITE).decode()
        assert shown.count("<h1>") == 1, file.name
        assert not [word for word in ("<img", "<script", "<iframe", 'href="http', '.md"') if word in shown], file.name
        paths.add(method_path(text))
    assert len(paths) == len(list(PAGES.glob("*.md"))), "each has a title of its own"


def test_html_in_a_method_is_text_and_a_cell_above_nothing_is_no_heading() -> None:
    page = method_page("# A\n\n<script>x</script> ![figure](a.png) [b](c.md)\n\n| | n |\n|---|---|\n| a | 1 |\n")
    shown = as_html(page, SITE).decode()
    assert "&lt;script&gt;x" in shown
    assert "[figure]" in shown
    assert '<a href="c.md"' not in shown
    assert shown.count("<th>") == 1
    assert isinstance(page, Page)


STATUSES = ("good", "watch", "act", "not judged")
SCORES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["rows", "nulls"]), st.sampled_from(STATUSES)), min_size=1, max_size=12
)


@given(SCORES)
@settings(max_examples=40)
def test_a_dimension_stands_as_the_worst_of_what_was_said_last_of_its_measures(
    scores: list[tuple[int, str, str]],
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    said = {(day, measure): status for day, measure, status in scores}
    rows = pl.DataFrame(
        [
            {"evaluated_on": FIRST + timedelta(days=day), "evaluated_utc": at + timedelta(days=day),
             "table_name": "a/b", "partition_name": "all", "dimension": "validity", "measure": measure,
             "measured_of": "all", "quality_status": status, "said": "", "next_step": ""}
            for (day, measure), status in said.items()
        ],
        schema=SCORECARD.schema,
    )  # fmt: skip
    quality = quality_of_tables(rows, 31)["a/b"]
    order = ("act", "watch", "good", "not judged")
    expected = {}
    for day in sorted({day for day, _ in said}):
        last = [[said[d, m] for d in range(day + 1) if (d, m) in said] for m in ("rows", "nulls")]
        expected[day] = min((each[-1] for each in last if each), key=order.index)
    told = {}
    for stretch in quality.stretches:
        for day in expected:
            if stretch.first <= FIRST + timedelta(days=day) <= stretch.last:
                told[day] = stretch.light
    assert told == {day: LIGHTS[Verdict(status)] for day, status in expected.items()}
    assert quality.dimensions == {"validity": told[max(told)]}
    assert not quality.by_partition
    for found in quality.urgent:
        history = sorted((day, order.index(status)) for (day, name), status in said.items() if name == found.measure)
        begun = history[-1]
        for earlier in reversed(history):
            if earlier[1] > history[-1][1]:
                break
            begun = earlier
        assert found.since == FIRST + timedelta(days=begun[0])


@given(
    st.dates(date(2024, 11, 1), date(2025, 1, 31)),
    st.integers(0, 20),
    st.sets(st.dates(date(2024, 12, 1), date(2025, 1, 31))),
)
def test_what_is_due_is_due_on_a_working_day_with_as_many_of_them_before_it(
    since: date, days: int, off: set[date]
) -> None:
    def works(day: date) -> bool:
        return day.weekday() < 5 and day not in off

    by = due(since, days, sorted(off))
    assert works(by)
    first = next(day for day in (since + timedelta(each) for each in range(99)) if works(day))
    between = (by - first).days
    assert sum(works(first + timedelta(each)) for each in range(between)) == days


def refusal(reason: str, rows: int, *, whole: bool = False, notes: tuple[str, ...] = ()) -> Refusal:
    return Refusal("prices/raw_quotes", "a.csv", None, datetime.now(UTC), reason, notes, rows, whole)


def test_reasons_of_many_files_are_added_up_and_none_is_told_as_that_of_all() -> None:
    refused = [
        refusal("92 rows: repeats another line; 7 rows: device is missing", 99),
        refusal("1,008 rows: repeats another line", 1008),
        refusal("ends inside a record; 1 row: 1 fields where 19 are expected", 2),
        refusal("the file is empty", 0, whole=True),
    ]
    assert added_up(refused) == [
        "1 run: the file is empty",
        "1,100 rows: repeats another line",
        "7 rows: device is missing",
        "1 row: 1 fields where 19 are expected",
        "and 1 more reason",
    ]
    told = [each for each in added_up(refused, most=9) if " row" in each]
    assert sum(int(each.split(" row")[0].replace(",", "")) for each in told) == sum(each.rows for each in refused)
