"""Older versions are forgotten: their rows, and what the log says of values; what made them stays. Or it goes on."""

from contextlib import suppress
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake.recovery import recover
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Between
from tests.workbench import PERSONS, provenance

DAY, NEXT = date(2020, 1, 1), date(2020, 1, 2)
GONE, STAYS = "a-person-who-goes", "a-person-who-stays"


def rows(person: str, day: date = DAY) -> pl.LazyFrame:
    return pl.LazyFrame([(day, person, None, 1.0)], schema=PERSONS.schema, orient="row")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A table of which an older version, but not the latest, is about somebody."""
    made = Home(tmp_path / "a home é").ensure()
    for number in range(12):
        person = GONE if number % 2 else STAYS
        lake.publish(
            made, PERSONS, rows(person), provenance(f"run-{number}"), Between("day", DAY, DAY) if number else None
        )
    lake.publish(made, PERSONS, rows(STAYS), provenance("last"))
    return made


def mentions(home: Home) -> list[str]:
    return [path.name for path in home.lake.rglob("*") if path.is_file() and GONE.encode() in path.read_bytes()]


def check(home: Home) -> None:
    assert mentions(home) == []
    assert lake.read(home, PERSONS).collect()["person"].to_list() == [STAYS]
    made = [version.provenance.run_id for version in lake.history(home, PERSONS) if version.provenance]
    assert made == ["last", *(f"run-{number}" for number in range(11, -1, -1))]
    for number in range(12):
        with pytest.raises(LookupError):
            lake.read(home, PERSONS, number).collect()
    assert lake.remove_orphans(home.table(PERSONS.name)) == []
    # And it is a table like any other.
    lake.publish(
        home, PERSONS, rows("b", date(2020, 1, 2)), provenance("next"), Between("day", *[date(2020, 1, 2)] * 2)
    )
    assert lake.read(home, PERSONS).collect().height == 2
    assert lake.read(home, PERSONS, 12).collect().height == 1


def test_what_older_versions_had_is_gone(home: Home) -> None:
    assert mentions(home) != []
    lake.forget_history(home.table(PERSONS.name))
    check(home)


class Died(BaseException):
    """The process is gone."""


def test_died_at_every_file_it_is_forgotten_all_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink, write = Path.unlink, lake.write_atomically
    done: list[Path] = []

    def then_die(path: Path) -> None:
        if done:
            raise Died
        done.append(path)

    def unlinked(path: Path, **keywords: bool) -> None:
        then_die(path)
        unlink(path, **keywords)

    def written(path: Path, content: bytes) -> None:
        then_die(path)
        write(path, content)

    deaths = 0
    while mentions(home) or done:
        done.clear()
        with monkeypatch.context() as patched, suppress(Died):
            patched.setattr(Path, "unlink", unlinked)
            patched.setattr(lake, "write_atomically", written)
            lake.forget_history(home.table(PERSONS.name))
        deaths += 1
        assert recover(home)
        assert lake.read(home, PERSONS).collect()["person"].to_list() == [STAYS]
    assert deaths > 20
    check(home)


def test_a_table_whose_files_are_not_there_is_left_alone(home: Home) -> None:
    table = home.table(PERSONS.name)
    [live] = lake._as_files(lake.DeltaTable(table), table)
    Path(live).unlink()
    before = sorted(path.name for path in table.rglob("*.parquet"))
    with pytest.raises(FileNotFoundError, match="1 of its 1 files are not there"):
        lake.forget_history(table)
    assert {*before} <= {path.name for path in table.rglob("*.parquet")}
