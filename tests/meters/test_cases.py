"""Small files that went wrong once, and what must come of each; they are no part of the project."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS, READING_QUALITY
from ons_assets.intake.source import Piece
from ons_assets.intake.unreadable import Unreadable
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.half_hours.quality import reading_quality
from ons_assets.meters.readings.sources import BUILT_IN, MeterFiles
from tests.meters.conftest import keyed
from tests.shared import INTAKE_CASES as INTAKE

RECEIVED = datetime(2026, 11, 1, tzinfo=UTC)
# Of the profile behind most of the files, on its second day.
PROFILE = {13: 0.06, 14: 0.31, 34: 0.51}

pytestmark = pytest.mark.skipif(not INTAKE.exists(), reason="the cases are not here")


class Case:
    """What comes of one file."""

    def __init__(self, root: Path, path: Path, name: str, *layouts: dict) -> None:
        folder = root / "layouts"
        folder.mkdir()
        for number, layout in enumerate(layouts):
            (folder / f"{number}.yaml").write_text(yaml.safe_dump({"name": f"own-{number}", **layout}))
        source = MeterFiles((folder, INTAKE / "meters" / "mappings", BUILT_IN), home=keyed(root / "home"))
        self.piece: Piece = source.whole(path, name, RECEIVED)
        lineage = {"arrival": pl.lit(1), "drop_sha256": pl.lit("0")}
        self.half_hours = HALF_HOURS.conform(
            half_hours(RAW_READINGS.conform(self.piece.accepted.with_columns(**lineage)))
        )
        self.quality = READING_QUALITY.conform(reading_quality(self.half_hours))

    @property
    def kwh(self) -> np.ndarray:
        return self.half_hours.sort("meter", "day")["kwh"].list.to_array(48).to_numpy()

    def counted(self, *columns: str) -> tuple[int, ...]:
        return self.quality.select(pl.col(columns).sum()).row(0)

    @property
    def read_by_meter(self) -> list[int]:
        return self.quality.group_by("meter").agg(pl.col("read").sum())["read"].sort().to_list()


Come = Callable[..., Case]


@pytest.fixture
def case(tmp_path: Path) -> Come:
    def come(name: str, *layouts: dict, folder: str = "meters", called: str | None = None) -> Case:
        return Case(tmp_path, INTAKE / folder / name, called or name, *layouts)

    return come


@pytest.mark.parametrize(
    ("name", "usable", "rejected"),
    [
        ("LCL-FullData.csv", 238, 1),
        ("lcl.zip", 238, 1),
        ("cer_comma.csv", 384, 0),
        ("cer_header.txt", 384, 0),
        ("de_aut.csv", 242, 0),
        ("de_spr.csv", 238, 0),
        ("epoch.csv", 242, 0),
        ("gas.csv", 242, 242),
        ("glowz.csv", 242, 0),
        ("minute_w.csv", 144, 0),
        ("octopusm.csv", 242, 0),
        ("octopus.csv", 242, 0),
        ("wien.csv", 242, 0),
        ("p1.csv", 241, 0),
        ("register.csv", 241, 0),
        ("register_gap.csv", 143, 0),
        ("wall_desc.csv", 242, 0),
        ("wall_onehour.csv", 240, 0),
        ("datadis.csv", 144, 0),
        ("homeassistant.csv", 240, 0),
        ("nem12.csv", 144, 0),
    ],
)
def test_the_profile_behind_most_files_comes_out(case: Come, name: str, usable: int, rejected: int) -> None:
    came = case(name)
    assert (came.piece.usable, len(came.piece.rejected)) == (usable, rejected)
    assert came.kwh[1, list(PROFILE)] == pytest.approx(list(PROFILE.values()), abs=1e-6)
    assert np.nansum(came.kwh[1]) == pytest.approx(8.38, abs=1e-5)


def test_a_meter_that_contradicts_itself_has_its_row(case: Come) -> None:
    came = case("lcl_40_meters.csv.gz")
    read = came.read_by_meter
    assert (len(read), read.count(0), read[1]) == (40, 1, 1008)


def test_meters_without_any_value_have_their_rows(case: Come) -> None:
    came = case("three_dead_of_20.csv.gz")
    read = came.read_by_meter
    assert (len(read), read.count(0)) == (20, 3)
    dead = came.quality.filter((pl.col("read") == 0).all().over("meter"))
    assert dead.group_by("meter").agg(pl.col("unreadable").sum())["unreadable"].to_list() == [1488] * 3


@pytest.mark.parametrize(("name", "called", "falls"), [("dip.csv", "dip.csv", 12), ("dip1.csv.gz", "dip1.csv", 1)])
def test_a_momentary_zero_books_no_register(case: Come, name: str, called: str, falls: int) -> None:
    came = case(name, called=called)
    assert np.nanmax(came.kwh) == pytest.approx(0.62, abs=1e-6)
    assert came.counted("negative", "too_large") == (falls, 0)
    assert came.piece.expected is not None
    assert came.piece.expected - came.piece.usable == 2 * falls


def test_a_new_meter_costs_one_interval(case: Come) -> None:
    came = case("swap.csv")
    assert came.counted("negative") == (1,)
    assert (came.piece.usable, came.piece.expected) == (334, 335)


def test_a_missing_minute_is_named_and_may_be_done_without(case: Come, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"1 of 30 minutes missing in most half hours.*least_coverage"):
        case("minute_gap.csv")
    (tmp_path / "again").mkdir()
    layout = {
        "zone": "UTC",
        "local_zone": "Europe/London",
        "interval_minutes": 1,
        "unit": "W",
        "least_coverage": 0.9,
        "columns": {"meter": "meter", "time": "time", "value": "w"},
    }
    came = Case(tmp_path / "again", INTAKE / "meters" / "minute_gap.csv", "x.csv", layout)
    assert (came.piece.usable, came.piece.expected) == (144, 144)
    assert came.counted("partial") == (144,)


def test_import_beside_export_is_named_and_may_be_filtered(case: Come, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="another register or direction") as refusal:
        case("impexp.csv")
    assert "2.8.0" not in str(refusal.value)
    (tmp_path / "again").mkdir()
    layout = yaml.safe_load((INTAKE / "meters" / "mappings" / "impexp.yaml").read_text())
    came = Case(
        tmp_path / "again",
        INTAKE / "meters" / "impexp.csv",
        "x.csv",
        {**layout, "files": "*", "only": {"obis": "1.8.0"}},
    )
    assert came.piece.usable == 726
    assert len(came.piece.rejected) == 0


def test_power_taken_for_energy_is_warned_of(case: Come) -> None:
    (warning,) = case("kw_as_kwh.csv").piece.warnings
    assert "power in kW that is taken for kWh" in warning


def test_hourly_readings_are_named_and_readable(case: Come, tmp_path: Path) -> None:
    (warning,) = case("hourly30.csv").piece.warnings
    assert "hourly readings" in warning
    (tmp_path / "again").mkdir()
    layout = yaml.safe_load((INTAKE / "meters" / "mappings" / "hourly30.yaml").read_text())
    came = Case(
        tmp_path / "again",
        INTAKE / "meters" / "hourly30.csv",
        "x.csv",
        {**layout, "files": "*", "interval_minutes": 60},
    )
    assert came.piece.usable == came.piece.expected == 16_128
    assert came.counted("hourly") == (8064,)
    assert came.piece.warnings == ()


def test_an_error_code_is_no_reading(case: Come) -> None:
    assert case("serl.csv").counted("too_large") == (120,)


def test_a_json_document_and_green_button(case: Come, tmp_path: Path) -> None:
    assert np.nansum(case("octopus.json").kwh) == pytest.approx(0.063)
    (tmp_path / "again").mkdir()
    came = Case(tmp_path / "again", INTAKE / "meters" / "greenbutton.xml", "home.xml")
    assert np.nansum(came.kwh) == pytest.approx(0.25)


def test_flags_of_nem12_are_counted(case: Come) -> None:
    assert case("nem12.csv").counted("substituted", "estimated") == (28, 0)


GERMAN = {"zone": "Europe/Vienna", "local_zone": "Europe/Vienna", "delimiter": ";"}


def test_general_files_are_readable_by_a_layout(case: Come, tmp_path: Path) -> None:
    hourly = case(
        "meters_hourly.csv",
        {
            **GERMAN,
            "interval_minutes": 60,
            "unit": "kWh",
            "time_format": "%d.%m.%Y %H:%M",
            "columns": {"meter": "Zaehler", "time": "Zeit", "value": "kWh"},
        },
        folder="general",
    )
    assert hourly.piece.usable == hourly.piece.expected > 0
    assert hourly.piece.warnings == ()
    (tmp_path / "again").mkdir()
    layout = {
        **GERMAN,
        "interval_minutes": 15,
        "unit": "W",
        "decimal": ",",
        "time_format": "%d.%m.%Y %H:%M",
        "columns": {"meter": "Zählpunkt", "time": {"join": ["Datum", "Uhrzeit"]}, "value": "Leistung [W]"},
    }
    joined = Case(tmp_path / "again", INTAKE / "general" / "meters_date_and_time_columns.csv", "x.csv", layout)
    assert joined.piece.usable == joined.piece.expected > 0
    assert joined.kwh[0, 0] == pytest.approx((95.9 + 166.0) / 4000)


def test_a_byte_that_is_no_text_costs_its_row(case: Come) -> None:
    came = case("meters_invalid_utf8.csv", folder="general")
    rows = (INTAKE / "general" / "meters_invalid_utf8.csv").read_bytes().count(b"\n") - 1
    assert len(came.piece.rejected) == 1
    assert came.piece.accepted["received"].sum() == rows - 1
