"""All that is told of an area and month, in one row: figures as they left their own tables, and what they imply."""

from collections.abc import Mapping

import polars as pl

from ons_assets.catalogue.governance_areas import AREA_PROFILE
from ons_assets.geography.area_totals import people_of_areas
from ons_assets.governance.areas import told
from ons_assets.governance.areas.agreement import gaps
from ons_assets.governance.areas.source_estimates import RESIDENTS, SOURCES, dwellings_with_larger
from ons_assets.governance.areas.together import COMBINED, UNKNOWN_LEVEL
from ons_assets.governance.areas.told import KEY, Told
from ons_assets.parameters.area_profile import AreaProfileParameters

ENDS = {"figure": "", "low": "_low", "high": "_high"}
# In the order in which they are said.
CAUTIONS: Mapping[str, str] = {
    "no_meters": "No meters tell of the area and month.",
    "meters_withheld": "Shares of homes are withheld, as they would tell of few homes.",
    "few_metered": "Few of the dwellings have a meter that is read.",
    "no_dwellings": "Dwellings are not counted there: shares of homes are no numbers.",
    "no_mean_size": "Not all shares of household sizes are told: there is no mean size.",
    "no_phones": "No phones tell of the people present, or too few to be told.",
    "part_of_month": "Phones were observed in less than half of the month.",
    "phones_out_of_order": "On some days of the month events of an operator were out of order.",
    "no_commuters": "No flow of commuters from or to the area is told.",
    "no_moves": "No move from or to the area is told, of the month or its year.",
    "moves_of_year": "Moves are those of the year, as none of the month is told.",
    "no_prices": "No price index is told of the area and month.",
    "price_base": "The price index is 100 by definition: the month is its base.",
    "retailers_not_covered": "Part of what its households spend goes to retailers without prices.",
    "wide_interval": "An interval is wide for its figure.",
    "one_source": "The residents by all sources stand on one source here.",
    "sources_apart": "Two sources differ by more than their intervals allow.",
    "not_combined": "No two sources speak of enough areas, or the register lacks this one: nothing is put together.",
}
INTERVALS = [name.removesuffix("_low") for name in AREA_PROFILE.column_names if name.endswith("_low")]


def area_profile(
    tables: Told, estimates: pl.DataFrame, parameters: AreaProfileParameters | None = None
) -> pl.DataFrame:
    """Put side by side what was told of each area and month.

    Nothing is read but tables that have passed their own disclosure steps, and public ones; each column of a row is
    worked out of these alone. So the row tells nothing to who has them all, and where one of them withholds a figure,
    what follows from the figure is null too.

    Parameters
    ----------
    tables
        As they were published.
    estimates
        Rows of `governance/combined_estimates`.
    parameters
        None for the defaults.

    Returns
    -------
    polars.DataFrame
        Rows of `governance/area_profile`: one for each area and month of which meters, phones, tweets or prices speak.
    """
    parameters = parameters or AreaProfileParameters()
    metered = _metered(tables)
    night, day = (
        told.people_present(tables.combined_population, hour, parameters.least_days)
        for hour in (parameters.night_hour, parameters.day_hour)
    )
    coming, leaving = told.commuters(_flows(tables), parameters.least_days)
    moved = _moves(tables, "month")
    prices = _prices(tables)
    own = [metered, night, day, coming, leaving, moved, prices]
    rows = pl.concat([each.select(KEY) for each in own]).unique()
    people = _joined(
        *(
            _named(rows_of_hour, name, "people_period", days=True)
            for rows_of_hour, name in ((night, "night_people"), (day, "day_people"))
        )
    )
    commuters = _joined(
        _named(coming, "commuters_in", "commuting_period"), _named(leaving, "commuters_out", "commuting_period")
    )
    rows = _with_moves(rows, moved, _moves(tables, "year"))
    for frame in (metered, people, commuters, prices, _together(estimates), _apart(estimates)):
        rows = rows.join(frame, on=KEY, how="left")
    public = people_of_areas(tables.population).select("area", "population")
    for frame in (public, dwellings_with_larger(tables), told.levels_of(tables.areas)):
        rows = rows.join(frame, on="area", how="left")
    rows = rows.with_columns(pl.col("area_level").fill_null(UNKNOWN_LEVEL), *_in_dwellings())
    rows = rows.join(_out_of_order(tables.quality_warnings), on="month", how="left")
    flags = _flags(parameters)
    said = [pl.when(flags[code]).then(pl.lit(sentence)) for code, sentence in CAUTIONS.items()]
    codes = [pl.when(flags[code]).then(pl.lit(code)) for code in CAUTIONS]
    return (
        rows.with_columns(
            quality_flags=pl.concat_str(codes, separator=", ", ignore_nulls=True),
            caution=pl.concat_str(said, separator=" ", ignore_nulls=True),
        )
        .with_columns(
            pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in ("quality_flags", "caution")
        )
        .select(AREA_PROFILE.column_names)
        .sort(KEY)
    )


def _metered(tables: Told) -> pl.DataFrame:
    """Shares of homes, and whether they are withheld; the mean size of households, which is of no month."""
    vacant, lived_in = (told.shares_of_homes(tables.area_occupancy, measure) for measure in ("vacant", "lived_in"))
    both = vacant.select(
        *KEY, "homes", "is_suppressed", **{f"vacant_share{end}": name for name, end in ENDS.items()}
    ).join(
        lived_in.select(*KEY, **{f"lived_in{end}": name for name, end in ENDS.items()}),
        on=KEY,
        how="full",
        coalesce=True,
    )
    return both.join(
        tables.area_household_size.select("mean_people", area="area_code"), on="area", how="left"
    ).with_columns(is_metered=pl.lit(value=True))


