"""What somebody supplies who takes users for young or old, by a classifier that says how sure it is."""

from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.tweets.people import AGE_GROUPS
from ons_assets.simulate.tweets.world import SEXES


def write_user_demographics(
    truth: Path, drops: Path, seed: int, *, share: float = 0.7, right: tuple[float, float] = (0.8, 0.9)
) -> None:
    """Write what a classifier takes users for: a row for each age and sex, with its probability.

    Its probabilities are right in the mean: of users whom it takes for young with 0.8, 80 % are.

    Parameters
    ----------
    truth
        Folder that `simulate_tweets` wrote.
    drops
        Folder in which `user_demographics` is made.
    seed
        Of the world.
    share
        Of the users of whom it says something.
    right
        How often it sees the right age, and the right sex; else it sees any other.
    """
    random = generator(seed, "demographics")
    users = pl.read_parquet(truth / "people.parquet").drop_nulls("user_id").sort("user_id")
    users = users.filter(pl.Series(random.random(len(users)) < share))
    sex = pl.when("is_male").then(pl.lit(SEXES[1])).otherwise(pl.lit(SEXES[0]))
    chances = [
        _as_seen(users.select(of.alias("value"))["value"], values, sure, random)
        for of, values, sure in ((pl.col("age"), AGE_GROUPS, right[0]), (sex, SEXES, right[1]))
    ]
    n = len(users)
    joint = chances[0][:, :, None] * chances[1][:, None, :]
    rows = pl.DataFrame(
        {
            "user": users["user_id"].to_numpy().repeat(len(AGE_GROUPS) * len(SEXES)),
            "age": np.tile(np.repeat(AGE_GROUPS, len(SEXES)), n),
            "sex": np.tile(SEXES, n * len(AGE_GROUPS)),
            "probability": joint.ravel().round(6),
        }
    )
    folder = drops / "user_demographics"
    folder.mkdir(parents=True, exist_ok=True)
    rows.filter(pl.col("probability") > 0).write_csv(folder / "classified.csv")


def _as_seen(truly: pl.Series, values: tuple[str, ...], right: float, random: np.random.Generator) -> np.ndarray:
    """Chances of each value by Bayes, from what the classifier sees and how common values are; shape (n, values)."""
    number = np.array([values.index(value) for value in truly], dtype=np.int64)
    wrong = (number + random.integers(1, len(values), len(number))) % len(values)
    seen = np.where(random.random(len(number)) < right, number, wrong)
    common = np.bincount(number, minlength=len(values)) / max(len(number), 1)
    sees = np.full((len(values), len(values)), (1 - right) / (len(values) - 1))
    np.fill_diagonal(sees, right)
    likely = common * sees[:, seen].T
    chances: np.ndarray = likely / likely.sum(axis=1, keepdims=True)
    return chances
