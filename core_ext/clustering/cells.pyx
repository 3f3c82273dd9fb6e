"""DBSCAN of many points by square cells whose diagonal is a shade less than eps (`grid`).

Points of one cell are all neighbours. So a cell that holds ``min_samples`` points consists of core points,
the core points of one cell are in one cluster, and clusters are connected sets of cells: a union-find over
cells replaces the graph of points. Neighbours of a point lie at most two cells away. With a bound on time a
cell ends in time as well, and all of this still holds.

Every step but one runs shard by shard, so threads can share the shards of a large set.

The idea of cells with diagonal eps is Gunawan's, in "A faster algorithm for DBSCAN" (TU Eindhoven, 2013), and
the union-find over them is in Wang, Gu and Shun, "Theoretically-efficient and practical parallel DBSCAN"
(SIGMOD 2020). The blocks, and the splitting of pairs in `_linked`, are this project's own.
"""

from libc.math cimport fabs
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

from core_ext.clustering.bits cimport lowest_bit
from core_ext.clustering.grid cimport MAX_NEAR_CELLS, Cells, Shard, find_near_blocks, near_cells
from core_ext.clustering.rule cimport CORE, Points, Rule, are_neighbours, weight_of

cdef enum:
    FEW_PAIRS = 64  # compared one by one rather than split
    ALONE = -2      # label of a cell without core points and without cells around it

cdef struct Box:
    double low_x
    double high_x
    double low_y
    double high_y
    double low_time
    double high_time
    bint empty


# --- core points ---------------------------------------------------------------------------------------------

cdef void mark_core_points(Cells* cells, const Rule* rule, Py_ssize_t s) noexcept nogil:
    """Flag the core points of a shard, note the earliest one of each cell, and make every cell its own root."""
    cdef const Shard* shard = &cells.shards[s]
    cdef const Points* points = &cells.points
    cdef int32_t[MAX_NEAR_CELLS] found
    cdef int32_t b, cell = <int32_t>shard.first_cell
    cdef int n_found, bit
    cdef uint64_t rest
    cdef Py_ssize_t i, first, end
    cdef double inside
    for b in range(<int32_t>shard.first, <int32_t>(shard.first + shard.n_blocks)):
        find_near_blocks(cells, s, b)
        rest = cells.blocks[b].occupied
        while rest:
            bit = lowest_bit(rest)
            rest &= rest - 1
            first, end = cells.cell[cell].start, cells.cell[cell + 1].start
            n_found = -1
            inside = _weight_inside(points, first, end)
            if inside >= rule.min_samples and not rule.weights_may_be_negative:
                memset(cells.core + first, 1, end - first)
            else:
                n_found = near_cells(cells, b, cell, bit, found)
                if points.weight == NULL and end - first + _points_in(cells, found, n_found) < rule.min_samples:
                    memset(cells.core + first, 0, end - first)
                else:
                    for i in range(first, end):
                        cells.core[i] = _is_core(cells, rule, i, inside, found, n_found)
            # The sort kept the points of a cell in the order of their index.
            while first < end and not cells.core[first]:
                first += 1
            cells.cell[cell].first_core = cells.index[first] if first < end else INT32_MAX
            cells.cell[cell].parent = cell
            cells.cell[cell].label = ALONE if first == end and n_found == 0 else 0
            cell += 1


