"""Kinds of days: the public holidays of the country, beside those that a method names."""

from typing import TypeVar

from ons_assets.parameters.geography import Country
from ons_assets.parameters.mobile_presence import PermanenceParameters, PresentPopulationParameters

Named = TypeVar("Named", PermanenceParameters, PresentPopulationParameters)


def with_public_holidays(parameters: Named, country: Country) -> Named:
    """Return parameters whose holidays are those of the country, and those that they name.

    Parameters
    ----------
    parameters
        With `holidays`.
    country
        Its calendar is `geography.holidays`.
    """
    return parameters.model_copy(update={"holidays": country.public_holidays(*parameters.holidays)})
