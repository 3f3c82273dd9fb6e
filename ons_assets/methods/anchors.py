"""`infer_anchors`: where people live, work and study."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import polars as pl

from ons_assets import mobility
from ons_assets.geography.address_classes import CLASSES
from ons_assets.methods.arguments import held
from ons_assets.methods.choices import chosen
from ons_assets.methods.frames import Frame, known, local_times, none_is, taken
from ons_assets.mobile.anchor_parameters import anchor_parameters
from ons_assets.parameters.mobile import DeviceAnchorParameters
from ons_assets.parameters.mobility import AnchorParameters
from ons_assets.parameters.tweets import TweetAnchorParameters
from ons_assets.wording import counted, listed

STAYS = "stays"
Source = Literal["stays", "tweets", "phones"]
TERMS = (
    "terms must be a list of pairs of days, the first and the last of each, such as"
    " (date(2025, 9, 29), date(2025, 12, 5))"
)


def infer_anchors(
    stays: Frame,
    *,
    source: Source = "stays",
    parameters: Mapping[str, Any] | None = None,
    terms: Sequence[tuple[date, date]] | None = None,
) -> pl.DataFrame:
    """Find where each person lives, works and studies, and from when to when.

    Parameters
    ----------
    stays
        A frame with the columns

        - ``user``: whom the row is about, of any type;
        - ``place``: where, of any type, such as a cell of a network or a cluster of `dbscan`; one place need not mean
          the same to two users;
        - ``start``: a time of the local clock, without a zone;
        - ``end``: the same; without this column each row is an instant, such as a tweet or a ping;
        - ``address_class``, if known: ``"residential"``, ``"commercial"``, ``"education"``, ``"transport"``,
          ``"other"``, or null.

        A row at place -1, which is none, and a stay that repeats another are left out; a warning in the log says how
        many.
    source
        What the rows are, which decides the defaults: ``"stays"`` from one time to another; ``"tweets"``, of people
        who say little and mostly in the evening; ``"phones"``, as a network of mobile phones sees them.
    parameters
        Values that take the place of defaults, by the names that `[tweets.anchors]` has in docs/parameters.md, such
        as ``{"window_days": 14, "home_profile": {"night_start": 21}}``.
    terms
        First and last days of terms, within which places of study are looked for; None for all year.

    Returns
    -------
    polars.DataFrame
        ``user``, ``place``, ``anchor`` (``"home"``, ``"second_home"``, ``"work"``, ``"study"``), ``from`` and ``to``
        (days), ``confidence`` (0 to 1, that the place is what it is called) and ``evidence_days``; sorted by user,
        anchor, from and place. A person of whom too little is seen has no row: little is enough, by default two days
        at a home and three at a place of work, so that one night, which touches two days, is a home. Where that is
        too little, ``min_home_days``, ``min_work_days`` and ``residence_needed`` ask for more.

    Raises
    ------
    TypeError
        If `stays` is no frame.
    ValueError
        If a column is missing, of the wrong type or not known in every row; if a stay ends before it starts; if there
        are no rows; if a class of address is not one of those above; if an argument is not of its type, a parameter is
        not known or not allowed, or a term ends before it begins.

    See Also
    --------
    docs/methods/anchors.md : The method, and how often it is right.
    ons_assets.dbscan : Places from positions.

    References
    ----------
    Lucchini et al. (2025), HoWDe, arXiv:2506.20679, for the labelled stays on which the defaults were chosen.
    Viterbi (1967), "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE
    Transactions on Information Theory 13(2), for the path of places of work.

    Examples
    --------
    Three weeks of nights at place 7, and of days at place 9:

    >>> from datetime import datetime, timedelta
    >>> import ons_assets
    >>> import polars as pl
    >>> days = pl.datetime_range(datetime(2026, 3, 2), datetime(2026, 3, 20), "1d", eager=True)
    >>> nights = pl.DataFrame({"place": 7, "start": days - timedelta(hours=4), "end": days + timedelta(hours=7)})
    >>> shifts = pl.DataFrame({"place": 9, "start": days + timedelta(hours=9), "end": days + timedelta(hours=17)})
    >>> stays = pl.concat([nights, shifts]).with_columns(user=pl.lit("a"))
    >>> ons_assets.infer_anchors(stays).select("user", "place", "anchor", "evidence_days").rows()
    [('a', 7, 'home', 20), ('a', 9, 'work', 19)]
    """
    held(infer_anchors, source=source, parameters=parameters)
    options, days = chosen(_defaults(source), parameters), _terms(terms)
    frame = taken(stays, STAYS, ("user", "place", "start"))
    if "end" not in frame.columns:
        frame = frame.with_columns(end="start")
    frame = taken(frame, STAYS, ("end", *({"address_class"} & {*frame.columns})))
    frame = local_times(known(frame, STAYS, ("user", "place", "start", "end")), STAYS, ("start", "end"))
    if backward := int((frame["end"] < frame["start"]).sum()):
        raise ValueError(f"{STAYS}: {counted(backward, 'row')} end{'s' * (backward == 1)} before the start")
    if "address_class" in frame.columns:
        frame = frame.with_columns(pl.col("address_class").cast(pl.String()))
        none_is(~frame["address_class"].is_in(CLASSES), STAYS, f"no class; there are {listed(CLASSES)}")
    return mobility.infer_anchors(frame, options, terms=days)


def _terms(given: Sequence[tuple[date, date]] | None) -> list[tuple[date, date]] | None:
    """Return terms whose days are looked at: of a pair in the wrong order no day would be left."""
    if given is None:
        return None
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(TERMS)
    for term in given:
        if not isinstance(term, Sequence) or len(term) != 2 or any(type(day) is not date for day in term):
            raise ValueError(TERMS)
        if term[1] < term[0]:
            raise ValueError(f"terms: {term[0]} to {term[1]} ends before it begins")
    return [(first, last) for first, last in given]


def _defaults(source: Source) -> AnchorParameters:
    match source:
        case "stays":
            return AnchorParameters()
        case "tweets":
            return TweetAnchorParameters()
        case "phones":
            return anchor_parameters(DeviceAnchorParameters())
