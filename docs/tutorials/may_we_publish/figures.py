"""Print what the table tells of one area: a number, or why there is none."""

import polars as pl

table = pl.read_delta("lake/lake/meters/area_occupancy").filter(area_code="Z07000001")
for row in table.sort("month", "measure").iter_rows(named=True):
    is_told = row["homes"] is not None
    told = f"{row['estimate']:.2f} of {row['homes']} homes" if is_told else f"withheld: {row['reason']}"
    print(f"{row['month']:%Y-%m}  {row['measure']:<17} {told}")
