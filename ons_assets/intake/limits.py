"""How much of a file is read before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much of a file is read before it is refused.

    Parameters
    ----------
    unpacked_bytes
        Size after decompression; stops a small file that unpacks without end.
    line_bytes
        Length of one record.
    document_bytes
        Size of a JSON document or a workbook, which cannot be read piece by piece.
    """

    unpacked_bytes: int = 2 << 30
    line_bytes: int = 1 << 20
    document_bytes: int = 256 << 20
