"""Home, work and moves of 250 people with known answers: the method against naive rules, and nested.

    python benchmarks/anchors_labelled_stops.py

A nested figure is of ten folds of people: the parameters of each fold are chosen on the other nine, from the few values
in `WORK_CHOICES`, `HOME_CHOICES` and `CONFIDENCE_CHOICES`. Intervals are Wilson's, of 95 %.
"""

import os
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.mobility import AnchorParameters, infer_anchors, main_places
from ons_assets.parameters.mobility import WorkProfile

SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
STOPS = SHARED / "geo" / "traces" / "labelled_stops.parquet"
WINDOW_DAYS = 28
MIN_REIGN_DAYS = 28
TOLERANCE_DAYS = 45
MIN_DAYS_FOR_GOOD = 14
MIN_PURITY = 0.8
GIVEN_UP_SHARE = 0.25
FOLDS, SEED = 10, 1
LIKELY = 0.5
WORK_CHOICES = [
    {"slept_half_share": half, "work_profile": WorkProfile(work_start=start, work_end=end, weekend=weekend)}
    for half, (start, end), weekend in product((0.05, 0.1), ((9, 17), (8, 18), (8, 19), (7, 19)), (0.0, 0.3, 1.0))
]
HOME_CHOICES = [
    {"window_days": window, "change_days": days, "residence_nights": nights}
    for window, days, nights in product((21, 28, 35), (21.0, 28.0), (2, 3))
]
CONFIDENCE_CHOICES = [
    {"work_odds_power": power, "work_odds_share": share, "least_work_confidence": 0.0}
    for power, share in product((1.5, 1.75, 2.0), (0.04, 0.06, 0.08))
]


def load(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).select(
        user="useruuid",
        place="loc",
        start=pl.from_epoch("start").cast(pl.Datetime("us")),
        end=pl.from_epoch("end").cast(pl.Datetime("us")),
        truth="true_location_type",
    )


def hits(stops: pl.DataFrame, found: pl.DataFrame, label: str) -> pl.DataFrame:
    """Whether the place that was found is a true one, for each person who has one; sorted by user."""
    true_places = stops.filter(truth=label).select("user", "place", right=True).unique()
    people = true_places.select("user").unique().join(found.select("user", "place"), on="user", how="left")
    judged = people.join(true_places, on=["user", "place"], how="left")
    return judged.select("user", right=pl.col("right").fill_null(False), is_found=pl.col("place").is_not_null()).sort(
        "user"
    )


def interval(right: float, of: int) -> str:
    """Share with Wilson's interval."""
    z, share = 1.96, right / of
    middle, half = share + z**2 / (2 * of), z * (share * (1 - share) / of + z**2 / (4 * of**2)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z**2 / of) for sign in (-1, 1))
    return f"{share:.3f} ({right} of {of}; {low:.3f} to {high:.3f})"


