"""False alarms of the scorecard on whole homes in which nothing is wrong, and how many planted faults it finds.

    python benchmarks/scorecard_homes.py [--seeds 3] [--people 12000] [--first-seed 200]

Each home is that of the demonstration, of another country, without any fault that the simulators plant: quotes,
tweets, events of phones and readings of meters, and what the office has. It goes the whole road, and every table is
judged as if each file had come on the morning after its day. Then faults are planted in the files, one a kind and
source on days that are drawn, and read into a second home. A table-day is one day of one series; an alarm is red where
a person must act, and else a look. Intervals are those of Clopper and Pearson (1934), as if alarms came one by one.
"""

import argparse
import gzip
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import polars as pl
from scipy.stats import beta

from ons_assets import demo, operations
from ons_assets.governance.register import register_of
from ons_assets.governance.scorecard.evaluation import evaluate
from ons_assets.governance.scorecard.judging import KEY
from ons_assets.intake.ledger import Ledger
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings, load_settings
from ons_assets.simulate.country import SCALES, make_country, write_office_files
from ons_assets.simulate.meters.layouts import CER_DAY_ONE
from ons_assets.simulate.meters.scales import IN_COUNTRY as METERED
from ons_assets.simulate.meters.scales import NO_FAULTS as METERED_WELL
from ons_assets.simulate.mobile.scales import IN_COUNTRY as CALLING
from ons_assets.simulate.mobile.scales import NO_FAULTS as SEEN_WELL
from ons_assets.simulate.prices.scales import NO_FAULTS as COLLECTED_WELL
from ons_assets.simulate.prices.scales import Scale as Shops
from ons_assets.simulate.tweets.scales import IN_COUNTRY as TWEETING
from ons_assets.simulate.tweets.scales import NO_FAULTS as HEARD_WELL

# No bound was looked at on these.
FIRST_SEED = 200
LAST_DAY = date(2011, 7, 31)
PHONE_DAYS = 42
WORLDS = {
    "prices": Shops(
        "clean", days=91, quotes_per_day=750, items="small", exit_rate=0.003, compress=False, repeated_row_share=0,
        price_typo_rate=0, mislabelled_rate=0, faults=COLLECTED_WELL,
    ),
    "tweets": replace(TWEETING["small"], outages=0, faults=HEARD_WELL),
    "meters": replace(METERED["small"], faults=METERED_WELL),
    "mobile": replace(
        CALLING["small"], first_day=LAST_DAY - timedelta(PHONE_DAYS - 1), days=PHONE_DAYS, faults=SEEN_WELL
    ),
}  # fmt: skip
DAILY = {"tweets": "tweets/raw_tweets", "phone_events": "mobile/phone_events", "prices": "prices/raw_quotes"}
TOLD = ["watch", "act"]
BROKEN = 5  # one line in so many
# Days of each world before the first fault, which tell what is usual, and after the last.
QUIET, END = 16, 4
DAYS_LATE, DAYS_OUT, DAYS_SHORT = 9, 3, 7


def write_files(folder: Path, seed: int, people: int, worlds: Mapping[str, Any]) -> Path:
    """Write the files of a country in which nothing is wrong, and return the folder of the drops."""
    country = make_country(replace(SCALES["small"], people=people), seed)
    write_office_files(country, folder / "drops")
    for name, pilot in demo.PILOTS.items():
        pilot.simulate(folder / "drops", folder / "truth" / name, worlds[name], seed, country)
    return folder / "drops"


def read_in(home: Path, drops: Path) -> Settings:
    """Read all files into a home."""
    settings = demo.prepared(load_settings(home))
    operations.open_home(settings)
    for folder in sorted(drops.iterdir()):
        operations.take(settings, sorted(folder.iterdir()), folder.name, lambda _: None)
    operations.read_waiting(settings, lambda _: None)
    return settings


def judge(settings: Settings, late: Mapping[tuple[str, date], date]) -> pl.DataFrame:
    """Judge a home soon after the last day.

    Parameters
    ----------
    late
        When the files of a source and day came, where that was not on the morning after.
    """
    home, governance = Home(settings.home), settings.governance
    ledger = Ledger(home).frame()
    came = [
        datetime.combine(late.get((source, max(days)), max(days) + timedelta(1)), time(8), UTC) if days else None
        for source, days in ledger.select("source", "local_days").iter_rows()
    ]
    ledger = ledger.with_columns(
        received_utc=pl.coalesce(pl.Series(came, dtype=pl.Datetime("us", "UTC")), "received_utc")
    )
    return evaluate(
        home,
        ledger,
        register_of(home),
        datetime.combine(LAST_DAY + timedelta(3), time(12), UTC),
        settings.geography.time_zone,
        scorecard=governance.scorecard,
        trend=governance.trend,
        accuracy=governance.accuracy,
    )


