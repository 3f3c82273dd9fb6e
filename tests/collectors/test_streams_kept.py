"""What of a message is kept: the fields of the layout, and never a text or a name."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_assets.collectors.streams import description
from ons_assets.collectors.streams.description import Keeps
from ons_assets.collectors.streams.keeping import Farewell, Junk, cursor_of, cursor_or_none, keeper_of
from ons_assets.intake.limits import Limits
from ons_assets.simulate.streams import Made
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.records import Rules

WHEN = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
SECRET = "MARKER4711"
OF_X: dict[str, Any] = {
    "data": {
        "id": "1234567890123456789",
        "author_id": "77",
        "created_at": "2026-03-01T12:30:15.250Z",
        "text": SECRET,
        "geo": {"place_id": "p", "coordinates": {"type": "Point", "coordinates": [-0.1, 51.5]}},
        "source": "Some app",
        "entities": {"mentions": [{"username": SECRET}]},
    },
    "includes": {
        "places": [{"id": "p", "place_type": "city", "full_name": SECRET}],
        "users": [{"id": "77", "name": SECRET, "username": SECRET}],
    },
    "matching_rules": [{"tag": SECRET}],
}
PLAIN = Keeps(
    fields={"id": "id", "user": "account.id", "time": "created_at", "latitude": "geo.lat", "longitude": "geo.lon"}
)
OF_PLAIN = {
    "id": "17",
    "account": {"id": 99, "acct": SECRET},
    "created_at": "2026-03-01T13:30:15.25+01:00",
    "content": SECRET,
    "geo": {"lat": 51.5, "lon": -0.1},
}


def said(message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def test_of_x_ids_time_and_place_are_kept_as_the_way_in_reads_them() -> None:
    kept = keeper_of(Keeps(layout="twitter-api"))(said(OF_X))
    assert kept is not None
    assert kept.time == WHEN
    assert kept.is_placed
    assert SECRET not in kept.line.decode()
    assert json.loads(kept.line) == {
        "data": {name: OF_X["data"][name] for name in ("id", "author_id", "created_at", "geo", "source")},
        "includes": {"places": [{"id": "p", "place_type": "city"}]},
    }


def test_of_fields_those_that_are_named_are_kept() -> None:
    kept = keeper_of(PLAIN)(said(OF_PLAIN))
    assert kept is not None
    assert kept.time == WHEN
    assert json.loads(kept.line) == {
        "id": "17",
        "user": "99",
        "time": "2026-03-01T12:30:15.250000+00:00",
        "latitude": 51.5,
        "longitude": -0.1,
    }


def test_a_message_without_a_position_is_kept_without_one() -> None:
    kept = keeper_of(PLAIN)(said({**OF_PLAIN, "geo": None}))
    assert kept is not None
    assert not kept.is_placed
    assert set(json.loads(kept.line)) == {"id", "user", "time"}


@pytest.mark.parametrize(
    ("unit", "number"), [("s", 1772368215.25), ("ms", 1772368215250), ("us", 1772368215250000), ("s", "2026-03-01")]
)
def test_times_are_numbers_of_the_unit_that_is_said(unit: str, number: Any) -> None:
    keep = keeper_of(Keeps(fields={"id": "id", "user": "user", "time": "at"}, time_unit=unit))
    message = said({"id": 1, "user": "a", "at": number})
    if isinstance(number, str):
        with pytest.raises(Junk):
            keep(message)
    else:
        kept = keep(message)
        assert kept is not None
        assert kept.time == WHEN


def test_an_id_of_several_parts_is_one_number_the_same_every_time() -> None:
    keep = keeper_of(Keeps(fields={"id": ["did", "key"], "user": "did", "time": "at"}))
    message = {"did": "did:plc:abc", "key": "3k", "at": "2026-03-01T00:00:00Z"}
    one, two = keep(said(message)), keep(said({**message, "text": SECRET}))
    other = keep(said({**message, "key": "3l"}))
    assert one is not None
    assert two is not None
    assert other is not None
    number = int(json.loads(one.line)["id"])
    assert one.line == two.line
    assert other.line != one.line
    # Above every id that holds a time of these decades, and still a number of 63 bits.
    assert 1 << 62 <= number < 1 << 63


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id":1e400}',
        b'{"id":true,"account":{"id":1},"created_at":"2026-03-01T00:00:00Z"}',
        b'{"id":1,"account":{},"created_at":"2026-03-01T00:00:00Z"}',
        b'{"id":1,"account":[],"created_at":"2026-03-01T00:00:00Z"}',
        b'{"id":1,"account":{"id":{"name":"x"}},"created_at":"2026-03-01T00:00:00Z"}',
        b'{"id":1,"account":{"id":1},"created_at":"2026-03-01T00:00:00"}',
        b'{"id":1,"account":{"id":1},"created_at":1e300}',
        b'{"id":1,"account":{"id":1},"created_at":"0001-01-01T00:00:00+14:00"}',
        b'{"id":1,"account":{"id":1},"created_at":"2026-03-01T00:00:00Z","geo":{"lat":{"text":"x"},"lon":1}}',
    ],
)
def test_what_is_no_message_is_junk(message: bytes) -> None:
    with pytest.raises(Junk):
        keeper_of(PLAIN)(message)


PATHS = ("id", "user", "account.id", "geo.lat", "geo.lon", "at", "a.b.c", "a.b")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.sampled_from(["x", "", "2026-03-01T12:00:00Z", 1.5]),
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "lat", "lon", "b", "c", "account"]), below, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    places=st.lists(st.sampled_from(PATHS), min_size=5, max_size=5),
    message=st.dictionaries(st.sampled_from(["id", "user", "account", "geo", "at", "a", "more"]), VALUES) | VALUES,
)
def test_ways_by_names_lead_where_they_lead_in_a_whole_message(places: list[str], message: Any) -> None:
    """What is not asked for is passed over, and nothing else is another."""
    fields = dict(zip(("id", "user", "time", "latitude", "longitude"), places, strict=True))
    # With a condition that always holds, all of the message is read.
    found = []
    for keeps in (Keeps(fields=fields), Keeps(fields=fields, only="`true`")):
        try:
            found.append(keeper_of(keeps)(said(message)))
        except Junk:
            found.append(None)
    assert found[0] == found[1]


@pytest.mark.parametrize("micros", [0, 1, 250_000, 999_999])
@pytest.mark.parametrize("year", [1, 1970, 2026, 9999])
def test_times_are_written_as_isoformat_writes_them(micros: int, year: int) -> None:
    when = datetime(year, 3, 1, 2, 3, 4, micros, tzinfo=UTC)
    kept = keeper_of(PLAIN)(said({**OF_PLAIN, "created_at": when.isoformat()}))
    assert kept is not None
    assert json.loads(kept.line)["time"] == when.isoformat(timespec="microseconds")


def test_withdrawals_of_x_are_kept_as_the_way_in_reads_them(tmp_path: Path) -> None:
    delete = {"status": {"id_str": "1234", "id": 1234, "user_id_str": "7"}, "timestamp_ms": "1772368215250"}
    scrub = {"user_id_str": "7", "up_to_status_id_str": OF_X["data"]["id"]}
    keep = keeper_of(Keeps(layout="twitter-api"))
    lines = [keep(said(OF_X))]
    lines += [keep(said({"delete": {**delete, "text": SECRET}, "more": SECRET})), keep(said({"scrub_geo": scrub}))]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(each.line + b"\n" for each in lines if each is not None))
    assert SECRET not in path.read_text()
    piece = Reader(b"secret", Limits()).read(path, Rules(datetime(2026, 3, 2, tzinfo=UTC), date(2014, 1, 1)))
    assert piece.accepted["event"].to_list() == ["tweet", "delete", "scrub_geo"]
    assert piece.rejected.is_empty()


@pytest.mark.parametrize(
    "notice",
    [
        {"delete": {"status": {"id_str": "1"}}},
        {"delete": {"status": {"user_id_str": "1"}}},
        {"delete": {}},
        {"delete": 3},
        {"scrub_geo": {"user_id": 1}},
        {"scrub_geo": {"up_to_status_id": 1}},
    ],
)
def test_a_withdrawal_of_nothing_is_junk(notice: dict[str, Any]) -> None:
    with pytest.raises(Junk):
        keeper_of(Keeps(layout="twitter-api"))(said(notice))


@given(st.binary(max_size=200))
def test_whatever_comes_is_kept_left_out_or_junk(message: bytes) -> None:
    for keeps in (PLAIN, Keeps(layout="twitter-api")):
        try:
            keeper_of(keeps)(message)
        except (Junk, Farewell):
            continue


def test_a_message_on_which_an_expression_fails_is_junk_and_not_told() -> None:
    keep = keeper_of(PLAIN.model_copy(update={"only": "starts_with(kind, 'c')"}))
    with pytest.raises(Junk) as junk:
        keep(said({**OF_PLAIN, "kind": [SECRET]}))
    assert SECRET not in str(junk.value)
    assert keep(said({**OF_PLAIN, "kind": "create"})) is not None
    assert cursor_of("length(at)")(b'{"at": 5}') is None


@pytest.mark.parametrize(
    ("given", "stays"),
    [("0", True), ("1992837465564738291", True), (str((1 << 62) - 1), True), (str(1 << 62), False), ("007", False)],
)
def test_an_id_that_is_a_number_stays_what_it_is(given: str, stays: bool) -> None:
    """Ids of posts of today have 19 digits; one that begins with 0 is another than the number that is read of it."""
    kept = keeper_of(PLAIN)(said({**OF_PLAIN, "id": given}))
    assert kept is not None
    number = json.loads(kept.line)["id"]
    assert (number == given) is stays
    assert stays or int(number) >= 1 << 62


def test_a_time_that_no_zone_of_ours_has_is_unknown() -> None:
    kept = keeper_of(Keeps(layout="twitter-api"))(b'{"data":{"id":"1","created_at":"0001-01-01T00:00:00+14:00"}}')
    assert kept is not None
    assert kept.time is None


@pytest.mark.parametrize("given", ["caf\u00e9", "\u00b2", "1\r\nHost: x", "9" * 5000, "\ud800", ""])
def test_a_cursor_that_cannot_be_sent_back_is_none(given: str) -> None:
    assert cursor_of("at")(b'{"at": %s}' % json.dumps(given).encode()) is None
    assert cursor_or_none(given) is None


def test_what_is_not_meant_is_left_out() -> None:
    keep = keeper_of(PLAIN.model_copy(update={"only": "kind == 'create'"}))
    assert keep(said({**OF_PLAIN, "kind": "delete"})) is None
    assert keep(said({**OF_PLAIN, "kind": "create"})) is not None


def test_a_service_that_takes_its_leave_is_heard() -> None:
    keep = keeper_of(Keeps(layout="twitter-api"))
    farewell = {"errors": [{"title": "operational-disconnect", "disconnect_type": "OperationalDisconnect"}]}
    with pytest.raises(Farewell):
        keep(said(farewell))
    assert keep(said({"errors": [{"title": "Not Found Error"}]})) is None
    assert keep(said({"data": []})) is None
    with pytest.raises(Junk):
        keep(said({"meta": {}}))


def test_cursors_are_read_from_where_they_stand() -> None:
    read = cursor_of("time_us")
    assert read(b'{"time_us":1725911162329308}') == "1725911162329308"
    assert read(b'{"time_us":{"a":1}}') is None
    assert read(b"{") is None


@pytest.mark.parametrize("style", ["fields", "x", "jetstream"])
def test_nothing_of_a_simulated_text_is_kept(style: Literal["fields", "x", "jetstream"]) -> None:
    from ons_assets.simulate.streams import StreamServer, describe

    with StreamServer(messages=Made(style)) as server:
        keep = keeper_of(Keeps.model_validate(describe(server)["keeps"]))
    kept = keep(Made(style).of(10, WHEN))
    assert kept is not None
    assert "Zo" not in kept.line.decode()
    assert kept.time == WHEN


def test_accounts_of_two_servers_with_one_number_are_two_people() -> None:
    """Of the descriptions that are shipped, the users: of X and Bluesky they are of the whole service."""
    keeps = {name: description.read(path).keeps for name, path in description.shipped().items()}
    status = {"id": "17", "account": {"id": "7", "acct": SECRET}, "created_at": "2026-03-01T12:30:15Z"}
    kept = keeper_of(keeps["mastodon"])(said(status))
    assert kept is not None
    assert json.loads(kept.line)["user"] == "mastodon.example:7"
    for nobody in ({}, {"id": None}, {"id": ""}):
        with pytest.raises(Junk):
            keeper_of(keeps["mastodon"])(said({**status, "account": nobody}))
    assert keeps["x"].layout == "twitter-api"
    assert keeps["jetstream"].fields["user"] == "did"
