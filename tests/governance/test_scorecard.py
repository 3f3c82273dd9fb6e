"""What is measured: of files, versions, results, rows and pairs of tables; each on a fault that is planted."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.register import UpdateCycle
from ons_assets.governance.scorecard import arrivals, checks, contents, relations, verdicts, versions
from ons_assets.governance.scorecard.checks import Comparison, Conserved, Findings, Flag, Reference, Repeats
from ons_assets.governance.scorecard.measures import Dimension
from ons_assets.lakehouse.disclosure import Counts, all_of
from ons_assets.lakehouse.lake import Version
from ons_assets.lakehouse.tables import Column, Sensitivity, Table
from ons_assets.parameters.governance import ScorecardParameters
from tests.workbench import COUNTS, provenance

PARAMETERS = ScorecardParameters()
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)  # a Monday
SOURCES = {"shops": "test/quotes"}
DAILY = UpdateCycle(every="day", within_days=2)
QUOTES = Table(
    name="test/quotes",
    description="One quote.",
    columns=(
        Column("day", pl.Date(), "day"),
        Column("shop", pl.String(), "shop"),
        Column("item_id", pl.String(), "code"),
        Column("item", pl.String(), "name"),
        Column("price", pl.Float64(), "price"),
        Column("unit_price", pl.Float64(), "price of a unit", nullable=True),
        Column("in_scope", pl.Boolean(), "whether it counts"),
        Column("drop_sha256", pl.String(), "file"),
        Column("line", pl.Int64(), "line"),
    ),
    key=("drop_sha256", "line"),
    partition_by=("day",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:test",
    source="files",
)


def ledger(*files: dict[str, Any]) -> pl.DataFrame:
    """A ledger of files of one source, each said as far as it differs from a good file of 100 rows."""
    good = {
        "source": "shops", "file_name": "a.csv", "status": "accepted", "local_days": [DAY],
        "received_utc": datetime(2026, 3, 3, 6, tzinfo=UTC), "parsed_rows": 100, "accepted_rows": 100,
        "rows_in_force": 100, "usable_units": None, "expected_units": None, "reason": None,
    }  # fmt: skip
    schema = {name: dtype for name, dtype in CATALOGUE["governance/drop_ledger"].schema.items() if name in good}
    return pl.DataFrame([{**good, **file} for file in files], schema=schema)


def value(frame: pl.DataFrame, measure: str, **where: str) -> Any:
    """The one value of a measure."""
    [row] = frame.filter(pl.col("measure") == measure, **where).to_dicts()
    return row["value"]


def test_files_tell_what_was_accepted_refused_repeated_and_replaced() -> None:
    found = arrivals.of_files(
        ledger(
            {"accepted_rows": 90, "reason": "10 rows: price is not positive; ends inside a record"},
            {"rows_in_force": 50, "usable_units": 40, "expected_units": 80},
            {"file_name": "b.csv", "status": "refused", "local_days": [], "reason": "b.csv is empty"},
            {"file_name": "c.csv", "status": "refused", "local_days": [], "reason": "c.csv is empty"},
            {"status": "duplicate", "local_days": [], "reason": "has the same content as a.csv"},
            {"status": "received", "parsed_rows": None, "accepted_rows": None, "local_days": []},
            {"source": "others"},
        ),
        SOURCES,
    )
    whole = {"partition_name": "all"}
    assert set(found["table_name"]) == {"test/quotes"}
    assert value(found, "accepted_share", **whole) == pytest.approx(190 / 200)
    assert value(found, "rows_in_force", **whole) == pytest.approx(150 / 190)
    assert value(found, "usable_share", **whole) == 0.5
    assert value(found, "refused_files", **whole) == 0.5
    assert value(found, "repeated_files", **whole) == pytest.approx(1 / 6)
    assert value(found, "remarked_files", **whole) == 0.5
    assert value(found, "accepted_share", partition_name=str(DAY)) == pytest.approx(190 / 200)
    details = dict(found.filter(partition_name="all").select("measure", "detail").iter_rows())
    assert details["refused_files"] == "2 of them: the file is empty"
    assert details["accepted_share"] == "1 of them: 10 rows: price is not positive"
    assert details["remarked_files"] == "1 of them: ends inside a record"


def test_remarks_that_differ_in_numbers_are_one_and_each_is_counted_by_files() -> None:
    found = arrivals.of_files(
        ledger(
            {"reason": "21 repeated readings; ends inside a record"},
            {"reason": "24 repeated readings"},
            {"reason": "3 repeated readings; 1 contradictory reading"},
        ),
        SOURCES,
    )
    [detail] = found.filter(partition_name="all", measure="remarked_files")["detail"]
    assert detail.startswith("3 of them, such as: 21 repeated readings; 1 of them: 1 contradictory reading; 1 of them:")


def test_a_remark_that_somebody_lets_stand_asks_for_no_look_and_hides_no_other() -> None:
    rows = (
        {"file_name": "a.csv", "reason": "a.csv has 1,204 times without a zone; 21 repeated readings"},
        {"file_name": "b.csv", "reason": "b.csv has 98 times without a zone"},
        {"file_name": "c.csv", "reason": "4 rows: price is not positive"},
    )
    every = arrivals.of_files(ledger(*rows), SOURCES)
    assert value(every, "remarked_files", partition_name="all") == pytest.approx(2 / 3)
    # As the report tells it: without the name of the file, and with the numbers of one of them.
    known = "the file has 1,204 times without a zone"
    left = arrivals.of_files(ledger(*rows), SOURCES, [known])
    assert value(left, "remarked_files", partition_name="all") == pytest.approx(1 / 3)
    [detail] = left.filter(partition_name="all", measure="remarked_files")["detail"]
    assert detail == "1 of them: 21 repeated readings"
    both = arrivals.of_files(ledger(*rows), SOURCES, [known, "3 repeated readings", "4 rows: price is not positive"])
    assert value(both, "remarked_files", partition_name="all") == 0
    details = dict(both.filter(partition_name="all").select("measure", "detail").iter_rows())
    assert details["accepted_share"] == "1 of them: 4 rows: price is not positive", "rows are always told"


@pytest.mark.parametrize(
    ("name", "reason", "known"),
    [
        ("a.csv", "has no time; it is taken as noon", "has no time; it is taken as noon"),
        ("a.csv", "a.csv has no zone", "the file has no zone."),
        ("a.csv", "a.csv is of version 1.3", " the file is of version 2. "),
        ("a(1).csv", "a(1).csv has [x]* and \\d+", "the file has [x]* and \\d+"),
        ("e", "gives 21 of the 48 shares", "gives 1 of the 4,800 shares"),
        ("8", "gives 21 of the 48 shares", "gives 1 of the 4,800 shares"),
    ],
)
def test_a_remark_stands_as_the_report_tells_it_whatever_is_in_it(name: str, reason: str, known: str) -> None:
    """With what separates remarks, the full stop of the report, signs of patterns, and names that other words hold."""
    rows = ({"file_name": name, "reason": reason}, {"file_name": "z.csv", "reason": "lacks a day"})
    left = arrivals.of_files(ledger(*rows), SOURCES, [known])
    [detail] = left.filter(partition_name="all", measure="remarked_files")["detail"]
    assert detail == "1 of them: lacks a day"


def came(days: list[date], after: int = 1) -> list[dict[str, Any]]:
    """Files of days that came so many days after them."""
    return [
        {"local_days": [day], "received_utc": datetime(*day.timetuple()[:3], 6, tzinfo=UTC) + timedelta(days=after)}
        for day in days
    ]


def of_days(files: list[dict[str, Any]], as_of: date, cycle: UpdateCycle = DAILY, **options: Any) -> pl.DataFrame:
    return arrivals.of_days(
        ledger(*files), SOURCES, {"test/quotes": cycle}, as_of, "Europe/London", PARAMETERS, **options
    )


MARCH = [DAY + timedelta(days=n) for n in range(28)]
LAST = MARCH[-1]


def test_outages_are_listed_with_their_first_and_last_day() -> None:
    missing = {MARCH[5], MARCH[6], MARCH[20]}
    found = of_days(came([day for day in MARCH if day not in missing]), LAST + timedelta(days=1))
    outages = found.filter((pl.col("measure") == "outage_days") & (pl.col("value") > 0)).sort("day")
    assert outages["day"].to_list() == sorted(missing)
    assert outages["value"].to_list() == [2, 2, 1]
    assert outages["detail"][0] == f"none from {MARCH[5]} to {MARCH[6]}"


def test_what_is_not_due_is_not_missing() -> None:
    """On weekends that the register or the past excludes, on holidays, before the first and after the last day."""
    weekdays = [day for day in MARCH if day.isoweekday() < 6]
    for cycle in (DAILY, DAILY.model_copy(update={"weekdays": (1, 2, 3, 4, 5)})):
        found = of_days(came(weekdays), LAST + timedelta(days=1), cycle)
        assert found.filter(measure="outage_days")["value"].max() == 0
        assert value(found, "stale_days") == 0
    found = of_days(came(MARCH[:10] + MARCH[11:]), LAST, holidays=[MARCH[10]])
    assert found.filter(measure="outage_days")["value"].max() == 0


def test_late_days_and_stale_tables_are_counted_beyond_the_cycle() -> None:
    files = [*came(MARCH[:10]), *came(MARCH[10:11], after=7), *came(MARCH[11:])]
    found = of_days(files, LAST + timedelta(days=1))
    late = found.filter((pl.col("measure") == "days_late") & (pl.col("value") > 0))
    assert late.select("day", "value").rows() == [(MARCH[10], 5.0)]
    assert value(found, "stale_days") == 0
    later = of_days(files, LAST + timedelta(days=10))
    assert value(later, "stale_days") == 7
    # What should have come by then is missing too.
    assert later.filter((pl.col("measure") == "outage_days") & (pl.col("value") > 0)).height == 7


def test_deliveries_of_the_past_are_neither_late_nor_awaited() -> None:
    found = of_days(came(MARCH[:5] + MARCH[6:], after=400), LAST + timedelta(days=800))
    assert found.filter(measure="days_late")["value"].null_count() == 27
    assert value(found, "stale_days") is None
    # Within what was delivered, a day is missing all the same.
    outages = found.filter((pl.col("measure") == "outage_days") & (pl.col("value") > 0))
    assert outages["day"].to_list() == [MARCH[5]]


def test_a_month_may_pass_where_data_come_by_month_and_a_source_without_a_cycle_is_not_judged() -> None:
    monthly = UpdateCycle(every="month", within_days=10)
    files = [{"local_days": [], "received_utc": datetime(2026, 3, 1, 6, tzinfo=UTC)}]
    assert value(of_days(files, date(2026, 4, 11), monthly), "stale_days") == 0
    assert value(of_days(files, date(2026, 4, 15), monthly), "stale_days") == 4
    for every in ("irregular", "follows"):
        assert of_days(files, date(2030, 1, 1), UpdateCycle(every=every)).is_empty()


def version(number: int, days_ago: float, **made: object) -> Version:
    made_by = json.dumps(asdict(provenance(**made)))
    return Version("t", number, NOW - timedelta(days=days_ago), made_by)


def test_versions_say_what_made_them_and_whether_inputs_are_newer() -> None:
    tables = {"test/counts": COUNTS, "test/quotes": QUOTES}
    histories = {
        "test/quotes": [version(3, 1), version(2, 5), version(1, 9)],
        "test/counts": [version(0, 8, inputs={"test/quotes": "1:d"}), replace(version(0, 9), made=None)],
    }
    found = versions.of_versions(tables, histories, NOW)
    of_counts = {"table_name": "test/counts"}
    assert value(found, "explained_versions", **of_counts) == 0.5
    assert value(found, "explained_parts", **of_counts) == 1
    assert value(found, "inputs_behind_days", **of_counts) == pytest.approx(5)
    assert found.filter(measure="inputs_behind_days")["detail"].to_list() == ["test/quotes"]
    current = {**histories, "test/counts": [version(1, 0, inputs={"test/quotes": "3:d"}, code_version="")]}
    found = versions.of_versions(tables, current, NOW)
    assert value(found, "inputs_behind_days", **of_counts) == 0
    assert value(found, "explained_parts", **of_counts) == 0.75


def test_an_aggregate_whose_step_left_no_account_is_not_explained() -> None:
    table = CATALOGUE["mobile/operator_flows"]
    found = versions.of_versions({table.name: table}, {table.name: [version(0, 1)]}, NOW)
    assert found.filter(measure="explained_parts")["detail"].to_list() == ["disclosure step"]


def result(kind: str, *, success: bool, severity: str = "warning", **entry: Any) -> dict[str, Any]:
    configuration = {"type": f"expect_{kind}", "kwargs": {}, "severity": severity, "meta": entry.get("meta", {})}
    return {"success": success, "expectation_config": configuration, "result": entry.get("result", {})}


def test_expectations_are_told_by_dimension_with_their_notes() -> None:
    entries = [
        result("column_values_to_be_between", success=True),
        result(
            "column_values_to_be_between",
            success=False,
            meta={"name": "price_range", "notes": "Groceries cost less."},
            result={"unexpected_count": 3, "element_count": 1000},
        ),
        result("column_values_to_not_be_null", success=True),
        result("table_row_count_to_be_between", success=False, severity="critical", meta={"name": "row_count"}),
    ]
    found = verdicts.of_results({"test/quotes": {"result": {"results": entries}}})
    assert value(found, "expectations_met", dimension="validity") == 0.5
    assert value(found, "expectations_met", dimension="completeness") == 0.5
    assert value(found, "refused_batch") == 1
    told = found.filter(measure="expectations_met", dimension="validity")["detail"].to_list()
    assert told == ["price_range, 3 of 1,000 rows (Groceries cost less)"]
    good = verdicts.of_results({"test/quotes": {"result": {"results": entries[:2]}}})
    assert value(good, "refused_batch") == 0


def quotes(days: int = 12, shops: int = 3, of_shop: int = 150) -> pl.DataFrame:
    """Quotes of shops by day, one file each; the third shop has no unit prices."""
    frame = pl.DataFrame({"day": [DAY + timedelta(days=n) for n in range(days)]})
    frame = frame.join(pl.DataFrame({"shop": [f"shop {n}" for n in range(shops)]}), how="cross")
    frame = frame.join(pl.DataFrame({"line": range(of_shop)}, schema={"line": pl.Int64}), how="cross")
    return frame.select(
        "day",
        "shop",
        item_id=pl.format("item {}", pl.col("line") % 4),
        item=pl.format("name {}", pl.col("line") % 4),
        price=(pl.col("line") % 30 + 1).cast(pl.Float64),
        unit_price=pl.when(pl.col("shop") != "shop 2").then((pl.col("line") % 40).cast(pl.Float64)),
        in_scope=pl.col("line") % 7 != 0,
        drop_sha256=pl.format("{} {}", "shop", "day"),
        line="line",
    )


def of_contents(rows: pl.DataFrame, table: Table = QUOTES, **options: Any) -> pl.DataFrame:
    chosen = {"is_raw": True, "is_daily": True, **options}
    return contents.of_contents(table, rows.lazy(), (), PARAMETERS, **chosen)


def test_rows_are_counted_by_day_and_by_parts_of_few() -> None:
    found = of_contents(quotes())
    days = found.filter(measure="rows_of_day")
    assert set(days["measured_of"]) == {
        "all",
        *(f"shop shop {n}" for n in range(3)),
        *(f"item_id item {n}" for n in range(4)),
    }
    assert days.filter(measured_of="all")["value"].to_list() == [450.0] * 12
    without = quotes().filter((pl.col("shop") != "shop 1") | (pl.col("day") != DAY + timedelta(days=4)))
    gone = of_contents(without).filter(pl.col("measured_of") == "shop shop 1", pl.col("value") == 0)
    assert gone["day"].to_list() == [DAY + timedelta(days=4)]


def test_a_second_run_of_a_day_is_no_more_rows_but_half_a_file_is_fewer_and_a_doubled_one_more() -> None:
    day = pl.col("day") == DAY + timedelta(days=4)
    of_shop = day & (pl.col("shop") == "shop 1")
    again = quotes().filter(of_shop).with_columns(drop_sha256=pl.lit("a second run"))
    twice = quotes().filter(of_shop).with_columns(line=pl.col("line") + 1000)
    half = quotes().filter(~(of_shop & (pl.col("line") < 75)))
    for rows, expected in ((pl.concat([quotes(), again]), 150), (pl.concat([quotes(), twice]), 300), (half, 75)):
        found = of_contents(rows, is_of_runs=True).filter(measure="rows_of_day", measured_of="shop shop 1")
        assert found.filter(day)["value"].to_list() == [expected]


def test_where_files_are_no_runs_a_day_in_two_of_them_has_all_its_rows_and_one_that_comes_again_twice_as_many() -> None:
    day, shop = pl.col("day") == DAY + timedelta(days=4), pl.col("shop") == "shop 1"
    late = pl.when(day & shop & (pl.col("line") < 5)).then(pl.lit("the rest of the day")).otherwise("drop_sha256")
    in_two = quotes().with_columns(drop_sha256=late)
    again = pl.concat([quotes(), quotes().filter(day & shop).with_columns(drop_sha256=pl.lit("packed anew"))])
    for rows, expected in ((in_two, 150), (again, 300)):
        found = of_contents(rows).filter(measure="rows_of_day", measured_of="shop shop 1")
        assert found.filter(day)["value"].to_list() == [expected]


READINGS = replace(
    QUOTES, name="test/readings", key=("drop_sha256", "line", "shop", "day"), sensitivity=Sensitivity.INDIVIDUAL
)


def by_day(rows: pl.DataFrame) -> dict[date, float]:
    """Rows of a day of a table whose files come at no fixed time."""
    found = of_contents(rows, READINGS, is_daily=False, unit="shop").filter(measure="rows_of_day")
    assert set(found["measured_of"]) <= {"each shop once"}
    return dict(found.select("day", "value").iter_rows())


def test_of_files_that_have_every_day_units_are_followed_and_a_day_without_any_is_told() -> None:
    rows = quotes(days=40, shops=10, of_shop=1)
    first, out = DAY, [DAY + timedelta(days=n) for n in (7, 20, 21)]
    told = by_day(rows.filter(~pl.col("day").is_in(out)))
    assert told == {first + timedelta(days=n): 0 if first + timedelta(days=n) in out else 10 for n in range(40)}
    again = rows.head(15).with_columns(drop_sha256=pl.lit("a correction"))
    assert set(by_day(pl.concat([rows, again])).values()) == {10}
    fewer = by_day(rows.filter((pl.col("day") < out[1]) | (pl.col("shop") < "shop 4")))
    assert (fewer[out[0]], fewer[out[1]]) == (10, 4)
    assert by_day(rows.clear()) == {}


def test_a_wrong_date_and_a_delivery_of_months_later_are_no_days_without_rows() -> None:
    rows = quotes(days=20, shops=10, of_shop=1)
    first, last = DAY, DAY + timedelta(days=19)
    of_one = rows.head(1)
    wrong = [of_one.with_columns(day=pl.lit(first - timedelta(days=n))) for n in (9, 4000)]
    later = rows.with_columns(pl.col("day") + pl.duration(days=200))
    told = by_day(pl.concat([rows, *wrong, later]))
    expected = [each + timedelta(days=n) for each in (first, first + timedelta(days=200)) for n in range(20)]
    assert told == dict.fromkeys(expected, 10)
    within = by_day(pl.concat([rows, rows.with_columns(pl.col("day") + pl.duration(days=30))]))
    assert [day for day, n in within.items() if n == 0] == [last + timedelta(days=n) for n in range(1, 11)]


def test_days_that_are_not_due_yet_are_left_out() -> None:
    found = of_contents(quotes(), until=DAY + timedelta(days=3))
    assert found["day"].max() == DAY + timedelta(days=3)


def test_typical_values_and_filled_shares_are_those_of_the_rows() -> None:
    found = of_contents(quotes()).filter(day=DAY)
    expected = quotes().filter(day=DAY).select(pl.col("price").log().mean().exp()).item()
    assert value(found, "typical_value", measured_of="price") == pytest.approx(expected)
    assert value(found, "filled_share", measured_of="unit_price") == pytest.approx(2 / 3)


def test_what_says_the_same_in_every_row_or_of_one_part_is_named() -> None:
    found = of_contents(quotes().with_columns(in_scope=pl.lit(value=True)))
    assert value(found, "same_everywhere", measured_of="in_scope") == 1
    assert value(of_contents(quotes()), "same_everywhere", measured_of="in_scope") == 0
    parts = found.filter(measure="same_in_group", measured_of="unit_price by shop")
    assert parts["value"].to_list() == [1]
    assert parts["detail"].to_list() == ["unit_price where shop is shop 2"]
    zeros = quotes().with_columns(unit_price=pl.col("unit_price").fill_null(0.0))
    assert value(of_contents(zeros), "same_in_group", measured_of="unit_price by shop") == 1
    filled = quotes().with_columns(unit_price=pl.col("price") * 2)
    assert value(of_contents(filled), "same_in_group", measured_of="unit_price by shop") == 0


def test_codes_with_two_names_are_named() -> None:
    renamed = pl.when((pl.col("line") == 4) & (pl.col("shop") == "shop 0")).then(pl.lit("NAME 0")).otherwise("item")
    found = of_contents(quotes().with_columns(item=renamed)).filter(measure="codes_with_names")
    assert found.select("value", "detail").rows() == [(0.25, "item 0: NAME 0 | name 0")]
    assert value(of_contents(quotes()), "codes_with_names") == 0


def test_of_an_individual_table_rows_are_counted_and_no_value_is_told() -> None:
    table = replace(QUOTES, name="test/people", sensitivity=Sensitivity.INDIVIDUAL)
    marked = quotes().with_columns(shop=pl.lit("MARKER4711"), item=pl.lit("MARKER4711"), price=pl.lit(4711.0))
    found = of_contents(marked, table)
    assert set(found["measure"]) == {"rows_of_day", "filled_share"}
    assert "4711" not in found.write_csv()


def test_a_derived_table_is_measured_by_what_it_adds() -> None:
    found = contents.of_contents(QUOTES, quotes().lazy(), QUOTES.column_names, PARAMETERS)
    assert found.is_empty()
    derived = replace(QUOTES, name="test/checked", key=("day", "drop_sha256", "line"))
    lost = quotes().filter(~((pl.col("day") == DAY) & (pl.col("line") < 50)))
    ratio = contents.of_derivation(derived, lost.lazy(), QUOTES, quotes().lazy(), 100)
    assert ratio.filter(day=DAY)["value"].to_list() == [pytest.approx(2 / 3)]
    assert ratio.filter(pl.col("day") != DAY)["value"].to_list() == [1.0] * 11
    assert contents.of_derivation(COUNTS, COUNTS.empty().lazy(), QUOTES, quotes().lazy(), 100).is_empty()
    assert contents.of_derivation(derived, lost.lazy(), QUOTES, quotes().lazy(), 1000).is_empty()


def test_repeats_flags_and_findings_are_counted() -> None:
    twice = pl.concat([quotes(), quotes().filter(day=DAY).with_columns(line=pl.col("line") + 1000)])
    repeats = contents.of_repeats(
        Repeats("test/quotes", ("day", "shop", "item_id", "price", "unit_price")), twice.lazy()
    )
    different = twice.select(pl.struct("day", "shop", "item_id", "price", "unit_price").n_unique()).item()
    assert repeats["value"].to_list() == [pytest.approx(1 - different / len(twice))]
    flag = contents.of_flag(Flag("test/quotes", "in_scope", Dimension.ACCURACY), quotes().lazy())
    assert value(flag, "flagged_rows", dimension="accuracy") == pytest.approx(quotes()["in_scope"].mean())
    report = replace(QUOTES, name="test/report")
    rows = quotes().with_columns(
        finding=pl.when(pl.col("day") <= MARCH[2]).then(pl.lit("empty")).otherwise(pl.lit("none"))
    )
    asked = Findings("test/report", "test/quotes", "finding", "none", {"empty": Dimension.COMPLETENESS})
    [row] = contents.of_findings(asked, report, rows.lazy()).to_dicts()
    assert (row["value"], row["dimension"], row["table_name"]) == (0.25, "completeness", "test/quotes")
    assert row["measured_of"] == "empty in test/report"


def test_rows_are_those_that_files_have_in_force() -> None:
    files = ledger({}, {"rows_in_force": 50}, {"status": "superseded", "rows_in_force": 0})
    assert value(relations.of_ledger({"test/quotes": 150}, files, SOURCES), "ledger_gap") == 0
    assert value(relations.of_ledger({"test/quotes": 120}, files, SOURCES), "ledger_gap") == pytest.approx(0.2)
    assert relations.of_ledger({}, files, SOURCES).is_empty()
    assert value(relations.of_conserved(Conserved("a/b", "c/d"), 90, 100), "conserved_rows") == pytest.approx(0.1)


def test_keys_are_looked_for_in_the_reference() -> None:
    rows = pl.LazyFrame({"area": ["a", "a", "b", None]})
    check = Reference("test/quotes", "area", "test/areas", "code")
    assert value(relations.of_reference(check, rows, pl.LazyFrame({"code": ["a"]})), "unknown_keys") == pytest.approx(
        1 / 3
    )
    assert value(relations.of_reference(check, rows, pl.LazyFrame({"code": ["a", "b", "c"]})), "unknown_keys") == 0
    # A reference that has none of them is of another country, and no key is wrong for that.
    assert value(relations.of_reference(check, rows, pl.LazyFrame({"code": ["x"]})), "unknown_keys") is None


def test_totals_are_no_less_than_their_parts() -> None:
    columns = (Column("area", pl.String(), "area"), Column("n", pl.Int64(), "number"))
    rule = Counts(unit="users", count="n", margins=(all_of("area"),))
    table = Table("test/flows", "A.", columns, ("area",), Sensitivity.AGGREGATE, "team:test", "tests", disclosure=rule)
    rows = pl.DataFrame({"area": ["a", "b", "all"], "n": [10, 20, 30]})
    assert value(relations.of_sums(table, rows), "broken_sums") == 0
    assert value(relations.of_sums(table, rows.filter(pl.col("area") != "a")), "broken_sums") == 0
    assert value(relations.of_sums(table, rows.with_columns(n=pl.Series([15, 20, 30]))), "broken_sums") == 1
    assert relations.of_sums(COUNTS, COUNTS.empty()).is_empty()


@pytest.mark.parametrize(("whole", "broken"), [(30.0, 0), (29.9, 0), (29.8, 1)])
def test_numbers_that_are_told_to_one_decimal_may_miss_their_total_by_their_rounding(whole: float, broken: int) -> None:
    columns = (Column("area", pl.String(), "area"), Column("n", pl.Float64(), "number"))
    rule = Counts(unit="users", count="n", margins=(all_of("area"),))
    table = Table("test/flows", "A.", columns, ("area",), Sensitivity.AGGREGATE, "team:test", "tests", disclosure=rule)
    rows = pl.DataFrame({"area": ["a", "b", "all"], "n": [10.0, 20.0, whole]})
    assert value(relations.of_sums(table, rows), "broken_sums") == broken


def test_figures_are_held_against_what_is_known() -> None:
    rows = pl.LazyFrame({"model": ["m", "m", "guess"], "accuracy": [0.7, 0.9, 0.5]})
    check = Comparison("a/accuracy", "a/model", "better_than_guessing", "accuracy", {"model": "m"}, {"model": "guess"})
    [row] = relations.of_comparison(check, rows).to_dicts()
    assert (row["table_name"], row["measured_of"], row["value"]) == ("a/model", "a/accuracy", pytest.approx(0.3))
    assert relations.of_comparison(check, rows.filter(model="m")).is_empty()


def test_what_is_asked_of_tables_is_about_tables_that_there_are() -> None:
    """Whatever the checks name exists, with these columns, so that nothing is passed over for a slip of the pen."""
    for repeats in checks.REPEATS:
        assert {*repeats.same} <= {*CATALOGUE[repeats.table].column_names}
    for flag in checks.FLAGS:
        assert CATALOGUE[flag.table].schema[flag.column] == pl.Boolean
    for findings in checks.FINDINGS:
        assert findings.column in CATALOGUE[findings.report].column_names
        assert findings.about in CATALOGUE
    for conserved in checks.CONSERVED:
        assert {conserved.table, conserved.of} <= CATALOGUE.keys()
    for reference in checks.REFERENCES:
        assert reference.column in CATALOGUE[reference.table].column_names
        assert reference.key in CATALOGUE[reference.reference].column_names
    for comparison in checks.COMPARISONS:
        table = CATALOGUE[comparison.table]
        assert {comparison.column, *comparison.where, *comparison.less} <= {*table.column_names}
        assert not table.is_individual
        assert comparison.about in CATALOGUE
