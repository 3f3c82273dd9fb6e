from libc.stdint cimport int32_t

from core_ext.occupancy.model cimport Expected, Model, Prior, Sums

cdef double log_prior(Model* model, Prior* prior) noexcept nogil
cdef void maximise(
    Model* model, Prior* prior, const int32_t[:, ::1] group, Expected* expected, Sums* sums
) noexcept nogil
