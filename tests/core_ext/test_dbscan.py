"""`core_ext.dbscan` against scikit-learn, against the plain Python reference, and at the edges of its input."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from core_ext import dbscan, dbscan_clusters
from core_ext.clustering import reference

# The package's attribute `dbscan` is the function; the modules hold the sizes at which the kernel changes its way.
main_module = importlib.import_module("core_ext.clustering.segments")
shards_module = importlib.import_module("core_ext.clustering.shards")

MASK_POINTS = 512
LONDON = np.array([530_000.0, 180_000.0])
WAYS = ["masks", "cells", "one shard", "many shards"]


@pytest.fixture(autouse=True)
def _default_sizes():
    yield
    choose_way("cells")


def choose_way(way):
    """Set the sizes so that sets of more than MASK_POINTS points go one way."""
    main_module.MAX_CELL_POINTS = 0 if "shard" in way else 131_072
    shards_module.SHARD_POINTS = 7 if way == "many shards" else 65_536


def cluster(way, x, y, eps, min_samples, *, sample_weight=None, time=None, eps_time=None, n_threads=1):
    """Label one set the given way; sets too small for it are filled up with far-off points that are noise."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(x)
    n_far = 0 if way == "masks" or n > MASK_POINTS or min_samples < 2 else MASK_POINTS + 1
    far = max(np.max(np.abs(x), initial=1.0), 10.0 * eps) * np.arange(4, 4 + n_far)
    choose_way(way)
    labels = dbscan(
        np.concatenate([x, far]),
        np.concatenate([y, np.zeros(n_far)]),
        [0, n + n_far],
        eps,
        min_samples,
        sample_weight=None if sample_weight is None else np.concatenate([sample_weight, np.zeros(n_far)]),
        time=None if time is None else np.concatenate([time, np.zeros(n_far)]),
        eps_time=eps_time,
        n_threads=n_threads,
    )
    assert np.all(labels[n:] == -1)
    return labels[:n]


def sklearn_labels(x, y, eps, min_samples, sample_weight=None):
    """Labels by the tree, which compares squared distances; `auto` expands the square below 12 points."""
    if len(x) == 0:
        return np.empty(0, dtype=np.int64)
    model = DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree")
    return model.fit(np.column_stack([x, y]), sample_weight=sample_weight).labels_


def places(rng, n, noise=15.0, spread=2000.0):
    """Points as a user leaves them: a few places with noise, and scatter."""
    centres = rng.uniform(-spread, spread, (5, 2)) + LONDON
    points = centres[rng.integers(0, 5, n)] + rng.normal(0.0, noise, (n, 2))
    scattered = rng.random(n) < 0.2
    points[scattered] = rng.uniform(-spread, spread, (scattered.sum(), 2)) + LONDON
    return points[:, 0], points[:, 1]


def integer_grid(rng, n):
    side = int(rng.choice([3, 10, 40, 200]))
    return rng.integers(0, side, n).astype(float), rng.integers(0, side, n).astype(float)


def line(rng, n):
    along, across = rng.integers(0, max(n, 1), n).astype(float), np.zeros(n)
    return [(along, across), (across, along), (along, along)][rng.integers(3)]


