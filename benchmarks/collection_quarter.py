"""A quarter of mornings in three simulated shops where a tenth of the requests goes wrong, judged by their own logs.

    python benchmarks/collection_quarter.py [DAYS]

Prints how many requests there were, what befell them, whether manners were ever broken, how many quotes came, and
whether they are the truth of the pages that were answered; and whether every failure is in a manifest.
"""

import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
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
PAGE_SIZE, DELAY_SECONDS = 4, 0.01
# Hangs are waited for, so they are rarer than the rest.
KINDS = (*("busy", "unavailable", "error", "broken", "refused", "layout", "moved") * 3, "hang")
SHELF, BECOMES = "Cola", "Soft_drinks"
QUICK = {
    "delay_seconds": DELAY_SECONDS,
    "time_out_seconds": 4,
    "backoff_seconds": 0.02,
    "attempts": 3,
    "patience": 8,
    "jitter_minutes": 0,
    "evidence_days": 5,
}


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 91
    with TemporaryDirectory() as folder:
        quarter(Path(folder), days)


def quarter(folder: Path, days: int) -> None:
    """Ask three shops on every morning, and hold what came against their logs and their shelves."""
    scale = Scale("quarter", days=days, quotes_per_day=150, items="small", compress=False, faults=NO_FAULTS)
    simulate_prices(folder / "drops", folder / "truth", scale=scale)
    dates = Stock.of(folder / "truth").days
    stock = Stock.of(folder / "truth", (Renaming("larkmere", SHELF, BECOMES, dates[days // 2]),))
    faults = Faults(rate=0.1, kinds=KINDS, hang_seconds=4.5, no_robots=(dates[days // 3],))
    settings = Settings(home=folder / "home")
    made: list[dict[str, Any]] = []
    accepted = 0
    began = time.monotonic()
    with ExitStack() as stack:
        servers = {}
        for number, name in enumerate(SHOPS):
            shop = ShopServer(stock, name, dates[0], replace(faults, seed=number), page_size=PAGE_SIZE)
            servers[name] = stack.enter_context(shop)
            path = settings.home / "collectors" / "prices" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(yaml.safe_dump(describe(stock, name, shop.address, dates[0], **QUICK)))
        for day in dates:
            for shop in servers.values():
                shop.day = day
            said = collecting.collect(settings, SHOPS, lambda _: None, ahead=ahead(day))
            for place, each in enumerate(said):
                if any(one["becomes"] == BECOMES for one in each["proposals"]):
                    said[place] = collecting.accept(settings, each["retailer"], "the benchmark")[-1]
                    accepted += 1
            made += said
    seconds = time.monotonic() - began
    logs = {name: list(shop.log) for name, shop in servers.items()}
    tell(settings, stock, logs, made, accepted, seconds)


def ahead(day: date) -> timedelta:
    """By how much eight o'clock of a day goes before now."""
    morning = datetime.combine(day, datetime.min.time(), ZoneInfo("Europe/London")) + timedelta(hours=8)
    return morning - datetime.now(UTC)


def tell(
    settings: Settings,
    stock: Stock,
    logs: dict[str, list[Logged]],
    made: list[dict[str, Any]],
    accepted: int,
    seconds: float,
) -> None:
    """Print what came of it."""
    every = [each for log in logs.values() for each in log]
    print(f"{len(made)} runs, {len(every):,} requests, {seconds:.0f} seconds of the clock")
    print("what befell them:", dict(Counter(each.fault or "nothing" for each in every).most_common()))
    print("statuses:", dict(sorted(Counter(each.status for each in every).items())))
    forbidden = sum(each.target.startswith(site.FORBIDDEN) for each in every)
    gaps = [after.at - before.at for log in logs.values() for before, after in pairwise(log)]
    cookies = sum("cookie" in each.headers for each in every)
    print(f"forbidden pages asked: {forbidden}; requests with a cookie: {cookies}")
    print(
        f"shortest time between two requests: {1000 * min(gaps):.1f} ms, where {1000 * DELAY_SECONDS:.0f} is the delay"
    )
    print("runs:", dict(Counter(each["status"] for each in made)))
    print(f"renamed shelves accepted: {accepted}")
    quotes = wrong = named = unnamed = 0
    for each in made:
        log = [one for one in logs[each["retailer"]] if one.day.isoformat() == each["day"]]
        truth = {row for one in log if one.articles for row in shown(stock, each["retailer"], one)}
        got = set(rows(settings, each))
        # Pages that were looked at for a shelf that is gone are no quotes until somebody accepts it.
        looked_at = {row for row in truth - got if each["proposals"]}
        wrong += len(truth ^ got) - len(looked_at)
        quotes += len(got)
        failed = {urlsplit(one["address"])._replace(scheme="", netloc="").geturl() for one in each["failures"]}
        last = {one.target: one for one in log if one.target != "/robots.txt"}
        lost = {target for target, one in last.items() if one.fault not in (None, "layout")}
        named += len(lost & failed)
        unnamed += len(lost - failed)
    print(f"{quotes:,} quotes; rows that are not the truth of an answered page, or are lacking: {wrong}")
    print(f"pages without an answer: {named} in the manifests, {unnamed} not")


def rows(settings: Settings, manifest: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    """Item, product and price of each line of the file of a run."""
    if manifest["file"] is None:
        return []
    path = settings.home / "drops" / "prices" / manifest["file"]
    lines = pl.read_csv(path, infer_schema=False).select("item_id", "product", "price")
    return [(item, name, Decimal(price)) for item, name, price in lines.iter_rows()]


def shown(stock: Stock, retailer: str, seen: Logged) -> set[tuple[str, str, Decimal]]:
    """What a page showed by the truth."""
    parts, query = urlsplit(seen.target), parse_qs(urlsplit(seen.target).query)
    number = int(query.get("page", ["1"])[0])
    kind = query.get("kind", [None])[0]
    items = [each for each in stock.items(retailer) if site.path_of(stock, retailer, each, seen.day) == parts.path]
    item = kind or items[0]
    articles = stock.articles(retailer, item, seen.day)[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return {(item, each.name, each.price) for each in articles}


if __name__ == "__main__":
    main()
