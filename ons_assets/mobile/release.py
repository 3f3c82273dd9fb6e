"""What leaves the operator: devices by the areas of home and work, with totals, and nothing small."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.governance.disclosure.two_way import protect
from ons_assets.lakehouse.disclosure import Account, Protected, kept_share
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.mobile.in_people import in_people
from ons_assets.mobile.workers import ALL, NONE_SEEN, PLACED, SEVERAL_SITES
from ons_assets.parameters.mobile import ReleaseParameters

STRATA = ("contract", "age_group")
# Places of work that are none; they are columns of the table as areas are.
PSEUDO = (NONE_SEEN, SEVERAL_SITES)
DECIMALS = 1
COLUMNS = ("contract", "age_group", "origin", "destination", "devices", "is_suppressed", "suppressed_flows")


@dataclass(frozen=True)
class Released:
    """A released table, and what it lost.

    Parameters
    ----------
    flows
        contract, age_group, origin, destination, devices, is_suppressed, suppressed_flows; totals have the
        destination, or the origin, "all".
    suppressed_flows, suppressed_devices
        Flows between two areas, and their devices, that are in totals only.
    devices
        All devices with a home that are in the table.
    cells, primary, withheld
        Flows and totals that are not zero; of these, below k; and in all, withheld.
    """

    flows: pl.DataFrame
    suppressed_flows: int
    suppressed_devices: float
    devices: float
    cells: int
    primary: int
    withheld: int


def origin_destination(
    anchors: pl.DataFrame,
    devices: pl.DataFrame | None,
    parameters: ReleaseParameters,
    weights: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Count devices by the areas of home and work.

    A device that may live in two areas counts in each by its probability, so that every device with a
    home counts 1 in all; home and work are located independently of each other.

    Parameters
    ----------
    anchors
        Rows of `mobile/device_anchors` of one operator.
    devices
        user, contract, age_group; None if the operator knows nothing of its customers. A device that is not
        in it is "unknown" in both.
    weights
        Rows of `mobile/device_weights`, to count people; None to count devices.

    Returns
    -------
    pl.DataFrame
        contract, age_group ("all" where nothing is released by it), origin, destination, devices.
        Devices of `excluded_ages` are left out. Sorted.
    """
    if parameters.assignment == "most_likely":
        anchors = _most_likely(anchors)
    anchors = without_excluded(anchors, devices, parameters)
    register = _register(anchors, devices)
    homes = anchors.filter(anchor="home").select("user", "worker_class", origin="area", home="probability")
    homes = in_people(homes, "home", weights)
    work = anchors.filter(anchor="work").select("user", destination="area", work="probability")
    placed = homes.filter(pl.col("worker_class").is_in(PLACED)).join(work, on="user", how="left").with_columns(
        # The place of work may be at a cell that covers no area.
        pl.col("destination").fill_null(NONE_SEEN), pl.col("work").fill_null(1.0)
    )  # fmt: skip
    elsewhere = homes.filter(~pl.col("worker_class").is_in(PLACED)).with_columns(
        destination="worker_class", work=pl.lit(1.0)
    )
    flows = pl.concat([placed, elsewhere]).join(register, on="user")
    strata = [pl.col(name) if name in parameters.strata else pl.lit(ALL).alias(name) for name in STRATA]
    return (
        flows.with_columns(strata)
        .group_by(*STRATA, "origin", "destination")
        .agg(devices=exact_sum(pl.col("home") * pl.col("work")).round(9))
        .sort(*STRATA, "origin", "destination")
    )


def release(counts: pl.DataFrame, k: float, doubt: float) -> Released:
    """Make counts into tables with totals, one for each stratum, in which nothing is below k.

    Flows below k are not listed; they are in the totals. If a flow could be learnt by subtraction from
    totals, further flows are left out (`ons_assets.governance.disclosure.two_way`). The destinations "none_seen" and
    "several_sites" are protected as areas are. There are no totals over strata.

    Parameters
    ----------
    counts
        What `origin_destination` returns.
    k, doubt
        As for `ons_assets.governance.disclosure.two_way.protect`.
    """
    tables, hidden_flows, hidden_devices = [], 0, 0.0
    cells = primary = hidden = 0
    for (contract, age_group), stratum in counts.sort(*STRATA, "origin", "destination").group_by(
        *STRATA, maintain_order=True
    ):
        origins = stratum["origin"].unique().sort()
        destinations = stratum["destination"].unique().sort()
        row = stratum["origin"].replace_strict(origins, pl.int_range(len(origins), eager=True)).to_numpy()
        column = stratum["destination"].replace_strict(destinations, pl.int_range(len(destinations), eager=True))
        table = np.zeros((len(origins), len(destinations)))
        table[row, column.to_numpy()] = stratum["devices"].to_numpy()
        made = protect(table, k, doubt)
        listed = (made.values > 0) & ~made.withheld
        listed[-1, :], listed[:, -1] = made.values[-1, :] > 0, made.values[:, -1] > 0
        rows, columns = np.nonzero(listed)
        withheld = made.withheld[rows, columns]
        lost = int(made.withheld[:-1, :-1].sum())
        is_grand = (rows == len(origins)) & (columns == len(destinations))
        tables.append(
            pl.DataFrame(
                {
                    "origin": pl.Series([*origins, ALL]).gather(rows),
                    "destination": pl.Series([*destinations, ALL]).gather(columns),
                    "devices": np.where(withheld, np.nan, np.round(made.values[rows, columns], DECIMALS)),
                    "is_suppressed": withheld,
                    "suppressed_flows": np.where(is_grand, lost, -1),
                }
            ).with_columns(
                pl.col("devices").fill_nan(None),
                suppressed_flows=pl.when(pl.col("suppressed_flows") >= 0).then("suppressed_flows"),
                contract=pl.lit(contract),
                age_group=pl.lit(age_group),
            )
        )
        hidden_flows += lost
        cells, primary = cells + int((made.values > 0).sum()), primary + int(made.primary.sum())
        hidden += int(made.withheld.sum())
        hidden_devices += float(made.values[:-1, :-1][made.withheld[:-1, :-1]].sum())
    empty = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String()))
    flows = pl.concat(tables).select(COLUMNS) if tables else empty
    devices = float(counts.select(exact_sum("devices")).item())
    return Released(flows, hidden_flows, hidden_devices, devices, cells, primary, hidden)