def duplicates(rng, n):
    x, y = rng.normal(0.0, 30.0, (2, max(n // 4, 1)))
    chosen = rng.integers(0, len(x), n)
    return x[chosen], y[chosen]


def blobs_far_apart(rng, n):
    centres = np.array([[-1e7, 1e7], [1e7, 1e7], [0.0, -1e7]])
    points = centres[rng.integers(0, 3, n)] + rng.normal(0.0, 20.0, (n, 2))
    return points[:, 0], points[:, 1]


SHAPES = [places, integer_grid, line, duplicates, blobs_far_apart]
EDGE_SIZES = [0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 127, 128, 129, 130, 191, 192, 193, 255, 256, 257, 511, 512, 513, 900]
MASK_SIZES = [n for n in EDGE_SIZES if 0 < n <= MASK_POINTS] + [319, 320, 321, 447, 448, 449, 505]


def scattered_line(rng, n):
    """Points a hair around eps apart along one axis, shuffled: what sorting by that axis must keep together."""
    along = np.cumsum(rng.choice([0.0, np.nextafter(13.0, 0.0), 13.0, np.nextafter(13.0, 14.0), 90.0], n))
    axes = [rng.permutation(along), rng.choice([0.0, 1e-9], n)]
    return axes if rng.random() < 0.5 else axes[::-1]


def one_spot_and_one_far(rng, n):
    """All bins but two are empty."""
    x, y = rng.normal(0.0, 10.0, (2, n))
    x[n // 2] += 1e6
    return x, y


class TestAgainstScikitLearn:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_every_size_up_to_130(self, shape):
        rng = np.random.default_rng(1)
        sets = [shape(rng, n) for n in range(131)]
        offsets = np.concatenate([[0], np.cumsum([len(x) for x, _ in sets])])
        x, y = np.concatenate([x for x, _ in sets]), np.concatenate([y for _, y in sets])
        labels = dbscan(x, y, offsets, 13.0, 4)
        for (part_x, part_y), part in zip(sets, np.split(labels, offsets[1:-1]), strict=True):
            assert np.array_equal(part, sklearn_labels(part_x, part_y, 13.0, 4))

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("shape", SHAPES)
    def test_sizes_where_the_way_of_clustering_changes(self, shape, way):
        rng = np.random.default_rng(2)
        for n in EDGE_SIZES:
            x, y = shape(rng, n)
            for eps, min_samples in ((5.0, 2), (50.0, 3), (13.0, 12)):
                want = sklearn_labels(x, y, eps, min_samples)
                assert np.array_equal(cluster(way, x, y, eps, min_samples), want), (n, eps, min_samples)

    def test_thousands_of_users_in_one_call(self):
        rng = np.random.default_rng(3)
        sizes = np.minimum(np.ceil(rng.lognormal(1.5, 1.7, 3000)), 1500).astype(int)
        sets = [places(rng, n) for n in sizes]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        x, y = np.concatenate([x for x, _ in sets]), np.concatenate([y for _, y in sets])
        labels = dbscan(x, y, offsets, 50.0, 3)
        for (part_x, part_y), part in zip(sets, np.split(labels, offsets[1:-1]), strict=True):
            assert np.array_equal(part, sklearn_labels(part_x, part_y, 50.0, 3))

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("lowest_weight", [0, -2])
    @pytest.mark.parametrize("unit", [0.25, 3.0])
    def test_weights(self, way, lowest_weight, unit):
        rng = np.random.default_rng(4)
        for n in (5, 60, 130, 255, 300, 700):
            for shape in SHAPES:
                x, y = shape(rng, n)
                weight = rng.integers(lowest_weight, 5, n) * unit
                weight[0] = 1.0
                got = cluster(way, x, y, 10.0, 8, sample_weight=weight)
                assert np.array_equal(got, sklearn_labels(x, y, 10.0, 8, weight)), (n, shape)

    @pytest.mark.parametrize("way", ["cells", "one shard", "many shards"])
    def test_one_large_set(self, way):
        rng = np.random.default_rng(5)
        sets = [places(rng, 400, spread=3000.0) for _ in range(30)]
        x, y = np.concatenate([x for x, _ in sets]), np.concatenate([y for _, y in sets])
        assert np.array_equal(cluster(way, x, y, 50.0, 5), sklearn_labels(x, y, 50.0, 5))

    @pytest.mark.parametrize("way", WAYS)
    def test_min_samples_larger_than_a_crowded_cell(self, way):
        rng = np.random.default_rng(6)
        x, y = rng.normal(0.0, 40.0, (2, 450 if way == "masks" else 2000))
        for min_samples in (40, 100, 240, 400):
            want = sklearn_labels(x, y, 30.0, min_samples)
            assert np.array_equal(cluster(way, x, y, 30.0, min_samples), want)


points_on_a_grid = st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), max_size=40)
points_anywhere = st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), max_size=40)