def _flows(tables: Told) -> pl.DataFrame:
    """Those of all operators together, if they were ever put together."""
    columns = ["observed", "origin", "destination", "flow", "flow_low", "flow_high"]
    flows = tables.combined_flows if len(tables.combined_flows) else tables.weighted_flows
    return flows.select(columns)


def _named(rows: pl.DataFrame, name: str, period: str | None = None, *, days: bool = False) -> pl.DataFrame:
    more = [pl.col("observed").alias(period)] if period is not None else []
    more += [pl.col("days")] if days else []
    return rows.select(*KEY, *(pl.col(each).alias(f"{name}{end}") for each, end in ENDS.items()), *more)


def _joined(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Rows of either; what both have besides the key is the same in both."""
    shared = [name for name in one.columns if name in other.columns and name not in KEY]
    both = one.join(other, on=KEY, how="full", coalesce=True, suffix="_other")
    return both.with_columns(pl.coalesce(name, f"{name}_other").alias(name) for name in shared).drop(
        f"{name}_other" for name in shared
    )


def _moves(tables: Told, period_type: str) -> pl.DataFrame:
    coming, leaving = told.moves(tables.migration_flows, period_type)
    return _joined(_named(coming, "moved_in", "moves_period"), _named(leaving, "moved_out", "moves_period"))


def _with_moves(rows: pl.DataFrame, of_months: pl.DataFrame, of_years: pl.DataFrame) -> pl.DataFrame:
    """Moves of the month; where none of it is told, those of its year."""
    figures = [name for name in of_months.columns if name not in KEY]
    both = rows.join(of_months, on=KEY, how="left").with_columns(year=pl.col("month").dt.truncate("1y"))
    both = both.join(of_years.rename({"month": "year"}), on=["area", "year"], how="left", suffix="_of_year")
    is_of_month = pl.col("moves_period").is_not_null()
    return both.select(
        *KEY,
        *(pl.when(is_of_month).then(name).otherwise(f"{name}_of_year").alias(name) for name in figures),
        is_of_year=~is_of_month & pl.col("moves_period_of_year").is_not_null(),
    )


def _prices(tables: Told) -> pl.DataFrame:
    indices = told.prices(tables.area_indices)
    ends = {f"price_index{end}": name for name, end in ENDS.items()}
    return indices.select(*KEY, **ends, price_base="base", price_coverage="covered")


def _together(estimates: pl.DataFrame) -> pl.DataFrame:
    """Residents by all sources, and how many of them speak of the area."""
    of_residents = estimates.filter(told_of=RESIDENTS)
    sources = of_residents.filter(pl.col("told_by").is_in(SOURCES)).group_by(KEY).agg(sources=pl.len())
    ends = {f"residents_together{end}": f"told_{name}" for name, end in ENDS.items()}
    return of_residents.filter(told_by=COMBINED).select(*KEY, **ends).join(sources, on=KEY, how="left")


def _apart(estimates: pl.DataFrame) -> pl.DataFrame:
    return gaps(estimates).group_by(KEY).agg(widest_gap=pl.col("gap").max())


def _out_of_order(warnings: pl.DataFrame) -> pl.DataFrame:
    odd = warnings.drop_nulls("out_of_order").select(month=pl.col("day").dt.truncate("1mo")).unique()
    return odd.with_columns(is_out_of_order=pl.lit(value=True))


def _in_dwellings() -> list[pl.Expr]:
    of_share = {"vacant": "vacant_share", "households": "lived_in"}
    return [
        (pl.col(f"{share}{end}") * pl.col("dwellings")).alias(f"{name}{end}")
        for name, share in of_share.items()
        for end in ENDS.values()
    ]


def _flags(parameters: AreaProfileParameters) -> dict[str, pl.Expr]:
    is_metered, has_people = pl.col("is_metered").is_not_null(), pl.col("people_period").is_not_null()
    has_moves = pl.col("moves_period").is_not_null()
    half_month = pl.col("month").dt.days_in_month() / 2
    is_wide = [
        (pl.col(f"{name}_high") - pl.col(f"{name}_low")) / 2 > parameters.wide_interval * pl.col(name)
        for name in INTERVALS
    ]
    return {
        "no_meters": ~is_metered,
        "meters_withheld": is_metered & pl.col("is_suppressed").fill_null(value=True),
        "few_metered": pl.col("homes") < parameters.low_coverage * pl.col("dwellings"),
        "no_dwellings": is_metered & pl.col("dwellings").is_null(),
        "no_mean_size": is_metered & pl.col("mean_people").is_null(),
        "no_phones": ~has_people,
        "part_of_month": has_people & (pl.col("days") < half_month),
        "phones_out_of_order": has_people & pl.col("is_out_of_order").fill_null(value=False),
        "no_commuters": pl.col("commuting_period").is_null(),
        "no_moves": ~has_moves,
        "moves_of_year": pl.col("is_of_year"),
        "no_prices": pl.col("price_index").is_null(),
        "price_base": pl.col("price_base") == pl.col("month").dt.strftime("%Y-%m"),
        "retailers_not_covered": pl.col("price_coverage") < parameters.low_price_coverage,
        "wide_interval": pl.any_horizontal(is_wide),
        "one_source": pl.col("sources") == 1,
        "sources_apart": pl.col("widest_gap") > 1,
        "not_combined": pl.col("residents_together").is_null(),
    }
