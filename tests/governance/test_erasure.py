"""What is erased is nowhere, the rest is as if it had never come, and no moment of dying changes that."""

import gzip
import json
import multiprocessing
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from ons_assets.catalogue import CATALOGUE
from ons_assets.governance.erasure.erasing import CannotErase, NotProved
from ons_assets.governance.erasure.intent import Difference, Intent
from ons_assets.governance.erasure.selection import Kind, Selection
from ons_assets.governance.erasure.tables import differences
from ons_assets.intake.drops import archived_path, register
from ons_assets.intake.ledger import Status
from ons_assets.intake.reading import read_waiting, rereading
from ons_assets.lakehouse import lake
from ons_assets.meters.readings.sources import MeterFiles
from tests.governance.erasure_world import DEVICES, HOMES, METERS, USERS, House, tweets, world
from tests.workbench import SUITES, provenance

WHY = "asked for by letter of 3 May"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken everything; tests take a copy."""
    return House.at(tmp_path_factory.mktemp("full") / "home").take(world()).home.root


@pytest.fixture
def house(full: Path, tmp_path: Path) -> House:
    return copied(full, tmp_path / "home")


def copied(full: Path, to: Path) -> House:
    shutil.copytree(full, to)
    return House.at(to)


def unpacked(path: Path) -> list[bytes]:
    """What a file holds, as other libraries than the project's search unpack it."""
    content = path.read_bytes()
    found = [path.name.encode(), content]
    if content.startswith(b"\x1f\x8b"):
        found.append(gzip.decompress(content))
    elif content.startswith(b"\x28\xb5\x2f\xfd"):
        found.append(pa.input_stream(path, compression="zstd").read())
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found += [name.encode() + archive.read(name) for name in archive.namelist()]
    elif content.startswith(b"PAR1"):
        frame = pl.read_parquet(path, glob=False)
        found += [str(frame[name].to_list()).encode() for name in frame.columns]
    return found


def holding(root: Path, *words: bytes) -> list[str]:
    files = [path for path in root.rglob("*") if path.is_file() and path.parent.name != "erasure"]
    return [path.name for path in files if any(word in text for text in unpacked(path) for word in words)]


def eight(number: int) -> bytes:
    return number.to_bytes(8, "little", signed=True)


CASES = [
    ("tweets", USERS[0]),
    ("tweets", USERS[1]),
    ("meters", METERS[0]),
    ("meters", HOMES[0]),
    ("meter_questionnaire", METERS[1]),
    ("phone_events", DEVICES[1]),
    ("devices", DEVICES[0]),
]


@pytest.mark.parametrize(("source", "subject"), CASES)
def test_a_home_is_as_if_the_records_had_never_come(house: House, tmp_path: Path, source: str, subject: str) -> None:
    person = house.source(source).person
    about = {each for each in world() if house.source(each).person == person}
    before = {each: house.rows(each) for each in world() if each not in about}
    numbers = house.erasing()._numbered(house.source(source), house_selection(house, source, subject)).numbers
    done = house.erasing().erase(house.source(source), [subject], WHY)
    assert done.rows
    files = {each: of for each, of in world({subject}).items() if each in about}
    never = House.at(tmp_path / "never").take(files)
    for each in world():
        assert_frame_equal(house.rows(each), never.rows(each) if each in about else before[each])
    house.check_books()
    for number in numbers:
        assert holding(house.home.root, str(number).encode(), eight(number)) == []
    if len(subject) > 5:
        others = [each for each in (*USERS, *HOMES, *DEVICES) if each != subject and subject in each]
        if not others:
            assert holding(house.home.root, subject.encode()) == []
    assert Intent.read(house.home) is None
    assert not house.home.erasure.exists()


def house_selection(house: House, source: str, subject: str) -> Selection:
    return Selection(Kind.SUBJECTS, house.source(source).person or "", frozenset({subject}))


def test_rows_lead_to_their_records_in_what_is_left_of_their_files(house: House) -> None:
    house.erasing().erase(house.source("tweets"), [USERS[0]], WHY)
    rows = house.rows("tweets", lineage=True)
    for drop in house.ledger.drops("tweets"):
        if drop.original_name == "a.json":
            lines = archived_path(house.home, "tweets", str(drop.sha256)).read_text().splitlines()
            mine = rows.filter(drop_sha256=drop.sha256)
            assert len(mine)
            assert all(str(row["tweet_id"]) in lines[row["line"] - 1] for row in mine.iter_rows(named=True))