class TestAgainstReference:
    @pytest.mark.parametrize("way", WAYS)
    @given(points=points_on_a_grid, eps=st.sampled_from([1.0, 2.0, 5.0]), min_samples=st.integers(2, 6), data=st.data())
    @settings(max_examples=60, deadline=None)
    def test_on_a_grid_with_weights_and_time(self, way, points, eps, min_samples, data):
        n = len(points)
        x, y = np.array(points, dtype=np.float64).reshape(n, 2).T
        weight, time, eps_time = None, None, None
        if data.draw(st.booleans()):
            weight = np.array(data.draw(st.lists(st.integers(-1, 4), min_size=n, max_size=n)), dtype=float) / 2
        if data.draw(st.booleans()):
            time = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)), dtype=float)
            eps_time = float(data.draw(st.integers(1, 3)))
        options = {"sample_weight": weight, "time": time, "eps_time": eps_time}
        want = reference.dbscan(x, y, np.array([0, n]), eps, min_samples, **options)
        assert np.array_equal(cluster(way, x, y, eps, min_samples, **options), want)

    @pytest.mark.parametrize("way", WAYS)
    @given(points=points_anywhere, eps=st.floats(0.01, 1e3), min_samples=st.integers(2, 5))
    @settings(max_examples=60, deadline=None)
    def test_anywhere(self, way, points, eps, min_samples):
        x, y = np.array(points, dtype=np.float64).reshape(len(points), 2).T
        want = reference.dbscan(x, y, np.array([0, len(x)]), eps, min_samples)
        assert np.array_equal(cluster(way, x, y, eps, min_samples), want)

    @pytest.mark.parametrize("way", WAYS)
    def test_decimal_grid_follows_the_written_rule(self, way):
        """0.1 is no binary number: pairs at 0.3 fall to either side of eps, as squares say and roots do not."""
        column, row = np.meshgrid(np.arange(12) * 0.1, np.arange(12) * 0.1)
        x, y = column.ravel()[::2] + 7.7, row.ravel()[::2] + 3.3
        for eps in (0.1, 0.2, 0.3, 0.5):
            for min_samples in (3, 4, 5, 9):
                want = reference.dbscan(x, y, np.array([0, len(x)]), eps, min_samples)
                assert np.array_equal(cluster(way, x, y, eps, min_samples), want)

    @pytest.mark.parametrize("way", WAYS)
    def test_space_and_time(self, way):
        rng = np.random.default_rng(7)
        for n in (50, 200, 300):
            x, y = places(rng, n, spread=300.0)
            time = rng.uniform(0.0, 7 * 86_400.0, n)
            options = {"time": time, "eps_time": 36_000.0}
            want = reference.dbscan(x, y, np.array([0, n]), 50.0, 3, **options)
            assert want.max() >= 1
            assert np.array_equal(cluster(way, x, y, 50.0, 3, **options), want)

    @pytest.mark.parametrize("way", WAYS)
    def test_extents_wider_than_cells_can_be_numbered(self, way):
        rng = np.random.default_rng(8)
        n = 60
        x = rng.choice([-1e15, -1e7, 0.0, 1e7, 1e30], n) + rng.integers(0, 5, n)
        y = rng.choice([-1e12, 0.0, 1e-9], n)
        time = rng.choice([0.0, 1.0, 1e14], n)
        for eps in (1e-120, 1e-9, 1.0, 2.0):
            want = reference.dbscan(x, y, np.array([0, n]), eps, 3, time=time, eps_time=1.0)
            got = cluster(way, x, y, eps, 3, time=time, eps_time=1.0)
            assert np.array_equal(got, want), eps


