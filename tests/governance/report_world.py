"""A home in which everything went wrong that a report has to tell, made without a run of Dagster."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger, ReleaseStatus
from ons_assets.intake.ledger import Drop, Ledger
from ons_assets.intake.parsed import Parsed
from ons_assets.lakehouse import gate, lake, publication, quarantine
from ons_assets.lakehouse.gate import Failure
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.settings import Settings

NOW = datetime.now(UTC)
# What suppliers may call files, and people write; and what a reader of a page must not be taken in by.
MARKUP = '<img src=x onerror="alert(1)"><script>alert(2)</script>&amp;{{ 7 * 7 }}{% raw %}'
TURNED = "gpj\u202e.csv\x1b[31m"
ACCESSES, AUDIT = CATALOGUE["governance/accesses"], CATALOGUE["governance/disclosure_audit"]
SCORECARD = CATALOGUE["governance/quality_scorecard"]
OUTAGES = CATALOGUE["governance/outages"]
QUOTES, FLOWS = CATALOGUE["prices/raw_quotes"], CATALOGUE["tweets/migration_flows"]
MONTH = NOW.date().replace(day=1)


@dataclass(frozen=True)
class World:
    """The home, its settings, and files of it by what became of them."""

    home: Home
    settings: Settings
    drops: dict[str, Drop]


def made_at(folder: Path) -> World:
    """Return a home with accepted and refused files, a table in order, one with a warning and one that was refused."""
    home, settings = Home(folder).ensure(), Settings(home=folder)
    drops = _files(home)
    suite = gate.suite_of(ACCESSES, settings.expectations, None)
    publication.publish(home, ACCESSES, accesses(3), suite, run_id="run-1", inputs={}, settings={"most": 5})
    publication.publish(home, ACCESSES, accesses(40), suite, run_id="run-2", inputs={}, settings={"most": 6})
    audit_suite = gate.suite_of(AUDIT, settings.expectations, None)
    publication.publish(home, AUDIT, audited(0), audit_suite, run_id="run-3", inputs={}, settings={})
    _refuse(home, settings)
    lake.publish(home, QUOTES, QUOTES.empty().lazy(), made(inputs={str(drops["accepted"].sha256): "a.csv"}))
    lake.publish(home, FLOWS, FLOWS.empty().lazy(), made(inputs={QUOTES.name: "0:abc"}))
    comparison = CATALOGUE["tweets/migration_comparison"]
    lake.publish(
        home, comparison, comparison.empty().lazy(), made(inputs={FLOWS.name: "0:abc", "tweets/users": "none"})
    )
    lake.publish(home, SCORECARD, scored().lazy(), made())
    lake.publish(home, OUTAGES, noted().lazy(), made())
    ledger = ReleaseLedger(home)
    entry = Entry(FLOWS.name, 0, "abc", NOW, f"J. Bloggs {MARKUP}", MARKUP, ReleaseStatus.RELEASED, 7, 0, 0, 1)
    ledger.add(entry)
    return World(home, settings, drops)


def accesses(number: int) -> pl.DataFrame:
    """Rows of a table of which more than 20 requests are a warning."""
    row = {"month": MONTH, "accessed_source": "meters", "access_outcome": "shown", "accesses": number}
    return pl.DataFrame([row], schema=ACCESSES.schema)


def audited(exposed: int) -> pl.DataFrame:
    """The audit of an aggregate of which so many numbers may be learned."""
    row = {"table_name": FLOWS.name, "disclosure_rule": "counts", "protected_unit": "users", "fewest": 10.0,
           "cells": 90, "primary": 4, "secondary": 2, "kept_share": 0.9, "attacked": 84,
           "exposed": exposed}  # fmt: skip
    return pl.DataFrame([row], schema=AUDIT.schema)


def scored() -> pl.DataFrame:
    """What the scorecard found of a table by day, and of one whose fault went away."""
    later = NOW + timedelta(hours=1)
    rows = [
        # Table, day, dimension, measure, status, when it was found.
        (QUOTES.name, str(MONTH), "completeness", "rows", "good", NOW),
        (QUOTES.name, str(MONTH + timedelta(days=1)), "completeness", "rows", "act", NOW),
        (QUOTES.name, str(MONTH - timedelta(days=200)), "completeness", "rows", "act", NOW),
        (QUOTES.name, "all", "provenance", "explained_versions", "watch", NOW),
        (QUOTES.name, "all", "provenance", "explained_versions", "good", later),
        (FLOWS.name, "all", "accuracy", "error", "not judged", NOW),
    ]
    return pl.DataFrame(
        [
            {"evaluated_on": when.date(), "evaluated_utc": when, "table_name": table, "partition_name": day,
             "dimension": dimension, "measure": measure, "measured_of": "all", "quality_status": status,
             "said": f"{measure} {status} {MARKUP}", "next_step": "Ask.", "value": 1.0}
            for table, day, dimension, measure, status, when in rows
        ],
        schema=SCORECARD.schema,
    )  # fmt: skip


def noted() -> pl.DataFrame:
    """Outages of a stream: one of which all was had later, one of which a part was, one that lasts."""
    hour = timedelta(hours=1)
    rows = [(5, 4, True, 5), (3, 2, True, 2.5), (1, 0, False, None)]
    return pl.DataFrame(
        [
            {"stream": "positions", "for_source": "tweets", "began_utc": NOW - began * hour,
             "ended_utc": NOW - ended * hour, "is_over": is_over, "known_by": "silence",
             "outage_reason": f"no byte {MARKUP}", "backfilled_from_utc": None if had is None else NOW - had * hour,
             "drop_sha256": "d" * 64, "line": number}
            for number, (began, ended, is_over, had) in enumerate(rows, start=1)
        ],
        schema=OUTAGES.schema,
    )  # fmt: skip


def made(inputs: dict[str, str] | None = None, settings: dict[str, object] | None = None) -> Provenance:
    """What made a version of which the gate found nothing."""
    suite = {"sha256": "f" * 64, "evaluated": 9, "failures": []}
    return Provenance("run-4", "0.3.0+abc", inputs or {}, suite, settings or {}, "d00d")


def _files(home: Home) -> dict[str, Drop]:
    ledger = Ledger(home)
    accepted = ledger.receive("prices", f"good {TURNED}", "a" * 64, 10, NOW)
    days = (MONTH, MONTH + timedelta(days=1), MONTH + timedelta(days=4))
    accepted = ledger.read(accepted, parsed(days))
    accepted = ledger.accept(accepted, accepted=3, quarantined=1, in_force=3, reason=None, run_id="run-0")
    rejected = pl.DataFrame([(2, f"price is {MARKUP}", "a,b")], schema=quarantine.REJECTED_SCHEMA, orient="row")
    quarantine.keep_rows(home, QUOTES.name, "a" * 64, accepted.name, "run-0", rejected)
    refused = ledger.receive("prices", f"{MARKUP}.csv", "b" * 64, 10, NOW)
    refused = ledger.read(refused, parsed((MONTH + timedelta(days=3),)))
    reason = f"{refused.name}: price out of range"
    refused = ledger.refuse(refused, reason, quarantined=7, run_id="run-0")
    failure = Failure("column median to be between", "price", gate.CRITICAL, reason, "price_median", f"Pence {MARKUP}")
    quarantine.keep_refused(home, QUOTES.name, f"{'b' * 64}-refused", refused.name, "run-0", reason, None, [failure])
    empty = ledger.receive("prices", "empty.csv", None, 0, NOW, unreadable="is empty")
    quarantine.keep_refused(
        home, QUOTES.name, f"not-archived-{empty.drop_id}", empty.name, "registration", "is empty", None
    )
    meter = ledger.receive("meters", "MAC0047.csv", "c" * 64, 9, NOW, is_individual=True, unreadable="is not text")
    return {"accepted": accepted, "refused": refused, "empty": empty, "meter": meter}


def parsed(days: tuple[date, ...]) -> Parsed:
    """What a file of some days gave."""
    return Parsed({"name": "l"}, "0" * 12, {}, 3, 1, 3, None, tuple(map(str, days)), (), (), "1.parquet")


def _refuse(home: Home, settings: Settings) -> None:
    suite = gate.suite_of(AUDIT, settings.expectations, None)
    try:
        publication.publish(home, AUDIT, audited(3), suite, run_id="run-5", inputs={}, settings={})
    except publication.Refused:
        return
    raise AssertionError("the gate let pass what may not be told")
