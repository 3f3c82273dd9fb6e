"""The passes over one home's half hours: likelihoods, forward and backward values, and smoothed states."""

from libc.math cimport INFINITY, M_PI, exp, log
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
    Model* model, const int32_t[:, ::1] group, const double[:, ::1] share, const double[:, ::1] switching, Day* days
) noexcept nogil:
    """Lay the parameters out by half hour, so that the passes read them in order."""
    cdef Py_ssize_t kind, slot
    cdef int32_t g
    cdef double leave, arrive
    for kind in range(group.shape[0]):
        for slot in range(SLOTS):
            g = group[kind, slot]
            leave, arrive = model.transition[2 * g], model.transition[2 * g + 1]
            days[kind].stay_empty[slot] = 1.0 - arrive
            days[kind].leave[slot] = leave
            days[kind].arrive_quiet[slot] = arrive * switching[g, 2]
            days[kind].arrive_lively[slot] = arrive * (1.0 - switching[g, 2])
            days[kind].stay_quiet[slot] = (1.0 - leave) * (1.0 - switching[g, 1])
            days[kind].wake[slot] = (1.0 - leave) * switching[g, 1]
            days[kind].settle[slot] = (1.0 - leave) * switching[g, 0]
            days[kind].stay_lively[slot] = (1.0 - leave) * (1.0 - switching[g, 0])
            days[kind].share_empty[slot] = share[0, g]
            days[kind].share_quiet[slot] = share[1, g]
            days[kind].share_lively[slot] = share[2, g]
            days[kind].rest_empty[slot] = 1.0 - share[0, g]
            days[kind].rest_quiet[slot] = 1.0 - share[1, g]
            days[kind].rest_lively[slot] = 1.0 - share[2, g]
        days[kind].quiet_at_first = switching[group[kind, 0], 2]
        days[kind].stay_empty[SLOTS] = days[kind].stay_quiet[SLOTS] = days[kind].stay_lively[SLOTS] = 1.0
        days[kind].leave[SLOTS] = days[kind].arrive_quiet[SLOTS] = days[kind].arrive_lively[SLOTS] = 0.0
        days[kind].wake[SLOTS] = days[kind].settle[SLOTS] = 0.0