class TestFewPoints:
    """Sets that go by masks, where words, blocks of eight points and the sort along an axis have their borders."""

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("timed", [False, True])
    @pytest.mark.parametrize("shape", [*SHAPES, scattered_line, one_spot_and_one_far])
    def test_labels_and_table_equal_the_reference(self, shape, timed, weighted):
        rng = np.random.default_rng(20)
        sets = [shape(rng, n) for n in MASK_SIZES]
        offsets = np.concatenate([[0], np.cumsum(MASK_SIZES)])
        x, y = np.concatenate([x for x, _ in sets]), np.concatenate([y for _, y in sets])
        options = {"time": rng.integers(0, 30, len(x)).astype(float), "eps_time": 12.0} if timed else {}
        if weighted:
            options["sample_weight"] = rng.choice([-0.5, 0.0, 0.1, 0.7, 2.0], len(x))
        want_labels, want = reference.dbscan_clusters(x, y, offsets, 13.0, 4, **options)
        labels, table = dbscan_clusters(x, y, offsets, 13.0, 4, **options)
        assert np.array_equal(labels, want_labels)
        assert np.array_equal(dbscan(x, y, offsets, 13.0, 4, **options), want_labels)
        for name in ("segment", "label", "size", "core_count", "min_x", "min_y", "max_x", "max_y"):
            assert table[name].tolist() == want[name], name

    @pytest.mark.parametrize("n", [70, 300, 512])
    def test_either_axis_can_be_the_one_that_is_sorted(self, n):
        rng = np.random.default_rng(21)
        x, y = places(rng, n)
        assert np.array_equal(dbscan(x, 3.0 * y, [0, n], 50.0, 3), sklearn_labels(x, 3.0 * y, 50.0, 3))
        assert np.array_equal(dbscan(3.0 * y, x, [0, n], 50.0, 3), sklearn_labels(3.0 * y, x, 50.0, 3))

    @pytest.mark.parametrize("n", [65, 256, 512])
    @pytest.mark.parametrize("eps", [1e-140, 1.0, 1e140])
    def test_coordinates_at_their_bounds(self, n, eps):
        rng = np.random.default_rng(22)
        x, y = rng.choice([-1e150, -1.0, 0.0, 1.0, 1e150], (2, n))
        assert np.array_equal(dbscan(x, y, [0, n], eps, 3), reference.dbscan(x, y, np.array([0, n]), eps, 3))

    @pytest.mark.parametrize("n", [1, 2, 3, 63, 64])
    def test_fewer_points_than_make_a_core(self, n):
        labels, table = dbscan_clusters(np.zeros(2 * n), np.zeros(2 * n), [0, n, 2 * n], 1.0, n + 1)
        assert labels.tolist() == [-1] * (2 * n)
        assert len(table["label"]) == 0
        heavy = dbscan(np.zeros(n), np.zeros(n), [0, n], 1.0, n + 1, sample_weight=np.full(n, 2.0))
        assert heavy.tolist() == [0] * n

    def test_more_samples_wanted_than_a_number_of_points_can_be(self):
        assert dbscan(np.zeros(100), np.zeros(100), [0, 100], 1.0, 2**40).tolist() == [-1] * 100


class TestExactEps:
    @pytest.mark.parametrize("way", WAYS)
    def test_points_at_exactly_eps_are_neighbours(self, way):
        assert cluster(way, [0.0, 3.0], [0.0, 4.0], 5.0, 2).tolist() == [0, 0]
        assert cluster(way, [0.0, 3.0], [0.0, 4.0], np.nextafter(5.0, 0.0), 2).tolist() == [-1, -1]

    @pytest.mark.parametrize("way", WAYS)
    def test_times_exactly_eps_time_apart_are_neighbours(self, way):
        at_once = {"time": np.array([0.0, 10.0]), "eps_time": 10.0}
        too_late = {"time": np.array([0.0, np.nextafter(10.0, 11.0)]), "eps_time": 10.0}
        assert cluster(way, [0.0, 1.0], [0.0, 0.0], 5.0, 2, **at_once).tolist() == [0, 0]
        assert cluster(way, [0.0, 1.0], [0.0, 0.0], 5.0, 2, **too_late).tolist() == [-1, -1]

    @pytest.mark.parametrize("way", WAYS)
    def test_times_within_reach_but_two_bins_apart(self, way):
        """Bins of time are a shade shorter than eps_time, so a reach can span a whole one."""
        time = np.array([0.0, 9_998.0, 19_998.0])
        labels = cluster(way, np.zeros(3), np.zeros(3), 5.0, 2, time=time, eps_time=10_000.0)
        assert labels.tolist() == [0, 0, 0]

    @pytest.mark.parametrize(("gap", "n_clusters"), [(0.0, 1), (1e-9, 2)])
    @pytest.mark.parametrize("way", ["cells", "many shards"])
    def test_two_upright_walls(self, way, gap, n_clusters):
        """Crowded cells whose bounding boxes are exactly eps apart."""
        along = np.arange(0.0, 12.0, 1 / 64)
        x = np.repeat([0.0, 5.0 + gap], len(along))
        labels = cluster(way, x, np.tile(along, 2), 5.0, 3)
        assert len(np.unique(labels)) == n_clusters

    @pytest.mark.parametrize(("gap", "n_clusters"), [(0.0, 1), (1e-9, 2)])
    @pytest.mark.parametrize("way", ["cells", "many shards"])
    def test_two_diagonal_walls(self, way, gap, n_clusters):
        """Crowded cells that lie at eps, or a hair beyond it, where no bounding box can tell."""
        along = np.arange(0.0, 12.0, 1 / 128)
        x = np.concatenate([along, along + 3.0 + gap])
        y = np.concatenate([along * 0.75, along * 0.75 - 4.0 - gap])
        labels = cluster(way, x, y, 5.0, 3)
        assert len(np.unique(labels)) == n_clusters
        assert np.array_equal(labels, sklearn_labels(x, y, 5.0, 3))


