import pytest

from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings


@pytest.fixture
def settings(tmp_path):
    Home(tmp_path / "home").ensure()
    return Settings(home=tmp_path / "home")
