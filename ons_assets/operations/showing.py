"""The figures of one meter, for who is permitted to see them; every request is written down."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.drawing import as_svg
from ons_assets.governance.accesses.access_ledger import AccessLedger, AccessOutcome
from ons_assets.governance.accesses.pictures import write_pictures
from ons_assets.governance.erasure.naming import possible_names, says
from ons_assets.intake import parsed
from ons_assets.intake.layouts import Layout
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.meters.absence.pictures import daily_totals_figure, low_days_figure, low_week
from ons_assets.operations import source_named
from ons_assets.settings import Settings
from ons_assets.wording import one_line

SOURCE = "meters"
HALF_HOURS, DAILY, RUNS = (CATALOGUE[f"meters/{name}"] for name in ("half_hours", "daily_consumption", "low_use_runs"))
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
OF_SEVERAL = "the name is of meters of several trials: say which by its pseudonym"
NOT_HERE = "no meter of that name has readings here"


class NotShown(ValueError):
    """A meter is not shown; the message is one sentence, and names nobody."""


class NotPermitted(NotShown):
    """It was not said that the people of the home permit it, or why it is to be shown."""


@dataclass(frozen=True)
class Shown:
    """What was drawn.

    Parameters
    ----------
    pictures
        Where the pictures are.
    """

    pictures: list[Path]


def show_meter(settings: Settings, name: str, reason: str | None, *, consented: bool) -> Shown:
    """Draw the two figures of one meter into the restricted folder, and write down who asked, when and why.

    Parameters
    ----------
    settings
        Of the home.
    name
        Pseudonym of the meter, as tables have it, or its name as the supplier writes it; it is kept nowhere.
    reason
        Why; it is kept, and must not say whom.
    consented
        Whether the people of the home permit it.

    Raises
    ------
    NotPermitted
        If `consented` is not said, or no reason that may be kept is given.
    NotShown
        If the meter is unknown, or its name is of several.
    """
    home = Home(settings.home)
    name = name.strip()
    with home.working():
        ledger = AccessLedger(home)
        meant = _meaning(settings)
        meters = {meter for meter in (meant(name) if name else ()) if _has_readings(home, meter)}
        kept = _kept(name, meant, reason)
        only = next(iter(meters)) if len(meters) == 1 else None
        if not consented:
            ledger.add(SOURCE, only, AccessOutcome.REFUSED, kept)
            raise NotPermitted(
                "pictures of one home show when its people are away: they are drawn only for a home whose people "
                "permitted it, which you say by --consented; the request was written down"
            )
        if kept is None:
            ledger.add(SOURCE, only, AccessOutcome.REFUSED, None)
            raise NotPermitted(
                "a reason is kept with every look at a home: give one by --reason that does not say whom it is about; "
                "the request was written down"
            )
        if only is None:
            ledger.add(SOURCE, None, AccessOutcome.REFUSED if meters else AccessOutcome.UNKNOWN, kept)
            raise NotShown(OF_SEVERAL if meters else NOT_HERE)
        pictures = _drawn(home, only)
        # Before anybody can see them: a look that cannot be written down is none.
        ledger.add(SOURCE, only, AccessOutcome.SHOWN, kept, list(pictures))
        return Shown(write_pictures(home, SOURCE, only, pictures))


def _meaning(settings: Settings) -> Callable[[str], set[int]]:
    """Return what says which meters a name may be of: of every trial, or the one of which it is the number."""
    home, source = Home(settings.home), source_named(settings, SOURCE)
    folder = parsed.folder_of(home, source.name)
    read = [parsed.load(folder, drop.drop_id) for drop in Ledger(home).drops(source.name)]
    layouts = [*(Layout.model_validate(each.layout) for each in read if each is not None), *source.shelf.layouts]

    def meant(name: str) -> set[int]:
        is_number = WHOLE_NUMBER.fullmatch(name) and -(1 << 63) <= int(name) < 1 << 63
        return {*source.pseudonyms_of(name, layouts, []), *([int(name)] if is_number else [])}

    return meant


def _kept(name: str, meant: Callable[[str], set[int]], reason: str | None) -> str | None:
    """Return the reason as it is kept; None if there is none, or it says whom."""
    said = one_line(reason or "")
    meters = meant(name) if name else set()
    if not said or says(said, [name, *map(str, meters)]):
        return None
    # Who gives a pseudonym may write the name beside it, which nobody can tell but by its own pseudonym.
    return None if any(meters & meant(each) for each in possible_names(said)) else said


def _has_readings(home: Home, meter: int) -> bool:
    if not lake.exists(home, DAILY):
        return False
    total = _of(home, DAILY.name, meter).select(pl.col("energy_kwh").is_not_null().any()).collect().item()
    return bool(total)


def _of(home: Home, name: str, meter: int) -> pl.LazyFrame:
    return lake.read(home, CATALOGUE[name]).filter(pl.col("meter") == meter)


def _drawn(home: Home, meter: int) -> dict[str, str]:
    daily = _of(home, DAILY.name, meter).sort("day").collect()
    half_hours = _of(home, HALF_HOURS.name, meter).sort("day").collect()
    runs = _of(home, RUNS.name, meter).sort("first_day").collect() if lake.exists(home, RUNS) else RUNS.empty()
    return {
        "daily_totals": as_svg(daily_totals_figure(daily, runs)),
        "low_days": as_svg(low_days_figure(half_hours, low_week(daily, runs))),
    }
