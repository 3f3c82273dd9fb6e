"""What the parts of the DBSCAN kernel share: the points, and the rule that makes two of them neighbours."""

from libc.math cimport fabs

cdef enum:
    # Where a table is to be made, labels of core points carry this bit until it is: no label is as large.
    CORE = 0x40000000

cdef struct Points:
    double* x
    double* y
    double* time    # NULL: time does not count
    double* weight  # NULL: every point weighs one


cdef struct Rule:
    double eps
    double eps_squared
    double eps_time
    double min_samples
    # With a negative weight a full neighbourhood can lose its core again: nothing may be decided early.
    bint weights_may_be_negative


cdef inline double weight_of(const Points* points, Py_ssize_t i) noexcept nogil:
    return 1.0 if points.weight == NULL else points.weight[i]


cdef inline bint are_neighbours(const Rule* rule, const Points* points, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Compare squares, as scikit-learn's trees do: a square root would round a second time."""
    cdef double dx = points.x[i] - points.x[j]
    cdef double dy = points.y[i] - points.y[j]
    if dx * dx + dy * dy > rule.eps_squared:
        return False
    return points.time == NULL or fabs(points.time[i] - points.time[j]) <= rule.eps_time
