"""Files of readings: every layout, every unit, every clock, and everything that suppliers do wrong."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from tests.meters.conftest import SECRET, Read

LONG = {"columns": {"meter": "id", "time": "time", "value": "value"}, "unit": "kWh"}


def readings(parsed: pl.DataFrame, row: int = 0) -> np.ndarray:
    return np.array(parsed["readings_kwh"][row].to_list(), dtype=np.float64)


def long_csv(*rows: str, header: str = "id,time,value") -> str:
    return "\n".join([header, *rows]) + "\n"


def reasons(parsed: object) -> dict[int, str]:
    return dict(parsed.rejected.select("line", "reason").iter_rows())  # type: ignore[attr-defined]


# -- CER text


def test_the_real_sample_is_read_as_kilowatts(shared_data: Path, read: Read) -> None:
    parsed = read(shared_data / "meters" / "cer_raw_layout_sample.txt")
    row = parsed.accepted.row(0, named=True)
    assert str(row["day"]) == "2009-07-14"
    assert row["zone"] == "Europe/Dublin"
    assert row["received"] == 4
    assert readings(parsed.accepted)[2:6] == pytest.approx([0.07, 0.069, 0.07, 0.0725])
    assert np.isnan(readings(parsed.accepted)).sum() == 44


def test_the_unit_of_cer_text_is_a_setting(shared_data: Path, read: Read) -> None:
    parsed = read(shared_data / "meters" / "cer_raw_layout_sample.txt", cer_unit="kWh")
    assert readings(parsed.accepted)[2:6] == pytest.approx([0.14, 0.138, 0.14, 0.145])


def test_the_autumn_day_has_fifty_slots_as_time_passes(read: Read) -> None:
    # Day 298 is 2009-10-25.
    parsed = read("".join(f"1000 298{slot:02d} {slot / 100}\n" for slot in range(1, 52)), cer_unit="kWh")
    assert readings(parsed.accepted) == pytest.approx(np.arange(1, 51) / 100)
    assert reasons(parsed) == {51: "slot is not one of its day"}


def test_the_spring_day_follows_the_clock_or_leaves_out_others_or_counts_on(read: Read) -> None:
    # Day 452 is 2010-03-28.
    by_clock = "".join(f"1000 452{slot:02d} {slot / 100}\n" for slot in range(1, 49))
    parsed = read(by_clock, cer_unit="kWh")
    assert readings(parsed.accepted) == pytest.approx(np.array([1, 2, *range(5, 49)]) / 100)
    assert parsed.accepted["skipped_hour"][0] == 2
    parsed = read(by_clock, cer_unit="kWh", cer_spring_slots="without_2_and_3")
    assert readings(parsed.accepted) == pytest.approx(np.array([1, *range(4, 49)]) / 100)
    assert parsed.accepted["skipped_hour"][0] == 2
    counted = "".join(f"1000 452{slot:02d} {slot / 100}\n" for slot in range(1, 48))
    parsed = read(counted, cer_unit="kWh", cer_spring_slots="elapsed")
    assert readings(parsed.accepted) == pytest.approx(np.arange(1, 47) / 100)
    assert reasons(parsed) == {47: "slot is not one of its day"}


def test_lines_of_cer_text_that_are_no_reading(read: Read) -> None:
    lines = [
        "1000 19501 0.2",
        "1000 19560 0.2",
        "1000 19502 abc",
        "1000 19503 NaN",
        "1000 19504 inf",
        "1000 00001 0.2",
        "ABC 19505 0.2",
        "1000 1950 0.2",
        "1000 19506",
        "1000 19507 0.2 0.3",
        "",
        "1000 19508 250",
        *(f"1000 196{slot:02d} 0.2" for slot in range(1, 20)),
    ]
    parsed = read("\n".join(lines))
    assert reasons(parsed) == {
        2: "slot is not one of its day",
        3: "value is not a number",
        4: "value is not finite",
        5: "value is not finite",
        6: "day is before the first day of the count",
        7: "meter is not a whole number",
        8: "day and slot are not five digits",
        9: "not three fields",
        10: "not three fields",
        12: "value is above what a domestic supply can carry",
    }
    assert parsed.accepted["received"].sum() + len(parsed.rejected) == len(lines) - 1
    assert parsed.accepted.select("unreadable", "too_large").sum().row(0) == (3, 1)


def test_a_gzip_of_cer_text_is_the_same(read: Read) -> None:
    text = "".join(f"1000 195{slot:02d} 0.2\n" for slot in range(1, 49)).encode()
    assert read(gzip.compress(text)).accepted.equals(read(text).accepted)
    assert "ends inside a record" in read(gzip.compress(text * 2000)[:-40]).notes


# -- Low Carbon London


def test_the_real_london_meter(shared_data: Path, read: Read) -> None:
    parsed = read(shared_data / "meters" / "lcl_MAC000002_raw.csv.gz")
    counts = parsed.accepted.select(pl.col("received", "repeated", "contradictory", "off_grid", "unreadable").sum())
    assert counts.row(0) == (24_157, 17, 0, 1, 1)
    assert parsed.rejected["reason"].to_list() == ["time is off the grid of its interval, and value is missing"]
    assert parsed.accepted["received"].sum() + len(parsed.rejected) == 24_158
    # The first stamp, 00:30, ends the first half hour; the last, 00:00 on the 28th, the last of the 27th.
    assert (str(parsed.accepted["day"][0]), str(parsed.accepted["day"][-1])) == ("2012-10-12", "2014-02-27")
    # Stamps are UTC: the days on which London changes its clocks have 50 and 46 half hours.
    lengths = dict(parsed.accepted.select(pl.col("day").cast(str), pl.col("readings_kwh").list.len()).iter_rows())
    assert (lengths["2012-10-28"], lengths["2013-03-31"], lengths["2013-10-27"]) == (50, 46, 50)
    assert sorted(set(lengths.values())) == [46, 48, 50]


# -- long tables, by mapping


@pytest.mark.parametrize(("unit", "factor"), [("kWh", 1), ("Wh", 0.001), ("kW", 0.5), ("W", 0.0005), ("MWh", 1000)])
def test_units_are_turned_into_kilowatt_hours(read: Read, unit: str, factor: float) -> None:
    value = 0.25 / factor
    parsed = read(long_csv(f"a,2020-01-01 00:00:00,{value!r}"), {**LONG, "unit": unit})
    assert readings(parsed.accepted)[0] == pytest.approx(0.25)


def test_a_column_of_units_and_one_that_nobody_knows(read: Read) -> None:
    mapping = {"columns": {**LONG["columns"], "unit": "unit"}}
    rows = ["a,2020-01-01 00:00,250,Wh", "a,2020-01-01 00:30,0.5,kw", "a,2020-01-01 01:00,1,therm"]
    rows += [f"a,2020-01-02 {hour:02d}:00,0.2,kWh" for hour in range(5)]
    parsed = read(long_csv(*rows, header="id,time,value,unit"), {**mapping, "time_format": "%Y-%m-%d %H:%M"})
    assert readings(parsed.accepted)[:2] == pytest.approx([0.25, 0.25])
    assert reasons(parsed) == {4: "unit is not one of kWh, Wh, MWh, kW and W"}


def test_an_unknown_unit_of_a_mapping_is_a_sentence(read: Read) -> None:
    with pytest.raises(Unreadable, match=r"own\.yaml: unit"):
        read(long_csv("a,2020-01-01 00:00:00,1"), {**LONG, "unit": "therm"})
    with pytest.raises(Unreadable, match="does not say unit"):
        read(long_csv("a,2020-01-01 00:00:00,1"), {"columns": LONG["columns"]})


def test_records_that_are_no_reading(read: Read) -> None:
    rows = [
        "a,2020-01-01 00:00:00,0.2",
        "a,2020-13-45 00:30:00,0.2",
        "a,1970-01-01 00:00:00,0.2",
        "a,2090-01-01 00:00:00,0.2",
        "a,2020-01-01 00:47:00,0.2",
        "a,2020-01-01 01:00:00,plenty",
        "a,2020-01-01 01:30:00,Null",
        "a,2020-01-01 02:00:00,NaN",
        "a,2020-01-01 02:30:00,-inf",
        "a,2020-01-01 03:00:00,900",
        ",2020-01-01 03:30:00,0.2",
        "a,2020-01-01 04:00:00",
        *(f"a,2020-01-02 {hour:02d}:00:00,0.2" for hour in range(20)),
    ]
    parsed = read(long_csv(*rows), LONG)
    assert reasons(parsed) == {
        3: "time is missing, cannot be read, or is one that the clock skips",
        4: "time is before 2000",
        5: "time is in the future",
        6: "time is off the grid of its interval",
        7: "value is no finite number",
        8: "value is missing",
        9: "value is missing",
        10: "value is no finite number",
        11: "value is above what a domestic supply can carry",
        12: "meter is missing",
        13: "2 fields where 3 are expected",
    }
    assert parsed.accepted["received"].sum() + len(parsed.rejected) == len(rows)
    assert parsed.accepted.select("off_grid", "unreadable", "too_large").sum().row(0) == (1, 4, 1)


def test_jitter_is_moved_onto_the_grid_only_where_the_mapping_says_so(read: Read) -> None:
    text = long_csv("a,2020-01-01 00:00:04,0.2", "a,2020-01-01 00:29:57,0.3", "a,2020-01-01 01:00:00,0.4")
    parsed = read(text, {**LONG, "tolerance_seconds": 5})
    assert readings(parsed.accepted)[:3] == pytest.approx([0.2, 0.3, 0.4])
    assert reasons(read(text, LONG)) == dict.fromkeys((2, 3), "time is off the grid of its interval")


def test_repeated_and_contradictory_readings(read: Read) -> None:
    rows = ["a,2020-01-01 00:00:00,0.2"] * 3 + ["a,2020-01-01 00:30:00,0.2", "a,2020-01-01 00:30:00,0.3"]
    parsed = read(long_csv(*rows), LONG)
    assert readings(parsed.accepted)[0] == pytest.approx(0.2)
    assert np.isnan(readings(parsed.accepted)[1])
    assert parsed.accepted.select("received", "repeated", "contradictory").row(0) == (5, 2, 1)


def test_the_order_of_a_file_does_not_matter(read: Read) -> None:
    rows = [f"{meter},2020-01-0{day} 0{hour}:00:00,0.{hour}" for meter in "ab" for day in (1, 2) for hour in range(5)]
    shuffled = [rows[index] for index in np.random.default_rng(1).permutation(len(rows))]
    assert read(long_csv(*rows), LONG).accepted.equals(read(long_csv(*shuffled), LONG).accepted)


def test_wall_clock_stamps_of_the_hour_that_comes_twice(read: Read) -> None:
    stamps = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"]
    text = long_csv(*(f"a,2019-10-27 {stamp}:00,0.{number}" for number, stamp in enumerate(stamps, start=1)))
    parsed = read(text, {**LONG, "zone": "Europe/London"})
    assert parsed.accepted["readings_kwh"].list.len().to_list() == [50]
    assert readings(parsed.accepted)[1:7] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert parsed.accepted["contradictory"][0] == 0


def test_wall_clock_stamps_that_the_clock_skips(read: Read) -> None:
    text = long_csv("a,2019-03-31 00:30:00,0.1", "a,2019-03-31 01:00:00,0.2", "a,2019-03-31 02:00:00,0.3")
    parsed = read(text, {**LONG, "zone": "Europe/London"})
    assert readings(parsed.accepted)[1:3] == pytest.approx([0.1, 0.3])
    assert list(reasons(parsed)) == [3]


def test_a_stamp_with_its_own_zone_in_parquet(tmp_path: Path, read: Read) -> None:
    times = pl.Series(["2020-07-01 00:00:00", "2020-07-01 00:30:00"]).str.to_datetime(time_zone="UTC")
    pl.DataFrame({"id": [7, 7], "time": times, "value": [0.1, 0.2]}).write_parquet(tmp_path / "typed.parquet")
    parsed = read(tmp_path / "typed.parquet", {**LONG, "zone": "Europe/London", "local_zone": "Europe/London"})
    # Midnight UTC is one o'clock of British Summer Time.
    assert readings(parsed.accepted)[2:4] == pytest.approx([0.1, 0.2])


def test_a_register_gives_the_differences_of_what_it_shows(read: Read) -> None:
    shows = [100.0, 100.5, 100.7, 100.7, 99.0, 99.25]
    rows = [f"a,2020-01-01 {22 + number // 2}:{number % 2 * 30:02d}:00,{show}" for number, show in enumerate(shows[:4])]
    rows += ["a,2020-01-02 00:00:00,99.0", "a,2020-01-02 00:30:00,99.25", "a,2020-01-02 01:30:00,99.75"]
    parsed = read(long_csv(*rows), {**LONG, "reading": "register"})
    first, second = readings(parsed.accepted, 0), readings(parsed.accepted, 1)
    assert first[44:47] == pytest.approx([0.5, 0.2, 0.0], abs=1e-6)
    assert np.isnan(first[47])  # the register went back over midnight: it was changed
    assert parsed.accepted["negative"].to_list() == [1, 0]
    assert second[0] == pytest.approx(0.25)
    assert np.isnan(second[1:4]).all()  # what a gap used in all is known, but not when


def test_a_large_register_keeps_its_precision(read: Read) -> None:
    parsed = read(
        long_csv("a,2020-01-01 00:00:00,123456.781", "a,2020-01-01 00:30:00,123456.792"),
        {**LONG, "reading": "register"},
    )
    assert readings(parsed.accepted)[0] == pytest.approx(0.011, abs=1e-6)


def test_shorter_intervals_make_a_half_hour_only_together(read: Read) -> None:
    rows = [f"a,2020-01-01 00:{minute:02d}:00,1200" for minute in (0, 15, 30)]
    parsed = read(long_csv(*rows), {**LONG, "unit": "W", "interval_minutes": 15})
    assert readings(parsed.accepted)[0] == pytest.approx(0.6)
    assert np.isnan(readings(parsed.accepted)[1])


def test_meter_names_of_any_type_are_one_meter(tmp_path: Path, read: Read) -> None:
    number = read(long_csv("1392,2020-01-01 00:00:00,0.2"), LONG).accepted["meter"][0]
    assert number == read(long_csv(" 1392.0 ,2020-01-01 00:00:00,0.2"), LONG).accepted["meter"][0]
    for name, ids in {"whole": [1392], "float": [1392.0], "text": ["1392"]}.items():
        frame = pl.DataFrame({"id": ids, "time": ["2020-01-01 00:00:00"], "value": [0.2]})
        frame.write_parquet(tmp_path / f"{name}.parquet")
        assert read(tmp_path / f"{name}.parquet", LONG).accepted["meter"][0] == number
    assert number != read(long_csv("1392,2020-01-01 00:00:00,0.2"), {**LONG, "trial": "other"}).accepted["meter"][0]
    assert number == Pseudonyms(SECRET).of("own", 1392)
    assert number != Pseudonyms(b"another key").of("own", 1392)


def test_a_meter_that_is_a_list_is_no_meter(tmp_path: Path, read: Read) -> None:
    frame = pl.DataFrame({"id": [[1]], "time": ["2020-01-01 00:00:00"], "value": [0.2]})
    frame.write_parquet(tmp_path / "nested.parquet")
    with pytest.raises(Unreadable, match="1 row: meter is missing"):
        read(tmp_path / "nested.parquet", LONG)


def test_negative_readings_are_kept_and_counted(read: Read) -> None:
    parsed = read(long_csv("a,2020-01-01 00:00:00,-0.4", "a,2020-01-01 00:30:00,0.3"), LONG)
    assert readings(parsed.accepted)[0] == pytest.approx(-0.4)
    assert parsed.accepted["negative"][0] == 1


# -- dates with slots, and wide days


def test_a_day_with_sixty_slots(read: Read) -> None:
    mapping = {
        "columns": {"meter": "id", "date": "date", "slot": "slot", "value": "value"},
        "unit": "kWh",
        "local_zone": "Europe/London",
    }
    rows = [f"a,2020-01-01,{slot},0.1" for slot in range(1, 61)]
    parsed = read(long_csv(*rows, header="id,date,slot,value"), mapping)
    assert readings(parsed.accepted) == pytest.approx([0.1] * 48)
    assert parsed.rejected["reason"].unique().to_list() == ["slot is not one of its day"]
    assert len(parsed.rejected) == 12


def test_wide_days(read: Read) -> None:
    columns = [f"h{slot}" for slot in range(1, 49)]
    mapping = {"columns": {"meter": "id", "date": "date"}, "unit": "Wh", "day_columns": columns}
    header = ",".join(["id", "date", *columns])
    values = ["100"] * 46 + ["", "Null"]
    parsed = read(f"{header}\na,2020-01-01,{','.join(values)}\n", mapping)
    assert readings(parsed.accepted)[:46] == pytest.approx([0.1] * 46)
    assert np.isnan(readings(parsed.accepted)[46:]).all()
    # What stands for nothing is an interval without a reading, and no record.
    assert parsed.accepted.select("received", "unreadable").row(0) == (46, 0)
    assert reasons(parsed) == {}


def test_a_wide_day_of_sixty_columns_has_another_layout(read: Read) -> None:
    columns = [f"h{slot}" for slot in range(1, 49)]
    mapping = {"columns": {"meter": "id", "date": "date"}, "unit": "Wh", "day_columns": [*columns, "h49"]}
    with pytest.raises(Unreadable, match=r"no header that a layout knows|layout that is not known"):
        read(f"{','.join(['id', 'date', *columns])}\na,2020-01-01,{','.join(['1'] * 48)}\n", mapping)


# -- whole files


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"hello world\n", "has no header that a layout knows"),
        (b"id,time,value\n", "has a header and no rows"),
        (b"PAR1 nonsense", "Parquet"),
    ],
)
def test_files_that_cannot_be_read_at_all(read: Read, content: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(content, LONG)


def test_too_many_unreadable_rows_end_the_reading(read: Read) -> None:
    good = [f"a,2020-01-01 {hour:02d}:00:00,0.1" for hour in range(24)]
    with pytest.raises(Unreadable, match="more than 3 rows"):
        read(long_csv(*good, *["a,2020-01-02 00:00:00,x"] * 4), LONG, max_rejected_rows=3)


def homes(value: float, count: int) -> str:
    rows = [
        f"m{home},2020-01-01 {slot // 2:02d}:{slot % 2 * 30:02d}:00,{value}"
        for home in range(count)
        for slot in range(48)
    ]
    return long_csv(*rows)


@pytest.mark.parametrize(
    ("value", "count", "said"),
    [
        (0.23, 12, None),
        (0.33, 12, None),
        (0.35, 12, "the median of 12 homes uses 1.53 times"),
        (0.35, 3, "uses far more than what is plausible"),
        (0.35, 2, None),
        (0.7, 1, "uses far more than what is plausible"),
        (0.12, 12, None),
        (0.05, 12, "uses 0.218 times"),
        (0.0002, 3, None),
    ],
)
def test_plausibility_is_a_warning(read: Read, value: float, count: int, said: str | None) -> None:
    warnings = read(homes(value, count), LONG).warnings
    assert warnings == () if said is None else said in warnings[0]


@pytest.mark.parametrize(("value", "count"), [(0.00023, 12), (6.0, 12), (6.0, 1)])
def test_a_unit_that_is_far_out_refuses_the_file(read: Read, value: float, count: int) -> None:
    with pytest.raises(Unreadable, match="is the unit right"):
        read(homes(value, count), LONG)


def test_totals_a_thousand_times_too_high_are_refused(read: Read) -> None:
    parsed = read(homes(230, 12), LONG)
    assert parsed.usable == 0
    assert parsed.rejected["reason"].unique().to_list() == ["value is above what a domestic supply can carry"]


@pytest.mark.parametrize(
    ("name", "meters", "rows", "rejected"),
    [
        ("edrp_scotland_500_homes_half_hour.parquet", 500, 2_208_000, 1000),
        ("sgsc_australia_10_homes_half_hour.parquet", 10, 293_874, 0),
    ],
)
def test_the_real_tables(shared_data: Path, read: Read, name: str, meters: int, rows: int, rejected: int) -> None:
    parsed = read(shared_data / "meters" / name)
    assert parsed.accepted["meter"].n_unique() == meters
    assert parsed.accepted["received"].sum() + len(parsed.rejected) == rows
    # Scotland's file has values for the hour of 2009-03-29 that the clock skipped.
    assert len(parsed.rejected) == parsed.accepted["skipped_hour"].sum() == rejected
    assert parsed.warnings == ()


def test_files_are_recognised_by_content(tmp_path: Path, shared_data: Path) -> None:
    source = MeterFiles((BUILT_IN,), home=Home(tmp_path))
    for name in ("cer_raw_layout_sample.txt", "lcl_MAC000002_raw.csv.gz", "edrp_scotland_500_homes_half_hour.parquet"):
        assert source.recognises(shared_data / "meters" / name, "any name")
    assert not source.recognises(shared_data / "meters" / "eco_house2_half_hour.csv.gz", "any name")
