"""The occupancy model against enumeration of all paths, its reference, and hmmlearn."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_ext import fit_occupancy
from core_ext.occupancy import reference

GROUP = np.repeat([0, 1, 2], 16)
SHARE = np.array([[0.02, 0.05, 0.01], [0.2, 0.7, 0.6]])
MODEL = {
    "mean": np.array([-3.0, -1.5]),
    "sd": np.array([0.3, 0.7]),
    "transition": np.array([[0.01, 0.2], [0.1, 0.1], [0.05, 0.3]]),
}


def simulate(rows, seed, missing=0.0):
    """A home that follows MODEL: log energy (rows, 48) and the true state."""
    rng = np.random.default_rng(seed)
    state = np.empty(48 * rows, dtype=int)
    now = 1
    for t in range(48 * rows):
        leave, arrive = MODEL["transition"][GROUP[t % 48]]
        now = 1 - now if rng.random() < (leave if now else arrive) else now
        state[t] = now
    component = (rng.random(48 * rows) < SHARE[state, np.resize(GROUP, 48 * rows)]).astype(int)
    x = rng.normal(MODEL["mean"][component], MODEL["sd"][component])
    x[rng.random(x.size) < missing] = np.nan
    return x.reshape(rows, 48).astype(np.float32), state.reshape(rows, 48)


def smoothed_by_enumeration(x, slots, group, share, mean, sd, transition, initial):
    """Probability of being occupied at the slots read and the likelihood, by the sum over all paths."""
    total, occupied = 0.0, np.zeros(len(slots))
    for path in product((0, 1), repeat=len(slots)):
        weight = initial if path[0] else 1 - initial
        for place, slot in enumerate(slots):
            g = group[slot]
            if place:
                flip = transition[g][0] if path[place - 1] else transition[g][1]
                weight *= flip if path[place] != path[place - 1] else 1 - flip
            if not np.isnan(x[slot]):
                density = np.exp(-0.5 * ((x[slot] - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
                weight *= share[path[place], g] * density[1] + (1 - share[path[place], g]) * density[0]
        total += weight
        occupied += weight * np.array(path)
    return occupied / total, total


@given(st.integers(0, 2**32), st.floats(0, 1), st.booleans())
@settings(max_examples=15, deadline=None)
def test_smoothing_agrees_with_the_sum_over_all_paths(seed, initial, some_missing):
    """Ten readings at the start of a day; the other 38 are missing and cannot matter."""
    rng = np.random.default_rng(seed)
    x = np.full((1, 48), np.nan, dtype=np.float32)
    x[0, :10] = rng.normal(-2.5, 1.0, 10)
    if some_missing:
        x[0, rng.integers(0, 10, 4)] = np.nan
    group = rng.integers(0, 3, 48)
    transition = rng.random((3, 2))
    share = rng.random((2, 3))
    fit = fit_occupancy(
        x, [0, 1], group, share, mean=MODEL["mean"], sd=MODEL["sd"], transition=transition,
        initial_occupied=initial, max_iterations=0,
    )  # fmt: skip
    expected, likelihood = smoothed_by_enumeration(
        x[0].astype(float), range(10), group, share, MODEL["mean"], MODEL["sd"], transition, initial
    )
    np.testing.assert_allclose(fit.probability[0, :10], expected, atol=1e-6)
    assert fit.log_posterior[0] == pytest.approx(np.log(likelihood), abs=1e-9)


@given(
    st.integers(0, 2**32),
    # With next to no readings, maximum likelihood without a prior has nothing to hold on to.
    st.sampled_from([(0.0, 0.0), (0.05, 0.0), (0.05, 5.0), (0.9, 5.0)]),
    st.sampled_from([0.0, 20.0, np.inf]),
)
@settings(max_examples=12, deadline=None)
def test_the_fit_agrees_with_the_reference(seed, missing_and_weight, transition_weight):
    missing, weight = missing_and_weight
    rng = np.random.default_rng(seed)
    x, _ = simulate(9, seed, missing)
    x[rng.random(9) < missing] = np.nan
    x[0, 0] = 9.0  # far outside: a likelihood ratio beyond what a double can hold
    day = np.cumsum(rng.choice([1, 1, 4], 9))
    start = {"mean": np.array([-2.8, -1.2]), "sd": np.array([0.4, 0.6]), "transition": np.full((3, 2), 0.15)}
    fit = fit_occupancy(
        x, [0, 9], GROUP, SHARE, **start, weight=weight, transition_weight=transition_weight, day=day,
        initial_occupied=0.8, max_iterations=4, tolerance=-1e9,
    )  # fmt: skip
    probability, mean, sd, transition, log_posterior = reference.fit_occupancy(
        x, day, GROUP, SHARE, *start.values(), weight, transition_weight, 0.8, 4
    )
    np.testing.assert_allclose(fit.mean[0], mean, rtol=1e-8)
    np.testing.assert_allclose(fit.sd[0], sd, rtol=1e-8)
    np.testing.assert_allclose(fit.transition[0], transition, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fit.probability, probability, atol=1e-6)
    assert fit.log_posterior[0] == pytest.approx(log_posterior[-1], rel=1e-8)


QUIET_SHARE = np.array([[0.02, 0.05, 0.01], [0.05, 0.1, 0.02], [0.2, 0.7, 0.6]])
SWITCHING = np.array([[0.1, 0.3, 0.2], [0.0, 1.0, 0.0], [0.4, 0.05, 0.5]])


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.05, 0.9]), st.booleans())
@settings(max_examples=12, deadline=None)
def test_the_fit_with_a_quiet_state_agrees_with_the_reference(seed, missing, monotone):
    rng = np.random.default_rng(seed)
    x, _ = simulate(9, seed, missing)
    x[0, :2] = 4.0, -9.0  # far outside on both sides, where the components cross again
    day = np.cumsum(rng.choice([1, 1, 4], 9))
    start = {"mean": np.array([-2.8, -1.2]), "sd": rng.permutation([0.4, 0.6]), "transition": np.full((3, 2), 0.15)}
    fit = fit_occupancy(
        x, [0, 9], GROUP, QUIET_SHARE, **start, switching=SWITCHING, monotone=monotone, weight=20.0,
        transition_weight=5.0, day=day, initial_occupied=0.8, max_iterations=4, tolerance=-1e9,
    )  # fmt: skip
    probability, mean, sd, transition, log_posterior = reference.fit_occupancy(
        x, day, GROUP, QUIET_SHARE, *start.values(), 20.0, 5.0, 0.8, 4, SWITCHING, monotone=monotone
    )
    np.testing.assert_allclose(fit.mean[0], mean, rtol=1e-8)
    np.testing.assert_allclose(fit.sd[0], sd, rtol=1e-8)
    np.testing.assert_allclose(fit.transition[0], transition, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fit.probability, probability, atol=1e-6)
    assert fit.log_posterior[0] == pytest.approx(log_posterior[-1], rel=1e-8)


def test_a_quiet_state_smooths_as_the_sum_over_all_paths_does():
    x = np.full((1, 48), np.nan, dtype=np.float32)
    x[0, :6] = [-3.0, -1.0, -2.9, -3.1, -1.4, -3.0]
    fit = fit_occupancy(
        x, [0, 1], GROUP, QUIET_SHARE, **MODEL, switching=SWITCHING, initial_occupied=0.7, max_iterations=0
    )
    leave, arrive = MODEL["transition"][0]
    settle, wake, quiet = SWITCHING[0]
    step = np.array(
        [
            [1 - arrive, arrive * quiet, arrive * (1 - quiet)],
            [leave, (1 - leave) * (1 - wake), (1 - leave) * wake],
            [leave, (1 - leave) * settle, (1 - leave) * (1 - settle)],
        ]
    )
    density = np.exp(-0.5 * ((x[0, :6, None] - MODEL["mean"]) / MODEL["sd"]) ** 2) / MODEL["sd"]
    share = QUIET_SHARE[:, 0]
    total, home = 0.0, np.zeros(6)
    for path in product((0, 1, 2), repeat=6):
        weight = [0.3, 0.7 * quiet, 0.7 * (1 - quiet)][path[0]]
        for place, state in enumerate(path):
            weight *= step[path[place - 1], state] if place else 1.0
            weight *= share[state] * density[place, 1] + (1 - share[state]) * density[place, 0]
        total += weight
        home += weight * (np.array(path) > 0)
    np.testing.assert_allclose(fit.probability[0, :6], home / total, atol=1e-6)


def test_nobody_quiet_is_the_model_of_two_states():
    x, _ = simulate(20, seed=8, missing=0.1)
    two = fit_occupancy(x, [0, 20], GROUP, SHARE, **MODEL, weight=5.0)
    three = fit_occupancy(x, [0, 20], GROUP, SHARE[[0, 0, 1]], **MODEL, weight=5.0, switching=np.zeros((3, 3)))
    np.testing.assert_allclose(three.probability, two.probability, atol=1e-7)


def test_more_use_never_speaks_against_people_where_that_is_asked_for():
    x = np.full((1, 48), np.nan, dtype=np.float32)
    said = {True: [], False: []}
    for value in np.linspace(-9, 5, 60):
        x[0, 20] = value
        for monotone, values in said.items():
            fit = fit_occupancy(x, [0, 1], GROUP, SHARE, **MODEL, monotone=monotone, max_iterations=0)
            values.append(fit.probability[0, 20])
    assert np.all(np.diff(said[True]) >= 0)
    assert np.any(np.diff(said[False]) < -0.1)


@given(st.integers(0, 2**32), st.sampled_from([0.0, 40.0]))
@settings(max_examples=10, deadline=None)
def test_no_step_lowers_the_log_posterior(seed, weight):
    x, _ = simulate(12, seed, missing=0.1)
    start = {"mean": [-3.5, -1.0], "sd": [0.6, 0.6], "transition": np.full((3, 2), 0.2)}
    path = [
        fit_occupancy(
            x, [0, 12], GROUP, SHARE, **start, weight=weight, transition_weight=weight, max_iterations=n,
            tolerance=-1e9,
        ).log_posterior[0]
        for n in range(12)
    ]  # fmt: skip
    assert np.all(np.diff(path) > -1e-7)


def test_a_long_record_gives_back_the_parameters_it_was_made_with():
    x, state = simulate(600, seed=5, missing=0.05)
    fit = fit_occupancy(
        x, [0, 600], GROUP, SHARE, mean=[-2.5, -1.0], sd=[0.5, 0.5], transition=np.full((3, 2), 0.1),
        initial_occupied=0.9, max_iterations=300, tolerance=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(fit.mean[0], MODEL["mean"], atol=0.05)
    np.testing.assert_allclose(fit.sd[0], MODEL["sd"], atol=0.05)
    np.testing.assert_allclose(fit.transition[0, :, 0], MODEL["transition"][:, 0], atol=0.02)
    # A home that is seldom empty at night has few arrivals there to learn from.
    np.testing.assert_allclose(fit.transition[0, :, 1], MODEL["transition"][:, 1], atol=0.08)
    # Where it says p, somebody is at home in p of the cases.
    tenths = np.minimum((fit.probability * 10).astype(int), 9).ravel()
    for tenth in range(10):
        inside = tenths == tenth
        assert abs(fit.probability.ravel()[inside].mean() - state.ravel()[inside].mean()) < 0.06


def test_plain_gaussian_model_agrees_with_hmmlearn():
    hmm = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is not installed")
    x, _ = simulate(60, seed=6)
    model = hmm.GaussianHMM(
        2, covariance_type="diag", n_iter=8, tol=-np.inf, params="tmc", init_params="",
        covars_prior=0, covars_weight=0, means_weight=0, min_covar=0,
    )  # fmt: skip
    model.startprob_ = np.array([0.3, 0.7])
    model.transmat_ = np.array([[0.8, 0.2], [0.1, 0.9]])
    model.means_ = np.array([[-3.2], [-1.0]])
    model.covars_ = np.array([[0.2], [0.5]])
    sequence = x.reshape(-1, 1).astype(float)
    model.fit(sequence)
    fit = fit_occupancy(
        x, [0, 60], np.zeros(48, int), [[0.0], [1.0]], mean=[-3.2, -1.0], sd=np.sqrt([0.2, 0.5]),
        transition=[[0.1, 0.2]], initial_occupied=0.7, max_iterations=8, tolerance=-1e9,
    )  # fmt: skip
    np.testing.assert_allclose(fit.mean[0], model.means_.ravel(), rtol=1e-6)
    np.testing.assert_allclose(fit.sd[0] ** 2, model.covars_.ravel(), rtol=1e-6)
    np.testing.assert_allclose(fit.transition[0, 0], [model.transmat_[1, 0], model.transmat_[0, 1]], rtol=1e-6)
    np.testing.assert_allclose(fit.probability.ravel(), model.predict_proba(sequence)[:, 1], atol=1e-6)
    assert fit.log_posterior[0] == pytest.approx(model.score(sequence), rel=1e-9)


def test_the_result_is_the_same_for_any_number_of_threads():
    homes = [simulate(5 + seed, seed, missing=0.1)[0] for seed in range(12)]
    offsets = np.concatenate([[0], np.cumsum([len(home) for home in homes])])
    together = np.concatenate(homes)
    one = fit_occupancy(together, offsets, GROUP, SHARE, **MODEL, n_threads=1)
    for n_threads in (0, 3, 32):
        other = fit_occupancy(together, offsets, GROUP, SHARE, **MODEL, n_threads=n_threads)
        for left, right in zip(one, other, strict=True):
            assert left.tobytes() == right.tobytes()
    alone = fit_occupancy(homes[7], [0, len(homes[7])], GROUP, SHARE, **MODEL)
    assert np.array_equal(alone.probability, one.probability[offsets[7] : offsets[8]])


def test_types_of_day_have_their_own_groups():
    """A weekend group whose transitions say "never away" must show on weekend rows only."""
    x = np.full((4, 48), -3.0, dtype=np.float32)
    groups = np.stack([np.zeros(48, int), np.ones(48, int)])
    fit = fit_occupancy(
        x, [0, 4], groups, [[0.0, 0.0], [0.9, 0.0]], mean=MODEL["mean"], sd=MODEL["sd"],
        transition=[[0.3, 0.3], [0.0, 1.0]], day_type=[0, 0, 1, 1], max_iterations=0,
    )  # fmt: skip
    assert fit.probability[:2, 1:40].max() < 0.5
    assert fit.probability[2:].min() > 0.99


def test_a_home_without_readings_keeps_its_parameters():
    x = np.full((3, 48), np.nan, dtype=np.float32)
    fit = fit_occupancy(x, [0, 0, 3], GROUP, SHARE, **MODEL, initial_occupied=0.9)
    assert fit.iterations.tolist() == [0, 0]
    np.testing.assert_allclose(fit.mean[1], MODEL["mean"])
    assert np.all((fit.probability > 0) & (fit.probability < 1))


def test_readings_far_from_every_component_do_not_overflow():
    """Every half hour pulls the forward and the backward values the same way as far as it can."""
    for value in (-60.0, -8.0, 4.0, 60.0):
        x = np.full((4, 48), value, dtype=np.float32)
        x[2] = -value
        fit = fit_occupancy(x, [0, 4], GROUP, SHARE, **MODEL, max_iterations=0)
        assert np.all((fit.probability >= 0) & (fit.probability <= 1))
        if abs(value) < 10:  # beyond it the densities of the reference are 0 in double
            expected = reference.fit_occupancy(x, np.arange(4), GROUP, SHARE, *MODEL.values(), 0.0, 0.0, 0.5, 0)[0]
            np.testing.assert_allclose(fit.probability, expected, atol=1e-6)


def test_a_reading_that_one_state_cannot_explain_is_not_lost_to_rounding():
    """With shares 0 and 1 the likelihood ratio of the low readings is far below the resolution around 1."""
    x = np.full((8, 48), 2.0, dtype=np.float32)
    x[3, 10:30] = -2.0
    rng = np.random.default_rng(0)
    x += rng.normal(0, 0.3, x.shape).astype(np.float32)
    start = {"mean": np.array([-1.6, 2.4]), "sd": np.array([0.3, 0.3]), "transition": np.array([[0.02, 0.1]])}
    share = np.array([[0.0], [1.0]])
    fit = fit_occupancy(x, [0, 8], np.zeros(48, int), share, **start, weight=1.0, max_iterations=1, tolerance=-1e9)
    expected = reference.fit_occupancy(
        x, np.arange(8), np.zeros(48, int), share, *start.values(), 1.0, 0.0, 0.5, 1
    )  # fmt: skip
    np.testing.assert_allclose(fit.probability, expected[0], atol=1e-6)
    np.testing.assert_allclose(fit.mean[0], expected[1], rtol=1e-7)
    assert fit.probability[3, 10:30].max() < 1e-6


def test_constant_readings_stay_finite():
    x = np.full((5, 48), -2.0, dtype=np.float32)
    fit = fit_occupancy(x, [0, 5], GROUP, SHARE, **MODEL)
    assert np.isfinite(fit.probability).all()
    assert np.isfinite(fit.sd).all()
    assert (fit.sd > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": [np.nan, 1.0]}, "finite"),
        ({"sd": [0.0, 1.0]}, "sd positive"),
        ({"transition": [[0.1, 1.1]] * 3}, "transition must lie between 0 and 1"),
        ({"transition": [[0.1, 0.1]] * 2}, "active_share"),
        ({"initial_occupied": 2.0}, "initial_occupied must lie"),
        ({"weight": -1.0}, "weights must not be negative"),
        ({"switching": np.zeros((3, 3))}, "active_share must have the shape"),
        ({"day_type": [0, 1]}, "day_type must lie between 0 and 0"),
        ({"day": [5, 5]}, "ascend"),
    ],
)
def test_input_that_does_not_fit_is_refused(change, message):
    x, _ = simulate(2, 0)
    with pytest.raises(ValueError, match=message):
        fit_occupancy(x, [0, 2], GROUP, SHARE, **{**MODEL, **change})


def test_a_group_out_of_range_is_refused():
    x, _ = simulate(2, 0)
    with pytest.raises(ValueError, match="group must lie between 0 and 2"):
        fit_occupancy(x, [0, 2], GROUP + 1, SHARE, **MODEL)
