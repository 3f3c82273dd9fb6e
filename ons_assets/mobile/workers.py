"""What kind of worker a device shows: by week and night, at one site or several, or not at all."""

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.mobility.anchors import anchors_by_day
from ons_assets.parameters.mobile import DeviceAnchorParameters, WorkerParameters

FULL_WEEK, PART_WEEK, NIGHT_SHIFT = "full_week", "part_week", "night_shift"
ALL, SEVERAL_SITES, NONE_SEEN = "all", "several_sites", "none_seen"
# Classes of which a place of work is known.
PLACED = (FULL_WEEK, PART_WEEK, NIGHT_SHIFT)

ANCHOR_SCHEMA = {
    "user": pl.Int64(),
    "anchor": pl.String(),
    "place": pl.Int32(),
    "worker_class": pl.String(),
    "confidence": pl.Float64(),
    "evidence_days": pl.Int32(),
    "from": pl.Date(),
    "to": pl.Date(),
}


def classify_workers(
    by_day: pl.DataFrame, anchors: DeviceAnchorParameters | None = None, workers: WorkerParameters | None = None
) -> pl.DataFrame:
    """Find the home of each device, its place of work if it has one, and what kind of worker it shows.

    full_week and part_week have one place of work by day; part_week is there on fewer than
    `full_week_share` of the weekdays on which the device is seen in working hours: part-time by days,
    flexible and hybrid work look the same. night_shift spends working nights at one place and nights of
    rest at another. several_sites works away from home at no main place. none_seen shows no work outside
    the coverage of its home: people who work at home, next door, or not at all cannot be told apart.

    Parameters
    ----------
    by_day
        What `ons_assets.mobile.evidence.evidence` returns.
    anchors, workers
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        user, anchor ("home" or "work"), place, worker_class, confidence, evidence_days, from, to; a device
        without a home has no row, one without a place of work no row of work. Sorted by user and anchor.
    """
    anchors, workers = anchors or DeviceAnchorParameters(), workers or WorkerParameters()
    days = by_day.group_by("user").agg(days=pl.col("day").n_unique())
    known = by_day.join(days.filter(pl.col("days") >= anchors.min_days), on="user", how="semi")
    if known.is_empty():
        return pl.DataFrame(schema=ANCHOR_SCHEMA)
    found = _main(anchors_by_day(known, anchor_parameters(anchors)))
    shifts = _night_shifts(known, workers)
    homes = _homes(found, shifts)
    work = _work(known, found, homes, shifts, anchors, workers)
    classes = homes.select("user").join(
        work.select("user", "worker_class"), on="user", how="left", maintain_order="left"
    )
    classes = classes.with_columns(pl.col("worker_class").fill_null(NONE_SEEN))
    if anchors.home_share > 0:
        homes = _with_share(known, homes, "home", anchors.home_share)
        classes = classes.join(homes, on="user", how="semi")
    both = [
        homes.with_columns(anchor=pl.lit("home")).join(classes, on="user"),
        work.filter(pl.col("place").is_not_null())
        .with_columns(anchor=pl.lit("work"))
        .join(homes, on="user", how="semi"),
    ]
    rows = pl.concat([part.select(ANCHOR_SCHEMA.keys()).cast(ANCHOR_SCHEMA) for part in both])  # type: ignore[arg-type]
    return rows.sort("user", "anchor")


def _main(anchors: pl.DataFrame) -> pl.DataFrame:
    """Of the dated anchors of a kind, the one with the most days of evidence."""
    ordered = anchors.sort("user", "anchor", "evidence_days", "from", descending=[False, False, True, True])
    return ordered.unique(["user", "anchor"], keep="first", maintain_order=True)


def _with_share(by_day: pl.DataFrame, anchors: pl.DataFrame, evidence: str, least: float) -> pl.DataFrame:
    """Keep anchors whose place has at least a share of all the evidence of the device."""
    of_place = by_day.group_by("user", "place").agg(here=exact_sum(pl.col(evidence).clip(0)))
    shares = of_place.with_columns(share=pl.col("here") / exact_sum("here").over("user"))
    kept = anchors.join(shares, on=["user", "place"], how="left").filter(pl.col("share") >= least)
    return kept.select(anchors.columns)


