import numpy as np
import pytest

from ons_assets.flows.interaction import balance, distances_km, gravity, radiation


@pytest.fixture
def areas():
    random = np.random.default_rng(5)
    return random.uniform(0, 50_000, 12), random.uniform(0, 50_000, 12), random.uniform(100, 5_000, 12)


@pytest.mark.parametrize(("law", "parameter"), [("power", 1.7), ("exponential", 0.11)])
@pytest.mark.parametrize("constrained", ["origins", "both"])
def test_a_gravity_law_is_found_again(areas, law, parameter, constrained):
    x, y, mass = areas
    distance = distances_km(x, y)
    fall = distance**-parameter if law == "power" else np.exp(-parameter * distance)
    flows = mass[:, None] * fall * mass
    flows = balance(fall, flows.sum(axis=1), flows.sum(axis=0))
    found = gravity(flows, distance, law=law, constrained=constrained)
    assert found.flows.sum(axis=1) == pytest.approx(flows.sum(axis=1))
    if constrained == "both":
        assert found.parameter == pytest.approx(parameter, abs=2e-3)
        assert found.flows == pytest.approx(flows, rel=0.02)


def test_balanced_rows_and_columns_have_their_totals():
    random = np.random.default_rng(1)
    seed, out = random.uniform(0.1, 1, (5, 4)), random.uniform(1, 9, 5)
    into = random.uniform(1, 9, 4)
    flows = balance(seed, out, into)
    assert flows.sum(axis=1) == pytest.approx(out)
    assert flows.sum(axis=0) == pytest.approx(into * out.sum() / into.sum())


def test_the_radiation_model_is_its_formula_on_three_areas_in_a_row():
    # Areas at 0, 1 and 3 km: from the first, the second has nothing in between, the third has the second.
    distance = distances_km(np.array([0.0, 1_000.0, 3_000.0]), np.zeros(3))
    people = np.array([10.0, 20.0, 30.0])
    flows = radiation(np.array([100.0, 0.0, 0.0]), people, people, distance)
    near = 10 * 20 / (10 * 30)
    far = 10 * 30 / (30 * 60)
    assert flows[0] == pytest.approx([0, 100 * near / (near + far), 100 * far / (near + far)])
    assert flows[1:].sum() == 0


def test_within_an_area_the_distance_is_half_that_to_the_next():
    distance = distances_km(np.array([0.0, 4_000.0, 10_000.0]), np.zeros(3))
    assert np.diag(distance).tolist() == [2.0, 2.0, 3.0]
    assert distances_km(np.array([5.0]), np.array([5.0])).tolist() == [[0.05]]


def test_no_flows_and_no_distances_say_so():
    with pytest.raises(ValueError, match="no flows"):
        gravity(np.zeros((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="above zero"):
        gravity(np.ones((2, 2)), np.zeros((2, 2)))
