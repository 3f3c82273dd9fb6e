"""What the command line and the daemon do with collectors: run them, accept what they propose, say how they stand."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.agents import agent_of
from ons_assets.collectors.descriptions import BadDescription
from ons_assets.collectors.prices import mornings, shops
from ons_assets.collectors.prices.journal import Journal
from ons_assets.collectors.prices.repair import Acceptance
from ons_assets.collectors.prices.runs import (
    NotCollected,
    Runs,
    day_of,
    fetch,
    finish,
    make_good,
)
from ons_assets.collectors.prices.shops import Shop
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.operations import Progress, open_home
from ons_assets.settings import Settings


@dataclass(frozen=True)
class Asked:
    """A shop whose run is to be made, and the run."""

    shop: Shop
    runs: Runs
    journal: Journal


def collect(
    settings: Settings,
    names: Sequence[str],
    progress: Progress,
    *,
    again: bool = False,
    wait: bool = False,
    ahead: timedelta = timedelta(0),
) -> list[dict[str, Any]]:
    """Run the collectors of some shops, each by itself and all at once; return their manifests.

    A run of the day that was killed is taken up again; one of an earlier day is finished with what it has; mornings
    that went by without a run are recorded.

    Parameters
    ----------
    settings
        Of the home.
    names
        Of shops that it describes; none for all.
    progress
        Is told in a sentence what is being done.
    again
        Whether a shop is asked that was asked today.
    wait
        Whether the run waits as long as its description says that it may.
    ahead
        By how much the clock of the runs goes before that of the machine, in simulated worlds.

    Raises
    ------
    BadDescription
        If a description cannot be used; no shop is asked then.
    NotCollected
        If a shop may not be asked now, or its run did not come to its end.
    """
    home = Home(settings.home)
    zone = settings.geography.time_zone
    described = [_described(home, zone, ahead, name) for name in names or [each.stem for each in shops.paths(home)]]
    if not described:
        raise NotCollected(f"no shop is described in {shops.folder(home)}")
    open_home(settings)
    with ExitStack() as stack:
        asked, held = [], []
        for shop in described:
            runs = Runs.of(home, shop.retailer).ensure()
            held.append(stack.enter_context(runs.alone()))
            if wait:
                _wait(shop, zone, ahead, progress)
            try:
                asked.append(Asked(shop, runs, _run_of_today(settings, home, shop, runs, again=again, ahead=ahead)))
            except NotCollected as error:
                runs.note((datetime.now(UTC) + ahead).astimezone(ZoneInfo(shop.zone or zone)).date(), str(error))
                raise
        progress(f"asking {', '.join(each.shop.retailer for each in asked)}")
        fetch([each.journal for each in asked], held)
        broken = [each for each in asked if not each.journal.has_ended]
        overlap = settings.prices.collection.shelf_overlap
        made = [finish(home, each.runs, each.journal, overlap) for each in asked if each not in broken]
    if broken:
        names_of = ", ".join(each.shop.retailer for each in broken)
        raise NotCollected(f"the run of {names_of} did not come to its end; the same command goes on with it")
    return made


def _described(home: Home, zone: str, ahead: timedelta, name: str) -> Shop:
    """The description of a shop; if it cannot be used, that is why its morning may go by."""
    try:
        return shops.named(home, name)
    except BadDescription as error:
        runs = Runs.of(home, name)
        if name in [each.stem for each in shops.paths(home)] and runs.folder.is_dir():
            runs.note((datetime.now(UTC) + ahead).astimezone(ZoneInfo(zone)).date(), str(error))
        raise


def _wait(shop: Shop, zone: str, ahead: timedelta, progress: Progress) -> None:
    import time

    now = (datetime.now(UTC) + ahead).astimezone(ZoneInfo(shop.zone or zone))
    begins = datetime.combine(now.date(), shop.at, now.tzinfo)
    # By the same clock Python would subtract what it shows, and be an hour off on the day on which it is set.
    left = (begins.astimezone(UTC) - now).total_seconds() + mornings.wait_seconds(shop, now.date())
    if left > 0:
        progress(f"{shop.retailer} is asked in {left:.0f} seconds")
        time.sleep(left)


def _run_of_today(settings: Settings, home: Home, shop: Shop, runs: Runs, *, again: bool, ahead: timedelta) -> Journal:
    zone = settings.geography.time_zone
    now = datetime.now(UTC) + ahead
    today = now.astimezone(ZoneInfo(shop.zone or zone)).date()
    going_on = None
    for journal in runs.unfinished():
        if day_of(journal.plan) == today and now < journal.plan.ends_utc:
            going_on = journal
        else:
            finish(home, runs, journal, settings.prices.collection.shelf_overlap)
    said = runs.manifests()
    recorded = [date.fromisoformat(each["day"]) for each in said]
    for day in mornings.gone_by(recorded, today):
        runs.record_missing(day, runs.noted(day) or mornings.NOBODY, now)
    if going_on is not None:
        return going_on
    if not again and mornings.is_done(shop, said, today):
        raise NotCollected(f"{shop.retailer} was asked today already; --again asks it once more")
    return runs.begin(shop, agent_of(settings, shop.contact), zone, ahead)


def accept(settings: Settings, retailer: str, by: str, item_id: str | None = None) -> list[dict[str, Any]]:
    """Accept what the last run of a shop proposes, and make good the days since from the pages that are kept.

    Parameters
    ----------
    settings
        Of the home.
    retailer
        Which shop.
    by
        Who accepts it.
    item_id
        Of the shelf; of all that are proposed, if None.

    Returns
    -------
    list
        Manifests of the runs that were made again.

    Raises
    ------
    NotCollected
        If nothing is proposed, or a day cannot be made good.
    """
    shop = shops.named(Home(settings.home), retailer)
    home = open_home(settings)
    runs = Runs.of(home, shop.retailer).ensure()
    with runs.alone():
        by_run = {each["run"]: each for each in runs.manifests() if each["run"] is not None}
        last = by_run[max(by_run)] if by_run else {"proposals": []}
        wanted = [each for each in last["proposals"] if item_id in (None, each["item_id"])]
        if not wanted:
            what = "nothing" if item_id is None else f"nothing for {item_id}"
            raise NotCollected(f"the last run of {retailer} proposes {what}")
        keys = [(each["item_id"], each["shelf"], each["becomes"]) for each in wanted]
        journals = [
            each
            for each in runs.journals()
            if any(
                (p["item_id"], p["shelf"], p["becomes"]) in keys for p in by_run.get(each.plan.run, last)["proposals"]
            )
        ]
        first = {
            key: min(
                date.fromisoformat(each["day"])
                for each in by_run.values()
                if any((p["item_id"], p["shelf"], p["becomes"]) == key for p in each["proposals"])
            )
            for key in keys
        }
        new = [Acceptance(*key, first[key], by, said["evidence"]) for key, said in zip(keys, wanted, strict=True)]
        return make_good(home, runs, journals, new, settings.prices.collection.shelf_overlap)


def standing(settings: Settings) -> pl.DataFrame:
    """Return how the collectors stand: one row a shop, with its last morning and what the collection report found.

    Parameters
    ----------
    settings
        Of the home.
    """
    home = Home(settings.home)
    rows = []
    for path in shops.paths(home):
        said = Runs.of(home, path.stem).manifests()
        last = said[-1] if said else {}
        pages = last.get("pages", {})
        rows.append(
            {
                "shop": path.stem,
                "day": last.get("day"),
                "status": last.get("status", "never asked"),
                "pages": pages.get("answered"),
                "failed": sum(pages.get(each, 0) for each in ("refused", "failed", "never_asked")) if pages else None,
                "quotes": last.get("quotes"),
                "reason": last.get("reason"),
                "proposals": "; ".join(each["evidence"] for each in last.get("proposals", [])) or None,
                "missing_mornings": sum(each["status"] == "missing" for each in said),
            }
        )
    schema = {
        **dict.fromkeys(("shop", "day", "status"), pl.String()),
        **dict.fromkeys(("pages", "failed", "quotes"), pl.Int64()),
        **dict.fromkeys(("reason", "proposals"), pl.String()),
        "missing_mornings": pl.Int64(),
    }
    frame = pl.DataFrame(rows, schema=schema)
    report = _findings(home, frame.select("shop", "day"))
    return frame.join(report, on="shop", how="left").with_columns(pl.col("report").fill_null("no report yet"))


def _findings(home: Home, mornings_of: pl.DataFrame) -> pl.DataFrame:
    """What the collection report says of the last morning of each shop, where no other run of the day is free of it."""
    table = CATALOGUE["prices/collection_report"]
    if not home.table(table.name).exists():
        return pl.DataFrame(schema={"shop": pl.String, "report": pl.String})
    findings = pl.col("finding").filter(pl.col("finding") != "none", ~pl.col("has_clean_run"))
    return (
        lake.read(home, table)
        .with_columns(shop="retailer", day=pl.col("day").cast(pl.String))
        .join(mornings_of.lazy(), on=["shop", "day"])
        .group_by("shop")
        .agg(report=findings.unique().sort().str.join(", "))
        .with_columns(report=pl.when(pl.col("report") == "").then(pl.lit("all well")).otherwise("report"))
        .collect()
    )
