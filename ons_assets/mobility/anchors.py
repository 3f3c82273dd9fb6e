"""Home, work and study of a person, dated, from stays."""

import logging
from collections.abc import Sequence
from datetime import date

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobility.evidence import hours_between, split_by_day, weigh, weigh_hours
from ons_assets.mobility.main_homes import main_homes
from ons_assets.mobility.main_places import main_places
from ons_assets.mobility.residence import residences, second_homes
from ons_assets.mobility.segments import segment
from ons_assets.mobility.stays import checked_stays, said
from ons_assets.mobility.work import work_evidence
from ons_assets.parameters.mobility import AnchorParameters

log = logging.getLogger(__name__)

EDUCATION, RESIDENTIAL = "education", "residential"
COLUMNS = ("user", "place", "anchor", "from", "to", "confidence", "evidence_days")
EPOCH = date(1970, 1, 1)
# A Thursday; Monday is day 0 of a week.
EPOCH_DAY_OF_WEEK, WEEKDAYS = 3, 5


def infer_anchors(
    stays: pl.DataFrame | pl.LazyFrame,
    parameters: AnchorParameters | None = None,
    *,
    terms: Sequence[tuple[date, date]] | None = None,
) -> pl.DataFrame:
    """Find where each person lives, works and studies, and from when to when.

    The evidence of a place on a day is the hours spent there, weighed by the hour of the week, up to a
    whole day. The main home of a day is the place with the most evidence in the weeks around, among those
    that are slept at in some weeks; a second home is slept at beside it. Work is the path through the other
    places with the most evidence by day, less the more they are slept at, and less a cost for each change;
    study is the same among places of class education.

    Parameters
    ----------
    stays
        user (any type), place (unique within a user), start, end (local clock, without zone; equal for
        an instant) and, if known, address_class (residential, commercial, education, transport, other). A stay
        without an end, at a place -1, that ends before it starts, or that repeats another is left out, and a
        warning in the log says how many; see `ons_assets.mobility.stays.checked_stays`.
    parameters
        Parameters; None for the defaults.
    terms
        First and last days of terms; study is looked for within them only. None for all year.

    Returns
    -------
    pl.DataFrame
        user, place, anchor ("home", "second_home", "work", "study"), from, to (days of the first and last
        stay of the person in that time), confidence (probability that the place is what it is called,
        against other places and none) and evidence_days (days with evidence of the place). Sorted by user,
        anchor, from and place. The anchors of one kind of a user do not overlap, but for second homes; a
        second home lies within the time of one main home. A user without enough evidence has no row; one
        without a row of work, or with one of little confidence, is not seen to work.

    Raises
    ------
    ValueError
        If a column is missing, or start or end are not local times.

    References
    ----------
    Luce (1959), Individual Choice Behavior, and McFadden (1974), "Conditional logit analysis of qualitative
    choice behavior", for the confidence.
    Viterbi (1967), "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm", IEEE Transactions on Information Theory 13(2), for the path.
    Lucchini et al. (2025), HoWDe, arXiv:2506.20679, for the data on which it was measured.

    Examples
    --------
    Nights at place 7 and days at place 9, for three weeks:

    >>> from datetime import datetime, timedelta
    >>> days = pl.datetime_range(datetime(2026, 3, 2), datetime(2026, 3, 20), "1d", eager=True)
    >>> nights = pl.DataFrame({"start": days + timedelta(hours=-4), "end": days + timedelta(hours=7)})
    >>> shifts = pl.DataFrame({"start": days + timedelta(hours=9), "end": days + timedelta(hours=17)})
    >>> stays = pl.concat([nights.with_columns(place=7), shifts.with_columns(place=9)])
    >>> infer_anchors(stays.with_columns(user=1)).select("place", "anchor", "evidence_days").rows()
    [(7, 'home', 20), (9, 'work', 19)]
    """
    parameters = parameters or AnchorParameters()
    return anchors_by_day(evidence_by_day(stays, parameters), parameters, terms=terms)


