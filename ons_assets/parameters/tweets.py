"""Parameters of the tweets pilot."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Tweets(BaseModel):
    """Parameters of the tweets pilot."""

    model_config = ConfigDict(extra="forbid")

    area_level: str | None = Field(
        None, description="level of reference/areas, such as msoa11; null if there is one only"
    )
    eps_m: float = Field(20, gt=0, description="two tweets of a user are neighbours within this distance")
    min_tweets: int = Field(3, ge=1, description="tweets from which on a cluster is valid")
    terms: tuple[tuple[date, date], ...] = Field(
        (), description="first and last days of university terms; without any, the usual ones"
    )
    fewest_tweets: int = Field(20, ge=1, description="a user with fewer tweets counts in no flow")
    fewest_movers: int = Field(3, ge=1, description="a flow of fewer users is suppressed")
    rows_at_once: int = Field(2_500_000, gt=0, description="rows that are in memory together")
