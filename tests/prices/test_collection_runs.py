from datetime import date

import polars as pl

from ons_assets.lakehouse import lake
from ons_assets.prices.collection_runs import collection_runs
from tests.workbench import Workbench, day_of, record, run

DAY = date(2016, 7, 21)


def runs(workbench: Workbench) -> pl.DataFrame:
    return collection_runs(
        lake.read(workbench.home, workbench.table),
        workbench.ledger.frame(),
        workbench.source.describe,  # type: ignore[attr-defined]
    )


def test_every_run_that_came_is_there_the_empty_one_too(workbench: Workbench) -> None:
    workbench.register("tesco_products_20160721050000.csv", run(*day_of(DAY), record(item_price_num=-1)))
    workbench.register("sainsbury_products_20160722050000.csv", b"")
    workbench.register("tesco_2016-07-23.csv", run())
    workbench.register("holiday.csv", b"")
    workbench.ingest()
    found = runs(workbench)
    assert found.select(
        "retailer",
        "run",
        "started_on",
        "parsed_rows",
        "accepted_rows",
        "quarantined_rows",
        "refused",
        "ends_inside_record",
    ).rows() == [
        ("tesco", "20160721050000", DAY, 4, 3, 1, False, False),
        ("sainsbury", "20160722050000", date(2016, 7, 22), 0, 0, 0, True, False),
        ("tesco", "2016-07-23", date(2016, 7, 23), 0, 0, 0, True, False),
    ]
    assert found["size_bytes"][1] == 0
    assert found["reason"][1] == "sainsbury_products_20160722050000.csv is empty"


def test_a_run_that_was_cut_short_says_so(workbench: Workbench) -> None:
    workbench.register("tesco_products_20160721050000.csv", run(*day_of(DAY)) + b"2016-07-21 05")
    workbench.ingest()
    assert runs(workbench).select("ends_inside_record", "parsed_rows").rows() == [(True, 4)]


def test_a_run_that_was_refused_and_came_again_is_whole(workbench: Workbench) -> None:
    workbench.register("tesco_products_20160721050000.csv", b"")
    workbench.register("tesco_products_20160721050000.csv", run(*day_of(DAY)))
    workbench.ingest()
    assert runs(workbench).select("refused", "accepted_rows").rows() == [(False, 3)]


def test_a_superseded_run_and_a_duplicate_count_once(workbench: Workbench) -> None:
    name = "tesco_products_20160721050000.csv"
    workbench.register(name, run(*day_of(DAY)))
    workbench.register(name, run(*day_of(DAY, price=2.0, quotes=5)))
    workbench.register("copy.csv", run(*day_of(DAY, price=2.0, quotes=5)))
    workbench.ingest()
    assert runs(workbench).select("run", "accepted_rows").rows() == [("20160721050000", 5)]


def test_of_a_file_with_many_runs_each_is_a_run(workbench: Workbench) -> None:
    header = "run," + run().decode().strip()
    lines = [f"A,{line}" for line in day_of(DAY)] + [f"B,{line}" for line in day_of(DAY, quotes=2)]
    content = "\n".join([header, *lines, f"A,{record(item_price_num=0)}", ""]).encode()
    workbench.register("all.csv", content)
    workbench.ingest()
    assert runs(workbench).select("run", "accepted_rows", "quarantined_rows").rows() == [("A", 3, 0), ("B", 2, 0)]


def test_a_run_over_midnight_starts_on_its_first_day(workbench: Workbench) -> None:
    rows = [record(timestamp="2016-07-21 23:59:59"), record(timestamp="2016-07-22 00:00:01")]
    workbench.register("tesco_products_20160721235900.csv", run(*rows))
    workbench.ingest()
    assert runs(workbench).select("started_on", "accepted_rows").rows() == [(DAY, 2)]


def test_no_runs() -> None:
    from ons_assets.catalogue import CATALOGUE

    found = collection_runs(
        CATALOGUE["prices/raw_quotes"].empty().lazy(), CATALOGUE["governance/drop_ledger"].empty(), lambda _: {}
    )
    assert found.is_empty()
