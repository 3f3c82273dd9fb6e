"""Text of any encoding as UTF-8; what is not valid in it is marked, so that only its record is lost."""

import codecs
import re

import numpy as np
import pyarrow as pa

from ons_assets.intake.streams import CutShort, Stream
from ons_assets.intake.unreadable import Unreadable

# Stands in text for bytes that are no character. It is a noncharacter: no text may hold it.
MARK = "\ufdd0"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MARKING = "mark-invalid"
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
CHUNK_BYTES = 1 << 20
LOOKED_AT_BYTES = 4096
# What people write beside letters: currencies, units, quotation marks and dashes.
COMMON_SIGNS = re.compile("[€£§°²³µ·–—‘’‚“”„«»…½¼¾]")
WELL_READ = 0.9
WESTERN_AND_EASTERN = ("cp1252", "cp1250")
UNDECIDED = "undecided"
HINTS = {
    "cp1252": "is not valid utf-8 but reads well as cp1252: say encoding: cp1252",
    "cp1250": "is not valid utf-8 but reads well as cp1250: say encoding: cp1250",
    UNDECIDED: "is not UTF-8: say the encoding, such as cp1252 or cp1250",
}

codecs.register_error(MARKING, lambda error: (MARK, error.end))  # type: ignore[attr-defined]


def as_utf8(stream: Stream, encoding: str) -> tuple[Stream, str]:
    """Return the text as UTF-8, and the encoding that it has; a byte order mark says more than a layout.

    If the encoding is UTF-8 the bytes are passed on as they are, be they valid or not; see `checked`.

    Raises
    ------
    Unreadable
        If it is UTF-16 without a byte order mark, and the layout does not say so.
    """
    start = stream.peek(LOOKED_AT_BYTES)
    for mark, marked in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            stream.read(len(mark))
            encoding = marked
            break
    else:
        encoding = codecs.lookup(encoding).name
        if encoding in ("utf-8", "ascii") and (wide := unmarked_utf16(start)):
            raise Unreadable(f"is UTF-16 text without a byte order mark: say encoding: {wide}")
    if encoding == "utf-8":
        return stream, encoding
    decoder = codecs.getincrementaldecoder(encoding)(MARKING)

    def pull(size: int) -> bytes:
        while content := stream.read(min(size, CHUNK_BYTES)):
            if text := decoder.decode(content).encode("utf-8", "surrogatepass"):
                return text
        if stream.cut_short:
            raise CutShort
        rest = decoder.decode(b"", True).encode()
        decoder.reset()
        return rest

    return Stream(pull), encoding


def checked(content: bytes, encoding: str) -> tuple[bytes, bool]:
    """Return records as valid UTF-8, and whether some of their bytes were no characters and are marked.

    Parameters
    ----------
    content
        Whole records of a stream of `as_utf8`.
    encoding
        That it came in.
    """
    if content.isascii():
        return content, False
    if encoding != "utf-8":
        return content, MARK.encode() in content
    if _is_utf8(content):
        return content, False
    return content.decode("utf-8", MARKING).encode(), True


def _is_utf8(content: bytes) -> bool:
    """Return whether bytes are UTF-8; Arrow looks without making text of them."""
    ends = pa.py_buffer(np.array([0, len(content)], dtype=np.int64))
    one = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(content)])
    try:
        one.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def unmarked_utf16(start: bytes) -> str | None:
    """Return which UTF-16 a text begins as, by the zeros between its letters; None if it does not."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    # Zeros on both sides are no letters.
    if len(start) < 8 or even + odd < len(start) * 0.3 or min(even, odd) > max(even, odd) * 0.1:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def hint(content: bytes) -> str | None:
    """Return what to say of text that is not UTF-8 but reads well in another encoding; None if it does in none.

    Parameters
    ----------
    content
        Its lines that are not UTF-8.
    """
    found = likely(content)
    return HINTS[found.pop() if len(found) == 1 else UNDECIDED] if found else None


def likely(content: bytes) -> set[str]:
    """Return in which encodings text that is not UTF-8 reads well; of such as give the same text, the first.

    Which of several it is nothing tells: a letter of Polish in one is a sign, or a letter of French, in the other.

    Parameters
    ----------
    content
        Its lines that are not UTF-8.
    """
    known = [each for each in reversed(WESTERN_AND_EASTERN) if _reads_well(content, each)]
    return {*{content.decode(each): each for each in known}.values()}


def not_utf8(content: bytes) -> bytes:
    """Return the lines of a text that are not UTF-8."""
    return b"\n".join(line for line in content.split(b"\n") if not _is_utf8(line))


def _reads_well(content: bytes, encoding: str) -> bool:
    """Return whether text has, in an encoding, letters and common signs where it is not ASCII."""
    try:
        others = [character for character in content.decode(encoding) if not character.isascii()]
    except UnicodeDecodeError:
        return False
    good = sum(character.isalpha() or COMMON_SIGNS.match(character) is not None for character in others)
    return bool(others) and good >= WELL_READ * len(others)
