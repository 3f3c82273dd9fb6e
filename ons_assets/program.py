"""Which program this is: its version, and the text of its modules."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import core_ext

SOURCES = frozenset({".py", ".pyx", ".pxd", ".h"})


@cache
def code_version() -> str:
    """Return the version of the program with a hash of its sources."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(core_ext.__path__[0])):
        for path in sorted(folder.rglob("*")):
            # Scripts of the tutorials, which lie in it where it is installed, are none of the program.
            if path.suffix in SOURCES and "docs" not in path.relative_to(folder).parts:
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return f"{version('ons-assets')}+{digest.hexdigest()[:12]}"
