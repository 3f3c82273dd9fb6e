"""Whether rows have keys of their own, without holding the keys."""

from collections.abc import Iterable

import numpy as np
import polars as pl


def all_differ(keys: Iterable[pl.DataFrame]) -> bool:
    """Return whether no two keys have the same hash of eight bytes: then no two are the same.

    If it returns false two keys may be the same, and have to be looked at.

    Parameters
    ----------
    keys
        Rows of the key columns, some at a time; of each no more than its hash is kept.
    """
    hashes = np.concatenate([np.empty(0, dtype=np.uint64), *(rows.hash_rows().to_numpy() for rows in keys)])
    hashes.sort()
    return not bool((hashes[1:] == hashes[:-1]).any())