def _night_shifts(by_day: pl.DataFrame, parameters: WorkerParameters) -> pl.DataFrame:
    """Devices with working nights at one place and nights of rest at another: user, home, work, nights."""
    nights = by_day.filter(pl.col("small_hours") >= parameters.night_hours)
    is_rest = ((pl.col("day") + 3) % 7).is_in(parameters.rest_mornings)
    counted = nights.group_by("user", "place").agg(
        working=(~is_rest).sum().cast(pl.Float64()), rest=is_rest.sum().cast(pl.Float64()), first=pl.col("day").min(),
        last=pl.col("day").max(),
    )  # fmt: skip
    totals = pl.col("working").sum().over("user"), pl.col("rest").sum().over("user")
    shares = counted.with_columns(working_share=pl.col("working") / totals[0], rest_share=pl.col("rest") / totals[1])
    at_work = shares.filter(
        (pl.col("working") >= parameters.fewest_nights)
        & (pl.col("working_share") >= parameters.night_shift_share)
        & (pl.col("working_share") > 2 * pl.col("rest_share").fill_nan(1.0))
    )
    at_work = at_work.sort("user", "working", "place", descending=[False, True, False]).unique(
        "user", keep="first", maintain_order=True
    )
    resting = shares.filter(pl.col("rest_share") >= parameters.rest_share).select(
        "user", home="place", rest_nights="rest"
    )
    # A weekend away from home is no shift: the place of rest must also be where days are spent.
    daytime = by_day.group_by("user", "place").agg(by_day=exact_sum(pl.col("home") + pl.col("work").clip(0)))
    shifts = (
        at_work.select("user", work="place", nights="working", first="first", last="last")
        .join(resting, on="user")
        .filter(pl.col("home") != pl.col("work"))
        .join(daytime, left_on=["user", "home"], right_on=["user", "place"])
    )
    # Of two places of as many nights of rest, the one where more of the days are spent; then the first by number.
    shifts = shifts.sort("user", "by_day", "home", descending=[False, True, False]).unique(
        "user", keep="first", maintain_order=True
    )
    days = (
        by_day.filter(pl.col("work") >= parameters.work_day_evidence).group_by("user", "place").agg(work_days=pl.len())
    )
    rested = shifts.join(days, left_on=["user", "home"], right_on=["user", "place"], how="left").with_columns(
        pl.col("work_days").fill_null(0)
    )
    # Who sleeps by day does so at home: weekdays there, in working hours, nearly as many as nights at work.
    return rested.filter(pl.col("work_days") >= parameters.day_rest_share * pl.col("nights")).drop(
        "by_day", "work_days"
    )


def _homes(anchors: pl.DataFrame, shifts: pl.DataFrame) -> pl.DataFrame:
    """Homes of all devices; of those on night shift, the place of rest."""
    homes = anchors.filter(anchor="home").select("user", "place", "confidence", "evidence_days", "from", "to")
    at_rest = shifts.select("user", rest=pl.col("home").cast(homes.schema["place"]))
    return homes.join(at_rest, on="user", how="left", maintain_order="left").with_columns(
        place=pl.coalesce("rest", "place")
    ).drop("rest")  # fmt: skip


def _work(
    by_day: pl.DataFrame,
    found: pl.DataFrame,
    homes: pl.DataFrame,
    shifts: pl.DataFrame,
    anchors: DeviceAnchorParameters,
    workers: WorkerParameters,
) -> pl.DataFrame:
    """Places of work with the class; the place is null for several sites."""
    night = shifts.select(
        "user",
        place="work",
        worker_class=pl.lit(NIGHT_SHIFT),
        confidence=pl.lit(None, dtype=pl.Float64()),
        evidence_days=pl.col("nights").cast(pl.Int32()),
        **{"from": pl.col("first").cast(pl.Date()), "to": pl.col("last").cast(pl.Date())},
    ).join(homes.select("user", home_confidence="confidence"), on="user")
    night = night.with_columns(confidence="home_confidence").drop("home_confidence")
    away = by_day.join(homes.select("user", "place"), on=["user", "place"], how="anti").filter(pl.col("work") > 0)
    works = pl.col("work") >= workers.work_day_evidence
    seen = by_day.filter(works).group_by("user").agg(weekdays=pl.col("day").n_unique())
    sites = away.group_by("user", "place").agg(here=exact_sum("work"), days_here=works.sum())
    sites = sites.with_columns(site_share=pl.col("here") / exact_sum("here").over("user"))
    days_away = away.filter(works).group_by("user").agg(days_away=pl.col("day").n_unique())
    day = (
        found.filter(anchor="work")
        .join(night.select("user"), on="user", how="anti")
        .join(homes.select("user", home="place"), on="user")
        .filter(pl.col("place") != pl.col("home"))
        .join(sites, on=["user", "place"])
        .join(seen, on="user")
    )
    day = day.filter((pl.col("days_here") >= anchors.min_work_days) & (pl.col("site_share") >= anchors.work_share))
    is_full = pl.col("days_here") >= workers.full_week_share * pl.col("weekdays")
    is_main = pl.col("site_share") >= workers.one_site_share
    placed = day.filter(is_main).select(
        "user",
        "place",
        "confidence",
        "evidence_days",
        "from",
        "to",
        worker_class=pl.when(is_full).then(pl.lit(FULL_WEEK)).otherwise(pl.lit(PART_WEEK)),
    )
    # Away on most weekdays, and nowhere often enough.
    spread = (
        days_away.join(seen, on="user")
        .filter(
            (pl.col("days_away") >= workers.away_share * pl.col("weekdays"))
            & (pl.col("days_away") >= anchors.min_work_days)
        )
        .join(pl.concat([placed.select("user"), night.select("user")]), on="user", how="anti")
        .select("user", worker_class=pl.lit(SEVERAL_SITES))
    )
    return pl.concat([placed.select(night.columns).cast(night.schema), night, spread], how="diagonal")
