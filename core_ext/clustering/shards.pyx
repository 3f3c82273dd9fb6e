"""DBSCAN of one large set: its points are sorted into shards, and threads take shard after shard."""

import threading

from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t
from libc.string cimport memset

import numpy as np

from core_ext.clustering cimport cells as by_cells
from core_ext.clustering cimport grid
from core_ext.clustering.grid cimport CellArrays, Geometry, Shard
from core_ext.clustering.rule cimport Points, Rule

# The index of a shard of this many points stays in the second-level cache of current processors.
SHARD_POINTS = 65_536
# Shards are made of slices of equal width in x, narrow enough to share out a national grid evenly.
MAX_SLICES = 65_536
# The points of a shard are sorted by layers of equal height in y, so that its neighbours are close in memory too.
MAX_LAYERS = 8_192


cdef int32_t cluster_by_shards(
    Rule rule, Points points, Py_ssize_t n, int32_t* labels, bint mark_core, object run, int n_threads
) except -1:
    """Label the points, with CORE if asked, and return the number of clusters.

    ``run(step, count)`` calls ``step(0)`` to ``step(count - 1)``, side by side where it has threads.
    """
    cdef LargeSet large = LargeSet()
    large.rule, large.points, large.n = rule, points, n
    large.labels, large.mark_core = labels, mark_core
    large.n_parts = 4 * n_threads
    large.lay_grid()
    run(large.count_slices, large.n_parts)
    large.plan_shards()
    run(large.fill_shards, large.n_parts)
    run(large.build, large.n_shards)
    run(large.mark_core_points, large.n_shards)
    run(large.join_inside, large.n_shards)
    large.join_across()
    n_clusters = large.number_clusters()
    run(large.spread_numbers, large.n_shards)
    run(large.assign, large.n_shards)
    return n_clusters


cdef class Scratch:
    """Room for the points of one shard, which each thread needs to sort one."""

    cdef double[:, ::1] values
    cdef int32_t[::1] index, cell_of, layer_end
    cdef uint8_t[::1] bit_of

    def __cinit__(self, Py_ssize_t n, Py_ssize_t n_layers):
        self.layer_end = np.empty(n_layers, dtype=np.int32)
        self.values = np.empty((4, n))
        self.index = np.empty(n, dtype=np.int32)
        self.cell_of = np.empty(n, dtype=np.int32)
        self.bit_of = np.empty(n, dtype=np.uint8)


