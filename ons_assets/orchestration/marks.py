"""By what the queue knows runs apart; it is loaded by every process that opens the history of runs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterRun

# The job that asks a shop, which is waiting most of the time, and its step; the tags of its runs, and of all others in
# the queue.
ASKING, ASKS = "collect_prices", "ask_shop"
SHOP_TAG = "ons_assets/shop"
WORKS = {"ons_assets/works": "yes"}


def shop_of(run: "DagsterRun") -> str:
    """Return the name of the shop that a run of the job `ASKING` asks, also where somebody began it without a tag.

    Parameters
    ----------
    run
        Of that job; of one that does not say whom it asks, "a shop".
    """
    said: Any = run.run_config
    for name in ("ops", ASKS, "config", "shop"):
        said = said.get(name) if isinstance(said, dict) else None
    return run.tags.get(SHOP_TAG) or str(said or "a shop")
