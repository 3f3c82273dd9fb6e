"""For how many people each device of an operator stands: 1, or less if its holder has another."""

from collections.abc import Iterable

import polars as pl

from ons_assets.lakehouse.buckets import with_bucket
from ons_assets.mobile.device_meetings import meetings, near_cells
from ons_assets.mobile.plan import CellPlan
from ons_assets.mobile.twin_devices import Twins, people_of, twins
from ons_assets.mobile.workers import ALL
from ons_assets.parameters.mobile_people import DeduplicationParameters

COLUMNS = ("bucket", "operator", "user", "twin_prior", "twin_candidates", "twin_probability", "people_of_device")
MOST_PRIOR = 0.9
DECIMALS = 9


def market_of_areas(market: pl.DataFrame | None, operator: str, areas: pl.Series) -> pl.DataFrame:
    """Return what the market says of phones and of an operator, of all ages together, by area.

    Parameters
    ----------
    market
        Rows of `reference/phone_market`; None if there is none. Ages are weighted by their people; an area that is not
        listed has what is said of all areas, or the mean.
    operator
        Whose share in all phones.
    areas
        Codes.

    Returns
    -------
    pl.DataFrame
        area, second_phone_share, operator_share, phones_per_person: null where the market says nothing of the operator.
    """
    wanted = pl.DataFrame({"area": areas.unique().sort()})
    columns = ("second_phone_share", "operator_share", "phones_per_person")
    rows = market.filter(operator=operator) if market is not None else None
    if rows is None or rows.is_empty():
        return wanted.with_columns(pl.lit(None, pl.Float64()).alias(name) for name in columns)
    has_all = (pl.col("age_group") == ALL).any().over("area")
    counted = rows.filter(~has_all | (pl.col("age_group") == ALL)).with_columns(
        people=pl.col("population").fill_null(1.0).clip(1.0)
    )
    weighted = (
        counted.sort("area", "age_group")
        .group_by("area", maintain_order=True)
        .agg(((pl.col(name) * pl.col("people")).sum() / pl.col("people").sum()).alias(name) for name in columns)
    )
    everywhere = weighted.filter(area=ALL)
    usual = (everywhere if len(everywhere) else weighted).select(pl.col(name).mean() for name in columns)
    said = wanted.join(weighted, on="area", how="left")
    return said.with_columns(pl.col(name).fill_null(usual[name].item()) for name in columns)


def twin_priors(
    areas: pl.DataFrame, market: pl.DataFrame | None, operator: str, parameters: DeduplicationParameters | None = None
) -> pl.DataFrame:
    """Return the probability that the holder of a device has another of the same operator, before anything is seen.

    Of n people with a phone and a share s of them with a second one, an operator with the share q of all phones has
    q (1 + s) n phones, and both phones of q q s n people: the probability is 2 q s / (1 + s).

    Parameters
    ----------
    areas
        user, area: null if unknown.
    market
        Rows of `reference/phone_market`, or None.
    operator
        Whose devices they are.

    Returns
    -------
    pl.DataFrame
        user, prior.
    """
    parameters = parameters or DeduplicationParameters()
    said = market_of_areas(market, operator, pl.concat([areas["area"].drop_nulls(), pl.Series([ALL])]))
    of_device = areas.with_columns(pl.col("area").fill_null(ALL)).join(
        said, on="area", how="left", maintain_order="left"
    )
    second = pl.col("second_phone_share").fill_null(parameters.second_phone_share)
    of_operator = (pl.col("operator_share").fill_null(parameters.operator_share) * parameters.same_operator).clip(0, 1)
    prior = (2 * of_operator * second / (1 + second)).clip(0, MOST_PRIOR)
    return of_device.select("user", prior=prior.round(DECIMALS))


