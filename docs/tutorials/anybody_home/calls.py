"""Print the best and the worst hour to call, for each area and type of day."""

import duckdb

BEST = """
    select area_code, day_type, max_by(hour, estimate) as best, max(estimate) as share_best,
           min_by(hour, estimate) as worst, min(estimate) as share_worst, any_value(homes) as homes
    from meters.fieldwork
    where not is_suppressed
    group by all
    order by area_code, day_type desc
"""

with duckdb.connect("trial/warehouse.duckdb", read_only=True) as home:
    print("area       day       call at      rather not     homes")
    for area, day, best, share_best, worst, share_worst, homes in home.execute(BEST).fetchall():
        print(f"{area}  {day:<8}  {best:02}:00 {share_best:.2f}   {worst:02}:00 {share_worst:.2f}   {homes:5}")
