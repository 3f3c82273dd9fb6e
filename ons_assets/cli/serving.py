"""The services: the UI, and the daemon that takes what is dropped."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from ons_assets.cli.terminal import Failed, HomeOption, console, fail_unless, settings_of

if TYPE_CHECKING:
    from ons_assets.settings import Settings


def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    behind_proxy: Annotated[
        str | None,
        typer.Option(help="Name by which people call the proxy before the UI, which lets only those in who may."),
    ] = None,
    harvest: Annotated[
        bool, typer.Option("--harvest", help="Also listen to the streams that the home describes (docs/harvesting.md).")
    ] = False,
) -> None:
    """Run the UI and the daemon: files dropped into the drop folders are taken up within half a minute."""
    from ons_assets import operations
    from ons_assets.lakehouse.home import Home
    from ons_assets.orchestration import service
    from ons_assets.orchestration.guard import LOOPBACK, is_name
    from ons_assets.orchestration.runs import close_dead_runs, prepare_instance

    fail_unless(
        host in LOOPBACK or behind_proxy is not None,
        f"{host} may be open to the network, and the UI lets everybody do everything: put a proxy before it that asks "
        "who comes, and say its name with --behind-proxy; docs/serving.md shows how",
    )
    fail_unless(
        behind_proxy is None or is_name(behind_proxy),
        f"--behind-proxy takes the name of a machine alone, such as assets.example.gov, and not {behind_proxy!r}",
    )
    settings = settings_of(home)
    operations.open_home(settings)
    close_dead_runs(Home(settings.home))
    prepare_instance(Home(settings.home))
    operations.add_days(settings)
    os.environ["ONS_ASSETS_HOME"] = str(settings.home)
    names = (*LOOPBACK, *([behind_proxy] if behind_proxy else []))
    try:
        with Home(settings.home).served() as alone:
            fail_unless(alone, f"the home {settings.home} is served already, by another process")
            beside = [["harvest", "streams", "--home", str(settings.home)]] if harvest else []
            report = Home(settings.home).report.parent
            service.serve(host, port, names, report, lambda: _print_addresses(settings, host, port), beside)
    except service.NotStarted as error:
        raise Failed(str(error)) from None


def _print_addresses(settings: "Settings", host: str, port: int) -> None:
    from ons_assets import operations
    from ons_assets.orchestration.report_pages import REPORT

    for source in operations.sources(settings):
        console.print(f"drop files of {source.name} into {settings.home / 'drops' / source.name}", soft_wrap=True)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.print(f"the UI is at {address}, and the report at {address}{REPORT}/", soft_wrap=True)
