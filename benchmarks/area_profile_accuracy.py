"""How far residents and vacant dwellings of areas are off, by each source alone and by all together.

python benchmarks/area_profile_accuracy.py [--worlds 10] [--seed 101] [--people 150000] [--register-error 0.03]
                                           [--metered 0.6]
python benchmarks/area_profile_accuracy.py --home DIR

A world is a simulated country of which three sources see a part, each wrongly in its own way: of some dwellings a
meter is read, and a vacant one is not always told; some people carry a phone, are away at night, or are put into
another area; some of the young tweet. The sources are drawn by the plain rules below and not by the methods of the
pilots, which would take minutes a world; what is told of them passes their disclosure steps. The register is that of
the first day, with an error by area, as that of a census some years old has. With --home the tables of a home in which
`ons-assets demo` ran are held against the truth of its country.
"""

import argparse
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.areas.agreement import gaps
from ons_assets.governance.areas.area_model import fit
from ons_assets.governance.areas.source_estimates import RESIDENTS, SOURCES, VACANT, dwellings_with_larger
from ons_assets.governance.areas.together import COMBINED, SYNTHETIC, combined_estimates
from ons_assets.governance.areas.told import TABLES, Told
from ons_assets.governance.disclosure.step import Thresholds, protect
from ons_assets.governance.scorecard.judging import judged
from ons_assets.governance.scorecard.sources import of_sources
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.meters.areas.small_area import area_occupancy
from ons_assets.parameters.governance import AccuracyParameters, ScorecardParameters, TrendParameters
from ons_assets.parameters.meters import AreaParameters
from ons_assets.simulate.country import Country, Scale, make_country
from ons_assets.simulate.country.truth import months_of, occupied, spells_of

LEVEL, ADULT = "msoa", 16
FIRST_DAY, DAYS = date(2011, 5, 1), 92
# Assumptions: homes with a meter in an area, as multiples of the mean; vacant ones told so, and others.
METERED, FOUND, MISTAKEN, SECOND_TAKEN = (0.5, 1.5), 0.85, 0.01, 0.2
# Of households in which a number of people is told, and by how many people on the mean it is too many.
SIZED, SIZE_BIAS = 0.3, 0.05
# Of people who carry a phone of an operator, by age; are away at night, or in another area than they are put into.
PHONES, OLD, PHONES_OLD, AWAY, ELSEWHERE = 0.5, 65, 0.35, 0.06, 0.08
TWEETING, YOUNG, TWEETING_OTHERS = 0.04, 35, 0.008
QUANTILE = 1.96


def simulated(seed: int, people: int, register_error: float, metered: float) -> Iterator[tuple[Told, pl.DataFrame]]:
    """Yield what sources tell of the last month of a country, and its truth: quantity, area, month, truth."""
    country = make_country(Scale("benchmark", people, FIRST_DAY, DAYS), seed)
    random = np.random.default_rng(seed)
    month = months_of(country).row(-1, named=True)
    spells = spells_of(country).join(country.people.select("person", "age"), on="person")
    area = country.addresses.with_row_index("address").select(pl.col("address").cast(pl.Int64), area=LEVEL)
    middle = (month["first"] + month["end"]) // 2
    now = pl.col("since").le(middle) & pl.col("until").gt(middle)
    # Whatever is drawn is drawn in one order.
    living = spells.filter(now & (pl.col("age") >= ADULT)).join(area, left_on="home", right_on="address").sort("person")
    at_first = spells.filter((pl.col("since") <= 0) & (pl.col("until") > 0) & (pl.col("age") >= ADULT))
    counted = at_first.join(area, left_on="home", right_on="address").group_by("area").agg(n=pl.len()).sort("area")
    wrong = np.exp(random.normal(0, register_error, len(counted)))
    homes = _homes(country, spells, area, middle)
    tables = Told.of(
        area_occupancy=_meters(random, homes, month["month"], metered).lazy(),
        area_household_size=_sizes(random, homes).lazy(),
        combined_population=_phones(random, living, month["month"]).lazy(),
        migration_comparison=_tweets(random, living, counted).lazy(),
        population=_rows("reference/population", counted.select(
            "area", age=pl.lit("all"), sex=pl.lit("all"), population=pl.col("n") * pl.Series(wrong)
        )).lazy(),
        dwellings=_rows("reference/dwellings", homes.group_by("area").agg(dwellings=pl.len()).with_columns(
            dwelling_type=pl.lit("all")
        )).lazy(),
    )  # fmt: skip
    truth = [
        living.group_by("area").agg(truth=pl.len()).with_columns(told_of=pl.lit(RESIDENTS)),
        homes.filter("vacant").group_by("area").agg(truth=pl.len()).with_columns(told_of=pl.lit(VACANT)),
    ]
    columns = ["told_of", "area", "truth"]
    yield tables, pl.concat(each.select(columns) for each in truth).with_columns(month=pl.lit(month["month"]))


