"""Hold the homes that are called vacant against those that are."""

import polars as pl
from known import homes, table

spells = table("meters/vacancy").filter(state="vacant")
called = spells.group_by("meter").agg(pl.col("spell_days").max(), pl.col("vacant_probability").max())
both = homes().join(called, on="meter", how="left").sort("name")
shown = both.filter(pl.col("spell_days").is_not_null() | (pl.col("kind") == "vacant"))
print("home       truly   called vacant  probability  large equipment")
for home in shown.iter_rows(named=True):
    days, probability = home["spell_days"], home["vacant_probability"]
    called_so = "no             " if days is None else f"{days} days        {probability:.2f}"
    print(f"{home['name']:<9}  {home['kind']:<6}  {called_so:<26}  {'yes' if home['equipped'] else 'no'}")
print(f"all other {len(both) - len(shown)} homes: lived in, and not called vacant")
