"""How often Python looks for garbage: what a process has imported stays until it ends, and is much to look through."""

import gc

# Every 700 new objects, as is usual, takes an eighth of the processor time of a small `ingest`, and frees nothing.
NEW_OBJECTS, OF_YOUNG, OF_OLDER = 10_000, 10, 10


def look_seldom() -> None:
    """Look for garbage less often from now on."""
    gc.set_threshold(NEW_OBJECTS, OF_YOUNG, OF_OLDER)
