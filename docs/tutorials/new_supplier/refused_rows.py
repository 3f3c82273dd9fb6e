"""Print the rows in quarantine, with the line of the file on which each stands and why it was refused."""

import json
from pathlib import Path

import polars as pl

for file in sorted(Path("cpi/quarantine/prices/raw_quotes").glob("*.rows.parquet")):
    for line, reason, text in pl.read_parquet(file).select("line", "reason", "text").iter_rows():
        print(f"line {line}: {reason}")
        print("   ", *json.loads(text).values(), sep=" | ")
