"""What an error may say where rows about persons are at hand."""

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from ons_assets.lakehouse.gate import SuiteError
from ons_assets.lakehouse.tables import Table

# What `withholding` raises in place of what may quote a row.
Withheld = dg.Failure
PACKAGE = Path(__file__).resolve().parents[1]


@contextmanager
def withholding(tables: Iterable[Table]) -> Iterator[None]:
    """Let no exception tell a value of an individual table: the text of a library's exceptions may quote one.

    Exceptions of the project are sentences that name no value, and pass. Of others only the kind and the
    place are told.

    Parameters
    ----------
    tables
        Tables that are read or made.
    """
    try:
        yield
    except dg.Failure:
        raise
    except SuiteError as error:
        # Somebody's slip in a file of the home: a sentence, and nothing to try again.
        raise dg.Failure(str(error), allow_retries=False) from None
    except Exception as error:
        individual = [table.name for table in tables if table.is_individual]
        if not individual or type(error).__module__.split(".")[0] == "ons_assets":
            raise
        # Without the chain: it would print the text that is withheld.
        raise dg.Failure(
            f"{type(error).__name__} at {_place(error)}; its text is withheld, because {individual[0]} is individual",
            allow_retries=False,
        ) from None


def _place(error: BaseException) -> str:
    """The innermost line of the project that the exception came through."""
    ours = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)
    ]
    innermost = ours[-1]
    return f"{Path(innermost.filename).relative_to(PACKAGE.parent)}, line {innermost.lineno}"
