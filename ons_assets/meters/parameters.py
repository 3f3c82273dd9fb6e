"""Parameters of how readings are taken in."""

from typing import Literal

from pydantic import BaseModel, Field, model_validator


class Readings(BaseModel):
    """How files of readings become half hours; every choice that changes a number is here."""

    buckets: int = Field(16, ge=1, le=100, description="partitions of the tables of readings, by hash of the meter")
    local_zone: str = Field("Europe/London", description="zone of the homes where a mapping does not say another")
    cer_zone: str = Field("Europe/Dublin", description="zone of the homes of the CER trial")
    cer_unit: Literal["kWh", "kW"] = Field(
        "kW", description="unit of the CER text: as kWh its homes would use twice what is plausible"
    )
    cer_spring_slots: Literal["clock", "elapsed"] = Field(
        "clock",
        description="whether CER slots of the 46-slot day follow the clock (without 3 and 4) or count on",
    )
    negative: Literal["missing", "zero", "keep"] = Field(
        "missing", description="what a negative reading (export) becomes in half_hours; it is counted in any case"
    )
    max_half_hour_kwh: float = Field(
        50, gt=0, description="a reading above this is none: three phases of 100 A carry 35 kWh in half an hour"
    )
    plausible_day_kwh: float = Field(11, gt=0, description="what a plausible mean home uses in a day")
    warn_factor: float = Field(2, gt=1, description="a median home so many times above or below is warned of")
    refuse_factor: float = Field(20, gt=1, description="and so many times above or below, the file is refused")
    judged_homes: int = Field(10, ge=1, description="homes from which a low median is held against a file")
    max_rejected_share: float = Field(0.5, gt=0, le=1, description="a file with more unreadable rows is refused")
    max_rejected_rows: int = Field(1_000_000, gt=0, description="unreadable rows after which a file is given up")

    @model_validator(mode="after")
    def _warns_before_it_refuses(self) -> "Readings":
        if self.refuse_factor <= self.warn_factor:
            raise ValueError("refuse_factor must be above warn_factor")
        return self
