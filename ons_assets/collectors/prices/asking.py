"""Asking a shop politely: one request at a time, never sooner than it likes, never what it forbids.

Between an answer and the next request lies the delay of the description, or the longer one of robots.txt, whatever the
request is for: a page, one more attempt, robots.txt itself, where a page leads to. What the shop refuses is not asked
again. After some pages in a row without an answer, or when the shop asks for a longer peace, the run ends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from ons_assets.collectors.prices.answers import MOST_HOPS, Answer, NoReply, Reply, Rules, seconds_to_wait, verdict
from ons_assets.collectors.prices.journal import Journal
from ons_assets.collectors.prices.pages import Page, asks_for_a_person, joined

Download = Callable[[str, Mapping[str, str]], Awaitable[Reply]]
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], datetime]
HOURS_OVER = "the hours in which the shop may be asked are over"


@dataclass(frozen=True)
class Validator:
    """How a shop is asked whether a page changed since it was kept.

    Parameters
    ----------
    sha256
        Of the page that was kept.
    etag, last_modified
        As the shop said them with it; empty if it did not.
    content_type, led_to
        As they were.
    """

    sha256: str
    etag: str
    last_modified: str
    content_type: str = ""
    led_to: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What is sent."""
        return {
            name: value
            for name, value in (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
            if value
        }


class Stopped(Exception):
    """The run asks nothing more; the message says why."""


class Asker:
    """Asks the pages of one run.

    Parameters
    ----------
    journal
        Of the run; says what was asked before.
    download
        Sends one request; raises `NoReply`.
    now
        Clock of the run.
    validators
        By address, of pages that were kept by runs before.
    sleep
        Waits for so many seconds.
    """

    def __init__(
        self,
        journal: Journal,
        download: Download,
        now: Clock,
        validators: Mapping[str, Validator] | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.journal, self.shop, self.plan = journal, journal.shop, journal.plan
        self._download, self._now, self._sleep = download, now, sleep
        self._validators = validators or {}
        self._requests = journal.requests()
        self._stopped: str | None = None
        self._unanswered = 0
        self._rules: Rules | None = None
        # Another run, or this one before it was killed, may have asked a moment ago.
        self._free_utc, self._last_asked = now(), now()
        self._home = urlsplit(self.shop.address)

    async def read_rules(self) -> Rules:
        """Ask for robots.txt, at every start: a run that was killed may go on under new rules."""
        address = f"{self._home.scheme}://{self._home.netloc}/robots.txt"
        reply: Reply | None = None
        why = ""
        try:
            reply = await self._with_attempts(address)
            for _ in range(MOST_HOPS):
                if verdict(reply.status) != "elsewhere":
                    break
                target = joined(address, reply.header("location"))
                if target is None or urlsplit(target).netloc != self._home.netloc:
                    raise NoReply("leads to another host")
                reply, address = await self._with_attempts(target), target
        except NoReply as error:
            reply, why = None, f": {error}"
        except Stopped as error:
            reply, self._stopped = None, str(error)
            why = f": {error}"
        self._rules = Rules.of(reply, self.plan.agent)
        said = {"sentence": f"{self._rules.sentence}{why}", "status": reply.status if reply else None}
        body = reply.body if reply is not None and 200 <= reply.status < 300 else None
        said |= {"sha256": self.journal.pages.keep(body) if body is not None else None}
        self.journal.write("robots", {**said, "delay_seconds": self._rules.delay_seconds})
        return self._rules

    async def ask(self, address: str) -> Answer:
        """Ask for a page, and write down what came of it.

        Parameters
        ----------
        address
            In full.
        """
        answer, reply, unchanged = Answer(address, "never_asked", self._stopped), None, False
        if self._stopped is None:
            try:
                answer, reply, unchanged = await self._asked(address)
            except Stopped as error:
                self._stopped = str(error)
                answer = Answer(address, "never_asked", self._stopped)
        self.journal.answered(answer, reply, unchanged=unchanged)
        self._count(answer)
        return answer

    def _count(self, answer: Answer) -> None:
        if answer.kind in ("page", "gone"):
            self._unanswered = 0
        elif answer.asked_utc is not None:
            self._unanswered += 1
            if self._unanswered >= self.shop.patience and self._stopped is None:
                self._stopped = (
                    f"{self._unanswered} pages in a row were not answered, the last because: {answer.reason}"
                )

    async def _asked(self, address: str) -> tuple[Answer, Reply | None, bool]:
        """Follow where an address leads to, and judge what is there."""
        assert self._rules is not None, "robots.txt is read first"
        here, known = address, self._validators.get(address)
        been: list[str] = []
        asked: datetime | None = None
        while True:
            if (why := self._forbidden(here, been)) is not None:
                return Answer(address, "refused" if not been else "failed", why, asked), None, False
            asked = self._now()
            try:
                reply = await self._with_attempts(here, known.headers if known and not been else {})
            except NoReply as error:
                return Answer(address, "failed", str(error), self._last_asked), None, False
            asked = self._last_asked
            been.append(here)
            if verdict(reply.status) != "elsewhere":
                break
            target = joined(here, reply.header("location"))
            if target is None:
                return Answer(address, "failed", "leads to no address", asked), reply, False
            here = target
        return self._judged(address, here, reply, known if len(been) == 1 else None, asked)

    def _forbidden(self, address: str, been: list[str]) -> str | None:
        """Why an address is not asked."""
        assert self._rules is not None, "robots.txt is read first"
        if urlsplit(address).netloc != self._home.netloc:
            return "leads to another host"
        if address in been or len(been) > MOST_HOPS:
            return "leads in a circle, or from one address to the next without end"
        return None if self._rules.allow(address) else "robots.txt forbids it, or could not be had"

    def _judged(
        self, address: str, here: str, reply: Reply, known: Validator | None, asked: datetime | None
    ) -> tuple[Answer, Reply, bool]:
        kind, status = verdict(reply.status), f"status {reply.status}"
        if kind == "unchanged" and known is not None:
            page = Page(known.led_to or here, self.journal.pages.body(known.sha256), known.content_type)
            return Answer(address, "page", None, asked, page, known.sha256), reply, True
        if kind == "page":
            page = Page(here, reply.body, reply.header("content-type"))
            if not reply.body.strip():
                return Answer(address, "failed", "the page is empty", asked), reply, False
            return Answer(address, "page", None, asked, page, self.journal.pages.keep(reply.body)), reply, False
        if kind == "gone":
            return Answer(address, "gone", f"there is no such page ({status})", asked), reply, False
        challenge = asks_for_a_person(Page(here, reply.body))
        if kind == "refused":
            why = "the shop asks for a proof that one is a person" if challenge else "the shop refuses"
            return Answer(address, "refused", f"{why} ({status})", asked), reply, False
        return Answer(address, "failed", f"answered with {status}", asked), reply, False

    async def _with_attempts(self, address: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask an address as often as the description says, longer and longer apart.

        Raises
        ------
        NoReply
            If there was no answer.
        Stopped
            If nothing may be asked any more.
        """
        wait = self.shop.backoff_seconds
        for attempt in range(1, self.shop.attempts + 1):
            last = attempt == self.shop.attempts
            asked_for = None
            try:
                reply = await self._once(address, headers or {})
            except NoReply:
                if last:
                    raise
            else:
                if verdict(reply.status) != "again":
                    return reply
                asked_for = seconds_to_wait(reply.header("retry-after"), self._now())
                if asked_for is not None and asked_for > self.shop.longest_wait_seconds:
                    raise Stopped(
                        f"the shop asked to be left alone for {asked_for:.0f} seconds (status {reply.status})"
                    )
                if last:
                    return reply
            await self._sleep(max(wait, asked_for or 0.0))
            wait *= 2
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, address: str, headers: Mapping[str, str]) -> Reply:
        """Send one request, when it may be sent."""
        if self._requests >= self.shop.most_pages:
            raise Stopped(f"the limit of {self.shop.most_pages} requests (most_pages) is reached")
        delay = max(self.shop.delay_seconds, self._rules.delay_seconds if self._rules else 0.0)
        if (left := delay - (self._now() - self._free_utc).total_seconds()) > 0:
            if left > (self.plan.ends_utc - self._now()).total_seconds():
                raise Stopped(HOURS_OVER)
            await self._sleep(left)
        if self._now() > self.plan.ends_utc:
            raise Stopped(HOURS_OVER)
        self._requests += 1
        self._last_asked = self._now()
        self.journal.asking(address, self._last_asked)
        try:
            return await self._download(address, headers)
        finally:
            self._free_utc = self._now()


def validators_of(lines: list[Mapping[str, object]]) -> dict[str, Validator]:
    """Return how the pages of a run can be asked for changes, from the lines of its journal.

    Parameters
    ----------
    lines
        In their order.
    """
    known: dict[str, Validator] = {}
    for each in lines:
        if each["what"] != "answer" or each["kind"] != "page":
            continue
        said = Validator(
            str(each["sha256"]),
            str(each["etag"] or ""),
            str(each["last_modified"] or ""),
            str(each["content_type"] or ""),
            str(each["led_to"]) if each["led_to"] else None,
        )
        if said.headers and said.led_to is None:
            known[str(each["address"])] = said
    return known
