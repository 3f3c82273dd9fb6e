"""Collectors: run them, look at what they would read, accept what they propose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ons_assets.cli.mistakes import name_or_command
from ons_assets.cli.terminal import (
    HomeOption,
    check_file,
    console,
    fail_unless,
    frame_table,
    progress_of,
    settings_of,
)
from ons_assets.wording import counted

if TYPE_CHECKING:
    from ons_assets.collectors.prices.quotes import Quote

SHOPS = "shops"


collectors = typer.Typer(
    cls=name_or_command(SHOPS),
    help="Collect the prices of shops: `collect NAME...` asks shops, `collect shops` all that are described.",
    no_args_is_help=True,
)


@collectors.command(SHOPS)
def collect_shops(
    names: Annotated[list[str] | None, typer.Argument(help="Shops; all that are described, if none is named.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also ask a shop that was asked today.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait first as long as the description allows.")] = False,
    home: HomeOption = None,
) -> None:
    """Ask shops for their prices: one file a shop in drops/prices, and a manifest of what was asked."""
    from ons_assets.operations import collecting

    with progress_of("collecting") as progress:
        made = collecting.collect(settings_of(home), names or [], progress, again=again, wait=wait)
    for each in made:
        _say(each)
    lacking = [f"{each['retailer']} ({each['status']})" for each in made if each["status"] != "complete"]
    fail_unless(not lacking, f"not everything was collected from {', '.join(lacking)}; what is lacking stands above")


def _say(manifest: dict[str, Any]) -> None:
    pages = manifest["pages"]
    console.print(
        f"{manifest['retailer']}: {manifest['status']}, {counted(manifest['quotes'], 'quote')} from "
        f"{counted(pages['answered'], 'page')} ({pages['unchanged']} unchanged, {pages['failed']} failed, "
        f"{pages['refused']} refused, {pages['never_asked']} not asked)",
        soft_wrap=True,
    )
    if manifest["file"] is not None:
        console.print(f"  drops/prices/{manifest['file']}", soft_wrap=True)
    if manifest["reason"] is not None:
        console.print(f"  {manifest['reason']}", soft_wrap=True, style="yellow")
    for each in manifest["proposals"]:
        console.print(f"  {each['evidence']}", soft_wrap=True, style="yellow")
    if manifest["proposals"]:
        console.print(f"  ons-assets collect accept {manifest['retailer']} --by NAME", soft_wrap=True)


@collectors.command("accept")
def accept_proposal(
    shop: Annotated[str, typer.Argument(help="Whose last run proposes it.")],
    by: Annotated[str, typer.Option("--by", help="Who accepts it; it is written down.")],
    item: Annotated[str | None, typer.Option("--item", help="Item of one shelf; else all that are proposed.")] = None,
    home: HomeOption = None,
) -> None:
    """Take over a shelf that was renamed, and make the days good from the pages that are kept."""
    from ons_assets.operations import collecting

    for each in collecting.accept(settings_of(home), shop, by, item):
        _say(each)


@collectors.command("check")
def check_shops(home: HomeOption = None) -> None:
    """Check the descriptions of shops, without asking anybody."""
    from ons_assets.collectors.descriptions import BadDescription
    from ons_assets.collectors.prices import shops
    from ons_assets.lakehouse.home import Home

    paths, bad = shops.paths(Home(settings_of(home).home)), 0
    fail_unless(bool(paths), f"no shop is described in {shops.folder(Home(settings_of(home).home))}")
    for path in paths:
        try:
            shop = shops.read(path)
        except BadDescription as error:
            bad += 1
            console.print(str(error), soft_wrap=True, style="red")
        else:
            console.print(
                f"{shop.retailer}: {counted(len(shop.items), 'place')} of items, at {shop.at:%H:%M}", soft_wrap=True
            )
    fail_unless(not bad, f"{counted(bad, 'description')} cannot be used")


@collectors.command("look")
def look_at_page(
    shop: Annotated[str, typer.Argument(help="Shop, as its description calls it.")],
    page: Annotated[Path, typer.Argument(help="A page of it, saved by a browser.")],
    home: HomeOption = None,
) -> None:
    """Show what would be read from a saved page of a shop, and what would not; nobody is asked."""
    import polars as pl

    from ons_assets.collectors.prices import pages, quotes, shops
    from ons_assets.lakehouse.home import Home

    described = shops.named(Home(settings_of(home).home), shop)
    check_file(page)
    saved = pages.Page(described.address, page.read_bytes())
    found, faults = quotes.quotes_of(saved, described)
    if found:
        rows = pl.DataFrame([_row(each) for each in found], infer_schema_length=None)
        console.print(frame_table("quotes", rows[[each.name for each in rows if each.null_count() < len(rows)]]))
    for fault in sorted(set(faults)):
        console.print(f"{counted(faults.count(fault), 'product')}: {fault}", style="yellow")
    following = pages.next_page(saved, described.pages, len(found) + len(faults))
    console.print(f"next page: {following or 'none'}", soft_wrap=True)
    for name, address in (pages.directory(saved, described.shelves) if described.shelves else {}).items():
        console.print(f"shelf {name}: {address}", soft_wrap=True)
    fail_unless(bool(found), f"{page} shows no quote")


def _row(quote: "Quote") -> dict[str, str | None]:
    return {name: None if value is None else f"{value}" for name, value in vars(quote).items()}


@collectors.command("status")
def show_status(home: HomeOption = None) -> None:
    """Show how the collectors stand: last morning, pages, quotes, what the collection report found, proposals."""
    from ons_assets.cli.terminal import upright
    from ons_assets.collectors.prices import shops
    from ons_assets.lakehouse.home import Home
    from ons_assets.operations import collecting

    settings = settings_of(home)
    if not shops.paths(Home(settings.home)):
        console.print(f"no shop is described in {shops.folder(Home(settings.home))}", soft_wrap=True)
        return
    console.print(upright("collectors", collecting.standing(settings)))


@collectors.command("schema")
def shop_schema() -> None:
    """Print the JSON Schema of descriptions, by which editors complete them."""
    import json

    from ons_assets.collectors.prices.shops import Shop

    print(json.dumps(Shop.model_json_schema(), indent=2))


@collectors.command("example")
def print_example() -> None:
    """Print a description of a shop, to begin with."""
    from ons_assets.collectors.prices import shops

    print(shops.EXAMPLE.read_text(), end="")
