"""Draw the flows between districts against the census, as devices and as workers."""

import altair as alt
import duckdb

FLOWS = """
    select commuters - home_workers as census, devices, flow, flow_low, flow_high
    from mobile.weighted_flows join reference.commuting_flows using (origin, destination)
    where origin <> destination
"""

with duckdb.connect("flows/warehouse.duckdb", read_only=True) as home:
    flows = alt.Chart(home.sql(FLOWS).pl())

scale = alt.Scale(type="symlog", constant=10, domain=[0, 150])
census = alt.X("census:Q", title="workers by the census", scale=scale)
line = flows.mark_line(color="#909090", strokeDash=[4, 4]).encode(
    x=census, y=alt.Y("census:Q", title=None, scale=scale)
)
intervals = flows.mark_rule(color="#206095").encode(x=census, y=alt.Y("flow_low:Q", title=None), y2="flow_high:Q")
devices = flows.mark_circle(color="#a8361c", size=30, opacity=1).encode(x=census, y=alt.Y("devices:Q", title=None))
workers = flows.mark_circle(color="#206095", size=30, opacity=1).encode(x=census, y=alt.Y("flow:Q", title=None))
before = (line + devices).properties(width=330, height=300, title="Devices that were listed")
after = (line + intervals + workers).properties(width=330, height=300, title="Workers, with their intervals")
(before | after).save("flows.png")
