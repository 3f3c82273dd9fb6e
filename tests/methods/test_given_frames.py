"""What the methods are given: frames of any library, and mistakes, each told in one sentence that quotes no value."""

import math
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ons_assets

START = datetime(2026, 3, 2, 21)
QUOTES = pl.DataFrame(
    {
        "period": ["2024-01", "2024-01", "2024-02", "2024-02"],
        "product": ["secret tea", "secret milk"] * 2,
        "price": [2.0, 1.0, 2.5, 1.1],
        "quantity": [3, 4, 3, 5],
        "item": ["drinks"] * 4,
    }
)
STAYS = pl.DataFrame(
    {
        "user": ["secret"] * 20,
        "place": ["secret street"] * 20,
        "start": [START + timedelta(days=day) for day in range(20)],
        "end": [START + timedelta(days=day, hours=9) for day in range(20)],
    }
)
POINTS = pl.DataFrame({"user": ["secret"] * 4, "easting_m": [1.5, 2, 3, 900], "northing_m": [1, 2, 3, 4]})
READINGS = pl.DataFrame(
    {
        "meter": ["secret"] * 96,
        "start": [datetime(2026, 3, 2) + timedelta(minutes=30 * slot) for slot in range(96)],
        "energy_kwh": [0.123 + (slot % 48 > 36) for slot in range(96)],
    }
)
FLOWS = pl.DataFrame({"origin": ["A", "A"], "destination": ["A", "B"], "count": [80, 20]})
COUNTS = pl.DataFrame({"area": ["secret place", "B", "all"], "count": [40, 25, 65]})

Call = Callable[[Any], Any]
CALLS: dict[str, tuple[Call, pl.DataFrame]] = {
    "price_index": (lambda given: ons_assets.price_index(given, "geks-fisher"), QUOTES.drop("item")),
    "price_index by": (lambda given: ons_assets.price_index(given, "jevons", by="item"), QUOTES),
    "infer_anchors": (ons_assets.infer_anchors, STAYS),
    "dbscan": (lambda given: ons_assets.dbscan(given, by=["user"]), POINTS),
    "occupancy_probabilities": (ons_assets.occupancy_probabilities, READINGS),
    "compare_flows": (lambda given: ons_assets.compare_flows(given, FLOWS), FLOWS),
    "protect": (lambda given: ons_assets.protect(given, totals={"area": "all"}), COUNTS),
}
# Columns that are not needed, or that may be missing.
MAY_LACK = {"quantity", "end", "energy_kwh"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "of",
    [
        pl.DataFrame.lazy,
        pl.DataFrame.to_pandas,
        lambda frame: frame.to_pandas().set_index(pd.Index(range(7, 7 + len(frame)))),
        lambda frame: frame.to_pandas().astype(
            {name: "category" for name in frame.columns if frame[name].dtype == pl.String}
        ),
        pl.DataFrame.to_arrow,
        lambda frame: duckdb.connect().from_arrow(frame.to_arrow()),
    ],
    ids=["lazy", "pandas", "pandas with an index", "pandas categories", "pyarrow", "duckdb"],
)
def test_frames_of_any_library_give_the_same(name: str, of: Call) -> None:
    call, frame = CALLS[name]
    found, expected = call(of(frame)), call(frame)
    if isinstance(expected, dict):
        assert found == pytest.approx(expected, nan_ok=True, abs=0, rel=0)
        return
    told, wanted = (each[0] if isinstance(each, tuple) else each for each in (found, expected))
    assert isinstance(told, pl.DataFrame)
    texts = [pl.col(column).cast(pl.String()) for column, dtype in wanted.schema.items() if dtype == pl.String]
    unit = [pl.col(column).dt.cast_time_unit("us") for column, dtype in wanted.schema.items() if dtype == pl.Datetime]
    assert_frame_equal(told.with_columns(*texts, *unit), wanted, check_exact=True)


def _refused(name: str, given: Any) -> str:
    call, _ = CALLS[name]
    with pytest.raises((ValueError, TypeError)) as refused:
        call(given)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert "secret" not in sentence
    assert "0.123" not in sentence
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    return sentence


NEEDED = [(name, column) for name, (_, frame) in CALLS.items() for column in frame.columns if column not in MAY_LACK]


@pytest.mark.parametrize(("name", "column"), NEEDED)
def test_a_missing_column_is_named(name: str, column: str) -> None:
    if name != "protect" or column == "count":
        assert f"the column {column} is missing" in _refused(name, CALLS[name][1].drop(column))
    other = CALLS[name][1].rename({column: f"{column}s"})
    assert f"the column {column} is missing; did you mean {column}s?" in _refused(name, other)


