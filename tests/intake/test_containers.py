import gzip
import io
import random
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from ons_assets.intake.fields import fields
from ons_assets.intake.limits import Limits
from ons_assets.intake.records import header, records
from ons_assets.intake.shelf import shelf
from ons_assets.intake.unreadable import Unreadable
from tests.intake.reading import layout, read, rejected, rows, why
from tests.intake.workbooks import workbook

CONTENT = b"a,b\n1,2\n3,4\n"
EXPECTED = [("1", "2", 2), ("3", "4", 3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zstandard(content: bytes) -> bytes:
    return bytes(pa.compress(content, codec="zstd", asbytes=True))


@pytest.mark.parametrize(
    "packed",
    [
        CONTENT,
        gzip.compress(CONTENT),
        gzip.compress(CONTENT[:7]) + gzip.compress(CONTENT[7:]),
        gzip.compress(CONTENT) + b"\0" * 512,
        zstandard(CONTENT),
        zipped({"x/a.csv": CONTENT}),
        zipped({"x/": b"", "x/a.csv": CONTENT, "__MACOSX/x/._a.csv": b"\0\0", "x/.DS_Store": b"\0"}),
        zipped({"a.csv.gz": gzip.compress(CONTENT)}, zipfile.ZIP_STORED),
    ],
)
def test_every_packing_holds_the_same_rows(path: Path, packed: bytes) -> None:
    blocks = read(path, packed)
    assert rows(blocks) == EXPECTED
    assert not blocks[-1].ends_inside_record
    assert header(path, layout(), Limits()) == ["a", "b"]


def test_each_member_of_a_zip_that_is_meant_is_a_part(path: Path) -> None:
    packed = zipped({"in/one.csv": CONTENT, "in/two.csv": b"a,b\n5,6\n", "in/readme.txt": b"no table"})
    blocks = read(path, packed, member="*.csv")
    assert [(block.part, block.rows["line"].to_list()) for block in blocks] == [
        ("in/one.csv", [2, 3]),
        ("in/two.csv", [2]),
    ]
    assert rows(read(path, packed, member="in/two*")) == [("5", "6", 2)]
    assert why(path, packed, member="*.xml") == "is a zip file without a member that is to be read"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard])
def test_of_a_packed_file_cut_short_the_whole_records_are_read(path: Path, share: float, pack: object) -> None:
    numbers = random.Random(1)
    lines = [f"{number},{numbers.random()}" for number in range(50_000)]
    packed = pack(("a,b\n" + "\n".join(lines) + "\n").encode())  # type: ignore[operator]
    blocks = read(path, packed[: int(len(packed) * share)], block_bytes=100_000)
    number_read = len(rows(blocks))
    # Zstandard packs by 128 kB, of which a cut leaves nothing.
    assert number_read > 50_000 * share * 0.75 - (10_000 if pack is zstandard else 0)
    assert [f"{a},{b}" for a, b, _ in rows(blocks)] == lines[:number_read]
    assert blocks[-1].ends_inside_record
    for line, reason, text in rejected(blocks):
        assert (line, reason) == (number_read + 2, "cut short")
        assert lines[number_read].startswith(text)


def test_a_number_that_a_cut_leaves_whole_by_its_fields_only_is_not_believed(path: Path) -> None:
    blocks = read(path, gzip.compress(b"a,b\n1,2\n3,45", 0)[:-9])
    assert rows(blocks) == [("1", "2", 2)]
    assert rejected(blocks) == [(3, "cut short", "3,4")]


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(CONTENT)[:5], "is a gzip file cut short before its first line"),
        (gzip.compress(CONTENT * 99) + b"garbage", "is a damaged gzip file: something else follows its content"),
        (b"\x1f\x8bgarbage!!!!!", "is a damaged gzip file: its content does not agree with its checks"),
        (zipped({"a.csv": CONTENT})[:-30], "is a damaged zip file or workbook, or one that is cut short"),
        (zipped({}), "is a zip file without a member that is to be read"),
        (
            zipped({"b.zip": zipped({"a.csv": CONTENT})}),
            "holds a zip file inside another packed file: unpack the outer one",
        ),
        (
            gzip.compress(zipped({"a.csv": CONTENT})),
            "holds a zip file inside another packed file: unpack the outer one",
        ),
        (gzip.compress(gzip.compress(CONTENT)), "is packed twice: unpack it once"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "is a damaged Zstandard file"),
    ],
)
def test_what_is_damaged_says_so(path: Path, packed: bytes, reason: str) -> None:
    assert why(path, packed) == why(path, packed, format="delimited") == reason


