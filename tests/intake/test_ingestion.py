import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.intake import door
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Status
from ons_assets.intake.source import Piece, Source
from ons_assets.lakehouse import gate, lake, quarantine
from ons_assets.lakehouse.gate import Audit, Failure, Suite
from ons_assets.lakehouse.tables import Column, Table
from tests import run_files
from tests.run_files import PRICES, run_text
from tests.workbench import PERSONS, Workbench, day_of, record, run

DAY = date(2016, 7, 21)
NEXT = date(2016, 7, 22)
THIRD = date(2016, 7, 23)
TESCO = "tesco_products_20160721050000.csv"
SAINSBURY = "sainsbury_products_20160721050000.csv"
ABSURD = 5_000.0  # accepted row by row, but the median of the suite refuses the run


def prices(workbench: Workbench, version: int | None = None) -> list[float]:
    return sorted(workbench.published(version)["price"])


# --- late, re-sent, corrected


def test_a_late_file_is_added_to_its_day_and_changes_no_other(workbench: Workbench) -> None:
    workbench.register(TESCO, run(*day_of(DAY)))
    workbench.register("tesco_products_20160722050000.csv", run(*day_of(NEXT)))
    workbench.ingest()
    workbench.register(SAINSBURY, run(*day_of(DAY, "SAINSBURY")))
    outcome = workbench.ingest(DAY)
    assert outcome.rows == 6
    published = workbench.published()
    assert published.group_by("collected_on", "retailer").len().sort("collected_on", "retailer").rows() == [
        (DAY, "sainsbury", 3),
        (DAY, "tesco", 3),
        (NEXT, "tesco", 3),
    ]
    assert len(workbench.published(0)) == 6
    workbench.check_books()


def test_days_that_do_not_fit_together_are_made_one_after_another(tmp_path: Path) -> None:
    benches = [
        Workbench.at(tmp_path / name, drops={"rows_at_once": limit}) for name, limit in (("one", 1), ("all", 1 << 30))
    ]
    for bench in benches:
        bench.register(TESCO, run(*day_of(DAY), *day_of(NEXT, price=2), record(item_price_num="none")))
        bench.register(SAINSBURY, run(*day_of(NEXT, "SAINSBURY"), *day_of(THIRD, "SAINSBURY")))
        bench.register("waitrose_products_20160723050000.csv", run(*day_of(THIRD, "WAITROSE", ABSURD)))
        bench.register("tesco_products_20160722120000.csv", run(*day_of(NEXT, price=3)))
    by_day, together = (bench.ingest() for bench in benches)
    assert replace(by_day, version=None) == replace(together, version=None)
    assert (by_day.version, together.version) == (2, 0)
    assert benches[0].published().equals(benches[1].published())
    columns = ("file_name", "status", "accepted_rows", "quarantined_rows", "reason")
    ledgers = [bench.ledger.frame().select(columns) for bench in benches]
    assert ledgers[0].equals(ledgers[1])
    for bench in benches:
        bench.check_books()


def test_a_file_sent_again_changes_nothing(workbench: Workbench) -> None:
    workbench.register(TESCO, run(*day_of(DAY)))
    first = workbench.ingest()
    before = workbench.published()
    workbench.register(TESCO, run(*day_of(DAY)))
    second = workbench.ingest()
    assert workbench.published().equals(before)
    assert first.data_version == second.data_version
    assert workbench.statuses() == {TESCO: "accepted"}


def test_a_corrected_file_replaces_its_run_and_the_older_version_stays_readable(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=1), record(item_price_num=2)))
    workbench.register(SAINSBURY, run(record(store="SAINSBURY", item_price_num=7)))
    workbench.ingest()
    workbench.register(TESCO, run(record(item_price_num=3)))
    outcome = workbench.ingest()
    assert outcome.rows == 2
    assert prices(workbench) == [3, 7]
    assert prices(workbench, 0) == [1, 2, 7]
    statuses = [(drop.name, str(drop.status), drop.reason) for drop in workbench.ledger.drops()]
    assert statuses == [
        (TESCO, "superseded", "replaced by a file that came later"),
        (SAINSBURY, "accepted", None),
        (TESCO, "accepted", None),
    ]
    workbench.check_books()


