"""The services: the UI, and the daemon that takes what is dropped; as a whole, or each part as its own."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ons_assets.cli.terminal import Failed, HomeOption, console, fail_unless, settings_of
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.signs import Part
from ons_assets.wording import listed

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
    only: Annotated[
        Part | None,
        typer.Option(help="One part of the service, where each is a service of its own (docs/deployment.md)."),
    ] = None,
) -> None:
    """Run the UI and the daemon: files dropped into the drop folders are taken up within half a minute."""
    from ons_assets.orchestration.guard import LOOPBACK, is_name

    fail_unless(
        host in LOOPBACK or behind_proxy is not None or only in (Part.CODE, Part.DAEMON),
        f"{host} may be open to the network, and the UI lets everybody do everything: put a proxy before it that asks "
        "who comes, and say its name with --behind-proxy; docs/serving.md shows how",
    )
    fail_unless(
        behind_proxy is None or is_name(behind_proxy),
        f"--behind-proxy takes the name of a machine alone, such as assets.example.gov, and not {behind_proxy!r}",
    )
    fail_unless(
        only is None or not harvest,
        "--harvest goes with the whole service; a harvester alone is ons-assets harvest streams",
    )
    settings = settings_of(home)
    os.environ["ONS_ASSETS_HOME"] = str(settings.home)
    names = (*LOOPBACK, *([behind_proxy] if behind_proxy else []))
    if only is not None:
        _serve_part(only, settings, host, port, names)
        return
    prepare(settings)
    beside = [["harvest", "streams", "--home", str(settings.home)]] if harvest else []
    from ons_assets.orchestration import service

    try:
        with Home(settings.home).served() as alone:
            fail_unless(alone, f"the home {settings.home} is served already, by another process")
            ready = partial(_print_addresses, settings, host, port)
            service.serve(host, port, names, Home(settings.home), ready, beside)
    except service.NotStarted as error:
        raise Failed(str(error)) from None


def prepare(settings: "Settings", *, queue_goes_on: bool = False) -> None:
    """Open a home for its service, and close the runs that died with the last one.

    Parameters
    ----------
    settings
        Of the home.
    queue_goes_on
        Whether runs that wait in the queue will be begun: the daemon is a service of its own.
    """
    from ons_assets import operations
    from ons_assets.orchestration.runs import close_dead_runs, prepare_instance

    operations.open_home(settings)
    close_dead_runs(Home(settings.home), queue_goes_on=queue_goes_on)
    prepare_instance(Home(settings.home))
    operations.add_days(settings)


def _serve_part(only: Part, settings: "Settings", host: str, port: int, names: tuple[str, ...]) -> None:
    from ons_assets.orchestration import service
    from ons_assets.orchestration.runs import prepare_instance

    home = Home(settings.home).ensure()
    try:
        with home.served(only) as alone:
            fail_unless(
                alone, f"the home {settings.home} is served already, as a whole or its part {only}, by another process"
            )
            if only is Part.CODE:
                # It needs all that there is, and what stays afterwards only looks after another process.
                with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
                    pool.submit(prepare, settings, queue_goes_on=True).result()
            if only is not Part.REPORT:
                prepare_instance(home)
            service.serve_part(only, host, port, names, home, lambda: console.print(f"{only} is at work"))
    except service.NotStarted as error:
        raise Failed(str(error)) from None


def health(
    home: HomeOption = None,
    only: Annotated[
        list[Part] | None, typer.Option(help="A part of the service alone; may be said several times.")
    ] = None,
    least_free_gib: Annotated[float, typer.Option(min=0, help="GiB of the disk that are to be free.")] = 2,
) -> None:
    """Say of every part of the service, of the files and of the disk how they stand; exit code 1 if one is not well."""
    from ons_assets import health

    of_it = Home(settings_of(home).home)
    fail_unless(of_it.is_made, f"there is no home {of_it.root}")
    found = health.look(of_it, only or (), int(least_free_gib * health.GIB))
    for each in found:
        console.print(each.sentence, soft_wrap=True, style=None if each.is_well else "red")
    bad = [each.what for each in found if not each.is_well]
    fail_unless(not bad, f"not well: {listed(bad)}")


def _print_addresses(settings: "Settings", host: str, port: int) -> None:
    from ons_assets import operations
    from ons_assets.orchestration.report_pages import REPORT

    for source in operations.sources(settings):
        console.print(f"drop files of {source.name} into {settings.home / 'drops' / source.name}", soft_wrap=True)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.print(f"the UI is at {address}, and the report at {address}{REPORT}/", soft_wrap=True)
