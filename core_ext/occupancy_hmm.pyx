"""A hidden Markov model with two states, empty and occupied, fitted to every home by itself.

What is seen is x, the logarithm of the energy of a half hour. It comes from one of two normal components,
``base`` (what runs by itself) and ``active`` (somebody uses something). The hidden state says how likely
each of them is:

    z[t] = 0 empty, 1 occupied
    P(z[t] | z[t-1])   leaving and arriving, by group of the half hour of the day
    p(x[t] | z[t])   = share[z, g] N(x; active) + (1 - share[z, g]) N(x; base)

With shares 0 and 1 this is the ordinary hidden Markov model with one normal a state. A missing reading says
nothing about the state and is summed out exactly. Parameters are those that maximise the likelihood times a
conjugate prior (Dempster, Laird and Rubin 1977; Rabiner 1989); weight 0 gives maximum likelihood.

A home is worked by one thread, so results are the same for any number of threads.

Reference: ``core_ext.reference`` holds the same model in plain Python.
"""

from libc.math cimport M_PI, exp, log
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from typing import NamedTuple

import numpy as np

from core_ext.meter_days import checked_column, checked_days, checked_offsets, checked_readings, over_meters

cdef enum:
    SLOTS = 48
    LAST_SLOT = 47
    # Forward and backward values are scaled once in so many half hours. With likelihood ratios within
    # exp(+-40) each stays within exp(+-320), and a product of two inside the range of a double.
    BETWEEN_SCALES = 8

cdef double LARGEST_LOG_RATIO = 40.0
# Keeps every state reachable, as maximum likelihood would otherwise lock a door for good.
cdef double LEAST_TRANSITION = 1e-9
cdef double LEAST_VARIANCE = 1e-6


class OccupancyFit(NamedTuple):
    """Parameters of every home and the probability of every half hour; see `fit_occupancy`."""

    probability: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    transition: np.ndarray
    log_posterior: np.ndarray
    iterations: np.ndarray


cdef struct Model:
    # One home's parameters, by component (base, active) and by group of half hours.
    double mean[2]
    double variance[2]
    double* transition      # (groups, 2): leaving, arriving


cdef struct Prior:
    double mean[2]
    double variance[2]
    double weight           # readings that the normal components' prior counts for
    const double* transition
    double transition_weight
    double initial_occupied
    int n_groups


cdef struct Day:
    # What the half hours of one type of day need: the transitions into them, and the shares of the active
    # component while empty and while occupied.
    # The transitions have one place more, out of the last half hour, which leaves everything as it is.
    double stay_empty[SLOTS + 1]
    double arrive[SLOTS + 1]
    double leave[SLOTS + 1]
    double stay[SLOTS + 1]
    double share_empty[SLOTS]
    double share_occupied[SLOTS]
    # 1 less the share, kept because ratio x share + rest loses nothing where 1 + share x (ratio - 1) would.
    double rest_empty[SLOTS]
    double rest_occupied[SLOTS]


cdef struct Expected:
    # Expected transitions into the half hours of one type of day, and expected number, sum and sum of
    # squares of the readings of the active component.
    double stay_empty[SLOTS]
    double arrive[SLOTS]
    double leave[SLOTS]
    double stay[SLOTS]
    double active[SLOTS]
    double active_x[SLOTS]
    double active_xx[SLOTS]


cdef struct Sums:
    # Number, sum and sum of squares of all readings, and the log likelihood.
    double n
    double x
    double xx
    double log_likelihood


