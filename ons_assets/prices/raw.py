"""What files of prices become."""

from ons_assets.intake.raw_table import RawTable
from ons_assets.parameters.prices import QuoteParameters
from ons_assets.prices.sources import QuoteFiles

raw_quotes = RawTable("prices/raw_quotes", QuoteFiles.of, parameters=(QuoteParameters,), by_day=True)