def test_of_the_same_run_in_two_files_the_later_counts(workbench: Workbench) -> None:
    one = [record(timestamp=f"{DAY} 05:00:0{number}", product_name=f"P{number}") for number in range(3)]
    workbench.register("tesco_products_20160721050000.csv", run(*one))
    workbench.register("tesco_products_20160721050000_again.csv", run(*one[:2]))
    workbench.ingest()
    assert sorted(workbench.published()["product"]) == ["P0", "P1"]
    assert list(workbench.statuses().values()) == ["superseded", "accepted"]


def test_a_correction_that_is_refused_leaves_what_it_should_correct(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=1)))
    workbench.ingest()
    workbench.register(TESCO, run(record(item_price_num=ABSURD)))
    workbench.ingest()
    assert prices(workbench) == [1]
    assert [str(drop.status) for drop in workbench.ledger.drops()] == ["accepted", "refused"]
    workbench.check_books()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_order_in_which_different_runs_arrive_does_not_matter(workbench: Workbench, order: tuple[int, ...]) -> None:
    files = [
        (TESCO, run(*day_of(DAY))),
        (SAINSBURY, run(*day_of(DAY, "SAINSBURY", 2.0))),
        ("tesco_products_20160722050000.csv", run(*day_of(NEXT, price=3.0))),
    ]
    for number in order:
        workbench.register(*files[number])
        workbench.ingest()
    found = workbench.published().group_by("collected_on", "retailer").agg(pl.col("price").sort())
    assert found.sort("collected_on", "retailer").rows() == [
        (DAY, "sainsbury", [2.0, 2.01, 2.02]),
        (DAY, "tesco", [0.85, 0.86, 0.87]),
        (NEXT, "tesco", [3.0, 3.01, 3.02]),
    ]


# --- one batch refused, others published


def test_a_bad_run_refuses_no_other(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=ABSURD), record(item_price_num=ABSURD + 1)))
    workbench.register(SAINSBURY, run(*day_of(DAY, "SAINSBURY")))
    outcome = workbench.ingest()
    assert set(workbench.published()["retailer"]) == {"sainsbury"}
    [refusal] = outcome.refusals
    assert (refusal.drop, refusal.batch, refusal.rows) == (TESCO, "tesco 20160721050000", 2)
    assert "[median (price): expected at least 0.1, at most 100, where currency" in refusal.reason
    assert workbench.statuses() == {TESCO: "refused", SAINSBURY: "accepted"}
    [entry] = quarantine.entries(workbench.home)
    assert (entry.refused, entry.rows, entry.name, entry.reason) == (True, 2, TESCO, refusal.reason)
    workbench.check_books()


def test_of_a_file_with_many_runs_only_the_bad_one_is_refused(workbench: Workbench) -> None:
    header = "run," + run().decode().strip()
    lines = [f"A,{each}" for each in day_of(DAY)] + [f"B,{record(item_price_num=ABSURD)}"]
    workbench.register("tesco_all.csv", "\n".join([header, *lines, ""]).encode())
    outcome = workbench.ingest()
    assert set(workbench.published()["run"]) == {"A"}
    assert [refusal.batch for refusal in outcome.refusals] == ["tesco B"]
    drop = workbench.drop("tesco_all.csv")
    assert (drop.status, drop.parsed_rows, drop.accepted_rows, drop.quarantined_rows) == (Status.ACCEPTED, 4, 3, 1)
    assert "median" in (drop.reason or "")
    workbench.check_books()


def test_names_from_the_file_never_become_paths(workbench: Workbench) -> None:
    evil = ["../../../escaped", "a/b", "x" * 400, ".", "nul\x00byte", "ä\N{SNOWMAN}"]
    rows = [record(store=name, item_price_num=ABSURD) for name in evil]
    workbench.register("evil.csv", run(*rows, *day_of(DAY)))
    outcome = workbench.ingest()
    assert len(outcome.refusals) == len(evil)
    assert len(workbench.published()) == 3
    assert {path.name for path in workbench.home.root.parent.iterdir()} == {"home", "expectations"}
    folder = workbench.home.quarantine / "prices" / "raw_quotes"
    assert len(list(folder.glob("*.batch.parquet"))) == len(evil)
    assert all(path.parent == folder for path in workbench.home.quarantine.rglob("*.json"))
    workbench.check_books()


