"""What the tests of readings share."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ons_assets.intake.source import Piece
from ons_assets.lakehouse.home import Home
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from ons_assets.parameters.meters import Readings

SECRET = b"a key of thirty-two bytes, no less"
RECEIVED = datetime(2026, 6, 1, tzinfo=UTC)


def keyed(folder: Path) -> Home:
    """Return a home whose key is known."""
    home = Home(folder).ensure()
    (home.root / "secret.key").write_bytes(SECRET)
    return home


Read = Callable[..., Piece]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file, and read it by a mapping of its own or by those of the trials."""

    def parse(content: str | bytes | Path, mapping: dict | None = None, **parameters: object) -> Piece:
        folder = tmp_path / "mappings" / "meters"
        folder.mkdir(parents=True, exist_ok=True)
        if mapping is not None:
            (folder / "own.yaml").write_text(yaml.safe_dump({"name": "own", "zone": "UTC", **mapping}))
        path = content if isinstance(content, Path) else tmp_path / "drop"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        source = MeterFiles((folder, BUILT_IN), home=keyed(tmp_path), readings=Readings(**parameters))
        return source.whole(path, "drop", RECEIVED)

    return parse
