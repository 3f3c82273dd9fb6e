"""Every kind of bad file ends in the ledger with a plain sentence, in quarantine, and harms no other file."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ons_assets.intake.drops import StillChanging
from ons_assets.intake.ledger import Drop, Status
from ons_assets.lakehouse import quarantine
from ons_assets.settings import Drops
from tests.run_files import HEADER
from tests.workbench import Workbench, day_of, line, record, run

DAY = date(2016, 7, 21)
GOOD = "sainsbury_products_20160721050000.csv"
BAD = "tesco_products_20160721050000.csv"
SECRET_WORDS = ("Traceback", "polars.", "pyarrow", "Error(", "  File ", "0x")


def is_plain(sentence: str) -> bool:
    return 0 < len(sentence) < 800 and sentence.isprintable() and not any(word in sentence for word in SECRET_WORDS)


def check_refused(workbench: Workbench, drop: Drop, reason: str, *, rows: int = 0) -> None:
    """Assert that a file was refused with this reason, is in quarantine, and that a good file still passes."""
    assert drop.status is Status.REFUSED
    assert drop.reason == f"{drop.name} {reason}"
    assert is_plain(drop.reason)
    assert (drop.parsed_rows, drop.accepted_rows, drop.quarantined_rows) == (rows, 0, rows)
    [entry] = [entry for entry in quarantine.entries(workbench.home) if entry.name == drop.name]
    assert (entry.table, entry.refused, entry.reason, entry.rows) == (workbench.table.name, True, drop.reason, rows)
    workbench.register(GOOD, run(*day_of(DAY, "SAINSBURY")))
    workbench.ingest()
    assert len(workbench.published()) == 3
    workbench.check_books()


# --- files of which nothing can be read

NOT_OF_A_LAYOUT = "is delimited text in a layout that is not known: its columns are "


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", content)
    return buffer.getvalue()


HTML = b"<!DOCTYPE html>\n<html><body><h1>503 Service Unavailable</h1></body></html>\n"
REPEATED = run(record()).replace(b"promo,offer", b"offer,offer", 1)

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "gzip of nothing": (gzip.compress(b""), "is empty"),
    "gzip cut in its header": (gzip.compress(run(record()))[:8], "is a gzip file cut short before its first line"),
    "gzip with garbage": (
        gzip.compress(run(record())) + b"garbage",
        "is a damaged gzip file: something else follows its content",
    ),
    "header only": (run(), "has a header and no rows"),
    "header only without line end": (run().strip(), "has a header and no rows"),
    "no header": (
        run(record()).split(b"\n", 1)[1],
        NOT_OF_A_LAYOUT + "'2016-07-21 05:00:00.250000', 'TESCO', '210111', 'White Sliced Loaf, branded', "
        "'White Bread', 'column_6', 'PLAIN LOAF 800G', 'column_8', '0.85', 'column_10', 'column_11', "
        "'column_12' and 7 more",
    ),
    "wrong delimiter": (
        "\n".join(";".join(HEADER) for _ in range(2)).encode(),
        "is delimited text with ';' between fields in a layout that is not known: its columns are 'timestamp', 'store'",
    ),
    "web page": (HTML, "is an HTML page, which is not read"),
    "binary": (bytes(range(128, 256)) * 20, "has a header that is not valid utf-8"),
    "only NUL": (b"\x00" * 1000, "is not text"),
    "zip of a web page": (zipped(HTML), "is an HTML page, which is not read"),
    "zip cut short": (zipped(run(record()))[:-30], "is a damaged zip file or workbook, or one that is cut short"),
    "column twice": (REPEATED, NOT_OF_A_LAYOUT),
    "parquet that is none": (b"PAR1" + b"x" * 50, "is a Parquet file cut short"),
    "spaces": (b"   \n   \n", "has a header without a name"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(workbench: Workbench, kind: str) -> None:
    content, reason = UNREADABLE[kind]
    drop = workbench.register(BAD, content)
    assert (drop.reason or "").startswith(f"{BAD} {reason}")
    check_refused(workbench, drop, (drop.reason or "").removeprefix(f"{BAD} "))
    # What has no content is not archived.
    assert (drop.sha256 is None) == (content == b"")


def test_a_missing_column_is_named(workbench: Workbench) -> None:
    header = [name for name in HEADER if name not in ("item_price_num", "offer")]
    drop = workbench.register(BAD, (line(header) + "\n" + ",".join("x" * len(header)) + "\n").encode())
    assert drop.reason is not None
    assert "the layout scraper-run-2016 also needs 'item_price_num', 'offer'" in drop.reason
    check_refused(workbench, drop, drop.reason.removeprefix(f"{BAD} "))


def test_a_column_that_comes_twice_means_none(workbench: Workbench) -> None:
    drop = workbench.register(BAD, REPEATED)
    assert drop.reason is not None
    assert drop.reason.endswith("also needs 'offer' (a name that comes more than once in a header means no column)")


def test_the_delimiter_is_guessed_for_the_message_only(workbench: Workbench) -> None:
    content = run(record()).replace(b",", b";")
    drop = workbench.register(BAD, content)
    assert drop.reason is not None
    assert "is delimited text with ';' between fields" in drop.reason
    assert drop.reason.endswith("; it has the columns of the layout scraper-run-2016, but is not written as that says")


def test_an_unknown_column_is_named(workbench: Workbench) -> None:
    content = run(record()).replace(b"single_class\n", b"single_class,loyalty_price\n", 1).replace(b",1\n", b",1,2\n")
    drop = workbench.register(BAD, content)
    check_refused(
        workbench,
        drop,
        "has columns that the layout scraper-run-2016 does not know: 'loyalty_price'; "
        "a layout of your own can name them in ignores",
    )


def test_a_directory(workbench: Workbench) -> None:
    folder = workbench.leave("x", b"").with_name("folder.csv")
    folder.mkdir()
    drop = workbench.take(folder)
    assert drop.sha256 is None
    check_refused(workbench, drop, "is a directory, not a file")
    assert workbench.take(folder).drop_id == drop.drop_id


@pytest.mark.parametrize("target", ["secret.key", "nowhere"])
def test_a_link_is_not_followed(workbench: Workbench, target: str) -> None:
    workbench.home.secret()
    link = workbench.leave("x", b"").with_name("link.csv")
    link.symlink_to(workbench.home.root / target)
    drop = workbench.take(link)
    check_refused(workbench, drop, "is a link, not a file")
    assert len([path for path in workbench.home.archive.rglob("*") if path.is_file()]) == 1  # the good file


def test_a_pipe_does_not_keep_the_reader(workbench: Workbench) -> None:
    pipe = workbench.leave("x", b"").with_name("pipe.csv")
    os.mkfifo(pipe)
    check_refused(workbench, workbench.take(pipe), "is a pipe or a device, not a file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(workbench: Workbench) -> None:
    path = workbench.leave(BAD, run(record()))
    path.chmod(0)
    drop = workbench.take(path)
    check_refused(workbench, drop, "cannot be opened: permission denied")
    path.chmod(0o600)
    assert workbench.take(path).status is not Status.REFUSED


def test_a_name_that_is_not_utf_8(workbench: Workbench) -> None:
    folder = workbench.leave("x", b"").parent
    path = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9_2016-07-21.csv"))
    path.write_bytes(run(*day_of(DAY)))
    drop = workbench.take(path)
    assert drop.name == "caf\N{REPLACEMENT CHARACTER}_2016-07-21.csv"
    workbench.ingest()
    assert len(workbench.published()) == 3


def limited(folder: Path, **limits: int) -> Workbench:
    return Workbench.at(folder, drops=Drops(**limits))  # type: ignore[arg-type]


def test_an_oversized_file_is_not_even_archived(tmp_path: Path) -> None:
    workbench = limited(tmp_path, max_bytes=2_000)
    drop = workbench.register(BAD, run(*[record() for _ in range(50)]))
    assert drop.sha256 is None
    check_refused(workbench, drop, f"has {drop.size_bytes} bytes; the most that is taken is 2000")
    larger = workbench.register(BAD, run(*[record() for _ in range(60)]))
    assert larger.drop_id != drop.drop_id


def test_a_gzip_bomb(tmp_path: Path) -> None:
    workbench = limited(tmp_path, max_unpacked_bytes=100_000)
    bomb = gzip.compress(run() + b"\x00" * 50_000_000)
    assert len(bomb) < 100_000
    check_refused(workbench, workbench.register(f"{BAD}.gz", bomb), "unpacks to more than 100000 bytes")


def test_a_bomb_inside_a_header(tmp_path: Path) -> None:
    workbench = limited(tmp_path, max_unpacked_bytes=100_000)
    bomb = gzip.compress(b"a" * 50_000_000)
    drop = workbench.register(f"{BAD}.gz", bomb)
    assert drop.reason is not None
    check_refused(workbench, drop, drop.reason.removeprefix(f"{drop.name} "))


def test_an_oversized_line_is_lost_alone(tmp_path: Path) -> None:
    workbench = limited(tmp_path, max_line_bytes=1_000)
    content = run(record(product_name="A"), record(product_name="x" * 5_000), record(product_name="B"))
    assert accepted(workbench, content) == ["A", "B"]
    assert workbench.drop(BAD).reason == "1 row: line is longer than 1000 bytes"


def test_a_file_that_grows_while_it_is_read_is_taken_when_it_is_complete(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbench.leave(BAD, run(record()))
    real = os.fsync

    def grow(descriptor: int) -> None:
        real(descriptor)
        with path.open("ab") as file:
            file.write(f"{record(item_price_num=2)}\n".encode())

    monkeypatch.setattr(os, "fsync", grow)
    with pytest.raises(StillChanging):
        workbench.take(path)
    monkeypatch.undo()
    workbench.take(path)
    workbench.ingest()
    assert workbench.published()["price"].to_list() == [0.85, 2]
    assert len(workbench.ledger.drops()) == 1


# --- records that are no quotes

FUTURE = datetime.now(UTC) + timedelta(days=40)
TOMORROW = datetime.now(UTC) + timedelta(hours=20)

REJECTED: dict[str, tuple[dict[str, object], str]] = {
    "negative price": ({"item_price_num": -0.01}, "price is not positive"),
    "zero price": ({"item_price_num": 0}, "price is not positive"),
    "minus zero": ({"item_price_num": "-0.0"}, "price is not positive"),
    "absurd price": ({"item_price_num": 10_000.01}, "price is above 10000, which is prices.quotes.max_price"),
    "huge price": ({"item_price_num": "1e300"}, "price is above 10000, which is prices.quotes.max_price"),
    "not a number": ({"item_price_num": "NaN"}, "price is missing or not a number"),
    "infinite": ({"item_price_num": "inf"}, "price is missing or not a number"),
    "minus infinite": ({"item_price_num": "-Infinity"}, "price is missing or not a number"),
    "overflow": ({"item_price_num": "1e999"}, "price is missing or not a number"),
    "no price": ({"item_price_num": ""}, "price is missing or not a number"),
    "text for a price": ({"item_price_num": "sold out"}, "price is missing or not a number"),
    "comma that is no mark of thousands": ({"item_price_num": "1,23"}, "price is missing or not a number"),
    "no product": ({"product_name": "  "}, "product is missing"),
    "no item": ({"ons_item_no": ""}, "item is missing, or its category has no item"),
    "no time": ({"timestamp": ""}, "time is missing or cannot be read"),
    "30 February": ({"timestamp": "2016-02-30 05:00:00"}, "time is missing or cannot be read"),
    "month 13": ({"timestamp": "2016-13-01 05:00:00"}, "time is missing or cannot be read"),
    "hour 25": ({"timestamp": "2016-07-21 25:00:00"}, "time is missing or cannot be read"),
    "another format": ({"timestamp": "21/07/2016 05:00"}, "time is missing or cannot be read"),
    "skipped hour": ({"timestamp": "2016-03-27 01:30:00"}, "time is missing or cannot be read"),
    "before the first day": ({"timestamp": "2013-12-31 23:59:59"}, "day is before 2014-01-01"),
    "year 1": ({"timestamp": "0001-01-01 00:00:00"}, "day is before 2014-01-01"),
    "future": ({"timestamp": f"{FUTURE:%Y-%m-%d %H:%M:%S}"}, "time is in the future"),
    "far future": ({"timestamp": "9999-12-31 23:59:59"}, "time is in the future"),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_a_record_that_is_no_quote_is_rejected_with_line_and_reason(workbench: Workbench, kind: str) -> None:
    values, reason = REJECTED[kind]
    drop = workbench.register(BAD, run(record(), record(**values), *day_of(DAY)))
    assert drop.status is Status.READ
    workbench.ingest()
    assert len(workbench.published()) == 4
    drop = workbench.drop(BAD)
    assert (drop.status, drop.parsed_rows, drop.accepted_rows, drop.quarantined_rows) == (Status.ACCEPTED, 5, 4, 1)
    assert drop.reason == f"1 row: {reason}"
    rejected = pl.read_parquet(workbench.home.quarantine / "prices" / "raw_quotes" / f"{drop.sha256}.rows.parquet")
    assert rejected.select("line", "reason").rows() == [(3, reason)]
    if "product_name" not in values:
        assert "PLAIN LOAF" in rejected["text"].item()
    workbench.check_books()


@pytest.mark.parametrize(
    ("values", "price"),
    [({"item_price_num": "1,234.00"}, 1234), ({"item_price_num": "85p"}, 0.85), ({"store": " "}, 0.85)],
)
def test_a_record_that_says_it_otherwise_is_a_quote(
    workbench: Workbench, values: dict[str, object], price: float
) -> None:
    workbench.register(BAD, run(record(**values), *day_of(DAY)))
    workbench.ingest()
    published = workbench.published().filter(pl.col("line") == 2)
    # A record that does not say its retailer is of the one that the name of the file says.
    assert published.select("price", "retailer").rows() == [(price, "tesco")]
    workbench.check_books()


def test_a_record_without_a_retailer_is_rejected_where_the_name_of_the_file_says_none(workbench: Workbench) -> None:
    workbench.register("quotes.csv", run(record(store=" "), *day_of(DAY)))
    workbench.ingest()
    assert len(workbench.published()) == 3
    assert workbench.drop("quotes.csv").reason == "1 row: retailer is missing"


def test_a_file_of_which_no_record_is_a_quote_is_refused_with_its_records(workbench: Workbench) -> None:
    drop = workbench.register(BAD, run(record(item_price_num=0), record(item_price_num=-1), record(timestamp="")))
    check_refused(
        workbench,
        drop,
        "has no row that could be read (2 rows: price is not positive; 1 row: time is missing or cannot be read)",
        rows=3,
    )


def test_tomorrow_is_allowed_to_a_clock_that_is_ahead(workbench: Workbench) -> None:
    workbench.register(BAD, run(record(timestamp=f"{TOMORROW:%Y-%m-%d %H:%M:%S}")))
    assert workbench.ingest().rows == 1


def test_the_hour_that_a_clock_shows_twice_is_taken_as_the_first(workbench: Workbench) -> None:
    workbench.register(BAD, run(record(timestamp="2016-10-30 01:30:00"), record(timestamp="2016-10-30 02:30:00")))
    workbench.ingest()
    times = workbench.published()["collected_at_utc"].to_list()
    assert times == [datetime(2016, 10, 30, 0, 30, tzinfo=UTC), datetime(2016, 10, 30, 2, 30, tzinfo=UTC)]


def test_the_day_is_the_local_one(workbench: Workbench) -> None:
    workbench.register(BAD, run(record(timestamp="2016-07-21 00:30:00"), record(timestamp="2016-12-21 23:30:00")))
    workbench.ingest()
    published = workbench.published().sort("collected_at_utc")
    assert published["collected_on"].to_list() == [date(2016, 7, 21), date(2016, 12, 21)]
    assert published["collected_at_utc"][0] == datetime(2016, 7, 20, 23, 30, tzinfo=UTC)


def test_a_quote_without_the_name_of_its_item_is_kept_under_its_number(workbench: Workbench) -> None:
    workbench.register(BAD, run(record(ons_item_name=""), *day_of(DAY)))
    assert workbench.ingest().rows == 4
    assert set(workbench.published()["item"]) == {"210111", "White Sliced Loaf, branded"}


# --- forms that must be read, and what is not quite one


def accepted(workbench: Workbench, content: bytes) -> list[str]:
    workbench.register(BAD, content)
    workbench.ingest()
    workbench.check_books()
    return workbench.published()["product"].to_list()


TWO = (record(product_name="A"), record(product_name="B"))


@pytest.mark.parametrize(
    "content",
    [
        run(*TWO, end="\r\n"),
        run(*TWO, end="\r"),
        run(*TWO).removesuffix(b"\n"),
        b"\xef\xbb\xbf" + run(*TWO),
        run(TWO[0], "", "", TWO[1]),
        gzip.compress(run(*TWO)),
        gzip.compress(run(TWO[0])) + gzip.compress(f"{TWO[1]}\n".encode()),
        zipped(run(*TWO)),
        run(*TWO).decode().encode("utf-16"),
    ],
)
def test_forms_of_a_good_file(workbench: Workbench, content: bytes) -> None:
    assert accepted(workbench, content) == ["A", "B"]


def test_line_ends_and_quotation_marks_inside_a_name(workbench: Workbench) -> None:
    names = ['5" PIZZA', 'THE "BIG" ONE', "TWO\nLINES", "CUT, SLICED"]
    assert accepted(workbench, run(*[record(product_name=name) for name in names])) == names


def test_nul_bytes_inside_a_name(workbench: Workbench) -> None:
    assert accepted(workbench, run(record(product_name="A\x00B"))) == ["A\x00B"]


def test_a_quotation_mark_without_its_pair_loses_nothing(workbench: Workbench) -> None:
    stray = record(product_name="A").replace(",A,", ',"A,')
    drop = workbench.register(BAD, run(record(product_name="FIRST"), stray, record(product_name="LAST")))
    workbench.ingest()
    assert workbench.published()["product"].to_list() == ["FIRST"]
    rejected = pl.read_parquet(workbench.home.quarantine / "prices" / "raw_quotes" / f"{drop.sha256}.rows.parquet")
    assert "LAST" in rejected["text"].item()
    workbench.check_books()


def test_latin_1_is_rejected_row_by_row_and_read_where_a_layout_says_so(workbench: Workbench) -> None:
    content = run(record(product_name="CAFE"), record(product_name="CAFÉ")).decode().encode("latin-1")
    assert accepted(workbench, content) == ["CAFE"]
    assert workbench.drop(BAD).reason == "1 row: not valid utf-8"


def test_a_file_that_ends_inside_a_record(workbench: Workbench) -> None:
    assert accepted(workbench, run(*TWO) + record(product_name="C")[:30].encode()) == ["A", "B"]
    drop = workbench.drop(BAD)
    assert (drop.parsed_rows, drop.quarantined_rows) == (3, 1)
    assert drop.reason == "ends inside a record; 1 row: 2 fields where 19 are expected"


def test_a_gzip_that_was_cut_short(workbench: Workbench) -> None:
    rows = [record(product_name=f"{number} {number**7}") for number in range(2_000)]
    packed = gzip.compress(run(*rows))
    products = accepted(workbench, packed[: len(packed) // 2])
    assert 100 < len(products) < 2_000
    assert products == [f"{number} {number**7}" for number in range(len(products))]
    drop = workbench.drop(BAD)
    assert (drop.reason or "").startswith("ends inside a record")


# --- Parquet of other types


def quotes(**columns: pl.Series) -> pl.DataFrame:
    """Two good quotes as Parquet; some columns replaced."""
    frame = pl.DataFrame(
        {
            name: pl.Series([value] * 2)
            for name, value in {
                **dict.fromkeys(HEADER, "x"),
                "timestamp": datetime(2016, 7, 21, 5),
                "store": "TESCO",
                "ons_item_no": 210111,
                "item_price_num": 0.85,
                "unit_price": 0.1,
                "no_units": 100.0,
            }.items()
        }
    )
    return frame.with_columns(**columns)


def as_parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def test_parquet_as_it_should_be(workbench: Workbench) -> None:
    workbench.register("q.parquet", as_parquet(quotes()))
    workbench.ingest()
    published = workbench.published()
    assert published["price"].to_list() == [0.85, 0.85]
    assert published["item_id"].to_list() == ["210111", "210111"]
    assert published["line"].to_list() == [1, 2]


READ: dict[str, Callable[[], pl.DataFrame]] = {
    "price as text": lambda: quotes(item_price_num=pl.Series(["£0.85", " 0.85 "])),
    "price as decimal": lambda: quotes(item_price_num=pl.Series(["0.85", "0.85"]).cast(pl.Decimal(10, 2))),
    "price as float32": lambda: quotes(item_price_num=pl.Series([0.85, 0.85], dtype=pl.Float32)),
    "item as float": lambda: quotes(ons_item_no=pl.Series([210111.0, 210111.0])),
    "item as text": lambda: quotes(ons_item_no=pl.Series(["210111", " 210111"])),
    "text as categories": lambda: quotes(store=pl.Series(["TESCO", "TESCO"], dtype=pl.Categorical)),
    "time in nanoseconds": lambda: quotes(timestamp=pl.Series([datetime(2016, 7, 21, 5)] * 2, dtype=pl.Datetime("ns"))),
    "time in UTC": lambda: quotes(timestamp=pl.Series([datetime(2016, 7, 21, 4, tzinfo=UTC)] * 2)),
    "time as a day": lambda: quotes(timestamp=pl.Series([DAY, DAY])),
    "time as text": lambda: quotes(timestamp=pl.Series(["2016-07-21 05:00:00", "2016-07-21 05:00:00.1"])),
    "unit price that is not finite": lambda: quotes(unit_price=pl.Series([float("nan"), float("inf")])),
    "text and price as bytes": lambda: quotes(
        store=pl.Series([b"TESCO", b"TESCO"]), item_price_num=pl.Series([b"0.85", b"0.85"])
    ),
    "unit as a list": lambda: quotes(units=pl.Series([["g"], ["kg"]])),
}


@pytest.mark.parametrize("kind", READ)
def test_parquet_of_types_that_can_be_read(workbench: Workbench, kind: str) -> None:
    workbench.register("q.parquet", as_parquet(READ[kind]()))
    workbench.ingest()
    published = workbench.published()
    assert published["price"].round(6).to_list() == [0.85, 0.85]
    assert published["item_id"].to_list() == ["210111"] * 2
    assert published["collected_on"].to_list() == [DAY, DAY]
    assert not published["unit_price"].is_nan().any()
    if kind in ("time in nanoseconds", "time in UTC", "price as text"):
        assert published["collected_at_utc"].to_list() == [datetime(2016, 7, 21, 4, tzinfo=UTC)] * 2
    workbench.check_books()


NOT_READ: dict[str, tuple[Callable[[], pl.DataFrame], str]] = {
    "time as a number": (
        lambda: quotes(timestamp=pl.Series([1469077200, 1469077200])),
        "time is missing or cannot be read",
    ),
    "time of day": (
        lambda: quotes(timestamp=pl.Series([datetime(2016, 7, 21, 5).time()] * 2)),
        "time is missing or cannot be read",
    ),
    "duration": (lambda: quotes(timestamp=pl.Series([timedelta(1)] * 2)), "time is missing or cannot be read"),
    "nested time": (lambda: quotes(timestamp=pl.Series([[DAY], [DAY]])), "time is missing or cannot be read"),
    "price as list": (lambda: quotes(item_price_num=pl.Series([[0.85], [0.85]])), "price is missing or not a number"),
    "price as yes or no": (lambda: quotes(item_price_num=pl.Series([True, True])), "price is missing or not a number"),
    "price as a day": (lambda: quotes(item_price_num=pl.Series([DAY, DAY])), "price is missing or not a number"),
    "product as a duration": (lambda: quotes(product_name=pl.Series([timedelta(1)] * 2)), "product is missing"),
    "everything nested": (
        lambda: quotes().select(pl.all().implode().repeat_by(2).explode()),
        "time is missing or cannot be read",
    ),
    "lists of bytes": (
        lambda: quotes(units=pl.Series([[b"g"], [b"g"]]), item_price_num=pl.Series([0, 0])),
        "price is not positive",
    ),
    "price of nothing": (
        lambda: quotes(item_price_num=pl.Series([None, None])),
        "price is missing or not a number",
    ),
    "price not finite": (
        lambda: quotes(item_price_num=pl.Series([float("nan"), float("inf")])),
        "price is missing or not a number",
    ),
    "nested product": (lambda: quotes(product_name=pl.Series([["a"], ["b"]])), "product is missing"),
    "nested retailer": (lambda: quotes(store=pl.Series([["a"], ["b"]])), "retailer is missing"),
}


@pytest.mark.parametrize("kind", NOT_READ)
def test_parquet_of_types_that_cannot_be_read_is_refused_row_by_row(workbench: Workbench, kind: str) -> None:
    make, reason = NOT_READ[kind]
    drop = workbench.register("q.parquet", as_parquet(make()))
    check_refused(workbench, drop, f"has no row that could be read (2 rows: {reason})", rows=2)


@pytest.mark.parametrize(("column", "of"), [("item_price_num", "price"), ("store", "retailer")])
def test_a_structure_is_columns_of_other_names(workbench: Workbench, column: str, of: str) -> None:
    drop = workbench.register("q.parquet", as_parquet(quotes(**{column: pl.Series([{of: 1}, {of: 2}])})))
    assert drop.reason is not None
    assert drop.reason.endswith(f"the layout scraper-run-2016 also needs '{column}'")
    check_refused(workbench, drop, drop.reason.removeprefix("q.parquet "))


def test_parquet_without_rows(workbench: Workbench) -> None:
    check_refused(workbench, workbench.register("q.parquet", as_parquet(quotes().clear())), "has a header and no rows")


def test_parquet_with_broken_pages(workbench: Workbench) -> None:
    content = bytearray(as_parquet(pl.concat([quotes() for _ in range(500)])))
    content[4:200] = b"\xff" * 196
    check_refused(workbench, workbench.register("q.parquet", bytes(content)), "is a damaged Parquet file")


def test_parquet_cut_short(workbench: Workbench) -> None:
    content = as_parquet(quotes())[:-40]
    check_refused(workbench, workbench.register("q.parquet", content), "is a Parquet file cut short")


def test_parquet_without_a_column(workbench: Workbench) -> None:
    drop = workbench.register("q.parquet", as_parquet(quotes().drop("item_price_num")))
    assert "also needs 'item_price_num'" in (drop.reason or "")
    check_refused(workbench, drop, (drop.reason or "").removeprefix("q.parquet "))


# --- all at once


def test_bad_files_together_leave_one_good_file_as_it_is(workbench: Workbench) -> None:
    for number, (content, _) in enumerate(UNREADABLE.values()):
        workbench.register(f"bad{number}.csv", content)
    workbench.register(GOOD, run(*day_of(DAY, "SAINSBURY")))
    workbench.ingest()
    assert len(workbench.published()) == 3
    statuses = workbench.statuses()
    assert statuses.pop(GOOD) == "accepted"
    assert set(statuses.values()) == {"refused", "duplicate"} or set(statuses.values()) == {"refused"}
    workbench.check_books()
