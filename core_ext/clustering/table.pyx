"""The table of clusters: one row for each, from the labels of its points."""

from libc.math cimport INFINITY, sqrt
from libc.stdint cimport int32_t, int64_t

import numpy as np

from core_ext.clustering.rule cimport CORE, Points

COLUMNS = {
    "segment": np.int64,
    "label": np.int32,
    "size": np.int32,
    "core_count": np.int32,
    "centroid_x": np.float64,
    "centroid_y": np.float64,
    "min_x": np.float64,
    "min_y": np.float64,
    "max_x": np.float64,
    "max_y": np.float64,
    "radius_of_gyration": np.float64,
    "medoid": np.int64,
}


def empty_table(n_rows):
    """Return a table of ``n_rows`` clusters that is yet to be filled."""
    return {name: np.empty(n_rows, dtype=dtype) for name, dtype in COLUMNS.items()}


cdef int32_t* _int32(dict table, str name) except? NULL:
    cdef int32_t[::1] column = table[name]
    return &column[0] if column.shape[0] else NULL


cdef int64_t* _int64(dict table, str name) except? NULL:
    cdef int64_t[::1] column = table[name]
    return &column[0] if column.shape[0] else NULL


cdef double* _float64(dict table, str name) except? NULL:
    cdef double[::1] column = table[name]
    return &column[0] if column.shape[0] else NULL


cdef TableColumns columns_of(dict table):
    """Return the addresses of the columns, valid as long as the table is."""
    cdef TableColumns columns
    columns.segment = _int64(table, "segment")
    columns.label = _int32(table, "label")
    columns.size = _int32(table, "size")
    columns.core_count = _int32(table, "core_count")
    columns.centroid_x = _float64(table, "centroid_x")
    columns.centroid_y = _float64(table, "centroid_y")
    columns.min_x = _float64(table, "min_x")
    columns.min_y = _float64(table, "min_y")
    columns.max_x = _float64(table, "max_x")
    columns.max_y = _float64(table, "max_y")
    columns.radius_of_gyration = _float64(table, "radius_of_gyration")
    columns.medoid = _int64(table, "medoid")
    return columns


cdef void summarise(
    Cluster* clusters, int32_t n_clusters, const Points* points, Py_ssize_t first, Py_ssize_t n, int32_t* labels
) noexcept nogil:
    """Describe the clusters among points ``first:first + n``, and take CORE off their labels, which are those of all.

    There is room for one cluster more, behind the others: noise goes there, since to leave it out would be a jump
    that no processor foresees.
    """
    cdef Py_ssize_t i
    cdef int32_t c, core
    cdef Cluster* cluster
    cdef double x, y, dx, dy, square
    for c in range(n_clusters + 1):
        clusters[c].size = 0

    # Sums are of distances from the first member: those of national grid coordinates would lose digits.
    for i in range(first, first + n):
        core = labels[i] >= CORE
        labels[i] -= core * CORE
        cluster = &clusters[labels[i] if labels[i] >= 0 else n_clusters]
        x, y = points.x[i], points.y[i]
        if cluster.size == 0:
            cluster.first_x = cluster.min_x = cluster.max_x = x
            cluster.first_y = cluster.min_y = cluster.max_y = y
            cluster.sum_x = cluster.sum_y = 0.0
            cluster.core_count = 0
        cluster.size += 1
        cluster.core_count += core
        cluster.sum_x += x - cluster.first_x
        cluster.sum_y += y - cluster.first_y
        cluster.min_x = min(cluster.min_x, x)
        cluster.max_x = max(cluster.max_x, x)
        cluster.min_y = min(cluster.min_y, y)
        cluster.max_y = max(cluster.max_y, y)

    for c in range(n_clusters + 1):
        cluster = &clusters[c]
        cluster.centroid_x = cluster.first_x + cluster.sum_x / cluster.size
        cluster.centroid_y = cluster.first_y + cluster.sum_y / cluster.size
        cluster.sum_of_squares = 0.0
        cluster.nearest = INFINITY

    for i in range(first, first + n):
        cluster = &clusters[labels[i] if labels[i] >= 0 else n_clusters]
        dx = points.x[i] - cluster.centroid_x
        dy = points.y[i] - cluster.centroid_y
        square = dx * dx + dy * dy
        cluster.sum_of_squares += square
        if square < cluster.nearest:
            cluster.nearest = square
            cluster.medoid = i


cdef void write_rows(
    TableColumns* table, Py_ssize_t first_row, const Cluster* clusters, int32_t n_clusters, int64_t segment
) noexcept nogil:
    """Write one row for each cluster of a segment."""
    cdef int32_t c
    cdef Py_ssize_t row
    cdef const Cluster* cluster
    for c in range(n_clusters):
        cluster = &clusters[c]
        row = first_row + c
        table.segment[row] = segment
        table.label[row] = c
        table.size[row] = cluster.size
        table.core_count[row] = cluster.core_count
        table.centroid_x[row] = cluster.centroid_x
        table.centroid_y[row] = cluster.centroid_y
        table.min_x[row] = cluster.min_x
        table.min_y[row] = cluster.min_y
        table.max_x[row] = cluster.max_x
        table.max_y[row] = cluster.max_y
        table.radius_of_gyration[row] = sqrt(cluster.sum_of_squares / cluster.size)
        table.medoid[row] = cluster.medoid
