"""A server that speaks Spark's protocol, which the tests start themselves.

Sail, by default; where $ONS_ASSETS_SPARK_TESTS is "cluster", a master and two workers of Spark itself
(`make test-spark`). Where it is "required", tests fail that else would skip because Sail is not installed.
"""

import atexit
import os
import shutil
import socket
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import pytest

from ons_assets.engine.spark import _SESSIONS, REMOTE, SparkEngine

ASKED = os.environ.get("ONS_ASSETS_SPARK_TESTS", "")
ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
WORKERS = 2


def spark_engine(folder: Path) -> SparkEngine:
    """Return an engine whose tasks lie in a folder; skip where there is no server to start."""
    if ASKED == "cluster":
        return SparkEngine(_cluster(), folder, {})
    if find_spec("pysail") is None or find_spec("pyspark") is None:
        if ASKED == "required":
            pytest.fail("pysail and PySpark are not installed")
        pytest.skip("needs pysail and PySpark's client, which speak Spark's protocol")
    return SparkEngine(_sail(), folder, {})


def is_spark_itself(address: str) -> bool:
    return not address.startswith(REMOTE)


def leave(address: str) -> None:
    """End the session of this process: it holds all workers of a cluster."""
    if (session := _SESSIONS.pop(address, None)) is not None:
        session.stop()


@cache
def _sail() -> str:
    port = _free_port()
    log = Path(mkdtemp()) / "sail.log"
    _begin([sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)], log)
    _wait_for(port, log)
    return f"sc://127.0.0.1:{port}"


@cache
def _cluster() -> str:
    """A standalone cluster on loopback: a master, and workers of one core that begin executors in processes."""
    import pyspark

    assert shutil.which("java"), "Spark needs Java 17 or later"
    folder, port = Path(mkdtemp()), _free_port()
    home = Path(pyspark.__file__).parent
    # Workers hand on what is in the environment to those who work.
    os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home)}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(home.parent), str(ROOT)])
    begin = [str(home / "bin" / "spark-class"), "org.apache.spark.deploy"]
    at = ["--host", "127.0.0.1", "--webui-port", "0"]
    _begin([begin[0], f"{begin[1]}.master.Master", *at, "--port", str(port)], folder / "master.log")
    _wait_for(port, folder / "master.log")
    address = f"spark://127.0.0.1:{port}"
    for number in range(WORKERS):
        of_worker = ["--cores", "1", "--memory", "1G", "--work-dir", str(folder / f"worker-{number}"), address]
        _begin([begin[0], f"{begin[1]}.worker.Worker", *at, *of_worker], folder / f"worker-{number}.log")
    return address


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _begin(command: list[str], log: Path) -> None:
    with log.open("wb") as told:
        server = subprocess.Popen(command, stdout=told, stderr=told)
    atexit.register(server.kill)


def _wait_for(port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nobody listens: {log.read_text()}")