def test_what_was_refused_leaves_quarantine_when_it_passes(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=ABSURD)))
    workbench.ingest()
    assert len(quarantine.entries(workbench.home)) == 1
    path = workbench.settings.expectations / "prices" / "raw_quotes.json"
    path.write_text(path.read_text().replace('"max_value": 100\n', '"max_value": 10000\n'))
    workbench.ingest()
    assert prices(workbench) == [ABSURD]
    assert quarantine.entries(workbench.home) == []
    assert workbench.statuses() == {TESCO: "accepted"}


def test_a_refused_day_keeps_the_last_good_data(workbench: Workbench) -> None:
    workbench.register(TESCO, run(*day_of(DAY)))
    workbench.register("tesco_products_20160722050000.csv", run(*day_of(NEXT, price=50.0)))
    workbench.ingest()
    path = workbench.settings.expectations / "prices" / "raw_quotes.json"
    path.write_text(path.read_text().replace('"max_value": 100\n', '"max_value": 10\n'))
    outcome = workbench.ingest()
    assert [refusal.drop for refusal in outcome.refusals] == ["tesco_products_20160722050000.csv"]
    assert outcome.rows == 6
    assert prices(workbench) == [0.85, 0.86, 0.87, 50.0, 50.01, 50.02]
    workbench.check_books()


def test_a_refused_batch_keeps_its_last_good_data_beside_the_others(workbench: Workbench) -> None:
    dear = {name: price * 50 for name, price in PRICES.items()}
    workbench.register(run_files.run_name("tesco", DAY), run_text("tesco", DAY, dear).encode())
    workbench.register(run_files.run_name("waitrose", DAY), run_text("waitrose", DAY).encode())
    workbench.ingest()
    before = workbench.published()
    path = workbench.settings.expectations / "prices" / "raw_quotes.json"
    path.write_text(path.read_text().replace('"max_value": 100\n', '"max_value": 10\n'))
    outcome = workbench.ingest()
    assert [refusal.drop for refusal in outcome.refusals] == [run_files.run_name("tesco", DAY)]
    assert workbench.published().equals(before)
    cheaper = {name: price / 2 for name, price in PRICES.items()}
    workbench.register(run_files.run_name("tesco", DAY), run_text("tesco", DAY, cheaper).encode())
    workbench.ingest()
    tesco = workbench.published().filter(retailer="tesco")
    assert sorted(tesco["price"]) == sorted(cheaper.values())


def test_a_supplier_can_go_back_to_an_earlier_file(workbench: Workbench) -> None:
    name, first, second = (
        run_files.run_name("tesco", DAY),
        run_text("tesco", DAY),
        run_text("tesco", DAY, {"LOAF": 9.0}),
    )
    for content in (first, second, first):
        workbench.register(name, content.encode())
        workbench.ingest()
    assert sorted(workbench.published()["price"]) == sorted(PRICES.values())
    assert sorted(drop.status for drop in workbench.ledger.drops()) == ["accepted", "superseded"]


def test_when_all_is_refused_nothing_is_published(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=ABSURD)))
    outcome = workbench.ingest()
    assert (outcome.version, outcome.rows, outcome.drops, len(outcome.refusals)) == (None, 0, 1, 1)
    assert not lake.exists(workbench.home, workbench.table)


def test_without_drops_nothing_happens(workbench: Workbench) -> None:
    outcome = workbench.ingest()
    assert (outcome.version, outcome.drops) == (None, 0)


