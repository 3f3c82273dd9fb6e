"""Parser of the CER trial's text: ``meter dddss value``, one reading a line, hundreds of millions of lines.

A block of bytes becomes arrays in one pass without the GIL. A line is a reading or it is reported with
its number, place and reason; none is lost. The meaning of a day and slot (which half hour of the local
day, or none) comes in as a table, so that clock changes stay out of the hot loop.

Reference: ``core_ext.cer_text.reference`` holds the same function in plain Python.
"""

from libc.math cimport fabs, isfinite
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport strtod
from libc.string cimport memcpy

import numpy as np

from core_ext.arguments import whole_numbers

cdef enum Reason:
    BLANK = 0
    FIELDS = 1
    METER = 2
    CODE = 3
    NUMBER = 4
    NOT_FINITE = 5
    TOO_LARGE = 6
    # The table of positions holds -7, -8, ... for what a day and slot cannot be.

cdef enum:
    DAYS = 1000
    SLOTS = 100
    LONGEST_NUMBER = 63
    # A reading has at least nine characters, as in "1 10101 0", and a line break.
    SHORTEST_LINE = 10
    EXACT_DIGITS = 15
    EXACT_POWER = 22

cdef double[23] POWERS
cdef int _power
for _power in range(23):
    POWERS[_power] = 10.0 ** _power


cdef inline bint _is_blank(uint8_t c) noexcept nogil:
    return c == 32 or c == 9 or c == 13


cdef inline bint _is_digit(uint8_t c) noexcept nogil:
    return 48 <= c <= 57


cdef double _slow_number(const uint8_t* text, Py_ssize_t length, bint* ok) noexcept nogil:
    """Read a number by the C library: long mantissas, exponents, nan and inf."""
    cdef char[LONGEST_NUMBER + 1] buffer
    cdef char* end
    cdef Py_ssize_t i
    cdef double value
    ok[0] = False
    if length == 0 or length > LONGEST_NUMBER:
        return 0.0
    for i in range(length):
        # The C library would also take hexadecimal numbers and nan(payload).
        if text[i] == c'x' or text[i] == c'X' or text[i] == c'(':
            return 0.0
    memcpy(buffer, text, length)
    buffer[length] = 0
    value = strtod(buffer, &end)
    ok[0] = end == buffer + length
    return value


cdef inline double _number(const uint8_t* text, Py_ssize_t length, bint* ok) noexcept nogil:
    """Read a decimal number exactly as the C library does, faster where it is short."""
    cdef Py_ssize_t i = 0
    cdef int64_t mantissa = 0
    cdef int digits = 0, decimals = 0
    cdef bint negative = False, fraction = False
    if length and (text[0] == c'-' or text[0] == c'+'):
        negative = text[0] == c'-'
        i = 1
    while i < length:
        if _is_digit(text[i]):
            mantissa = mantissa * 10 + (text[i] - 48)
            digits += 1
            decimals += fraction
        elif text[i] == c'.' and not fraction:
            fraction = True
        else:
            return _slow_number(text, length, ok)
        i += 1
        if digits > EXACT_DIGITS:
            return _slow_number(text, length, ok)
    ok[0] = digits > 0
    # Both are exact doubles, so the one division rounds as a correct parser does.
    return -(mantissa / POWERS[decimals]) if negative else mantissa / POWERS[decimals]


