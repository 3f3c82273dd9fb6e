"""A hidden Markov model of who is at home, fitted to every home by itself.

What is seen is x, the logarithm of the energy of a half hour. It comes from one of two normal components,
``base`` (what runs by itself) and ``active`` (somebody uses something). The hidden state says how likely
each of them is:

    z[t] = empty, quiet or lively; quiet and lively are at home
    P(empty | at home), P(at home | empty)   leaving and arriving, by group of the half hour of the day
    P(quiet | lively), P(lively | quiet)     settling and waking, of those who stay at home, by group
    p(x[t] | z[t])   = share[z, g] N(x; active) + (1 - share[z, g]) N(x; base)

People who sit still or sleep are quiet for a while: their half hours are not independent of each other, as those of
a single state at home would be. Without the quiet state the model has two states, and with shares 0 and 1 it is
the ordinary hidden Markov model with one normal a state. A missing reading says
nothing about the state and is summed out exactly. Parameters are those that maximise the likelihood times a
conjugate prior (Dempster, Laird and Rubin 1977; Rabiner 1989); weight 0 gives maximum likelihood.

A home is worked by one thread, so results are the same for any number of threads.

Reference: ``core_ext.occupancy.reference`` holds the same model in plain Python.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from typing import NamedTuple

import numpy as np

from core_ext.occupancy.maximisation cimport log_prior, maximise
from core_ext.occupancy.model cimport SLOTS, Buffers, Day, Expected, Model, Prior, Sums
from core_ext.occupancy.passes cimport forward_and_backward, lay_days, ratios, smooth, total_readings

from core_ext.arguments import checked_column, checked_days, checked_offsets, checked_readings, over_meters, whole_numbers


class OccupancyFit(NamedTuple):
    """Parameters of every home and the probability of every half hour; see `fit_occupancy`."""

    probability: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    transition: np.ndarray
    log_posterior: np.ndarray
    iterations: np.ndarray


def fit_occupancy(
    x,
    meter_offsets,
    group,
    active_share,
    *,
    mean,
    sd,
    transition,
    switching=None,
    bint monotone=False,
    weight=0.0,
    transition_weight=0.0,
    double initial_occupied=0.5,
    day=None,
    day_type=None,
    int max_iterations=50,
    double tolerance=1e-6,
    int n_threads=0,
):
    """Fit the model to every home by expectation-maximisation and smooth its states.

    Parameters
    ----------
    x : float32 array, (rows, 48)
        Logarithm of the energy of each half hour of a meter-day; NaN is missing.
    meter_offsets : int64 array, (homes + 1,)
        Rows of home h are ``meter_offsets[h]:meter_offsets[h + 1]``, in ascending day.
    group : int array, (48,) or (day types, 48)
        Group of each half hour, 0 to G - 1. Half hours of a group share their transitions.
    active_share : float64 array, (2, G) or (3, G)
        Share of the active component while empty (row 0) and while at home (row 1); with `switching`, while at
        home and quiet (row 1) and lively (row 2).
    mean, sd : float64 array, (2,) or (homes, 2)
        Mean and standard deviation of the base and of the active component: where the fit starts, and the
        centre of the prior.
    transition : float64 array, (G, 2)
        Probability of leaving (occupied, then empty) and of arriving from one half hour to the next: where
        the fit starts, and the centre of the prior.
    switching : float64 array, (G, 3), optional
        With three rows of `active_share`: probability that those who stay at home settle (lively, then quiet) and
        that they wake (quiet, then lively), and the share of quiet among those who arrive or begin at home. They
        are not fitted.
    monotone : bool
        Hold the likelihood ratio of the components where more use would lower it, as normals of different
        width do far from both. The fit is then no longer the exact maximum.
    weight : float or float64 array, (homes,)
        Number of readings that the prior of each normal component counts for.
    transition_weight : float or float64 array, (homes,)
        Number of transitions that the prior of each state and group counts for; infinity keeps the
        transitions as given.
    initial_occupied : float
        Probability of being occupied at the first half hour, and at the first after days that are absent.
    day : int array, (rows,), optional
        Number of each day, ascending within a home; consecutive if left out.
    day_type : int array, (rows,), optional
        Row of `group` for each day; all 0 if left out.
    max_iterations : int
        Most steps of expectation-maximisation; 0 only smooths with the parameters given.
    tolerance : float
        The fit ends when a step adds less than this for each reading to the log posterior.
    n_threads : int
        Number of threads; 0 takes all processors.

    Returns
    -------
    OccupancyFit
        ``probability`` float32 (rows, 48), probability of being occupied given all readings of the home, also
        where a reading is missing; ``mean`` and ``sd`` float64 (homes, 2); ``transition`` float64
        (homes, G, 2); ``log_posterior`` float64 (homes,), log likelihood plus log prior without its constant;
        ``iterations`` int32 (homes,). A home without readings keeps the parameters given.

    Raises
    ------
    ValueError
        If the arrays do not fit together or a parameter is out of its range.

    References
    ----------
    Dempster, Laird and Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm, Journal of
    the Royal Statistical Society B 39. Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the
    IEEE 77.
    """
    readings = checked_readings(x, "x")
    offsets = checked_offsets(meter_offsets, len(readings), "meter_offsets")
    days = checked_days(day, offsets)
    n_homes = len(offsets) - 1
    groups = whole_numbers(np.atleast_2d(group), np.int32, "group")
    shares, switches = _states(active_share, switching)
    transitions = np.ascontiguousarray(transition, dtype=np.float64)
    types = np.zeros(len(readings), np.int32) if day_type is None else checked_column(
        day_type, len(readings), np.int32, "day_type"
    )
    _check_groups(groups, shares, switches, transitions, types)
    means = np.array(np.broadcast_to(mean, (n_homes, 2)), dtype=np.float64, order="C")
    sds = np.array(np.broadcast_to(sd, (n_homes, 2)), dtype=np.float64, order="C")
    weights = np.stack([np.broadcast_to(each, (n_homes,)) for each in (weight, transition_weight)], axis=1)
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    _check_parameters(means, sds, transitions, shares, switches, weights, initial_occupied)
    fitted = np.array(np.broadcast_to(transitions, (n_homes, *transitions.shape)), order="C")
    result = OccupancyFit(
        np.empty(readings.shape, np.float32), means, sds, fitted, np.zeros(n_homes), np.zeros(n_homes, np.int32)
    )
    if len(readings):
        _fit_homes(
            readings, offsets, days, types, groups, shares, switches, transitions, weights, initial_occupied,
            monotone, max_iterations, tolerance, n_threads, result,
        )
    return result


def _states(active_share, switching):
    """Return shares (3, G) and switching (G, 3); without `switching` nobody is ever quiet."""
    shares = np.ascontiguousarray(active_share, dtype=np.float64)
    rows = 2 if switching is None else 3
    if shares.ndim != 2 or len(shares) != rows:
        raise ValueError("active_share must have the shape (2, groups), or (3, groups) with switching")
    if switching is None:
        return np.ascontiguousarray(shares[[0, 1, 1]]), np.zeros((shares.shape[1], 3))
    return shares, np.ascontiguousarray(switching, dtype=np.float64)


def _check_groups(groups, shares, switches, transitions, types):
    """Raise ValueError unless every half hour of every day has a group, and every group its parameters."""
    if groups.ndim != 2 or groups.shape[1] != SLOTS:
        raise ValueError(f"group must have the shape (48,) or (day types, 48), not {groups.shape}")
    n_groups = transitions.shape[0] if transitions.ndim == 2 else 0
    if transitions.shape != (n_groups, 2) or n_groups == 0 or shares.shape[1] != n_groups:
        raise ValueError("transition must have the shape (groups, 2) and active_share (2 or 3, groups)")
    if switches.shape != (n_groups, 3):
        raise ValueError("switching must have the shape (groups, 3)")
    if groups.min() < 0 or groups.max() >= n_groups:
        raise ValueError(f"group must lie between 0 and {n_groups - 1}")
    if len(types) and (types.min() < 0 or types.max() >= len(groups)):
        raise ValueError(f"day_type must lie between 0 and {len(groups) - 1}")


def _check_parameters(means, sds, transitions, shares, switches, weights, initial_occupied):
    """Raise ValueError where a parameter is out of its range."""
    if not np.all(np.isfinite(means)) or not np.all(np.isfinite(sds)) or not np.all(sds > 0):
        raise ValueError("mean and sd must be finite and sd positive")
    for name, values in (
        ("transition", transitions),
        ("active_share", shares),
        ("switching", switches),
        ("initial_occupied", initial_occupied),
    ):
        if not np.all((np.asarray(values) >= 0) & (np.asarray(values) <= 1)):
            raise ValueError(f"{name} must lie between 0 and 1")
    if not np.all(weights >= 0):
        raise ValueError("weights must not be negative")


def _fit_homes(
    readings, offsets, days, types, groups, shares, switches, transitions, weights, double initial_occupied,
    bint monotone, int max_iterations, double tolerance, int n_threads, result,
):
    """Fit the homes on threads and write into ``result``."""
    cdef const float[:, ::1] x = readings
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int64_t[::1] days_view = days
    cdef const int32_t[::1] types_view = types
    cdef const int32_t[:, ::1] groups_view = groups
    cdef const double[:, ::1] shares_view = shares
    cdef const double[:, ::1] switches_view = switches
    cdef const double[:, ::1] transitions_view = transitions
    cdef const double[:, ::1] weights_view = weights
    cdef float[:, ::1] probability = result.probability
    cdef double[:, ::1] means = result.mean
    cdef double[:, ::1] sds = result.sd
    cdef double[:, :, ::1] fitted = result.transition
    cdef double[::1] log_posterior = result.log_posterior
    cdef int32_t[::1] iterations = result.iterations
    cdef Py_ssize_t longest = np.diff(offsets).max()
    cdef int n_groups = transitions.shape[0]
    cdef int n_types = groups.shape[0]

    def work(Py_ssize_t first, Py_ssize_t end):
        cdef Py_ssize_t home
        cdef int failed = 0
        cdef Model model
        cdef Prior prior
        cdef Buffers buffers
        with nogil:
            failed = _allocate(&buffers, longest, n_types)
            if not failed:
                for home in range(first, end):
                    _open_home(
                        &model, &prior, &means[home, 0], &sds[home, 0], &fitted[home, 0, 0],
                        &transitions_view[0, 0], weights_view[home, 0], weights_view[home, 1], initial_occupied, n_groups,
                    )
                    log_posterior[home] = _fit_home(
                        x, offsets_view[home], offsets_view[home + 1], days_view, types_view, groups_view,
                        shares_view, switches_view, &model, &prior, &buffers, monotone, max_iterations, tolerance,
                        probability, &iterations[home],
                    )
                    _close_home(&model, &means[home, 0], &sds[home, 0])
            _release(&buffers)
        if failed:
            raise MemoryError("not enough memory for the working arrays of a home")

    over_meters(work, len(offsets) - 1, n_threads)


cdef int _allocate(Buffers* buffers, Py_ssize_t rows, int n_types) noexcept nogil:
    """Allocate the working arrays of a thread; return 1 if memory is short."""
    cdef Py_ssize_t n = rows * SLOTS + 1
    buffers.ratio = <double*>malloc(7 * n * sizeof(double))
    buffers.forward_empty = buffers.ratio + n
    buffers.forward_quiet = buffers.ratio + 2 * n
    buffers.forward_lively = buffers.ratio + 3 * n
    buffers.backward_empty = buffers.ratio + 4 * n
    buffers.backward_quiet = buffers.ratio + 5 * n
    buffers.backward_lively = buffers.ratio + 6 * n
    buffers.days = <Day*>malloc(n_types * sizeof(Day))
    buffers.expected = <Expected*>malloc(n_types * sizeof(Expected))
    return not (buffers.ratio and buffers.days and buffers.expected)


cdef void _release(Buffers* buffers) noexcept nogil:
    free(buffers.ratio)
    free(buffers.days)
    free(buffers.expected)


cdef void _open_home(
    Model* model, Prior* prior, double* mean, double* sd, double* fitted, const double* transition,
    double weight, double transition_weight, double initial_occupied, int n_groups,
) noexcept nogil:
    """Set a home's model and prior to the parameters given."""
    cdef int i
    for i in range(2):
        model.mean[i] = prior.mean[i] = mean[i]
        model.variance[i] = prior.variance[i] = sd[i] * sd[i]
    model.transition = fitted
    prior.transition = transition
    prior.weight = weight
    prior.transition_weight = transition_weight
    prior.initial_occupied = initial_occupied
    prior.n_groups = n_groups


