"""What an error may say where rows about persons are at hand."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg

from ons_assets.engine.parts import Impossible
from ons_assets.faults import is_of_the_project, place_of
from ons_assets.lakehouse.gate import SuiteError
from ons_assets.lakehouse.tables import Table

# What `withholding` raises in place of what may quote a row.
Withheld = dg.Failure


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
    except (SuiteError, Impossible) as error:
        # Somebody's slip in a file of the home, or no cluster: a sentence, and nothing to try again.
        raise dg.Failure(str(error), allow_retries=False) from None
    except Exception as error:
        if is_of_the_project(error):
            # A sentence, which is told as it is: the name of its class says nothing to who reads it.
            raise dg.Failure(str(error)) from error
        individual = [table.name for table in tables if table.is_individual]
        if not individual:
            raise
        # Without the chain: it would print the text that is withheld.
        raise dg.Failure(
            f"{type(error).__name__} at {place_of(error)}; its text is withheld, because {individual[0]} is individual",
            allow_retries=False,
        ) from None