def test_a_warning_publishes(workbench: Workbench) -> None:
    workbench.register(TESCO, run(*day_of(DAY), record(item_price_num=2_000)))
    outcome = workbench.ingest()
    assert outcome.rows == 4
    [warning] = outcome.warnings
    expected = 'expected at least 0.01, at most 1,000, where currency == "GBP"'
    stated = f"values (price): {expected}; 1 of 4 are not (bound price_usual_range)"
    reason = f"Single odd prices are flagged later, product by product. [{stated}]"
    assert (warning.drop, warning.rows, warning.reason) == (TESCO, 4, reason)
    version = lake.latest(workbench.home, workbench.table)
    assert version is not None
    assert version.provenance is not None
    assert version.provenance.suite["warnings"] == [f"{TESCO} (tesco 20160721050000): {reason}"]


# --- files of several days


def test_a_file_of_several_days_fills_each(workbench: Workbench) -> None:
    workbench.register("tesco_week.csv", run(*day_of(DAY), *day_of(NEXT), *day_of(THIRD)))
    assert workbench.drop("tesco_week.csv").days == (DAY, NEXT, THIRD)
    workbench.ingest()
    assert workbench.published()["collected_on"].value_counts(sort=True)["count"].to_list() == [3, 3, 3]


def test_one_day_of_a_file_of_several_made_again_changes_nothing(workbench: Workbench) -> None:
    workbench.register("tesco_week.csv", run(*day_of(DAY), *day_of(NEXT), record(item_price_num=-1)))
    workbench.ingest()
    before, drop = workbench.published(), workbench.drop("tesco_week.csv")
    outcome = workbench.ingest(NEXT)
    assert outcome.rows == 3
    assert workbench.published().equals(before)
    after = workbench.drop("tesco_week.csv")
    assert (after.status, after.parsed_rows, after.accepted_rows, after.quarantined_rows) == (
        drop.status,
        drop.parsed_rows,
        drop.accepted_rows,
        drop.quarantined_rows,
    )
    workbench.check_books()


def test_a_new_file_of_which_one_day_is_made_still_waits_for_the_others(workbench: Workbench) -> None:
    workbench.register("tesco_week.csv", run(*day_of(DAY), *day_of(NEXT)))
    workbench.ingest(DAY)
    assert set(workbench.published()["collected_on"]) == {DAY}
    assert workbench.drop("tesco_week.csv").status is Status.READ
    workbench.ingest()
    assert set(workbench.published()["collected_on"]) == {DAY, NEXT}
    assert workbench.drop("tesco_week.csv").status is Status.ACCEPTED


def test_a_superseded_file_stays_so_when_one_of_its_days_is_made_again(workbench: Workbench) -> None:
    name = "tesco_products_20160721050000.csv"
    workbench.register(name, run(*day_of(DAY), *day_of(NEXT)))
    workbench.register(name, run(*day_of(DAY, price=2.0), *day_of(NEXT, price=2.0)))
    workbench.ingest()
    workbench.ingest(DAY)
    assert [str(drop.status) for drop in workbench.ledger.drops()] == ["superseded", "accepted"]


def test_a_correction_of_one_day_leaves_the_other_days_of_the_run(workbench: Workbench) -> None:
    name = "tesco_products_20160721050000.csv"
    workbench.register(name, run(*day_of(DAY, price=1.0), *day_of(NEXT, price=1.5)))
    workbench.ingest()
    workbench.register(name, run(*day_of(NEXT, price=2.0)))
    workbench.ingest(NEXT)
    assert prices(workbench) == [1.0, 1.01, 1.02, 2.0, 2.01, 2.02]
    assert [str(drop.status) for drop in workbench.ledger.drops()] == ["accepted", "accepted"]


# --- provenance


def test_a_published_version_says_what_it_was_made_of(workbench: Workbench) -> None:
    drop = workbench.register(TESCO, run(*day_of(DAY)))
    outcome = workbench.ingest()
    version = lake.latest(workbench.home, workbench.table)
    assert version is not None
    made = version.provenance
    assert made is not None
    assert made.run_id == "run-0"
    assert "+" in made.code_version
    assert made.inputs == {drop.sha256: TESCO}
    assert made.suite == {"sha256": workbench.suite.sha256, "batches_refused": 0, "warnings": []}
    assert made.settings["max_price"] == 10_000
    assert made.settings["layouts"] == {drop.sha256: f"scraper-run-2016 {drop.layout_sha256}"}
    assert made.data_version == outcome.data_version
    assert made.partition == (str(DAY), str(DAY))


