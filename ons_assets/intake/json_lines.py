"""JSON, one value a line; a line that is none, or is too long, is a fault of that line."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ons_assets.intake.blocks import Block, rejected_rows, texts
from ons_assets.intake.containers import parts
from ons_assets.intake.encodings import as_utf8
from ons_assets.intake.json_values import Faulty, decoded, row
from ons_assets.intake.layouts import Layout
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import KEPT_BYTES, Fault
from ons_assets.intake.streams import Stream

CHUNK_BYTES = 1 << 20
ROWS = 50_000


def lines(path: Path, limits: Limits, *, member: str = "*") -> Iterator[tuple[int, bytes | Fault]]:
    """Yield the lines of a file with their numbers, without line ends; or the elements, if it is one array.

    Parameters
    ----------
    path
        Plain, gzip, Zstandard, or a zip whose lines are counted through all members.
    limits
        A line that is longer is a fault; so is one that the end of a damaged file cuts.
    member
        Pattern of the members of a zip.

    Raises
    ------
    Unreadable
        If the file is damaged or unpacks to too much.
    """
    before = 0
    for part in parts(path, limits, member):
        number = before
        for number, line in of_stream(part.stream, limits, before + 1):
            yield number, line
        before = number


def of_stream(stream: Stream, limits: Limits, first: int = 1) -> Iterator[tuple[int, bytes | Fault]]:
    """Yield the lines of a stream; see `lines`.

    Parameters
    ----------
    stream
        What the container holds.
    limits
        Greatest sizes of a line and of the whole.
    first
        Number of the first line.
    """
    from ons_assets.intake.json_document import elements

    if stream.peek(3) == b"\xef\xbb\xbf":
        stream.read(3)
    if stream.peek(64).lstrip().startswith(b"["):
        for number, element in enumerate(elements(stream, limits), start=first):
            yield number, bytes(element)
        return
    number, rest, longest = first - 1, b"", limits.line_bytes
    while chunk := stream.read(CHUNK_BYTES):
        pieces = (rest + chunk).split(b"\n")
        rest = pieces.pop()
        for number, line in enumerate(pieces, start=number + 1):  # noqa: B020
            yield number, line if len(line) <= longest else _too_long(line, longest)
        if len(rest) > longest:
            number += 1
            yield number, _too_long(rest, longest)
            rest = _after_line(stream)
    if stream.cut_short:
        yield number + 1, Fault("cut short", rest[:KEPT_BYTES], is_end=True)
    elif rest:
        yield number + 1, rest if len(rest) <= longest else _too_long(rest, longest)


def blocks(
    stream: Stream, layout: Layout, limits: Limits, columns: Collection[str] | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield JSON lines as rows of text; blank lines are none. With a path, a line holds as many as are there.

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    layout
        Says the encoding, and the path of rows inside the lines.
    limits
        On its lines.
    columns
        That are needed, in the form `geo.type`; all of them if None.
    rows
        Of a block.
    """
    from ons_assets.intake.json_document import rows_inside

    utf8, _ = as_utf8(stream, layout.encoding)
    names: dict[str, None] = dict.fromkeys(columns or ())
    found: list[dict[str, str | None]] = []
    numbers: list[int] = []
    rejected: list[tuple[int, str, str]] = []
    for number, line in of_stream(utf8, limits):
        if isinstance(line, Fault):
            rejected.append((number, line.reason, line.text.decode("utf-8", "replace")))
            continue
        if not line.strip():
            continue
        try:
            if layout.path:
                inside = rows_inside(line, layout, columns)
            else:
                inside = [row(decoded(line, layout.decimal), columns)]
        except Faulty as fault:
            rejected.append((number, str(fault), line.decode("utf-8", "replace")))
            continue
        for values in inside:
            names.update(dict.fromkeys(values))
        found += inside
        numbers += [number] * len(inside)
        if len(found) >= rows:
            yield Block(texts(found, list(names), numbers), rejected_rows(rejected))
            found, numbers, rejected = [], [], []
    yield Block(texts(found, list(names), numbers), rejected_rows(rejected), ends_inside_record=utf8.cut_short)


def _too_long(line: bytes, longest: int) -> Fault:
    return Fault(f"line is longer than {longest} bytes", line[:KEPT_BYTES])


def _after_line(stream: Stream) -> bytes:
    while chunk := stream.read(CHUNK_BYTES):
        if end := chunk.find(b"\n") + 1:
            return chunk[end:]
    return b""
