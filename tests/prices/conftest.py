import pytest

from tests.prices.simulated import World, simulate


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A quarter of a year of three shops, another than the one that the checks were written with."""
    return simulate(tmp_path_factory.mktemp("world"), seed=20160721)
