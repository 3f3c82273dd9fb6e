"""How the settings of the pilot become parameters of what it shares with others."""

from ons_assets.mobility.anchors import AnchorSettings
from ons_assets.mobility.evidence import WeeklyProfile
from ons_assets.parameters.mobile import Mobile


def anchor_settings(settings: Mobile) -> AnchorSettings:
    """Return the parameters of `ons_assets.mobility.infer_anchors`."""
    hours = {
        "night_start": settings.night_start,
        "night_end": settings.night_end,
        "work_start": settings.work_start,
        "work_end": settings.work_end,
    }
    home = WeeklyProfile(
        night=1.0,
        evening=settings.evening_weight,
        weekend=settings.weekend_weight,
        working=settings.working_home_weight,
        **hours,
    )
    work = WeeklyProfile(night=settings.night_work_weight, evening=0.0, weekend=0.0, working=1.0, **hours)
    return AnchorSettings(
        home_profile=home,
        work_profile=work,
        min_home_days=settings.min_home_days,
        min_work_days=settings.min_work_days,
    )
