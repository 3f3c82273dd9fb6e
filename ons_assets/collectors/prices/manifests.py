"""The manifest of a run: what was asked, what was answered, what failed and why, and what came of it."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from ons_assets.collectors.prices.crawl import Collected
from ons_assets.collectors.prices.journal import Journal
from ons_assets.collectors.prices.repair import Proposal
from ons_assets.collectors.prices.shops import written

# complete: every page was answered. partial: a file came, and some pages are lacking. failed: nothing was answered.
# missing: nobody asked.
Status = Literal["complete", "partial", "failed", "missing"]


@dataclass(frozen=True)
class Made:
    """What a run ended in.

    Parameters
    ----------
    collected
        What it found.
    quotes
        Lines of its file.
    file, sha256
        Name of the file and hash of its content; None if no page was answered.
    proposals
        Shelves that were renamed, as it seems.
    """

    collected: Collected
    quotes: int
    file: str | None
    sha256: str | None
    proposals: Sequence[Proposal]


def manifest(journal: Journal, made: Made, day: date, version: str) -> dict[str, Any]:
    """Return the manifest of a run as plain data.

    Parameters
    ----------
    journal
        Of the run.
    made
        What it ended in.
    day
        Local day of the shop.
    version
        Of the collector.
    """
    plan, lines = journal.plan, list(journal.lines())
    answers = {each["address"]: each for each in lines if each["what"] == "answer"}
    failures = [
        {"address": each["address"], "kind": each["kind"], "reason": each["reason"], "status": each["status"]}
        for each in answers.values()
        if each["kind"] not in ("page", "gone")
    ]
    kinds = Counter(each["kind"] for each in answers.values())
    reason = _reason(made, failures, lines, ended=journal.has_ended)
    answered = kinds["page"]
    status: Status = "failed" if not answered else "complete" if reason is None else "partial"
    return {
        "collector": f"ons-assets {version}",
        "retailer": journal.shop.retailer,
        "run": plan.run,
        "day": day.isoformat(),
        "status": status,
        "reason": reason,
        "started_utc": plan.began_utc.isoformat(),
        "finished_utc": _last(lines) or plan.began_utc.isoformat(),
        "agent": plan.agent,
        "description_sha256": hashlib.sha256(written(journal.shop).encode()).hexdigest(),
        "requests": sum(each["what"] == "asking" for each in lines),
        "pages": {
            "wanted": len(answers),
            "answered": answered,
            "unchanged": sum(each["unchanged"] for each in answers.values()),
            **{kind: kinds[kind] for kind in ("gone", "refused", "failed", "never_asked")},
            "bytes": sum(each["bytes"] for each in answers.values()),
        },
        "robots": [
            {key: value for key, value in each.items() if key != "what"} for each in lines if each["what"] == "robots"
        ],
        "failures": failures,
        "shelves": [
            {
                "item_id": shelf.item_id,
                "item": shelf.item,
                "shelf": shelf.name,
                "state": walked.state,
                "reason": walked.reason,
                "pages": walked.pages,
                "quotes": len(walked.found),
                "products": len(walked.products),
                "no_quotes": walked.faults,
            }
            for shelf, walked in made.collected.shelves
        ],
        "proposals": [vars(each) | {"evidence": each.sentence} for each in made.proposals],
        "quotes": made.quotes,
        "file": made.file,
        "file_sha256": made.sha256,
        "evidence": {each["address"]: each["sha256"] for each in answers.values() if each["sha256"]},
    }


def missing(retailer: str, day: date, reason: str, version: str, now: datetime) -> dict[str, Any]:
    """Return the manifest of a morning on which nothing was asked.

    Parameters
    ----------
    retailer, day
        Whose morning.
    reason
        Why, in a sentence.
    version
        Of the collector.
    now
        When this was found.
    """
    return {
        "collector": f"ons-assets {version}",
        "retailer": retailer,
        "run": None,
        "day": day.isoformat(),
        "status": "missing",
        "reason": reason,
        "recorded_utc": now.isoformat(),
    }


def _reason(
    made: Made, failures: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]], *, ended: bool
) -> str | None:
    """Why a run is not complete; None if it is."""
    said = [each["sentence"] for each in lines if each["what"] == "robots"][-1:] if _all_refused(failures) else []
    if not ended:
        said.append("the run was ended from outside, and not taken up again on its day")
    counts = Counter(each["reason"] for each in failures)
    said += [f"{reason} ({count} pages)" if count > 1 else f"{reason}" for reason, count in counts.most_common(3)]
    lost = [f"{shelf.name}: {walked.reason}" for shelf, walked in made.collected.shelves if walked.state != "collected"]
    if lost and not failures:
        said += lost[:3]
    return "; ".join(said) or None


def _all_refused(failures: Sequence[Mapping[str, Any]]) -> bool:
    return bool(failures) and all(each["kind"] == "refused" for each in failures)


def _last(lines: Sequence[Mapping[str, Any]]) -> str | None:
    moments = [each.get("at_utc") for each in lines if each.get("at_utc")]
    return moments[-1] if moments else None
