"""Which shops serve whom: branches of three supermarkets, among which households divide what they spend on groceries.

A household goes to branches that are large and near, after Huff. All numbers are assumptions of the simulator.

References
----------
Huff (1964), Defining and estimating a trading area, Journal of Marketing 28.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_assets.simulate.country.land import choose
from ons_assets.simulate.country.world import Country
from ons_assets.simulate.prices.seeds import generator
from ons_assets.simulate.prices.tables import retailers

BRANCHES_AN_MSOA = 0.5
# How much more a retailer is at home in one district than in another: standard deviation of a logarithm.
REGIONAL_SD = 0.8
# Floor of a branch: its median, and the standard deviation of its logarithm.
FLOOR_M2, FLOOR_SD = 1_500.0, 0.6
# A branch pulls with its floor times (1 + d / 1 km) ** -2: who shops for food goes less far than who works.
NEAR_KM, FALL = 1.0, 2.0
# Pounds a week: of a household, and of each of its people; and how households differ, in a logarithm.
A_HOUSEHOLD_GBP, A_PERSON_GBP, SPENDING_SD = 15.0, 20.0, 0.35
# Part of it that is left in the branch that a household prefers; the rest is left in another one.
LEAST_MAIN_SHARE = 0.6


@dataclass(frozen=True)
class Shopping:
    """Who buys where.

    Parameters
    ----------
    branches
        branch, retailer, easting_m, northing_m, floor_m2, oa, msoa, district.
    spending
        household, address (of its dwelling), retailer, spending_gbp (a week): households of the first day, and the
        retailers at which they buy.
    """

    branches: pl.DataFrame
    spending: pl.DataFrame


def make_shopping(country: Country) -> Shopping:
    """Open branches and let the households of the first day buy there; streams of its own, so nothing else changes.

    Parameters
    ----------
    country
        Which was made.
    """
    branches = _branches(country)
    homes = country.homes_on(0).group_by("household").agg(people=pl.len(), address=pl.col("address").first())
    households = homes.sort("household")
    random, n = generator(country.seed, "shopping"), len(households)
    at = country.addresses.select("easting_m", "northing_m")[households["address"]].to_numpy()
    shops = branches.select("easting_m", "northing_m").to_numpy()
    apart_km = np.hypot(*(at[:, None, :] - shops[None, :, :]).transpose(2, 0, 1)) / 1_000
    pull = branches["floor_m2"].to_numpy() * (1 + apart_km / NEAR_KM) ** -FALL
    law = pull / pull.sum(axis=1, keepdims=True)
    everybody = np.arange(n)
    main, other = choose(random, law, everybody), choose(random, law, everybody)
    weekly = A_HOUSEHOLD_GBP + A_PERSON_GBP * households["people"].to_numpy()
    weekly = weekly * np.exp(random.normal(0, SPENDING_SD, n))
    kept = random.uniform(LEAST_MAIN_SHARE, 1.0, n)
    parts = [
        households.select("household", "address").with_columns(
            retailer=branches["retailer"].gather(branch), spending_gbp=pl.Series(amount)
        )
        for branch, amount in ((main, weekly * kept), (other, weekly * (1 - kept)))
    ]
    spent = pl.concat(parts).group_by("household", "address", "retailer", maintain_order=True)
    return Shopping(branches, spent.agg(pl.col("spending_gbp").sum()).sort("household", "retailer"))


def _branches(country: Country) -> pl.DataFrame:
    """Branches at places of work: each district has some, of the retailers that are at home there."""
    random = generator(country.seed, "branches")
    names = [each.name for each in retailers()]
    share = np.array([each.share for each in retailers()])
    numbered = country.addresses.with_row_index("address").filter(pl.col("class") == "commercial")
    chosen, of = [], []
    for district in country.land.codes("district"):
        places = numbered.filter(district=district)["address"].to_numpy()
        msoas = country.land.msoas.filter(district=district).height
        pull = share * np.exp(random.normal(0, REGIONAL_SD, len(names)))
        n = max(round(BRANCHES_AN_MSOA * msoas), 1)
        chosen.append(random.choice(places, min(n, len(places)), replace=False))
        of.append(random.choice(names, len(chosen[-1]), p=pull / pull.sum()))
    open_at = country.addresses[np.concatenate(chosen)]
    floor = FLOOR_M2 * np.exp(random.normal(0, FLOOR_SD, len(open_at)))
    return open_at.select("easting_m", "northing_m", "oa", "msoa", "district").select(
        pl.int_range(pl.len()).alias("branch"),
        pl.Series("retailer", np.concatenate(of)),
        "easting_m",
        "northing_m",
        pl.Series("floor_m2", floor).round(0),
        "oa",
        "msoa",
        "district",
    )
