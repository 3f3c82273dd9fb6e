"""DBSCAN of many points by square cells whose diagonal is a shade less than eps.

Points of one cell are all neighbours. So a cell that holds ``min_samples`` points consists of core points,
the core points of one cell are in one cluster, and clusters are connected sets of cells: a union-find over
cells replaces the graph of points. Neighbours of a point lie at most two cells away. Cells are kept in blocks
of 8 x 8 with one bit a cell, so that the occupied cells around a cell are found by masks. A bound on time
adds a third dimension of bins, which works in the same way.

The blocks are grouped by column into shards. Every step but one runs shard by shard, so threads can share
the shards of a large set; a small set has one shard.

The idea of cells with diagonal eps is Gunawan's, in "A faster algorithm for DBSCAN" (TU Eindhoven, 2013), and
the union-find over them is in Wang, Gu and Shun, "Theoretically-efficient and practical parallel DBSCAN"
(SIGMOD 2020). The blocks, and the splitting of pairs in `_linked`, are this project's own.
"""

import mmap

from libc.math cimport fabs, sqrt
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

import numpy as np

from core_ext.bits cimport bit_count, lowest_bit
from core_ext.dbscan_rule cimport Points, Rule, are_neighbours, weight_of

cdef enum:
    DIRECTIONS = 9          # 3 x 3 blocks
    BINS = 5                # of time, where it counts
    MAX_NEAR_CELLS = 125    # 5 x 5, in 5 bins of time
    FEWEST_SLOTS = 64
    FEW_PAIRS = 64          # compared one by one rather than split
    ALONE = -2              # label of a cell without core points and without cells around it

# Rounding in the number of a cell is below 1e-5 cells for extents up to MAX_CELLS; the shade covers it.
cdef double SHADE = 1.0 - 1e-4
cdef double MAX_CELLS = 2.0**34

cdef struct Box:
    double low_x
    double high_x
    double low_y
    double high_y
    double low_time
    double high_time
    bint empty

# REACH[cell][direction]: the cells of the block in that direction at most two columns and two rows away.
cdef uint64_t[64][9] REACH
# EDGE[direction]: the cells of a block that reach into the block in that direction.
cdef uint64_t[9] EDGE


