"""Home and work of 250 people with known answers: the method against naive rules, on the held-out half.

    python benchmarks/anchors_labelled_stops.py

The parameters were tuned on the other half (every second person in order of their number).
"""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from ons_assets.mobility import infer_anchors

SHARED = Path(os.environ.get("ONS_ASSETS_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
STOPS = SHARED / "geo" / "traces" / "labelled_stops.parquet"
WINDOW_DAYS = 28
MIN_REIGN_DAYS = 28
TOLERANCE_DAYS = 45
MIN_DAYS_FOR_GOOD = 14
MIN_PURITY = 0.8


def load(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    stops = pl.read_parquet(path).select(
        user="useruuid",
        place="loc",
        start=pl.from_epoch("start").cast(pl.Datetime("us")),
        end=pl.from_epoch("end").cast(pl.Datetime("us")),
        truth="true_location_type",
    )
    users = stops["user"].unique().sort()
    tuned = users.gather_every(2)
    return stops.filter(pl.col("user").is_in(tuned.implode())), stops.filter(~pl.col("user").is_in(tuned.implode()))


def main_anchor(anchors: pl.DataFrame, anchor: str) -> pl.DataFrame:
    """The place of the most days with evidence."""
    return (
        anchors.filter(anchor=anchor)
        .group_by("user", "place")
        .agg(pl.col("evidence_days").sum())
        .sort("evidence_days", "place", descending=[True, False])
        .group_by("user", maintain_order=True)
        .first()
    )


def share_right(stops: pl.DataFrame, found: pl.DataFrame, label: str) -> float:
    true_places = stops.filter(truth=label).select("user", "place", right=True).unique()
    right = true_places.select("user").unique().join(found, on="user", how="left")
    right = right.join(true_places, on=["user", "place"], how="left")
    return float(right["right"].fill_null(False).mean())  # type: ignore[arg-type]


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
    """Changes of the true home that holds the most hours within 28 days to either side."""
    changes = []
    for (user,), rows in hours_at_homes(stops).group_by("user"):
        places = sorted(rows["place"].unique())
        first = int(rows["day"].min())  # type: ignore[arg-type]
        hours = np.zeros((int(rows["day"].max()) - first + 1, len(places)))  # type: ignore[arg-type]
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
        changes += [
            (user, places[old[0]], places[new[0]], first + (old[2] + new[1]) / 2) for old, new in pairwise(kept)
        ]
    return pl.DataFrame(changes, schema=["user", "origin", "destination", "true_day"], orient="row")


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


def report(name: str, stops: pl.DataFrame) -> None:
    anchors = infer_anchors(stops.select("user", "place", "start", "end"))
    naive_home, naive_work = naive(stops)
    people = stops["user"].n_unique()
    several = stops.filter(truth="H").group_by("user").agg(pl.col("place").n_unique()).filter(pl.col("place") > 1)
    print(f"{name}: {people} people, {len(several)} with more than one true home")
    print(f"  home right: {share_right(stops, main_anchor(anchors, 'home'), 'H'):.1%}", end="")
    print(f" (most hours: {share_right(stops, naive_home, 'H'):.1%})")
    print(f"  work right: {share_right(stops, main_anchor(anchors, 'work'), 'W'):.1%}", end="")
    print(f" (most hours: {share_right(stops, naive_work, 'W'):.1%})")
    found = found_moves(anchors)
    for title, truth in (("changes of main home", changes_of_main_home(stops)), ("for good", moves_for_good(stops))):
        hits = matched(found, truth)
        right = hits.select("user", "origin", "destination", "day").n_unique()
        recalled = hits.select("user", "origin", "destination", "true_day").n_unique()
        print(
            f"  moves, {title}: {len(truth)} true, {len(found)} found, precision {right / max(len(found), 1):.2f}, "
            f"recall {recalled / max(len(truth), 1):.2f}, median error {hits['error'].median()} days"
        )
    if len(found):
        truly = stops.filter(truth="H").select("user", "place").unique()
        both = found.join(truly, left_on=["user", "origin"], right_on=["user", "place"]).join(
            truly, left_on=["user", "destination"], right_on=["user", "place"]
        )
        print(f"  moves whose two places are both true homes: {len(both)} of {len(found)}")


def main() -> None:
    if not STOPS.exists():
        print(f"skipped: {STOPS.name} not found; set ONS_ASSETS_SHARED_DATA")
        return
    tuned, held_out = load(STOPS)
    report("tuned on", tuned)
    report("held out", held_out)
    report("all", pl.concat([tuned, held_out]))


if __name__ == "__main__":
    main()
