"""The command that brings a home of an older version up to date, where opening it is not enough."""

from typing import Annotated

import typer

from ons_assets.cli.terminal import HomeOption, console, fail_unless, settings_of


def upgrade(
    home: HomeOption = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds that those who work in the home are waited for.")] = 60,
) -> None:
    """Bring a home of an older version up to date: end its service and make a backup first (docs/deployment.md)."""
    from ons_assets.intake.ledger import Ledger
    from ons_assets.lakehouse.home import Home
    from ons_assets.orchestration import history

    of_it = Home(settings_of(home).home)
    fail_unless(of_it.is_made, f"there is no home {of_it.root}")
    with of_it.ensure().served() as unserved, of_it.alone_within(wait) as alone:
        fail_unless(unserved, f"the home {of_it.root} is being served: end its service first")
        fail_unless(alone, f"others are at work in the home {of_it.root}: try again when they have ended")
        # Opened, it is of the format of now.
        Ledger(of_it)
        was_older = history.upgrade(of_it, lambda said: console.print(said, soft_wrap=True))
    done = "is up to date now" if was_older else "is as this program has it; nothing was to be done"
    console.print(f"the home {of_it.root} {done}", soft_wrap=True)
