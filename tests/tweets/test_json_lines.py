import gzip
import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from ons_assets.intake.limits import Limits
from ons_assets.intake.unreadable import Unreadable
from ons_assets.lakehouse.home import Home
from ons_assets.tweets.json_lines import Reader
from ons_assets.tweets.records import RECORD_SCHEMA, Rules
from ons_assets.tweets.sources import BUILT_IN, TweetFiles
from tests.tweets.statuses import PORTSMOUTH, RECEIVED, line, status, tweet_id

GOOD = status()


def later(minutes):
    return datetime(2015, 3, 15, 15, 13, 42, tzinfo=UTC) + timedelta(minutes=minutes)


def reasons(parsed):
    return dict(zip(parsed.rejected["line"], parsed.rejected["reason"], strict=True))


# --- what is kept ----------------------------------------------------------------------------------


def test_the_published_sample(source, shared_data):
    """A retweet without a position, and a tweet from Portsmouth; the numeric ids of the sample are rounded."""
    path = shared_data / "geo" / "tweets" / "tweet_v1_1_sample.json"
    parsed = source.whole(path, path.name, datetime(2016, 1, 1, tzinfo=UTC))
    assert parsed.rejected.is_empty()
    rows = parsed.accepted.select("event", "tweet_id", "latitude", "longitude", "position", "place_type", "application")
    assert rows.rows() == [
        ("retweet", 577158126174126080, None, None, "none", None, "mobile"),
        ("tweet", 577125526336368640, 50.7953752, -1.1075899, "point", "city", "mobile"),
    ]
    assert parsed.accepted["user"].n_unique() == 1
    assert parsed.accepted["created_utc"].to_list()[1] == datetime(2015, 3, 15, 15, 13, 42, tzinfo=UTC)


def test_neither_text_nor_name_nor_user_id_is_kept(parse):
    parsed = parse(GOOD, status(later(1), position=(0.0, 0.0)), b'{"text": "SECRET WORDS", "user": 5}\n')
    kept = str(parsed.accepted.rows()) + str(parsed.rejected.rows())
    assert len(parsed.rejected) == 2
    assert not any(secret in kept for secret in ("SECRET", "secret_handle", "921666319"))
    assert parsed.accepted.schema == pl.Schema(RECORD_SCHEMA)


