"""The simulator of the meters pilot: reading files with known faults, and the truth apart from them."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.meters import layouts, survey
from ons_assets.simulate.meters.calendar import SLOTS, Calendar
from ons_assets.simulate.meters.faults import deliver, draw_outages
from ons_assets.simulate.meters.home import Settle, SimulatedHome, simulated_homes
from ons_assets.simulate.meters.scales import Scale, scale_of
from ons_assets.simulate.meters.truth import Truth

DEFAULT_SEED = 20090714
HOMES_PER_FLUSH = 50
LCL_FILE = "LCL_simulated.csv"
QUESTIONNAIRE = "Smart meters Residential pre-trial survey data.csv"
AREAS = "meter_areas.csv"
# One line in some tens of thousands of a supplier's file cannot be read.
BAD_LINES = (
    "{day:03d}{slot:02d} -.-",
    "{day:03d}60 0.2",
    "000{slot:02d} 0.2",
    "{day:03d}{slot:02d}",
    "{day:03d}{slot:02d} NaN",
)


@dataclass(frozen=True)
class Summary:
    """What was simulated.

    Parameters
    ----------
    drops, truth
        Folders written to.
    scale
        Name of the scale.
    first_day, last_day
        Days of the world.
    homes, files
        Homes, and files of readings.
    rows
        Lines in the files, headers apart.
    bytes
        Size of the files.
    faults
        Faults by kind; `bad_line` and `null` are lines that are no reading.
    """

    drops: Path
    truth: Path
    scale: str
    first_day: date
    last_day: date
    homes: int
    files: int
    rows: int
    bytes: int
    faults: dict[str, int]


def simulate_meters(
    drops: Path,
    truth: Path,
    *,
    survey_drops: Path | None = None,
    scale: str | Scale = "small",
    seed: int = DEFAULT_SEED,
    settle: Settle | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Simulate the half-hourly electricity of homes, with the truth of who is at home.

    Parameters
    ----------
    drops
        Folder for the files of readings: ``File1.txt`` and so on in the layout of the CER trial (mean
        power in kW) and ``LCL_simulated.csv`` in that of Low Carbon London (kWh).
    truth
        Folder for ``homes``, ``presence``, ``states``, ``faults`` and ``consumption`` (Parquet), keyed by
        the meter's name in the files.
    survey_drops
        Folder for the questionnaire of the CER homes and for the small areas of all; None to leave
        them out.
    scale
        Name of a scale (``small``, ``medium``, ``full``) or a `Scale`.
    seed
        Seed of the world, not negative: the same seed and scale give the same bytes.
    settle
        Says where each home is and who lives there, see `ons_assets.simulate.meters.settling`; None for areas and
        households of this world's own.
    progress
        Called after each home with the homes done and the homes in all.

    Raises
    ------
    ValueError
        If the truth would lie among the drops, or the scale is unknown.
    FileExistsError
        If `drops` already holds files of readings: two worlds in one folder would have no truth.

    Examples
    --------
    >>> scale = Scale("tiny", homes=3, days=10)
    >>> summary = simulate_meters(Path("drops"), Path("truth"), scale=scale)
    >>> summary.homes, sorted(path.name for path in Path("drops").iterdir())
    (3, ['File1.txt', 'File2.txt', 'LCL_simulated.csv'])
    """
    scale = scale_of(scale)
    drops, truth = Path(drops), Path(truth)
    if truth.resolve().is_relative_to(drops.resolve()):
        raise ValueError("the truth must not lie in the folder of the drops: it would be read as data")
    if drops.is_dir() and any([*drops.glob("File*.txt"), *drops.glob("LCL*.csv")]):
        raise FileExistsError(f"{drops} already holds files of readings: empty it or choose another folder")
    for folder in (drops, truth, *([survey_drops] if survey_drops else [])):
        folder.mkdir(parents=True, exist_ok=True)
    trial = _Trial(scale, seed, drops, truth)
    with trial:
        for done, home in enumerate(simulated_homes(scale, seed, settle), start=1):
            trial.add(home)
            if progress is not None:
                progress(done, scale.homes)
    if survey_drops is not None:
        trial.write_survey(survey_drops)
    return trial.summary()


