"""Columns that several tables share."""

import polars as pl

from ons_assets.lakehouse.tables import Column

DROP_SHA256 = Column("drop_sha256", pl.String(), "SHA-256 of the file that the row came in")
LINE = Column("line", pl.Int64(), "record of that file, the header being 1")
ITEM_ID = Column("item_id", pl.String(), "consumer price item, such as 210111")
ITEM = Column("item", pl.String(), "name of the item")
RETAILER = Column("retailer", pl.String(), "shop, in lower case")
BUCKET = Column("bucket", pl.Int16(), "part of the units (meters, users, devices) by their pseudonym, 0 and up")
