"""The simulated shops as a server of their own, until they are ended: they show the first day of the world."""

import argparse
import time
from contextlib import ExitStack
from pathlib import Path

import yaml

from ons_assets.simulate.shops import Faults, ShopServer, Stock, describe
from ons_assets.simulate.shops.descriptions import WAYS


def main() -> None:
    """Open the shops, and write their descriptions into a home."""
    parser = argparse.ArgumentParser(prog="python -m ons_assets.simulate.shops", description=__doc__)
    parser.add_argument("truth", type=Path, help="folder of the truth that ons-assets simulate wrote")
    parser.add_argument("--home", type=Path, required=True, help="home whose collectors/prices gets the descriptions")
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests with a fault")
    given = parser.parse_args()
    stock = Stock.of(given.truth)
    folder = given.home / "collectors" / "prices"
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for name in WAYS:
            shop = stack.enter_context(ShopServer(stock, name, stock.days[0], Faults(given.faults)))
            said = describe(stock, name, shop.address, stock.days[0], delay_seconds=0.2)
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(said, sort_keys=False))
            print(f"{name} is open at {shop.address}", flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
