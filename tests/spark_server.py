"""A server that speaks Spark's protocol, which the tests start themselves: Sail; or a cluster that was given.

Required where $ONS_ASSETS_SPARK_TESTS is "required"; an address there is that of a cluster of Apache Spark.
"""

import atexit
import os
import socket
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from ons_assets.engine.spark import SparkEngine

VARIABLE = "ONS_ASSETS_SPARK_TESTS"
START_SECONDS = 60


def spark_engine(folder: Path) -> SparkEngine:
    """Return an engine whose tasks lie in a folder; skip where there is no server to start."""
    return SparkEngine(_address(), folder, {})


@cache
def _address() -> str:
    asked = os.environ.get(VARIABLE, "")
    if asked.startswith(("spark://", "sc://", "local")):
        return asked
    if find_spec("pysail") is None or find_spec("pyspark") is None:
        if asked == "required":
            pytest.fail("pysail and PySpark are not installed")
        pytest.skip("needs pysail and PySpark's client, which speak Spark's protocol")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = Path(mkdtemp()) / "sail.log"
    with log.open("wb") as told:
        server = subprocess.Popen(
            [sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)], stdout=told, stderr=told
        )
    atexit.register(server.kill)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return f"sc://127.0.0.1:{port}"
        time.sleep(0.1)
    raise AssertionError(f"Sail did not start: {log.read_text()}")