def fit_occupancy(
    x,
    meter_offsets,
    group,
    active_share,
    *,
    mean,
    sd,
    transition,
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
    active_share : float64 array, (2, G)
        Share of the active component while empty (row 0) and while occupied (row 1).
    mean, sd : float64 array, (2,) or (homes, 2)
        Mean and standard deviation of the base and of the active component: where the fit starts, and the
        centre of the prior.
    transition : float64 array, (G, 2)
        Probability of leaving (occupied, then empty) and of arriving from one half hour to the next: where
        the fit starts, and the centre of the prior.
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
    offsets = checked_offsets(meter_offsets, len(readings))
    days = checked_days(day, offsets)
    n_homes = len(offsets) - 1
    groups = np.ascontiguousarray(np.atleast_2d(group), dtype=np.int32)
    shares = np.ascontiguousarray(active_share, dtype=np.float64)
    transitions = np.ascontiguousarray(transition, dtype=np.float64)
    types = np.zeros(len(readings), np.int32) if day_type is None else checked_column(
        day_type, len(readings), np.int32, "day_type"
    )
    _check_groups(groups, shares, transitions, types)
    means = np.array(np.broadcast_to(mean, (n_homes, 2)), dtype=np.float64, order="C")
    sds = np.array(np.broadcast_to(sd, (n_homes, 2)), dtype=np.float64, order="C")
    weights = np.stack([np.broadcast_to(each, (n_homes,)) for each in (weight, transition_weight)], axis=1)
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    _check_parameters(means, sds, transitions, shares, weights, initial_occupied)
    fitted = np.array(np.broadcast_to(transitions, (n_homes, *transitions.shape)), order="C")
    result = OccupancyFit(
        np.empty(readings.shape, np.float32), means, sds, fitted, np.zeros(n_homes), np.zeros(n_homes, np.int32)
    )
    if len(readings):
        _fit_homes(
            readings, offsets, days, types, groups, shares, transitions, weights, initial_occupied,
            max_iterations, tolerance, n_threads, result,
        )
    return result


def _check_groups(groups, shares, transitions, types):
    """Raise ValueError unless every half hour of every day has a group, and every group its parameters."""
    if groups.ndim != 2 or groups.shape[1] != SLOTS:
        raise ValueError(f"group must have the shape (48,) or (day types, 48), not {groups.shape}")
    n_groups = transitions.shape[0] if transitions.ndim == 2 else 0
    if transitions.shape != (n_groups, 2) or n_groups == 0 or shares.shape != (2, n_groups):
        raise ValueError("transition must have the shape (groups, 2) and active_share (2, groups)")
    if groups.min() < 0 or groups.max() >= n_groups:
        raise ValueError(f"group must lie between 0 and {n_groups - 1}")
    if len(types) and (types.min() < 0 or types.max() >= len(groups)):
        raise ValueError(f"day_type must lie between 0 and {len(groups) - 1}")


def _check_parameters(means, sds, transitions, shares, weights, initial_occupied):
    """Raise ValueError where a parameter is out of its range."""
    if not np.all(np.isfinite(means)) or not np.all(np.isfinite(sds)) or not np.all(sds > 0):
        raise ValueError("mean and sd must be finite and sd positive")
    for name, values in (("transition", transitions), ("active_share", shares), ("initial_occupied", initial_occupied)):
        if not np.all((np.asarray(values) >= 0) & (np.asarray(values) <= 1)):
            raise ValueError(f"{name} must lie between 0 and 1")
    if not np.all(weights >= 0):
        raise ValueError("weights must not be negative")


def _fit_homes(
    readings, offsets, days, types, groups, shares, transitions, weights, double initial_occupied,
    int max_iterations, double tolerance, int n_threads, result,
):
    """Fit the homes on threads and write into ``result``."""
    cdef const float[:, ::1] x = readings
    cdef const int64_t[::1] offsets_view = offsets
    cdef const int64_t[::1] days_view = days
    cdef const int32_t[::1] types_view = types
    cdef const int32_t[:, ::1] groups_view = groups
    cdef const double[:, ::1] shares_view = shares
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
                        shares_view, &model, &prior, &buffers, max_iterations, tolerance, probability,
                        &iterations[home],
                    )
                    _close_home(&model, &means[home, 0], &sds[home, 0])
            _release(&buffers)
        if failed:
            raise MemoryError("not enough memory for the working arrays of a home")

    over_meters(work, len(offsets) - 1, n_threads)


cdef struct Buffers:
    # By half hour of the home: likelihood of the active over that of the base component, and forward and
    # backward values of the two states, each up to a factor. Forward values are moved by one place:
    # the value at t belongs to the half hour before t.
    double* ratio
    double* forward_empty
    double* forward_occupied
    double* backward_empty
    double* backward_occupied
    # By type of day.
    Day* days
    Expected* expected


