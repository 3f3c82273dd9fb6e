"""Files of outages: when a stream was not received, why, how that is known, and what was had later."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

import polars as pl

from ons_assets.governance.register.files import shipped
from ons_assets.intake import times
from ons_assets.intake.layouts import Layout
from ons_assets.intake.plain import PlainSource
from ons_assets.intake.rules import Rule, missing, unlike

MOMENTS = ("began_utc", "ended_utc", "backfilled_from_utc")
WAYS = ("connection", "heartbeat", "silence", "process", "disk", "told")
LONGEST_REASON = 300


@cache
def _known_sources() -> tuple[str, ...]:
    """Sources of files, sorted: an outage of another would be kept, and used by nobody."""
    return tuple(sorted(shipped().sources))


class OutageFiles(PlainSource):
    """The outages of streams, as harvesters leave them; of one that is told again, the file that came later counts."""

    name = "outages"
    table = "governance/outages"
    files_are = "`stream, for_source, began_utc, ended_utc`, and if known `is_over, known_by, outage_reason`, ..."
    unit = "outages"
    key = ("stream", "began_utc")
    identity = ("stream", "began_utc")
    columns = {name: pl.String() for name in ("stream", "for_source", "began_utc", "ended_utc")}
    optional = {name: pl.String() for name in ("is_over", "known_by", "outage_reason", "backfilled_from_utc")}
    # A person who writes down an outage knows it by no connection.
    defaults = {"is_over": "yes", "known_by": "told"}
    faults = (
        unlike("stream", "[A-Za-z][A-Za-z0-9-]*", "stream is no name in letters, digits and hyphens"),
        unlike("for_source", "[a-z][a-z_]*", "for_source is no drop folder"),
        missing(["stream", "for_source"], "stream or for_source is missing"),
        Rule(
            pl.col("ended_utc").is_null() & ~pl.col("is_over"),
            "ended_utc is no time that says its zone; of an outage that lasts it is until when that is known",
        ),
        missing(["began_utc", "ended_utc"], "began_utc or ended_utc is missing, or no time that says its zone"),
        Rule(pl.col("ended_utc") < pl.col("began_utc"), "ended_utc is before began_utc"),
        Rule(pl.col("is_over").is_null(), "is_over is neither yes nor no"),
        Rule(~pl.col("known_by").is_in(WAYS), f"known_by is none of {', '.join(WAYS)}"),
        Rule(
            ~pl.col("backfilled_from_utc").is_between("began_utc", "ended_utc"),
            "backfilled_from_utc is not within the outage",
        ),
        Rule(
            pl.col("outage_reason").str.len_chars() > LONGEST_REASON,
            f"outage_reason is longer than {LONGEST_REASON} characters",
        ),
    )

    def typed(self, rows: pl.DataFrame, layout: Layout) -> pl.DataFrame:
        """See `TableSource.typed`; times are moments, and whether it is over a truth."""
        read = super().typed(rows, layout)
        # A day that is told as the end is part of the outage.
        moments = [times.column_bounds(rows, name, layout, "UTC", ends=name == "ended_utc") for name in MOMENTS]
        is_over = (
            read["is_over"]
            .str.strip_chars()
            .str.to_lowercase()
            .replace_strict(
                {"yes": True, "no": False, "true": True, "false": False}, default=None, return_dtype=pl.Boolean
            )
        )
        return read.with_columns(*moments, is_over)

    def rules(self, layout: Layout, received_utc: datetime) -> Sequence[Rule]:
        """See `TableSource.rules`."""
        return (
            *self.faults,
            Rule(
                ~pl.col("for_source").is_in(_known_sources()),
                f"for_source is no drop folder; there are {', '.join(_known_sources())}",
            ),
            Rule(pl.col("began_utc") > received_utc, "began_utc is in the future"),
            # Of a year that is mistyped, everything from then on would not be covered.
            Rule(pl.col("ended_utc") > received_utc, "ended_utc is in the future; of one that lasts, say until now"),
        )
