"""Sums over the products that two periods share, for all pairs of periods."""