cdef int _allocate(Buffers* buffers, Py_ssize_t rows, int n_types) noexcept nogil:
    """Allocate the working arrays of a thread; return 1 if memory is short."""
    cdef Py_ssize_t n = rows * SLOTS + 1
    buffers.ratio = <double*>malloc(5 * n * sizeof(double))
    buffers.forward_empty = buffers.ratio + n
    buffers.forward_occupied = buffers.ratio + 2 * n
    buffers.backward_empty = buffers.ratio + 3 * n
    buffers.backward_occupied = buffers.ratio + 4 * n
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
    Model* model,
    Prior* prior,
    Buffers* buffers,
    int max_iterations,
    double tolerance,
    float[:, ::1] probability,
    int32_t* iterations,
) noexcept nogil:
    """Fit one home, write its probabilities and return its log posterior."""
    cdef Sums sums
    cdef double before = -1e300, now
    iterations[0] = 0
    _total(x, first_row, end_row, &sums)
    while True:
        _lay_days(model, group, share, buffers.days)
        _ratios(x, first_row, end_row, model, &sums, buffers.ratio)
        _forward_and_backward(first_row, end_row, day, day_type, prior.initial_occupied, buffers, &sums)
        now = sums.log_likelihood + _log_prior(model, prior)
        _smooth(x, first_row, end_row, day, day_type, group.shape[0], prior.initial_occupied, buffers, probability)
        if sums.n == 0 or iterations[0] >= max_iterations or now - before < tolerance * sums.n:
            return now
        before = now
        _maximise(model, prior, group, buffers.expected, &sums)
        iterations[0] += 1


cdef void _total(const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Sums* sums) noexcept nogil:
    """Number, sum and sum of squares of the readings of a home, which no step changes."""
    cdef Py_ssize_t row, slot
    cdef double value
    sums.n = sums.x = sums.xx = 0.0
    for row in range(first_row, end_row):
        for slot in range(SLOTS):
            value = x[row, slot]
            if value == value:
                sums.n += 1.0
                sums.x += value
                sums.xx += value * value


cdef void _lay_days(
    Model* model, const int32_t[:, ::1] group, const double[:, ::1] share, Day* days
) noexcept nogil:
    """Lay the parameters out by half hour, so that the passes read them in order."""
    cdef Py_ssize_t kind, slot
    cdef int32_t g
    for kind in range(group.shape[0]):
        for slot in range(SLOTS):
            g = group[kind, slot]
            days[kind].leave[slot] = model.transition[2 * g]
            days[kind].arrive[slot] = model.transition[2 * g + 1]
            days[kind].stay[slot] = 1.0 - model.transition[2 * g]
            days[kind].stay_empty[slot] = 1.0 - model.transition[2 * g + 1]
            days[kind].share_empty[slot] = share[0, g]
            days[kind].share_occupied[slot] = share[1, g]
            days[kind].rest_empty[slot] = 1.0 - share[0, g]
            days[kind].rest_occupied[slot] = 1.0 - share[1, g]
        days[kind].stay_empty[SLOTS] = days[kind].stay[SLOTS] = 1.0
        days[kind].arrive[SLOTS] = days[kind].leave[SLOTS] = 0.0


cdef void _ratios(
    const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Model* model, Sums* sums, double* ratio
) noexcept nogil:
    """Likelihood of the active over that of the base component; 1 where a reading is missing.

    Only the ratio matters to the states. What both have in common, the likelihood under the base component,
    is a sum that needs no pass.
    """
    cdef Py_ssize_t row, slot, t = 0
    cdef double value, exponent, excess = 0.0
    cdef double a = -0.5 / model.variance[1] + 0.5 / model.variance[0]
    cdef double b = model.mean[1] / model.variance[1] - model.mean[0] / model.variance[0]
    cdef double c = (
        0.5 * model.mean[0] * model.mean[0] / model.variance[0]
        - 0.5 * model.mean[1] * model.mean[1] / model.variance[1]
        + 0.5 * log(model.variance[0] / model.variance[1])
    )
    for row in range(first_row, end_row):
        for slot in range(SLOTS):
            value = x[row, slot]
            exponent = (a * value + b) * value + c
            if value != value:
                exponent = 0.0
            elif exponent > LARGEST_LOG_RATIO:
                # Both states gain the excess: beside it the base component counts for nothing.
                excess += exponent - LARGEST_LOG_RATIO
                exponent = LARGEST_LOG_RATIO
            ratio[t] = exp(max(exponent, -LARGEST_LOG_RATIO))
            t += 1
    sums.log_likelihood = excess - 0.5 * (
        sums.n * log(2.0 * M_PI * model.variance[0])
        + (sums.xx - 2.0 * model.mean[0] * sums.x + sums.n * model.mean[0] * model.mean[0]) / model.variance[0]
    )


