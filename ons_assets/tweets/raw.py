"""What files of tweets, and of their users, become."""

from ons_assets.intake.raw_table import RawTable
from ons_assets.tweets.demographics_files import DemographicsFiles
from ons_assets.tweets.sources import TweetFiles

raw_tweets = RawTable("tweets/raw_tweets", TweetFiles.of, by_day=True)
supplied_demographics = RawTable("tweets/supplied_demographics", DemographicsFiles.of)
