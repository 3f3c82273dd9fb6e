"""Home, work and study of a person, dated, from stays."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from scipy.special import betainc

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobility.evidence import split_by_day, weigh
from ons_assets.mobility.segments import segment
from ons_assets.parameters.mobility import AnchorParameters

REQUIRED = ("user", "place", "start", "end")
EDUCATION = "education"
COLUMNS = ("user", "place", "anchor", "from", "to", "confidence", "evidence_days")
EPOCH = date(1970, 1, 1)


def infer_anchors(
    stays: pl.DataFrame | pl.LazyFrame,
    parameters: AnchorParameters | None = None,
    *,
    terms: Sequence[tuple[date, date]] | None = None,
) -> pl.DataFrame:
    """Find where each person lives, works and studies, and from when to when.

    The evidence of a place on a day is the hours spent there, weighed by the hour of the week, up to a
    whole day. The home is the path through the places with the most evidence less a cost for each
    change; days without any stay neither keep a home nor end it. Work is found in the same way among
    the places that are never the home; study among those of class education.

    Parameters
    ----------
    stays
        user (any type), place (unique within a user), start, end (local clock, without zone; equal for
        an instant) and, if known, address_class (residential, commercial, education, transport, other).
    parameters
        Parameters; None for the defaults.
    terms
        First and last days of terms; study is looked for within them only. None for all year.

    Returns
    -------
    pl.DataFrame
        user, place, anchor ("home", "work", "study"), from, to (days of the first and last stay of the
        person in that time), confidence (probability, from the days of evidence, that the place is
        visited more than the next one) and evidence_days (days with evidence of the place). Sorted by
        user, anchor and from. The anchors of one kind of a user do not overlap. A user without enough
        evidence has no row.

    Raises
    ------
    ValueError
        If a column is missing, start or end are not local times, or a stay ends before it starts.

    References
    ----------
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
    [(7, 'home', 20), (9, 'work', 15)]
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
        user, place, day (days since 1970), home (evidence, from 0 to 1), work (from -1 to 1) and
        is_education; one row a user, place and day.

    Returns
    -------
    pl.DataFrame
        As of `infer_anchors`.
    """
    parameters = parameters or AnchorParameters()
    home_days = by_day.select("user", "place", "day", evidence="home").filter(pl.col("evidence") > 0)
    homes = _anchor(home_days, "home", parameters.change_days, parameters.min_home_days, parameters)

    elsewhere = by_day.join(homes.select("user", "place").unique(), on=["user", "place"], how="anti")
    # Evidence has few decimals, and so has its sum: a place that gathers as much as it loses gathers nothing.
    net = elsewhere.group_by("user", "place").agg(work=exact_sum("work").round(12))
    busy = elsewhere.join(net.filter(pl.col("work") > 0).select("user", "place"), on=["user", "place"])
    busy = busy.select("user", "place", "day", "is_education", evidence="work").filter(pl.col("evidence") > 0)
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
    found = [
        homes,
        _anchor(work, "work", parameters.work_change_days, parameters.min_work_days, parameters),
        _anchor(study, "study", parameters.work_change_days, parameters.min_work_days, parameters),
    ]
    return pl.concat(found).sort("user", "anchor", "from").select(COLUMNS)


def _checked(stays: pl.DataFrame | pl.LazyFrame) -> pl.LazyFrame:
    rows = stays.lazy()
    schema = rows.collect_schema()
    if missing := [name for name in REQUIRED if name not in schema]:
        raise ValueError(f"stays need the columns {', '.join(REQUIRED)}; missing: {', '.join(missing)}")
    for name in ("start", "end"):
        dtype = schema[name]
        if not isinstance(dtype, pl.Datetime) or dtype.time_zone is not None:
            raise ValueError(f"{name} must be a time of the local clock without a zone, not {dtype}")
    if "address_class" not in schema:
        rows = rows.with_columns(address_class=pl.lit(None, dtype=pl.String()))
    rows = rows.select(*REQUIRED, "address_class").drop_nulls(["user", "place", "start", "end"])
    if rows.select((pl.col("end") < pl.col("start")).any()).collect().item():
        raise ValueError("a stay ends before it starts")
    return rows


def evidence_by_day(stays: pl.DataFrame | pl.LazyFrame, parameters: AnchorParameters) -> pl.DataFrame:
    """Add stays up to the evidence of home and work by user, place and day.

    Parameters
    ----------
    stays
        As for `infer_anchors`.

    Returns
    -------
    pl.DataFrame
        user, place, day, is_education, home, work: what `anchors_by_day` takes.
    """
    of_class = pl.col("address_class")
    home_weight = of_class.replace_strict(parameters.home_weight, default=1.0, return_dtype=pl.Float64())
    work_weight = of_class.replace_strict(parameters.work_weight, default=1.0, return_dtype=pl.Float64())
    return (
        split_by_day(_checked(stays), parameters.instant_hours)
        .with_columns(
            home=weigh(parameters.home_profile),
            work=weigh(parameters.work_profile),
            home_weight=home_weight,
            work_weight=work_weight,
            is_education=(of_class == EDUCATION).fill_null(False),
        )
        .group_by("user", "place", "day")
        .agg(
            pl.col("is_education").any(),
            pl.col("home_weight", "work_weight").min(),
            home=exact_sum("home"),
            work=exact_sum("work"),
        )
        .select(
            "user",
            "place",
            "day",
            "is_education",
            home=capped_home("home", parameters) * pl.col("home_weight"),
            work=capped_work("work", parameters) * pl.col("work_weight"),
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


def _anchor(
    evidence: pl.DataFrame, anchor: str, change_days: float, min_days: int, parameters: AnchorParameters
) -> pl.DataFrame:
    days = pl.col("day").max() - pl.col("day").min() + 1
    # The rate of evidence turns days into evidence: a change must pay as much for a rare tweeter's
    # three weeks as for a phone's.
    penalty = evidence.group_by("user").agg(
        penalty=(change_days * (exact_sum("evidence") / days).clip(0, 1)).clip(parameters.min_change_evidence)
    )
    segments = segment(evidence, penalty)
    within = (
        evidence.join(segments.select("user", "segment", "first_day", "last_day", home="place"), on="user")
        .filter(pl.col("day").is_between("first_day", "last_day"))
        .group_by("user", "segment", "home", "first_day", "last_day", "place")
        .agg(evidence=exact_sum("evidence"), days=pl.len())
    )
    is_home = pl.col("place") == pl.col("home")
    rated = within.group_by("user", "segment", "home", "first_day", "last_day").agg(
        here=pl.col("evidence").filter(is_home).sum(),
        evidence_days=pl.col("days").filter(is_home).sum(),
        next=pl.col("evidence").filter(~is_home).max().fill_null(0.0),
    )
    confidence = 1 - betainc(rated["here"].to_numpy() + 1, rated["next"].to_numpy() + 1, 0.5)
    return (
        rated.with_columns(confidence=pl.Series(confidence, dtype=pl.Float64()).round(6))
        .filter(pl.col("evidence_days") >= min_days)
        .select(
            "user",
            pl.col("home").alias("place"),
            pl.lit(anchor).alias("anchor"),
            pl.col("first_day").cast(pl.Date()).alias("from"),
            pl.col("last_day").cast(pl.Date()).alias("to"),
            "confidence",
            pl.col("evidence_days").cast(pl.Int32()),
        )
    )
