"""Parameters of the methods, one module a domain: data only, so that settings and methods share them."""

from ons_assets.parameters.base import Parameters, Section, group_of, groups_in, path_of, values_of

__all__ = ["Parameters", "Section", "group_of", "groups_in", "path_of", "values_of"]
