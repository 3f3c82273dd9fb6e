"""The table of clusters: one row for each, from the labels of its points."""

from libc.math cimport INFINITY, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from core_ext.dbscan_rule cimport Points

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


def stack_tables(tables):
    """Put tables under one another, column by column, emptying them so that few columns exist twice."""
    return {
        name: np.concatenate([np.empty(0, dtype), *(table.pop(name) for table in tables)])
        for name, dtype in COLUMNS.items()
    }


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
    TableColumns* table, Py_ssize_t first_row, int32_t n_clusters, int64_t segment,
    const Points* points, Py_ssize_t first, Py_ssize_t n, const int32_t* labels, const uint8_t* core
) noexcept nogil:
    """Fill the rows of one segment: points ``first:first + n``, whose labels and core flags start at 0."""
    cdef Py_ssize_t i, row
    cdef double dx, dy
    for row in range(first_row, first_row + n_clusters):
        table.segment[row] = segment
        table.label[row] = <int32_t>(row - first_row)
        table.size[row] = 0
        table.core_count[row] = 0
        table.centroid_x[row] = 0.0
        table.centroid_y[row] = 0.0
        table.radius_of_gyration[row] = 0.0

    # Sums are of distances from the first member: those of national grid coordinates would lose digits.
    for i in range(n):
        if labels[i] < 0:
            continue
        row = first_row + labels[i]
        if table.size[row] == 0:
            table.medoid[row] = first + i
            table.min_x[row] = table.max_x[row] = points.x[first + i]
            table.min_y[row] = table.max_y[row] = points.y[first + i]
        table.size[row] += 1
        table.core_count[row] += core[i]
        table.centroid_x[row] += points.x[first + i] - points.x[table.medoid[row]]
        table.centroid_y[row] += points.y[first + i] - points.y[table.medoid[row]]
        table.min_x[row] = min(table.min_x[row], points.x[first + i])
        table.max_x[row] = max(table.max_x[row], points.x[first + i])
        table.min_y[row] = min(table.min_y[row], points.y[first + i])
        table.max_y[row] = max(table.max_y[row], points.y[first + i])

    for row in range(first_row, first_row + n_clusters):
        table.centroid_x[row] = points.x[table.medoid[row]] + table.centroid_x[row] / table.size[row]
        table.centroid_y[row] = points.y[table.medoid[row]] + table.centroid_y[row] / table.size[row]

    for i in range(n):
        if labels[i] < 0:
            continue
        row = first_row + labels[i]
        dx = points.x[first + i] - table.centroid_x[row]
        dy = points.y[first + i] - table.centroid_y[row]
        table.radius_of_gyration[row] += dx * dx + dy * dy
        if dx * dx + dy * dy < _squared_distance_of_medoid(table, row, points):
            table.medoid[row] = first + i

    for row in range(first_row, first_row + n_clusters):
        table.radius_of_gyration[row] = sqrt(table.radius_of_gyration[row] / table.size[row])


cdef inline double _squared_distance_of_medoid(
    const TableColumns* table, Py_ssize_t row, const Points* points
) noexcept nogil:
    cdef double dx = points.x[table.medoid[row]] - table.centroid_x[row]
    cdef double dy = points.y[table.medoid[row]] - table.centroid_y[row]
    return dx * dx + dy * dy
