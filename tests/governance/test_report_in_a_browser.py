"""The report as a browser shows it: axe-core finds no violation, nothing is asked for, and a phone has room for it.

Pictures of what people see are kept in tests/browser/pictures, for whoever looks.
"""

import os
from pathlib import Path

from ons_assets.governance.report import write_report
from tests.chromium import PICTURES, drive, skip_without_browser
from tests.governance.report_world import ACCESSES, AUDIT, QUOTES, made_at

# Of tables one of each kind, which are made by one template; of methods, those with the widest tables.
LOOKED_AT = [
    *("index.html", "refused.html", "outages.html", "disclosure.html", "releases.html", "changes.html"),
    *(f"tables/{name}.html" for name in (QUOTES.name, ACCESSES.name, AUDIT.name, "meters/raw_readings")),
]
METHODS = 2
DRAWN = ["index.html", f"tables/{QUOTES.name}.html"]


def test_axe_finds_nothing_and_no_page_asks_for_anything(tmp_path: Path) -> None:
    skip_without_browser()
    world = made_at(tmp_path / "home")
    start = write_report(world.home, world.settings)
    paths = [path.relative_to(start.parent).as_posix() for path in sorted(start.parent.rglob("*.html"))]
    every = os.environ.get("ONS_ASSETS_SLOW_TESTS")
    methods = sorted((path for path in paths if path.startswith("methods/")), key=lambda path: path)[:METHODS]
    looked_at = paths if every else [*LOOKED_AT, *methods]
    found = drive("look.mjs", start.parent, PICTURES, *looked_at, "--pictures", *DRAWN)
    assert set(found) == set(looked_at)
    faulty = {path: said for path, said in found.items() if said["violations"] or said["requests"] or said["wide"] > 0}
    assert faulty == {}
    assert len(list(PICTURES.glob("*.png"))) >= 3 * len(DRAWN)