class TestWhatDoesNotMatter:
    @pytest.mark.parametrize("way", ["cells", "many shards"])
    def test_number_of_threads(self, way):
        rng = np.random.default_rng(9)
        sizes = rng.integers(0, 600, 400)
        x, y = places(rng, int(sizes.sum()), spread=20_000.0)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        choose_way(way)
        for bounds in (offsets, offsets[[0, -1]]):
            if way == "many shards":
                shards_module.SHARD_POINTS = 3000
            one, one_table = dbscan_clusters(x, y, bounds, 50.0, 3, n_threads=1)
            for n_threads in (2, 5):
                many, many_table = dbscan_clusters(x, y, bounds, 50.0, 3, n_threads=n_threads)
                assert np.array_equal(one, many)
                assert all(np.array_equal(one_table[name], many_table[name]) for name in one_table)

    def test_size_of_chunks(self, monkeypatch):
        rng = np.random.default_rng(10)
        x, y = places(rng, 5000)
        offsets = np.sort(np.concatenate([[0, 0, 0, 5000, 5000], rng.integers(0, 5000, 300)]))
        want = dbscan(x, y, offsets, 50.0, 3)
        for chunk_points in (1, 100, 100_000):
            monkeypatch.setattr(main_module, "CHUNK_POINTS", chunk_points)
            assert np.array_equal(dbscan(x, y, offsets, 50.0, 3, n_threads=2), want)

    def test_layout_and_protection_of_the_input(self):
        rng = np.random.default_rng(11)
        points = np.column_stack([*places(rng, 300), rng.uniform(0.0, 9.0, 300)])
        want = dbscan(*points.T.copy()[:2], [0, 100, 300], 50.0, 3)
        points.setflags(write=False)
        before = points.copy()
        for offsets in ([0, 100, 300], np.array([0, 100, 300], dtype=np.uint32)):
            assert np.array_equal(dbscan(points[:, 0], points[:, 1], offsets, 50.0, 3), want)
        x = points[:, 0].copy()
        x.setflags(write=False)
        ones = np.ones(300, dtype=np.int8)
        got = dbscan(x, points[:, 1], [0, 100, 300], 50.0, 3, sample_weight=ones, time=ones, eps_time=1)
        assert np.array_equal(got, want)
        assert np.array_equal(points, before)

    def test_order_of_points_only_renames_clusters_of_core_points(self):
        rng = np.random.default_rng(12)
        x, y = places(rng, 1000)
        order = rng.permutation(1000)
        labels = dbscan(x, y, [0, 1000], 50.0, 1)  # min_samples 1: every point is core
        shuffled = dbscan(x[order], y[order], [0, 1000], 50.0, 1)
        pairs = set(zip(labels[order].tolist(), shuffled.tolist(), strict=True))
        assert len(pairs) == labels.max() + 1 == shuffled.max() + 1


