from libc.stdint cimport int32_t

from core_ext.clustering.rule cimport Points, Rule

cdef enum:
    MASK_WORDS = 8
    MASK_POINTS = 512  # 64 points a word

cdef int32_t cluster_by_masks(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, bint mark_core
) noexcept nogil
