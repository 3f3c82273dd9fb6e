"""The pages of the report: complete, escaped, alone, small, and silent of single people."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.report import gather, write_pages, write_report
from ons_assets.governance.report.deadlines import due
from ons_assets.governance.report.facts import Facts, Light, Measured, Publication, TableFacts, TableQuality
from ons_assets.governance.report.judgement import can_identify, days_late, may_be_published, stands, tasks
from ons_assets.governance.report.page import as_html
from ons_assets.governance.report.pages import overview, path_of, second, site
from ons_assets.governance.report.summary import summary
from ons_assets.governance.report.table_page import table_page
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from tests.governance.report_world import ACCESSES, AUDIT, FLOWS, MARKUP, MONTH, NOW, QUOTES, World, made_at

# Everything that pages are made of; nothing of it fetches or runs anything.
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "div", "header", "nav", "main", "section", "footer"),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
    ),
    *(
        "th",
        "td",
        "a",
        "b",
        "span",
        "bdi",
        "time",
        "wbr",
        "br",
        "code",
        "pre",
        "em",
        "strong",
        "blockquote",
        "hr",
        "figure",
    ),
    *("figure", "figcaption", "svg", "g", "path", "text", "line", "rect", "desc", "defs", "clippath"),
}
LARGEST_BYTES = 300_000


class Reader(HTMLParser):
    """What a browser sees of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text = ""
        self.size = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "xlink:href", "src")]
        self.anchors |= {value or "" for name, value in attrs if name == "id"}

    def handle_data(self, data: str) -> None:
        self.text += data


