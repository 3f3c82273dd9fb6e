"""Partitions that assets share."""

import dagster as dg

from ons_assets.settings import FIRST_DAY

# Today is a partition as well: files arrive on the day that they are about.
DAYS = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1, timezone="Europe/London")
