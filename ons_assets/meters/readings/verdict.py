"""What came of a file of readings: how many half hours, of how many, and why there are not more."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ons_assets.intake.unreadable import Unreadable
from ons_assets.meters.readings.clock import SLOTS
from ons_assets.meters.readings.placed import ReadingKind
from ons_assets.meters.readings.plausibility import judge, kwh_per_day
from ons_assets.parameters.meters import Readings
from ons_assets.wording import counted

MOST = 0.5
# Of hours of which something was read, so many have one half only where readings are hourly.
ONE_OF_TWO = 0.9
# Hourly readings give half of the half hours; what gives far less is further apart.
FEWEST_OF_HOURS = 0.3
SECOND_REGISTER = (
    "holds several different readings for most half hours: another register or direction, such as export, is in it; "
    "say in `only` which one is read"
)
HOURLY = "holds hourly readings where its layout says half-hourly ones: say `interval_minutes: 60`"
SPARSE = "holds readings more than an hour apart where its layout says half-hourly ones"
BETWEEN = (
    "holds readings between the intervals that its layout says, and a part of the energy is in them: "
    "say in `interval_minutes` how far apart they are"
)
# So many hours of a day read in one half only, and none in both, are hourly readings.
HOURS_OF_HOURLY_DAY = 20
CHANGING = (
    "intervals of {} of {} meters become longer within the file: on {} of their days no two neighbouring half hours "
    "are read, on others nearly all; its hourly readings are of a layout with `interval_minutes: 60`"
)
FAR_APART = "holds registers of which no two neighbouring readings are {} minutes apart: {}"
ODD = ("repeated", "contradictory", "negative", "estimated", "substituted")
COUNTED = (*ODD, "received", "off_grid", "hourly", "partial")


@dataclass
class Tally:
    """Looks at the days of a file, some meters at a time, and says at the end what there is to say of them all.

    Parameters
    ----------
    kind
        What the readings of the file are.
    parameters
        What a plausible home uses.
    """

    kind: ReadingKind
    parameters: Readings
    _used: list[pl.DataFrame] = field(default_factory=list)
    _meters: list[pl.DataFrame] = field(default_factory=list)

    def add(self, rows: pl.DataFrame) -> tuple[int, int]:
        """Look at the days of some meters, and return how many half hours they give, and how many they should.

        A meter should give every half hour from its first to its last reading; one of which nothing can be
        used, those of its days.
        """
        self._used.append(kwh_per_day(rows))
        meters = _by_meter(rows)
        self._meters.append(meters)
        return int(meters["usable"].sum()), int(meters["expected"].sum())

    def said(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return notes and warnings.

        Raises
        ------
        Unreadable
            If together the readings cannot be right.
        """
        if not self._meters:
            return (), ()
        meters = pl.concat(self._meters)
        total = meters.select(pl.exclude("meter").sum()).row(0, named=True)
        self._refuse_second_register(meters)
        self._refuse_shorter_intervals(meters)
        if self.kind.is_register and not total["usable"] and total["received"] > len(meters):
            minutes = max(30, self.kind.interval_minutes)
            why = "are they hourly? say `interval_minutes: 60`" if minutes == 30 else "they are too far apart"
            raise Unreadable(FAR_APART.format(minutes, why))
        notes = [counted(total[name], f"{name} reading") for name in ODD if total[name]]
        if total["hourly"]:
            notes.append(f"{counted(total['hourly'], 'hourly reading')}, each two half hours of half its energy")
        partial = self._partial(total)
        if partial and not total["usable"]:
            raise Unreadable(f"gives no half hour that can be used: {partial[0]}")
        warnings = [*self._dead(meters), *self._changing(meters), *partial]
        if self._is_hourly(total):
            # What looks like twice the energy is half of the half hours.
            warnings.append(HOURLY if total["usable"] > FEWEST_OF_HOURS * total["expected"] else SPARSE)
        else:
            verdict = judge(pl.concat(self._used), self.parameters)
            if verdict.refuses:
                raise Unreadable(verdict.sentence or "")
            warnings += [verdict.sentence] if verdict.sentence else []
        return tuple(notes), tuple(warnings)

    def _refuse_second_register(self, meters: pl.DataFrame) -> None:
        half_hours = pl.col("contradictory") * self.kind.interval_minutes / 30
        delivered = meters.filter(pl.col("received") > 0)
        several = delivered.filter(half_hours > MOST * (half_hours + pl.col("usable")))
        if len(several) > MOST * len(delivered):
            raise Unreadable(SECOND_REGISTER)

    def _refuse_shorter_intervals(self, meters: pl.DataFrame) -> None:
        """Of quarter hours that are read as half hours every other one is off the grid, and its energy is lost."""
        if self.kind.is_register:
            return
        delivered = meters.filter(pl.col("received") > 0)
        # A clock that is not exact leaves gaps on the grid; readings of shorter intervals come on top of a full one.
        is_full = (pl.col("usable") > ONE_OF_TWO * pl.col("expected")) & (pl.col("usable") >= SLOTS)
        shorter = delivered.filter(is_full & (pl.col("off_grid") > ONE_OF_TWO * pl.col("received")))
        if len(shorter) > MOST * len(delivered):
            raise Unreadable(BETWEEN)

    def _dead(self, meters: pl.DataFrame) -> list[str]:
        dead = int((meters["usable"] == 0).sum())
        return [f"{dead} of {len(meters)} meters have no reading that can be used"] if 0 < dead < len(meters) else []

    def _changing(self, meters: pl.DataFrame) -> list[str]:
        changed = meters.filter(pl.min_horizontal("whole_days", "longer_days") > 0)
        if changed.is_empty() or self.kind.is_register:
            return []
        return [CHANGING.format(len(changed), len(meters), changed["longer_days"].sum())]

    def _partial(self, total: dict[str, int]) -> list[str]:
        """Say that half hours were read in part: it costs all of them where nothing less than all is enough."""
        of_half_hour = 30 // min(self.kind.interval_minutes, 30)
        kept = total["usable"] if self.kind.least_coverage < 1 else total["usable"] + total["partial"]
        if not total["partial"] or total["partial"] <= MOST * kept:
            return []
        intervals = total["received"] - total["repeated"]
        lacking = max(1, round((kept * of_half_hour - intervals) / total["partial"]))
        unit = "minutes" if self.kind.interval_minutes == 1 else f"intervals of {self.kind.interval_minutes} minutes"
        said = f"{lacking} of {of_half_hour} {unit} missing in most half hours"
        if 2 * lacking >= of_half_hour:
            # Readings of longer intervals look the same, and to make do with them would double their energy.
            return [f"{said}: are its intervals longer? say `interval_minutes`; if not, `least_coverage`"]
        return [said if self.kind.least_coverage < 1 else f"{said}, which are lost: say `least_coverage`"]

    def _is_hourly(self, total: dict[str, int]) -> bool:
        if self.kind.interval_minutes != 30 or self.kind.is_register:
            return False
        one = total["first_only"] + total["second_only"]
        return one > 1 and max(total["first_only"], total["second_only"]) > ONE_OF_TWO * (one + total["both"])


