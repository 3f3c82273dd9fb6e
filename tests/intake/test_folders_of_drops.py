"""A folder of drops is taken whole: each file by the source that its folder is named after."""

from datetime import date
from pathlib import Path

import pytest

from ons_assets import operations
from ons_assets.intake.ledger import Status
from ons_assets.settings import Settings
from tests.run_files import write_run, write_weights

DAY = date(2016, 7, 21)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    chosen = Settings(home=tmp_path / "home")
    operations.open_home(chosen)
    return chosen


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder of drops of two sources, with what does not belong to them."""
    made = tmp_path / "made"
    for name in ("prices", "population", "prices/taken", ".git", "taken"):
        (made / name).mkdir(parents=True)
    write_run(made / "prices", "tesco", DAY)
    # By its columns nobody could say whose it is.
    (made / "population" / "people.csv").write_text("area,population,side,workers\nE1,100,home,40\n")
    (made / "prices" / "later.csv.part").write_text("not finished")
    return made


def taken(settings: Settings, *paths: Path, source: str | None = None) -> operations.Taken:
    return operations.take_given(settings, paths, source, lambda _: None)


def test_each_file_is_of_the_source_that_its_folder_is_named_after(settings: Settings, made: Path) -> None:
    found = taken(settings, made)
    assert {drop.source for drop in found.drops} == {"prices", "population"}
    assert len(found.drops) == 2
    assert not found.left
    assert not found.passed_over
    assert {path.name for path in made.rglob("*.csv")} >= {"people.csv"}, "what is not in a drop folder stays"


def test_files_beside_the_folders_are_recognised_and_the_order_is_that_in_which_they_were_given(
    settings: Settings, made: Path, tmp_path: Path
) -> None:
    write_weights(made)
    first = write_run(tmp_path, "waitrose", DAY)
    found = taken(settings, first, made)
    assert found.drops[0].original_name == first.name
    assert {drop.source for drop in found.drops} == {"prices", "population", "item_weights"}


def test_a_folder_of_no_known_name_is_passed_over_in_a_sentence(settings: Settings, made: Path) -> None:
    (made / "price").mkdir()
    (made / "price" / "a.csv").write_text("a\n")
    found = taken(settings, made)
    assert len(found.drops) == 2
    [sentence] = found.passed_over
    assert sentence == f"nothing was taken from {made / 'price'}: there is no source 'price'; did you mean prices?"


def test_a_folder_without_folders_of_sources_is_none_of_drops(settings: Settings, made: Path) -> None:
    """It is refused as a file would be that is none."""
    [sentence] = taken(settings, made / "prices").left
    assert sentence.startswith("no source recognises prices; say whose it is with --source")
    [drop] = taken(settings, made, source="population").drops
    assert (drop.status, drop.reason) == (Status.REFUSED, "made is a directory, not a file")


def test_the_drop_folders_of_a_home_are_taken_by_their_path_as_without_one(settings: Settings) -> None:
    drops = settings.home / "drops"
    write_run(drops / "prices", "tesco", DAY)
    found = taken(settings, drops)
    assert [drop.source for drop in found.drops] == ["prices"]
    assert not list((drops / "prices").glob("*.csv")), "it is moved to those that were taken"
    assert not taken(settings, drops).drops
