"""What somebody has to be told: tables that were not made, files that were refused, shops not collected from."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import dagster as dg

from ons_assets.intake.ledger import Ledger, Status
from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.channels import Message, NotSent, channels_of
from ons_assets.orchestration.marks import ASKING, shop_of
from ons_assets.orchestration.resources import Lakehouse
from ons_assets.orchestration.runs import reasons_of_failure
from ons_assets.wording import counted

INTERVAL_SECONDS = 30
# A message that tells everything of a bad night is read by nobody; the report has it all.
SHOWN = 20


@dataclass(frozen=True)
class Told:
    """What was told already.

    Parameters
    ----------
    until
        When the last run ended that was looked at, as a time stamp.
    refused
        Numbers of the refused files, in order.
    """

    until: float
    refused: tuple[int, ...] = field(default=())


def now(home: Home) -> Told:
    """Return what stands now, as if it had been told: what was before alerts were asked for is no news."""
    refused = tuple(drop.drop_id for drop in Ledger(home).drops(statuses=[Status.REFUSED]))
    return Told(datetime.now(UTC).timestamp(), refused)


def news(home: Home, instance: dg.DagsterInstance, told: Told) -> tuple[Message | None, Told]:
    """Return the message on what happened since, None if there is nothing to tell, and what then was told.

    Parameters
    ----------
    told
        What was told before.
    """
    after = datetime.fromtimestamp(told.until, UTC)
    ended = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=after), order_by="update_timestamp"
    )
    refused = [drop for drop in Ledger(home).drops(statuses=[Status.REFUSED]) if drop.drop_id not in {*told.refused}]
    failures: dict[str, str] = {}
    shops: dict[str, str] = {}
    for record in reversed(ended):
        reasons = reasons_of_failure(instance, record.dagster_run.run_id)
        if record.dagster_run.job_name != ASKING:
            failures |= reasons
        else:
            shops[f"prices of {shop_of(record.dagster_run)}"] = (
                "; ".join(reasons.values()) or "its run ended without a word"
            )
    until = max([told.until, *(record.update_timestamp.timestamp() for record in ended)])
    told = Told(until, (*told.refused, *(drop.drop_id for drop in refused)))
    if not failures and not refused and not shops:
        return None, told
    parts = [counted(len(failures), "table") + " not made"] if failures else []
    parts += [counted(len(refused), "file") + " refused"] if refused else []
    parts += [counted(len(shops), "shop") + " not collected from, or in part"] if shops else []
    lines = [f"{name}: {reason}" for name, reason in (failures | shops).items()]
    lines += [f"{drop.source}, {drop.name}: {drop.reason}" for drop in refused]
    if len(lines) > SHOWN:
        lines = [*lines[:SHOWN], f"and {counted(len(lines) - SHOWN, 'thing')} more, in the report"]
    subject = f"{home.root.name}: {', '.join(parts)}"
    return Message(str(home.root), subject, tuple(lines), str(home.report)), told


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells those whom [alerts] names when a table was not made, a file was refused or a shop failed.",
)
def alerts_sensor(context: dg.SensorEvaluationContext, lakehouse: Lakehouse) -> dg.SensorResult:
    """Tell what happened by every channel; one that fails is tried again, and keeps no other from being used."""
    home, before = lakehouse.home, json.loads(context.cursor or "{}")
    after: dict[str, object] = {}
    for name, send in channels_of(lakehouse.settings.alerts).items():
        if name not in before:
            after[name] = asdict(now(home))
            continue
        message, told = news(home, context.instance, Told(**before[name]))
        try:
            if message is not None:
                send(message)
            after[name] = asdict(told)
        except NotSent as error:
            context.log.warning(str(error))
            after[name] = before[name]
    return dg.SensorResult(cursor=json.dumps(after), skip_reason=dg.SkipReason("nobody is told by a run"))
