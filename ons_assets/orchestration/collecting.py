"""Every morning the shops that the home describes are asked, each by the command, in a process of its own.

A schedule a shop begins the run of the day. Another looks every quarter of an hour for mornings that went by: while the
hours of a shop last, its run is made up; later it is recorded as missing, by the next run of the shop, with its reason.
"""

import subprocess
import sys
from collections.abc import Sequence

import dagster as dg

from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.prices import shops
from ons_assets.collectors.prices.shops import Shop
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.marks import ASKING, ASKS, SHOP_TAG
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import UNFINISHED

MADE_UP = "*/15 * * * *"
# Of what the command says, its last lines, and how long each may be.
LINES_TOLD, LONGEST = 8, 300
TRACEBACK = "Traceback (most recent call last)"


class OneShop(dg.Config):
    """Which shop is asked."""

    shop: str


@dg.op(name=ASKS)
def ask_shop(context: dg.OpExecutionContext, config: OneShop, lakehouse: Lakehouse) -> None:
    """Run the command, and say what it said.

    Parameters
    ----------
    context, config, lakehouse
        As Dagster gives them: which shop is asked, and whose home it is.
    """
    command = [sys.executable, "-m", "ons_assets", "collect", "shops", config.shop, "--wait"]
    done = subprocess.run(
        [*command, "--home", str(lakehouse.settings.home)], capture_output=True, text=True, check=False
    )
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    for line in said:
        context.log.info(line)
    if done.returncode:
        raise dg.Failure(why_it_failed(said, done.returncode), allow_retries=False)


def why_it_failed(said: Sequence[str], code: int) -> str:
    """Return what is told of a command that failed: its last lines, but no text of a fault that nobody foresaw.

    Parameters
    ----------
    said
        Lines of the command, which the log of the run has all.
    code
        With which it ended.
    """
    if any(line.startswith(TRACEBACK) for line in said):
        return f"a fault of the program ({said[-1].partition(':')[0][:LONGEST]}); the log of the run says more"
    told = "; ".join(line[:LONGEST] for line in said[-LINES_TOLD:])
    return told or f"the command ended with {code} and without a word"


@dg.job(name=ASKING, description="Asks one shop for its prices; its file lands in drops/prices.")
def collect_prices() -> None:
    """Ask one shop."""
    ask_shop()


def request(shop: str, key: str | None = None) -> dg.RunRequest:
    """Return what asks for a run of one shop.

    Parameters
    ----------
    shop
        Its name.
    key
        The same key asks for no second run.
    """
    config = dg.RunConfig(ops={ASKS: OneShop(shop=shop)})
    return dg.RunRequest(run_key=key, run_config=config, tags={SHOP_TAG: shop})


def morning(shop: Shop, zone: str) -> dg.ScheduleDefinition:
    """Return the schedule of one shop: its time of the day, by its clock.

    Parameters
    ----------
    shop
        Its description.
    zone
        Of the installation.
    """

    @dg.schedule(
        name=f"collect_{shop.retailer}",
        job=collect_prices,
        cron_schedule=f"{shop.at.minute} {shop.at.hour} * * *",
        execution_timezone=shop.zone or zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every day at {shop.at:%H:%M}, or up to {shop.jitter_minutes:g} minutes later.",
    )
    def asks(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return request(shop.retailer, f"{shop.retailer}-{context.scheduled_execution_time:%Y-%m-%d}")

    return asks


def made_up(zone: str) -> dg.ScheduleDefinition:
    """Return what asks for runs of shops whose morning went by, also of those described since the service began.

    Parameters
    ----------
    zone
        Of the installation.
    """

    @dg.schedule(
        name="collect_made_up",
        job=collect_prices,
        cron_schedule=MADE_UP,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every quarter of an hour: mornings that went by are made up while the hours of the shop last.",
    )
    def asks(context: dg.ScheduleEvaluationContext, lakehouse: Lakehouse) -> list[dg.RunRequest] | dg.SkipReason:
        from ons_assets.collectors.prices.mornings import shops_due

        due, faults = shops_due(lakehouse.home, lakehouse.settings.geography.time_zone)
        for fault in faults:
            context.log.warning(fault)
        free = [
            each
            for each in due
            if not context.instance.get_runs_count(dg.RunsFilter(tags={SHOP_TAG: each}, statuses=UNFINISHED))
        ]
        return [request(each) for each in free] or dg.SkipReason("every shop whose time has come was asked")

    return asks


def schedules(home: Home, zone: str) -> list[dg.ScheduleDefinition]:
    """Return the schedules of the shops that a home describes; a description that cannot be used has none.

    Parameters
    ----------
    home
        Whose descriptions.
    zone
        Of the installation.
    """
    described = []
    for path in shops.paths(home):
        try:
            described.append(shops.read(path))
        except BadDescription:
            continue
    return [*(morning(each, zone) for each in described), made_up(zone)]
