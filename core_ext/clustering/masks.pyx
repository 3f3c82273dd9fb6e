"""DBSCAN of few points: the neighbours of a point are the bits of one to four machine words.

All pairs are compared, which for few points is quicker than any index. After that everything is bits: the
points that a cluster can reach are the union of the masks of its core points.
"""

from libc.math cimport NAN
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.string cimport memcpy

from core_ext.clustering.bits cimport lowest_bit
from core_ext.clustering.rule cimport Points, Rule


cdef extern from "neighbour_masks.h" nogil:
    void neighbour_masks(
        const double* x, const double* y, const double* time,
        Py_ssize_t n, double eps_squared, double eps_time,
        Py_ssize_t words, uint64_t* masks, int32_t* degree,
    ) noexcept


cdef int32_t cluster_by_masks(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, uint8_t* core
) noexcept nogil:
    """Label ``n <= MASK_POINTS`` points, flag the core points unless ``core`` is NULL, and return the number of clusters."""
    cdef double[MASK_POINTS] x
    cdef double[MASK_POINTS] y
    cdef double[MASK_POINTS] time
    cdef int32_t[MASK_POINTS] degree
    cdef uint8_t[MASK_POINTS] own_core
    cdef uint64_t[MASK_POINTS * MASK_WORDS] masks
    cdef Py_ssize_t words = (n + 63) // 64

    if core == NULL:
        core = own_core
    _copy_padded(x, points.x, n)
    _copy_padded(y, points.y, n)
    if points.time != NULL:
        _copy_padded(time, points.time, n)
    neighbour_masks(
        x, y, NULL if points.time == NULL else time, n, rule.eps_squared, rule.eps_time, words, masks, degree
    )
    _flag_core_points(rule, points, n, words, masks, degree, core)
    # The literal word count lets the compiler drop the loops over words for the most common size.
    if words == 1:
        return _label(masks, core, n, 1, labels)
    return _label(masks, core, n, words, labels)


cdef inline void _copy_padded(double* padded, const double* values, Py_ssize_t n) noexcept nogil:
    """Copy and fill up to the next multiple of 8 with NaN."""
    cdef Py_ssize_t i
    memcpy(padded, values, n * sizeof(double))
    for i in range(n, (n + 7) // 8 * 8):
        padded[i] = NAN


cdef inline void _flag_core_points(
    const Rule* rule, const Points* points, Py_ssize_t n,
    Py_ssize_t words, const uint64_t* masks, const int32_t* degree, uint8_t* core
) noexcept nogil:
    cdef Py_ssize_t i, w
    cdef uint64_t rest
    cdef double total
    if points.weight == NULL:
        for i in range(n):
            core[i] = degree[i] >= rule.min_samples
        return
    for i in range(n):
        total = 0.0
        for w in range(words):
            rest = masks[i * words + w]
            while rest:
                total += points.weight[64 * w + lowest_bit(rest)]
                rest &= rest - 1
        core[i] = total >= rule.min_samples


cdef inline int32_t _label(
    const uint64_t* masks, const uint8_t* core, Py_ssize_t n, Py_ssize_t words, int32_t* labels
) noexcept nogil:
    """Grow one cluster after another from the first core point that is not yet in one."""
    cdef uint64_t[MASK_WORDS] unvisited  # core points that no cluster has reached
    cdef uint64_t[MASK_WORDS] unlabelled
    cdef uint64_t[MASK_WORDS] reached
    cdef uint64_t[MASK_WORDS] frontier   # core points reached, whose neighbours are not yet added
    cdef uint64_t mine, fresh
    cdef const uint64_t* row
    cdef Py_ssize_t i, w, v
    cdef int32_t cluster = 0
    cdef bint growing

    for w in range(words):
        unvisited[w] = 0
        unlabelled[w] = ~(<uint64_t>0)
    for i in range(n):
        labels[i] = -1
        unvisited[i // 64] |= (<uint64_t>core[i]) << (i % 64)

    for w in range(words):
        while unvisited[w]:
            for v in range(words):
                reached[v] = 0
                frontier[v] = 0
            frontier[w] = unvisited[w] & (~unvisited[w] + 1)  # the lowest bit
            unvisited[w] ^= frontier[w]
            growing = True
            while growing:
                growing = False
                for v in range(words):
                    while frontier[v]:
                        growing = True
                        row = masks + (64 * v + lowest_bit(frontier[v])) * words
                        frontier[v] &= frontier[v] - 1
                        for i in range(words):
                            fresh = row[i] & ~reached[i]
                            reached[i] |= fresh
                            frontier[i] |= fresh & unvisited[i]
                            unvisited[i] &= ~fresh
            # A border point stays with the first cluster that reached it.
            for v in range(words):
                mine = reached[v] & unlabelled[v]
                unlabelled[v] &= ~mine
                while mine:
                    labels[64 * v + lowest_bit(mine)] = cluster
                    mine &= mine - 1
            cluster += 1
    return cluster
