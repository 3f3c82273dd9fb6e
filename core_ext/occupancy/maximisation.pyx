"""Maximisation: the parameters that are most likely given the expected states, drawn to their prior."""

from libc.math cimport log
from libc.stdint cimport int32_t

from core_ext.occupancy.model cimport SLOTS, Expected, Model, Prior, Sums

# Keeps every state reachable, as maximum likelihood would otherwise lock a door for good.
cdef double LEAST_TRANSITION = 1e-9
cdef double LEAST_VARIANCE = 1e-6


cdef double log_prior(Model* model, Prior* prior) noexcept nogil:
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


cdef void maximise(
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
