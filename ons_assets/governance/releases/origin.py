"""Where a release comes from, for machines: PROV in JSON. It names tables and hashes, never a file of a supplier."""

import json
from pathlib import Path
from typing import Any

from ons_assets.governance.releases.content import Release
from ons_assets.lakehouse.disclosure import tellable

NAMESPACE = "urn:ons-assets:"


def write(release: Release, folder: Path) -> list[Path]:
    """Say of what the release was made, by which program and parameters, and who approved it.

    References
    ----------
    Huynh et al. (2013), The PROV-JSON serialization, W3C Member Submission.
    """
    path = folder / "provenance.json"
    path.write_text(json.dumps(_document(release), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path]


def _document(release: Release) -> dict[str, Any]:
    made, table = release.provenance, release.table
    this = f"ons:release/{release.identifier}"
    version = f"ons:table/{table.name}/{release.lake_version}"
    made_by, approval = f"ons:run/{made.data_version}", f"ons:approval/{release.identifier}"
    program, person = f"ons:program/{made.code_version}", f"ons:person/{release.identifier}"
    inputs = {f"ons:input/{name}": {"ons:version": said} for name, said in sorted(made.inputs.items())}
    when = release.released_utc.isoformat()
    return {
        "prefix": {"ons": NAMESPACE, "prov": "http://www.w3.org/ns/prov#"},
        "entity": {
            this: {"prov:label": f"{table.name}, release {release.version}", "ons:issued": when},
            version: {
                "prov:label": f"{table.name}, version {release.lake_version} in the lake",
                "ons:dataVersion": made.data_version,
                "ons:parameters": json.dumps(made.settings, sort_keys=True, default=str),
                "ons:disclosure": json.dumps(
                    [tellable(table.disclosure, each) for each in made.disclosure], sort_keys=True
                ),
            },
            **inputs,
        },
        "activity": {
            made_by: {"prov:label": "made the table"},
            approval: {"prov:startTime": when, "prov:endTime": when},
        },
        "agent": {
            program: {"prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}},
            person: {
                "prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"},
                "prov:label": release.approved_by,
            },
        },
        "wasDerivedFrom": _numbered("d", [{"prov:generatedEntity": this, "prov:usedEntity": version}]),
        "wasGeneratedBy": _numbered(
            "g",
            [
                {"prov:entity": this, "prov:activity": approval, "prov:time": when},
                {"prov:entity": version, "prov:activity": made_by},
            ],
        ),
        "used": _numbered(
            "u",
            [
                {"prov:activity": approval, "prov:entity": version},
                *({"prov:activity": made_by, "prov:entity": name} for name in inputs),
            ],
        ),
        "wasAssociatedWith": _numbered(
            "a",
            [
                {"prov:activity": made_by, "prov:agent": program},
                {"prov:activity": approval, "prov:agent": person},
            ],
        ),
    }


def _numbered(letter: str, relations: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {f"_:{letter}{number}": relation for number, relation in enumerate(relations, start=1)}
