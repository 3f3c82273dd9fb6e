"""What may be told of an exception whose text may quote a row: whose it is, and where it was raised."""

import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def is_of_the_project(error: BaseException) -> bool:
    """Whether an exception is one of the project: a sentence that names no value."""
    return type(error).__module__.split(".")[0] == PACKAGE.name


def place_of(error: BaseException) -> str:
    """Return the innermost line of the project that an exception came through."""
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    if not ours:
        return "no line of the project"
    return f"{Path(ours[-1].filename).relative_to(PACKAGE.parent)}, line {ours[-1].lineno}"
