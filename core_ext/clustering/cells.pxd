from libc.stdint cimport int32_t, int64_t

from core_ext.clustering.grid cimport Cells
from core_ext.clustering.rule cimport Rule

cdef void mark_core_points(Cells* cells, const Rule* rule, Py_ssize_t s) noexcept nogil
cdef void join(Cells* cells, const Rule* rule, Py_ssize_t s, bint across) noexcept nogil
cdef Py_ssize_t list_clusters(Cells* cells, Py_ssize_t s, int64_t* keys) noexcept nogil
cdef void number_clusters(Cells* cells, const int64_t* keys, Py_ssize_t n) noexcept nogil
cdef void spread_numbers(Cells* cells, Py_ssize_t s) noexcept nogil
cdef void assign(Cells* cells, const Rule* rule, Py_ssize_t s, int32_t* labels, bint mark_core) noexcept nogil
