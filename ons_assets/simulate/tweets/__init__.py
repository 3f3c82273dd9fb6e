"""A simulated world of people who move, commute, study and tweet, with known truth."""

from ons_assets.simulate.tweets.classifier import write_user_demographics
from ons_assets.simulate.tweets.people import country_of
from ons_assets.simulate.tweets.scales import SCALES, Scale
from ons_assets.simulate.tweets.world import Summary, simulate_tweets

__all__ = [
    "SCALES",
    "Scale",
    "Summary",
    "country_of",
    "simulate_tweets",
    "write_user_demographics",
]