cdef void _close_home(Model* model, double* mean, double* sd) noexcept nogil:
    """Write a home's model into the result."""
    cdef int i
    for i in range(2):
        mean[i] = model.mean[i]
        sd[i] = model.variance[i] ** 0.5


cdef double _fit_home(
    const float[:, ::1] x,
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    const int32_t[::1] day_type,
    const int32_t[:, ::1] group,
    const double[:, ::1] share,
    const double[:, ::1] switching,
    Model* model,
    Prior* prior,
    Buffers* buffers,
    bint monotone,
    int max_iterations,
    double tolerance,
    float[:, ::1] probability,
    int32_t* iterations,
) noexcept nogil:
    """Fit one home, write its probabilities and return its log posterior."""
    cdef Sums sums
    cdef double before = -1e300, now
    iterations[0] = 0
    total_readings(x, first_row, end_row, &sums)
    while True:
        lay_days(model, group, share, switching, buffers.days)
        ratios(x, first_row, end_row, model, monotone, &sums, buffers.ratio)
        forward_and_backward(first_row, end_row, day, day_type, prior.initial_occupied, buffers, &sums)
        now = sums.log_likelihood + log_prior(model, prior)
        smooth(x, first_row, end_row, day, day_type, group.shape[0], prior.initial_occupied, buffers, probability)
        if sums.n == 0 or iterations[0] >= max_iterations or now - before < tolerance * sums.n:
            return now
        before = now
        maximise(model, prior, group, buffers.expected, &sums)
        iterations[0] += 1