def _homes(country: Country, spells: pl.DataFrame, area: pl.DataFrame, day: int) -> pl.DataFrame:
    """Dwellings: address, area, vacant, second, people (adults of a household)."""
    lived = occupied(spells).filter((pl.col("since") <= day) & (pl.col("until") > day)).select("address", lived=True)
    now = pl.col("since").le(day) & pl.col("until").gt(day) & (pl.col("age") >= ADULT)
    people = spells.filter(now).group_by(address="home").agg(people=pl.len())
    second = country.dwellings.select("address", second=pl.col("use") == "second")
    both = second.join(area, on="address").join(lived, on="address", how="left").join(people, on="address", how="left")
    is_lived_in = pl.col("lived").fill_null(value=False) & ~pl.col("second")
    return both.with_columns(vacant=~is_lived_in & ~pl.col("second"), lived=is_lived_in).sort("address")


def _rows(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    schema = CATALOGUE[table].schema
    lacking = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in rows.columns}
    return rows.with_columns(**lacking).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _meters(random: np.random.Generator, homes: pl.DataFrame, month: date, metered: float) -> pl.DataFrame:
    areas = homes.select("area").unique().sort("area")
    uptake = areas.with_columns(uptake=pl.Series(metered * random.uniform(*METERED, len(areas))))
    drawn = homes.join(uptake, on="area").sort("address")
    drawn = drawn.filter(pl.Series(random.random(len(drawn))) < pl.col("uptake"))
    chance = pl.Series(random.random(len(drawn)))
    limit = pl.when("vacant").then(FOUND).when("second").then(SECOND_TAKEN).otherwise(MISTAKEN)
    vacant = (chance < limit).cast(pl.Float64)
    said = drawn.with_columns(vacant_=vacant).with_columns(
        second_=pl.col("second").cast(pl.Float64) * (1 - pl.col("vacant_"))
    )
    said = said.select(
        "area", meter="address", month=pl.lit(month), vacant="vacant_", second_home="second_",
        lived_in=1 - pl.col("vacant_") - pl.col("second_"),
    )  # fmt: skip
    shares_of = ["vacant", "second_home", "lived_in"]
    long = said.unpivot(shares_of, index=["area", "meter", "month"], variable_name="measure",
                        value_name="probability").rename({"area": "area_code"})  # fmt: skip
    parameters = AreaParameters()
    counted = homes.group_by(area_code="area").agg(dwellings=pl.len().cast(pl.Float64))
    error = pl.lit(parameters.absence_error)
    shares = area_occupancy(long, parameters, by=("month", "measure"), dwellings=counted, error=error)
    limits = Thresholds(
        parameters.min_homes, parameters.fewest_contributors, parameters.largest_share, parameters.least_rest
    )
    return protect(CATALOGUE["meters/area_occupancy"], shares, limits).rows


def _sizes(random: np.random.Generator, homes: pl.DataFrame) -> pl.DataFrame:
    lived = homes.filter("lived").with_columns(pl.col("people").fill_null(0))
    answered = lived.filter(pl.Series(random.random(len(lived))) < SIZED)
    means = answered.group_by("area").agg(
        homes=pl.len(), mean=pl.col("people").mean() + SIZE_BIAS, error=pl.col("people").std() / pl.len().sqrt()
    )
    return _rows(
        "meters/area_household_size",
        means.sort("area").select(
            "homes", area_code="area", mean_people="mean", lower=pl.col("mean") - QUANTILE * pl.col("error"),
            upper=pl.col("mean") + QUANTILE * pl.col("error"),
        ),
    )  # fmt: skip


