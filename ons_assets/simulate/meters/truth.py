"""The truth of a simulated world, written while it is made: memory holds a block of homes."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import polars as pl
import pyarrow.parquet as pq

from ons_assets.simulate.meters.calendar import Calendar
from ons_assets.simulate.meters.faults import Fault
from ons_assets.simulate.meters.home import SimulatedHome
from ons_assets.simulate.meters.presence import STATES

FAULT_SCHEMA = {"meter": pl.String(), "kind": pl.String(), "first_slot": pl.Int64(), "slots": pl.Int64()}


class Truth:
    """Writes `homes`, `presence`, `states`, `faults` and, if wanted, `consumption` (Parquet).

    Parameters
    ----------
    folder
        Where to write.
    calendar
        Days of the world.
    keep_consumption
        Whether to write the consumption before faults.
    """

    def __init__(self, folder: Path, calendar: Calendar, keep_consumption: bool) -> None:
        self._folder, self._calendar, self._keep_consumption = folder, calendar, keep_consumption
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._homes: list[Mapping[str, object]] = []

    def __enter__(self) -> "Truth":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        for writer in self._writers.values():
            writer.close()
        pl.DataFrame(self._homes, schema_overrides={"uprn": pl.Int64()}).write_parquet(self._folder / "homes.parquet")

    def add(self, meter: str, file: str, home: SimulatedHome, faults: list[Fault]) -> None:
        """Take in the truth of one home.

        Parameters
        ----------
        meter
            Name of the meter in the files.
        file
            Name of the file that holds its readings.
        home
            What was simulated, before the faults.
        faults
            What was done to its readings on the way to the file.
        """
        household, presence, dates = home.household, home.presence, self._calendar.dates
        self._homes.append(
            {
                "meter": meter,
                "file": file,
                "area_code": home.area,
                "uprn": home.uprn,
                "kind": str(household.kind),
                "household_type": household.household_type,
                "size": household.size,
                "children": household.children,
                "over_65": household.over_65,
                "roles": [str(person.role) for person in household.people],
                "solar_kw": home.equipment.solar_kw,
                "net_metered": home.equipment.net_metered and home.equipment.solar_kw > 0,
                "storage_heating": home.equipment.storage_heating,
                "electric_car": home.equipment.electric_car,
                "heat_pump": home.equipment.heat_pump,
            }
        )
        days = {"meter": [meter] * len(dates), "day": dates}
        self._wait(
            "presence",
            pl.DataFrame({**days, "people_home": presence.home, "people_awake": presence.awake}).with_columns(
                pl.col("people_home", "people_awake").arr.to_list()
            ),
        )
        self._wait("states", pl.DataFrame({**days, "state": [str(STATES[state]) for state in presence.state]}))
        rows = [(meter, fault.kind, fault.first, fault.slots) for fault in faults]
        self._wait("faults", pl.DataFrame(rows, schema=FAULT_SCHEMA, orient="row"))
        if self._keep_consumption:
            self._wait("consumption", pl.DataFrame({**days, "kwh": home.kwh}).with_columns(pl.col("kwh").arr.to_list()))

    def flush(self) -> None:
        """Write what waits."""
        for name, frames in self._waiting.items():
            table = pl.concat(frames).rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
            if name not in self._writers:
                self._writers[name] = pq.ParquetWriter(
                    self._folder / f"{name}.parquet", table.schema, compression="zstd"
                )
            self._writers[name].write_table(table)
        self._waiting = {}

    def _wait(self, name: str, frame: pl.DataFrame) -> None:
        self._waiting.setdefault(name, []).append(frame)
