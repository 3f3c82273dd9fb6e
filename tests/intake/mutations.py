"""What happens to files on their way: every kind of damage that suppliers, programs and transfers do to them."""

import gzip
import io
import json
import os
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tests.intake.samples import MARKER, Sample
from tests.intake.workbooks import workbook

HUGE = 2 << 20
DEEP = 3_000
CELLS = (
    "",
    " ",
    MARKER,
    "NaN",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e400",
    "9" * 400,
    "1,5",
    "1.234,5",
    '"',
    "'",
    "null",
    "NULL",
    "None",
    "2023-02-30",
    "0000-00-00",
    "9999-12-31T23:59:60Z",
    "-292277-01-01",
    "1970-01-01",
    "2999-01-01 00:00:00",
    "24:00",
    "=1+1",
    "\U0001f35e",
    "\x00",
    "\u202e",
    "é",
    "a\nb",
    "[]",
    "{}",
    "true",
    "99999999999999999999",
    "-9223372036854775808",
    "1e308",
    "0x10",
)
NAMES = (
    "a b.csv",
    "ä é ñ.csv",
    "100%.csv",
    "a#b.csv",
    "a[1].csv",
    "a*b?.csv",
    "a\nb.csv",
    "x" * 200 + ".csv",
    "a%20b.csv",
    "'; drop table.csv",
    "[red]a.csv",
    "-rf.csv",
    "a.CSV.GZ",
    "nothing",
    "a.parquet",
    "a.xlsx",
    "a.zip",
    "=a.csv",
    "a{b}.csv",
)


@dataclass(frozen=True)
class Mutant:
    """What lies in the drop folder: a file of this content, or another kind of thing."""

    how: str
    name: bytes
    content: bytes = b""
    kind: str = "file"

    def lay(self, folder: Path) -> Path:
        """Lay it into a folder."""
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + self.name))
        if self.kind == "link":
            path.symlink_to(folder / f"{MARKER} is not there")
        elif self.kind == "directory":
            path.mkdir()
        elif self.kind == "pipe":
            os.mkfifo(path)
        else:
            path.write_bytes(self.content)
        return path


Damage = Callable[[random.Random, bytes], bytes]


# --- bytes


def _flip_bits(chance: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, content: bytes) -> bytes:
    return content[: chance.randrange(1, len(content))]


def _cut_out(chance: random.Random, content: bytes) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + content[start + chance.choice((1, 10, 100)) :] or b"\n"


def _noise(chance: random.Random, content: bytes) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + chance.randbytes(chance.choice((1, 8, 300))) + content[start:]


def _twice(_: random.Random, content: bytes) -> bytes:
    return content + content


# --- containers


def _zip(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # Its own date instead of the hour in which it is made, so that a seed is a file.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _gzip(_: random.Random, content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _gzip_damaged(chance: random.Random, content: bytes) -> bytes:
    return chance.choice((_cut, _flip_bits, _noise))(chance, _gzip(chance, content))


def _gzip_members(chance: random.Random, content: bytes) -> bytes:
    middle = chance.randrange(len(content))
    return (
        _gzip(chance, content[:middle]) + _gzip(chance, content[middle:]) + chance.choice((b"", b"\0" * 512, b"junk"))
    )


def _zip_one(chance: random.Random, content: bytes) -> bytes:
    return _zip((chance.choice((f"{MARKER}.csv", "a/b.csv", "ä.csv", "../a.csv", "/etc/a.csv")), content))


def _zip_many(chance: random.Random, content: bytes) -> bytes:
    other = chance.choice((content, b"", b"%PDF-1.4", chance.randbytes(50), b"a,b\n1,2\n"))
    return _zip((f"{MARKER}/1.csv", content), (f"{MARKER}/2.csv", other), ("__MACOSX/._1.csv", b"\0\5"))


def _zip_damaged(chance: random.Random, content: bytes) -> bytes:
    return chance.choice((_cut, _flip_bits, _noise))(chance, _zip_one(chance, content))


def _zip_without_file(_: random.Random, _content: bytes) -> bytes:
    return _zip()


def _zip_encrypted(_: random.Random, content: bytes) -> bytes:
    whole = bytearray(_zip((f"{MARKER}.csv", content)))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        whole[whole.index(signature) + offset] |= 1
    return bytes(whole)


def _nested_containers(chance: random.Random, content: bytes) -> bytes:
    for _ in range(chance.choice((2, 3, 12))):
        content = chance.choice((_gzip, _zip_one))(chance, content)
    return content


# --- text


def _encoded(encoding: str) -> Damage:
    return lambda _, content: content.decode("utf-8", "replace").encode(encoding, "replace")


def _cp1252(chance: random.Random, content: bytes) -> bytes:
    return content.replace(MARKER.encode(), chance.choice((b"caf\xe9 \x80 ", b"\x93")) + MARKER.encode())


def _bom(chance: random.Random, content: bytes) -> bytes:
    return chance.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf\xef\xbb\xbf")) + content


def _zeros(chance: random.Random, content: bytes) -> bytes:
    return content + b"\0" * chance.choice((1, 512, 5_000))


def _ends(chance: random.Random, content: bytes) -> bytes:
    return content.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b" \n", b"\xe2\x80\xa8", b"\n\r")))


