from libc.stdint cimport int32_t

from core_ext.clustering.rule cimport Points, Rule

cdef int32_t cluster_by_shards(
    Rule rule, Points points, Py_ssize_t n, int32_t* labels, bint mark_core, object run, int n_threads
) except -1
