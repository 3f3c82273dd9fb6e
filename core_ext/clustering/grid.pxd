from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from core_ext.clustering.rule cimport Points, Rule

cdef struct Geometry:
    double x0
    double y0
    double time0
    double columns_per_unit
    double rows_per_unit
    double bins_per_unit
    int64_t last_column
    int64_t last_row
    # Ready-made cell numbers of the points by index, for extents too wide to divide; NULL otherwise.
    const int64_t* column
    const int64_t* row
    const int64_t* bin

cdef struct Cell:
    int32_t start       # its first point; the points end where the next cell starts
    int32_t parent      # a cell of the same cluster; the root is its own parent
    int32_t first_core  # index of its earliest core point; INT32_MAX where there is none
    int32_t label       # of its core points

cdef struct Block:
    int32_t column
    int32_t row
    int32_t bin
    int32_t first_cell
    uint64_t occupied  # bit 8 * column + row of the block's 8 x 8 cells

cdef struct Shard:
    Py_ssize_t first  # its points and its blocks start at this number
    Py_ssize_t first_cell  # one more a shard, which leaves room for the end of the last cell
    Py_ssize_t n_points
    Py_ssize_t n_cells
    Py_ssize_t n_blocks
    Py_ssize_t n_slots
    int32_t first_column  # of blocks, inclusive
    int32_t last_column

cdef struct Cells:
    Geometry geometry
    Shard* shards
    # By point, in the order of cells
    Points points
    int32_t* index
    uint8_t* core
    Cell* cell
    # By block
    Block* blocks
    int32_t* near    # MAX_NEAR_BLOCKS or, without time, 9 numbers a block
    # By hash: the blocks of each shard; twice as many slots as points are set aside, those needed are used
    int32_t* slots

cdef enum:
    MAX_NEAR_CELLS = 125  # 5 x 5, in 5 bins of time

cdef double SHADE

cdef class CellArrays:
    cdef Cells cells
    cdef readonly Py_ssize_t capacity
    cdef list _owned
    cdef void* _array(self, Py_ssize_t n, Py_ssize_t item_size) except NULL
    cdef void* _sparse_array(self, Py_ssize_t n, Py_ssize_t item_size) except NULL

cdef bint measure(const Rule* rule, const Points* points, Py_ssize_t n, Geometry* geometry) noexcept nogil
cdef int32_t block_column(const Geometry* geometry, double x, Py_ssize_t index) noexcept nogil
cdef int32_t block_row(const Geometry* geometry, double y, Py_ssize_t index) noexcept nogil
cdef void build(
    Cells* cells, Py_ssize_t s, const Points* points, const int32_t* index, int32_t* cell_of, uint8_t* bit_of
) noexcept nogil
cdef void find_near_blocks(Cells* cells, Py_ssize_t s, int32_t b) noexcept nogil
cdef int near_cells(const Cells* cells, int32_t b, int32_t cell, int bit, int32_t* found) noexcept nogil