def test_a_deleted_tweet_goes_with_its_position(house: House) -> None:
    before = house.rows("tweets")
    # Where no other was.
    tweet = before.filter(event="tweet").filter(pl.col("latitude").is_unique(), position="point").row(0, named=True)
    done = house.erasing().erase(house.source("tweets"), [str(tweet["tweet_id"])], WHY, kind=Kind.RECORDS)
    assert done.rows
    after = house.rows("tweets")
    assert_frame_equal(after, before.filter(pl.col("tweet_id") != tweet["tweet_id"]))
    words = (str(tweet["tweet_id"]).encode(), eight(tweet["tweet_id"]), repr(tweet["latitude"]).encode())
    assert holding(house.home.root, *words) == []
    house.check_books()


def test_a_tweet_up_to_which_positions_were_withdrawn_is_not_erased_alone(house: House) -> None:
    """Else the positions of the earlier ones would be told again."""
    tweet = json.loads(tweets()["a.json"].splitlines()[0])["id_str"]
    notice = {"scrub_geo": {"user_id_str": USERS[3], "up_to_status_id_str": tweet}}
    house.take({"tweets": {"scrub.json": json.dumps(notice).encode() + b"\n"}})
    with pytest.raises(CannotErase, match="would be told again"):
        house.erasing().erase(house.source("tweets"), [tweet], WHY, kind=Kind.RECORDS)


def test_older_versions_and_what_the_log_says_of_values_are_gone(house: House) -> None:
    table = CATALOGUE["tweets/raw_tweets"]
    before = lake.history(house.home, table)
    house.erasing().erase(house.source("tweets"), [USERS[0]], WHY)
    after = lake.history(house.home, table)
    assert [each.provenance for each in after[-len(before) :]] == [each.provenance for each in before]
    with pytest.raises(LookupError):
        lake.read(house.home, table, 0).collect()
    assert lake.remove_orphans(house.home.table(table.name)) == []


def test_a_file_that_is_sent_again_brings_nothing_back(house: House) -> None:
    house.erasing().erase(house.source("tweets"), [USERS[0]], WHY)
    before = house.rows("tweets")
    plain = {name: content for name, content in tweets().items() if not name.endswith(".zip")}
    house.take({"tweets": {**plain, "renamed.json": plain["a.json"]}})
    assert_frame_equal(house.rows("tweets"), before)
    assert holding(house.home.root, f'"{USERS[0]}"'.encode()) == []


def test_the_ledger_keeps_that_something_was_erased_and_not_whom(house: House) -> None:
    house.erasing().erase(house.source("meters"), [HOMES[0]], WHY)
    [row] = house.ledger.erasures().iter_rows(named=True)
    assert (row["of_source"], row["erased_by"], row["stated_reason"]) == ("meters", "subjects", WHY)
    assert row["files"] == 4
    assert row["finished_utc"] is not None
    named = next(drop for drop in house.ledger.drops("meters") if drop.status is Status.ERASED)
    assert (named.original_name, named.accepted_rows) == ("portal-xxxxxxxxx.csv", 0)
    assert f"{HOMES[0]}".encode() not in house.home.ledger.read_bytes().replace(HOMES[2].encode(), b"")


def test_of_a_format_that_is_not_cut_the_rows_of_others_are_kept(house: House) -> None:
    house.erasing().erase(house.source("meters"), [HOMES[0]], WHY)
    book = next(drop for drop in house.ledger.drops("meters") if drop.original_name == "book.xlsx")
    assert not archived_path(house.home, "meters", str(book.sha256)).exists()
    assert "cannot be read again" in str(book.reason)
    assert book.rows_in_force == book.accepted_rows
    assert book.rows_in_force
    # What is in the archive no more is not looked for there.
    meters = CATALOGUE["meters/raw_readings"]
    with rereading(house.home, house.ledger, house.source("meters"), meters, None) as again:
        assert book.drop_id not in {each.drop.drop_id for each in again.differences}
        assert [each.drop.original_name for each in again.differences if each.changes] == []
    table = next(drop for drop in house.ledger.drops("meters") if drop.original_name == "table.parquet")
    assert archived_path(house.home, "meters", str(table.sha256)).exists()


