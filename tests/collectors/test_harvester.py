"""A harvester on a clock of its own: what becomes of outages, hours, a full disk, and a clock that is set."""

import asyncio
import csv
import gzip
import itertools
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ons_assets.collectors.streams import harvesting, outages
from ons_assets.collectors.streams.arrivals import Came
from ons_assets.collectors.streams.clock import Clock
from ons_assets.collectors.streams.description import Backfill, Reconnect, Stream, Wait
from ons_assets.collectors.streams.harvesting import Harvester, NotHarvested
from ons_assets.collectors.streams.links import Batch, Call, Lost
from ons_assets.collectors.streams.logbook import Logbook, State
from ons_assets.collectors.streams.outages import Outage
from ons_assets.collectors.streams.resuming import Waits, resume

NOON = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvesting, "LOOK_SECONDS", 0.01)


@dataclass(frozen=True)
class Told(Clock):
    """Clocks that go on only when they are told to."""

    hands: dict[str, float] = field(default_factory=lambda: {"wall": 0.0, "passed": 1000.0})

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.hands["wall"])

    def elapsed(self) -> float:
        # It never stands still: what came is due to be made safe.
        self.go(1e-6)
        return self.hands["passed"]

    def go(self, seconds: float) -> None:
        self.hands["wall"] += seconds
        self.hands["passed"] += seconds

    def set(self, seconds: float) -> None:
        """Set the clock that says what time it is."""
        self.hands["wall"] += seconds


def message(number: int, when: datetime) -> bytes:
    return json.dumps({"id": number, "user": 1, "time": when.isoformat()}).encode()


STREAM: dict[str, Any] = {
    "stream": "local",
    "kind": "json-lines",
    "address": "https://stream.example/",
    "contact": "streams@office.example",
    "keeps": {"fields": {"id": "id", "user": "user", "time": "time"}},
    "heartbeat_seconds": 20,
    "least_free_bytes": 0,
}
Step = Callable[["House"], Any]


