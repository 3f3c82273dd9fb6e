"""Publications as a document of W3C PROV: versions and files are entities, publications activities, programs agents.

References
----------
Moreau and Missier (2013), PROV-DM: The PROV Data Model, W3C Recommendation.
Huynh et al. (2013), The PROV-JSON Serialization, W3C Member Submission.
"""

import json
from collections.abc import Iterable, Mapping

from prov.constants import PROV_TYPE
from prov.model import PROV, ProvDocument

from ons_assets.governance.trace.drops import LAYOUTS
from ons_assets.governance.trace.history import History
from ons_assets.lakehouse.commits import Commit

NAMESPACE = "urn:ons-assets:"


def written(history: History, commits: Iterable[Commit], sources: Mapping[str, str], *, notation: bool = False) -> str:
    """Return publications as PROV-JSON, or as PROV-N for people.

    Parameters
    ----------
    history, commits, sources
        As for `ons_assets.governance.trace.openlineage.lines`.
    notation
        Whether PROV-N is meant.
    """
    made = document(history, commits, sources)
    return str(made.get_provn()) if notation else str(made.serialize(format="json", indent=2))


def document(history: History, commits: Iterable[Commit], sources: Mapping[str, str]) -> ProvDocument:
    """Return the document.

    Parameters
    ----------
    history, commits, sources
        As for `written`.
    """
    made = ProvDocument()
    made.add_namespace("ons", NAMESPACE)
    known: set[str] = set()
    ordered = sorted(commits, key=lambda each: (each.published_utc, each.table, each.number))
    for commit in ordered:
        if commit.provenance is not None:
            _add(made, history, commit, sources, known)
    return made


def _add(made: ProvDocument, history: History, commit: Commit, sources: Mapping[str, str], known: set[str]) -> None:
    provenance = commit.provenance
    assert provenance is not None
    program = f"ons:program/{provenance.code_version}"
    activity = f"ons:publication/{commit.table}/{commit.number}"
    version = _version(made, known, commit.table, commit.number)
    if program not in known:
        known.add(program)
        made.agent(program, {PROV_TYPE: PROV["SoftwareAgent"]})
    made.activity(
        activity,
        other_attributes={
            "ons:run": provenance.run_id,
            "ons:dataVersion": provenance.data_version,
            "ons:parameters": json.dumps(
                {name: value for name, value in provenance.settings.items() if name != LAYOUTS},
                sort_keys=True,
                default=str,
            ),
            "ons:suite": str(provenance.suite.get("sha256")),
        },
    )
    made.wasGeneratedBy(version, activity, time=commit.published_utc)
    made.wasAssociatedWith(activity, program)
    for name, number in history.inputs(commit).items():
        used = _version(made, known, name, number)
        made.used(activity, used)
        made.wasDerivedFrom(version, used, activity)
    for sha256 in history.named_drops(commit):
        used = f"ons:file/{sources.get(commit.table, commit.table)}/{sha256}"
        if used not in known:
            known.add(used)
            made.entity(used, {"ons:sha256": sha256})
        made.used(activity, used)
        made.wasDerivedFrom(version, used, activity)
    if commit.predicate is not None:
        # Partitions that it did not replace are those of the version before.
        before = _version(made, known, commit.table, commit.number - 1)
        made.wasDerivedFrom(version, before, activity, other_attributes={PROV_TYPE: PROV["Revision"]})


def _version(made: ProvDocument, known: set[str], table: str, number: int) -> str:
    name = f"ons:table/{table}/{number}"
    if name not in known:
        known.add(name)
        made.entity(name, {"prov:label": f"{table}, version {number}", "ons:version": number})
    return name
