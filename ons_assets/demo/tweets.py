"""The tweets pilot in the demonstration: how far tweets lead to homes and to moves."""

from pathlib import Path

import polars as pl

from ons_assets.catalogue import CATALOGUE
from ons_assets.demo.figure import Figure
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.simulate.country import Country, write_office_files
from ons_assets.simulate.tweets import Scale, country_of, simulate_tweets, write_user_demographics
from ons_assets.simulate.tweets.scales import IN_COUNTRY

ENOUGH_TWEETS = 20
RIGHT = "area right"


def simulate(
    drops: Path, truth: Path, scale: str | Scale, seed: int | None = None, country: Country | None = None
) -> str:
    """Write the collector's files and those of the office, and apart from them the truth.

    Parameters
    ----------
    drops, truth
        Folders for the files of the suppliers, and for what no statistician would know.
    scale
        Size of the world: a name such as "small", or a scale of one's own.
    seed
        The same seed gives the same world; None is that of the simulator.
    country
        Whose people tweet; None for one of the size of the scale, whose office writes what it has.
    """
    known = 1 if seed is None else seed
    size = IN_COUNTRY[scale] if country is not None and isinstance(scale, str) else scale
    if country is None:
        country = country_of(size, known)
        write_office_files(country, drops)
    summary = simulate_tweets(drops / "tweets", truth, scale=size, seed=known, country=country)
    write_user_demographics(truth, drops, known)
    return f"{summary.tweets:,} located tweets of {summary.users:,} users in {len(list(summary.drops.iterdir()))} files"


def results(home: Home, truth: Path) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles; counts only, never a row of a person."""
    flows = _rows(home, "migration_flows").collect()
    tables = {
        "From tweets to people who live somewhere": _steps(home),
        "Homes of users with 20 tweets or more, against the truth": _homes(home, truth),
        "Flows between areas (one of few users is not told)": _flows(flows),
    }
    if len(flows):
        tables["Flows against the register"] = _comparison(home)
    return tables


def figures(home: Home, truth: Path) -> list[Figure]:
    """Return the figures that the demonstration ends with: how many homes are in the area where they are."""
    users = dict(_homes(home, truth).select("outcome", "users").iter_rows())
    what = f"Homes of users of {ENOUGH_TWEETS} tweets in their district"
    return [Figure(what, f"{users.get(RIGHT, 0):,}", f"{sum(users.values()):,}")]


def _steps(home: Home) -> pl.DataFrame:
    counted = {
        "tweets, retweets and withdrawals received": _rows(home, "raw_tweets").select(pl.len()),
        "tweets with a place in Great Britain": _rows(home, "located_tweets").select(pl.len()),
        "outages of the collector": _rows(home, "collection_gaps").select(pl.len()),
        "users": _rows(home, "users").select(pl.len()),
        "users who are no people": _rows(home, "users").filter(pl.col("user_kind") != "person").select(pl.len()),
        "places where a user keeps tweeting": _rows(home, "clusters").filter("is_valid").select(pl.len()),
        "users with a home": _rows(home, "user_anchors").filter(anchor="home").select(pl.col("user").n_unique()),
        "users with work or study": _rows(home, "user_anchors")
        .filter(pl.col("anchor").is_in(["work", "study"]))
        .select(pl.col("user").n_unique()),
        "users who study": _rows(home, "student_homes").select(pl.len()),
        "changes of home": _rows(home, "moves").select(pl.len()),
        "second homes": _rows(home, "second_residences").select(pl.len()),
    }
    return pl.DataFrame({"step": list(counted), "number": [frame.collect().item() for frame in counted.values()]})


def _homes(home: Home, truth: Path) -> pl.DataFrame:
    enough = _rows(home, "users").filter((pl.col("user_kind") == "person") & (pl.col("tweets") >= ENOUGH_TWEETS))
    found = (
        _rows(home, "user_anchors")
        .filter(anchor="home")
        .group_by("user")
        .agg(pl.col("area").sort_by("evidence_days", "from").last())
        .collect()
    )
    known = pl.read_parquet(truth / "homes.parquet").drop_nulls("user_id")
    lived = known.select(
        user=pseudonyms(known["user_id"].cast(pl.String()), home.secret()), true_area="area"
    ).group_by("user").agg("true_area")  # fmt: skip
    judged = enough.select("user").collect().join(lived, on="user").join(found, on="user", how="left")
    outcome = pl.when(pl.col("area").is_null()).then(pl.lit("no home found")).otherwise(
        pl.when(pl.col("area").is_in("true_area")).then(pl.lit(RIGHT)).otherwise(pl.lit("area wrong"))
    )  # fmt: skip
    counted = judged.group_by(outcome.alias("outcome")).agg(users=pl.len()).sort("users", descending=True)
    return counted.with_columns(percent=100 * pl.col("users") / pl.col("users").sum())


def _flows(flows: pl.DataFrame) -> pl.DataFrame:
    return (
        flows.group_by("period_type", "period")
        .agg(
            flows=pl.len(),
            users=pl.col("movers").sum(),
            people=pl.col("flow").sum().round().cast(pl.Int64()),
        )
        .sort("period_type", "period")
    )


def _comparison(home: Home) -> pl.DataFrame:
    measures = ["n", "cpc", "correlation", "total_ratio"]
    return (
        _rows(home, "migration_comparison")
        .filter(pl.col("subject_type").is_in(["all", "pair"]) & pl.col("measure").is_in(measures))
        .collect()
        .pivot(on="measure", on_columns=measures, index=["period", "subject_type"], values="value")
        .sort("period", "subject_type")
    )


def _rows(home: Home, table: str) -> pl.LazyFrame:
    return lake.read(home, CATALOGUE[f"tweets/{table}"])