class House:
    """One harvester after another, whose services are played step by step."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder, self.clock = folder, Told()
        self.stream = Stream.model_validate({**STREAM, **more})
        self.said: list[str] = []
        self.calls: list[Call] = []
        self.free = 1 << 40
        for each in ("tweets", "outages"):
            (folder / each).mkdir(exist_ok=True)

    def run(self, *connections: Sequence[Step | Lost], then: str = "end") -> None:
        """Play connections, one after the other; each step returns messages, or what they are and a cursor, or nothing.

        Parameters
        ----------
        then
            How it goes on after the last: the harvester is ended, or killed.
        """
        left = list(connections)

        async def link(call: Call) -> AsyncIterator[Batch]:
            self.calls.append(call)
            for step in left.pop(0) if left else ():
                if isinstance(step, Lost):
                    raise step
                found = step(self)
                if found is not None:
                    call.alive()
                    yield found if isinstance(found, Batch) else Batch(found)
                # What waits is taken, and made safe.
                await asyncio.sleep(0.03)
            if not left:
                # Nothing of what a process does in its last moments is done where it is killed.
                running[0].cancel() if then == "kill" else harvester.end()
                await asyncio.Event().wait()

        running: list[asyncio.Task[None]] = []

        quick = self.stream.model_copy(update={"commit_seconds": 1e-9})
        harvester = Harvester(
            quick,
            Logbook(self.folder / "book" / "s" / "local").ensure(),
            self.folder / "tweets",
            self.folder / "outages",
            "agent",
            None,
            self.said.append,
            clock=self.clock,
            link=link,
            free=lambda _: self.free,
        )

        async def main() -> None:
            running.append(asyncio.create_task(harvester.run()))
            pausing = asyncio.create_task(self._pass_pauses(harvester))
            try:
                await running[0]
            except asyncio.CancelledError:
                assert then == "kill"
            finally:
                pausing.cancel()

        asyncio.run(main())

    async def _pass_pauses(self, harvester: Harvester) -> None:
        """Let the time of a wait go by at once."""
        while True:
            await asyncio.sleep(0.005)
            if harvester.waits_until is not None:
                self.clock.go(max(harvester.waits_until - self.clock.elapsed(), 0.0))

    def rows(self) -> list[dict[str, str]]:
        """Return the outages that were told, by their beginning, as they were told last."""
        found: dict[str, dict[str, str]] = {}
        for path in sorted((self.folder / "outages").iterdir(), key=lambda each: each.stat().st_mtime_ns):
            found |= {each["began_utc"]: each for each in csv.DictReader(path.open())}
        return [found[each] for each in sorted(found)]

    def ids(self) -> list[int]:
        files = sorted((self.folder / "tweets").iterdir())
        return [int(json.loads(line)["id"]) for file in files for line in gzip.open(file)]


def send(*numbers: int, after: float = 1.0) -> Step:
    """Let some seconds go by, and messages come."""

    def step(house: House) -> list[bytes]:
        house.clock.go(after)
        return [message(each, house.clock.now()) for each in numbers]

    return step


def answer(_: House) -> list[bytes]:
    return []


def go(seconds: float) -> Step:
    return lambda house: house.clock.go(seconds)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


DROPPED = Lost("network", "the connection broke off")


def test_an_outage_lasts_from_the_last_sign_of_life_to_the_answer(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run([answer, send(1), go(5), DROPPED], [go(30), answer, send(2)])
    [row, end] = house.rows()
    assert (row["began_utc"], row["ended_utc"], row["is_over"]) == (at(1), at(36.25), "yes")
    assert (row["known_by"], row["outage_reason"]) == ("connection", "the connection broke off")
    assert row["backfilled_from_utc"] == ""
    assert (end["known_by"], end["is_over"]) == ("process", "no")
    assert house.ids() == [1, 2]


def test_what_is_read_late_had_come_before(tmp_path: Path) -> None:
    """Ten seconds are read behind the stream, which broke meanwhile: the outage begins when its last byte came."""
    house = House(tmp_path)
    came = {"bytes": 0, "unread": 0, "at": 0.0}

    def over(house: House) -> list[bytes]:
        house.calls[-1].over(
            lambda: Came(int(came["bytes"]), int(came["unread"]), house.clock.hands["wall"] - came["at"])
        )
        return []

    def lie(seconds: float) -> Step:
        """Let messages come that lie there, and the stream break after them."""

        def step(house: House) -> list[bytes]:
            house.clock.go(seconds)
            came.update(bytes=came["bytes"] + 300, unread=200, at=house.clock.hands["wall"])
            return [message(1, house.clock.now())]

        return step

    def read(number: int, unread: int) -> Step:
        def step(house: House) -> list[bytes]:
            house.clock.go(5)
            came["unread"] = unread
            return [message(number, house.clock.now())]

        return step

    house.run([over, lie(3), read(2, 100), read(3, 0), DROPPED], [go(30), answer, send(4)])
    [row, _] = house.rows()
    assert (row["known_by"], row["began_utc"][:21]) == ("connection", at(3)[:21])
    assert row["ended_utc"] == at(43)
    assert house.ids() == [1, 2, 3, 4]


def test_what_lies_unread_is_no_silence(tmp_path: Path) -> None:
    house = House(tmp_path, silence_seconds=100, heartbeat_seconds=None)
    came = {"unread": 500.0}

    def over(house: House) -> list[bytes]:
        house.calls[-1].over(lambda: Came(1000, int(came["unread"]), house.clock.hands["wall"]))
        return []

    def read(house: House) -> list[bytes]:
        came["unread"] = 0
        return [message(1, house.clock.now())]

    house.run([over, go(150), go(150), read, go(0)], [answer, send(2)])
    rows = house.rows()
    assert [row["known_by"] for row in rows] == ["silence", "process"]
    assert house.ids() == [1, 2], "all that had come was read before it was given up"


def test_no_sign_of_life_is_an_outage_from_the_last_one_on(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run([answer, send(1), send(after=15), go(21), go(60), go(0)], [answer, send(2)])
    row = house.rows()[0]
    assert (row["known_by"], row["began_utc"]) == ("heartbeat", at(16))


def test_signs_of_life_without_messages_are_silence(tmp_path: Path) -> None:
    house = House(tmp_path, silence_seconds=100)
    house.run([answer, send(1), *[send(after=15)] * 8, go(0)], [answer, send(2)])
    row = house.rows()[0]
    assert (row["known_by"], row["began_utc"]) == ("silence", at(1))


def test_an_answer_without_a_sign_of_life_ends_no_outage(tmp_path: Path) -> None:
    house = House(tmp_path)

    def only_answers(house: House) -> None:
        house.clock.go(10)

    house.run([answer, send(1), DROPPED], [only_answers, DROPPED], [only_answers, DROPPED], [answer, send(2)])
    assert len(house.rows()) == 2
    assert house.rows()[0]["began_utc"] == at(1)


def test_a_kill_is_an_outage_from_what_was_safe_last(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run([answer, send(1, 2), send(3), go(0)], then="kill")
    house.clock.go(3 * 86_400)
    house.run([answer, send(4)])
    [row, _] = house.rows()
    assert row["began_utc"] == at(2)
    assert row["ended_utc"] >= at(3 * 86_400)
    assert house.ids() == [1, 2, 3, 4]


def test_what_was_missed_is_asked_for_and_made_good(tmp_path: Path) -> None:
    back = {"field": "id", "parameter": "since", "rewind": 1, "reach_seconds": 3600}
    house = House(tmp_path, backfill=back)

    def late(_: House) -> list[bytes]:
        return [message(each, NOON + timedelta(seconds=5)) for each in (7, 8)]

    house.run([answer, send(7), go(10), DROPPED], [answer, late, send(9)])
    assert [call.parameters for call in house.calls[:2]] == [{}, {"since": "6"}]
    row = house.rows()[0]
    assert (row["began_utc"], row["backfilled_from_utc"]) == (at(1), at(1))
    assert house.ids() == [7, 7, 8, 9], "what comes twice is removed when it is read"


def test_of_a_long_outage_only_what_is_in_reach_is_had_later(tmp_path: Path) -> None:
    house = House(tmp_path, backfill={"field": "id", "parameter": "since", "reach_seconds": 3600})
    busy = Lost("busy", "the service asks for fewer attempts (status 429)", 7200)
    house.run([answer, send(7), busy], [answer, send(8), send(9)])
    row = house.rows()[0]
    assert (row["began_utc"], row["ended_utc"], row["backfilled_from_utc"]) == (at(1), at(7201), at(3601))


def test_what_was_asked_for_and_has_not_come_is_not_had(tmp_path: Path) -> None:
    house = House(tmp_path, backfill={"field": "id", "parameter": "since"})

    def late(_: House) -> list[bytes]:
        return [message(8, NOON + timedelta(seconds=2))]

    house.run([answer, send(7), go(10), DROPPED], [answer, late, go(0)], then="kill")
    house.run()
    assert house.rows()[0]["backfilled_from_utc"] == ""
    house.run([answer, late, send(9)])
    assert house.rows()[0]["backfilled_from_utc"] == at(1)


def test_a_message_that_cannot_be_taken_is_not_asked_for_for_ever(tmp_path: Path) -> None:
    """Of what is sent from the cursor on it comes first: nothing behind it would ever be received."""
    house = House(tmp_path, backfill={"field": "id", "parameter": "since"})
    too_long = Lost("junk", "a message is longer than 9 bytes (most_message_bytes)")
    house.run([answer, send(7), too_long], [answer, too_long], [answer, send(9), DROPPED], [answer, send(10)])
    assert [call.parameters for call in house.calls] == [{}, {"since": "7"}, {}, {"since": "9"}]
    assert house.ids() == [7, 9, 10]
    assert house.rows()[0]["backfilled_from_utc"] == "", "what was not asked for is not had"


def test_a_connection_that_cannot_be_closed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvesting, "GOODBYE_SECONDS", 0.05)

    async def link(_: Call) -> AsyncIterator[Batch]:
        try:
            for number in itertools.count():
                yield Batch([message(number, NOON)])
        finally:
            # As many wait as may: what is said now would be waited for without end.
            raise Lost("network", "the connection broke off")

    house = House(tmp_path)
    for each in ("book", "s"):
        (tmp_path / each).mkdir(exist_ok=True)
    book = Logbook(tmp_path / "book" / "s" / "local").ensure()
    # It is told to end while it writes to the disk, and meanwhile as many messages wait as may.
    quick = house.stream.model_copy(update={"commit_seconds": 1e-9})
    harvester = Harvester(
        quick, book, tmp_path / "tweets", tmp_path / "outages", "agent", None, house.said.append, link=link
    )

    async def main() -> None:
        running = asyncio.create_task(harvester.run())
        await asyncio.sleep(0.01)
        harvester.end()
        ended, _ = await asyncio.wait({running}, timeout=8)
        assert ended

    asyncio.run(main())
    assert book.state().doing == "ended: the harvester was ended in order"


def test_an_outage_before_the_first_cursor_is_not_had_by_what_is_asked_for_later(tmp_path: Path) -> None:
    """What is asked for is of after the cursor, which stands behind the first outage."""
    house = House(tmp_path, backfill={"field": "id", "parameter": "since"})
    house.run([answer, go(5), DROPPED], [go(30), answer, send(7), DROPPED], [answer, send(8), send(9)])
    assert [call.parameters for call in house.calls] == [{}, {}, {"since": "7"}]
    first, second = [each for each in house.rows() if each["known_by"] == "connection"]
    assert (first["backfilled_from_utc"], second["backfilled_from_utc"]) == ("", second["began_utc"])


def test_files_are_of_hours_and_outages_that_last_are_told_every_hour(tmp_path: Path) -> None:
    house = House(tmp_path, heartbeat_seconds=None)
    busy = Lost("busy", "the service asks for fewer attempts (status 429)", 3 * 3600)
    house.run([answer, send(1), go(3000), send(2, after=600), DROPPED], [busy], [answer, send(3)])
    names = sorted(each.name for each in (tmp_path / "tweets").iterdir())
    assert [each[6:17] for each in names] == ["20260301T12", "20260301T13", "20260301T16"]
    told = [list(csv.DictReader(each.open())) for each in sorted((tmp_path / "outages").iterdir())]
    lasting = [each for rows in told for each in rows if each["began_utc"] == at(3601)]
    assert [each["is_over"] for each in lasting] == ["no", "yes"]


def test_a_disk_that_is_nearly_full_ends_it_in_order(tmp_path: Path) -> None:
    house = House(tmp_path, least_free_bytes=1 << 20)

    def fill(house: House) -> None:
        house.free = 1 << 19

    with pytest.raises(NotHarvested, match="the disk is nearly full: 0 MiB are free, and it ends with less than 1"):
        house.run([answer, send(1), fill, send(2)])
    [row] = house.rows()
    assert (row["known_by"], row["began_utc"], row["is_over"]) == ("disk", at(1), "no")
    assert house.ids() == [1]
    with pytest.raises(NotHarvested, match="cannot begin: the disk is nearly full"):
        house.run([answer])
    house.free = 1 << 40
    house.run([answer, send(2)])
    assert house.ids() == [1, 2]


def test_who_is_refused_again_and_again_asks_no_more(tmp_path: Path) -> None:
    house = House(tmp_path, reconnect={"most_refusals": 3})
    refused = Lost("refused", "the service refuses (status 401)")
    with pytest.raises(NotHarvested, match=r"the service refuses \(status 401\), 3 times in a row"):
        house.run([refused], [refused], [Lost("http", "x")], *[[refused]] * 3)
    assert len(house.calls) == 6
    assert house.rows()[0]["is_over"] == "no"


def test_a_clock_that_is_set_makes_no_outage_of_a_negative_length(tmp_path: Path) -> None:
    house = House(tmp_path)

    def back(house: House) -> None:
        house.clock.set(-7200)

    house.run([answer, send(1), back, DROPPED], [go(10), answer, send(2)])
    row = house.rows()[0]
    assert row["began_utc"] <= row["ended_utc"]
    assert row["ended_utc"] < at(-7000)
    house.clock.set(-86_400)
    house.run([answer, send(3)])
    assert all(each["began_utc"] <= each["ended_utc"] for each in house.rows())


def test_junk_is_counted_and_forgotten(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run([answer, lambda _: [b"MARKER4711", message(1, NOON), b'{"text":"MARKER4711"}']])
    state = Logbook(tmp_path / "book" / "s" / "local").state()
    assert state.counts == {"received": 3, "kept": 1, "left_out": 0, "junk": 2}
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"MARKER4711" not in path.read_bytes()
    assert not any("MARKER4711" in each for each in house.said)


def test_its_folder_is_its_owners_alone(tmp_path: Path) -> None:
    House(tmp_path).run([answer, send(1)])
    assert (tmp_path / "book" / "s" / "local").stat().st_mode & 0o077 == 0


def test_a_line_of_the_journal_that_was_not_ended_is_cut_off(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.run([answer, send(1)])
    book = Logbook(tmp_path / "book" / "s" / "local")
    [journal] = book.folder.glob("journal_*")
    whole = list(book.lines())
    with journal.open("ab") as file:
        file.write(b'{"what": "conn')
    assert list(book.ensure().lines()) == whole
    assert [each["what"] for each in whole] == ["begun", "connected", "completed", "ended"]


# --- how long one waits, and what is asked for


def test_waits_are_by_what_befell_and_how_often() -> None:
    waits = Waits(Reconnect())
    assert [waits.after(Lost("network", ""), None) for _ in range(3)] == [0.25, 0.5, 0.75]
    assert [waits.after(Lost("http", ""), None) for _ in range(3)] == [5, 10, 20]
    assert [waits.after(Lost("busy", ""), None) for _ in range(3)] == [60, 120, 240]
    assert waits.after(Lost("ended", ""), 3600.0) == 0, "a connection that worked is tried again at once"
    assert waits.after(Lost("network", ""), None) == 0.25, "and waits begin anew"
    assert waits.after(Lost("busy", "", 900.0), None) == 900, "the service says how long"
    assert waits.after(Lost("ended", ""), 1.0) == 0.5, "one that ends soon is no connection that worked"


def test_a_storm_of_short_connections_is_slowed_down() -> None:
    waits = Waits(Reconnect())
    total = sum(waits.after(Lost("ended", ""), 0.5) for _ in range(50))
    assert total > 300


def test_minutes_are_those_of_the_oldest_outage_and_no_more_than_there_are() -> None:
    back = Backfill(how="minutes", parameter="backfill_minutes", reach_seconds=300)
    assert not resume(back, State(), NOON).is_asked

    def asked(seconds: float) -> str:
        state = State(outages=(Outage(NOON - timedelta(seconds=seconds), "connection", ""),))
        return resume(back, state, NOON).parameters["backfill_minutes"]

    assert [asked(each) for each in (1, 60, 61, 299, 86_400)] == ["1", "1", "2", "5", "5"]


def test_a_cursor_goes_into_a_header_where_that_is_said() -> None:
    back = Backfill(header="Last-Event-ID", rewind=5)
    assert resume(back, State(cursor="3"), NOON).headers == {"Last-Event-ID": "0"}
    assert resume(back, State(cursor="at://x"), NOON).headers == {"Last-Event-ID": "at://x"}
    assert not resume(None, State(cursor="3"), NOON).is_asked
    assert not resume(back, State(cursor="\u00b2"), NOON).is_asked, "what no header takes"


def test_very_many_outages_that_wait_are_given_up() -> None:
    waiting = [
        Outage(NOON + timedelta(seconds=each), "connection", "", NOON + timedelta(seconds=each + 1), NOON, False, True)
        for each in range(1_500)
    ]
    state = State().with_outages(*waiting)
    assert len(state.outages) == 1_000


def test_an_outage_comes_back_from_json_as_it_was() -> None:
    one = Outage(NOON, "silence", "no message", NOON + timedelta(seconds=3), None, False, True)
    assert Outage.of_json(json.loads(json.dumps(one.as_json()))) == one
    assert outages.caught_up(one, NOON + timedelta(days=1)) == one, "what was not asked for is not had"


def test_the_rules_that_are_not_said_are_those_of_x() -> None:
    assert Reconnect().network == Wait(first_seconds=0.25, grows="linear", longest_seconds=16)
    assert Reconnect().busy.before(1) == 60
