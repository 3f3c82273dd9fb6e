"""Age and sex of users: as somebody supplied them with their probabilities, modelled for the others."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.tweets import DemographicsParameters

ALL = "all"
GROUP = ("age", "sex")
SCHEMA = {
    "user": pl.Int64(),
    "age": pl.String(),
    "sex": pl.String(),
    "probability": pl.Float64(),
    "is_supplied": pl.Boolean(),
}


def user_demographics(
    users: pl.DataFrame,
    supplied: pl.DataFrame,
    population: pl.DataFrame,
    parameters: DemographicsParameters | None = None,
) -> pl.DataFrame:
    """Return with which probability each user is of each age and sex.

    Who is in the supplied table has the probabilities that it says, of the groups that the population is divided by. Of
    the others the chance of a group is proportional to its share among supplied users who study, or do not, as they do,
    times its share among the people of their area, by that among the people of all areas (Bayes, where area and study
    are independent given the group).

    Parameters
    ----------
    users
        user, area (null where it is not known), studies: everybody of whom something is to be said.
    supplied
        user, age, sex ("all" where it is not divided), probability; several rows a user. What the probabilities of a
        user add up to is taken for the whole, after groups that the population has not were left out.
    population
        Rows of `reference/population`.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, age, sex, probability, is_supplied. Sorted. They add up to 1 by user. Without a row
        that fits the groups of the population, nothing is said of anybody.
    """
    parameters = parameters or DemographicsParameters()
    people = grouped_population(population, supplied)
    said = _said(users, supplied, people)
    if said.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    shares = _shares(users, said, people, parameters.smoothing_users)
    missing = users.join(said.select("user").unique(), on="user", how="anti")
    made = (
        missing.select("user", "area", "studies")
        .join(shares, on="studies")
        .join(_local(people), on=["area", *GROUP], how="left")
    )
    # Of an area of which nothing is known, and of users without one, the groups are those of all.
    likely = made.with_columns(probability=pl.col("share") * pl.col("relative").fill_null(1.0))
    modelled = _whole(likely).with_columns(is_supplied=pl.lit(value=False))
    parts = [part.select(list(SCHEMA)) for part in (said, modelled)]
    kept = pl.concat(parts).filter(pl.col("probability") >= parameters.least_probability)
    return _whole(kept).sort("user", *GROUP)


def grouped_population(population: pl.DataFrame, demographics: pl.DataFrame) -> pl.DataFrame:
    """Return the people of areas by as much of age and sex as both tables are divided by.

    Parameters
    ----------
    population
        Rows of `reference/population`.
    demographics
        age, sex of users.

    Returns
    -------
    pl.DataFrame
        area, age, sex, population, students (null where unknown); empty if they are divided by nothing in common.
    """
    divided = [name for name in GROUP if (demographics[name] != ALL).any() and (population[name] != ALL).any()]
    whole = [name for name in GROUP if name not in divided]
    rows = population.filter(pl.all_horizontal(pl.lit(bool(divided)), *(pl.col(name) != ALL for name in divided)))
    for name in whole:
        # Either its sum is given, or its parts are added up.
        is_sum = pl.col(name) == ALL
        rows = rows.filter(is_sum | ~is_sum.any().over("area", *divided)).with_columns(pl.lit(ALL).alias(name))
    students = pl.when(pl.col("students").count() > 0).then(exact_sum("students"))
    return rows.group_by("area", *GROUP).agg(exact_sum("population"), students=students).sort("area", *GROUP)


def _said(users: pl.DataFrame, supplied: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    columns = [name for name in GROUP if len(people) and (people[name] != ALL).any()]
    merged = supplied.with_columns(pl.lit(ALL).alias(name) for name in GROUP if name not in columns)
    known = merged.join(users.select("user"), on="user", how="semi").join(people, on=GROUP, how="semi")
    added = known.group_by("user", *GROUP).agg(exact_sum("probability"))
    return _whole(added.filter(pl.col("probability") > 0)).with_columns(is_supplied=pl.lit(value=True))


def _shares(users: pl.DataFrame, said: pl.DataFrame, people: pl.DataFrame, smoothing: float) -> pl.DataFrame:
    """Shares of groups among supplied users who study and who do not; few of them count beside all."""
    groups = people.select(GROUP).unique()
    known = said.join(users.select("user", "studies"), on="user")
    overall = known.group_by(GROUP).agg(overall=exact_sum("probability") / known["user"].n_unique())
    cells = groups.join(pl.DataFrame({"studies": [False, True]}), how="cross").join(overall, on=GROUP, how="left")
    counted = known.group_by(*GROUP, "studies").agg(users=exact_sum("probability"))
    joined = cells.join(counted, on=[*GROUP, "studies"], how="left").fill_null(0.0)
    raised = pl.col("users") + smoothing * pl.col("overall")
    return joined.with_columns(share=raised / exact_sum(raised).over("studies")).select(*GROUP, "studies", "share")


def _local(people: pl.DataFrame) -> pl.DataFrame:
    """The share of a group in an area by its share in all of them."""
    by_area = pl.col("population") / exact_sum("population").over("area")
    overall = exact_sum("population").over(GROUP) / exact_sum("population")
    local = people.with_columns(relative=pl.when(overall > 0).then(by_area / overall))
    return local.select("area", *GROUP, pl.col("relative").fill_nan(None))


def _whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Probabilities that add up to 1 by user."""
    total = exact_sum("probability").over("user")
    return rows.filter(total > 0).with_columns(pl.col("probability") / total)
