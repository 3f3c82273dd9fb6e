"""What each source says by itself of the residents and the vacant dwellings of an area and month."""

from collections.abc import Mapping
from statistics import NormalDist

import polars as pl

from ons_assets.geography.area_totals import dwellings_of_areas, people_of_areas
from ons_assets.governance.areas import told
from ons_assets.governance.areas.nesting import of_larger_areas
from ons_assets.governance.areas.told import KEY, Told
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.area_profile import AreaProfileParameters, CombinedEstimateParameters

RESIDENTS, VACANT = "residents", "vacant_dwellings"
METERS, PHONES, TWEETS = "meters", "phones", "tweets"
SOURCES = (METERS, PHONES, TWEETS)
ESTIMATES: Mapping[str, pl.DataType] = {
    "told_of": pl.String(),
    "told_by": pl.String(),
    "area": pl.String(),
    "month": pl.Date(),
    "figure": pl.Float64(),
    "error": pl.Float64(),
}
# Of a share of the users of an area for each 1,000 people.
THOUSAND = 1_000


def source_estimates(
    tables: Told, profile: AreaProfileParameters, parameters: CombinedEstimateParameters
) -> pl.DataFrame:
    """Return the estimates of each source, none of which knows of another.

    Meters tell of vacant dwellings by their share of the dwellings counted, and of residents by those lived in and the
    mean people of their households; of an area of which only parts are told, by these parts. Phones tell of residents
    by the people present in a night of a weekday, and tweets by how many users live there: as many people for each as
    there are over all areas. What phones and tweets tell of residents tells of vacant dwellings, too: those that
    households of the mean size leave.

    Parameters
    ----------
    tables
        As they were published.
    profile, parameters
        Hours and days that stand for a month, the level of the intervals that standard errors are made of, and how much
        of an area must be told of by its parts.

    Returns
    -------
    polars.DataFrame
        `ESTIMATES`, sorted: people or dwellings, and the standard error that the source states. A figure of nothing, or
        without an interval, is left out: a share of none is said of no area.
    """
    quantile = NormalDist().inv_cdf(0.5 + parameters.level / 2)
    half = (pl.col("high") - pl.col("low")) / (2 * quantile)
    by_parts = dwellings_of_areas(tables.dwellings)
    counted = dwellings_with_larger(tables)

    def with_larger(means: pl.DataFrame) -> pl.DataFrame:
        larger = of_larger_areas(means, by_parts, tables.area_parts, parameters.least_told)
        return pl.concat([means, larger.join(means.select("area").unique(), on="area", how="anti")])

    size = with_larger(
        tables.area_household_size.select(
            area="area_code", figure="mean_people", error=(pl.col("upper") - pl.col("lower")) / (2 * quantile)
        ).drop_nulls()
    ).rename({"figure": "people", "error": "people_error"})
    vacant, lived_in = (
        with_larger(
            told.shares_of_homes(tables.area_occupancy, measure).drop_nulls("figure").select(*KEY, "figure", error=half)
        )
        .join(counted, on="area")
        .select(*KEY, pl.col("figure", "error") * pl.col("dwellings"))
        for measure in ("vacant", "lived_in")
    )
    by_meters = lived_in.join(size, on="area").select(*KEY, **_product("figure", "people"))
    present = told.people_present(tables.combined_population, profile.night_hour, profile.least_days)
    by_phones = present.select(*KEY, "figure", error=half)
    of_months = pl.concat([each.select("month") for each in (vacant, lived_in, by_phones)]).unique()
    by_tweets = _by_users(tables).join(of_months, how="cross")
    of_all = {METERS: by_meters, PHONES: by_phones, TWEETS: by_tweets}
    found = [_named(RESIDENTS, name, rows) for name, rows in of_all.items()]
    found.append(_named(VACANT, METERS, vacant))
    found += [_named(VACANT, name, _left_vacant(of_all[name], size, counted)) for name in (PHONES, TWEETS)]
    return (
        pl.concat(found)
        .filter((pl.col("figure") > 0) & pl.col("error").is_finite())
        .sort("told_of", "told_by", "area", "month")
    )


def dwellings_with_larger(tables: Told) -> pl.DataFrame:
    """Return area and dwellings; of an area that is not counted itself the sum of its parts, if all of these are.

    Parameters
    ----------
    tables
        As they were published.
    """
    counted = dwellings_of_areas(tables.dwellings)
    parts = tables.area_parts.filter(pl.col("part") != pl.col("area")).select("part", "area")
    sums = parts.join(counted.rename({"area": "part"}), on="part", how="left").group_by("area").agg(
        exact_sum("dwellings"), whole=pl.col("dwellings").is_not_null().all()
    )  # fmt: skip
    larger = sums.filter("whole").select("area", "dwellings").join(counted, on="area", how="anti")
    return pl.concat([counted, larger]).sort("area")


def _product(one: str, other: str) -> dict[str, pl.Expr]:
    """A product of two figures with errors that do not go together."""
    first, second = (pl.col("error") / pl.col(one)) ** 2, (pl.col(f"{other}_error") / pl.col(other)) ** 2
    product = pl.col(one) * pl.col(other)
    return {"figure": product, "error": product * (first + second).sqrt()}


def _by_users(tables: Told) -> pl.DataFrame:
    """Residents by the users who live in an area; their number is what is told of a penetration, times the people."""
    people = people_of_areas(tables.population).select("area", "population").filter(pl.col("population") > 0)
    users = (
        tables.migration_comparison.filter(subject_type="area", measure="penetration")
        .drop_nulls("value")
        .sort("period", "direction")
        .unique("subject", keep="last", maintain_order=True)
        .select(area="subject", penetration="value")
        .join(people, on="area")
        .with_columns(users=pl.col("penetration") * pl.col("population") / THOUSAND)
        .filter(pl.col("users") > 0)
    )
    for_each = exact_sum("population") / exact_sum("users")
    return users.with_columns(figure=pl.col("users") * for_each).select(
        "area", "figure", error=pl.col("figure") / pl.col("users").sqrt()
    )


def _left_vacant(residents: pl.DataFrame, size: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Dwellings that are left if people live in households of the mean size that meters tell."""
    households = (
        residents.join(size, on="area")
        .join(counted, on="area")
        .with_columns(
            households=pl.col("figure") / pl.col("people"),
            share=((pl.col("error") / pl.col("figure")) ** 2 + (pl.col("people_error") / pl.col("people")) ** 2).sqrt(),
        )
    )
    return households.select(
        *KEY, figure=pl.col("dwellings") - pl.col("households"), error=pl.col("households") * pl.col("share")
    )


def _named(quantity: str, source: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.lit(quantity).alias("told_of"), pl.lit(source).alias("told_by"), *KEY, "figure", "error")
