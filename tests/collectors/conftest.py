"""One world for all simulated shops."""

from pathlib import Path

import pytest

from tests.collectors.shop_worlds import make_world


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The truth of a world of four days."""
    return make_world(tmp_path_factory.mktemp("world"), days=4)
