"""Flows raked to official totals: how many came and went the office knows, from where and to where the users say."""

import numpy as np
import numpy.typing as npt
import polars as pl

from ons_assets.flows.interaction import balance
from ons_assets.flows.intervals import interval_of_partly_seen
from ons_assets.flows.raking import Margin, rake
from ons_assets.lakehouse.sums import exact_sum
from ons_assets.parameters.tweets import RakedFlowParameters
from ons_assets.tweets.migration_comparison import ALL, official_totals

FloatArray = npt.NDArray[np.float64]
KEY = ["period_type", "period", "origin", "destination"]
FIGURES = ("flow", "raked_flow", "raked_low", "raked_high")
SCHEMA = pl.Schema(
    {name: pl.String() for name in KEY} | {"movers": pl.Int64()} | {name: pl.Float64() for name in FIGURES}
)


def raked_flows(
    flows: pl.DataFrame, estimates: pl.DataFrame, parameters: RakedFlowParameters | None = None
) -> pl.DataFrame:
    """Rake flows to the official moves into and out of their areas.

    For a pair of areas that has no row, as fewer users moved than are told, or none, stands what is to be expected of
    it: moves in proportion to both totals, given that fewer than `fewest_movers` were seen of them. So raked flows are
    made of what is released and public alone.

    Parameters
    ----------
    flows
        Rows of `tweets/migration_flows` as they are told.
    estimates
        Rows of `reference/migration_estimates`: totals of areas, or flows between areas, which are summed.
    parameters
        Parameters; None for the defaults.

    Returns
    -------
    pl.DataFrame
        period_type, period, origin, destination, movers, flow (as in `tweets/migration_flows`), raked_flow, raked_low,
        raked_high (interval), of the periods and areas of which there are totals in both directions. Sorted.

    References
    ----------
    Deming and Stephan (1940), "On a least squares adjustment of a sampled frequency table when the expected marginal
    totals are known", Annals of Mathematical Statistics 11, pp. 427-444.
    """
    parameters = parameters or RakedFlowParameters()
    parts = []
    for (kind, period), of_period in sorted(flows.partition_by("period_type", "period", as_dict=True).items()):
        official = estimates.filter(pl.col("period") == period)
        raked = _of_period(of_period, official, parameters)
        parts.append(raked.select(pl.lit(kind).alias("period_type"), pl.lit(period).alias("period"), pl.all()))
    return pl.concat([pl.DataFrame(schema=SCHEMA), *(part.select(list(SCHEMA)) for part in parts)]).sort(KEY)


def _of_period(flows: pl.DataFrame, official: pl.DataFrame, parameters: RakedFlowParameters) -> pl.DataFrame:
    columns = ["origin", "destination", "movers", "flow"]
    everybody = official.filter(age=ALL) if (official["age"] == ALL).any() else official
    totals = official_totals(everybody).pivot(on="direction", on_columns=["in", "out"], index="area", values="moves")
    areas = totals.drop_nulls().sort("area")
    number = pl.DataFrame({"area": areas["area"], "number": np.arange(len(areas))})
    known = flows.join(number, left_on="origin", right_on="area").join(
        number, left_on="destination", right_on="area", suffix="_to"
    )
    known = known.sort("origin", "destination")
    if known.is_empty():
        return known.select(columns).with_columns(raked_flow="flow", raked_low="flow", raked_high="flow")
    origin, destination = known["number"].to_numpy(), known["number_to"].to_numpy()
    out, into = areas["out"].to_numpy(), areas["in"].to_numpy()
    people_by_user = known.select(exact_sum("flow") / exact_sum("movers")).item()
    start = _expected_unseen(out, into, people_by_user, parameters.fewest_movers)
    start[origin, destination] = known["flow"].to_numpy()
    n = len(areas)
    from_, to = np.divmod(np.arange(n * n), n)
    # Both directions have one sum in truth; in estimates they may differ, as what lies outside the areas does.
    margins = [Margin(from_, out), Margin(to, into * (out.sum() / into.sum()) if into.sum() > 0 else into)]
    values = rake(start.ravel(), margins).values.reshape(n, n)[origin, destination]
    low, high = interval_of_partly_seen(known["movers"].to_numpy(), values, parameters.level, parameters.bias)
    return known.select(columns).with_columns(
        raked_flow=pl.Series(values), raked_low=pl.Series(low), raked_high=pl.Series(high)
    )


def _expected_unseen(out: FloatArray, into: FloatArray, people_by_user: float, fewest: int) -> FloatArray:
    """Flows of pairs of which fewer users were seen: the mean of a truncated Poisson count, in people."""
    n = len(out)
    expected = balance(1.0 - np.eye(n), out, into) / people_by_user
    term, below, weighed = np.ones((n, n)), np.zeros((n, n)), np.zeros((n, n))
    for count in range(fewest):
        below, weighed = below + term, weighed + count * term
        term = term * expected / (count + 1)
    return weighed / below * people_by_user
