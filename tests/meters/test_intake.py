"""From drops to the raw table: streamed, gated, published by bucket, and accounted for in the ledger."""

import os
import re
from functools import partial
from pathlib import Path

import polars as pl
import pytest
import yaml

from ons_assets.catalogue.meters import HALF_HOURS, RAW_READINGS
from ons_assets.intake import delimited
from ons_assets.intake.drops import register
from ons_assets.intake.ingestion import Ingested, ingest
from ons_assets.intake.ledger import Ledger, Status
from ons_assets.intake.records import records as reading_records
from ons_assets.lakehouse import gate, lake, quarantine
from ons_assets.lakehouse.gate import Suite
from ons_assets.lakehouse.home import Home
from ons_assets.meters.half_hours.clock_face import half_hours
from ons_assets.meters.readings import sources
from ons_assets.meters.readings.sources import MeterFiles
from ons_assets.parameters.meters import Meters, Readings
from ons_assets.settings import Settings
from ons_assets.simulate.meters import Scale, simulate_meters
from tests.meters.conftest import keyed

EXPECTATIONS = Path(__file__).parents[2] / "expectations"
SUITE = Suite.load(EXPECTATIONS, RAW_READINGS.name)


class Office:
    """A home with a source, into which files are dropped."""

    def __init__(self, root: Path, **parameters: object) -> None:
        self.home = Home(root).ensure()
        self.ledger = Ledger(self.home)
        self.source = MeterFiles.of(Settings(home=root, meters=Meters(readings=Readings(**parameters))))
        self.told: list[str] = []

    def drop(self, name: str, content: str | Path) -> None:
        path = self.home.drops / name
        path.write_text(content) if isinstance(content, str) else path.write_bytes(content.read_bytes())
        register(self.home, self.ledger, self.source, path, 1 << 30)

    def run(self, run_id: str = "run") -> Ingested:
        return ingest(
            self.home,
            self.ledger,
            self.source,
            RAW_READINGS,
            SUITE,
            run_id=run_id,
            settings={},
            progress=self.told.append,
        )

    def table(self) -> pl.DataFrame:
        return lake.read(self.home, RAW_READINGS).collect().sort("arrival", "meter", "day")


def cer(meter: int, value: float = 0.4, days: int = 3, first: int = 195) -> str:
    return "".join(f"{meter} {first + day}{slot:02d} {value}\n" for day in range(days) for slot in range(1, 49))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, buckets=4)


def test_rows_in_are_rows_accepted_and_rows_in_quarantine(office: Office) -> None:
    office.drop("File1.txt", cer(1000) + "1000 19660 0.2\n1000 abc\n" + cer(1001))
    outcome = office.run()
    (drop,) = office.ledger.drops("meters")
    assert (drop.status, drop.accepted_rows, drop.quarantined_rows) == ("accepted", 6, 2)
    assert (drop.usable, drop.expected) == (288, 288)
    assert drop.reason == "1 row: day and slot are not five digits; 1 row: slot is not one of its day"
    assert (outcome.rows, outcome.drops, outcome.refusals, outcome.warnings) == (6, 1, [], [])
    assert office.table()["received"].sum() == 288
    assert not any(path.is_file() for path in office.home.staging.rglob("*"))


def test_small_blocks_give_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_meters(tmp_path / "drops", tmp_path / "truth", scale=Scale("tiny", homes=14, days=30))
    tables = []
    for name, size in (("whole", delimited.BLOCK_BYTES), ("cut", 4099)):
        office = Office(tmp_path / name, buckets=3)
        keyed(office.home.root)
        whole = partial(reading_records, block_bytes=size)
        monkeypatch.setattr(sources, "records", whole)
        for path in sorted((tmp_path / "drops").iterdir()):
            office.drop(path.name, path)
        office.run()
        tables.append(office.table())
    assert tables[0].equals(tables[1])
    assert tables[0]["bucket"].n_unique() == 3


def test_a_second_run_changes_nothing(office: Office) -> None:
    office.drop("File1.txt", cer(1000))
    first, before = office.run("one"), office.table()
    second = office.run("two")
    assert first.data_version == second.data_version
    assert office.table().equals(before)


def test_files_that_share_meters_are_told_and_the_later_counts(office: Office) -> None:
    office.drop("File1.txt", cer(1000, 0.4) + cer(1001, 0.4))
    office.drop("File2.txt", cer(1000, 0.6, days=1))
    office.run()
    _, later = office.ledger.drops("meters")
    assert later.status is Status.ACCEPTED
    made = half_hours(office.table())
    assert made.filter(pl.col("replaced") > 0)["kwh"].list.sum().to_list() == [pytest.approx(48 * 0.3)]
    assert made["replaced"].sum() == 48
    assert len(made) == 6


