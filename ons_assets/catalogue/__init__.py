"""Every table of the project, declared once: one module a domain, data only."""

from ons_assets.catalogue import governance, meters, prices, reference
from ons_assets.lakehouse.tables import Catalogue

# The tables of tweets are declared in a module of their own; they join when they are assets.
CATALOGUE = Catalogue([*prices.TABLES, *meters.TABLES, *reference.TABLES, *governance.TABLES])
