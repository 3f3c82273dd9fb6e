"""Where data and cases lie that are no part of the project: beside the checkout, or where the environment says."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
INTAKE_CASES = DATA.parent / "cases" / "intake"