def test_a_refused_file_publishes_nothing_and_leaves_the_others(office: Office) -> None:
    office.drop("File1.txt", cer(1000))
    office.drop("File2.txt", cer(2000, value=60.0))
    outcome = office.run()
    good, bad = office.ledger.drops("meters")
    assert (good.status, bad.status) == (Status.ACCEPTED, Status.REFUSED)
    assert "is the unit right" in str(bad.reason)
    assert len(outcome.refusals) == 1
    assert office.told[-1].startswith(f"refused {bad.name}")
    assert office.table()["drop_sha256"].unique().to_list() == [good.sha256]
    assert [entry.refused for entry in quarantine.entries(office.home)] == [True]


def test_only_refused_files_leave_the_table_as_it_was(office: Office) -> None:
    office.drop("File1.txt", cer(1000, value=60.0))
    assert office.run().version is None
    assert not lake.exists(office.home, RAW_READINGS)


def test_what_could_not_be_taken_is_passed_over(office: Office) -> None:
    (office.home.drops / "folder").mkdir()
    register(office.home, office.ledger, office.source, office.home.drops / "folder", 1 << 30)
    office.drop("notes.csv", "who,what\na,b\n")
    office.drop("File1.txt", cer(1000))
    outcome = office.run()
    assert (outcome.drops, outcome.rows, len(outcome.refusals)) == (2, 3, 1)


def test_no_message_names_a_meter_or_a_value(office: Office) -> None:
    office.drop("File1.txt", cer(91827364, value=61.7346) + "91827364 19560 61.7346\n")
    office.drop("File2.txt", cer(81726354, value=2.7182) + "81726354 00001 2.7182\n")
    outcome = office.run()
    said = " ".join([str(outcome), *office.told, *(str(drop.reason) for drop in office.ledger.drops("meters"))])
    assert not any(secret in said for secret in ("91827364", "61.73", "81726354", "2.718"))


def test_what_is_published_is_private(office: Office) -> None:
    office.drop("File1.txt", cer(1000))
    office.run()
    assert os.stat(office.home.table(RAW_READINGS.name)).st_mode & 0o777 == 0o700
    assert 1000 not in office.table()["meter"].to_list()


def test_an_unknown_layout_is_refused(office: Office) -> None:
    office.drop("notes.csv", "who,what\na,b\n")
    office.run()
    (drop,) = office.ledger.drops("meters")
    assert drop.status is Status.REFUSED
    assert "no header that a layout knows" in str(drop.reason)


def test_real_files_pass_the_gates(shared_data: Path, office: Office) -> None:
    names = ("cer_raw_layout_sample.txt", "lcl_MAC000002_raw.csv.gz", "sgsc_australia_10_homes_half_hour.parquet")
    for name in names:
        office.drop(name, shared_data / "meters" / name)
    outcome = office.run()
    assert outcome.refusals == []
    assert [drop.usable for drop in office.ledger.drops("meters")] == [4, 24_140, 293_874]
    made = HALF_HOURS.conform(half_hours(office.table()))
    assert gate.audit(Suite.load(EXPECTATIONS, HALF_HOURS.name), HALF_HOURS, made).failures == ()


LONG = {"columns": {"meter": "m", "time": "t", "value": "v", "unit": "u"}, "name": "own", "zone": "UTC"}
HEAD = "m,t,v,u\n"


def long(value: object = 0.4, unit: str = "kWh", meter: object = 1, day: str = "2014-03-{:02d}", days: int = 3) -> str:
    """Records of a meter in a layout of one's own."""
    stamps = [f"{day.format(1 + n)} {h // 2:02d}:{h % 2 * 30:02d}:00" for n in range(days) for h in range(48)]
    return "".join(f"{meter},{stamp},{value},{unit}\n" for stamp in stamps)


@pytest.mark.parametrize(
    ("name", "content", "status", "sentence"),
    [
        ("words.csv", HEAD + long("low") + long(0.4, meter=2), "accepted", "144 rows: value is no finite number"),
        ("unit.csv", HEAD + long(unit="BTU"), "refused", "unit is not one of kWh, Wh, MWh, kW and W"),
        ("dates.csv", HEAD + long(day="2014-13-{:02d}"), "refused", "time is missing, cannot be read"),
        ("future.csv", HEAD + long(day="2049-03-{:02d}") + long(days=4), "accepted", "144 rows: time is in the future"),
        ("past.csv", HEAD + long(day="1914-03-{:02d}") + long(days=4), "accepted", "144 rows: time is before 2000"),
        ("nan.csv", HEAD + long("NaN") + long(0.4, meter=2, days=4), "accepted", "144 rows: value is missing"),
        ("inf.csv", HEAD + long("inf") + long(0.4, meter=2, days=4), "accepted", "144 rows: value is no finite number"),
        ("export.csv", HEAD + long(-0.2) + long(0.4, meter=2), "accepted", "144 negative readings"),
        ("thousand.csv", HEAD + long(400), "refused", "value is above what a domestic supply can carry"),
        ("watts.csv", HEAD + "".join(long(40, meter=n) for n in range(12)), "refused", "is the unit right?"),
        ("File1.txt", cer(1000) + "1000 19860 0.4\n", "accepted", "1 row: slot is not one of its day"),
        ("File2.txt", "12x4 19501 0.4\n" + cer(1000), "accepted", "1 row: meter is not a whole number"),
        ("empty.csv", HEAD, "refused", "has a header and no rows"),
    ],
)
def test_bad_input_has_a_sentence_in_the_ledger(
    office: Office, name: str, content: str, status: str, sentence: str
) -> None:
    folder = office.home.root / "mappings" / "meters"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(yaml.safe_dump(LONG))
    office.drop(name, content)
    office.run()
    (drop,) = office.ledger.drops("meters")
    assert drop.status == status
    assert sentence in str(drop.reason)


