"""The simulated homes: same bytes from the same seed, files that agree with the truth, lives that are not trivial."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_assets.simulate.meters import SCALES, EquipmentShares, Scale, Summary, simulate_meters, simulated_homes
from ons_assets.simulate.meters.households import Kind
from ons_assets.simulate.meters.presence import STATES, State
from ons_assets.simulate.meters.scales import NO_FAULTS

TINY = Scale("tiny", homes=30, days=40, start=SCALES["small"].start)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    root = tmp_path_factory.mktemp("meters")
    return root, simulate_meters(root / "drops", root / "truth", survey_drops=root / "survey", scale=TINY)


@pytest.fixture(scope="module")
def homes() -> list:
    return list(simulated_homes(Scale("year", homes=150, days=365), seed=11))


def digests(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(world: tuple[Path, Summary], tmp_path: Path) -> None:
    root, summary = world
    again = simulate_meters(tmp_path / "drops", tmp_path / "truth", survey_drops=tmp_path / "survey", scale=TINY)
    assert digests(tmp_path) == digests(root)
    assert again.faults == summary.faults
    simulate_meters(tmp_path / "other" / "drops", tmp_path / "other" / "truth", scale=TINY, seed=1)
    assert digests(tmp_path / "other")["drops/File1.txt"] != digests(root)["drops/File1.txt"]


def test_a_home_does_not_depend_on_how_many_there_are() -> None:
    few = list(simulated_homes(Scale("few", homes=30, days=20, homes_per_area=30), seed=3))
    more = list(simulated_homes(Scale("more", homes=60, days=20, homes_per_area=30), seed=3))
    assert all(np.array_equal(one.kwh, other.kwh) for one, other in zip(few, more, strict=False))


def test_files_hold_what_the_truth_says_but_for_faults(world: tuple[Path, Summary]) -> None:
    root, summary = world
    text = pl.read_csv(
        root / "drops" / "File1.txt",
        separator=" ",
        has_header=False,
        new_columns=["meter", "code", "kw"],
        infer_schema=False,
        truncate_ragged_lines=True,
    )
    text = text.with_columns(pl.col("kw").cast(float, strict=False), pl.col("code").cast(int, strict=False))
    truth = pl.read_parquet(root / "truth" / "consumption.parquet").filter(meter="1000")
    day = (pl.lit(pl.Series([truth["day"][10]])).first() - pl.date(2009, 1, 1)).dt.total_days() + 1
    codes = text.filter(pl.col("meter") == "1000", pl.col("code") // 100 == day).sort("code")
    expected = {slot + 1: kwh for slot, kwh in enumerate(truth["kwh"][10])}
    agree = [abs(row["kw"] / 2 - expected[row["code"] % 100]) < 1e-6 for row in codes.iter_rows(named=True)]
    assert np.mean(agree) > 0.9
    lines = sum(len(path.read_bytes().splitlines()) for path in (root / "drops").glob("File*.txt"))
    london = len((root / "drops" / "LCL_simulated.csv").read_bytes().splitlines()) - 1
    assert lines + london == summary.rows
    assert sum(path.stat().st_size for path in (root / "drops").iterdir()) == summary.bytes


def test_a_world_without_faults_has_every_half_hour_once(world: tuple[Path, Summary], tmp_path: Path) -> None:
    made = simulate_meters(tmp_path / "drops", tmp_path / "truth", scale=replace(TINY, faults=NO_FAULTS))
    assert not any(made.faults.values())
    # The clock goes back once in its days.
    assert made.rows == TINY.homes * (48 * TINY.days + 2)
    homes, same = (pl.read_parquet(root / "truth" / "homes.parquet") for root in (tmp_path, world[0]))
    assert homes.equals(same)


def test_the_autumn_day_has_fifty_slots_and_nothing_is_skipped(world: tuple[Path, Summary]) -> None:
    text = (world[0] / "drops" / "File1.txt").read_text()
    slots = {int(line.split()[1][3:]) for line in text.splitlines() if line.split()[1].startswith("298")}
    assert set(range(1, 51)) <= slots


def test_london_stamps_are_on_the_half_hour_but_for_nulls(world: tuple[Path, Summary]) -> None:
    lines = (world[0] / "drops" / "LCL_simulated.csv").read_text().splitlines()[1:]
    odd = [line for line in lines if line.split(",")[1][14:19] not in {"00:00", "30:00"}]
    assert len(odd) == world[1].faults["null"]
    assert all(line.endswith("Null") for line in odd)


def test_the_questionnaire_agrees_with_the_households(world: tuple[Path, Summary]) -> None:
    root, _ = world
    (path,) = (root / "survey").glob("*survey*.csv")
    answers = pl.read_csv(path).rename({"ID": "meter"}).with_columns(pl.col("meter").cast(str))
    both = answers.join(pl.read_parquet(root / "truth" / "homes.parquet"), on="meter")
    assert len(both) == len(answers) > 5
    adults = pl.col("Question 420").fill_null(1)
    children = pl.col("Question 43111").fill_null(0)
    assert both.select((adults + children == pl.col("size")).all()).item()
    assert both.select(((pl.col("Question 410") == 3) == (pl.col("children") > 0)).all()).item()
    areas = pl.read_csv(root / "survey" / "meter_areas.csv", infer_schema=False)
    assert len(areas) == TINY.homes


def test_presence_is_within_the_household(homes: list) -> None:
    for home in homes:
        assert home.presence.awake.max() <= home.presence.home.max() <= max(home.household.size, 1)
        assert (home.presence.awake <= home.presence.home).all()
        vacant = home.presence.state == STATES.index(State.AWAY)
        assert not home.presence.home[vacant].any()


def test_homes_use_what_homes_use(homes: list) -> None:
    kwh = np.array([home.kwh for home in homes])
    main = np.array([home.household.kind is Kind.MAIN for home in homes])
    daily = kwh.sum(axis=2).mean(axis=1)
    assert 6 < np.median(daily[main]) < 14
    assert 0.3 < daily[main].std() / daily[main].mean() < 0.9
    # Storage heaters and some cars are charged at night: few homes, and a large part of the energy.
    at_night = np.array([home.equipment.storage_heating or home.equipment.electric_car for home in homes])
    plain = main & ~at_night
    profile = kwh[plain].mean(axis=(0, 1))
    assert 34 <= profile.argmax() <= 42
    assert profile[4:10].mean() < 0.5 * profile[34:42].mean()
    size = np.array([home.household.size for home in homes])
    assert 0.3 < np.corrcoef(size[plain], daily[plain])[0, 1] < 0.75


def test_presence_cannot_be_read_off_the_meter(homes: list) -> None:
    """Use separates presence better than chance and worse than perfectly, home by home."""
    areas = []
    for home in homes:
        inside = home.presence.home[:, 12:44].ravel() > 0
        if home.household.kind is Kind.MAIN and 100 < inside.sum() < len(inside) - 100:
            ranks = home.kwh[:, 12:44].ravel().argsort().argsort()
            ones = int(inside.sum())
            areas.append((ranks[inside].sum() - ones * (ones - 1) / 2) / (ones * (len(inside) - ones)))
    assert 0.75 < np.median(areas) < 0.93
    assert np.percentile(areas, 5) < 0.82


def test_away_days_are_low_but_not_zero(homes: list) -> None:
    shares = []
    for home in homes:
        away = home.presence.state == STATES.index(State.AWAY)
        if away.any() and home.household.kind is Kind.MAIN and not home.equipment.solar_kw:
            shares.append(home.kwh[away].sum(axis=1).mean() / home.kwh[~away].sum(axis=1).mean())
    assert 0.2 < np.median(shares) < 0.7
    assert min(shares) > 0


def test_solar_export_is_negative_only_where_it_is_netted() -> None:
    homes = simulated_homes(Scale("panels", homes=30, days=10, equipment=EquipmentShares(solar=0.7)), seed=11)
    negative = [home for home in homes if (home.kwh < 0).any()]
    assert negative
    assert all(home.equipment.net_metered and home.equipment.solar_kw > 0 for home in negative)


def test_the_truth_is_kept_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must not lie in the folder of the drops"):
        simulate_meters(tmp_path, tmp_path / "truth", scale=TINY)
    with pytest.raises(ValueError, match="there is no scale 'huge'"):
        simulate_meters(tmp_path / "a", tmp_path / "b", scale="huge")
    with pytest.raises(ValueError, match="at least one home"):
        simulate_meters(tmp_path / "a", tmp_path / "b", scale=Scale("none", homes=0, days=1))


def test_two_worlds_never_share_a_folder(world: tuple[Path, Summary]) -> None:
    root, _ = world
    with pytest.raises(FileExistsError, match="already holds"):
        simulate_meters(root / "drops", root / "truth", scale=TINY)


def test_full_has_the_size_of_the_trial() -> None:
    full = SCALES["full"]
    assert (full.homes, full.days * 48 + 2 * 2 - 2 * 1) == (6_445, 25_730)