def test_the_data_version_follows_inputs_suite_and_settings(workbench: Workbench) -> None:
    workbench.register(TESCO, run(*day_of(DAY)))
    first = workbench.ingest().data_version
    assert workbench.ingest().data_version == first
    path = workbench.settings.expectations / "prices" / "raw_quotes.json"
    path.write_text(path.read_text() + "\n")
    second = workbench.ingest().data_version
    assert second != first
    workbench.register(SAINSBURY, run(*day_of(DAY, "SAINSBURY")))
    assert workbench.ingest().data_version not in (first, second)


def test_every_row_can_be_followed_to_its_line(workbench: Workbench) -> None:
    content = run(*day_of(DAY), record(item_price_num=0), *day_of(DAY, price=9.0))
    workbench.register(TESCO, content)
    workbench.ingest()
    lines = content.decode().splitlines()
    for row in workbench.published().iter_rows(named=True):
        assert f",{row['product']}," in lines[row["line"] - 1]
        assert f"{row['price']}" in lines[row["line"] - 1]
    assert sorted(workbench.published()["line"]) == [2, 3, 4, 6, 7, 8]


def test_nothing_is_left_in_staging(workbench: Workbench) -> None:
    workbench.register(TESCO, run(record(item_price_num=ABSURD)))
    workbench.register(SAINSBURY, run(*day_of(DAY, "SAINSBURY")))
    workbench.ingest()
    assert not [path for path in workbench.home.staging.rglob("*") if path.is_file()]


# --- other sources: without days, about persons


class Lines(Source):
    """Persons' trips: `day,person,note` on each line."""

    name, table, batch, identity, is_individual = "trips", PERSONS.name, ("person",), ("person",), True

    def layout(self, path: Path, name: str) -> Layout:
        return Layout(name="trips", columns={})

    def read(self, path: Path, name: str, received_utc: datetime, layout: Layout) -> Iterator[Piece]:
        rows = pl.read_csv(path, has_header=False, new_columns=["day", "person", "note"], try_parse_dates=True)
        rows = rows.with_row_index("line", 1).with_columns(pl.col("line").cast(pl.Int64), distance_km=1.0)
        yield Piece(rows, usable=len(rows))


TRIPS = Table(
    name=PERSONS.name,
    description=PERSONS.description,
    columns=(*PERSONS.columns, Column("drop_sha256", pl.String(), "file"), Column("line", pl.Int64(), "line")),
    key=("drop_sha256", "line"),
    partition_by=("day",),
    sensitivity=PERSONS.sensitivity,
    owner=PERSONS.owner,
    source=PERSONS.source,
)


def test_of_a_refused_person_no_value_leaves_quarantine(workbench: Workbench) -> None:
    marker = "MARKER4711"
    folder = workbench.settings.expectations / "test"
    folder.mkdir()
    suite = {
        "name": "test/persons",
        "expectations": [
            {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": "note", "value_set": ["well"]},
                "severity": "critical",
            }
        ],
    }
    (folder / "persons.json").write_text(json.dumps(suite))
    workbench.source, workbench.table = Lines(), TRIPS
    workbench.register("trips.csv", f"2016-07-21,{marker},{marker}\n2016-07-21,other,well\n".encode())
    outcome = workbench.ingest()
    assert [refusal.rows for refusal in outcome.refusals] == [1]
    assert marker not in repr(outcome)
    assert marker not in repr(workbench.ledger.drops())
    assert marker not in repr(quarantine.entries(workbench.home))
    assert not [path for path in workbench.home.root.rglob("*") if marker in path.name]
    assert not [path for path in workbench.home.reports.rglob("*") if path.is_file() and marker in path.read_text()]
    assert workbench.published()["person"].to_list() == ["other"]
    for private in (workbench.home.table(TRIPS.name), workbench.home.quarantine, workbench.home.staging):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


# --- any files in any order, against an oracle

REFUSED_PRICE = 500


