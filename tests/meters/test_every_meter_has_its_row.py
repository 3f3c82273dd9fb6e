"""Every meter that a file names has its rows of quality, whose parts add up to what was due."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS, READING_QUALITY
from ons_assets.intake.source import Piece
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.half_hours.imputation import impute_half_hours
from ons_assets.meters.half_hours.quality import collection, reading_quality
from ons_assets.meters.readings.day_rows import COUNTS, day_rows
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.meters.readings.placed import Mark, ReadingKind, bits_of, counted, packed, unpacked
from ons_assets.parameters.meters import QualityParameters
from tests.meters.conftest import SECRET, Read

PARTS = ("read", "estimated_half_hours", "missing_half_hours", "unreadable_half_hours")
SHARES = ("read_share", "estimated_share", "missing_share", "unreadable_share")
REASONS = [
    name
    for name in READING_QUALITY.column_names
    if name.startswith("missing_") and name[8:] not in ("half_hours", "share")
]
LONG = {
    "zone": "UTC",
    "local_zone": "UTC",
    "time_format": "%Y-%m-%d %H:%M",
    "columns": {"meter": "m", "time": "t", "value": "v", "unit": "u", "quality": "q"},
    "quality": {"E": "estimated", "S": "substituted", "N": "missing"},
}
DAY = date(2024, 5, 1)


def quality_of(*pieces: Piece) -> pl.DataFrame:
    """Return the quality of what files gave, the last file counting."""
    raw = [
        piece.accepted.with_columns(arrival=pl.lit(number), drop_sha256=pl.lit(str(number)))
        for number, piece in enumerate(pieces)
    ]
    table = HALF_HOURS.conform(half_hours(RAW_READINGS.conform(pl.concat(raw))))
    return adds_up(READING_QUALITY.conform(reading_quality(table)))


def adds_up(quality: pl.DataFrame) -> pl.DataFrame:
    """Return rows of quality, having seen that their parts add up."""
    assert quality.select((pl.sum_horizontal(PARTS) == pl.col("expected")).all()).item()
    assert quality.select((pl.sum_horizontal(REASONS) == pl.col("missing_half_hours")).all()).item()
    assert quality.select(((pl.sum_horizontal(SHARES) - 1).abs() < 1e-12).all()).item()
    assert quality.select((pl.min_horizontal(PARTS) >= 0).all()).item()
    return quality


def parts(quality: pl.DataFrame, meter: str, trial: str = "own") -> tuple[int, ...]:
    rows = quality.filter(pl.col("meter") == Pseudonyms(SECRET).of(trial, meter))
    assert len(rows), f"{meter} has no row"
    return rows.select(pl.col(PARTS).sum()).row(0)


def long(*rows: tuple[str, str, str, str, str]) -> str:
    return "\n".join(["m,t,v,u,q", *(",".join(row) for row in rows)]) + "\n"


def day(meter: str, value: str = "0.2", unit: str = "kWh", flag: str = "", on: date = DAY) -> list[tuple[str, ...]]:
    return [(meter, f"{on} {slot // 2:02d}:{slot % 2 * 30:02d}", value, unit, flag) for slot in range(48)]


def test_a_meter_whose_records_are_none_has_its_row(read: Read) -> None:
    rows = [
        *day("good"),
        *day("nulls", value="Null"),
        *day("gallons", unit="gal"),
        *day("flagged", flag="N"),
        *day("negative", value="-0.1"),
        *day("huge", value="16777215"),
        *day("estimated", flag="E"),
        *day("substituted", flag="S"),
        *day("twice", value="0.1"),
        *day("twice", value="0.3"),
        *day("again"),
        *day("again"),
        *[
            (f"{meter}", stamp, "0.1", "kWh", "")
            for meter, stamp in (("no time", "soon"), ("future", "2031-01-01 00:00"))
        ],
        ("off grid", f"{DAY} 10:07", "0.1", "kWh", ""),
        ("one", f"{DAY} 10:00", "0.1", "kWh", ""),
    ]
    quality = quality_of(read(long(*rows), LONG))
    assert quality["meter"].n_unique() == len({row[0] for row in rows}) == 14
    for meter in ("good", "again"):
        assert parts(quality, meter) == (48, 0, 0, 0)
    for meter in ("estimated", "substituted"):
        assert parts(quality, meter) == (0, 48, 0, 0)
    for meter in ("nulls", "gallons", "flagged", "negative", "huge", "twice"):
        assert parts(quality, meter) == (0, 0, 0, 48)
    for meter in ("no time", "future", "off grid"):
        assert parts(quality, meter) == (0, 0, 48, 0)
    assert parts(quality, "one") == (1, 0, 47, 0)


def test_a_day_of_blank_cells_is_no_reading_of_a_meter_that_is_there(read: Read) -> None:
    slots = [f"s{slot}" for slot in range(48)]
    layout = {"local_zone": "UTC", "unit": "kWh", "columns": {"meter": "m", "date": "d"}, "day_columns": slots}
    rows = [["m", "d", *slots], ["full", str(DAY), *["0.2"] * 48], ["blank", str(DAY), *[""] * 48]]
    rows += [["half", str(DAY), *["0.2"] * 24, *[""] * 24], ["no day", "", *[""] * 48]]
    piece = read("\n".join(map(",".join, rows)) + "\n", layout)
    quality = quality_of(piece)
    assert [parts(quality, meter) for meter in ("full", "blank", "half", "no day")] == [
        (48, 0, 0, 0),
        (0, 0, 48, 0),
        (24, 0, 24, 0),
        (0, 0, 48, 0),
    ]
    assert piece.accepted["received"].sum() == 72


def test_lines_of_the_trial_that_are_of_no_slot_name_their_meter(read: Read) -> None:
    lines = [
        *(f"1000 195{slot:02d} 0.2" for slot in range(1, 49)),
        "1001 19577 0.2",
        "1002 00001 0.2",
        "1003 19501 abc",
    ]
    quality = quality_of(read("\n".join(lines) + "\n"))
    assert [parts(quality, meter, "cer") for meter in ("1000", "1001", "1002", "1003")] == [
        (48, 0, 0, 0),
        (0, 0, 48, 0),
        (0, 0, 48, 0),
        (0, 0, 47, 1),
    ]


def test_a_reading_that_comes_later_takes_the_place_of_its_estimate_and_not_the_other_way_about(read: Read) -> None:
    estimated, actual = read(long(*day("a", flag="E")), LONG), read(long(*day("a")[:40]), LONG)
    nothing = read(long(*day("a", value="Null")[:44], *day("b")), LONG)
    assert parts(quality_of(estimated, actual), "a") == (40, 8, 0, 0)
    assert parts(quality_of(estimated, actual, nothing), "a") == (40, 8, 0, 0)
    assert parts(quality_of(actual, nothing), "a") == (40, 0, 4, 4)


def test_a_meter_that_breaks_down_is_unreadable_from_then_on(read: Read) -> None:
    broken = [row for ahead in range(3) for row in day("a", "Null" if ahead else "0.2", on=DAY + timedelta(ahead))]
    others = [row for ahead in range(3) for row in day("b", on=DAY + timedelta(ahead))]
    assert parts(quality_of(read(long(*broken, *others), LONG)), "a") == (48, 0, 0, 96)


def test_energy_between_an_estimate_of_a_register_and_a_reading_is_estimated(read: Read) -> None:
    layout = {**LONG, "reading": "register"}
    counting = [
        (meter, stamp, str(100 + 0.2 * number), unit, "E" if number == 48 else "")
        for number, (meter, stamp, _, unit, _) in enumerate([*day("a"), *day("a", on=DAY + timedelta(1))])
    ]
    # Its neighbours on both sides of midnight; the last half hour has no end yet.
    assert parts(quality_of(read(long(*counting), layout)), "a") == (93, 2, 1, 0)
    lost = [(*row[:2], "Null", *row[3:]) if number == 10 else row for number, row in enumerate(counting)]
    assert parts(quality_of(read(long(*lost), layout)), "a") == (91, 2, 1, 2)


def test_hours_and_minutes_that_are_estimated_are_half_hours_that_are(read: Read) -> None:
    hours = {**LONG, "interval_minutes": 60}
    rows = [(*row[:4], "E" if number == 3 else "") for number, row in enumerate(day("a")[::2])]
    assert parts(quality_of(read(long(*rows), hours)), "a") == (46, 2, 0, 0)
    quarters = {**LONG, "interval_minutes": 15}
    stamps = [f"{DAY} {slot // 4:02d}:{slot % 4 * 15:02d}" for slot in range(96)]
    rows = [
        ("a", stamp, "0.1", "kWh", "E" if number == 5 else "") for number, stamp in enumerate(stamps) if number != 8
    ]
    assert parts(quality_of(read(long(*rows), quarters)), "a") == (46, 1, 0, 1)


def test_every_flag_of_nem12_has_its_part(read: Read) -> None:
    flags = ["A", "E52", "F14", "S53", "N"]
    lines = ["100,NEM12,202405020000,A,B", "200,6123456789,E1,,E1,,1,kWh,30,"]
    for number, flag in enumerate(flags):
        method = "" if flag == "A" else ","
        lines.append(",".join(["300", f"202405{number + 1:02d}", *["0.2"] * 48, flag, method, "20240510000000", ""]))
    lines.append(",".join(["300", "20240506", *["0.2"] * 48, "V", "", "", "20240510000000", ""]))
    lines += ["400,1,20,F14,76,", "400,21,48,A,,", "900"]
    (rows,) = [quality_of(read("\n".join(lines) + "\n"))]
    assert rows.select(pl.col(PARTS).sum()).row(0) == (48 + 28, 3 * 48 + 20, 0, 48)


def test_layouts_that_share_a_meter_are_one_trial() -> None:
    table = frame(np.full((3, 40, 48), 0.2))
    later = (pl.col("meter") == 1) & (pl.col("day") >= DAY + timedelta(20))
    table = table.with_columns(
        layout=pl.when(later | (pl.col("meter") == 2)).then(pl.lit("new")).otherwise(pl.lit("old"))
    )
    quality = adds_up(READING_QUALITY.conform(reading_quality(table)))
    assert not quality.select("meter", "month").is_duplicated().any()
    assert quality["read"].sum() == quality["expected"].sum() == 3 * 40 * 48
    assert quality.filter(pl.col("meter") == 1).sort("month")["layout"].to_list() == ["new", "new"]
    assert collection([table]).trials() == [["new", "old"]]


def test_a_clock_that_was_never_set_moves_the_trial_of_no_other_meter() -> None:
    kwh = np.full((6, 60, 48), 0.2)
    stray = frame(np.full((1, 1, 48), 0.2), start=date(2000, 1, 1))
    stray = stray.with_columns(kwh=pl.lit([0.2] + [float("nan")] * 47, dtype=pl.List(pl.Float32())))
    table = pl.concat([frame(kwh), stray, stray.with_columns(meter=pl.lit(77, dtype=pl.Int64))])
    quality = adds_up(READING_QUALITY.conform(reading_quality(table)))
    assert quality["month"].min() == DAY.replace(day=1)
    assert quality.filter(pl.col("meter") == 77)["missing_share"].to_list() == [1.0, 1.0]
    assert quality.filter(pl.col("meter") == 0)["read_share"].to_list() == [1.0, 1.0]
    all_count = reading_quality(table, parameters=QualityParameters(stray_share=0))
    assert all_count["month"].min() == date(2000, 1, 1)


def test_a_dead_meter_beside_a_trial_of_other_days_has_its_rows() -> None:
    dead = frame(np.full((1, 3, 48), np.nan), start=DAY - timedelta(60)).with_columns(meter=pl.lit(9, dtype=pl.Int64))
    quality = adds_up(READING_QUALITY.conform(reading_quality(pl.concat([frame(np.full((2, 5, 48), 0.2)), dead]))))
    assert quality.filter(pl.col("meter") == 9).select("expected", "read", "missing_not_started").row(0) == (
        240,
        0,
        240,
    )


def test_what_was_filled_was_not_read() -> None:
    kwh = np.full((1, 10, 48), 0.2)
    kwh[0, 4, 20:23] = np.nan
    filled = impute_half_hours(frame(kwh))
    quality = adds_up(READING_QUALITY.conform(reading_quality(filled)))
    assert quality.select("read", "missing_half_hours", "imputed_half_hours").row(0) == (477, 3, 3)


def frame(kwh: np.ndarray, start: date = DAY) -> pl.DataFrame:
    """Make `meters/half_hours` of (meters, days, 48); of what is NaN nothing came."""
    meters, days = kwh.shape[:2]
    keys = pl.DataFrame({"meter": np.arange(meters).repeat(days), "day": np.tile(np.arange(days), meters)})
    zero = {name: pl.lit(0) for name in ("extra_kwh", "imputed_mask", "estimated_mask", "replaced", *COUNTS)}
    return HALF_HOURS.conform(
        keys.with_columns(
            bucket=pl.lit(0),
            layout=pl.lit("test"),
            day=pl.lit(start) + pl.duration(days="day"),
            kwh=pl.Series(kwh.reshape(-1, 48).astype(np.float32)).arr.to_list(),
            delivered_mask=packed(~np.isnan(kwh.reshape(-1, 48))),
            missing=np.isnan(kwh).sum(axis=2).ravel(),
            clock_change=0,
            received=48,
            **zero,
        )
    )


RECORD = st.tuples(
    st.integers(0, 3),  # meter
    st.sampled_from([0, 1, 2, 150, 151, 178, 179]),  # day, counted so that the clock goes back on day 151
    st.integers(0, 49),
    st.sampled_from([-0.1, 0.0, 0.2, 0.3, None]),
    st.sampled_from(["", "", "estimated", "substituted"]),
)
AUTUMN = date(2024, 10, 27)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(RECORD, min_size=1, max_size=60), min_size=1, max_size=3),
    st.sampled_from([30, 60]),
    st.booleans(),
    st.sampled_from(["missing", "zero", "keep"]),
)
def test_parts_add_up_of_files_of_any_records(
    files: list[list[tuple[int, int, int, float | None, str]]], minutes: int, is_register: bool, negative: str
) -> None:
    kind = ReadingKind("test", "Europe/London", minutes, is_register)
    raw = [gathered(records, kind).with_columns(arrival=pl.lit(n)) for n, records in enumerate(files)]
    table = half_hours(
        RAW_READINGS.conform(
            pl.concat(raw).with_columns(
                bucket=0, layout=pl.lit("test"), zone=pl.lit("Europe/London"), drop_sha256=pl.lit("0")
            )
        ),
        negative,
    )
    quality = adds_up(READING_QUALITY.conform(reading_quality(HALF_HOURS.conform(table))))
    assert set(quality["meter"]) == {meter for records in files for meter, *_ in records}
    assert unpacked(table["estimated_mask"].to_numpy(), 48).sum() >= quality["estimated_half_hours"].sum()


def gathered(records: list[tuple[int, int, int, float | None, str]], kind: ReadingKind) -> pl.DataFrame:
    """Gather records as the parser does: what has a value is a reading, what has none is marked."""
    first = AUTUMN.toordinal() - date(1970, 1, 1).toordinal() - 151
    rows = pl.DataFrame(
        records,
        schema={"meter": pl.Int64, "day": pl.Int32, "position": pl.Int16, "value": pl.Float64, "flag": pl.String},
        orient="row",
    ).with_columns(pl.col("day") + first, pl.col("position") % (46 * 30 // kind.interval_minutes))
    rows = rows.with_columns(half_hours=bits_of(rows["position"].to_numpy(), kind))
    read = rows.filter(pl.col("value").is_not_null())
    bad = rows.filter(pl.col("value").is_null()).with_columns(mark=pl.lit(int(Mark.UNREADABLE), dtype=pl.Int8()))
    flagged = read.filter(pl.col("flag") != "").with_columns(
        mark=pl.when(pl.col("flag") == "estimated")
        .then(int(Mark.ESTIMATED))
        .otherwise(int(Mark.SUBSTITUTED))
        .cast(pl.Int8)
    )
    marks = pl.concat([counted(each.select("meter", "day", "mark", "half_hours")) for each in (bad, flagged)])
    arrays = [read[name].to_numpy() for name in ("meter", "day", "position", "value")]
    return day_rows(*arrays, marks, kind)


@pytest.mark.parametrize("width", [46, 48, 50])
def test_bits_go_there_and_back(width: int) -> None:
    marked = np.random.default_rng(width).random((20, width)) < 0.5
    assert np.array_equal(unpacked(packed(marked), width), marked)
