"""Self-containment by hand, and what must hold of it whatever the flows are."""

import polars as pl
import pytest

from ons_assets.own.self_containment import self_containment

FLOWS = pl.DataFrame(
    [("census", "A", "A", 60.0), ("census", "A", "B", 40.0), ("census", "B", "B", 20.0), ("census", "C", "A", 30.0)],
    schema=["benchmark", "origin", "destination", "commuters"],
    orient="row",
)


def test_three_areas_by_hand():
    a, b, c = self_containment(FLOWS).rows()
    assert a == ("census", "A", 60, pytest.approx(60 / 100), pytest.approx(60 / 90))
    assert b == ("census", "B", 20, 1, pytest.approx(20 / 60))
    # Nobody works in C, and so nothing is known of its jobs.
    assert c == ("census", "C", 0, 0, None)


def test_the_order_of_rows_does_not_matter():
    assert self_containment(FLOWS.reverse()).equals(self_containment(FLOWS))
