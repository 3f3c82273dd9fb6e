"""A file without some records gives the rows of the others, whatever it came in; what cannot be cut is said."""

import gzip
import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import records
from ons_assets.intake.rewriting import Cut, Cuts, Cutting, NotCut, rewrite
from tests.intake.workbooks import workbook

NOBODY = re.compile(rb"(?!)")
CSV = Layout(name="t", columns={}, skip_lines=1)


def text(rng: random.Random) -> bytes:
    """A table with a line before it, quoted line ends, blank lines and records that are none."""
    lines = ["made by hand", "who,note"]
    for number in range(rng.randrange(1, 30)):
        who = rng.choice("abc")
        note = rng.choice([f"n{number}", f'"n{number}\nand on"', f'"x""{number}\n\n"', '""'])
        lines += [f"{who},{note}", *([""] if rng.random() < 0.2 else []), *(["c,1,2,3"] if rng.random() < 0.1 else [])]
    return ("\n".join(lines) + rng.choice(["", "\n", "\n\n"])).encode()


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.csv", content)
        archive.writestr("all-of-c.csv", "l\nwho,note\nc,1\nc,2\n")
        archive.writestr("two.csv", content.replace(b"n", b"m"))
    return buffer.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda content: content,
    "gzip": gzip.compress,
    "zstandard": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    "zip": zipped,
}


def read(path: Path, layout: Layout) -> list[tuple[str | None, pl.DataFrame, pl.DataFrame]]:
    return [(block.part, block.rows, block.rejected) for block in records(path, layout, Limits())]


def cuts(path: Path, layout: Layout, who: str) -> Cuts:
    cuttings: dict[str | None, Cutting] = {}
    for part, rows, rejected in read(path, layout):
        cutting = cuttings.setdefault(part, Cutting())
        # Some at a time, as a large file comes.
        for first in range(0, len(rows), 4):
            block = rows[first : first + 4]
            until = rows["line"][first + 4] if first + 4 < len(rows) else 10**9
            start = block["line"][0] if first else 0
            odd = rejected["line"].filter(rejected["line"].is_between(start, until, closed="left"))
            cutting.add(block["line"], (block["who"] == who).fill_null(False), odd)
    parts = {part: cutting.cut() for part, cutting in cuttings.items()}
    return Cuts(parts, re.compile(rb"\bc\b"), NOBODY)


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("seed", range(40))
def test_the_records_of_others_are_what_they_were(tmp_path: Path, packing: str, seed: int) -> None:
    path, target, again = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    path.write_bytes(PACKED[packing](text(random.Random(seed))))
    before = read(path, CSV)
    is_other = rewrite(path, target, CSV, Limits(), cuts(path, CSV, "c"))
    after = {part: (rows, rejected) for part, rows, rejected in read(target, CSV)}
    for part, rows, _ in before:
        left = rows.filter(pl.col("who") != "c").drop("line")
        if part == "all-of-c.csv":
            assert part not in after
            continue
        assert_frame_equal(after[part][0].drop("line"), left)
        assert after[part][1].is_empty(), "records that are none, and name somebody, go too"
    named = any(len(rows.filter(who="c")) + len(rejected) for _, rows, rejected in before)
    assert is_other == named
    rewrite(path, again, CSV, Limits(), cuts(path, CSV, "c"))
    assert again.read_bytes() == target.read_bytes()


def test_parquet_loses_rows_and_keeps_its_columns(tmp_path: Path) -> None:
    layout = Layout(name="t", columns={})
    frame = pl.DataFrame({"who": ["a", "c", "b", "c"], "n": [1, 2, 3, None]})
    frame.write_parquet(tmp_path / "a")
    assert rewrite(tmp_path / "a", tmp_path / "b", layout, Limits(), cuts(tmp_path / "a", layout, "c"))
    assert_frame_equal(pl.read_parquet(tmp_path / "b"), frame.filter(pl.col("who") != "c"))


@pytest.mark.parametrize(
    "content",
    [
        workbook({"a": [["who", "n"], ["c", "1"]]}),
        b'[{"who": "c"}]',
        b"<a><b><who>c</who></b><b><who>a</who></b></a>",
        "who,n\nc,1\n".encode("utf-16"),
        b"who,n\rc,1\ra,2\r",
        gzip.compress(b"who,n\nc,1\na,2\n" * 500)[:-20],
    ],
    ids=["workbook", "document", "xml", "utf-16", "returns", "cut short"],
)
def test_what_cannot_be_cut_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    whole = Cuts({None: Cut(((2, 3),))}, NOBODY, NOBODY)
    with pytest.raises(NotCut):
        rewrite(path, tmp_path / "b", Layout(name="t", columns={}), Limits(), whole)


def test_names_in_what_stays_are_crossed_out_and_members_called_by_them_are_renamed(tmp_path: Path) -> None:
    layout = Layout(name="t", columns={})
    names = re.compile(b"MAC000002")
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("MAC000002.csv", "who,note\na,of MAC000002\n")
    kept = Cuts({"MAC000002.csv": Cut()}, names, names)
    assert rewrite(tmp_path / "a", tmp_path / "b", layout, Limits(), kept)
    with zipfile.ZipFile(tmp_path / "b") as archive:
        assert archive.namelist() == ["xxxxxxxxx.csv"]
        assert archive.read("xxxxxxxxx.csv") == b"who,note\na,of xxxxxxxxx\n"


def test_a_line_of_several_is_not_cut() -> None:
    nothing = pl.Series([], dtype=pl.Int64())
    with pytest.raises(NotCut):
        Cutting().add(pl.Series([3, 3]), pl.Series([True, False]), nothing)
    of_two_blocks = Cutting()
    of_two_blocks.add(pl.Series([3]), pl.Series([True]), nothing)
    with pytest.raises(NotCut):
        of_two_blocks.add(pl.Series([3]), pl.Series([False]), nothing)
