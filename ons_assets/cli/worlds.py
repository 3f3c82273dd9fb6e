"""Worlds that are made up: the demonstration, and the files of a simulated world."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Column, Table

from ons_assets.cli.files import print_drops, print_totals
from ons_assets.cli.terminal import (
    Failed,
    HomeOption,
    console,
    fail_unless,
    frame_table,
    noting,
    print_made,
    print_notes,
    print_outcome,
    progress_of,
    settings_of,
)
from ons_assets.wording import no_such

if TYPE_CHECKING:
    from ons_assets.demo.figure import Figure

ALL = "all"


def demo(
    home: HomeOption = None,
    scale: Annotated[str, typer.Option(help="Size of the simulated country: small or medium.")] = "small",
    verbose: Annotated[bool, typer.Option("--verbose", help="Print all that was refused, made and found.")] = False,
) -> None:
    """Simulate a small country, ingest its files, materialise every asset, and print what was found."""
    from ons_assets import demo as show

    # First: a slip in its name makes no home.
    size = show.scale_of(scale)
    settings = show.prepared(settings_of(home))
    with noting() as notes, progress_of("simulating") as progress:
        show.simulate(settings, size, progress)
        show.collect(settings, progress)
        show.harvest(settings, progress)
        taken = show.ingest(settings, progress)
        outcomes = show.materialize(settings, progress)
    if verbose:
        print_drops(taken)
        print_notes(notes)
        for outcome in outcomes:
            print_outcome(outcome)
        for title, frame in show.results(settings).items():
            console.print(frame_table(title, frame))
    else:
        print_totals(taken)
        for outcome in outcomes:
            print_made(outcome)
    made = all(outcome.success for outcome in outcomes)
    if made:
        _print_figures(show.figures(settings))
    console.print("\nWhere to look next", style="bold")
    for what, where in show.next_steps(settings, everything=verbose).items():
        console.print(f"  {what:<28}{where}", soft_wrap=True)
    fail_unless(made, "not every table could be made; see above")


def _print_figures(figures: "Mapping[str, Sequence[Figure]]") -> None:
    found, true = (Column(title, justify="right") for title in ("found", "true"))
    table = Table("pilot", "figure", found, true, title="What was found", title_justify="left", box=box.SIMPLE)
    for pilot, its in figures.items():
        for each in its:
            table.add_row(pilot, each.what, each.found, each.true)
    console.print(table)


def simulate(
    drops: Annotated[Path, typer.Argument(help="Folder for the files; in it, one folder a source.")],
    truth: Annotated[Path, typer.Argument(help="Folder for the known truth; not inside the other one.")],
    pilot: Annotated[
        str, typer.Option(help="Whose world: prices, tweets, meters or mobile; or all, of one country.")
    ] = "prices",
    scale: Annotated[
        str, typer.Option(help="small, medium or full; of meters also electric; of all not full.")
    ] = "small",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the world; the same seed writes the same bytes.")
    ] = None,
) -> None:
    """Write the files of a simulated world, and apart from them the truth."""
    from ons_assets.demo import PILOTS, simulate_country

    if pilot not in (*PILOTS, ALL):
        raise Failed(no_such("pilot", pilot, [*PILOTS, ALL]))
    if truth.resolve().is_relative_to(drops.resolve()):
        raise Failed("the folder for the truth lies inside the folder for the files, and would be ingested with them")
    with progress_of("simulating") as progress:
        if pilot == ALL:
            summary = simulate_country(drops, truth, scale, seed, progress)
        else:
            summary = PILOTS[pilot].simulate(drops, truth, scale, seed)
    console.print(f"{summary} in {drops}; the truth is in {truth}", soft_wrap=True)
