"""A report is written of a home with little in it: one table, an empty one, files alone, any few of them."""

from datetime import date
from pathlib import Path
from random import Random

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.report import gather, write_report
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