cdef void _fill_reach() noexcept:
    cdef int column, row, other_column, other_row, bit, direction
    for column in range(8):
        for row in range(8):
            for other_column in range(column - 2, column + 3):
                for other_row in range(row - 2, row + 3):
                    direction = ((other_column + 8) // 8) * 3 + (other_row + 8) // 8
                    bit = ((other_column + 8) % 8) * 8 + (other_row + 8) % 8
                    REACH[8 * column + row][direction] |= (<uint64_t>1) << bit
                    EDGE[direction] |= (<uint64_t>1) << (8 * column + row)


_fill_reach()


cdef class CellArrays:
    """The arrays of `Cells` for up to ``capacity`` points in ``n_shards`` shards."""

    def __cinit__(self, Py_ssize_t capacity, bint timed, bint weighted, Py_ssize_t n_shards=1):
        cdef Cells* cells = &self.cells
        self._owned = []
        self.capacity = capacity
        cells.shards = <Shard*>self._array(n_shards, sizeof(Shard))
        cells.points.x = <double*>self._array(capacity, sizeof(double))
        cells.points.y = <double*>self._array(capacity, sizeof(double))
        cells.points.time = <double*>self._array(capacity, sizeof(double)) if timed else NULL
        cells.points.weight = <double*>self._array(capacity, sizeof(double)) if weighted else NULL
        cells.index = <int32_t*>self._array(capacity, sizeof(int32_t))
        cells.core = <uint8_t*>self._array(capacity, sizeof(uint8_t))
        cells.cell = <Cell*>self._sparse_array(capacity + n_shards, sizeof(Cell))
        cells.blocks = <Block*>self._sparse_array(capacity, sizeof(Block))
        cells.near = <int32_t*>self._sparse_array(capacity * DIRECTIONS * (BINS if timed else 1), sizeof(int32_t))
        cells.slots = <int32_t*>self._sparse_array(2 * capacity, sizeof(int32_t))

    cdef void* _array(self, Py_ssize_t n, Py_ssize_t item_size) except NULL:
        cdef uint8_t[::1] view = np.empty(max(n, 1) * item_size, dtype=np.uint8)
        self._owned.append(view)
        return &view[0]

    cdef void* _sparse_array(self, Py_ssize_t n, Py_ssize_t item_size) except NULL:
        """Room for as many items as there are points, of which only few are used at the start of each shard.

        Pages become memory when they are touched. With huge pages nearly all would be.
        """
        private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
        pages = mmap.mmap(-1, max(n, 1) * item_size, **private)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            pages.madvise(mmap.MADV_NOHUGEPAGE)
        cdef uint8_t[::1] view = pages
        self._owned.append(view)
        return &view[0]


# --- where a point lies --------------------------------------------------------------------------------------

cdef bint measure(const Rule* rule, const Points* points, Py_ssize_t n, Geometry* geometry) noexcept nogil:
    """Lay the grid over the points; False where they spread over more cells than can be numbered exactly."""
    cdef double width, height
    cdef double cells_per_unit = sqrt(2.0) / (rule.eps * SHADE)
    width = _extent(points.x, n, &geometry.x0)
    height = _extent(points.y, n, &geometry.y0)
    geometry.columns_per_unit = geometry.rows_per_unit = cells_per_unit
    geometry.column = geometry.row = geometry.bin = NULL
    cdef bint fits = width * cells_per_unit < MAX_CELLS and height * cells_per_unit < MAX_CELLS
    if points.time != NULL:
        geometry.bins_per_unit = 1.0 / (rule.eps_time * SHADE)
        fits = fits and _extent(points.time, n, &geometry.time0) * geometry.bins_per_unit < MAX_CELLS / 8
    geometry.last_column = <int64_t>(width * cells_per_unit) if fits else 0
    geometry.last_row = <int64_t>(height * cells_per_unit) if fits else 0
    return fits


cdef double _extent(const double* values, Py_ssize_t n, double* lowest) noexcept nogil:
    cdef double low = values[0], high = values[0]
    cdef Py_ssize_t i
    for i in range(1, n):
        low = values[i] if values[i] < low else low
        high = values[i] if values[i] > high else high
    lowest[0] = low
    return high - low


cdef inline int64_t _cell_column(const Geometry* geometry, double x, Py_ssize_t index) noexcept nogil:
    if geometry.column != NULL:
        return geometry.column[index]
    return <int64_t>((x - geometry.x0) * geometry.columns_per_unit)


cdef inline int64_t _cell_row(const Geometry* geometry, double y, Py_ssize_t index) noexcept nogil:
    if geometry.row != NULL:
        return geometry.row[index]
    return <int64_t>((y - geometry.y0) * geometry.rows_per_unit)


cdef inline int64_t _time_bin(const Geometry* geometry, double time, Py_ssize_t index) noexcept nogil:
    if geometry.bin != NULL:
        return geometry.bin[index]
    return <int64_t>((time - geometry.time0) * geometry.bins_per_unit)


cdef int32_t block_column(const Geometry* geometry, double x, Py_ssize_t index) noexcept nogil:
    """Column of blocks in which a point lies."""
    return <int32_t>(_cell_column(geometry, x, index) >> 3)


cdef int32_t block_row(const Geometry* geometry, double y, Py_ssize_t index) noexcept nogil:
    """Row of blocks in which a point lies."""
    return <int32_t>(_cell_row(geometry, y, index) >> 3)


# --- cells and blocks ----------------------------------------------------------------------------------------

cdef inline int32_t* _slot_of(
    const Cells* cells, const Shard* shard, int32_t column, int32_t row, int32_t bin
) noexcept nogil:
    """Slot of the shard's hash table that holds the number of a block, or -1 where the block is to go."""
    cdef int32_t* slots = cells.slots + 2 * shard.first
    cdef const Block* block
    cdef Py_ssize_t at
    cdef uint64_t h = (
        <uint64_t>column * <uint64_t>0x9E3779B97F4A7C15
        + <uint64_t>row * <uint64_t>0xC2B2AE3D27D4EB4F
        + <uint64_t>bin * <uint64_t>0x165667B19E3779F9
    )
    h = (h ^ (h >> 32)) * <uint64_t>0xD6E8FEB86659FD93
    at = <Py_ssize_t>(((h >> 32) * <uint64_t>shard.n_slots) >> 32)
    while slots[at] >= 0:
        block = &cells.blocks[slots[at]]
        if block.column == column and block.row == row and block.bin == bin:
            break
        at += 1
        if at == shard.n_slots:
            at = 0
    return &slots[at]


cdef void _set_slots(Cells* cells, Shard* shard, Py_ssize_t n_slots) noexcept nogil:
    """Set up the hash table with so many slots and put the blocks in that there are."""
    cdef int32_t b
    cdef const Block* block
    shard.n_slots = min(n_slots, 2 * shard.n_points)
    memset(cells.slots + 2 * shard.first, 0xFF, shard.n_slots * sizeof(int32_t))
    for b in range(<int32_t>shard.first, <int32_t>(shard.first + shard.n_blocks)):
        block = &cells.blocks[b]
        _slot_of(cells, shard, block.column, block.row, block.bin)[0] = b


cdef int32_t _block_at(Cells* cells, Shard* shard, int32_t column, int32_t row, int32_t bin) noexcept nogil:
    """Number of a block, which is made if it is new."""
    cdef int32_t* slot = _slot_of(cells, shard, column, row, bin)
    cdef Block* block
    if slot[0] < 0:
        slot[0] = <int32_t>(shard.first + shard.n_blocks)
        block = &cells.blocks[slot[0]]
        block.column, block.row, block.bin, block.occupied = column, row, bin, 0
        shard.n_blocks += 1
        if 2 * shard.n_blocks > shard.n_slots:
            _set_slots(cells, shard, 2 * shard.n_slots)
        return <int32_t>(shard.first + shard.n_blocks - 1)
    return slot[0]


cdef void build(
    Cells* cells, Py_ssize_t s, const Points* points, const int32_t* index, int32_t* cell_of, uint8_t* bit_of
) noexcept nogil:
    """Sort the points of shard ``s`` by cell.

    ``points`` are those of the shard; ``index`` are their numbers (NULL: 0, 1, 2 ...); ``cell_of`` and
    ``bit_of`` are room for one value a point.
    """
    cdef Shard* shard = &cells.shards[s]
    cdef const Geometry* geometry = &cells.geometry
    cdef Py_ssize_t first = shard.first, n = shard.n_points
    cdef Py_ssize_t i, at
    cdef int64_t column, row, bin = 0
    cdef int32_t number, b = -1
    cdef Block* block = NULL

    shard.n_blocks = 0
    _set_slots(cells, shard, FEWEST_SLOTS)
    for i in range(n):
        number = <int32_t>i if index == NULL else index[i]
        column = _cell_column(geometry, points.x[i], number)
        row = _cell_row(geometry, points.y[i], number)
        if points.time != NULL:
            bin = _time_bin(geometry, points.time[i], number)
        # Points often follow one another in the same place: look again only when the block changes.
        if block == NULL or block.column != column >> 3 or block.row != row >> 3 or block.bin != bin:
            b = _block_at(cells, shard, <int32_t>(column >> 3), <int32_t>(row >> 3), <int32_t>bin)
            block = &cells.blocks[b]
        cell_of[i] = b
        bit_of[i] = <uint8_t>((column & 7) * 8 + (row & 7))
        block.occupied |= (<uint64_t>1) << bit_of[i]

    shard.n_cells = 0
    for b in range(<int32_t>first, <int32_t>(first + shard.n_blocks)):
        cells.blocks[b].first_cell = <int32_t>(shard.first_cell + shard.n_cells)
        shard.n_cells += bit_count(cells.blocks[b].occupied)

    # Counting sort: counts, then ends, then the ends are moved down to starts as the points go in from behind.
    for i in range(shard.first_cell, shard.first_cell + shard.n_cells):
        cells.cell[i].start = 0
    for i in range(n):
        cell_of[i] = _cell_at(&cells.blocks[cell_of[i]], bit_of[i])
        cells.cell[cell_of[i]].start += 1
    at = first
    for i in range(shard.first_cell, shard.first_cell + shard.n_cells):
        at += cells.cell[i].start
        cells.cell[i].start = <int32_t>at
    cells.cell[shard.first_cell + shard.n_cells].start = <int32_t>at
    for i in range(n - 1, -1, -1):
        cells.cell[cell_of[i]].start -= 1
        at = cells.cell[cell_of[i]].start
        cells.points.x[at] = points.x[i]
        cells.points.y[at] = points.y[i]
        if points.time != NULL:
            cells.points.time[at] = points.time[i]
        if points.weight != NULL:
            cells.points.weight[at] = points.weight[i]
        cells.index[at] = <int32_t>i if index == NULL else index[i]


cdef inline int32_t _cell_at(const Block* block, int bit) noexcept nogil:
    """Number of the cell at a bit of its block: cells are numbered in the order of the bits."""
    return block.first_cell + bit_count(block.occupied & (((<uint64_t>1) << bit) - 1))


cdef inline int _n_near(const Cells* cells) noexcept nogil:
    return DIRECTIONS if cells.points.time == NULL else DIRECTIONS * BINS


cdef void _find_near_blocks(Cells* cells, Py_ssize_t s, int32_t b) noexcept nogil:
    """Note the blocks that cells of block ``b`` of shard ``s`` reach into, by direction and then by bin."""
    cdef const Block* block = &cells.blocks[b]
    cdef int bins = _n_near(cells) // DIRECTIONS
    cdef int32_t* near = cells.near + <Py_ssize_t>b * _n_near(cells)
    cdef const Shard* shard
    cdef int column, row, direction, k
    for direction in range(DIRECTIONS):
        column = block.column + direction // 3 - 1
        row = block.row + direction % 3 - 1
        shard = &cells.shards[s]
        if column < shard.first_column:
            shard = &cells.shards[s - 1]
        elif column > shard.last_column:
            shard = &cells.shards[s + 1]
        for k in range(bins):
            if shard.n_points > 0 and block.occupied & EDGE[direction]:
                near[direction * bins + k] = _slot_of(cells, shard, column, row, block.bin + k - bins // 2)[0]
            else:
                near[direction * bins + k] = -1


cdef inline int _near_cells(const Cells* cells, int32_t b, int32_t cell, int bit, int32_t* found) noexcept nogil:
    """List the occupied cells that can hold neighbours of the points of ``cell``, without ``cell`` itself."""
    cdef const int32_t* near = cells.near + <Py_ssize_t>b * _n_near(cells)
    cdef int bins = _n_near(cells) // DIRECTIONS
    cdef int direction, k, count = 0
    cdef int32_t other
    cdef uint64_t hits
    cdef const Block* block
    for direction in range(DIRECTIONS):
        if not REACH[bit][direction]:
            continue
        for k in range(direction * bins, direction * bins + bins):
            if near[k] < 0:
                continue
            block = &cells.blocks[near[k]]
            hits = block.occupied & REACH[bit][direction]
            while hits:
                other = _cell_at(block, lowest_bit(hits))
                hits &= hits - 1
                if other != cell:
                    found[count] = other
                    count += 1
    return count


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
        _find_near_blocks(cells, s, b)
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
                n_found = _near_cells(cells, b, cell, bit, found)
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
                n_found = _near_cells(cells, b, cell, bit, found)
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


cdef void assign(Cells* cells, const Rule* rule, Py_ssize_t s, int32_t* labels, uint8_t* core) noexcept nogil:
    """Write the label of every point of the shard by index, and its core flag unless ``core`` is NULL."""
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
                if core != NULL:
                    core[cells.index[i]] = cells.core[i]
                if cells.core[i]:
                    labels[cells.index[i]] = cells.cell[cell].label
                    continue
                if cells.cell[cell].label == ALONE:
                    labels[cells.index[i]] = -1
                    continue
                if n_found < 0:
                    n_found = _near_cells(cells, b, cell, bit, found)
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
