"""A simulated world of people who move, commute, study and tweet, with known truth."""

from ons_assets.simulate.tweets.office import write_office_files, write_user_demographics
from ons_assets.simulate.tweets.scales import SCALES, Scale
from ons_assets.simulate.tweets.towns import Towns, make_towns
from ons_assets.simulate.tweets.world import Summary, simulate_tweets

__all__ = [
    "SCALES",
    "Scale",
    "Summary",
    "Towns",
    "make_towns",
    "simulate_tweets",
    "write_office_files",
    "write_user_demographics",
]
