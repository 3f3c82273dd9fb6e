"""A report is written of a home with little in it: one table, an empty one, files alone, any few of them."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.report import gather, methods, write_report
from ons_assets.governance.report.summary import summary
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.operations.reporting import in_short, write
from ons_assets.settings import Settings
from tests.governance.report_world import ACCESSES, SCORECARD, accesses, made, scored

FEW = [Random(seed).sample(sorted(CATALOGUE), count) for seed, count in enumerate((0, 1, 1, 2, 5, 12))]


@pytest.mark.parametrize("names", FEW, ids=len)
@pytest.mark.parametrize("with_ledger", [False, True])
def test_a_report_is_written_of_any_few_tables(tmp_path: Path, names: list[str], with_ledger: bool) -> None:
    home, settings = Home(tmp_path).ensure(), Settings(home=tmp_path)
    for name in names:
        lake.publish(home, CATALOGUE[name], CATALOGUE[name].empty().lazy(), made())
    if with_ledger:
        Ledger(home)
    assert write_report(home, settings).is_file()
    assert summary(gather(home, settings))


def test_a_report_is_written_of_one_table_with_rows_or_of_the_scorecard_alone(tmp_path: Path) -> None:
    for number, (table, rows) in enumerate(((ACCESSES, accesses(3)), (SCORECARD, scored()))):
        home = Home(tmp_path / str(number)).ensure()
        lake.publish(home, table, rows.lazy(), made())
        assert write_report(home, Settings(home=home.root)).is_file()


def test_a_report_is_written_for_any_days(tmp_path: Path) -> None:
    home, settings = Home(tmp_path).ensure(), Settings(home=tmp_path)
    Ledger(home)
    for first, last in ((None, None), (date.min, date.max), (date.max, date.max), (date.min, date.min)):
        assert in_short(settings, first, last)
    assert write(settings, date.min, date.max).is_file()


def test_pages_of_methods_are_read_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, alone = [], methods._alone

    def looked_at(tokens: Any) -> Any:
        reading.append(methods.ONE_AT_A_TIME.locked())
        return alone(tokens)

    monkeypatch.setattr(methods, "_alone", looked_at)
    methods.method_page.__wrapped__("# A method\n\nIt [is](elsewhere.md).\n")
    assert reading == [True]


def test_pages_of_methods_come_out_alike_where_two_threads_begin_to_read() -> None:
    """What the library fills at its first use must not be found half full; it once was, in one home of a hundred."""
    folder = Path(__file__).resolve().parents[2] / "docs" / "methods"
    texts = [page.read_text() for page in sorted(folder.glob("*.md"), key=lambda page: page.stat().st_size)[:4]]
    page_of = methods.method_page.__wrapped__
    right = [page_of(text) for text in texts]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            methods._reader.cache_clear()
            barrier = Barrier(len(texts))

            def made_of(text: str, barrier: Barrier = barrier) -> Any:
                barrier.wait()
                return page_of(text)

            with ThreadPoolExecutor(len(texts)) as pool:
                assert [*pool.map(made_of, texts)] == right
    finally:
        sys.setswitchinterval(before)
