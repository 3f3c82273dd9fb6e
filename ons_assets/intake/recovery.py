"""What is done when a home is opened after a process died in it."""

import shutil
from pathlib import Path

from ons_assets.intake.taking import put_back
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home


def recover(home: Home) -> bool:
    """Clear away what a process that died left behind; return False if another process is at work.

    Staged batches, half-written files and data files that were never committed go; a file that was about to leave
    its drop folder is put back there. Nothing that was registered or published is touched.
    """
    with home.alone() as alone:
        if not alone:
            return False
        for staged in home.staging.iterdir():
            _remove(staged)
        kept_whole = (home.lake, home.drops, home.dagster)
        for partial in [*home.root.rglob(".*.part"), *home.root.rglob(".*.part.wal")]:
            if not any(partial.is_relative_to(folder) for folder in kept_whole):
                _remove(partial)
        put_back(home)
        for log in home.lake.rglob("_delta_log"):
            lake.remove_orphans(log.parent)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
