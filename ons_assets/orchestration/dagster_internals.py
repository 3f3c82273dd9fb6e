"""What Dagster keeps to itself and we need: the tags by which a run makes a range of days.

The tags themselves are documented, their names in the program are not. Nothing else of the project imports
a private module of another's.
"""

from datetime import date

from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG


def tags_of_days(days: tuple[date, date] | None) -> dict[str, str]:
    """Return the tags of a run over all days from the first to the last; none for a run without days."""
    if days is None:
        return {}
    return {
        ASSET_PARTITION_RANGE_START_TAG: days[0].isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: days[1].isoformat(),
    }