class TestTable:
    @pytest.mark.parametrize("way", ["cells", "many shards"])
    @pytest.mark.parametrize("timed", [False, True])
    def test_equals_reference(self, way, timed):
        rng = np.random.default_rng(13)
        sizes = [0, 40, 300, 1, 0, 600, 280, 0, 520]
        x, y = places(rng, sum(sizes), spread=400.0)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        options = {"time": rng.uniform(0.0, 100.0, len(x)), "eps_time": 30.0} if timed else {}
        want_labels, want = reference.dbscan_clusters(x, y, offsets, 50.0, 4, **options)
        choose_way(way)
        for n_threads in (1, 2):
            labels, table = dbscan_clusters(x, y, offsets, 50.0, 4, n_threads=n_threads, **options)
            assert np.array_equal(labels, want_labels)
            assert list(table) == list(want)
            for name in ("segment", "label", "size", "core_count", "min_x", "min_y", "max_x", "max_y", "medoid"):
                assert table[name].tolist() == want[name], name
            for name in ("centroid_x", "centroid_y", "radius_of_gyration"):
                assert np.allclose(table[name], want[name], rtol=1e-12, atol=1e-6), name

    def test_a_square(self):
        x, y = np.array([0.0, 2.0, 2.0, 0.0, 1.0]), np.array([0.0, 0.0, 2.0, 2.0, 1.0])
        labels, table = dbscan_clusters(x, y, [0, 5], 1.5, 5)
        assert labels.tolist() == [0] * 5
        assert {name: column.item() for name, column in table.items()} == {
            "segment": 0, "label": 0, "size": 5, "core_count": 1, "centroid_x": 1.0, "centroid_y": 1.0,
            "min_x": 0.0, "min_y": 0.0, "max_x": 2.0, "max_y": 2.0,
            "radius_of_gyration": np.sqrt(8 / 5), "medoid": 4,
        }  # fmt: skip

    def test_medoid_is_the_earliest_of_several(self):
        _, table = dbscan_clusters(np.array([9.0, 2.0, 0.0, 2.0, 0.0, 9.0]), np.zeros(6), [0, 1, 5, 6], 5.0, 2)
        assert table["medoid"].tolist() == [1]

    def test_keeps_its_digits_far_from_the_origin(self):
        rng = np.random.default_rng(14)
        x, y = rng.integers(0, 1024, (2, 1000)) / 1024.0
        _, near = dbscan_clusters(x, y, [0, 1000], 1.0, 3)
        _, far = dbscan_clusters(x + 2.0**30, y - 2.0**30, [0, 1000], 1.0, 3)
        assert np.allclose(far["centroid_x"] - 2.0**30, near["centroid_x"], atol=1e-6)
        assert np.allclose(far["radius_of_gyration"], near["radius_of_gyration"], atol=1e-6)
        assert far["medoid"].tolist() == near["medoid"].tolist()

    def test_accounts_for_every_point(self):
        rng = np.random.default_rng(15)
        sizes = rng.integers(0, 700, 100)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        x, y = places(rng, offsets[-1])
        labels, table = dbscan_clusters(x, y, offsets, 50.0, 3)
        assert np.array_equal(labels, dbscan(x, y, offsets, 50.0, 3))
        segment = np.repeat(np.arange(100), sizes)
        members = np.stack([segment, labels])[:, labels >= 0]
        pairs, counts = np.unique(members, axis=1, return_counts=True)
        assert np.array_equal(np.stack([table["segment"], table["label"]]), pairs)
        assert np.array_equal(table["size"], counts)
        assert np.array_equal(segment[table["medoid"]], table["segment"])
        assert np.array_equal(labels[table["medoid"]], table["label"])
        assert np.all(table["core_count"] >= 1)


