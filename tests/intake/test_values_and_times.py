from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout


def layout(**said: object) -> Layout:
    return Layout.model_validate({"name": "test", "columns": {}, **said})


@pytest.mark.parametrize(
    ("text", "said", "number"),
    [
        ("1.5", {}, 1.5),
        (" £1.50 ", {}, 1.5),
        ("1,299.00", {}, 1299.0),
        ("85p", {}, 0.85),
        ("€ 2", {}, 2.0),
        ("$\N{NO-BREAK SPACE}3", {}, 3.0),
        ("-0.5", {}, -0.5),
        ("1e3", {}, 1000.0),
        ("1,5", {}, None),
        ("12,50", {}, None),
        ("1,2345", {}, None),
        ("inf", {}, None),
        ("nan", {}, None),
        ("ten", {}, None),
        ("1,5", {"decimal": ","}, 1.5),
        ("1.234,5", {"decimal": ","}, 1234.5),
        ("1.234", {"decimal": ","}, 1234.0),
        ("0,99 €", {"decimal": ","}, 0.99),
        ("1.5", {"decimal": ","}, None),
        ("1'299.50", {"thousands": "'"}, 1299.5),
        ("1 299,50", {"decimal": ",", "thousands": " "}, 1299.5),
        ("1,299", {"thousands": ""}, None),
    ],
)
def test_numbers_are_read_as_the_layout_says_and_never_guessed(
    text: str, said: dict[str, object], number: float | None
) -> None:
    assert values.number(pl.Series([text]), layout(**said)).to_list() == [number]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_a_number_comes_back_to_the_last_digit(number: float) -> None:
    assert values.number(pl.Series([repr(number)]), layout()).item() == number


@given(st.integers(0, 10**18))
def test_identifiers_keep_all_digits_or_are_none(identifier: int) -> None:
    exact = str(identifier)
    assert values.identifier(pl.Series([exact])).item() == exact
    through_double = values.identifier(pl.Series([float(identifier)])).item()
    assert through_double == (exact if identifier < 2**53 else None)
    assert values.identifier(pl.Series([f"{identifier}.0"])).item() == through_double


@pytest.mark.parametrize(
    ("text", "said", "utc"),
    [
        ("2021-10-29 00:30:00", {"zone": "Europe/London"}, datetime(2021, 10, 28, 23, 30, tzinfo=UTC)),
        ("2021-10-29T00:30:00Z", {"time_format": "%Y-%m-%dT%H:%M:%S%z"}, datetime(2021, 10, 29, 0, 30, tzinfo=UTC)),
        ("2018-05-19T00:30:00+0100", {"time_format": "%Y-%m-%dT%H:%M:%S%z"}, datetime(2018, 5, 18, 23, 30, tzinfo=UTC)),
        (
            "2021-10-29T00:30:00+01:00",
            {"time_format": "%Y-%m-%dT%H:%M:%S%:z"},
            datetime(2021, 10, 28, 23, 30, tzinfo=UTC),
        ),
        ("1617249600", {"time_format": "epoch"}, datetime(2021, 4, 1, 4, tzinfo=UTC)),
        ("1617249600500", {"time_format": "epoch-ms"}, datetime(2021, 4, 1, 4, 0, 0, 500_000, tzinfo=UTC)),
        ("29.10.2021 24:00", {"zone": "UTC", "time_format": "%d.%m.%Y %H:%M"}, datetime(2021, 10, 30, tzinfo=UTC)),
        ("31.12.2021 24:00:00", {"zone": "UTC", "time_format": "%d.%m.%Y %H:%M:%S"}, datetime(2022, 1, 1, tzinfo=UTC)),
        (
            "2021-12-31T24:00+01:00",
            {"time_format": "%Y-%m-%dT%H:%M%:z"},
            datetime(2021, 12, 31, 23, tzinfo=UTC),
        ),
        ("29/10/2021 7", {"zone": "UTC", "time_format": "%d/%m/%Y %H"}, datetime(2021, 10, 29, 7, tzinfo=UTC)),
        ("29/10/2021 24", {"zone": "UTC", "time_format": "%d/%m/%Y %H"}, datetime(2021, 10, 30, tzinfo=UTC)),
        ("29/10/2021 25", {"zone": "UTC", "time_format": "%d/%m/%Y %H"}, None),
        ("2021 Jun 24", {"zone": "UTC", "time_format": "%Y %b %d"}, datetime(2021, 6, 24, tzinfo=UTC)),
        ("2021-03-28 01:30:00", {"zone": "Europe/London"}, None),
        ("29/10/2021", {"zone": "UTC"}, None),
        ("2021-10-29 00:30:00", {}, None),
        ("2016-07", {"zone": "UTC", "time_format": "%Y-%m"}, datetime(2016, 7, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_the_layout_says(text: str, said: dict[str, object], utc: datetime | None) -> None:
    assert times.moments(pl.Series([text]), layout(**said)).early.to_list() == [utc]


def test_an_hour_that_comes_twice_has_an_early_and_a_late_moment() -> None:
    said = layout(zone="Europe/Berlin", time_format="%d.%m.%Y %H:%M")
    plain = times.moments(pl.Series(["31.10.2021 02:15"]), said)
    assert plain.are_ambiguous
    assert (plain.late - plain.early).item() == timedelta(hours=1)
    marked = times.moments(pl.Series(["31.10.2021 2A:15", "31.10.2021 2B:15"]), said)
    assert not marked.are_ambiguous
    assert marked.early.to_list() == [plain.early.item(), plain.late.item()]


def test_several_formats_are_tried_in_order() -> None:
    said = layout(zone="UTC", time_formats=["%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M"])
    found = times.moments(pl.Series(["01/02/2020 10:00", "2020-02-01 10:00", "x"]), said).early
    assert found.to_list() == [datetime(2020, 2, 1, 10, tzinfo=UTC)] * 2 + [None]


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2059, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    st.sampled_from(["Europe/London", "Australia/Sydney", "UTC", "America/New_York"]),
)
def test_a_moment_is_what_python_says(naive: datetime, zone: str) -> None:
    local = ZoneInfo(zone)
    found = times.moments(pl.Series([f"{naive}"]), layout(zone=zone))
    folds = [naive.replace(tzinfo=local, fold=fold).astimezone(UTC) for fold in (0, 1)]
    exists = folds[0].astimezone(local).replace(tzinfo=None) == naive
    assert [found.early.item(), found.late.item()] == (folds if exists else [None, None])


def test_days_are_read_from_dates_and_times() -> None:
    said = layout(date_formats=["%d.%m.%Y"], time_formats=["%d.%m.%Y %H:%M"])
    texts = pl.Series(["01.02.2020", "01.02.2020 23:59", "2020-02-01T05:00:00Z", "2020-02-30", None])
    assert times.days(texts, said).to_list() == [date(2020, 2, 1)] * 3 + [None, None]