cdef inline bint _starts_chain(Py_ssize_t row, Py_ssize_t first_row, const int64_t[::1] day) noexcept nogil:
    """Whether nothing is known of the half hour before the first one of a row."""
    return row == first_row or day[row] != day[row - 1] + 1


cdef void _forward_and_backward(
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    const int32_t[::1] day_type,
    double initial_occupied,
    Buffers* buffers,
    Sums* sums,
) noexcept nogil:
    """Forward and backward values of the states, up to a factor, and the log likelihood.

    The two recursions do not need each other. They run side by side, one from the first day and one from
    the last, because each alone would wait for its own last multiplication.
    """
    cdef Py_ssize_t step, row, mirror_row, t, mirror_t, block, slot
    cdef double empty = 0.0, occupied = 0.0, after_empty = 1.0, after_occupied = 1.0
    cdef double now_empty, now_occupied, ratio, total, scaled = 1.0
    cdef Day* here
    cdef Day* there
    for step in range(end_row - first_row):
        row = first_row + step
        mirror_row = end_row - 1 - step
        t = step * SLOTS
        mirror_t = (mirror_row - first_row) * SLOTS + SLOTS - 1
        here = &buffers.days[day_type[row]]
        there = &buffers.days[day_type[mirror_row]]
        if _starts_chain(row, first_row, day):
            empty, occupied = 1.0 - initial_occupied, initial_occupied
        else:
            buffers.forward_empty[t] = empty
            buffers.forward_occupied[t] = occupied
            now_empty = empty * here.stay_empty[0] + occupied * here.leave[0]
            occupied = empty * here.arrive[0] + occupied * here.stay[0]
            empty = now_empty
        for block in range(SLOTS // BETWEEN_SCALES):
            for slot in range(block * BETWEEN_SCALES, block * BETWEEN_SCALES + BETWEEN_SCALES):
                ratio = buffers.ratio[t]
                empty *= here.share_empty[slot] * ratio + here.rest_empty[slot]
                occupied *= here.share_occupied[slot] * ratio + here.rest_occupied[slot]
                t += 1
                buffers.forward_empty[t] = empty
                buffers.forward_occupied[t] = occupied
                now_empty = empty * here.stay_empty[slot + 1] + occupied * here.leave[slot + 1]
                occupied = empty * here.arrive[slot + 1] + occupied * here.stay[slot + 1]
                empty = now_empty

                buffers.backward_empty[mirror_t] = after_empty
                buffers.backward_occupied[mirror_t] = after_occupied
                ratio = buffers.ratio[mirror_t]
                mirror_t -= 1
                now_empty = after_empty * (
                    there.share_empty[LAST_SLOT - slot] * ratio + there.rest_empty[LAST_SLOT - slot]
                )
                now_occupied = after_occupied * (
                    there.share_occupied[LAST_SLOT - slot] * ratio + there.rest_occupied[LAST_SLOT - slot]
                )
                after_empty = (
                    there.stay_empty[LAST_SLOT - slot] * now_empty + there.arrive[LAST_SLOT - slot] * now_occupied
                )
                after_occupied = there.leave[LAST_SLOT - slot] * now_empty + there.stay[LAST_SLOT - slot] * now_occupied
            total = empty + occupied
            scaled *= total
            if block % 2:
                sums.log_likelihood += log(scaled)
                scaled = 1.0
            empty /= total
            occupied /= total
            total = after_empty + after_occupied
            after_empty /= total
            after_occupied /= total
        if _starts_chain(mirror_row, first_row, day):
            after_empty = after_occupied = 1.0


cdef void _smooth(
    const float[:, ::1] x,
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    const int32_t[::1] day_type,
    Py_ssize_t n_types,
    double initial_occupied,
    Buffers* buffers,
    float[:, ::1] probability,
) noexcept nogil:
    """Put forward and backward values together, and collect what the next step needs."""
    cdef Py_ssize_t row
    memset(buffers.expected, 0, n_types * sizeof(Expected))
    for row in range(first_row, end_row):
        _smooth_day(
            &x[row, 0],
            (row - first_row) * SLOTS,
            _starts_chain(row, first_row, day),
            initial_occupied,
            &buffers.days[day_type[row]],
            buffers,
            &buffers.expected[day_type[row]],
            &probability[row, 0],
        )


cdef void _smooth_day(
    const float* x,
    Py_ssize_t t,
    bint starts_chain,
    double initial_occupied,
    const Day* parameters,
    const Buffers* buffers,
    Expected* expected,
    float* probability,
) noexcept nogil:
    """Smooth the half hours of one day.

    Short loops over local arrays, which the compiler turns into vector instructions.
    """
    cdef double like_empty[SLOTS]
    cdef double like_occupied[SLOTS]
    # Joint probability of the states of the half hour before and of this one.
    cdef double stay_empty[SLOTS]
    cdef double arrive[SLOTS]
    cdef double leave[SLOTS]
    cdef double stay[SLOTS]
    cdef double empty[SLOTS]
    cdef double occupied[SLOTS]
    cdef double active[SLOTS]
    cdef double value[SLOTS]
    cdef double scale
    cdef Py_ssize_t slot
    cdef const double* ratio = buffers.ratio + t
    cdef const double* before_empty = buffers.forward_empty + t
    cdef const double* before_occupied = buffers.forward_occupied + t
    cdef const double* after_empty = buffers.backward_empty + t
    cdef const double* after_occupied = buffers.backward_occupied + t
    for slot in range(SLOTS):
        like_empty[slot] = parameters.share_empty[slot] * ratio[slot] + parameters.rest_empty[slot]
        like_occupied[slot] = parameters.share_occupied[slot] * ratio[slot] + parameters.rest_occupied[slot]
    for slot in range(SLOTS):
        empty[slot] = like_empty[slot] * after_empty[slot]
        occupied[slot] = like_occupied[slot] * after_occupied[slot]
    for slot in range(SLOTS):
        stay_empty[slot] = before_empty[slot] * parameters.stay_empty[slot] * empty[slot]
        arrive[slot] = before_empty[slot] * parameters.arrive[slot] * occupied[slot]
        leave[slot] = before_occupied[slot] * parameters.leave[slot] * empty[slot]
        stay[slot] = before_occupied[slot] * parameters.stay[slot] * occupied[slot]
    if starts_chain:
        stay_empty[0] = (1.0 - initial_occupied) * empty[0]
        stay[0] = initial_occupied * occupied[0]
        arrive[0] = leave[0] = 0.0
    for slot in range(SLOTS):
        scale = 1.0 / ((stay_empty[slot] + leave[slot]) + (arrive[slot] + stay[slot]))
        stay_empty[slot] *= scale
        arrive[slot] *= scale
        leave[slot] *= scale
        stay[slot] *= scale
        empty[slot] = stay_empty[slot] + leave[slot]
        occupied[slot] = arrive[slot] + stay[slot]
    if starts_chain:
        stay_empty[0] = stay[0] = 0.0
    for slot in range(SLOTS):
        expected.stay_empty[slot] += stay_empty[slot]
        expected.arrive[slot] += arrive[slot]
        expected.leave[slot] += leave[slot]
        expected.stay[slot] += stay[slot]
    for slot in range(SLOTS):
        probability[slot] = <float>occupied[slot]
    for slot in range(SLOTS):
        active[slot] = ratio[slot] * (
            empty[slot] * parameters.share_empty[slot] * like_occupied[slot]
            + occupied[slot] * parameters.share_occupied[slot] * like_empty[slot]
        ) / (like_empty[slot] * like_occupied[slot])
    for slot in range(SLOTS):
        if x[slot] != x[slot]:
            active[slot] = 0.0
            value[slot] = 0.0
        else:
            value[slot] = x[slot]
    for slot in range(SLOTS):
        expected.active[slot] += active[slot]
        expected.active_x[slot] += active[slot] * value[slot]
        expected.active_xx[slot] += active[slot] * value[slot] * value[slot]


cdef double _log_prior(Model* model, Prior* prior) noexcept nogil:
    """Log of the prior without its constant."""
    cdef double total = 0.0
    cdef int i
    cdef double p
    for i in range(2):
        total -= 0.5 * prior.weight * (
            log(model.variance[i])
            + (prior.variance[i] + (model.mean[i] - prior.mean[i]) ** 2) / model.variance[i]
        )
    if prior.transition_weight == 0.0 or prior.transition_weight > 1e300:
        return total
    for i in range(2 * prior.n_groups):
        p = min(max(prior.transition[i], LEAST_TRANSITION), 1.0 - LEAST_TRANSITION)
        total += prior.transition_weight * (p * log(model.transition[i]) + (1.0 - p) * log(1.0 - model.transition[i]))
    return total


cdef void _maximise(
    Model* model, Prior* prior, const int32_t[:, ::1] group, Expected* expected, Sums* sums
) noexcept nogil:
    """Set the parameters to those that are most likely given the expected states."""
    cdef double n[2]
    cdef double sum_x[2]
    cdef double sum_xx[2]
    cdef double deviation
    cdef Py_ssize_t kind, slot
    cdef int i
    n[1] = sum_x[1] = sum_xx[1] = 0.0
    for kind in range(group.shape[0]):
        for slot in range(SLOTS):
            n[1] += expected[kind].active[slot]
            sum_x[1] += expected[kind].active_x[slot]
            sum_xx[1] += expected[kind].active_xx[slot]
    n[0], sum_x[0], sum_xx[0] = sums.n - n[1], sums.x - sum_x[1], sums.xx - sum_xx[1]
    for i in range(2):
        if n[i] + prior.weight <= 0.0:
            continue
        model.mean[i] = (sum_x[i] + prior.weight * prior.mean[i]) / (n[i] + prior.weight)
        deviation = model.mean[i] - prior.mean[i]
        model.variance[i] = (
            sum_xx[i] - 2.0 * model.mean[i] * sum_x[i] + n[i] * model.mean[i] * model.mean[i]
            + prior.weight * (deviation * deviation + prior.variance[i])
        ) / (n[i] + prior.weight)
        model.variance[i] = max(model.variance[i], LEAST_VARIANCE)
    if prior.transition_weight <= 1e300:
        _maximise_transitions(model, prior, group, expected)


cdef void _maximise_transitions(
    Model* model, Prior* prior, const int32_t[:, ::1] group, Expected* expected
) noexcept nogil:
    """Set the transitions of each group to the expected shares, drawn to the prior."""
    cdef Py_ssize_t kind, slot
    cdef int g
    cdef double left, left_of, arrived, arrived_of
    cdef Expected* moves
    for g in range(prior.n_groups):
        left = arrived = 0.0
        left_of = arrived_of = 0.0
        for kind in range(group.shape[0]):
            moves = &expected[kind]
            for slot in range(SLOTS):
                if group[kind, slot] == g:
                    left += moves.leave[slot]
                    left_of += moves.leave[slot] + moves.stay[slot]
                    arrived += moves.arrive[slot]
                    arrived_of += moves.arrive[slot] + moves.stay_empty[slot]
        model.transition[2 * g] = _drawn(left, left_of, prior.transition[2 * g], prior.transition_weight)
        model.transition[2 * g + 1] = _drawn(arrived, arrived_of, prior.transition[2 * g + 1], prior.transition_weight)


cdef inline double _drawn(double hits, double of, double centre, double weight) noexcept nogil:
    """A share, drawn to the centre of its prior; the centre where nothing was seen."""
    if of + weight <= 0.0:
        return centre
    return min(max((hits + weight * centre) / (of + weight), LEAST_TRANSITION), 1.0 - LEAST_TRANSITION)