def reading(path: Path) -> Reader:
    reader = Reader()
    reader.size = path.stat().st_size
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def shown(facts: Facts) -> str:
    """Text of the start page."""
    reader = Reader()
    reader.feed(as_html(overview(facts), site(facts)).decode())
    return reader.text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return made_at(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def facts(world: World) -> Facts:
    return gather(world.home, world.settings)


@pytest.fixture(scope="module")
def pages(world: World) -> dict[str, Reader]:
    start = write_report(world.home, world.settings)
    return {path.relative_to(start.parent).as_posix(): reading(path) for path in start.parent.rglob("*.html")}


def of(facts: Facts, name: str) -> TableFacts:
    [found] = [table for table in facts.tables if table.table.name == name]
    return found


def test_every_table_has_a_page_and_every_link_leads_somewhere(pages: dict[str, Reader]) -> None:
    assert {path_of(name) for name in CATALOGUE} <= set(pages)
    for path, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            goal = (Path("/") / Path(path).parent / target).resolve().relative_to("/").as_posix() if target else path
            assert goal in pages, (path, link)
            assert not anchor or anchor in pages[goal].anchors, (path, link)


def test_no_page_holds_anything_that_runs_or_fetches(pages: dict[str, Reader]) -> None:
    for path, page in pages.items():
        assert page.tags <= TAGS, (path, page.tags - TAGS)
        assert not [name for name in page.attributes if name.startswith("on") or name in ("src", "srcset")], path
        assert not [link for link in page.links if ":" in link], path


def test_what_others_wrote_is_shown_as_it_is_and_turns_nothing_around(pages: dict[str, Reader]) -> None:
    for path in ("refused.html", path_of(QUOTES.name)):
        assert MARKUP in pages[path].text
    assert f"J. Bloggs {MARKUP}" in pages["releases.html"].text
    for page in pages.values():
        assert not {*"\u202e\x1b\x00"} & {*page.text}


def test_long_names_may_be_divided_and_nobody_sees_where(pages: dict[str, Reader]) -> None:
    for path in ("index.html", "refused.html"):
        assert "wbr" in pages[path].tags
        assert QUOTES.name in pages[path].text
        assert "<wbr>" not in pages[path].text


def test_what_was_refused_is_told_with_the_words_of_the_suite(pages: dict[str, Reader]) -> None:
    told = pages["refused.html"].text
    for said in (f"Pence {MARKUP}", "price out of range", "empty.csv", "file 4", "is not text", "1 row: price is"):
        assert said in told
    assert "it must be withdrawn" in told, "what the suite says of the audit that was refused"
    assert "MAC0047" not in told


def test_how_tables_stand(facts: Facts) -> None:
    lights = {name: stands(of(facts, name)).light for name in (ACCESSES.name, AUDIT.name, QUOTES.name, FLOWS.name)}
    assert lights == {
        ACCESSES.name: Light.LOOK,  # published with a warning
        AUDIT.name: Light.BAD,  # refused after it was published; what was there stands
        QUOTES.name: Light.BAD,  # some of its files are refused, and a day is far from usual
        FLOWS.name: Light.GOOD,
    }
    unmeasured = replace(of(facts, QUOTES.name), quality=None)
    assert stands(unmeasured).light is Light.LOOK
    assert stands(of(facts, "tweets/users")).light is Light.NONE
    assert "stand" in stands(of(facts, AUDIT.name)).sentence


def test_the_scorecard_is_told_by_dimension_and_by_day(facts: Facts, pages: dict[str, Reader]) -> None:
    quality = of(facts, QUOTES.name).quality
    assert quality is not None
    assert quality.by_partition
    # A fault that went away is none, and one of long ago is no news.
    assert quality.dimensions == {"completeness": Light.BAD, "provenance": Light.GOOD}
    assert [(each.partition, each.light) for each in quality.urgent] == [(str(MONTH + timedelta(days=1)), Light.BAD)]
    days = [(each.first, each.light) for each in quality.stretches]
    assert [light for _, light in days] == [Light.BAD, Light.GOOD, Light.BAD]
    assert days == sorted(days)
    told = pages[path_of(QUOTES.name)].text
    assert f"rows act {MARKUP}" in told
    assert "Quality by days of the data" in told
    assert stands(of(facts, FLOWS.name)).light is Light.GOOD, "what is not judged is no fault"


def test_what_was_refused_and_made_since_is_no_matter_any_more(facts: Facts) -> None:
    table = of(facts, AUDIT.name)
    assert table.latest is not None
    since = replace(table.latest, published_utc=table.refusals[0].when_utc + timedelta(seconds=1))
    assert stands(replace(table, latest=since)).light is Light.GOOD


def test_whether_a_table_may_be_published(facts: Facts) -> None:
    empty = replace(of(facts, FLOWS.name), behind=(), releases=())
    assert empty.latest is not None
    assert may_be_published(empty).sentence == "It has no rows: there is nothing to tell."
    assert may_be_published(replace(of(facts, FLOWS.name), behind=())).light is Light.GOOD, "it is released as it is"
    flows = replace(empty, latest=replace(empty.latest, rows=4))
    assert may_be_published(flows).light is Light.GOOD
    assert "84 figures" in may_be_published(flows).sentence
    exposed = replace(flows, disclosure={**(flows.disclosure or {}), "exposed": 3})
    assert may_be_published(exposed).light is Light.BAD
    assert stands(exposed).light is Light.BAD
    assert [task.light for task in tasks(replace(facts, tables=(exposed,), refusals=()))] == [Light.BAD]
    assert may_be_published(replace(flows, disclosure=None)).light is Light.LOOK
    individual = of(facts, "tweets/users")
    assert may_be_published(individual).light is Light.NEVER
    assert can_identify(individual).light is Light.NEVER
    assert "fewer than 10 users" in can_identify(flows).sentence
    assert can_identify(exposed).light is Light.BAD


def test_what_is_wrong_with_its_inputs_is_looked_at_before_a_table_leaves(
    facts: Facts, pages: dict[str, Reader]
) -> None:
    comparison = of(facts, "tweets/migration_comparison")
    assert [each.table.name for each in comparison.behind] == [FLOWS.name, "tweets/users", QUOTES.name]
    flows = of(facts, FLOWS.name)
    assert stands(flows).light is Light.GOOD
    assert may_be_published(flows).light is Light.BAD
    assert f"Not now: {QUOTES.name}" in may_be_published(flows).sentence
    for said in ("Look first at what it is made of", "Behind it, and to be looked at first"):
        assert said in pages[path_of(comparison.table.name)].text
        assert said not in pages[path_of(QUOTES.name)].text
    # What may not leave at all is not told to be looked at.
    exposed = replace(flows, disclosure={**(flows.disclosure or {}), "exposed": 3})
    assert may_be_published(exposed).light is Light.BAD


def test_what_needs_a_person_comes_the_most_urgent_first(facts: Facts) -> None:
    found = tasks(facts)
    assert [task.light for task in found] == sorted((task.light for task in found), key=[Light.BAD, Light.LOOK].index)
    about = {task.about for task in found}
    assert {AUDIT.name, ACCESSES.name, "files of prices", "files of meters"} <= about


def test_every_task_says_by_when_it_is_to_be_done_and_what_is_late_is_said(facts: Facts) -> None:
    begun = NOW.date()
    by = {light: due(begun, days, facts.holidays) for light, days in facts.working_days.items()}
    assert facts.working_days == {Light.BAD: 1, Light.LOOK: 5}
    assert len(facts.holidays) > 400, "those of England"
    found = tasks(facts)
    assert {(task.light, task.by) for task in found} == set(by.items())
    # Weeks later nothing was done: all of it is late, and the oldest of a kind comes first.
    later = replace(facts, made_utc=facts.made_utc + timedelta(days=30))
    late = (later.made_utc.date() - by[Light.BAD]).days
    said = shown(later)
    assert f"{len(found)} are late" in said
    assert f"{late} days late" in said
    assert f"{late} days late" in summary(later)
    assert "none is late" in shown(facts)
    # Of what nobody knows since when it is, nothing can be put off.
    [task] = [each for each in tasks(replace(facts, register_fault="it is no TOML")) if each.about == "register"]
    assert task.by is None
    assert tasks(replace(facts, register_fault="it is no TOML"))[0] == task
    assert "by when: at once. register" in summary(replace(facts, register_fault="it is no TOML"))


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "Europe/London", "America/Los_Angeles"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_what_is_to_be_done_today_is_not_late_before_the_day_of_the_office_is_over(
    facts: Facts, zone: str, hour: int
) -> None:
    begun = datetime(2016, 7, 20, hour, tzinfo=UTC)
    today = begun.astimezone(ZoneInfo(zone)).date()
    kept = {"erasures": ({"begun_utc": begun, "finished_utc": None},), "unfinished_erasure": True}
    days = replace(facts, working_days={Light.BAD: 0, Light.LOOK: 0}, time_zone=zone, made_utc=begun, **kept)
    [task] = [each for each in tasks(days) if each.about == "erasure"]
    assert task.by == today
    assert days_late(task, days) == 0
    assert days_late(task, replace(days, made_utc=begun + timedelta(days=1))) == 1


def test_what_the_gate_warned_of_and_the_scorecard_measured_is_one_task(facts: Facts) -> None:
    accesses = of(facts, ACCESSES.name)
    assert accesses.latest is not None
    assert accesses.latest.warnings
    light, validity = Light.LOOK, "validity"
    again = Measured(light, validity, "expectations_met", "all", "80.0 % of the expectations are met.", "See.", MONTH)
    other = Measured(light, validity, "filled_share", "all", "Half of the rows have a value.", "Look.", MONTH)
    quality = TableQuality({validity: light}, {validity: 2}, {}, (again, other), (), by_partition=False)
    measured = replace(accesses, quality=quality)
    said = [task.what for task in tasks(replace(facts, tables=(measured,), refusals=()))]
    assert len(said) == 2
    assert said[0] == "Validity: Half of the rows have a value."
    assert said[1].startswith("Made with a warning: ")
    calm = replace(measured, latest=replace(accesses.latest, warnings=()))
    [task] = tasks(replace(facts, tables=(calm,), refusals=()))
    assert task.what == "Validity: 80.0 % of the expectations are met."


def test_lineage_goes_one_hop_each_way_with_versions(facts: Facts, pages: dict[str, Reader]) -> None:
    quotes, flows = of(facts, QUOTES.name), of(facts, FLOWS.name)
    assert [(each.table, each.version) for each in quotes.made_of_it] == [(FLOWS.name, 0)]
    assert flows.latest is not None
    assert [(each.table, each.version) for each in flows.latest.inputs] == [(QUOTES.name, 0)]
    comparison = of(facts, "tweets/migration_comparison")
    assert comparison.latest is not None
    assert ("tweets/users", None) in [(each.table, each.version) for each in comparison.latest.inputs]
    assert "a" * 16 in pages[path_of(QUOTES.name)].text, "the hash of the file"


def test_an_expectation_is_told_with_its_words_its_bound_and_what_was_found(pages: dict[str, Reader]) -> None:
    told = pages[path_of(ACCESSES.name)].text
    for said in ("does everybody who looks have a reason?", "at most 20", "1 of 1 rows otherwise", "published, with a"):
        assert said in told
    # Of what is about people, the gate tells numbers only, and nobody looked at this table yet.
    assert "What was found in single rows is told nowhere." in pages[path_of("tweets/users")].text


def test_every_word_of_the_suites_is_on_a_page(facts: Facts, pages: dict[str, Reader]) -> None:
    told = 0
    for table in facts.tables:
        assert table.expectations, table.table.name
        for each in table.expectations:
            assert each.notes in pages[path_of(table.table.name)].text
            told += bool(each.notes)
    assert told > 50


def test_outages_that_are_noted_are_told_with_what_was_had_later(facts: Facts, pages: dict[str, Reader]) -> None:
    assert [each["is_over"] for each in facts.outages] == [False, True, True], "the newest first"
    began = [second(each["began_utc"]) for each in facts.outages]
    ended = [second(each["ended_utc"]) for each in facts.outages]
    told = pages["outages.html"].text.split("Outages that are noted")[-1].split("Files by source")[0]
    places = [told.index(said) for said in (began[0], "lasts", "nothing", began[1], ended[1], began[2], ended[2])]
    assert places == sorted(places)
    assert f"no byte {MARKUP}" in told
    assert ended[0] not in told
    assert f"from {second(facts.outages[1]['backfilled_from_utc'])} on" in told
    assert told.rstrip().endswith("all")


def test_changes_between_two_moments(world: World, facts: Facts) -> None:
    said = {(change.kind, change.subject): change.said for change in facts.changes}
    assert "2 publications" in said["tables", ACCESSES.name]
    assert said["files", "prices"] == "3 files came: 1 accepted, 2 refused"
    assert ("releases", FLOWS.name) in said
    first = lake.history(world.home, ACCESSES)[-1].published_utc
    later = gather(world.home, world.settings, since=first, until=NOW + timedelta(days=1))
    assert ("parameters", ACCESSES.name, "most: 5 became 6") in [(c.kind, c.subject, c.said) for c in later.changes]
    assert not gather(world.home, world.settings, since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)).changes