def test_a_meter_is_one_whatever_the_type_of_its_name(office: Office) -> None:
    folder = office.home.root / "mappings" / "meters"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(yaml.safe_dump(LONG))
    office.drop("text.csv", HEAD + long(meter=" 1392 "))
    office.drop("number.csv", HEAD + long(meter="1392.0", value=0.5))
    office.run()
    assert office.table()["meter"].n_unique() == 1


def stamped(minutes: int, of_layout: int, unit: str = "kWh", meters: int = 4) -> tuple[str, str]:
    """A file of some days of readings so many minutes apart, and a layout that says another interval."""
    count = 3 * 1440 // minutes
    rows = [f"{m},2014-03-{1 + k * minutes // 1440:02d}" for m in range(meters) for k in range(count)]
    clock = [f"{k * minutes % 1440 // 60:02d}:{k * minutes % 60:02d}" for _ in range(meters) for k in range(count)]
    text = "".join(f"{row} {at}:00,{8 * minutes / 1440:.4f}\n" for row, at in zip(rows, clock, strict=True))
    said = {"name": "x", "zone": "UTC", "unit": unit, "interval_minutes": of_layout}
    return f"m,t,v\n{text}", yaml.safe_dump({**said, "columns": {"meter": "m", "time": "t", "value": "v"}})


@pytest.mark.parametrize(
    ("minutes", "of_layout", "status", "sentence"),
    [
        (15, 30, "refused", "readings between the intervals that its layout says.*say in `interval_minutes`"),
        (10, 30, "refused", "readings between the intervals that its layout says"),
        (30, 60, "refused", "readings between the intervals that its layout says"),
        (30, 15, "refused", "are its intervals longer[?] say `interval_minutes`"),
        (60, 15, "refused", "are its intervals longer[?] say `interval_minutes`"),
        (60, 30, "accepted", "holds hourly readings .* say `interval_minutes: 60`"),
        (1440, 30, "accepted", "more than an hour apart"),
        (15, 15, "accepted", None),
        (60, 60, "accepted", "288 hourly readings"),
    ],
)
def test_an_interval_that_the_layout_says_wrong_is_named(
    office: Office, minutes: int, of_layout: int, status: str, sentence: str | None
) -> None:
    text, layout = stamped(minutes, of_layout)
    folder = office.home.root / "layouts" / "meters"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(layout)
    office.drop("a.csv", text)
    office.run()
    [drop] = office.ledger.drops()
    assert drop.status == status
    assert re.search(sentence, drop.reason or "") if sentence else drop.reason is None


def test_one_meter_off_the_grid_costs_no_other(office: Office) -> None:
    text, layout = stamped(30, 30)
    folder = office.home.root / "layouts" / "meters"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(layout)
    minutes = [f"{hour:02d}:{minute}" for hour in range(24) for minute in ("00", "15", "45")]
    between = "".join(f"9,2014-03-01 {minute}:00,0.1\n" for minute in minutes)
    office.drop("a.csv", text + between)
    office.run()
    [drop] = office.ledger.drops()
    assert drop.status == "accepted", drop.reason


def test_a_clock_that_is_not_exact_is_no_shorter_interval(office: Office) -> None:
    text, layout = stamped(30, 30)
    folder = office.home.root / "layouts" / "meters"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(layout)
    lines = text.splitlines()
    jittered = [line.replace(":00,", ":07,") if place % 2 else line for place, line in enumerate(lines)]
    office.drop("a.csv", "\n".join(jittered))
    office.run()
    [drop] = office.ledger.drops()
    assert drop.status == "accepted", drop.reason


@pytest.mark.parametrize("column", ["bucket", "received", "repeated", "estimated", "partial", "skipped_hour"])
@pytest.mark.parametrize("value", [-1, 3001])
def test_no_count_of_a_row_is_impossible(office: Office, column: str, value: int) -> None:
    office.drop("File1.txt", cer(1000))
    office.run()
    suite = Suite.load(Settings().expectations, RAW_READINGS.name)
    rows = office.table()
    assert not gate.audit(suite, RAW_READINGS, rows).is_critical
    spoilt = rows.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(value).otherwise(column).cast(rows[column].dtype).alias(column)
    )
    is_bounded = value < 0 or column in ("bucket", "received")
    assert gate.audit(suite, RAW_READINGS, spoilt).is_critical is is_bounded
