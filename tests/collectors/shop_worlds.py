"""Simulated shops on loopback, and what their own logs say of those who came."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from ons_assets.operations import collecting
from ons_assets.settings import Settings
from ons_assets.simulate.prices import simulate_prices
from ons_assets.simulate.prices.scales import NO_FAULTS, Scale
from ons_assets.simulate.shops import Faults, ShopServer, Stock, describe, site
from ons_assets.simulate.shops.server import Logged
from ons_assets.simulate.shops.stock import Renaming

SHOPS = ("pellworth", "thistlemoor", "larkmere")
DELAY_SECONDS = 0.01
QUICK = {
    "delay_seconds": DELAY_SECONDS,
    "time_out_seconds": 2.5,
    "backoff_seconds": 0.02,
    "attempts": 2,
    "patience": 6,
    "jitter_minutes": 0,
}


def make_world(folder: Path, days: int, quotes_per_day: int = 150) -> Path:
    """Write a world of a few days, and return the folder of its truth."""
    scale = Scale(
        "tiny",
        days=days,
        quotes_per_day=quotes_per_day,
        items="small",
        compress=False,
        exit_rate=0.05,
        faults=NO_FAULTS,
    )
    simulate_prices(folder / "drops", folder / "truth", scale=scale)
    return folder / "truth"


@dataclass
class Street:
    """Three shops that listen, and the home of a collector that knows them."""

    stock: Stock
    servers: dict[str, ShopServer]
    settings: Settings

    def describe(self, day: date, **more: Any) -> None:
        folder = self.settings.home / "collectors" / "prices"
        folder.mkdir(parents=True, exist_ok=True)
        for name, server in self.servers.items():
            said = describe(self.stock, name, server.address, day, **{**QUICK, **more})
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(said))

    def collect(self, day: date, names: tuple[str, ...] = (), **options: Any) -> list[dict[str, Any]]:
        """Ask on a morning of the world."""
        for server in self.servers.values():
            server.day = day
        morning = datetime.combine(day, datetime.min.time(), ZoneInfo("Europe/London")) + timedelta(hours=8)
        ahead = morning - datetime.now(UTC)
        return collecting.collect(self.settings, names, lambda _: None, ahead=ahead, **options)

    def rows(self, manifest: dict[str, Any]) -> pl.DataFrame:
        return pl.read_csv(self.settings.home / "drops" / "prices" / manifest["file"], infer_schema=False)


@contextmanager
def street(
    folder: Path, truth: Path, faults: Faults, renamings: tuple[Renaming, ...] = (), page_size: int = 3
) -> Iterator[Street]:
    """Open three shops, and close them again."""
    stock = Stock.of(truth, renamings)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(ShopServer(stock, name, stock.days[0], faults, page_size=page_size))
            for name in SHOPS
        }
        opened = Street(stock, servers, Settings(home=folder))
        opened.describe(stock.days[0])
        yield opened


def shown(stock: Stock, retailer: str, seen: Logged, page_size: int) -> set[tuple[str, str, Decimal]]:
    """What a page showed by the truth: item, product and price of each article."""
    parts, query = urlsplit(seen.target), parse_qs(urlsplit(seen.target).query)
    number = int(query.get("page", ["1"])[0])
    kind = query.get("kind", [None])[0]
    items = [each for each in stock.items(retailer) if site.path_of(stock, retailer, each, seen.day) == parts.path]
    item = kind or items[0]
    articles = stock.articles(retailer, item, seen.day)[(number - 1) * page_size : number * page_size]
    return {(item, each.name, each.price) for each in articles}


def broken_manners(log: list[Logged], delay_seconds: float) -> list[str]:
    """What a collector did that it must not, by the log of the shop."""
    said = [f"{each.target} is forbidden" for each in log if each.target.startswith(site.FORBIDDEN)]
    for before, after in pairwise(log):
        if (gap := after.at - before.at) < delay_seconds:
            said.append(f"{after.target} came {gap:.4f} seconds after {before.target}")
    said += [f"{each.target} came with a cookie" for each in log if "cookie" in each.headers]
    said += [f"nobody can be reached: {each.agent}" for each in log if "prices@office.example" not in each.agent]
    return said