# --- faults


@dataclass(frozen=True)
class Fault:
    """A fault that was planted.

    Parameters
    ----------
    kind
        What was done.
    table
        Which table is to have an alarm.
    measures
        Of one of these measures.
    days
        On one of these days; without any, on the table as a whole.
    came
        When the file of the day came, if late.
    """

    kind: str
    table: str
    measures: tuple[str, ...]
    days: tuple[date, ...] = ()
    came: date | None = None


Lines = list[bytes]
EVERYTHING = ("accepted_share", "rows_in_force", "remarked_files", "repeated_files", "rows_of_day", "filled_share")
OF_NO_DAY = ("a file again", "a damaged file")
# What should raise nothing: parts of a day are all in force, and of two files with the same rows the later.
WELL = "(no fault)"


def of_days(folder: Path, source: str, random: Random) -> list[Fault]:
    """Plant one fault of each kind in the daily files of a source, each on days of its own."""
    files = {_day(path): path for path in sorted(folder.iterdir())}
    table = DAILY[source]
    kinds: dict[str, tuple[tuple[str, ...], Callable[[Path], object]]] = {
        "a day is missing": (("outage_days",), Path.unlink),
        "half of a day": (("rows_of_day",), lambda path: _rewrite(path, lambda lines: lines[: len(lines) // 2])),
        "a day with others' rows": (("rows_of_day",), lambda path: _rewrite(path, OF_OTHERS[source])),
        "a fifth unreadable": (("accepted_share",), lambda path: _rewrite(path, _unreadable)),
        "each line twice": (("accepted_share",), lambda path: _rewrite(path, _twice)),
        "a field is empty": (("filled_share",), lambda path: _rewrite(path, EMPTIED[source])),
        "late": (("days_late",), lambda _: None),
        "a file again": (("repeated_files",), lambda path: shutil.copy(path, path.with_name(f"again_{path.name}"))),
        f"{WELL} a day again, packed anew": (EVERYTHING, lambda path: _copied(path, lambda lines: lines)),
        f"{WELL} a day in two files": (EVERYTHING, _in_two),
        "a damaged file": (("refused_files", "outage_days"), lambda path: path.write_bytes(random.randbytes(2000))),
    }
    free = sorted(files)[QUIET:-END]
    first = random.randrange(DAYS_OUT, len(free) - DAYS_OUT)
    out = free[first : first + DAYS_OUT]
    for day in out:
        files[day].unlink()
    faults = [Fault("some days in a row are missing", table, ("outage_days",), tuple(out))]
    days = random.sample([day for day in free if day not in out], len(kinds))
    for day, (kind, (measures, plant)) in zip(days, kinds.items(), strict=True):
        plant(files[day])
        came = day + timedelta(DAYS_LATE) if kind == "late" else None
        faults.append(Fault(kind, table, measures, () if kind in OF_NO_DAY else (day,), came))
    return faults


def of_meters(drops: Path, random: Random) -> list[Fault]:
    """Plant faults in the files of meters: they come once, and hold all days."""
    first, second, third = files = sorted((drops / "meters").iterdir())
    days = [LAST_DAY - timedelta(n) for n in range(METERED["small"].days - QUIET)]
    short, out = days[:DAYS_SHORT], random.choice(days[DAYS_SHORT:])
    for path in files:
        _rewrite(path, lambda lines: [line for line in lines if _day_of_reading(line) != out])
    _rewrite(first, lambda lines: [line for line in lines if _day_of_reading(line) not in short])
    _rewrite(first, _unreadable)
    second.write_bytes(random.randbytes(2000))
    _rewrite(third, lambda lines: [line for line in lines if random.random() < 0.7])
    areas = drops / "meter_areas" / "meter_areas.csv"
    known = pl.read_csv(areas, infer_schema=False)
    is_unknown = pl.int_range(pl.len()) % BROKEN == 0
    code = pl.col("area_code")
    known.with_columns(area_code=pl.when(is_unknown).then(code + "X").otherwise(code)).write_csv(areas)
    table = "meters/raw_readings"
    return [
        Fault("a fifth unreadable", table, ("accepted_share", "usable_share")),
        Fault("a damaged file", table, ("refused_files",)),
        Fault("three in ten half hours are missing", table, ("usable_share",)),
        Fault("a day without any meter", table, ("rows_of_day",), (out,)),
        Fault("most meters end a week early", table, ("rows_of_day",), tuple(short)),
        Fault("a fifth of the areas unknown", "meters/meter_areas", ("unknown_keys",)),
    ]


def _day(path: Path) -> date:
    found = re.search(r"(\d{4})-?(\d{2})-?(\d{2})", path.name)
    assert found is not None, path.name
    return date(*map(int, found.groups()))


def _rewrite(path: Path, change: Callable[[Lines], Lines]) -> None:
    """Change the lines of a file, gzip or not, below its header if it has one."""
    is_zipped = path.suffix == ".gz"
    content = gzip.decompress(path.read_bytes()) if is_zipped else path.read_bytes()
    lines = content.splitlines(keepends=True)
    has_header = b"csv" in path.name.encode()
    made = b"".join([*lines[:has_header], *change(lines[has_header:])])
    path.write_bytes(gzip.compress(made, mtime=0) if is_zipped else made)


def _copied(path: Path, change: Callable[[Lines], Lines]) -> None:
    """Write the lines of a file, gzip, once more beside it, changed or not: never the same bytes."""
    again = path.with_name(f"more_{path.name}")
    shutil.copy(path, again)
    _rewrite(again, change)
    again.write_bytes(gzip.compress(gzip.decompress(again.read_bytes()), mtime=1))


def _in_two(path: Path) -> None:
    """Divide a file into most of it and the rest."""
    _copied(path, lambda lines: lines[len(lines) * 9 // 10 :])
    _rewrite(path, lambda lines: lines[: len(lines) * 9 // 10])


def _day_of_reading(line: bytes) -> date:
    """Local day of a line of either trial; one of them stamps half hours at their ends in UTC, in summer time."""
    if b"," not in line:
        return CER_DAY_ONE + timedelta(int(line.split()[1][:3]) - 1)
    return (datetime.fromisoformat(line.split(b",")[1][:19].decode()) + timedelta(minutes=59)).date()


def _unreadable(lines: Lines) -> Lines:
    return [b"?" * 9 + b"\n" if number % BROKEN == 0 else line for number, line in enumerate(lines)]


def _twice(lines: Lines) -> Lines:
    return [each for line in lines for each in (line, line)]


def _statuses(change: Callable[[dict[str, Any]], None]) -> Callable[[Lines], Lines]:
    def changed(lines: Lines) -> Lines:
        statuses = [msgspec.json.decode(line) for line in lines]
        for status in statuses:
            if "id_str" in status:
                change(status)
        return [msgspec.json.encode(status) + b"\n" for status in statuses]

    return changed


def _under_another_number(status: dict[str, Any]) -> None:
    status["id"] += 1 << 20
    status["id_str"] = str(status["id"])


def _without_position(status: dict[str, Any]) -> None:
    status |= {"geo": None, "coordinates": None}


def _events(change: Callable[[list[bytes]], None]) -> Callable[[Lines], Lines]:
    def changed(lines: Lines) -> Lines:
        events = [line.rstrip(b"\n").split(b",") for line in lines]
        for event in events:
            change(event)
        return [b",".join(event) + b"\n" for event in events]

    return changed


def _of_another_device(event: list[bytes]) -> None:
    event[1] += b"0"


def _without_network(event: list[bytes]) -> None:
    event[5:7] = [b"", b""]


def _and(change: Callable[[Lines], Lines]) -> Callable[[Lines], Lines]:
    return lambda lines: lines + change(lines)


OF_OTHERS = {"tweets": _and(_statuses(_under_another_number)), "phone_events": _and(_events(_of_another_device))}
EMPTIED = {"tweets": _statuses(_without_position), "phone_events": _events(_without_network)}


# --- figures


def rate(alarms: int, judged: int) -> str:
    """Alarms of a thousand, with the interval of 95 percent."""
    low = beta.ppf(0.025, alarms, judged - alarms + 1) if alarms else 0.0
    high = beta.ppf(0.975, alarms + 1, judged - alarms) if alarms < judged else 1.0
    return f"{1000 * alarms / judged:.2f} ({1000 * low:.2f} to {1000 * high:.2f})"


def print_false_alarms(found: pl.DataFrame) -> None:
    """Print alarms by pilot, of days and of tables as a whole, and name each."""
    told = found.filter(pl.col("quality_status") != "not judged").with_columns(
        pilot=pl.col("table_name").str.split("/").list.first(),
        of=pl.when(pl.col("partition_name") == "all").then(pl.lit("tables")).otherwise(pl.lit("days")),
    )
    print("nothing wrong: judged, looks and acts a thousand (95 %)")
    for (of, pilot), rows in told.sort("of", "pilot").group_by("of", "pilot", maintain_order=True):
        looks, acts = (int((rows["quality_status"] == status).sum()) for status in TOLD)
        print(f"  {of:<7}{pilot:<11}{len(rows):>8,}  looks {rate(looks, len(rows))}  acts {rate(acts, len(rows))}")
    bad = told.filter(pl.col("quality_status").is_in(TOLD))
    kinds = bad.group_by("quality_status", "table_name", "measure", "measured_of").agg(pl.len(), pl.col("said").first())
    for row in kinds.sort("quality_status", "table_name", "measure", "measured_of").iter_rows():
        print("   ", *row)


def found_of(faults: list[Fault], planted: pl.DataFrame, clean: pl.DataFrame) -> Iterator[tuple[Fault, str | None]]:
    """Return of each fault the gravest alarm that it raised, which the home without it has not."""
    new = planted.filter(pl.col("quality_status").is_in(TOLD)).join(
        clean.filter(pl.col("quality_status").is_in(TOLD)), on=[*KEY, "quality_status"], how="anti"
    )
    for fault in faults:
        of_fault = new.filter(table_name=fault.table).filter(pl.col("measure").is_in(fault.measures))
        if fault.days:
            of_fault = of_fault.filter(pl.col("day").is_in(fault.days))
        statuses = {*of_fault["quality_status"]}
        yield fault, next((status for status in reversed(TOLD) if status in statuses), None)


def of_seed(
    seed: int, people: int, worlds: Mapping[str, Any] = WORLDS, *, is_whole: bool = True
) -> tuple[pl.DataFrame, list[tuple[Fault, str | None]]]:
    """Return the verdicts on a home in which nothing is wrong, and of each fault planted in it the gravest alarm.

    Parameters
    ----------
    seed
        Of the country, its sources, and the faults.
    people
        Of the country.
    worlds
        Scale of each pilot.
    is_whole
        Whether all tables are made, and not only those of the files.
    """
    with tempfile.TemporaryDirectory() as folder:
        drops = write_files(Path(folder), seed, people, worlds)
        settings = read_in(Path(folder) / "home", drops)
        if is_whole:
            outcome = operations.make(settings, [], None, lambda _: None)
            assert outcome.success, outcome.failures
        clean, random = judge(settings, {}), Random(seed)
        faults = [
            *(fault for source in EMPTIED for fault in of_days(drops / source, source, random)),
            *of_meters(drops, random),
        ]
        sources = {table: source for source, table in DAILY.items()}
        late = {(sources[fault.table], fault.days[0]): fault.came for fault in faults if fault.came}
        found = judge(read_in(Path(folder) / "planted", drops), late)
        return clean, list(found_of(faults, found, clean))


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--people", type=int, default=12_000)
    given = parser.parse_args()
    clean, raised = [], Counter[tuple[str, str, str | None]]()
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        judged, faults = of_seed(seed, given.people)
        clean.append(judged)
        raised.update((fault.table, fault.kind, status) for fault, status in faults)
        print(f"seed {seed} done", flush=True)
    print_false_alarms(pl.concat(clean))
    print("planted: raised an alarm, and a red one")
    for table, kind in dict.fromkeys((table, kind) for table, kind, _ in raised):
        number, red = (sum(raised[table, kind, status] for status in those) for those in ([*TOLD, None], ["act"]))
        looks = raised[table, kind, "watch"]
        print(f"  {table:<22}{kind:<38}{looks + red} of {number}, red {red}")


if __name__ == "__main__":
    main()