def naive(stops: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Home: most hours of stays that start between 22 and 6. Work: most of the others, weekdays 9 to 17."""
    hour = pl.col("start").dt.hour()
    timed = stops.with_columns(length=pl.col("end") - pl.col("start"))

    def most(rows: pl.DataFrame) -> pl.DataFrame:
        ranked = rows.group_by("user", "place").agg(pl.col("length").sum()).sort("length", "place", descending=True)
        return ranked.group_by("user", maintain_order=True).first()

    home = most(timed.filter((hour >= 22) | (hour < 6)))
    daytime = timed.filter(hour.is_between(9, 16) & (pl.col("start").dt.weekday() <= 5))
    return home, most(daytime.join(home.select("user", "place"), on=["user", "place"], how="anti"))


def hours_at_homes(stops: pl.DataFrame) -> pl.DataFrame:
    return (
        stops.filter(truth="H")
        .group_by("user", "place", day=(pl.col("start").dt.epoch("d")).cast(pl.Int32()))
        .agg(hours=(pl.col("end") - pl.col("start")).dt.total_seconds().sum() / 3600)
    )


def changes_of_main_home(stops: pl.DataFrame) -> pl.DataFrame:
    """Changes of the true home that holds the most hours within 28 days to either side.

    `kept_share` is what the old home holds of the hours at both while the new one is the main home.
    """
    changes = []
    for (user,), rows in hours_at_homes(stops).group_by("user"):
        places = sorted(rows["place"].unique())
        first = int(rows["day"].min())
        hours = np.zeros((int(rows["day"].max()) - first + 1, len(places)))
        hours[rows["day"].to_numpy() - first, [places.index(place) for place in rows["place"]]] = rows["hours"]
        total = np.vstack([np.zeros(len(places)), hours.cumsum(axis=0)])
        days = np.arange(len(hours))
        low, high = np.clip(days - WINDOW_DAYS, 0, None), np.clip(days + WINDOW_DAYS + 1, None, len(hours))
        main = (total[high] - total[low]).argmax(axis=1)
        reigns: list[list[int]] = []
        for day in days[hours.sum(axis=1) > 0]:
            if reigns and reigns[-1][0] == main[day]:
                reigns[-1][2] = day
            else:
                reigns.append([int(main[day]), day, day])
        kept: list[list[int]] = []
        for reign in (reign for reign in reigns if reign[2] - reign[1] + 1 >= MIN_REIGN_DAYS):
            if kept and kept[-1][0] == reign[0]:
                kept[-1][2] = reign[2]
            else:
                kept.append(reign)
        for old, new in pairwise(kept):
            both = hours[new[1] : new[2] + 1, [old[0], new[0]]].sum(axis=0)
            changes.append((user, places[old[0]], places[new[0]], first + (old[2] + new[1]) / 2, both[0] / both.sum()))
    return pl.DataFrame(changes, schema=["user", "origin", "destination", "true_day", "kept_share"], orient="row")


def moves_for_good(stops: pl.DataFrame) -> pl.DataFrame:
    """Pairs of true homes where, at the best day, four fifths of the hours of each lie on its own side."""
    hours = hours_at_homes(stops)
    homes = (
        hours.group_by("user", "place")
        .agg(middle=pl.col("day").median(), days=pl.len())
        .filter(pl.col("days") >= MIN_DAYS_FOR_GOOD)
        .sort("user", "middle")
        .with_columns(following=pl.col("place").shift(-1).over("user"))
        .drop_nulls("following")
    )
    moves = []
    for user, old, new in homes.select("user", "place", "following").iter_rows():
        days = (
            hours.filter((pl.col("user") == user) & pl.col("place").is_in([old, new]))
            .group_by("day")
            .agg(
                old=pl.col("hours").filter(pl.col("place") == old).sum(),
                new=pl.col("hours").filter(pl.col("place") == new).sum(),
            )
            .sort("day")
            .with_columns(
                before=pl.col("old").cum_sum() / pl.col("old").sum(),
                after=1 - pl.col("new").cum_sum() / pl.col("new").sum(),
                day_after=pl.col("day").shift(-1),
            )
        )
        best = days.row(int((days["before"] + days["after"]).arg_max() or 0), named=True)
        if min(best["before"], best["after"]) >= MIN_PURITY:
            moves.append((user, old, new, (best["day"] + (best["day_after"] or best["day"])) / 2))
    return pl.DataFrame(moves, schema=["user", "origin", "destination", "true_day"], orient="row")


def found_moves(anchors: pl.DataFrame) -> pl.DataFrame:
    homes = anchors.filter(anchor="home").sort("user", "from")
    return (
        homes.with_columns(
            destination=pl.col("place").shift(-1).over("user"), arrival=pl.col("from").shift(-1).over("user")
        )
        .filter(pl.col("destination").is_not_null() & (pl.col("destination") != pl.col("place")))
        .select(
            "user",
            "destination",
            origin="place",
            day=(pl.col("to").cast(pl.Int32()) + pl.col("arrival").cast(pl.Int32())) / 2,
        )
    )


def matched(found: pl.DataFrame, true_moves: pl.DataFrame) -> pl.DataFrame:
    pairs = found.join(true_moves, on=["user", "origin", "destination"])
    pairs = pairs.with_columns(error=(pl.col("day") - pl.col("true_day")).abs())
    return pairs.filter(pl.col("error") <= TOLERANCE_DAYS)


def given_up(anchors: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Changes of home after which the old one is no second home."""
    kept = anchors.filter(anchor="second_home").select("user", origin="place", first="from", last="to")
    new = anchors.filter(anchor="home").select("user", destination="place", arrival="from", leaving="to")
    still = (
        found.join(kept, on=["user", "origin"])
        .join(new, on=["user", "destination"])
        .filter((pl.col("arrival") >= pl.col("day").cast(pl.Date())) & (pl.col("first") >= pl.col("arrival")))
        .filter(pl.col("last") <= pl.col("leaving"))
    )
    return found.join(still.select("user", "day").unique(), on=["user", "day"], how="anti")


def scores(found: pl.DataFrame, true_moves: pl.DataFrame) -> str:
    pairs = matched(found, true_moves)
    right = pairs.select("user", "origin", "destination", "day").n_unique()
    recalled = pairs.select("user", "origin", "destination", "true_day").n_unique()
    return (
        f"{len(true_moves)} true, {len(found)} found, precision {interval(right, max(len(found), 1))}, "
        f"recall {interval(recalled, max(len(true_moves), 1))}, median error {pairs['error'].median()} days"
    )


def folds_of(users: Sequence[int]) -> dict[int, int]:
    order = np.random.default_rng(SEED).permutation(len(users))
    return {users[person]: number % FOLDS for number, person in enumerate(order)}


def nested(tables: list[pl.DataFrame], gain: Sequence[np.ndarray], fold: dict[int, int]) -> pl.DataFrame:
    """Of each fold's people, the rows of the choice whose gain is best over the people of the others.

    tables: a choice's rows, with user; gain: what each choice gains by each person, in order of `fold`.
    """
    of_person = np.array([fold[user] for user in sorted(fold)])
    parts = []
    for number in range(FOLDS):
        best = int(np.argmax([float(each[of_person != number].sum()) for each in gain]))
        people = [user for user, where in fold.items() if where == number]
        parts.append(tables[best].filter(pl.col("user").is_in(people)))
    return pl.concat(parts)


def by_person(rows: pl.DataFrame, value: pl.Expr, users: list[int]) -> np.ndarray:
    summed = rows.group_by("user").agg(value=value)
    everybody = pl.DataFrame({"user": users}, schema={"user": rows.schema["user"]})
    joined = everybody.join(summed, on="user", how="left", maintain_order="left")
    return joined["value"].fill_null(0).cast(pl.Float64()).to_numpy()


def report_homes_and_work(stops: pl.DataFrame, anchors: pl.DataFrame) -> None:
    main, (naive_home, naive_work) = main_places(anchors), naive(stops)
    for anchor, label, rule in (("home", "H", naive_home), ("work", "W", naive_work)):
        judged, naively = hits(stops, main.filter(anchor=anchor), label), hits(stops, rule, label)
        print(f"  {anchor} right: {interval(judged['right'].sum(), len(judged))}", end="")
        print(f", naive rule {interval(naively['right'].sum(), len(naively))}")
    several = stops.filter(truth="H").group_by("user").agg(homes=pl.col("place").n_unique())
    days = stops.group_by("user").agg(span=(pl.col("end").max() - pl.col("start").min()).dt.total_days())
    judged = hits(stops, main.filter(anchor="work"), "W").join(several, on="user").join(days, on="user")
    for name, some in (("two true homes or more", pl.col("homes") > 1), ("less than 200 days", pl.col("span") < 200)):
        rows = judged.filter(some)
        print(f"    work right of people with {name}: {interval(rows['right'].sum(), len(rows))}")


def report_no_work(stops: pl.DataFrame, anchors: pl.DataFrame) -> None:
    """How many are said to work, by the least confidence that is asked for."""
    has_one = stops.filter(truth="W").select("user").unique()
    without = stops.select("user").unique().join(has_one, on="user", how="anti")
    for least in (0.0, 0.05, 0.2, LIKELY):
        main = main_places(anchors.filter((pl.col("anchor") == "work") & (pl.col("confidence") >= least)))
        judged = hits(stops, main, "W")
        unseen = len(judged) - judged["is_found"].sum()
        false = main.join(without, on="user", how="semi")["user"].n_unique()
        print(
            f"  confidence {least} or more: right of those with one {interval(judged['right'].sum(), len(judged))}, "
            f"none seen of {unseen}; of those without, seen {interval(false, len(without))}"
        )


def deciles(rows: pl.DataFrame) -> None:
    for part in np.array_split(np.arange(len(rows)), 10):
        group = rows[part]
        print(f"    {group['confidence'].mean():.2f} said, {group['right'].mean():.2f} right, of {len(group)}")


def report_nested(stops: pl.DataFrame) -> None:
    users = stops["user"].unique().sort().to_list()
    fold = folds_of(users)
    true_places = stops.group_by("user", "place").agg(pl.col("truth").first())
    stays = stops.drop("truth")

    def made(choices: list[dict[str, object]]) -> list[pl.DataFrame]:
        return [infer_anchors(stays, AnchorParameters(**choice)) for choice in choices]

    work = [hits(stops, main_places(each).filter(anchor="work"), "W") for each in made(WORK_CHOICES)]
    chosen = nested(work, [by_person(each, pl.col("right").sum(), users) for each in work], fold)
    print(f"  work right: {interval(chosen['right'].sum(), len(chosen))}")

    truth = changes_of_main_home(stops)
    left = truth.filter(pl.col("kept_share") <= GIVEN_UP_SHARE)
    for name, true_moves, select in (
        ("changes of main home", truth, lambda _, found: found),
        (f"old home given up (at most {GIVEN_UP_SHARE} of the hours)", left, given_up),
    ):
        found = [select(each, found_moves(each)) for each in made(HOME_CHOICES)]
        # Twice what is right, less what is found and what is true: largest where both agree best.
        gain = [
            2 * by_person(matched(each, true_moves), pl.len(), users) - by_person(each, pl.len(), users)
            for each in found
        ]
        print(f"  {name}: {scores(nested(found, gain, fold), true_moves)}")

    said = [each.filter(anchor="work").join(true_places, on=["user", "place"]) for each in made(CONFIDENCE_CHOICES)]
    said = [each.with_columns(right=pl.col("truth") == "W") for each in said]
    surprise = pl.when("right").then(pl.col("confidence")).otherwise(1 - pl.col("confidence")).clip(1e-3).log().sum()
    told = nested(said, [by_person(each, surprise, users) for each in said], fold).sort("confidence", "user", "place")
    print("  confidence of work, by decile:")
    deciles(told)


def report(stops: pl.DataFrame) -> None:
    anchors = infer_anchors(stops.drop("truth"))
    print(f"{stops['user'].n_unique()} people, defaults:")
    report_homes_and_work(stops, anchors)
    print("no work seen:")
    report_no_work(stops, infer_anchors(stops.drop("truth"), AnchorParameters(least_work_confidence=0.0)))
    truth, found = changes_of_main_home(stops), found_moves(anchors)
    left, moved = truth.filter(pl.col("kept_share") <= GIVEN_UP_SHARE), given_up(anchors, found)
    print(f"changes of main home: {scores(found, truth)}")
    untested = AnchorParameters(residence_nights=0, residence_weeks=0)
    given = found_moves(infer_anchors(stops.filter(truth="H").drop("truth"), untested))
    print(f"  were the homes known: {scores(given, truth)}")
    print(f"old home given up: {scores(moved, left)}")
    print(f"moves for good: {scores(moved, moves_for_good(stops))}")
    labels = stops.group_by("user", "place").agg(pl.col("truth").first())
    second = anchors.filter(anchor="second_home").join(labels, on=["user", "place"]).unique(["user", "place"])
    print(f"second homes that are annotated as home: {interval((second['truth'] == 'H').sum(), len(second))}")
    homes = anchors.filter(anchor="home").join(labels, on=["user", "place"]).with_columns(right=pl.col("truth") == "H")
    print("confidence of home, by decile:")
    deciles(homes.sort("confidence", "user", "place"))
    print(f"nested, {FOLDS} folds:")
    report_nested(stops)


def main() -> None:
    if not STOPS.exists():
        print(f"skipped: {STOPS.name} not found; set ONS_ASSETS_SHARED_DATA")
        return
    report(load(STOPS))


if __name__ == "__main__":
    main()
