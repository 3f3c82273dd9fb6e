"""When bytes came: by a clock and a system that say what they are told to, and of a connection on loopback."""

import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ons_assets.collectors.streams.arrivals import Arrivals, Came, of_socket
from ons_assets.simulate.streams.judge import Interval, beyond, true_outages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Played:
    """A connection of which each look is told: the time, bytes that came, bytes that wait, and when the last came."""

    def __init__(self) -> None:
        self.now, self.came = 0.0, Came(0, 0, 0.0)
        self.arrivals = Arrivals(lambda: self.came, lambda: self.now)

    def look(self, now: float, received: int, unread: int, last: float) -> tuple[Any, bool]:
        self.now, self.came = now, Came(received, unread, now - last)
        self.arrivals.look()
        return self.arrivals.read, self.arrivals.is_behind


def test_what_is_read_late_came_when_it_came() -> None:
    played = Played()
    assert played.look(1.0, 100, 0, 1.0) == (1.0, False)
    # A thousand bytes come within two seconds, and nothing more; they are read by the hundred.
    for number in range(10):
        played.look(2.0 + number / 5, 200 + 100 * number, 100 + 100 * number, 2.0 + number / 5)
    assert played.look(9.0, 1_100, 500, 3.8) == (pytest.approx(2.8), True)
    assert played.look(20.0, 1_100, 0, 3.8) == (pytest.approx(3.8), False)
    assert played.look(90.0, 1_100, 0, 3.8) == (pytest.approx(3.8), False)


def test_what_came_between_two_looks_is_told_not_later_than_it_came() -> None:
    """The process had no turn for five seconds, and then reads a part of what lies there."""
    played = Played()
    played.look(1.0, 100, 0, 1.0)
    assert played.look(6.0, 900, 300, 5.5) == (1.0, True), "it may have come just after the last look"
    assert played.look(6.1, 900, 0, 5.5) == (5.5, False)
    assert played.arrivals.since == 1.0, "messages may lie before the sign of life that came last"


def test_a_connection_that_is_closed_says_nothing_new() -> None:
    played = Played()
    played.look(1.0, 100, 50, 1.0)
    before = played.arrivals.read
    arrivals = played.arrivals
    arrivals._measure = lambda: None
    played.now = 50.0
    arrivals.look()
    assert (arrivals.read, arrivals.is_behind) == (before, False)


def test_the_system_says_what_came_over_a_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
        measure = of_socket(ours)
        theirs.sendall(b"x" * 1_000)
        deadline = time.monotonic() + 30
        while (came := measure()) is None or came.received < 1_000:
            assert time.monotonic() < deadline
        assert (came.received, came.unread) == (1_000, 1_000)
        ours.recv(400)
        came = measure()
        assert came is not None
        assert (came.received, came.unread) == (1_000, 600)
        theirs.close()
        ours.close()
        assert measure() is None
    assert of_socket(None)() is None


def moment(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def entry(seconds: float, what: str, connection: int, **more: object) -> dict[str, object]:
    return {"at": moment(seconds).timestamp(), "what": what, "connection": connection, **more}


def test_that_an_earlier_connection_is_gone_is_no_break_of_this_one() -> None:
    """A stream may notice that who was killed is gone when the next one is there."""
    log = [
        entry(0, "opened", 1),
        entry(12, "opened", 2),
        entry(12.1, "broke", 1, by="left"),
        entry(30, "broke", 2, by="drop"),
        entry(31, "opened", 3),
    ]
    found = true_outages(log, [moment(10)])
    assert [(each.began_utc, each.ended_utc, each.by) for each in found] == [
        (moment(10), moment(12), "killed"),
        (moment(30), moment(31), "drop"),
    ]


def test_a_silent_stream_is_lost_between_its_last_message_and_its_last_sign_of_life() -> None:
    log = [
        entry(0, "opened", 1),
        entry(10, "broke", 1, by="silent"),
        entry(14, "last sign", 1),
        entry(20, "opened", 2),
    ]
    true = true_outages(log, [])
    second = timedelta(seconds=1)
    for began, number in ((9.5, 0), (10.0, 0), (14.5, 0), (15.5, 1)):
        told = [Interval(moment(began), moment(20), "heartbeat")]
        assert len(beyond(true, told, second)) == number
