"""A day of tweets as JSON: 550,000 statuses, 1.4 GB; time and memory of the reader.

python benchmarks/tweets_json.py
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from ons_assets.intake.limits import Limits
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.records import SNOWFLAKE_EPOCH_MS, Rules

MIDNIGHT = datetime(2014, 9, 1, tzinfo=UTC)
STATUS_BYTES = 2_300


def write_day(path: Path, statuses: int) -> None:
    random = np.random.default_rng(1)
    second = np.sort(random.integers(0, 86_000, statuses))
    filler = {f"field_{number}": "x" * 40 for number in range(40)}
    base = {"text": "x" * 140, "entities": {"hashtags": [], "urls": []}, "extended": filler}
    padding = STATUS_BYTES - len(json.dumps(base)) - 420
    base["padding"] = "x" * max(padding, 0)
    rest = json.dumps(base)[1:]
    with path.open("w") as file:
        for number in range(statuses):
            when = MIDNIGHT + timedelta(seconds=int(second[number]))
            tweet_id = ((int(when.timestamp() * 1_000) - SNOWFLAKE_EPOCH_MS) << 22) + number
            latitude, longitude = 51.0 + number % 1_000 / 1_000, -1.0 + number % 777 / 1_000
            file.write(
                f'{{"created_at": "{when:%a %b %d %H:%M:%S} +0000 {when.year}", "id_str": "{tweet_id}", '
                f'"source": "<a href=\\"http://twitter.com\\">Twitter for iPhone</a>", '
                f'"user": {{"id_str": "{number % 60_000}", "name": "x", "description": "x"}}, '
                f'"geo": {{"type": "Point", "coordinates": [{latitude}, {longitude}]}}, '
                f'"coordinates": {{"type": "Point", "coordinates": [{longitude}, {latitude}]}}, {rest}\n'
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statuses", type=int, default=550_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.json"
        write_day(path, options.statuses)
        size_gb = path.stat().st_size / 1e9
        before_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        start = time.perf_counter()
        rules = Rules(datetime(2015, 1, 1, tzinfo=UTC), date(2010, 1, 1))
        parsed = Reader(b"k" * 32, Limits(unpacked_bytes=1 << 40)).read(path, rules)
        seconds = time.perf_counter() - start
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        start = time.perf_counter()
        with path.open("rb") as file:
            decoded = sum(1 for _, line in zip(range(options.statuses // 10), file, strict=False) if json.loads(line))
        plain = (time.perf_counter() - start) * options.statuses / decoded
    print(f"{len(parsed.accepted):,} of {options.statuses:,} statuses, {size_gb:.2f} GB: {seconds:.1f} s")
    print(f"json.loads alone, measured on a tenth: {plain:.1f} s")
    print(f"peak memory {peak_gb:.2f} GB, of which {before_gb:.2f} GB before reading")


if __name__ == "__main__":
    main()
