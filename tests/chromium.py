"""A browser without a screen: what it needs, and the programs that drive it in tests/browser."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parent / "browser"
PICTURES = FOLDER / "pictures"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = os.environ.get("ONS_ASSETS_BROWSER_TESTS") == "required"


def lacking() -> str | None:
    """What is not there that a browser needs."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (FOLDER / "node_modules" / "axe-core").is_dir():
        return f"axe-core is not installed: npm ci --prefix {FOLDER}"
    return None if CHROMIUM else "Chromium is not installed"


def skip_without_browser() -> None:
    """Skip the test where there is no browser, and fail it where one is to be there."""
    if (missing := lacking()) is not None:
        assert not REQUIRED, missing
        pytest.skip(missing)


def drive(program: str, *arguments: object) -> Any:
    """Run a program of tests/browser, and return the JSON that it prints."""
    command = ["node", program, str(CHROMIUM), *map(str, arguments)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