def test_the_summary_is_a_mail_and_no_markup(facts: Facts) -> None:
    told = summary(facts)
    assert len(told.splitlines()) < 80
    assert len(told) < 8_000
    assert "**act now**" in told
    assert r"\<img src=x" in told
    assert "<script>" not in told.replace(r"\<", "")
    assert not {*"\u202e\x1b"} & {*told}


def test_the_summary_counts_as_figures_no_table_of_the_house_about_itself(facts: Facts) -> None:
    of_the_house = [table for table in facts.tables if table.table.domain == "governance"]
    assert any(table.latest for table in of_the_house)
    only = replace(facts, tables=tuple(of_the_house))
    assert "0 tables may be published as soon as somebody approves it, 0 not while" in summary(only)
    assert "0 tables may be published as soon as somebody approves it, 3 not while" in summary(facts)


def test_nothing_ever_came_and_there_is_a_report(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    facts = gather(home, Settings(home=tmp_path))
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before, "to look at a home changes nothing"
    assert {stands(table).light for table in facts.tables} == {Light.NONE}
    assert "nothing needs a person" in reading(write_pages(facts, home.reports / "governance")).text


def relative(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_a_report_takes_the_place_of_the_one_before(tmp_path: Path, facts: Facts) -> None:
    facts = replace(facts, tables=facts.tables[:2])
    start = write_pages(facts, tmp_path / "report")
    (tmp_path / "report" / "stale.html").write_text("old")
    assert write_pages(facts, tmp_path / "report") == start
    assert not (tmp_path / "report" / "stale.html").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_while_a_report_takes_the_place_of_another_no_page_of_the_one_that_begins_it_is_lacking(
    tmp_path: Path, facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, later = (replace(facts, tables=tables) for tables in (facts.tables[:3], facts.tables[2:5]))
    pages = {
        write_pages(each, tmp_path / "alone").read_bytes(): relative(tmp_path / "alone") for each in (later, former)
    }
    (tmp_path / "alone").rename(tmp_path / "report")
    start, looked = tmp_path / "report" / "index.html", []

    def look() -> None:
        looked.append(start.read_bytes())
        assert pages[looked[-1]] <= relative(start.parent)

    def before_and_after(change: Callable[..., Any]) -> Callable[..., Any]:
        def changing(*args: object, **kwargs: object) -> Any:
            look()
            changed = change(*args, **kwargs)
            look()
            return changed

        return changing

    for name in ("replace", "rename", "unlink"):
        monkeypatch.setattr(Path, name, before_and_after(getattr(Path, name)))
    monkeypatch.setattr(shutil, "rmtree", before_and_after(shutil.rmtree))
    write_pages(later, tmp_path / "report")
    assert len(set(looked)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_register_that_cannot_be_used_keeps_no_report_from_being_made(world: World, tmp_path: Path) -> None:
    (tmp_path / "register.toml").write_text('[tables."no/table"]\npurpose = "none"\n')
    facts = gather(Home(tmp_path).ensure(), world.settings)
    [task] = tasks(facts)
    assert "no/table" in task.what


def test_a_suite_that_cannot_be_used_needs_a_person(world: World, tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    overlay = home.expectations / f"{FLOWS.name}.json"
    overlay.parent.mkdir(parents=True)
    overlay.write_text("{no")
    facts = gather(home, world.settings)
    [task] = tasks(facts)
    assert (task.light, task.table) == (Light.BAD, FLOWS.name)
    assert stands(of(facts, FLOWS.name)).light is Light.BAD
    assert "is not valid JSON" in task.what


def many() -> Iterator[Publication]:
    for number in range(2_000):
        yield Publication(number, NOW - timedelta(hours=number), 10, 20, number % 3, number % 2)


def test_a_page_of_a_table_with_a_long_and_bad_history_stays_small(facts: Facts) -> None:
    quotes = of(facts, QUOTES.name)
    assert quotes.latest is not None
    drop = quotes.refusals[0].drop
    assert drop is not None
    wide = replace(
        quotes,
        publications=tuple(many()),
        refusals=quotes.refusals * 1_000,
        latest=replace(quotes.latest, files=(drop,) * 10_000, warnings=(("said", "words " * 40),) * 1_000),
    )
    page = as_html(table_page(wide, facts.listed), site(facts))
    assert b"<svg" in page
    assert len(page) < LARGEST_BYTES


def test_every_page_is_small(pages: dict[str, Reader]) -> None:
    assert {path: page.size for path, page in pages.items() if page.size >= LARGEST_BYTES} == {}