def test_pseudonyms_are_the_same_in_every_file_and_differ_between_homes(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(line(GOOD) + line(status(later(1), user="7")))
    users = [
        Reader(secret, Limits()).read(path, Rules(RECEIVED, date(2014, 1, 1))).accepted["user"].to_list()
        for secret in (b"a" * 32, b"a" * 32, b"b" * 32)
    ]
    assert users[0] == users[1]
    assert len({*users[0], *users[2]}) == 4


@pytest.mark.parametrize("form", ["plain", "gzip", "zstandard", "array"])
def test_every_packing_gives_the_same_rows(parse, form):
    statuses = [status(later(minute)) for minute in range(500)]

    def zstandard(content):
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(content)
        return sink.getvalue().to_pybytes()

    pack = {
        "plain": None,
        "gzip": gzip.compress,
        "zstandard": zstandard,
        "array": lambda content: json.dumps([json.loads(each) for each in content.splitlines()], indent=1).encode(),
    }[form]
    assert parse(*statuses, pack=pack).accepted.equals(parse(*statuses).accepted)


def test_place_boxes_are_not_points(parse):
    parsed = parse(status(position=None, place={"place_type": "city", "bounding_box": {"coordinates": [[[0, 1]]]}}))
    assert parsed.accepted.select("position", "place_type", "latitude").rows() == [("place", "city", None)]


def test_geo_alone_is_latitude_first(parse):
    parsed = parse(status(coordinates=None))
    assert parsed.accepted.select("latitude", "longitude").row(0) == PORTSMOUTH


def test_the_local_day_is_that_of_london(parse):
    parsed = parse(status(datetime(2014, 7, 1, 23, 30, tzinfo=UTC)), status(datetime(2014, 12, 1, 23, 30, tzinfo=UTC)))
    assert parsed.accepted["created_on"].to_list() == [date(2014, 7, 2), date(2014, 12, 1)]


def test_version_2_of_the_interface(parse):
    page = {
        "data": [
            {
                "id": str(tweet_id(later(0))),
                "author_id": "921666319",
                "created_at": "2015-03-15T15:13:42.000Z",
                "geo": {"place_id": "p", "coordinates": {"type": "Point", "coordinates": [-1.1075899, 50.7953752]}},
                "edit_history_tweet_ids": ["100", str(tweet_id(later(0)))],
            },
            {
                "id": str(tweet_id(later(9))),
                "author_id": "921666319",
                "created_at": "2015-03-15T15:22:42Z",
                "referenced_tweets": [{"type": "retweeted", "id": "1"}],
            },
        ],
        "includes": {"places": [{"id": "p", "place_type": "neighborhood"}]},
        "meta": {"result_count": 2},
    }
    parsed = parse(page, {"meta": {"result_count": 0}})
    assert parsed.rejected.is_empty()
    rows = parsed.accepted.select("event", "original_id", "latitude", "place_type").rows()
    assert rows == [("tweet", 100, 50.7953752, "neighborhood"), ("retweet", tweet_id(later(9)), None, None)]
    v1 = parse(GOOD).accepted
    assert parsed.accepted["user"][0] == v1["user"][0]


def test_a_byte_that_is_no_text_is_a_fault_of_its_line_wherever_it_stands(parse):
    other = status(later(5))
    tweet = {"id": "5", "author_id": "6", "created_at": "2015-03-15T15:13:42.000Z", "geo": {"place_id": "p"}}
    for damaged in (line(GOOD), line({"data": [tweet], "meta": {"result_count": 1}})):
        for place in range(0, len(damaged) - 1, 3):
            parsed = parse(damaged[:place] + b"\xff" + damaged[place + 1 :], other)
            assert parsed.accepted.filter(line=2).height == 1


def test_notices_of_the_connection_are_counted(parse):
    parsed = parse(GOOD, {"limit": {"track": 5}}, {"disconnect": {"code": 4}}, b"\r\n")
    assert len(parsed.accepted) == 1
    assert parsed.rejected.is_empty()
    assert parsed.notes == ("2 notices of the connection",)


# --- what is rejected, each with a sentence ----------------------------------------------------------


BAD = {
    "swapped axes": (
        status(
            later(1),
            geo={"coordinates": [-1.1075899, 50.7953752]},
            coordinates={"coordinates": [50.7953752, -1.1075899]},
        ),
        "position has its axes swapped",
    ),
    "axes that contradict each other": (
        status(later(1), coordinates={"coordinates": [50.7953752, -1.1075899]}),
        "geo and coordinates are not the same place",
    ),
    "zero, zero": (status(later(1), position=(0.0, 0.0)), "position is 0, 0"),
    "off the Earth": (status(later(1), position=(95.0, 0.5)), "position is not on Earth"),
    "three coordinates": (
        status(later(1), geo=None, coordinates={"coordinates": [1, 2, 3]}),
        "position does not have two coordinates",
    ),
    "the same id again": (GOOD, "repeats line 1"),
    "broken JSON": (b'{"id_str": "5", "user": {"id_s\n', "is not valid JSON"),
    "not UTF-8": (b'{"id_str": "\xff\xfe"}\n', "is not valid JSON"),
    "JSON of something else": (b'{"hello": "world"}\n', "is JSON, but neither a tweet nor a notice"),
    "a field of the wrong type": (
        status(later(1), coordinates={"coordinates": "here"}),
        "a field has the wrong type: Expected `array | null`, got `str` - at `$.coordinates.coordinates`",
    ),
    "a local clock": (
        status(later(1), created_at="Sun Mar 15 16:14:42 +0000 2015"),
        "time is a local clock: it is whole hours away from the time that the id holds",
    ),
    "a time without a zone": (
        status(later(1), created_at="2015-03-15 15:14:42"),
        "time is missing, cannot be read, or does not say its zone",
    ),
    "the future": (status(datetime(2015, 4, 9, tzinfo=UTC)), "time is in the future"),
    "long ago": (status(datetime(2012, 4, 9, tzinfo=UTC)), "day is before 2014-01-01"),
    "a user id that lost digits": (
        status(later(1), user=None) | {"user": {"id": 1.2345678901234567e18}},
        "user is missing, or is a number that has lost digits",
    ),
    "an id that lost digits": (
        {**status(later(1)), "id_str": None, "id": 577125526336368600},
        "id is missing, or is a number that has lost digits",
    ),
    "no user": (status(later(1), user=None) | {"user": {}}, "user is missing, or is a number that has lost digits"),
    "a line without end": (b'{"text": "' + b"x" * 300_000 + b'"}\n', "line is longer than 200000 bytes"),
}


def test_ids_of_nineteen_digits_are_read_to_the_last(parse):
    ids = ["1389999999999999999", "9223372036854775807", "9223372036854775808"]
    parsed = parse(*({**status(later(n), user=each), "id_str": each} for n, each in enumerate(ids)))
    assert parsed.accepted["tweet_id"].to_list() == [int(each) for each in ids[:2]]
    assert parsed.accepted["user"].n_unique() == 2
    assert set(reasons(parsed)) == {3}, "more than what a column holds"


@pytest.mark.parametrize(("bad", "sentence"), BAD.values(), ids=BAD)
def test_bad_records_are_rejected_with_a_sentence_and_nothing_is_lost(parse, bad, sentence):
    parsed = parse(GOOD, bad, status(later(5)))
    assert reasons(parsed) == {2: sentence}
    assert parsed.accepted["line"].to_list() == [1, 3]


def test_user_ids_as_whole_floats_are_the_same_user(parse):
    parsed = parse(GOOD, status(later(1)) | {"user": {"id": 921666319.0}})
    assert parsed.accepted["user"].n_unique() == 1


def test_a_line_of_100_kilobytes_is_read(parse):
    assert len(parse(status(text="x" * 100_000)).accepted) == 1


def test_times_with_another_offset_are_converted(parse):
    parsed = parse(status(created_at="Sun Mar 15 16:13:42 +0100 2015"))
    assert parsed.accepted["created_utc"][0] == later(0)


def test_positions_at_sea_and_abroad_are_counted_in_the_note(parse):
    parsed = parse(GOOD, status(later(1), position=(55.5, 3.0)), status(later(2), position=(48.85, 2.35)))
    assert len(parsed.accepted) == 3
    assert parsed.notes == ("2 positions outside Great Britain",)


def test_a_file_wholly_abroad_is_refused_in_a_sentence(parse):
    with pytest.raises(Unreadable, match="has 2 positions and none in Great Britain"):
        parse(*(status(later(minute), position=(39.98, 116.32)) for minute in range(2)))


def test_deletions_and_withdrawn_positions_are_rows(parse):
    parsed = parse(
        GOOD,
        {"delete": {"status": {"id_str": "1234", "user_id_str": "7"}, "timestamp_ms": "1426500000000"}},
        {"scrub_geo": {"user_id_str": "921666319", "up_to_status_id_str": str(tweet_id(later(0)))}},
    )
    assert parsed.rejected.is_empty()
    assert parsed.accepted["event"].to_list() == ["tweet", "delete", "scrub_geo"]
    assert parsed.accepted["user"][0] == parsed.accepted["user"][2]


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_gzip_that_is_cut_short_keeps_what_came_before(parse, kept):
    statuses = [status(later(minute)) for minute in range(2_000)]
    parsed = parse(*statuses, pack=lambda content: gzip.compress(content)[: int(len(gzip.compress(content)) * kept)])
    assert 0 < len(parsed.accepted) < 2_000
    assert parsed.notes == ("cut short",)
    assert parsed.rejected["reason"].to_list()[-1] == "cut short"
    whole = parse(*statuses[: len(parsed.accepted)])
    assert parsed.accepted.equals(whole.accepted)


def test_a_file_that_ends_inside_a_record_keeps_what_came_before(parse):
    parsed = parse(GOOD, line(status(later(1)))[:-80])
    assert len(parsed.accepted) == 1
    assert reasons(parsed) == {2: "is not valid JSON"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "is empty"), (b"[1, 2", "not valid JSON"), (b'{"a": 1}\n', "has no tweet that could be read")],
)
def test_files_that_cannot_be_read_at_all(parse, content, sentence):
    with pytest.raises(Unreadable, match=sentence):
        parse(content)


