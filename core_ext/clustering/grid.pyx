"""A grid of square cells over the points of a set, each a shade smaller than eps across.

Cells are kept in blocks of 8 x 8 with one bit a cell, so that the occupied cells around a cell are found by masks;
with a bound on time there are bins of time as a third dimension. Blocks are found by hash and grouped by column
into shards, whose parts of every array can be filled side by side. A small set has one shard.
"""

import mmap

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memset

import numpy as np

from core_ext.clustering.bits cimport bit_count, lowest_bit
from core_ext.clustering.rule cimport Points, Rule

cdef enum:
    DIRECTIONS = 9     # 3 x 3 blocks
    BINS = 5           # of time, where it counts
    FEWEST_SLOTS = 64

# Rounding in the number of a cell is below 1e-5 cells for extents up to MAX_CELLS; the shade covers it.
cdef double SHADE = 1.0 - 1e-4
cdef double MAX_CELLS = 2.0**34

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


cdef void find_near_blocks(Cells* cells, Py_ssize_t s, int32_t b) noexcept nogil:
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


cdef int near_cells(const Cells* cells, int32_t b, int32_t cell, int bit, int32_t* found) noexcept nogil:
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
