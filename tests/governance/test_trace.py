"""Figures are followed to their files and made again of them, and what stands against it is said."""

import errno
import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import polars as pl
import pytest
from openlineage.client import facet_v2
from prov.model import ProvActivity, ProvDerivation, ProvDocument, ProvEntity

from ons_assets.catalogue import CATALOGUE
from ons_assets.cli import main
from ons_assets.governance.trace import figures, openlineage, page, prov, verification, words
from ons_assets.governance.trace import tracing as tracing_of
from ons_assets.governance.trace.figures import NoFigure
from ons_assets.governance.trace.tracing import NoFile, Trace
from ons_assets.governance.trace.verification import CannotVerify, Verdict, same_bits
from ons_assets.intake.drops import archived_path
from ons_assets.intake.erasure_ledger import ErasureLedger
from ons_assets.intake.reading import rereading
from ons_assets.intake.recovery import recover
from ons_assets.lakehouse import lake
from ons_assets.lakehouse.lake import Provenance
from ons_assets.operations import releasing, tracing, verifying
from ons_assets.prices import assets
from ons_assets.prices.raw import raw_quotes
from ons_assets.program import code_version
from tests.governance.traced_world import JULY, JUNE, TracedWorld, two_months
from tests.run_files import IN_SCOPE, run_name

ITEM = CATALOGUE["prices/item_indices"]
RAW = CATALOGUE["prices/raw_quotes"]
LAYOUT = Path(assets.__file__).parent / "layouts" / "scraper_run_2016.yaml"
FIGURE = "frequency = 'month' and method = 'jevons' and period = '2016-07'"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TracedWorld:
    return two_months(tmp_path_factory.mktemp("traced") / "home")


def verify(world: TracedWorld, found: Trace) -> Verdict:
    return tracing.verify(world.settings, world.history, found, lambda _: None)


def test_figures_of_every_version_come_out_again(world: TracedWorld) -> None:
    whole = verify(world, world.trace(ITEM.name))
    assert whole.is_verified, whole
    assert whole.rows > 3
    older = verify(world, world.trace(ITEM.name, version=0))
    assert older.is_verified, older
    assert older.rows < whole.rows
    assert list(world.home.staging.glob("verification-*")) == []


def test_a_table_that_grows_is_made_again_version_by_version(world: TracedWorld) -> None:
    found = world.trace("prices/index_vintages")
    assert [number for name, number in sorted(found.origin.made) if name == "prices/index_vintages"] == [0, 1]
    verdict = verify(world, found)
    assert verdict.is_verified, verdict
    assert verdict.rows > 0
    assert verdict.left_out == ("published_utc",)
    assert "made of: its version 0: " in words.text(found)


def test_a_figure_that_was_tampered_with_is_found(world: TracedWorld, tmp_path: Path) -> None:
    copy = world.copy(tmp_path / "home")
    version = lake.latest(copy.home, ITEM)
    assert version is not None
    assert version.provenance is not None
    rows = lake.read(copy.home, ITEM).collect()
    moved = pl.when(pl.col("index") != 100).then(np.nextafter(rows["index"].max(), math.inf)).otherwise(pl.col("index"))
    lake.publish(copy.home, ITEM, rows.with_columns(index=moved).lazy(), version.provenance)
    verdict = verify(copy, copy.trace(ITEM.name, FIGURE))
    assert verdict.differing == 1
    assert verdict.differences[0].column == "index"
    assert verdict.differences[0].published > verdict.differences[0].made


