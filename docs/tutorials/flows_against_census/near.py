"""Print how near the flows of homes come to the census; name the homes."""

import sys

import duckdb

NEAR = """
    select estimator,
           any_value(value) filter (subject_type = 'all' and measure = 'cpc') as common,
           any_value(value) filter (subject_type = 'between' and measure = 'cpc') as common_between,
           any_value(value) filter (subject_type = 'between' and measure = 'total_ratio') as ratio_between
    from mobile.flow_comparison
    where estimator in ('unweighted', 'weighted', 'gravity')
    group by estimator
    order by estimator desc
"""

print("                          common part  between districts  people between, of the census")
for name in sys.argv[1:]:
    with duckdb.connect(f"{name}/warehouse.duckdb", read_only=True) as home:
        for estimator, common, between, ratio in home.execute(NEAR).fetchall():
            print(f"{name:<12}  {estimator:<10}  {common:.3f}        {between:.3f}              {100 * ratio:.0f} %")
