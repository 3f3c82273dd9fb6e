"""DBSCAN of few points: the neighbours of a point are the bits of one to eight machine words.

Pairs are compared one by one, which for few points is quicker than any index. Beyond one word's worth the points
are first sorted along the axis on which they spread most, so that only those within eps along it are compared.
After that everything is bits: the points that a cluster can reach are the union of the masks of its core points.
"""

from libc.math cimport INFINITY, NAN
from libc.stdint cimport INT32_MAX, int32_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memmove, memset

from core_ext.clustering.bits cimport lowest_bit
from core_ext.clustering.rule cimport CORE, Points, Rule


cdef extern from "neighbour_masks.h" nogil:
    enum:
        BLOCK

    ctypedef struct Reach:
        int32_t first
        int32_t end

    void neighbour_masks(
        const double* x, const double* y, const double* time, Py_ssize_t n, const Reach* reach,
        double eps_squared, double eps_time, int32_t min_neighbours,
        Py_ssize_t words, uint64_t* masks, uint64_t* enough,
    ) noexcept

cdef enum:
    WORD_POINTS = 64
    WORD_BLOCKS = WORD_POINTS // 8
    MAX_BLOCKS = MASK_POINTS // 8
    BINS = 128

cdef struct Sorted:
    # A copy of the points by place, padded with NaN to whole blocks
    double[MASK_POINTS] x
    double[MASK_POINTS] y
    double[MASK_POINTS] time
    uint16_t[MASK_POINTS] index  # by place
    uint16_t[MASK_POINTS] place  # by index
    Reach[MAX_BLOCKS] reach      # by block: the places of its possible neighbours


cdef int32_t cluster_by_masks(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, bint mark_core
) noexcept nogil:
    """Label ``n <= MASK_POINTS`` points, with CORE if asked, and return the number of clusters."""
    cdef Py_ssize_t i
    for i in range(n):
        labels[i] = -1
    if points.weight == NULL and n < rule.min_samples:
        return 0
    if n <= WORD_POINTS:
        return _cluster_one_word(rule, points, n, labels, mark_core)
    return _cluster_words(rule, points, n, labels, mark_core)


# --- up to 64 points -----------------------------------------------------------------------------------------