def _phones(random: np.random.Generator, living: pl.DataFrame, month: date) -> pl.DataFrame:
    carries = np.where(living["age"].to_numpy() < OLD, PHONES, PHONES_OLD)
    seen = living.filter(pl.Series((random.random(len(living)) < carries) & (random.random(len(living)) >= AWAY)))
    misplaced = random.random(len(seen)) < ELSEWHERE
    # Into the area that follows, which lies in the same district mostly.
    areas = living.select("area").unique().sort("area")["area"]
    following = dict(zip(areas, [*areas[1:], areas[0]], strict=True))
    put = pl.when(pl.Series(misplaced)).then(pl.col("area").replace_strict(following)).otherwise("area")
    devices = seen.group_by(area=put).agg(devices=(pl.len() / 10).round() * 10).filter(pl.col("devices") > 0)
    weight = len(living) / len(seen) * (1 - AWAY)
    error = weight * (pl.col("devices") + 100 / 12).sqrt()
    days = f"{month}/{pl.select(pl.lit(month).dt.month_end()).item()}"
    return _rows("mobile/combined_population", devices.sort("area").select(
        "area", observed=pl.lit(days), day_type=pl.lit("weekday"), hour=pl.lit(3), operators=pl.lit(1),
        people_there=weight * pl.col("devices"), people_low=weight * pl.col("devices") - QUANTILE * error,
        people_high=weight * pl.col("devices") + QUANTILE * error, error_of_estimate=error,
    ))  # fmt: skip