class _Trial:
    """The files of a world while they are written."""

    def __init__(self, scale: Scale, seed: int, drops: Path, truth: Path) -> None:
        self.scale, self.seed, self.drops, self.truth_folder = scale, seed, drops, truth
        calendar = Calendar(scale.start, scale.days, seed)
        self.clock = layouts.Clock(scale.start, scale.days)
        self.outages = draw_outages(scale.days, scale.faults, np.random.default_rng([seed, 4]))
        self.lcl_homes = round(scale.homes * scale.lcl_share)
        self.cer_homes = scale.homes - self.lcl_homes
        self.truth = Truth(truth, calendar, scale.keep_consumption)
        self.stack = ExitStack()
        self.faults: Counter[str] = Counter()
        self.rows = 0
        self.asked: list[survey.Metered] = []
        self.known: list[survey.Metered] = []

    def __enter__(self) -> None:
        self.stack.enter_context(self.truth)
        cer_files = min(self.scale.cer_files, self.cer_homes)
        self.cer = [
            self.stack.enter_context((self.drops / f"File{number + 1}.txt").open("wb")) for number in range(cer_files)
        ]
        if self.lcl_homes:
            self.lcl = self.stack.enter_context((self.drops / LCL_FILE).open("wb"))
            self.lcl.write(layouts.LCL_HEADER)

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def add(self, home: SimulatedHome) -> None:
        rng = np.random.default_rng([self.seed, 5, home.number])
        delivered = deliver(home.kwh, self.outages, self.scale.faults, rng)
        rows = layouts.readings(self.clock, delivered, rng)
        in_cer = home.number < self.cer_homes
        meter, file = self._write_cer(home, rows, rng) if in_cer else self._write_lcl(home, rows, rng)
        self.truth.add(meter, file, home, delivered.faults)
        self.rows += len(rows)
        self.faults.update(fault.kind for fault in delivered.faults)
        self.known.append(survey.Metered(meter, home.area, home.household))
        if in_cer:
            self.asked.append(self.known[-1])
        if home.number % HOMES_PER_FLUSH == HOMES_PER_FLUSH - 1:
            self.truth.flush()

    def _write_cer(self, home: SimulatedHome, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[str, str]:
        meter = layouts.CER_FIRST_METER + home.number
        bad = []
        if rng.random() < self.scale.faults.bad_line:
            day, slot = int(rng.integers(1, 365)), int(rng.integers(1, 49))
            bad = [str(rng.choice(BAD_LINES)).format(day=day, slot=slot)]
        file = home.number * len(self.cer) // self.cer_homes
        layouts.write_cer(self.cer[file], meter, rows, bad)
        self.rows += len(bad)
        self.faults["bad_line"] += len(bad)
        return str(meter), f"File{file + 1}.txt"

    def _write_lcl(self, home: SimulatedHome, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[str, str]:
        meter = f"MAC{home.number - self.cer_homes + 1:06d}"
        null_at = None
        if rng.random() < self.scale.faults.null:
            midnight = datetime.combine(self.scale.start + timedelta(int(rng.integers(0, self.scale.days))), time())
            # Never on the half hour: 1 to 1,799 seconds after it.
            null_at = midnight + timedelta(minutes=30 * int(rng.integers(0, SLOTS)), seconds=int(rng.integers(1, 1800)))
            self.rows += 1
            self.faults["null"] += 1
        layouts.write_lcl(self.lcl, meter, rows, null_at)
        return meter, LCL_FILE

    def write_survey(self, folder: Path) -> None:
        rng = np.random.default_rng([self.seed, 6])
        survey.answers(self.asked, rng).write_csv(folder / QUESTIONNAIRE)
        survey.areas(self.known).write_csv(folder / AREAS)

    def summary(self) -> Summary:
        files = [*self.drops.glob("File*.txt"), *self.drops.glob("LCL*.csv")]
        self.faults["collection_outage"] = len(self.outages)
        return Summary(
            drops=self.drops,
            truth=self.truth_folder,
            scale=self.scale.name,
            first_day=self.scale.start,
            last_day=self.scale.start + timedelta(self.scale.days - 1),
            homes=self.scale.homes,
            files=len(files),
            rows=self.rows,
            bytes=sum(file.stat().st_size for file in files),
            faults=dict(sorted(self.faults.items())),
        )
