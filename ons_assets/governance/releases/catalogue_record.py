"""The record of all releases that stand, beside their folders, for those who harvest catalogues."""

import json
from datetime import datetime
from pathlib import Path, PurePosixPath

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases import shelf
from ons_assets.governance.releases.content import Release
from ons_assets.governance.releases.release_ledger import Entry, ReleaseLedger, ReleaseStatus
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.lake import Provenance
from ons_assets.settings import Office


def write_catalogue_record(home: Home, ledger: ReleaseLedger, office: Office) -> list[Path]:
    """Write the catalogue anew from what stands; one that was withdrawn is in it no longer.

    Parameters
    ----------
    home, ledger
        Held: see `ons_assets.governance.releases.making.held`.
    office
        Who releases.
    """
    # It loads rdflib, which other commands do without.
    from ons_assets.governance.releases.dcat import ReleasedFile, ReleaseRecord, write_catalogue

    records = []
    changed = []
    for entry in ledger.entries():
        if entry.release_status in (ReleaseStatus.RELEASED, ReleaseStatus.WITHDRAWN):
            changed += [when for when in (entry.made_utc, entry.withdrawn_utc) if when]
        if entry.release_status is ReleaseStatus.RELEASED and entry.table_name in CATALOGUE:
            folder = shelf.folder_of(home, entry.table_name, entry.release_version or 0)
            told = json.loads((folder / shelf.MANIFEST).read_text(encoding="utf-8"))
            hashes = told["files"]
            files = tuple(
                ReleasedFile(PurePosixPath(path.relative_to(home.releases)), path.stat().st_size, hashes[path.name])
                for path in sorted(folder.iterdir())
                if path.name in hashes
            )
            records.append(ReleaseRecord(_release(home, entry, told), files))
    return write_catalogue(records, home.releases, office, changed=changed)


def _release(home: Home, entry: Entry, told: dict[str, object]) -> Release:
    assert entry.release_version is not None
    return Release(
        table=CATALOGUE[entry.table_name],
        version=entry.release_version,
        rows=shelf.rows(home, entry),
        released_utc=datetime.fromisoformat(str(told["released_utc"])),
        approved_by=entry.approved_by,
        lake_version=entry.lake_version,
        provenance=Provenance("", "", {}, {}, {}, entry.data_version),
    )
