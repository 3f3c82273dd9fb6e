"""What the products of an item contribute to its index: computed when somebody asks, because no table holds it."""

from collections.abc import Iterator

from ons_assets.governance.trace.behind import Contributions
from ons_assets.governance.trace.history import History
from ons_assets.governance.trace.tracing import Trace
from ons_assets.lakehouse.commits import Forgotten
from ons_assets.operations.verifying import with_recorded
from ons_assets.prices.product_contributions import product_contributions
from ons_assets.settings import Settings
from ons_assets.wording import counted

INDICES, QUOTES = "prices/item_indices", "prices/checked_quotes"


def contributions_of_products(settings: Settings, history: History, found: Trace) -> Iterator[Contributions]:
    """Yield what products contribute to an item's index, of the quotes and with the parameters that made it.

    Parameters
    ----------
    settings, history
        Of the home.
    found
        A trace; nothing is yielded where it is of another table, of more than one figure, or of none.
    """
    row = found.figure.row
    if found.figure.table != INDICES or row is None or row["index"] is None:
        return
    view = history.view(INDICES, found.figure.version)
    commit = history.commit(INDICES, view.commit_of[found.figure.partitions[0]])
    version = history.inputs(commit).get(QUOTES)
    if version is None or commit.provenance is None:
        return
    prices = with_recorded(settings, commit.provenance.settings).prices
    try:
        quotes = history.rows(QUOTES, version)
        key = {name: row[name] for name in ("frequency", "method", "item_id", "period")}
        rows = product_contributions(quotes, prices.indices, prices.publication, **key)
    except Forgotten:
        # The trace says so already, of the rows behind the figure.
        return
    moved = f"{rows['contribution'].sum():+.2f} of {row['index'] - 100:+.2f} points since {row['base_period']}"
    how = f"{counted(len(rows), 'product')}, which together make {moved}"
    yield Contributions(QUOTES, version, rows, how)