def test_a_scratch_home_is_gone_whatever_happens(world: TracedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies leaves it in the staging area, which recovery clears; an archive may be on another disk."""
    found = world.trace(RAW.name, version=0)

    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    def die(_: str) -> None:
        assert len(list(world.home.staging.glob("verification-*"))) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tracing.verify(world.settings, world.history, found, die)
    assert list(world.home.staging.glob("verification-*")) == []
    (world.home.staging / "verification-abcd" / "lake").mkdir(parents=True)
    assert recover(world.home)
    assert list(world.home.staging.iterdir()) == []
    monkeypatch.setattr(Path, "hardlink_to", no_link)
    assert verify(world, found).is_verified


def test_an_index_is_told_with_what_each_product_contributes_to_it(world: TracedWorld) -> None:
    found = world.trace(ITEM.name, FIGURE)
    [part] = found.contributions
    assert (part.table, part.version) == ("prices/checked_quotes", 1)
    assert found.figure.row is not None
    change = found.figure.row["index"] - 100
    assert change == pytest.approx(10)
    assert part.rows["contribution"].sum() == pytest.approx(change)
    assert set(part.rows["product_id"]) == set(IN_SCOPE)
    said = words.text(found)
    assert "2 products, which together make +10.00 of +10.00 points since 2016-06" in said
    assert tracing_of.as_json(found)["contributions"][0]["how"] == part.how
    published = world.trace(ITEM.name, "period = '2016-07' and method = 'published'")
    assert published.figure.row is not None
    assert published.contributions[0].rows["contribution"].sum() == pytest.approx(published.figure.row["index"] - 100)
    # What many figures say together is no change of prices.
    assert world.trace(ITEM.name).contributions == []


def test_a_file_that_is_gone_is_named(world: TracedWorld, tmp_path: Path) -> None:
    copy = world.copy(tmp_path / "home")
    july = next(each for each in copy.ledger.drops() if JULY in each.days)
    archived_path(copy.home, "prices", str(july.sha256)).unlink()
    with pytest.raises(CannotVerify, match=rf"{july.name}.*its content is not in the archive"):
        verify(copy, copy.trace(ITEM.name, FIGURE))
    # June was published before it came, and nothing of July is behind it.
    assert verify(copy, copy.trace(ITEM.name, version=0)).is_verified


def test_another_program_is_said(world: TracedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "code_version", lambda: "0.9+other")
    with pytest.raises(CannotVerify, match=r"were made by the program .*, and this is 0\.9\+other: the same program"):
        verify(world, world.trace(ITEM.name))


def test_what_was_erased_is_said_with_its_erasure(world: TracedWorld, tmp_path: Path) -> None:
    copy = world.copy(tmp_path / "home")
    ledger = ErasureLedger(copy.home)
    july = next(each for each in ledger.drops() if JULY in each.days)
    number = ledger.begin_erasure("prices", "subjects", "asked for", datetime(2026, 11, 1, tzinfo=UTC))
    ledger.erase_content(july, number, "f" * 64, 10, july.original_name, 1)
    ledger.finish_erasure(number, 1, datetime(2026, 11, 2, tzinfo=UTC))
    found = copy.trace(ITEM.name, FIGURE)
    [file] = [each for each in found.files if each.sha256 == july.sha256]
    assert file.said == "records were erased from it (erasure 1, on 2026-11-02): this content is no longer kept"
    archived_path(copy.home, "prices", str(july.sha256)).unlink()
    with pytest.raises(CannotVerify, match=r"records were erased from it \(erasure 1, on 2026-11-02\)"):
        verify(copy, copy.trace(ITEM.name, FIGURE))
    # An erasure forgets older versions: what its log says of one is followed nevertheless, and what was erased named.
    lake.forget_history(copy.home.table(ITEM.name))
    older = copy.trace(ITEM.name, version=0)
    assert words.text(older).startswith("prices/item_indices, version 0, of which no row can be read any more")
    assert older.origin.doubts[0].startswith("version 0 of prices/item_indices can no longer be read")
    with pytest.raises(LookupError, match="version 0 of prices/item_indices can no longer be read"):
        copy.trace(ITEM.name, FIGURE, version=0)
    [standing] = [each for each in tracing.standing(copy.settings, lambda _: None) if each.table == ITEM.name]
    assert (standing.version, len(standing.obstacles)) == (1, 1)
    assert "(erasure 1, on 2026-11-02)" in words.standing_text([standing])


def test_rows_behind_a_figure_that_cannot_be_read_any_more_are_said(world: TracedWorld, tmp_path: Path) -> None:
    """Their files were deleted; the log of the table says how many there were, and the way to the files is known."""
    copy = world.copy(tmp_path / "home")
    whole = copy.trace(ITEM.name, FIGURE)
    assert "nothing on the way was forgotten" in words.text(whole)
    for path in copy.home.table("prices/checked_quotes").glob("**/*.parquet"):
        path.unlink()
    found = copy.trace(ITEM.name, FIGURE)
    assert not found.behind
    assert not found.contributions
    [said] = found.origin.doubts
    assert said.startswith("version 1 of prices/checked_quotes can no longer be read")
    assert said in words.text(found)
    assert "nothing on the way was forgotten" not in words.text(found)


def test_what_was_read_again_needs_its_layout(tmp_path: Path) -> None:
    world = TracedWorld.at(tmp_path / "home")
    own = world.home.layouts / "prices" / "own_2016.yaml"
    own.write_text(LAYOUT.read_text().replace("scraper-run-2016", "our-own"))
    world.take(JUNE)
    world.ingest(JUNE, JUNE)
    assert verify(world, world.trace(RAW.name)).is_verified
    own.unlink()
    source = raw_quotes.source(world.settings)
    with rereading(world.home, world.ledger, source, RAW, None) as again:
        again.apply("again")
    world.ingest(JUNE, JUNE)
    with pytest.raises(CannotVerify, match=r"read again since, and the layout our-own \(.*\), under which it was read"):
        verify(world, world.trace(RAW.name, version=0))
    older = world.trace(RAW.name, version=0)
    assert "our-own" in verifying.lost_layouts(world.history, older, verifying.sources(world.settings))[0]
    [file] = older.files
    assert str(file.said).startswith("it was read again since, under scraper-run-2016 ")
    assert verify(world, world.trace(RAW.name)).is_verified


def test_bits_are_held_against_bits() -> None:
    one = pl.Series([0.0, math.nan, None, 1.0, 1.0], dtype=pl.Float64())
    other = pl.Series([-0.0, math.nan, None, None, np.nextafter(1.0, 2.0)], dtype=pl.Float64())
    assert same_bits(one, other).tolist() == [False, True, True, False, False]
    lists = pl.Series([[0.0, 1.0], [], None, [None]], dtype=pl.List(pl.Float32()))
    changed = pl.Series([[0.0, -1.0], [], None, [None]], dtype=pl.List(pl.Float32()))
    longer = pl.Series([[0.0, 1.0, 2.0], [], [], [None]], dtype=pl.List(pl.Float32()))
    assert same_bits(lists, lists).tolist() == [True] * 4
    assert same_bits(lists, changed).tolist() == [False, True, True, True]
    assert same_bits(lists, longer).tolist() == [False, True, False, True]


def test_of_persons_no_value_is_told() -> None:
    table = CATALOGUE["meters/vacancy"]
    row = dict.fromkeys(table.column_names) | {"meter": 1, "first_day": JUNE}
    one = pl.DataFrame([row], schema=table.schema)
    name = next(each for each, dtype in table.schema.items() if each not in table.key and dtype.is_float())
    other = one.with_columns(pl.lit(4711.0).alias(name))
    verdict = verification.compared(table, 0, one, other)
    assert (verdict.differing, verdict.differences) == (1, ())


# --- back to the files


def test_a_figure_is_followed_to_its_files(world: TracedWorld) -> None:
    found = world.trace(ITEM.name, FIGURE)
    assert found.figure.row is not None
    assert found.figure.row["index"] == pytest.approx(110.0)
    assert {key[0] for key in found.origin.made} == {
        "prices/item_indices",
        "prices/checked_quotes",
        "prices/classified_quotes",
        "prices/raw_quotes",
    }
    # Two days of one table: each was written by a publication of its own, and both count.
    assert sorted(number for name, number in found.origin.made if name == RAW.name) == [0, 1]
    assert [each.name for each in found.files] == [run_name("tesco", day) for day in (JUNE, JULY)]
    assert [each.rows for each in found.files] == [3, 3]
    assert all(str(each.layout).startswith("scraper-run-2016 ") for each in found.files)
    quotes = {each.table: each for each in found.behind}
    # The quotes of the month, and no other; each names its file and line.
    rows = quotes["prices/checked_quotes"].rows
    assert rows is not None
    assert rows["collected_on"].unique().to_list() == [JULY]
    assert quotes["prices/raw_quotes"].drops == {found.files[1].sha256: 3}


def test_an_older_version_knows_nothing_of_what_came_later(world: TracedWorld) -> None:
    found = world.trace(ITEM.name, version=0)
    assert [each.name for each in found.files] == [run_name("tesco", JUNE)]
    assert {number for _, number in found.origin.made} == {0}
    with pytest.raises(LookupError, match="has no version 7: its versions are 0 to 1"):
        world.trace(ITEM.name, version=7)


def test_a_row_of_a_file_is_of_its_own_day_only(world: TracedWorld) -> None:
    """The lineage of one output is not that of everything that the same program made."""
    found = world.trace(RAW.name, "collected_on = '2016-06-15' and line = 2")
    assert [each.name for each in found.files] == [run_name("tesco", JUNE)]


def test_a_trace_says_all_of_it_in_words(world: TracedWorld) -> None:
    said = words.text(world.trace(ITEM.name, FIGURE))
    for part in (
        "method = jevons",
        "prices/raw_quotes, version 1, published",
        "parameters: prices.quotes: max_price = 500.0",
        "parameters: prices.quotes: max_price = 10000.0",
        "expectations, all met",
        "3 rows, of 1 file (by drop_sha256, line)",
        "layout scraper-run-2016",
        run_name("tesco", JULY),
        "Every partition and file above is exact",
    ):
        assert part in said, part


def test_forward_says_what_is_made_of_a_file(world: TracedWorld) -> None:
    july = next(each for each in world.ledger.drops() if JULY in each.days)
    found = tracing.impact(world.settings, str(july.sha256)[:10])
    of = {(each.table, each.partition): (each.first, each.last) for each in found.dependents}
    assert of["prices/raw_quotes", "2016-07-15"] == (1, None)
    assert ("prices/raw_quotes", "2016-06-15") not in of
    assert of["prices/item_indices", "month"] == (1, None)
    june = next(each for each in world.ledger.drops() if JUNE in each.days)
    of = {
        (each.table, each.partition, each.first) for each in tracing.impact(world.settings, str(june.sha256)).dependents
    }
    assert {("prices/item_indices", "month", 0), ("prices/item_indices", "month", 1)} <= of
    said = words.impact_text(found)
    assert "version 1 and all later ones: partition 2016-07-15, 3 rows of it" in said
    with pytest.raises(NoFile, match="knows no file whose hash begins with 00000000"):
        tracing.impact(world.settings, "00000000")
    with pytest.raises(NoFile, match="at least the first 8 digits"):
        tracing.impact(world.settings, "ab")


def test_forward_from_a_refused_file_says_that_it_was_and_why(world: TracedWorld, tmp_path: Path) -> None:
    copy = world.copy(tmp_path / "home")
    july = next(each for each in copy.ledger.drops() if JULY in each.days)
    copy.ledger.refuse(july, "its prices are in another currency")
    said = words.impact_text(tracing.impact(copy.settings, str(july.sha256)))
    assert "it was refused: its prices are in another currency" in said


def test_releases_that_hold_a_figure_are_named(world: TracedWorld, tmp_path: Path) -> None:
    copy = world.copy(tmp_path / "home")
    with releasing.drawn_up(copy.settings, ITEM.name) as drawn:
        entry, _ = drawn.put_out("A. Person <b>", None)
    july = next(each for each in copy.ledger.drops() if JULY in each.days)
    assert [each.release_version for each in tracing.impact(copy.settings, str(july.sha256)).releases] == [1]
    assert [each.release_version for each in copy.trace(ITEM.name, FIGURE).releases] == [1]
    assert copy.trace(ITEM.name, version=0).releases == []
    page = tracing.page_of_release(copy.settings, entry)
    html = page.read_text(encoding="utf-8")
    assert page.name == "prices-item_indices-v1.html"
    assert "approved by A. Person &lt;b&gt;" in html
    assert run_name("tesco", JULY) in html
    assert not re.search(r"(src|href)=\"(?!#)|url\(|<script", html)


# --- which figure


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("frequency = 'month'", r"\d+ rows of version 1 of prices/item_indices are so, .* they differ in method: "),
        ("period = '1999-01'", "no row of version 1 of prices/item_indices is so; it has frequency: day, month, week"),
        ("nosuch = 1", "has no column nosuch; it has frequency, method"),
        ("1 = 1", "the condition names no column"),
        ("period", "the condition cannot be used"),
        ("period = '2016-06'; drop table x", "no query, comment or backslash"),
        ("period in (select period from item_indices)", "no query, comment or backslash"),
        ("period in (SELECT * from read_csv('/etc/passwd'))", "no query, comment or backslash"),
        ("period = $$'$$ or exists (select 1 from read_csv('x')) or period = $$'$$", "no query, comment or backslash"),
        ("index > 0 -- '\n or exists (select 1 from read_csv('x')) -- '", "no query, comment or backslash"),
        ("period = E'\\'' or exists (select 1) or period = E'\\''", "no query, comment or backslash"),
        ("index = /* ' */ (select 1) /* ' */", "no query, comment or backslash"),
        ("read_csv('/etc/passwd') = 1", "the condition cannot be read: unsupported function 'read_csv'"),
    ],
)
def test_a_condition_picks_one_figure_and_reads_nothing_else(world: TracedWorld, where: str, said: str) -> None:
    with pytest.raises(NoFigure, match=said):
        world.trace(ITEM.name, where)


def test_days_and_words_of_sql_may_be_written_plainly() -> None:
    table = CATALOGUE["prices/aggregate_indices"]
    rows = pl.DataFrame([dict.fromkeys(table.column_names) | {"group": "it's", "items": 3}], schema=table.schema)
    assert len(figures._filtered(table, rows.lazy(), "group = 'it''s' and items = 3")) == 1
    report = CATALOGUE["prices/collection_report"]
    day = pl.DataFrame([dict.fromkeys(report.column_names) | {"day": JUNE}], schema=report.schema)
    for where in ("day = '2016-06-15'", "day = DATE '2016-06-15'", "day between '2016-06-01' and '2016-06-30'"):
        assert len(figures._filtered(report, day.lazy(), where)) == 1, where
    assert len(figures._filtered(report, day.lazy(), "day > '2016-06-15'")) == 0


# --- nothing of persons

MARKER = 4711_0815


def test_of_a_table_about_persons_only_numbers_are_told(tmp_path: Path) -> None:
    world = TracedWorld.at(tmp_path / "home")
    table = CATALOGUE["meters/vacancy"]
    empty = {name: (0 if dtype.is_numeric() else None) for name, dtype in table.schema.items()}
    rows = [{**empty, "bucket": bucket, "meter": MARKER + bucket, "first_day": JUNE} for bucket in (1, 1, 2)]
    made = Provenance("run", code_version(), {}, {"sha256": "s", "evaluated": 1, "failures": []}, {}, "data")
    lake.publish(world.home, table, pl.LazyFrame(rows, schema=table.schema), made)
    for where in (f"meter = {MARKER + 1}", "bucket = 1 and first_day = '2016-06-15'", "bucket in (1) or meter > 0"):
        with pytest.raises(NoFigure, match="a condition may name bucket and no other column") as refused:
            world.trace(table.name, where)
        assert str(MARKER) not in str(refused.value)
    with pytest.raises(NoFigure, match="has no such partition; it has 2 ones"):
        world.trace(table.name, "bucket = 9")
    found = world.trace(table.name, "bucket = 1")
    assert (found.figure.rows, found.figure.row) == (2, None)
    written = [
        words.text(found),
        page.as_html(found, "Office").decode(),
        json.dumps(tracing_of.as_json(found)),
        openlineage.lines(world.history, [made.commit for made in found.origin.made.values()], {}),
        prov.written(world.history, [made.commit for made in found.origin.made.values()], {}),
    ]
    assert not any(str(MARKER)[:6] in each for each in written)
    whole = CATALOGUE["tweets/moves"]
    lake.publish(world.home, whole, whole.empty().lazy(), made)
    with pytest.raises(NoFigure, match="it is traced as a whole, without a condition"):
        world.trace(whole.name, "not_after is null")


# --- for other programs


def facet_classes() -> dict[str, type]:
    """The client's own class of each facet, by the address of its schema."""
    modules = [getattr(facet_v2, name) for name in facet_v2.__all__ if not name[0].isupper()]
    classes = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    return {each._get_schema(): each for each in classes if hasattr(each, "_get_schema")}


def test_events_are_what_openlineage_declares(world: TracedWorld) -> None:
    history = world.history
    commits = [commit for name in history.tables for commit in history.commits(name)]
    events = [
        json.loads(line) for line in openlineage.lines(history, commits, {"prices/raw_quotes": "prices"}).splitlines()
    ]
    assert len(events) == 2 * len(commits)
    classes = facet_classes()
    found = set()
    for event in events:
        UUID(event["run"]["runId"])
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
        for holder in holders:
            for kind in ("facets", "inputFacets", "outputFacets"):
                for name, facet in holder.get(kind, {}).items():
                    kept = {key: value for key, value in facet.items() if key[0] != "_"}
                    # Raises where a field is missing that must be there, or is there that is not declared.
                    classes[facet["_schemaURL"]](**kept)
                    assert facet["_producer"] == openlineage.PRODUCER
                    found.add(name)
    assert found == {
        "schema",
        "version",
        "columnLineage",
        "dataQualityAssertions",
        "documentation",
        "executionParameters",
        "jobType",
        "lifecycleStateChange",
        "outputStatistics",
        "ownership",
        "parent",
        "processing_engine",
        "subset",
    }
    last = next(each for each in reversed(events) if each["job"]["name"] == RAW.name)
    # The version that was read is named, and files by their hashes.
    assert [each["name"] for each in last["inputs"]] == [
        f"prices/{next(iter(history.drops(history.commit(RAW.name, 1))[0]['2016-07-15']))}"
    ]
    assert last["outputs"][0]["outputFacets"]["subset"]["outputCondition"]["partitions"] == [
        {"dimensions": {"collected_on": "2016-07-15"}}
    ]
    runs = [each["run"]["runId"] for each in events if each["eventType"] == "COMPLETE"]
    assert len(set(runs)) == len(runs)


def test_prov_reads_back_what_was_written(world: TracedWorld) -> None:
    found = world.trace(ITEM.name, FIGURE)
    commits = [made.commit for made in found.origin.made.values()]
    document = ProvDocument.deserialize(content=prov.written(world.history, commits, {}), format="json")
    assert len(list(document.get_records(ProvActivity))) == len(commits)
    files = {str(each.identifier) for each in document.get_records(ProvEntity) if "file/" in str(each.identifier)}
    assert files == {f"ons:file/prices/raw_quotes/{each.sha256}" for each in found.files}
    derived = {tuple(str(each) for each in record.args[:2]) for record in document.get_records(ProvDerivation)}
    assert ("ons:table/prices/item_indices/1", "ons:table/prices/checked_quotes/1") in derived
    # Version 1 replaced a day, and has the others of version 0.
    assert ("ons:table/prices/raw_quotes/1", "ons:table/prices/raw_quotes/0") in derived
    assert prov.written(world.history, commits, {}, notation=True).startswith("document")


# --- the command


def test_the_command_says_it_and_how_it_fails(world: TracedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        code = 0
        try:
            main(["trace", *arguments, "--home", str(world.settings.home)])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    code, said = run(ITEM.name, "--where", FIGURE, "--json")
    assert (code, json.loads(said)["figure"]["row"]["method"]) == (0, "jevons")
    assert json.loads(said)["exact"] is True
    code, said = run("--all")
    assert (code, said.splitlines()[-1]) == (0, "5 versions, 0 of which can no longer be verified")
    code, said = run("--all", "--format", "openlineage")
    assert (code, len(said.splitlines())) == (0, 20)
    for arguments, sentence in (
        ([], "say one of a table, --drop and --all"),
        ([ITEM.name, "--drop", "ab"], "say one of a table, --drop and --all"),
        (["--drop", "abcdefabcdef", "--verify"], "go with a table"),
        (["--drop", "abcdefabcdef"], "knows no file"),
        (["nosuch/table"], "there is no table 'nosuch/table'"),
        (["tweets/moves"], "tweets/moves has not been published yet"),
        ([ITEM.name, "--where", "frequency = 'month'"], "one is traced at a time"),
        (["--all", "--json"], "--all is written as text"),
    ):
        code, said = run(*arguments)
        assert (code, sentence in " ".join(said.split())) == (1, True), said
