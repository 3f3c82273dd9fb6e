"""Sources whose files are tables in known layouts: what they share."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl

from ons_assets.lakehouse import mappings
from ons_assets.lakehouse.delimited import Limits
from ons_assets.lakehouse.layouts import Layout, read_rows
from ons_assets.lakehouse.quarantine import reasons
from ons_assets.lakehouse.sources import Parsed, Unreadable


@dataclass(frozen=True)
class TabularFiles(ABC):
    """A source whose files are CSV or Parquet in a layout of a YAML file.

    A kind of file says its `name`, its `table`, and in `judge` what makes a row.

    Parameters
    ----------
    folders
        Where layouts lie; those of earlier folders are tried first.
    """

    folders: tuple[Path, ...]
    limits: Limits = field(default_factory=Limits)

    name: ClassVar[str]
    table: ClassVar[str]
    batch: ClassVar[tuple[str, ...]] = ()
    # Of people, nothing but the line and the reason is kept of a row that could not be read.
    is_individual: ClassVar[bool] = False
    day_column: ClassVar[str | None] = None

    @cached_property
    def layouts(self) -> list[Layout]:
        """Layouts in the order in which they are tried."""
        return mappings.load(self.folders, Layout)

    @property
    def fingerprint(self) -> str:
        """Hash of the layouts."""
        return hashlib.sha256("".join(each.model_dump_json() for each in self.layouts).encode()).hexdigest()

    def recognises(self, path: Path, name: str) -> bool:
        """Return whether a layout knows the file."""
        return mappings.find(self.layouts, path, name) is not None

    @abstractmethod
    def judge(self, rows: pl.DataFrame, layout: Layout, received_utc: datetime) -> tuple[pl.DataFrame, pl.Series]:
        """Return the typed rows, with `line`, and for each the reason why it cannot be accepted, or null.

        Parameters
        ----------
        rows
            Columns by the names of the layout, text or typed, and `line`.
        layout
            Layout that the file has.
        received_utc
            When the file was dropped; rows of a later time are in the future.
        """

    def check(self, accepted: pl.DataFrame) -> str | None:
        """Look at all accepted rows of a file together, and return what there is to say of them.

        Raises
        ------
        Unreadable
            If together they cannot be right.
        """
        return None

    def parse(self, path: Path, name: str, received_utc: datetime) -> Parsed:
        """Read one file; see `ons_assets.lakehouse.sources.Source.parse`."""
        layout = mappings.choose(self.layouts, path, name, self.limits)
        rows, structural, note = read_rows(path, layout, self.limits)
        kept, left_out = layout.apply(rows)
        typed, why = self.judge(kept, layout, received_utc)
        shown = [column for column in kept.columns if column != "line"]
        text = pl.lit("") if self.is_individual else pl.struct(pl.col(shown).cast(pl.String())).struct.json_encode()
        refused = kept.with_columns(reason=why).filter(pl.col("reason").is_not_null())
        refused = refused.select("line", "reason", text=text)
        if self.is_individual:
            structural = structural.with_columns(text=pl.lit(""))
        rejected = pl.concat([structural, left_out, refused]).sort("line")
        accepted = typed.filter(why.is_null())
        notes = [each for each in (note, self.check(accepted)) if each]
        return Parsed(accepted, rejected, "; ".join(notes) or None)

    def days(self, path: Path, name: str, received_utc: datetime) -> list[date]:
        """Return the days of the rows of a file; none, if its table has no days."""
        parsed = self.parse(path, name, received_utc)
        if parsed.accepted.is_empty():
            why = f" ({reasons(parsed.rejected)})" if len(parsed.rejected) else ""
            raise Unreadable(f"has no row that could be read{why}", parsed.rejected)
        return parsed.accepted[self.day_column].unique().sort().to_list() if self.day_column else []


def first_reason(reasons_in_order: Sequence[tuple[pl.Expr, str]]) -> pl.Expr:
    """Return the first reason whose condition holds, null if none does; a condition that is null holds."""
    expression = pl.lit(None, dtype=pl.String())
    for condition, reason in reversed(reasons_in_order):
        expression = pl.when(condition.fill_null(True)).then(pl.lit(reason)).otherwise(expression)
    return expression
