"""The parser of CER text in plain Python: slow, obvious, and what the tests hold the kernel against."""

import math
import re

import numpy as np
import numpy.typing as npt

BLANKS = " \t\r"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


def parse_cer_text(
    block: bytes, position_of: npt.NDArray[np.int16], factor: float, largest: float
) -> tuple[object, ...]:
    """Parse a block of whole lines; see `core_ext.parse_cer_text`.

    Parameters
    ----------
    block
        Bytes of whole lines, "meter dddss reading".
    position_of
        Place in the day, 0 to 47, of the slot of a day, shape (1000, 100); negative is minus the reason to reject it.
    factor
        What turns a reading into kWh.
    largest
        Readings of more kWh than this, up or down, are rejected.
    """
    meters: list[int] = []
    rows: list[tuple[int, int, int, float, int]] = []
    bad: list[tuple[int, int, int]] = []
    lines = block.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    begin = 0
    for number, line in enumerate(lines):
        fields = [field for field in re.split(r"[ \t\r]+", line.decode("latin-1")) if field]
        reason = _reason(fields)
        if reason is None:
            day, slot = int(fields[1][:3]), int(fields[1][3:])
            value = float(fields[2]) * factor
            if not math.isfinite(value):
                reason = 5
            elif abs(value) > largest:
                reason = 6
            elif position_of[day, slot] < 0:
                reason = -int(position_of[day, slot])
            else:
                meter = int(fields[0])
                if meter not in meters:
                    meters.append(meter)
                rows.append((meters.index(meter), day, int(position_of[day, slot]), value, begin))
        if reason is not None:
            bad.append((number, begin, reason))
        begin += len(line) + 1
    columns: list[tuple[object, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 5
    faults: list[tuple[object, ...]] = list(zip(*bad, strict=True)) if bad else [()] * 3
    return (
        np.array(meters, dtype=np.int64),
        *(
            np.array(column, dtype=kind)
            for column, kind in zip(columns, (np.int32, np.int16, np.int16, np.float32, np.int64), strict=True)
        ),
        *(np.array(fault, dtype=kind) for fault, kind in zip(faults, (np.int64, np.int64, np.int8), strict=True)),
        len(lines),
    )


def _reason(fields: list[str]) -> int | None:
    if not fields:
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", fields[0]):
        return 2
    if len(fields) == 1:
        return 1
    if not re.fullmatch(r"[0-9]{5}", fields[1]):
        return 3
    if len(fields) != 3:
        return 1
    if len(fields[2]) > 63 or not NUMBER.fullmatch(fields[2]):
        return 4
    return None
