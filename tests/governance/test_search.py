"""What is planted in a home is found, in whatever it is packed; what only looks like it is not."""

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.governance.erasure import search
from ons_assets.governance.erasure.naming import says
from ons_assets.governance.erasure.search import Search, Wanted
from ons_assets.lakehouse.home import Home

NAME, NUMBER, PLACE = "MAC000002", -8_446_744_073_709_551_557, 50.7953752
WANTED = Wanted.of(frozenset({NAME, "Zoë Müller"}), frozenset({NUMBER}), frozenset({PLACE, 51.5}))


def parquet(**columns: object) -> Callable[[Path], None]:
    return lambda path: pl.DataFrame(columns).write_parquet(path, compression="zstd")


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", f"meter\n{NAME}\n" * 50)


def named_member(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{NAME}.csv", "a")


def gzip_in_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv.gz", gzip.compress(NAME.encode() * 3 + b" " + NAME.encode()))


def in_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE a (b INTEGER)")
        database.execute("INSERT INTO a VALUES (?)", (NUMBER,))


def sqlite_of(*statements: str, values: tuple[object, ...] = ()) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            for statement in statements[:-1]:
                database.execute(statement)
            database.execute(statements[-1], values)

    return write


def of_a_kind_that_is_not_known(path: Path) -> None:
    """A file with a table, in front of the one that is looked for, that no module here can read."""
    sqlite_of("CREATE TABLE a (b)", "CREATE TABLE z (b, c)", "INSERT INTO z VALUES (?, 'b')", values=(NAME,))(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET rootpage = 0, sql = 'CREATE VIRTUAL TABLE a USING none' WHERE name = 'a'"
        )


def in_duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE SCHEMA s")
        database.execute(f"CREATE TABLE s.a AS SELECT {NUMBER} + 0 * i AS b FROM range(5000) r(i)")


def bytes_of(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


PLANTED: dict[str, Callable[[Path], None]] = {
    "plain.csv": bytes_of(f"a\n{NAME},1\n".encode()),
    "text.csv": bytes_of("Zoë Müller;1\n".encode()),
    "pseudonym.json": bytes_of(f'{{"n": {NUMBER}}}'.encode()),
    "place.json": bytes_of(f'{{"coordinates": [-1.1, {PLACE}]}}'.encode()),
    "little.bin": bytes_of(b"abc" + NUMBER.to_bytes(8, "little", signed=True) + b"x"),
    "big.bin": bytes_of(b"abcd" + NUMBER.to_bytes(8, "big", signed=True)),
    "real.bin": bytes_of(b"a" + pa.array([PLACE]).buffers()[1].to_pybytes()),
    "a.gz": bytes_of(gzip.compress(f"{NAME} ".encode() * 99)),
    "a.zst": bytes_of(pa.compress(f"{NAME} ".encode() * 99, codec="zstd", asbytes=True)),
    "a.zip": zipped,
    "member.zip": named_member,
    "inner.zip": gzip_in_zip,
    f"{NAME}.txt": bytes_of(b"a"),
    "integer.parquet": parquet(a=[1, NUMBER, 3] * 99),
    "real.parquet": parquet(a=[1.0, PLACE] * 99),
    "text.parquet": parquet(a=["b", f"of {NAME}"] * 99),
    "list.parquet": parquet(a=[[1, 2], [NUMBER]] * 99),
    "struct.parquet": parquet(a=[{"b": NUMBER}] * 99),
    "no-ending": parquet(a=[NUMBER] * 99),
    "a.sqlite": in_sqlite,
    "key.sqlite": sqlite_of(
        "CREATE TABLE a (b TEXT PRIMARY KEY, c TEXT) WITHOUT ROWID", "INSERT INTO a VALUES (?, 'c')", values=(NAME,)
    ),
    "wide.sqlite": sqlite_of(
        "PRAGMA encoding = 'UTF-16be'", "CREATE TABLE a (b, c)", "INSERT INTO a VALUES (?, 'b')", values=(f"of {NAME}",)
    ),
    "blob.sqlite": sqlite_of("CREATE TABLE a (b, c)", "INSERT INTO a VALUES (?, 'b')", values=(NAME.encode(),)),
    "damaged.sqlite": sqlite_of(
        "CREATE TABLE a (b, c)",
        "INSERT INTO a VALUES (CAST(? AS TEXT), 'b')",
        values=(f"{NAME} ".encode() + b"\xff\xfe",),
    ),
    "real.sqlite": sqlite_of("CREATE TABLE a (b, c)", "INSERT INTO a VALUES (?, 'b')", values=(PLACE,)),
    "quoted.sqlite": sqlite_of('CREATE TABLE "a ""b" (b, c)', 'INSERT INTO "a ""b" VALUES (?, \'b\')', values=(NAME,)),
    "unknown.sqlite": of_a_kind_that_is_not_known,
    "a.duckdb": in_duckdb,
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(tmp_path: Path, name: str) -> None:
    PLANTED[name](tmp_path / name)
    assert Search(WANTED).finds_in(tmp_path / name)


AROUND = st.text(alphabet=st.sampled_from("aZ09 _-.,;:(é\n'\"\x00"), max_size=6)


@given(AROUND, AROUND, st.integers(0, 3), st.text(alphabet="aZ0 ", min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_name_in_any_text_of_a_sqlite_file_is_found(before: str, after: str, column: int, beside: str) -> None:
    told = f"{before}{NAME}{after}"
    row: list[object] = [beside] * 4
    row[column] = told
    # What stands alone in a file of nothing else does so beside other columns.
    with TemporaryDirectory() as folder:
        path, alone = Path(folder) / "a.sqlite", Path(folder) / "a.txt"
        sqlite_of("CREATE TABLE a (b, c, d, e)", "INSERT INTO a VALUES (?, ?, ?, ?)", values=tuple(row))(path)
        alone.write_bytes(told.encode())
        found = Search(WANTED).finds_in(alone)
        assert Search(WANTED).finds_in(path) == found
    # A sentence is held to more than a file: no erasure fails for one that was kept.
    assert says(told, [NAME])


@pytest.mark.parametrize(
    ("text", "name", "is_said"),
    [
        ("about mac000002", NAME, True),
        ("MAC 000-002", NAME, True),
        ("ＭＡＣ０００００２", NAME, True),
        ("of zoe muller", "Zoë Müller", True),
        ("about MAC000003", NAME, False),
        ("at 1392.0", "1392", True),
        ("at 1392", "1392.00", True),
        ("in 13920", "1392", False),
        ("interview of 3 May", " ", False),
        ("a ---- b", "----", True),
    ],
)
def test_a_sentence_says_a_name_in_any_way_of_writing_it(text: str, name: str, is_said: bool) -> None:
    assert says(text, [name]) == is_said


def test_it_is_found_wherever_it_stands_between_two_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PIECE_BYTES", 64)
    monkeypatch.setattr(search, "OVERLAP_BYTES", 32)
    path = tmp_path / "a"
    for place in range(150):
        for needle in (NAME.encode(), NUMBER.to_bytes(8, "little", signed=True)):
            path.write_bytes(b" " * place + needle + b" " * 70)
            assert Search(WANTED).finds_in(path), place


def test_what_is_within_a_longer_word_or_of_many_places_is_not_found(tmp_path: Path) -> None:
    for content in (f"{NAME}3", f"x{NAME}", f"{PLACE}1", "51.5", f"9{-NUMBER}"):
        path = tmp_path / "a"
        path.write_text(content)
        assert not Search(WANTED).finds_in(path), content
    parquet(a=[51.5], b=["MAC0000023"], c=[7])(tmp_path / "a")
    assert not Search(WANTED).finds_in(tmp_path / "a")


def test_damaged_files_are_searched_as_far_as_they_can_be(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb", compresslevel=1) as packed:
        packed.write(f"{NAME} ".encode() + bytes(range(256)) * 999)
    (tmp_path / "cut.gz").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    assert Search(WANTED).finds_in(tmp_path / "cut.gz")
    (tmp_path / "no.parquet").write_bytes(b"PAR1 nothing PAR1")
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 nothing")
    (tmp_path / "no.sqlite").write_bytes(b"SQLite format 3\0 nothing")
    (tmp_path / "no.duckdb").write_bytes(b"nothing")
    for name in ("no.parquet", "no.zip", "no.sqlite", "no.duckdb"):
        assert not Search(WANTED).finds_in(tmp_path / name)


def test_a_home_is_searched_but_for_what_an_erasure_keeps_itself(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    home.erasure.mkdir()
    (home.erasure / "intent.json").write_text(NAME)
    (home.archive / "a").write_text(NAME)
    assert search.holding(home, WANTED) == [home.archive / "a"]


def test_a_folder_of_the_home_that_lies_on_another_disk_is_searched_and_one_that_was_sent_is_not(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home").ensure()
    for at, link in (("disk/a", home.lake / "of meters"), ("disk/b", home.archive), ("sent", home.drops / "sent")):
        (tmp_path / at).mkdir(parents=True)
        (tmp_path / at / "file").write_text(NAME)
        if link.exists():
            link.rmdir()
        link.symlink_to(tmp_path / at, target_is_directory=True)
    (home.lake / "round").symlink_to(home.root, target_is_directory=True)
    assert search.holding(home, WANTED) == [home.archive / "file", home.lake / "of meters" / "file"]
