"""What the parts of the occupancy kernel share: a home's parameters, its working arrays, and the clock."""

cdef enum:
    SLOTS = 48
    LAST_SLOT = 47


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
    # component while empty, at home and quiet, and at home and lively.
    # The transitions have one place more, out of the last half hour, which leaves everything as it is.
    double stay_empty[SLOTS + 1]
    double leave[SLOTS + 1]
    double arrive_quiet[SLOTS + 1]
    double arrive_lively[SLOTS + 1]
    double stay_quiet[SLOTS + 1]
    double wake[SLOTS + 1]
    double settle[SLOTS + 1]
    double stay_lively[SLOTS + 1]
    # People who are at home at the first half hour of a chain and quiet, as a share.
    double quiet_at_first
    double share_empty[SLOTS]
    double share_quiet[SLOTS]
    double share_lively[SLOTS]
    # 1 less the share, kept because ratio x share + rest loses nothing where 1 + share x (ratio - 1) would.
    double rest_empty[SLOTS]
    double rest_quiet[SLOTS]
    double rest_lively[SLOTS]


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


cdef struct Buffers:
    # By half hour of the home: likelihood of the active over that of the base component, and forward and
    # backward values of the three states, each up to a factor. Forward values are moved by one place:
    # the value at t belongs to the half hour before t.
    double* ratio
    double* forward_empty
    double* forward_quiet
    double* forward_lively
    double* backward_empty
    double* backward_quiet
    double* backward_lively
    # By type of day.
    Day* days
    Expected* expected
