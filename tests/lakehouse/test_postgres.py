"""The database for people in PostgreSQL, with a real server: what is published, keyed, and swapped under readers."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ons_assets.lakehouse import lake, postgres
from ons_assets.lakehouse.disclosure import Exempt
from ons_assets.lakehouse.home import Home
from ons_assets.lakehouse.postgres import statements
from ons_assets.lakehouse.tables import Catalogue, Column, Reference, Sensitivity, Table
from ons_assets.settings import BadSettings, load_settings
from tests.postgres_server import REQUIRED, ask, serving
from tests.workbench import COUNTS, PERSONS, provenance

DAY = date(2016, 7, 21)
MARKER = "MARKER4711"
ALL = tuple(Sensitivity)
OPEN = (Sensitivity.PUBLIC, Sensitivity.AGGREGATE)

EVERY_TYPE = Table(
    name="reference/every_type",
    description="One of each type; it's quoted.",
    columns=(
        Column("name", pl.String(), "text"),
        Column("user", pl.Int64(), "a word of SQL"),
        Column("yes", pl.Boolean(), "truth", nullable=True),
        Column("tiny", pl.Int8(), "8 bits", nullable=True),
        Column("small", pl.Int16(), "16 bits", nullable=True),
        Column("middle", pl.Int32(), "32 bits", nullable=True),
        Column("single", pl.Float32(), "short", nullable=True),
        Column("double", pl.Float64(), "long", nullable=True),
        Column("day", pl.Date(), "day", nullable=True),
        Column("at_utc", pl.Datetime("us", "UTC"), "moment", nullable=True),
        Column("readings_kwh", pl.List(pl.Float32()), "list", nullable=True),
        Column("days", pl.List(pl.Date()), "list of days", nullable=True),
        Column("easting_m", pl.Float64(), "east", nullable=True),
        Column("northing_m", pl.Float64(), "north", nullable=True),
    ),
    key=("name", "user"),
    sensitivity=Sensitivity.AGGREGATE,
    disclosure=Exempt("made for a test"),
    owner="team:tests",
    source="nowhere",
)
TRIPS = Table(
    name="reference/trips",
    description="One trip.",
    columns=(Column("trip", pl.Int64(), "number"), Column("day", pl.Date(), "of the day", nullable=True)),
    key=("trip",),
    sensitivity=Sensitivity.PUBLIC,
    owner="team:tests",
    source="nowhere",
    references=(Reference(("day",), COUNTS.name),),
)
CATALOGUE = Catalogue([COUNTS, PERSONS, EVERY_TYPE, TRIPS])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as uri:
        yield uri


@pytest.fixture
def uri(server: str) -> Iterator[str]:
    yield server
    for (name,) in ask(server, "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'ons%' OR nspname = 'mine'"):
        ask(server, f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "the office's home").ensure()
    publish(home, COUNTS, {"day": [DAY], "trips": [1]})
    publish(home, PERSONS, {"day": [DAY], "person": [MARKER], "note": [None], "distance_km": [1.0]})
    return home


def publish(home: Home, table: Table, rows: dict[str, list[Any]]) -> None:
    lake.publish(home, table, pl.LazyFrame(rows, schema=table.schema), provenance())


def load(uri: str, home: Home, sensitivities: tuple[Sensitivity, ...] = OPEN, **others: Any) -> postgres.Loaded:
    return postgres.load(uri, home, CATALOGUE, sensitivities, **others)


def test_every_value_is_as_it_was_published(uri: str, home: Home) -> None:
    rows = {
        "name": ["a 'quoted' name", "zwölf"], "user": [2**62, -1], "yes": [True, None], "tiny": [-128, None],
        "small": [2**15 - 1, None], "middle": [-(2**31), None], "single": [0.1, None], "double": [0.1, float("nan")],
        "day": [date(1900, 2, 28), None], "at_utc": [datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC), None],
        "readings_kwh": [[0.5, None, float("nan")], []], "days": [[DAY], None],
        "easting_m": [530000.25, None], "northing_m": [180000.5, None],
    }  # fmt: skip
    publish(home, EVERY_TYPE, rows)
    assert load(uri, home).rows == {COUNTS.name: 1, EVERY_TYPE.name: 2}
    published = lake.read(home, EVERY_TYPE).collect().sort(EVERY_TYPE.key)
    names = ", ".join(f'"{name}"' for name in EVERY_TYPE.column_names)
    loaded = ask(uri, f'SELECT {names} FROM ons_aggregate.reference_every_type ORDER BY name COLLATE "C", "user"')
    # As text, in which not-a-number is itself.
    assert [str(row) for row in loaded] == [str(row) for row in published.rows()]


def test_tables_have_their_key_their_comments_and_nothing_that_may_be_empty_in_it(uri: str, home: Home) -> None:
    load(uri, home, comments={COUNTS.name: "Owner: tests."})
    kinds = "SELECT contype::text FROM pg_constraint WHERE conrelid = 'ons_public.{}'::regclass"
    [of_counts] = [ask(uri, kinds.format(statements.name_of(COUNTS.name)))]
    assert ("p",) in of_counts
    [(said,)] = ask(uri, f"SELECT obj_description('ons_public.{statements.name_of(COUNTS.name)}'::regclass)")
    assert said == f"{COUNTS.description} Owner: tests."
    with pytest.raises(Exception, match="null value"):
        ask(uri, f"INSERT INTO ons_public.{statements.name_of(COUNTS.name)} (trips) VALUES (1)")


def test_what_is_about_people_is_off_unless_it_is_asked_for_and_goes_when_it_is_not(uri: str, home: Home) -> None:
    load(uri, home)
    schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'ons%' ORDER BY 1"
    assert ask(uri, schemas) == [("ons_aggregate",), ("ons_public",)]
    load(uri, home, ALL)
    assert ask(uri, schemas) == [("ons_aggregate",), ("ons_individual",), ("ons_public",)]
    table = f"ons_individual.{statements.name_of(PERSONS.name)}"
    for role, may in (("individual", True), ("aggregate", False), ("public", False)):
        reader = f"ons_{role}_reader"
        query = f"SELECT has_schema_privilege('{reader}', 'ons_individual', 'USAGE')"
        assert ask(uri, query) == [(may,)]
        assert ask(uri, f"SELECT has_table_privilege('{reader}', '{table}'::regclass, 'SELECT')") == [(may,)]
    load(uri, home)
    assert ask(uri, schemas) == [("ons_aggregate",), ("ons_public",)]


def test_readers_in_a_loop_see_one_version_or_the_other_and_never_nothing(uri: str, home: Home) -> None:
    many = 2_000
    days = {number: date(2020, 1, number) for number in (1, 2)}
    publish(home, TRIPS, {"trip": list(range(many)), "day": [days[1]] * many})
    load(uri, home)
    ended, seen, faults = threading.Event(), set(), []
    query = "SELECT count(*), min(day), max(day) FROM ons_public.reference_trips"

    def look() -> None:
        try:
            while not ended.is_set():
                seen.update(ask(uri, query))
        except Exception as error:
            faults.append(str(error))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in (2, 1, 2, 1, 2):
        publish(home, TRIPS, {"trip": list(range(many)), "day": [days[number]] * many})
        load(uri, home)
    ended.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert seen == {(many, day, day) for day in days.values()}


def test_who_still_reads_a_former_table_keeps_it_and_it_goes_later(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ons_assets.lakehouse.postgres.former.PATIENCE_SECONDS", 1)
    load(uri, home)
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    former = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ons_public_old%'"
    query = f"SELECT trips FROM ons_public.{statements.name_of(COUNTS.name)}"
    with closing(dbapi.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        assert cursor.fetchall() == [(1,)]
        publish(home, COUNTS, {"day": [DAY], "trips": [2]})
        [left] = load(uri, home).left
        assert left.startswith("ons_public_old_")
        assert ask(uri, former) == [(1,)]
        assert ask(uri, query) == [(2,)]
    load(uri, home)
    assert ask(uri, former) == [(0,)]


def test_views_of_others_show_the_new_tables_and_what_cannot_keeps_the_old_ones(uri: str, home: Home) -> None:
    load(uri, home)
    table = f"ons_public.{statements.name_of(COUNTS.name)}"
    ask(uri, "CREATE SCHEMA mine")
    ask(uri, f"CREATE VIEW mine.most AS SELECT max(trips) AS most FROM {table}")
    ask(uri, f"CREATE MATERIALIZED VIEW mine.kept AS SELECT trips FROM {table}")
    publish(home, COUNTS, {"day": [DAY], "trips": [2]})
    assert load(uri, home).behind == ["mine.kept"]
    assert ask(uri, "SELECT * FROM mine.most") == [(2,)]
    assert ask(uri, "SELECT * FROM mine.kept") == [(1,)]
    ask(uri, "DROP MATERIALIZED VIEW mine.kept")
    again = load(uri, home)
    assert (again.behind, again.left) == ([], [])
    assert ask(uri, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ons_%_old%'") == [(0,)]


def test_of_what_is_about_people_no_view_of_others_keeps_a_former_row(uri: str, home: Home) -> None:
    load(uri, home, ALL)
    ask(uri, "CREATE SCHEMA mine")
    ask(uri, f"CREATE MATERIALIZED VIEW mine.people AS SELECT * FROM ons_individual.{statements.name_of(PERSONS.name)}")
    publish(home, PERSONS, {"day": [DAY], "person": ["another"], "note": [None], "distance_km": [1.0]})
    again = load(uri, home, ALL)
    assert (again.behind, again.left) == (["mine.people"], [])
    assert ask(uri, "SELECT count(*) FROM pg_class WHERE relname = 'people'") == [(0,)]


def test_views_of_others_keep_their_options(uri: str, home: Home) -> None:
    load(uri, home)
    ask(uri, "CREATE SCHEMA mine")
    table = f"ons_public.{statements.name_of(COUNTS.name)}"
    ask(uri, f"CREATE VIEW mine.v WITH (security_invoker, security_barrier) AS SELECT * FROM {table}")
    ask(uri, f"CREATE VIEW mine.checked AS SELECT * FROM {table} WHERE trips < 5 WITH LOCAL CHECK OPTION")
    options = "SELECT array_to_string(reloptions, ' ') FROM pg_class WHERE relname IN ('v', 'checked') ORDER BY relname"
    before = ask(uri, options)
    load(uri, home)
    assert ask(uri, options) == before != [(None,), (None,)]


def test_a_view_that_somebody_reads_holds_up_nobody_and_is_renewed_by_the_next_load(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ons_assets.lakehouse.postgres.former.PATIENCE_SECONDS", 1)
    load(uri, home, ALL)
    ask(uri, "CREATE SCHEMA mine")
    ask(uri, f"CREATE VIEW mine.v AS SELECT trips FROM ons_public.{statements.name_of(COUNTS.name)}")
    publish(home, COUNTS, {"day": [DAY], "trips": [2]})
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    with closing(dbapi.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT trips FROM mine.v")
        assert cursor.fetchall() == [(1,)]
        assert load(uri, home, ALL).behind == ["mine.v"]
    assert ask(uri, "SELECT trips FROM mine.v") == [(1,)]
    again = load(uri, home, ALL)
    assert (again.behind, again.left) == ([], [])
    assert ask(uri, "SELECT trips FROM mine.v") == [(2,)]


@pytest.mark.parametrize("step", ["renewed", "swept"])
def test_a_load_that_ends_after_the_swap_costs_no_view(
    uri: str, home: Home, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home, ALL)
    ask(uri, "CREATE SCHEMA mine")
    ask(uri, f"CREATE VIEW mine.people AS SELECT person FROM ons_individual.{statements.name_of(PERSONS.name)}")
    publish(home, PERSONS, {"day": [DAY], "person": ["another"], "note": [None], "distance_km": [1.0]})
    swap = postgres.loading._swap

    def swap_and_end(*arguments: Any) -> list[str]:
        monkeypatch.setattr(postgres.loading, step, end)
        return swap(*arguments)

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context():
        monkeypatch.setattr(postgres.loading, "_swap", swap_and_end)
        with pytest.raises(KeyboardInterrupt):
            load(uri, home, ALL)
        monkeypatch.undo()
    again = load(uri, home, ALL)
    assert (again.behind, again.left) == ([], [])
    assert ask(uri, "SELECT person FROM mine.people") == [("another",)]


def test_what_was_put_aside_and_cannot_be_deleted_is_no_load_that_failed(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    publish(home, COUNTS, {"day": [DAY], "trips": [2]})
    run = postgres.server.Server.run

    def refused(self: Any, statement: str, doing: str) -> Any:
        if statement.startswith("DROP SCHEMA"):
            raise postgres.server.Failed(doing, "53200")
        return run(self, statement, doing)

    with monkeypatch.context() as patch:
        patch.setattr(postgres.server.Server, "run", refused)
        left = load(uri, home).left
    assert [name.rpartition("_")[0] for name in left] == ["ons_public_old", "ons_aggregate_old"]
    assert ask(uri, f"SELECT trips FROM ons_public.{statements.name_of(COUNTS.name)}") == [(2,)]
    assert load(uri, home).left == []


def test_what_others_built_on_a_table_is_not_deleted_with_it(uri: str, home: Home) -> None:
    load(uri, home)
    table = f"ons_public.{statements.name_of(COUNTS.name)}"
    built = (
        f"TABLE mine.child (note text) INHERITS ({table})",
        f"TABLE mine.referring (day date REFERENCES {table})",
        f"TABLE mine.rows (whole {table})",
        f"FUNCTION mine.most() RETURNS bigint LANGUAGE SQL BEGIN ATOMIC SELECT max(trips)::bigint FROM {table}; END",
    )
    things = """
        SELECT count(*) FROM pg_depend WHERE deptype = 'n' AND refclassid = 'pg_namespace'::regclass
            AND refobjid = to_regnamespace('mine')
        UNION ALL SELECT count(*) FROM pg_constraint WHERE connamespace = to_regnamespace('mine') AND contype = 'f'
        UNION ALL SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('mine.rows') AND atttypid <> 0
            AND attnum > 0
    """
    for made in built:
        ask(uri, "CREATE SCHEMA mine")
        ask(uri, f"CREATE {made}")
        if "child" in made:
            ask(uri, "INSERT INTO mine.child VALUES ('2020-01-01', 7, 'mine')")
        before = ask(uri, things)
        again = load(uri, home)
        assert again.rows == {COUNTS.name: 1}, made
        assert [name.rpartition("_")[0] for name in again.left] == ["ons_public_old"], made
        assert ask(uri, things) == before, made
        ask(uri, "DROP SCHEMA mine CASCADE")
        assert load(uri, home).left == [], made


def test_a_table_that_somebody_deleted_is_loaded_again(uri: str, home: Home) -> None:
    load(uri, home)
    table = f"ons_public.{statements.name_of(COUNTS.name)}"
    ask(uri, f"DROP TABLE {table}")
    assert load(uri, home).rows == {COUNTS.name: 1}
    assert ask(uri, f"SELECT trips FROM {table}") == [(1,)]


def test_texts_are_right_in_a_database_of_another_encoding_and_what_it_lacks_is_said(uri: str, home: Home) -> None:
    ask(uri, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    latin = uri.replace("/postgres?", "/latin?")
    try:
        people = {"day": [DAY], "note": [None], "distance_km": [1.0]}
        publish(home, PERSONS, {**people, "person": ["zwölf"]})
        load(latin, home, ALL)
        length = f"SELECT length(person) FROM ons_individual.{statements.name_of(PERSONS.name)}"
        assert ask(latin, length) == [(5,)]
        publish(home, PERSONS, {**people, "person": ["漢"]})
        with pytest.raises(postgres.NotLoaded, match="the encoding of the database lacks"):
            load(latin, home, ALL)
    finally:
        ask(uri, "DROP DATABASE latin")


def test_nul_in_a_text_is_the_sign_for_what_cannot_be_told(uri: str, home: Home) -> None:
    publish(home, PERSONS, {"day": [DAY], "person": ["a\0b\0"], "note": [None], "distance_km": [1.0]})
    load(uri, home, ALL)
    table = f"ons_individual.{statements.name_of(PERSONS.name)}"
    assert ask(uri, f"SELECT person, note FROM {table}") == [("a\ufffdb\ufffd", None)]


def test_times_that_are_for_readers_end_no_load(uri: str, home: Home) -> None:
    many = 500_000
    publish(home, TRIPS, {"trip": list(range(many)), "day": [DAY] * many})
    assert load(uri.replace("?", "?options=-cstatement_timeout%3D50&"), home).rows[TRIPS.name] == many


def test_references_are_foreign_keys_and_one_that_does_not_hold_is_told_and_costs_nothing(uri: str, home: Home) -> None:
    publish(home, TRIPS, {"trip": [1, 2], "day": [DAY, None]})
    keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
    assert load(uri, home).unkept == []
    assert ask(uri, keys) == [(1,)]
    publish(home, TRIPS, {"trip": [1, 2], "day": [DAY, date(2020, 1, 1)]})
    assert load(uri, home).unkept == [f"day of {TRIPS.name} is not always in {COUNTS.name}"]
    assert ask(uri, keys) == [(0,)]
    assert ask(uri, "SELECT count(*) FROM ons_public.reference_trips") == [(2,)]


def test_a_load_that_fails_tells_no_value_and_leaves_what_was_there(uri: str, home: Home) -> None:
    load(uri, home, ALL)
    two = {"day": [DAY] * 2, "person": [MARKER, "other"], "note": [None] * 2, "distance_km": [1.0, 2.0]}
    keyless = replace(PERSONS, key=("day",))
    publish(home, COUNTS, {"day": [DAY], "trips": [3]})
    publish(home, PERSONS, two)
    with pytest.raises(postgres.NotLoaded, match=f"^loading {PERSONS.name}: a key does not hold$") as raised:
        postgres.load(uri, home, Catalogue([COUNTS, keyless]), ALL)
    assert raised.value.__cause__ is None
    assert ask(uri, f"SELECT trips FROM ons_public.{statements.name_of(COUNTS.name)}") == [(1,)]
    load(uri, home, ALL)
    assert ask(uri, f"SELECT trips FROM ons_public.{statements.name_of(COUNTS.name)}") == [(3,)]


def test_a_table_that_has_not_changed_is_copied_on_the_server(
    uri: str, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(uri, home)
    sent: list[str] = []
    append = postgres.server.Server.append
    monkeypatch.setattr(
        "ons_assets.lakehouse.postgres.server.Server.append",
        lambda self, reader, schema, table, doing: sent.append(table) or append(self, reader, schema, table, doing),
    )
    publish(home, TRIPS, {"trip": [1], "day": [None]})
    assert load(uri, home).rows == {COUNTS.name: 1, TRIPS.name: 1}
    assert sent == ["reference_trips"]


def test_two_do_not_load_at_once(uri: str, home: Home) -> None:
    with postgres.server.connected(uri), pytest.raises(postgres.NotLoaded, match="somebody else"):
        load(uri, home)


def test_a_server_that_is_not_there_is_a_sentence(home: Home, tmp_path: Path) -> None:
    with pytest.raises(postgres.NotLoaded, match="connecting to PostgreSQL: the server was not reached"):
        load(f"postgresql://somebody@/nothing?host={tmp_path}", home)


def test_an_unsigned_number_of_64_bits_is_refused_before_anything_is_loaded() -> None:
    table = replace(TRIPS, columns=(Column("trip", pl.UInt64(), "number"),), references=())
    with pytest.raises(postgres.NoType, match="no type for trip of reference/trips, which is UInt64"):
        statements.created(table, "x", None)


def test_positions_are_geometry_where_there_is_postgis(uri: str, home: Home) -> None:
    if ask(uri, "SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'") == []:
        assert not REQUIRED, "PostGIS is to be there"
        pytest.skip("PostGIS is not installed")
    rows = {name: [None] * 2 for name in EVERY_TYPE.column_names}
    publish(home, EVERY_TYPE, {**rows, "name": ["here", "nowhere"], "user": [1, 2], "easting_m": [530000.25, None],
                               "northing_m": [180000.5, None]})  # fmt: skip
    where = "SELECT ST_AsEWKT(position) FROM ons_aggregate.reference_every_type ORDER BY name"
    for grid, found in ((None, None), (postgres.grid_of("EPSG:27700"), "SRID=27700;POINT(530000.25 180000.5)")):
        # Where names are looked up, and where they are not.
        ask(uri, "CREATE SCHEMA mine")
        ask(uri, f"CREATE EXTENSION postgis SCHEMA {'public' if grid is None else 'mine'}")
        try:
            load(uri, home, grid=grid)
            if grid is None:
                with pytest.raises(Exception, match="position"):
                    ask(uri, where)
            else:
                where = where.replace("ST_AsEWKT", "mine.ST_AsEWKT")
                assert ask(uri, where) == [(found,), (None,)]
        finally:
            ask(uri, "DROP EXTENSION postgis CASCADE")
            ask(uri, "DROP SCHEMA mine CASCADE")
    assert postgres.grid_of("ESRI:102001") is None
    load(uri, home, grid=postgres.grid_of("EPSG:27700"))
    assert ask(uri, "SELECT easting_m FROM ons_aggregate.reference_every_type ORDER BY name") == [(530000.25,), (None,)]


@pytest.mark.parametrize(
    "address",
    [
        *("postgresql://u:SECRET@h/d", "postgresql://u@h/d?password=SECRET", "mysql://u:SECRET@h/d"),
        # Which libpq takes for passwords, or somebody who does not know how they are written.
        *("postgresql://u:SECRET#1@h/d", "postgresql://u:SECRET?1@h/d", "postgresql://u:SECRET/1@h/d"),
        *("postgresql://u@h/d#?password=SECRET", "postgresql://u@h/d?sslpassword=SECRET"),
        *("postgresql://u@h/d?%70assword=SECRET", "postgresql://u@h/d?oauth_client_secret=SECRET"),
    ],
)
def test_no_password_stands_in_the_settings_and_none_is_repeated(tmp_path: Path, address: str) -> None:
    (tmp_path / "ons-assets.toml").write_text(f'[warehouse]\npostgres = "{address}"\n')
    with pytest.raises(BadSettings) as raised:
        load_settings(tmp_path)
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    "address",
    ["postgresql://u@h:5432/d?sslmode=verify-full", "postgres://?service=x", "postgresql://u@/d?host=/a:b&passfile=/c"],
)
def test_an_address_without_a_password_is_taken(tmp_path: Path, address: str) -> None:
    (tmp_path / "ons-assets.toml").write_text(f'[warehouse]\npostgres = "{address}"\n')
    assert load_settings(tmp_path).warehouse.postgres == address
