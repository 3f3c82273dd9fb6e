"""Parameters of people behind devices: which devices one person has, and what several operators say together."""

from typing import Annotated, Literal

from pydantic import Field

from ons_assets.parameters.base import Parameters, Positive, Share

LEAST_K = 5


class DeduplicationParameters(Parameters):
    """Which devices of an operator are carried by the same person."""

    method: Literal["pairs", "ratio"] = Field(
        "pairs",
        description="by how often two devices are away at the same places in the same hours, or by the share of people "
        "with two phones alone, alike for all devices of an area",
    )
    counted: Literal["devices", "people"] = Field(
        "devices",
        description="whether homes, moves and flows of an operator count devices, or the people for whom they stand",
    )
    second_phone_share: Share = Field(
        0.1, description="people with two phones, where reference/phone_market does not say it of the operator"
    )
    operator_share: Share = Field(0.3, description="of an operator in all phones, where the market does not say it")
    same_operator: float = Field(
        1.0, gt=0, le=10, description="how many times likelier than by chance a second phone is of the same operator"
    )
    near_m: float = Field(1_000.0, ge=0, description="cells so near to each other may serve one place")
    near_masts: int = Field(
        2, ge=0, le=20, description="masts around a cell that may serve the same place, however far they are"
    )
    away_places: int = Field(3, ge=1, le=10, description="places away from home by which devices are put side by side")
    fewest_hours: int = Field(
        5, ge=1, description="hours away from home in which a device is seen, for anything to be said of it"
    )
    together_shares: tuple[Share, Share, Share] = Field(
        (0.5, 0.1, 0.4),
        description="of the hours in which two devices of one person are seen and not both at home: at the usual "
        "place of either, elsewhere together, and apart",
    )
    together_strength: float = Field(8.0, gt=0, description="how alike such pairs are: hours that the shares count for")
    same_home_share: float = Field(
        0.9, gt=0, lt=1, description="of such pairs, those of which the same place is home, and not only one near it"
    )
    assumed_pairs: float = Field(25.0, ge=0, description="pairs for which what is assumed of them counts")
    assumed_visible: Share = Field(
        0.6, description="of the second phones, those that are carried, and seen so; before anything is seen"
    )
    rounds: int = Field(30, ge=1, le=500, description="rounds of estimation of what pairs are like")


class CombinationParameters(Parameters):
    """One estimate of what several operators say."""

    correlation: Literal["estimated", "market"] = Field(
        "estimated",
        description="how far the errors of two operators go together: at least as their differences say, which do not "
        "differ enough if both tell of the same devices; or by people with phones of both alone, for operators that "
        "are known to be independent",
    )
    second_phone_share: Share = Field(
        0.1, description="people with two phones, where reference/phone_market does not say it"
    )
    same_operator: float = Field(
        1.0, gt=0, le=10, description="how many times likelier than by chance a second phone is of the same operator"
    )
    unlisted_devices: Annotated[int, Field(ge=LEAST_K)] = Field(
        10, description="devices below which an operator lists no flow: one that is not listed has fewer"
    )
    period_overlap: Share = Field(
        0.5, gt=0, description="of the longer of two periods, from which on both are taken as one"
    )
    fewest_differences: int = Field(
        20, ge=1, description="of two operators in a band of size, for the band to be judged by itself"
    )
    misplaced: Share = Field(
        0.04,
        description="devices of which the home or the place of work is taken to be in another area, by all operators "
        "alike: so far intervals reach beyond what operators differ by",
    )
    size_bands: tuple[Positive, ...] = Field(
        (30, 100, 300, 1_000, 3_000),
        description="upper ends of bands of size, people, in which operators are held side by side",
    )
    level: float = Field(0.95, gt=0, lt=1, description="level of the intervals")
