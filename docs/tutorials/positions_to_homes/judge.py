"""Hold homes and places of work against the truth, by how much a user tweets."""

import polars as pl
from known import RIGHT_M, judged

AT_LEAST, NAMES = [0, 20, 50, 100], ["under 20", "20 to 49", "50 to 99", "100 or more"]
print("place  tweets       users  none found  right  elsewhere")
for anchor in ("home", "work"):
    rows = judged(anchor)
    for name, least, below in zip(NAMES, AT_LEAST, [*AT_LEAST[1:], 10**9], strict=True):
        group = rows.filter(pl.col("tweets").is_between(least, below, closed="left"))
        near = group.filter(pl.col("off_m") <= RIGHT_M).height
        none = group["off_m"].null_count()
        print(f"{anchor}   {name:<11}  {len(group):5}  {none:10}  {near:5}  {len(group) - near - none:9}")
