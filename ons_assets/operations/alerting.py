"""A message to see whether alerts arrive."""

from ons_assets.lakehouse.home import Home
from ons_assets.orchestration.channels import Message, NotSent, channels_of
from ons_assets.settings import Settings


def send_trial(settings: Settings) -> dict[str, str | None]:
    """Send a message by every channel, and return of each why it did not go; None if it did."""
    home = Home(settings.home)
    message = Message(str(home.root), f"{home.root.name}: a trial", ("This is how you are told.",), str(home.report))
    results: dict[str, str | None] = {}
    for name, send in channels_of(settings.alerts).items():
        try:
            send(message)
            results[name] = None
        except NotSent as error:
            results[name] = str(error)
    return results
