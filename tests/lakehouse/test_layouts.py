from datetime import UTC, date, datetime

import polars as pl

from ons_assets.lakehouse.layouts import Layout, as_date, as_number, as_text, as_time_utc
from ons_assets.lakehouse.tabular import first_reason

LAYOUT = Layout(
    name="trips",
    columns={"origin": "von", "count": "n"},
    optional={"age": "alter"},
    constants={"unit": "trips", "age": "all"},
    codes={"origin": {"x": "X"}},
    only={"zweck": ("arbeit",)},
    detail=("stunde",),
    time_formats=("%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%:z"),
    zone="Europe/Vienna",
)
ROWS = pl.DataFrame(
    {
        "line": [2, 3, 4],
        "von": [" x", "y", "z"],
        "n": ["1", "2", "3"],
        "zweck": ["arbeit", "einkauf", None],
        "stunde": ["7", "8", "9"],
    }
)


def test_a_layout_names_selects_recodes_and_tells_what_it_leaves_out() -> None:
    kept, left_out = LAYOUT.apply(ROWS)
    assert kept.rows(named=True) == [
        {"line": 2, "origin": "X", "count": "1", "unit": "trips", "age": "all", "detail": "stunde=7"}
    ]
    assert left_out.rows() == [(3, "left out by the layout trips", ""), (4, "left out by the layout trips", "")]


def test_a_column_that_a_file_has_goes_before_what_all_rows_have() -> None:
    kept, _ = LAYOUT.apply(ROWS.with_columns(alter=pl.lit("16-24")))
    assert kept["age"].to_list() == ["16-24"]


def test_text_numbers_and_times_are_read_or_null() -> None:
    rows = pl.DataFrame(
        {
            "text": [" a ", "", None],
            "number": ["1.5 ", "many", "inf"],
            "time": ["26.10.2014 02:30", "2014-10-26T02:30:00+01:00", "noon"],
            "day": ["2014-10-26", "2014-10-26T00:00:00", "x"],
        }
    )
    found = rows.select(
        as_text(rows, "text", "none"),
        as_number(rows, "number"),
        as_number(rows, "absent"),
        as_time_utc(rows, "time", LAYOUT),
        as_date(rows, "day", LAYOUT),
    )
    assert found["text"].to_list() == ["a", "none", "none"]
    assert found["number"].to_list() == [1.5, None, None]
    assert found["absent"].to_list() == [None] * 3
    # Of the hour that the clock shows twice, the first is taken: 02:30 summer time is half past midnight UTC.
    assert found["time"].to_list() == [
        datetime(2014, 10, 26, 0, 30, tzinfo=UTC),
        datetime(2014, 10, 26, 1, 30, tzinfo=UTC),
        None,
    ]
    assert found["day"].to_list() == [date(2014, 10, 26), date(2014, 10, 26), None]


def test_typed_times_keep_their_zone_or_get_that_of_the_layout() -> None:
    naive = pl.DataFrame({"time": [datetime(2014, 7, 1, 12)]})
    assert naive.select(as_time_utc(naive, "time", LAYOUT)).item() == datetime(2014, 7, 1, 10, tzinfo=UTC)
    zoned = pl.DataFrame({"time": [datetime(2014, 7, 1, 12, tzinfo=UTC)]})
    assert zoned.select(as_time_utc(zoned, "time", LAYOUT)).item() == datetime(2014, 7, 1, 12, tzinfo=UTC)
    number = pl.DataFrame({"time": [5]})
    assert number.select(as_time_utc(number, "time", LAYOUT)).item() is None


def test_of_several_reasons_the_first_counts_and_an_unknown_condition_holds() -> None:
    rows = pl.DataFrame({"n": [-1, 5, None]})
    why = rows.select(first_reason([(pl.col("n") < 0, "negative"), (pl.col("n") > 3, "large")])).to_series()
    assert why.to_list() == ["negative", "large", "negative"]
