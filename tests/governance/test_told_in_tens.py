"""Counts that are told in tens: whatever they are, something of them can be told, and nobody learns a few of it."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue.mobile_tourism import TOURISM_VISITS
from ons_assets.governance.disclosure.audit import audit
from ons_assets.governance.disclosure.published_figures import figures_of
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.lakehouse.disclosure import Counts

SAID = {"operator": "north", "tourism": "inbound", "visit": "overnight", "counted": "visitors", "days_observed": 31}


def visitors(*months: np.ndarray) -> pl.DataFrame:
    """Visitors by country, and by area, and in all; a matrix of countries and areas a month."""
    rows = []
    for number, devices in enumerate(months, start=1):
        month = {**SAID, "month": date(2014, number, 1)}
        of_countries = zip(("FR", "US", "DE", "ES"), devices.sum(axis=1), strict=False)
        rows += [{**month, "country": name, "area": "all", "devices": n} for name, n in of_countries]
        rows += [
            {**month, "country": "all", "area": name, "devices": n}
            for name, n in zip("ABCD", devices.sum(axis=0), strict=False)
        ]
        rows.append({**month, "country": "all", "area": "all", "devices": devices.sum()})
    typed = [pl.col(name).cast(TOURISM_VISITS.schema[name]) for name in TOURISM_VISITS.column_names]
    return pl.DataFrame(rows).select(typed)


def test_what_is_left_of_all_that_are_told_refuses_no_table() -> None:
    """All are 75 or more, two countries 70 at most: the others would be five at least, and so one more is withheld."""
    told = protect(TOURISM_VISITS, visitors(np.array([[8.0], [5.0], [14.0], [52.0]])), Thresholds(10)).rows
    assert told.filter(country="all", area="all")["devices"].to_list() == [80]
    assert "ES" in told["country"].to_list()
    assert "DE" not in told["country"].to_list()


@pytest.mark.parametrize("k", [10, 20, 30])
def test_any_table_can_be_told_and_gives_nobody_few(k: int) -> None:
    random = np.random.default_rng(k)
    rule = TOURISM_VISITS.disclosure
    assert isinstance(rule, Counts)
    for _ in range(40):
        shape = random.integers(2, 5, 2)
        months = [random.integers(0, 40, shape).astype(float) for _ in range(random.integers(1, 3))]
        everything = visitors(*months)
        told = protect(TOURISM_VISITS, everything, Thresholds(k)).rows
        found = audit(figures_of(TOURISM_VISITS, rule, told, k), k, whole=False).exposures
        assert not [each for each in found if each.low > 0]
        if everything["devices"].max() >= 2 * k:
            assert len(told)
