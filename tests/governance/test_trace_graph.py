"""Backward and forward: from a partition to its files, and from a file to the partitions made of it."""

from pathlib import Path

import pytest

from ons_assets.governance.trace import graph
from ons_assets.governance.trace.history import UNKNOWN
from ons_assets.lakehouse import commits, lake
from ons_assets.lakehouse.commits import WHOLE
from tests.governance.small_lake import BY_BUCKET, FILES, GROWN, RAW, TABLES, TOTAL, SmallLake, hashed

SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_directions_say_what_is_so(tmp_path: Path, seed: int) -> None:
    """In every version of every table, a file is behind a partition if and only if the partition is made of it."""
    made = SmallLake.at(tmp_path, seed, commits=14)
    history = made.history
    forward = {hashed(number): graph.forward(history, hashed(number)) for number in range(FILES)}
    for name, versions in made.truth.items():
        for version, parts in enumerate(versions):
            assert set(history.view(name, version).commit_of) == set(parts)
            for partition, files in parts.items():
                origin = graph.backward(history, name, version, [partition])
                assert set(origin.drops) == files, (name, version, partition)
                assert origin.is_exact
                made_of = {
                    sha256
                    for sha256, (dependents, _) in forward.items()
                    if any(d.table == name and d.partition == partition and d.holds(version) for d in dependents)
                }
                assert made_of == files, (name, version, partition)
    assert not any(doubts for _, doubts in forward.values())


@pytest.mark.parametrize("seed", [3, 5])
def test_what_wrote_a_partition_is_what_the_log_of_delta_says(tmp_path: Path, seed: int) -> None:
    """The file of a partition was added by the commit that is told to have written it."""
    made = SmallLake.at(tmp_path, seed, commits=14)
    history = made.history
    for name, versions in made.truth.items():
        for version in range(len(versions)):
            for partition, number in history.view(name, version).commit_of.items():
                files = commits._partitions(made.home, TABLES[name], version)
                assert len(files[0]) == len(versions[version])
                added = (made.home.table(name) / "_delta_log" / f"{number:020}.json").read_text()
                assert partition == WHOLE or f"={partition}/" in added


def forget(made: SmallLake, name: str) -> None:
    lake.forget_history(made.home.table(name))


@pytest.mark.parametrize("seed", [1, 4])
def test_what_is_forgotten_is_said_and_nothing_is_missed(tmp_path: Path, seed: int) -> None:
    made = SmallLake.at(tmp_path, seed, commits=16)
    forget(made, RAW.name)
    forget(made, BY_BUCKET.name)
    history = made.history
    forward = {hashed(number): graph.forward(history, hashed(number))[0] for number in range(FILES)}
    inexact = 0
    for name, versions in made.truth.items():
        for version, parts in enumerate(versions):
            for partition, files in parts.items():
                try:
                    origin = graph.backward(history, name, version, [partition])
                except commits.Forgotten:
                    assert name in (RAW.name, BY_BUCKET.name)
                    continue
                inexact += not origin.is_exact
                # Never fewer than there are; the same where nothing was forgotten on the way.
                assert files <= set(origin.drops)
                assert set(origin.drops) == files or not origin.is_exact
                written_by = history.commit(name, history.view(name, version).commit_of[partition])
                known = partition in history.counted(written_by)
                for sha256, dependents in forward.items():
                    holds = any(
                        each.table == name
                        and each.first == written_by.number
                        and (each.partition == partition or (each.partition == UNKNOWN and not known))
                        and each.holds(version)
                        for each in dependents
                    )
                    assert holds == (sha256 in origin.drops), (name, version, partition, sha256)
    assert inexact


def test_a_vacuumed_version_is_told_from_one_that_never_was(tmp_path: Path) -> None:
    made = SmallLake(SmallLake.at(tmp_path, 0, 0).home, SmallLake.at(tmp_path / "b", 0, 0).chance)
    for _ in range(3):
        made._raw(RAW)
    gone = next(made.home.table(RAW.name).rglob("*.parquet"))
    version = next(
        number
        for number in range(3)
        if gone in commits._files(commits._opened(made.home, RAW, number), gone.parents[1])
    )
    gone.unlink()
    with pytest.raises(commits.Forgotten, match=r"can no longer be read: 1 of its \d+ files? were deleted"):
        commits.rows(made.home, RAW, version)
    origin = graph.backward(made.history, RAW.name, version)
    assert any("can no longer be read" in doubt for doubt in origin.doubts)
    with pytest.raises(LookupError, match=r"has no version 9: its versions are 0 to 2"):
        made.history.commit(RAW.name, 9)


def test_the_version_that_was_read_is_followed_and_not_the_latest(tmp_path: Path) -> None:
    """A total of version 0 of its input does not change when the input does."""
    made = SmallLake.at(tmp_path, 0, 0)
    while TOTAL.name not in made.truth:
        made.step()
    before = graph.backward(made.history, TOTAL.name, 0)
    read = dict(made.history.inputs(made.history.commit(TOTAL.name, 0)))
    for _ in range(4):
        made._raw(RAW)
        made._derived(BY_BUCKET)
    after = graph.backward(made.history, TOTAL.name, 0)
    assert after.drops == before.drops
    assert set(after.views) >= set(read.items())


def test_a_grown_table_is_made_of_its_own_past(tmp_path: Path) -> None:
    """A table that feeds itself is followed through its versions."""
    made = SmallLake.at(tmp_path, 2, 0)
    while len(made.truth.get(GROWN.name, [])) < 3:
        made.step()
    origin = graph.backward(made.history, GROWN.name, 2)
    assert {(GROWN.name, 0), (GROWN.name, 1), (GROWN.name, 2)} <= set(origin.made)
