"""Flows between areas: what migration and commuting share, whoever observed them."""
