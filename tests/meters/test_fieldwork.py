"""When to call: what leaves tells of no few homes whether anybody lives there."""

import numpy as np
import polars as pl
import pytest

from ons_assets.catalogue.meters import FIELDWORK
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.meters.areas.fieldwork import fieldwork, ranked
from ons_assets.parameters.meters import FieldworkParameters

AT_SIX = FieldworkParameters(from_hour=18, to_hour=19)


def presence_of(meters: range | list[int], probability: float = 0.6, hours: tuple[int, ...] = (18,)) -> pl.DataFrame:
    """Probabilities of weekdays, as `presence_when_called` gives them."""
    homes = pl.DataFrame({"bucket": 0, "meter": list(meters)}, schema={"bucket": pl.Int16(), "meter": pl.Int64()})
    by_hour = pl.DataFrame(
        {"day_type": "weekday", "hour": list(hours), "probability": probability, "days": 20},
        schema_overrides={"hour": pl.Int8(), "days": pl.Int32()},
    )
    return homes.join(by_hour, how="cross")


def areas_of(**homes: int) -> pl.DataFrame:
    codes = [code for code, number in homes.items() for _ in range(number)]
    return pl.DataFrame({"meter": np.arange(len(codes)), "area_code": codes})


def told(presence: pl.DataFrame, areas: pl.DataFrame, calls: FieldworkParameters = AT_SIX, **more) -> pl.DataFrame:
    made = protect(FIELDWORK, fieldwork(presence, areas, calls, **more), Thresholds(10)).rows
    return ranked(made).filter(day_type="weekday").sort("area_code", "hour")


def test_no_interval_tells_how_many_homes_are_not_called_on():
    areas = areas_of(E1=22, E2=378)
    rows = [told(presence_of(range(left_out, 390)), areas) for left_out in range(4)]
    assert rows[0]["estimate"].null_count() == 0
    assert all(each.equals(rows[0]) for each in rows)


def test_meters_of_no_area_change_nothing():
    areas = areas_of(E1=20)
    rows = [told(presence_of(range(meters)), areas) for meters in (20, 120)]
    assert rows[0]["estimate"].null_count() == 0
    assert rows[0].equals(rows[1])


def test_every_area_has_its_rows_whether_or_not_anybody_lives_there():
    areas = areas_of(E1=1, E2=14, E3=30)
    every = told(presence_of(range(45)), areas)
    some = told(presence_of(range(15, 45)), areas)
    assert every.select("area_code", "hour").equals(some.select("area_code", "hour"))
    assert some.filter(pl.col("area_code") != "E3").drop("area_code")["reason"].n_unique() == 1
    assert every.filter(area_code="E1").equals(some.filter(area_code="E1"))


@pytest.mark.parametrize("metered", range(10, 16))
def test_whether_a_figure_is_told_is_the_same_for_few_vacant_homes(metered):
    """Both that it is told, and that it is not, is so of three vacant homes or of none."""
    areas = areas_of(E1=metered)
    is_told = [told(presence_of(range(vacant, metered)), areas)["estimate"].item() is not None for vacant in range(4)]
    assert len(set(is_told)) == 1
    assert is_told[0] == (metered >= 13)


def test_ranks_leave_no_place_free_for_what_is_withheld():
    hours = (16, 17, 18, 19)
    calls = FieldworkParameters(from_hour=16, to_hour=20)
    presence = presence_of(range(20), hours=hours).with_columns(
        # At five everybody is surely in, which is not told.
        probability=pl.when(pl.col("hour") == 17).then(1.0).otherwise(0.3 + pl.col("hour") / 100)
    )
    rows = told(presence, areas_of(E1=20), calls)
    assert rows["rank"].to_list() == [3, None, 2, 1]
    assert rows["estimate"].is_null().to_list() == [False, True, False, False]
