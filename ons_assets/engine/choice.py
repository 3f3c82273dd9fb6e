"""Which engine works, by what a home says."""

from collections.abc import Mapping
from pathlib import Path

from ons_assets.engine.local import HERE, Processes
from ons_assets.engine.parts import Engine
from ons_assets.engine.spark import SparkEngine


def engine_of(processes: int, spark: str | None, options: Mapping[str, str], folder: Path) -> Engine:
    """Return a cluster if there is an address of one, else some processes, else this one.

    Parameters
    ----------
    processes
        Of this machine.
    spark, options, folder
        See `SparkEngine`.
    """
    if spark is not None:
        return SparkEngine(spark, folder, options)
    return Processes(processes) if processes > 1 else HERE
