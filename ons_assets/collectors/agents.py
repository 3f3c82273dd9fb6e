"""As what collectors introduce themselves."""

from importlib.metadata import version

from ons_assets.settings import Settings

VERSION = version("ons-assets")


def agent_of(settings: Settings, contact: str) -> str:
    """Return as what a collector introduces itself: the program, the office, and where somebody can be reached.

    Parameters
    ----------
    settings
        Of the home, which name the office.
    contact
        Mail or web address.
    """
    office = settings.office.name.encode("ascii", "ignore").decode()
    return f"ons-assets/{VERSION} (official statistics; {office}; +{contact})"
