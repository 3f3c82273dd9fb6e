"""Where meters are: files of the operator with `meter`, `area_code` and, if they say it, `dwelling_type`, `trial`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from ons_assets.intake import values
from ons_assets.intake.layouts import Layout, Origin
from ons_assets.intake.rules import Rule, missing
from ons_assets.intake.shelf import Shelf, shelf
from ons_assets.intake.source import TableSource, layout_folders, limits
from ons_assets.lakehouse.home import Home
from ons_assets.meters.readings.identifiers import Pseudonyms, canonical_column
from ons_assets.settings import Settings

LONGEST_CODE = 32


@dataclass(frozen=True)
class MeterAreaFiles(TableSource):
    """The small area of each meter.

    Parameters
    ----------
    home
        Keeps the key of the pseudonyms, so that areas meet their readings.
    trials
        Pattern of a meter's whole name to its trial, tried in order, where the file has no column `trial`.
    """

    home: Home = field(default_factory=lambda: Home(Path()))
    trials: Mapping[str, str] = field(default_factory=dict)

    name = "meter_areas"
    table = "meters/meter_areas"
    files_are = "`meter, area_code`, and if known `dwelling_type, trial`"
    unit = "meters"
    is_individual = True
    person = "meter"
    key = ("meter",)
    needs: ClassVar = {"meter": "name of the meter", "area_code": "code of its small area"}
    takes: ClassVar = {
        "dwelling_type": "type of the dwelling, as dwellings are counted: flat, terraced, semi_detached, detached",
        "trial": "whose meter it is",
    }

    @classmethod
    def of(cls, settings: Settings) -> "MeterAreaFiles":
        """Return the source of one home."""
        trials = settings.meters.meter_areas.trials
        return cls(
            layout_folders(settings, cls.name),
            limits(settings),
            {"trials": trials},
            home=Home(settings.home),
            trials=trials,
        )

    @cached_property
    def shelf(self) -> Shelf:
        """Layouts of the home; last that of files with the columns of the table."""
        found = shelf(self.folders, self.lack_of, self.settled)
        own = Layout(
            name=self.name,
            columns={name: Origin(column=name) for name in self.needs},
            optional={name: Origin(column=name) for name in self.takes},
        )
        return Shelf((*found.layouts, own), found.broken)

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`."""
        said = pl.DataFrame(
            {
                "line": rows["line"],
                "named": values.column_text(rows, "meter"),
                "area_code": values.column_text(rows, "area_code"),
                "dwelling_type": values.column_text(rows, "dwelling_type"),
                "trial": values.column_text(rows, "trial", layout.trial),
            }
        )
        known = said.with_columns(canonical_column("named"))
        # A file that has the column says it of all its meters.
        if "trial" not in rows.columns and layout.trial is None:
            known = known.with_columns(trial=self._trial())
        return known.with_columns(meter=self._meters(known))

    def pseudonyms_of(self, name: str, layouts: Sequence[Layout], accepted: Sequence[pl.LazyFrame]) -> frozenset[int]:
        """See `Source.pseudonyms_of`."""
        trials = {*self.trials.values(), *(layout.trial for layout in layouts if layout.trial)}
        return frozenset(Pseudonyms(self.home.secret()).of(trial, name) for trial in trials)

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (
            missing("named", "meter is missing"),
            missing("area_code", "area_code is missing"),
            Rule(
                pl.col("area_code").str.len_chars() > LONGEST_CODE,
                f"area_code is longer than {LONGEST_CODE} characters",
            ),
            missing("trial", "nothing says of which trial the meter is (say it in a column trial)"),
        )

    def helpers(self) -> tuple[str, ...]:
        """See `TableSource.helpers`."""
        return ("named", "trial")

    def _meters(self, rows: pl.DataFrame) -> pl.Series:
        """Return the numbers of meters; null where the name or the trial is not known."""
        pseudonyms = Pseudonyms(self.home.secret())
        pairs = rows.select("trial", "named").drop_nulls().unique()
        numbers = [pseudonyms.of(trial, name) for trial, name in pairs.iter_rows()]
        numbered = pairs.with_columns(meter=pl.Series(numbers, dtype=pl.Int64()))
        return rows.join(numbered, on=["trial", "named"], how="left", maintain_order="left")["meter"]

    def _trial(self) -> pl.Expr:
        """The trial of the first pattern that a meter's name matches."""
        trial = pl.lit(None, pl.String())
        for pattern, name in reversed(list(self.trials.items())):
            trial = pl.when(pl.col("named").str.contains(f"^(?:{pattern})$")).then(pl.lit(name)).otherwise(trial)
        return trial
