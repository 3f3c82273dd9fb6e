"""Random releases against every table that agrees with them: benchmarks/disclosure_attack.py, shorter."""

import numpy as np

from benchmarks.disclosure_attack import pairs, tables

UNSAFE_REFUSED, SAFE_PASSED = (True, True), (False, False)


def test_no_table_passes_that_should_not_and_none_is_refused_that_is_safe() -> None:
    bare, step, kept = tables(60, np.random.default_rng(11))
    assert set(bare) == {UNSAFE_REFUSED, SAFE_PASSED}
    assert set(step) == {SAFE_PASSED}
    assert kept > 0.5


def test_no_pair_of_releases_passes_that_should_not_and_none_is_refused_that_is_safe() -> None:
    for found in pairs(45, np.random.default_rng(12)).values():
        assert set(found) <= {UNSAFE_REFUSED, SAFE_PASSED}
        assert found[SAFE_PASSED]
