"""Which aggregates are about the same people, homes or devices, and why both together tell no more than each alone."""

from collections.abc import Mapping
from types import MappingProxyType

Pair = tuple[str, str]

# A pair that is not here, and is made of the same individual table, fails the tests: somebody must think of it first.
SHARED_UNITS: Mapping[Pair, str] = MappingProxyType(
    {
        ("meters/area_households", "meters/area_occupancy"): (
            "homes are those with a profile, or with readings of a month, whether or not anybody lives there: their "
            "difference tells how many have few readings; no share of households is a share of months"
        ),
        ("meters/area_households", "meters/cluster_profiles"): (
            "one is of the homes of an area, the other of the days of all areas: no number is in both"
        ),
        ("meters/area_households", "meters/fieldwork"): (
            "homes are those metered in either, and both leave out those that nobody lives in without telling whether "
            "there are fewer than three: no share of households is a share of hours"
        ),
        ("meters/area_households", "meters/household_size_accuracy"): (
            "one is of the homes of an area, the other of all homes that answered: no number is in both"
        ),
        ("meters/area_occupancy", "meters/fieldwork"): (
            "homes are those that are metered, of a month or at any time: their difference tells how many have no "
            "readings of the month; a figure of hours is told or not with three homes or more on either side of it; no "
            "sum of months is a sum of hours"
        ),
        ("meters/area_occupancy", "meters/cluster_profiles"): (
            "one is of the homes of an area, the other of the days of all areas: no number is in both"
        ),
        ("meters/area_occupancy", "meters/household_size_accuracy"): (
            "one is of the homes of an area, the other of all homes that answered: no number is in both"
        ),
        ("meters/cluster_profiles", "meters/fieldwork"): (
            "one is of the days of all areas, the other of the homes of an area: no number is in both"
        ),
        ("meters/cluster_profiles", "meters/household_size_accuracy"): (
            "one is of days by their shape, the other of homes that answered: no number is in both"
        ),
        ("meters/fieldwork", "meters/household_size_accuracy"): (
            "one is of the homes of an area, the other of all homes that answered: no number is in both"
        ),
        ("mobile/event_quality", "mobile/operator_flows"): (
            "devices of a day are not those of a period that have a home, and no sum of one is in the other"
        ),
        ("mobile/event_quality", "mobile/present_population"): (
            "one counts devices that are seen on a day, the other those of a mean day of a kind, scaled and shared "
            "among areas: no sum of one is in the other"
        ),
        ("mobile/event_quality", "mobile/usual_environment"): (
            "devices of a day are not those of a season that have a usual environment: no sum of one is in the other"
        ),
        ("mobile/event_quality", "mobile/internal_migration"): (
            "devices of a day are not those that have a home in each of two seasons, and no sum of one is in the other"
        ),
        ("mobile/event_quality", "mobile/tourism"): (
            "devices of a day are not those on trips, and events abroad are no devices: no sum of one is in the other"
        ),
        ("mobile/internal_migration", "mobile/tourism"): (
            "homes of two seasons are no trips: a device that moves is on none, and no sum of one is in the other"
        ),
        ("mobile/operator_flows", "mobile/tourism"): (
            "homes and places of work are the usual environment, which trips are outside of: no sum of one is in the "
            "other"
        ),
        ("mobile/present_population", "mobile/tourism"): (
            "devices of an hour of a mean day are at home or away, and those of visitors from abroad are in one table "
            "only; both are told to the nearest ten, so that a difference is not known to be of few"
        ),
        ("mobile/tourism", "mobile/usual_environment"): (
            "trips are outside of the usual environment, and where devices are at home they do not travel: no sum of "
            "one is in the other"
        ),
        ("mobile/internal_migration", "mobile/operator_flows"): (
            "homes of two seasons are found by another method and of other devices than homes of a period: a number in "
            "one is no sum of the other, and areas are withheld with k devices or more on either side"
        ),
        ("mobile/internal_migration", "mobile/present_population"): (
            "devices of an hour of a mean day are not those of two seasons, and no sum of one is in the other"
        ),
        ("mobile/internal_migration", "mobile/usual_environment"): (
            "the homes of an area in a season are its origins, or destinations, with those that have no home in the "
            "other season: both are told to the nearest ten, so that a difference is not known to be of few"
        ),
        ("mobile/operator_flows", "mobile/present_population"): (
            "homes and places of work of a period are no devices of an hour of the day: a device is in many hours, and "
            "in each shared among areas by another place"
        ),
        ("mobile/operator_flows", "mobile/usual_environment"): (
            "both are of the same devices, without those of excluded ages, and homes may be found by two methods; "
            "areas, and who has no home, are withheld with k devices or more on either side, and one is told to the "
            "nearest ten"
        ),
        ("mobile/present_population", "mobile/usual_environment"): (
            "devices of an hour of the night are nearly those that have their home there: both are told to the nearest "
            "ten, so that a difference is not known to be of few"
        ),
        ("tweets/migration_comparison", "tweets/student_flows"): (
            "penetration tells the users of an area, ten or more in all; movers who study add up to none of it"
        ),
        ("tweets/migration_flows", "tweets/student_flows"): (
            "those who study are some of those who move: what is left of a flow of all is three or more wherever one "
            "of students is told, and both tables are attacked together (protect_parts)"
        ),
        ("tweets/migration_comparison", "tweets/migration_flows"): (
            "penetration tells the users of an area, and a flow by its movers those at risk: each tells ten or more in "
            "either table, and movers add up to neither"
        ),
    }
)


def shared_with(table: str) -> list[str]:
    """Return the aggregates that are about the same units as a table, in their order.

    Parameters
    ----------
    table
        Its name.
    """
    return sorted({other for pair in SHARED_UNITS if table in pair for other in pair} - {table})
