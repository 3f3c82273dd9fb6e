"""The usual environment of a device: its usual places, and which of them are home, work and second home.

A cascade of rules over long-term permanence scores. It finds other homes than `ons_assets.mobility` where people are
seldom at home, and says by which rule it found one.
"""

from collections.abc import Iterable

import polars as pl

from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.in_people import in_people
from ons_assets.parameters.mobile_presence import ALL_HOURS, NIGHTS, WORKING_HOURS, UsualEnvironmentParameters

USUAL, HOME, WORK, SECOND_HOME = "usual", "home", "work", "second_home"
# Areas that are none.
ALL, NOT_SEEN = "all", "not_seen"
DECIMALS = 1
LABELS = (HOME, WORK, SECOND_HOME, USUAL)
OF = ("user", "year_season")
PLACE = (*OF, "place")
SHORT = {ALL_HOURS: "all", NIGHTS: "night", WORKING_HOURS: "work"}
# A share is compared as a decimal is written: 0.8 of 35 hours is 28 hours.
DIGITS = 9
Rule = tuple[str, pl.Expr]


def usual_environment_labels(
    longterm: pl.DataFrame, parameters: UsualEnvironmentParameters | None = None
) -> pl.DataFrame:
    """Label the usual places of devices.

    A place is usual if the device spends `usual_share` of all its hours there, or of those at night, or of working
    hours on workdays, or is there on that share of its days. Home is, of the usual places with the most hours, one with
    `home_share` of all hours; if no place of the device has it, one with that share of hours at night; if none has
    that, one on `home_days_share` of its days at night. Work is, of the usual places with the most working hours, one
    with `work_share` of them, else one on `work_days_share` of those days; it is where the home is only if
    `work_at_home` says so. A second home
    is another place with `second_home_days` nights of `second_home_night_hours`.

    Parameters
    ----------
    longterm
        What `ons_assets.mobile.permanence.longterm_permanence` returns.

    Returns
    -------
    pl.DataFrame
        user, year_season, place, label ("home", "work", "second_home", "usual"), label_rule: "all_hours",
        "night_hours", "working_hours", "days", "night_days", "working_days" or "nights". A home is usual too. Sorted.

    References
    ----------
    Eurostat's reference pipeline (multimno), usual environment labelling, for all but the second home. There, a rule
    that labels any device keeps all others from being tried on the rest; here the cascade is of each device.
    """
    parameters = parameters or UsualEnvironmentParameters()
    places = _places(longterm)
    seen = (pl.col("observed_hours_all") >= parameters.least_hours) & (
        pl.col("observed_days_all") >= parameters.least_days
    )
    places = places.filter(seen)
    first = pl.col("permanence_hours_all").max().over(*OF)
    candidates = _before_gap(places, "permanence_hours_all", first * parameters.usual_gap_share)
    usual = _first_rule(candidates, _usual_rules(parameters))
    known = places.join(usual.select(PLACE), on=PLACE, how="semi")
    homes = _cascade(
        _before_gap(known, "permanence_hours_all", pl.lit(parameters.home_gap_hours)),
        [
            ("all_hours", _reaches("permanence_hours_all", "observed_hours_all", parameters.home_share)),
            ("night_hours", _reaches("permanence_hours_night", "observed_hours_night", parameters.home_share)),
            ("night_days", _reaches("days_there_night", "observed_days_night", parameters.home_days_share)),
        ],
    )
    away = known if parameters.work_at_home else known.join(homes.select(PLACE), on=PLACE, how="anti")
    works = _cascade(
        _before_gap(
            away.filter(pl.col("permanence_hours_work") > 0),
            "permanence_hours_work",
            pl.lit(parameters.work_gap_hours),
        ),
        [
            ("working_hours", _reaches("permanence_hours_work", "observed_hours_work", parameters.work_share)),
            ("working_days", _reaches("days_there_work", "observed_days_work", parameters.work_days_share)),
        ],
    )
    found = {HOME: homes, WORK: works, SECOND_HOME: _second_homes(places, homes, works, parameters), USUAL: usual}
    labelled = [rows.select(*PLACE, label=pl.lit(label), label_rule="label_rule") for label, rows in found.items()]
    return pl.concat(labelled).sort(*PLACE, "label")


def _places(longterm: pl.DataFrame) -> pl.DataFrame:
    """One row a device, season and place, with what the three periods of the rules say of it; zero where nothing."""
    figures = ("permanence_hours", "days_there")
    totals = ("observed_hours", "observed_days")
    made = longterm.select(*PLACE).unique()
    for period, short in SHORT.items():
        day_type, interval = period.split("/")
        of_period = longterm.filter(day_group=day_type, time_interval=interval)
        here = of_period.select(*PLACE, *(pl.col(name).alias(f"{name}_{short}") for name in figures))
        whole = of_period.select(*OF, *(pl.col(name).alias(f"{name}_{short}") for name in totals)).unique()
        made = made.join(here, on=PLACE, how="left").join(whole, on=OF, how="left")
    return made.with_columns(pl.exclude(PLACE).fill_null(0)).sort(PLACE)


def _before_gap(places: pl.DataFrame, hours: str, fall: pl.Expr) -> pl.DataFrame:
    """Keep the places of a device, in order of their hours, up to the first fall from one to the next."""
    ordered = places.with_columns(fall_=fall).sort(*OF, hours, "place", descending=[False, False, True, False])
    step = (pl.col(hours).shift(1) - pl.col(hours)).over(*OF).fill_null(0)
    # Of an empty gap every place is kept: it would end the list at places that are alike.
    is_gap = (step > 0) & (step >= pl.col("fall_").round(DIGITS))
    return ordered.filter(is_gap.cum_sum().over(*OF) == 0).drop("fall_")