def test_memory_does_not_grow_with_what_is_skipped(parse):
    """40 MB of text, of which a few hundred kilobytes are kept."""
    import tracemalloc

    lines = [line(status(later(minute), text="x" * 20_000)) for minute in range(2_000)]
    tracemalloc.start()
    baseline = tracemalloc.get_traced_memory()[0]
    parse(*lines, pack=gzip.compress)
    # The lines themselves, joined by the fixture, are 40 MB; the reader adds little to them.
    peak = tracemalloc.get_traced_memory()[1] - baseline
    tracemalloc.stop()
    assert peak < 60e6


def test_a_page_and_its_tweets_one_a_line_are_the_same(parse):
    """Collectors flatten pages: a line is a tweet, with its author and its place in it."""
    place = {"id": "01a", "full_name": "SECRET PLACE", "place_type": "city", "geo": {"type": "Feature", "bbox": [1]}}
    common = {"author_id": "42", "created_at": "2015-03-15T15:13:42.000Z", "source": "Twitter for iPhone"}
    ids = [str(tweet_id(later(minutes))) for minutes in range(4)]
    tweets = [
        {
            "id": ids[0],
            **common,
            "geo": {"place_id": "01a", "coordinates": {"type": "Point", "coordinates": [-1.1, 50.8]}},
        },
        {"id": ids[1], **common, "geo": {"place_id": "01a"}},
        {"id": ids[2], **common},
        {"id": ids[3], **common, "referenced_tweets": [{"type": "retweeted", "id": "1"}]},
    ]
    page = parse(line({"data": tweets, "includes": {"places": [place]}, "meta": {"result_count": 4}}))
    flat = [
        {**each, "author": {"id": "42", "username": "secret"}, "__twarc": {"version": "2"}}
        | ({"geo": {**place, **each["geo"]}} if "geo" in each else {})
        for each in tweets
    ]
    lines = parse(b"".join(map(line, flat)))
    assert page.accepted.drop("line").equals(lines.accepted.drop("line"))
    assert lines.accepted["position"].to_list() == ["point", "place", "none", "none"]
    assert lines.accepted["event"].to_list() == ["tweet", "tweet", "tweet", "retweet"]
    assert lines.accepted["line"].to_list() == [1, 2, 3, 4]