def days_observed(quality: pl.DataFrame, k: float) -> str:
    """Return the first and the last day of the observation, such as 2014-10-06/2014-11-02.

    A day on which no operator saw k devices is none of it: it may be the wrong clock of a device, and would tell of it.

    Parameters
    ----------
    quality
        Rows of `mobile/event_quality`.
    k
        Fewest devices that are released.
    """
    seen = quality.filter(pl.col("devices_seen") >= k)
    days = (seen if len(seen) else quality)["event_date"].sort()
    return f"{days[0]}/{days[-1]}"


def operator_flows(
    anchors: pl.DataFrame,
    devices: pl.DataFrame | None,
    parameters: ReleaseParameters,
    observed: str,
    weights: pl.DataFrame | None = None,
) -> Protected:
    """Return the rows of `mobile/operator_flows` of all operators.

    Parameters
    ----------
    anchors
        Rows of `mobile/device_anchors`.
    devices
        Rows of `mobile/devices`, or None.
    observed
        First and last day; see `days_observed`.
    weights
        Rows of `mobile/device_weights`, to count people; None to count devices.
    """
    keys = ["observed", "operator", *STRATA, "origin", "destination"]
    parts = [pl.DataFrame(schema=dict.fromkeys([*keys, *COLUMNS[4:]], pl.String()))]
    of_operators = []
    for (operator,), of_operator in anchors.group_by("operator", maintain_order=True):
        counts = origin_destination(of_operator, devices, parameters, weights)
        released = release(counts, parameters.k, parameters.doubt)
        of_operators.append(released)
        named = released.flows.with_columns(operator=pl.lit(operator), observed=pl.lit(observed))
        parts.append(named.select(*keys, *COLUMNS[4:]))
    rows = pl.concat(parts[1:] or parts).sort(keys)
    return Protected(rows, account_of(of_operators, parameters.k))


def account_of(released: list[Released], k: float) -> Account:
    """Return what the release of some tables withheld, without any figure of them."""
    counted = sum(each.devices for each in released)
    hidden = sum(each.suppressed_devices for each in released)
    primary = sum(each.primary for each in released)
    return Account(
        unit="devices",
        fewest=k,
        cells=sum(each.cells for each in released),
        primary=primary,
        secondary=sum(each.withheld for each in released) - primary,
        kept_share=kept_share(counted, hidden, k),
    )


def without_excluded(rows: pl.DataFrame, devices: pl.DataFrame | None, parameters: ReleaseParameters) -> pl.DataFrame:
    """Leave out the rows of devices of `excluded_ages`.

    All tables of homes leave out the same ones: what one has more than another would be a number of children.

    Parameters
    ----------
    rows
        With `user`.
    devices
        user, age_group; None if the operator knows nothing of its customers.
    """
    if devices is None:
        return rows
    excluded = devices.filter(pl.col("age_group").is_in(parameters.excluded_ages))
    return rows.join(excluded.select("user"), on="user", how="anti", maintain_order="left")


def _register(anchors: pl.DataFrame, devices: pl.DataFrame | None) -> pl.DataFrame:
    users = anchors.select("user").unique()
    if devices is None:
        return users.with_columns(contract=pl.lit("unknown"), age_group=pl.lit("unknown"))
    known = devices.select("user", *STRATA)
    return users.join(known, on="user", how="left").with_columns(pl.col(STRATA).fill_null("unknown"))


def _most_likely(anchors: pl.DataFrame) -> pl.DataFrame:
    ordered = anchors.sort("user", "anchor", "probability", "area", descending=[False, False, True, False])
    return ordered.unique(["user", "anchor"], keep="first", maintain_order=True).with_columns(probability=pl.lit(1.0))
