"""Print what one district's devices became, flow by flow, beside the census."""

import duckdb

FROM = "Z07000002"
FLOWS = """
    select name, devices, flow, flow_low, flow_high, coalesce(commuters - home_workers, 0) as census
    from mobile.weighted_flows as flows
    join reference.area_codes on code = destination
    left join reference.commuting_flows as benchmark using (origin, destination)
    where origin = ?
    order by flow desc
"""

with duckdb.connect("flows/warehouse.duckdb", read_only=True) as home:
    print("to          devices  workers  interval    census")
    for name, devices, flow, low, high, census in home.execute(FLOWS, [FROM]).fetchall():
        print(f"{name:<10}  {devices:7.0f}  {flow:7.0f}  {low:3.0f} to {high:3.0f}  {census:6.0f}")
    inside, pairs = home.execute("""
        select count(*) filter (coalesce(commuters - home_workers, 0) between flow_low and flow_high), count(*)
        from mobile.weighted_flows left join reference.commuting_flows using (origin, destination)
    """).fetchone()
    print(f"of all {pairs} flows, {inside} of the census lie in the interval")
