"""SQLite files from which something went."""

import sqlite3
from pathlib import Path


def compact(path: Path) -> None:
    """Write a file anew, without what was deleted or written over in it.

    Parameters
    ----------
    path
        Of the file; nobody else is at work in it.
    """
    connection = sqlite3.connect(path, timeout=60)
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()