@pytest.mark.parametrize(("name", "column"), [*NEEDED, ("price_index", "quantity"), ("infer_anchors", "end")])
def test_a_value_that_is_not_known_is_counted(name: str, column: str) -> None:
    _, frame = CALLS[name]
    first = pl.int_range(pl.len()) == 0
    missing = frame.with_columns(pl.when(~first).then(column))
    assert f"1 value of the column {column} is missing" in _refused(name, missing)
    assert f"1 value of the column {column} is missing" in _refused(name, missing.to_pandas())
    if frame[column].dtype.is_numeric():
        nan = frame.with_columns(pl.when(first).then(float("nan")).otherwise(column).alias(column))
        assert f"1 value of the column {column} is missing" in _refused(name, nan)


@pytest.mark.parametrize("name", CALLS)
def test_a_frame_without_rows_is_refused(name: str) -> None:
    assert "there are no rows" in _refused(name, CALLS[name][1].clear())


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("given", [None, {"price": [1.0]}, [1, 2], "secret.csv"])
def test_what_is_no_frame_is_refused(name: str, given: object) -> None:
    assert "must be a frame of Polars or pandas" in _refused(name, given)


@pytest.mark.parametrize("name", CALLS)
def test_a_column_of_several_types_is_refused(name: str) -> None:
    mixed = CALLS[name][1].to_pandas().assign(mixed=[1, *["secret"] * (len(CALLS[name][1]) - 1)])
    assert "a column holds values of several types" in _refused(name, mixed)


INFINITE, NO_ZONE = float("inf"), "must hold times of the local clock"
AGAIN = "1 row repeats another in"


