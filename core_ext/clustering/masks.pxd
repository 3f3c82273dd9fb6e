from libc.stdint cimport int32_t, uint8_t

from core_ext.clustering.rule cimport Points, Rule

cdef enum:
    MASK_WORDS = 4
    MASK_POINTS = 256  # 64 points a word

cdef int32_t cluster_by_masks(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, uint8_t* core
) noexcept nogil