def _reaches(part: str, whole: str, share: float) -> pl.Expr:
    return (pl.col(part) > 0) & (pl.col(part) >= (share * pl.col(whole)).round(DIGITS))


def _usual_rules(parameters: UsualEnvironmentParameters) -> list[Rule]:
    share = parameters.usual_share
    return [
        ("all_hours", _reaches("permanence_hours_all", "observed_hours_all", share)),
        ("night_hours", _reaches("permanence_hours_night", "observed_hours_night", share)),
        ("working_hours", _reaches("permanence_hours_work", "observed_hours_work", share)),
        ("days", _reaches("days_there_all", "observed_days_all", share)),
    ]


def _first_rule(places: pl.DataFrame, rules: list[Rule]) -> pl.DataFrame:
    """Places that keep a rule, with the first that they keep."""
    named = pl.coalesce(pl.when(kept).then(pl.lit(name)) for name, kept in rules)
    return places.with_columns(label_rule=named).drop_nulls("label_rule")


def _cascade(places: pl.DataFrame, rules: list[Rule]) -> pl.DataFrame:
    """Places that keep the first rule that any place of their device keeps."""
    number = pl.coalesce(pl.when(kept).then(pl.lit(at)) for at, (_, kept) in enumerate(rules))
    ranked = places.with_columns(number_=number).filter(pl.col("number_") == pl.col("number_").min().over(*OF))
    names = dict(enumerate(name for name, _ in rules))
    return ranked.with_columns(label_rule=pl.col("number_").replace_strict(names, return_dtype=pl.String())).drop(
        "number_"
    )


def _second_homes(
    places: pl.DataFrame, homes: pl.DataFrame, works: pl.DataFrame, parameters: UsualEnvironmentParameters
) -> pl.DataFrame:
    """Places slept at, of devices with a home, that are neither home nor work."""
    nights = pl.col("days_there_night") >= parameters.second_home_days
    long = pl.col("permanence_hours_night") >= parameters.second_home_night_hours * pl.col("days_there_night")
    return (
        places.filter(nights & long)
        .join(homes.select(OF).unique(), on=OF, how="semi")
        .join(pl.concat([homes.select(PLACE), works.select(PLACE)]), on=PLACE, how="anti")
        .with_columns(label_rule=pl.lit("nights"))
    )


def environment_of_areas(
    labels: pl.DataFrame, places: pl.DataFrame, weights: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Share the labels of devices among areas.

    Parameters
    ----------
    labels
        Rows of `mobile/usual_places` of some devices: operator, user, year_season, place, label.
    places
        Rows of `mobile/device_places` of the devices: user, place, area, probability.
    weights
        Rows of `mobile/device_weights` of the devices, to count people; None to count devices.

    Returns
    -------
    pl.DataFrame
        operator, season, label, area, devices. Each device with a usual environment counts 1 in every label: shared
        evenly among the places that have the label, and among the areas of a place by their probability; in the area
        "not_seen" where none of its places has it. One whose usual places are in no area is not counted. Sorted.
    """
    known = labels.join(places.select("user", "place").unique(), on=["user", "place"], how="semi")
    devices = known.filter(label=USUAL).select("operator", *OF).unique()
    placed = known.join(devices, on=OF, how="semi").with_columns(share=1 / pl.len().over(*OF, "label"))
    weight = (pl.col("share") * pl.col("probability")).round(DIGITS)
    located = placed.join(places.select("user", "place", "area", "probability"), on=["user", "place"]).select(
        "operator", *OF, "label", "area", weight=weight
    )
    every = devices.join(pl.DataFrame({"label": LABELS}), how="cross")
    unseen = every.join(placed.select(*OF, "label").unique(), on=[*OF, "label"], how="anti")
    rows = pl.concat([located, unseen.with_columns(area=pl.lit(NOT_SEEN), weight=pl.lit(1.0)).select(located.columns)])
    keys = ["operator", "year_season", "label", "area"]
    rows = in_people(rows, "weight", weights)
    return rows.group_by(keys).agg(devices=exact_sum("weight")).sort(keys)


def usual_environment(parts: Iterable[pl.DataFrame], observed: pl.DataFrame) -> pl.DataFrame:
    """Add up the devices of all parts by area, with totals.

    Parameters
    ----------
    parts
        What `environment_of_areas` returns of all devices, some at a time.
    observed
        operator, observed: first and last day, such as 2014-10-06/2014-11-02.

    Returns
    -------
    pl.DataFrame
        observed, operator, season, label, area ("all" for the sum, "not_seen" for none), devices. The sum is the same
        for all labels of a season: devices with a usual environment. Sorted.
    """
    keys = ["operator", "year_season", "label"]
    by_area = pl.concat(parts).group_by(*keys, "area").agg(exact_sum("devices").round(DECIMALS))
    whole = by_area.group_by(keys).agg(exact_sum("devices").round(DECIMALS)).with_columns(area=pl.lit(ALL))
    rows = pl.concat([by_area, whole.select(by_area.columns)]).join(observed, on="operator")
    return rows.select("observed", *keys, "area", "devices").sort("observed", *keys, "area")
