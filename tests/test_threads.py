"""The number of threads makes no difference: the cases of `any_order`, in processes with one and with several."""

import json
import os
import subprocess
import sys
from pathlib import Path

MODULES = [f"tests.{room}.test_any_order" for room in ("meters", "mobile", "mobility", "prices", "tweets")]
REPOSITORY = Path(__file__).resolve().parents[1]


def start(threads: int) -> subprocess.Popen[str]:
    """Begin to make all cases in a process of its own; Polars settles its threads as it is imported."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.any_order", *MODULES],
        env={**os.environ, "POLARS_MAX_THREADS": str(threads)},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_one_thread_and_several_make_the_same_tables() -> None:
    found = {}
    for threads in (1, 3):
        with start(threads) as process:
            output, _ = process.communicate()
        assert process.returncode == 0
        found[threads] = json.loads(output)
    assert len(found[1]) > len(MODULES)
    assert found[1] == found[3]
