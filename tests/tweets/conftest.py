import pytest

from ons_assets.intake.limits import Limits
from ons_assets.lakehouse.home import Home
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from tests.tweets.statuses import RECEIVED, line


@pytest.fixture
def source(tmp_path):
    home = Home(tmp_path / "home").ensure()
    return TweetFiles((tmp_path / "layouts", BUILT_IN), Limits(line_bytes=200_000), home=home)


@pytest.fixture
def parse(source, tmp_path):
    """Write lines (statuses, or bytes as they stand) into a file and read it."""

    def read(*lines, name="tweets.json", pack=None, received=RECEIVED):
        path = tmp_path / name
        content = b"".join(map(line, lines))
        path.write_bytes(pack(content) if pack else content)
        return source.whole(path, name, received)

    return read