def test_a_flipped_bit_is_seen(path: Path) -> None:
    content = b"a,b\n" + b"1,2\n" * 1000
    packed = bytearray(gzip.compress(content, 0))
    packed[500] ^= 1
    assert why(path, bytes(packed)) == "is a damaged gzip file: its content does not agree with its checks"
    packed = bytearray(zipped({"a.csv": content}, zipfile.ZIP_STORED))
    packed[500] ^= 1
    assert why(path, bytes(packed)) == "is a damaged zip file or workbook, or one that is cut short"


def test_an_encrypted_zip_is_refused_without_its_names(path: Path) -> None:
    packed = bytearray(zipped({"secret name.csv": CONTENT}))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(magic) + place] |= 1
    reason = why(path, bytes(packed), format="delimited")
    assert reason == "is an encrypted zip file: it can be read only once it was unpacked with its password"
    assert why(path, bytes(packed)) == reason


@pytest.mark.parametrize("kind", ["plain", "gzip", "zip", "zstandard", "members"])
def test_content_without_end_is_refused(path: Path, kind: str) -> None:
    content = b"a,b\n" + b"1,2\n" * 1_000_000
    packed = {
        "plain": content,
        "gzip": gzip.compress(content),
        "zip": zipped({"a": content}),
        "zstandard": zstandard(content),
        "members": zipped(dict.fromkeys("abcdefgh", content[:500_000])),
    }[kind]
    limits = Limits(unpacked_bytes=1_000_000)
    assert why(path, packed, limits) == "unpacks to more than 1000000 bytes"


def test_memory_is_bounded(path: Path) -> None:
    """A long file passes through the reader in blocks of the size asked for."""
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 500_000))
    most = max(len(block.rows) for block in records(path, layout(), Limits(), block_bytes=100_000))
    assert most <= 25_001


def test_workbooks_and_parquet_inside_of_other_files(path: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.parquet"
    pl.DataFrame({"a": ["1", "3"], "b": ["2", "4"]}).write_parquet(table)
    book = workbook({"S": [["a", "b"], ["1", "2"], ["3", "4"]]})
    for packed, expected in (
        (zipped({"x.xlsx": book}), [2, 3]),
        (zipped({"x.parquet": table.read_bytes()}), [1, 2]),
        (gzip.compress(table.read_bytes()), [1, 2]),
    ):
        blocks = read(path, packed)
        assert [row[:2] for row in rows(blocks)] == [("1", "2"), ("3", "4")]
        assert blocks[0].rows["line"].to_list() == expected
        assert header(path, layout(), Limits()) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7 ...", "a PDF"),
        (b"SQLite format 3\0....", "a SQLite database"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "an HTML page"),
        (b"\xef\xbb\xbf\n<html>".replace(b"\xef\xbb\xbf", b""), "an HTML page"),
        (b"BZh91AY&SY", "a file packed by bzip2"),
    ],
)
def test_what_is_of_another_kind_is_named(path: Path, content: bytes, what: str) -> None:
    assert why(path, content) == f"is {what}, which is not read"
    assert why(path, content, format="delimited") == f"is {what}, which is not read"


def test_no_copy_of_a_packed_file_is_left_behind(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()
    read(path, zipped({"x.xlsx": workbook({"S": [["a", "b"], ["1", "2"]]})}))
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.parametrize("packing", ["", ".gz", ".zst", ".zip", ".GZ"])
def test_what_a_layout_says_of_names_holds_for_packed_files_too(tmp_path: Path, packing: str) -> None:
    (tmp_path / "x.yaml").write_text(
        "name: x\nfiles: hall_*.csv\nname_pattern: '_(?P<run>\\d)\\.csv$'\n"
        "columns: {value: a, meter: {file_name: '(\\w+)_\\d[.]csv$'}}\n"
    )
    packs = {"": bytes, ".gz": gzip.compress, ".zst": zstandard, ".zip": lambda content: zipped({"any": content})}
    name = f"hall_7.csv{packing}"
    path = tmp_path / name
    path.write_bytes(packs[packing.casefold()](CONTENT))
    known = shelf([tmp_path]).choose(path, name, Limits())
    (block,) = records(path, known, Limits())
    read_rows = fields(block, known, name).rows
    assert read_rows.select("value", "meter", "run").rows() == [("1", "hall", "7"), ("3", "hall", "7")]
    with pytest.raises(Unreadable, match=r"the layout x would read it if it were called hall_\*\.csv"):
        shelf([tmp_path]).choose(path, f"barn_7.csv{packing}", Limits())