def device_weights(
    daily: pl.DataFrame,
    areas: pl.DataFrame,
    plan: CellPlan,
    operator: str,
    market: pl.DataFrame | None = None,
    parameters: DeduplicationParameters | None = None,
) -> tuple[pl.DataFrame, Twins | None]:
    """Say for how many people each device of one operator stands.

    Parameters
    ----------
    daily
        Rows of `mobile/daily_permanence`, all of the operator: user, place, day, hours_mask.
    areas
        user, area: the likeliest area of the place where the device is most; see `main_areas`.
    plan
        Cells of the operators.
    operator
        Whose devices.
    market
        Rows of `reference/phone_market`; None if there is none.

    Returns
    -------
    rows : pl.DataFrame
        Rows of `mobile/device_weights`.
    found : Twins or None
        Of which they were made; None by `ratio`.
    """
    parameters = parameters or DeduplicationParameters()
    users = daily.select("user").unique().sort("user")
    priors = twin_priors(users.join(areas, on="user", how="left"), market, operator, parameters)
    if parameters.method == "ratio":
        one = pl.lit(0, pl.Int32())
        made = priors.with_columns(candidates=one, twin_probability="prior", people=1 - pl.col("prior") / 2)
        return _named(made, operator), None
    met = meetings(daily, near_cells(plan, operator, parameters), parameters)
    seen = met.routines.select("user", is_seen=pl.col("away_hours") >= parameters.fewest_hours)
    devices = priors.join(seen, on="user")
    found = twins(met.pairs, devices.filter("is_seen").select("user", "prior"), parameters)
    return _named(people_of(devices, found), operator), found


def _named(rows: pl.DataFrame, operator: str) -> pl.DataFrame:
    named = rows.rename(
        {"prior": "twin_prior", "candidates": "twin_candidates", "people": "people_of_device"}
    ).with_columns(operator=pl.lit(operator))
    return with_bucket(named).select(COLUMNS).sort("operator", "user")


def main_areas(parts: Iterable[tuple[pl.DataFrame, ...]]) -> pl.DataFrame:
    """Return the likeliest area of the place where each device has most hours: user, area.

    Parameters
    ----------
    parts
        Rows of `mobile/daily_permanence` and `mobile/device_places` of the same devices, some at a time.
    """
    found = []
    for daily, places in parts:
        hours = daily.group_by("user", "place").agg(
            hours=pl.col("hours_mask").bitwise_count_ones().cast(pl.Int64()).sum()
        )
        ranked = hours.sort("user", "hours", "place", descending=[False, True, False])
        main = ranked.unique("user", keep="first", maintain_order=True).select("user", "place")
        likeliest = places.sort("user", "place", "probability", "area", descending=[False, False, True, False]).unique(
            ["user", "place"], keep="first", maintain_order=True
        )
        found.append(main.join(likeliest, on=["user", "place"]).select("user", "area"))
    return pl.concat(found).sort("user")


def weights_of_operators(
    daily_permanence: pl.LazyFrame,
    parts: Iterable[tuple[pl.DataFrame, ...]],
    plan: CellPlan,
    market: pl.DataFrame | None,
    parameters: DeduplicationParameters,
) -> pl.DataFrame:
    """Return `mobile/device_weights`, made an operator at a time.

    Parameters
    ----------
    daily_permanence
        All rows of that table.
    parts
        As for `main_areas`.
    plan, market
        As for `device_weights`.
    """
    areas = main_areas(parts)
    operators = daily_permanence.select(pl.col("operator").unique().sort()).collect().to_series()
    rows = daily_permanence.select("operator", "user", "place", "day", "hours_mask")
    return pl.concat(
        device_weights(
            rows.filter(operator=operator).drop("operator").collect(), areas, plan, operator, market, parameters
        )[0]
        for operator in operators
    )


def if_people_are_counted(weights: pl.LazyFrame | None, parameters: DeduplicationParameters) -> pl.DataFrame | None:
    """Return the weights of devices if people are counted, and weights are known; else None."""
    return weights.collect() if weights is not None and parameters.counted == "people" else None
