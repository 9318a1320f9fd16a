"""Connections to the feedback database; none waits long for it."""

import contextlib
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

# How long to wait for another process that writes, and for a server to connect or to answer.
_TIMEOUT_SECONDS = 2
# A server that is stopped, or behind a broken network, does not enforce its own timeout.
_CLIENT_TIMEOUT_SECONDS = 3


def connect(url: URL) -> Engine:
    """Return an engine for the SQLite file or the PostgreSQL server at `url`.

    A missing file is created, for its owner alone: what people wrote is private.
    """
    if is_sqlite(url):
        if url.database and not url.database.startswith("file:"):
            # If the file cannot be created, SQLite reports why.
            with contextlib.suppress(OSError):
                Path(url.database).touch(mode=0o600)
        engine = create_engine(url, connect_args={"timeout": _TIMEOUT_SECONDS})
        # Readers and the writer do not block each other, and a commit does not wait for the disk:
        # a power failure costs the last predictions, never the file.
        statements = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"]
    else:
        engine = _postgres_engine(url)
        statements = [f"SET statement_timeout = '{_TIMEOUT_SECONDS}s'"]

    @event.listens_for(engine, "connect")
    def run(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return engine


def _postgres_engine(url: URL) -> Engine:
    import psycopg  # noqa: PLC0415 - the extra postgres
    from psycopg.pq import TransactionStatus  # noqa: PLC0415

    class BoundedConnection(psycopg.Connection[Any]):
        """A connection that gives up a server that does not answer."""

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401
            try:
                return super().wait(gen, interval, timeout or _CLIENT_TIMEOUT_SECONDS)
            except psycopg.OperationalError:
                if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    self.close()
                raise

    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=_TIMEOUT_SECONDS,
        connect_args={"connect_timeout": _TIMEOUT_SECONDS},
    )

    @event.listens_for(engine, "do_connect")
    def connect_bounded(_dialect: object, _entry: object, arguments: Any, options: Any) -> Any:  # noqa: ANN401
        return BoundedConnection.connect(*arguments, **options)

    return engine


def is_sqlite(url: URL) -> bool:
    """Return whether the database is a file."""
    return url.get_backend_name() == "sqlite"


def file_id(url: URL) -> tuple[int, int] | None:
    """Identify the database file; None if there is none."""
    if not is_sqlite(url) or not url.database:
        return None
    try:
        status = Path(url.database).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
