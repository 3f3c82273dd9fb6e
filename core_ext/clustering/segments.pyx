"""DBSCAN, and ST-DBSCAN, of many sets of points in one call.

Each set (a segment: the points of one user) is clustered on its own, by one of three ways that give the same
labels: comparing pairs (`masks`), cells (`cells`), or cells in shards (`shards`) for a
set so large that the threads share it. Otherwise the threads share out the segments.

Reference: ``core_ext.clustering.reference`` holds the same two functions in plain Python.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from libc.math cimport fabs
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t
from libc.stdlib cimport qsort

import numpy as np

from core_ext.clustering cimport cells as by_cells
from core_ext.clustering cimport grid
from core_ext.clustering.grid cimport CellArrays, Cells
from core_ext.clustering.masks cimport MASK_POINTS, cluster_by_masks
from core_ext.clustering.rule cimport Points, Rule
from core_ext.clustering.shards cimport cluster_by_shards
from core_ext.clustering.table cimport Cluster, TableColumns, columns_of, summarise, write_rows

from core_ext.arguments import checked_offsets, checked_threads
from core_ext.clustering.table import empty_table

# A chunk of segments is what a thread takes at a time; with its labels it stays in the second-level cache.
CHUNK_POINTS = 16_384
# Beyond this many points a set is sorted into shards first, so that its index stays in the cache too.
MAX_CELL_POINTS = 131_072

# Starting a thread takes about as long as clustering so many points.
MIN_THREAD_POINTS = 2_048

# Squares and sums of coordinates stay far from overflow and underflow between these bounds.
cdef double LARGEST = 1e150
cdef double SMALLEST = 1e-150


def dbscan(
    x, y, offsets, eps, min_samples, *, sample_weight=None, time=None, eps_time=None, n_threads=0
):
    """Cluster the points of each segment by density.

    The labels are those of scikit-learn's ``DBSCAN``: clusters are numbered by their first core point, and a
    border point belongs to the lowest-numbered cluster that reaches it.

    Parameters
    ----------
    x, y : array of float64, shape (n,)
        Coordinates, in metres.
    offsets : array of integers, shape (n_segments + 1,)
        Segment ``i`` is the points ``offsets[i]:offsets[i + 1]``; starts with 0 and ends with n.
    eps : float
        Two points are neighbours where ``dx * dx + dy * dy <= eps * eps``, in metres.
    min_samples : int
        A point with at least this many neighbours, itself included, is a core point.
    sample_weight : array of numbers, shape (n,), optional
        How many points each one counts for; may be fractional, zero or negative.
    time : array of numbers, shape (n,), optional
        Times of the points, in the unit of ``eps_time``.
    eps_time : float, optional
        With ``time``: neighbours must also lie within this time of each other (ST-DBSCAN).
    n_threads : int
        Number of threads; 0 for one per available processor. The labels do not depend on it.

    Returns
    -------
    array of int32, shape (n,)
        Number of the cluster within the segment, from 0; -1 for noise.

    Raises
    ------
    TypeError
        If a coordinate array is not float64 or ``offsets`` is not of integers.
    ValueError
        If a value is not finite, a shape does not fit, ``offsets`` decrease, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 10.0, 20.0, 900.0, 0.0, 10.0])
    >>> dbscan(x, np.zeros(6), [0, 4, 6], eps=10.0, min_samples=2)
    array([ 0,  0,  0, -1,  0,  0], dtype=int32)

    References
    ----------
    Ester, Kriegel, Sander and Xu (1996), "A density-based algorithm for discovering clusters in large spatial
    databases with noise", KDD-96, pp. 226-231.
    Birant and Kut (2007), "ST-DBSCAN: an algorithm for clustering spatial-temporal data", Data & Knowledge
    Engineering 60(1), pp. 208-221.
    """
    labels, _ = _cluster(x, y, offsets, eps, min_samples, sample_weight, time, eps_time, n_threads, False)
    return labels


def dbscan_clusters(
    x, y, offsets, eps, min_samples, *, sample_weight=None, time=None, eps_time=None, n_threads=0
):
    """Cluster the points of each segment by density, and describe the clusters.

    Parameters
    ----------
    x, y, offsets, eps, min_samples, sample_weight, time, eps_time, n_threads
        As for `dbscan`.

    Returns
    -------
    labels : array of int32, shape (n,)
        As from `dbscan`.
    table : dict of arrays, each of shape (n_clusters,)
        One row a cluster, by segment and label: ``segment``, ``label``, ``size`` and ``core_count`` (points, each
        counted once whatever its weight), ``centroid_x`` and ``centroid_y`` (mean), ``min_x``, ``min_y``,
        ``max_x`` and ``max_y`` (bounding box), ``radius_of_gyration`` (root mean square distance from the
        centroid) and ``medoid`` (index into ``x`` of the member nearest to the centroid, which is also the member
        with the least sum of squared distances to the others; the earliest of several). All lengths in metres.

    Raises
    ------
    TypeError, ValueError
        As for `dbscan`.
    """
    return _cluster(x, y, offsets, eps, min_samples, sample_weight, time, eps_time, n_threads, True)


# --- what comes in -------------------------------------------------------------------------------------------

def _coordinates(values, name):
    values = np.asarray(values)
    if values.dtype != np.float64:
        raise TypeError(f"{name} must be float64, not {values.dtype}: a shorter type loses metres")
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {values.ndim}")
    return np.ascontiguousarray(values)


def _numbers(values, name, n):
    """Return one float64 for each point."""
    values = np.asarray(values)
    if values.dtype.kind not in "iufb":
        raise TypeError(f"{name} must be numbers, not {values.dtype}")
    if values.shape != (n,):
        raise ValueError(f"{name} must have one value for each of the {n} points")
    return np.ascontiguousarray(values, dtype=np.float64)


def _checked_reach(reach, name):
    if not SMALLEST <= reach <= LARGEST:
        raise ValueError(f"{name} must be above 0 and finite (between {SMALLEST} and {LARGEST})")
    return float(reach)


cdef double* _address(const double[::1] values) noexcept:
    # The kernel never writes to its input; only its own sorted copies are written through the same struct.
    return <double*>&values[0] if values is not None and values.shape[0] else NULL


# --- sharing out the work ------------------------------------------------------------------------------------

def _cluster(x, y, offsets, eps, min_samples, sample_weight, time, eps_time, n_threads, with_table):
    cdef Problem problem = Problem()
    problem.x = _coordinates(x, "x")
    problem.y = _coordinates(y, "y")
    cdef Py_ssize_t n = problem.x.shape[0]
    if problem.y.shape[0] != n:
        raise ValueError(f"x and y must have the same length, not {n} and {problem.y.shape[0]}")
    problem.offsets = checked_offsets(offsets, n)
    if (time is None) != (eps_time is None):
        raise ValueError("time and eps_time go together: give both or neither")
    if int(min_samples) != min_samples or min_samples < 1:
        raise ValueError("min_samples must be a whole number of at least 1")
    problem.rule.eps = _checked_reach(eps, "eps")
    problem.rule.eps_squared = problem.rule.eps * problem.rule.eps
    problem.rule.eps_time = 0.0 if time is None else _checked_reach(eps_time, "eps_time")
    problem.rule.min_samples = min_samples
    problem.time = None if time is None else _numbers(time, "time", n)
    problem.weight = None if sample_weight is None else _numbers(sample_weight, "sample_weight", n)
    problem.rule.weights_may_be_negative = n > 0 and sample_weight is not None and np.min(problem.weight) < 0
    problem.points.x, problem.points.y = _address(problem.x), _address(problem.y)
    problem.points.time, problem.points.weight = _address(problem.time), _address(problem.weight)
    labels = np.empty(n, dtype=np.int32)
    problem.labels = labels
    return labels, problem.solve(checked_threads(n_threads), with_table)


@contextmanager
def _runner(n_threads):
    """Yield ``run(step, count)``, which calls ``step(0)`` to ``step(count - 1)`` on that many threads."""
    if n_threads == 1:
        yield lambda step, count: [step(i) for i in range(count)]
        return
    with ThreadPoolExecutor(n_threads) as pool:
        yield lambda step, count: list(pool.map(step, range(count)))


cdef class Problem:
    """One call: its input, and the labels and tables as they are made."""

    cdef Rule rule
    cdef Points points
    cdef const double[::1] x, y, time, weight
    cdef const int64_t[::1] offsets
    cdef int32_t[::1] labels
    cdef int32_t[::1] n_clusters  # by segment
    cdef bint with_table
    cdef int64_t[::1] bounds      # of the chunks, as numbers of segments
    cdef object chunks            # the chunks still to be taken
    cdef int64_t[::1] first_row   # of each chunk in the table
    cdef TableColumns columns

    def solve(self, int n_threads, bint with_table):
        """Label all segments; return the table of clusters, or None."""
        cdef Py_ssize_t n = self.x.shape[0]
        self.with_table = with_table
        n_segments = len(self.offsets) - 1
        self.n_clusters = np.zeros(n_segments, dtype=np.int32)
        # A chunk ends with the segment that reaches a multiple of CHUNK_POINTS.
        ends = np.searchsorted(self.offsets, np.arange(CHUNK_POINTS, n, CHUNK_POINTS))
        self.bounds = np.unique(np.concatenate([[0], ends, [n_segments]]))
        n_chunks = len(self.bounds) - 1
        self.chunks = iter(range(n_chunks))
        n_threads = max(1, min(n_threads, n // MIN_THREAD_POINTS))
        with _runner(n_threads) as run:
            run(self._take_chunks, n_threads)
            self._solve_large(run, n_threads)
            if not with_table:
                return None
            table = self._lay_table(n_chunks)
            run(self._fill_table, n_chunks)
        return table

    def _take_chunks(self, worker):
        """Cluster chunk after chunk until none is left."""
        cdef Workspace space = Workspace(self.points.time != NULL, self.points.weight != NULL)
        for chunk in self.chunks:
            self._solve_chunk(chunk, space)

    cdef _solve_chunk(self, Py_ssize_t chunk, Workspace space):
        cdef Py_ssize_t first = self.bounds[chunk], end = self.bounds[chunk + 1]
        cdef Py_ssize_t first_point = self.offsets[first], end_point = self.offsets[end]
        cdef Py_ssize_t segment
        space.reserve(np.diff(self.offsets[first : end + 1]))
        with nogil:
            finite = self._are_finite(first_point, end_point - first_point)
            if finite:
                for segment in range(first, end):
                    self.n_clusters[segment] = self._solve_segment(segment, space)
        if not finite:
            self._raise_not_finite(first_point, end_point)

    cdef int32_t _solve_segment(self, Py_ssize_t segment, Workspace space) noexcept nogil:
        """Number of clusters of one segment; -1 where it is left to `_solve_large`."""
        cdef Py_ssize_t first = self.offsets[segment]
        cdef Py_ssize_t n = self.offsets[segment + 1] - first
        cdef Points points
        if n == 0:
            return 0
        if n > max(MASK_POINTS, space.capacity):
            return -1
        points = _from(&self.points, first)
        if n <= MASK_POINTS:
            return cluster_by_masks(&self.rule, &points, n, &self.labels[first], self.with_table)
        return space.cluster(&self.rule, &points, n, &self.labels[first], self.with_table)

    def _solve_large(self, run, n_threads):
        """Cluster the segments left over, one after another, each on all threads."""
        cdef Py_ssize_t first, n
        for segment in np.flatnonzero(np.less(self.n_clusters, 0)):
            first = self.offsets[segment]
            n = self.offsets[segment + 1] - first
            if n > INT32_MAX // 2:
                raise ValueError(f"segment {segment} has more points than can be numbered: {n}")
            self.n_clusters[segment] = cluster_by_shards(
                self.rule, _from(&self.points, first), n, &self.labels[first], self.with_table, run, n_threads
            )

    def _lay_table(self, n_chunks):
        """Make an empty table and settle which rows each chunk fills."""
        counts = np.asarray(self.n_clusters)
        in_chunk = np.add.reduceat(counts, self.bounds[:n_chunks], dtype=np.int64) if n_chunks else counts
        self.first_row = np.cumsum(in_chunk) - in_chunk
        table = empty_table(int(in_chunk.sum()))
        self.columns = columns_of(table)
        return table

    def _fill_table(self, Py_ssize_t chunk):
        """Describe the clusters of the segments of one chunk."""
        cdef Py_ssize_t row = self.first_row[chunk]
        cdef Py_ssize_t first = self.bounds[chunk], end = self.bounds[chunk + 1]
        cdef Py_ssize_t segment, first_point, n
        cdef int32_t n_clusters
        most = np.max(self.n_clusters[first:end]) + 1
        cdef uint8_t[::1] memory = np.empty(most * sizeof(Cluster), dtype=np.uint8)
        cdef Cluster* clusters = <Cluster*>&memory[0]
        with nogil:
            for segment in range(first, end):
                n_clusters = self.n_clusters[segment]
                if n_clusters > 0:
                    first_point = self.offsets[segment]
                    n = self.offsets[segment + 1] - first_point
                    summarise(clusters, n_clusters, &self.points, first_point, n, &self.labels[0])
                    write_rows(&self.columns, row, clusters, n_clusters, segment)
                    row += n_clusters

    cdef bint _are_finite(self, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
        return (
            _count_not_finite(self.points.x, first, n) == 0
            and _count_not_finite(self.points.y, first, n) == 0
            and (self.points.time == NULL or _count_not_finite(self.points.time, first, n) == 0)
            and (self.points.weight == NULL or _count_not_finite(self.points.weight, first, n) == 0)
        )

    def _raise_not_finite(self, first, end):
        for name, values in (("x", self.x), ("y", self.y), ("time", self.time), ("sample_weight", self.weight)):
            if values is not None:
                bad = np.flatnonzero(~(np.abs(values[first:end]) <= LARGEST))
                if len(bad):
                    raise ValueError(
                        f"{name} must be finite and at most {LARGEST} in size, and at position {first + bad[0]} is not"
                    )


cdef Py_ssize_t _count_not_finite(const double* values, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, bad = 0
    for i in range(first, first + n):
        bad += not fabs(values[i]) <= LARGEST
    return bad


cdef inline Points _from(const Points* points, Py_ssize_t first) noexcept nogil:
    """Return the points from number ``first`` on."""
    cdef Points later
    later.x = points.x + first
    later.y = points.y + first
    later.time = NULL if points.time == NULL else points.time + first
    later.weight = NULL if points.weight == NULL else points.weight + first
    return later


# --- segments by cells ---------------------------------------------------------------------------------------

cdef int _compare_keys(const void* a, const void* b) noexcept nogil:
    cdef int64_t left = (<const int64_t*>a)[0], right = (<const int64_t*>b)[0]
    return (left > right) - (left < right)


cdef class Workspace:
    """The arrays that one thread uses again for every segment that it clusters by cells."""

    cdef Py_ssize_t capacity
    cdef bint timed, weighted
    cdef CellArrays arrays
    cdef int32_t[::1] cell_of
    cdef uint8_t[::1] bit_of
    cdef int64_t[::1] keys

    def __cinit__(self, bint timed, bint weighted):
        self.timed, self.weighted = timed, weighted

    cdef reserve(self, sizes):
        """Make room for the segments of these sizes, except those too large for one thread."""
        needed = np.max(sizes, where=sizes <= MAX_CELL_POINTS, initial=0)
        if needed <= max(self.capacity, MASK_POINTS):
            return
        self.capacity = min(2 * needed, MAX_CELL_POINTS)
        self.arrays = CellArrays(self.capacity, self.timed, self.weighted)
        self.cell_of = np.empty(self.capacity, dtype=np.int32)
        self.bit_of = np.empty(self.capacity, dtype=np.uint8)
        self.keys = np.empty(self.capacity, dtype=np.int64)

    cdef int32_t cluster(
        self, const Rule* rule, const Points* points, Py_ssize_t n, int32_t* labels, bint mark_core
    ) noexcept nogil:
        """Number of clusters among at most ``capacity`` points; -1 where they spread over too many cells."""
        cdef Cells* cells = &self.arrays.cells
        cdef Py_ssize_t n_clusters
        if not grid.measure(rule, points, n, &cells.geometry):
            return -1
        cells.shards[0].first = cells.shards[0].first_cell = 0
        cells.shards[0].n_points = n
        cells.shards[0].first_column, cells.shards[0].last_column = INT32_MIN, INT32_MAX
        grid.build(cells, 0, points, NULL, &self.cell_of[0], &self.bit_of[0])
        by_cells.mark_core_points(cells, rule, 0)
        by_cells.join(cells, rule, 0, False)
        n_clusters = by_cells.list_clusters(cells, 0, &self.keys[0])
        qsort(&self.keys[0], n_clusters, sizeof(int64_t), _compare_keys)
        by_cells.number_clusters(cells, &self.keys[0], n_clusters)
        by_cells.spread_numbers(cells, 0)
        by_cells.assign(cells, rule, 0, labels, mark_core)
        return <int32_t>n_clusters
