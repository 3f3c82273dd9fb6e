"""What goes wrong between a meter and its file, with a record of everything that was done."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ons_assets.simulate.meters.calendar import SLOTS
from ons_assets.simulate.meters.scales import FaultRates

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Fault:
    """One fault of one meter: its kind, first half hour since the start of the world, and length."""

    kind: str
    first: int
    slots: int


@dataclass(frozen=True)
class Delivered:
    """Readings of one meter as they leave it.

    Parameters
    ----------
    kwh
        kWh in each half hour of the local clock, (days, 48); NaN where none is delivered.
    repeated
        Half hours (since the start) that are delivered twice with the same value.
    contradicted
        Half hours that are delivered a second time with another value.
    faults
        What was done, in order.
    """

    kwh: FloatArray
    repeated: npt.NDArray[np.int64]
    contradicted: npt.NDArray[np.int64]
    faults: list[Fault]


def draw_outages(days: int, rates: FaultRates, rng: np.random.Generator) -> list[Fault]:
    """Draw the outages of the collecting system, in which no meter of the trial delivers.

    Parameters
    ----------
    days
        Of the trial; of a week or less there are none.
    rates
        How often there are some, and how many at least.
    rng
        Generator of the outages.
    """
    return [
        Fault("collection_outage", int(rng.integers(0, days * SLOTS - 4)), int(rng.integers(1, 5)))
        for _ in range(rates.least_outages + rng.poisson(rates.outages * days / 365))
        if days > 7
    ]


def deliver(kwh: FloatArray, outages: list[Fault], rates: FaultRates, rng: np.random.Generator) -> Delivered:
    """Let faults happen to one meter.

    Parameters
    ----------
    kwh
        True consumption, (days, 48).
    outages
        Outages that all meters share.
    rates
        How often other faults happen.
    rng
        Generator of the meter's faults.
    """
    days = len(kwh)
    readings = kwh.ravel().copy()
    slots = len(readings)
    faults: list[Fault] = []

    def happens(kind: str, mean: float, shortest: int, longest: int) -> list[Fault]:
        found = [
            Fault(kind, int(rng.integers(0, slots)), int(rng.integers(shortest, longest + 1)))
            for _ in range(rng.poisson(mean))
        ]
        faults.extend(found)
        return found

    years = days / 365
    for fault in happens("spike", rates.spike * years, 1, 1):
        readings[fault.first] = np.float32(min(40.0, 10 + 100 * abs(readings[fault.first])))
    for fault in happens("stuck", rates.stuck * years, 24, 120):
        part = slice(fault.first, fault.first + fault.slots)
        readings[part] = readings[fault.first]
    for fault in happens("zero_run", rates.zero_run * years, 6, 60):
        readings[fault.first : fault.first + fault.slots] = 0
    for fault in happens("meter_off", rates.meter_off * years, 8, 24 * SLOTS // 4):
        end = fault.first + fault.slots
        readings[fault.first : fault.first + 4] = 0
        readings[fault.first + 4 : end] = np.nan
        readings[end : end + 2] = 0
    for fault in happens("communication", rates.communication * years, 1, 3 * SLOTS):
        readings[fault.first : fault.first + fault.slots] = np.nan
    for fault in outages:
        readings[fault.first : fault.first + fault.slots] = np.nan
    late, early = rng.random(2)
    if late < rates.not_started:
        faults.append(Fault("not_started", 0, int(rng.integers(SLOTS, slots // 5 + SLOTS))))
        readings[: faults[-1].slots] = np.nan
    if early < rates.ended:
        length = int(rng.integers(SLOTS, slots // 5 + SLOTS))
        faults.append(Fault("ended", slots - length, length))
        readings[slots - length :] = np.nan
    there = np.flatnonzero(~np.isnan(readings))
    months = there[(there % SLOTS == 0) & (there // SLOTS % 30 == 15)]
    repeated = months[rng.random(len(months)) < rates.repeated]
    number = rng.poisson(rates.contradicted * years) if len(there) else 0
    contradicted = rng.choice(there, size=number, replace=False) if len(there) else there
    faults += [Fault("repeated", int(slot), 1) for slot in repeated]
    faults += [Fault("contradicted", int(slot), 1) for slot in contradicted]
    return Delivered(readings.reshape(days, SLOTS), repeated, contradicted, faults)