def parse_cer_text(block, position_of, double factor, double largest):
    """Parse a block of whole lines.

    Parameters
    ----------
    block : bytes
        Lines ``meter dddss value``, separated by blanks; the last may lack its line break.
    position_of : int16 array, (1000, 100)
        For each day number and slot number the position in its local day, or a negative reason.
    factor : float
        Multiplies the value.
    largest : float
        A value further from 0 than this, once multiplied, is no reading.

    Returns
    -------
    meters : int64 array, (m,)
        Meter numbers in order of first appearance.
    meter, day, position, value, start : int32, int16, int16, float32, int64 arrays, (n,)
        Readings in order: index into `meters`, day number, position, multiplied value, and where in the
        block the line starts.
    bad_line, bad_start, bad_reason : int64, int64, int8 arrays
        Lines (0 is the first of the block) that are no reading, where they start, and why: 0 blank,
        1 not three fields, 2 meter is no whole number, 3 code is not five digits, 4 value is no number,
        5 value is not finite, 6 value is too large, 7 and more as in `position_of`.
    lines : int
        Number of lines in the block.
    """
    cdef const uint8_t[::1] data = block
    cdef const int16_t[:, ::1] table = whole_numbers(position_of, np.int16, "position_of")
    if table.shape[0] != DAYS or table.shape[1] != SLOTS:
        raise ValueError("position_of must have 1000 days and 100 slots")
    cdef Py_ssize_t size = data.shape[0]
    cdef Py_ssize_t most = size // SHORTEST_LINE + 2
    meter, day, position = (np.empty(most, dtype=kind) for kind in (np.int32, np.int16, np.int16))
    value, start = np.empty(most, dtype=np.float32), np.empty(most, dtype=np.int64)
    cdef int32_t[::1] meter_view = meter
    cdef int16_t[::1] day_view = day, position_view = position
    cdef float[::1] value_view = value
    cdef int64_t[::1] start_view = start
    cdef list meters = [], bad = []
    cdef dict code_of = {}
    cdef const uint8_t* text = &data[0] if size else NULL
    cdef Py_ssize_t i = 0, n = 0, line = 0, begin, first, length
    cdef int64_t number, last_number = -1
    cdef int32_t code = -1
    cdef int digits, days = 0, slots = 0, reason
    cdef double parsed = 0
    cdef bint ok
    with nogil:
        while i < size:
            begin = i
            reason = -1
            # -- meter
            while i < size and _is_blank(text[i]):
                i += 1
            number = 0
            digits = 0
            while i < size and _is_digit(text[i]) and digits < 18:
                number = number * 10 + (text[i] - 48)
                digits += 1
                i += 1
            if i >= size or text[i] == 10:
                reason = FIELDS if digits else BLANK
            elif digits == 0 or not _is_blank(text[i]):
                reason = METER
            # -- code: three digits of day, two of slot
            if reason < 0:
                while i < size and _is_blank(text[i]):
                    i += 1
                first = i
                while i < size and not _is_blank(text[i]) and text[i] != 10:
                    i += 1
                length = i - first
                if length == 0:
                    reason = FIELDS
                elif length != 5:
                    reason = CODE
                else:
                    for length in range(5):
                        if not _is_digit(text[first + length]):
                            reason = CODE
                    if reason < 0:
                        days = (text[first] - 48) * 100 + (text[first + 1] - 48) * 10 + text[first + 2] - 48
                        slots = (text[first + 3] - 48) * 10 + text[first + 4] - 48
            # -- value
            if reason < 0:
                while i < size and _is_blank(text[i]):
                    i += 1
                first = i
                while i < size and not _is_blank(text[i]) and text[i] != 10:
                    i += 1
                length = i - first
                while i < size and _is_blank(text[i]):
                    i += 1
                if length == 0 or (i < size and text[i] != 10):
                    reason = FIELDS
                else:
                    parsed = _number(text + first, length, &ok) * factor
                    if not ok:
                        reason = NUMBER
                    elif not isfinite(parsed):
                        reason = NOT_FINITE
                    elif fabs(parsed) > largest:
                        reason = TOO_LARGE
                    elif table[days, slots] < 0:
                        reason = -table[days, slots]
            while i < size and text[i] != 10:
                i += 1
            i += 1
            if reason < 0:
                if number != last_number:
                    with gil:
                        code = code_of.get(number, -1)
                        if code < 0:
                            code = len(meters)
                            code_of[number] = code
                            meters.append(number)
                    last_number = number
                meter_view[n] = code
                day_view[n] = days
                position_view[n] = table[days, slots]
                value_view[n] = <float> parsed
                start_view[n] = begin
                n += 1
            else:
                with gil:
                    bad.append((line, begin, reason))
            line += 1
    lines, starts, reasons = zip(*bad) if bad else ((), (), ())
    return (
        np.array(meters, dtype=np.int64),
        meter[:n],
        day[:n],
        position[:n],
        value[:n],
        start[:n],
        np.array(lines, dtype=np.int64),
        np.array(starts, dtype=np.int64),
        np.array(reasons, dtype=np.int8),
        line,
    )