def _with(frame: pl.DataFrame, column: str, first: object) -> pl.DataFrame:
    """The frame with another value in its first row."""
    return frame.with_columns(pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(first)).otherwise(column).alias(column))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("price_index", QUOTES.cast({"price": pl.String()}), "the column price must hold numbers, not String: cast it"),
        ("price_index", _with(QUOTES, "price", 0.0), "1 value of the column price is not above 0"),
        ("price_index", _with(QUOTES, "price", INFINITE), "1 value of the column price is infinite"),
        ("price_index", _with(QUOTES, "quantity", -1), "1 value of the column quantity is negative"),
        ("infer_anchors", STAYS.with_columns(pl.col("start").dt.replace_time_zone("UTC")), NO_ZONE),
        ("infer_anchors", STAYS.with_columns(pl.col("end").dt.date()), NO_ZONE),
        ("infer_anchors", _with(STAYS, "end", START - timedelta(days=1)), "1 row ends before the start"),
        ("dbscan", POINTS.with_columns(cluster=1), "there is a column cluster already"),
        ("dbscan", _with(POINTS, "easting_m", INFINITE), "1 value of the column easting_m is infinite"),
        (
            "occupancy_probabilities",
            pl.concat([READINGS, READINGS[:1]]),
            f"{AGAIN} meter and start; where it is the hour",
        ),
        ("occupancy_probabilities", READINGS.with_columns(start=pl.lit(datetime(2026, 1, 1, tzinfo=UTC))), NO_ZONE),
        (
            "occupancy_probabilities",
            READINGS.with_columns(pl.col("start") + pl.duration(minutes=15)),
            "96 values of the column start are not on the half hour",
        ),
        ("compare_flows", pl.concat([FLOWS, FLOWS[:1]]), f"{AGAIN} origin and destination"),
        ("compare_flows", _with(FLOWS, "count", -3), "1 value of the column count is negative"),
        ("protect", pl.concat([COUNTS, COUNTS[:1]]), f"{AGAIN} area"),
        ("protect", _with(COUNTS, "count", -3), "1 value of the column count is negative"),
        ("protect", COUNTS[:2], "counts: no row of the column area is the total that totals calls 'all'"),
        ("protect", _with(COUNTS, "count", 41), "a sum that its parts do not add up to"),
        ("protect", COUNTS.with_columns(area=pl.int_range(3)), "the column area must hold texts"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(name: str, given: pl.DataFrame, said: str) -> None:
    assert said in _refused(name, given)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ons_assets.price_index(QUOTES, "torncvist"), "no method 'torncvist'; did you mean tornqvist?"),
        (lambda: ons_assets.price_index(QUOTES.drop("quantity"), "fisher"), "needs a column quantity"),
        (lambda: ons_assets.price_index(QUOTES, "jevons", by="shop"), "the column shop is missing"),
        (
            lambda: ons_assets.compare_flows(FLOWS, FLOWS.with_columns(origin=pl.lit(7))),
            "the column origin holds String in the estimate, and Int32 in the benchmark",
        ),
        (lambda: ons_assets.dbscan(POINTS, eps_m=0), "eps_m must be above 0"),
        (lambda: ons_assets.dbscan(POINTS, eps_m=float("nan")), "eps_m must be a number, not nan"),
        (lambda: ons_assets.dbscan(POINTS, min_points=0), "min_points must be from 1 to"),
        (lambda: ons_assets.protect(COUNTS, fewest=1), "fewest must be from 2 to"),
        (lambda: ons_assets.protect(COUNTS, fewest=math.nan), "fewest must be a whole number, not nan"),
        (lambda: ons_assets.protect(COUNTS, rounded_to=0), "rounded_to must be from 1 to"),
        (lambda: ons_assets.protect(COUNTS, rounded_to=12.5), "rounded_to must be a whole number or None, not 12.5"),
        (lambda: ons_assets.protect(COUNTS.select("count")), "nothing that tells the rows apart"),
        (
            lambda: ons_assets.infer_anchors(STAYS, source="phone"),
            "source must be 'stays', 'tweets' or 'phones', not 'phone'",
        ),
        (lambda: ons_assets.infer_anchors(STAYS, parameters={"window": 3}), "window is no word that is known here"),
        (lambda: ons_assets.infer_anchors(STAYS, parameters={"home_hours": 0}), "home_hours is to be more than 0"),
        (lambda: ons_assets.occupancy_probabilities(READINGS, method="hm"), "method must be 'hmm', 'mixture'"),
        (
            lambda: ons_assets.occupancy_probabilities(READINGS, parameters={"hmm": {"evidence": "all"}}),
            "hmm.evidence is to be a number",
        ),
    ],
)
def test_an_option_that_is_not_allowed_is_told(call: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        call()


def test_parameters_change_what_is_found() -> None:
    assert len(ons_assets.infer_anchors(STAYS)) == 1
    assert ons_assets.infer_anchors(STAYS, parameters={"min_home_days": 99}).is_empty()
    nested = {"home_profile": {"night": 0.0, "evening": 0.0, "weekend": 0.0, "working": 0.0}}
    assert ons_assets.infer_anchors(STAYS, parameters=nested).is_empty()
    loud = ons_assets.occupancy_probabilities(READINGS)
    assert not loud.equals(ons_assets.occupancy_probabilities(READINGS, parameters={"hmm": {"evidence": 0.2}}))


def test_readings_that_are_missing_have_no_probability() -> None:
    values = pl.Series("energy_kwh", [None, float("nan"), -0.1, *READINGS["energy_kwh"][3:]], dtype=pl.Float64)
    told = ons_assets.occupancy_probabilities(READINGS.with_columns(values))["occupied_probability"]
    assert told.is_null().to_list() == [True, True, True, *[False] * 93]
    assert told.drop_nulls().is_between(0, 1).all()


def test_counts_without_totals_lose_what_is_small_alone() -> None:
    counts = pl.DataFrame({"area": ["A", "B", "C"], "number": [40, 4, 0]})
    told, account = ons_assets.protect(counts, count="number")
    assert told.rows() == [("A", 40)]
    assert (account["primary"], account["secondary"]) == (1, 0)


@pytest.mark.parametrize("value", [1, 1.1])
def test_a_total_that_is_not_named_is_refused(value: float) -> None:
    """Whoever forgets it would have a small count told by subtraction."""
    rows = [(a, b, value * (3 * i + j + 1)) for i, a in enumerate("ABC") for j, b in enumerate("AB")]
    counts = pl.DataFrame(rows, schema=["origin", "destination", "count"], orient="row")
    whole = counts.group_by("origin").agg(pl.col("count").sum(), destination=pl.lit("all"))
    counts = pl.concat([counts, whole.select(counts.columns)])
    with pytest.raises(ValueError, match="one value of the column destination is the sum of all others"):
        ons_assets.protect(counts, fewest=3)
    with pytest.raises(ValueError, match="one value of the column destination"):
        ons_assets.protect(counts, fewest=3, totals={"origin": None})
    told, _ = ons_assets.protect(counts, fewest=3, totals={"destination": "all"})
    assert not told.is_empty()
    # A sum by chance may be said to be none; a column of two values has none.
    chance = pl.DataFrame({"area": ["A", "B", "C"], "count": [11, 13, 24]})
    with pytest.raises(ValueError, match="one value of the column area"):
        ons_assets.protect(chance)
    assert ons_assets.protect(chance, totals={"area": None})[0].equals(chance)
    assert len(ons_assets.protect(chance[:2].with_columns(count=11))[0]) == 2


def test_clusters_are_numbered_within_each_group_in_the_order_of_rows() -> None:
    east = [0.0, 500.0, 0.0, 500.0, 1.0, 501.0, 1.0, 9_000.0]
    points = pl.DataFrame({"user": list("babababa"), "easting_m": east, "northing_m": 0.0})
    assert ons_assets.dbscan(points, by="user", min_points=2)["cluster"].to_list() == [0, 0, 0, 0, 0, 0, 0, -1]
    assert ons_assets.dbscan(points, min_points=2)["cluster"].to_list() == [0, 1, 0, 1, 0, 1, 0, -1]


def test_areas_may_be_numbers_of_another_width() -> None:
    wide = FLOWS.with_columns(origin=pl.lit(1, pl.Int64()), destination=pl.Series([1, 2]))
    narrow = wide.cast({"origin": pl.Int32(), "destination": pl.Int16()})
    assert ons_assets.compare_flows(wide, narrow)["cpc"] == 1


def test_each_item_shows_the_periods_of_all() -> None:
    quotes = pl.concat([QUOTES, QUOTES.with_columns(item=pl.lit("tea"))[:2]])
    found = ons_assets.price_index(quotes, "jevons", by=["item"])
    assert found.select("item", "period").rows() == [
        ("drinks", "2024-01"),
        ("drinks", "2024-02"),
        ("tea", "2024-01"),
        ("tea", "2024-02"),
    ]
    assert found["index"].is_null().to_list() == [False, False, False, True]


@pytest.mark.parametrize(
    "columns",
    [
        {"code": ["1", "2", "3", "all"], "name": ["x", "y", "z", "Total"], "count": [40, 4, 25, 69]},
        {
            "origin": ["A", "A", "A", "B", "B"],
            "destination": ["A", "B", "all", "A", "B"],
            "count": [120, 6, 126, 31, 200],
        },
    ],
    ids=["a code and its name", "a total in one group alone"],
)
def test_a_total_of_which_nothing_was_said_is_refused(columns: dict[str, list[object]]) -> None:
    """Else a small count follows from what is told."""
    with pytest.raises(ValueError, match="is the sum of all others"):
        ons_assets.protect(pl.DataFrame(columns))


def test_a_lazy_frame_that_fails_quotes_nobody() -> None:
    people = pl.LazyFrame({"user": ["a secret"], "place": ["b"], "start": [datetime(2026, 3, 2)]})
    with pytest.raises(ValueError, match="the lazy frame cannot be collected") as told:
        ons_assets.infer_anchors(people.with_columns(pl.col("user").cast(pl.Int64)))
    assert "secret" not in str(told.value) + str(told.value.__cause__) + str(told.value.__context__)


def test_a_function_of_the_caller_that_fails_quotes_nobody() -> None:
    def number(value: str) -> int:
        return int(value)

    quotes = QUOTES.lazy().with_columns(pl.col("product").map_elements(number, return_dtype=pl.Int64))
    with pytest.raises(ValueError, match="the lazy frame cannot be collected") as told:
        ons_assets.price_index(quotes, "jevons")
    assert "secret" not in str(told.value) + str(told.value.__context__)


@pytest.mark.parametrize("seed", range(12))
def test_a_small_table_is_protected_and_not_refused(seed: int) -> None:
    """Of two by three cells, some of them 0: what the last attack finds is withheld, too."""
    draw = random.Random(seed)
    cells = [(row, column, draw.choice([0, 6, 8, 22, 23, 31])) for row in "ab" for column in "xyz"]
    counts = pl.DataFrame(cells, schema=["row", "column", "count"], orient="row")
    for name, other in (("column", "row"), ("row", "column")):
        whole = counts.group_by(other).agg(pl.col("count").sum()).with_columns(pl.lit("all").alias(name))
        counts = pl.concat([counts, whole.select(counts.columns)])
    told, _ = ons_assets.protect(counts, totals={"row": "all", "column": "all"})
    assert set(told.rows()) <= set(counts.rows())
    assert told["count"].min() is None or told["count"].min() >= 10
    # No sum of a row or of a column leaves less than ten that is not zero.
    for name, other in (("column", "row"), ("row", "column")):
        of_whole = dict(told.filter(pl.col(name) == "all").select(other, "count").rows())
        parts = dict(told.filter(pl.col(name) != "all").group_by(other).agg(pl.col("count").sum()).rows())
        assert all(number - parts.get(key, 0) in (0, *range(10, 999)) for key, number in of_whole.items())
