"""Every table of the project, declared once: one module a domain, data only."""

from ons_assets.catalogue import governance, prices, reference
from ons_assets.lakehouse.tables import Catalogue

# The tables of tweets and meters are declared in modules of their own; they join when they are assets.
CATALOGUE = Catalogue([*prices.TABLES, *reference.TABLES, *governance.TABLES])
