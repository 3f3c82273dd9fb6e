"""The mornings of a shop: when its run is due, how long it waits, and which mornings went by without one."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.prices import shops
from ons_assets.collectors.prices.runs import Runs
from ons_assets.collectors.prices.shops import Shop
from ons_assets.lakehouse.home import Home

# After which a run that should have begun is late: it may wait for a process still.
GRACE = timedelta(minutes=5)
# From this status on a server is out of order, whoever asks.
BUSY = 429
NOBODY = "nothing asked the shop on this day: neither the service nor a command was at work"


def wait_seconds(shop: Shop, day: date) -> float:
    """Return how long the run of a day waits after its time, so that shops, and days, are not asked at one moment.

    Parameters
    ----------
    shop
        Its description.
    day
        Of the run; the same shop and day wait the same time.

    Returns
    -------
    float
        From 0 to `jitter_minutes`, in seconds.
    """
    digest = hashlib.sha256(f"{shop.retailer} {day}".encode()).digest()
    return 60 * shop.jitter_minutes * int.from_bytes(digest[:8]) / 2**64


def is_late(shop: Shop, now: datetime, zone: str) -> bool:
    """Return whether the run of today should have begun, and may begin still.

    Parameters
    ----------
    shop
        Its description.
    now
        With a time zone.
    zone
        Of the installation.
    """
    clock = ZoneInfo(shop.zone or zone)
    local = now.astimezone(clock)
    begins = datetime.combine(local.date(), shop.at, clock) + timedelta(minutes=shop.jitter_minutes) + GRACE
    return begins <= local < datetime.combine(local.date(), shop.hours.last, clock)


def is_done(shop: Shop, manifests: Iterable[Mapping[str, Any]], day: date) -> bool:
    """Return whether a shop is not to be asked again on a day.

    A run of which nothing was answered because the shop was out of reach is tried again, as often as a page is; one
    that the shop or its robots.txt refused is not.

    Parameters
    ----------
    shop
        Its description.
    manifests
        Of its runs.
    day
        Local day of the shop.
    """
    runs = [each for each in manifests if each["day"] == day.isoformat() and each["run"] is not None]
    return len(runs) >= shop.attempts or any(each["status"] != "failed" or _was_refused(each) for each in runs)


def _was_refused(manifest: Mapping[str, Any]) -> bool:
    rules = manifest["robots"][-1]["status"] if manifest["robots"] else None
    refused = [each for each in manifest["failures"] if each["kind"] == "refused"]
    # Of a page that robots.txt forbids there is no status; but robots.txt may not have been to be had.
    return any(each["status"] is not None or (rules is not None and rules < BUSY) for each in refused)


def gone_by(recorded: Iterable[date], today: date) -> list[date]:
    """Return the days since the first that is recorded on which nothing is.

    Parameters
    ----------
    recorded
        Days of runs, and days that are recorded as missing.
    today
        Which may still have its run.
    """
    days = set(recorded)
    if not days:
        return []
    each, missing = min(days), []
    while (each := each + timedelta(days=1)) < today:
        if each not in days:
            missing.append(each)
    return missing


def shops_due(home: Home, zone: str, now: datetime | None = None) -> tuple[list[str], list[str]]:
    """Return the shops whose run of today is late, and what is wrong with other descriptions.

    Parameters
    ----------
    home
        Whose descriptions and runs.
    zone
        Of the installation.
    now
        With a time zone; the clock of the machine, if None.
    """
    due, faults = [], []
    for path in shops.paths(home):
        try:
            shop = shops.read(path)
        except BadDescription as error:
            faults.append(str(error))
            continue
        said = Runs.of(home, shop.retailer).manifests()
        moment = now or datetime.now(UTC)
        today = moment.astimezone(ZoneInfo(shop.zone or zone)).date()
        if is_late(shop, moment, zone) and not is_done(shop, said, today):
            due.append(shop.retailer)
    return due, faults
