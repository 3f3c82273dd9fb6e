"""Tables as pilots publish them, of a few areas whose truth is known."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.areas.told import Told

MONTH = date(2014, 10, 1)
PERIOD = "2014-10-01/2014-10-28"
PEOPLE_A_HOME = 2.3


def rows_of(table: str, rows: pl.DataFrame) -> pl.LazyFrame:
    """Rows in the columns of a table; what is not given is null."""
    schema = CATALOGUE[table].schema
    lacking = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in rows.columns}
    return rows.with_columns(**lacking).select(pl.col(name).cast(dtype) for name, dtype in schema.items()).lazy()


def population(areas: Sequence[str], people: Sequence[float]) -> pl.LazyFrame:
    rows = pl.DataFrame({"area": areas, "age": "all", "sex": "all", "population": people})
    return rows_of("reference/population", rows)


def dwellings(areas: Sequence[str], number: Sequence[float]) -> pl.LazyFrame:
    rows = pl.DataFrame({"area": areas, "dwelling_type": "all", "dwellings": number})
    return rows_of("reference/dwellings", rows)


def occupancy(areas: Sequence[str], measure: str, shares: Sequence[float | None], half: float = 0.02) -> pl.DataFrame:
    share = pl.col("estimate")
    return pl.DataFrame(
        {"area_code": areas, "month": MONTH, "measure": measure, "homes": 500, "estimate": shares}
    ).with_columns(lower=(share - half).clip(0, 1), upper=(share + half).clip(0, 1), is_suppressed=share.is_null())


def sizes(areas: Sequence[str], people: Sequence[float | None]) -> pl.LazyFrame:
    mean = pl.col("mean_people")
    rows = pl.DataFrame({"area_code": areas, "homes": 200, "mean_people": people})
    return rows_of("meters/area_household_size", rows.with_columns(lower=mean - 0.1, upper=mean + 0.1))


def presence(areas: Sequence[str], people: Sequence[float], hours: Sequence[int] = (3, 11)) -> pl.LazyFrame:
    there = pl.col("people_there")
    rows = pl.concat(
        pl.DataFrame({"observed": PERIOD, "day_type": "weekday", "hour": hour, "area": areas, "people_there": people})
        for hour in hours
    )
    told = rows.with_columns(people_low=0.96 * there, people_high=1.04 * there, operators=2)
    return rows_of("mobile/combined_population", told)


def flows(table: str, pairs: Sequence[tuple[str, str, float]], **named: str) -> pl.LazyFrame:
    rows = pl.DataFrame(pairs, schema=["origin", "destination", "flow"], orient="row")
    ends = {"flow_low": 0.8 * pl.col("flow"), "flow_high": 1.2 * pl.col("flow")}
    return rows_of(table, rows.with_columns(**ends, **{name: pl.lit(value) for name, value in named.items()}))


def prices(areas: Sequence[str], levels: Sequence[float | None], covered: float = 1.0) -> pl.LazyFrame:
    """Indices of the month on the base of the month before."""
    rows = pl.DataFrame({"area": areas, "period": f"{MONTH:%Y-%m}", "base_period": "2014-09", "index": levels})
    ends = {"index_low": pl.col("index") - 1, "index_high": pl.col("index") + 1}
    return rows_of("prices/area_indices", rows.with_columns(**ends, spending_covered=pl.lit(covered)))


class World:
    """Areas with a truth, and tables in which three sources say it wrongly, each in its own way."""

    def __init__(self, seed: int, areas: int = 24) -> None:
        random = np.random.default_rng(seed)
        self.areas = [f"A{n:02}" for n in range(areas)]
        self.register = random.integers(4_000, 9_000, areas).astype(float)
        self.residents = self.register * np.exp(random.normal(0, 0.05, areas))
        self.vacant_share = random.uniform(0.02, 0.10, areas)
        self.dwellings = np.round(self.residents / PEOPLE_A_HOME / (1 - self.vacant_share))
        self.vacant = self.dwellings - self.residents / PEOPLE_A_HOME
        self.phones = 0.93 * self.residents * np.exp(random.normal(0, 0.03, areas))
        said = np.clip(self.vacant / self.dwellings + random.normal(0, 0.01, areas), 0.001, 1)
        self.said_vacant = said
        self.users = random.poisson(0.02 * self.residents * np.exp(random.normal(0, 0.1, areas))).astype(float)
        self.size = PEOPLE_A_HOME + random.normal(0, 0.05, areas)

    def tables(self, **other: pl.LazyFrame | None) -> Told:
        """What was published; `other` takes the place of some tables."""
        areas, said = self.areas, self.said_vacant
        shares = pl.concat([occupancy(areas, "vacant", said), occupancy(areas, "lived_in", 1 - said)])
        penetration = pl.DataFrame(
            {
                "period": "2014", "subject_type": "area", "subject": areas, "direction": "in",
                "measure": "penetration", "value": 1_000 * self.users / self.register, "is_student_area": False,
            }
        )  # fmt: skip
        return Told.of(
            **{
                "area_occupancy": rows_of("meters/area_occupancy", shares),
                "area_household_size": sizes(areas, self.size),
                "combined_population": presence(areas, self.phones),
                "migration_comparison": rows_of("tweets/migration_comparison", penetration),
                "population": population(areas, self.register),
                "dwellings": dwellings(areas, self.dwellings),
                **other,
            }
        )
