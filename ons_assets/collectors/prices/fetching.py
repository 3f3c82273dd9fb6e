"""The process that asks: Scrapy's engine sends the requests of one or several runs, each shop by itself.

    python -m ons_assets.collectors.prices.fetching FOLDER_OF_A_RUN...

Its reactor can be started once in a process, and a run must not die with who asked for it: so it has its own. What may
be asked, and when, `asking` decides; redirects, attempts, cookies and robots.txt are therefore switched off in Scrapy.
"""

import logging
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Request

from ons_assets.collectors.prices.answers import NoReply, Reply
from ons_assets.collectors.prices.asking import Asker
from ons_assets.collectors.prices.crawl import crawl
from ons_assets.collectors.prices.journal import Journal
from ons_assets.collectors.prices.runs import Runs, journal_of, known_before

SETTINGS: Mapping[str, Any] = {
    "CONCURRENT_REQUESTS": 1,
    "DOWNLOAD_DELAY": 0,
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "COOKIES_ENABLED": False,
    "REDIRECT_ENABLED": False,
    "METAREFRESH_ENABLED": False,
    "RETRY_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "HTTPPROXY_ENABLED": True,
    "REFERER_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "HTTPCACHE_ENABLED": False,
    "LOG_LEVEL": "ERROR",
    "EXTENSIONS_BASE": {},
}
KEPT_HEADERS = ("content-type", "etag", "last-modified", "location", "retry-after")


class ShopSpider(scrapy.Spider):
    """Goes through one shop, from where its journal ends."""

    name = "shop"

    def __init__(self, folder: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.journal: Journal = journal_of(Path(folder))

    async def start(self) -> AsyncIterator[Any]:
        """Go the whole way; nothing is yielded, because every answer decides what is asked next."""
        journal, plan = self.journal, self.journal.plan
        ahead = timedelta(seconds=plan.clock_ahead_seconds)
        validators = Runs.of_run(journal.folder).validators()
        asker = Asker(journal, self._download, lambda: datetime.now(UTC) + ahead, validators)
        await asker.read_rules()
        answers = journal.whole_answers()
        way = crawl(journal.shop, known_before(journal))
        try:
            address = next(way)
            while True:
                if address not in answers:
                    answers[address] = await asker.ask(address)
                address = way.send(answers[address])
        except StopIteration:
            journal.write("end", {"at_utc": (datetime.now(UTC) + ahead).isoformat()})
        return
        yield

    async def _download(self, address: str, headers: Mapping[str, str]) -> Reply:
        """Send one request by Scrapy's downloader."""
        shop = self.journal.shop
        request = Request(
            address,
            headers={"User-Agent": self.journal.plan.agent, **headers},
            meta={"download_timeout": shop.time_out_seconds, "download_maxsize": shop.most_page_bytes},
            dont_filter=True,
        )
        engine = self.crawler.engine
        assert engine is not None, "a spider that has started has an engine"
        try:
            response = await engine.download_async(request)
        except DownloadTimeoutError:
            raise NoReply(f"no answer within {shop.time_out_seconds:g} seconds") from None
        except (DownloadCancelledError, IgnoreRequest):
            raise NoReply(f"the page has more than {shop.most_page_bytes:,} bytes") from None
        except Exception as error:
            raise NoReply(f"no answer ({type(error).__name__})") from None
        kept = {name: response.headers.get(name) for name in KEPT_HEADERS}
        said = tuple((name, value.decode("latin-1")) for name, value in kept.items() if value is not None)
        return Reply(response.status, response.body, said)


def fetch(folders: list[str]) -> int:
    """Ask what the runs of some folders want, all shops at once; return 0 if every run came to its end."""
    process = AsyncCrawlerProcess(dict(SETTINGS))
    for folder in folders:
        process.crawl(ShopSpider, folder=folder)
    process.start()
    return 0 if all(journal_of(Path(folder)).has_ended for folder in folders) else 1


if __name__ == "__main__":
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    sys.exit(fetch(sys.argv[1:]))