class TestEmpty:
    @pytest.mark.parametrize("offsets", [[0], [0, 0], [0, 0, 0, 0]])
    @pytest.mark.parametrize("n_threads", [0, 1, 3])
    def test_no_points(self, offsets, n_threads):
        labels, table = dbscan_clusters(np.empty(0), np.empty(0), offsets, 50.0, 3, n_threads=n_threads)
        assert labels.dtype == np.int32
        assert len(labels) == 0
        assert all(len(column) == 0 for column in table.values())

    def test_all_noise(self):
        labels, table = dbscan_clusters(np.arange(10) * 100.0, np.zeros(10), [0, 10], 50.0, 2)
        assert labels.tolist() == [-1] * 10
        assert len(table["label"]) == 0


class TestRefusals:
    @pytest.mark.parametrize("name", ["x", "y", "time", "sample_weight"])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
    @pytest.mark.parametrize("n", [3, 500])
    def test_values_that_are_not_finite(self, name, value, n):
        columns = {column: np.arange(n, dtype=np.float64) for column in ("x", "y", "time", "sample_weight")}
        columns[name][n // 2] = value
        x, y = columns.pop("x"), columns.pop("y")
        with pytest.raises(ValueError, match=rf"{name} must be finite .* position {n // 2}"):
            dbscan(x, y, [0, 1, n], 1.0, 2, eps_time=1.0, **columns)

    @pytest.mark.parametrize(
        ("offsets", "error"),
        [
            ([0, 2, 1, 4], ValueError),
            ([1, 4], ValueError),
            ([0, 3], ValueError),
            ([0, 5], ValueError),
            ([], (TypeError, ValueError)),
            ([[0, 4]], ValueError),
            ([0.0, 4.0], TypeError),
            (np.array([0, 2**63 + 1, 4], dtype=np.uint64), ValueError),
        ],
    )
    def test_offsets(self, offsets, error):
        with pytest.raises(error, match="offsets must"):
            dbscan(np.zeros(4), np.zeros(4), offsets, 1.0, 2)

    @pytest.mark.parametrize("eps", [0.0, -1.0, np.nan, np.inf, 1e-200])
    def test_eps(self, eps):
        with pytest.raises(ValueError, match="eps must be"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], eps, 2)
        with pytest.raises(ValueError, match="eps_time must be"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, time=np.zeros(4), eps_time=eps)

    @pytest.mark.parametrize("min_samples", [0, -1, 2.5])
    def test_min_samples(self, min_samples):
        with pytest.raises(ValueError, match="min_samples must be"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, min_samples)

    def test_threads(self):
        with pytest.raises(ValueError, match="n_threads must be"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, n_threads=-1)

    @pytest.mark.parametrize("dtype", [np.float32, np.int64, object])
    def test_types_that_are_not_float64(self, dtype):
        with pytest.raises(TypeError, match="x must be float64"):
            dbscan(np.zeros(4, dtype=dtype), np.zeros(4), [0, 4], 1.0, 2)
        with pytest.raises(TypeError, match="y must be float64"):
            dbscan(np.zeros(4), np.zeros(4, dtype=dtype), [0, 4], 1.0, 2)

    def test_shapes(self):
        with pytest.raises(ValueError, match="x must have one dimension"):
            dbscan(np.zeros((4, 1)), np.zeros(4), [0, 4], 1.0, 2)
        with pytest.raises(ValueError, match="same length"):
            dbscan(np.zeros(4), np.zeros(5), [0, 4], 1.0, 2)
        for name in ("sample_weight", "time"):
            with pytest.raises(ValueError, match=f"{name} must have one value for each"):
                dbscan(
                    np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, eps_time=1.0, **{"time": np.zeros(4), name: np.zeros(3)}
                )

    def test_dates_must_be_turned_into_numbers(self):
        days = np.array(["2014-01-01"] * 4, dtype="datetime64[s]")
        with pytest.raises(TypeError, match="time must be numbers"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, time=days, eps_time=1.0)

    def test_time_without_its_bound(self):
        with pytest.raises(ValueError, match="go together"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, time=np.zeros(4))
        with pytest.raises(ValueError, match="go together"):
            dbscan(np.zeros(4), np.zeros(4), [0, 4], 1.0, 2, eps_time=1.0)