cdef int32_t _cluster_one_word(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, bint mark_core
) noexcept nogil:
    """Label points that are labelled -1; everyone can be everyone's neighbour."""
    cdef double[WORD_POINTS] x
    cdef double[WORD_POINTS] y
    cdef double[WORD_POINTS] time
    cdef Reach[WORD_BLOCKS] reach
    cdef uint64_t[WORD_POINTS] masks
    cdef uint64_t is_core, marked, unvisited, unlabelled, reached, frontier, near
    cdef int32_t cluster = 0
    cdef Py_ssize_t i

    _copy_padded(x, points.x, n)
    _copy_padded(y, points.y, n)
    if points.time != NULL:
        _copy_padded(time, points.time, n)
    for i in range((n + BLOCK - 1) // BLOCK):
        reach[i].first = 0
        reach[i].end = <int32_t>n
    neighbour_masks(
        x, y, NULL if points.time == NULL else time, n, reach,
        rule.eps_squared, rule.eps_time, _min_neighbours(rule), 1, masks, &is_core
    )
    if points.weight != NULL:
        is_core = 0
        for i in range(n):
            is_core |= <uint64_t>(_weight_of(points, masks[i]) >= rule.min_samples) << i

    marked = is_core if mark_core else 0
    unvisited = is_core             # core points that no cluster has reached
    unlabelled = ~(<uint64_t>0)
    while unvisited:
        reached = 0
        frontier = unvisited & (~unvisited + 1)  # core points reached, whose neighbours are not yet added
        while frontier:
            unvisited &= ~frontier
            near = 0
            while frontier:
                near |= masks[lowest_bit(frontier)]
                frontier &= frontier - 1
            reached |= near
            frontier = near & unvisited
        # A border point stays with the first cluster that reached it.
        reached &= unlabelled
        unlabelled &= ~reached
        while reached:
            i = lowest_bit(reached)
            labels[i] = cluster | (marked >> i & 1) * CORE
            reached &= reached - 1
        cluster += 1
    return cluster


cdef inline void _copy_padded(double* padded, const double* values, Py_ssize_t n) noexcept nogil:
    """Copy and fill up to whole blocks with NaN."""
    cdef Py_ssize_t i
    for i in range(n):
        padded[i] = values[i]
    for i in range(n, (n + BLOCK - 1) // BLOCK * BLOCK):
        padded[i] = NAN


cdef inline int32_t _min_neighbours(const Rule* rule) noexcept nogil:
    return <int32_t>min(rule.min_samples, INT32_MAX)


cdef inline double _weight_of(const Points* points, uint64_t mask) noexcept nogil:
    cdef double total = 0.0
    while mask:
        total += points.weight[lowest_bit(mask)]
        mask &= mask - 1
    return total


# --- more points ---------------------------------------------------------------------------------------------

cdef int32_t _cluster_words(
    const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, bint mark_core
) noexcept nogil:
    """Label points that are labelled -1."""
    cdef Sorted by_place
    cdef uint64_t[MASK_WORDS] is_core
    cdef uint64_t[MASK_POINTS * MASK_WORDS] masks
    cdef Py_ssize_t words = (n + 63) // 64

    # Weights are added up in the order of the points, which sorting would change.
    if points.weight != NULL or not _sort(rule, points, n, &by_place):
        _keep_order(points, n, &by_place)
    neighbour_masks(
        by_place.x, by_place.y, NULL if points.time == NULL else by_place.time, n, by_place.reach,
        rule.eps_squared, rule.eps_time, _min_neighbours(rule), words, masks, is_core
    )
    if points.weight != NULL:
        _find_core_by_weight(rule, points, n, words, masks, is_core)
    return _label(&by_place, masks, is_core, n, words, labels, mark_core)


cdef void _keep_order(const Points* points, Py_ssize_t n, Sorted* by_place) noexcept nogil:
    """Copy the points as they are: everyone can be everyone's neighbour."""
    cdef Py_ssize_t i
    _copy_padded(by_place.x, points.x, n)
    _copy_padded(by_place.y, points.y, n)
    if points.time != NULL:
        _copy_padded(by_place.time, points.time, n)
    for i in range(n):
        by_place.index[i] = by_place.place[i] = <uint16_t>i
    for i in range((n + BLOCK - 1) // BLOCK):
        by_place.reach[i].first = 0
        by_place.reach[i].end = <int32_t>n


cdef bint _sort(const Rule* rule, const Points* points, Py_ssize_t n, Sorted* by_place) noexcept nogil:
    """Copy the points in the order of bins along the axis on which they spread most, and find each block's reach.

    False, and nothing done, where they spread so little that hardly a comparison would be saved.
    """
    cdef double low_x = INFINITY, high_x = -INFINITY, low_y = INFINITY, high_y = -INFINITY
    cdef const double* along
    cdef const double* sorted_along = by_place.x
    cdef double low, extent, bins_per_unit
    cdef uint8_t[MASK_POINTS] bin_of
    cdef uint16_t[BINS] start
    cdef uint16_t count, total = 0
    cdef Py_ssize_t i, at
    for i in range(n):
        low_x = min(low_x, points.x[i])
        high_x = max(high_x, points.x[i])
        low_y = min(low_y, points.y[i])
        high_y = max(high_y, points.y[i])
    along, low, extent = points.x, low_x, high_x - low_x
    if high_y - low_y > extent:
        along, low, extent = points.y, low_y, high_y - low_y
        sorted_along = by_place.y
    if extent <= 4.0 * rule.eps:
        return False

    bins_per_unit = min(1.0 / rule.eps, BINS / extent)
    memset(start, 0, sizeof(start))
    for i in range(n):
        bin_of[i] = <uint8_t>min(<int32_t>((along[i] - low) * bins_per_unit), BINS - 1)
        start[bin_of[i]] += 1
    for i in range(BINS):
        count = start[i]
        start[i] = total
        total += count
    for i in range(n):
        at = start[bin_of[i]]
        start[bin_of[i]] += 1
        by_place.index[at] = <uint16_t>i
        by_place.place[i] = <uint16_t>at
        by_place.x[at] = points.x[i]
        by_place.y[at] = points.y[i]
        if points.time != NULL:
            by_place.time[at] = points.time[i]
    for i in range(n, (n + BLOCK - 1) // BLOCK * BLOCK):
        by_place.x[i] = by_place.y[i] = by_place.time[i] = NAN
    _find_reach(rule, sorted_along, n, by_place.reach)
    return True


cdef inline void _find_reach(const Rule* rule, const double* along, Py_ssize_t n, Reach* reach) noexcept nogil:
    """Find how far the neighbours of each block can lie, from the coordinate by which the points are sorted.

    The distance along one axis is rounded as that of two points is, so a block left out holds no neighbour.
    """
    cdef double[MAX_BLOCKS] low
    cdef double[MAX_BLOCKS] high
    cdef double[MAX_BLOCKS] low_from_here
    cdef double[MAX_BLOCKS] high_up_to_here
    cdef Py_ssize_t blocks = (n + BLOCK - 1) // BLOCK
    cdef Py_ssize_t b, i, first, end
    for b in range(blocks):
        low[b], high[b] = INFINITY, -INFINITY
        for i in range(BLOCK * b, BLOCK * b + BLOCK):
            # NaN, which fills up the last block, fails both.
            low[b] = along[i] if along[i] < low[b] else low[b]
            high[b] = along[i] if along[i] > high[b] else high[b]
        high_up_to_here[b] = high[b] if b == 0 else max(high_up_to_here[b - 1], high[b])
    for b in range(blocks - 1, -1, -1):
        low_from_here[b] = low[b] if b == blocks - 1 else min(low_from_here[b + 1], low[b])
    for b in range(blocks):
        first, end = b, b + 1
        while first > 0 and _in_reach(rule, high_up_to_here[first - 1], low[b]):
            first -= 1
        while end < blocks and _in_reach(rule, high[b], low_from_here[end]):
            end += 1
        reach[b].first = <int32_t>(BLOCK * first)
        reach[b].end = <int32_t>min(BLOCK * end, n)


cdef inline bint _in_reach(const Rule* rule, double before, double after) noexcept nogil:
    cdef double gap = after - before
    return gap <= 0.0 or gap * gap <= rule.eps_squared


cdef inline uint16_t _row(Py_ssize_t place, Py_ssize_t words) noexcept nogil:
    """Where the first word of a point's mask is; the next ones follow BLOCK words apart."""
    return <uint16_t>(<size_t>place // BLOCK * words * BLOCK + <size_t>place % BLOCK)


cdef void _find_core_by_weight(
    const Rule* rule, const Points* points, Py_ssize_t n, Py_ssize_t words, const uint64_t* masks, uint64_t* is_core
) noexcept nogil:
    cdef Py_ssize_t i, w
    cdef uint64_t rest
    cdef double total
    for w in range(words):
        is_core[w] = 0
    for i in range(n):
        total = 0.0
        for w in range(words):
            rest = masks[_row(i, words) + BLOCK * w]
            while rest:
                total += points.weight[64 * w + lowest_bit(rest)]
                rest &= rest - 1
        is_core[i // 64] |= (<uint64_t>(total >= rule.min_samples)) << (i % 64)


cdef int32_t _label(
    const Sorted* by_place, const uint64_t* masks, const uint64_t* is_core, Py_ssize_t n, Py_ssize_t words,
    int32_t* labels, bint mark_core
) noexcept nogil:
    """Grow one cluster after another from the first core point that is not yet in one."""
    cdef uint64_t[MASK_WORDS] unvisited  # core points that no cluster has reached
    cdef uint64_t[MASK_WORDS] unlabelled
    cdef uint64_t[MASK_WORDS] reached
    cdef uint16_t[MASK_POINTS] frontier  # rows of core points reached, whose neighbours are not yet added
    cdef uint64_t near, rest, marked
    cdef Py_ssize_t n_frontier, n_next, i, w, k, place
    cdef int32_t cluster = 0

    for w in range(words):
        unvisited[w] = is_core[w]
        unlabelled[w] = ~(<uint64_t>0)

    for i in range(n):
        place = by_place.place[i]
        if not unvisited[place // 64] >> (place % 64) & 1:
            continue
        for w in range(words):
            reached[w] = 0
        unvisited[place // 64] &= ~((<uint64_t>1) << (place % 64))
        frontier[0] = _row(place, words)
        n_frontier = 1
        while n_frontier:
            n_next = n_frontier
            for w in range(words):
                near = 0
                for k in range(n_frontier):
                    near |= masks[frontier[k] + BLOCK * w]
                reached[w] |= near
                rest = near & unvisited[w]
                unvisited[w] &= ~rest
                while rest:
                    frontier[n_next] = _row(64 * w + lowest_bit(rest), words)
                    n_next += 1
                    rest &= rest - 1
            # The points found take the place of those that found them.
            n_next -= n_frontier
            memmove(frontier, frontier + n_frontier, n_next * sizeof(uint16_t))
            n_frontier = n_next
        # A border point stays with the first cluster that reached it.
        for w in range(words):
            rest = reached[w] & unlabelled[w]
            unlabelled[w] &= ~rest
            marked = is_core[w] if mark_core else 0
            while rest:
                place = lowest_bit(rest)
                labels[by_place.index[64 * w + place]] = cluster | (marked >> place & 1) * CORE
                rest &= rest - 1
        cluster += 1
    return cluster
