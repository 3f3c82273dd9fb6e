"""The statement on quality: what it says follows from the provenance, in sentences."""

import re
from dataclasses import replace

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.releases.figures import days_of, span
from ons_assets.governance.releases.origin import write as write_origin
from ons_assets.governance.releases.quality_statement import statement, write_quality
from ons_assets.lakehouse.disclosure import Counts
from tests.governance.released import RELEASED, provenance_of, release_of

FLOWS, SHARES = "tweets/migration_flows", "meters/area_occupancy"


def said(name=FLOWS, **provenance):
    return statement(release_of(name, provenance=replace(provenance_of(name), **provenance)))


@pytest.mark.parametrize("name", RELEASED)
def test_every_table_has_a_statement_of_whole_sentences(name):
    for count in (0, 1, 60):
        paragraphs = statement(release_of(name, count=count))
        assert len(paragraphs) == 4
        assert all(each[0].isupper() and each.endswith(".") and ".." not in each for each in paragraphs)
        assert CATALOGUE[name].description.rstrip(".") in paragraphs[0]


def test_it_says_what_was_withheld():
    accounts = [account(cells=1200, primary=40, secondary=1, kept_share=0.93)]
    assert said(SHARES, disclosure=accounts)[1] == (
        "No figure is told of fewer than 10 homes. Of 1,200 figures that were judged, 40 are withheld because few "
        "homes stand behind them, and 1 because one of those would follow from it. Of all homes, 93.0 % are in "
        "figures that are told."
    )


def test_of_counts_it_does_not_say_how_many_rows_are_withheld(tmp_path):
    """Two rows below ten that are 18 together are nine each."""
    assert said()[1] == (
        "No figure is told of fewer than 5 users. A row that is not there is zero or withheld: which of them, and how "
        "many, would tell of few."
    )
    assert said(disclosure=[account(unit="users", fewest=5.0)])[1] == said()[1]
    for name in RELEASED:
        if isinstance(CATALOGUE[name].disclosure, Counts):
            [path] = write_origin(release_of(name), tmp_path)
            assert not {"cells", "primary", "secondary", "kept_share"} & {*re.findall(r"\w+", path.read_text())}


def account(**changes):
    return {"unit": "homes", "fewest": 10.0, "cells": 9, "primary": 0, "secondary": 0, "kept_share": None} | changes


def test_a_share_that_may_not_be_told_is_not_told_and_none_is_rounded_to_all():
    assert "Of all" not in said(SHARES, disclosure=[account(primary=1)])[1]
    assert "99.9 % are" in said(SHARES, disclosure=[account(primary=1, kept_share=0.99999)])[1]
    assert "none had to be withheld" in said(SHARES, disclosure=[account(kept_share=1.0)])[1]


def test_parts_are_added_up():
    text = said(SHARES, disclosure=[account(primary=1, kept_share=0.5), account(primary=2, kept_share=0.9)])[1]
    assert "Of 18 figures that were judged, 3 are withheld" in text
    assert "%" not in text


def test_a_missing_account_is_said_and_a_table_about_nobody_needs_none():
    assert "is not known" in said(disclosure=[])[1]
    assert said("prices/item_indices")[1].startswith("No disclosure control was needed")
    assert said("mobile/weighted_flows", disclosure=[])[1].startswith("It is made of tables")


@pytest.mark.parametrize(
    ("suite", "sentence"),
    [
        ({"evaluated": 24, "failures": []}, "against 24 expectations before it was published, and met all of them."),
        ({"evaluated": 1, "failures": [{"severity": "warning"}]},
         "1 expectation before it was published: 1 warning."),
        ({"evaluated": 9, "failures": [{"severity": "critical"}, {"severity": "info"}]},
         "1 critical failure and 1 warn"),
        ({"evaluated": 2, "failures": [], "overlay": {"file": "expectations/prices/raw_quotes.json"}},
         "met all of them. Bounds of the office's own were laid over its suite (expectations/prices/raw_quotes.json)."),
        ({"batches_refused": 0, "warnings": []}, "none of the last was refused, with no warning."),
        ({"batches_refused": 1, "warnings": []}, "1 of the last was refused, with no warning."),
        ({"batches_refused": 2, "warnings": ["a meter's name"]},
         "2 of the last were refused, with 1 warning."),
    ],
)  # fmt: skip
def test_it_says_what_the_gate_found_and_quotes_nothing(suite, sentence):
    text = said(suite=suite)[2]
    assert sentence in text
    assert "meter" not in text


def test_it_says_what_it_was_made_of_and_calls_no_file_by_its_name():
    text = said(inputs={"a" * 64: "meter 4711.csv", "tweets/moves": "12:ab", "tweets/residences": ""})[3]
    assert "1 file and 2 tables (tweets/moves, version 12, tweets/residences, none)" in text
    assert "4711" not in text


def test_it_says_the_period():
    release = release_of("meters/area_occupancy")
    days = span(release.table, release.rows)
    assert f"They cover 1 {days.first:%B %Y} to {days.last.day} {days.last:%B %Y}." in statement(release)[0]


@pytest.mark.parametrize("text", ["2014-13", "2016-W60", "2014-02-30", "mid-2014", "", "all", "2014-01-01/never"])
def test_what_is_no_period_is_none(text):
    assert days_of(text) is None


def test_it_is_written_as_markdown(tmp_path):
    release = release_of(FLOWS, quality=())
    (path,) = write_quality(release, tmp_path)
    assert (
        path.read_text() == "\n\n".join(("# Quality of tweets/migration_flows, release 1", *statement(release))) + "\n"
    )
    (path,) = write_quality(replace(release, quality=("As it is.",)), tmp_path)
    assert path.read_text().endswith("\n\nAs it is.\n")
