"""What Dagster keeps to itself and we need: the tags by which a run makes a range of partitions, and the UI as an app.

The tags themselves are documented, their names in the program are not; the UI can be had as a command only, before
which nothing of ours can stand. Nothing else of the project imports a private module of another's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.types import ASGIApp

LIVE_MILLISECONDS = 2000


def tags_of_range(first: str, last: str) -> dict[str, str]:
    """Return the tags of a run over all partitions from one to another, in the order that Dagster has them in."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


@contextmanager
def user_interface(instance: DagsterInstance, socket: Path) -> Iterator[ASGIApp]:
    """Yield Dagster's UI over the definitions that another process serves.

    Parameters
    ----------
    instance
        Where runs and events are kept.
    socket
        At which the process with the definitions answers.
    """
    target = GrpcServerTarget(host="localhost", port=None, socket=str(socket), location_name="ons_assets")
    with WorkspaceProcessContext(instance, workspace_load_target=target) as context:
        yield create_app_from_workspace_process_context(context, live_data_poll_rate=LIVE_MILLISECONDS)
