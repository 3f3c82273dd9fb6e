"""The one exception of the way in: a file cannot be read, and why."""

import polars as pl

from ons_assets.lakehouse.quarantine import REJECTED_SCHEMA


class Unreadable(Exception):
    """A file cannot be read at all; the message says why in one sentence, without the file's name.

    Parameters
    ----------
    reason
        Follows the name of the file: "is a damaged gzip file". It quotes nothing of the file.
    rejected
        The records of the file, if it came so far that there are some.
    """

    def __init__(self, reason: str, rejected: pl.DataFrame | None = None) -> None:
        super().__init__(reason)
        self.rejected = rejected if rejected is not None else pl.DataFrame(schema=REJECTED_SCHEMA)
