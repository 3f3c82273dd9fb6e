"""A file that could not be read because of its name is read under its right one, when somebody asks for it."""

from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse import quarantine
from ons_assets.lakehouse.home import Home
from ons_assets.operations import UnknownName
from ons_assets.settings import Settings
from tests.intake.test_corrections import JANUARY, LAYOUT


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    operations.open_home(settings)
    folder = settings.home / "layouts" / "prices"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "my.yaml").write_text(LAYOUT)
    return settings


def bring(settings: Settings, *names: str) -> None:
    folder = settings.home.parent / "supplier"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(JANUARY)
    operations.take(settings, [folder / name for name in names], "prices", quiet)
    operations.read_waiting(settings, quiet)


def statuses(settings: Settings) -> dict[str, str]:
    return {drop.name: str(drop.status) for drop in Ledger(Home(settings.home)).drops()}


@pytest.mark.parametrize("together", [True, False])
def test_a_right_name_is_asked_for_and_the_order_of_arrival_does_not_matter(
    settings: Settings, *, together: bool
) -> None:
    if together:
        bring(settings, "jan.csv", "preise_jan.csv")
    else:
        bring(settings, "jan.csv")
        bring(settings, "preise_jan.csv")
    assert statuses(settings) == {"jan.csv": "refused", "preise_jan.csv": "duplicate"}
    [again], _ = operations.retry(settings, ["preise_jan.csv"], quiet)
    assert again.name == "preise_jan.csv"
    assert statuses(settings) == {"jan.csv": "duplicate", "preise_jan.csv": "accepted"}
    [former] = [drop for drop in Ledger(Home(settings.home)).drops() if drop.status is Status.DUPLICATE]
    assert former.reason == "jan.csv has the same content as preise_jan.csv"
    assert quarantine.entries(Home(settings.home)) == []
    with pytest.raises(UnknownName):
        operations.retry(settings, ["jan.csv"], quiet)


def test_what_no_name_helps_is_refused_under_the_last_one(settings: Settings) -> None:
    bring(settings, "jan.csv", "feb.csv")
    operations.retry(settings, ["feb.csv"], quiet)
    assert statuses(settings) == {"jan.csv": "duplicate", "feb.csv": "refused"}
    operations.retry(settings, [], quiet)
    assert statuses(settings) == {"jan.csv": "duplicate", "feb.csv": "refused"}
    assert len(quarantine.entries(Home(settings.home))) == 1
