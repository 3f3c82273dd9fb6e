"""What every retailer's collection brought, day by day: the method behind `prices/collection_report`.

`counts` says what each run found and what is usual; `gaps`, `completeness`, `shelves` and `stuck` each find the
classes of fault they are named for; `report` lays the findings over one row per day, retailer and item.
"""

from ons_assets.prices.collection.report import FINDINGS, REPORT_SCHEMA, collection_report

__all__ = ["FINDINGS", "REPORT_SCHEMA", "collection_report"]
