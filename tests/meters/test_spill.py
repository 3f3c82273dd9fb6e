"""Readings set down by bucket: none is lost, and each meter's stay in the order of the file."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.lakehouse.buckets import bucket_of
from ons_assets.meters.readings.placed import Block
from ons_assets.meters.readings.spill import Spill

BUCKETS = 3
# Files hold all of a meter together, or all of a half hour, or anything between.
RUNS = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5), st.integers(1, 9)), max_size=30)


@given(files=st.lists(RUNS, max_size=4))
@settings(deadline=None)
def test_nothing_is_lost_and_the_order_of_each_meter_stays(files: list[list[tuple[int, int]]]) -> None:
    blocks = [_block(runs) for runs in files]
    meter = np.concatenate([np.empty(0, np.int64), *(block.meter for block in blocks)])
    value = np.concatenate([np.empty(0, np.float32), *(block.value for block in blocks)])
    with TemporaryDirectory() as folder:
        with Spill(Path(folder), BUCKETS, exact=False) as spill:
            for block in blocks:
                spill.add(block)
        assert spill.is_empty == (not len(meter))
        found = 0
        for bucket in range(BUCKETS):
            part = spill.bucket(bucket)
            of_bucket = bucket_of(meter, BUCKETS) == bucket
            if part is None:
                assert not of_bucket.any()
                continue
            found += len(part.meter)
            for one in np.unique(meter[of_bucket]):
                np.testing.assert_array_equal(part.value[part.meter == one], value[meter == one])
                np.testing.assert_array_equal(part.day[part.meter == one], (meter[meter == one] % 7).astype(np.int32))
        assert found == len(meter)


def _block(runs: list[tuple[int, int]]) -> Block:
    meter = np.repeat(
        np.array([name for name, _ in runs], dtype=np.int64), np.array([length for _, length in runs], dtype=np.int64)
    )
    number = np.arange(len(meter))
    return Block(meter, (meter % 7).astype(np.int32), number.astype(np.int16), number.astype(np.float32))
