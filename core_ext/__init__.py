"""Cython kernels for the hot loops: NumPy arrays in, NumPy arrays out."""

from core_ext.dbscan import dbscan, dbscan_clusters

__all__ = ["dbscan", "dbscan_clusters"]
