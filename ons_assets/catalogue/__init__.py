"""Every table of the project, declared once: one module a domain, data only."""

from ons_assets.catalogue import governance, meters, mobile, prices, reference, tweets
from ons_assets.lakehouse.tables import Catalogue

CATALOGUE = Catalogue(
    [
        *prices.TABLES,
        *tweets.TABLES,
        *meters.TABLES,
        *mobile.TABLES,
        *reference.TABLES,
        *governance.TABLES,
    ]
)
