"""A page that says whether the installation is well, and nothing else: for monitors, which have no password."""

import time
from typing import TYPE_CHECKING

from ons_assets import health
from ons_assets.lakehouse.home import Home

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH = "/health"
# Whoever asks more often is told what was found then.
FOR_SECONDS = 5.0


def with_health(app: "ASGIApp", home: Home) -> "ASGIApp":
    """Return an app that answers at /health with the status 200 or 503, and else as another does.

    Parameters
    ----------
    app
        That answers all else.
    home
        That is looked at.
    """
    # Commands look for addresses too, and need no server.
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import PlainTextResponse

    found: dict[float, bool] = {}

    async def either(scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"] != HEALTH or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
            return
        period = time.monotonic() // FOR_SECONDS
        if period not in found:
            is_well = await run_in_threadpool(_is_well, home)
            found.clear()
            found[period] = is_well
        is_well = found.get(period, False)
        answer = PlainTextResponse(
            "up\n" if is_well else "down\n", 200 if is_well else 503, {"Cache-Control": "no-store"}
        )
        await answer(scope, receive, send)

    return either


def _is_well(home: Home) -> bool:
    try:
        return all(each.is_well for each in health.look(home))
    except Exception:
        return False
