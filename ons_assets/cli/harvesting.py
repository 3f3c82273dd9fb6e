"""Harvesters: listen to streams, see how they stand, check what describes them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ons_assets.cli.mistakes import name_or_command
from ons_assets.cli.terminal import HomeOption, check_file, console, fail_unless, frame_table, settings_of, upright
from ons_assets.wording import counted, no_such

STREAMS = "streams"

harvesters = typer.Typer(
    cls=name_or_command(STREAMS),
    help="Listen to streams of positions: `harvest NAME` to one, `harvest streams` to all that are described.",
    no_args_is_help=True,
)


@harvesters.command(STREAMS)
def harvest_streams(
    names: Annotated[
        list[str] | None, typer.Argument(help="Streams; all that are described, if none is named.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End in order after so long; else when told to.")] = None,
    home: HomeOption = None,
) -> None:
    """Listen until told to end: hourly files in drops/tweets, and files of outages in drops/outages."""
    from ons_assets.collectors.streams import description, process
    from ons_assets.lakehouse.home import Home

    settings = settings_of(home)
    if not Home(settings.home).is_made:
        for name in names or []:
            description.named(Home(settings.home), name)
        # It takes seconds that a harvester would not receive anything in, and once is enough.
        from ons_assets import operations

        operations.open_home(settings)
    if names is not None and len(names) == 1:
        process.harvest(settings, names[0], _say, seconds=seconds)
        return
    fail_unless(seconds is None, "--seconds goes with the name of one stream")
    process.harvest_all(settings, names or [], _say)


def _say(sentence: str) -> None:
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z {sentence}", soft_wrap=True)


@harvesters.command("status")
def show_status(home: HomeOption = None) -> None:
    """Show how the streams stand: at work or not, last sign of life, messages, outages that are not settled."""
    from ons_assets.collectors.streams import description
    from ons_assets.collectors.streams.standing import standing
    from ons_assets.lakehouse.home import Home

    home_of_it = Home(settings_of(home).home)
    if not description.paths(home_of_it):
        console.print(f"no stream is described in {description.folder(home_of_it)}", soft_wrap=True)
        return
    console.print(upright("streams", standing(home_of_it)))


@harvesters.command("check")
def check_streams(home: HomeOption = None) -> None:
    """Check the descriptions of streams and that their tokens can be had, without asking anybody."""
    from ons_assets.collectors.descriptions import BadDescription
    from ons_assets.collectors.streams import description
    from ons_assets.lakehouse.home import Home

    home_of_it = Home(settings_of(home).home)
    paths, bad = description.paths(home_of_it), 0
    fail_unless(bool(paths), f"no stream is described in {description.folder(home_of_it)}")
    for path in paths:
        try:
            stream = description.read(path)
            if stream.token is not None:
                stream.token.read()
        except (BadDescription, description.NoToken) as error:
            bad += 1
            sentence = str(error) if path.name in str(error) else f"{path.name}: {error}"
            console.print(sentence, soft_wrap=True, style="red")
        else:
            back = "what was missed can be had later" if stream.resumes else "what is missed is lost"
            console.print(f"{stream.stream}: {stream.kind}, files come to drops/{stream.into}; {back}", soft_wrap=True)
    fail_unless(not bad, f"{counted(bad, 'description')} cannot be used")


@harvesters.command("look")
def look_at_messages(
    stream: Annotated[str, typer.Argument(help="Stream, as its description calls it.")],
    file: Annotated[Path, typer.Argument(help="Messages of it, saved one a line.")],
    home: HomeOption = None,
) -> None:
    """Count what would be kept of saved messages, and what would not; nothing of a message is shown."""
    from ons_assets.collectors.streams.standing import look
    from ons_assets.lakehouse.home import Home

    check_file(file)
    console.print(frame_table("messages", look(Home(settings_of(home).home), stream, file)))


@harvesters.command("example")
def print_example(
    name: Annotated[str | None, typer.Argument(help="Of which service; without it, their names.")] = None,
) -> None:
    """Print a description that comes with the project, to begin with; or the names of those that do."""
    from ons_assets.collectors.streams.description import shipped

    known = shipped()
    fail_unless(name is None or name in known, no_such("shipped description", str(name), known))
    print("\n".join(known) if name is None else known[name].read_text().rstrip("\n"))


@harvesters.command("unit")
def print_unit(
    stream: Annotated[str, typer.Argument(help="Stream, as its description calls it.")], home: HomeOption = None
) -> None:
    """Print a unit of systemd that keeps the harvester of a stream at work."""
    from ons_assets.collectors.streams.standing import unit
    from ons_assets.lakehouse.home import Home

    print(unit(Home(settings_of(home).home), stream), end="")


@harvesters.command("schema")
def stream_schema() -> None:
    """Print the JSON Schema of descriptions, by which editors complete them."""
    import json

    from ons_assets.collectors.streams.description import Stream

    print(json.dumps(Stream.model_json_schema(), indent=2))