def _delimiter(chance: random.Random, content: bytes) -> bytes:
    return content.replace(b",", chance.choice((b";", b"\t", b"|", b"  ", b",,", b", ", b"^")))


def _quotes(chance: random.Random, content: bytes) -> bytes:
    start = chance.randrange(len(content))
    return content[:start] + chance.choice((b'"', b'""', b'"\n"', b"'", b"\\")) + content[start:]


def _preamble(chance: random.Random, content: bytes) -> bytes:
    line = chance.choice((f"{MARKER}\n", "\n", "sep=;\n", "# made by hand\n", f"{MARKER};{MARKER};;\n\n"))
    return line.encode() * chance.choice((1, 3)) + content


def _footer(chance: random.Random, content: bytes) -> bytes:
    return content + chance.choice((f"Total,{MARKER},,,\n", "\n\n\n", ",,,,\n", f"{MARKER}", "\x1a")).encode()


def _nesting(chance: random.Random, content: bytes) -> bytes:
    deep = chance.choice(
        (b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"<a>" * DEEP)
    )
    return chance.choice((deep, content + deep + b"\n", deep + b"\n" + content, content[:-1] + b"," + deep))


def _huge_field(chance: random.Random, content: bytes) -> bytes:
    return content.replace(MARKER.encode(), MARKER.encode() * (HUGE // len(MARKER)), chance.choice((1, 1, 2)))


# --- records


def _lines(change: Callable[[random.Random, list[bytes]], list[bytes]]) -> Damage:
    return lambda chance, content: b"".join(change(chance, content.splitlines(keepends=True)))


def _repeat_row(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    return [*lines, *[chance.choice(lines)] * chance.choice((1, 1, 5))]


def _contradict(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    again = chance.choice(lines)
    digits = [place for place, byte in enumerate(again) if 48 <= byte < 58]
    if not digits:
        return [*lines, again]
    changed = bytearray(again)
    changed[chance.choice(digits[-3:])] = chance.randrange(48, 58)
    return [*lines, bytes(changed)]


def _shuffle(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    return chance.sample(lines, len(lines))


def _without_header(_: random.Random, lines: list[bytes]) -> list[bytes]:
    return lines[1:] or [b"\n"]


def _header_only(_: random.Random, lines: list[bytes]) -> list[bytes]:
    return lines[:1]


def _header_again(_: random.Random, lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[0], *lines[1:]]


def _damaged_header(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    names = lines[0].rstrip(b"\n").split(b",")
    at = chance.randrange(len(names))
    change = chance.choice(("rename", "double", "blank", "case", "drop", "pad", "extra", "quote", "empty"))
    if change == "rename":
        names[at] = MARKER.encode()
    elif change == "double":
        names.append(names[at])
    elif change in ("blank", "empty"):
        names[at] = b"   " if change == "blank" else b""
    elif change == "case":
        names = [name.upper() for name in names]
    elif change == "drop":
        del names[at]
    elif change == "pad":
        names = [b"  " + name + b" " for name in names]
    elif change == "extra":
        names = [*names, MARKER.encode(), b""]
    else:
        names = [b'"' + name + b'"' for name in names]
    return [b",".join(names) + b"\n", *lines[1:]]


def _damaged_cell(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    changed = [*lines]
    for _ in range(chance.choice((1, 1, 2, 8))):
        row = chance.randrange(min(1, len(lines) - 1), len(lines))
        separator = b"," if b"," in changed[row] else b" "
        cells = changed[row].rstrip(b"\n").split(separator)
        cells[chance.randrange(len(cells))] = chance.choice(CELLS).encode()
        changed[row] = separator.join(cells) + b"\n"
    return changed


def _moved_cells(chance: random.Random, lines: list[bytes]) -> list[bytes]:
    row = chance.randrange(len(lines))
    extra = chance.choice((b"," + lines[row], lines[row].rstrip(b"\n") + b",,,\n", lines[row].replace(b",", b"", 1)))
    return [*lines[:row], extra, *lines[row + 1 :]]


def _column(value: object) -> Callable[[random.Random, list[bytes]], list[bytes]]:
    """Every row has the same value in one column."""

    def change(chance: random.Random, lines: list[bytes]) -> list[bytes]:
        at = chance.randrange(lines[0].count(b",") + 1)
        changed = [lines[0]]
        for each in lines[1:]:
            cells = each.rstrip(b"\n").split(b",")
            cells[min(at, len(cells) - 1)] = str(value).encode()
            changed.append(b",".join(cells) + b"\n")
        return changed

    return change


def _json_values(chance: random.Random, content: bytes) -> bytes:
    """Other values at some places of a document, or of each line of one."""

    def changed(value: object, depth: int = 0) -> object:
        if chance.random() < 0.1:
            return chance.choice((None, True, [], {}, MARKER, -1, 1e300, [[]], {"a": {MARKER: 1}}, 2**70, "", [None]))
        if isinstance(value, dict):
            return {
                (MARKER if chance.random() < 0.03 else key): changed(each, depth + 1) for key, each in value.items()
            }
        return [changed(each, depth + 1) for each in value] if isinstance(value, list) else value

    try:
        documents = [json.loads(each) for each in content.splitlines()]
    except ValueError:
        return _flip_bits(chance, content)
    return b"".join(json.dumps(changed(each)).encode() + b"\n" for each in documents)


# --- other formats


def _frame(content: bytes) -> pl.DataFrame:
    lines = [each.split(",") for each in content.decode("utf-8", "replace").splitlines()]
    width = min(map(len, lines))
    names = [name if lines[0].index(name) == at else f"{name}_{at}" for at, name in enumerate(lines[0][:width])]
    return pl.DataFrame(
        [each[:width] for each in lines[1:]] or None, schema=dict.fromkeys(names, pl.String()), orient="row"
    )


def _parquet(chance: random.Random, content: bytes) -> bytes:
    frame = _frame(content)
    others = (
        lambda column: column.cast(pl.Categorical()),
        lambda column: column.cast(pl.Binary()),
        lambda column: column.cast(pl.Float64(), strict=False),
        lambda column: column.cast(pl.Int64(), strict=False),
        lambda column: pl.Series(column.name, [None] * len(column)),
        lambda column: pl.Series(column.name, [[MARKER]] * len(column)),
        lambda column: pl.Series(column.name, [{"a": MARKER}] * len(column)),
        lambda column: pl.Series(column.name, [True] * len(column)),
        lambda column: pl.Series(column.name, [10**6] * len(column)).cast(pl.Duration("us")),
        lambda column: pl.Series(column.name, [10**15] * len(column)).cast(pl.Datetime("us", "Asia/Tokyo")),
        lambda column: pl.Series(column.name, [10**18] * len(column)).cast(pl.Datetime("ns")),
        lambda column: pl.Series(column.name, [10**4] * len(column)).cast(pl.Int32()).cast(pl.Date()),
        lambda column: pl.Series(column.name, [10**9] * len(column)).cast(pl.Time()),
        lambda column: pl.Series(column.name, [15] * len(column)).cast(pl.Decimal(10, 2)),
        lambda column: pl.Series(column.name, [float("nan")] * len(column)),
        lambda column: pl.Series(column.name, [2**63] * len(column), dtype=pl.UInt64()),
    )
    for _ in range(chance.choice((0, 1, 1, 3))):
        column = chance.choice(frame.get_columns())
        frame = frame.with_columns(chance.choice(others)(column).alias(column.name))
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _workbook(chance: random.Random, content: bytes) -> bytes:
    rows: list[list[object]] = [[*each.split(",")] for each in content.decode("utf-8", "replace").splitlines()]
    if chance.random() < 0.5 and len(rows) > 1:
        row = chance.choice(rows[1:])
        row[chance.randrange(len(row))] = chance.choice((None, 1.5, True, -1, "", MARKER, 10**15))
    return workbook({MARKER: rows} if chance.random() < 0.7 else {"a": [], MARKER: rows, "b": [[MARKER]]})


def _damaged(made: Damage) -> Damage:
    return lambda chance, content: chance.choice((_cut, _flip_bits, _noise))(chance, made(chance, content))


def _other_format(chance: random.Random, _content: bytes) -> bytes:
    marked = MARKER.encode()
    return chance.choice(
        (
            b"%PDF-1.7\n" + marked + b"\n%%EOF",
            b"SQLite format 3\0" + marked * 100,
            b"<html><body>" + marked + b"</body></html>",
            b"\x89PNG\r\n\x1a\n" + marked,
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + marked * 50,
            b"{\\rtf1 " + marked,
            b"PAR1" + marked + b"PAR1",
            b"7z\xbc\xaf\x27\x1c" + marked,
            b"BZh9" + marked,
            b"\x28\xb5\x2f\xfd" + marked,
            b"PK\3\4" + marked,
            b"\x1f\x8b" + marked,
            b'<?xml version="1.0"?><a><b>' + marked + b"</b></a>",
            b"<a>" + marked,
            marked,
            marked + b"\n" + marked + b"\n",
            b"{}",
            b"[]",
            b"null",
            b"1",
            b'"' + marked + b'"',
            b"[1, 2]",
            b'{"' + marked + b'": [{"a": 1}]}',
            b"\n",
            b" ",
            b"\0",
            b",",
            b'"',
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"100,HEADER,NEM12\n" + marked,
            b'<!DOCTYPE a [<!ENTITY b "' + marked + b'">]><a>&b;</a>',
        )
    )


def _json_rows(chance: random.Random, content: bytes) -> bytes:
    rows = _frame(content).to_dicts()
    return chance.choice(
        (json.dumps(rows), json.dumps({"results": rows}), "\n".join(map(json.dumps, rows)) + "\n")
    ).encode()


DAMAGES: dict[str, Damage] = {
    "bits flipped": _flip_bits,
    "cut": _cut,
    "a piece missing": _cut_out,
    "noise": _noise,
    "twice in one file": _twice,
    "gzip": _gzip,
    "damaged gzip": _gzip_damaged,
    "gzip in members": _gzip_members,
    "zip": _zip_one,
    "zip of several": _zip_many,
    "damaged zip": _zip_damaged,
    "empty zip": _zip_without_file,
    "zip with a password": _zip_encrypted,
    "containers in containers": _nested_containers,
    "UTF-16": _encoded("utf-16"),
    "UTF-16 without a mark": _encoded("utf-16-le"),
    "UTF-32": _encoded("utf-32"),
    "EBCDIC": _encoded("cp500"),
    "cp1252": _cp1252,
    "byte order mark": _bom,
    "zeros at the end": _zeros,
    "line ends": _ends,
    "delimiter": _delimiter,
    "quotes": _quotes,
    "preamble": _preamble,
    "footer": _footer,
    "nesting": _nesting,
    "huge field": _huge_field,
    "row again": _lines(_repeat_row),
    "row that contradicts": _lines(_contradict),
    "rows shuffled": _lines(_shuffle),
    "no header": _lines(_without_header),
    "only a header": _lines(_header_only),
    "header again": _lines(_header_again),
    "header damaged": _lines(_damaged_header),
    "cells damaged": _lines(_damaged_cell),
    "cells damaged more": _lines(lambda chance, lines: _damaged_cell(chance, _damaged_cell(chance, lines))),
    "cells moved": _lines(_moved_cells),
    "an empty column": _lines(_column("")),
    "a column of words": _lines(_column(MARKER)),
    "a column of numbers": _lines(_column(1e300)),
    "other values in JSON": _json_values,
    "Parquet": _parquet,
    "damaged Parquet": _damaged(_parquet),
    "workbook": _workbook,
    "damaged workbook": _damaged(_workbook),
    "another format": _other_format,
    "rows as JSON": _json_rows,
}
# Of these the file is a table still, and can be damaged further.
FIRST = (
    "row again",
    "row that contradicts",
    "rows shuffled",
    "header damaged",
    "cells damaged",
    "cells moved",
    "byte order mark",
)
LAST = (
    "gzip",
    "zip",
    "UTF-16",
    "cut",
    "Parquet",
    "workbook",
    "line ends",
    "delimiter",
    "bits flipped",
    "cp1252",
    "rows as JSON",
)
OTHERS = ("link", "directory", "pipe", "empty", "not UTF-8")


def mutant(sample: Sample, seed: int) -> Mutant:
    """Return a damaged file of a source; the same seed gives the same."""
    chance = random.Random(seed)
    content = sample.make(MARKER)
    name = f"{seed}-{sample.name}".encode()
    kind = chance.random()
    if kind < 0.04:
        other = OTHERS[seed % len(OTHERS)]
        if other == "not UTF-8":
            return Mutant("name is not UTF-8", b"\xff\xfe-" + name, content + b"\n" * (seed % 7))
        return Mutant(other, name, kind="file" if other == "empty" else other)
    if kind < 0.12:
        odd = chance.choice(NAMES)
        return Mutant(f"name {odd!r:.40}", f"{seed}{odd}"[:210].encode(), _lines(_damaged_cell)(chance, content))
    if kind < 0.35:
        one, other = chance.choice(FIRST), chance.choice(LAST)
        try:
            return Mutant(f"{one}, {other}", name, DAMAGES[other](chance, DAMAGES[one](chance, content)) or b"\n")
        except Exception:  # The first damage left no table to write in another format.
            return Mutant(one, name, DAMAGES[one](chance, content) or b"\n")
    how = list(DAMAGES)[seed % len(DAMAGES)]
    try:
        return Mutant(how, name, DAMAGES[how](chance, content) or b"\n")
    except Exception:  # A sample that is no table cannot be written as one.
        return Mutant("bits flipped", name, _flip_bits(chance, content))
