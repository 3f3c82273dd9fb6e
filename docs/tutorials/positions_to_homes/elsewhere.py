"""Look at the homes that were found in the wrong place."""

import polars as pl
from known import RIGHT_M, judged

wrong = judged("home").filter(pl.col("off_m") > RIGHT_M).sort("to", "from")
print("found from  to          confidence  truly moved on")
for home in wrong.head(5).iter_rows(named=True):
    print(f"{home['from']}  {home['to']}  {home['confidence']:.2f}        {home['from_day']}")
print(f"of {len(wrong)} such homes, {wrong['from_day'].count()} are of people who moved in the two months")
