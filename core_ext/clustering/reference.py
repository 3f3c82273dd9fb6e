"""DBSCAN in plain Python: slow, obvious, and what the tests hold the kernels against."""

from collections import deque
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer]


def dbscan(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    *,
    sample_weight: FloatArray | None = None,
    time: FloatArray | None = None,
    eps_time: float | None = None,
) -> npt.NDArray[np.int32]:
    """Cluster the points of each segment by density; see the kernel beside it.

    Parameters
    ----------
    x, y
        Coordinates of the points, all segments one after the other, shape (n,).
    offsets
        Start of each segment among the points, and n at the end, shape (segments + 1,).
    eps
        Largest distance of neighbours, in the unit of the coordinates; a pair exactly that far apart counts.
    min_samples
        Points (or weight) within `eps`, the point itself included, that make a core point.
    sample_weight
        Weight of each point, shape (n,); every point weighs 1 without it.
    time, eps_time
        A third coordinate, shape (n,), and the largest difference of neighbours in it; both or neither.
    """
    labels, _ = _labels_and_core(x, y, offsets, eps, min_samples, sample_weight, time, eps_time)
    return labels


def dbscan_clusters(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    *,
    sample_weight: FloatArray | None = None,
    time: FloatArray | None = None,
    eps_time: float | None = None,
) -> tuple[npt.NDArray[np.int32], dict[str, list[Any]]]:
    """Cluster the points of each segment, and describe the clusters; see `core_ext.dbscan_clusters`.

    Parameters
    ----------
    x, y
        Coordinates of the points, all segments one after the other, shape (n,).
    offsets
        Start of each segment among the points, and n at the end, shape (segments + 1,).
    eps
        Largest distance of neighbours, in the unit of the coordinates; a pair exactly that far apart counts.
    min_samples
        Points (or weight) within `eps`, the point itself included, that make a core point.
    sample_weight
        Weight of each point, shape (n,); every point weighs 1 without it.
    time, eps_time
        A third coordinate, shape (n,), and the largest difference of neighbours in it; both or neither.
    """
    labels, core = _labels_and_core(x, y, offsets, eps, min_samples, sample_weight, time, eps_time)
    rows = []
    for segment in range(len(offsets) - 1):
        points = range(offsets[segment], offsets[segment + 1])
        for label in range(max((labels[i] for i in points), default=-1) + 1):
            members = [i for i in points if labels[i] == label]
            centroid_x = sum(x[i] for i in members) / len(members)
            centroid_y = sum(y[i] for i in members) / len(members)
            squares = [(x[i] - centroid_x) ** 2 + (y[i] - centroid_y) ** 2 for i in members]
            rows.append(
                {
                    "segment": segment,
                    "label": label,
                    "size": len(members),
                    "core_count": sum(core[i] for i in members),
                    "centroid_x": centroid_x,
                    "centroid_y": centroid_y,
                    "min_x": min(x[i] for i in members),
                    "min_y": min(y[i] for i in members),
                    "max_x": max(x[i] for i in members),
                    "max_y": max(y[i] for i in members),
                    "radius_of_gyration": (sum(squares) / len(members)) ** 0.5,
                    "medoid": members[squares.index(min(squares))],
                }
            )
    names = [
        "segment", "label", "size", "core_count", "centroid_x", "centroid_y",
        "min_x", "min_y", "max_x", "max_y", "radius_of_gyration", "medoid",
    ]  # fmt: skip
    return labels, {name: [row[name] for row in rows] for name in names}


def _labels_and_core(
    x: FloatArray,
    y: FloatArray,
    offsets: IntArray,
    eps: float,
    min_samples: int,
    sample_weight: FloatArray | None,
    time: FloatArray | None,
    eps_time: float | None,
) -> tuple[npt.NDArray[np.int32], list[bool]]:
    labels = np.full(len(x), -1, dtype=np.int32)
    core = [False] * len(x)
    for start, end in pairwise(offsets):
        points = range(start, end)

        neighbours = {i: [j for j in points if _near(x, y, eps, time, eps_time, i, j)] for i in points}
        for i in points:
            total = sum(1 if sample_weight is None else sample_weight[j] for j in neighbours[i])
            core[i] = bool(total >= min_samples)

        label = 0
        for seed in points:
            if not core[seed] or labels[seed] != -1:
                continue
            labels[seed] = label
            queue = deque([seed])
            while queue:
                for j in neighbours[queue.popleft()]:
                    if labels[j] == -1:
                        labels[j] = label
                        if core[j]:
                            queue.append(j)
            label += 1
    return labels, core


def _near(
    x: FloatArray,
    y: FloatArray,
    eps: float,
    time: FloatArray | None,
    eps_time: float | None,
    i: int,
    j: int,
) -> bool:
    if time is not None and eps_time is not None and abs(time[i] - time[j]) > eps_time:
        return False
    return bool((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= eps * eps)
