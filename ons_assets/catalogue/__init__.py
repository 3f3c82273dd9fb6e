"""Every table of the project, declared once: one module a domain, data only."""

from ons_assets.catalogue import governance, prices, reference, tweets
from ons_assets.lakehouse.tables import Catalogue

# The tables of meters are declared in a module of their own; they join when they are assets.
CATALOGUE = Catalogue([*prices.TABLES, *tweets.TABLES, *reference.TABLES, *governance.TABLES])
