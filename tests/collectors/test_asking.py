"""Manners, on a clock of their own: what is asked of a shop, when, how often, and when nothing more is."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ons_assets.collectors.prices.answers import NoReply, Reply, Rules, seconds_to_wait, verdict
from ons_assets.collectors.prices.asking import Asker, Validator, validators_of
from ons_assets.collectors.prices.journal import Journal, PageStore, Plan
from ons_assets.collectors.prices.runs import Runs
from tests.collectors.test_pages import shop

HOME = "https://www.shop.example"
BEGAN = datetime(2026, 11, 30, 8, tzinfo=UTC)
AGENT = "ons-assets/0.3 (+prices@office.example)"
PAGE = Reply(200, b"<p>page</p>", (("content-type", "text/html"),))
Answers = Mapping[str, "list[Reply | NoReply] | Reply"]


class Shop:
    """Answers as it is told, and knows the time: every answer takes half a second."""

    def __init__(
        self, folder: Path, answers: Answers, validators: dict[str, Validator] | None = None, **said: Any
    ) -> None:
        self.now, self.answers = BEGAN, {"/robots.txt": Reply(404), **answers}
        self.asked: list[tuple[str, float]] = []
        self.ended: list[float] = []
        self.headers: list[Mapping[str, str]] = []
        plan = Plan("20261130080000", BEGAN, BEGAN + timedelta(hours=4), "Europe/London", AGENT)
        self.journal = Journal.begin(folder / "run", PageStore(folder / "pages"), plan, shop(**said))
        self.asker = Asker(self.journal, self.download, lambda: self.now, validators, self.sleep)

    async def download(self, address: str, headers: Mapping[str, str]) -> Reply:
        path = address.removeprefix(HOME)
        self.asked.append((path, (self.now - BEGAN).total_seconds()))
        self.headers.append(headers)
        self.now += timedelta(seconds=0.5)
        self.ended.append((self.now - BEGAN).total_seconds())
        said = self.answers[path]
        reply = said if isinstance(said, Reply) else said.pop(0)
        if isinstance(reply, NoReply):
            raise reply
        return reply

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def ask(self, *paths: str) -> list[tuple[str, str | None]]:
        async def all_of_them() -> list[tuple[str, str | None]]:
            await self.asker.read_rules()
            answers = [await self.asker.ask(each if "://" in each else HOME + each) for each in paths]
            return [(each.kind, each.reason) for each in answers]

        return asyncio.run(all_of_them())

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    @property
    def gaps(self) -> list[float]:
        """Seconds from each answer to the next request."""
        return [begun - ended for (_, begun), ended in zip(self.asked[1:], self.ended, strict=False)]


def robots(text: str) -> Reply:
    return Reply(200, text.encode())


def test_between_an_answer_and_the_next_request_lies_the_delay(tmp_path: Path) -> None:
    asked = Shop(tmp_path, {"/a": PAGE, "/b": [Reply(500), PAGE], "/c": PAGE}, delay_seconds=5, backoff_seconds=1)
    asked.ask("/a", "/b", "/c")
    assert asked.paths == ["/robots.txt", "/a", "/b", "/b", "/c"]
    # The first as well: a run before may have ended a moment ago.
    assert asked.asked[0][1] == 5
    assert asked.gaps == [5, 5, 5, 5]


@pytest.mark.parametrize("words", ["Crawl-delay: 12", "Request-rate: 5/1m", "Crawl-delay: 3\nRequest-rate: 5/60s"])
def test_robots_may_ask_for_a_longer_delay(tmp_path: Path, words: str) -> None:
    asked = Shop(
        tmp_path, {"/robots.txt": robots(f"User-agent: *\n{words}\n"), "/a": PAGE, "/b": PAGE}, delay_seconds=2
    )
    asked.ask("/a", "/b")
    assert asked.gaps == [12, 12]


def test_a_delay_beyond_the_hours_of_the_shop_is_not_waited_for(tmp_path: Path) -> None:
    asked = Shop(tmp_path, {"/robots.txt": robots("User-agent: *\nCrawl-delay: 86400\n")})
    assert asked.ask("/a", "/b") == [("never_asked", "the hours in which the shop may be asked are over")] * 2
    assert asked.now < BEGAN + timedelta(minutes=1)


def test_words_of_every_day_in_the_introduction_are_no_name() -> None:
    rules = Rules.of(robots("User-agent: *\nDisallow: /\n\nUser-agent: stat\nAllow: /\n"), f"{AGENT} (statistics)")
    assert not rules.allow(f"{HOME}/a")


@pytest.mark.parametrize("year", ["99999999999", "0000", "x"])
def test_no_header_makes_a_run_end(tmp_path: Path, year: str) -> None:
    busy = Reply(503, b"", (("retry-after", f"Fri, 31 Dec {year} 23:59:59 GMT"),))
    assert Shop(tmp_path, {"/a": [busy, PAGE]}).ask("/a") == [("page", None)]


def test_what_robots_forbids_is_not_asked_nor_followed_to(tmp_path: Path) -> None:
    text = "\ufeffUser-agent: *\nDisallow: /basket\nDisallow: /*?sort=\nAllow: /\n"
    moved = Reply(302, b"", (("location", "/basket/1"),))
    asked = Shop(tmp_path, {"/robots.txt": robots(text), "/a": PAGE, "/moved": moved})
    kinds = [kind for kind, _ in asked.ask("/basket", "/a?sort=price", "/moved", "/a")]
    assert kinds == ["refused", "refused", "failed", "page"]
    assert asked.paths == ["/robots.txt", "/moved", "/a"]


@pytest.mark.parametrize("name", ["ons-assets", "ONS-Assets"])
def test_rules_for_the_collector_by_name_hold(tmp_path: Path, name: str) -> None:
    asked = Shop(tmp_path, {"/robots.txt": robots(f"User-agent: *\nAllow: /\n\nUser-agent: {name}\nDisallow: /\n")})
    assert [kind for kind, _ in asked.ask("/a")] == ["refused"]


@pytest.mark.parametrize(
    ("reply", "allowed"),
    [
        (Reply(404), True),
        (Reply(410), True),
        (robots(""), True),
        (robots("<html>not found</html>"), True),
        (Reply(401), False),
        (Reply(403), False),
        (Reply(429), False),
        (Reply(500, b"<h1>error</h1>"), False),
        (Reply(503), False),
        (Reply(301), False),
        (None, False),
    ],
)
def test_robots_that_cannot_be_had_allow_nothing(reply: Reply | None, allowed: bool) -> None:
    assert Rules.of(reply, AGENT).allow(f"{HOME}/a") is allowed


def test_robots_that_lead_elsewhere_are_followed_on_the_same_host_only(tmp_path: Path) -> None:
    there = {"/robots.txt": Reply(301, b"", (("location", "/r.txt"),)), "/r.txt": robots("User-agent: *\nDisallow: /a")}
    assert [kind for kind, _ in Shop(tmp_path / "1", there).ask("/a")] == ["refused"]
    away = {"/robots.txt": Reply(301, b"", (("location", "https://other.example/robots.txt"),))}
    assert [kind for kind, _ in Shop(tmp_path / "2", away).ask("/a")] == ["refused"]


def test_attempts_are_longer_and_longer_apart(tmp_path: Path) -> None:
    answers: Answers = {"/a": [NoReply("no answer"), Reply(503), PAGE]}
    asked = Shop(tmp_path, answers, delay_seconds=1, attempts=3, backoff_seconds=10)
    assert asked.ask("/a") == [("page", None)]
    assert asked.gaps == [1, 10, 20]


def test_a_shop_that_asks_for_peace_has_it(tmp_path: Path) -> None:
    busy = Reply(429, b"", (("retry-after", "60"),))
    asked = Shop(tmp_path / "1", {"/a": [busy, PAGE]}, delay_seconds=1, backoff_seconds=2)
    assert asked.ask("/a") == [("page", None)]
    assert asked.gaps[1] == 60
    long = Reply(503, b"", (("retry-after", "Mon, 30 Nov 2026 10:00:00 GMT"),))
    asked = Shop(tmp_path / "2", {"/a": long}, longest_wait_seconds=300)
    [(kind, why), (after, _)] = asked.ask("/a", "/b")
    assert (kind, after) == ("never_asked", "never_asked")
    assert "asked to be left alone for" in str(why)
    assert asked.paths == ["/robots.txt", "/a"]


def test_a_refusal_is_not_asked_again_and_enough_of_them_end_the_run(tmp_path: Path) -> None:
    answers = {f"/{each}": Reply(403, b"<div class='h-captcha'>") for each in range(3)} | {
        "/gone": Reply(404),
        "/page": PAGE,
    }
    asked = Shop(tmp_path, answers, patience=3)
    said = asked.ask("/0", "/1", "/gone", "/2", "/page")
    assert said[0] == ("refused", "the shop asks for a proof that one is a person (status 403)")
    assert [kind for kind, _ in said] == ["refused", "refused", "gone", "refused", "page"]
    assert asked.paths == ["/robots.txt", "/0", "/1", "/gone", "/2", "/page"]
    asked = Shop(tmp_path / "2", {f"/{each}": Reply(403) for each in range(3)}, patience=2)
    said = asked.ask("/0", "/1", "/2")
    assert [kind for kind, _ in said] == ["refused", "refused", "never_asked"]
    assert "2 pages in a row were not answered" in str(said[2][1])
    assert asked.paths == ["/robots.txt", "/0", "/1"]


@pytest.mark.parametrize(
    ("answers", "path", "why"),
    [
        (
            {"/a": Reply(302, b"", (("location", "/b"),)), "/b": Reply(302, b"", (("location", "/a"),))},
            "/a",
            "in a circle",
        ),
        ({f"/{n}": Reply(302, b"", (("location", f"/{n + 1}"),)) for n in range(9)}, "/0", "without end"),
        ({"/a": Reply(301, b"", (("location", "https://other.example/"),))}, "/a", "leads to another host"),
        ({"/a": Reply(301)}, "/a", None),
        ({"/a": Reply(200, b" \n")}, "/a", "the page is empty"),
        ({"/a": Reply(206, b"half")}, "/a", "answered with status 206"),
        ({"/a": [NoReply("no answer within 30 seconds")] * 3}, "/a", "no answer within 30 seconds"),
    ],
)
def test_what_gives_no_page_is_told(tmp_path: Path, answers: Answers, path: str, why: str | None) -> None:
    [(kind, reason)] = Shop(tmp_path, answers).ask(path)
    assert kind == "failed"
    assert why is None or why in str(reason)


def test_other_hosts_are_not_asked(tmp_path: Path) -> None:
    asked = Shop(tmp_path, {})
    assert (
        asked.ask("https://other.example/a", "https://www.shop.example:8443/a")
        == [("refused", "leads to another host")] * 2
    )
    assert asked.paths == ["/robots.txt"]


def test_the_limit_and_the_hours_end_a_run(tmp_path: Path) -> None:
    asked = Shop(tmp_path / "1", {"/a": PAGE, "/b": PAGE}, most_pages=2)
    assert [kind for kind, _ in asked.ask("/a", "/b")] == ["page", "never_asked"]
    asked = Shop(tmp_path / "2", {"/a": PAGE, "/b": PAGE}, delay_seconds=4 * 3600 - 1)
    [(kind, why)] = asked.ask("/a")
    assert (kind, why) == ("never_asked", "the hours in which the shop may be asked are over")


def test_pages_are_asked_for_changes_only(tmp_path: Path) -> None:
    store = PageStore(tmp_path / "pages")
    kept = Validator(store.keep(b"<p>old</p>"), '"v1"', "Sun, 29 Nov 2026 08:00:00 GMT", "text/html")
    asked = Shop(
        tmp_path,
        {"/a": Reply(304), "/b": Reply(200, b"<p>new</p>", (("etag", '"v2"'),))},
        {f"{HOME}/a": kept, f"{HOME}/b": kept},
    )
    assert asked.ask("/a", "/b") == [("page", None)] * 2
    assert asked.headers[1] == {"If-None-Match": '"v1"', "If-Modified-Since": "Sun, 29 Nov 2026 08:00:00 GMT"}
    answers = asked.journal.answers()
    assert [answers[HOME + each].page.body for each in ("/a", "/b")] == [b"<p>old</p>", b"<p>new</p>"]
    assert validators_of(list(asked.journal.lines())) == {
        f"{HOME}/b": Validator(answers[f"{HOME}/b"].sha256 or "", '"v2"', "", "")
    }


def test_a_page_that_is_damaged_is_not_asked_for_changes(tmp_path: Path) -> None:
    """The shop would say that it did not change, and the run would end over it, that day and every other."""
    runs = Runs(tmp_path).ensure()
    sha256 = runs.pages.keep(b"<p>old</p>")
    said = {f"{HOME}/a": vars(Validator(sha256, '"v1"', ""))}
    (tmp_path / "validators.json").write_text(json.dumps(said))
    assert list(runs.validators()) == [f"{HOME}/a"]
    whole = runs.pages.path(sha256).read_bytes()
    for place in range(len(whole)):
        runs.pages.path(sha256).write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        assert not runs.validators() or runs.pages.body(sha256) == b"<p>old</p>"
    runs.pages.path(sha256).write_bytes(b"")
    assert runs.validators() == {}


def test_a_page_that_was_changed_afterwards_is_not_believed(tmp_path: Path) -> None:
    asked = Shop(tmp_path, {"/a": PAGE})
    asked.ask("/a")
    sha256 = asked.journal.answers()[f"{HOME}/a"].sha256
    path = asked.journal.pages.path(str(sha256))
    content = path.read_bytes()
    other = asked.journal.pages.path(asked.journal.pages.keep(b"other")).read_bytes()
    for damaged, why in ((other, "is not what was kept"), (content[:-9], "damaged")):
        path.write_bytes(damaged)
        answer = asked.journal.answers()[f"{HOME}/a"]
        assert (answer.kind, answer.page) == ("failed", None)
        assert why in str(answer.reason)
        # A run that goes on asks for it again.
        assert asked.journal.whole_answers() == {}
        assert asked.journal.pages.keep(PAGE.body) == sha256
        assert asked.journal.answers()[f"{HOME}/a"].page is not None, "what is answered is kept instead"
    assert asked.journal.pages.forget_all_but({str(sha256)}) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Mon, 30 Nov 2026 08:01:00 GMT", 60),
        ("Mon, 30 Nov 2026 07:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_shop_asks_to_be_left_alone(text: str, seconds: float | None) -> None:
    assert seconds_to_wait(text, BEGAN) == seconds


def test_every_status_means_something() -> None:
    means: Callable[[int], str] = verdict
    assert {means(each) for each in range(100, 600)} == {
        "page",
        "unchanged",
        "elsewhere",
        "gone",
        "refused",
        "again",
        "failed",
    }
