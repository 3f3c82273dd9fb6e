"""Print the table."""

import duckdb

with duckdb.connect("flows/warehouse.duckdb", read_only=True) as home:
    print("area       stay   of residents  of jobs")
    for area, stay, of_residents, of_jobs in home.execute(
        "select area, lives_and_works, of_residents, of_jobs from own.self_containment order by of_jobs"
    ).fetchall():
        print(f"{area}  {stay:4.0f}           {of_residents:.2f}     {of_jobs:.2f}")