def _by_meter(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what each meter gives and should give: meter, usable, expected, counts, and hours read in halves."""
    lengths = rows["readings_kwh"].list.len().to_numpy().astype(np.int64)
    read = ~np.isnan(rows["readings_kwh"].explode().to_numpy()) if len(rows) else np.empty(0, dtype=bool)
    ends = np.cumsum(lengths)
    row = np.repeat(np.arange(len(rows)), lengths)
    position = np.arange(len(read)) - np.repeat(ends - lengths, lengths)
    first = np.full(len(rows), SLOTS * 2, dtype=np.int64)
    last = np.full(len(rows), -1, dtype=np.int64)
    at = np.flatnonzero(read)
    np.minimum.at(first, row[at], position[at])
    np.maximum.at(last, row[at], position[at])
    halves = read.reshape(-1, 2)
    hour = row[::2]
    each = {
        "usable": np.bincount(row[at], minlength=len(rows)),
        "first_only": np.bincount(hour[halves[:, 0] & ~halves[:, 1]], minlength=len(rows)),
        "second_only": np.bincount(hour[~halves[:, 0] & halves[:, 1]], minlength=len(rows)),
        "both": np.bincount(hour[halves.all(axis=1)], minlength=len(rows)),
    }
    day = rows["day"].to_physical().cast(pl.Int64())
    said = rows.select("meter", *COUNTED).with_columns(
        **{name: pl.Series(count) for name, count in each.items()},
        length=pl.Series(lengths),
        day=day,
        # Half hours counted from the first day that is known, all days being as long.
        first=day * SLOTS + pl.Series(first),
        last=day * SLOTS + pl.Series(last),
    )
    one, other = pl.max_horizontal("first_only", "second_only"), pl.min_horizontal("first_only", "second_only")
    # Of intervals that are shorter than half hours, longer ones leave half hours that are read in part.
    lengthened = pl.max_horizontal(pl.when(other == 0).then(one), pl.when(pl.col("usable") == 0).then("partial"))
    said = said.with_columns(
        whole_days=pl.col("both") >= HOURS_OF_HOURLY_DAY,
        longer_days=(pl.col("both") == 0) & (lengthened >= HOURS_OF_HOURLY_DAY).fill_null(False),
    )
    some = pl.col("usable") > 0
    begins, ends_ = pl.col("first").filter(some).min(), pl.col("last").filter(some).max()
    within = (pl.col("day") >= begins // SLOTS) & (pl.col("day") < ends_ // SLOTS)
    life = ends_ - begins + 1 + (pl.col("length") - SLOTS).filter(within).sum()
    return said.group_by("meter", maintain_order=True).agg(
        pl.col(*COUNTED, *each, "whole_days", "longer_days").cast(pl.Int64()).sum(),
        expected=pl.when(some.any()).then(life).otherwise(pl.col("length").sum()),
    )
