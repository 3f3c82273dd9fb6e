"""Hourly files outlive a kill at any byte: what was committed is there, what was not is cut off."""

import gzip
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ons_assets.collectors.streams import hour_files
from ons_assets.collectors.streams.hour_files import HourFiles, whole_bytes
from ons_assets.settings import Drops

NOW = datetime(2026, 3, 1, 12, 59, 59, tzinfo=UTC)
BATCHES = [[b'{"n":%d}' % (10 * batch + each) for each in range(batch % 4 + 1)] for batch in range(8)]


def lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def part(folder: Path) -> Path:
    [found] = folder.glob("*.part")
    return found


def test_a_file_has_its_name_when_the_hour_is_over(tmp_path: Path) -> None:
    files = HourFiles(tmp_path, "local")
    files.commit([b"1"], NOW)
    files.commit([], NOW)
    files.commit([b"2", b"3"], NOW)
    assert [each.name for each in tmp_path.iterdir()] == ["local_20260301T125959Z.jsonl.gz.part"]
    assert part(tmp_path).stat().st_mode & 0o777 == 0o600
    assert not files.is_of_another_hour(NOW)
    assert files.is_of_another_hour(NOW + timedelta(seconds=1))
    [made] = files.complete()
    assert made.name == "local_20260301T125959Z.jsonl.gz"
    assert lines(made) == [b"1", b"2", b"3"]
    assert files.complete() == []
    files.commit([b"4"], NOW)
    [later] = files.complete()
    assert later.name == "local_20260301T130000Z.jsonl.gz", "none takes the place of one that is there"


def test_a_kill_at_any_byte_leaves_what_was_committed(tmp_path: Path) -> None:
    """Every length that a file ever had, and every one between two commits."""
    files, ends = HourFiles(tmp_path / "a", "local"), [(0, 0)]
    (tmp_path / "a").mkdir()
    for batch in BATCHES:
        files.commit(batch, NOW)
        ends.append((part(tmp_path / "a").stat().st_size, ends[-1][1] + len(batch)))
    content, every = part(tmp_path / "a").read_bytes(), [each for batch in BATCHES for each in batch]
    for length in range(len(content) + 1):
        folder = tmp_path / f"{length}"
        folder.mkdir()
        (folder / part(tmp_path / "a").name).write_bytes(content[:length])
        again = HourFiles(folder, "local")
        again.recover(NOW)
        again.commit([b"after"], NOW)
        [made] = again.complete()
        committed = max(number for size, number in ends if size <= length)
        assert lines(made) == [*every[:committed], b"after"]


def test_no_file_holds_more_than_the_way_in_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Drops().max_unpacked_bytes > 2 * hour_files.MOST_CONTENT_BYTES
    monkeypatch.setattr(hour_files, "MOST_CONTENT_BYTES", 100)
    now = NOW - timedelta(minutes=30)
    files = HourFiles(tmp_path, "local")
    made = []
    for number in range(40):
        files.commit([b"%09d" % number], now)
        if number % 3 == 0:
            # A kill in between: how much is in the file is known again.
            files = HourFiles(tmp_path, "local")
            assert files.recover(now) == []
        if files.is_full:
            made += files.complete()
    made += files.complete()
    assert [len(lines(file)) for file in made] == [10] * 4
    assert [int(line) for file in made for line in lines(file)] == list(range(40))


@pytest.mark.parametrize("seed", range(20))
def test_what_a_power_cut_leaves_behind_the_end_is_cut_off(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    files = HourFiles(tmp_path, "local")
    files.commit([b"1"], NOW)
    size = part(tmp_path).stat().st_size
    with part(tmp_path).open("ab") as file:
        file.write(draw.choice([b"\0" * 4096, draw.randbytes(4096), gzip.compress(b"x" * 5000)[:-5]]))
    assert whole_bytes(part(tmp_path)) == (size, len(b"1\n"))


def test_the_file_of_an_hour_that_is_over_is_completed_by_the_next_process(tmp_path: Path) -> None:
    HourFiles(tmp_path, "local").commit([b"1"], NOW)
    HourFiles(tmp_path, "other").commit([b"1"], NOW)
    [made] = HourFiles(tmp_path, "local").recover(NOW + timedelta(days=3))
    assert lines(made) == [b"1"]
    assert len(list(tmp_path.glob("other*.part"))) == 1, "of another stream"


def test_a_file_in_which_nothing_is_whole_goes(tmp_path: Path) -> None:
    HourFiles(tmp_path, "local").commit([b"1"], NOW)
    os.truncate(part(tmp_path), 7)
    assert HourFiles(tmp_path, "local").recover(NOW + timedelta(days=3)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_commit_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = HourFiles(tmp_path, "local")
    files.commit([b"1"], NOW)

    def full(descriptor: int, content: memoryview) -> int:
        if len(content) > 10:
            return real(descriptor, content[:10])
        raise OSError(28, "No space left on device")

    real = os.write
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        files.commit([b"2"], NOW)
    monkeypatch.setattr(os, "write", real)
    files.commit([b"3"], NOW)
    assert lines(files.complete()[0]) == [b"1", b"3"]
