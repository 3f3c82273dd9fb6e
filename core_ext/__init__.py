"""Cython kernels for the hot loops: NumPy arrays in, NumPy arrays out."""