def _tweets(random: np.random.Generator, living: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    tweets = np.where(living["age"].to_numpy() < YOUNG, TWEETING, TWEETING_OTHERS)
    users = living.filter(pl.Series(random.random(len(living)) < tweets)).group_by("area").agg(users=pl.len())
    told = users.filter(pl.col("users") >= 10).join(counted, on="area").sort("area")
    return _rows("tweets/migration_comparison", told.select(
        period=pl.lit("2011"), subject_type=pl.lit("area"), subject="area", direction=pl.lit("in"),
        measure=pl.lit("penetration"), value=1_000 * pl.col("users") / pl.col("n"), is_student_area=pl.lit(value=False),
    ))  # fmt: skip


def of_home(home: Path) -> Iterator[tuple[Told, pl.DataFrame]]:
    """Yield the tables of a home in which the demonstration ran, and the truth of its country."""
    of = Home(home)
    tables = [CATALOGUE[name] for name in TABLES if lake.exists(of, CATALOGUE[name])]
    published = {table.short_name: lake.read(of, table) for table in tables}
    truth = home / "simulated" / "truth" / "country"
    months = pl.read_parquet(truth / "area_months.parquet")
    vacant = months.select(pl.lit(VACANT).alias("told_of"), "area", "month", truth="vacant_dwellings")
    adults = _adults(truth, months["month"].unique().sort())
    yield (
        Told.of(**published),
        pl.concat([each.select("told_of", "area", "truth", "month") for each in (adults, vacant)]),
    )


def _adults(truth: Path, months: pl.Series) -> pl.DataFrame:
    """Residents by district in the middle of each month, of the ages that the office counts."""
    adults = pl.read_parquet(truth / "people.parquet").filter(pl.col("age") >= ADULT).select("person")
    area = pl.read_parquet(truth / "addresses.parquet").with_row_index("address").select(
        pl.col("address").cast(pl.Int64), area="district"
    )  # fmt: skip
    spells = pl.read_parquet(truth / "homes.parquet").with_columns(pl.col("from_day").fill_null(date(1900, 1, 1)))
    found = []
    for month in months:
        before = spells.filter(pl.col("from_day") <= month.replace(day=15)).sort("from_day")
        living = (
            before.unique("person", keep="last", maintain_order=True).join(adults, on="person").join(area, on="address")
        )
        counted = living.group_by("area").agg(truth=pl.len().cast(pl.Float64))
        found.append(counted.with_columns(month=pl.lit(month), told_of=pl.lit(RESIDENTS)))
    return pl.concat(found)


def together(estimates: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Return what two ways of putting vacant dwellings together would give; neither is published.

    The one is the model of areas on shares, with a mean that all areas have in common; the other weighs meters and
    phones by their precision, phones less their offset. What the model of meters is wrong by everywhere counts for no
    area more than for another.
    """
    vacant = estimates.filter(told_of=VACANT).join(counted, on="area")
    wide = vacant.filter(told_by=SOURCES[0]).select("area", "month", "dwellings").sort("area", "month")
    parts = [wide.join(vacant.filter(told_by=name), on=["area", "month"], how="left", maintain_order="left")
             for name in SOURCES[:2]]  # fmt: skip
    if wide.is_empty():
        return estimates.clear()
    dwellings = wide["dwellings"].to_numpy()[:, None]
    share, high = (
        np.column_stack([part[name].fill_null(float("nan")).to_numpy() for part in parts]) / dwellings
        for name in ("told_figure", "told_high")
    )
    variance, shared = ((high - share) / QUANTILE) ** 2, AreaParameters().absence_error ** 2
    variance[:, 0] = np.maximum(variance[:, 0] - shared, 1e-6)
    told = np.isfinite(share).any(axis=0)
    share, variance = share[:, told], variance[:, told]
    number = share.shape[1]
    design, first = np.broadcast_to(np.eye(number), (len(wide), number, number)), np.eye(number)[:1]
    model = fit(share, variance, design, np.repeat(first, len(wide), axis=0), [n > 0 for n in range(number)])
    apart = share - share[:, :1]
    offset = np.nanmedian(apart, axis=0)
    beyond = np.nanvar(apart, axis=0) - np.nanmean(variance + variance[:, :1], axis=0)
    weight = np.nan_to_num(1 / (variance + np.where(np.arange(number) > 0, np.maximum(beyond, 0), 0)))
    weighed = (weight * np.nan_to_num(share - offset)).sum(axis=1) / weight.sum(axis=1)
    half = QUANTILE * np.sqrt(np.column_stack([model.mean_squared_error, 1 / weight.sum(axis=1)]) + shared)
    nothing = pl.lit(None, pl.Float64)
    return pl.concat(
        wide.select(
            "area", "month", area_level=pl.lit(LEVEL), told_of=pl.lit(VACANT), told_by=pl.lit(name)
        ).with_columns(
            told_figure=pl.Series(said * dwellings[:, 0]), told_low=pl.Series((said - half[:, n]) * dwellings[:, 0]),
            told_high=pl.Series((said + half[:, n]) * dwellings[:, 0]), source_bias=nothing, source_weight=nothing,
        ).select(estimates.columns)
        for n, (name, said) in enumerate({"model of shares": model.estimate, "weighed by precision": weighed}.items())
    )  # fmt: skip


def lights(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return what the scorecard says of the sources."""
    scorecard = ScorecardParameters()
    observations = of_sources(estimates, scorecard.least_areas_compared)
    return judged(observations, {}, scorecard, TrendParameters(), AccuracyParameters())


def errors(tables: Told, truth: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return estimates beside the truth, sources with and without their bias; gaps between them; and what is said."""
    estimates = combined_estimates(tables)
    tried = together(estimates, dwellings_with_larger(tables))
    own = pl.concat([estimates, tried]).join(truth, on=["told_of", "area", "month"])
    corrected = own.filter(pl.col("told_by").is_in(SOURCES) & pl.col("source_bias").is_not_null()).with_columns(
        told_by=pl.format("{}, bias taken away", "told_by"),
        **{name: pl.col(name) - pl.col("source_bias") for name in ("told_figure", "told_low", "told_high")},
    )
    return pl.concat([own, corrected]), gaps(estimates), lights(estimates)


def main() -> None:
    """Print the errors, how often intervals hold the truth, and how often sources contradict each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--people", type=int, default=150_000)
    parser.add_argument("--register-error", type=float, default=0.03)
    parser.add_argument("--metered", type=float, default=0.6, help="share of the dwellings with a meter")
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.worlds)
    worlds = (
        of_home(options.home)
        if options.home
        else (
            each for seed in seeds for each in simulated(seed, options.people, options.register_error, options.metered)
        )
    )
    found, apart, said = zip(*(errors(*world) for world in worlds), strict=True)
    off = pl.col("told_figure") / pl.col("truth") - 1
    total = pl.col("told_figure").sum() / pl.col("truth").sum() - 1
    held = (pl.col("told_low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("told_high"))
    every = pl.concat(found).with_columns(
        pl.col("told_by").replace({SYNTHETIC: "register or mean share", COMBINED: "all together"})
    )
    named = every.group_by("told_of", "told_by")
    with pl.Config(
        tbl_rows=40, tbl_width_chars=140, float_precision=3, fmt_str_lengths=40, tbl_hide_dataframe_shape=True
    ):
        print(named.agg(
            areas=pl.len(), bias=total, root_mean_square=(off**2).mean().sqrt(),
            root_mean_square_units=((pl.col("told_figure") - pl.col("truth")) ** 2).mean().sqrt(),
            median_away=off.abs().median(), held=held.mean(),
        ).sort("told_of", "root_mean_square"))  # fmt: skip
        print(pl.concat(apart).group_by("told_of", "one", "other").agg(
            areas=pl.len(), contradict=(pl.col("gap") > 1).mean(), median_gap=pl.col("gap").median()
        ).sort("told_of", "one", "other"))  # fmt: skip
        print(pl.concat(said).group_by("measure", "quality_status").len("lights").sort("measure", "quality_status"))


if __name__ == "__main__":
    main()
