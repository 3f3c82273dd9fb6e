from libc.stdint cimport int32_t, int64_t

from core_ext.clustering.rule cimport Points

cdef struct TableColumns:
    int64_t* segment
    int32_t* label
    int32_t* size
    int32_t* core_count
    double* centroid_x
    double* centroid_y
    double* min_x
    double* min_y
    double* max_x
    double* max_y
    double* radius_of_gyration
    int64_t* medoid

cdef struct Cluster:
    double first_x
    double first_y
    double sum_x
    double sum_y
    double centroid_x
    double centroid_y
    double min_x
    double min_y
    double max_x
    double max_y
    double sum_of_squares
    double nearest
    int64_t medoid
    int32_t size
    int32_t core_count

cdef TableColumns columns_of(dict table)
cdef void summarise(
    Cluster* clusters, int32_t n_clusters, const Points* points, Py_ssize_t first, Py_ssize_t n, int32_t* labels
) noexcept nogil
cdef void write_rows(
    TableColumns* table, Py_ssize_t first_row, const Cluster* clusters, int32_t n_clusters, int64_t segment
) noexcept nogil
