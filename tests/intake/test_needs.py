"""What a source demands of layouts, what the check says, what a file must have, and what the docs tell are one."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.definitions import RAW
from ons_assets.intake.drafting import check
from ons_assets.intake.layouts import Layout
from ons_assets.intake.source import Source, TableSource, joined, pieces
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 3
DAY_COLUMNS = tuple(f"h{number}" for number in range(48))
# Words of the layout, where a demand is none of a field.
WORDS: dict[str, Any] = {
    "zone": "Europe/London",
    "time_formats": ("%Y-%m-%dT%H:%M:%S%:z",),
    "unit": "kWh",
    "items": {"0": {"item_id": "211709", "item": "Milk"}},
    "day_columns": DAY_COLUMNS,
}
# What stands in a column of any source, {n} being the row; what is not named here is a number.
VALUES = {
    **dict.fromkeys(("time", "time_utc", "collected_at"), "2016-07-0{n} 10:00:00"),
    **dict.fromkeys(("date", "day", "observed", "from_day", "accepted_on"), "2016-07-0{n}"),
    **dict.fromkeys(("area", "origin", "destination", "part", "code", "current_code", "area_code"), "E0{n}"),
    **dict.fromkeys(("operator", "retailer", "device", "cell_id", "product", "labelled_by", "item", "group"), "{}{n}"),
    "stream": "x",
    "for_source": "tweets",
    **dict.fromkeys(("began_utc", "ended_utc"), "2016-07-0{n}T10:00:00Z"),
    "category": "0",
    "currency": "EUR",
    "observed": "2016-07",
    "latitude": "51.5{n}",
    "longitude": "-0.1{n}",
    "easting_m": "40000{n}",
    "northing_m": "30000{n}",
    "boundary": '{"type":"Polygon","coordinates":[[[-2,52],[-1.9,52],[-1.9,52.1],[-2,52]]]}',
    **dict.fromkeys(("coicop_1999", "coicop_2018"), "01.1.{n}"),
    "year": "2016",
    "rule": "quantity",
    "unit": "trips",
    "in_scope": "true",
    "direction": "in",
    "side": "home",
    "period": "2016-07-0{n}",
    "level": "x",
    **dict.fromkeys(("phones_per_person", "operator_share", "prepaid_share", "second_phone_share"), "0.{n}"),
    **dict.fromkeys(("meter", "user"), "139{n}"),
}
SOURCES = {made.name: raw for raw in RAW if (made := raw.source(Settings())).demands}


def choices(source: Source) -> Iterator[frozenset[str]]:
    """What layouts say that say an alternative of each demand and nothing more."""
    for chosen in product(*source.demands):
        yield frozenset(name for alternative in chosen for name in alternative)


CHOICES = [(name, said) for name, raw in SOURCES.items() for said in choices(raw.source(Settings()))]


@pytest.fixture
def source(name: str, tmp_path: Path) -> Source:
    return SOURCES[name].source(Settings(home=Home(tmp_path / "home").ensure().root))


def is_field(source: Source, name: str) -> bool:
    return any(name in fields for fields in source.said_fields) and not (source.name == "meters" and name == "unit")


def layout_of(source: Source, said: frozenset[str]) -> Layout:
    words = {name: WORDS[name] for name in said if not is_field(source, name)}
    return Layout(name="ours", columns={name: name for name in said if is_field(source, name)}, **words)


def value(source: Source, said: frozenset[str], name: str, number: int) -> str:
    if name == "words" or (source.name == "item_rules" and name == "rule" and "words" in said):
        return {"words": "LOAF", "rule": "remove"}[name]
    text = VALUES.get(name, "{n}").replace("{n}", str(number + 1)).replace("{}", "name")
    zoned = "time_formats" in said and name in ("time", "time_utc", "collected_at")
    return f"{text.replace(' ', 'T')}+00:00" if zoned else text


def written(source: Source, said: frozenset[str], path: Path) -> Path:
    columns = [name for name in sorted(said) if is_field(source, name)]
    columns += DAY_COLUMNS if "day_columns" in said else ()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([value(source, said, name, number) for name in columns] for number in range(ROWS))
    return path


def accepted(source: Source, path: Path, layout: Layout) -> int:
    try:
        return sum(len(piece.accepted) for piece in source.read(path, path.name, RECEIVED, layout))
    except Unreadable:
        return 0


@pytest.mark.parametrize(("name", "said"), CHOICES, ids=[f"{name}-{'-'.join(sorted(said))}" for name, said in CHOICES])
def test_what_is_needed_is_enough_and_what_is_left_out_is_said(
    source: Source, said: frozenset[str], tmp_path: Path
) -> None:
    path = written(source, said, tmp_path / "ours.csv")
    layout = layout_of(source, said)
    assert source.lack_of(layout) is None
    checked = check(source, path, layout)
    # Of readings only those of some meters are looked at.
    assert checked.accepted > 0 == checked.rejected, checked.sentences
    assert accepted(source, path, layout) == ROWS
    for name in said:
        less = layout_of(source, said - {name})
        lack = source.lack_of(less)
        if lack is None:
            assert accepted(source, path, less) == ROWS, f"without {name} no row is read, and the check is silent"
        else:
            assert f"the layout ours {lack}" in check(source, path, less).sentences


@pytest.mark.parametrize("name", SOURCES)
def test_every_field_that_is_needed_is_missed(source: Source) -> None:
    for said in choices(source):
        for group in source.demands:
            others = {name for each in source.demands if each != group for one in each for name in one}
            for name in group[0] if len(group) == 1 else ():
                assert name in others or name in str(source.lack_of(layout_of(source, said - {name})))
    empty = source.lack_of(Layout(name="ours", columns={}))
    assert all(name in str(empty) for group in source.demands for each in group for name in each)


@pytest.mark.parametrize("name", SOURCES)
def test_a_broken_layout_of_the_home_is_said(source: Source) -> None:
    folder = source.folders[0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ours.yaml").write_text("name: ours\ncolumns: {}\n")
    assert [broken.path.name for broken in source.shelf.broken] == ["ours.yaml"]


# Readings say no unit and no zone of themselves, and surveys have columns of their own.
@pytest.mark.parametrize("name", sorted(SOURCES.keys() - {"meters", "meter_questionnaire"}))
def test_a_file_in_the_words_of_the_source_needs_no_layout(source: Source, tmp_path: Path) -> None:
    """Of one of several, the first: what a source takes may be left out of the file."""
    said = frozenset(name for group in source.demands for name in group[0])
    # The zone is said by the times.
    said = said - {"zone"} | {"time_formats"}
    path = written(source, said, tmp_path / "ours.csv")
    assert accepted(source, path, source.layout(path, path.name)) == ROWS


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_layout_says_beyond_its_source_is_said(source: Source) -> None:
    said = next(choices(source))
    layout = layout_of(source, said)
    more = layout.model_copy(update={"columns": {**layout.columns, "nonsense": next(iter(layout.columns.values()))}})
    assert "nonsense" in str(source.lack_of(more))


def test_tables_are_sources_that_demand_something() -> None:
    made = [raw.source(Settings()) for raw in RAW]
    assert {each.name for each in made if isinstance(each, TableSource)} <= SOURCES.keys()


TYPED = [
    (name, field)
    for name, raw in SOURCES.items()
    if isinstance(made := raw.source(Settings()), TableSource)
    for field in made.said_fields[1]
    if not isinstance(CATALOGUE[raw.table].schema.get(field, pl.String()), pl.String)
]


@pytest.mark.parametrize(("name", "field"), TYPED, ids=[f"{name}-{field}" for name, field in TYPED])
def test_what_cannot_be_read_is_rejected_or_said(source: Source, field: str, tmp_path: Path) -> None:
    """Also of a field that may be absent: what says something is never empty without a word."""
    said = next(choices(source)) | {field}
    path, layout = written(source, said, tmp_path / "ours.csv"), layout_of(source, said)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[1][lines[0].index(field)] = "rubbish"
    path.write_text("".join(f"{','.join(line)}\n" for line in lines))
    try:
        piece = joined(list(pieces(source, path, path.name, RECEIVED, layout)))
    except Unreadable:
        return
    assert piece.rejected["line"].to_list() == [2] or any(field in warning for warning in piece.warnings)


@pytest.mark.parametrize("name", SOURCES)
def test_codes_that_would_be_applied_to_nothing_are_said(source: Source) -> None:
    """They stand by field: under the name of a column of the file they would change nothing, and nobody would know."""
    said = next(choices(source))
    layout = layout_of(source, said)
    field = next(iter(layout.columns))
    coded = layout.model_copy(update={"codes": {field: {"a": "b"}}})
    assert source.lack_of(coded) == source.lack_of(layout)
    idle = layout.model_copy(update={"codes": {f"{field} in the file": {"a": "b"}}})
    assert f"says codes of {field} in the file, which is none of its fields" in str(source.lack_of(idle))