cdef void ratios(
    const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Model* model, bint monotone, Sums* sums, double* ratio
) noexcept nogil:
    """Likelihood of the active over that of the base component; 1 where a reading is missing.

    Two normals of different width cross twice: far below the base the wider active component would win, far
    above the active one a wider base. Where that is not wanted, `monotone` holds the ratio at its turning point.

    Only the ratio matters to the states. What both have in common, the likelihood under the base component,
    is a sum that needs no pass.
    """
    cdef Py_ssize_t row, slot, t = 0
    cdef double value, held, exponent, excess = 0.0
    cdef double a = -0.5 / model.variance[1] + 0.5 / model.variance[0]
    cdef double b = model.mean[1] / model.variance[1] - model.mean[0] / model.variance[0]
    cdef double c = (
        0.5 * model.mean[0] * model.mean[0] / model.variance[0]
        - 0.5 * model.mean[1] * model.mean[1] / model.variance[1]
        + 0.5 * log(model.variance[0] / model.variance[1])
    )
    cdef double lowest = -INFINITY, highest = INFINITY
    if monotone and a > 0.0:
        lowest = -0.5 * b / a
    elif monotone and a < 0.0:
        highest = -0.5 * b / a
    for row in range(first_row, end_row):
        for slot in range(SLOTS):
            value = x[row, slot]
            held = min(max(value, lowest), highest)
            exponent = (a * held + b) * held + c
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
    cdef Py_ssize_t step, row, mirror_row, t, mirror_t, block, slot, last
    cdef double empty = 0.0, quiet = 0.0, lively = 0.0
    cdef double after_empty = 1.0, after_quiet = 1.0, after_lively = 1.0
    cdef double now_empty, now_quiet, now_lively, ratio, total, scaled = 1.0
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
            empty = 1.0 - initial_occupied
            quiet = initial_occupied * here.quiet_at_first
            lively = initial_occupied * (1.0 - here.quiet_at_first)
        else:
            buffers.forward_empty[t] = empty
            buffers.forward_quiet[t] = quiet
            buffers.forward_lively[t] = lively
            now_empty = empty * here.stay_empty[0] + (quiet + lively) * here.leave[0]
            now_quiet = empty * here.arrive_quiet[0] + quiet * here.stay_quiet[0] + lively * here.settle[0]
            lively = empty * here.arrive_lively[0] + quiet * here.wake[0] + lively * here.stay_lively[0]
            empty, quiet = now_empty, now_quiet
        for block in range(SLOTS // BETWEEN_SCALES):
            for slot in range(block * BETWEEN_SCALES, block * BETWEEN_SCALES + BETWEEN_SCALES):
                ratio = buffers.ratio[t]
                empty *= here.share_empty[slot] * ratio + here.rest_empty[slot]
                quiet *= here.share_quiet[slot] * ratio + here.rest_quiet[slot]
                lively *= here.share_lively[slot] * ratio + here.rest_lively[slot]
                t += 1
                buffers.forward_empty[t] = empty
                buffers.forward_quiet[t] = quiet
                buffers.forward_lively[t] = lively
                now_empty = empty * here.stay_empty[slot + 1] + (quiet + lively) * here.leave[slot + 1]
                now_quiet = (
                    empty * here.arrive_quiet[slot + 1] + quiet * here.stay_quiet[slot + 1] + lively * here.settle[slot + 1]
                )
                lively = (
                    empty * here.arrive_lively[slot + 1] + quiet * here.wake[slot + 1] + lively * here.stay_lively[slot + 1]
                )
                empty, quiet = now_empty, now_quiet

                last = LAST_SLOT - slot
                buffers.backward_empty[mirror_t] = after_empty
                buffers.backward_quiet[mirror_t] = after_quiet
                buffers.backward_lively[mirror_t] = after_lively
                ratio = buffers.ratio[mirror_t]
                mirror_t -= 1
                now_empty = after_empty * (there.share_empty[last] * ratio + there.rest_empty[last])
                now_quiet = after_quiet * (there.share_quiet[last] * ratio + there.rest_quiet[last])
                now_lively = after_lively * (there.share_lively[last] * ratio + there.rest_lively[last])
                after_empty = (
                    there.stay_empty[last] * now_empty
                    + there.arrive_quiet[last] * now_quiet
                    + there.arrive_lively[last] * now_lively
                )
                now_empty *= there.leave[last]
                after_quiet = now_empty + there.stay_quiet[last] * now_quiet + there.wake[last] * now_lively
                after_lively = now_empty + there.settle[last] * now_quiet + there.stay_lively[last] * now_lively
            total = empty + (quiet + lively)
            scaled *= total
            if block % 2:
                sums.log_likelihood += log(scaled)
                scaled = 1.0
            empty /= total
            quiet /= total
            lively /= total
            total = after_empty + (after_quiet + after_lively)
            after_empty /= total
            after_quiet /= total
            after_lively /= total
        if _starts_chain(mirror_row, first_row, day):
            after_empty = after_quiet = after_lively = 1.0


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
    const Day* day,
    const Buffers* buffers,
    Expected* expected,
    float* probability,
) noexcept nogil:
    """Smooth the half hours of one day.

    Short loops over local arrays, which the compiler turns into vector instructions.
    """
    cdef double like_empty[SLOTS]
    cdef double like_quiet[SLOTS]
    cdef double like_lively[SLOTS]
    # Joint probability of the states of the half hour before and of this one.
    cdef double stay_empty[SLOTS]
    cdef double arrive[SLOTS]
    cdef double leave[SLOTS]
    cdef double stay[SLOTS]
    cdef double empty[SLOTS]
    cdef double quiet[SLOTS]
    cdef double lively[SLOTS]
    cdef double active[SLOTS]
    cdef double value[SLOTS]
    cdef double scale, arrive_quiet, arrive_lively, still_quiet, still_lively
    cdef Py_ssize_t slot
    cdef const double* ratio = buffers.ratio + t
    cdef const double* before_empty = buffers.forward_empty + t
    cdef const double* before_quiet = buffers.forward_quiet + t
    cdef const double* before_lively = buffers.forward_lively + t
    cdef const double* after_empty = buffers.backward_empty + t
    cdef const double* after_quiet = buffers.backward_quiet + t
    cdef const double* after_lively = buffers.backward_lively + t
    for slot in range(SLOTS):
        like_empty[slot] = day.share_empty[slot] * ratio[slot] + day.rest_empty[slot]
        like_quiet[slot] = day.share_quiet[slot] * ratio[slot] + day.rest_quiet[slot]
        like_lively[slot] = day.share_lively[slot] * ratio[slot] + day.rest_lively[slot]
    for slot in range(SLOTS):
        empty[slot] = like_empty[slot] * after_empty[slot]
        quiet[slot] = like_quiet[slot] * after_quiet[slot]
        lively[slot] = like_lively[slot] * after_lively[slot]
    for slot in range(SLOTS):
        arrive_quiet = before_empty[slot] * day.arrive_quiet[slot] * quiet[slot]
        arrive_lively = before_empty[slot] * day.arrive_lively[slot] * lively[slot]
        still_quiet = (before_quiet[slot] * day.stay_quiet[slot] + before_lively[slot] * day.settle[slot]) * quiet[slot]
        still_lively = (before_quiet[slot] * day.wake[slot] + before_lively[slot] * day.stay_lively[slot]) * lively[slot]
        stay_empty[slot] = before_empty[slot] * day.stay_empty[slot] * empty[slot]
        leave[slot] = (before_quiet[slot] + before_lively[slot]) * day.leave[slot] * empty[slot]
        arrive[slot] = arrive_quiet + arrive_lively
        stay[slot] = still_quiet + still_lively
        quiet[slot] = arrive_quiet + still_quiet
        lively[slot] = arrive_lively + still_lively
    if starts_chain:
        stay_empty[0] = (1.0 - initial_occupied) * empty[0]
        quiet[0] = initial_occupied * day.quiet_at_first * like_quiet[0] * after_quiet[0]
        lively[0] = initial_occupied * (1.0 - day.quiet_at_first) * like_lively[0] * after_lively[0]
        stay[0] = quiet[0] + lively[0]
        arrive[0] = leave[0] = 0.0
    for slot in range(SLOTS):
        scale = 1.0 / ((stay_empty[slot] + leave[slot]) + (arrive[slot] + stay[slot]))
        stay_empty[slot] *= scale
        arrive[slot] *= scale
        leave[slot] *= scale
        stay[slot] *= scale
        quiet[slot] *= scale
        lively[slot] *= scale
        empty[slot] = stay_empty[slot] + leave[slot]
    if starts_chain:
        stay_empty[0] = stay[0] = 0.0
    for slot in range(SLOTS):
        expected.stay_empty[slot] += stay_empty[slot]
        expected.arrive[slot] += arrive[slot]
        expected.leave[slot] += leave[slot]
        expected.stay[slot] += stay[slot]
    for slot in range(SLOTS):
        probability[slot] = <float>(quiet[slot] + lively[slot])
    for slot in range(SLOTS):
        active[slot] = ratio[slot] * (
            empty[slot] * day.share_empty[slot] / like_empty[slot]
            + quiet[slot] * day.share_quiet[slot] / like_quiet[slot]
            + lively[slot] * day.share_lively[slot] / like_lively[slot]
        )
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
