"""A step of the demonstration: the tweets of the last day come from a stream on loopback, which breaks.

The connection is dropped, then refused, then there is silence; the harvester comes back each time, asks for what it
missed, and leaves the files of the day and those of its outages.
"""

import gzip
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import yaml

from ons_assets.catalogue import CATALOGUE
from ons_assets.collectors.streams import description, process
from ons_assets.collectors.streams.logbook import Logbook
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.home import Home
from ons_assets.settings import Settings
from ons_assets.simulate.streams import Phase, Recorded, StreamServer, describe

STREAM = "demonstration"
SOURCES = ("tweets", "outages")
# All of a day comes within seconds.
SECONDS = 3.0
KEEPS = {
    "fields": {
        "id": "id_str",
        "user": "user.id_str",
        "time": "at",
        "latitude": "latitude",
        "longitude": "longitude",
        "place_type": "place.place_type",
        "source": "source",
    }
}
OF_THE_API = "%a %b %d %H:%M:%S %z %Y"


def harvest(settings: Settings, drops: Path, progress: Callable[[str], None]) -> None:
    """Harvest the last day of tweets from a stream, in place of the file that was simulated.

    Parameters
    ----------
    settings
        Of the home.
    drops
        Folder of the simulated files of tweets, which that of the day is removed from.
    progress
        Is told in a sentence what is being done.
    """
    home = Home(settings.home)
    # What an earlier demonstration knew is of a stream that is closed.
    shutil.rmtree(Logbook.of(home, STREAM).folder, ignore_errors=True)
    days = sorted(each for each in drops.glob("*_20*") if each.suffix in (".gz", ".parquet"))
    file = days[-1]
    sent = sorted(_messages(file), key=lambda each: str(each["at"]))
    lines = [msgspec.json.encode(each) for each in sent]
    third = len(lines) // 3
    breaks = (Phase(third, "drop"), Phase(third, "silent", refuse=(503, 429)))
    path = description.folder(home) / f"{STREAM}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = max(len(lines) / SECONDS, 1.0)
    with StreamServer("sse", breaks, rate=rate, messages=Recorded(lines), keeps=len(lines)) as server:
        said = describe(server, STREAM, keeps=KEEPS, silence_seconds=1.5)
        path.write_text(yaml.safe_dump(said, sort_keys=False))
        progress(f"listening to a stream of {len(lines):,} tweets, which breaks")
        try:
            last = str(len(lines) - 1)
            book = Logbook.of(home, STREAM)
            process.harvest(
                settings, STREAM, progress, ahead=_ahead(sent, settings), until=lambda: book.state().cursor == last
            )
        finally:
            # The stream closes: nobody is to listen to it from now on.
            path.replace(path.with_name(f"{path.name}.closed"))
    file.unlink()


def files(home: Home, source: str) -> list[Path]:
    """Return the files of a source that were harvested."""
    return sorted(each for each in (home.drops / source).glob(f"{STREAM}_*") if each.suffix != ".part")


def journals(home: Home) -> Path:
    """Return where the journals of the harvester lie."""
    return Logbook.of(home, STREAM).folder / "journal_*.jsonl"


def results(home: Home) -> dict[str, pl.DataFrame]:
    """Return the tables that the demonstration prints, by their titles."""
    made_good = pl.col("backfilled_from_utc") == pl.col("began_utc")
    outages = (
        lake.read(home, CATALOGUE["governance/outages"])
        .filter(stream=STREAM)
        .sort("began_utc")
        .select(
            "known_by",
            "outage_reason",
            seconds=((pl.col("ended_utc") - pl.col("began_utc")).dt.total_milliseconds() / 1000).round(1),
            had_later=pl.when(made_good).then(pl.lit("all")).otherwise(pl.lit("nothing")),
        )
        .collect()
    )
    return {
        f"When the stream was not received ({Logbook.of(home, STREAM).state().counts['kept']:,} tweets were)": outages
    }


def _messages(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the tweets of a simulated file as a service would send them."""
    if file.suffix == ".parquet":
        for row in pl.read_parquet(file).iter_rows(named=True):
            yield {
                "id_str": str(row["tweet_id"]),
                "user": {"id_str": str(row["user"])},
                "at": row["created_utc"].replace(tzinfo=UTC).isoformat(),
                **{name: row[name] for name in ("latitude", "longitude")},
                "source": row["application"],
            }
        return
    with gzip.open(file) as lines:
        for line in lines:
            try:
                said = msgspec.json.decode(line)
            except msgspec.MsgspecError:
                continue
            if "user" not in said:
                continue
            place = said.get("coordinates")
            longitude, latitude = place["coordinates"] if place else (None, None)
            yield {
                "id_str": said["id_str"],
                "user": {"id_str": said["user"]["id_str"]},
                "at": datetime.strptime(said["created_at"], OF_THE_API).isoformat(),
                "latitude": latitude,
                "longitude": longitude,
                "place": said.get("place"),
                "source": said.get("source"),
                "text": said.get("text", ""),
            }


def _ahead(sent: list[dict[str, Any]], settings: Settings) -> timedelta:
    """By how much the last hour of the day goes before now: what comes last is later than every outage."""
    last = datetime.fromisoformat(str(sent[-1]["at"])).astimezone(ZoneInfo(settings.geography.time_zone))
    return last - timedelta(hours=1) - datetime.now(UTC)
