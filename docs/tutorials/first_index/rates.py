"""Print the monthly indices of the groups, and how they changed over twelve months."""

import duckdb

lake = duckdb.connect("cpi/warehouse.duckdb", read_only=True)
rows = lake.execute(
    """
    select now."group", now.period, now.index, 100 * (now.index / before.index - 1) as rate
    from prices.aggregate_indices as now
    left join prices.aggregate_indices as before
        on before."group" = now."group" and before.method = now.method and before.frequency = now.frequency
        and strptime(before.period, '%Y-%m') = strptime(now.period, '%Y-%m') - interval 1 year
    where now.frequency = 'month' and now.method = 'jevons'
    order by now."group", now.period
    """
).fetchall()
for group, period, index, rate in rows:
    print(f"{group:<10} {period}  {index:6.1f}" + (f"  {rate:+5.1f} %" if rate is not None else ""))
