"""The meters pilot in the demonstration: what electricity says of homes, and how near that is to the truth."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.demo.figure import Figure
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.meters.areas.area_figures import EMPTY, days_of
from ons_assets.meters.occupancy import accuracy, area_under_curve, brier_score, expected_calibration_error
from ons_assets.meters.readings.identifiers import Pseudonyms
from ons_assets.simulate.country import Country
from ons_assets.simulate.meters import DEFAULT_SEED, Scale, simulate_meters
from ons_assets.simulate.meters.scales import IN_COUNTRY, scale_of
from ons_assets.simulate.meters.settling import MeteredDwellings, country_of
from ons_assets.simulate.meters.world import AREAS, QUESTIONNAIRE

FloatArray = npt.NDArray[np.float64]

SURVEY_SOURCES = {QUESTIONNAIRE: "meter_questionnaire", AREAS: "meter_areas"}
WAKING = slice(12, 44)  # 06:00 to 22:00
SECOND_FOUND, VACANT_FOUND = (f"{kind} homes found, of the true ones" for kind in ("second", "vacant"))
# What the simulator calls a day on which nobody lives in a home.
TRULY_EMPTY = ("away", "vacant", "second_empty")


def simulate(
    drops: Path, truth: Path, scale: str | Scale, seed: int | None = None, country: Country | None = None
) -> str:
    """Write readings, answers and areas of a simulated trial, and apart from them the truth.

    Parameters
    ----------
    drops, truth
        Folders for the files of the suppliers, and for what no statistician would know.
    scale
        Size of the world: a name such as "small", or a scale of one's own.
    seed
        The same seed gives the same world; None is that of the simulator.
    country
        Whose dwellings have the meters; None for one of the size of the scale.
    """
    survey, chosen = drops / "survey", DEFAULT_SEED if seed is None else seed
    size = IN_COUNTRY[scale] if country is not None and isinstance(scale, str) else scale_of(scale)
    settle = MeteredDwellings(country or country_of(size, chosen), size, chosen)
    summary = simulate_meters(drops / "meters", truth, survey_drops=survey, scale=size, seed=chosen, settle=settle)
    for name, source in SURVEY_SOURCES.items():
        (drops / source).mkdir()
        (survey / name).rename(drops / source / name)
    survey.rmdir()
    return f"{summary.rows:,} lines of readings of {summary.homes:,} homes in {summary.files} files"


def results(home: Home, truth: Path) -> dict[str, pl.DataFrame]:
    """Return what the demonstration prints of meters, by its titles; areas and figures of models, never of homes."""
    return {
        "Homes by small area and month, as shares (what tells of few homes is withheld)": _areas(home),
        "When to call: share of homes with somebody in, at the best hour of each type of day": _calls(home),
        "Household size from profiles, cross-validated on those who answered": _sizes(home),
        "Meters against the truth of the simulation": against_truth(home, truth),
    }


def figures(home: Home, truth: Path) -> list[Figure]:
    """Return the figures that the demonstration ends with: how often somebody is in, and how many homes are vacant."""
    p, inside, _ = _presence(home, _meters(home, truth), truth)
    [(share, homes)] = against_truth(home, truth).filter(measure=VACANT_FOUND).select("value", "homes").rows()
    known = np.isfinite(p)
    shares = (f"{100 * each[known].mean():.0f}" for each in (p, inside))
    return [
        Figure("Half hours from 06 to 22 with somebody in, %", *shares),
        Figure("Vacant homes", f"{round((share or 0) * homes)}", f"{homes}"),
    ]


def _areas(home: Home) -> pl.DataFrame:
    measures = ["lived_in", "in_use", "on_holiday", "vacant", "second_home", "somebody_at_home"]
    return (
        _read(home, "area_occupancy")
        .filter(~pl.col("is_suppressed"))
        .collect()
        .pivot(on="measure", on_columns=measures, index=["area_code", "month", "homes"], values="estimate")
        .sort("area_code", "month")
    )


def _calls(home: Home) -> pl.DataFrame:
    return (
        _read(home, "fieldwork")
        .filter(~pl.col("is_suppressed"))
        .sort("area_code", "day_type", "rank")
        .group_by("area_code", "day_type", maintain_order=True)
        .first()
        .select("area_code", "day_type", "hour", "homes", "estimate", "lower", "upper")
        .collect()
    )


def _sizes(home: Home) -> pl.DataFrame:
    columns = ("target", "model", "classes", "homes", "accuracy", "balanced_accuracy")
    return _read(home, "household_size_accuracy").select(columns).sort("target", "model").collect()


def against_truth(home: Home, truth: Path) -> pl.DataFrame:
    """Return how well presence by half hour and absence by day agree with the simulator's truth.

    Parameters
    ----------
    truth
        Folder of the truth, as `simulate_meters` writes it.

    Returns
    -------
    DataFrame
        `measure`, `value`, and over how many homes it is: `homes`.
    """
    meters = _meters(home, truth)
    p, inside, homes = _presence(home, meters, truth)
    states = pl.read_parquet(truth / "states.parquet").rename({"meter": "name", "state": "true"})
    days = days_of(_read(home, "vacancy").collect()).join(states.join(meters, on="name"), on=["meter", "day"])
    said, true = days["state"].is_in(list(EMPTY)).to_numpy(), days["true"].is_in(list(TRULY_EMPTY)).to_numpy()
    hits = float(np.sum(said & true))
    rows = [
        ("somebody at home, 06 to 22: accuracy", accuracy(p, inside), homes),
        ("the same: area under the curve", area_under_curve(p, inside), homes),
        ("the same: Brier score", brier_score(p, inside), homes),
        ("the same: calibration error", expected_calibration_error(p, inside), homes),
        ("days without people: F1", 2 * hits / max(said.sum() + true.sum(), 1), days["meter"].n_unique()),
        (SECOND_FOUND, *_homes_found(days, meters, "second_home", "second")),
        (VACANT_FOUND, *_homes_found(days, meters, "vacant", "vacant")),
    ]
    return pl.DataFrame(rows, schema=["measure", "value", "homes"], orient="row")


def _presence(home: Home, meters: pl.DataFrame, truth: Path) -> tuple[FloatArray, FloatArray, int]:
    """How likely somebody is in and whether somebody is, (days of homes, half hours awake), and of how many homes."""
    present = pl.read_parquet(truth / "presence.parquet").rename({"meter": "name"}).join(meters, on="name")
    both = _read(home, "occupancy_probabilities").collect().join(present, on=["meter", "day"])
    p = both["occupied_probability"].list.to_array(48).to_numpy()[:, WAKING]
    inside = (both["people_home"].list.to_array(48).to_numpy()[:, WAKING] > 0).astype(float)
    return p, inside, both["meter"].n_unique()


def _homes_found(days: pl.DataFrame, meters: pl.DataFrame, state: str, kind: str) -> tuple[float | None, int]:
    truly = meters.filter(kind=kind)
    found = truly.join(days.filter(state=state), on="meter", how="semi")
    return (len(found) / len(truly) if len(truly) else None), len(truly)


def _meters(home: Home, truth: Path) -> pl.DataFrame:
    """Return `meter`, `name` in the files, and `kind` of home."""
    homes = pl.read_parquet(truth / "homes.parquet")
    pseudonyms = Pseudonyms(home.secret())
    trial = pl.when(pl.col("file").str.starts_with("LCL")).then(pl.lit("low-carbon-london")).otherwise(pl.lit("cer"))
    named = homes.select("kind", name="meter", trial=trial)
    numbers = [pseudonyms.of(trial, name) for trial, name in named.select("trial", "name").iter_rows()]
    return named.select("kind", "name", meter=pl.Series(numbers, dtype=pl.Int64()))


def _read(home: Home, table: str) -> pl.LazyFrame:
    return lake.read(home, CATALOGUE[f"meters/{table}"])
