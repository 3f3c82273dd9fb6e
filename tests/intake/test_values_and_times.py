import io
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.intake import times, values
from ons_assets.intake.layouts import Layout
from tests.intake.reading import read
from tests.intake.workbooks import workbook


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
        ("1,299", {}, None),
        ("1,299", {"decimal": "."}, 1299.0),
        ("1,299", {"thousands": ","}, 1299.0),
        ("1,234,567", {}, 1234567.0),
        ("0,999", {}, None),
        ("0,999", {"thousands": ","}, None),
        ("0.999", {"decimal": ","}, None),
        (",99", {"decimal": ","}, 0.99),
        (".99", {}, 0.99),
        ("1,5E-3", {"decimal": ","}, 0.0015),
        ("1,29 EUR", {"decimal": ","}, 1.29),
        ("CHF 3.40", {}, 3.4),
        ("12,50kr", {"decimal": ","}, 12.5),
        ("12,50 kr.", {"decimal": ","}, 12.5),
        ("9,99 zł", {"decimal": ","}, 9.99),
        ("389 Ft", {}, 389.0),
        ("3,-", {}, 3.0),
        ("12.\N{EN DASH}", {}, 12.0),
        ("1\N{RIGHT SINGLE QUOTATION MARK}299.00", {}, 1299.0),
        ("1\N{RIGHT SINGLE QUOTATION MARK}299,00", {"decimal": ","}, 1299.0),
        ("1\N{NARROW NO-BREAK SPACE}299", {}, 1299.0),
        ("12 34", {}, None),
        ("EUR", {}, None),
        ("VON 3,40", {"decimal": ","}, None),
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


@given(st.dates(date(2014, 1, 1), date(2060, 12, 31)), st.sampled_from(["%G-W%V", "%G%V", "%V/%G"]))
def test_a_week_is_its_monday(day: date, form: str) -> None:
    found = times.moments(pl.Series([day.strftime(form)]), layout(time_formats=[form], zone="UTC")).early.item()
    assert found.date() == day - timedelta(days=day.weekday())


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
marks = st.sampled_from(
    [{}, {"decimal": "."}, {"decimal": ","}, {"thousands": ","}, {"decimal": ",", "thousands": "."}]
)


def _as_json_lines(numbers: list[float]) -> bytes:
    return "".join(f'{{"value": {each!r}}}\n' for each in numbers).encode()


def _as_json(numbers: list[float]) -> bytes:
    return json.dumps([{"value": each} for each in numbers]).encode()


def _as_geojson(numbers: list[float]) -> bytes:
    features = [{"type": "Feature", "properties": {"value": each}, "geometry": None} for each in numbers]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _as_parquet(numbers: list[float]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"value": numbers}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("written", "column"),
    [
        (_as_json_lines, "value"),
        (_as_json, "value"),
        (_as_geojson, "properties.value"),
        (_as_parquet, "value"),
        (lambda numbers: workbook({"S": [["value"], *([each] for each in numbers)]}), "value"),
    ],
)
@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.one_of(st.floats(1e-6, 1e15), st.integers(-9999, 9999).map(lambda n: n / 8)), min_size=1),
    said=marks,
)
def test_a_number_that_a_file_holds_as_a_number_is_that_number_whatever_marks_texts_have(
    tmp_path_factory: pytest.TempPathFactory,
    written: Callable[[list[float]], bytes],
    column: str,
    numbers: list[float],
    said: dict[str, str],
) -> None:
    path = tmp_path_factory.mktemp("numbers") / "a"
    blocks = read(path, written(numbers), **said)
    found = [each for block in blocks for each in values.number(block.rows[column], layout(**said)).to_list()]
    assert found == pytest.approx(numbers, rel=1e-15)


@given(finite, marks)
def test_a_number_is_read_as_what_is_written_or_not_at_all(number: float, said: dict[str, str]) -> None:
    """However a layout has it, a comma or a point never moves."""
    for text in (f"{number:.3f}", f"{number:.3f}".replace(".", ","), f"{number:,.2f}", f"{number:.0f}"):
        read_as = values.number(pl.Series([text]), layout(**said)).item()
        meanings = {float(text.replace(",", "."))} if text.count(",") + text.count(".") == 1 else set()
        if said.get("decimal") == "," or said.get("thousands") == ".":
            meanings.add(float(text.replace(".", "").replace(",", ".")) if text.count(",") < 2 else math.nan)
        if said.get("decimal") != "," and (said or text.count(",") != 1 or "." in text):
            meanings.add(float(text.replace(",", "")))
        assert read_as is None or read_as in (meanings or {float(text)})


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


@pytest.mark.parametrize("forms", [["%Y-%m-%d", "epoch"], ["epoch", "epoch-ms"], ["epoch-ms", "%d/%m/%Y", "epoch"]])
@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Float64, pl.String])
def test_an_epoch_is_read_wherever_it_stands_in_the_list(forms: list[str], dtype: type[pl.DataType]) -> None:
    """Of the two the size decides, not the order; numbers of Parquet and JSON are read as their digits."""
    seconds = pl.Series([1_617_249_600, 1_700_000_000, None])
    said = layout(time_formats=forms)
    expected = seconds.cast(pl.Int64) * 1_000_000
    for per_second in [1, *([1_000] if "epoch-ms" in forms else [])]:
        read = times.moments((seconds * per_second).cast(dtype), said).early
        assert read.cast(pl.Int64).equals(expected)


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Float64])
def test_days_that_are_written_as_numbers_are_days(dtype: type[pl.DataType]) -> None:
    column = pl.Series([20160721, 20161301, None]).cast(dtype)
    expected = [date(2016, 7, 21), None, None]
    assert times.days(column, layout(date_formats=["%Y%m%d"])).to_list() == expected
    read = times.moments(column, layout(time_formats=["%Y%m%d"]), "UTC").early
    assert read.dt.date().to_list() == expected
