"""Who could be seen to move, of which age and sex they are, and the people whom they stand for."""

import polars as pl

from ons_assets.lakehouse.sums import exact_mean, exact_sum
from ons_assets.tweets.pools import people_by_user
from ons_assets.tweets.user_demographics import ALL, GROUP, grouped_population


def residents_at_risk(residences: pl.DataFrame) -> pl.DataFrame:
    """Return who could be seen to move: who has a home in a month and, somewhere, in the next.

    Parameters
    ----------
    residences
        Rows of `tweets/residences`.

    Returns
    -------
    pl.DataFrame
        user, month (the later one), area (of the earlier one).
    """
    following = residences.select("user", month=pl.col("month").dt.offset_by("-1mo"))
    seen = residences.drop_nulls("area").join(following, on=["user", "month"], how="semi")
    return seen.select("user", pl.col("month").dt.offset_by("1mo"), "area")


def people_of_groups(population: pl.DataFrame, demographics: pl.DataFrame | None) -> pl.DataFrame:
    """Return the people of areas by as much of age and sex as is known of people and of users.

    Parameters
    ----------
    population
        Rows of `reference/population`, or area, population, and if known students.
    demographics
        Rows of `tweets/user_demographics`; None if nothing is known of users.

    Returns
    -------
    pl.DataFrame
        area, age, sex, population, students (null where unknown).
    """
    missing = {name: pl.lit(ALL) for name in GROUP if name not in population.columns}
    if "students" not in population.columns:
        missing["students"] = pl.lit(None, dtype=pl.Float64())
    rows = population.with_columns(**missing)
    if demographics is not None and len(grouped := grouped_population(rows, demographics)):
        return grouped
    is_whole = pl.all_horizontal(pl.col(name) == ALL for name in GROUP)
    counted = rows.filter(is_whole | ~is_whole.any().over("area"))
    students = pl.when(pl.col("students").count() > 0).then(exact_sum("students"))
    return (
        counted.with_columns(pl.lit(ALL).alias(name) for name in GROUP)
        .group_by("area", *GROUP)
        .agg(exact_sum("population"), students=students)
    )


def chances_of_groups(users: pl.DataFrame, demographics: pl.DataFrame | None, groups: pl.DataFrame) -> pl.DataFrame:
    """Return how likely each user is of each group.

    Parameters
    ----------
    users
        user.
    demographics
        Rows of `tweets/user_demographics`; of users who are not in it, the chances are those of the others together.
    groups
        age, sex, group (a number).

    Returns
    -------
    pl.DataFrame
        user, group, probability.
    """
    if demographics is None or len(groups) == 1:
        return users.select("user").join(groups.select("group"), how="cross").with_columns(probability=pl.lit(1.0))
    alike = demographics.with_columns(pl.lit(ALL).alias(name) for name in GROUP if (groups[name] == ALL).all())
    said = alike.join(groups, on=GROUP).group_by("user", "group").agg(exact_sum("probability"))
    known = said.join(users, on="user", how="semi")
    total = known.select(exact_sum("probability")).item()
    overall = known.group_by("group").agg(probability=exact_sum("probability") / total)
    missing = users.select("user").join(known, on="user", how="anti").join(overall, how="cross")
    return pl.concat([known, missing.select(known.columns)])


def people_by_user_of_periods(rows: pl.DataFrame, people: str, fewest_users: float) -> pl.DataFrame:
    """Return the people by user of areas, by month and by year.

    That of a year is by the mean of its months' users, whichever the month of a move: so the flow of a year tells
    nothing of months that are withheld.

    Parameters
    ----------
    rows
        month, area, users at risk, and the column of people.
    people
        Its name.
    fewest_users
        Areas of fewer users in a month are weighed together.

    Returns
    -------
    pl.DataFrame
        period (2014-09 or 2014), area, weight. None of a month with fewer users in all.
    """
    of_month = people_by_user(rows, ["month"], people, "users", fewest_users, ["area"]).drop_nulls("weight")
    months = of_month.select("area", "weight", period=pl.col("month").dt.strftime("%Y-%m"))
    of_year = of_month.group_by("area", period=pl.col("month").dt.strftime("%Y"))
    years = of_year.agg(weight=1 / exact_mean(1 / pl.col("weight")))
    return pl.concat([months, years.select(months.columns)])