cdef class LargeSet:
    """What the steps share; each reads what the steps before it wrote."""

    cdef Rule rule
    cdef Points points
    cdef Py_ssize_t n, n_parts, n_shards
    cdef int32_t* labels
    cdef bint mark_core
    cdef Geometry geometry
    cdef const int64_t[::1] column, row, bin  # keep the numbers alive that `geometry` points to
    cdef int slice_shift, layer_shift
    cdef Py_ssize_t n_layers
    cdef int64_t[:, ::1] slice_counts         # by part and slice
    cdef int32_t[::1] shard_of_slice
    cdef int64_t[:, ::1] position             # by part and shard: where its next point goes
    cdef CellArrays arrays
    cdef Py_ssize_t largest_shard
    cdef object of_thread

    def lay_grid(self):
        """Choose the grid of cells and the width of the slices."""
        cdef double cell_side = self.rule.eps * grid.SHADE / np.sqrt(2.0)
        if not grid.measure(&self.rule, &self.points, self.n, &self.geometry):
            self.column = _numbers_across_gaps(
                np.asarray(<double[:self.n]>self.points.x), cell_side, self.rule.eps
            )
            self.row = _numbers_across_gaps(
                np.asarray(<double[:self.n]>self.points.y), cell_side, self.rule.eps
            )
            self.geometry.column, self.geometry.row = &self.column[0], &self.row[0]
            self.geometry.last_column, self.geometry.last_row = np.max(self.column), np.max(self.row)
            if self.points.time != NULL:
                self.bin = _numbers_across_gaps(
                    np.asarray(<double[:self.n]>self.points.time),
                    self.rule.eps_time * grid.SHADE, self.rule.eps_time,
                )
                self.geometry.bin = &self.bin[0]
        self.slice_shift, n_slices = _slices(self.geometry.last_column, MAX_SLICES)
        self.layer_shift, self.n_layers = _slices(self.geometry.last_row, MAX_LAYERS)
        self.slice_counts = np.zeros((self.n_parts, n_slices), dtype=np.int64)

    cdef inline Py_ssize_t _slice(self, Py_ssize_t i) noexcept nogil:
        return grid.block_column(&self.geometry, self.points.x[i], i) >> self.slice_shift

    def count_slices(self, Py_ssize_t part):
        """Count the points of one part of the input in each slice."""
        cdef Py_ssize_t i
        with nogil:
            for i in range(part * self.n // self.n_parts, (part + 1) * self.n // self.n_parts):
                self.slice_counts[part, self._slice(i)] += 1

    def plan_shards(self):
        """Group neighbouring slices into shards of some SHARD_POINTS points."""
        cdef Shard* shard
        counts = np.asarray(self.slice_counts)
        in_slice = counts.sum(axis=0)
        before_slice = np.cumsum(in_slice) - in_slice
        _, first_slice, shard_of_slice = np.unique(
            before_slice // SHARD_POINTS, return_index=True, return_inverse=True
        )
        self.n_shards = len(first_slice)
        self.shard_of_slice = shard_of_slice.astype(np.int32)

        in_shard = np.add.reduceat(counts, first_slice, axis=1)
        start = np.cumsum(in_shard.sum(axis=0)) - in_shard.sum(axis=0)
        self.position = start + np.cumsum(in_shard, axis=0) - in_shard

        self.arrays = CellArrays(
            self.n, self.points.time != NULL, self.points.weight != NULL, self.n_shards
        )
        self.arrays.cells.geometry = self.geometry
        self.largest_shard = in_shard.sum(axis=0).max()
        self.of_thread = threading.local()
        for s in range(self.n_shards):
            shard = &self.arrays.cells.shards[s]
            shard.first = start[s]
            shard.first_cell = start[s] + s
            shard.n_points = in_shard[:, s].sum()
            last = s == self.n_shards - 1
            shard.first_column = INT32_MIN if s == 0 else first_slice[s] << self.slice_shift
            shard.last_column = INT32_MAX if last else (first_slice[s + 1] << self.slice_shift) - 1

    def fill_shards(self, Py_ssize_t part):
        """Copy the points of one part of the input to their shards."""
        cdef Points* sorted_points = &self.arrays.cells.points
        cdef Py_ssize_t i, s, at
        with nogil:
            for i in range(part * self.n // self.n_parts, (part + 1) * self.n // self.n_parts):
                s = self.shard_of_slice[self._slice(i)]
                at = self.position[part, s]
                self.position[part, s] += 1
                sorted_points.x[at] = self.points.x[i]
                sorted_points.y[at] = self.points.y[i]
                if self.points.time != NULL:
                    sorted_points.time[at] = self.points.time[i]
                if self.points.weight != NULL:
                    sorted_points.weight[at] = self.points.weight[i]
                self.arrays.cells.index[at] = <int32_t>i

    def build(self, Py_ssize_t s):
        """Sort the points of a shard by cell, out of a copy."""
        cdef Points unsorted
        if not hasattr(self.of_thread, "scratch"):
            self.of_thread.scratch = Scratch(self.largest_shard, self.n_layers)
        cdef Scratch scratch = self.of_thread.scratch
        with nogil:
            unsorted.x, unsorted.y = &scratch.values[0, 0], &scratch.values[1, 0]
            unsorted.time = NULL if self.points.time == NULL else &scratch.values[2, 0]
            unsorted.weight = NULL if self.points.weight == NULL else &scratch.values[3, 0]
            self._copy_by_layer(s, &unsorted, &scratch.index[0], &scratch.layer_end[0])
            grid.build(
                &self.arrays.cells, s, &unsorted, &scratch.index[0], &scratch.cell_of[0], &scratch.bit_of[0]
            )

    cdef void _copy_by_layer(self, Py_ssize_t s, Points* copy, int32_t* index, int32_t* layer_end) noexcept nogil:
        """Copy the points of a shard layer by layer, so that blocks that are near each other get near numbers."""
        cdef const Shard* shard = &self.arrays.cells.shards[s]
        cdef const Points* points = &self.arrays.cells.points
        cdef const int32_t* from_index = self.arrays.cells.index
        cdef Py_ssize_t i, layer, at
        cdef int32_t total = 0
        memset(layer_end, 0, self.n_layers * sizeof(int32_t))
        for i in range(shard.first, shard.first + shard.n_points):
            layer_end[grid.block_row(&self.geometry, points.y[i], from_index[i]) >> self.layer_shift] += 1
        for layer in range(self.n_layers):
            total += layer_end[layer]
            layer_end[layer] = total
        for i in range(shard.first + shard.n_points - 1, shard.first - 1, -1):
            layer = grid.block_row(&self.geometry, points.y[i], from_index[i]) >> self.layer_shift
            layer_end[layer] -= 1
            at = layer_end[layer]
            copy.x[at] = points.x[i]
            copy.y[at] = points.y[i]
            if points.time != NULL:
                copy.time[at] = points.time[i]
            if points.weight != NULL:
                copy.weight[at] = points.weight[i]
            index[at] = from_index[i]

    def mark_core_points(self, Py_ssize_t s):
        """Flag the core points of a shard; all shards must have been built."""
        with nogil:
            by_cells.mark_core_points(&self.arrays.cells, &self.rule, s)

    def join_inside(self, Py_ssize_t s):
        """Join the cells of one shard into clusters."""
        with nogil:
            by_cells.join(&self.arrays.cells, &self.rule, s, False)

    def join_across(self):
        """Join clusters across the borders of the shards, on one thread."""
        cdef Py_ssize_t s
        with nogil:
            for s in range(self.n_shards - 1):
                by_cells.join(&self.arrays.cells, &self.rule, s, True)

    def number_clusters(self):
        """Number the clusters by their earliest core point; return how many there are."""
        cdef int64_t[::1] keys
        cdef Py_ssize_t s, count = 0
        n_cells = sum(self.arrays.cells.shards[s].n_cells for s in range(self.n_shards))
        keys = np.empty(n_cells, dtype=np.int64)
        with nogil:
            for s in range(self.n_shards):
                if self.arrays.cells.shards[s].n_cells > 0:
                    count += by_cells.list_clusters(&self.arrays.cells, s, &keys[count])
        np.asarray(keys)[:count].sort()
        if count > 0:
            by_cells.number_clusters(&self.arrays.cells, &keys[0], count)
        return count

    def spread_numbers(self, Py_ssize_t s):
        """Give the cells of a shard the numbers of their clusters."""
        with nogil:
            by_cells.spread_numbers(&self.arrays.cells, s)

    def assign(self, Py_ssize_t s):
        """Write the labels of the points of a shard."""
        with nogil:
            by_cells.assign(&self.arrays.cells, &self.rule, s, self.labels, self.mark_core)


def _slices(last_cell, most):
    """Return the shift from block to slice, and the number of slices, for whole blocks of 8 cells in each."""
    last_block = last_cell >> 3
    shift = 0
    while last_block >> shift >= most:
        shift += 1
    return shift, (last_block >> shift) + 1


def _numbers_across_gaps(values, double side, double reach):
    """Number the cells of side ``side`` along one axis, skipping over gaps that no neighbours span.

    Between gaps the extent is at most the number of points times the reach, however far the points spread in
    all, so a cell number is exact where dividing the whole extent would lose it to rounding.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    gap = np.diff(ordered) > 1.001 * reach
    run = np.concatenate([[0], np.cumsum(gap)])
    first = np.concatenate([[0], np.flatnonzero(gap) + 1])
    last = np.concatenate([np.flatnonzero(gap), [len(values) - 1]])
    inside = ((ordered - ordered[first][run]) / side).astype(np.int64)
    lengths = inside[last] + 1
    numbers = np.empty(len(values), dtype=np.int64)
    numbers[order] = (np.cumsum(lengths) - lengths)[run] + inside
    return numbers
