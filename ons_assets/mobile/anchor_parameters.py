"""How the parameters of the pilot become those of what it shares with others."""

from ons_assets.parameters.mobile import DeviceAnchorParameters
from ons_assets.parameters.mobility import AnchorParameters, HomeProfile, WorkProfile


def anchor_parameters(parameters: DeviceAnchorParameters) -> AnchorParameters:
    """Return the parameters of `ons_assets.mobility.infer_anchors`."""
    hours = {
        "night_start": parameters.night_start,
        "night_end": parameters.night_end,
        "work_start": parameters.work_start,
        "work_end": parameters.work_end,
    }
    home = HomeProfile(
        night=1.0,
        evening=parameters.evening_weight,
        weekend=parameters.weekend_weight,
        working=parameters.working_home_weight,
        **hours,
    )
    work = WorkProfile(night=parameters.night_work_weight, evening=0.0, weekend=0.0, working=1.0, **hours)
    return AnchorParameters(
        home_profile=home,
        work_profile=work,
        home_hours=parameters.home_hours,
        work_hours=parameters.work_hours,
        change_days=parameters.change_days,
        work_change_days=parameters.work_change_days,
        min_change_evidence=parameters.min_change_evidence,
        min_home_days=parameters.min_home_days,
        min_work_days=parameters.min_work_days,
    )