cdef inline double _weight_inside(const Points* points, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t i
    cdef double total = 0.0
    if points.weight == NULL:
        return end - first
    for i in range(first, end):
        total += points.weight[i]
    return total


cdef inline Py_ssize_t _points_in(const Cells* cells, const int32_t* found, int n_found) noexcept nogil:
    cdef Py_ssize_t total = 0
    cdef int k
    for k in range(n_found):
        total += cells.cell[found[k] + 1].start - cells.cell[found[k]].start
    return total


cdef bint _is_core(
    const Cells* cells, const Rule* rule, Py_ssize_t i, double inside, const int32_t* found, int n_found
) noexcept nogil:
    """Whether point ``i``, whose own cell weighs ``inside``, has enough neighbours."""
    cdef double total = inside
    cdef Py_ssize_t j
    cdef int k
    for k in range(n_found):
        for j in range(cells.cell[found[k]].start, cells.cell[found[k] + 1].start):
            if are_neighbours(rule, &cells.points, i, j):
                total += weight_of(&cells.points, j)
                if total >= rule.min_samples and not rule.weights_may_be_negative:
                    return True
    return total >= rule.min_samples


# --- clusters are connected cells ----------------------------------------------------------------------------

cdef inline int32_t _root(const Cells* cells, int32_t cell) noexcept nogil:
    while cells.cell[cell].parent != cell:
        cell = cells.cell[cell].parent
    return cell


cdef inline int32_t _root_and_shorten(Cells* cells, int32_t cell) noexcept nogil:
    while cells.cell[cell].parent != cell:
        cells.cell[cell].parent = cells.cell[cells.cell[cell].parent].parent
        cell = cells.cell[cell].parent
    return cell


cdef void join(Cells* cells, const Rule* rule, Py_ssize_t s, bint across) noexcept nogil:
    """Join the cells of shard ``s`` that share a cluster, or with ``across`` those with the next shard's.

    The root of a cluster is the cell with its earliest core point. May reorder points within their cells, so
    shards can be joined side by side, but not while another thread joins across.
    """
    cdef const Shard* shard = &cells.shards[s]
    cdef Py_ssize_t end = shard.first_cell + shard.n_cells
    cdef int32_t[MAX_NEAR_CELLS] found
    cdef int32_t b, cell, other, root, other_root
    cdef int k, n_found, bit
    cdef uint64_t rest
    for b in range(<int32_t>shard.first, <int32_t>(shard.first + shard.n_blocks)):
        if across and cells.blocks[b].column != shard.last_column:
            continue
        cell = cells.blocks[b].first_cell
        rest = cells.blocks[b].occupied
        while rest:
            bit = lowest_bit(rest)
            rest &= rest - 1
            if cells.cell[cell].first_core != INT32_MAX:
                n_found = near_cells(cells, b, cell, bit, found)
                root = _root_and_shorten(cells, cell)
                for k in range(n_found):
                    other = found[k]
                    # Each pair once, from its lower cell; cells of the next shard have higher numbers.
                    if other < cell or across != (other >= end) or cells.cell[other].first_core == INT32_MAX:
                        continue
                    other_root = _root_and_shorten(cells, other)
                    if root != other_root and _linked(
                        cells, rule, cells.cell[cell].start, cells.cell[cell + 1].start,
                        cells.cell[other].start, cells.cell[other + 1].start
                    ):
                        if cells.cell[other_root].first_core < cells.cell[root].first_core:
                            root, other_root = other_root, root
                        cells.cell[other_root].parent = root
            cell += 1


cdef bint _linked(
    Cells* cells, const Rule* rule, Py_ssize_t a, Py_ssize_t a_end, Py_ssize_t b, Py_ssize_t b_end
) noexcept nogil:
    """Whether a core point of ``a:a_end`` is a neighbour of a core point of ``b:b_end``.

    Comparing all pairs is quadratic where two crowded cells lie just out of reach. Instead the bounding boxes
    decide where they can, and where not the larger box is cut in two. A box bound is rounded like the distance
    itself, so it never contradicts the comparison of two points.
    """
    cdef Py_ssize_t i, j, middle
    cdef Box box_a, box_b
    cdef double extent_a, extent_b
    if (a_end - a) * (b_end - b) <= FEW_PAIRS:
        for i in range(a, a_end):
            if cells.core[i]:
                for j in range(b, b_end):
                    if cells.core[j] and are_neighbours(rule, &cells.points, i, j):
                        return True
        return False
    box_a = _core_box(cells, a, a_end)
    box_b = _core_box(cells, b, b_end)
    if box_a.empty or box_b.empty or not _within_reach(rule, &box_a, &box_b, False):
        return False
    if _within_reach(rule, &box_a, &box_b, True):
        return True
    extent_a = _largest_extent(rule, &box_a)
    extent_b = _largest_extent(rule, &box_b)
    if extent_a >= extent_b:
        middle = _cut(cells, rule, &box_a, a, a_end)
        return _linked(cells, rule, a, middle, b, b_end) or _linked(cells, rule, middle, a_end, b, b_end)
    middle = _cut(cells, rule, &box_b, b, b_end)
    return _linked(cells, rule, a, a_end, b, middle) or _linked(cells, rule, a, a_end, middle, b_end)


cdef Box _core_box(const Cells* cells, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    cdef const Points* points = &cells.points
    cdef Box box
    cdef Py_ssize_t i
    box.empty = True
    box.low_time = box.high_time = 0.0
    for i in range(first, end):
        if not cells.core[i]:
            continue
        if box.empty:
            box.empty = False
            box.low_x = box.high_x = points.x[i]
            box.low_y = box.high_y = points.y[i]
            if points.time != NULL:
                box.low_time = box.high_time = points.time[i]
            continue
        box.low_x = min(box.low_x, points.x[i])
        box.high_x = max(box.high_x, points.x[i])
        box.low_y = min(box.low_y, points.y[i])
        box.high_y = max(box.high_y, points.y[i])
        if points.time != NULL:
            box.low_time = min(box.low_time, points.time[i])
            box.high_time = max(box.high_time, points.time[i])
    return box


cdef inline double _gap(double low_a, double high_a, double low_b, double high_b, bint farthest) noexcept nogil:
    """Smallest, or largest, distance between two intervals."""
    if farthest:
        return max(fabs(high_a - low_b), fabs(high_b - low_a))
    return max(max(low_b - high_a, low_a - high_b), 0.0)


cdef inline bint _within_reach(const Rule* rule, const Box* a, const Box* b, bint farthest) noexcept nogil:
    """Whether the nearest, or even the farthest, points that two boxes allow are neighbours."""
    cdef double dx = _gap(a.low_x, a.high_x, b.low_x, b.high_x, farthest)
    cdef double dy = _gap(a.low_y, a.high_y, b.low_y, b.high_y, farthest)
    cdef double dt = _gap(a.low_time, a.high_time, b.low_time, b.high_time, farthest)
    # Without time both boxes are at time 0, and the bound is 0.
    return dx * dx + dy * dy <= rule.eps_squared and dt <= rule.eps_time


cdef inline double _largest_extent(const Rule* rule, const Box* box) noexcept nogil:
    """Largest side of a box, each in units of its reach."""
    cdef double side = max(box.high_x - box.low_x, box.high_y - box.low_y) / rule.eps
    if rule.eps_time > 0.0:
        side = max(side, (box.high_time - box.low_time) / rule.eps_time)
    return side


cdef Py_ssize_t _cut(Cells* cells, const Rule* rule, const Box* box, Py_ssize_t first, Py_ssize_t end) noexcept nogil:
    """Reorder the points so that those below the middle of the longest side come first; return the boundary."""
    cdef double low = box.low_x, high = box.high_x, middle
    cdef double* values = cells.points.x
    cdef Py_ssize_t left = first, right = end - 1
    if box.high_y - box.low_y > high - low:
        low, high, values = box.low_y, box.high_y, cells.points.y
    if rule.eps_time > 0.0 and (box.high_time - box.low_time) / rule.eps_time > (high - low) / rule.eps:
        low, high, values = box.low_time, box.high_time, cells.points.time
    middle = low + (high - low) / 2
    if middle >= high:  # the two are adjacent numbers
        middle = low
    while left <= right:
        if values[left] <= middle:
            left += 1
        else:
            _swap(cells, left, right)
            right -= 1
    return left


cdef inline void _swap(Cells* cells, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    cdef Points* points = &cells.points
    points.x[i], points.x[j] = points.x[j], points.x[i]
    points.y[i], points.y[j] = points.y[j], points.y[i]
    if points.time != NULL:
        points.time[i], points.time[j] = points.time[j], points.time[i]
    if points.weight != NULL:
        points.weight[i], points.weight[j] = points.weight[j], points.weight[i]
    cells.index[i], cells.index[j] = cells.index[j], cells.index[i]
    cells.core[i], cells.core[j] = cells.core[j], cells.core[i]


# --- labels --------------------------------------------------------------------------------------------------

cdef Py_ssize_t list_clusters(Cells* cells, Py_ssize_t s, int64_t* keys) noexcept nogil:
    """Write one key for each cluster rooted in the shard: its earliest core point above its root cell."""
    cdef const Shard* shard = &cells.shards[s]
    cdef Py_ssize_t count = 0
    cdef int32_t cell
    for cell in range(<int32_t>shard.first_cell, <int32_t>(shard.first_cell + shard.n_cells)):
        if cells.cell[cell].parent == cell and cells.cell[cell].first_core != INT32_MAX:
            keys[count] = (<int64_t>cells.cell[cell].first_core << 32) | cell
            count += 1
    return count


cdef void number_clusters(Cells* cells, const int64_t* keys, Py_ssize_t n) noexcept nogil:
    """Number the clusters in the order of their sorted keys."""
    cdef Py_ssize_t i
    for i in range(n):
        cells.cell[<uint32_t>keys[i]].label = <int32_t>i


cdef void spread_numbers(Cells* cells, Py_ssize_t s) noexcept nogil:
    """Give every cell of the shard that holds core points the number of its cluster."""
    cdef const Shard* shard = &cells.shards[s]
    cdef int32_t cell
    for cell in range(<int32_t>shard.first_cell, <int32_t>(shard.first_cell + shard.n_cells)):
        if cells.cell[cell].parent != cell:
            cells.cell[cell].label = cells.cell[_root(cells, cell)].label


cdef void assign(Cells* cells, const Rule* rule, Py_ssize_t s, int32_t* labels, bint mark_core) noexcept nogil:
    """Write the label of every point of the shard by index, with CORE if asked."""
    cdef const Shard* shard = &cells.shards[s]
    cdef int32_t[MAX_NEAR_CELLS] found
    cdef int32_t b, cell = <int32_t>shard.first_cell
    cdef int n_found, bit
    cdef uint64_t rest
    cdef Py_ssize_t i
    for b in range(<int32_t>shard.first, <int32_t>(shard.first + shard.n_blocks)):
        rest = cells.blocks[b].occupied
        while rest:
            bit = lowest_bit(rest)
            rest &= rest - 1
            n_found = -1
            for i in range(cells.cell[cell].start, cells.cell[cell + 1].start):
                if cells.core[i]:
                    labels[cells.index[i]] = cells.cell[cell].label | (CORE if mark_core else 0)
                    continue
                if cells.cell[cell].label == ALONE:
                    labels[cells.index[i]] = -1
                    continue
                if n_found < 0:
                    n_found = near_cells(cells, b, cell, bit, found)
                labels[cells.index[i]] = _border_label(cells, rule, i, cell, found, n_found)
            cell += 1


cdef int32_t _border_label(
    const Cells* cells, const Rule* rule, Py_ssize_t i, int32_t own, const int32_t* found, int n_found
) noexcept nogil:
    """Lowest cluster that has a core point next to point ``i``, which is none itself; -1 for noise."""
    cdef int32_t lowest = INT32_MAX if cells.cell[own].first_core == INT32_MAX else cells.cell[own].label
    cdef Py_ssize_t j
    cdef int k
    for k in range(n_found):
        if cells.cell[found[k]].first_core == INT32_MAX or cells.cell[found[k]].label >= lowest:
            continue
        for j in range(cells.cell[found[k]].start, cells.cell[found[k] + 1].start):
            if cells.core[j] and are_neighbours(rule, &cells.points, i, j):
                lowest = cells.cell[found[k]].label
                break
    return -1 if lowest == INT32_MAX else lowest
