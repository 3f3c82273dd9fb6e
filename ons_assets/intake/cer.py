"""Text of the CER trial, `meter dddss value`, by the kernel: hundreds of millions of lines at its speed.

Fields may be divided by commas, or by semicolons beside decimal commas, and the first line may be a header.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import polars as pl

from core_ext import parse_cer_text
from ons_assets.intake.blocks import Block, rejected_rows
from ons_assets.intake.encodings import BYTE_ORDER_MARKS
from ons_assets.intake.limits import Limits
from ons_assets.intake.record_blocks import Fault, Splitter
from ons_assets.intake.streams import Stream
from ons_assets.intake.unreadable import Unreadable

BLOCK_BYTES = 8 << 20
DAYS, SLOTS = 1000, 100
# Other numbers than a day, one of its slots and a value are the fields of another table.
LINE = re.compile(rb"[ \t]*\d{1,18}[ \t,;]+\d{3}(?:0[1-9]|[1-4]\d|50)[ \t,;]+[+-]?[\d.,]*\d(?:[eE][+-]?\d+)?[ \t\r]*")
WITH_COMMAS, WITH_SEMICOLONS = bytes.maketrans(b",", b" "), bytes.maketrans(b";,", b" .")
LOOKED_AT_BYTES = 4096
REASONS = {
    1: "not three fields",
    2: "meter is not a whole number",
    3: "day and slot are not five digits",
    4: "value is not a number",
    5: "value is not finite",
}
SCHEMA = {"meter": pl.Int64(), "code": pl.Int32(), "value": pl.Float32(), "line": pl.Int64()}
# For the kernel every slot is the position of its own number: what it means is said elsewhere.
OWN_NUMBER = np.broadcast_to(np.arange(SLOTS, dtype=np.int16), (DAYS, SLOTS)).copy()


def begins_as_cer(start: bytes) -> bool:
    """Return whether a file whose first bytes these are is CER text; one bad line must not hide it."""
    lines = start.split(b"\n")
    found = [LINE.fullmatch(line) is not None for line in (lines[:-1] or lines) if line.strip()]
    return bool(found) and sum(found) > len(found) / 2


def blocks(
    stream: Stream, limits: Limits, columns: Collection[str] | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yield meter, code (five digits: day and slot), value and line; `line` counts blank lines too.

    Parameters
    ----------
    stream
        Of a part of a file, unpacked.
    limits
        On its lines.
    columns
        That are needed; all of them if None.
    block_bytes
        How much is read at a time.

    Raises
    ------
    Unreadable
        If it is empty.
    """
    start = stream.peek(LOOKED_AT_BYTES)
    for mark in BYTE_ORDER_MARKS:
        if start.startswith(mark):
            stream.read(len(mark))
    kept = [name for name in SCHEMA if columns is None or name in columns or name == "line"]
    first = 1
    # A first line that begins with a letter is a header; one with a digit is a record, be it a faulty one.
    if stream.peek(LOOKED_AT_BYTES).split(b"\n")[0].strip()[:1].isalpha():
        stream.readline(limits.line_bytes)
        first = 2
    marks = WITH_SEMICOLONS if start.count(b";") > start.count(b",") else WITH_COMMAS
    is_empty, has_ended = True, False
    for block in _ahead(_Parser(marks, first, kept), Splitter(stream, b" ", b"", limits.line_bytes, block_bytes)):
        yield block
        is_empty, has_ended = False, block.ends_inside_record
    if stream.cut_short and not has_ended:
        yield Block(pl.DataFrame(schema=SCHEMA).select(kept), rejected_rows(), ends_inside_record=True)
    elif is_empty:
        raise Unreadable("is empty" if first == 1 else "has a header and no rows")


def _ahead(parser: "_Parser", splitter: Splitter) -> Iterator[Block]:
    """Yield blocks, parsed while the caller still works on the block before."""
    with ThreadPoolExecutor(1) as worker:
        waiting: deque[Future[Block]] = deque()
        for piece in splitter:
            waiting.append(worker.submit(parser.block, piece))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        for parsed in waiting:
            yield parsed.result()


class _Parser:
    """Makes blocks of pieces of text, one after the other.

    Parameters
    ----------
    marks
        Which characters stand for which.
    first
        Number of the first line.
    names
        Columns that are kept.
    """

    def __init__(self, marks: bytes, first: int, names: list[str]) -> None:
        self._marks, self._line, self._names = marks, first, names

    def block(self, piece: Any) -> Block:
        """Return the records of a piece, or the fault that it is."""
        if isinstance(piece, Fault):
            rejected = rejected_rows([(self._line, piece.reason, piece.text.decode("utf-8", "replace"))])
            self._line += 1
            return Block(pl.DataFrame(schema=SCHEMA).select(self._names), rejected, ends_inside_record=piece.is_end)
        has_marks = b"," in piece.content or b";" in piece.content
        content = piece.content.translate(self._marks) if has_marks else piece.content
        parsed = parse_cer_text(content, OWN_NUMBER, 1.0, np.inf)
        block = _block(piece.content, parsed, self._line, self._names)
        self._line += parsed[-1]
        return block


def _block(content: bytes, parsed: tuple[Any, ...], first: int, names: list[str]) -> Block:
    meters, meter, day, slot, value, _, bad_line, bad_start, bad_reason, count = parsed
    line = pl.int_range(first, first + count, dtype=pl.Int64(), eager=True)
    columns = {
        "meter": meters[meter],
        "code": day.astype(np.int32) * SLOTS + slot,
        "value": value,
        "line": np.delete(line.to_numpy(), bad_line) if len(bad_line) else line,
    }
    rejected = []
    for number, start, reason in zip(bad_line.tolist(), bad_start.tolist(), bad_reason.tolist(), strict=True):
        if reason:
            end = content.find(b"\n", start)
            record = content[start : end if end >= 0 else len(content)].rstrip(b"\r").decode("utf-8", "replace")
            rejected.append((first + number, REASONS[reason], record))
    return Block(pl.DataFrame({name: columns[name] for name in names}), rejected_rows(rejected))
