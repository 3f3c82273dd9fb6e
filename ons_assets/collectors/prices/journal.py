"""The folder of a run: what was asked and answered, line by line, so that nothing is asked twice.

A page is kept first, then its answer is written down, so that a run that is killed goes on from where it was: only the
page that was under way at that moment is asked again. Pages are kept by their hash, packed, for all runs of a shop
together: a page that did not change is kept once.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ons_assets.collectors.prices.answers import Answer, Reply
from ons_assets.collectors.prices.pages import Page, packed
from ons_assets.collectors.prices.shops import Shop, from_written, written
from ons_assets.lakehouse.home import PRIVATE_DIRECTORY, PRIVATE_FILE, unfinished, write_atomically


class DamagedPage(ValueError):
    """A page that was kept is not what it was; the message is one sentence."""


@dataclass(frozen=True)
class Plan:
    """What a run is, from its first moment on.

    Parameters
    ----------
    run
        Its stamp, YYYYMMDDHHMMSS by the clock of the shop.
    began_utc, ends_utc
        When it began, and after which moment nothing is asked any more.
    zone
        Of the clock of the shop.
    agent
        As the collector calls itself.
    clock_ahead_seconds
        By how much the clock of the run goes before that of the machine; 0 but in simulated worlds.
    """

    run: str
    began_utc: datetime
    ends_utc: datetime
    zone: str
    agent: str
    clock_ahead_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**vars(self), "began_utc": self.began_utc.isoformat(), "ends_utc": self.ends_utc.isoformat()}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "Plan":
        """Return what `as_json` gave."""
        moments = {name: datetime.fromisoformat(said[name]) for name in ("began_utc", "ends_utc")}
        return cls(**{**said, **moments})


class PageStore:
    """Pages of a shop, kept by their hash.

    Parameters
    ----------
    folder
        Where they lie; only its owner can open it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where a page lies, or would lie."""
        return self.folder / sha256[:2] / f"{sha256}.gz"

    def keep(self, body: bytes) -> str:
        """Keep a page, and return its hash; one that is kept already but damaged is kept anew."""
        sha256 = hashlib.sha256(body).hexdigest()
        path = self.path(sha256)
        if not self.has(sha256):
            path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
            partial = unfinished(path)
            partial.touch(PRIVATE_FILE)
            partial.write_bytes(packed(body))
            partial.replace(path)
        return sha256

    def has(self, sha256: str) -> bool:
        """Return whether a page is kept, and is what it was."""
        try:
            self.body(sha256)
        except DamagedPage:
            return False
        return True

    def body(self, sha256: str) -> bytes:
        """Return a page.

        Raises
        ------
        DamagedPage
            If it is not there, or not what was kept.
        """
        try:
            body = gzip.decompress(self.path(sha256).read_bytes())
        except (OSError, EOFError, zlib.error):
            raise DamagedPage(f"the page {sha256[:12]} is not kept any more, or is damaged") from None
        if hashlib.sha256(body).hexdigest() != sha256:
            raise DamagedPage(f"the page {sha256[:12]} is not what was kept")
        return body

    def forget_all_but(self, hashes: set[str]) -> int:
        """Remove every page that is not named; return how many went."""
        gone = [each for each in self.folder.glob("*/*.gz") if each.name.removesuffix(".gz") not in hashes]
        for each in gone:
            each.unlink()
        return len(gone)


class Journal:
    """What one run asked, and what was answered.

    Parameters
    ----------
    folder
        Of the run.
    pages
        Where pages are kept.
    """

    def __init__(self, folder: Path, pages: PageStore) -> None:
        self.folder, self.pages = folder, pages
        self.path = folder / "journal.jsonl"

    @classmethod
    def begin(cls, folder: Path, pages: PageStore, plan: Plan, shop: Shop) -> "Journal":
        """Make the folder of a run.

        Parameters
        ----------
        folder
            Of the run; only its owner can open it.
        pages
            Where pages are kept.
        plan, shop
            What the run is to be, and the description that it keeps to.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        write_atomically(folder / "shop.json", written(shop).encode())
        # A run has begun when its plan is there.
        write_atomically(folder / "plan.json", json.dumps(plan.as_json()).encode())
        return cls(folder, pages)

    @cached_property
    def plan(self) -> Plan:
        """What the run is."""
        return Plan.of_json(json.loads((self.folder / "plan.json").read_bytes()))

    @cached_property
    def shop(self) -> Shop:
        """Description that the run keeps to."""
        return from_written((self.folder / "shop.json").read_text())

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what is written; a last line that was cut off by a kill counts for nothing."""
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)

    def write(self, what: str, said: Mapping[str, Any]) -> None:
        """Add a line, which outlives a kill of the process; after a power cut pages may have to be asked again."""
        self._mend()
        with self.path.open("ab") as file:
            file.write(json.dumps({"what": what, **said}).encode() + b"\n")

    def _mend(self) -> None:
        """Cut off what a kill left of a line, which would spoil the next."""
        if not self.path.exists():
            self.path.touch(PRIVATE_FILE)
            return
        with self.path.open("rb+") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() == 0:
                return
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.seek(0)
                file.truncate(file.read().rfind(b"\n") + 1)

    def asking(self, address: str, at_utc: datetime) -> None:
        """Write down that a request is about to be sent."""
        self.write("asking", {"address": address, "at_utc": at_utc.isoformat()})

    def answered(self, answer: Answer, reply: Reply | None, *, unchanged: bool = False) -> None:
        """Write down what came of asking for an address.

        Parameters
        ----------
        answer
            After all attempts.
        reply
            The last one of the shop; None if there was none.
        unchanged
            Whether the shop said that the page is as it was kept before.
        """
        page = answer.page
        said = {
            "address": answer.address,
            "kind": answer.kind,
            "reason": answer.reason,
            "asked_utc": answer.asked_utc.isoformat() if answer.asked_utc else None,
            "status": reply.status if reply else None,
            "sha256": answer.sha256,
            "bytes": len(page.body) if page and not unchanged else 0,
            "unchanged": unchanged,
            "led_to": page.address if page and page.address != answer.address else None,
            "content_type": page.content_type if page else None,
            "etag": reply.header("etag") if reply else "",
            "last_modified": reply.header("last-modified") if reply else "",
        }
        self.write("answer", said)

    def answers(self) -> dict[str, Answer]:
        """Return what was answered, by address; a page that is not what was kept is none, and says so."""
        said = [each for each in self.lines() if each["what"] == "answer"]
        return {each["address"]: self._answer(each) for each in said}

    def whole_answers(self) -> dict[str, Answer]:
        """Return what was answered, by address, without pages that a power cut took: they are asked again."""
        kept = self.answers()
        taken = [each["address"] for each in self.lines() if each["what"] == "answer" and each["kind"] == "page"]
        return {address: each for address, each in kept.items() if each.page is not None or address not in taken}

    def _answer(self, said: Mapping[str, Any]) -> Answer:
        moment = datetime.fromisoformat(said["asked_utc"]) if said["asked_utc"] else None
        if said["kind"] != "page":
            return Answer(said["address"], said["kind"], said["reason"], moment)
        try:
            body = self.pages.body(said["sha256"])
        except DamagedPage as error:
            return Answer(said["address"], "failed", str(error), moment)
        page = Page(said["led_to"] or said["address"], body, said["content_type"] or "")
        return Answer(said["address"], "page", None, moment, page, said["sha256"])

    @property
    def has_ended(self) -> bool:
        """Whether the run went its whole way."""
        return any(each["what"] == "end" for each in self.lines())

    def requests(self) -> int:
        """Return how many requests were sent."""
        return sum(each["what"] == "asking" for each in self.lines())