def cheap_audit(suite: Suite, _: Table, batch: pl.DataFrame) -> Audit:
    """A gate that refuses a batch with a price of 500: the property is about books, not about the gate."""
    bad = batch.filter(pl.col("price") == REFUSED_PRICE)
    failures = (Failure("price", "price", gate.CRITICAL, "is 500"),) if len(bad) else ()
    return Audit(suite.sha256, 1, failures, {"results": []})


quote = st.tuples(
    st.sampled_from(["tesco", "asda"]),
    st.integers(0, 2),  # day
    st.sampled_from([1, 2, 3, -1, REFUSED_PRICE]),  # price; -1 is rejected row by row
)
file = st.tuples(st.sampled_from(["one", "two"]), st.lists(quote, min_size=1, max_size=5))
step = st.tuples(file, st.sampled_from(["wait", "all", "first day"]))


def expected(arrived: list[tuple[str, list[tuple[str, int, int]]]]) -> set[tuple[str, str, int, int, int]]:
    """(retailer, run, day, price, file number) of every quote that counts, the slow and obvious way."""
    counting: dict[tuple[str, str, int], tuple[int, list[int]]] = {}
    for number, (run_name, quotes) in enumerate(arrived):
        refused = {retailer for retailer, _, price in quotes if price == REFUSED_PRICE}
        for retailer, day, _ in quotes:
            kept = [price for shop, its_day, price in quotes if (shop, its_day) == (retailer, day) and price > 0]
            if retailer not in refused and kept:
                counting[retailer, run_name, day] = (number, kept)
    return {
        (retailer, run_name, day, price, number)
        for (retailer, run_name, day), (number, kept) in counting.items()
        for price in kept
    }


@settings(max_examples=15, deadline=None)
@given(st.lists(step, min_size=1, max_size=5))
def test_any_files_in_any_order_give_what_an_oracle_says(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[tuple[str, list[tuple[str, int, int]]], str]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "audit", cheap_audit)
        patch.setattr(door, "suspects", lambda _, __, batches: set(range(len(batches))))
        workbench = Workbench.at(tmp_path_factory.mktemp("bench"))
        arrived, names = [], {}
        for number, ((run_name, quotes), then) in enumerate(steps):
            arrived.append((run_name, quotes))
            rows = [
                f"{run_name},"
                + record(
                    store=retailer,
                    timestamp=f"{DAY + timedelta(days=day)} 05:00:00",
                    item_price_num=price,
                    product_name=f"{number}",  # so that no two files have the same content
                )
                for retailer, day, price in quotes
            ]
            drop = workbench.register(f"{number}.csv", "\n".join(["run," + run().decode().strip(), *rows]).encode())
            names[drop.sha256] = number
            if then != "wait":
                workbench.ingest(*([DAY, DAY] if then == "first day" else []))
                workbench.check_books()
        workbench.ingest()
        workbench.check_books()
        found = set()
        if lake.exists(workbench.home, workbench.table):
            published = workbench.published()
            assert published.select("drop_sha256", "line").is_unique().all()
            found = {
                (
                    row["retailer"],
                    row["run"],
                    (row["collected_on"] - DAY).days,
                    int(row["price"]),
                    names[row["drop_sha256"]],
                )
                for row in published.iter_rows(named=True)
            }
            assert len(published) == sum(
                1
                for number, (run_name, quotes) in enumerate(arrived)
                for retailer, day, price in quotes
                if (retailer, run_name, day, price, number) in expected(arrived)
            )
        assert found == expected(arrived)
        for drop in workbench.ledger.drops():
            assert drop.parsed_rows == len(arrived[names[drop.sha256]][1])
            counts = any(number == names[drop.sha256] for *_, number in expected(arrived))
            assert (drop.status is Status.ACCEPTED) == counts


def test_the_ledger_keeps_the_time_at_which_a_file_came(workbench: Workbench) -> None:
    before = datetime.now(UTC)
    drop = workbench.register(TESCO, run(*day_of(DAY)))
    workbench.ingest()
    assert before <= workbench.drop(TESCO).received_utc == drop.received_utc <= datetime.now(UTC)
