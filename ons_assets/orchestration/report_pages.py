"""The report beside the UI: under one address and behind one guard, so that a check leads to the page of its table."""

from pathlib import Path
from typing import TYPE_CHECKING

from ons_assets.lakehouse.tables import Table

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

REPORT = "/report"


def with_report(app: "ASGIApp", folder: Path) -> "ASGIApp":
    """Return an app that answers with the pages of the report, and else as another does.

    Parameters
    ----------
    app
        That answers all else.
    folder
        Of the report; it is made if it is not there yet.
    """
    # Commands look for addresses too, and need no server.
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    folder.mkdir(parents=True, exist_ok=True)
    pages = Starlette(routes=[Mount(REPORT, StaticFiles(directory=folder, html=True))])

    async def either(scope: "Scope", receive: "Receive", send: "Send") -> None:
        is_report = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{REPORT}/")
        await (pages if is_report else app)(scope, receive, send)

    return either


def address_of(table: Table) -> str:
    """Return the address of the page of a table, as seen from the UI."""
    return f"{REPORT}/tables/{table.name}.html"
