"""Print the days of prices that are published, with how many quotes each has and what their median is."""

import polars as pl

quotes = pl.read_delta("cpi/lake/prices/raw_quotes")
days = quotes.group_by("collected_on", "retailer").agg(pl.len().alias("quotes"), pl.col("price").median())
for day, retailer, number, median in days.sort("collected_on", "retailer").iter_rows():
    print(f"{day}  {retailer:<20} {number} quotes, median {median:.2f}")