def anchors_by_day(
    by_day: pl.DataFrame,
    parameters: AnchorParameters | None = None,
    *,
    terms: Sequence[tuple[date, date]] | None = None,
) -> pl.DataFrame:
    """Find the anchors from evidence that has been added up by day already; see `infer_anchors`.

    Parameters
    ----------
    by_day
        user, place, day (days since 1970), home (evidence, from 0 to 1), work (from -1 to 1), small_hours
        (hours there at night), is_education and, if known, is_residential; one row a user, place and day.

    Returns
    -------
    pl.DataFrame
        As of `infer_anchors`.
    """
    parameters = parameters or AnchorParameters()
    known = by_day if "is_residential" in by_day.columns else by_day.with_columns(is_residential=pl.lit(False))
    lived_in = residences(known, parameters)
    homes = _homes(known, lived_in, parameters)
    second = second_homes(known, homes, parameters)

    elsewhere = _away_from_home(known, homes)
    busy = work_evidence(elsewhere, parameters)
    in_term = (
        pl.lit(True)
        if terms is None
        else pl.any_horizontal(
            pl.lit(False),
            *(pl.col("day").is_between((first - EPOCH).days, (last - EPOCH).days) for first, last in terms),
        )
    )
    work = busy.filter(~pl.col("is_education")).drop("is_education")
    study = busy.filter(pl.col("is_education") & in_term).drop("is_education")
    seen = known.filter((pl.col("day") + EPOCH_DAY_OF_WEEK) % 7 < WEEKDAYS).select("user", "day").unique()
    found = [
        homes,
        second,
        *(_occupation(each, name, seen, parameters) for each, name in ((work, "work"), (study, "study"))),
    ]
    return pl.concat(found).sort("user", "anchor", "from", "place").select(COLUMNS)