def test_a_position_inside_a_position_is_rejected(parse):
    faulty = status(geo={"coordinates": {"coordinates": [1.0, 2.0]}})
    parsed = parse(line(status()) + line(faulty))
    assert reasons(parsed) == {2: "a field has the wrong type: geo is an object in an object"}


def test_an_own_layout_of_json_comes_before_the_interface(tmp_path):
    folder = tmp_path / "layouts"
    folder.mkdir()
    (folder / "mine.yaml").write_text(
        "name: mine\nfiles: 'walks*'\nzone: UTC\ntime_formats: [epoch]\n"
        "columns: {user: who, time: at, latitude: point.1, longitude: point.0}\n"
    )
    source = TweetFiles((folder, BUILT_IN), home=Home(tmp_path / "home").ensure())
    path = tmp_path / "walks.jsonl"
    path.write_bytes(line({"who": "7", "at": 1426432422, "point": [-1.1, 50.8]}))
    layout = source.layout(path, path.name)
    piece = next(iter(source.read(path, path.name, RECEIVED, layout)))
    assert (layout.name, piece.accepted["latitude"].to_list()) == ("mine", [50.8])
    path.write_bytes(line(status()))
    assert source.layout(path, path.name).name == "twitter-api"


def test_json_that_a_broken_layout_is_for_is_refused_for_that_and_the_interface_is_read(tmp_path):
    folder = tmp_path / "layouts"
    folder.mkdir()
    # It says neither a zone nor formats with one.
    (folder / "mine.yaml").write_text(
        "name: mine\nfiles: '*.json*'\ncolumns: {user: a, time: b, latitude: c, longitude: d}\n"
    )
    source = TweetFiles((folder, BUILT_IN), home=Home(tmp_path / "home").ensure())
    path = tmp_path / "walks.json"
    path.write_text('{\n "rows": [\n  {"a": "7", "b": "2016-07-01 10:00:00", "c": 50.8, "d": -1.1}\n ]\n}\n')
    layout = source.layout(path, path.name)
    with pytest.raises(
        Unreadable, match=r"would be read by a layout that cannot be used: mine\.yaml says neither zone"
    ):
        list(source.read(path, path.name, RECEIVED, layout))
    path.write_bytes(line(status()))
    [piece] = source.read(path, path.name, RECEIVED, source.layout(path, path.name))
    assert len(piece.accepted) == 1
