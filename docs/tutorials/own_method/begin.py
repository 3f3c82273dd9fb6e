"""Copy the program to ./program, as a stand-in for a clone of it."""

import shutil
from pathlib import Path

import ons_assets

REPOSITORY = Path(ons_assets.__file__).parents[1]
for folder in ("ons_assets", "core_ext", "expectations"):
    shutil.copytree(REPOSITORY / folder, Path("program") / folder)
