"""Print what is published of the last month: index, rates, contributions to the rate of all items, and quotes."""

import duckdb

lake = duckdb.connect("cpi/warehouse.duckdb", read_only=True)
rows = lake.execute(
    """
    select title, period, index, rate_1_month_percent, rate_12_months_percent, contribution_12_months_points,
        observed_quotes
    from prices.cpi_release
    where period = (select max(period) from prices.cpi_release where figure_status = 'final')
    order by heading_type, heading
    """
).fetchall()
print(f"{'':<20}  {rows[0][1]:>8} {'1 month':>9} {'12 months':>10} {'contribution':>13} {'quotes':>7}")
for title, _, index, month, year, points, quotes in rows:
    print(f"{title:<20}  {index:8.1f} {month:+7.1f} % {year:+8.1f} % {points:+13.2f} {quotes:7}")
