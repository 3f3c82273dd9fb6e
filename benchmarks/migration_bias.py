"""How far flows from tweets are from the truth, over simulated worlds: bias, common part, and what intervals cover.

    python benchmarks/migration_bias.py --seeds 11 12 13 14 15 16 17 18 --folder worlds
    python benchmarks/migration_bias.py --seeds 11 12 13 14 15 16 17 18 --users 4000     smaller flows

Bias parameters were chosen on seeds 1 to 10 of worlds of another land, with 30 towns. A world takes a minute; those in
the folder are used again.
Truth are the moves between areas of the months that can be weighed, May to December 2014. `study`: who studies is known
from where users tweet; `classified`: age and sex of seven users in ten from a classifier that is right of four in five.
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student_t
from tweets_road import ENOUGH_TWEETS, numbers, road

from ons_assets.flows.measures import agreement, pair_up
from ons_assets.intake.pseudonyms import pseudonyms
from ons_assets.lakehouse.home import Home
from ons_assets.parameters.tweets import MigrationFlowParameters
from ons_assets.simulate.tweets import SCALES, simulate_tweets, write_user_demographics
from ons_assets.simulate.tweets.people import terms_of
from ons_assets.tweets.migration_flows import migration_flows
from ons_assets.tweets.raked_flows import raked_flows
from ons_assets.tweets.residences import student_homes
from ons_assets.tweets.student_moves import Study
from ons_assets.tweets.user_demographics import user_demographics

FIRST, LAST, YEAR = date(2014, 5, 1), date(2014, 12, 31), "2014"
SCALE = "medium"
TOLD = MigrationFlowParameters().fewest_movers
KEPT = ("users", "residences", "moves", "anchors", "student_homes", "numbers")
SIZES = (0, 10, 20, 50, 100, 1_000_000)
STUDENT_SHARES = (0, 0.25, 0.5, 0.75, 0.9, 1.01)
PAIR = ["origin", "destination"]


@dataclass(frozen=True)
class World:
    """What is known of a simulated country, and the truth."""

    truth: Path
    made: dict[str, pl.DataFrame]
    classified: pl.DataFrame

    def true(self, name: str) -> pl.DataFrame:
        """Read a table of the truth."""
        return pl.read_parquet(self.truth / f"{name}.parquet")

    @property
    def moves(self) -> pl.DataFrame:
        """All true moves between areas of the period."""
        moves = self.true("moves").filter(pl.col("origin") != pl.col("destination"))
        return moves.filter(pl.col("moved_on").is_between(FIRST, LAST))

    @property
    def users(self) -> pl.DataFrame:
        """Users who are seen enough."""
        enough = (pl.col("user_kind") == "person") & (pl.col("tweets") >= ENOUGH_TWEETS)
        return self.made["users"].filter(enough).select("user", "tweets")

    @property
    def population(self) -> pl.DataFrame:
        """What the office knows of its areas."""
        counted = self.true("population_by_group").with_columns(
            pl.col("population", "students_last_day").cast(pl.Float64())
        )
        return counted.with_columns(students=pl.min_horizontal("population", "students_last_day"))

    @property
    def study(self) -> Study:
        """Where and when users were seen to study."""
        places = self.made["anchors"].filter(anchor="study").select("user", "area", "from", "to")
        return Study(places.join(self.users, on="user", how="semi"), terms_of(SCALES[SCALE]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    parser.add_argument(
        "--users", type=int, default=SCALES[SCALE].users, help="of each world, of five times the people"
    )
    parser.add_argument("--folder", type=Path, help="keep the simulated worlds here, and use them again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        worlds = [world(options.folder or Path(temporary), options.users, seed) for seed in options.seeds]
        report_flows(worlds)
        report_raked(worlds)
        report_students(worlds)


def world(folder: Path, users: int, seed: int) -> World:
    """Simulate a world and go its road to residences and moves, if it is not there yet."""
    place = folder / f"{users}_{seed}"
    drops, truth, kept = place / "drops", place / "truth", place / "made"
    home = Home(place / "home").ensure()
    if not (kept / "student_homes.parquet").exists():
        kept.mkdir(parents=True, exist_ok=True)
        simulate_tweets(drops, truth, scale=replace(SCALES[SCALE], users=users), seed=seed)
        made = road(drops, truth, home, place / "located")
        made["numbers"] = numbers(truth, home)
        made["student_homes"] = student_homes(made["stays"], made["clusters"], terms_of(SCALES[SCALE]))
        for name in KEPT:
            made[name].write_parquet(kept / f"{name}.parquet")
        for each in (drops, place / "located"):
            shutil.rmtree(each)
    made = {name: pl.read_parquet(kept / f"{name}.parquet") for name in KEPT}
    write_user_demographics(truth, place, seed)
    [classified] = (place / "user_demographics").iterdir()
    rows = pl.read_csv(classified)
    user = pseudonyms(rows["user"].cast(pl.String()), home.secret())
    return World(truth, made, rows.with_columns(user=user))


def variants(found: World) -> dict[str, pl.DataFrame]:
    """Flows of the year by what is known of users."""
    users, population = found.users, found.population
    latest = found.made["residences"].group_by("user").agg(pl.col("area").sort_by("month").last())
    studies = found.study.places.select("user", studies=True).unique()
    described = users.join(latest, on="user", how="left").join(studies, on="user", how="left")
    known = described.with_columns(pl.col("studies").fill_null(value=False))
    classified = user_demographics(known, found.classified, population)
    truly = found.true("people").join(found.made["numbers"].select("user_id", "user"), on="user_id")
    certain = truly.select("user", "age", sex=pl.when("is_male").then(pl.lit("male")).otherwise(pl.lit("female")),
                           probability=1.0)  # fmt: skip
    ways = {
        "area": {},
        "study": {"users": users, "study": found.study},
        "classified": {"users": users, "demographics": classified},
        "classified, study": {"users": users, "demographics": classified, "study": found.study},
        "certain age and sex, study": {"users": users, "demographics": certain, "study": found.study},
    }
    only = [found.made[name].join(users, on="user", how="semi") for name in ("moves", "residences")]
    made = {name: migration_flows(*only, population, **known_of) for name, known_of in ways.items()}
    return {name: flows.filter(period_type="year", period=YEAR) for name, flows in made.items()}


def true_flows(moves: pl.DataFrame) -> pl.DataFrame:
    return moves.group_by(PAIR).agg(flow=pl.len().cast(pl.Float64()))


def report_flows(worlds: list[World]) -> None:
    found: dict[tuple[str, str], list[tuple[dict[str, float], pl.DataFrame]]] = {}
    ceiling = []
    for each in worlds:
        truth = {"all": true_flows(each.moves), "students": true_flows(each.moves.filter("is_student"))}
        for name, flows in variants(each).items():
            for who, true in truth.items():
                of_who = flows.filter(who=who)
                if len(of_who):
                    told = of_who.filter(pl.col("movers") >= TOLD).join(
                        true.rename({"flow": "true"}), on=PAIR, how="left"
                    ).join(truth["students"].rename({"flow": "students"}), on=PAIR, how="left")  # fmt: skip
                    told = told.with_columns(pl.col("true", "students").fill_null(0.0))
                    result = (compared(of_who, true), told)
                    found.setdefault((name, who), []).append(result)
        of_users = true_flows(each.moves.drop_nulls("user_id"))
        scaled = of_users.with_columns(pl.col("flow") * len(each.moves) / of_users["flow"].sum())
        ceiling.append(compared(scaled, truth["all"])["cpc"])
    print(f"common part of the true moves of all who tweet, scaled to the true total: {np.mean(ceiling):.3f}")
    for (name, who), results in found.items():
        for measure in ("total_ratio", "cpc"):
            print(f"{name}, {who}: {measure} {interval([measures[measure] for measures, _ in results])}")
        told = pl.concat([rows for _, rows in results])
        for size in ("flow", "true"):
            print(f"  covered, by {'estimate' if size == 'flow' else 'true size'}: {coverage(told, size)}")
        if who == "all":
            print(f"  by the share of students among those who truly move: {by_students(told)}")


def compared(flows: pl.DataFrame, true: pl.DataFrame) -> dict[str, float]:
    pairs = pair_up(flows, true, "flow")
    return agreement(pairs["estimate"].to_numpy(), pairs["benchmark"].to_numpy())


def interval(values: list[float]) -> str:
    """Mean over worlds with its 95 % interval."""
    half = student_t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0
    return f"{np.mean(values):.3f} (+- {half:.3f})"


def coverage(told: pl.DataFrame, size: str) -> str:
    inside = told.with_columns(inside=pl.col("true").is_between("flow_low", "flow_high"))
    parts = [f"all {inside['inside'].mean():.3f} of {len(inside):,}"]
    for low, high in pairwise(SIZES):
        some = inside.filter(pl.col(size).is_between(low, high, closed="left"))
        if len(some):
            parts.append(f"{low}-{high if high < SIZES[-1] else ''} {some['inside'].mean():.3f} of {len(some)}")
    return "; ".join(parts)


def by_students(told: pl.DataFrame) -> str:
    """Total over truth, and coverage, of told flows that few and many students make."""
    shared = told.with_columns(
        share=pl.col("students") / pl.col("true"), inside=pl.col("true").is_between("flow_low", "flow_high")
    )
    parts = []
    for low, high in pairwise(STUDENT_SHARES):
        some = shared.filter(pl.col("share").is_between(low, high, closed="left"))
        if len(some):
            ratio = some["flow"].sum() / some["true"].sum()
            parts.append(f"{low}-{min(high, 1)} total {ratio:.2f}, covered {some['inside'].mean():.3f} of {len(some)}")
    return "; ".join(parts)


def report_raked(worlds: list[World]) -> None:
    """Raked to the true totals, and to what the register has of the period."""
    found: dict[str, list[tuple[dict[str, float], float]]] = {}
    for each in worlds:
        flows = variants(each)["classified, study"].filter(who="all")
        told = flows.filter(pl.col("movers") >= TOLD)
        true = true_flows(each.moves)
        registered = each.true("moves").filter(
            (pl.col("origin") != pl.col("destination")) & pl.col("registered_on").is_between(FIRST, LAST)
        )
        own = told.join(true.rename({"flow": "true"}), on=PAIR, how="left").fill_null(0.0)
        for name, official in (("true totals", each.moves), ("totals of the register", registered)):
            estimates = official.group_by(PAIR).agg(moves=pl.len().cast(pl.Float64()))
            raked = raked_flows(told, estimates.with_columns(period=pl.lit(YEAR), age=pl.lit("all")))
            rows = raked.join(own.select(*PAIR, "true"), on=PAIR)
            measures = agreement(rows["raked_flow"].to_numpy(), rows["true"].to_numpy())
            inside = rows.select(pl.col("true").is_between("raked_low", "raked_high").mean()).item()
            found.setdefault(name, []).append((measures, inside))
        before = agreement(own["flow"].to_numpy(), own["true"].to_numpy())
        found.setdefault("nothing", []).append((before, own.select(
            pl.col("true").is_between("flow_low", "flow_high").mean()).item()))  # fmt: skip
    for name, results in found.items():
        total, common = ([measures[of] for measures, _ in results] for of in ("total_ratio", "cpc"))
        covered = interval([inside for _, inside in results])
        print(f"told flows raked to {name}: total {interval(total)}, common part {interval(common)}, covered {covered}")


def report_students(worlds: list[World]) -> None:
    """Students by register and by tweets: where they live in term time, and from where to where they moved."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for each in worlds:
        where = wrong_areas(each)
        note("students in the wrong area, by the register", where["register"])
        note("students in the wrong area, by tweets", where["tweets"])
        note("  less by tweets", where["register"] - where["tweets"])
        moves = each.moves.filter("is_student")
        known = moves.filter(pl.col("registered_on") <= LAST)
        by_tweets = variants(each)["study"].filter(who="students")
        measured = {
            "the register": compared(true_flows(known), true_flows(moves)),
            "tweets": compared(by_tweets, true_flows(moves)),
        }
        for name, measures in measured.items():
            note(f"flows of students, by {name}: total", measures["total_ratio"])
            note(f"flows of students, by {name}: common part", measures["cpc"])
            note(f"flows of students, by {name}: mean absolute error", measures["mae"])
    for name, values in found.items():
        print(f"{name} {interval(values)}")


def wrong_areas(each: World) -> dict[str, float]:
    """Share of students whom a distribution over areas has in the wrong one; both are scaled to their true number."""
    people = each.true("people").filter("studies_last_day")
    first = each.true("homes").filter(pl.col("from_day").is_null()).select("person", "area")
    registered = (
        each.true("moves").drop_nulls("registered_on").filter(pl.col("registered_on") <= pl.col("moved_on").max())
    )
    latest = registered.sort("registered_on", "moved_on").unique("person", keep="last", maintain_order=True)
    at = people.select("person").join(first, on="person").join(latest, on="person", how="left")
    register = at.group_by(area=pl.coalesce("destination", "area")).agg(register=pl.len())
    tweets = each.made["student_homes"].drop_nulls("term_area").group_by(area="term_area").agg(tweets=pl.len())
    true = each.true("population").select("area", true="students_last_day")
    joined = true.join(register, on="area", how="left").join(tweets, on="area", how="left").fill_null(0)
    wrong = {}
    for name in ("register", "tweets"):
        scaled = joined[name] / joined[name].sum() * joined["true"].sum()
        wrong[name] = float((scaled - joined["true"]).abs().sum() / 2 / joined["true"].sum())
    return wrong


if __name__ == "__main__":
    main()
