"""The report as a browser shows it: axe-core finds no violation, nothing is asked for, and a phone has room for it.

Pictures of what people see are kept in tests/browser/pictures, for whoever looks.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ons_assets.governance.report import write_report
from tests.governance.report_world import ACCESSES, AUDIT, QUOTES, made_at

FOLDER = Path(__file__).resolve().parents[1] / "browser"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = os.environ.get("ONS_ASSETS_BROWSER_TESTS") == "required"
# Of tables one of each kind, which are made by one template; of methods, those with the widest tables.
LOOKED_AT = [
    *("index.html", "refused.html", "outages.html", "disclosure.html", "releases.html", "changes.html"),
    *(f"tables/{name}.html" for name in (QUOTES.name, ACCESSES.name, AUDIT.name, "meters/raw_readings")),
]
METHODS = 2
DRAWN = ["index.html", f"tables/{QUOTES.name}.html"]


def lacking() -> str | None:
    """What is not there that a browser needs."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (FOLDER / "node_modules" / "axe-core").is_dir():
        return f"axe-core is not installed: npm ci --prefix {FOLDER}"
    return None if CHROMIUM else "Chromium is not installed"


def test_axe_finds_nothing_and_no_page_asks_for_anything(tmp_path: Path) -> None:
    if (missing := lacking()) is not None:
        assert not REQUIRED, missing
        pytest.skip(missing)
    world = made_at(tmp_path / "home")
    start = write_report(world.home, world.settings)
    paths = [path.relative_to(start.parent).as_posix() for path in sorted(start.parent.rglob("*.html"))]
    every = os.environ.get("ONS_ASSETS_SLOW_TESTS")
    methods = sorted((path for path in paths if path.startswith("methods/")), key=lambda path: path)[:METHODS]
    looked_at = paths if every else [*LOOKED_AT, *methods]
    command = ["node", "look.mjs", str(CHROMIUM), str(start.parent), str(FOLDER / "pictures"), *looked_at]
    looked = subprocess.run(
        [*command, "--pictures", *DRAWN], cwd=FOLDER, capture_output=True, text=True, timeout=1200, check=False
    )
    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout)
    assert set(found) == set(looked_at)
    faulty = {path: said for path, said in found.items() if said["violations"] or said["requests"] or said["wide"] > 0}
    assert faulty == {}
    assert len(list((FOLDER / "pictures").glob("*.png"))) >= 3 * len(DRAWN)
