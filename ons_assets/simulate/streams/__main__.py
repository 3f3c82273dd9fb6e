"""The simulated stream as a server of its own, until it is ended."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import yaml

from ons_assets.simulate.streams import KINDS, Made, Phase, StreamServer, describe


def main() -> None:
    """Open the stream, write its description into a home, and its log beside it."""
    parser = argparse.ArgumentParser(prog="python -m ons_assets.simulate.streams", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="home whose collectors/streams gets the description")
    parser.add_argument("--kind", choices=KINDS, default="sse", help="of the stream")
    parser.add_argument("--style", choices=("fields", "x", "jetstream"), default="fields", help="of its messages")
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--keeps", type=int, default=0, help="messages that can be had later")
    parser.add_argument("--most", type=int, help="messages in all")
    parser.add_argument("--port", type=int, default=0, help="where it listens; any that is free, if 0")
    parser.add_argument("--phases", type=Path, help="JSON: what becomes of the connections, in the words of Phase")
    parser.add_argument(
        "--words", type=json.loads, default={}, help="JSON: words of the description in place of others"
    )
    parser.add_argument("--log", type=Path, help="file that gets what happened, as it happens")
    given = parser.parse_args()
    said: list[dict[str, Any]] = json.loads(given.phases.read_text()) if given.phases else []
    phases = [Phase(**{**each, "refuse": tuple(each.get("refuse", ()))}) for each in said]
    folder = given.home / "collectors" / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    server = StreamServer(
        given.kind,
        phases,
        rate=given.rate,
        messages=Made(given.style),
        keeps=given.keeps,
        most=given.most,
        port=given.port,
    )
    with server:
        description = describe(server, **given.words)
        (folder / f"{description['stream']}.yaml").write_text(yaml.safe_dump(description, sort_keys=False))
        print(f"{description['stream']} is open at {server.address}", flush=True)
        written = 0
        while True:
            time.sleep(0.2)
            if given.log is not None and len(server.log) > written:
                lines = server.log[written:]
                with given.log.open("a") as file:
                    file.write("".join(json.dumps(each) + "\n" for each in lines))
                written += len(lines)


if __name__ == "__main__":
    main()
