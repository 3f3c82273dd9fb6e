"""A run that is killed goes on where it was: no page that was answered is asked again."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.collectors.prices.runs import NotCollected, Runs, fetch, finish
from ons_assets.lakehouse.home import Home
from ons_assets.simulate.shops import Faults
from tests.collectors.shop_worlds import DELAY_SECONDS, Street, broken_manners, street

WHAT_IS_SHOWN = ["item_id", "shelf", "product", "price", "unit_price", "page_sha256"]
SHOP = "larkmere"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, truth: Path) -> Any:
    folder = tmp_path_factory.mktemp("killed")
    with street(folder / "home", truth, Faults(), page_size=3) as opened:
        yield opened


def ask_until(opened: Street, folder: Path, requests: int) -> None:
    """Have a process ask, and kill it without notice after so many requests."""
    log = opened.servers[SHOP].log
    before = len(log)
    process = subprocess.Popen([sys.executable, "-m", "ons_assets.collectors.prices.fetching", str(folder)])
    while len(log) < before + requests and process.poll() is None:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_goes_on_after_it_was_killed(opened: Street) -> None:
    day, server = opened.stock.days[0], opened.servers[SHOP]
    [whole] = opened.collect(day, (SHOP,))
    expected = opened.rows(whole).select(WHAT_IS_SHOWN)
    server.log.clear()
    with pytest.raises(NotCollected, match="asked today already"):
        opened.collect(day, (SHOP,))
    runs = Runs.of(Home(opened.settings.home), SHOP)
    begun = runs.begin(runs.journals()[0].shop, "ons-assets (+prices@office.example)", "Europe/London")
    # The validators of the run before would have pages answered with 304.
    (runs.folder / "validators.json").unlink()
    ask_until(opened, begun.folder, 9)
    assert runs.unfinished() != []
    # Cut off inside of a line, as a full disk or a power cut leaves it.
    with begun.path.open("ab") as file:
        file.write(b'{"what": "answ')
    assert fetch([begun]) == 0
    said = finish(Home(opened.settings.home), runs, begun, 0.5)
    assert said["status"] == "complete"
    assert opened.rows(said).select(WHAT_IS_SHOWN).equals(expected)
    asked = Counter(each.target for each in server.log if each.target != "/robots.txt")
    # At most the page that was under way.
    assert sum(asked.values()) - len(asked) <= 1
    assert broken_manners(server.log, DELAY_SECONDS) == []


def test_two_runs_of_a_shop_never_ask_at_once(opened: Street) -> None:
    runs = Runs.of(Home(opened.settings.home), SHOP)
    with runs.alone() as held:
        # A process that outlives its parent keeps others out.
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(held,))
    try:
        with pytest.raises(NotCollected, match="at work already"), runs.alone():
            pass
    finally:
        process.kill()
        process.wait()
    with runs.alone():
        pass


def test_done_again_a_run_is_the_same_bytes(opened: Street) -> None:
    home = Home(opened.settings.home)
    runs = Runs.of(home, SHOP)
    journal = runs.journals()[-1]
    path = home.drops / "prices" / f"{SHOP}_products_{journal.plan.run}.csv"
    before, manifest = path.read_bytes(), (journal.folder / "manifest.json").read_bytes()
    path.unlink()
    finish(home, runs, journal, 0.5)
    assert path.read_bytes() == before
    assert (journal.folder / "manifest.json").read_bytes() == manifest
    assert len(pl.read_csv(path)) > 0