def _homes(by_day: pl.DataFrame, lived_in: pl.DataFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Main homes: spells at places that are lived in, and unless one is needed, at the place with the most evidence."""
    evidence = by_day.select("user", "place", "day", evidence="home").filter(pl.col("evidence") > 0)
    if not parameters.residence_needed:
        total = evidence.group_by("user", "place").agg(exact_sum("evidence").round(9), first=pl.col("day").min())
        ranked = total.sort("user", "evidence", "first", "place", descending=[False, True, False, False])
        top = ranked.unique("user", keep="first", maintain_order=True)
        lived_in = pl.concat([lived_in, top.select("user", "place")]).unique()
    passed = evidence.join(lived_in, on=["user", "place"], how="semi")
    spells = main_homes(passed, parameters)
    odds = spells.with_columns(odds_days=pl.lit(parameters.home_odds_days))
    rated = _rated(passed, odds, parameters.home_odds_power)
    return _named(rated.filter(pl.col("evidence_days") >= parameters.min_home_days), "home")


def _away_from_home(by_day: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """Rows that may be of work: not at the main home of most days, nor at another while it was the main home."""
    away = by_day.join(main_places(homes), on=["user", "place"], how="anti")
    spells = homes.select("user", "place", "from", "to")
    at_home = away.join(spells, on=["user", "place"]).filter(
        pl.col("day").is_between(pl.col("from").to_physical(), pl.col("to").to_physical())
    )
    return away.join(at_home, on=["user", "place", "day"], how="anti")


def _occupation(
    evidence: pl.DataFrame, anchor: str, weekdays: pl.DataFrame, parameters: AnchorParameters
) -> pl.DataFrame:
    """Places of work, or of study, as a path through the places that costs something at every change."""
    days = pl.col("day").max() - pl.col("day").min() + 1
    # The rate of evidence turns days into evidence: a change must pay as much for a rare tweeter's
    # months as for a phone's.
    rate = (exact_sum("evidence") / days).clip(0, 1)
    penalty = evidence.group_by("user").agg(
        penalty=(parameters.work_change_days * rate).clip(parameters.min_change_evidence)
    )
    spells = segment(evidence, penalty)
    odds = (
        spells.join(weekdays, on="user")
        .filter(pl.col("day").is_between("first_day", "last_day"))
        .group_by("user", "segment")
        .agg(odds_days=parameters.work_odds_share * pl.len())
    )
    rated = _rated(evidence, spells.join(odds, on=["user", "segment"], how="left"), parameters.work_odds_power)
    seen = (pl.col("evidence_days") >= parameters.min_work_days) & (
        pl.col("confidence") >= parameters.least_work_confidence
    )
    return _named(rated.filter(seen), anchor)


def evidence_by_day(stays: pl.DataFrame | pl.LazyFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Add stays up to the evidence of home and work by user, place and day.

    Parameters
    ----------
    stays
        As for `infer_anchors`.

    Returns
    -------
    pl.DataFrame
        user, place, day, is_education, home, work, small_hours, is_residential: what `anchors_by_day` takes.
    """
    of_class = pl.col("address_class")
    home_weight = of_class.replace_strict(parameters.home_weight, default=1.0, return_dtype=pl.Float64())
    work_weight = of_class.replace_strict(parameters.work_weight, default=1.0, return_dtype=pl.Float64())
    kept, left_out = checked_stays(stays)
    if (sentence := said(left_out)) is not None:
        log.warning(sentence)
    return (
        split_by_day(kept.lazy(), parameters.instant_hours)
        .with_columns(
            home=weigh(parameters.home_profile),
            work=weigh(parameters.work_profile),
            home_weight=home_weight,
            work_weight=work_weight,
            small_hours=weigh_hours(hours_between(parameters.sleep_start, parameters.sleep_end)),
            is_education=(of_class == EDUCATION).fill_null(False),
            is_residential=(of_class == RESIDENTIAL).fill_null(False),
        )
        .group_by("user", "place", "day")
        .agg(
            pl.col("is_education", "is_residential").any(),
            pl.col("home_weight", "work_weight").min(),
            home=exact_sum("home"),
            work=exact_sum("work"),
            small_hours=exact_sum("small_hours").round(9),
        )
        .select(
            "user",
            "place",
            "day",
            "is_education",
            home=capped_home("home", parameters) * pl.col("home_weight"),
            work=capped_work("work", parameters) * pl.col("work_weight"),
            small_hours="small_hours",
            is_residential="is_residential",
        )
        .collect()
    )


def capped_home(hours: str, parameters: AnchorParameters) -> pl.Expr:
    """Return the evidence of home in the weighted hours of a day, from 0 to 1."""
    # Rounded, so that days of as many hours are of one evidence, though the clock stood elsewhere.
    return (pl.col(hours) / parameters.home_hours).clip(0, 1).round(9)


def capped_work(hours: str, parameters: AnchorParameters) -> pl.Expr:
    """Return the evidence of work in the weighted hours of a day, from -1 to 1."""
    return (pl.col(hours) / parameters.work_hours).clip(-1, 1).round(9)


def _rated(evidence: pl.DataFrame, spells: pl.DataFrame, power: float) -> pl.DataFrame:
    """Add the days of evidence of the place of each spell, and the chance that it is the one.

    The odds of the places, and of none of them, are as their evidence to a power: none has `odds_days`.
    """
    spell = ["user", "segment", "home", "first_day", "last_day", "odds_days"]
    within = (
        evidence.join(spells.rename({"place": "home"}), on="user")
        .filter(pl.col("day").is_between("first_day", "last_day"))
        .group_by(*spell, "place")
        .agg(evidence=exact_sum("evidence"), days=pl.len())
    )
    is_home = pl.col("place") == pl.col("home")
    pull = pl.col("evidence") ** power
    rated = within.group_by(spell).agg(
        here=exact_sum(pull.filter(is_home)),
        all=exact_sum(pull),
        evidence_days=pl.col("days").filter(is_home).sum(),
    )
    none = pl.col("odds_days").fill_null(0.0) ** power
    return rated.with_columns(confidence=(pl.col("here") / (pl.col("all") + none)).round(6))


def _named(rated: pl.DataFrame, anchor: str) -> pl.DataFrame:
    return rated.select(
        "user",
        pl.col("home").alias("place"),
        pl.lit(anchor).alias("anchor"),
        pl.col("first_day").cast(pl.Date()).alias("from"),
        pl.col("last_day").cast(pl.Date()).alias("to"),
        "confidence",
        pl.col("evidence_days").cast(pl.Int32()),
    )
