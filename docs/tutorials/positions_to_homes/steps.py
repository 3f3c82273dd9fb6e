"""Count what is left at each step from positions to homes."""

from known import HOME

from ons_assets.catalogue import CATALOGUE
from ons_assets.lakehouse import lake


def rows(name: str) -> int:
    return lake.read(HOME, CATALOGUE[name]).collect()


tweets, users, clusters, anchors = (rows(f"tweets/{name}") for name in ("located_tweets", "users", "clusters", "user_anchors"))
