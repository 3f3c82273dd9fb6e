"""What a register says, as people write it: a TOML file of headings, each with words that hold for some tables."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ons_assets.lakehouse.tables import Sensitivity

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# As Dagster takes the owner of an asset.
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
# Addresses under it belong to nobody (RFC 2606): those that are shipped.
NOBODYS = ".example"


def _address(text: str) -> str:
    if ADDRESS.fullmatch(text) is None:
        raise ValueError(f"is to be an e-mail address, such as jo.bloggs@office.example, not {text!r}")
    return text


Address = Annotated[str, AfterValidator(_address)]


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(_Stated):
    """A person, or a role that a person has."""

    name: Words = Field(description="of the person or role")
    contact: Address = Field(description="e-mail address")

    def __str__(self) -> str:
        return f"{self.name} <{self.contact}>"

    @property
    def is_nobody(self) -> bool:
        """Whether the address is one that is shipped, and reaches nobody."""
        return self.contact.endswith(NOBODYS)


# The longest that each has.
DAYS_OF_PERIOD = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}


class UpdateCycle(_Stated):
    """How often a table changes, and how soon what is new is to be there."""

    every: Literal["day", "week", "month", "quarter", "year", "irregular", "follows"] = Field(
        description="how often something new comes; irregular: nobody can say; follows: when what it is made of does"
    )
    within_days: int = Field(
        2, ge=0, le=3660, description="days after a day or other period in which its data are to be there"
    )
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(
        (1, 2, 3, 4, 5, 6, 7), min_length=1, description="days on which data come, 1 Monday to 7 Sunday"
    )

    @property
    def longest_silence(self) -> timedelta | None:
        """After which something is late: a period with its days off, and the days of grace; None if never."""
        period = DAYS_OF_PERIOD.get(self.every)
        if period is None:
            return None
        days = sorted(set(self.weekdays))
        gap = max(later - earlier for earlier, later in zip(days, [*days[1:], days[0] + 7], strict=True))
        return timedelta(days=max(period, gap) + self.within_days)

    def __str__(self) -> str:
        match self.every:
            case "irregular":
                return "at no fixed time"
            case "follows":
                return "when what it is made of changes"
        days = "" if len(set(self.weekdays)) == 7 else f" on weekdays {', '.join(map(str, sorted(set(self.weekdays))))}"
        return f"every {self.every}{days}, within {self.within_days} day{'' if self.within_days == 1 else 's'}"


class Said(_Stated):
    """What one heading says; what it leaves out, a heading before it does."""

    owner: Person | None = Field(None, description="who answers for the table")
    information_risk_owner: Person | None = Field(None, description="who answers for the risk of holding it")
    data_protection_officer: Person | None = Field(None, description="who is asked about personal data")
    supplier: Words | None = Field(None, description="who gives the data; of a derived table, those of its inputs")
    licence: Words | None = Field(
        None, description="under which they are given; of a derived table, those of its inputs"
    )
    legal_basis: Words | None = Field(None, description="by which law they may be held and used")
    purpose: Words | None = Field(None, description="what for")
    retention: Words | None = Field(None, description="how long they are kept")
    update_cycle: UpdateCycle | None = Field(None, description="how often they change")
    business_rules: tuple[Words, ...] | None = Field(None, description="what holds of its rows, in sentences")


class SaidOfSource(Said):
    """What is said of a source of files, and of the table that its files become."""

    table: Words | None = Field(None, description="the raw table that its files become")


class RegisterFile(_Stated):
    """A register as it is written: the shipped one, or what a home lays over it."""

    office: Said = Field(Said(), description="holds for all tables")
    sensitivity: dict[Sensitivity, Said] = Field({}, description="by sensitivity: public, aggregate, individual")
    domains: dict[str, Said] = Field({}, description="by the part of the name before the slash")
    teams: dict[str, Said] = Field({}, description="by the team that the registry names as owner")
    sources: dict[str, SaidOfSource] = Field({}, description="by the name of the drop folder")
    tables: dict[str, Said] = Field({}, description="by the name of the table")
