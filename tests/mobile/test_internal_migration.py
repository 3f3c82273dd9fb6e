"""Homes of two seasons: who moved, who only is seen at other cells, who came and went; and what may be told of it."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.catalogue.mobile_presence import TENS
from ons_assets.mobile.internal_migration import internal_migration, moves_between_seasons, successive
from ons_assets.parameters.mobile import ReleaseParameters
from ons_assets.parameters.mobile_presence import InternalMigrationParameters

AREAS = {"a": {"A": 1.0}, "near": {"A": 0.6, "B": 0.4}, "b": {"B": 1.0}, "c": {"C": 0.5, "B": 0.5}, "sea": {}}


def seasons_of(*seasons, operator="north"):
    return pl.DataFrame({"operator": operator, "year_season": seasons}, schema=["operator", "year_season"])


PAIRS = successive(seasons_of("all", "2014-autumn", "2015-winter"))


def labels(*rows):
    """(user, place in autumn or None, place in winter or None)."""
    made = [
        ("north", user, season, place, label)
        for user, *homes in rows
        for season, place in zip(("2014-autumn", "2015-winter"), homes, strict=True)
        if place
        for label in ("home", "usual")
    ]
    return pl.DataFrame(made, schema=["operator", "user", "year_season", "place", "label"], orient="row")


def places(users):
    made = [
        (user, place, area, share) for user in users for place, areas in AREAS.items() for area, share in areas.items()
    ]
    return pl.DataFrame(made, schema=["user", "place", "area", "probability"], orient="row")


def flows(*rows, **given):
    made = moves_between_seasons(
        labels(*rows), places([row[0] for row in rows]), PAIRS, InternalMigrationParameters(**given)
    )
    return {(row["origin"], row["destination"]): row["devices"] for row in made.iter_rows(named=True)}


def test_seasons_follow_each_other_and_a_winter_is_of_its_january():
    seasons = seasons_of("2015-spring", "all", "2014-autumn", "2015-winter", "2015-autumn", "2014-autumn")
    assert successive(seasons).rows() == [
        ("north", "2014-autumn", "2015-winter"),
        ("north", "2015-winter", "2015-spring"),
        ("north", "2015-spring", "2015-autumn"),
    ]
    assert successive(seasons_of("all", "2014-autumn")).is_empty()


def test_each_operator_has_seasons_of_its_own():
    found = successive(
        pl.concat([seasons_of("2014-autumn", "2015-spring"), seasons_of("2015-winter", operator="south")])
    )
    assert found.rows() == [("north", "2014-autumn", "2015-spring")]
    homes = labels((1, "a", "b")).with_columns(year_season=pl.col("year_season").replace("2015-winter", "2015-spring"))
    made = moves_between_seasons(homes, places([1]), found)
    assert made.select("origin", "destination", "devices").rows() == [("A", "B", 1.0)]


def test_who_moves_is_shared_by_both_homes_and_none_of_it_within_an_area():
    assert flows((1, "a", "b")) == {("A", "B"): 1.0}
    # Half of the new home may be in B, where the old one is: that is no move.
    assert flows((1, "b", "c"), same_home_overlap=0.6) == {("B", "C"): 1.0}


def test_other_cells_of_the_same_area_are_no_move():
    assert flows((1, "a", "near")) == pytest.approx({("A", "A"): 0.8, ("B", "B"): 0.2})
    assert flows((1, "a", "near"), same_home_overlap=0.7) == {("A", "B"): 1.0}


def test_who_has_a_home_in_one_season_only_comes_or_goes():
    assert flows((1, "a", None), (2, None, "b"), (3, "a", "sea")) == {("A", "not_seen"): 2.0, ("not_seen", "B"): 1.0}


home = st.sampled_from([None, *AREAS])


@settings(max_examples=40, deadline=None)
@given(homes=st.lists(st.tuples(home, home), min_size=1, max_size=12))
def test_every_device_with_a_home_in_an_area_counts_once(homes):
    rows = [(user, *pair) for user, pair in enumerate(homes)]
    counted = sum(any(AREAS[each] for each in pair if each) for pair in homes)
    made = moves_between_seasons(labels(*rows), places(range(len(rows))), PAIRS) if counted else None
    if made is not None:
        assert made["devices"].sum() == pytest.approx(counted)
        # Homes of a season are origins, or destinations, that are seen, but for those who are shared by both seasons.
        seen = made.filter(pl.col("origin") != "not_seen")["devices"].sum()
        assert seen == pytest.approx(sum(bool(AREAS.get(pair[0])) for pair in homes))


@settings(max_examples=60, deadline=None)
@given(
    before=st.sets(st.sampled_from("ABCDEF"), min_size=3, max_size=3),
    after=st.sets(st.sampled_from("ABCDEF"), min_size=3, max_size=3),
)
def test_of_homes_of_as_many_tiles_who_moves_is_who_moves_to_multimno(before, after):
    """Its rule: twice the tiles in both, by the tiles of either, is below 0.5; weights are products of even shares."""
    found = pl.DataFrame(
        [(1, place, area, 1 / 3) for place, areas in (("old", before), ("new", after)) for area in sorted(areas)],
        schema=["user", "place", "area", "probability"],
        orient="row",
    )
    made = moves_between_seasons(labels((1, "old", "new")), found, PAIRS)
    flows = {row[3:5]: row[5] for row in made.iter_rows()}
    moves = 2 * len(before & after) / (len(before) + len(after)) < 0.5
    assert any(origin != destination for origin, destination in flows) == moves
    if moves:
        theirs = {(one, other): 1 / 9 for one in before for other in after if one != other}
        # A device counts one, and there less where an area is in both homes.
        whole = sum(theirs.values())
        assert flows == pytest.approx({pair: weight / whole for pair, weight in theirs.items()})


def test_nothing_below_k_is_told_nor_follows():
    rows = [(user, "a", "a") for user in range(30)] + [(user, "b", "b") for user in range(30, 60)]
    rows += [(60, "a", "b"), (61, "b", "a"), (62, "a", None)]
    made = moves_between_seasons(labels(*rows), places(range(63)), PAIRS)
    told = internal_migration([made], ReleaseParameters(k=10), TENS)
    assert told.rows["devices"].min() >= 10
    listed = {(row["origin"], row["destination"]): row["devices"] for row in told.rows.iter_rows(named=True)}
    assert ("A", "B") not in listed
    assert listed["all", "all"] == 60.0
    # What is known of a line leaves the others of it together, and never one alone.
    for area in ("A", "B"):
        hidden = made.filter(origin=area).filter(~pl.col("destination").is_in([b for a, b in listed if a == area]))
        assert len(hidden) != 1 or ("A", "all") not in listed
    assert told.account.primary > 0


def test_one_season_has_no_migration_and_passes_its_step():
    none = moves_between_seasons(labels((1, "a", None)), places([1]), successive(seasons_of("2014-autumn")))
    assert none.is_empty()
    assert internal_migration([none], ReleaseParameters(), TENS).rows.is_empty()
