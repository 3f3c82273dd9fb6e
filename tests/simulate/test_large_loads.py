"""Large equipment of simulated homes: it uses what such equipment uses, when it does, and changes nothing else."""

import numpy as np
import polars as pl
import pytest

from ons_assets.simulate.meters import SCALES, EquipmentShares, Scale, simulate_meters, simulated_homes
from ons_assets.simulate.meters.households import Kind
from ons_assets.simulate.meters.large_loads import cycling
from ons_assets.simulate.meters.presence import STATES, State

NONE = EquipmentShares(0, 0, 0, 0)
KINDS = {
    "solar": EquipmentShares(1, 0, 0, 0),
    "storage_heating": EquipmentShares(0, 1, 0, 0),
    "electric_car": EquipmentShares(0, 0, 1, 0),
    "heat_pump": EquipmentShares(0, 0, 0, 1),
}


def world(shares: EquipmentShares) -> list:
    return list(simulated_homes(Scale("year", homes=30, days=365, equipment=shares), seed=11))


@pytest.fixture(scope="module")
def without() -> list:
    return world(NONE)


@pytest.fixture(scope="module")
def worlds() -> dict[str, list]:
    return {kind: world(shares) for kind, shares in KINDS.items()}


@pytest.fixture(scope="module")
def added(without: list, worlds: dict[str, list]) -> dict[str, np.ndarray]:
    """What each kind adds in main homes, (homes, days, 48)."""
    main = [home.household.kind is Kind.MAIN for home in without]
    return {
        kind: np.array([home.kwh.astype(float) - other.kwh for home, other in zip(homes, without, strict=True)])[main]
        for kind, homes in worlds.items()
    }


def test_a_home_with_and_without_equipment_has_the_same_people(without: list, worlds: dict[str, list]) -> None:
    for kind, homes in worlds.items():
        for home, other in zip(homes, without, strict=True):
            assert home.household == other.household
            assert np.array_equal(home.presence.home, other.presence.home)
            assert not np.array_equal(home.kwh, other.kwh) or home.household.kind is not Kind.MAIN, kind


def test_a_year_of_each_kind_is_of_the_known_size(added: dict[str, np.ndarray]) -> None:
    year = {kind: kwh.sum(axis=(1, 2)).mean() for kind, kwh in added.items()}
    assert 1_500 < year["electric_car"] < 2_500
    assert 6_000 < year["storage_heating"] < 9_000
    assert 3_000 < year["heat_pump"] < 4_000
    assert -2_500 < year["solar"] < -1_000  # what the panels give less what is exported


def test_panels_take_from_the_middle_of_the_day_alone(without: list, worlds: dict[str, list]) -> None:
    taken = np.array([other.kwh.astype(float) - home.kwh for home, other in zip(worlds["solar"], without, strict=True)])
    assert taken.min() >= 0
    assert taken[:, :, :8].max() == taken[:, :, 44:].max() == 0
    assert 22 <= taken.mean(axis=(0, 1)).argmax() <= 28
    # A meter that nets shows all that the panels give.
    given = np.mean(
        [
            (other.kwh - home.kwh).sum()
            for home, other in zip(worlds["solar"], without, strict=True)
            if home.equipment.net_metered
        ]
    )
    assert 2_400 < given < 4_200
    assert all((home.kwh >= 0).all() for home in worlds["solar"] if not home.equipment.net_metered)


def test_storage_heaters_charge_on_winter_nights(added: dict[str, np.ndarray]) -> None:
    kwh = added["storage_heating"]
    assert kwh[:, :, 15:].max() == kwh[:, :, 0].max() == 0
    by_day = kwh.sum(axis=2).mean(axis=0)
    assert by_day[150:240].mean() > 4 * by_day[[*range(45), *range(335, 365)]].mean()


def test_a_car_is_charged_where_people_are_home_and_not_on_holiday(worlds: dict[str, list], without: list) -> None:
    for home, other in zip(worlds["electric_car"], without, strict=True):
        charge = home.kwh.astype(float) - other.kwh
        by_day = charge.sum(axis=1)
        assert charge.max() < 3.7
        # A charge may run on over midnight into a day away or empty, and no longer.
        nobody = np.isin(home.presence.state, [STATES.index(State.AWAY), STATES.index(State.VACANT)])
        assert by_day[nobody & np.roll(nobody, 1)][1:].sum() < 0.01
        if home.household.kind is Kind.MAIN:
            assert 0.1 < (by_day > 0.5).mean() < 0.95


def test_a_heat_pump_runs_day_and_night_and_more_in_the_cold(added: dict[str, np.ndarray]) -> None:
    kwh = added["heat_pump"]
    winter = kwh[:, 150:240].mean(axis=(0, 1))
    assert winter.min() > 0.05
    by_day = kwh.sum(axis=2).mean(axis=0)
    assert by_day[150:240].mean() > 2.5 * by_day[:45].mean() > 0
    assert kwh.max() < 3


def test_a_compressor_runs_for_its_share_of_the_time() -> None:
    minutes = np.arange(20_001) * 30.0
    for share in (0.0, 0.2, 0.7, 1.0):
        ran = cycling(minutes, 77.0, np.full(20_001, share))
        assert 0 <= ran.min() <= ran.max() <= 30
        assert ran.mean() / 30 == pytest.approx(share, abs=0.01)


def test_shares_are_shares_and_nested() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        EquipmentShares(solar=1.2)
    few = list(simulated_homes(Scale("few", homes=60, days=1, equipment=EquipmentShares(heat_pump=0.2)), seed=3))
    more = list(simulated_homes(Scale("more", homes=60, days=1, equipment=EquipmentShares(heat_pump=0.5)), seed=3))
    assert 3 < sum(home.equipment.heat_pump for home in few) < sum(home.equipment.heat_pump for home in more)
    assert all(other.equipment.heat_pump for home, other in zip(few, more, strict=True) if home.equipment.heat_pump)
    assert not any(home.equipment.heat_pump and home.equipment.storage_heating for home in more)


def test_the_truth_says_what_each_home_has(tmp_path) -> None:
    scale = Scale("tiny", homes=40, days=2, equipment=SCALES["electric"].equipment)
    simulate_meters(tmp_path / "drops", tmp_path / "truth", scale=scale, seed=2)
    truth = pl.read_parquet(tmp_path / "truth" / "homes.parquet")
    homes = list(simulated_homes(scale, seed=2))
    for kind in ("storage_heating", "electric_car", "heat_pump"):
        assert truth[kind].to_list() == [getattr(home.equipment, kind) for home in homes]
        assert truth[kind].n_unique() == 2
    assert truth["solar_kw"].to_list() == [home.equipment.solar_kw for home in homes]
