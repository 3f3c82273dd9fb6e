"""The passes over one home's half hours: likelihoods, forward and backward values, and smoothed states."""

from libc.math cimport M_PI, exp, log
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset

from core_ext.occupancy.model cimport LAST_SLOT, SLOTS, Buffers, Day, Expected, Model, Sums

cdef enum:
    # Forward and backward values are scaled once in so many half hours. With likelihood ratios within
    # exp(+-40) each stays within exp(+-320), and a product of two inside the range of a double.
    BETWEEN_SCALES = 8

cdef double LARGEST_LOG_RATIO = 40.0


cdef void total_readings(const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Sums* sums) noexcept nogil:
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


cdef void lay_days(
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


cdef void ratios(
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


cdef void forward_and_backward(
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


cdef void smooth(
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
