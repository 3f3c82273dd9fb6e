"""What a shop answers, and what a collector makes of it: a page, one more attempt, or nothing, and why."""

import email.utils
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from ons_assets.collectors.prices.pages import Page

# "page" and "gone" are answers; the others are recorded as failures.
Kind = Literal["page", "gone", "refused", "failed", "never_asked"]
Verdict = Literal["page", "unchanged", "elsewhere", "gone", "refused", "again", "failed"]

ELSEWHERE = (301, 302, 303, 307, 308)
GONE = (404, 410)
REFUSED = (401, 402, 403, 405, 406, 407, 451)
# A busy or failing server; 52x are those of proxies before it.
AGAIN = (408, 425, 429, 500, 502, 503, 504, *range(520, 528))
UNCHANGED = 304
MOST_HOPS = 5
# Of robots.txt, which may be longer: RFC 9309, section 2.5.
ROBOTS_BYTES = 512 * 1024


@dataclass(frozen=True)
class Reply:
    """One answer of a server to one request.

    Parameters
    ----------
    status
        Of HTTP.
    body
        After decompression.
    headers
        By names in small letters; cookies are not among them.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """Return a header; an empty text, if there is none."""
        return dict(self.headers).get(name, "")


class NoReply(Exception):
    """A server gave no whole answer; the message says in some words why."""


@dataclass(frozen=True)
class Answer:
    """What came of asking for one address, after all attempts.

    Parameters
    ----------
    address
        That was wanted.
    kind
        What it is.
    reason
        Why there is no page; None if there is one.
    asked_utc
        When the request was sent that was answered, or the last one.
    page
        What was answered; None if there is no page.
    sha256
        Of the body of the page.
    """

    address: str
    kind: Kind
    reason: str | None = None
    asked_utc: datetime | None = None
    page: Page | None = None
    sha256: str | None = None


def verdict(status: int) -> Verdict:
    """Return what a status means to a collector.

    >>> verdict(200), verdict(304), verdict(301), verdict(410), verdict(403), verdict(429), verdict(501)
    ('page', 'unchanged', 'elsewhere', 'gone', 'refused', 'again', 'failed')
    """
    said = {UNCHANGED: "unchanged", 204: "failed", 205: "failed", 206: "failed"}
    said |= dict.fromkeys(ELSEWHERE, "elsewhere") | dict.fromkeys(GONE, "gone")
    said |= dict.fromkeys(REFUSED, "refused") | dict.fromkeys(AGAIN, "again")
    return cast(Verdict, said.get(status, "page" if 200 <= status < 300 else "failed"))


def seconds_to_wait(retry_after: str, now: datetime) -> float | None:
    """Return for how long a server asks to be left alone, from its header Retry-After; None if it does not say.

    Parameters
    ----------
    retry_after
        Seconds, or a day and time of HTTP.
    now
        With a time zone.
    """
    text = retry_after.strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


class Rules:
    """What a shop's robots.txt allows a collector.

    Parameters
    ----------
    text
        Of the file; None if nothing is allowed.
    agent
        As the collector calls itself.
    sentence
        How the rules came to be known.
    """

    def __init__(self, text: str | None, agent: str, sentence: str) -> None:
        from protego import Protego

        # Protego looks for the names of the rules anywhere in it, and the rest is words of every day.
        self.sentence, self.agent = sentence, agent.split()[0]
        self._rules = None if text is None else Protego.parse(text)

    @classmethod
    def of(cls, reply: Reply | None, agent: str) -> "Rules":
        """Return the rules of a reply, strictly where RFC 9309 leaves it open or lenient.

        A shop whose robots.txt cannot be had (no answer, 5xx, 429), or not by us (401, 403), is not asked for anything;
        one that has none (other 4xx) allows everything.

        Parameters
        ----------
        reply
            Of /robots.txt, after it led elsewhere; None if there was none.
        agent
            As the collector calls itself.
        """
        if reply is None:
            return cls(None, agent, "robots.txt could not be had, so that nothing may be asked")
        if 200 <= reply.status < 300:
            # A byte-order mark would hide the first rule from the parser.
            text = reply.body[:ROBOTS_BYTES].decode("utf-8-sig", "replace")
            return cls(text, agent, "robots.txt was read")
        if 400 <= reply.status < 500 and reply.status not in (401, 403, 429):
            return cls("", agent, f"there is no robots.txt (status {reply.status}), so that everything may be asked")
        return cls(None, agent, f"robots.txt was answered with status {reply.status}, so that nothing may be asked")

    def allow(self, address: str) -> bool:
        """Return whether an address may be asked."""
        return self._rules is not None and bool(self._rules.can_fetch(address, self.agent))

    @property
    def delay_seconds(self) -> float:
        """Time between requests that the shop asks for; 0 if it does not."""
        if self._rules is None:
            return 0.0
        rate = self._rules.request_rate(self.agent)
        by_rate = rate.seconds / rate.requests if rate is not None and rate.requests else 0.0
        return max(float(self._rules.crawl_delay(self.agent) or 0.0), by_rate)
