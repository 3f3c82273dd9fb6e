from libc.stdint cimport int32_t, int64_t

from core_ext.occupancy.model cimport Buffers, Day, Model, Sums

cdef void total_readings(
    const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Sums* sums
) noexcept nogil
cdef void lay_days(
    Model* model, const int32_t[:, ::1] group, const double[:, ::1] share, const double[:, ::1] switching, Day* days
) noexcept nogil
cdef void ratios(
    const float[:, ::1] x, Py_ssize_t first_row, Py_ssize_t end_row, Model* model, bint monotone, Sums* sums, double* ratio
) noexcept nogil
cdef void forward_and_backward(
    Py_ssize_t first_row,
    Py_ssize_t end_row,
    const int64_t[::1] day,
    const int32_t[::1] day_type,
    double initial_occupied,
    Buffers* buffers,
    Sums* sums,
) noexcept nogil
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
) noexcept nogil
