"""The analytical database in PostgreSQL: a schema and a role for each sensitivity, swapped in one transaction."""

from ons_assets.lakehouse.postgres.loading import Loaded, load
from ons_assets.lakehouse.postgres.server import NotLoaded
from ons_assets.lakehouse.postgres.statements import Grid, NoType, grid_of

__all__ = ["Grid", "Loaded", "NoType", "NotLoaded", "grid_of", "load"]