def test_what_cannot_be_is_said_before_anything_is_done(house: House) -> None:
    erasing = house.erasing()
    with pytest.raises(CannotErase, match="must not say whom"):
        erasing.erase(house.source("meters"), [METERS[0]], f"the home {METERS[0]}")
    with pytest.raises(CannotErase, match="not about people"):
        erasing.erase(house.source("cells"), ["1"], WHY)
    with pytest.raises(CannotErase, match="records that have a number"):
        erasing.erase(house.source("meters"), ["1"], WHY, kind=Kind.RECORDS)
    (house.home.drops / "tweets" / "late.json").write_bytes(b"{}\n")
    with pytest.raises(CannotErase, match="1 file in the drop folders"):
        erasing.erase(house.source("tweets"), [USERS[0]], WHY)
    with house.home.working(), pytest.raises(CannotErase, match="another process is at work"):
        erasing.erase(house.source("meters"), [METERS[0]], WHY)
    assert house.ledger.erasures().is_empty()


def test_for_a_name_that_is_nobodys_nothing_is_forgotten(house: House) -> None:
    table = CATALOGUE["tweets/raw_tweets"]
    done = house.erasing().erase(house.source("tweets"), ["12345678"], WHY)
    assert (done.files, done.rows, done.tables) == (0, 0, 0)
    assert lake.read(house.home, table, 0).collect() is not None
    assert house.ledger.erasures()["erased_rows"].to_list() == [0]


def test_what_is_found_is_said_without_a_name_and_can_be_gone_on_with(house: House) -> None:
    note = house.home.root / "layouts" / "meters" / f"of-{HOMES[0]}.txt"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"a note on {HOMES[0]}")
    with pytest.raises(NotProved) as raised:
        house.erasing().erase(house.source("meters"), [HOMES[0]], WHY)
    assert HOMES[0] not in str(raised.value)
    assert "layouts/meters" in str(raised.value)
    with pytest.raises(CannotErase, match="not finished"):
        house.erasing().erase(house.source("tweets"), [USERS[0]], WHY)
    note.unlink()
    assert house.erasing().resume().rows
    assert Intent.read(house.home) is None


def test_every_source_and_table_about_people_says_whose_its_rows_are(house: House) -> None:
    """What does not, no erasure would find."""
    network = {f"mobile/{name}" for name in ("cells", "network_versions", "cell_footprints", "cell_neighbours")}
    nobodys = {*network, "tweets/collection_gaps"}
    people = {source.person for source in house.sources if source.person}
    for source in house.sources:
        columns = people & {*CATALOGUE[source.table].column_names}
        assert columns == ({source.person} if source.person else set()), source.name
        assert source.is_individual or not columns
    silent = {table.name for table in CATALOGUE.values() if table.is_individual and not people & {*table.column_names}}
    assert silent == nobodys


def test_the_suite_of_the_ledger_knows_every_status() -> None:
    [among] = [
        expectation["kwargs"]["value_set"]
        for expectation in json.loads((SUITES / "governance" / "drop_ledger.json").read_bytes())["expectations"]
        if expectation["kwargs"].get("column") == "status"
    ]
    assert {*among} == {*map(str, Status)}


def test_a_reading_under_other_parameters_than_of_now_stays_what_it_was(house: House) -> None:
    """What a file gave under parameters of then is not read anew by those of now, and the file is cut all the same."""
    source = house.source("meters")
    assert isinstance(source, MeterFiles)
    before = house.rows("meters")
    readings = source.readings.model_copy(update={"max_half_hour_kwh": 0.5})
    changed = replace(source, readings=readings, parameters=readings.model_dump(mode="json"))
    house.sources[house.sources.index(source)] = changed
    [number] = changed.pseudonyms_of(HOMES[0], changed.shelf.layouts, []) & {*before["meter"]}
    house.erasing().erase(changed, [HOMES[0]], WHY)
    assert_frame_equal(house.rows("meters"), before.filter(pl.col("meter") != number))
    trial = next(drop for drop in house.ledger.drops("meters") if drop.original_name == "trial.csv")
    assert archived_path(house.home, "meters", str(trial.sha256)).exists()
    house.check_books()


def test_what_was_never_read_or_could_not_be_is_looked_at_too(house: House) -> None:
    for name, content in {
        f"{HOMES[0]}.txt": b"this is no table\n",
        "odd.csv": f"a,b\n1,{HOMES[0]}\n2,3\n".encode(),
        "empty.csv": b"",
    }.items():
        path = house.home.root / name
        path.write_bytes(content)
        register(house.home, house.ledger, house.source("meters"), path, 1 << 20)
        path.unlink()
    read_waiting(house.home, house.ledger, house.source("meters"), CATALOGUE["meters/raw_readings"], "reading")
    house.erasing().erase(house.source("meters"), [HOMES[0]], WHY)
    # Of a home whose name goes on from this one, what is left is looked for without it.
    found = holding(house.home.root, HOMES[0].encode() + b"\n", HOMES[0].encode() + b".txt")
    assert found == []
    house.check_books()


