"""A PostgreSQL server, spoken to by ADBC; of what it says of an error nothing is told but the kind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ons_assets.lakehouse.sql import literal

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Connection

OLDEST = 150_000
# Any number that no other program of the database is likely to take.
LOCK = 7_031_418_529_314
NO_DRIVER = "PostgreSQL is written by ADBC, which is not installed: pip install 'ons-assets[postgres]'"
# As pg_dump does: texts are sent as UTF-8, which a server of another encoding is to be told; times are for readers.
# Of whom the server hears nothing for minutes, the lock goes: by itself it waits for hours. What a version of it lacks
# is left out.
SESSION = {
    "client_encoding": "UTF8",
    **dict.fromkeys(("statement_timeout", "lock_timeout", "transaction_timeout"), "0"),
    **dict.fromkeys(("idle_session_timeout", "idle_in_transaction_session_timeout"), "0"),
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "tcp_user_timeout": "120s",
}
# The same of this side, by the names of libpq, where the address says nothing else.
PATIENCE = {
    "connect_timeout": "30",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "120000",
}
# A connection that broke holds the lock until the server sees it.
LOCK_SECONDS = 2
NOT_GIVEN = "55P03"
# What it says of a row names values of the row, which no log may have: kinds of errors, and no words of the server.
KINDS = {
    "08": "the connection broke",
    "25006": "the database may only be read, as a standby",
    "22": "a value does not fit its type",
    "22P05": "a text has a character that the encoding of the database lacks, which should be UTF8",
    "23": "a key does not hold",
    "28": "the server does not let us in",
    "3D": "there is no such database",
    "42501": "the user of the database may not do that",
    "53": "the server has no room, or too many connections",
    "55P03": "somebody reads what is to be replaced",
    "57": "the server was shut down, or the statement was cancelled",
}


class NotLoaded(RuntimeError):
    """The database was not loaded; the message is one sentence, without values."""


class Failed(NotLoaded):
    """A statement failed.

    Parameters
    ----------
    doing
        What was done, such as ``loading prices/raw_quotes``.
    state
        SQLSTATE; None if it was not the server that refused.
    otherwise
        What is said where there is no state.
    """

    def __init__(self, doing: str, state: str | None, otherwise: str = KINDS["08"]) -> None:
        self.state = state
        kind = next((KINDS[state[:end]] for end in (5, 2) if state and state[:end] in KINDS), None)
        if kind is None:
            kind = f"the server says {state}" if state else otherwise
        super().__init__(f"{doing}: {kind}")


class Server:
    """A connection to a database, which nobody else loads meanwhile.

    Parameters
    ----------
    connection
        To it; every statement is a transaction of its own, but within `transaction`.
    """

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection

    def run(self, statement: str, doing: str) -> list[tuple[Any, ...]]:
        """Run one statement, and return its rows, none if it has none.

        Raises
        ------
        Failed
            If it failed.
        """
        with self._cursor(doing) as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def append(self, reader: "pa.RecordBatchReader", schema: str, table: str, doing: str) -> int:
        """Copy rows into a table as they are read, and return their number.

        Parameters
        ----------
        reader
            Gives the rows, some at a time.
        schema, table
            Where they go; columns have the names of those of the rows.
        doing
            What is said where it fails.

        Raises
        ------
        Failed
            If it failed.
        """
        import pyarrow as pa

        unread = []

        def batches() -> "Iterator[pa.RecordBatch]":
            try:
                yield from reader
            except Exception as error:
                unread.append(error)
                raise

        try:
            with self._cursor(doing) as cursor:
                rows = pa.RecordBatchReader.from_batches(reader.schema, batches())
                return int(cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema))
        except Failed:
            if unread:
                raise Failed(doing, None, "a file of the table cannot be read") from None
            raise

    @contextmanager
    def transaction(self, doing: str) -> Iterator[None]:
        """Run statements that are all done or none."""
        self.run("BEGIN", doing)
        try:
            yield
        except BaseException:
            # A connection that broke is rolled back by the server.
            with suppress(Failed):
                self.run("ROLLBACK", doing)
            raise
        self.run("COMMIT", doing)

    @contextmanager
    def _cursor(self, doing: str) -> Iterator[Any]:
        from adbc_driver_manager import Error

        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except Error as error:
            said = KINDS["08"] if error.sqlstate or not self._is_alive() else "the driver of the database refuses it"
            raise Failed(doing, error.sqlstate, said) from None

    def _is_alive(self) -> bool:
        from adbc_driver_manager import Error

        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            return False
        return True


def patient(uri: str) -> str:
    """Return an address with what it does not say of how long a server is waited for that is gone without a word."""
    said = parse_qs(uri.partition("?")[2], keep_blank_values=True)
    more = "&".join(f"{name}={value}" for name, value in PATIENCE.items() if name not in said)
    return f"{uri}{'&' if '?' in uri else '?'}{more}" if more else uri


@contextmanager
def connected(uri: str) -> Iterator[Server]:
    """Connect to a database, and keep others from loading it.

    Parameters
    ----------
    uri
        Of the database, without a password: libpq takes it from `PGPASSWORD`, a password file or a service file.

    Raises
    ------
    NotLoaded
        If the driver is not there, the server is not reached or older than 15, or somebody else loads the database.
    """
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise NotLoaded(NO_DRIVER) from None
    doing = "connecting to PostgreSQL"
    try:
        connection = dbapi.connect(patient(uri), autocommit=True)
    except Error as error:
        raise Failed(doing, error.sqlstate, "the server was not reached") from None
    with connection:
        server = Server(connection)
        [(version,)] = server.run("SELECT current_setting('server_version_num')::integer", doing)
        if version < OLDEST:
            raise NotLoaded(f"PostgreSQL is of version {version // 10_000}, and must be 15 or later")
        values = ", ".join(f"({literal(name)}, {literal(value)})" for name, value in SESSION.items())
        server.run(
            f"SELECT set_config(name, wanted, false) FROM (VALUES {values}) AS said (name, wanted) "
            "JOIN pg_settings USING (name)",
            doing,
        )
        try:
            server.run(f"SET lock_timeout = '{LOCK_SECONDS}s'", doing)
            server.run(f"SELECT pg_advisory_lock({LOCK})", doing)
            server.run("SET lock_timeout = 0", doing)
        except Failed as error:
            if error.state == NOT_GIVEN:
                raise NotLoaded("somebody else loads the PostgreSQL database") from None
            raise
        # The lock goes with the connection.
        yield server


def moment() -> str:
    """Return a number that grows, for names of what is put aside."""
    return str(time.time_ns())