def test_copies_in_the_drop_folder_go_with_what_is_in_the_archive(house: House) -> None:
    taken = house.home.drops / "tweets" / "taken"
    taken.mkdir()
    (taken / "a.json").write_bytes(tweets()["a.json"])
    (house.home.drops / "tweets" / "f.json").write_bytes(tweets()["f.json"])
    house.erasing().erase(house.source("tweets"), [USERS[0]], WHY)
    assert list(taken.iterdir()) == []
    assert not (house.home.drops / "tweets" / "f.json").exists()


def test_a_batch_that_the_gate_refused_loses_the_rows(house: House) -> None:
    rows = house.rows("meters", lineage=True)
    folder = house.home.quarantine / "meters" / "half_hours"
    folder.mkdir(parents=True)
    rows.select("meter", "day").write_parquet(folder / "run.batch.parquet")
    [number] = house.source("meters").pseudonyms_of(HOMES[0], house.source("meters").shelf.layouts, []) & {
        *rows["meter"]
    }
    house.erasing().erase(house.source("meters"), [HOMES[0]], WHY)
    left = pl.read_parquet(folder / "run.batch.parquet", glob=False)
    assert_frame_equal(left, rows.select("meter", "day").filter(pl.col("meter") != number))


def test_what_differs_in_an_aggregate_is_told_in_numbers(house: House) -> None:
    table = CATALOGUE["tweets/migration_flows"]
    flows = table.empty().vstack(
        pl.DataFrame(
            [
                ("month", "2015-03", "A", destination, movers, 1.0, 0.5, 2.0, "area")
                for destination, movers in (("B", 12), ("C", 40))
            ],
            schema=table.schema,
            orient="row",
        )
    )
    made = provenance(disclosure=[{"fewest": 10.0}])
    lake.publish(house.home, table, flows.lazy(), made)
    other = flows.with_columns(movers=pl.when(destination="B").then(pl.lit(11)).otherwise(pl.lit(70)).cast(pl.Int64))
    lake.publish(house.home, table, other.lazy(), made)
    assert differences(house.home, [table], {table.name: 0}) == [Difference(table.name, 2, 1, 10.0)]
    assert differences(house.home, [table], {table.name: 1}) == []


# --- dying

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["ons_assets.operations", "tests.governance.erasure_world"])
KILLED = 9


def dying(root: Path, source: str, subject: str, at: int) -> None:
    """Erase, and die at a step, without a word."""
    left = [at]

    def step(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os._exit(KILLED)

    house = House.at(root)
    house.erasing(step).erase(house.source(source), [subject], WHY)


@pytest.mark.parametrize(("source", "subject"), [("tweets", USERS[0]), ("meters", HOMES[0])])
def test_killed_at_any_step_it_can_be_gone_on_with(full: Path, tmp_path: Path, source: str, subject: str) -> None:
    undisturbed = copied(full, tmp_path / "undisturbed")
    steps: list[str] = []
    done = undisturbed.erasing(steps.append).erase(undisturbed.source(source), [subject], WHY)
    assert len(steps) > 20
    # Every other kind of step, of meters where it comes first, and the others of tweets, where they come last.
    kinds, backwards = list(dict.fromkeys(steps)), steps[::-1]
    chosen = (
        {len(steps) - 1 - backwards.index(name) for name in kinds[::2]}
        if source == "tweets"
        else {steps.index(name) for name in kinds[1::2]}
    )
    for at in sorted(chosen):
        root = tmp_path / f"killed-{at}"
        shutil.copytree(full, root)
        process = processes.Process(target=dying, args=(root, source, subject, at))
        process.start()
        process.join()
        assert process.exitcode == KILLED, steps[at]
        house = House.at(root)
        if Intent.read(house.home) is not None:
            again = house.erasing().resume()
            assert (again.files, again.rows) == (done.files, done.rows), steps[at]
        for each in world():
            assert_frame_equal(house.rows(each), undisturbed.rows(each))
        house.check_books()
        assert drops_of(house) == drops_of(undisturbed), steps[at]
        assert not house.home.erasure.exists()
        assert house.ledger.erasures()["erased_rows"].to_list() == [done.rows]
        shutil.rmtree(root)


def drops_of(house: House) -> list[tuple]:
    of_the_run = ("run_id", "received_utc", "attempts", "modified_ns")
    return house.ledger.frame().drop(of_the_run).sort("drop_id").rows()
